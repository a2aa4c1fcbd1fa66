"""The paper's recipe to its end, on eight devices that are simulated, with a tiny model in the place of its 8B.

Everything is the product's own, but for what needs the devices: accelerate's launcher reads the command, and then
torchrun starts as many processes, of which one trains (see stand_in_device.py).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lwtui_training import check_machine, launch, preferences
from lwtui_training.pipeline import run_all
from lwtui_training.recipe import Recipe, load_recipe
from lwtui_training.steps import TrainError, read_manifest
from tests.cli.running import prose
from tests.errors import has_code
from tests.training.support import write_jsonl
from tests.training.test_checks import gpus

__all__ = ["gpus"]
pytestmark = pytest.mark.timeout(600)
STEPS = ("data", "sft", "prefs", "dpo", "merge", "gguf")


def row(number: int, words: int) -> dict[str, Any]:
    prompt = f"Write about {words} words on the harbor, number {number}."
    answer = "".join(prose(number, words))
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}


def pair(number: int) -> dict[str, Any]:
    chosen, rejected = (row(at, words)["messages"] for at, words in ((number, 40), (number + 100, 15)))
    return {"chosen": chosen, "rejected": [chosen[0], rejected[1]]}


@pytest.fixture
def recipe(tiny: Path, tmp_path: Path) -> Recipe:
    """Return the paper's recipe, with other inputs and sizes. All its other settings are as they come."""
    long = write_jsonl(tmp_path / "long.jsonl", [row(number, 60) for number in range(6)])
    general = write_jsonl(tmp_path / "general.jsonl", [row(number, 20) for number in range(10, 50)])
    asked = [{"instruction": f"Tell of ship {number}.", "words": 20} for number in range(2)]
    changes = {
        "output": tmp_path / "run",
        "base.model": tiny,
        "data.long": long,
        "data.general": general,
        "data.general_per_long": 3.0,
        "sft.max_length": 512,
        "sft.max_steps": 2,
        "prefs.instructions": write_jsonl(tmp_path / "asked.jsonl", asked),
        "prefs.general": write_jsonl(tmp_path / "pairs.jsonl", [pair(number) for number in range(8)]),
        "prefs.max_new_tokens": 8,
        "dpo.max_length": 512,
        "dpo.max_steps": 1,
        "gguf.quantize": "Q8_0",
        "gguf.register": False,
    }
    recipe = load_recipe(
        "longwriter-llama3.1-8b", [f"{name}={json.dumps(value, default=str)}" for name, value in changes.items()]
    )
    assert (recipe.steps, recipe.devices, recipe.hardware.strategy) == (STEPS, 8, "zero3")
    return recipe


@pytest.fixture
def devices(gpus: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Simulate eight devices; return the commands that start training."""
    import torch

    gpus(8)
    commands: list[list[str]] = []
    real = launch.launch_command

    def launch_command(recipe: Recipe, job: Path) -> list[str]:
        commands.append(real(recipe, job))
        script = str(Path(__file__).with_name("stand_in_device.py"))
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(recipe.devices)]
        return [sys.executable, *torchrun, script, str(job)]

    def without_devices(function: Any) -> Any:  # for what would set one up
        def call(*arguments: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(torch.cuda, "is_available", lambda: False)
                return function(*arguments)

        return call

    monkeypatch.setattr(launch, "launch_command", launch_command)
    monkeypatch.setattr(check_machine, "_options", without_devices(check_machine._options))
    monkeypatch.setattr(preferences, "sample_answers", without_devices(preferences.sample_answers))
    return commands


def test_the_papers_recipe_runs_to_its_end(
    recipe: Recipe, devices: list[list[str]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAND_IN_FULL", "5")
    with pytest.raises(TrainError, check=has_code("training-failed")) as caught:
        run_all(recipe)
    assert "sft failed: OutOfMemoryError: CUDA out of memory" in str(caught.value)
    assert "There is no checkpoint yet" in str(caught.value)
    assert read_manifest(recipe.run_folder / "data") is not None
    monkeypatch.delenv("STAND_IN_FULL")
    capfd.readouterr()
    run_all(recipe)
    shown = capfd.readouterr().err
    assert "data: already done" in shown and "Traceback" not in shown
    manifests = {step: read_manifest(recipe.run_folder / step) for step in STEPS}
    assert all(manifests.values()), manifests
    assert manifests["data"].metrics["general"] == 3 * manifests["data"].metrics["long"]
    assert manifests["sft"].metrics["rows"] == 24 and manifests["sft"].metrics["steps"] == 2
    assert manifests["dpo"].metrics["pairs"] >= 8
    assert manifests["gguf"].metrics["greedy"] > 0
    assert list((recipe.run_folder / "gguf").glob("*Q8_0.gguf"))
    assert not list(recipe.run_folder.glob("*.part-*"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)  # accelerate would ask a device what it can do
    for command in devices:  # of the failed SFT, SFT and DPO
        assert accepted_by_accelerate(command) == ("zero3" in recipe.hardware.strategy, 8)
    assert len(devices) == 3


def accepted_by_accelerate(command: list[str]) -> tuple[bool, int]:
    """Have accelerate's launcher read a command; return whether it would use DeepSpeed, and in how many processes."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    assert command[:3] == [sys.executable, "-m", "accelerate.commands.launch"]
    arguments, _defaults, _precision = _validate_launch_command(launch_command_parser().parse_args(command[3:]))
    return bool(arguments.use_deepspeed), arguments.num_processes
