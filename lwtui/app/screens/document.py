"""What the screens of an open document share: its session, and what can be done from the plan and the text alike."""

from __future__ import annotations

from collections.abc import Callable

from textual import work
from textual.timer import Timer

from lwtui.app.format import why_read_only
from lwtui.app.keymap import PLAN, key_of
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.stale import StaleScreen, stale_sections
from lwtui.app.session import Activity, Heard, Session
from lwtui.config import Role
from lwtui.errors import LwtuiError

_REST_SECONDS = 0.3  # after the last change; then what is stale is looked for
_AS_SET = "-"  # no model's name: a role is left to the settings
_ROLES = {
    Role.PLAN: "Plan",
    Role.WRITE: "Write",
    Role.CRITIC: "Critic and notes",
}


class DocumentScreen(BaseScreen):
    """Hears what the session does for as long as it is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._document = session.document
        self._stale: frozenset[str] = frozenset()  # the sections that are marked as stale
        self._stale_timer: Timer | None = None  # the next look for them

    def on_mount(self) -> None:
        self._session.listen(self._heard)

    def on_unmount(self) -> None:
        self._session.unlisten(self._heard)

    # -- what each of them has in its own way

    def _heard(self, event: Heard) -> None:
        raise NotImplementedError

    def _draw(self, select: str | None = None) -> None:
        """Draw everything from the document, with the cursor on the section ``select``."""
        raise NotImplementedError

    def _in_view(self) -> str | None:
        """The id of the section that the person is looking at."""
        raise NotImplementedError

    def _show_stale(self) -> None:
        """Draw the marks of what is stale."""
        raise NotImplementedError

    def _show_rewriting(self) -> None:
        """Go to where sections can be watched as they are written; nothing where that is here."""

    # -- what may be done, and the model

    def _refuses(self) -> bool:
        """Whether the document can only be read; then the person is told why."""
        if why := why_read_only(self._document):
            self.complain(why)
        return bool(why)

    def _opens_again(self) -> bool:
        """Whether the document can only be read; then it is opened again, for what had it may have let go of it."""
        if self._document.read_only:
            self.lwtui.open_again()
        return self._document.read_only

    def _start(self, start: Callable[[], None], role: Role = Role.WRITE) -> None:
        """Start a run of the model that has ``role``; what keeps it from starting is told."""
        if self._refuses():
            return
        if not self._session.models.knows(self._session.roles.name(role)):
            self._start_with_another(start, role)
            return
        try:
            start()
        except LwtuiError as error:
            self.complain(error)

    @work(exclusive=True, group="runs")
    async def _start_with_another(self, start: Callable[[], None], role: Role) -> None:
        if await self._has_model(role):
            self._start(start, role)

    async def _has_model(self, role: Role = Role.WRITE) -> bool:
        """Whether the model that has ``role`` is known on this machine; the person may choose another."""
        name = self._session.roles.name(role)
        if self._session.models.knows(name):
            return True
        question = f"The model {name} is not known on this machine. Choose another:"
        return not self._refuses() and await self._choose_model(role, question)

    async def _choose_model(self, role: Role, question: str) -> bool:
        """Have the person choose the model for ``role``; whether one was chosen."""
        from lwtui.app.screens.dialogs import Choose

        session = self._session
        models = [(name, name) for name in self.lwtui.models.names()]
        if role is not Role.WRITE:
            models.insert(0, (_AS_SET, "as the settings say, or as the writer"))
        name = await self.app.push_screen_wait(Choose(question, models, session.roles.name(role)))
        if name is None:
            return False
        try:
            if role is not Role.WRITE:
                session.set_role(role, "" if name == _AS_SET else name)
            elif name != self._document.brief.model:
                await session.change_model(name)
        except LwtuiError as error:
            self.complain(error)
            return False
        self._draw()
        return True

    @work(exclusive=True, group="runs")
    async def action_model(self) -> None:
        """Choose the model that writes the document."""
        if not self._refuses():
            await self._choose_model(Role.WRITE, "Model for this document")

    @work(exclusive=True, group="runs")
    async def action_forecast(self) -> None:
        """Show what the rest will take, and set a budget."""
        from lwtui.app.screens.forecast import ForecastScreen

        if not self.store():
            return
        if await self.app.push_screen_wait(ForecastScreen(self._session)):
            budget = self._session.budget
            self.say(f"The budget is {budget}." if budget else "There is no budget.")

    @work(exclusive=True, group="runs")
    async def action_roles(self) -> None:
        """Choose a model for planning, writing, or reading."""
        from lwtui.app.screens.dialogs import Choose

        session = self._session
        if self._refuses():
            return
        options = [(role.value, f"{shown}: {session.roles.name(role)}") for role, shown in _ROLES.items()]
        chosen = await self.app.push_screen_wait(Choose("Which model is to be another?", options))
        if chosen is None:
            return
        role = Role(chosen)
        if await self._choose_model(role, f"{_ROLES[role]}: which model?"):
            self.say(f"{_ROLES[role]}: {session.roles.name(role)}.")

    @work(exclusive=True, group="runs")
    async def action_brief(self) -> None:
        """What was asked for, to look at and to change."""
        from lwtui.app.screens.brief import BriefScreen

        if self._session.activity is Activity.PLANNING:
            self.say(f"The model is planning: {key_of(PLAN, 'stop')} stops it. Then what it plans can be changed.")
        elif self.store():
            await self.app.push_screen(BriefScreen(self._session, self._draw))

    # -- what the model knows

    @work(exclusive=True, group="memory")
    async def action_notes(self) -> None:
        """The writer's notes and the summaries of sections."""
        from lwtui.app.screens.notes import NotesScreen

        if self.store():
            await self.app.push_screen(NotesScreen(self._session, self._draw))

    @work(exclusive=True, group="memory")
    async def action_inspect(self) -> None:
        """What the model will see when the section in view is written next."""
        from lwtui.app.screens.inspector import InspectorScreen

        section_id = self._in_view()
        if section_id is None or not self.store():
            return
        if self._document.section(section_id).heads:
            self.say("A heading alone is not written, so the model sees nothing for it.")
        elif section_id in self._session.current:
            self.say(
                f"This section is being written. {key_of(PLAN, 'stop')} stops; then what comes next can be looked at."
            )
        elif await self._has_model():
            await self.app.push_screen_wait(InspectorScreen(self._session, section_id))

    # -- what is stale

    def _find_stale_soon(self) -> None:
        """Look what is stale once changes have come to rest: in a long document that takes longer than a key should."""
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
        """The sections that rest on what has changed since; those chosen are written anew."""
        if not self.store():
            return
        chosen = await self.app.push_screen_wait(StaleScreen(self._session))
        self._draw()
        if not chosen or not await self._has_model():
            return
        try:
            self._session.start_rewrite(chosen)
        except LwtuiError as error:
            self.complain(error)
            return
        self._show_rewriting()
