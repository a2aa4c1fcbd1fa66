"""Options shared by several actions of ``lwtui bench``."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.command_line.choice import endpoint_model
from lwtui.command_line.guard import say
from lwtui.command_line.values import nonnegative_float, positive_int
from lwtui.config import ModelSettings, Settings
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.budget import Budget, BudgetReached, Prices, parse_budget
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.agentwrite.agent import Agent
    from lwtui_bench.commands.progress import ProgressLine
    from lwtui_bench.model_choice import ModelChoice

_PROFILES_SHOWN = "chat, base, longwriter-llama3.1, longwriter-glm4"


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for models that the settings do not know, or that override the settings."""
    parser.add_argument(
        "--base-url",
        metavar="URL",
        nargs="+",
        help=_("OpenAI-compatible endpoints, one or several, that serve the models under these names"),
    )
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help=_("how to prompt the models: {profiles} (default: by their names)", profiles=_PROFILES_SHOWN),
    )
    parser.add_argument(
        "--context-length", type=positive_int, metavar="N", help=_("in tokens (default: what the model reports)")
    )
    parser.add_argument(
        "--temperature", type=nonnegative_float, metavar="T", help=_("of the sampling (default: the model's, or 0.5)")
    )
    parser.add_argument(
        "--concurrency",
        type=positive_int,
        metavar="N",
        help=_("number of simultaneous calls, over all endpoints"),
    )
    parser.add_argument(
        "--budget", type=parse_budget, metavar="LIMIT", help=_("stop before spending more: 2.50, or '200k tokens'")
    )
    parser.add_argument("--price-input", type=nonnegative_float, metavar="PRICE", help=_("per million input tokens"))
    parser.add_argument("--price-output", type=nonnegative_float, metavar="PRICE", help=_("per million output tokens"))
    parser.add_argument("--quiet", action="store_true", help=_("print nothing but errors on standard error"))


def add_compat_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--upstream-compat``."""
    parser.add_argument(
        "--upstream-compat",
        action="store_true",
        help=_(
            "judge, and read grades, exactly as LongBench-Write's own script does: fractions count, an answer "
            "without all six grades in five tries is dropped"
        ),
    )


def choose_model(name: str, options: argparse.Namespace, settings: Settings) -> ModelChoice:
    """Return the model called ``name``: a checkpoint, or a model of the settings or of ``--base-url``.

    Raises:
        UsageError: There is no such model.
    """
    from lwtui_bench.model_choice import ModelChoice, checkpoint_choice, is_checkpoint

    if not options.base_url and is_checkpoint(name):
        return checkpoint_choice(name, profile=options.profile or "")
    choices = [_model_settings(name, url, options, settings) for url in options.base_url or [""]]
    return ModelChoice(name if options.base_url else choices[0].name, choices[0], others=tuple(choices[1:]))


def _model_settings(name: str, base_url: str, options: argparse.Namespace, settings: Settings) -> ModelSettings:
    from dataclasses import replace

    from lwtui.models.catalog import resolve

    chosen = endpoint_model(base_url, name) if base_url else resolve(name, settings)
    names = ("profile", "context_length", "price_input", "price_output")
    overrides = {field: value for field in names if (value := getattr(options, field)) is not None}
    return replace(chosen, **overrides)


def usage_tracker(budget: Budget | None, model: ModelSettings) -> UsageTracker:
    """Return a tracker that counts the calls of a run and enforces its budget.

    Raises:
        UsageError: The budget is in money and the model's prices are unknown.
    """
    if budget is not None and budget.amount is not None and not Prices.of(model).known:
        raise UsageError(
            _(
                "A budget in money needs the model's prices: give --price-input and --price-output (per million "
                "tokens), or add them to the model: lwtui models add --help."
            )
        )
    return UsageTracker(lambda: budget)


def count_earlier_usage(tracker: UsageTracker, rows: Iterable[Mapping[str, Any]]) -> None:
    """Charge the cost and tokens of stored rows to the budget."""
    for row in rows:
        tracker.spent_amount += row.get("cost") or 0.0
        if isinstance(usage := row.get("usage"), dict):
            tracker.spent += Usage(usage.get("prompt") or 0, usage.get("completion") or 0)


def settings_of(agent: Agent, seed: int | None) -> dict[str, Any]:
    """Return what decides the answers of a model, to be stored with them: sampling, seed and the file's hash."""
    settings: dict[str, Any] = {"sampling": agent.profile.sampling.to_dict(), "seed": seed}
    return settings | ({"model_hash": agent.model.model_hash} if agent.model.model_hash else {})


async def finish(work: Awaitable[None], progress: ProgressLine, resume: str, missing: Callable[[int], str]) -> int:
    """Wait for calls about stored answers, and say what is missing.

    Args:
        work: The calls.
        progress: Their progress.
        resume: How to continue, if they end with an error.
        missing: Says that so many failed, and what to do.

    Returns:
        How many failed.

    Raises:
        LwtuiError: Every further call would fail.
    """
    try:
        await work
    except LwtuiError as error:
        explain_budget(error)
        error.add_note(resume)
        raise
    finally:
        progress.clear()
    if progress.failed:
        say(missing(progress.failed))
    return progress.failed


def explain_budget(error: LwtuiError) -> None:
    """Add advice to the error that ended a run for lack of budget."""
    if isinstance(error, BudgetReached):
        error.add_note(
            _("A call is made only if the budget covers its longest answer. Raise --budget, or lower --max-tokens.")
        )


def data_path(options: argparse.Namespace) -> Path | None:
    """Return the path given with ``--data``.

    Raises:
        UsageError: It does not exist.
    """
    data: Path | None = options.data
    if data is not None and not data.exists():
        raise UsageError(_("There is no {path}. --data takes a folder with the prompts, or a file of them.", path=data))
    return data


def is_below(value: float, threshold: float | None, name: str) -> bool:
    """Return whether ``value`` is below the threshold of ``--fail-under``, and report it if so."""
    if threshold is None or value >= threshold:
        return False
    say(_("lwtui: {name} is {value:.2f}, below {threshold:g}.", name=name, value=value, threshold=threshold))
    return True
