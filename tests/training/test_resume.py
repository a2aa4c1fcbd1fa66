"""A run that is killed and resumed gives the same result as an uninterrupted one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lwtui_training.pipeline import run_step
from lwtui_training.steps import hash_file, read_manifest
from lwtui_training.trainer import last_complete_checkpoint
from tests.training.support import conversations, recipe_for, write_jsonl

_RUN = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from pathlib import Path
from lwtui_training.launch import train_here
from lwtui_training.recipe import Recipe
from lwtui_training import trainer

recipe, base, data, folder, at, where = sys.argv[1:]

class Killer(trainer.CheckpointMarker):
    def on_save(self, args, state, control, **kwargs):
        if where == "after-marker":
            super().on_save(args, state, control, **kwargs)
        if state.global_step >= int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        if where == "before-marker":
            super().on_save(args, state, control, **kwargs)

if int(at):
    trainer.CheckpointMarker = Killer
train_here("sft", Recipe.from_json(Path(recipe).read_text()), base, Path(data), Path(folder))
"""


def run_killed(tiny: Path, folder: Path, recipe: Any, at: int, where: str) -> int:
    (folder.parent / "recipe.json").write_text(recipe.to_json())
    arguments = [folder.parent / "recipe.json", tiny, folder.parent / "rows.jsonl", folder, at, where]
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize("where", ["before-marker", "after-marker"])
def test_a_killed_training_resumes_to_the_same_model(tiny: Path, tmp_path: Path, make_recipe: Any, where: str) -> None:
    from lwtui_training.sft import train_sft

    recipe = make_recipe(sft={"max_steps": 5, "num_train_epochs": 5.0})
    data = write_jsonl(tmp_path / "rows.jsonl", conversations(8))
    folder = tmp_path / "killed"
    folder.mkdir()
    # It is killed while writing the second checkpoint; without a marker, only the first one counts.
    assert run_killed(tiny, folder, recipe, 4, where) == -signal.SIGKILL
    checkpoint = last_complete_checkpoint(folder)
    assert checkpoint is not None
    assert checkpoint.endswith("checkpoint-2" if where == "before-marker" else "checkpoint-4")
    resumed = train_sft(recipe, str(tiny), data, folder)
    uninterrupted = train_sft(recipe, str(tiny), data, tmp_path / "uninterrupted")
    assert resumed["losses"] == uninterrupted["losses"]
    weights = [path / "model" / "model.safetensors" for path in (folder, tmp_path / "uninterrupted")]
    assert hash_file(weights[0]) == hash_file(weights[1])


def test_a_checkpoint_with_a_truncated_file_is_not_used(tiny: Path, tmp_path: Path, make_recipe: Any) -> None:
    recipe = make_recipe(sft={"max_steps": 5, "num_train_epochs": 5.0})
    write_jsonl(tmp_path / "rows.jsonl", conversations(8))
    folder = tmp_path / "killed"
    folder.mkdir()
    run_killed(tiny, folder, recipe, 4, "after-marker")
    optimizer = folder / "checkpoints" / "checkpoint-4" / "optimizer.pt"
    optimizer.write_bytes(optimizer.read_bytes()[:1000])  # as a full disk leaves it
    checkpoint = last_complete_checkpoint(folder)
    assert checkpoint is not None and checkpoint.endswith("checkpoint-2")
    assert not optimizer.exists()


def test_a_finished_step_is_repeated_only_with_changed_settings(tiny: Path, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", conversations(8))
    recipe = recipe_for(tiny, tmp_path / "run", data={"long": str(tmp_path / "rows.jsonl")}, sft={"max_steps": 1})
    run_step(recipe, "data")
    first = run_step(recipe, "sft")
    weights = recipe.run_folder / "sft" / "model" / "model.safetensors"
    modified = weights.stat().st_mtime_ns
    assert run_step(recipe, "sft") == first
    assert weights.stat().st_mtime_ns == modified
    other = recipe_for(tiny, tmp_path / "run", data={"long": str(tmp_path / "rows.jsonl")}, sft={"max_steps": 2})
    again = run_step(other, "sft")
    assert again.fingerprint != first.fingerprint
    assert again.metrics["steps"] == 2
    assert not list(recipe.run_folder.glob("*.part-*")) and not list(recipe.run_folder.glob("*.old"))
    manifest = read_manifest(recipe.run_folder / "sft")
    assert manifest is not None
    assert manifest.inputs["data"] == hash_file(recipe.run_folder / "data" / "rows.jsonl")
    assert manifest.outputs["model/model.safetensors"] == hash_file(weights)
    assert manifest.versions["trl"] and manifest.seed == 3


def test_a_killed_command_leaves_nothing_half_written(tiny: Path, tmp_path: Path) -> None:
    """The command is killed at a random moment, and run again."""
    write_jsonl(tmp_path / "rows.jsonl", conversations(8))
    (tmp_path / "recipe.toml").write_text(
        f'name = "killed"\nseed = 3\noutput = "{tmp_path}/run"\n'
        f'[base]\nmodel = "{tiny}"\nformat = "longwriter-llama"\ndtype = "float32"\n[data]\nlong = "rows.jsonl"\n'
        "[sft]\nmax_length = 256\nmax_steps = 60\nlearning_rate = 1e-3\ngradient_checkpointing = false\n"
        "save_steps = 5\n"
        '[hardware]\ndevice = "cpu"\nthreads = 1\n'
    )
    command = [sys.executable, "-m", "lwtui", "train"]
    subprocess.run([*command, "data", str(tmp_path / "recipe.toml")], check=True, capture_output=True)
    process = subprocess.Popen([*command, "sft", str(tmp_path / "recipe.toml")], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "run").glob("sft.part-*/checkpoints/*/whole.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "run" / "sft").exists()
    subprocess.run([*command, "sft", str(tmp_path / "recipe.toml"), "--set", "sft.max_steps=60"], check=True)
    manifest = json.loads((tmp_path / "run" / "sft" / "manifest.json").read_text())
    assert manifest["metrics"]["steps"] == 60
    assert len(manifest["metrics"]["losses"]) == 60
