"""The dialog before a document is polished: its criteria, the number of passes, and what it will take."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Checkbox, Input, Label, Static, TextArea

from lwtui.agentwrite.criteria import CRITERIA, parse_criteria
from lwtui.agentwrite.polish import sections_to_polish
from lwtui.agentwrite.polish_progress import MOST_PASSES, forget_progress, stored_criteria, stored_progress
from lwtui.app.format import number
from lwtui.app.polish_run import PolishRequest, forecast_polish
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.toggles import Box
from lwtui.errors import LwtuiError
from lwtui.text import duration, money
from lwtui.translation import _, _n, listed, sentences


class PolishScreen(Dialog[PolishRequest]):
    """Answers with what to polish. The criteria are stored in the document, also if the dialog is closed."""

    BINDINGS = [
        Binding("f5", "start", _("Polish"), priority=True),
        Binding("f6", "again", _("Start over"), priority=True),
        Binding("escape", "close", _("Close")),
    ]
    AUTO_FOCUS = "#criteria"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._document = session.document
        self._criteria = TextArea("\n".join(stored_criteria(self._document)), id="criteria", soft_wrap=True)
        self._criteria.placeholder = _("None yet: the model makes them from your brief.")
        self._passes = Input("1", id="passes", compact=True)
        self._forecast = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = _("Polish the document")
            yield Label(_("Criteria, one on each line"))
            yield self._criteria
            with Horizontal(id="polish-options"):
                yield Label(_("Passes at most "))
                yield self._passes
                yield Box(_("also sections that you edited by hand"), False, id="edited", compact=True)
            yield self._forecast
            hint = _("Each section is reviewed and rewritten. It changes only if the new text wins in both orders.")
            yield Static(hint, classes="hint", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        self._show_forecast()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to start over only if there is something to resume."""
        return action != "again" or stored_progress(self._document) is not None

    @on(Input.Changed, "#passes")
    @on(Checkbox.Changed, "#edited")
    def _show_forecast(self) -> None:
        request, problem = self._request, self._problem
        self._forecast.set_text(problem or sentences(self._what(request), self._takes(request)))

    @property
    def _problem(self) -> str:
        given = self._passes.value.strip()
        valid = given.isdecimal() and 1 <= int(given) <= MOST_PASSES
        return "" if valid else _("Enter a number of passes from 1 to {most}.", most=MOST_PASSES)

    @property
    def _request(self) -> PolishRequest:
        passes = 1 if self._problem else int(self._passes.value)
        return PolishRequest(None, passes, self.query_one("#edited", Checkbox).value)

    def _what(self, request: PolishRequest) -> str:
        progress = stored_progress(self._document)
        if progress is not None and progress.left is not None:
            return _n(
                "The interrupted run is resumed: pass {number} of {passes}, {count:,} section left.",
                "The interrupted run is resumed: pass {number} of {passes}, {count:,} sections left.",
                len(progress.left),
                number=progress.number,
                passes=progress.passes,
            )
        count = len(sections_to_polish(self._document, edited=request.edited))
        return _n("{count:,} section to polish.", "{count:,} sections to polish.", count)

    def _takes(self, request: PolishRequest) -> str:
        expected = forecast_polish(self._document, self._session.models, self._session.roles, request)
        if expected is None or not expected.words:
            return ""
        figures = [_("{tokens} tokens", tokens=number(expected.prompt + expected.completion))]
        if expected.seconds is not None:
            figures.append(duration(expected.seconds))
        if expected.cost is not None:
            figures.append(_("cost {amount}", amount=money(expected.cost)))
        return _("About {figures}.", figures=listed(figures))

    def _keep_criteria(self) -> bool:
        """Store the criteria. Returns whether that worked; if not, shows the error."""
        criteria = parse_criteria(self._criteria.text)
        try:
            if criteria != stored_criteria(self._document) and not self._document.read_only:
                self._document.set_setting(CRITERIA, "\n".join(criteria))
        except LwtuiError as error:
            self.lwtui.show_error(error)
            return False
        return True

    def on_input_submitted(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Start polishing, or show why not."""
        request = self._request
        if self._problem:
            self._show_forecast()
        elif not stored_progress(self._document) and not sections_to_polish(self._document, edited=request.edited):
            self._forecast.set_text(_("There is no finished section to polish."))
        elif self._keep_criteria():
            self.dismiss(request)

    def action_again(self) -> None:
        """Forget the interrupted run."""
        try:
            forget_progress(self._document)
        except LwtuiError as error:
            self.lwtui.show_error(error)
        self.refresh_bindings()
        self._show_forecast()

    def action_close(self) -> None:
        """Store the criteria and close."""
        if self._keep_criteria():
            super().action_close()
