"""The base of the two screens of an open document: its session, and the actions that both screens have."""

from __future__ import annotations

from collections.abc import Callable

from textual import work
from textual.timer import Timer

from lwtui.app.format import why_read_only
from lwtui.app.keymap import PLAN, key_of
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.stale import StaleScreen, stale_sections
from lwtui.app.session import Activity, Session, SessionEvent
from lwtui.config import Role
from lwtui.errors import LwtuiError
from lwtui.translation import _

_REST_SECONDS = 0.3  # without a change before stale sections are searched
_FROM_SETTINGS = "-"  # stands for the settings' choice; no model has this name
_ROLES = {
    Role.PLAN: _("Plan"),
    Role.WRITE: _("Write"),
    Role.CRITIC: _("Critic and notes"),
    Role.JUDGE: _("Judge of rewritten sections"),
}


class DocumentScreen(BaseScreen):
    """Listens to the session while it is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._document = session.document
        self._stale: frozenset[str] = frozenset()  # the sections that are marked as stale
        self._stale_timer: Timer | None = None  # until the next search for them

    def on_mount(self) -> None:
        self._session.listen(self._on_session_event)

    def on_unmount(self) -> None:
        self._session.unlisten(self._on_session_event)

    # -- for subclasses

    def _on_session_event(self, event: SessionEvent) -> None:
        """React to an event of the session."""
        raise NotImplementedError

    def _draw(self, select: str | None = None) -> None:
        """Redraw everything from the document, with the cursor on the section ``select``."""
        raise NotImplementedError

    def _in_view(self) -> str | None:
        """Return the id of the section that the user is looking at."""
        raise NotImplementedError

    def _show_stale(self) -> None:
        """Redraw the marks of the stale sections."""
        raise NotImplementedError

    def _show_rewriting(self) -> None:
        """Go to the screen that shows sections while they are written, unless this is it."""

    # -- starting runs, and choosing models

    def _refuses(self) -> bool:
        """Return whether the document is read-only; if so, show why."""
        if why := why_read_only(self._document):
            self.show_error(why, code="read-only")
        return bool(why)

    def _reopens(self) -> bool:
        """Return whether the document is read-only; if so, try to open it for writing."""
        if self._document.read_only:
            self.lwtui.open_again()
        return self._document.read_only

    def action_log(self) -> None:
        """Show the log."""
        from lwtui.app.screens.log import LogScreen

        self.app.push_screen(LogScreen(self._session))

    def _start(self, start: Callable[[], None], role: Role = Role.WRITE) -> None:
        """Start a run of the model that has ``role``, or show why it cannot start."""
        if self._refuses():
            return
        if not self._session.models.knows(self._session.roles.name(role)):
            self._start_with_another(start, role)
            return
        try:
            start()
        except LwtuiError as error:
            self.show_error(error)

    @work(exclusive=True, group="runs")
    async def _start_with_another(self, start: Callable[[], None], role: Role) -> None:
        if await self._has_model(role):
            self._start(start, role)

    async def _has_model(self, role: Role = Role.WRITE) -> bool:
        """Return whether the model of ``role`` is configured; if it is not, have the user choose another."""
        name = self._session.roles.name(role)
        if self._session.models.knows(name):
            return True
        question = _("There is no model {name} on this machine. Choose another:", name=name)
        return not self._refuses() and await self._choose_model(role, question)

    async def _choose_model(self, role: Role, question: str) -> bool:
        """Have the user choose the model for ``role``. Returns whether one was chosen."""
        from lwtui.app.screens.dialogs import Choose

        session = self._session
        models = [(name, name) for name in self.lwtui.models.names()]
        if role is not Role.WRITE:
            other = _("from the settings, else the writer")
            if role is Role.JUDGE:
                other = _("from the settings, else the critic")
            models.insert(0, (_FROM_SETTINGS, other))
        name = await self.app.push_screen_wait(Choose(question, models, session.roles.name(role)))
        if name is None:
            return False
        try:
            if role is not Role.WRITE:
                session.set_role(role, "" if name == _FROM_SETTINGS else name)
            elif name != self._document.brief.model:
                await session.change_model(name)
        except LwtuiError as error:
            self.show_error(error)
            return False
        self._draw()
        return True

    @work(exclusive=True, group="runs")
    async def action_model(self) -> None:
        """Choose the model that writes the document."""
        if not self._refuses():
            await self._choose_model(Role.WRITE, _("Model for this document"))

    @work(exclusive=True, group="runs")
    async def action_forecast(self) -> None:
        """Show the forecast of the rest, and set a budget."""
        from lwtui.app.screens.forecast import ForecastScreen

        if not self.store():
            return
        if await self.app.push_screen_wait(ForecastScreen(self._session)):
            budget = self._session.budget
            self.show_notice(
                _("The budget is {budget}.", budget=budget) if budget else _("The budget was removed."), code="budget"
            )

    @work(exclusive=True, group="runs")
    async def action_roles(self) -> None:
        """Choose a model for a role."""
        from lwtui.app.screens.dialogs import Choose

        session = self._session
        if self._refuses():
            return
        options = [
            (role.value, _("{role}: {model}", role=shown, model=session.roles.name(role)))
            for role, shown in _ROLES.items()
        ]
        chosen = await self.app.push_screen_wait(Choose(_("Change the model for which role?"), options))
        if chosen is None:
            return
        role = Role(chosen)
        if await self._choose_model(role, _("{role}: which model?", role=_ROLES[role])):
            self.show_notice(_("{role}: {model}.", role=_ROLES[role], model=session.roles.name(role)), code="role")

    @work(exclusive=True, group="runs")
    async def action_brief(self) -> None:
        """View and change the brief."""
        from lwtui.app.screens.brief import BriefScreen

        if self._session.activity is Activity.PLANNING:
            self.show_notice(
                _("The model is planning. Stop it first ({key}).", key=key_of(PLAN, "stop")), code="planning"
            )
        elif self.store():
            await self.app.push_screen(BriefScreen(self._session, self._draw))

    # -- notes, summaries and prompts

    @work(exclusive=True, group="memory")
    async def action_notes(self) -> None:
        """Show the notes and the summaries of sections."""
        from lwtui.app.screens.notes import NotesScreen

        if self.store():
            await self.app.push_screen(NotesScreen(self._session, self._draw))

    @work(exclusive=True, group="memory")
    async def action_facts(self) -> None:
        """Show the facts that the sections state."""
        from lwtui.app.screens.facts import FactsScreen

        if self.store():
            await self.app.push_screen(FactsScreen(self._session, self._draw, self._in_view()))

    @work(exclusive=True, group="memory")
    async def action_sources(self) -> None:
        """Show the sources that the document is written from."""
        from lwtui.app.screens.sources import SourcesScreen

        if self.store():
            await self.app.push_screen(SourcesScreen(self._session, self._draw, self._in_view()))

    @work(exclusive=True, group="memory")
    async def action_inspect(self) -> None:
        """Show the prompt for the section in view."""
        from lwtui.app.screens.inspector import InspectorScreen

        section_id = self._in_view()
        if section_id is None or not self.store():
            return
        if self._document.section(section_id).is_heading_only:
            self.show_notice(
                _("This is only a heading. The model writes nothing for it, so there is no prompt."),
                code="heading-only",
            )
        elif section_id in self._session.current:
            self.show_notice(
                _(
                    "The model is writing this section. Stop it ({key}) to see the next prompt.",
                    key=key_of(PLAN, "stop"),
                ),
                code="being-written",
            )
        elif await self._has_model():
            await self.app.push_screen_wait(InspectorScreen(self._session, section_id))

    # -- stale sections

    def _find_stale_soon(self) -> None:
        """Search for stale sections once the user pauses: in a long document a search would delay keys."""
        if self._stale_timer is not None:
            self._stale_timer.stop()
        self._stale_timer = self.set_timer(_REST_SECONDS, self._find_stale)

    def _find_stale(self) -> None:
        self._stale_timer = None
        if self.is_attached and not self._session.busy:
            found = frozenset(stale_sections(self._document))
            if found != self._stale:
                self._stale = found
                self._show_stale()

    @work(exclusive=True, group="memory")
    async def action_stale(self) -> None:
        """Show the stale sections, and rewrite those that the user chooses."""
        if not self.store():
            return
        chosen = await self.app.push_screen_wait(StaleScreen(self._session))
        self._draw()
        if not chosen or not await self._has_model():
            return
        try:
            self._session.start_rewrite(chosen)
        except LwtuiError as error:
            self.show_error(error)
            return
        self._show_rewriting()
