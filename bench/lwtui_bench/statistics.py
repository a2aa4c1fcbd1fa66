"""How sure a figure is. Prompts are the unit: several answers to one prompt are averaged before anything is drawn.

Everything is seeded, so that a report says the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

RESAMPLES = 10_000
SEED = 20_240_813
_MOST_EXACT = 14  # pairs up to which every assignment of signs is looked at
_SURE = 0.05
_POWER = 2.8  # standard errors: a true difference of so many is found four times in five


@dataclass(frozen=True)
class Interval:
    """A mean over ``n`` prompts and its 95 % confidence interval, which says nothing where ``n`` is 1."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Difference:
    """B less A over the prompts that both have, with its 95 % interval and two-sided p."""

    mean: float
    low: float
    high: float
    p: float
    n: int
    visible: float  # a difference that so many prompts would most likely show

    @property
    def is_sure(self) -> bool:
        """Whether it can be told from chance: the test and the interval must agree."""
        return self.p < _SURE and (self.low > 0 or self.high < 0)


def interval(values: Sequence[Sequence[float]]) -> Interval:
    """The sum of the means of some columns (one for each figure, a row for each prompt), by bootstrap over the rows.

    ``nan`` is a figure that a prompt does not have. Raises ``ValueError`` without rows.
    """
    return _interval(tuple(map(tuple, values)))


@lru_cache(maxsize=1024)  # the tables and the pictures of a report show the same ones
def _interval(values: tuple[tuple[float, ...], ...]) -> Interval:
    import numpy as np

    table = np.asarray(values, dtype=float)
    if table.size == 0:
        raise ValueError("there is nothing to average")
    mean = float(np.nanmean(table, axis=0).sum())
    drawn = _bootstrap(table)
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return Interval(mean, float(low), float(high), len(table))


def _bootstrap(table: Array) -> Array:
    """The statistic of :func:`interval` for each resample, in slices that keep memory small."""
    import numpy as np

    random = np.random.default_rng(SEED)
    known = ~np.isnan(table)
    filled = np.where(known, table, 0.0)
    found = []
    for _ in range(20):
        weights = random.multinomial(len(table), np.full(len(table), 1 / len(table)), size=RESAMPLES // 20)
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(((weights @ filled) / (weights @ known)).sum(axis=1))
    return np.concatenate(found)


def difference(pairs: Sequence[tuple[float, float]]) -> Difference:
    """B less A, for ``pairs`` of (A, B) of the same prompts. Raises ``ValueError`` without pairs."""
    import numpy as np

    if not pairs:
        raise ValueError("there is nothing to compare")
    deltas = np.asarray([b - a for a, b in pairs], dtype=float)
    around = interval(deltas[:, None].tolist())
    error = float(deltas.std(ddof=1)) / len(deltas) ** 0.5 if len(deltas) > 1 else float("inf")
    return Difference(around.mean, around.low, around.high, _sign_flip(deltas), len(deltas), _POWER * error)


def _sign_flip(deltas: Array) -> float:
    """Two-sided p of the permutation test: how often chance alone, which swaps A and B, brings so large a mean."""
    import numpy as np

    size = len(deltas)
    if size <= _MOST_EXACT:
        signs = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
        means = np.abs(((signs * 2 - 1) * deltas).mean(axis=1))
        return float(np.mean(means >= abs(deltas.mean()) - 1e-12))
    random = np.random.default_rng(SEED)
    signs = random.integers(0, 2, size=(RESAMPLES, size)) * 2 - 1
    means = np.abs((signs * deltas).mean(axis=1))
    return float((np.sum(means >= abs(deltas.mean()) - 1e-12) + 1) / (RESAMPLES + 1))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's correction of several p-values that were looked at together."""
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    corrected = [0.0] * len(ps)
    reached = 0.0
    for rank, at in enumerate(order):
        reached = max(reached, min(1.0, (len(ps) - rank) * ps[at]))
        corrected[at] = reached
    return corrected


def alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Krippendorff's alpha for interval data: 1 is full agreement, 0 that of chance.

    A unit holds the ratings that it got. ``None`` where fewer than two units got two, or all ratings are the same.
    """
    rated = [list(unit) for unit in units if len(unit) > 1]
    every = [value for unit in rated for value in unit]
    if len(rated) < 2:
        return None
    expected = _squares(every) / (len(every) - 1)
    if expected == 0:
        return None
    observed = sum(_squares(unit) / (len(unit) - 1) for unit in rated)
    return 1 - observed / expected


def spread(units: Sequence[Sequence[float]]) -> float | None:
    """The pooled standard deviation within units that have several ratings; ``None`` where none has."""
    rated = [list(unit) for unit in units if len(unit) > 1]
    free = sum(len(unit) - 1 for unit in rated)
    if not free:
        return None
    return float((sum(_squares(unit) / len(unit) for unit in rated) / free) ** 0.5)


def _squares(values: Sequence[float]) -> float:
    """The sum of the squared differences of all pairs."""
    mean = sum(values) / len(values)
    return len(values) * sum((value - mean) ** 2 for value in values)
