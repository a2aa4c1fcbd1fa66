"""Check everything that a recipe needs before its first step: ``lwtui train check``.

A check is a function that returns what it found, or raises a :class:`~lwtui.errors.LwtuiError` that says what is wrong
and what to do. All checks are made, so that one look shows every problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lwtui.errors import LwtuiError
from lwtui.translation import _
from lwtui_training.progress import note, pad
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError, read_manifest

_NEEDS = {"tokenizer": ("base", "hub"), "export": ("base", "hub", "tokenizer")}
_ON_HUB: tuple[str, ...] = ("base", "data.instructions", "data.long", "data.general")
_ON_HUB += ("prefs.instructions", "prefs.general", "grpo.instructions")
Found = Literal["ok", "note", "problem"]
_FOUND_NAMES = {"ok": _("ok"), "note": _("note"), "problem": _("problem")}


@dataclass(frozen=True)
class Requirement:
    """Something that a recipe needs, and whether it is there.

    Attributes:
        name: What was checked.
        found: "ok", "note" for something to know (a price, a risk), or "problem" for what would stop the run.
        text: What was found; for a problem, what is wrong and what to do.
    """

    name: str
    found: Found
    text: str


@dataclass(frozen=True)
class Caveat:
    """A result to point out although it stops nothing."""

    text: str


Check = Callable[[Recipe], str | Caveat]


def check_recipe(recipe: Recipe, steps: Sequence[str]) -> list[Requirement]:
    """Make all checks that these steps need. Steps that are finished need none."""
    from lwtui_training.check_inputs import input_checks
    from lwtui_training.check_machine import machine_checks
    from lwtui_training.check_model import model_checks
    from lwtui_training.hub import hub_problem

    left = [step for step in steps if read_manifest(recipe.run_folder / step) is None]
    checks = machine_checks(recipe, left) | model_checks(recipe, left) | input_checks(recipe, left)
    results: dict[str, Requirement] = {}
    for name, check in checks.items():
        if any(before in results and results[before].found == "problem" for before in _NEEDS.get(name, ())):
            continue  # it would fail for the same reason
        if name in _ON_HUB and not _is_here(recipe, name) and (silent := hub_problem()):
            results.setdefault("hub", Requirement("hub", "problem", silent))
            continue
        results[name] = _result(name, check, recipe)
    return list(results.values())


def _is_here(recipe: Recipe, name: str) -> bool:
    """Return whether what a check looks at is on this machine, so that it does not need the hub."""
    from lwtui_training.check_model import is_made

    if name == "base":
        return is_made(recipe) or Path(recipe.resolve(recipe.base.model)).exists()
    table, _dot, option = name.partition(".")
    source = str(getattr(getattr(recipe, table), option))
    return Path(recipe.resolve(source)).exists() or bool(Path(source).suffix)


def check_before(recipe: Recipe, steps: Sequence[str]) -> None:
    """Make all checks before a run, and say what stands against it.

    Raises:
        TrainError: There is a problem. The message names the first; all of them are printed.
    """
    results = check_recipe(recipe, steps)
    problems = [result for result in results if result.found == "problem"]
    for result in results:
        if result.found == "note" or (result.found == "problem" and len(problems) > 1):
            note(to_line(result))
    if problems:
        first = _("The run would not come to its end: {name}: {text}", name=problems[0].name, text=problems[0].text)
        if len(problems) > 1:
            first = _("{problem} ({count} more above)", problem=first, count=len(problems) - 1)
        raise TrainError(first, code="check-failed")


def to_line(result: Requirement) -> str:
    """Return the line that shows a result."""
    return f"{pad(_FOUND_NAMES[result.found], 8)}{result.name}: {result.text}"


def _result(name: str, check: Any, recipe: Recipe) -> Requirement:
    try:
        found = check(recipe)
    except LwtuiError as error:
        return Requirement(name, "problem", str(error))
    return Requirement(name, "note", found.text) if isinstance(found, Caveat) else Requirement(name, "ok", found)
