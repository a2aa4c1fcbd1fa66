"""Headless review of a plan, which ``lwtui plan`` and ``lwtui write --review-plan`` share."""

from __future__ import annotations

from lwtui.agentwrite.events import Emit
from lwtui.agentwrite.forecast import forecast_line
from lwtui.agentwrite.plan_review import PlanTeam, review_plan
from lwtui.agentwrite.plan_review_forecast import plan_review_forecast
from lwtui.agentwrite.plan_review_progress import PlanReviewProgress
from lwtui.agentwrite.polish_forecast import PolishModels
from lwtui.agentwrite.throughput import load_rates
from lwtui.cli.plan_text import unit_of
from lwtui.cli.progress import Progress
from lwtui.documents.model import Brief, Plan
from lwtui.models.budget import check_priced
from lwtui.models.metering import UsageTracker
from lwtui.translation import _

REVIEW_PLAN_HELP = _(
    "have the plan reviewed before anything is written: gaps, overlaps, order, balance. The model revises it once, and "
    "the better of the two plans stands"
)


async def review(
    team: PlanTeam,
    brief: Brief,
    plan: Plan,
    progress: Progress,
    emit: Emit,
    resumed: PlanReviewProgress | None = None,
    tracker: UsageTracker | None = None,
) -> Plan:
    """Review a plan, say beforehand what it takes, and return the plan that stands.

    Raises:
        LwtuiError: A model cannot review, a call failed for good, or the budget is used up.
    """
    tracker = tracker or UsageTracker()
    for agent in (team.planner, team.critic, team.judge):
        check_priced(tracker.budget, agent.settings)
    models = PolishModels(team.planner.settings, team.critic.settings, team.judge.settings)
    expected = plan_review_forecast(brief, plan, models, load_rates, resumed.left if resumed else None)
    progress.note(
        _(
            "Expected for the review of the plan: {forecast}",
            forecast=forecast_line(expected, unit_of(brief.language)),
        )
    )
    return await review_plan(team, brief, plan, emit, progress=resumed, tracker=tracker, expected=expected.each)
