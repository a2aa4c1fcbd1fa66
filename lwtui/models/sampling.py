"""How tokens are drawn, as a person writes it: ``temperature=0.7, min_p=0.05, dry_multiplier=0.8``, or ``inventive``.

Models and documents both keep it in this notation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, replace

from lwtui.errors import UsageError
from lwtui.models.base import Sampling

# Sets with a name, which stands for their values wherever sampling is written. Every endpoint takes a temperature and
# top_p; what else one does not take is left out for it.
PRESETS = {
    "precise": "temperature=0.3, top_p=0.9",
    "balanced": "temperature=0.7, top_p=0.95",
    "inventive": "temperature=1.0, top_p=1, min_p=0.05",
}

_BIAS = "logit_bias."
# The values that each may have.
_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 5),
    "top_p": (0, 1),
    "top_k": (0, 100_000),
    "min_p": (0, 1),
    "repeat_penalty": (0.1, 10),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "dry_multiplier": (0, 10),
    "dry_base": (1, 10),
    "dry_allowed_length": (1, 1000),
    "xtc_probability": (0, 1),
    "xtc_threshold": (0, 0.5),
}
_WHOLE = {item.name for item in fields(Sampling) if "int" in str(item.type)}


def with_sampling(base: Sampling, text: str) -> Sampling:
    """``base`` with the values that ``text`` sets: ``NAME=NUMBER`` or one of :data:`PRESETS`, with commas between.

    ``logit_bias.TOKEN=NUMBER`` adds to the logit of a token, given by its number or, for a GGUF, by its text. Raises
    :class:`UsageError` that says what is allowed.
    """
    values: dict[str, float | int] = {}
    biases = dict(base.logit_bias or {})
    for part in _parts(text):
        name, equals, given = (one.strip() for one in part.partition("="))
        if not equals:
            raise UsageError(
                f"{part!r} sets nothing: write it as NAME=NUMBER, such as temperature=0.7, or as one of "
                f"{', '.join(PRESETS)}."
            )
        if name.startswith(_BIAS) and name != _BIAS:
            biases[name.removeprefix(_BIAS)] = _number(name, given, -100, 100)
        elif name in _RANGES:
            number = _number(name, given, *_RANGES[name])
            values[name] = int(number) if name in _WHOLE else number
        else:
            raise UsageError(f"{name!r} is not known of sampling. Known: {', '.join(_RANGES)}, {_BIAS}TOKEN.")
    return replace(base, **values, logit_bias=biases or None)  # type: ignore[arg-type]


def _parts(text: str) -> Iterator[str]:
    for part in filter(None, map(str.strip, text.split(","))):
        if part in PRESETS:
            yield from _parts(PRESETS[part])
        else:
            yield part


def _number(name: str, given: str, least: float, most: float) -> float:
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    whole = name in _WHOLE
    if not least <= number <= most or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{name} must be {kind} from {least:g} to {most:g}, not {given!r}.")
    return number
