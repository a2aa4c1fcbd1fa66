"""A plan as a text that a person reads, edits in any editor, and gives back with ``lwtui write --plan``."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import regex

from lwtui.agentwrite.plan_format import PlanError, parse_plan
from lwtui.documents.model import Brief, Plan
from lwtui.documents.outline import labels, sums
from lwtui.errors import UsageError
from lwtui.text import clean, counts_characters

_WIDTH = 96
_TOTAL = regex.compile(r"[\d,]+ (?:words|characters) in \d+ sections?")
# Numbers stand at the left margin, main points further in. 2.1 is within 2, whose own length is that of all within it.
_ENTRY = regex.compile(
    r" {0,3}(?P<number>\d+(?:\.\d+)+(?=[.)]?\s)|\d+(?=[.)]))[.)]?\s+(?P<title>.*\S)\s+"
    r"\((?P<words>\d[\d,]*)(?: (?:words?|characters?))?(?P<sum> in \d+ sections?)?\)\s*"
)
_MOST_BYTES = 2**22


def unit_of(language: str) -> str:
    """What lengths in ``language`` count."""
    return "characters" if counts_characters(language) else "words"


def show_plan(plan: Plan, language: str) -> str:
    """The plan as a numbered list; :func:`read_plan` reads it again."""
    unit, own = unit_of(language), [section.words for section in plan.sections]
    named, words, counts = labels(plan), sums(plan, own), sums(plan, [int(one > 0) for one in own])
    lines = [plan.title, f"{plan.words:,} {unit} in {_counted(sum(one > 0 for one in own))}"]
    for at, section in enumerate(plan.sections):
        size = f"{section.words:,} {unit}" if section.words else f"{words[at]:,} {unit} in {_counted(counts[at])}"
        number = f"{named[at]:>2}." if section.level == 1 else f"{' ' * min(3, section.level)}{named[at]}"
        lines += ["", f"{number} {section.title} ({size})"]
        lines += textwrap.wrap(
            section.main_point, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4, break_on_hyphens=False
        )
    return "\n".join(lines)


def _counted(count: int) -> str:
    return f"{count} section{'s' if count != 1 else ''}"


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


def _due(last: list[int], depth: int) -> list[int]:
    """The number that comes after ``last`` on a level."""
    kept = last[:depth] if depth <= len(last) else [*last, 0]
    return [*kept[:-1], kept[-1] + 1]


def _from_list(text: str) -> dict[str, object]:
    """The JSON form of a numbered list. What does not belong in it is a finding, not dropped."""
    title: list[str] = []
    entries: list[dict[str, object]] = []
    points: list[list[str]] = []
    numbers: list[int] = []
    for line in text.split("\n"):
        if match := _ENTRY.fullmatch(line):
            came = [int(part) for part in match["number"].split(".")]
            numbers = _due(numbers, len(came))
            if came != numbers:
                finding = f"Section {'.'.join(map(str, numbers))} was due, but number {match['number']} came."
                raise PlanError(finding, (finding,), text)
            words = 0 if match["sum"] else int(match["words"].replace(",", ""))
            entries.append({"title": match["title"], "words": words, "level": len(came)})
            points.append([])
        elif not line.strip() or (not entries and _TOTAL.fullmatch(line.strip())):
            continue
        else:
            (points[-1] if points else title).append(line.strip())
    for entry, point in zip(entries, points, strict=True):
        entry["main_point"] = " ".join(point)
    return {"title": " ".join(title), "sections": entries}
