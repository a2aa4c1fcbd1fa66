"""One of the processes that accelerate starts for a GPU, without the GPU: ``python stand_in_device.py JOB``.

The first one trains, on the CPU and alone. The others hold no model; they fail where a real process would: if it does
not see exactly one device per process, if the tokens are not there before it starts, or, as the process named by
``STAND_IN_FULL``, because its memory is full.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from lwtui_training import launch
from lwtui_training.recipe import HardwareConfig, Recipe

_DISTRIBUTED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_train = launch.train_here


def train(step: str, recipe: Recipe, model: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Do this process's part of a training step."""
    rank, world = os.environ["RANK"], int(os.environ["WORLD_SIZE"])
    visible = os.environ["CUDA_VISIBLE_DEVICES"].split(",")
    if len(visible) != world or world != recipe.devices:
        raise ValueError(f"{world} processes see {len(visible)} devices")  # TRL refuses this
    if not rows.is_file() or not (Path(model) / "config.json").is_file():
        raise OSError(f"{rows} or {model} is not there")
    if step == "sft" and not (folder / "tokens" / "counts.json").is_file():
        raise OSError("the tokens are not there")
    if os.environ.get("STAND_IN_FULL") == rank:
        import torch

        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    if rank != "0":
        return {}
    for name in _DISTRIBUTED:
        del os.environ[name]
    return _train(step, replace(recipe, hardware=HardwareConfig("cpu", threads=1)), model, rows, folder)


if __name__ == "__main__":
    launch.train_here = train
    launch.run_job(Path(sys.argv[1]))
