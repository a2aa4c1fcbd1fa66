"""``lwtui bench judge``: have answers graded by models."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.command_line.guard import say
from lwtui.command_line.values import seed, whole
from lwtui.config import Settings, load_settings
from lwtui.errors import LwtuiError
from lwtui_bench.commands.options import (
    add_compat_option,
    add_model_options,
    existing_data,
    model_settings,
)

if TYPE_CHECKING:
    from lwtui_bench.answers import Answer
    from lwtui_bench.judge import Template

_MAX_TOKENS = 2048


def add(actions: Any) -> None:
    parser = actions.add_parser(
        "judge",
        help="have answers graded by models",
        description="Have each answer graded by one or several judges, in the six dimensions of LongBench-Write.\n"
        "Verdicts are stored beside the answers, in FILE.judged.jsonl, and nothing is asked twice.\n"
        "An answer that a judge gives no grades for in five tries is shown as such.",
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="answers, one JSON object a line")
    parser.add_argument(
        "--judge", nargs="+", required=True, metavar="NAME", help="models, as for lwtui bench run --model"
    )
    parser.add_argument(
        "--prompt",
        default="auto",
        metavar="WHICH",
        help="official, own (lwtui's), or a file with $INST$ and $RESPONSE$ (default: official if it is there)",
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="a folder that has the official judge.txt")
    parser.add_argument(
        "--repeats", type=whole, default=1, metavar="N", help="verdicts of a judge on each answer (default: 1)"
    )
    parser.add_argument(
        "--max-tokens", type=whole, default=_MAX_TOKENS, metavar="N", help="of a verdict (default: 2048)"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the sampling (default: 0)")
    parser.add_argument(
        "--again", action="store_true", help="ask once more about answers that a judge gave no grades for"
    )
    add_compat_option(parser)
    add_model_options(parser)


def run(options: argparse.Namespace) -> int:
    from lwtui_bench.answers import read_answers
    from lwtui_bench.commands.stopping import run_until_stopped
    from lwtui_bench.judge import load_template

    settings = load_settings()
    template = load_template(options.prompt, existing_data(options))
    files = {path: read_answers(path) for path in options.files}
    return run_until_stopped(
        _judge_all(options, settings, template, files),
        lambda: "All verdicts are stored; the same command goes on from there.",
    )


async def _judge_all(
    options: argparse.Namespace, settings: Settings, template: Template, files: dict[Path, list[Answer]]
) -> int:
    from lwtui_bench import tables
    from lwtui_bench.summary import load_runs

    failed = 0
    for name in options.judge:
        failed += await _sitting(name, options, settings, template, files)
    runs = load_runs(list(files), compat=options.upstream_compat)
    print(f"{tables.plain(tables.scores(runs))}\n\n{tables.plain(tables.quality_table(runs))}")
    for table in filter(None, map(tables.agreement_table, runs)):
        print(f"\n{tables.plain(table)}")
    for run in runs:
        for entry in run.unscored:
            say(f"Not graded: {run.label}: {entry.answer.prompt[:80]!r}")
    return 1 if failed else 0


async def _sitting(
    name: str, options: argparse.Namespace, settings: Settings, template: Template, files: dict[Path, list[Answer]]
) -> int:
    """One judge's; how many answers could not be asked about."""
    from lwtui_bench.commands.options import usage_tracker
    from lwtui_bench.judge import Judge
    from lwtui_bench.model_choice import ModelChoice, checkpoint, is_checkpoint, open_choice

    if not options.base_url and is_checkpoint(name):
        choice = checkpoint(name, profile=options.profile or "")
    else:
        chosen = model_settings(name, options, settings)
        choice = ModelChoice(name if options.base_url else chosen.name, chosen)
    agent = await open_choice(choice, settings, options.temperature, options.concurrency or 0)
    try:
        sampling = {"sampling": agent.profile.sampling.to_dict(), "seed": options.seed}
        about = sampling | ({"model_hash": agent.model.model_hash} if agent.model.model_hash else {})
        judge = Judge(choice.label, template, about)
        tracker = usage_tracker(options.budget, choice.settings)
        return sum([await _one_file(path, answers, agent, judge, tracker, options) for path, answers in files.items()])
    finally:
        await agent.aclose()


async def _one_file(
    path: Path, answers: list[Answer], agent: Any, judge: Any, tracker: Any, options: argparse.Namespace
) -> int:
    from lwtui_bench.commands.options import count_earlier, explain_budget
    from lwtui_bench.commands.progress import Judging, Ticker
    from lwtui_bench.jsonl import JsonLines
    from lwtui_bench.judge import JudgePool, open_cases, verdicts_path

    with closing(JsonLines.open(verdicts_path(path))) as store:
        cases = open_cases(answers, judge, options.repeats, store, again=options.again)
        count_earlier(tracker, (row for row in store.rows if row.get("judge") == judge.name))
        total = len(
            {judge.key(one, repeat) for one in answers if one.text.strip() for repeat in range(options.repeats)}
        )
        weight = sum(len(answer.text) for answer, _ in cases)
        ticker = Ticker(total - len(cases), total, weight, tracker, agent.prices, quiet=options.quiet)
        ticker.note(
            f"{judge.name} on {path.name}, {judge.template.name} prompt: {total - len(cases)} of {total} so far"
        )
        pool = JudgePool(agent, judge, store, tracker, options.max_tokens)
        try:
            await pool.judge(cases, options.concurrency or agent.model.capabilities.parallel, Judging(ticker))
        except LwtuiError as error:
            explain_budget(error)
            error.add_note("All verdicts are stored; the same command goes on from there.")
            raise
        finally:
            ticker.clear()
        if ticker.failed:
            say(f"{ticker.failed} answers could not be asked about; the same command asks again.")
        return ticker.failed
