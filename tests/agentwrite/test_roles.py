"""Each call has a role: the critic summarizes, and how much a model reasons depends on the role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from lwtui.agentwrite import Draft, plan_document
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.criteria import make_criteria
from lwtui.agentwrite.critic import review
from lwtui.agentwrite.events import ignore
from lwtui.agentwrite.fact_notes import note_facts
from lwtui.agentwrite.lint import parts_of
from lwtui.agentwrite.pairwise import is_better
from lwtui.agentwrite.plan import replan_section
from lwtui.agentwrite.polish import PolishTeam, polish_document
from lwtui.agentwrite.revise import EditKind, MarkedPassage, PassageEdit, revise
from lwtui.agentwrite.section_review import review_section
from lwtui.config import Role
from lwtui.documents.facts import Fact
from lwtui.documents.model import Brief
from tests.support.author import Author, sentence
from tests.support.editor import Editor, newer, old_text
from tests.support.fault_server import Answer
from tests.support.studio import Studio, open_studio, plan_of

BRIEF = Brief("Write a guide", 240, seed=5)
EFFORTS = {Role.PLAN: "high", Role.WRITE: "none", Role.CRITIC: "medium", Role.JUDGE: "low"}
TABLES = {role.value: {"reasoning_effort": effort} for role, effort in EFFORTS.items() if role is not Role.WRITE}
DRAFT = Draft(plan_of(60, 60), {"s1": old_text(1), "s2": old_text(2)}, {"s1", "s2"})
SECTION = DRAFT.sections()[0]


class Facts:
    """A document that keeps facts."""

    facts: tuple[Fact, ...] = ()
    sections = DRAFT.sections

    def noted(self) -> dict[str, str]:
        return {}


async def plan(studio: Studio) -> None:
    await plan_document(studio.agent, BRIEF)


async def plan_in_chapters(studio: Studio) -> None:
    await plan_document(studio.agent, replace(BRIEF, words=24_000))


async def replan(studio: Studio) -> None:
    await replan_section(studio.agent, BRIEF, DRAFT.plan, "s1")


async def write(studio: Studio) -> None:
    await studio.write(BRIEF, plan_of(60))


async def passage(studio: Studio) -> None:
    await revise(
        studio.agent,
        MarkedPassage(BRIEF, DRAFT.plan, SECTION, 0, len(SECTION.text), ""),
        PassageEdit(EditKind.REWRITE),
        ignore,
    )


async def summaries(studio: Studio) -> None:
    await ContextBuilder(studio.agent, BRIEF).fit(studio.agent, DRAFT.sections(), 60, "s3", ignore)


async def criteria(studio: Studio) -> None:
    await make_criteria(studio.agent, BRIEF)


async def reviews(studio: Studio) -> None:
    await review_section(studio.agent, BRIEF, DRAFT.plan, SECTION, ("Dry.",))


async def comparisons(studio: Studio) -> None:
    await is_better(studio.agent, BRIEF, DRAFT.plan, SECTION, old_text(3), ("Dry.",))


async def facts(studio: Studio) -> None:
    await note_facts(studio.agent, BRIEF, Facts(), SECTION)


async def whole_reviews(studio: Studio) -> None:
    async def on_event(event: Any) -> None:
        pass

    await review(studio.agent, BRIEF, parts_of(DRAFT.sections()), on_event)


def says(text: str) -> Callable[[Any], Answer]:
    return lambda body: Answer([text], usage=None)


REPLANNED = "1. Part One: what else - 60 words"


@pytest.mark.parametrize(
    ("call", "author", "role"),
    [
        (plan, Author(), Role.PLAN),
        (plan_in_chapters, Author(), Role.PLAN),
        (replan, says(REPLANNED), Role.PLAN),
        (write, Author(), Role.WRITE),
        (passage, says(old_text(4)), Role.WRITE),
        (summaries, Author(), Role.CRITIC),
        (criteria, Editor(), Role.CRITIC),
        (reviews, Editor(), Role.CRITIC),
        (facts, says("{}"), Role.CRITIC),
        (whole_reviews, says("{}"), Role.CRITIC),
        (comparisons, Editor(lambda first, second: 2), Role.JUDGE),
    ],
)
async def test_each_call_has_the_effort_of_its_role(
    call: Callable[[Studio], Awaitable[None]], author: Any, role: Role
) -> None:
    async with open_studio(author, reasoning_effort=EFFORTS[Role.WRITE], roles=TABLES) as studio:
        await call(studio)
        efforts = [seen.json["reasoning_effort"] for seen in studio.server.calls]
    assert efforts and set(efforts) == {EFFORTS[role]}


@pytest.mark.parametrize(
    ("tables", "efforts"),
    [
        (TABLES, ["medium", "medium", "none", "low", "low"]),
        ({"critic": {"reasoning_effort": "high"}}, ["high", "high", "none", "high", "high"]),  # it judges, too
        ({"judge": {"reasoning_effort": "high"}}, ["none", "none", "none", "high", "high"]),
        ({"plan": {"reasoning_effort": "high"}}, ["none"] * 5),
    ],
)
async def test_polishing_has_the_effort_of_each_role(tables: dict[str, Any], efforts: list[str]) -> None:
    draft = Draft(plan_of(60), {"s1": old_text(1)}, {"s1"})
    async with open_studio(Editor(newer), reasoning_effort="none", roles=tables) as studio:
        await polish_document(PolishTeam(studio.agent, studio.agent, studio.agent), BRIEF, draft, draft.keep)
        assert studio.author.asked == ["criteria", "review", "rewrite", "compare", "compare"]
        assert [seen.json["reasoning_effort"] for seen in studio.server.calls] == efforts


async def test_the_critic_summarizes_the_text_that_the_writer_no_longer_sees() -> None:
    texts = {f"s{number}": "".join(sentence(number, index) for index in range(40)).strip() for number in range(1, 7)}
    draft = Draft(plan_of(*[480] * 6, 60), dict(texts), set(texts))
    async with open_studio(Author(), context_length=4096) as studio, open_studio(Author()) as reader:
        studio.agent.helper = reader.agent
        await studio.write(Brief("Write", 3000, seed=1), draft)
        assert set(reader.author.asked) == {"summary"} and "summary" not in studio.author.asked
        assert "It says" in studio.prompts[-1]
