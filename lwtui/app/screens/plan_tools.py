"""What a writer does to the plan by hand: add, delete, move, nest, fold, split, merge, change lengths, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from textual import work

from lwtui.app.format import counted, unit
from lwtui.app.keymap import PLAN, key_of
from lwtui.app.outline_rows import groups, keep_folds, plan_rows
from lwtui.app.screens.document import DocumentScreen
from lwtui.app.widgets.row_list import RowList
from lwtui.app.widgets.section_form import MOST_WORDS, SectionForm
from lwtui.documents import plan_edits
from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.outline import block, is_group, parents, to_write
from lwtui.errors import LwtuiError
from lwtui.text import one_line

_TOTAL = "Length of the document"


class PlanTools(DocumentScreen):
    """The part of the plan's screen that changes it. The screen itself has what this part names here."""

    _list: RowList
    _form: SectionForm
    _folded: set[str]

    @property
    def _planning(self) -> bool:
        """Whether the plan is being made at this moment."""
        raise NotImplementedError

    def _draw(self, select: str | None = None, note: str = "") -> None:
        """``note`` stands in the status line until the next change."""
        raise NotImplementedError

    def _planned(self, section_id: str) -> PlannedSection:
        plan = self._document.plan
        return plan.sections[plan.find(section_id)]

    def _change(
        self, plan: Plan, label: str, select: str | None = None, texts: Mapping[str, str] | None = None
    ) -> None:
        try:
            self._document.set_plan(plan, label, texts)
        except LwtuiError as error:
            self.complain(error)
            return
        self._draw(select)

    def _may_change(self, *section_ids: str) -> bool:
        """Store what was typed; whether the plan, or these of its sections, may be changed now. Says why not."""
        if self._refuses():
            return False
        if self._planning:
            self.say(f"The model is planning: {key_of(PLAN, 'stop')} stops it.")
        elif self._session.current.intersection(section_ids):
            self.say(f"This section is being written: {key_of(PLAN, 'stop')} stops, then it can be changed.")
        else:
            return self.store()
        return False

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

    # -- one section, or a part

    def action_add(self) -> None:
        if not self._may_change():
            return
        plan = self._document.plan
        after = self._list.key
        at = plan.find(after) + 1 if after else 0
        level = self._planned(after).level if after else 1
        if after and is_group(plan, after):  # its first section
            level += 1
            self._folded.discard(after)
        words = round(plan.words / to_write(plan)) if plan.words else min(500, self._document.brief.words)
        section = PlannedSection("New section", "", max(1, words), level=level)
        self._change(plan_edits.insert(plan, at, section), "Add a section", section.id)
        self._form.edit_heading()

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

    def action_less(self) -> None:
        self._on_section(lambda plan, section_id: _resized(plan, section_id, 1 / 1.1), "Length of “{}”")

    def action_more(self) -> None:
        self._on_section(lambda plan, section_id: _resized(plan, section_id, 1.1), "Length of “{}”")

    # -- its place

    def action_up(self) -> None:
        self._on_section(lambda plan, section_id: plan_edits.move(plan, section_id, -1), "Move “{}”")

    def action_down(self) -> None:
        self._on_section(lambda plan, section_id: plan_edits.move(plan, section_id, 1), "Move “{}”")

    def action_indent(self) -> None:
        self._on_section(plan_edits.indent, "Move “{}” in")

    def action_outdent(self) -> None:
        self._on_section(plan_edits.outdent, "Move “{}” out")

    def on_row_list_dropped(self, event: RowList.Dropped) -> None:
        ids = [row.key for row in plan_rows(self._document, self._folded)]
        at = ids.index(event.key)
        ids.remove(event.key)
        before = ids[at + event.by] if at + event.by < len(ids) else None
        self._on_section(lambda plan, section_id: plan_edits.move_before(plan, section_id, before), "Move “{}”")
        self._draw()  # where the move was refused, the list still shows it

    # -- what is shown of it

    def on_row_list_toggled(self, event: RowList.Toggled) -> None:
        self._fold({event.key} ^ self._folded)

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
        self._draw()
        if opened and self._list.key is not None:
            self._list.reveal(len(self._inside(self._list.key)) - 1)

    # -- the whole plan

    @work
    async def action_total(self) -> None:
        from lwtui.app.screens.dialogs import Ask

        plan = self._document.plan
        if not plan.sections or not self._may_change():
            return
        what = unit(self._document.brief.language).capitalize()
        hint = "All targets are scaled in proportion."
        asked = Ask(f"{what} for the whole document", str(plan.words), hint, problem=self._wrong_total)
        answer = await self.app.push_screen_wait(asked)
        if answer is None or not self._may_change():
            return
        plan = self._document.plan
        self._change(plan_edits.rescale(plan, int(answer)), _TOTAL)
        self._store_words(int(answer))

    def _wrong_total(self, answer: str) -> str:
        least = to_write(self._document.plan)
        right = answer.isdecimal() and least <= int(answer) <= MOST_WORDS
        return "" if right else f"The length is a number from {least:,} to {MOST_WORDS:,}."

    def _store_words(self, words: int) -> None:
        try:
            self._document.set_brief(replace(self._document.brief, words=words))
        except LwtuiError as error:
            self.complain(error)
        self._draw()

    @work
    async def action_title(self) -> None:
        from lwtui.app.screens.dialogs import Ask

        if not self._may_change():
            return
        answer = await self.app.push_screen_wait(Ask("Title of the document", self._document.title))
        if answer and self._may_change():
            title = one_line(answer)
            self._change(replace(self._document.plan, title=title), "Change the title")

    def action_undo(self) -> None:
        self._take_back(self._document.undo_plan, "Undone: {}", "There is nothing to undo.")

    def action_redo(self) -> None:
        self._take_back(self._document.redo_plan, "Done again: {}", "There is nothing to do again.")

    def _take_back(self, take: Callable[[], str | None], done: str, nothing: str) -> None:
        if not self._may_change(*self._session.current):
            return
        before = self._document.plan
        try:
            label = take()
        except LwtuiError as error:
            self.complain(error)
            return
        if label == _TOTAL:
            self._store_words(self._document.plan.words)
        self._draw(_first_other(before, self._document.plan), done.format(label) if label else nothing)


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


def _first_other(before: Plan, after: Plan) -> str | None:
    """The first section of ``after`` that ``before`` does not have like this."""
    return next((section.id for section in after.sections if section not in before.sections), None)
