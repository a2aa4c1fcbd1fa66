"""Views and changes the brief of an open document."""

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
from lwtui.translation import _, sentences


class BriefScreen(BriefForm):
    """The brief of an open document. Changes take effect when the form is saved."""

    GROUP = BRIEF
    BINDINGS = bindings(BRIEF)

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        """Create the form.

        Args:
            session: The session of the document.
            changed: Is called after a changed brief was saved.
        """
        super().__init__(_("Brief: {title}", title=session.document.title), session.document.brief)
        self._session = session
        self._changed = changed

    def on_mount(self) -> None:
        self.query_one("#instruction", TextArea).read_only = self._session.document.read_only

    def _buttons(self) -> ComposeResult:
        yield Button(_("Save ({key})", key=key_of(BRIEF, "save")), variant="primary", id="save")
        yield Button(_("Cancel ({key})", key=key_of(BRIEF, "cancel")), id="cancel")

    def _modes(self) -> list[tuple[str, Mode]]:
        """Return the modes; a document with a plan cannot change to being written in one call."""
        return [(shown, mode) for shown, mode in MODES if mode is not Mode.DIRECT or self._given.mode is mode]

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        """Close the form without saving."""
        self.dismiss()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Save the brief and close the form. A run in progress resumes with it."""
        if why := why_read_only(self._session.document):
            self.show_error(why, code="read-only")
            return
        brief = self._brief()
        if brief is None:
            return
        try:
            if brief != self._given:
                await self._session.change_brief(brief)
        except LwtuiError as error:
            self.show_error(error)
            return
        if brief != self._given:
            self.show_notice(self._summary(brief), code="brief-saved")
            self._changed()
        self.dismiss()

    def _summary(self, brief: Brief) -> str:
        """Say that the brief was saved, and what the user may want to change now."""
        parts = [_("Saved.")]
        document = self._session.document
        if brief.instruction != self._given.instruction and document.words:
            parts.append(
                _("Stale ({key}) lists the sections written for the old instruction.", key=key_of(PLAN, "stale"))
            )
        if brief.words not in (self._given.words, document.plan.words) and document.plan.sections:
            parts.append(
                _(
                    "The plan still has {length}. {key} in the plan scales it.",
                    length=amount(document.plan.words, brief),
                    key=key_of(PLAN, "total"),
                )
            )
        return sentences(*parts)
