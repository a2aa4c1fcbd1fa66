"""``lwtui bench run --mode agentwrite+polish``: written, then polished, and resumed where it stopped."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite.events import Event, SectionPolished
from lwtui.documents.model import Mode
from lwtui_bench.generators import AgentWriteGenerator, Job
from lwtui_bench.tasks import Sample
from tests.bench.support import load_rows, serving, write_prompts
from tests.cli.running import ScriptedWriter, Shell, prose
from tests.support.editor import CRITERIA_ANSWER, kind_of
from tests.support.fault_server import Answer
from tests.support.studio import Small, open_studio, prompt_of


@dataclass
class WriterAndEditor:
    """Plans and writes as :class:`ScriptedWriter`; rewrites every section, and prefers the rewritten text."""

    writer: ScriptedWriter = field(default_factory=lambda: ScriptedWriter(words=200))
    asked: list[str] = field(default_factory=list)

    def __call__(self, body: Any) -> Answer:
        prompt = prompt_of(body)
        marks = ("<version_1>", "You review one section", "An editor has read", "Each criterion")
        kind = kind_of(prompt) if any(mark in prompt for mark in marks[:3]) else ""
        if not kind and "criteria" in prompt and "Write section" not in prompt and "Plan it" not in prompt:
            kind = "criteria"
        self.asked.append(kind or "write")
        if kind == "criteria":
            return Answer([json.dumps(CRITERIA_ANSWER)])
        if kind == "review":
            text = re.findall(r"<section>\n(.*?)\n</section>", prompt, re.DOTALL)[0]
            quote = re.split(r"(?<=\.)\s", text)[1]
            return Answer([json.dumps({"points": [{"quote": quote, "problem": "Vague.", "advice": "Be exact."}]})])
        if kind == "rewrite":
            words = int(re.findall(r"about (\d+) words", prompt)[-1])
            return Answer([f"Rewritten {said[0].lower()}{said[1:]}" for said in prose(prompt, words)])
        if kind == "compare":
            first, _ = re.findall(r"<version_\d>\n(.*?)\n</version_\d>", prompt, re.DOTALL)
            return Answer([json.dumps({"better": f"version {1 if 'Rewritten' in first else 2}"})])
        return self.writer(body)


def test_an_answer_is_written_and_then_polished(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [600])
    with serving(author := WriterAndEditor()) as server:
        model = ("--model", "m-1", "--base-url", server.base_url, "--task", "trial", "--data", data)
        shell.run("bench", "run", *model, "--mode", "agentwrite+polish", "--passes", 2, timeout=120).worked()
        asked = len(author.asked)
        shell.run("bench", "run", *model, "--mode", "agentwrite+polish", "--passes", 2, timeout=120).worked()
        assert len(author.asked) == asked
        shell.run("bench", "run", *model, "--mode", "agentwrite").worked()
    (row,) = load_rows(shell.folder / "lwtui-bench" / "trial.m-1.agentwrite+polish.jsonl")
    (plain,) = load_rows(shell.folder / "lwtui-bench" / "trial.m-1.agentwrite.jsonl")
    assert row["mode"] == "agentwrite+polish" and row["settings"]["passes"] == 2
    assert row["polished"] == len(row["sections"]) > 0 and "Rewritten" in row["response"]
    assert "polished" not in plain and "Rewritten" not in plain["response"] and "passes" not in plain["settings"]
    assert row["usage"]["prompt"] > plain["usage"]["prompt"]
    assert not list((shell.folder / "lwtui-bench").glob("*.parts"))


async def test_polishing_resumes_where_it_stopped(tmp_path: Path) -> None:
    generator = AgentWriteGenerator(Mode.AGENTWRITE, tmp_path / "parts", passes=1)
    job = Job(Sample("Write 600 words about tea.", "News Report", 600), 1, 1)

    def stop(event: Event) -> None:
        if isinstance(event, SectionPolished):
            raise InterruptedError

    async with open_studio(WriterAndEditor()) as studio:
        with pytest.raises(InterruptedError):
            await generator.generate(studio.agent, job, stop)
        first = list(studio.author.asked)
        answer = await generator.generate(studio.agent, job, lambda event: None)
        rest = studio.author.asked[len(first) :]
    assert first.count("review") == 1 and "write" not in rest and "criteria" not in rest
    assert rest.count("review") == len(answer.fields["sections"]) - 1
    assert answer.fields["polished"] == len(answer.fields["sections"]) and answer.earlier_usage.completion > 0


async def test_with_a_judge_that_cannot_judge_the_text_stays_as_it_is(tmp_path: Path) -> None:
    generator = AgentWriteGenerator(Mode.AGENTWRITE, tmp_path / "parts", passes=1)
    job = Job(Sample("Write 600 words about tea.", "News Report", 600), 1, 1)
    async with open_studio(WriterAndEditor()) as studio:  # of two texts of its own, it prefers the second
        studio.agent.model = Small(studio.agent.model)
        answer = await generator.generate(studio.agent, job, lambda event: None)
        asked = set(studio.author.asked)
    assert asked == {"write", "compare"} and answer.fields["polished"] == 0 and answer.text


def test_a_base_model_says_so_before_anything_is_written(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [600])
    failed = shell.run(
        "bench", "run", "--model", "demo", "--task", "trial", "--data", data, "--mode", "agentwrite+polish"
    )
    assert failed.code == 1 and "base model" in failed.err
