"""Says what happened while a plan was reviewed, for the log and the command line."""

from __future__ import annotations

from lwtui.agentwrite.events import (
    Event,
    PlanReviewed,
    PlanReviewFinished,
    PlanRevised,
    PolishOutcome,
    PolishStep,
    ReviewingPlan,
)
from lwtui.agentwrite.plan_review import point_line
from lwtui.text import clean, duration

_STEPS = {
    PolishStep.REVIEW: "being reviewed",
    PolishStep.REWRITE: "being revised",
    PolishStep.COMPARE: "being compared with its revision",
}
_OUTCOMES = {
    PolishOutcome.BETTER: "The revised plan is better by both comparisons, and stands",
    PolishOutcome.NOT_BETTER: "The plan is unchanged: the revised one did not win both comparisons",
    PolishOutcome.SOUND: "The plan is unchanged: the review found nothing",
    PolishOutcome.UNFIT: "The plan is unchanged: the model gave no other plan that can be used",
    PolishOutcome.TOO_LONG: "The plan is unchanged: it does not fit the context of a model",
}


def reviewing_line(event: ReviewingPlan) -> str:
    """Return the step under way in a few words."""
    if not event.title:
        return f"The plan is {_STEPS[event.step]}"
    return f"Part {event.number} of {event.total} of the plan, {clean(event.title)}, is {_STEPS[event.step]}"


def plan_review_notes(event: Event) -> list[str]:
    """Return the lines for an event of a review; none if there is nothing to say."""
    match event:
        case PlanReviewed(points=points, dropped=dropped):
            lines = [clean(point_line(point)) for point in points]
            if dropped:
                lines.append(f"{dropped} point{'' if dropped == 1 else 's'} dropped: no such steps in the plan")
            return lines
        case PlanRevised(outcome=outcome, seconds=seconds):
            return [f"{_OUTCOMES[outcome]} ({duration(seconds)})"]
        case PlanReviewFinished(parts, improved) if parts > 1:
            return [f"Plan reviewed: {improved} of {parts} parts improved"]
    return []
