"""A run that is killed and started again is the run that was not."""

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
from lwtui_training.trainer import last_whole_checkpoint
from tests.training.support import recipe_for, rows, write

_RUN = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from pathlib import Path
from lwtui_training.launch import train_here
from lwtui_training.recipe import Recipe
from lwtui_training import trainer

recipe, base, data, folder, at, where = sys.argv[1:]

class Killer(trainer.WholeCheckpoints):
    def on_save(self, args, state, control, **more):
        if where == "after-mark":
            super().on_save(args, state, control, **more)
        if state.global_step >= int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        if where == "before-mark":
            super().on_save(args, state, control, **more)

if int(at):
    trainer.WholeCheckpoints = Killer
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


@pytest.mark.parametrize("where", ["before-mark", "after-mark"])
def test_a_killed_training_goes_on_to_the_same_model(tiny: Path, tmp_path: Path, recipe: Any, where: str) -> None:
    from lwtui_training.sft import train_sft

    made = recipe(sft={"max_steps": 5, "num_train_epochs": 5.0})
    data = write(tmp_path / "rows.jsonl", rows(8))
    folder = tmp_path / "killed"
    folder.mkdir()
    # Killed as the second checkpoint is being written: before its mark, the first one is what is left.
    assert run_killed(tiny, folder, made, 4, where) == -signal.SIGKILL
    left = last_whole_checkpoint(folder)
    assert left is not None
    assert left.endswith("checkpoint-2" if where == "before-mark" else "checkpoint-4")
    resumed = train_sft(made, str(tiny), data, folder)
    whole = train_sft(made, str(tiny), data, tmp_path / "whole")
    assert resumed["losses"] == whole["losses"]
    weights = [path / "model" / "model.safetensors" for path in (folder, tmp_path / "whole")]
    assert hash_file(weights[0]) == hash_file(weights[1])


def test_a_checkpoint_with_a_file_cut_short_is_not_used(tiny: Path, tmp_path: Path, recipe: Any) -> None:
    made = recipe(sft={"max_steps": 5, "num_train_epochs": 5.0})
    write(tmp_path / "rows.jsonl", rows(8))
    folder = tmp_path / "killed"
    folder.mkdir()
    run_killed(tiny, folder, made, 4, "after-mark")
    optimizer = folder / "checkpoints" / "checkpoint-4" / "optimizer.pt"
    optimizer.write_bytes(optimizer.read_bytes()[:1000])  # as a full disk leaves it
    left = last_whole_checkpoint(folder)
    assert left is not None and left.endswith("checkpoint-2")
    assert not optimizer.exists()


def test_a_step_that_is_done_is_not_done_again_and_changed_settings_do_it_anew(tiny: Path, tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", rows(8))
    made = recipe_for(tiny, tmp_path / "run", data={"long": str(tmp_path / "rows.jsonl")}, sft={"max_steps": 1})
    run_step(made, "data")
    first = run_step(made, "sft")
    weights = made.run_folder / "sft" / "model" / "model.safetensors"
    changed = weights.stat().st_mtime_ns
    assert run_step(made, "sft") == first
    assert weights.stat().st_mtime_ns == changed
    other = recipe_for(tiny, tmp_path / "run", data={"long": str(tmp_path / "rows.jsonl")}, sft={"max_steps": 2})
    again = run_step(other, "sft")
    assert again.fingerprint != first.fingerprint
    assert again.metrics["steps"] == 2
    assert not list(made.run_folder.glob("*.part-*")) and not list(made.run_folder.glob("*.old"))
    manifest = read_manifest(made.run_folder / "sft")
    assert manifest is not None
    assert manifest.inputs["data"] == hash_file(made.run_folder / "data" / "rows.jsonl")
    assert manifest.outputs["model/model.safetensors"] == hash_file(weights)
    assert manifest.versions["trl"] and manifest.seed == 3


def test_kill_9_of_the_command_leaves_nothing_half_written(tiny: Path, tmp_path: Path) -> None:
    """The real command, killed by surprise, then run again."""
    write(tmp_path / "rows.jsonl", rows(8))
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
