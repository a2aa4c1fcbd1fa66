"""Shows and edits the text: the outline with the progress of each section, and the section under the cursor."""

from __future__ import annotations

import sys
from time import monotonic

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer

from lwtui.agentwrite.events import DocumentFinished, PolishFinished, SectionStarted
from lwtui.agentwrite.polish_progress import stored_progress
from lwtui.app.format import STATES, amount, clock, why_read_only
from lwtui.app.keymap import WRITING, bindings, key_of
from lwtui.app.outline_rows import text_row
from lwtui.app.places import Place
from lwtui.app.polish_run import PolishRequest
from lwtui.app.screens.model_tools import ModelTools
from lwtui.app.screens.text_tools import TextTools
from lwtui.app.session import Activity, ActivityChanged, SectionIsNext, Session, SessionEvent
from lwtui.app.status_line import status_line
from lwtui.app.widgets.edit_history import UndoHistories
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.section_editor import SectionEditor
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.documents.model import Origin, Section, Status
from lwtui.documents.outline import section_numbers
from lwtui.documents.shortfalls import shortfall_line
from lwtui.errors import LwtuiError
from lwtui.translation import _, _n, sentences

_FRAME_SECONDS = 0.1  # between two redraws while a model writes
_UNWATCHED_SECONDS = 0.3  # the same, if the section being written is not in view
_STATUS_SECONDS = 0.25  # between two updates of the figures, which take longer to compute
_MAX_LOG_LINES = 200  # beside the text


class WritingScreen(TextTools, ModelTools):
    """The text of a document, to read, watch and edit."""

    GROUP = WRITING
    BINDINGS = bindings(WRITING)
    CSS_PATH = "../styles/writing.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session, histories: UndoHistories | None = None) -> None:
        """Create the screen.

        Args:
            session: The session of the document.
            histories: The undo histories of sections shown before.
        """
        super().__init__(session)
        self._following = True  # whether the cursor follows the section being written
        self._frame: Timer | None = None  # until the next redraw
        self._second: Timer | None = None  # updates the status line once a second
        self._rows: dict[str, tuple[int, Section, Row]] = {}  # by section, with the number and section it shows
        self._status_time = 0.0  # of the last update of the status line
        self._title = TitleBar()
        self._outline = RowList(
            Column("", 1, tint=True),
            Column("", 3, right=True),
            Column(_("Section"), tree=True),
            Column("", 11, right=True, needs=40),
            Column("", 5, right=True, until=40),
            hint=_("No plan yet: {key}.", key=key_of(WRITING, "plan")),
            id="outline",
        )
        self._editor = SectionEditor(histories, id="text")
        self._page = Vertical(self._editor, id="page", classes="pane")
        self._notes = Line(id="notes")
        self._message = Line(id="message")
        self._status = Line(id="status")

    def compose(self) -> ComposeResult:
        self._outline.add_class("pane")
        yield self._title
        with Horizontal(id="panes"):
            yield self._outline
            yield self._page
            with VerticalScroll(id="aside-pane", classes="pane", can_focus=False) as aside:
                aside.border_title = _("About this section")
                yield self._notes
        yield self._bar
        yield self._message
        yield self._status
        yield KeyBar()

    def on_mount(self) -> None:
        self._second = self.set_interval(1.0, self._show_status, pause=not self._session.busy)
        at = self.begin_at
        known = at is not None and any(section.id == at.section_id for section in self._document.sections())
        self._draw(at.section_id if at is not None and known else self._first_section())
        if at is not None and known and at.screen == "text" and self._editor.section_id == at.section_id:
            self._editor.go_to(min(at.cursor, len(self._editor.text)))
            if at.editing:
                self.set_focus(self._editor)

    @property
    def place(self) -> Place:
        """The section and the cursor's position in it: the end of a text that still grows."""
        cursor = sys.maxsize if self._editor.is_growing else self._editor.place
        return Place("text", self._editor.section_id, cursor, self.focused is self._editor)

    def _first_section(self) -> str | None:
        """Return the section to show first: the one being written, else the first that is not done."""
        sections = self._document.sections()
        for wanted in (Status.WRITING, Status.PARTIAL, Status.EMPTY, Status.REFUSED, Status.SHORT):
            for section in sections:
                if section.status is wanted:
                    return section.id
        return None

    def _on_session_event(self, event: SessionEvent) -> None:
        if not self.is_attached:
            return  # the screen is closing and has stored all edits
        match event:
            case SectionIsNext():
                self.store()
            case ActivityChanged(activity, error):
                if self._second is not None:
                    self._second.pause() if activity is Activity.IDLE else self._second.resume()
                self.refresh_bindings()
                if error:
                    self.show_error(error)
            case SectionStarted(section_id=section_id) if self._following and not self._editing:
                self.call_later(self._draw, section_id)
            case DocumentFinished() if self._is_done:
                self.show_notice(
                    _(
                        "Finished: {length}. {key} exports it.",
                        length=amount(self._document.words, self._document.brief),
                        key=key_of(WRITING, "export"),
                    ),
                    code="finished",
                )
            case DocumentFinished() if line := shortfall_line(self._document.sections()):
                again = _("{key} writes them again.", key=key_of(WRITING, "write"))
                self.show_notice(sentences(line, again), code="shortfalls")
            case PolishFinished(sections=sections, improved=improved):
                self.show_notice(
                    _n(
                        "Polished: {improved} of {count:,} section improved. "
                        "{history} shows both texts, {review} what is left to mend.",
                        "Polished: {improved} of {count:,} sections improved. "
                        "{history} shows both texts, {review} what is left to mend.",
                        sections,
                        improved=improved,
                        history=key_of(WRITING, "history"),
                        review=key_of(WRITING, "review"),
                    ),
                    code="polished",
                )
            case _:
                pass
        self._draw_soon()

    @property
    def _is_done(self) -> bool:
        return all(section.status is Status.DONE for section in self._document.sections())

    @property
    def _editing(self) -> bool:
        return self.focused is self._editor and not self._editor.read_only

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer either Write or Pause, which share a key."""
        if action in ("write", "pause"):
            return (action == "pause") is self._session.busy
        return True

    # -- content

    def _draw_soon(self) -> None:
        if self._frame is None:
            watched = not self._session.current or self._editor.section_id in self._session.current
            self._frame = self.set_timer(_FRAME_SECONDS if watched else _UNWATCHED_SECONDS, self._draw_frame)

    def _draw_frame(self) -> None:
        """Redraw what has changed; update the figures less often, but also after the last change."""
        figures = self._session.activity is not Activity.WRITING or monotonic() - self._status_time > _STATUS_SECONDS
        self._draw(figures=figures)
        if not figures:
            self._draw_soon()

    def _draw(self, select: str | None = None, *, figures: bool = True) -> None:
        if self._frame is not None:
            self._frame.stop()
            self._frame = None
        if not self.is_attached:
            return
        sections = self._document.sections()
        numbers = section_numbers(self._document.plan)
        rows = [self._row(number, section) for number, section in zip(numbers, sections, strict=True)]
        self._outline.show(rows, select)
        self._show_section()
        if not self._session.busy:
            self._find_stale_soon()
        if figures:
            self._show_status()

    def _row(self, at: int, section: Section) -> Row:
        """Return the section's row, built again only if the section has changed."""
        known = self._rows.get(section.id)
        if known is None or known[0] != at or known[1] is not section:
            known = self._rows[section.id] = (at, section, text_row(at, section, stale=section.id in self._stale))
        return known[2]

    def _show_section(self) -> None:
        """Show the section under the cursor, unless edits of the previous one cannot be stored."""
        section_id = self._outline.key
        if section_id != self._editor.section_id and not self.store():
            self._outline.select(self._editor.section_id)
            return
        if section_id is None:
            label(self._page, self._document.title)
            self._editor.show("", "", writing=False, locked=True)
            return
        section = self._document.section(section_id)
        length = amount(section.length, self._document.brief, of=section.words)
        label(self._page, section.title or self._document.title, f"{length} · {STATES[section.status]}")
        writing = section.status is Status.WRITING
        self._page.set_class(writing, "writing")
        self._editor.show(section_id, section.text, writing=writing, locked=self._document.read_only)
        self._show_notes(section)

    def _show_notes(self, section: Section) -> None:
        """Show the section's main point and the latest log lines, in wide windows."""
        if not self.has_class("-huge"):
            return
        lines = [f"{clock(moment)}  {line}" for moment, line in list(self._session.log)[-_MAX_LOG_LINES:]]
        log = "\n".join(reversed(lines)) or _("Nothing yet.")
        self._notes.set_text(
            Content.assemble(
                (_("Main point") + "\n", "bold"),
                (section.main_point or _("None in the plan.")) + "\n\n",
                (_("Log, newest first") + "\n", "bold"),
                (log, "$text-muted"),
            )
        )

    def _show_status(self) -> None:
        self._status_time = monotonic()
        session, document = self._session, self._document
        self._status.set_text(status_line(session, self.size.width, self._editor_status))
        self._title.set_text(document.title, session.model)
        sections = document.sections()
        done = sum(section.status is Status.DONE for section in sections)
        label(self._outline, _("Outline"), _("{done} of {count} done", done=done, count=len(sections)))
        problem = why_read_only(document) or self._query_problem or session.error
        self._message.set_class(bool(problem), "error")
        self._message.set_text(problem or session.message)

    # -- navigation

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        # A user who has gone to another section wants to stay there.
        self._following = not self._session.current or event.key in self._session.current
        self._show_section()

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def action_follow(self) -> None:
        """Go to the section being written, and follow the model."""
        self._following = True
        for section_id in self._session.current:
            self._draw(section_id)
            return
        self.show_notice(_("The model is not writing."), code="not-writing")

    def action_switch(self) -> None:
        """Switch between outline and text."""
        self.set_focus(self._outline if self.focused is self._editor else self._editor)

    def action_edit(self) -> None:
        """Go to the text, or show why it cannot be edited."""
        self.set_focus(self._editor)  # immediately: the next key may be text
        if not self._refuses() and (why := self._editor.why_locked):
            self.show_notice(why, code="locked")

    # -- edits

    def on_section_editor_edited(self) -> None:
        self.store()

    def on_section_editor_save_requested(self) -> None:
        self.action_save()

    def store(self) -> bool:
        """Store the edited text in the document. Returns whether that worked; if not, shows the error."""
        text = self._editor.unsaved
        if text is None:
            return True
        section_id = self._editor.section_id
        try:
            self._document.edit(section_id, text)
        except LwtuiError as error:
            self.show_error(error)
            return False
        self._editor.saved(self._document.section(section_id).text)
        self._draw_soon()
        return True

    def action_save(self) -> None:
        """Save everything to the file now."""
        if not self.store():
            return
        try:
            self._document.flush()
        except LwtuiError as error:
            self.show_error(error)
            return
        self.show_notice(_("Everything is saved in {name}.", name=self._document.path.name), code="saved")

    # -- the model

    def action_write(self) -> None:
        """Write the sections that are not done."""
        if not self.store():
            return
        if self._reopens():
            return
        if not self._document.plan.sections:
            self.show_notice(
                _("There is no plan yet: {key} goes to the plan.", key=key_of(WRITING, "plan")), code="no-plan"
            )
        elif self._is_done and stored_progress(self._document) is not None:
            self._start(lambda: self._session.start_polish(PolishRequest()))
        elif self._is_done:
            self.show_notice(
                _("Every section is done. {key} rewrites the one under the cursor.", key=key_of(WRITING, "regenerate")),
                code="all-done",
            )
        else:
            self._following = True
            self._start(self._session.start_write)

    async def action_pause(self) -> None:
        """Stop writing. The model stays loaded, so resuming is quick."""
        await self._halt(_("Paused. {key} resumes.", key=key_of(WRITING, "write")))

    async def action_stop(self) -> None:
        """Stop writing and unload the model."""
        await self._halt(_("Stopped; the model is unloaded."))
        await self.lwtui.models.release()

    async def _halt(self, message: str) -> None:
        self.store()
        await self._session.cancel()
        self._session.message = message
        self._draw()

    @work
    async def action_regenerate(self) -> None:
        """Have the model rewrite the section under the cursor."""
        from lwtui.app.screens.dialogs import Confirm

        section_id = self._outline.key
        if self._refuses():
            return
        if section_id is None or not self.store():
            return
        if self._document.section(section_id).origin is Origin.USER:
            question = _(
                "You edited this section by hand. Rewrite it? Your text stays in the history ({key}).",
                key=key_of(WRITING, "history"),
            )
            if not await self.app.push_screen_wait(Confirm(question, _("Rewrite"))):
                return
        if not await self._has_model():
            return
        try:
            await self._session.regenerate(section_id)
        except LwtuiError as error:
            self.show_error(error)
        self._draw(section_id)

    def action_done(self) -> None:
        """Mark the section under the cursor as done."""
        section_id = self._outline.key
        if section_id is None or not self.store():
            return
        try:
            self._document.mark_done(section_id)
        except LwtuiError as error:
            self.show_error(error)
        self._draw()

    # -- for the base class

    def _in_view(self) -> str | None:
        return self._outline.key

    def _show_stale(self) -> None:
        self._rows.clear()
        self._draw()

    # -- other screens

    def action_history(self) -> None:
        """Show the versions of the section under the cursor."""
        from lwtui.app.screens.history import HistoryScreen

        section_id = self._outline.key
        if section_id is None or not self.store():
            return
        if section_id in self._session.current:
            self.show_notice(
                _("The model is writing this section. Pause it first ({key}).", key=key_of(WRITING, "pause")),
                code="being-written",
            )
            return
        try:
            history = HistoryScreen(self._document, section_id)
        except LwtuiError as error:
            self.show_error(error)
            return
        self.app.push_screen(history, lambda _result: self._draw())

    def action_read(self) -> None:
        """Show the section in view as it reads."""
        from lwtui.app.screens.reading import ReadingScreen

        section_id = self._in_view()
        if section_id is not None and self.store():
            self.app.push_screen(ReadingScreen(self._document.section(section_id)))

    def action_export(self, to: str = "") -> None:
        """Export the document; ``to`` is the format selected at first."""
        from lwtui.app.screens.export import ExportScreen

        if self.store():
            self.app.push_screen(ExportScreen(self._document, to))

    def action_plan(self) -> None:
        """Show the plan."""
        if self.store():
            self.lwtui.show_plan()

    def action_back(self) -> None:
        """Leave focus mode, the find bar or the text; from the outline, go to the library."""
        if self.has_class("focus-mode"):
            self.action_focus_mode()
        elif self._bar.display:
            self.on_find_bar_closed()
        elif self.focused is self._editor:
            self.store()
            self._outline.focus()
        else:
            self.lwtui.leave_document()
