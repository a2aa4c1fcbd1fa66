"""``lwtui train``: the steps of training, which the extra ``[train]`` brings what it needs for."""

from __future__ import annotations

import argparse
from typing import Any

from lwtui.cli.extras import load_extra
from lwtui.cli.parser import Parser

_NEEDS = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf", "matplotlib")


def parser() -> Parser:
    result: Parser = _commands().parser()
    return result


def run(options: argparse.Namespace) -> int:
    code: int = _commands().run(options)
    return code


def _commands() -> Any:
    return load_extra("lwtui_training.cli", "train", needs=_NEEDS)
