"""Forecasts what the review of a plan takes: tokens, time on this machine, and money."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lwtui.agentwrite.forecast import Forecast, brief_tokens
from lwtui.agentwrite.plan_review import part_of, parts_to_review
from lwtui.agentwrite.polish_forecast import PolishModels, summed_by_role
from lwtui.agentwrite.throughput import Rates
from lwtui.config import ModelSettings, Role
from lwtui.documents.model import Brief, Plan
from lwtui.models.reasoning_settings import likely_reasoning
from lwtui.models.usage import NO_USAGE, Usage

_FRAME = 400  # tokens of a prompt besides the brief and the plan
_STEP = 45  # tokens of a step in the plan
_AROUND = 30  # tokens of another part of the plan
_POINTS = 250  # tokens of a review
_VERDICT = 60  # tokens of a verdict
_VERDICTS = 1.5  # of two, since the first one often decides


def plan_review_forecast(
    brief: Brief,
    plan: Plan,
    models: PolishModels,
    rates: Callable[[ModelSettings], Rates],
    left: Sequence[str] | None = None,
) -> Forecast:
    """Forecast the review of a plan, as if every part were revised.

    Args:
        brief: What the writer asked for.
        plan: The plan.
        models: The models; the writer stands for the planner.
        rates: Returns what was measured of a model.
        left: Ids of the parts that are left; by default, all.
    """
    part_ids = parts_to_review(plan) if left is None else left
    frame = brief_tokens(brief) + _FRAME + len(part_ids) * _AROUND
    thought = {
        Role.PLAN: likely_reasoning(models.writer, Role.PLAN),
        Role.CRITIC: likely_reasoning(models.critic, Role.CRITIC),
        Role.JUDGE: likely_reasoning(models.judge, Role.JUDGE),
    }
    usages = dict.fromkeys(("writer", "critic", "judge"), NO_USAGE)
    each: dict[str, Usage] = {}
    for part_id in part_ids:
        own = len(part_of(plan, part_id).sections) * _STEP
        calls = {
            "critic": Usage(round(frame + own), _POINTS + thought[Role.CRITIC]),
            "writer": Usage(round(frame + own + _POINTS), own + thought[Role.PLAN]),
            "judge": Usage(round(_VERDICTS * (frame + 2 * own)), round(_VERDICTS * (_VERDICT + thought[Role.JUDGE]))),
        }
        each[part_id] = sum(calls.values(), NO_USAGE)
        for role, usage in calls.items():
            usages[role] += usage
    return summed_by_role(usages, models, 0, len(each) * (2 + _VERDICTS), each, rates)
