"""Planning: from an instruction to a checked plan, asking again with the findings where one cannot be used."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.calls import MORE_ROOM, Patience, always, stream_patiently
from lwtui.agentwrite.events import Event, PlanDelta, PlanReady, PlanRejected, PlanStarted, Retrying
from lwtui.agentwrite.forms import Rejected
from lwtui.agentwrite.plan_format import Bounds, PlanError, check_plan, parse_plan, parse_step
from lwtui.documents.model import Brief, Plan, PlannedSection, title_from
from lwtui.models.base import Finished, FinishReason, ModelError, ReasoningPiece, Request, TextPiece
from lwtui.text import StreamCleaner

REPAIRS = 3  # how often a plan is asked for again
_MOST_ROOM_ASKED = 4  # how often a call is made again because reasoning took all its tokens
_REPLAN_SALT = 100  # so that another idea is not drawn with the plan's own seed


async def make_plan(agent: Agent, brief: Brief) -> AsyncGenerator[Event, None]:
    """Ask for a plan until one can be used: at most :data:`REPAIRS` times again, with the findings.

    Ends with :class:`PlanReady`. Raises :class:`PlanError`, which keeps what came, or
    :class:`~lwtui.models.base.ModelError`.
    """
    bounds = Bounds.of(brief.words, agent.profile.most_steps)
    rejected: Rejected | None = None
    for attempt in range(1, REPAIRS + 2):
        yield PlanStarted(attempt)
        request = agent.form.plan(brief, bounds, agent.model.capabilities, rejected)
        answer = _Answer()
        async with aclosing(_ask(agent, agent.prepared(request, brief, attempt), answer)) as events:
            async for event in events:
                yield event
        raw = agent.form.plan_answer(answer.text)
        try:
            answer.check_whole(raw)
            plan = parse_plan(raw, brief, bounds)
        except PlanError as error:
            yield PlanRejected(attempt, error.findings)
            rejected = Rejected(raw, error.findings)
        else:
            yield PlanReady(plan)
            return
    raise _gave_up("usable plan", rejected, "Try again, another model, or write the plan by hand.")


async def replan_section(agent: Agent, brief: Brief, plan: Plan, section_id: str) -> AsyncGenerator[Event, None]:
    """Ask for another idea for one section. Ends with :class:`PlanReady`: the plan with that section replaced.

    Its target and id stay. Raises :class:`PlanError` or :class:`~lwtui.models.base.ModelError`, and ``KeyError``
    for a section that is not in the plan.
    """
    number = plan.find(section_id) + 1
    old = plan.sections[number - 1]
    rejected: Rejected | None = None
    for attempt in range(1, REPAIRS + 2):
        yield PlanStarted(attempt)
        request = agent.form.replan(brief, plan, number, agent.model.capabilities)
        # The idea that stands now is part of the seed, so that asking twice does not bring the same answer.
        salt = _REPLAN_SALT + attempt + len(old.main_point) * 31 + number
        answer = _Answer()
        async with aclosing(_ask(agent, agent.prepared(request, brief, salt), answer)) as events:
            async for event in events:
                yield event
        raw = agent.form.replan_answer(answer.text, number)
        try:
            answer.check_whole(raw)
            changed = plan.with_section(_new_idea(raw, old))
            findings = tuple(check_plan(changed))
        except PlanError as error:
            findings = error.findings
        if not findings:
            yield PlanReady(changed)
            return
        yield PlanRejected(attempt, findings)
        rejected = Rejected(raw, findings)
    raise _gave_up("other idea for this section", rejected, "The plan is unchanged.")


def direct_plan(brief: Brief) -> Plan:
    """The plan of direct mode: the document is one section without a heading of its own."""
    return Plan(title_from(brief.instruction), (PlannedSection("", brief.instruction, brief.words),))


def _new_idea(line: str, old: PlannedSection) -> PlannedSection:
    section = parse_step(line, old)
    if section.main_point.casefold() == old.main_point.casefold():
        finding = "The section is the same as before."
        raise PlanError(finding, (finding,), line)
    return section


@dataclass
class _Answer:
    """What a call brought."""

    text: str = ""
    reason: FinishReason = "stop"

    def check_whole(self, raw: str) -> None:
        """Raise :class:`PlanError` if the answer was cut off: what is there of it may look like a shorter plan."""
        if self.reason == "length":
            finding = "The answer was cut off before its end; keep it shorter."
            raise PlanError(finding, (finding,), raw)


async def _ask(agent: Agent, request: Request, into: _Answer) -> AsyncGenerator[Event, None]:
    """Stream an answer into ``into``; one that breaks off is asked for from its beginning, since a plan is short.

    A reasoning model that used up its tokens before it answered is given twice as many, while the context has them.
    """
    wished = agent.allowing_for_reasoning(request).max_tokens
    for attempt in range(1, _MOST_ROOM_ASKED + 1):
        allowed = await agent.fitted(replace(request, max_tokens=wished))
        cleaner = StreamCleaner()
        into.text, into.reason, thought = "", "stop", False
        async with aclosing(stream_patiently(agent.model, always(allowed), Patience(agent.policy))) as parts:
            async for part in parts:
                match part:
                    case Retrying():
                        cleaner, into.text = StreamCleaner(), ""
                        yield part
                    case TextPiece(text):
                        into.text += text
                        if shown := cleaner.add(text):
                            yield PlanDelta(shown)
                    case ReasoningPiece():
                        thought = True
                    case Finished(reason):
                        into.reason = reason
        if into.reason == "length" and (thought or not into.text.strip()):
            agent.saw_reasoning(allowed.max_tokens)
        if into.text.strip() or into.reason != "length":
            return
        if allowed.max_tokens < wished:
            break
        yield Retrying("no-answer", MORE_ROOM, attempt, 0.0)
        wished *= 2
    raise ModelError(
        "The model used all its tokens for reasoning and gave no answer. Lower its reasoning effort or choose another.",
        kind="no-answer",
    )


def _gave_up(what: str, rejected: Rejected | None, advice: str) -> PlanError:
    findings, raw = (rejected.findings, rejected.raw) if rejected else ((), "")
    return PlanError(f"The model gave no {what} in {REPAIRS + 1} tries: {findings[0]} {advice}", findings, raw)
