import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bench.support import PromptWriter, load_rows, prompt, serving, write_prompts
from tests.cli.running import ScriptedWriter, Shell
from tests.support.fault_server import Answer, Fault, FaultServer

UPSTREAM = {"prompt", "type", "length", "response", "response_length"}
OWN = {"model", "mode", "suite", "language", "sample", "seed", "settings", "usage", "finish_reason", "seconds"}


def command(server: FaultServer, data: Path, *options: object) -> list[object]:
    model = ["--model", "m-1", "--base-url", server.base_url]
    return ["bench", "run", *model, "--task", "trial", "--data", data, "--output", "out.jsonl", *options]


def test_every_prompt_is_answered_once_despite_many_faults(shell: Shell) -> None:
    """120 prompts, 8 at a time, with a fault in the first call for every fifth one."""
    kinds = [Fault.http(429, retry_after=0), Fault.http(500), Fault.cut(2), Fault.malformed(2), Fault.ends(1)]
    asked: set[str] = set()

    def fault_of(request: Any) -> Fault | None:
        (message,) = request["messages"]
        is_first, at = message["content"] not in asked, len(asked)
        asked.add(message["content"])
        return kinds[at // 5 % 5] if is_first and at % 5 == 0 else None

    data = write_prompts(shell.folder / "prompts.jsonl", [24 + at % 7 for at in range(120)])
    writer = PromptWriter()
    with serving(writer, fault_of) as server:
        done = shell.run(*command(server, data, "--concurrency", 8)).worked()
    rows = load_rows(shell.folder / "out.jsonl")
    assert sorted(row["prompt"] for row in rows) == sorted(prompt(at, 24 + at % 7) for at in range(120))
    assert "120 of 120" in done.err
    for row in rows:
        assert set(row) >= UPSTREAM | OWN
        assert row["finish_reason"] == "stop" and row["model"] == "m-1"
        assert row["response_length"] >= row["length"] and row["response"].endswith(".")
    assert json.loads(shell.run("bench", "score", "out.jsonl", "--json").worked().out)["n"] == 120


def test_a_killed_run_resumes_and_asks_nothing_twice(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [40] * 12)
    writer = PromptWriter(delay=0.02)
    out = shell.folder / "out.jsonl"
    with serving(writer) as server:
        process = shell.start(*command(server, data, "--concurrency", 2))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (out.exists() and out.read_bytes().count(b"\n") >= 4):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with out.open("ab") as file:
            file.write(b'{"prompt": "half a r')  # as a kill during a write leaves it
        answered = {row["prompt"] for row in complete_rows(out)}
        assert 4 <= len(answered) < 12
        before = dict(writer.calls)
        done = shell.run(*command(server, data, "--concurrency", 2)).worked()
        assert "out.jsonl" in done.err.splitlines()[0]  # its half-written line was removed
        rows = load_rows(out)
        assert len(rows) == len({row["prompt"] for row in rows}) == 12
        assert all(writer.calls[answered_prompt] == before[answered_prompt] for answered_prompt in answered)
        calls = writer.calls.total()
        assert "12 of 12" in shell.run(*command(server, data)).worked().err
        assert writer.calls.total() == calls


def complete_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_how_to_continue(shell: Shell, stop: signal.Signals) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [60] * 6)
    with serving(PromptWriter(delay=0.1)) as server:
        process = shell.start(*command(server, data, "--concurrency", 1))
        assert process.stderr is not None
        while "1 of 6" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(stop)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + stop
    assert "Stopped. All answers so far are in out.jsonl. Run the same command again to continue." in err
    assert "Traceback" not in err
    assert 1 <= len(load_rows(shell.folder / "out.jsonl")) < 6


def test_new_samples_and_changed_settings_need_new_answers(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [20, 30])
    writer = PromptWriter()
    with serving(writer) as server:
        shell.run(*command(server, data, "--samples", 2)).worked()
        assert writer.calls.total() == 4
        shell.run(*command(server, data, "--samples", 3)).worked()
        assert writer.calls.total() == 6
        shell.run(*command(server, data, "--samples", 3, "--temperature", "0.9")).worked()
        assert writer.calls.total() == 12
        seeds = [call.json["seed"] for call in server.calls]
        assert len(set(seeds[:6])) == 6
        assert {call.json["temperature"] for call in server.calls} == {0.5, 0.9}
    rows = load_rows(shell.folder / "out.jsonl")
    assert len({(row["id"], row["sample"], row["settings_hash"]) for row in rows}) == 12


def test_a_direct_call_sends_only_the_prompt_with_the_published_settings(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [20])
    with serving(PromptWriter()) as server:
        shell.run(*command(server, data)).worked()
        (call,) = server.calls
    assert call.json["messages"] == [{"role": "user", "content": prompt(0, 20)}]
    assert (call.json["temperature"], call.json["max_tokens"]) == (0.5, 32_768)


def test_a_longwriter_checkpoint_gets_its_raw_prompt_format(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [20])
    with serving(lambda request: ["An answer."]) as server:
        shell.run(*command(server, data, "--profile", "longwriter-llama3.1")).worked()
        (call,) = server.calls
    assert call.path.endswith("/v1/completions")
    assert call.json["prompt"] == f"[INST]{prompt(0, 20)}[/INST]"


def test_a_failed_prompt_leaves_a_row_without_an_answer_until_it_is_retried(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [20, 30, 40])
    refusal = Fault.http(400, message="This prompt is not allowed.", code="content_policy_violation")
    with serving(PromptWriter(), [None, refusal]) as server:
        done = shell.run(*command(server, data, "--concurrency", 1))
        assert done.code == 1
        assert "1 of 3" in done.err
        table = json.loads(shell.run("bench", "score", "out.jsonl", "--json").worked().out)
        assert (table["n"], table["unanswered"]) == (3, 1)
        assert [row["finish_reason"] for row in load_rows(shell.folder / "out.jsonl")] == ["stop", "error", "stop"]
        shell.run(*command(server, data)).worked()
    rows = load_rows(shell.folder / "out.jsonl")
    assert len(rows) == 3 and all(row["response"] and "error" not in row for row in rows)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.http(401, message="Bad key"), ("key",)),
        (Fault.http(404, message="The model `m-1` does not exist", code="model_not_found"), ("m-1",)),
    ],
)
def test_an_error_that_every_prompt_would_hit_ends_the_run(shell: Shell, fault: Fault, words: tuple[str, ...]) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [20] * 5)
    with serving(PromptWriter(), [None, *[fault] * 20]) as server:
        done = shell.run(*command(server, data, "--concurrency", 1))
        assert len(server.calls) <= 3
    assert done.code == 1 and "Traceback" not in done.err
    for word in (*words, "out.jsonl"):
        assert word in done.err
    assert len(load_rows(shell.folder / "out.jsonl")) == 1


def test_repeated_failures_end_the_run(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [20] * 30)
    with serving(PromptWriter(), [Fault.http(400, message="No.")] * 60) as server:
        done = shell.run(*command(server, data, "--concurrency", 2))
        assert len(server.calls) < 15
    assert done.code == 1 and " No." in done.err  # the last error


def test_the_budget_is_never_overrun(shell: Shell) -> None:
    """Each answer costs 0.02, and at most 0.1."""
    data = write_prompts(shell.folder / "prompts.jsonl", [20] * 10)
    usage = {"prompt_tokens": 100, "completion_tokens": 200}
    prices = ("--price-input", 0, "--price-output", 100, "--max-tokens", 1000, "--concurrency", 3)
    with serving(lambda _: Answer(["A text."], usage=usage)) as server:
        done = shell.run(*command(server, data, "--budget", "0.17", *prices))
        assert done.code == 1
        assert "0.17" in done.err and "--max-tokens" in done.err
        rows = load_rows(shell.folder / "out.jsonl")
        assert sum(row["cost"] for row in rows) == pytest.approx(0.02 * len(rows))
        assert len(rows) == len(server.calls) == 4  # a fifth could raise 0.08 to 0.18
        more = shell.run(*command(server, data, "--budget", "0.19", *prices))
        assert more.code == 1 and len(server.calls) == 5  # earlier spending counts
        shell.run(*command(server, data, *prices)).worked()
    assert "0.08 of 0.17" in done.err


def test_a_token_budget_is_never_overrun(shell: Shell) -> None:
    """Each answer takes 300 tokens, and at most a little over 1000."""
    data = write_prompts(shell.folder / "prompts.jsonl", [20] * 5)
    usage = {"prompt_tokens": 100, "completion_tokens": 200}
    with serving(lambda _: Answer(["A text."], usage=usage)) as server:
        options = ("--max-tokens", 1000, "--concurrency", 1, "--budget")
        done = shell.run(*command(server, data, *options, "1.5k tokens"))
        assert done.code == 1
        assert "600 of 1,500 tokens" in done.err
        assert len(load_rows(shell.folder / "out.jsonl")) == len(server.calls) == 2
        again = shell.run(*command(server, data, *options, "1.5k tokens"))
        assert again.code == 1 and len(server.calls) == 2  # earlier spending counts
        shell.run(*command(server, data, *options, "2.3k tokens")).worked()


def test_concurrency_is_as_requested(shell: Shell) -> None:
    """More calls than the connection pools of HTTP clients usually allow."""
    data = write_prompts(shell.folder / "prompts.jsonl", [20] * 120)
    with serving(lambda _: Answer(["A ", "text."], delay=4.0)) as server:
        process = shell.start(*command(server, data, "--concurrency", 120, "--quiet"))
        deadline = time.monotonic() + 30
        while len(server.calls) < 120 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(server.calls) == 120
        assert not (shell.folder / "out.jsonl").read_bytes()  # the first answer has not arrived
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_a_budget_in_money_needs_prices(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [20])
    with serving(PromptWriter()) as server:
        done = shell.run(*command(server, data, "--budget", 1))
        for wrong in ("much", "0"):
            shell.run(*command(server, data, "--budget", wrong)).failed(2)
        assert not server.calls
    assert done.code == 2 and "--price-input" in done.err


def agentwrite(server: FaultServer, data: Path, *options: object) -> list[object]:
    return command(server, data, "--mode", "agentwrite", "--concurrency", 1, *options)


def test_agentwrite_stores_its_sections(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [600])
    with serving(ScriptedWriter()) as server:
        shell.run(*agentwrite(server, data)).worked()
    (row,) = load_rows(shell.folder / "out.jsonl")
    assert row["mode"] == "agentwrite" and row["title"] == "Tomatoes in Pots"
    assert [section["title"] for section in row["sections"]] == ["Soil and Pots", "Light and Water", "Harvest"]
    texts = [row["response"][section["start"] : section["end"]] for section in row["sections"]]
    assert "\n\n".join(texts) == row["response"]
    assert row["usage"]["completion"] > 0
    metrics = json.loads(shell.run("bench", "score", "out.jsonl", "--json").worked().out)["metrics"]
    assert metrics["section_error"] < 0.2
    assert not list(shell.folder.glob("*.parts"))


def test_agentwrite_resumes_a_text_after_a_kill(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [600])
    author = ScriptedWriter(delay=0.05)
    with serving(author) as server:
        process = shell.start(*agentwrite(server, data))
        deadline = time.monotonic() + 30
        while author.sections < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.7)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert list(shell.folder.glob("*.parts/*.lw"))
        before = author.sections
        author.delay = 0.0
        shell.run(*agentwrite(server, data)).worked()
        plans = [call for call in server.calls if "Plan it: break it into" in json.dumps(call.json["messages"])]
    assert len(plans) == 1  # the plan was not requested again
    assert author.sections - before <= 4  # nor was the finished section
    (row,) = load_rows(shell.folder / "out.jsonl")
    assert len(row["sections"]) == 3


def test_wrong_arguments_are_reported(shell: Shell) -> None:
    data = write_prompts(shell.folder / "prompts.jsonl", [20])
    shell.run("bench", "run", "--task", "poetry").failed(2, "poetry", "longbench-write")
    shell.run("bench", "run", "--model", "demo").failed(1, "lwtui bench fetch", "--data")
    shell.run("bench", "run", "--model", "nobody", "--task", "trial").failed(2, "nobody")
    shell.run("bench", "run", "--data", "nowhere").failed(2, "nowhere")
    shell.run("bench", "run", "--model", "demo", "--task", "trial", "--samples", 0).failed(2, "--samples")
    data.write_text('{"prompt": "x"}\n')
    shell.run("bench", "run", "--model", "demo", "--task", "trial", "--data", data).failed(1, "line 1", "'length'")


async def test_a_direct_answer_that_is_stopped_leaves_its_text(tmp_path: Path) -> None:
    from lwtui_bench.generators import DirectGenerator, Job
    from lwtui_bench.tasks import Sample

    began = asyncio.Event()
    agent = await open_agent_at(answer := Answer(["One ", "two ", "three "], delay=began.wait), tmp_path)
    generator = DirectGenerator(100, tmp_path / "parts")
    job = Job(Sample("Write.", "News Report", 100), 1, None)
    seen: list[Any] = []
    assert answer.pieces
    task = asyncio.create_task(generator.generate(agent[0], job, seen.append))
    while not seen:  # noqa: ASYNC110 - the first event ends the wait
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (path,) = (tmp_path / "parts").iterdir()
    assert path.read_text() == "One "
    began.set()
    assert (await generator.generate(agent[0], job, seen.append)).text == "One two three"
    assert path.read_text() == "One two three "
    generator.discard_progress(job)
    assert not (tmp_path / "parts").exists()
    await agent[0].aclose()
    await agent[1].__aexit__()


async def open_agent_at(answer: Answer, tmp_path: Path) -> Any:
    """Return an agent and the server that answers it."""
    from lwtui.config import ModelSettings, Settings
    from lwtui_bench.endpoints import open_endpoints

    server = await FaultServer(lambda _: answer, models=[{"id": "m-1", "context_length": 8000}]).__aenter__()
    settings = ModelSettings("m", model="m-1", base_url=server.base_url)
    return await open_endpoints([settings], Settings(), 1), server


def test_progress_is_told_before_the_first_answer_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    from lwtui.agentwrite.events import PlanDelta
    from lwtui.models.budget import Prices
    from lwtui.models.metering import UsageTracker
    from lwtui_bench.commands import progress as module
    from lwtui_bench.generators import Job
    from lwtui_bench.tasks import Sample

    now = 0.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    lines: list[str] = []
    monkeypatch.setattr(module, "say", lines.append)
    tracker = UsageTracker()
    line = module.ProgressLine(0, 8, 8000, tracker, Prices(), quiet=False)
    watcher = module.RunProgress(line, direct=True)
    for second in range(120):
        now = float(second)
        watcher.on_event(Job(Sample("Write.", "News Report", 1000), 1, None), PlanDelta("word " * 10))
    assert len(lines) == 3  # every half a minute, since this is no terminal
    assert "0 of 8" in lines[-1] and "910 words in 1 answers under way" in lines[-1]
    assert "11 min" in lines[-1]  # 7,090 words at 10 a second
