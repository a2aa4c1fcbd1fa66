"""What the plan and the text have in common about memory: the notes, what is stale, what the model will see."""

from __future__ import annotations

from textual import work
from textual.timer import Timer

from lwtui.app.screens.base import Base
from lwtui.app.screens.stale import StaleScreen, stale_sections
from lwtui.app.session import Session
from lwtui.errors import LwtuiError

_REST_SECONDS = 0.3  # after the last change; then what is stale is looked for


class MemoryTools(Base):
    """The part of a screen that opens them. The screen itself has what this part names here."""

    _session: Session
    _stale: frozenset[str] = frozenset()  # the sections that are marked as stale
    _stale_timer: Timer | None = None  # the next look for them

    def _show_stale(self) -> None:
        """Draw the marks of what is stale."""
        raise NotImplementedError

    def _find_stale_soon(self) -> None:
        """Look what is stale once changes have come to rest: in a long document that takes longer than a key should."""
        if self._stale_timer is not None:
            self._stale_timer.stop()
        self._stale_timer = self.set_timer(_REST_SECONDS, self._find_stale)

    def _find_stale(self) -> None:
        self._stale_timer = None
        if self.is_attached and not self._session.busy:
            found = frozenset(stale_sections(self._session.document))
            if found != self._stale:
                self._stale = found
                self._show_stale()

    def _in_view(self) -> str | None:
        """The id of the section that the person is looking at."""
        raise NotImplementedError

    def _memory_changed(self) -> None:
        """Draw what depends on notes and summaries."""
        raise NotImplementedError

    @work(exclusive=True, group="memory")
    async def action_notes(self) -> None:
        """The writer's notes and the summaries of sections."""
        from lwtui.app.screens.notes import NotesScreen

        if self.store():
            await self.app.push_screen(NotesScreen(self._session, self._memory_changed))

    @work(exclusive=True, group="memory")
    async def action_inspect(self) -> None:
        """What the model will see when the section in view is written next."""
        from lwtui.app.screens.inspector import InspectorScreen

        section_id = self._in_view()
        if section_id is None or not self.store():
            return
        if self._session.document.section(section_id).heads:
            self.say("A heading alone is not written, so the model sees nothing for it.")
        elif section_id in self._session.current:
            self.say("This section is being written. F6 stops; then what comes next can be looked at.")
        else:
            await self.app.push_screen_wait(InspectorScreen(self._session, section_id))

    @work(exclusive=True, group="memory")
    async def action_stale(self) -> None:
        """The sections that rest on what has changed since; those chosen are written anew."""
        if not self.store():
            return
        chosen = await self.app.push_screen_wait(StaleScreen(self._session))
        self._memory_changed()
        if not chosen:
            return
        try:
            self._session.start_rewrite(chosen)
        except LwtuiError as error:
            self.complain(error)
            return
        self._show_rewriting()

    def _show_rewriting(self) -> None:
        """Go to where the sections can be watched; nothing where that is here."""
