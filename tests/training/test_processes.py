"""Two processes train the same model as one does. On a CPU, with gloo."""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from lwtui.cli import main
from lwtui_training.launch import config_file, environment, launch_command, train_on_devices
from lwtui_training.sft import train_sft
from tests.training.support import rows, write


def test_two_processes_come_to_the_same_losses_as_one(tiny: Path, tmp_path: Path, recipe: Any) -> None:
    """The loss is averaged over the target tokens of both, whose samples are of unequal lengths."""
    data = write(tmp_path / "rows.jsonl", rows(24, 2, 60))
    tables = {"max_steps": 3, "max_length": 256, "train_sampling_strategy": "sequential"}
    one = recipe(sft=tables | {"gradient_accumulation_steps": 2})
    two = recipe(sft=tables, hardware={"processes": 2, "strategy": "ddp"})
    alone = train_sft(one, str(tiny), data, tmp_path / "one")
    (tmp_path / "two").mkdir()
    together = train_on_devices("sft", two, str(tiny), data, tmp_path / "two")
    assert together["losses"] == pytest.approx(alone["losses"], abs=1e-4)
    assert together["losses"][0] != together["losses"][-1]


_FSDP2 = """
import sys
import torch
from accelerate import PartialState
from accelerate.utils import DistributedType
torch.set_num_threads(1)
# accelerate turns to FSDP where there are several accelerators; the same code shards over processes on a CPU.
begin_state = PartialState.__init__
def as_if_accelerated(self, *args, **named):
    begin_state(self, *args, **named)
    if self._shared_state["distributed_type"] == DistributedType.MULTI_CPU:
        self._shared_state["distributed_type"] = DistributedType.MULTI_GPU
PartialState.__init__ = as_if_accelerated
from pathlib import Path
from lwtui_training import launch, trainer
from torch.distributed.tensor import DTensor
begin = trainer.Telling.on_train_begin
def check(self, args, state, control, model=None, **more):
    assert torch.distributed.get_world_size() == 2
    assert all(isinstance(one, DTensor) for one in model.parameters()), "the model is not sharded"
    begin(self, args, state, control)
trainer.Telling.on_train_begin = check
launch._work(Path(sys.argv[1]))
"""


def test_fsdp2_over_two_processes_comes_to_the_same_losses_as_one(tiny: Path, tmp_path: Path, recipe: Any) -> None:
    data = write(tmp_path / "rows.jsonl", rows(24, 2, 60))
    tables = {"max_steps": 3, "max_length": 256, "train_sampling_strategy": "sequential", "save_steps": 100}
    alone = train_sft(recipe(sft=tables | {"gradient_accumulation_steps": 2}), str(tiny), data, tmp_path / "one")
    made = recipe(sft=tables, hardware={"processes": 2, "strategy": "fsdp2"})
    folder = tmp_path / "two"
    folder.mkdir()
    job = folder / "job.json"
    job.write_text(json.dumps(["sft", made.to_json(), str(tiny), str(data), str(folder)]))
    script = tmp_path / "worker.py"
    script.write_text(_FSDP2)
    start = launch_command(made, job)
    command = [*start[: start.index("-m", 3)], str(script), str(job)]
    fsdp = yaml.safe_load(config_file(made).read_text())["fsdp_config"]
    variables = {name.upper(): str(value) for name, value in fsdp.items()} | {"ACCELERATE_USE_FSDP": "true"}
    done = subprocess.run(command, env=environment(made) | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    together = json.loads((folder / "metrics.json").read_text())
    assert together["losses"] == pytest.approx(alone["losses"], abs=1e-4)
    assert (folder / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2", "zero3"])
def test_the_settings_of_each_strategy_are_accelerates(strategy: str, recipe: Any) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    made = recipe(hardware={"processes": 2, "strategy": strategy})
    config = load_config_from_file(str(config_file(made)))
    kinds = {"ddp": "MULTI_GPU", "fsdp2": "FSDP", "zero3": "DEEPSPEED"}
    assert config.distributed_type == kinds[strategy]
    written = yaml.safe_load(config_file(made).read_text())
    assert written["distributed_type"] == kinds[strategy]
    if strategy == "fsdp2":
        assert config.fsdp_config["fsdp_version"] == 2
    if strategy == "zero3":
        assert config.deepspeed_config["zero_stage"] == 3


@pytest.mark.skipif(find_spec("deepspeed") is None, reason="needs deepspeed")
def test_deepspeed_takes_the_settings(recipe: Any) -> None:
    from accelerate.utils import DeepSpeedPlugin

    written = yaml.safe_load(config_file(recipe(hardware={"processes": 2, "strategy": "zero3"})).read_text())
    plugin = DeepSpeedPlugin(zero_stage=written["deepspeed_config"]["zero_stage"])
    assert plugin.deepspeed_config["zero_optimization"]["stage"] == 3


def test_context_parallel_needs_unpacked_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('[base]\nmodel = "tiny"\n[hardware]\nprocesses = 4\nstrategy = "fsdp2"\ncontext_parallel = 2\n')
    assert main(["train", "sft", str(path)]) == 2
    assert "sft.packing = false" in capsys.readouterr().err
