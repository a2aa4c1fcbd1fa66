"""``lwtui train``: from a list of instructions to a checkpoint that the app runs, one step a command."""

from __future__ import annotations

import argparse
import json
import sys

from lwtui.command_line.extras import require_extra
from lwtui.command_line.parser import Parser, command_parser
from lwtui_training.pipeline import run_all, run_step
from lwtui_training.progress import quiet_libraries
from lwtui_training.recipe import Recipe, known_recipes, load_recipe

_NEEDS = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf", "matplotlib")
ACTIONS = {
    "data": "write and gather the rows to learn from",
    "sft": "tune the base on them",
    "prefs": "sample answers, score them, and make preference pairs",
    "dpo": "tune the checkpoint on the pairs",
    "merge": "make one checkpoint of base and adapter",
    "gguf": "export it for the app, and check that it says the same",
    "bench": "compare base and tuned",
    "plan": "tell memory, time and tokens before anything runs",
    "run": "do all steps of the recipe",
    "recipes": "list the recipes that come with lwtui",
}


def parser() -> Parser:
    result = command_parser(
        "train",
        "Tune a model on long outputs, one step a command, from one recipe. A step that is done is not done twice;\n"
        "one that was stopped goes on where it was.",
        """
        lwtui train recipes
        lwtui train run tiny
        lwtui train plan longwriter-llama3.1-8b
        lwtui train sft my-recipe.toml --set sft.max_steps=20
        """,
    )
    actions = result.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, told in ACTIONS.items():
        action = actions.add_parser(name, help=told, description=f"{told[:1].upper()}{told[1:]}.")
        if name == "recipes":
            continue
        action.add_argument("recipe", metavar="RECIPE", help="a TOML file, or a recipe that comes with lwtui")
        action.add_argument(
            "--set", metavar="KEY=VALUE", action="append", default=[], help="change an option, such as sft.max_steps=20"
        )
        if name == "plan":
            action.add_argument("--devices", metavar="N", type=int, help="for N devices instead of the recipe's")
            action.add_argument("--json", action="store_true", help="as a JSON object")
    return result


def run(options: argparse.Namespace) -> int:
    """Do what the options say; the exit code. Raises :class:`lwtui.errors.LwtuiError`."""
    if options.action == "recipes":
        print("\n".join(known_recipes()))
        return 0
    recipe = load_recipe(options.recipe, options.set)
    if options.action == "plan":
        return _plan(options, recipe)
    require_extra("train", *_NEEDS)
    quiet_libraries()
    if options.action == "run":
        run_all(recipe)
    else:
        run_step(recipe, options.action)
    return 0


def _plan(options: argparse.Namespace, recipe: Recipe) -> int:
    from lwtui_training.gpu_memory import plan_recipe

    plan = plan_recipe(recipe, options.devices)
    print(json.dumps(plan.to_dict(), indent=2) if options.json else plan.to_text())
    if not plan.fits:
        print(plan.advice, file=sys.stderr)
    return 0 if plan.fits else 1
