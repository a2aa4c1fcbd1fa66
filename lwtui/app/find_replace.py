"""What is being looked for in a document, and where: the part of find and replace that needs no screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lwtui.app.format import counted
from lwtui.documents.model import Plan, PlannedSection, Section, Status
from lwtui.documents.search import Match, Query, count, find, nearest, replace_all
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError

REPLACED = "Replace"  # how the label of a replacement begins
_LONGEST_QUOTE = 24  # characters of what is looked for, in the label of a replacement


@dataclass
class FindReplace:
    """One search over one document. The text may change at any time: every step looks anew."""

    document: Document
    query: Query = field(default_factory=lambda: Query(""))
    by: str = ""
    at: int | None = None  # number of the match that was gone to last
    total: int = 0
    in_plan: int = 0  # matches in headings and main points
    _left: dict[str, dict[str, str]] = field(default_factory=dict)  # the texts that replacements left, by their labels

    def look(self, query: Query) -> None:
        """Count the matches of ``query``. Raises :class:`lwtui.errors.UsageError` for a bad expression."""
        if query != self.query:
            self.query, self.at, self.total, self.in_plan = query, None, 0, 0
        sections = self.document.sections()
        self.total = count((section.text for section in sections), query)
        lines = (line for section in sections for line in (section.title, section.main_point))
        self.in_plan = count((self.document.plan.title, *lines), query)

    def step(self, section_id: str, place: int, *, forward: bool) -> Match | None:
        """The next match from a place on (or the one before it), going around at the document's end."""
        matches = self._matches()
        order = [section.id for section in self.document.sections()]
        self.total = len(matches)
        self.at = nearest(matches, order, section_id, place, forward=forward)
        return None if self.at is None else matches[self.at]

    def replace_everywhere(self) -> str:
        """Replace each match in the document, in one step that :meth:`Document.undo_plan` takes back; what was done.

        Headings and main points are part of it: else what is written anew would bring an old name back. Sections that
        a model is writing are left alone.
        """
        sections = self.document.sections()
        changed: dict[str, str] = {}
        done = left = 0
        for section in sections:
            text, here = replace_all(section.text, self.query, self.by)
            if section.status is Status.WRITING:
                left += here
            elif here:
                changed[section.id] = text
                done += here
        plan, in_plan = self._plan_replaced(sections)
        if changed or in_plan:
            where = [counted(len(changed), "section")] if changed else []
            where += ["the plan"] if in_plan else []
            label = f"{REPLACED} “{_quote(self.query.text)}” by “{_quote(self.by)}” in {' and '.join(where)}"
            self.document.set_plan(plan, label, changed)
            self._left[label] = {section_id: self.document.section(section_id).text for section_id in changed}
        self.at, self.total, self.in_plan = None, left, 0
        told = f"{counted(done, 'place')} replaced in {counted(len(changed), 'section')}"
        told += f", and {in_plan} in the plan." if in_plan else "."
        return f"{told} {counted(left, 'place')} in what is being written stayed." if left else told

    def what_undo_loses(self, label: str) -> str:
        """What was typed since the replacement called ``label`` and would go with it; empty if that is nothing."""
        left = self._left.get(label)
        if left is None:
            return "What was typed in its sections since goes with it"
        planned = {section.id: section.text for section in self.document.sections()}
        edited = sum(planned.get(section_id, text) != text for section_id, text in left.items())
        return f"What was typed in {counted(edited, 'section')} since goes with it" if edited else ""

    def _plan_replaced(self, sections: Sequence[Section]) -> tuple[Plan, int]:
        """The plan with each match replaced in its titles and main points, and how many those were."""
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
    def told(self) -> str:
        """``3 of 12``, or that there is nothing."""
        if not self.query.text:
            return ""
        if not self.total:
            return f"{self.in_plan} in the plan" if self.in_plan else "Not found"
        return f"{self.at + 1} of {self.total}" if self.at is not None else f"{self.total} found"

    def _matches(self) -> list[Match]:
        return find({section.id: section.text for section in self.document.sections()}, self.query)


def refused(finding: FindReplace, query: Query) -> str:
    """Take up ``query``; the line to show if it cannot be looked for."""
    try:
        finding.look(query)
    except LwtuiError as error:
        return str(error)
    return ""


def _quote(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
