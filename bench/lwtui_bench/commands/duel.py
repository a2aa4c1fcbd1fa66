"""``lwtui bench duel``: have models compare answers pairwise, and rank the files by it."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.command_line.guard import say
from lwtui.command_line.values import positive_int, seed
from lwtui.config import Settings, load_settings
from lwtui.errors import LwtuiError, UsageError
from lwtui.translation import _
from lwtui_bench.commands.options import add_model_options, choose_model

if TYPE_CHECKING:
    from lwtui_bench.duel import Contestant, DuelJudge, Meeting, Outcome
    from lwtui_bench.jsonl import JsonLinesFile

_MAX_TOKENS = 1024
_CONTINUE = _("All verdicts so far are stored. Run the same command again to continue.")


def _not_made(count: int) -> str:
    return _("{count} comparisons were not made. Run the same command again to retry.", count=count)


def add(actions: Any) -> None:
    """Add the parser of the action to ``actions``."""
    parser = actions.add_parser(
        "duel",
        help=_("have models compare answers pairwise, and rank the files"),
        description=_(
            "Have one or more judges compare the answers of several files, two at a time and in both orders.\n"
            "A text wins if both verdicts prefer it; all else is a tie. The files are ranked by Bradley-Terry\n"
            "scores with bootstrap intervals. Verdicts are stored, and none is asked for twice."
        ),
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=_("two or more files of answers"))
    parser.add_argument(
        "--judge", nargs="+", required=True, metavar="NAME", help=_("models, as for lwtui bench run --model")
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help=_("where the verdicts are stored (default: FILE.duels.jsonl)")
    )
    parser.add_argument("--limit", type=positive_int, metavar="N", help=_("compare only the first N shared answers"))
    parser.add_argument(
        "--max-tokens", type=positive_int, default=_MAX_TOKENS, metavar="N", help=_("per verdict (default: 1024)")
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=_("of the sampling (default: 0)"))
    parser.add_argument("--again", action="store_true", help=_("ask again where a judge gave no usable verdict"))
    parser.add_argument(
        "--json", action="store_true", help=_('print {"scores": {label: {"score", "low", "high", …}}, …}')
    )
    add_model_options(parser)


def run(options: argparse.Namespace) -> int:
    """Compare the answers, print the ranking, and return the exit code."""
    from lwtui_bench.commands.stopping import run_until_stopped
    from lwtui_bench.duel import meetings

    if len(options.files) < 2:
        raise UsageError(_("A duel needs two or more files of answers."), code="too-few-files")
    if len(set(options.files)) < len(options.files):
        raise UsageError(_("The same file is named twice. Name each file once."), code="same-file")
    contestants = _contestants(options.files)
    pairs = meetings(contestants)
    if options.limit:
        shared = list(dict.fromkeys((pair.first.id, pair.first.sample) for pair in pairs))[: options.limit]
        pairs = [pair for pair in pairs if (pair.first.id, pair.first.sample) in shared]
    if not pairs:
        raise UsageError(_("These files share no prompts, so there is nothing to compare."), code="no-pairs")
    return run_until_stopped(_duel(options, load_settings(), contestants, pairs), lambda: _CONTINUE)


def _contestants(files: list[Path]) -> list[Contestant]:
    from lwtui_bench.answers import read_answers
    from lwtui_bench.duel import contestant
    from lwtui_bench.summary import load_as_one_run

    labels = [load_as_one_run(path).label for path in files]
    if len(set(labels)) < len(labels):
        labels = [path.stem for path in files]
    if len(set(labels)) < len(labels):
        labels = [str(path) for path in files]
    return [contestant(label, read_answers(path)) for label, path in zip(labels, files, strict=True)]


async def _duel(
    options: argparse.Namespace, settings: Settings, contestants: list[Contestant], pairs: list[Meeting]
) -> int:
    from lwtui_bench.duel import outcomes
    from lwtui_bench.jsonl import JsonLinesFile

    judges, failed = [], 0
    with closing(JsonLinesFile.open(options.output or options.files[0].with_suffix(".duels.jsonl"))) as store:
        for name in dict.fromkeys(options.judge):
            judge, failures = await _ask(name, options, settings, pairs, store)
            judges.append(judge)
            failed += failures
        found = outcomes(pairs, judges, store.rows)
    if not found:
        raise LwtuiError(
            _("No judge gave a usable verdict in both orders, so there is nothing to rank."), code="no-verdicts"
        )
    _print(options, contestants, found, len(pairs) * len(judges) - len(found))
    return 1 if failed else 0


async def _ask(
    name: str, options: argparse.Namespace, settings: Settings, pairs: list[Meeting], store: JsonLinesFile
) -> tuple[DuelJudge, int]:
    """Have one judge make the comparisons that are missing; return it, and how many failed."""
    from lwtui_bench.commands.options import count_earlier_usage, finish, settings_of, usage_tracker
    from lwtui_bench.commands.progress import DuelProgress, ProgressLine
    from lwtui_bench.duel import DuelJudge, DuelRunner, needs_judge, pending_calls
    from lwtui_bench.model_choice import open_choice

    choice = choose_model(name, options, settings)
    agent = await open_choice(choice, settings, options.temperature, options.concurrency or 0)
    try:
        judge = DuelJudge(choice.label, settings_of(agent, options.seed))
        calls = pending_calls(pairs, judge, store, again=options.again)
        tracker = usage_tracker(options.budget, choice.settings)
        count_earlier_usage(tracker, (row for row in store.rows if row.get("judge") == judge.name))
        total = 2 * sum(map(needs_judge, pairs))
        weight = sum(len(first.text) + len(second.text) for first, second in calls)
        done = max(0, total - len(calls))
        progress = ProgressLine(done, total, weight, tracker, agent.prices, quiet=options.quiet)
        progress.note(_("{name}: {done} of {total} comparisons made so far", name=judge.name, done=done, total=total))
        runner = DuelRunner(agent, judge, store, tracker, options.max_tokens)
        concurrency = options.concurrency or agent.model.capabilities.parallel
        work = runner.run(calls, concurrency, DuelProgress(progress))
        return judge, await finish(work, progress, _CONTINUE, _not_made)
    finally:
        await agent.aclose()


def _print(options: argparse.Namespace, contestants: list[Contestant], found: list[Outcome], missing: int) -> None:
    from lwtui_bench import tables
    from lwtui_bench.bradley_terry import duel_scores, judge_habits

    labels = [one.label for one in contestants]
    scores, habits = duel_scores(len(contestants), found), judge_habits(found)
    if options.json:
        import json

        by_label = {label: asdict(score) for label, score in zip(labels, scores, strict=True)}
        judges = {judge: asdict(habit) for judge, habit in habits.items()}
        print(json.dumps({"scores": by_label, "judges": judges, "undecided": missing}, ensure_ascii=False, indent=2))
        return
    shown = [tables.duel_table(labels, scores, len({outcome.prompt_id for outcome in found}))]
    if len(labels) > 2:
        shown.append(tables.meetings_table(labels, found))
    if habits:
        shown.append(tables.duel_judges_table(habits))
    print("\n\n".join(map(tables.render_text, shown)))
    if missing:
        say(
            _(
                "{count} comparisons lack a usable verdict in one of the orders, and are left out. --again asks again.",
                count=missing,
            )
        )
