"""What concerns a document's runs, from the plan and from the text: their forecast, their budget, their models."""

from __future__ import annotations

from textual import work

from lwtui.app.screens.base import Base
from lwtui.app.session import Session
from lwtui.config import Role
from lwtui.errors import LwtuiError

_ROLES = {
    Role.PLAN: "Plan",
    Role.WRITE: "Write",
    Role.CRITIC: "Critic and notes",
}


class RunTools(Base):
    """A part of screens that have a session."""

    _session: Session

    @work(exclusive=True, group="run-tools")
    async def action_forecast(self) -> None:
        """Show what the rest will take, and set a budget."""
        from lwtui.app.screens.forecast import ForecastScreen

        if not self.store():
            return
        if await self.app.push_screen_wait(ForecastScreen(self._session)):
            budget = self._session.budget
            self.say(f"The budget is {budget}." if budget else "There is no budget.")

    @work(exclusive=True, group="run-tools")
    async def action_roles(self) -> None:
        """Choose a model for planning, writing, or reading."""
        from lwtui.app.screens.dialogs import Choose

        session = self._session
        if session.document.read_only:
            self.complain(f"Read-only: {session.document.read_only_reason}")
            return
        options = [(role.value, f"{shown}: {session.model_for(role)}") for role, shown in _ROLES.items()]
        chosen = await self.app.push_screen_wait(Choose("Which model is to be another?", options))
        if chosen is None:
            return
        role = Role(chosen)
        models = [(name, name) for name in self.lwtui.agents.names()]
        if role is not Role.WRITE:
            models.insert(0, ("-", "as the settings say, or as the writer"))
        name = await self.app.push_screen_wait(Choose(f"{_ROLES[role]}: which model?", models, session.model_for(role)))
        if name is None:
            return
        try:
            if role is Role.WRITE:
                await session.change_model(name)
            else:
                session.set_role(role, "" if name == "-" else name)
        except LwtuiError as error:
            self.complain(error)
            return
        self.say(f"{_ROLES[role]}: {session.model_for(role)}.")
