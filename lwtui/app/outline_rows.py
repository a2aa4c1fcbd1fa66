"""The plan as rows of a list: what each section says, or how far its text is; nested, with parts that are folded."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from lwtui.app.format import MARKS, number
from lwtui.app.widgets.row_list import Row
from lwtui.documents.model import Plan, Section, Status
from lwtui.documents.outline import is_group, numbers, parents, sums
from lwtui.documents.store import Document

STALE_MARK = "↻"
_FOLDED, _OPEN = "▸ ", "▾ "
_SETTING = "folded"  # of the document


def plan_rows(document: Document, folded: Collection[str], stale: Collection[str] = ()) -> list[Row]:
    """A row for each section that is not within a folded one: number, title, main point, words, mark.

    A part shows the sum of the targets within it, and how far all of them are together.
    """
    plan, sections = document.plan, document.sections()
    nested = plan.nested
    above, counted = parents(plan), numbers(plan)
    targets = sums(plan, [section.words for section in sections])
    hidden: set[int] = set()
    rows = []
    for at, section in enumerate(sections):
        parent = above[at]
        if parent is not None and (parent in hidden or sections[parent].id in folded):
            hidden.add(at)
            continue
        within = [sections[one] for one in _within(above, at)]
        status = _status([section, *within])
        mark = STALE_MARK if section.id in stale or (section.id in folded and _any(within, stale)) else MARKS[status]
        fold = (_FOLDED if section.id in folded else _OPEN) if within else "  "
        rows.append(
            Row(
                section.id,
                (
                    str(counted[at]) if section.words else "",
                    section.title or "(no heading)",
                    section.main_point,
                    number(targets[at]),
                    mark,
                ),
                Status.PARTIAL.value if mark == STALE_MARK else status.value,
                indent=2 * (section.level - 1),
                marker=fold if nested else "",
            )
        )
    return rows


def text_row(at: int, section: Section, *, stale: bool) -> Row:
    """The row of a section beside its text. ``at``: how many sections with text there are up to this one."""
    indent = 2 * (section.level - 1)
    if section.heads:
        return Row(section.id, ("", "", section.title or "(no heading)", "", ""), indent=indent)
    mark, kind = (STALE_MARK, Status.PARTIAL) if stale else (MARKS[section.status], section.status)
    counted, length, share = "", number(section.length), ""
    if section.words:  # else it has text that the plan does not ask for, and is not counted among the sections
        counted, length = str(at), f"{length}/{number(section.words)}"
        share = f"{section.length / section.words:.0%}"
    return Row(section.id, (mark, counted, section.title or "(the text)", length, share), kind.value, indent)


def shown_instead(plan: Plan, section_id: str, folded: Collection[str]) -> str:
    """The section itself, or the outermost folded one that hides it."""
    above, at = parents(plan), plan.find(section_id)
    found = section_id
    while (parent := above[at]) is not None:
        at = parent
        if plan.sections[at].id in folded:
            found = plan.sections[at].id
    return found


def kept_folds(document: Document) -> set[str]:
    """What was folded when the document was last open. What cannot be read is as if nothing was."""
    try:
        stored = json.loads(document.setting(_SETTING, "[]"))
    except ValueError:
        return set()
    ids = {section.id for section in document.plan.sections}
    return {one for one in stored if one in ids} if isinstance(stored, list) else set()


def keep_folds(document: Document, folded: Collection[str]) -> None:
    """Remember what is folded. Raises :class:`lwtui.errors.DocumentError`."""
    if not document.read_only:
        document.set_setting(_SETTING, json.dumps(sorted(folded)))


def groups(plan: Plan) -> set[str]:
    """The sections that have others within them."""
    return {section.id for section in plan.sections if is_group(plan, section.id)}


def _within(above: Sequence[int | None], at: int) -> list[int]:
    """The positions of all that is within the section at ``at``."""
    found: list[int] = []
    inside = {at}
    for one in range(at + 1, len(above)):
        if above[one] not in inside:
            break
        inside.add(one)
        found.append(one)
    return found


def _status(sections: Sequence[Section]) -> Status:
    """How far some sections are together; headings alone do not count."""
    found = {section.status for section in sections if not section.heads}
    if not found or found == {Status.DONE}:
        return Status.DONE if found else Status.EMPTY
    if Status.WRITING in found:
        return Status.WRITING
    return Status.EMPTY if found == {Status.EMPTY} else Status.PARTIAL


def _any(sections: Sequence[Section], ids: Collection[str]) -> bool:
    return any(section.id in ids for section in sections)
