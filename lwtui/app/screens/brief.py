"""The brief of a document that there is: what was asked for, to look at and to change."""

from __future__ import annotations

from collections.abc import Callable

from textual import work
from textual.app import ComposeResult
from textual.widgets import Button, TextArea

from lwtui.app.format import amount, why_read_only
from lwtui.app.keymap import BRIEF, PLAN, bindings, key_of
from lwtui.app.screens.brief_form import MODES, BriefForm
from lwtui.app.session import Session
from lwtui.documents.model import Brief, Mode
from lwtui.errors import LwtuiError


class BriefScreen(BriefForm):
    """The form of an open document. Nothing is changed before it is saved."""

    GROUP = BRIEF
    BINDINGS = bindings(BRIEF)

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        """``changed`` is called when another brief was saved."""
        super().__init__(f"What was asked for: {session.document.title}", session.document.brief)
        self._session = session
        self._changed = changed

    def on_mount(self) -> None:
        self.query_one("#instruction", TextArea).read_only = self._session.document.read_only

    def _buttons(self) -> ComposeResult:
        yield Button(f"Save ({key_of(BRIEF, 'save')})", variant="primary", id="save")
        yield Button(f"Cancel ({key_of(BRIEF, 'cancel')})", id="cancel")

    def _modes(self) -> list[tuple[str, Mode]]:
        """A document that has a plan is not written in one call."""
        return [(shown, mode) for shown, mode in MODES if mode is not Mode.DIRECT or self._given.mode is mode]

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        self.dismiss()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Keep what the form says; writing that goes on goes on by that."""
        if why := why_read_only(self._session.document):
            self.complain(why)
            return
        brief = self._brief()
        if brief is None:
            return
        try:
            if brief != self._given:
                await self._session.change_brief(brief)
        except LwtuiError as error:
            self.complain(error)
            return
        if brief != self._given:
            self.say(self._told(brief))
            self._changed()
        self.dismiss()

    def _told(self, brief: Brief) -> str:
        """What was changed, and what that does not change by itself."""
        told = ["Saved."]
        document = self._session.document
        if brief.instruction != self._given.instruction and document.words:
            told.append(
                f"Stale ({key_of(PLAN, 'stale')}) has the sections that were written from the instruction before."
            )
        if brief.words not in (self._given.words, document.plan.words) and document.plan.sections:
            scales = f"{key_of(PLAN, 'total')} in the plan scales it."
            told.append(f"The plan still has {amount(document.plan.words, brief)}: {scales}")
        return " ".join(told)
