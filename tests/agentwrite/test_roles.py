"""The critic summarizes sections that no longer fit the writer's context."""

from __future__ import annotations

from lwtui.agentwrite import Draft
from lwtui.documents.model import Brief
from tests.support.author import Author, sentence
from tests.support.studio import open_studio, plan_of


async def test_the_critic_summarizes_the_text_that_the_writer_no_longer_sees() -> None:
    texts = {f"s{number}": "".join(sentence(number, index) for index in range(40)).strip() for number in range(1, 7)}
    draft = Draft(plan_of(*[480] * 6, 60), dict(texts), set(texts))
    async with open_studio(Author(), context_length=4096) as studio, open_studio(Author()) as reader:
        studio.agent.helper = reader.agent
        await studio.write(Brief("Write", 3000, seed=1), draft)
        assert set(reader.author.asked) == {"summary"} and "summary" not in studio.author.asked
        assert "It says" in studio.prompts[-1]
