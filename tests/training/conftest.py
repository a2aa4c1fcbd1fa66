"""A tiny base, made once, and recipes for it. Without the extra ``[train]`` these tests are not collected."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

if find_spec("trl") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny Llama with a SentencePiece tokenizer."""
    from lwtui_training.tiny import make_tiny
    from tests.training.support import TEXT

    folder = tmp_path_factory.mktemp("tiny")
    make_tiny(folder, [TEXT], hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    return folder


@pytest.fixture
def make_recipe(tiny: Path, tmp_path: Path) -> Any:
    """Return a function that makes a recipe for the tiny base; its arguments change tables."""
    from tests.training.support import recipe_for

    return lambda **tables: recipe_for(tiny, tmp_path / "run", **tables)
