"""One checkpoint out of the base and what was tuned on top of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.recipe import Recipe

_ADAPTER = "adapter_config.json"


def merge_adapter(recipe: Recipe, under: str, adapter: Path, into: Path) -> bool:
    """Put a whole checkpoint into ``into``: an adapter merged into the model ``under`` it, or the tuned model itself.

    Returns whether there was an adapter. It is merged in full precision; what is stored is in the recipe's.
    """
    is_adapter = (adapter / _ADAPTER).exists()
    merged: Any
    if is_adapter:
        from peft import PeftModel

        model = load_model(under, recipe, dtype="float32")
        merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    else:
        merged = load_model(str(adapter), recipe)
    merged.to(getattr(torch, recipe.base.dtype)).save_pretrained(into)
    load_tokenizer(str(adapter), recipe).save_pretrained(into)
    return is_adapter
