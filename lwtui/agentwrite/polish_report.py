"""Says in a line what happened while a document was polished, for the log and the command line."""

from __future__ import annotations

from lwtui.agentwrite.events import (
    CriteriaMade,
    Event,
    PolishFinished,
    PolishOutcome,
    PolishStarted,
    PolishStep,
    SectionPolished,
    SectionReviewed,
)
from lwtui.agentwrite.run_state import RunState
from lwtui.text import clean, duration
from lwtui.translation import _, _n

POLISH_STEPS = {
    PolishStep.REVIEW: _("being reviewed"),
    PolishStep.REWRITE: _("being rewritten"),
    PolishStep.COMPARE: _("being compared with the old text"),
}
_OUTCOMES = {
    PolishOutcome.BETTER: _("rewritten, and better: both comparisons prefer the new text"),
    PolishOutcome.NOT_BETTER: _("unchanged: the rewritten text did not win both comparisons"),
    PolishOutcome.SOUND: _("unchanged: the review found nothing"),
    PolishOutcome.UNFIT: _("unchanged: the rewritten text missed the length, left something out, or changed nothing"),
    PolishOutcome.TOO_LONG: _("unchanged: it does not fit the context of a model"),
}


def polish_note(event: Event, state: RunState) -> str:
    """Return the line for an event of polishing, after ``state`` has applied it; empty if there is nothing to say."""
    match event:
        case CriteriaMade(criteria):
            listed = "; ".join(clean(one).rstrip(".。") for one in criteria)
            return _("Criteria of the review: {criteria}", criteria=listed)
        case PolishStarted(number, passes, section_ids):
            return _started(len(section_ids), number, passes)
        case SectionReviewed(section_id, points, dropped):
            quoted = sum(bool(point.quote) for point in points)
            return f"{_name(section_id, state)}: {_found(quoted, dropped)}"
        case SectionPolished(section_id, outcome, seconds=seconds):
            return f"{_name(section_id, state)}: {_OUTCOMES[outcome]} ({duration(seconds)})"
        case PolishFinished(sections, improved):
            return _n(
                "Polished: {improved} of {count} section improved",
                "Polished: {improved} of {count} sections improved",
                sections,
                improved=improved,
            )
    return ""


def _started(sections: int, number: int, passes: int) -> str:
    if passes <= 1:
        return _n("Polishing {count} section", "Polishing {count} sections", sections)
    return _n(
        "Polishing {count} section, pass {number} of {passes}",
        "Polishing {count} sections, pass {number} of {passes}",
        sections,
        number=number,
        passes=passes,
    )


def _found(points: int, dropped: int) -> str:
    found = _n("{count} point to mend", "{count} points to mend", points) if points else _("nothing to mend")
    if not dropped:
        return found
    return _("{found}; {count} dropped, because the quote is not in the text", found=found, count=dropped)


def _name(section_id: str, state: RunState) -> str:
    return state.polish_names.get(section_id, _("The section"))
