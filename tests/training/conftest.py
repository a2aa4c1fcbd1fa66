"""A tiny base made once, and recipes for it."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="needs lwtui[train]")

from lwtui_training.recipe import Recipe
from tests.training.support import TEXT, recipe_for


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with a SentencePiece tokenizer."""
    from lwtui_training.tiny import make_tiny

    folder = tmp_path_factory.mktemp("tiny")
    make_tiny(folder, [TEXT], hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    return folder


@pytest.fixture
def recipe(tiny: Path, tmp_path: Path) -> Any:
    """A recipe for the tiny base; call it with tables to change."""

    def make(**tables: dict[str, Any]) -> Recipe:
        return recipe_for(tiny, tmp_path / "run", **tables)

    return make
