"""Training on the recipe's devices: in this process where there is one, else in one process a device (accelerate)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from lwtui_training.progress import quiet_libraries
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError

_METRICS = "metrics.json"


def train_on_devices(step: str, recipe: Recipe, model: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Do the training of ``sft`` or ``dpo`` in ``folder``; the metrics.

    With several machines, each one runs the same command with its MACHINE_RANK, MASTER_ADDR and MASTER_PORT, on a file
    system that all see; the first one finishes the step.
    """
    if recipe.devices == 1:
        return train_here(step, recipe, model, rows, folder)
    job = folder / "job.json"
    job.write_text(json.dumps([step, recipe.to_json(), model, str(rows), str(folder)]), encoding="utf-8")
    code = subprocess.run(launch_command(recipe, job), env=environment(recipe), check=False).returncode
    if code:
        raise TrainError(
            f"A training process ended with exit code {code}; what it said is above. The last checkpoint is kept: "
            "run the same command to go on from it."
        )
    job.unlink()
    metrics = folder / _METRICS
    if not metrics.exists():
        raise TrainError("This machine's part is done; the first machine finishes the step.")
    found: dict[str, Any] = json.loads(metrics.read_text(encoding="utf-8"))
    metrics.unlink()
    return found


def train_here(step: str, recipe: Recipe, model: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Do the training in this process, which may be one of many."""
    if step == "sft":
        from lwtui_training.sft import train_sft

        return train_sft(recipe, model, rows, folder)
    from lwtui_training.dpo import train_dpo

    return train_dpo(recipe, model, rows, folder)


def launch_command(recipe: Recipe, job: Path) -> list[str]:
    """The command that starts this machine's processes.

    On a CPU that is torchrun, since accelerate starts one process where it finds no accelerator.
    """
    hardware = recipe.hardware
    if hardware.device == "cpu":
        processes = ("--nproc_per_node", str(hardware.processes), "--standalone")
        return [sys.executable, "-m", "torch.distributed.run", *processes, "-m", "lwtui_training.launch", str(job)]
    command = [
        *(sys.executable, "-m", "accelerate.commands.launch"),
        *("--config_file", str(config_file(recipe))),
        *("--num_processes", str(recipe.devices)),
        *("--num_machines", str(hardware.machines)),
        *("--machine_rank", os.environ.get("MACHINE_RANK", "0")),
        *("--main_process_ip", os.environ.get("MASTER_ADDR", "127.0.0.1")),
        *("--main_process_port", os.environ.get("MASTER_PORT", "0" if hardware.machines == 1 else "29500")),
        *("--mixed_precision", "bf16" if recipe.base.dtype == "bfloat16" else "no"),
    ]
    if hardware.context_parallel > 1:
        shards = recipe.devices // hardware.context_parallel
        command += ["--use_parallelism_config", "true"]
        command += ["--parallelism_config_cp_size", str(hardware.context_parallel)]
        command += ["--parallelism_config_dp_shard_size", str(shards)]
    return [*command, "-m", "lwtui_training.launch", str(job)]


def config_file(recipe: Recipe) -> Path:
    """accelerate's settings for the recipe's strategy."""
    return Path(str(resources.files(__package__) / "accelerate" / f"{recipe.hardware.strategy}.yaml"))


def environment(recipe: Recipe) -> dict[str, str]:
    more = {"OMP_NUM_THREADS": str(recipe.hardware.threads)} if recipe.hardware.threads else {}
    if recipe.hardware.device == "cpu":
        more["ACCELERATE_USE_CPU"] = "true"
    return os.environ | more


def _work(job: Path) -> None:
    """One of the processes that :func:`launch_command` starts."""
    quiet_libraries()
    step, recipe, model, rows, folder = json.loads(job.read_text(encoding="utf-8"))
    parsed = Recipe.from_json(recipe)
    metrics = train_here(step, parsed, model, Path(rows), Path(folder))
    if metrics:  # only the first process has them
        from lwtui.files import write_atomically

        write_atomically(Path(folder) / _METRICS, json.dumps(metrics))


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
