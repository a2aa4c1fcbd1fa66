"""The sections of a document as rows of a list, nested, with folded parts."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from lwtui.app.format import MARKS, number
from lwtui.app.widgets.row_list import Row
from lwtui.app.widgets.section_form import kind_names
from lwtui.documents.model import Plan, Section, Status
from lwtui.documents.outline import has_children, parents, section_numbers, subtree_totals
from lwtui.documents.section_kind import SectionKind
from lwtui.documents.store import Document
from lwtui.translation import _

STALE_MARK = "↻"
_FOLDED, _OPEN = "▸ ", "▾ "
_SETTING = "folded"  # a setting of the document


def plan_rows(document: Document, folded: Collection[str], stale: Collection[str] = ()) -> list[Row]:
    """Return the rows of the plan: number, title, main point, target, mark.

    Sections inside a folded part are left out. A part shows the sum of its sections' targets and their joint status.

    Args:
        document: The document.
        folded: The ids of the folded parts.
        stale: The ids of the stale sections.
    """
    plan, sections = document.plan, document.sections()
    nested = plan.nested
    parent_of, numbers = parents(plan), section_numbers(plan)
    targets = subtree_totals(plan, [section.words for section in sections])
    hidden: set[int] = set()
    rows = []
    for at, section in enumerate(sections):
        parent = parent_of[at]
        if parent is not None and (parent in hidden or sections[parent].id in folded):
            hidden.add(at)
            continue
        within = [sections[inner] for inner in _descendants(parent_of, at)]
        status = _status([section, *within])
        mark = STALE_MARK if section.id in stale or (section.id in folded and _any(within, stale)) else MARKS[status]
        fold = (_FOLDED if section.id in folded else _OPEN) if within else "  "
        rows.append(
            Row(
                section.id,
                (
                    str(numbers[at]) if section.words else "",
                    section.title or _("(no heading)"),
                    _point(section),
                    number(targets[at]),
                    mark,
                ),
                Status.PARTIAL.value if mark == STALE_MARK else status.value,
                indent=2 * (section.level - 1),
                marker=fold if nested else "",
            )
        )
    return rows


def _point(section: Section) -> str:
    """Return the main point of a section, after its kind unless it is prose."""
    if section.kind is SectionKind.PROSE:
        return section.main_point
    name = next(name for name, kind in kind_names() if kind is section.kind)
    return f"[{name}] {section.main_point}".rstrip()


def text_row(at: int, section: Section, *, stale: bool) -> Row:
    """Return the row of a section in the outline beside the text.

    Args:
        at: The section's number, counting only sections with text.
        section: The section.
        stale: Whether to mark it as stale.
    """
    indent = 2 * (section.level - 1)
    if section.is_heading_only:
        return Row(section.id, ("", "", section.title or _("(no heading)"), "", ""), indent=indent)
    mark, kind = (STALE_MARK, Status.PARTIAL) if stale else (MARKS[section.status], section.status)
    shown_number, length, share = "", number(section.length), ""
    if section.words:  # a heading with text but without a target has no number
        shown_number, length = str(at), f"{length}/{number(section.words)}"
        share = f"{section.length / section.words:.0%}"
    return Row(section.id, (mark, shown_number, section.title or _("(the text)"), length, share), kind.value, indent)


def visible_section(plan: Plan, section_id: str, folded: Collection[str]) -> str:
    """Return the section's id, or that of the outermost folded part that hides it."""
    parent_of, at = parents(plan), plan.find(section_id)
    visible = section_id
    while (parent := parent_of[at]) is not None:
        at = parent
        if plan.sections[at].id in folded:
            visible = plan.sections[at].id
    return visible


def load_folds(document: Document) -> set[str]:
    """Return the parts that were folded when the document was last open; none if the setting is malformed."""
    try:
        stored = json.loads(document.setting(_SETTING, "[]"))
    except ValueError:
        return set()
    ids = {section.id for section in document.plan.sections}
    return {section_id for section_id in stored if section_id in ids} if isinstance(stored, list) else set()


def save_folds(document: Document, folded: Collection[str]) -> None:
    """Store the folded parts in the document. Raises :class:`DocumentError` if it cannot be written."""
    if not document.read_only:
        document.set_setting(_SETTING, json.dumps(sorted(folded)))


def parts(plan: Plan) -> set[str]:
    """Return the ids of the sections that contain others."""
    return {section.id for section in plan.sections if has_children(plan, section.id)}


def _descendants(parent_of: Sequence[int | None], at: int) -> list[int]:
    """Return the positions of all sections inside the one at position ``at``."""
    found: list[int] = []
    ancestors = {at}
    for inner in range(at + 1, len(parent_of)):
        if parent_of[inner] not in ancestors:
            break
        ancestors.add(inner)
        found.append(inner)
    return found


def _status(sections: Sequence[Section]) -> Status:
    """Return the joint status of some sections, ignoring those that are only headings."""
    found = {section.status for section in sections if not section.is_heading_only}
    if not found or found == {Status.DONE}:
        return Status.DONE if found else Status.EMPTY
    for status in (Status.WRITING, Status.REFUSED):
        if status in found:
            return status
    if found <= {Status.DONE, Status.SHORT}:
        return Status.SHORT
    return Status.EMPTY if found == {Status.EMPTY} else Status.PARTIAL


def _any(sections: Sequence[Section], ids: Collection[str]) -> bool:
    return any(section.id in ids for section in sections)
