"""Find and replace in a document, without its screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lwtui.documents.model import Plan, PlannedSection, Section, Status
from lwtui.documents.search import Match, Query, count, find, nearest, replace_all
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.translation import _, _n

_MAX_QUOTE_LENGTH = 24  # characters of the query in that label


@dataclass
class FindReplace:
    """A search over one document. The text may change at any time, so every step searches it again.

    Attributes:
        document: The document.
        query: What to find.
        by: The replacement.
        at: The index of the match that was reached last.
        total: The number of matches in the text.
        in_plan: The number of matches in headings and main points.
    """

    document: Document
    query: Query = field(default_factory=lambda: Query(""))
    by: str = ""
    at: int | None = None
    total: int = 0
    in_plan: int = 0
    _replaced: dict[str, dict[str, str]] = field(default_factory=dict)  # texts after a replacement, by label and id

    def search(self, query: Query) -> None:
        """Count the matches of ``query``. Raises :class:`UsageError` if its regular expression is invalid."""
        if query != self.query:
            self.query, self.at, self.total, self.in_plan = query, None, 0, 0
        sections = self.document.sections()
        self.total = count((section.text for section in sections), query)
        lines = (line for section in sections for line in (section.title, section.main_point))
        self.in_plan = count((self.document.plan.title, *lines), query)

    def step(self, section_id: str, place: int, *, forward: bool) -> Match | None:
        """Return the next or the previous match from a position on; the search wraps around the document's end.

        Args:
            section_id: The section to start in.
            place: The position in its text, in characters.
            forward: Whether to search forward.
        """
        matches = self._matches()
        order = [section.id for section in self.document.sections()]
        self.total = len(matches)
        self.at = nearest(matches, order, section_id, place, forward=forward)
        return None if self.at is None else matches[self.at]

    def replace_everywhere(self) -> str:
        """Replace every match in the document, as one step for :meth:`Document.undo_plan`. Returns a report.

        Headings and main points are included: otherwise a rewritten section would bring an old name back. Sections
        that a model is writing are skipped.
        """
        sections = self.document.sections()
        changed: dict[str, str] = {}
        replaced = skipped = 0
        for section in sections:
            text, count = replace_all(section.text, self.query, self.by)
            if section.status is Status.WRITING:
                skipped += count
            elif count:
                changed[section.id] = text
                replaced += count
        plan, in_plan = self._plan_replaced(sections)
        if changed or in_plan:
            label = _(
                "Replace “{text}” with “{by}” in {where}",
                text=_quote(self.query.text),
                by=_quote(self.by),
                where=_where(len(changed), in_plan=bool(in_plan)),
            )
            self.document.set_plan(plan, label, changed)
            self._replaced[label] = {section_id: self.document.section(section_id).text for section_id in changed}
        self.at, self.total, self.in_plan = None, skipped, 0
        report = _report(replaced, len(changed), in_plan)
        if skipped:
            report = _n(
                "{report} {count:,} match skipped: the section is being written.",
                "{report} {count:,} matches skipped: the section is being written.",
                skipped,
                report=report,
            )
        return report

    def lost_by_undo(self, label: str) -> str:
        """Say which later edits are lost if the replacement ``label`` is undone; empty if none are."""
        texts = self._replaced.get(label)
        if texts is None:
            return _("Later edits in its sections are lost")
        planned = {section.id: section.text for section in self.document.sections()}
        edited = sum(planned.get(section_id, text) != text for section_id, text in texts.items())
        if not edited:
            return ""
        return _n("Later edits in {count:,} section are lost", "Later edits in {count:,} sections are lost", edited)

    def _plan_replaced(self, sections: Sequence[Section]) -> tuple[Plan, int]:
        """Return the plan with every match in titles and main points replaced, and the number of matches."""
        writing = {section.id for section in sections if section.status is Status.WRITING}
        plan = self.document.plan
        title, count = replace_all(plan.title, self.query, self.by)
        lines: list[PlannedSection] = []
        for line in plan.sections:
            if line.id not in writing:
                heading, in_heading = replace_all(line.title, self.query, self.by)
                main_point, in_point = replace_all(line.main_point, self.query, self.by)
                line, count = replace(line, title=heading, main_point=main_point), count + in_heading + in_point
            lines.append(line)
        return Plan(title, tuple(lines)), count

    @property
    def status(self) -> str:
        """``3 of 12``, ``Not found``, or empty without a query."""
        if not self.query.text:
            return ""
        if not self.total:
            return _("{count} in the plan", count=self.in_plan) if self.in_plan else _("Not found")
        if self.at is None:
            return _("{count} found", count=self.total)
        return _("{position} of {total}", position=self.at + 1, total=self.total)

    def _matches(self) -> list[Match]:
        return find({section.id: section.text for section in self.document.sections()}, self.query)


def search_problem(find_replace: FindReplace, query: Query) -> str:
    """Search for ``query``. Returns the line to show if it is invalid, else an empty string."""
    try:
        find_replace.search(query)
    except LwtuiError as error:
        return str(error)
    return ""


def is_replacement(label: str) -> bool:
    """Tell whether the undo label of a change is that of a replacement, in English or in the user's language."""
    translated = _("Replace “{text}” with “{by}” in {where}").partition("{")[0]
    return label.startswith(("Replace “", translated or "Replace “"))


def _where(sections: int, *, in_plan: bool) -> str:
    """Return where matches were replaced: ``2 sections and the plan``."""
    if not sections:
        return _("the plan")
    if in_plan:
        return _n("{count:,} section and the plan", "{count:,} sections and the plan", sections)
    return _n("{count:,} section", "{count:,} sections", sections)


def _report(replaced: int, sections: int, in_plan: int) -> str:
    where = _n("{count:,} section", "{count:,} sections", sections)
    if in_plan:
        return _n(
            "{count:,} match replaced in {where}, and {in_plan} in the plan.",
            "{count:,} matches replaced in {where}, and {in_plan} in the plan.",
            replaced,
            where=where,
            in_plan=in_plan,
        )
    return _n("{count:,} match replaced in {where}.", "{count:,} matches replaced in {where}.", replaced, where=where)


def _quote(text: str) -> str:
    return text if len(text) <= _MAX_QUOTE_LENGTH else text[: _MAX_QUOTE_LENGTH - 1] + "…"
