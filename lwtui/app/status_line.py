"""How far a document is and how fast it comes, on one line."""

from __future__ import annotations

from textual.content import Content

from lwtui.app.format import amount, bar
from lwtui.app.session import Activity, Session
from lwtui.text import duration, money

_ACTIVITIES = {
    Activity.IDLE: ("■ Idle", ""),
    Activity.LOADING: ("… Opening the model", "$text-warning"),
    Activity.PLANNING: ("▶ Planning", "$text-success"),
    Activity.WRITING: ("▶ Writing", "$text-success"),
}


def status_line(session: Session, width: int, first: list[str]) -> Content:
    """How far the document is, in at most ``width`` cells: without the bar where there is no room for it.

    ``first`` stands before the figures.
    """
    document = session.document
    sections, target = document.sections(), document.plan.words
    words = sum(section.length for section in sections)
    share = words / target if target else 0.0
    told = [*first, amount(words, document.brief, of=target)]
    if session.activity is Activity.WRITING:
        told.append(f"{session.state.throughput.tokens_per_second:.0f} tokens/s")
        if (left := session.seconds_left()) is not None:
            told.append(f"{duration(left)} left")
    if (cost := session.cost) is not None:
        told.append(f"cost {money(cost)}")
    rest = f"{share:.0%}  " + "  ".join(told)
    activity, style = _ACTIVITIES[session.activity]
    length = min(30, width - 2 - len(activity) - len(rest) - 4)
    meter = f"{bar(share, length)} " if length >= 6 else ""
    return Content.assemble((activity, style), "  ", (meter, "$text-success"), rest)
