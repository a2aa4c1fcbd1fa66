"""The actions of the plan screen by hand: add, delete, move, nest, fold, split, merge, resize, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from textual import work

from lwtui.app.keymap import PLAN, key_of
from lwtui.app.outline_rows import parts, plan_rows, save_folds
from lwtui.app.screens.document import DocumentScreen
from lwtui.app.widgets.row_list import RowList
from lwtui.app.widgets.section_form import MAX_WORDS, SectionForm
from lwtui.config import config_folder
from lwtui.documents import plan_edits
from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.outline import count_text_sections, has_children, parents, subtree
from lwtui.documents.section_kind import SectionKind
from lwtui.errors import LwtuiError
from lwtui.text import counts_characters, one_line
from lwtui.translation import _, _n

_TOTAL = "Length of the document"  # an undo label that undoing compares, so it is stored in English


class PlanTools(DocumentScreen):
    """The part of the plan screen that changes the plan. The screen provides the attributes declared here."""

    _list: RowList
    _form: SectionForm
    _folded: set[str]

    @property
    def _planning(self) -> bool:
        """Whether the model is making the plan."""
        raise NotImplementedError

    def _draw(self, select: str | None = None, note: str = "") -> None:
        """Redraw everything; ``note`` stays in the status line until the next redraw."""
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
            self.show_error(error)
            return
        self._draw(select)

    def _may_change(self, *section_ids: str) -> bool:
        """Store edits, and return whether the plan and these sections may be changed now; if not, show why."""
        if self._refuses():
            return False
        if self._planning:
            self.show_notice(
                _("The model is planning. Stop it first ({key}).", key=key_of(PLAN, "stop")), code="planning"
            )
        elif self._session.current.intersection(section_ids):
            self.show_notice(
                _("The model is writing this section. Stop it first ({key}).", key=key_of(PLAN, "stop")),
                code="being-written",
            )
        else:
            return self.store()
        return False

    def _on_section(self, change: Callable[[Plan, str], Plan], label: str) -> None:
        """Apply a change to the section under the cursor, unless it is being written.

        Args:
            change: Returns the new plan; raises :class:`ValueError` if the change is impossible.
            label: The undo label; ``{title}`` stands for the title.
        """
        section_id = self._list.key
        if section_id is None or not self._may_change(*self._inside(section_id)):
            return
        title = self._planned(section_id).title
        try:
            plan = change(self._document.plan, section_id)
        except ValueError as reason:
            self.show_notice(str(reason), code="impossible-change")
            return
        self._change(plan, label.format(title=title), section_id)

    def _inside(self, section_id: str) -> list[str]:
        """Return the ids of a section and of all sections inside it."""
        plan = self._document.plan
        return [plan.sections[at].id for at in subtree(plan, section_id)]

    # -- a section or a part

    def action_add(self) -> None:
        """Add a section after the one under the cursor, or as the first of a part."""
        if not self._may_change():
            return
        plan = self._document.plan
        after = self._list.key
        at = plan.find(after) + 1 if after else 0
        level = self._planned(after).level if after else 1
        if after and has_children(plan, after):  # becomes its first section
            level += 1
            self._folded.discard(after)
        words = round(plan.words / count_text_sections(plan)) if plan.words else min(500, self._document.brief.words)
        section = PlannedSection(_("New section"), "", max(1, words), level=level)
        self._change(plan_edits.insert(plan, at, section), _("Add a section"), section.id)
        self._form.edit_heading()

    def action_delete(self) -> None:
        """Delete the section or part under the cursor."""
        more = len(self._inside(self._list.key)) - 1 if self._list.key else 0
        label = _n(
            "Delete “{title}” and {count:,} section in it",
            "Delete “{title}” and {count:,} sections in it",
            more,
            title="{title}",
        )
        self._on_section(plan_edits.remove, label if more else _("Delete “{title}”"))

    def action_kind(self) -> None:
        """Make the section one of the next kind: prose, a list, a table, code, formulas."""
        section_id = self._list.key
        if section_id is None or not self._may_change(section_id):
            return
        section, kinds = self._planned(section_id), list(SectionKind)
        kind = kinds[(kinds.index(section.kind) + 1) % len(kinds)]
        label = _("Kind of “{title}”", title=section.title)
        self._change(self._document.plan.with_section(replace(section, kind=kind)), label)

    def action_split(self) -> None:
        """Split the section in two."""
        self._on_section(lambda plan, section_id: plan_edits.split(plan, section_id)[0], _("Split “{title}”"))

    def action_merge(self) -> None:
        """Merge the section with the next one, and their texts."""
        section_id = self._list.key
        plan = self._document.plan
        if section_id is None:
            return
        try:
            plan_edits.merge(plan, section_id)
        except ValueError as reason:
            self.show_notice(str(reason), code="impossible-change")
            return
        following = plan.sections[plan.find(section_id) + 1].id
        if not self._may_change(section_id, following):
            return
        both = [self._document.section(merged).text.strip() for merged in (section_id, following)]
        texts = {section_id: "\n\n".join(text for text in both if text)} if any(both) else None
        label = _("Merge “{title}” with the next section", title=self._planned(section_id).title)
        self._change(plan_edits.merge(self._document.plan, section_id), label, section_id, texts)

    def action_less(self) -> None:
        """Make the target a tenth shorter."""
        self._on_section(lambda plan, section_id: _resized(plan, section_id, 1 / 1.1), _("Length of “{title}”"))

    def action_more(self) -> None:
        """Make the target a tenth longer."""
        self._on_section(lambda plan, section_id: _resized(plan, section_id, 1.1), _("Length of “{title}”"))

    # -- its position

    def action_up(self) -> None:
        """Move the section up."""
        self._on_section(lambda plan, section_id: plan_edits.move(plan, section_id, -1), _("Move “{title}”"))

    def action_down(self) -> None:
        """Move the section down."""
        self._on_section(lambda plan, section_id: plan_edits.move(plan, section_id, 1), _("Move “{title}”"))

    def action_indent(self) -> None:
        """Move the section into the one above."""
        self._on_section(plan_edits.indent, _("Move “{title}” in"))

    def action_outdent(self) -> None:
        """Move the section out of its part."""
        self._on_section(plan_edits.outdent, _("Move “{title}” out"))

    def on_row_list_dropped(self, event: RowList.Dropped) -> None:
        ids = [row.key for row in plan_rows(self._document, self._folded)]
        at = ids.index(event.key)
        ids.remove(event.key)
        before = ids[at + event.by] if at + event.by < len(ids) else None
        self._on_section(lambda plan, section_id: plan_edits.move_before(plan, section_id, before), _("Move “{title}”"))
        self._draw()  # the list still shows a move that was refused

    # -- folding

    def on_row_list_toggled(self, event: RowList.Toggled) -> None:
        self._fold({event.key} ^ self._folded)

    def action_fold(self) -> None:
        """Fold or unfold the part under the cursor, or around it."""
        section_id, plan = self._list.key, self._document.plan
        if section_id is None:
            return
        if not has_children(plan, section_id):  # fold the part around it
            parent = parents(plan)[plan.find(section_id)]
            if parent is None:
                return
            section_id = plan.sections[parent].id
        self._fold({section_id} ^ self._folded)

    def action_fold_all(self) -> None:
        """Fold all parts, or unfold them if all are folded."""
        all_parts = parts(self._document.plan)
        self._fold(set() if all_parts <= self._folded else all_parts)

    def _fold(self, folded: set[str]) -> None:
        """Fold these parts, and unfold all others."""
        if not self.store():
            return
        self._folded = folded
        try:
            save_folds(self._document, folded)
        except LwtuiError as error:
            self.show_error(error)
        unfolded = self._list.key is not None and self._list.key not in folded
        self._draw()
        if unfolded and self._list.key is not None:
            self._list.reveal(len(self._inside(self._list.key)) - 1)

    # -- the whole plan

    @work
    async def action_template(self) -> None:
        """Replace the plan by a template, scaled to the length of the document."""
        from lwtui.agentwrite.plan_templates import find_template, plan_templates
        from lwtui.app.screens.dialogs import Choose, Confirm

        if not self._may_change():
            return
        brief, own = self._document.brief, config_folder() / "templates"
        try:
            known = plan_templates(brief.language, own)
            options = [(one.key, f"{one.name}: {one.description}".rstrip(": ")) for one in known]
            key = await self.app.push_screen_wait(Choose(_("Which template?"), options))
            if key is None or not self._may_change():
                return
            plan = find_template(key, brief.language, own).plan(brief.instruction, brief.words)
        except LwtuiError as error:
            self.show_error(error)
            return
        if any(section.text.strip() for section in self._document.sections()):
            question = _(
                "Replace the plan? Its texts are no longer shown; Undo ({key}) restores them.", key=key_of(PLAN, "undo")
            )
            if not await self.app.push_screen_wait(Confirm(question, _("Replace"))):
                return
        self._change(plan, _("Use a template"))

    @work
    async def action_total(self) -> None:
        """Ask for the length of the document, and scale all targets to it."""
        from lwtui.app.screens.dialogs import Ask

        plan = self._document.plan
        if not plan.sections or not self._may_change():
            return
        by_characters = counts_characters(self._document.brief.language)
        question = _("Characters for the whole document") if by_characters else _("Words for the whole document")
        hint = _("All targets are scaled in proportion.")
        dialog = Ask(question, str(plan.words), hint, problem=self._total_problem)
        answer = await self.app.push_screen_wait(dialog)
        if answer is None or not self._may_change():
            return
        plan = self._document.plan
        self._change(plan_edits.rescale(plan, int(answer)), _TOTAL)
        self._store_words(int(answer))

    def _total_problem(self, answer: str) -> str:
        minimum = count_text_sections(self._document.plan)
        valid = answer.isdecimal() and minimum <= int(answer) <= MAX_WORDS
        if valid:
            return ""
        return _("Enter a length from {least:,} to {most:,}.", least=minimum, most=MAX_WORDS)

    def _store_words(self, words: int) -> None:
        try:
            self._document.set_brief(replace(self._document.brief, words=words))
        except LwtuiError as error:
            self.show_error(error)
        self._draw()

    @work
    async def action_title(self) -> None:
        """Ask for the title of the document."""
        from lwtui.app.screens.dialogs import Ask

        if not self._may_change():
            return
        answer = await self.app.push_screen_wait(Ask(_("Title of the document"), self._document.title))
        if answer and self._may_change():
            title = one_line(answer)
            self._change(replace(self._document.plan, title=title), _("Change the title"))

    def action_undo(self) -> None:
        """Undo the last change of the plan."""
        self._undo_or_redo(self._document.undo_plan, _("Undone: {change}"), _("There is nothing to undo."))

    def action_redo(self) -> None:
        """Redo the change of the plan undone last."""
        self._undo_or_redo(self._document.redo_plan, _("Redone: {change}"), _("There is nothing to redo."))

    def _undo_or_redo(self, step: Callable[[], str | None], done: str, nothing: str) -> None:
        if not self._may_change(*self._session.current):
            return
        before = self._document.plan
        try:
            label = step()
        except LwtuiError as error:
            self.show_error(error)
            return
        if label == _TOTAL:
            self._store_words(self._document.plan.words)
        message = done.format(change=shown_label(label)) if label else nothing
        self._draw(_first_changed(before, self._document.plan), message)


def shown_label(label: str) -> str:
    """Return an undo label as the user reads it."""
    return _("Length of the document") if label == _TOTAL else label


def _resized(plan: Plan, section_id: str, factor: float) -> Plan:
    """Make a section, or all sections of a part, longer or shorter by ``factor``."""
    before = sum(plan.sections[at].words for at in subtree(plan, section_id))
    if not before:
        raise ValueError(_("This is only a heading, without a length. Enter lets you set one."))
    step = 10 if before >= 100 else 1
    words = round(before * factor / step) * step
    if words == before:
        words += step if factor > 1 else -step
    return plan_edits.resize(plan, section_id, min(MAX_WORDS, max(1, words)))


def _first_changed(before: Plan, after: Plan) -> str | None:
    """Return the id of the first section of ``after`` that is new or changed."""
    return next((section.id for section in after.sections if section not in before.sections), None)
