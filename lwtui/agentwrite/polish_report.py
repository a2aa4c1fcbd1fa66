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

POLISH_STEPS = {
    PolishStep.REVIEW: "being reviewed",
    PolishStep.REWRITE: "being rewritten",
    PolishStep.COMPARE: "being compared with the old text",
}
_OUTCOMES = {
    PolishOutcome.BETTER: "rewritten, and better: both comparisons prefer the new text",
    PolishOutcome.NOT_BETTER: "unchanged: the rewritten text did not win both comparisons",
    PolishOutcome.SOUND: "unchanged: the review found nothing",
    PolishOutcome.UNFIT: "unchanged: the rewritten text missed the length, left something out, or changed nothing",
    PolishOutcome.TOO_LONG: "unchanged: it does not fit the context of a model",
}


def polish_note(event: Event, state: RunState) -> str:
    """Return the line for an event of polishing, after ``state`` has applied it; empty if there is nothing to say."""
    match event:
        case CriteriaMade(criteria):
            return f"Criteria of the review: {'; '.join(clean(one).rstrip('.。') for one in criteria)}"
        case PolishStarted(number, passes, section_ids):
            count = f"{len(section_ids)} section{'' if len(section_ids) == 1 else 's'}"
            return f"Polishing {count}" + (f", pass {number} of {passes}" if passes > 1 else "")
        case SectionReviewed(section_id, points, dropped):
            quoted = sum(bool(point.quote) for point in points)
            found = f"{quoted} point{'' if quoted == 1 else 's'} to mend" if quoted else "nothing to mend"
            left_out = f"; {dropped} dropped, because the quote is not in the text" if dropped else ""
            return f"{_name(section_id, state)}: {found}{left_out}"
        case SectionPolished(section_id, outcome, seconds=seconds):
            return f"{_name(section_id, state)}: {_OUTCOMES[outcome]} ({duration(seconds)})"
        case PolishFinished(sections, improved):
            return f"Polished: {improved} of {sections} section{'' if sections == 1 else 's'} improved"
    return ""


def _name(section_id: str, state: RunState) -> str:
    return state.polish_names.get(section_id, "The section")
