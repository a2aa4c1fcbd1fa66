"""The sampling options that a model's authors recommend: those in the GGUF itself, or those published for the family.

A server applies its model's own defaults. For a GGUF on this machine, nobody else does: with llama.cpp's general
defaults, small models repeat the openings of their sentences. The families' values are those of the file
``generation_config.json`` that their authors publish beside the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import regex

from lwtui.models.base import Sampling

_KEY = "general.sampling."
# The metadata of llama.cpp: the option that each key sets, and its least and its greatest value.
_OPTIONS: dict[str, tuple[str, float, float]] = {
    "temp": ("temperature", 0, 5),
    "top_k": ("top_k", 0, 100_000),
    "top_p": ("top_p", 0, 1),
    "min_p": ("min_p", 0, 1),
    "penalty_repeat": ("repeat_penalty", 0.1, 10),
    "xtc_probability": ("xtc_probability", 0, 1),
    "xtc_threshold": ("xtc_threshold", 0, 0.5),
}
_QWEN = Sampling(temperature=0.7, top_p=0.8, top_k=20)
# The first pattern that is found in a model's name decides.
_FAMILIES: tuple[tuple[str, Sampling], ...] = (
    (r"qwen2(\.5)?[- ](coder[- ])?(0\.5|1\.5)b[- ]instruct", replace(_QWEN, repeat_penalty=1.1)),
    (r"qwen2(\.5)?[- ].*instruct", replace(_QWEN, repeat_penalty=1.05)),
    (r"qwen3.*instruct", _QWEN),
    (r"qwen3(?!.*base)", Sampling(temperature=0.6, top_p=0.95, top_k=20)),
    (r"gemma[- ]3.*\bit\b", Sampling(temperature=1.0, top_p=0.95, top_k=64)),
    (r"llama[- ]3.*instruct", Sampling(temperature=0.6, top_p=0.9)),
)


def recommended_sampling(metadata: Mapping[str, Any]) -> Sampling:
    """Return the options that a model's authors recommend.

    Args:
        metadata: The metadata of a GGUF. Values that make no sense are left out.

    Returns:
        The options; without any if nothing is known of the model.
    """
    options: dict[str, Any] = {}
    for key, (name, least, greatest) in _OPTIONS.items():
        value = metadata.get(_KEY + key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if is_number and least <= value <= greatest:  # type: ignore[operator]
            options[name] = int(value) if name == "top_k" else round(float(value), 6)  # type: ignore[arg-type]
    if options:
        return Sampling(**options)
    name = str(metadata.get("general.name", ""))
    for pattern, sampling in _FAMILIES:
        if regex.search(pattern, name, regex.IGNORECASE):
            return sampling
    return Sampling()
