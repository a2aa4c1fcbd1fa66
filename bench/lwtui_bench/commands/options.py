"""Options that several of the benchmark's commands take."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lwtui.command_line.choice import at_address
from lwtui.command_line.guard import say
from lwtui.command_line.values import number, whole
from lwtui.config import ModelSettings, Settings
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.budget import Budget, BudgetReached, Prices, parse_budget
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage

_PROFILES_SHOWN = "chat, base, longwriter-llama3.1, longwriter-glm4"


def add_model_options(to: argparse.ArgumentParser) -> None:
    """What is said about a model that the settings do not know, or know otherwise."""
    to.add_argument(
        "--base-url", metavar="URL", help="an OpenAI-compatible endpoint that has the models by these names"
    )
    to.add_argument(
        "--profile", metavar="NAME", help=f"how to prompt them: {_PROFILES_SHOWN} (default: by their names)"
    )
    to.add_argument("--context-length", type=whole, metavar="N", help="tokens (default: what the model says)")
    to.add_argument("--temperature", type=number, metavar="T", help="of the sampling (default: the model's, or 0.5)")
    to.add_argument("--concurrency", type=whole, metavar="N", help="how many are asked for at once")
    to.add_argument(
        "--budget", type=parse_budget, metavar="LIMIT", help="end before more is spent: 2.50, or '200k tokens'"
    )
    to.add_argument("--price-input", type=number, metavar="PRICE", help="of a million tokens of prompts")
    to.add_argument("--price-output", type=number, metavar="PRICE", help="of a million tokens of answers")
    to.add_argument("--quiet", action="store_true", help="tell nothing on standard error but errors")


def add_compat_option(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--upstream-compat",
        action="store_true",
        help="count a grade that the judge left out as 3, as LongBench-Write's own script does",
    )


def model_settings(name: str, options: argparse.Namespace, settings: Settings) -> ModelSettings:
    """The settings of the model called ``name``, with what the options say. Raises :class:`UsageError`."""
    from dataclasses import replace

    from lwtui.models.catalog import resolve

    chosen = at_address(options.base_url, name) if options.base_url else resolve(name, settings)
    names = ("profile", "context_length", "price_input", "price_output")
    given = {one: value for one in names if (value := getattr(options, one)) is not None}
    return replace(chosen, **given)


def usage_tracker(budget: Budget | None, model: ModelSettings) -> UsageTracker:
    """What counts a run's calls and holds them to its budget.

    Raises:
        UsageError: The budget is in money and the model's prices are unknown.
    """
    if budget is not None and budget.amount is not None and not Prices.of(model).known:
        raise UsageError(
            "A budget in money needs the model's prices: give --price-input and --price-output (per million tokens), "
            "or add them to the model: lwtui models add --help."
        )
    return UsageTracker(lambda: budget)


def count_earlier(tracker: UsageTracker, rows: Iterable[Mapping[str, Any]]) -> None:
    """Count against the budget what the answers in stored ``rows`` took: their cost, or their tokens."""
    for row in rows:
        tracker.spent_amount += row.get("cost") or 0.0
        if isinstance(usage := row.get("usage"), dict):
            tracker.spent += Usage(usage.get("prompt") or 0, usage.get("completion") or 0)


def explain_budget(error: LwtuiError) -> None:
    """Say what can be done where the budget has no room for an answer, of which only the longest is known."""
    if isinstance(error, BudgetReached):
        error.add_note("Room is kept for the longest answer. Raise --budget, or lower --max-tokens.")


def existing_data(options: argparse.Namespace) -> Path | None:
    """What ``--data`` names. Raises :class:`UsageError` if it is not there."""
    data: Path | None = options.data
    if data is not None and not data.exists():
        raise UsageError(f"There is no {data}. --data names a folder with the prompts, or a file of them.")
    return data


def below(value: float, least: float | None, what: str) -> bool:
    """Whether ``value`` is under what ``--fail-under`` asks for; says so."""
    if least is None or value >= least:
        return False
    say(f"lwtui: {what} is {value:.2f}, under {least:g}.")
    return True
