"""``lwtui train``: tune a model on long outputs, one step per command."""

from __future__ import annotations

import argparse
import json
import sys

from lwtui.command_line.extras import require_extra
from lwtui.command_line.parser import Parser, command_parser
from lwtui.translation import _
from lwtui_training.pipeline import run_all, run_step
from lwtui_training.progress import quiet_libraries
from lwtui_training.recipe import Recipe, known_recipes, load_recipe

_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf", "matplotlib")
ACTIONS = {
    "check": _("check everything that the recipe needs, to the end of its last step"),
    "data": _("write and collect the training rows"),
    "sft": _("fine-tune the base on the rows"),
    "prefs": _("sample answers, score them, and make preference pairs"),
    "dpo": _("tune the checkpoint on the pairs"),
    "grpo": _("tune the checkpoint with rewards for length, repetition and form"),
    "merge": _("merge base and adapter into one checkpoint"),
    "gguf": _("export a GGUF for the app, and check it against the checkpoint"),
    "bench": _("compare the tuned model with the base"),
    "plan": _("estimate memory, time and tokens before training"),
    "run": _("run all steps of the recipe"),
    "recipes": _("list the recipes that come with lwtui"),
}


def parser() -> Parser:
    """Return the parser of the command and of its actions."""
    result = command_parser(
        "train",
        _(
            "Tune a model on long outputs, as a recipe says, one step per command. A finished step is not repeated,\n"
            "and an interrupted one resumes where it stopped."
        ),
        """
        lwtui train recipes
        lwtui train run tiny
        lwtui train plan longwriter-llama3.1-8b
        lwtui train check longwriter-llama3.1-8b
        lwtui train sft my-recipe.toml --set sft.max_steps=20
        """,
    )
    actions = result.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, description in ACTIONS.items():
        action = actions.add_parser(name, help=description, description=_sentence(description))
        if name == "recipes":
            continue
        action.add_argument("recipe", metavar="RECIPE", help=_("a TOML file, or a recipe that comes with lwtui"))
        action.add_argument(
            "--set",
            metavar="KEY=VALUE",
            action="append",
            default=[],
            help=_("change an option, such as sft.max_steps=20"),
        )
        if name == "plan":
            action.add_argument(
                "--devices", metavar="N", type=int, help=_("plan for N devices instead of the recipe's")
            )
        if name in ("plan", "check"):
            action.add_argument("--json", action="store_true", help=_("print JSON"))
    return result


def _sentence(help: str) -> str:
    text = help[:1].upper() + help[1:]
    return _("{sentence}.", sentence=text)


def run(options: argparse.Namespace) -> int:
    """Run the action that the options name, and return the exit code."""
    if options.action == "recipes":
        print("\n".join(known_recipes()))
        return 0
    recipe = load_recipe(options.recipe, options.set)
    if options.action == "plan":
        return _print_plan(options, recipe)
    require_extra("train", *_PACKAGES)
    quiet_libraries()
    if options.action == "check":
        return _print_checks(recipe, as_json=options.json)
    if options.action == "run":
        run_all(recipe)
    else:
        run_step(recipe, options.action)
    return 0


def _print_checks(recipe: Recipe, *, as_json: bool) -> int:
    from lwtui_training.checks import check_recipe, to_line

    results = check_recipe(recipe, recipe.steps)
    print(json.dumps([vars(result) for result in results], indent=2) if as_json else "\n".join(map(to_line, results)))
    return 1 if any(result.found == "problem" for result in results) else 0


def _print_plan(options: argparse.Namespace, recipe: Recipe) -> int:
    from lwtui_training.gpu_memory import plan_recipe, with_devices
    from lwtui_training.launch_plan import extra_plan, extra_text, plan_steps
    from lwtui_training.model_shape import shape_of_base

    if options.devices is not None:
        recipe = with_devices(recipe, options.devices)
    plan, shape = plan_recipe(recipe), shape_of_base(recipe)
    if options.json:
        print(json.dumps(plan.to_dict() | extra_plan(recipe, shape), indent=2))
    else:
        print(plan.to_text(), _("Further steps and places:"), extra_text(recipe, shape), sep="\n")
    problems = [] if plan.fits else [plan.advice]
    problems += [step.problem for step in plan_steps(recipe, shape) if step.problem]
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0
