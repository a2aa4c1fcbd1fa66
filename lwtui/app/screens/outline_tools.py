"""What a writer does to the outline: move, nest, fold, split, merge, make longer or shorter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lwtui.app.format import counted
from lwtui.app.outline_rows import groups, keep_folds, plan_rows
from lwtui.app.screens.base import Base
from lwtui.app.widgets.row_list import RowList
from lwtui.app.widgets.section_form import MOST_WORDS
from lwtui.documents import plan_edits
from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.outline import block, is_group, parents
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError


class OutlineTools(Base):
    """The part of the plan's screen that changes the order of things. The screen has what this part names here."""

    _document: Document
    _list: RowList
    _folded: set[str]

    def refresh_plan(self, select: str | None = None, note: str = "") -> None:
        raise NotImplementedError

    def _may_change(self, *section_ids: str) -> bool:
        raise NotImplementedError

    def _change(
        self, plan: Plan, label: str, select: str | None = None, texts: Mapping[str, str] | None = None
    ) -> None:
        raise NotImplementedError

    def _planned(self, section_id: str) -> PlannedSection:
        plan = self._document.plan
        return plan.sections[plan.find(section_id)]

    def on_row_list_toggled(self, event: RowList.Toggled) -> None:
        self._fold({event.key} ^ self._folded)

    def on_row_list_dropped(self, event: RowList.Dropped) -> None:
        ids = [row.key for row in plan_rows(self._document, self._folded)]
        at = ids.index(event.key)
        ids.remove(event.key)
        before = ids[at + event.by] if at + event.by < len(ids) else None
        self._on_section(lambda plan, section_id: plan_edits.move_before(plan, section_id, before), "Move “{}”")
        self.refresh_plan()  # where the move was refused, the list still shows it

    def _on_section(self, change: Callable[[Plan, str], Plan], label: str) -> None:
        """Apply a change to the section under the cursor, unless it is being written."""
        section_id = self._list.key
        if section_id is None or not self._may_change(*self._inside(section_id)):
            return
        title = self._planned(section_id).title
        try:
            plan = change(self._document.plan, section_id)
        except ValueError as reason:
            self.say(str(reason))
            return
        self._change(plan, label.replace("{}", title), section_id)

    def _inside(self, section_id: str) -> list[str]:
        """A section and all that is within it."""
        plan = self._document.plan
        return [plan.sections[at].id for at in block(plan, section_id)]

    def action_delete(self) -> None:
        more = len(self._inside(self._list.key)) - 1 if self._list.key else 0
        self._on_section(plan_edits.remove, "Delete “{}”" + (f" and {counted(more, 'section')} in it" if more else ""))

    def action_split(self) -> None:
        self._on_section(lambda plan, section_id: plan_edits.split(plan, section_id)[0], "Split “{}”")

    def action_merge(self) -> None:
        section_id = self._list.key
        plan = self._document.plan
        if section_id is None:
            return
        try:
            plan_edits.merge(plan, section_id)
        except ValueError as reason:
            self.say(str(reason))
            return
        following = plan.sections[plan.find(section_id) + 1].id
        if not self._may_change(section_id, following):
            return
        both = [self._document.section(one).text.strip() for one in (section_id, following)]
        texts = {section_id: "\n\n".join(text for text in both if text)} if any(both) else None
        label = f"Merge “{self._planned(section_id).title}” with the next section"
        self._change(plan_edits.merge(self._document.plan, section_id), label, section_id, texts)

    def action_up(self) -> None:
        self._on_section(lambda plan, section_id: plan_edits.move(plan, section_id, -1), "Move “{}”")

    def action_down(self) -> None:
        self._on_section(lambda plan, section_id: plan_edits.move(plan, section_id, 1), "Move “{}”")

    def action_indent(self) -> None:
        self._on_section(plan_edits.indent, "Move “{}” in")

    def action_outdent(self) -> None:
        self._on_section(plan_edits.outdent, "Move “{}” out")

    def action_fold(self) -> None:
        section_id, plan = self._list.key, self._document.plan
        if section_id is None:
            return
        if not is_group(plan, section_id):  # fold the part that it is in
            parent = parents(plan)[plan.find(section_id)]
            if parent is None:
                return
            section_id = plan.sections[parent].id
        self._fold({section_id} ^ self._folded)

    def action_fold_all(self) -> None:
        found = groups(self._document.plan)
        self._fold(set() if found <= self._folded else found)

    def _fold(self, folded: set[str]) -> None:
        """Fold just these parts."""
        if not self.store():
            return
        self._folded = folded
        try:
            keep_folds(self._document, folded)
        except LwtuiError as error:
            self.complain(error)
        opened = self._list.key is not None and self._list.key not in folded
        self.refresh_plan()
        if opened and self._list.key is not None:
            self._list.reveal(len(self._inside(self._list.key)) - 1)

    def action_less(self) -> None:
        self._on_section(lambda plan, section_id: _resized(plan, section_id, 1 / 1.1), "Length of “{}”")

    def action_more(self) -> None:
        self._on_section(lambda plan, section_id: _resized(plan, section_id, 1.1), "Length of “{}”")


def _resized(plan: Plan, section_id: str, factor: float) -> Plan:
    """A section, or all that is within a part, made longer or shorter."""
    before = sum(plan.sections[at].words for at in block(plan, section_id))
    if not before:
        raise ValueError("A heading alone has no length. Enter gives it one.")
    step = 10 if before >= 100 else 1
    words = round(before * factor / step) * step
    if words == before:
        words += step if factor > 1 else -step
    return plan_edits.resize(plan, section_id, min(MOST_WORDS, max(1, words)))
