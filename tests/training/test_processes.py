"""Two processes train the same model as one process, on a CPU with gloo."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from lwtui.cli import main
from lwtui_training.base_model import _without_weights, load_model
from lwtui_training.dpo import train_dpo
from lwtui_training.fitting_pairs import fitting_pairs
from lwtui_training.launch import accelerate_config, launch_command, launch_environment, train_on_devices
from lwtui_training.sft import train_sft
from lwtui_training.tokens import tokenized
from tests.training.support import conversations, recipe_for, write_jsonl

SFT = {"max_steps": 3, "max_length": 256, "train_sampling_strategy": "sequential"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of samples of different lengths."""
    return write_jsonl(tmp_path_factory.mktemp("data") / "rows.jsonl", conversations(24, 2, 60))


@pytest.fixture(scope="module")
def losses(tiny: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the losses of one process, which takes two batches a step."""
    folder = tmp_path_factory.mktemp("one")
    recipe = recipe_for(tiny, folder / "run", sft=SFT | {"gradient_accumulation_steps": 2})
    return train_sft(recipe, str(tiny), data, folder)["losses"]


def test_two_processes_reach_the_same_losses_as_one(
    tiny: Path, tmp_path: Path, make_recipe: Any, data: Path, losses: Any
) -> None:
    """The loss is averaged over the target tokens of both processes, whose samples have different lengths."""
    double = make_recipe(sft=SFT, hardware={"processes": 2, "strategy": "ddp"})
    together = train_on_devices("sft", double, str(tiny), data, tmp_path)
    assert together["losses"] == pytest.approx(losses, abs=1e-4)
    assert together["losses"][0] != together["losses"][-1]


_FSDP2 = """
import sys
import torch
from accelerate import PartialState
from accelerate.utils import DistributedType
torch.set_num_threads(1)
# accelerate uses FSDP only with several accelerators; pretend to have them, since it shards across CPU processes too.
original_init = PartialState.__init__
def init_as_accelerated(self, *args, **kwargs):
    original_init(self, *args, **kwargs)
    if self._shared_state["distributed_type"] == DistributedType.MULTI_CPU:
        self._shared_state["distributed_type"] = DistributedType.MULTI_GPU
PartialState.__init__ = init_as_accelerated
from pathlib import Path
from lwtui_training import base_model, launch, trainer
from torch.distributed.tensor import DTensor
sent, build = [], base_model._without_weights
base_model._without_weights = lambda *args, **options: sent.append(1) or build(*args, **options)
on_train_begin = trainer.LossProgress.on_train_begin
def check_sharding(self, args, state, control, model=None, **kwargs):
    models = int(sys.argv[2])  # with the reference
    assert torch.distributed.get_world_size() == 2
    assert len(sent) == torch.distributed.get_rank() * models, "only the first process loads the weights"
    assert all(isinstance(parameter, DTensor) for parameter in model.parameters()), "the model is not sharded"
    on_train_begin(self, args, state, control)
trainer.LossProgress.on_train_begin = check_sharding
launch.run_job(Path(sys.argv[1]))
"""


def run_fsdp2(step: str, recipe: Any, base: Path, rows: Path, folder: Path, models: int = 1) -> dict[str, Any]:
    """Run a step in two processes that share the model; return its metrics.

    Args:
        models: Number of models that are loaded.
    """
    folder.mkdir()
    if step == "sft":
        tokenized(recipe, str(base), rows, folder)
    elif step == "dpo":
        fitting_pairs(recipe, str(base), rows, folder)
    job = folder / "job.json"
    job.write_text(json.dumps([step, recipe.to_json(), str(base), str(rows), str(folder), os.getpid()]))
    script = folder / "worker.py"
    script.write_text(_FSDP2)
    launch = launch_command(recipe, job)
    command = [*launch[: launch.index("-m", 3)], str(script), str(job), str(models)]
    fsdp = yaml.safe_load(accelerate_config(recipe).read_text())["fsdp_config"]
    variables = {name.upper(): str(value) for name, value in fsdp.items()} | {"ACCELERATE_USE_FSDP": "true"}
    done = subprocess.run(
        command, env=launch_environment(recipe) | variables, capture_output=True, text=True, check=False
    )
    reports = "".join(path.read_text() for path in folder.glob("failure-*.log"))
    assert done.returncode == 0, reports or done.stderr
    assert list((folder / "model").glob("*model.safetensors"))
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return metrics


def test_fsdp2_in_two_processes_reaches_the_same_losses_as_one(
    tiny: Path, tmp_path: Path, make_recipe: Any, data: Path, losses: Any
) -> None:
    recipe = make_recipe(sft=SFT | {"save_steps": 100}, hardware={"processes": 2, "strategy": "fsdp2"})
    together = run_fsdp2("sft", recipe, tiny, data, tmp_path / "two")
    assert together["losses"] == pytest.approx(losses, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "models"),
    [({"method": "full"}, 2), ({"method": "full", "precompute_ref_log_probs": False}, 2), ({"method": "lora"}, 1)],
)
def test_dpo_under_fsdp2_reaches_the_same_losses_as_in_one_process(
    tiny: Path, tmp_path: Path, make_recipe: Any, changes: dict[str, Any], models: int
) -> None:
    """The model and its reference are loaded once."""
    pairs = [
        {
            "prompt": row["messages"][:1],
            "chosen": row["messages"][1:],
            "rejected": [{"role": "assistant", "content": "No."}],
        }
        for row in conversations(12, 2, 30)
    ]
    rows = write_jsonl(tmp_path / "pairs.jsonl", pairs)
    table = {"max_steps": 3, "max_length": 128, "save_steps": 100, **changes}
    together = run_fsdp2(
        "dpo",
        make_recipe(dpo=table, hardware={"processes": 2, "strategy": "fsdp2"}),
        tiny,
        rows,
        tmp_path / "two",
        models,
    )
    alone = train_dpo(make_recipe(dpo=table | {"gradient_accumulation_steps": 2}), str(tiny), rows, tmp_path / "one")
    assert together["losses"] == pytest.approx(alone["losses"], abs=1e-4)
    assert together["losses"][0] == pytest.approx(0.6931, abs=1e-3), "the model is its reference at first"
    assert together["losses"][-1] < 0.69


@pytest.mark.parametrize(("beta", "models"), [(0.0, 1), (0.1, 2)])
def test_grpo_under_fsdp2_loads_its_models_once(
    tiny: Path, tmp_path: Path, make_recipe: Any, beta: float, models: int
) -> None:
    rows = write_jsonl(tmp_path / "instructions.jsonl", [{"instruction": f"Write {n}", "words": 5} for n in range(8)])
    grpo = {"max_steps": 2, "max_completion_length": 8, "num_generations": 2, "per_device_train_batch_size": 2}
    recipe = make_recipe(
        grpo=grpo | {"beta": beta, "gradient_checkpointing": False, "options": {"logging_steps": 1}},
        hardware={"processes": 2, "strategy": "fsdp2"},
    )
    metrics = run_fsdp2("grpo", recipe, tiny, rows, tmp_path / "two", models)
    assert metrics["steps"] == 2 and metrics["instructions"] == 8
    assert metrics["losses"][0] == pytest.approx(0.0, abs=1e-3), "the model is its reference at first"


def test_a_model_without_weights_is_like_one_with_them(tiny: Path, make_recipe: Any) -> None:
    import torch

    options = {"dtype": torch.bfloat16, "attn_implementation": "sdpa"}
    recipe = make_recipe()
    loaded, unset = load_model(str(tiny), recipe, dtype="bfloat16"), _without_weights(str(tiny), recipe, **options)
    weights = [{name: (one.shape, one.dtype) for name, one in model.named_parameters()} for model in (loaded, unset)]
    assert weights[0] == weights[1]
    addresses = {one.data_ptr() for one in unset.parameters()}
    assert len(addresses) == len(weights[1]) and 0 not in addresses, "accelerate needs their addresses"
    buffers = dict(unset.named_buffers())
    assert buffers and all(torch.equal(buffers[name], buffer) for name, buffer in loaded.named_buffers())
    assert unset.config._attn_implementation == "sdpa"
    assert unset.generation_config.eos_token_id == loaded.generation_config.eos_token_id


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2", "zero3"])
def test_accelerate_loads_the_configuration_of_each_strategy(strategy: str, make_recipe: Any) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    recipe = make_recipe(hardware={"processes": 2, "strategy": strategy})
    config = load_config_from_file(str(accelerate_config(recipe)))
    kinds = {"ddp": "MULTI_GPU", "fsdp2": "FSDP", "zero3": "DEEPSPEED"}
    assert config.distributed_type == kinds[strategy]
    written = yaml.safe_load(accelerate_config(recipe).read_text())
    assert written["distributed_type"] == kinds[strategy]
    if strategy == "fsdp2":
        assert config.fsdp_config["fsdp_version"] == 2
    if strategy == "zero3":
        assert config.deepspeed_config["zero_stage"] == 3


@pytest.mark.skipif(find_spec("deepspeed") is None, reason="needs deepspeed")
def test_deepspeed_loads_the_configuration(make_recipe: Any) -> None:
    from accelerate.utils import DeepSpeedPlugin

    written = yaml.safe_load(accelerate_config(make_recipe(hardware={"processes": 2, "strategy": "zero3"})).read_text())
    plugin = DeepSpeedPlugin(zero_stage=written["deepspeed_config"]["zero_stage"])
    assert plugin.deepspeed_config["zero_optimization"]["stage"] == 3


def test_context_parallelism_needs_unpacked_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('[base]\nmodel = "tiny"\n[hardware]\nprocesses = 4\nstrategy = "fsdp2"\ncontext_parallel = 2\n')
    assert main(["train", "sft", str(path)]) == 2
    assert "sft.packing = false" in capsys.readouterr().err
