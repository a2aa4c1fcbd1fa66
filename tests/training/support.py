"""Rows and recipes for the tests of training."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from lwtui_training.recipe import BaseConfig, DpoConfig, GgufConfig, HardwareConfig, Recipe, SftConfig

TEXT = (resources.files("lwtui_training") / "tiny.txt").read_text(encoding="utf-8")


def recipe_for(base: Path, output: Path, **tables: dict[str, Any]) -> Recipe:
    """Return a recipe for small steps on a CPU; ``tables`` such as ``sft={"max_steps": 3}`` change it."""
    recipe = Recipe(
        name="test",
        output=str(output),
        seed=3,
        base=BaseConfig(str(base), format="longwriter-llama", dtype="float32"),
        sft=SftConfig(
            max_length=256, max_steps=6, learning_rate=5e-3, gradient_checkpointing=False, save_steps=2, warmup_ratio=0
        ),
        dpo=DpoConfig(method="lora", max_length=256, max_steps=4, learning_rate=1e-3, gradient_checkpointing=False),
        gguf=GgufConfig(quantize="", register=False),
        hardware=HardwareConfig(device="cpu", threads=1),
    )
    return replace(recipe, **{name: replace(getattr(recipe, name), **changes) for name, changes in tables.items()})


def conversations(count: int, least: int = 3, most: int = 40, seed: int = 0) -> list[dict[str, Any]]:
    """Return conversations whose answers have between ``least`` and ``most`` words."""
    draw, words = random.Random(seed), TEXT.split()
    return [
        {
            "messages": [
                {"role": "user", "content": "Write " + " ".join(draw.choices(words, k=3))},
                {"role": "assistant", "content": " ".join(draw.choices(words, k=draw.randint(least, most)))},
            ]
        }
        for _ in range(count)
    ]


def write_jsonl(path: Path, items: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path
