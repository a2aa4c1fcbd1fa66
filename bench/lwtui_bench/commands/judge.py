"""``lwtui bench judge``: have models grade answers."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.command_line.guard import say
from lwtui.command_line.values import positive_int, seed
from lwtui.config import Settings, load_settings
from lwtui.translation import _
from lwtui_bench.commands.options import add_compat_option, add_model_options, choose_model, data_path

if TYPE_CHECKING:
    from lwtui_bench.answers import StoredAnswer
    from lwtui_bench.judge import JudgeTemplate

_MAX_TOKENS = 2048
_CONTINUE = _("All verdicts so far are stored. Run the same command again to continue.")


def _not_judged(count: int) -> str:
    return _("{count} answers were not judged. Run the same command again to retry.", count=count)


def add(actions: Any) -> None:
    """Add the parser of the action to ``actions``."""
    parser = actions.add_parser(
        "judge",
        help=_("have models grade answers"),
        description=_(
            "Have one or more judges grade each answer in the six dimensions of LongBench-Write. Verdicts are\n"
            "stored beside the answers, in FILE.judged.jsonl, and none is asked for twice. An answer for which a\n"
            "judge gives no grades in five attempts is reported as not graded."
        ),
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=_("answers, one JSON object per line"))
    parser.add_argument(
        "--judge", nargs="+", required=True, metavar="NAME", help=_("models, as for lwtui bench run --model")
    )
    parser.add_argument(
        "--prompt",
        default="auto",
        metavar="WHICH",
        help=_("official, own (lwtui's), or a file with $INST$ and $RESPONSE$ (default: official if it was fetched)"),
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help=_("a folder with the official judge.txt"))
    parser.add_argument(
        "--repeats", type=positive_int, default=1, metavar="N", help=_("verdicts per judge and answer (default: 1)")
    )
    parser.add_argument(
        "--max-tokens", type=positive_int, default=_MAX_TOKENS, metavar="N", help=_("per verdict (default: 2048)")
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=_("of the sampling (default: 0)"))
    parser.add_argument("--again", action="store_true", help=_("ask again about answers that a judge did not grade"))
    add_compat_option(parser)
    add_model_options(parser)


def run(options: argparse.Namespace) -> int:
    """Grade the answers, print the scores, and return the exit code."""
    from lwtui_bench.answers import read_answers
    from lwtui_bench.commands.stopping import run_until_stopped
    from lwtui_bench.judge import load_judge_template

    settings = load_settings()
    template = load_judge_template(options.prompt, data_path(options))
    files = {path: read_answers(path) for path in options.files}
    return run_until_stopped(
        _judge_all(options, settings, template, files),
        lambda: _CONTINUE,
    )


async def _judge_all(
    options: argparse.Namespace, settings: Settings, template: JudgeTemplate, files: dict[Path, list[StoredAnswer]]
) -> int:
    from lwtui_bench import tables
    from lwtui_bench.summary import load_runs

    failed = 0
    for name in options.judge:
        failed += await _run_judge(name, options, settings, template, files)
    runs = load_runs(list(files), compat=options.upstream_compat)
    print(f"{tables.render_text(tables.scores_table(runs))}\n\n{tables.render_text(tables.quality_table(runs))}")
    for table in filter(None, map(tables.agreement_table, runs)):
        print(f"\n{tables.render_text(table)}")
    for run in runs:
        for scored in run.ungraded:
            say(_("Not graded: {label}: {prompt!r}", label=run.label, prompt=scored.answer.prompt[:80]))
    return 1 if failed else 0


async def _run_judge(
    name: str,
    options: argparse.Namespace,
    settings: Settings,
    template: JudgeTemplate,
    files: dict[Path, list[StoredAnswer]],
) -> int:
    """Have one judge grade all files; return for how many answers it could not be asked."""
    from lwtui_bench.commands.options import settings_of, usage_tracker
    from lwtui_bench.judge import Judge
    from lwtui_bench.model_choice import open_choice

    choice = choose_model(name, options, settings)
    agent = await open_choice(choice, settings, options.temperature, options.concurrency or 0)
    try:
        settled = settings_of(agent, options.seed)
        judge = Judge(choice.label, template, settled, upstream=options.upstream_compat)
        tracker = usage_tracker(options.budget, choice.settings)
        return sum(
            [await _judge_file(path, answers, agent, judge, tracker, options) for path, answers in files.items()]
        )
    finally:
        await agent.aclose()


async def _judge_file(
    path: Path, answers: list[StoredAnswer], agent: Any, judge: Any, tracker: Any, options: argparse.Namespace
) -> int:
    from lwtui_bench.commands.options import count_earlier_usage, finish
    from lwtui_bench.commands.progress import JudgeProgress, ProgressLine
    from lwtui_bench.jsonl import JsonLinesFile
    from lwtui_bench.judge import JudgeRunner, pending_cases, verdicts_path

    with closing(JsonLinesFile.open(verdicts_path(path))) as store:
        cases = pending_cases(answers, judge, options.repeats, store, again=options.again)
        count_earlier_usage(tracker, (row for row in store.rows if row.get("judge") == judge.name))
        total = len(
            {
                judge.key(answer, repeat)
                for answer in answers
                if answer.text.strip() or judge.upstream
                for repeat in range(options.repeats)
            }
        )
        weight = sum(len(answer.text) for answer, _repeat in cases)
        done = total - len(cases)
        progress = ProgressLine(done, total, weight, tracker, agent.prices, quiet=options.quiet)
        progress.note(
            _(
                "{judge} on {file}, {template} prompt: {done} of {total} judged so far",
                judge=judge.name,
                file=path.name,
                template=judge.template.name,
                done=done,
                total=total,
            )
        )
        runner = JudgeRunner(agent, judge, store, tracker, options.max_tokens)
        concurrency = options.concurrency or agent.model.capabilities.parallel
        work = runner.run(cases, concurrency, JudgeProgress(progress))
        return await finish(work, progress, _CONTINUE, _not_judged)
