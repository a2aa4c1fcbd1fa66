"""The actions of the text screen without a model: find and replace, go to a heading, external editor, focus mode."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from textual import work
from textual.app import SuspendNotSupported

from lwtui.app.find_replace import FindReplace, is_replacement, search_problem
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.screens.document import DocumentScreen
from lwtui.app.screens.plan_tools import shown_label
from lwtui.app.session import Session
from lwtui.app.widgets.find_bar import FindBar
from lwtui.app.widgets.row_list import RowList
from lwtui.app.widgets.section_editor import SectionEditor
from lwtui.documents.model import Status
from lwtui.documents.search import replace_all, replacement_at
from lwtui.errors import LwtuiError
from lwtui.sources.citations import Citation, find_citations
from lwtui.sources.support import support_checker
from lwtui.stop_signals import interrupts_left_to_others
from lwtui.text import count_words, counts_characters
from lwtui.translation import _, _n, sentences


class TextTools(DocumentScreen):
    """The part of the text screen that works without a model. The screen provides the attributes declared here."""

    _editor: SectionEditor
    _outline: RowList

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._find_replace = FindReplace(session.document)
        self._bar = FindBar(id="find-bar")
        self._selected = ""  # the length of the selection, for the status line
        self._query_problem = ""  # what is wrong with the query
        self._replaced_all = False  # since the bar was opened

    def _show_status(self) -> None:
        """Update the status line."""
        raise NotImplementedError

    # -- finding

    def action_find(self) -> None:
        """Open the bar to find."""
        self._open_bar(replace=False)

    def action_replace(self) -> None:
        """Open the bar to replace."""
        self._open_bar(replace=True)

    def _open_bar(self, *, replace: bool) -> None:
        if not self.store():
            return
        selected = self._editor.selected_text
        self._bar.open(selected if "\n" not in selected else "", replace=replace)
        self._search()

    def on_find_bar_query_changed(self) -> None:
        self._search()

    def _search(self) -> None:
        problem = search_problem(self._find_replace, self._bar.query_now)
        self._bar.set_text(_("Invalid") if problem else self._find_replace.status, error=bool(problem))
        if problem != self._query_problem:
            self._query_problem = problem
            self._show_status()

    def on_find_bar_stepped(self, event: FindBar.Stepped) -> None:
        self._step(forward=event.forward)

    def action_find_next(self) -> None:
        """Go to the next match."""
        self._step(forward=True)

    def action_find_previous(self) -> None:
        """Go to the previous match."""
        self._step(forward=False)

    def _step(self, *, forward: bool) -> None:
        """Go to the match after or before the selection."""
        if self._bar.display and self._bar.query_now != self._find_replace.query:
            self._search()
        if not self._find_replace.query.text:
            self._open_bar(replace=False)
            return
        if not self.store():
            return
        start, end = self._editor.selected
        try:
            match = self._find_replace.step(self._editor.section_id, end if forward else start, forward=forward)
        except LwtuiError as error:
            self.show_error(error)
            return
        if match is not None:
            self._draw(match.section_id)
            self._editor.go_to(match.start, match.end)
        elif not self._bar.display:
            self.show_notice(_("No matches."), code="no-matches")
        self._bar.set_text(self._find_replace.status)

    def on_find_bar_closed(self) -> None:
        self._bar.close()
        # After replacing everywhere the next key may be u for Undo, which the text would take as a letter.
        target, self._replaced_all = (self._outline if self._replaced_all else self._editor), False
        self._query_problem = ""
        self._show_status()
        self.set_focus(target)

    # -- replacing

    def on_find_bar_replaced(self, event: FindBar.Replaced) -> None:
        self._search()
        self._find_replace.by = self._bar.by
        if not self._refuses() and self.store() and self._find_replace.query.text:
            try:
                {"one": self._replace_one, "section": self._replace_here, "all": self._replace_all}[event.scope]()
            except LwtuiError as error:
                self.show_error(error)

    def _replace_one(self) -> None:
        start, end = self._editor.selected
        new = replacement_at(self._editor.text, self._find_replace.query, self._find_replace.by, start, end)
        if new is not None and not self._editor.read_only:
            text = self._editor.text
            self._editor.change(text[:start] + new + text[end:])
            self._editor.go_to(start + len(new))
            self.store()
        self._step(forward=True)

    def _replace_here(self) -> None:
        if self._editor.read_only:
            self.show_notice(self._editor.why_locked, code="locked")
            return
        text, count = replace_all(self._editor.text, self._find_replace.query, self._find_replace.by)
        self._editor.change(text)
        self.store()
        self._search()
        self.show_notice(
            _n(
                "{count:,} match replaced in this section. Ctrl+Z in the text undoes it.",
                "{count:,} matches replaced in this section. Ctrl+Z in the text undoes it.",
                count,
            ),
            code="replaced",
        )

    def _replace_all(self) -> None:
        self.show_notice(
            sentences(
                self._find_replace.replace_everywhere(),
                _("{key} in the outline undoes it.", key=key_of(WRITING, "undo")),
            ),
            code="replaced",
        )
        self._replaced_all = True
        self._draw()
        self._search()

    @work
    async def action_undo(self) -> None:
        """Undo the last replacement; ask before undoing a change of the plan, which this screen does not show."""
        from lwtui.app.screens.dialogs import Confirm

        if not self.store():
            return
        label = self._document.undo_label
        if label is None:
            self.show_notice(
                _("There is nothing to undo here. Ctrl+Z undoes edits in the text."), code="nothing-to-undo"
            )
            return
        replaced = is_replacement(label)
        question = _("Undo the last change of the plan: {change}?", change=shown_label(label))
        if replaced:
            lost = self._find_replace.lost_by_undo(label)
            question = lost and _("Undo: {change}? {lost} (the history has them).", change=label, lost=lost)
        if question and not await self.app.push_screen_wait(Confirm(question, _("Undo"))):
            return
        if self._session.current and not replaced:  # the old plan may not have the section that is being written
            self.show_notice(
                _("The model is writing. Pause it first ({key}).", key=key_of(WRITING, "pause")), code="writing"
            )
            return
        try:
            self._document.undo_plan()
        except LwtuiError as error:
            self.show_error(error)
            return
        self.show_notice(_("Undone: {change}", change=shown_label(label)), code="undone")
        self._draw()

    # -- headings

    @work
    async def action_go_to(self) -> None:
        """Go to a heading."""
        from lwtui.app.screens.go_to import GoTo, headings

        if not self.store():
            return
        found = headings(self._document.sections())
        place = await self.app.push_screen_wait(GoTo(found, self._editor.section_id))
        if place is not None:
            self._draw(place.section_id)
            self._editor.focus()
            self._editor.go_to(place.start)

    # -- citations

    @work
    async def action_passage(self) -> None:
        """Show the passage that fits the citation at the cursor best, among the passages of its source."""
        from lwtui.app.screens.passages import PassagesDialog

        if not self.store():
            return
        document, text, cursor = self._document, self._editor.text, self._editor.selected[0]
        sources = {source.key: source for source in document.sources}
        citation = nearest_citation(find_citations(text, sources), text, cursor)
        if citation is None:
            self.show_notice(
                _("There is no citation at the cursor. Put it on one, such as [@gray2020]."), code="no-citation"
            )
            return
        source = sources.get(citation.key)
        checker = support_checker(document.source_store, [text])
        if source is None or checker is None:
            self.show_notice(
                _("No source has the key “{key}”. Add it, or correct it.", key=citation.key), code="unknown-source"
            )
            return
        best, findings = await asyncio.to_thread(checker.at, text, citation, document.brief.language)
        problem = next((found.message for found in findings if found.start <= citation.start < found.end), "")
        hint = _("{problem}.", problem=problem) if problem else _("The names and figures of the sentence are in it.")
        select = None if best is None else best.passage.id
        passages = checker.passages(source.key)
        await self.app.push_screen_wait(PassagesDialog(_("Cited: {title}", title=source.title), passages, select, hint))

    # -- the selection

    def on_text_area_selection_changed(self) -> None:
        selection = self._editor.selection
        selected = ""
        if not selection.is_empty:
            count = count_words(self._editor.selected_text)
            if counts_characters(self._document.brief.language):
                selected = _n("{count:,} character selected", "{count:,} characters selected", count)
            else:
                selected = _n("{count:,} word selected", "{count:,} words selected", count)
        if selected != self._selected:
            self._selected = selected
            self._show_status()

    # -- Vim's keys

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
    def _editor_status(self) -> list[str]:
        """The first texts in the status line: Vim's mode and the length of the selection."""
        return [text for text in (self._editor.mode, self._selected) if text]

    # -- external editor

    @work(exclusive=True)
    async def action_external(self) -> None:
        """Edit the section in the user's own editor."""
        from lwtui.app.external_editor import edit_externally

        section_id = self._editor.section_id
        if not section_id or not self.store():
            return
        section = self._document.section(section_id)
        if self._refuses():
            return
        if section.status is Status.WRITING:
            self.show_notice(
                _("The model is writing this section. Pause it first ({key}).", key=key_of(WRITING, "pause")),
                code="being-written",
            )
            return
        try:
            text = await self._run_outside(lambda: edit_externally(section.text, section.title, os.environ))
        except SuspendNotSupported:
            self.show_error(
                _("The external editor needs a terminal. Here there is none, as in a browser."), code="no-terminal"
            )
            return
        except LwtuiError as error:
            self.show_error(error)
            return
        self._store_edited(section_id, section.text, text)

    async def _run_outside(self, work: Callable[[], str]) -> str:
        """Run ``work`` with the terminal to itself. A model keeps writing meanwhile, without being shown."""
        with self.app.suspend(), self.app.batch_update(), interrupts_left_to_others():
            # If an exception left this block, Textual would not take back the terminal.
            (result,) = await asyncio.gather(asyncio.to_thread(work), return_exceptions=True)
        if isinstance(result, BaseException):
            raise result
        return result

    def _store_edited(self, section_id: str, before: str, text: str) -> None:
        if text == before:
            return
        try:
            self._document.edit(section_id, text)
        except LwtuiError as error:  # the disk is full, or the model has begun to write this section
            from lwtui.app.external_editor import save_separately

            self.show_error(sentences(str(error), _("The edited text is in {file}.", file=save_separately(text))))
            return
        self._draw(section_id)

    # -- focus mode

    def action_focus_mode(self) -> None:
        """Show only the text, or everything again."""
        self.toggle_class("focus-mode")
        self._editor.focus()
        self.call_after_refresh(self._draw)


def nearest_citation(citations: Sequence[Citation], text: str, cursor: int) -> Citation | None:
    """Return the citation at a place of a text, or else the next one in the same paragraph, or the last before."""
    at = [citation for citation in citations if citation.start <= cursor <= citation.end]
    at += [citation for citation in citations if citation.group[0] <= cursor <= citation.group[1]]
    if at:
        return at[0]
    begin = text.rfind("\n\n", 0, cursor) + 1
    end = text.find("\n\n", cursor)
    near = [one for one in citations if begin <= one.start < (end if end >= 0 else len(text))]
    after = [one for one in near if one.start >= cursor]
    return after[0] if after else near[-1] if near else None
