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
from lwtui.translation import _, _n

_STEPS = {
    PolishStep.REVIEW: _("The plan is being reviewed"),
    PolishStep.REWRITE: _("The plan is being revised"),
    PolishStep.COMPARE: _("The plan is being compared with its revision"),
}
_STEPS_OF_PARTS = {
    PolishStep.REVIEW: _("Part {number} of {total} of the plan, {title}, is being reviewed"),
    PolishStep.REWRITE: _("Part {number} of {total} of the plan, {title}, is being revised"),
    PolishStep.COMPARE: _("Part {number} of {total} of the plan, {title}, is being compared with its revision"),
}
_OUTCOMES = {
    PolishOutcome.BETTER: _("The revised plan is better by both comparisons, and stands"),
    PolishOutcome.NOT_BETTER: _("The plan is unchanged: the revised one did not win both comparisons"),
    PolishOutcome.SOUND: _("The plan is unchanged: the review found nothing"),
    PolishOutcome.UNFIT: _("The plan is unchanged: the model gave no other plan that can be used"),
    PolishOutcome.TOO_LONG: _("The plan is unchanged: it does not fit the context of a model"),
}


def reviewing_line(event: ReviewingPlan) -> str:
    """Return the step under way in a few words."""
    if not event.title:
        return _STEPS[event.step]
    return _STEPS_OF_PARTS[event.step].format(number=event.number, total=event.total, title=clean(event.title))


def plan_review_notes(event: Event) -> list[str]:
    """Return the lines for an event of a review; none if there is nothing to say."""
    match event:
        case PlanReviewed(points=points, dropped=dropped):
            lines = [clean(point_line(point)) for point in points]
            if dropped:
                lines.append(
                    _n(
                        "{count} point dropped: no such steps in the plan",
                        "{count} points dropped: no such steps in the plan",
                        dropped,
                    )
                )
            return lines
        case PlanRevised(outcome=outcome, seconds=seconds):
            return [f"{_OUTCOMES[outcome]} ({duration(seconds)})"]
        case PlanReviewFinished(parts, improved) if parts > 1:
            return [_("Plan reviewed: {improved} of {parts} parts improved", improved=improved, parts=parts)]
    return []
