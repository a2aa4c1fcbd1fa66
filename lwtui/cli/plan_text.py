"""A plan as a text that a person reads, edits in any editor, and gives back with ``lwtui write --plan``."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import regex

from lwtui.agentwrite.plan_format import PlanError, parse_plan
from lwtui.documents.model import Brief, Plan
from lwtui.errors import UsageError
from lwtui.text import clean, counts_characters

_WIDTH = 96
_TOTAL = regex.compile(r"[\d,]+ (?:words|characters) in \d+ sections?")
# Numbers stand at the left margin, main points further in.
_ENTRY = regex.compile(
    r" {0,3}(?P<number>\d+)[.)]\s+(?P<title>.*\S)\s+\((?P<words>\d[\d,]*)(?: (?:words?|characters?))?\)\s*"
)
_MOST_BYTES = 2**22


def unit_of(language: str) -> str:
    """What lengths in ``language`` count."""
    return "characters" if counts_characters(language) else "words"


def show_plan(plan: Plan, language: str) -> str:
    """The plan as a numbered list; :func:`read_plan` reads it again."""
    unit, count = unit_of(language), len(plan.sections)
    lines = [plan.title, f"{plan.words:,} {unit} in {count} section{'s' if count != 1 else ''}"]
    for number, section in enumerate(plan.sections, 1):
        lines += ["", f"{number:>2}. {section.title} ({section.words:,} {unit})"]
        lines += textwrap.wrap(
            section.main_point, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4, break_on_hyphens=False
        )
    return "\n".join(lines)


def load_plan(file: Path, instruction: str, words: int | None) -> Plan:
    """The plan in a file: JSON, the paper's step lines, or the list that ``lwtui plan`` prints.

    Its targets are scaled to ``words``, or stay as they are for ``None``. Raises :class:`UsageError`.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{file} is too large to be a plan.")
        return read_plan(file.read_text(encoding="utf-8-sig"), instruction, words)
    except OSError as error:
        raise UsageError(f"Cannot read the plan {file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"Cannot read the plan {file}: it is not UTF-8 text.") from None
    except PlanError as error:
        raise UsageError(f"The plan in {file} cannot be used: {error.findings[0]}") from None


def read_plan(text: str, instruction: str, words: int | None) -> Plan:
    """As :func:`load_plan`, from a text. Raises :class:`PlanError` with every finding."""
    raw = clean(text)
    if any(_ENTRY.fullmatch(line) for line in raw.split("\n")):
        raw = json.dumps(_from_list(raw))
    return parse_plan(raw, Brief(instruction, words or 0))


def _from_list(text: str) -> dict[str, object]:
    """The JSON form of a numbered list. What does not belong in it is a finding, not dropped."""
    title: list[str] = []
    entries: list[dict[str, object]] = []
    points: list[list[str]] = []
    for line in text.split("\n"):
        if match := _ENTRY.fullmatch(line):
            if int(match["number"]) != len(entries) + 1:
                finding = f"Section {len(entries) + 1} was due, but number {match['number']} came."
                raise PlanError(finding, (finding,), text)
            entries.append({"title": match["title"], "words": int(match["words"].replace(",", ""))})
            points.append([])
        elif not line.strip() or (not entries and _TOTAL.fullmatch(line.strip())):
            continue
        else:
            (points[-1] if points else title).append(line.strip())
    for entry, point in zip(entries, points, strict=True):
        entry["main_point"] = " ".join(point)
    return {"title": " ".join(title), "sections": entries}
