"""Train on the recipe's devices: in this process for one device, else in one process per device."""

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

_METRICS_FILE = "metrics.json"


def train_on_devices(step: str, recipe: Recipe, model: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Train on all devices of the recipe.

    With several machines, run the same command on each, with MACHINE_RANK, MASTER_ADDR and MASTER_PORT set and on a
    shared file system. The first machine finishes the step.

    Args:
        step: "sft" or "dpo".
        recipe: The recipe.
        model: The model to tune.
        rows: The file of training data.
        folder: The folder of the step.

    Returns:
        The metrics for the manifest.

    Raises:
        TrainError: A training process failed, or this is not the first machine.
    """
    if recipe.devices == 1:
        return train_here(step, recipe, model, rows, folder)
    job = folder / "job.json"
    job.write_text(json.dumps([step, recipe.to_json(), model, str(rows), str(folder)]), encoding="utf-8")
    code = subprocess.run(launch_command(recipe, job), env=launch_environment(recipe), check=False).returncode
    if code:
        raise TrainError(
            f"A training process failed with exit code {code}; its output is above. Run the same command again to "
            "resume from the last checkpoint."
        )
    job.unlink()
    metrics = folder / _METRICS_FILE
    if not metrics.exists():
        raise TrainError("This machine has done its part. The first machine finishes the step.")
    found: dict[str, Any] = json.loads(metrics.read_text(encoding="utf-8"))
    metrics.unlink()
    return found


def train_here(step: str, recipe: Recipe, model: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Train in this process, which may be one of several; see :func:`train_on_devices`."""
    if step == "sft":
        from lwtui_training.sft import train_sft

        return train_sft(recipe, model, rows, folder)
    from lwtui_training.dpo import train_dpo

    return train_dpo(recipe, model, rows, folder)


def launch_command(recipe: Recipe, job: Path) -> list[str]:
    """Return the command that starts this machine's processes.

    On a CPU it is torchrun, since accelerate starts only one process without an accelerator.

    Args:
        recipe: The recipe.
        job: The file that describes the job.
    """
    hardware = recipe.hardware
    if hardware.device == "cpu":
        processes = ("--nproc_per_node", str(hardware.processes), "--standalone")
        return [sys.executable, "-m", "torch.distributed.run", *processes, "-m", "lwtui_training.launch", str(job)]
    command = [
        *(sys.executable, "-m", "accelerate.commands.launch"),
        *("--config_file", str(accelerate_config(recipe))),
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


def accelerate_config(recipe: Recipe) -> Path:
    """Return the path of accelerate's configuration for the recipe's strategy."""
    return Path(str(resources.files(__package__) / "accelerate" / f"{recipe.hardware.strategy}.yaml"))


def launch_environment(recipe: Recipe) -> dict[str, str]:
    """Return the environment of the training processes."""
    variables = {"OMP_NUM_THREADS": str(recipe.hardware.threads)} if recipe.hardware.threads else {}
    if recipe.hardware.device == "cpu":
        variables["ACCELERATE_USE_CPU"] = "true"
    return os.environ | variables


def _run_job(job: Path) -> None:
    """Train as one of the processes that :func:`launch_command` starts."""
    quiet_libraries()
    step, recipe_json, model, rows, folder = json.loads(job.read_text(encoding="utf-8"))
    recipe = Recipe.from_json(recipe_json)
    metrics = train_here(step, recipe, model, Path(rows), Path(folder))
    if metrics:  # only the main process has them
        from lwtui.files import write_atomically

        write_atomically(Path(folder) / _METRICS_FILE, json.dumps(metrics))


if __name__ == "__main__":
    _run_job(Path(sys.argv[1]))
