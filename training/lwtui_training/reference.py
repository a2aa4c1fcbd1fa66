"""The reference model of DPO and GRPO under FSDP.

TRL loads it in every process, and has each device hold it as a whole before it is sharded. Here it is loaded as the
model that is tuned: only the first process reads the weights, and each device gets its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from transformers.integrations import is_fsdp_enabled


@contextmanager
def sharded_reference(module: ModuleType, load: Callable[[], Any]) -> Iterator[None]:
    """While a trainer is made within this context, have it load and shard its reference model as said above.

    Without FSDP, nothing changes.

    Args:
        module: TRL's module of the trainer.
        load: Loads the model; without weights in all processes but the first one.
    """
    changed: dict[str, Any] = {"create_model_from_path": lambda *_path, **_options: load(), "prepare_fsdp": _shard}
    if hasattr(module, "hash_module"):  # TRL takes that of the first process; the others have nothing to hash
        hash_weights = module.hash_module
        changed["hash_module"] = lambda model: hash_weights(model) if torch.distributed.get_rank() == 0 else ""
    original = {name: getattr(module, name) for name in changed} if is_fsdp_enabled() else {}
    for name in original:
        setattr(module, name, changed[name])
    try:
        yield
    finally:
        for name, function in original.items():
            setattr(module, name, function)


def _shard(model: Any, accelerator: Any) -> Any:
    """Shard a model layer by layer, and send the processes their parts of the first one's weights."""
    from accelerate.utils.fsdp_utils import fsdp2_prepare_model

    return fsdp2_prepare_model(accelerator, model).eval()
