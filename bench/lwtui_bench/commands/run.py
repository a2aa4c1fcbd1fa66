"""``lwtui bench run``: let models answer a suite."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from lwtui.command_line.guard import say
from lwtui.command_line.values import seed, whole
from lwtui.config import Settings, load_settings
from lwtui.documents.model import Mode
from lwtui.errors import LwtuiError, UsageError
from lwtui_bench.commands.options import add_model_options, existing_data, model_settings

if TYPE_CHECKING:
    from lwtui.agentwrite.agent import Agent
    from lwtui_bench.generators import Generator
    from lwtui_bench.model_choice import ModelChoice
    from lwtui_bench.run import Identity
    from lwtui_bench.tasks import Sample, Suite

_FOLDER = Path("lwtui-bench")
_MAX_TOKENS = 32_768  # as published


def add(actions: Any) -> None:
    parser = actions.add_parser(
        "run",
        help="let models answer a suite",
        description="Let models answer a suite. Each answer is stored as it comes; the same command goes on where\n"
        "it was stopped, and asks for nothing twice.",
        epilog=_tasks(),
    )
    parser.add_argument(
        "--model",
        nargs="+",
        metavar="NAME",
        help="a model of the settings, demo, a GGUF's path, a checkpoint's folder or hf:NAME, or, with --base-url, the "
        "endpoint's own name (default: the one in the settings)",
    )
    parser.add_argument(
        "--task", default="longbench-write", metavar="NAME", help="a suite of those below (default: longbench-write)"
    )
    parser.add_argument(
        "--mode",
        choices=[Mode.DIRECT.value, Mode.AGENTWRITE.value, Mode.PARALLEL.value],
        default=Mode.DIRECT.value,
        help="direct: the prompt alone, in one call, as published (default); agentwrite: a plan, then each section; "
        "agentwrite-parallel: sections side by side",
    )
    parser.add_argument("--samples", type=whole, default=1, metavar="N", help="answers to each prompt (default: 1)")
    parser.add_argument("--limit", type=whole, metavar="N", help="the first N prompts only")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the sampling (default: 0)")
    parser.add_argument(
        "--max-tokens", type=whole, default=_MAX_TOKENS, metavar="N", help="of a direct answer (default: 32768)"
    )
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="a folder with the suite's files, or a file of prompts in their shape"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="a .jsonl file, or a folder for one file a model (default: lwtui-bench)",
    )
    add_model_options(parser)


def _tasks() -> str:
    from lwtui_bench.suites import suites

    return "tasks:\n" + "\n".join(f"  {suite.name:<19} {suite.description}" for suite in suites().values())


@dataclass
class BenchTask:
    """What is to be run on each model."""

    options: argparse.Namespace
    settings: Settings
    suite: Suite
    samples: list[Sample]
    mode: Mode
    failed: int = field(default=0, init=False)
    output: Path = field(default=_FOLDER, init=False)  # of the model whose turn it is


def run(options: argparse.Namespace) -> int:
    from lwtui_bench.commands.stopping import run_until_stopped
    from lwtui_bench.suites import find_suite

    settings = load_settings()
    suite = find_suite(options.task)
    data = existing_data(options)
    samples = list(suite.load(data))[: options.limit]
    if data is not None:
        _warn_about(data)
    task = BenchTask(options, settings, suite, samples, Mode(options.mode))
    choices = [_choice(name, options, settings) for name in options.model or [settings.model]]
    if len(choices) > 1 and options.output is not None and options.output.suffix == ".jsonl":
        raise UsageError("--output names one file, but there are several models: give a folder.")
    return run_until_stopped(
        _run_all(task, choices), lambda: f"All answers are in {task.output}; the same command goes on from there."
    )


def _warn_about(data: Path) -> None:
    """Say which of the official files a local copy does not have as published."""
    from lwtui_bench import fetch

    for file in fetch.FILES:
        path = data / file.name
        if path.is_file() and not fetch.is_official(path, file):
            say(f"{path} is not as published: figures on it do not compare with published ones.")


def _choice(name: str, options: argparse.Namespace, settings: Settings) -> ModelChoice:
    from lwtui_bench.model_choice import ModelChoice, checkpoint, is_checkpoint

    if not options.base_url and is_checkpoint(name):
        return checkpoint(name, profile=options.profile or "")
    chosen = model_settings(name, options, settings)
    return ModelChoice(name if options.base_url else chosen.name, chosen)


async def _run_all(task: BenchTask, choices: list[ModelChoice]) -> int:
    for choice in choices:
        await _run_model(task, choice)
    return 1 if task.failed else 0


async def _run_model(task: BenchTask, choice: ModelChoice) -> None:
    from lwtui.command_line.terms import show_terms_once
    from lwtui_bench.jsonl import JsonLines
    from lwtui_bench.model_choice import open_choice
    from lwtui_bench.run import jobs_for, open_jobs

    options = task.options
    task.output = _output(task, choice)
    if not options.quiet:
        show_terms_once(choice.settings)
    with closing(JsonLines.open(task.output)) as store:
        if store.cut and not options.quiet:
            say(f"{task.output}: the last line was half-written, and is asked for again.")
        agent = await open_choice(choice, task.settings, options.temperature, options.concurrency or 0)
        try:
            identity = _identity(task, choice, agent)
            jobs = jobs_for(task.samples, options.samples, options.seed)
            waiting = open_jobs(jobs, identity, store)
            await _answer(task, choice, agent, identity, store, len(jobs), waiting)
        finally:
            await agent.aclose()


async def _answer(
    task: BenchTask, choice: ModelChoice, agent: Agent, identity: Identity, store: Any, total: int, waiting: list[Any]
) -> None:
    from lwtui_bench.commands.options import count_earlier, explain_budget, usage_tracker
    from lwtui_bench.commands.progress import Answering, Ticker
    from lwtui_bench.run import Runner

    options = task.options
    tracker = usage_tracker(options.budget, choice.settings)
    count_earlier(tracker, store.rows)
    weight = sum(job.sample.length for job in waiting)
    ticker = Ticker(total - len(waiting), total, weight, tracker, agent.prices, quiet=options.quiet)
    ticker.note(f"{choice.label}, {task.suite.name}, {task.mode}: {total - len(waiting)} of {total} answered so far")
    parallel = 1 if task.mode is Mode.PARALLEL else agent.model.capabilities.parallel
    runner = Runner(agent, _generator(task, identity), identity, store, tracker, Answering(ticker))
    try:
        await runner.run(waiting, options.concurrency or parallel)
    except LwtuiError as error:
        if task.mode is Mode.DIRECT:
            explain_budget(error)
        error.add_note(f"All answers are in {task.output}; the same command goes on from there.")
        raise
    finally:
        ticker.clear()
    task.failed += ticker.failed
    if ticker.failed:
        say(f"{ticker.failed} of {total} were not answered; the same command asks for them again.")
    if not options.quiet:
        say(f"{total - ticker.failed} of {total} are answered, in {task.output}")


def _generator(task: BenchTask, identity: Identity) -> Generator:
    from lwtui_bench.generators import AgentWrite, Direct

    if task.mode is Mode.DIRECT:
        return Direct(task.options.max_tokens)
    return AgentWrite(task.mode, task.output.with_suffix(f".{identity.hash[:8]}.parts"))


def _identity(task: BenchTask, choice: ModelChoice, agent: Agent) -> Identity:
    from lwtui_bench.model_choice import prompts_hash
    from lwtui_bench.run import Identity

    settings: dict[str, Any] = {
        "model": choice.checkpoint or choice.settings.model or choice.settings.name,
        "profile": agent.profile.name,
        "sampling": agent.profile.sampling.to_dict(),
        "seed": task.options.seed,
    }
    if agent.model.model_hash:
        settings["model_hash"] = agent.model.model_hash
    if task.mode is Mode.DIRECT:
        settings["max_tokens"] = task.options.max_tokens
    else:
        settings["prompts"] = prompts_hash(agent.profile.form)
    return Identity(choice.label, task.mode.value, task.suite.name, settings)


def _output(task: BenchTask, choice: ModelChoice) -> Path:
    given: Path | None = task.options.output
    if given is not None and given.suffix == ".jsonl":
        return given
    name = regex.sub(r"[^\p{L}\p{N}._+-]+", "_", choice.label).strip("._") or "model"
    return (given or _FOLDER) / f"{task.suite.name}.{name}.{task.mode}.jsonl"
