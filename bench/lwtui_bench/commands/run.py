"""``lwtui bench run``: have models answer the prompts of a suite."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from lwtui.command_line.guard import say
from lwtui.command_line.values import positive_int, seed
from lwtui.config import Settings, load_settings
from lwtui.documents.model import Mode
from lwtui.errors import LwtuiError, UsageError
from lwtui.translation import _
from lwtui_bench.commands.options import add_model_options, choose_model, data_path

if TYPE_CHECKING:
    from lwtui.agentwrite.agent import Agent
    from lwtui_bench.generators import Generator
    from lwtui_bench.model_choice import ModelChoice
    from lwtui_bench.run import RunIdentity
    from lwtui_bench.tasks import Sample, Suite

_FOLDER = Path("lwtui-bench")
_MAX_TOKENS = 32_768  # as published
_POLISHED = f"{Mode.AGENTWRITE.value}+polish"


def add(actions: Any) -> None:
    """Add the parser of the action to ``actions``."""
    parser = actions.add_parser(
        "run",
        help=_("have models answer the prompts of a suite"),
        description=_(
            "Have models answer the prompts of a suite. Each answer is stored as it arrives. Run the same\n"
            "command again to continue where it stopped; no prompt is asked twice."
        ),
        epilog=_list_tasks(),
    )
    parser.add_argument(
        "--model",
        nargs="+",
        metavar="NAME",
        help=_(
            "a model of the settings, demo, the path of a GGUF, the folder of a checkpoint or hf:NAME, or, with "
            "--base-url, the endpoint's name for the model (default: the one in the settings)"
        ),
    )
    parser.add_argument(
        "--task", default="longbench-write", metavar="NAME", help=_("a suite listed below (default: longbench-write)")
    )
    parser.add_argument(
        "--mode",
        choices=[Mode.DIRECT.value, Mode.AGENTWRITE.value, Mode.PARALLEL.value, _POLISHED],
        default=Mode.DIRECT.value,
        help=_(
            "direct: the prompt alone, in one call, as published (default); agentwrite: plan, then write section by "
            "section; agentwrite-parallel: write the sections in parallel; agentwrite+polish: write, then review each "
            "section, rewrite it, and keep the better text"
        ),
    )
    parser.add_argument(
        "--passes",
        type=positive_int,
        default=1,
        metavar="N",
        help=_("of polishing, with agentwrite+polish (default: 1)"),
    )
    parser.add_argument(
        "--samples", type=positive_int, default=1, metavar="N", help=_("answers per prompt (default: 1)")
    )
    parser.add_argument("--limit", type=positive_int, metavar="N", help=_("use only the first N prompts"))
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=_("of the sampling (default: 0)"))
    parser.add_argument(
        "--max-tokens",
        type=positive_int,
        default=_MAX_TOKENS,
        metavar="N",
        help=_("per direct answer (default: 32768)"),
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help=_("a folder with the suite's files, or a file of prompts in the same format"),
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help=_("a .jsonl file, or a folder for one file per model (default: lwtui-bench)"),
    )
    add_model_options(parser)


def _list_tasks() -> str:
    from lwtui_bench.suites import suites

    return _("tasks:") + "\n" + "\n".join(f"  {suite.name:<19} {suite.description}" for suite in suites().values())


@dataclass
class BenchTask:
    """What to run on each model.

    Attributes:
        mode: How the text is written.
        mode_name: The same as ``--mode`` and the rows name it, which includes polishing.
        failed: Number of prompts that were not answered, over all models.
        output: The file of the current model.
    """

    options: argparse.Namespace
    settings: Settings
    suite: Suite
    samples: list[Sample]
    mode: Mode
    mode_name: str
    failed: int = field(default=0, init=False)
    output: Path = field(default=_FOLDER, init=False)


def run(options: argparse.Namespace) -> int:
    """Run the suite on each model, and return the exit code."""
    from lwtui_bench.commands.stopping import run_until_stopped
    from lwtui_bench.suites import find_suite

    settings = load_settings()
    suite = find_suite(options.task)
    data = data_path(options)
    samples = list(suite.load(data))[: options.limit]
    if data is not None:
        _warn_about_altered_files(data)
    task = BenchTask(options, settings, suite, samples, Mode(options.mode.removesuffix("+polish")), options.mode)
    choices = [choose_model(name, options, settings) for name in options.model or [settings.model]]
    if len(choices) > 1 and options.output is not None and options.output.suffix == ".jsonl":
        raise UsageError(_("--output names one file, but there are several models. Give a folder instead."))
    return run_until_stopped(_run_all(task, choices), lambda: _how_to_continue(task))


def _how_to_continue(task: BenchTask) -> str:
    return _("All answers so far are in {file}. Run the same command again to continue.", file=task.output)


def _warn_about_altered_files(data: Path) -> None:
    from lwtui_bench import fetch

    for file in fetch.FILES:
        path = data / file.name
        if path.is_file() and not fetch.is_official(path, file):
            say(
                _(
                    "{path} differs from the published file, so scores on it do not compare with published ones.",
                    path=path,
                )
            )


async def _run_all(task: BenchTask, choices: list[ModelChoice]) -> int:
    for choice in choices:
        await _run_model(task, choice)
    return 1 if task.failed else 0


async def _run_model(task: BenchTask, choice: ModelChoice) -> None:
    from lwtui.agentwrite.json_answers import check_follows_instructions
    from lwtui.command_line.terms import show_terms_once
    from lwtui_bench.jsonl import JsonLinesFile
    from lwtui_bench.model_choice import open_choice
    from lwtui_bench.run import make_jobs, pending_jobs

    options = task.options
    task.output = _output_file(task, choice)
    if not options.quiet:
        show_terms_once(choice.settings)
    with closing(JsonLinesFile.open(task.output)) as store:
        if store.truncated and not options.quiet:
            say(
                _(
                    "{file}: the last line was half-written. It was removed, and its prompt will be asked again.",
                    file=task.output,
                )
            )
        agent = await open_choice(choice, task.settings, options.temperature, options.concurrency or 0)
        try:
            if task.mode_name == _POLISHED:
                check_follows_instructions(agent)
            identity = _run_identity(task, choice, agent)
            jobs = make_jobs(task.samples, options.samples, options.seed)
            pending = pending_jobs(jobs, identity, store)
            await _answer(task, choice, agent, identity, store, len(jobs), pending)
        finally:
            await agent.aclose()


async def _answer(
    task: BenchTask,
    choice: ModelChoice,
    agent: Agent,
    identity: RunIdentity,
    store: Any,
    total: int,
    pending: list[Any],
) -> None:
    from lwtui_bench.commands.options import count_earlier_usage, explain_budget, usage_tracker
    from lwtui_bench.commands.progress import ProgressLine, RunProgress
    from lwtui_bench.run import SuiteRunner

    options = task.options
    tracker = usage_tracker(options.budget, choice.settings)
    count_earlier_usage(tracker, store.rows)
    weight = sum(job.sample.length for job in pending)
    done = total - len(pending)
    progress = ProgressLine(done, total, weight, tracker, agent.prices, quiet=options.quiet)
    progress.note(
        _(
            "{model}, {suite}, {mode}: {done} of {total} answered so far",
            model=choice.label,
            suite=task.suite.name,
            mode=task.mode_name,
            done=done,
            total=total,
        )
    )
    parallel = 1 if task.mode is Mode.PARALLEL else agent.model.capabilities.parallel
    runner = SuiteRunner(
        agent,
        _generator(task, identity),
        identity,
        store,
        tracker,
        RunProgress(progress, direct=task.mode is Mode.DIRECT),
    )
    try:
        await runner.run(pending, options.concurrency or parallel)
    except LwtuiError as error:
        if task.mode is Mode.DIRECT:
            explain_budget(error)
        error.add_note(_how_to_continue(task))
        raise
    finally:
        progress.clear()
    task.failed += progress.failed
    if progress.failed:
        say(
            _(
                "{count} of {total} prompts were not answered. Run the same command again to retry.",
                count=progress.failed,
                total=total,
            )
        )
    if not options.quiet:
        say(
            _(
                "{count} of {total} prompts are answered, in {file}",
                count=total - progress.failed,
                total=total,
                file=task.output,
            )
        )


def _generator(task: BenchTask, identity: RunIdentity) -> Generator:
    from lwtui_bench.generators import AgentWriteGenerator, DirectGenerator

    folder = task.output.with_suffix(f".{identity.hash[:8]}.parts")
    if task.mode is Mode.DIRECT:
        return DirectGenerator(task.options.max_tokens, folder)
    return AgentWriteGenerator(task.mode, folder, task.options.passes if task.mode_name == _POLISHED else 0)


def _run_identity(task: BenchTask, choice: ModelChoice, agent: Agent) -> RunIdentity:
    from lwtui_bench.commands.options import settings_of
    from lwtui_bench.model_choice import prompts_hash
    from lwtui_bench.run import RunIdentity

    settings: dict[str, Any] = {
        "model": choice.checkpoint or choice.settings.model or choice.settings.name,
        "profile": agent.profile.name,
    }
    settings |= settings_of(agent, task.options.seed)
    if task.mode is Mode.DIRECT:
        settings["max_tokens"] = task.options.max_tokens
    else:
        settings["prompts"] = prompts_hash(agent.profile.form)
    if task.mode_name == _POLISHED:
        settings["passes"] = task.options.passes
    return RunIdentity(choice.label, task.mode_name, task.suite.name, settings)


def _output_file(task: BenchTask, choice: ModelChoice) -> Path:
    given: Path | None = task.options.output
    if given is not None and given.suffix == ".jsonl":
        return given
    name = regex.sub(r"[^\p{L}\p{N}._+-]+", "_", choice.label).strip("._") or "model"
    return (given or _FOLDER) / f"{task.suite.name}.{name}.{task.mode_name}.jsonl"
