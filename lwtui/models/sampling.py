"""Parses sampling options as people write them: ``temperature=0.7, min_p=0.05, dry_multiplier=0.8``, or ``inventive``.

Models and documents both store sampling in this notation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, replace

from lwtui.errors import UsageError
from lwtui.models.base import Sampling
from lwtui.translation import _

# A preset's name stands for its values wherever sampling is written. Every endpoint takes a temperature and top_p;
# options that an endpoint does not take are left out of its requests.
PRESETS = {
    "precise": "temperature=0.3, top_p=0.9",
    "balanced": "temperature=0.7, top_p=0.95",
    "inventive": "temperature=1.0, top_p=1, min_p=0.05",
}

_BIAS = "logit_bias."
# The least and the greatest value of each option.
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
_INTEGERS = {field.name for field in fields(Sampling) if "int" in str(field.type)}


def with_sampling(base: Sampling, text: str) -> Sampling:
    """Return ``base`` with the options that ``text`` sets.

    Args:
        base: The options to start from.
        text: Comma-separated ``NAME=NUMBER`` or names of :data:`PRESETS`. ``logit_bias.TOKEN=NUMBER`` adds to the logit
            of a token, given by its id or, for a GGUF, by its text.

    Raises:
        UsageError: An option is unknown or its value is out of range; the message says what is allowed.
    """
    values: dict[str, float | int] = {}
    biases = dict(base.logit_bias or {})
    for part in _parts(text):
        name, equals, given = (word.strip() for word in part.partition("="))
        if not equals:
            raise UsageError(
                _(
                    "{part!r} sets nothing: write NAME=NUMBER, such as temperature=0.7, or one of {presets}.",
                    part=part,
                    presets=", ".join(PRESETS),
                ),
                code="no-value",
            )
        if name.startswith(_BIAS) and name != _BIAS:
            biases[name.removeprefix(_BIAS)] = _number(name, given, -100, 100)
        elif name in _RANGES:
            number = _number(name, given, *_RANGES[name])
            values[name] = int(number) if name in _INTEGERS else number
        else:
            raise UsageError(
                _(
                    "Unknown sampling option {name!r}. Known: {known}, {prefix}TOKEN.",
                    name=name,
                    known=", ".join(_RANGES),
                    prefix=_BIAS,
                ),
                code="unknown-option",
            )
    return replace(base, **values, logit_bias=biases or None)  # type: ignore[arg-type]


def _parts(text: str) -> Iterator[str]:
    for part in filter(None, map(str.strip, text.split(","))):
        if part in PRESETS:
            yield from _parts(PRESETS[part])
        else:
            yield part


def _number(name: str, given: str, minimum: float, maximum: float) -> float:
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    is_integer = name in _INTEGERS
    if not minimum <= number <= maximum or (is_integer and number != int(number)):
        kind = _("a whole number") if is_integer else _("a number")
        raise UsageError(
            _(
                "{name} must be {kind} from {minimum:g} to {maximum:g}, not {given!r}.",
                name=name,
                kind=kind,
                minimum=minimum,
                maximum=maximum,
                given=given,
            ),
            code="out-of-range",
        )
    return number
