"""What a writer does to the text that needs no model: find and replace, go to a heading, another editor, focus."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from textual import work
from textual.app import SuspendNotSupported

from lwtui.app.find_replace import REPLACED, FindReplace, refused
from lwtui.app.format import counted, unit
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.screens.document import DocumentScreen
from lwtui.app.session import Session
from lwtui.app.widgets.find_bar import FindBar
from lwtui.app.widgets.row_list import RowList
from lwtui.app.widgets.section_editor import SectionEditor
from lwtui.documents.model import Status
from lwtui.documents.search import replace_all, replacement_at
from lwtui.errors import LwtuiError
from lwtui.text import count_words


class TextTools(DocumentScreen):
    """The part of the writing screen that works on text. The screen itself has what this part names here."""

    _editor: SectionEditor
    _outline: RowList

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._finding = FindReplace(session.document)
        self._bar = FindBar(id="find-bar")
        self._selected = ""  # how much is, for the status line
        self._trouble = ""  # why nothing can be looked for
        self._replaced_all = False  # since the bar was opened

    def _show_status(self) -> None:
        raise NotImplementedError

    # -- finding

    def action_find(self) -> None:
        self._open_bar(replace=False)

    def action_replace(self) -> None:
        self._open_bar(replace=True)

    def _open_bar(self, *, replace: bool) -> None:
        if not self.store():
            return
        selected = self._editor.selected_text
        self._bar.open(selected if "\n" not in selected else "", replace=replace)
        self._look()

    def on_find_bar_asked(self) -> None:
        self._look()

    def _look(self) -> None:
        trouble = refused(self._finding, self._bar.query_now)
        self._bar.say("Cannot be used" if trouble else self._finding.told, error=bool(trouble))
        if trouble != self._trouble:
            self._trouble = trouble
            self._show_status()

    def on_find_bar_stepped(self, event: FindBar.Stepped) -> None:
        self._step(forward=event.forward)

    def action_find_next(self) -> None:
        self._step(forward=True)

    def action_find_previous(self) -> None:
        self._step(forward=False)

    def _step(self, *, forward: bool) -> None:
        """To the next place after the selection, or the one before it."""
        if self._bar.display and self._bar.query_now != self._finding.query:
            self._look()
        if not self._finding.query.text:
            self._open_bar(replace=False)
            return
        if not self.store():
            return
        start, end = self._editor.selected
        try:
            match = self._finding.step(self._editor.section_id, end if forward else start, forward=forward)
        except LwtuiError as error:
            self.complain(error)
            return
        if match is not None:
            self._draw(match.section_id)
            self._editor.go_to(match.start, match.end)
        elif not self._bar.display:
            self.say("Not found.")
        self._bar.say(self._finding.told)

    def on_find_bar_closed(self) -> None:
        self._bar.close()
        # After a replacement everywhere the next key may be the u that takes it back; in the text it would be typed.
        back, self._replaced_all = (self._outline if self._replaced_all else self._editor), False
        self._trouble = ""
        self._show_status()
        self.set_focus(back)

    # -- replacing

    def on_find_bar_replaced(self, event: FindBar.Replaced) -> None:
        self._look()
        self._finding.by = self._bar.by
        if not self._refuses() and self.store() and self._finding.query.text:
            try:
                {"one": self._replace_one, "section": self._replace_here, "all": self._replace_all}[event.where]()
            except LwtuiError as error:
                self.complain(error)

    def _replace_one(self) -> None:
        start, end = self._editor.selected
        new = replacement_at(self._editor.text, self._finding.query, self._finding.by, start, end)
        if new is not None and not self._editor.read_only:
            text = self._editor.text
            self._editor.change(text[:start] + new + text[end:])
            self._editor.go_to(start + len(new))
            self.store()
        self._step(forward=True)

    def _replace_here(self) -> None:
        if self._editor.read_only:
            self.say(self._editor.why_locked)
            return
        text, count = replace_all(self._editor.text, self._finding.query, self._finding.by)
        self._editor.change(text)
        self.store()
        self._look()
        self.say(f"{count} replaced in this section. Ctrl+Z in the text takes it back.")

    def _replace_all(self) -> None:
        self.say(f"{self._finding.replace_everywhere()} {key_of(WRITING, 'undo')} in the outline takes it back.")
        self._replaced_all = True
        self._draw()
        self._look()

    @work
    async def action_undo(self) -> None:
        """Take back the last replacement; a change of the plan, which is not seen here, only after asking."""
        from lwtui.app.screens.dialogs import Confirm

        if not self.store():
            return
        label = self._document.last_step
        if label is None:
            self.say("There is nothing to take back here. Ctrl+Z in the text does.")
            return
        replaced = label.startswith(f"{REPLACED} “")
        question = f"Take back the last change of the plan: {label}?"
        if replaced:
            loses = self._finding.what_undo_loses(label)
            question = loses and f"Take back: {label}? {loses} (the history has it)."
        if question and not await self.app.push_screen_wait(Confirm(question, "Undo")):
            return
        if self._session.current and not replaced:  # the plan before may not have the section that is being written
            self.say(f"A section is being written: {key_of(WRITING, 'pause')} pauses. Then the plan can be changed.")
            return
        try:
            self._document.undo_plan()
        except LwtuiError as error:
            self.complain(error)
            return
        self.say(f"Taken back: {label}")
        self._draw()

    # -- headings

    @work
    async def action_go_to(self) -> None:
        from lwtui.app.screens.go_to import GoTo, headings

        if not self.store():
            return
        found = headings(self._document.sections())
        place = await self.app.push_screen_wait(GoTo(found, self._editor.section_id))
        if place is not None:
            self._draw(place.section_id)
            self._editor.focus()
            self._editor.go_to(place.start)

    # -- the selection

    def on_text_area_selection_changed(self) -> None:
        selection = self._editor.selection
        selected = ""
        if not selection.is_empty:
            count = count_words(self._editor.selected_text)
            selected = f"{counted(count, unit(self._document.brief.language).removesuffix('s'))} selected"
        if selected != self._selected:
            self._selected = selected
            self._show_status()

    # -- vim's keys

    def on_screen_resume(self) -> None:
        self._editor.use_vim(self.lwtui.settings.vim)

    def on_section_editor_mode_changed(self) -> None:
        self._show_status()

    def on_descendant_focus(self) -> None:
        self._show_mode()

    def on_descendant_blur(self) -> None:
        self._show_mode()

    def _show_mode(self) -> None:
        if self.lwtui.settings.vim:
            self.call_after_refresh(self._show_status)

    @property
    def _telling(self) -> list[str]:
        """What stands in the status line before the figures: vim's mode, how much is selected."""
        return [one for one in (self._editor.mode, self._selected) if one]

    # -- another editor

    @work(exclusive=True)
    async def action_external(self) -> None:
        """Hand the section to the person's own editor; what comes back is an edit by hand."""
        from lwtui.app.external_editor import edit_elsewhere

        section_id = self._editor.section_id
        if not section_id or not self.store():
            return
        section = self._document.section(section_id)
        if self._refuses():
            return
        if section.status is Status.WRITING:
            self.say(f"This section is being written. {key_of(WRITING, 'pause')} pauses; then it can be edited.")
            return
        try:
            text = await self._outside(lambda: edit_elsewhere(section.text, section.title, os.environ))
        except SuspendNotSupported:
            self.complain("Another editor needs the terminal, and here there is none (as in a browser).")
            return
        except LwtuiError as error:
            self.complain(error)
            return
        self._take_over(section_id, section.text, text)

    async def _outside(self, work: Callable[[], str]) -> str:
        """What ``work`` gives, which has the terminal to itself. What a model writes meanwhile goes on, not drawn."""
        with self.app.suspend(), self.app.batch_update():
            # An error must not leave this block: Textual would not take the terminal back.
            (done,) = await asyncio.gather(asyncio.to_thread(work), return_exceptions=True)
        if isinstance(done, BaseException):
            raise done
        return done

    def _take_over(self, section_id: str, before: str, text: str) -> None:
        if text == before:
            return
        try:
            self._document.edit(section_id, text)
        except LwtuiError as error:  # a full disk, or a model that has come to this section meanwhile
            from lwtui.app.external_editor import put_aside

            self.complain(f"{error} The edited text is in {put_aside(text)}.")
            return
        self._draw(section_id)

    # -- nothing but the text

    def action_focus_mode(self) -> None:
        self.toggle_class("focus-mode")
        self._editor.focus()
        self.call_after_refresh(self._draw)
