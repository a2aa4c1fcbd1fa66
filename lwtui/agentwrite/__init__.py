"""The method: plan a long document, then write it section by section (AgentWrite, arXiv 2408.07055).

Usable as a library::

    agent = await open_agent("demo", Settings())
    brief = Brief("Write a guide to growing tomatoes on a balcony", words=1500)
    async for event in make_plan(agent, brief):
        ...                                     # the last one is PlanReady
    draft = Draft(event.plan)
    async for event in write(agent, brief, draft):
        draft.apply(event)
"""

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.agentwrite.plan import direct_plan, make_plan, plan_document, replan_section
from lwtui.agentwrite.plan_format import PlanError
from lwtui.agentwrite.plan_repair import parse_plan
from lwtui.agentwrite.record import begun_plan, keep_plan, recording
from lwtui.agentwrite.retry import RetryPolicy
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.write import Draft, WorkingDocument, write, write_document

__all__ = [
    "Agent",
    "Draft",
    "PlanError",
    "RetryPolicy",
    "RunState",
    "WorkingDocument",
    "begun_plan",
    "direct_plan",
    "keep_plan",
    "make_plan",
    "open_agent",
    "parse_plan",
    "plan_document",
    "recording",
    "replan_section",
    "write",
    "write_document",
]
