"""The progress and the speed of a document on one line."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from lwtui.app.format import amount, bar
from lwtui.app.session import Activity, Session
from lwtui.text import duration, money
from lwtui.translation import _

_ACTIVITIES = {
    Activity.IDLE: (_("■ Idle"), ""),
    Activity.LOADING: (_("… Opening the model"), "$text-warning"),
    Activity.PLANNING: (_("▶ Planning"), "$text-success"),
    Activity.WRITING: (_("▶ Writing"), "$text-success"),
    Activity.NOTING: (_("▶ Noting facts"), "$text-success"),
    Activity.POLISHING: (_("▶ Polishing"), "$text-success"),
}


def status_line(session: Session, width: int, first: list[str]) -> Content:
    """Return the status line: activity, progress, speed, time left and cost.

    Args:
        session: The session of the document.
        width: The width of the line in cells; a narrow line has no progress bar.
        first: Texts to show before the figures.
    """
    document = session.document
    sections, target = document.sections(), document.plan.words
    words = sum(section.length for section in sections)
    share = words / target if target else 0.0
    figures = [*first, amount(words, document.brief, of=target)]
    if session.activity is Activity.WRITING:
        if rate := session.state.throughput.tokens_per_second:
            figures.append(_("{rate} tokens/s", rate=f"{rate:.0f}" if rate >= 9.95 else f"{rate:.1f}"))
        if (left := session.seconds_left()) is not None:
            figures.append(_("{time} left", time=duration(left)))
    if (cost := session.cost) is not None:
        figures.append(_("cost {money}", money=money(cost)))
    rest = f"{share:.0%}  " + "  ".join(figures)
    activity, style = _ACTIVITIES[session.activity]
    length = min(30, width - 2 - cell_len(activity) - cell_len(rest) - 4)
    meter = f"{bar(share, length)} " if length >= 6 else ""
    return Content.assemble((activity, style), "  ", (meter, "$text-success"), rest)
