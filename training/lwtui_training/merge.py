"""The step ``merge``: merge a base and its adapter into one checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.recipe import Recipe

_ADAPTER_CONFIG = "adapter_config.json"


def merge_adapter(recipe: Recipe, base: str, tuned: Path, into: Path) -> bool:
    """Save a full checkpoint.

    Args:
        recipe: The recipe; its dtype is that of the result.
        base: The model under the adapter.
        tuned: The folder of an adapter, which is merged in full precision, or of a full model, which is copied.
        into: Receives the checkpoint.

    Returns:
        Whether ``tuned`` is an adapter.
    """
    is_adapter = (tuned / _ADAPTER_CONFIG).exists()
    merged: Any
    if is_adapter:
        from peft import PeftModel

        model = load_model(base, recipe, dtype="float32", attention="sdpa")
        merged = PeftModel.from_pretrained(model, str(tuned)).merge_and_unload(safe_merge=True)
    else:
        merged = load_model(str(tuned), recipe, attention="sdpa")
    merged.to(getattr(torch, recipe.base.dtype)).save_pretrained(into)
    load_tokenizer(str(tuned), recipe).save_pretrained(into)
    return is_adapter
