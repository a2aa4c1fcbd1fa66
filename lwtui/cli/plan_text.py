"""Plans as plain text, which the user can edit and pass to ``lwtui write --plan``."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import regex

from lwtui.agentwrite.plan_format import PlanError
from lwtui.agentwrite.plan_repair import parse_plan
from lwtui.documents.model import Brief, Plan
from lwtui.documents.outline import outline_numbers, subtree_totals
from lwtui.documents.section_kind import SectionKind
from lwtui.errors import UsageError
from lwtui.text import clean, counts_characters
from lwtui.translation import _, _n

_WIDTH = 96
_OWN_UNITS = (_("words"), _("characters"))
# Lengths are read as show_plan prints them, in English and in the language of lwtui.
_UNIT = f"(?:{'|'.join(['words?', 'characters?', *map(regex.escape, _OWN_UNITS)])})"


def _total(words: int, unit: str, sections: int) -> str:
    return _n(
        "{words:,} {unit} in {count} section", "{words:,} {unit} in {count} sections", sections, words=words, unit=unit
    )


def _total_pattern(sections: int) -> str:
    """Return a pattern of what :func:`_total` returns for any length and for numbers in the form of ``sections``."""
    example = regex.escape(_total(0, "UNIT", sections), literal_spaces=True)
    return example.replace(str(sections), r"\d+").replace("0", r"[\d,]+", 1).replace("UNIT", _UNIT)


_OWN_TOTAL = "|".join({_total_pattern(sections): "" for sections in (1, 2, 5)})  # languages have up to six forms
_TOTAL = regex.compile(rf"[\d,]+ (?:words|characters) in \d+ sections?|{_OWN_TOTAL}")
# Numbers are near the left margin, and main points are indented further. 2.1 is within 2, whose length is the total.
_ENTRY = regex.compile(
    r" {0,3}(?P<number>\d+(?:\.\d+)+(?=[.)]?\s)|\d+(?=[.)]))[.)]?\s+(?P<title>.*\S)\s+"
    rf"\((?:(?P<words>\d[\d,]*)(?: {_UNIT})?(?P<sum> in \d+ sections?)?|(?P<sum>{_OWN_TOTAL}))"
    r"(?:, (?P<kind>[^\s()]+))?\)\s*"
)
_MAX_BYTES = 2**22


def unit_of(language: str) -> str:
    """Return the unit of lengths in ``language``, as users read it: "words" or "characters"."""
    return _("characters") if counts_characters(language) else _("words")


def show_plan(plan: Plan, language: str) -> str:
    """Format a plan as a numbered list, which :func:`read_plan` reads."""
    unit, own = unit_of(language), [section.words for section in plan.sections]
    named, words, counts = (
        outline_numbers(plan),
        subtree_totals(plan, own),
        subtree_totals(plan, [int(own_words > 0) for own_words in own]),
    )
    lines = [plan.title, _total(plan.words, unit, sum(own_words > 0 for own_words in own))]
    for at, section in enumerate(plan.sections):
        size = f"{section.words:,} {unit}" if section.words else _total(words[at], unit, counts[at])
        size += "" if section.kind is SectionKind.PROSE else f", {section.kind}"
        number = f"{named[at]:>2}." if section.level == 1 else f"{' ' * min(3, section.level)}{named[at]}"
        lines += ["", f"{number} {section.title} ({size})"]
        lines += textwrap.wrap(
            section.main_point, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4, break_on_hyphens=False
        )
    return "\n".join(lines)


def load_plan(file: Path, instruction: str, words: int | None) -> Plan:
    """Read a plan from a file: JSON, the step lines of the paper, or the list that ``lwtui plan`` prints.

    Args:
        file: The file.
        instruction: What to write; it provides a title if the plan has none.
        words: The length that the targets are scaled to; ``None`` keeps them.

    Raises:
        UsageError: The file cannot be read, or is not a usable plan.
    """
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise UsageError(_("{file} is too large to be a plan.", file=file), code="too-large")
        return read_plan(file.read_text(encoding="utf-8-sig"), instruction, words)
    except OSError as error:
        raise UsageError(
            _("Cannot read the plan {file}: {strerror}.", file=file, strerror=error.strerror), code="unreadable"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(_("Cannot read the plan {file}: it is not UTF-8 text.", file=file), code="not-utf8") from None
    except PlanError as error:
        raise UsageError(
            _("The plan in {file} is not usable: {finding}", file=file, finding=error.findings[0]),
            code="unusable-plan",
        ) from None


def read_plan(text: str, instruction: str, words: int | None) -> Plan:
    """Read a plan from a text, like :func:`load_plan`.

    Raises:
        PlanError: It is not a usable plan.
    """
    raw = clean(text)
    if any(_ENTRY.fullmatch(line) for line in raw.split("\n")):
        raw = json.dumps(_from_list(raw))
    return parse_plan(raw, Brief(instruction, words or 0), strict=True)


def _next_number(last: list[int], depth: int) -> list[int]:
    """Return the number that follows ``last`` on the level ``depth``."""
    kept = last[:depth] if depth <= len(last) else [*last, 0]
    return [*kept[:-1], kept[-1] + 1]


def _from_list(text: str) -> dict[str, object]:
    """Convert a numbered list to the JSON form. Lines that do not belong there raise :class:`PlanError`."""
    title: list[str] = []
    entries: list[dict[str, object]] = []
    points: list[list[str]] = []
    numbers: list[int] = []
    for line in text.split("\n"):
        if match := _ENTRY.fullmatch(line):
            given = [int(part) for part in match["number"].split(".")]
            numbers = _next_number(numbers, len(given))
            if given != numbers:
                finding = _(
                    "Expected section {expected}, but found {found}.",
                    expected=".".join(map(str, numbers)),
                    found=match["number"],
                )
                raise PlanError(finding, (finding,), text)
            words = 0 if match["sum"] else int(match["words"].replace(",", ""))
            entry = {"title": match["title"], "words": words, "level": len(given)}
            entries.append(entry | ({"kind": match["kind"]} if match["kind"] else {}))
            points.append([])
        elif not line.strip() or (not entries and _TOTAL.fullmatch(line.strip())):
            continue
        else:
            (points[-1] if points else title).append(line.strip())
    for entry, point in zip(entries, points, strict=True):
        entry["main_point"] = " ".join(point)
    return {"title": " ".join(title), "sections": entries}
