"""One checkpoint out of the base and what was tuned on top of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from lwtui_training.base import load_model, load_tokenizer
from lwtui_training.recipe import Recipe

_ADAPTER = "adapter_config.json"


def merge_adapter(recipe: Recipe, under: str, adapter: Path, into: Path) -> bool:
    """Put a whole checkpoint into ``into``: an adapter merged into the model ``under`` it, or a copy.

    Returns whether there was an adapter. It is merged in full precision, then stored in the recipe's.
    """
    if not (adapter / _ADAPTER).exists():
        shutil.copytree(adapter, into, dirs_exist_ok=True)
        return False
    from peft import PeftModel

    model = load_model(under, recipe).to(torch.float32)
    merged: Any = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    merged.to(getattr(torch, recipe.base.dtype)).save_pretrained(into)
    load_tokenizer(str(adapter), recipe).save_pretrained(into)
    return True
