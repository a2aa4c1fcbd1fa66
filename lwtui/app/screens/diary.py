"""Shows how many words each day has added, as a chart, and sets the daily goal."""

from __future__ import annotations

from datetime import date

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from lwtui.app.format import bar, number
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.screens.dialogs import Ask
from lwtui.config import set_value
from lwtui.documents.diary import Diary, DiaryDay
from lwtui.errors import LwtuiError
from lwtui.translation import _, _n

_DAYS = 14
_BAR = 34  # cells
_MOST = 1_000_000
_MONTHS = (
    _("Jan"), _("Feb"), _("Mar"), _("Apr"), _("May"), _("Jun"),
    _("Jul"), _("Aug"), _("Sep"), _("Oct"), _("Nov"), _("Dec"),
)  # fmt: skip
_WEEKDAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


class DiaryScreen(Dialog[None]):
    """The chart of the last two weeks."""

    BINDINGS = [("g", "goal", _("Goal")), ("enter", "close", _("Close"))]

    def __init__(self, session_words: int | None = None, today: date | None = None) -> None:
        """Create the dialog. ``session_words`` are those of the open document; ``None`` without one."""
        super().__init__()
        self._session_words = session_words
        self._today = today or date.today()
        self._chart = Static(id="chart")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Words a day")
            dialog.border_subtitle = _("g sets the daily goal, Esc closes")
            yield self._chart

    def on_mount(self) -> None:
        self._draw()

    def _draw(self) -> None:
        goal, diary = self.lwtui.settings.daily_goal, Diary()
        days = diary.days(_DAYS, self._today)
        lines = [_line(day, goal, max(goal, 1, *(each.words for each in days))) for day in days]
        lines.append(Content(""))
        lines += [Content(text) for text in _summary(days, goal, diary.streak(goal, self._today), self._session_words)]
        self._chart.update(Content("\n").join(lines))

    @work
    async def action_goal(self) -> None:
        """Ask for the daily goal."""
        now = self.lwtui.settings.daily_goal
        dialog = Ask(_("Words to write a day"), str(now or ""), _("Empty means no goal."), problem=_goal_problem)
        answer = await self.app.push_screen_wait(dialog)
        if answer is None:
            return
        try:
            set_value("daily_goal", answer.replace(",", "").strip())
        except LwtuiError as error:
            self.lwtui.show_error(error)
            return
        self.lwtui.reload_settings()
        self._draw()


def _goal_problem(given: str) -> str:
    text = given.replace(",", "").strip()
    if not text or (text.isdecimal() and int(text) <= _MOST):
        return ""
    return _("Enter a whole number up to {most}, such as 500.", most=number(_MOST))


def _line(day: DiaryDay, goal: int, most: int) -> Content:
    """Draw a day. That the goal is reached is a mark too, not only a color."""
    reached = bool(goal) and day.words >= goal
    style = "$text-success" if reached else "$text-accent"
    mark = " ✓" if reached else ""
    weekday, month = _WEEKDAYS[day.day.weekday()], _MONTHS[day.day.month - 1]
    shown = _("{weekday} {day:02} {month}", weekday=weekday, day=day.day.day, month=month)
    return Content.assemble(f"{shown}  ", (bar(day.words / most, _BAR), style), f" {number(day.words):>8}{mark}")


def _summary(days: list[DiaryDay], goal: int, streak: int, session_words: int | None) -> list[str]:
    today = number(days[-1].words)
    lines = [
        _("Today {count} of {goal} words.", count=today, goal=number(goal))
        if goal
        else _("Today {count} words. No goal is set.", count=today)
    ]
    if session_words is not None:
        lines.append(_("{count} since this document was opened.", count=number(session_words)))
    if streak:
        lines.append(
            _n(
                "The goal was reached on {count:,} day in a row.",
                "The goal was reached on {count:,} days in a row.",
                streak,
            )
        )
    return lines
