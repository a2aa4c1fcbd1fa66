"""``lwtui bench`` and ``lwtui train`` without their extras, in processes that cannot import the extras' packages."""

import json
from pathlib import Path

import pytest

from tests.bench.support import row, write_rows
from tests.cli.running import CommandResult, Shell

PACKAGES = ("matplotlib", "torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf")
BLOCK_IMPORTS = f"""
import importlib.abc
import importlib.util
import sys

class ImportBlocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {PACKAGES!r}:
            raise ImportError(f"{{name}} is blocked")

sys.meta_path.insert(0, ImportBlocker())
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {PACKAGES!r} else find_spec(name, package)
"""


class BareShell:
    """Runs commands in processes in which importing any of :data:`PACKAGES` raises ``ImportError``."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._startup = shell.folder / "startup"
        self._startup.mkdir()
        (self._startup / "sitecustomize.py").write_text(BLOCK_IMPORTS)

    def run(self, *arguments: object) -> CommandResult:
        path = f"{self._startup}:{self._shell.environment()['PYTHONPATH']}"
        return self._shell.run(*arguments, PYTHONPATH=path)


@pytest.fixture
def bare(shell: Shell) -> BareShell:
    return BareShell(shell)


@pytest.fixture
def answers(shell: Shell) -> Path:
    return write_rows(shell.folder / "a.jsonl", [row(1, 100, 100), row(2, 100, 50)])


@pytest.mark.parametrize("command", ["bench", "train"])
def test_help_needs_no_extra(bare: BareShell, command: str) -> None:
    assert f"usage: lwtui {command}" in bare.run(command, "--help").worked().out


def test_bench_score_needs_no_extra(bare: BareShell, answers: Path) -> None:
    assert json.loads(bare.run("bench", "score", answers, "--json").worked().out)["S_l"] == 75
    assert "75.0" in bare.run("bench", "score", answers).worked().out


def test_bench_report_in_the_terminal_needs_no_extra(bare: BareShell, answers: Path) -> None:
    assert "75.0" in bare.run("bench", "report", answers).worked().out


def test_a_report_with_charts_says_which_extra_it_needs(bare: BareShell, answers: Path) -> None:
    bare.run("bench", "report", answers, "--html", "r.html").failed(1, "matplotlib", 'pip install "lwtui[bench]"')


def test_train_recipes_and_plan_need_no_extra(bare: BareShell) -> None:
    recipes = bare.run("train", "recipes").worked().out.split()
    assert "tiny" in recipes
    for recipe in recipes:
        plan = json.loads(bare.run("train", "plan", recipe, "--json").worked().out)
        assert plan["fits"] and plan["total"] > 0


def test_a_plan_for_an_unknown_base_and_training_say_which_extra_they_need(bare: BareShell, shell: Shell) -> None:
    (shell.folder / "r.toml").write_text('[base]\nmodel = "organization/model"\n')
    for action in ("plan", "run"):
        bare.run("train", action, "r.toml").failed(1, "torch", 'pip install "lwtui[train]"')
