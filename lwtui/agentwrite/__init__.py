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
from lwtui.agentwrite.calls import RetryPolicy
from lwtui.agentwrite.plan import direct_plan, make_plan, replan_section
from lwtui.agentwrite.plan_format import PlanError, parse_plan
from lwtui.agentwrite.record import begun_plan, keep_plan, record
from lwtui.agentwrite.write import Draft, Manuscript, write

__all__ = [
    "Agent",
    "Draft",
    "Manuscript",
    "PlanError",
    "RetryPolicy",
    "begun_plan",
    "direct_plan",
    "keep_plan",
    "make_plan",
    "open_agent",
    "parse_plan",
    "record",
    "replan_section",
    "write",
]
