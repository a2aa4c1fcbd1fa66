"""``lwtui bench errors``: have a model look for contradictions in answers."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.command_line.values import seed
from lwtui.config import Settings, load_settings
from lwtui.translation import _
from lwtui_bench.commands.options import add_model_options, choose_model

if TYPE_CHECKING:
    from lwtui_bench.answers import StoredAnswer

_CONTINUE = _("All readings so far are stored. Run the same command again to continue.")


def _not_read(count: int) -> str:
    return _("{count} answers were not read. Run the same command again to retry.", count=count)


def add(actions: Any) -> None:
    """Add the parser of the action to ``actions``."""
    parser = actions.add_parser(
        "errors",
        help=_("have models look for contradictions in answers"),
        description=_(
            "Have one or more critics read each answer and name the places that contradict each other. A\n"
            "contradiction counts only if both of its quotes are in the text. Readings are stored beside the\n"
            "answers, in FILE.errors.jsonl, and no text is read twice by a critic."
        ),
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=_("answers, one JSON object per line"))
    parser.add_argument(
        "--critic", nargs="+", required=True, metavar="NAME", help=_("models, as for lwtui bench run --model")
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=_("of the sampling (default: 0)"))
    add_model_options(parser)


def run(options: argparse.Namespace) -> int:
    """Have the answers read, print the table, and return the exit code."""
    from lwtui_bench.answers import read_answers
    from lwtui_bench.commands.stopping import run_until_stopped

    files = {path: read_answers(path) for path in options.files}
    return run_until_stopped(_read_all(options, load_settings(), files), lambda: _CONTINUE)


async def _read_all(options: argparse.Namespace, settings: Settings, files: dict[Path, list[StoredAnswer]]) -> int:
    from lwtui_bench import tables
    from lwtui_bench.summary import load_runs

    failed = 0
    for name in dict.fromkeys(options.critic):
        failed += await _run_critic(name, options, settings, files)
    print(tables.render_text(tables.errors_table(load_runs(list(files)))))
    return 1 if failed else 0


async def _run_critic(
    name: str, options: argparse.Namespace, settings: Settings, files: dict[Path, list[StoredAnswer]]
) -> int:
    """Have one critic read all files; return how many answers it could not read."""
    from lwtui_bench.commands.options import settings_of, usage_tracker
    from lwtui_bench.errors import Critic
    from lwtui_bench.model_choice import open_choice, prompts_hash

    choice = choose_model(name, options, settings)
    agent = await open_choice(choice, settings, options.temperature, options.concurrency or 0)
    try:
        critic = Critic(choice.label, settings_of(agent, options.seed) | {"prompts": prompts_hash("chat")})
        tracker = usage_tracker(options.budget, choice.settings)
        return sum(
            [await _read_file(path, answers, agent, critic, tracker, options) for path, answers in files.items()]
        )
    finally:
        await agent.aclose()


async def _read_file(
    path: Path, answers: list[StoredAnswer], agent: Any, critic: Any, tracker: Any, options: argparse.Namespace
) -> int:
    from lwtui_bench.commands.options import count_earlier_usage, finish
    from lwtui_bench.commands.progress import ErrorsProgress, ProgressLine
    from lwtui_bench.errors import ErrorsRunner, pending_texts, readings_path
    from lwtui_bench.jsonl import JsonLinesFile

    with closing(JsonLinesFile.open(readings_path(path))) as store:
        pending = pending_texts(answers, critic, store)
        count_earlier_usage(tracker, (row for row in store.rows if row.get("critic") == critic.name))
        total = len({answer.hash for answer in answers if answer.text.strip()})
        weight = sum(len(answer.text) for answer in pending)
        progress = ProgressLine(total - len(pending), total, weight, tracker, agent.prices, quiet=options.quiet)
        progress.note(
            _(
                "{critic} on {file}: {done} of {total} read so far",
                critic=critic.name,
                file=path.name,
                done=total - len(pending),
                total=total,
            )
        )
        runner = ErrorsRunner(agent, critic, store, tracker)
        concurrency = options.concurrency or agent.model.capabilities.parallel
        work = runner.run(pending, concurrency, ErrorsProgress(progress))
        return await finish(work, progress, _CONTINUE, _not_read)
