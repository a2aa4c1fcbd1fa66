"""The text: the outline with how far each section is, beside the section under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static

from lwtui.agentwrite.events import DocumentFinished, Event, SectionStarted
from lwtui.app.format import MARKS, bar, duration, money, number
from lwtui.app.keymap import WRITING, bindings
from lwtui.app.screens.base import Base
from lwtui.app.session import Activity, ActivityChanged, Session
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.section_editor import SectionEditor
from lwtui.documents.model import Origin, Section, Status
from lwtui.errors import LwtuiError

_FRAME_SECONDS = 0.1  # the text on the screen is at most this old


class WritingScreen(Base):
    """Read, watch, edit. All figures come from the session; nothing is decided here."""

    GROUP = WRITING
    BINDINGS = bindings(WRITING)
    CSS_PATH = "../styles/writing.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._document = session.document
        self._following = True
        self._stale = True  # something happened since the last frame

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        with Horizontal(id="panes"):
            yield RowList(
                Column("", 1), Column("", 3, right=True), Column("Section"), Column("", 11, right=True), id="outline"
            )
            with Vertical(id="page"):
                yield Static("", id="heading", markup=False)
                yield SectionEditor(id="text")
        yield Static("", id="message", markup=False)
        yield Static("", id="status", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._session.listen(self._heard)
        self.set_interval(_FRAME_SECONDS, self._frame)
        self.set_interval(1.0, self._show_status)
        self._draw(self._first_section())

    def on_unmount(self) -> None:
        self._session.unlisten(self._heard)

    def _first_section(self) -> str | None:
        """Where to begin: the section being written, else the first that is not done."""
        sections = self._document.sections()
        for wanted in (Status.WRITING, Status.PARTIAL, Status.EMPTY):
            for section in sections:
                if section.status is wanted:
                    return section.id
        return None

    def _heard(self, event: Event | ActivityChanged) -> None:
        self._stale = True
        match event:
            case ActivityChanged(error=error) if error:
                self.complain(error)
            case SectionStarted(section_id=section_id) if self._following and not self._editing:
                self.call_later(self._go_to, section_id)
            case DocumentFinished(length=length):
                self.say(f"Finished: {number(length)} words. F9 exports it.")
            case _:
                pass

    @property
    def _editing(self) -> bool:
        editor = self.query_one(SectionEditor)
        return editor.has_focus and not editor.read_only

    # -- what is shown

    def _frame(self) -> None:
        if self._stale:
            self._draw()

    def _draw(self, select: str | None = None) -> None:
        self._stale = False
        sections = self._document.sections()
        outline = self.query_one(RowList)
        outline.show([_row(at, section) for at, section in enumerate(sections, 1)], select)
        self._show_section()
        self._show_status()

    def _show_section(self) -> None:
        section_id = self.query_one(RowList).key
        heading, editor = self.query_one("#heading", Static), self.query_one(SectionEditor)
        if section_id is None:
            heading.update("No plan yet: F2 goes to the plan.")
            editor.show("", "", writing=False, locked=True)
            return
        if section_id != editor.section_id:
            self.store_edits()
        section = self._document.section(section_id)
        length = f"{number(section.length)} of {number(section.words)} words · {section.status}"
        heading.update(f"{section.title or self._document.title} — {length}")
        editor.show(
            section_id,
            section.text,
            writing=section.status is Status.WRITING,
            locked=self._document.read_only,
        )

    def _show_status(self) -> None:
        session, document = self._session, self._document
        sections, target = document.sections(), document.plan.words
        words = sum(section.length for section in sections)
        done = sum(section.status is Status.DONE for section in sections)
        share = words / target if target else 0.0
        parts = [
            _ACTIVITIES[session.activity],
            f"{bar(share, 10)} {share:.0%}",
            f"{number(words)} of {number(target)} words",
            f"{done}/{len(sections)} sections",
        ]
        if session.activity is Activity.WRITING:
            parts.append(f"{session.pace.tokens_per_second:.0f} tokens/s")
            if (left := session.seconds_left()) is not None:
                parts.append(f"{duration(left)} left")
        if (cost := session.cost) is not None:
            parts.append(f"cost {money(cost)}")
        self.query_one("#status", Static).update("  ".join(parts))
        self.query_one("#title", Static).update(f"{document.title} · {document.brief.model}")
        message = f"Read-only: {document.read_only_reason}" if document.read_only else session.message
        self.query_one("#message", Static).update(message)

    # -- moving about

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        # Whoever looks at another section does not want to be taken away from it.
        self._following = not self._session.current or event.key in self._session.current
        self._show_section()

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def _go_to(self, section_id: str) -> None:
        self._draw(section_id)

    def action_follow(self) -> None:
        self._following = True
        for section_id in self._session.current:
            self._go_to(section_id)
            return
        self.say("Nothing is being written.")

    def action_switch(self) -> None:
        editor = self.query_one(SectionEditor)
        (self.query_one(RowList) if editor.has_focus else editor).focus()

    def action_edit(self) -> None:
        editor = self.query_one(SectionEditor)
        editor.focus()
        if editor.read_only and not self._document.read_only:
            self.say("This section is being written. F5 pauses; then it can be edited.")

    # -- a person's text

    def on_section_editor_edited(self) -> None:
        self.store_edits()

    def store_edits(self) -> None:
        """Put what was typed into the document."""
        editor = self.query_one(SectionEditor)
        section_id, text = editor.section_id, editor.take()
        if text is None:
            return
        try:
            self._document.edit(section_id, text)
        except LwtuiError as error:
            self.complain(error)
        self._stale = True

    def action_save(self) -> None:
        self.store_edits()
        try:
            self._document.flush()
        except LwtuiError as error:
            self.complain(error)
            return
        self.say(f"Everything is in {self._document.path.name}.")

    # -- the model

    async def action_write(self) -> None:
        """Begin, or pause: the model stays loaded and going on takes no time."""
        self.store_edits()
        if self._session.busy:
            await self._session.cancel()
            self._session.message = "Paused. F5 goes on."
            self._draw()
            return
        if not self._document.plan.sections:
            self.say("There is no plan yet: F2 goes to the plan.")
            return
        if all(section.status is Status.DONE for section in self._document.sections()):
            self.say("Every section is done. F7 has the one under the cursor written anew.")
            return
        self._following = True
        self._start(self._session.start_write)

    def _start(self, start: Callable[[], None]) -> None:
        if self._document.read_only:
            self.complain(f"Read-only: {self._document.read_only_reason}")
            return
        try:
            start()
        except LwtuiError as error:
            self.complain(error)

    async def action_stop(self) -> None:
        self.store_edits()
        await self._session.cancel()
        await self.lwtui.agents.release()
        self._session.message = "Stopped, and the model is unloaded."
        self._draw()

    @work
    async def action_regenerate(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        self.store_edits()
        section_id = self.query_one(RowList).key
        if section_id is None or self._document.read_only:
            return
        if self._document.section(section_id).origin is Origin.USER:
            question = "You edited this section by hand. Have it written anew? Your text stays in its history (F8)."
            if not await self.app.push_screen_wait(Confirm(question, "Rewrite")):
                return
        try:
            await self._session.regenerate(section_id)
        except LwtuiError as error:
            self.complain(error)
        self._draw(section_id)

    def action_done(self) -> None:
        self.store_edits()
        section_id = self.query_one(RowList).key
        if section_id is None or section_id in self._session.current:
            return
        try:
            self._document.mark_done(section_id)
        except LwtuiError as error:
            self.complain(error)
        self._draw()

    @work
    async def action_model(self) -> None:
        from lwtui.app.screens.dialogs import Choose

        brief = self._document.brief
        models = [(name, name) for name in self.lwtui.agents.names()]
        chosen = await self.app.push_screen_wait(Choose("Model for this document", models, brief.model))
        if chosen is None or chosen == brief.model:
            return
        try:
            await self._session.cancel()
            self._document.set_brief(replace(brief, model=chosen))
        except LwtuiError as error:
            self.complain(error)
        self._draw()

    # -- elsewhere

    def action_history(self) -> None:
        from lwtui.app.screens.history import HistoryScreen

        self.store_edits()
        section_id = self.query_one(RowList).key
        if section_id is None:
            return
        if section_id in self._session.current:
            self.say("This section is being written: F5 pauses.")
            return
        self.app.push_screen(HistoryScreen(self._document, section_id), lambda _: self._draw())

    def action_log(self) -> None:
        from lwtui.app.screens.log import LogScreen

        self.app.push_screen(LogScreen(self._session))

    def action_export(self) -> None:
        from lwtui.app.screens.export import ExportScreen

        self.store_edits()
        self.app.push_screen(ExportScreen(self._document))

    def action_plan(self) -> None:
        self.store_edits()
        self.lwtui.show_plan()

    def action_back(self) -> None:
        self.store_edits()
        if self.query_one(SectionEditor).has_focus:
            self.query_one(RowList).focus()
        else:
            self.lwtui.leave_document()


_ACTIVITIES = {
    Activity.IDLE: "■ Idle",
    Activity.LOADING: "… Opening the model",
    Activity.PLANNING: "▶ Planning",
    Activity.WRITING: "▶ Writing",
}


def _row(at: int, section: Section) -> Row:
    length = f"{number(section.length)}/{number(section.words)}"
    title = section.title or "(the text)"
    return Row(section.id, (MARKS[section.status], str(at), title, length), section.status.value)
