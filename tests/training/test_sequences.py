"""Devices that share a sequence: what is refused, what accelerate hears, and that one device would train the same.

DeepSpeed and gloo train on the CPU (``ulysses_process.py``); without DeepSpeed, these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lwtui.errors import UsageError
from lwtui_training.gpu_memory import GIB, estimate, plan_recipe, training_steps
from lwtui_training.launch import launch_command, launch_environment
from lwtui_training.launch_plan import plan_steps
from lwtui_training.model_shape import shape_of_base
from lwtui_training.recipe import Recipe, load_recipe
from lwtui_training.sequences import check_sharing, leak_problem, refuse_leaks, shape_problem, sharing_variables
from lwtui_training.sft import train_sft
from lwtui_training.steps import TrainError
from lwtui_training.tokens import tokenized
from tests.errors import has_code
from tests.training.support import conversations, recipe_for, write_jsonl
from tests.training.test_checks import gpus
from tests.training.test_walk import accepted_by_accelerate

__all__ = ["gpus"]
LONG = ("hardware.sequence_parallel=4", "sft.max_length=131072", "base.attn_implementation=flash_attention_2")


def paper(*changes: str) -> Recipe:
    return load_recipe("longwriter-llama3.1-8b", ["output=/tmp/lwtui-no-such-run", *changes])


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        (["hardware.sequence_parallel=3"], "sequences", "8 devices cannot be divided into groups of 3"),
        (["hardware.sequence_parallel=16"], "sequences", "hardware.sequence_parallel"),
        (["hardware.sequence_parallel=0"], "sequences", "divides them"),
        (["hardware.sequence_parallel=2", "hardware.context_parallel=2"], "sequences", "not both"),
        (["hardware.sequence_parallel=4", "hardware.strategy=fsdp2"], "strategy", "hardware.strategy = 'zero3'"),
        (["hardware.context_parallel=4", "sft.packing=false"], "strategy", "hardware.strategy = 'fsdp2'"),
        (["hardware.context_parallel=4", "hardware.strategy=fsdp2"], "packing", "hardware.sequence_parallel"),
        (["hardware.sequence_parallel=4", "sft.per_device_train_batch_size=2"], "packing", "batches of one pack"),
        (["hardware.sequence_parallel=4", "sft.average=sample"], "average", "sft.average = 'token'"),
    ],
)
def test_what_cannot_be_shared_is_refused_when_the_recipe_is_read(changes: list[str], code: str, words: str) -> None:
    with pytest.raises(UsageError, check=has_code(code)) as caught:
        paper(*changes)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("attention", "packing", "words"),
    [
        ("flash_attention_2", True, ""),
        ("kernels-community/flash-attn2", True, ""),
        ("sdpa", True, "packed samples apart only with FlashAttention"),
        ("sdpa", False, ""),
        ("eager", False, "FlashAttention or sdpa, not eager"),
        ("flex_attention", True, "FlashAttention or sdpa"),
    ],
)
def test_an_attention_that_would_leak_is_refused(attention: str, packing: bool, words: str) -> None:
    recipe = paper(*LONG, f"sft.packing={json.dumps(packing)}")
    problem = leak_problem(recipe, attention)
    assert words in problem and bool(words) == bool(problem)
    if words:
        with pytest.raises(TrainError, check=has_code("packing")):
            refuse_leaks(recipe, attention)
    assert leak_problem(paper(), attention) == ""


@pytest.mark.parametrize(
    ("changes", "shape", "words"),
    [
        (["hardware.sequence_parallel=8"], {}, ""),
        (["hardware.sequence_parallel=8"], {"heads": 32, "key_value_heads": 2}, ""),
        (["hardware.sequence_parallel=8"], {"heads": 28, "key_value_heads": 4}, "to 1 or 2 or 4."),
        (
            ["hardware.sequence_parallel=8"],
            {"heads": 14, "key_value_heads": 2},
            "14 attention heads with 2 heads of keys",
        ),
        (["hardware.sequence_parallel=2"], {"other_layers": ("linear_attention",)}, "linear attention"),
        (["hardware.sequence_parallel=2"], {"other_layers": ("sliding_attention",)}, ""),
        (
            ["hardware.sequence_parallel=2", "sft.packing=false"],
            {"other_layers": ("sliding_attention",), "attention": "sdpa"},
            "the window of layers with sliding_attention",
        ),
        (
            ["hardware.context_parallel=2", "hardware.strategy=fsdp2", "sft.packing=false"],
            {"other_layers": ("sliding_attention",)},
            "only full attention",
        ),
    ],
)
def test_a_model_whose_sequences_cannot_be_shared_is_refused(
    changes: list[str], shape: dict[str, Any], words: str
) -> None:
    recipe = paper(*changes)
    shape = {"other_layers": (), **shape}
    attention = shape.pop("attention", "flash_attention_2")
    problem = shape_problem(recipe, replace(shape_of_base(recipe), **shape), attention)
    assert words in problem and bool(words) == bool(problem)


def test_windows_are_known_from_the_configuration(tmp_path: Path) -> None:
    config = {"model_type": "mistral", "hidden_size": 64, "intermediate_size": 64, "vocab_size": 100}
    config |= {"num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "sliding_window": 4096}
    (tmp_path / "config.json").write_text(json.dumps(config))
    recipe = paper(f"base.model={tmp_path}")
    assert shape_of_base(recipe).other_layers == ("sliding_attention",)
    (tmp_path / "config.json").write_text(json.dumps(config | {"use_sliding_window": False}))
    shape = shape_of_base(recipe)
    assert (shape.other_layers, shape.heads, shape.key_value_heads) == ((), 4, 2)


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        (LONG, {"sp_size": 4, "cp_size": 1, "dp_shard_size": 2}),
        (
            ("hardware.context_parallel=2", "hardware.strategy=fsdp2", "sft.packing=false"),
            {"sp_size": 1, "cp_size": 2, "dp_shard_size": 4},
        ),
    ],
)
def test_accelerate_takes_the_command_and_shares_sequences(
    gpus: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changes: tuple[str, ...], sizes: dict[str, int]
) -> None:
    from accelerate.parallelism_config import ParallelismConfig

    recipe = paper(*changes)
    gpus(8)
    command, variables = launch_command(recipe, tmp_path / "job.json"), launch_environment(recipe)
    monkeypatch.undo()
    assert accepted_by_accelerate(command) == (recipe.hardware.strategy == "zero3", 8)
    for name in set(variables) - set(os.environ):
        monkeypatch.setenv(name, variables[name])
    config = ParallelismConfig()
    assert {name: getattr(config, name) for name in sizes} == sizes
    assert config.total_size == 8
    if recipe.hardware.sequence_parallel > 1:
        assert config.sp_handler.sp_attn_implementation == "flash_attention_2"


def test_only_sft_shares_sequences(gpus: Any) -> None:
    recipe = paper(*LONG)
    gpus(8)
    assert "PARALLELISM_CONFIG_SP_SIZE" in launch_environment(recipe.for_step("sft"))
    for step in ("dpo", "grpo"):
        assert not [name for name in launch_environment(recipe.for_step(step)) if name.startswith("PARALLELISM_CONFIG")]
    assert plan_steps(recipe, shape_of_base(recipe)) == plan_steps(recipe.for_step("dpo"), shape_of_base(recipe))


def test_the_plan_follows_the_devices_that_share_a_sequence() -> None:
    shape = shape_of_base(paper())
    alone = estimate(paper("sft.max_length=131072", "base.attn_implementation=flash_attention_2"), shape)
    shared = estimate(paper(*LONG), shape)
    assert shared.activations == pytest.approx(alone.activations / 4)
    assert shared.weights == alone.weights and shared.optimizer == alone.optimizer
    assert (alone.fits, shared.fits) == (False, True)
    assert shared.tokens_a_step * 4 == alone.tokens_a_step == 8 * 131_072
    held_out = estimate(paper(*LONG, "sft.validation_share=0.01"), shape)
    assert held_out.activations > shared.activations, "the loss on held-out rows is computed on whole sequences"
    advice = plan_recipe(paper("sft.max_length=262144", "base.attn_implementation=flash_attention_2")).advice
    assert advice == "This would fit: sft.gradient_checkpointing = true, hardware.sequence_parallel = 4."
    with pytest.raises(UsageError, check=has_code("sequences")):
        plan_recipe(paper(*LONG), 6)
    assert held_out.total < 80 * GIB


def test_steps_are_counted_over_the_groups_that_have_a_sequence_each() -> None:
    lengths = [131_072] * 64
    assert training_steps(paper("sft.max_length=131072"), lengths) == 4 * 64 // 8
    assert training_steps(paper(*LONG), lengths) == 4 * 64 // 2


needs_deepspeed = pytest.mark.skipif(find_spec("deepspeed") is None, reason="needs deepspeed")
ROWS = {"max_steps": 4, "max_length": 96, "train_sampling_strategy": "sequential", "gradient_accumulation_steps": 2}
# gloo, unlike NCCL, gathers only tensors of the same length
SHARED = ROWS | {"options": {"pad_to_multiple_of": 96}}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of samples of different lengths."""
    return write_jsonl(tmp_path_factory.mktemp("rows") / "rows.jsonl", conversations(24, 2, 40))


def share(recipe: Recipe, base: Path, rows: Path, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run SFT in processes that share sequences; return its metrics."""
    folder.mkdir(exist_ok=True)
    job = folder / "job.json"
    job.write_text(json.dumps(["sft", recipe.to_json(), str(base), str(rows), str(folder), os.getpid()]))
    tokenized(recipe, str(base), rows, folder)
    attention = "flash_attention_2" if "flash" in arguments else "sdpa"
    variables = launch_environment(recipe) | sharing_variables(recipe, attention)
    variables |= {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}
    variables |= {"ACCELERATE_DEEPSPEED_ZERO3_INIT": "true", "ACCELERATE_DEEPSPEED_ZERO3_SAVE_16BIT_MODEL": "true"}
    variables |= {"DS_ACCELERATOR": "cpu", "ACCELERATE_USE_CPU": "false"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    command += [str(recipe.devices), str(Path(__file__).with_name("ulysses_process.py")), str(job), *arguments]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    reports = "".join(path.read_text() for path in folder.glob("failure-*.log"))
    assert done.returncode == 0, reports or done.stderr
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return metrics


@needs_deepspeed
@pytest.mark.parametrize("processes", [2, 4])
def test_devices_that_share_sequences_reach_the_losses_of_one(
    tiny: Path, rows: Path, tmp_path: Path, processes: int
) -> None:
    """The loss is the mean over all target tokens, whatever sequence, device and accumulation step they are in."""
    groups = processes // 2
    one = recipe_for(tiny, tmp_path / "a", sft=ROWS | {"packing": False, "gradient_accumulation_steps": 2 * groups})
    alone = train_sft(one, str(tiny), rows, tmp_path / "one")
    hardware = {"processes": processes, "strategy": "zero3", "sequence_parallel": 2}
    two = recipe_for(tiny, tmp_path / "b", sft=SHARED | {"packing": False}, hardware=hardware)
    check_sharing(two, "recipe")
    together = share(two, tiny, rows, tmp_path / "two")
    assert together["losses"] == pytest.approx(alone["losses"], abs=2e-5)
    assert together["losses"][0] != together["losses"][-1]
    assert together["sequences"] == alone["sequences"] and together["targets"] == alone["targets"]


@needs_deepspeed
def test_packed_samples_stay_apart_when_devices_share_a_pack(tiny: Path, rows: Path, tmp_path: Path) -> None:
    """FlashAttention finds them by their positions. SDPA would not, and is refused before the first step."""
    one = recipe_for(tiny, tmp_path / "a", sft=ROWS)
    alone = train_sft(one, str(tiny), rows, tmp_path / "one")
    hardware = {"processes": 2, "strategy": "zero3", "sequence_parallel": 2}
    two = recipe_for(tiny, tmp_path / "b", sft=SHARED, hardware=hardware)
    together = share(two, tiny, rows, tmp_path / "two", "flash")
    assert together["losses"] == pytest.approx(alone["losses"], abs=2e-5)
    assert together["sequences"] == alone["sequences"] < together["rows"]
    with pytest.raises(AssertionError, match="keeps packed samples apart only with FlashAttention"):
        share(two, tiny, rows, tmp_path / "refused")


@needs_deepspeed
def test_training_on_shared_sequences_resumes(tiny: Path, rows: Path, tmp_path: Path) -> None:
    """In the middle of an epoch, with the rows that come next."""
    hardware = {"processes": 2, "strategy": "zero3", "sequence_parallel": 2}
    sft = SHARED | {"packing": False, "train_sampling_strategy": "random", "save_steps": 3, "max_steps": 14}
    recipe = recipe_for(tiny, tmp_path / "a", sft=sft, hardware=hardware)
    whole = share(recipe, tiny, rows, tmp_path / "whole")
    assert len(whole["losses"]) == 14, "more than one epoch"
    folder = tmp_path / "stopped"
    with pytest.raises(AssertionError, match="stopped after step 13"):
        share(recipe, tiny, rows, folder, "stop=13")
    assert [path.name for path in (folder / "checkpoints").glob("*-12")] == ["checkpoint-12"]
    assert share(recipe, tiny, rows, folder)["losses"] == pytest.approx(whole["losses"], abs=1e-6)
