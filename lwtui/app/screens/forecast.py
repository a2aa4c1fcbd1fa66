"""Shows the forecast of the rest of the document, and sets its budget."""

from __future__ import annotations

from collections.abc import Collection

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from lwtui.agentwrite.forecast import Forecast
from lwtui.app.format import amount, number
from lwtui.app.keymap import PLAN, key_of
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.session import Session
from lwtui.config import Role
from lwtui.errors import LwtuiError
from lwtui.models.budget import Budget, Prices
from lwtui.models.usage import Usage
from lwtui.text import duration, money
from lwtui.translation import _, _n, listed

_LABEL = 20  # cells, the least width of a figure's name
_ROLES = {
    Role.PLAN: _("Plan"),
    Role.WRITE: _("Write"),
    Role.CRITIC: _("Critic"),
    Role.JUDGE: _("Judge"),
}


class ForecastScreen(Dialog[bool]):
    """Answers true if the budget was changed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        session = self._session
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Forecast for the rest")
            yield Static("\n".join(forecast_lines(session)), markup=False)
            if not session.document.read_only:
                yield Label(_("Budget for the whole document"), classes="above")
                yield Input(str(_budget(session) or ""), placeholder=_("none"), compact=True)
            hint = _("An amount such as 2.50, or 200k tokens; empty: none. Enter saves it, Esc closes.")
            yield Static(hint, classes="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self._session.set_budget(event.value)
        except LwtuiError as error:
            self.lwtui.show_error(error)
            return
        self.dismiss(True)


def forecast_lines(session: Session) -> list[str]:
    """Return the forecast, one figure on each line."""
    document, expected = session.document, session.forecast()
    if expected is None:
        return [
            _(
                "There is no model {model} on this machine. Choose another ({key}).",
                model=session.model,
                key=key_of(PLAN, "model"),
            )
        ]
    figures = [
        (_("Still to be written"), amount(expected.words, document.brief)),
        (_("Calls"), number(expected.calls)),
        (
            _("Input tokens"),
            _("{count} ({cached} cached)", count=number(expected.prompt), cached=number(expected.cached)),
        ),
        (_("Output tokens"), number(expected.completion)),
        (_("Time"), _time(expected)),
        (
            _("Cost"),
            money(expected.cost) if expected.cost is not None else _("unknown: the model's prices are not set"),
        ),
        (_("So far"), _so_far(session, document.usage)),
        *((_ROLES[role], session.roles.name(role)) for role in Role),
    ]
    width = max(_LABEL, *(cell_len(name) for name, _value in figures))
    result = [f"{set_cell_size(name, width)} {value}" for name, value in figures]
    if expected.planned:
        result.append(_("There is no plan yet, so its sections are guessed."))
    if (budget := _budget(session)) is not None:
        result.append(_verdict(session, expected, budget))
    return result


def short_forecast(session: Session, anew: Collection[str] = ()) -> str:
    """Return the forecast in short: ``about 12 min, 61,000 tokens, cost 0.1200``; empty without one.

    Args:
        session: The session of the document.
        anew: The ids of sections to rewrite; empty for the rest of the document.
    """
    expected = session.forecast(anew)
    if expected is None or not expected.words or expected.planned:
        return ""
    parts = [duration(expected.seconds)] if expected.seconds is not None else []
    parts.append(_n("{count:,} token", "{count:,} tokens", expected.prompt - expected.cached + expected.completion))
    if expected.cost is not None:
        parts.append(_("cost {amount}", amount=money(expected.cost)))
    return _("about {figures}", figures=listed(parts))


def _budget(session: Session) -> Budget | None:
    try:
        return session.budget
    except LwtuiError:
        return None  # written by a later version of lwtui; the user can set another


def _time(expected: Forecast) -> str:
    if expected.seconds is None:
        return _("unknown until the first section is written")
    return _("about {time} on this machine", time=duration(expected.seconds))


def _so_far(session: Session, usage: Usage) -> str:
    tokens = _("{input} input + {output} output tokens", input=number(usage.prompt), output=number(usage.completion))
    return tokens if session.cost is None else f"{tokens}, {money(session.cost)}"


def _verdict(session: Session, expected: Forecast, budget: Budget) -> str:
    model = session.model_settings
    share = session.tracker.share(budget, expected.usage, Prices.of(model)) if model else 0.0
    if share <= 1:
        return _("This will use {share:.0%} of the budget.", share=share)
    return _("This will use {share:.0%} of the budget; writing stops when it is used up.", share=share)
