"""Train on the recipe's devices, in one process per device, which accelerate starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from importlib import resources
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any

from lwtui.errors import LwtuiError
from lwtui.files import FileLock, FileLocked, write_atomically
from lwtui.translation import _
from lwtui_training.devices import attention_implementation, chosen_devices, uses_cpu
from lwtui_training.machines import check_other_machines, machine_rank, machines_folder
from lwtui_training.progress import quiet_libraries
from lwtui_training.recipe import Recipe
from lwtui_training.sequences import sharing_variables
from lwtui_training.steps import TrainError

_METRICS_FILE = "metrics.json"
_POLL_SECONDS = 0.5
_END_SECONDS = 15.0


def train_on_devices(step: str, recipe: Recipe, model: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Train on all devices of the recipe.

    With several machines, run the same command on each, with MACHINE_RANK, MASTER_ADDR and MASTER_PORT set and on a
    shared file system. The first machine finishes the step.

    Args:
        step: "sft", "dpo" or "grpo".
        recipe: The recipe.
        model: The model to tune.
        rows: The file of training data.
        folder: The folder of the step.

    Returns:
        The metrics for the manifest; empty on other machines than the first one.

    Raises:
        TrainError: A training process failed; the message says why.
    """
    rank, recipe = machine_rank(), recipe.for_step(step)
    own = machines_folder(recipe) if rank else folder
    job = own / f"job-{rank}.json"
    while rank and not (folder / "job-0.json").exists():  # the first machine still prepares
        check_other_machines(recipe)
        sleep(_POLL_SECONDS)
    _wait_for_orphans(job)
    for old in own.glob(f"failure-{rank}-*.json"):
        old.unlink()
    if step == "sft" and rank == 0:  # once, for all processes
        from lwtui_training.tokens import tokenized

        tokenized(recipe, model, rows, folder)
    elif step == "dpo" and rank == 0:
        from lwtui_training.fitting_pairs import fitting_pairs

        fitting_pairs(recipe, model, rows, folder)
    job.write_text(json.dumps([step, recipe.to_json(), model, str(rows), str(folder), os.getpid()]), encoding="utf-8")
    process = subprocess.Popen(launch_command(recipe, job), env=launch_environment(recipe))
    try:
        while (code := _wait(process)) is None:
            check_other_machines(recipe)
    finally:
        _end(process)
    if code:
        check_other_machines(recipe)
        raise _failure(step, folder, own, code)
    job.unlink()
    metrics = folder / _METRICS_FILE
    if rank or not metrics.exists():
        return {}
    found: dict[str, Any] = json.loads(metrics.read_text(encoding="utf-8"))
    metrics.unlink()
    return found


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the launcher if it still runs; its processes end with it (see :func:`_end_with`)."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_orphans(job: Path) -> None:
    """Wait until the training processes of a command that was killed have ended, so that two never share a folder."""
    deadline = monotonic() + _END_SECONDS
    while True:
        try:
            FileLock.acquire(job).release()
        except FileLocked:
            if monotonic() > deadline:
                raise TrainError(
                    _("Another training process is at work in {folder}. Wait for it, or end it.", folder=job.parent),
                    code="in-use",
                ) from None
            sleep(0.1)
        else:
            return


def _failure(step: str, folder: Path, own: Path, code: int) -> TrainError:
    """Say why training failed, and truly where it would resume."""
    from lwtui_training.trainer import complete_checkpoints

    reports = sorted(own.glob(f"failure-{machine_rank()}-*.json"), key=lambda path: path.stat().st_mtime)
    reason = _("a process ended with exit code {code}; its output is above", code=code)
    details = ""
    if reports:
        report = json.loads(reports[0].read_text(encoding="utf-8"))
        reason = str(report["reason"]).rstrip(".。")
        details = _(" Details: {path}.", path=reports[0].with_suffix(".log"))
    elif code in (-9, 137):
        reason = _("a process was killed, most likely because the memory was full")
    steps = [int(path.name.rpartition("-")[2]) for path in complete_checkpoints(folder)]
    if steps:
        then = _("Run the same command again to resume from checkpoint-{step}.", step=max(steps))
    else:
        then = _("There is no checkpoint yet, so the same command starts this step from the beginning.")
    return TrainError(
        _("{step} failed: {reason}.{details} {then}", step=step, reason=reason, details=details, then=then),
        code="training-failed",
    )


def train_here(step: str, recipe: Recipe, model: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Train in this process, which may be one of several; see :func:`train_on_devices`."""
    if step == "sft":
        from lwtui_training.sft import train_sft

        return train_sft(recipe, model, rows, folder)
    if step == "grpo":
        from lwtui_training.grpo import train_grpo

        return train_grpo(recipe, model, rows, folder)
    from lwtui_training.dpo import train_dpo

    return train_dpo(recipe, model, rows, folder)


def launch_command(recipe: Recipe, job: Path) -> list[str]:
    """Return the command that starts this machine's processes, one or many, through accelerate.

    On a CPU, where accelerate starts only one process and has nothing to set up, one is started directly and several by
    torchrun.

    Args:
        recipe: The recipe.
        job: The file that describes the job.
    """
    hardware, module = recipe.hardware, ["-m", "lwtui_training.launch", str(job)]
    rank, address = str(machine_rank()), os.environ.get("MASTER_ADDR", "127.0.0.1")
    port = os.environ.get("MASTER_PORT", "0" if hardware.machines == 1 else "29500")
    if uses_cpu(recipe) and recipe.devices > 1:
        where = ["--standalone"] if hardware.machines == 1 else ["--nnodes", str(hardware.machines)]
        if hardware.machines > 1:
            where += ["--node_rank", rank, "--master_addr", address, "--master_port", port]
        processes = ["--nproc_per_node", str(hardware.processes)]
        return [sys.executable, "-m", "torch.distributed.run", *processes, *where, *module]
    if uses_cpu(recipe):
        return [sys.executable, *module]
    command = [
        *(sys.executable, "-m", "accelerate.commands.launch", "--quiet"),
        *("--config_file", str(accelerate_config(recipe))),
        *("--num_processes", str(recipe.devices)),
        *("--num_machines", str(hardware.machines)),
        *("--machine_rank", rank),
        *("--main_process_ip", address),
        *("--main_process_port", port),
        *("--mixed_precision", "bf16" if recipe.base.dtype == "bfloat16" else "no"),
    ]
    return [*command, *module]


def accelerate_config(recipe: Recipe) -> Path:
    """Return the path of accelerate's configuration for the recipe's strategy."""
    return Path(str(resources.files(__package__) / "accelerate" / f"{recipe.hardware.strategy}.yaml"))


def launch_environment(recipe: Recipe) -> dict[str, str]:
    """Return the environment of the training processes; they see only the devices that the recipe uses."""
    variables = {"OMP_NUM_THREADS": str(recipe.hardware.threads)} if recipe.hardware.threads else {}
    variables |= sharing_variables(recipe, attention_implementation(recipe))
    if uses_cpu(recipe):
        variables["ACCELERATE_USE_CPU"] = "true"
    else:
        variables["CUDA_VISIBLE_DEVICES"] = chosen_devices(recipe)
    return os.environ | variables


def run_job(job: Path) -> None:
    """Train as one of the processes that :func:`launch_command` starts."""
    step, recipe_json, model, rows, folder, parent = json.loads(job.read_text(encoding="utf-8"))
    _report_failures(job.parent)
    _end_with(parent)
    quiet_libraries()
    recipe = Recipe.from_json(recipe_json)
    lock = FileLock.acquire(job) if os.environ.get("LOCAL_RANK", "0") in ("0", "-1") else None
    metrics = train_here(step, recipe, model, Path(rows), Path(folder))
    if metrics:  # only the main process has them
        write_atomically(Path(folder) / _METRICS_FILE, json.dumps(metrics))
    if lock:
        lock.release()
    _leave_group()


def _leave_group() -> None:
    """Leave the group of processes: one that ends while its threads still talk to the others may crash."""
    from torch import distributed  # after the training, it is loaded

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _report_failures(folder: Path) -> None:
    """Have an exception end this process with a report for the command that started it, instead of a traceback."""
    name = f"failure-{machine_rank()}-{os.environ.get('LOCAL_RANK', '0')}"

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        (folder / f"{name}.log").write_text("".join(traceback.format_exception(kind, error, trace)), encoding="utf-8")
        text = " ".join(str(error).split())[:500]
        reason = text if issubclass(kind, LwtuiError) else f"{kind.__name__}: {text}"
        write_atomically(folder / f"{name}.json", json.dumps({"reason": reason}))

    sys.excepthook = report


def _end_with(parent: int) -> None:
    """End this process when the command that started it is gone, even if that was killed."""

    def watch() -> None:
        while True:
            sleep(_POLL_SECONDS)
            try:
                os.kill(parent, 0)
            except ProcessLookupError:
                os._exit(1)

    Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    run_job(Path(sys.argv[1]))
