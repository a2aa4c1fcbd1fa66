"""Forecasts what polishing a document takes: tokens, time on this machine, and money, whichever models do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lwtui.agentwrite.forecast import Forecast, brief_tokens, seconds_for, tokens_per_unit
from lwtui.agentwrite.polish import target_of
from lwtui.agentwrite.throughput import Rates
from lwtui.config import ModelSettings, Role
from lwtui.documents.model import Brief, Mode, Section
from lwtui.models.budget import cost_of
from lwtui.models.reasoning_settings import likely_reasoning
from lwtui.models.usage import NO_USAGE, Usage

_FRAME = 350  # tokens of a prompt besides the brief and the texts, with the criteria
_STEP = 45  # tokens of a section in the plan
_MOST_PLAN = 4_000
_USUAL_CONTEXT = 32_768
_CRITERIA = Usage(250, 150)  # besides the brief
_REVIEW = 250  # tokens of a review
_VERDICT = 60  # tokens of a verdict
_VERDICTS = 1.5  # of two, since the first one often decides
_TAKEN_AGAIN = 0.5  # share of its sections that a pass improves, and the next one takes


@dataclass(frozen=True)
class PolishModels:
    """The models that polish, by role."""

    writer: ModelSettings
    critic: ModelSettings
    judge: ModelSettings


def polish_forecast(
    brief: Brief,
    sections: Sequence[Section],
    only: Sequence[str],
    models: PolishModels,
    passes: int,
    rates: Callable[[ModelSettings], Rates],
) -> Forecast:
    """Forecast polishing some sections.

    Args:
        brief: What the writer asked for.
        sections: The document's sections.
        only: Ids of the sections to polish.
        models: The models.
        passes: How many passes are made at most.
        rates: Returns what was measured of a model.
    """
    fixed = brief_tokens(brief) + _FRAME
    plan = min(_MOST_PLAN, len(sections) * _STEP)
    context = models.writer.context_length or rates(models.writer).context_length or _USUAL_CONTEXT
    unit = tokens_per_unit(brief, rates(models.writer))
    text_unit = min(unit, 2.0)  # prompts do not show the reasoning
    review_thought = likely_reasoning(models.critic, Role.CRITIC)
    verdict_thought = likely_reasoning(models.judge, Role.JUDGE)
    takes = sum(_TAKEN_AGAIN**number for number in range(passes))
    usages = {
        "writer": NO_USAGE,
        "critic": Usage(round(fixed) + _CRITERIA.prompt, _CRITERIA.completion + review_thought),
    }
    usages["judge"] = NO_USAGE
    each: dict[str, Usage] = {}
    before, words = 0.0, 0
    for section in sections:
        own = section.length * text_unit
        if section.id in only:
            target = target_of(section)
            shown = min(before, max(500.0, context - fixed - plan - 3 * own))
            calls = {
                "critic": Usage(round(fixed + own), _REVIEW + review_thought),
                "writer": Usage(round(fixed + plan + shown + own + _REVIEW), round(target * unit)),
                "judge": Usage(
                    round(_VERDICTS * (fixed + own + target * text_unit)),
                    round(_VERDICTS * (_VERDICT + verdict_thought)),
                ),
            }
            each[section.id] = sum(calls.values(), NO_USAGE)
            for role, usage in calls.items():
                usages[role] += Usage(round(usage.prompt * takes), round(usage.completion * takes))
            words += target
        before += own
    calls_made = 1 + len(each) * (2 + _VERDICTS) * takes
    return summed_by_role(usages, models, words, calls_made, each, rates)


def summed_by_role(
    usages: dict[str, Usage],
    models: PolishModels,
    words: int,
    calls: float,
    each: dict[str, Usage],
    rates: Callable[[ModelSettings], Rates],
) -> Forecast:
    """Return the forecast of calls by several models.

    Args:
        usages: Their token usage by the name of the model's field in ``models``.
        models: The models.
        words: How much is written, in the counter's unit.
        calls: How many calls are made.
        each: Token usage of each section or part, by id.
        rates: Returns what was measured of a model.
    """
    total = sum(usages.values(), NO_USAGE)
    costs = [cost_of(usage, vars(models)[role]) for role, usage in usages.items()]
    seconds = [
        seconds_for(usage, calls / 3, Mode.AGENTWRITE, vars(models)[role], rates(vars(models)[role]))
        for role, usage in usages.items()
    ]
    return Forecast(
        words=words,
        calls=round(calls),
        prompt=total.prompt,
        cached=0,
        completion=total.completion,
        seconds=None if None in seconds else sum(second for second in seconds if second is not None),
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        each=each,
    )
