"""Confidence intervals and tests. The unit of observation is the prompt: several answers to one prompt are averaged.

All resampling is seeded, so that a report is reproducible.
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
_MAX_EXACT = 14  # pairs for which all sign assignments are enumerated
_SIGNIFICANCE = 0.05
_POWER_FACTOR = 2.8  # standard errors: a true difference of this size is found in 80% of samples


@dataclass(frozen=True)
class Interval:
    """A mean over ``n`` prompts and its 95% confidence interval, which is meaningless if ``n`` is 1."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Difference:
    """The difference B − A over ``n`` prompts that both runs answered.

    Attributes:
        low: Lower end of the 95% confidence interval.
        high: Upper end of the 95% confidence interval.
        p: Two-sided p-value.
        visible: Minimum detectable difference: one that this many prompts show with 80% probability.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int
    visible: float

    @property
    def is_significant(self) -> bool:
        """Whether both the test and the interval exclude chance."""
        return self.p < _SIGNIFICANCE and (self.low > 0 or self.high < 0)


def bootstrap_interval(table: Sequence[Sequence[float]]) -> Interval:
    """Return the sum of the column means, with its interval by bootstrap over the rows.

    Args:
        table: One row per prompt and one column per figure; ``nan`` where a prompt lacks the figure.

    Raises:
        ValueError: There are no rows.
    """
    return _bootstrap_interval(tuple(map(tuple, table)))


@lru_cache(maxsize=1024)  # the tables and charts of a report show the same intervals
def _bootstrap_interval(rows: tuple[tuple[float, ...], ...]) -> Interval:
    import numpy as np

    table = np.asarray(rows, dtype=float)
    if table.size == 0:
        raise ValueError("there is nothing to average")
    mean = float(np.nanmean(table, axis=0).sum())
    low, high = np.nanpercentile(_resampled_means(table), (2.5, 97.5))
    return Interval(mean, float(low), float(high), len(table))


def _resampled_means(table: Array) -> Array:
    """Return the sum of the column means of each resample; work in slices to bound memory."""
    import numpy as np

    random = np.random.default_rng(SEED)
    known = ~np.isnan(table)
    filled = np.where(known, table, 0.0)
    means = []
    for _ in range(20):
        weights = random.multinomial(len(table), np.full(len(table), 1 / len(table)), size=RESAMPLES // 20)
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(((weights @ filled) / (weights @ known)).sum(axis=1))
    return np.concatenate(means)


def difference(pairs: Sequence[tuple[float, float]]) -> Difference:
    """Test the difference B − A.

    Args:
        pairs: The figures (A, B) of each prompt.

    Raises:
        ValueError: There are no pairs.
    """
    import numpy as np

    if not pairs:
        raise ValueError("there is nothing to compare")
    deltas = np.asarray([b - a for a, b in pairs], dtype=float)
    interval = bootstrap_interval(deltas[:, None].tolist())
    error = float(deltas.std(ddof=1)) / len(deltas) ** 0.5 if len(deltas) > 1 else float("inf")
    p = _permutation_p(deltas)
    return Difference(interval.mean, interval.low, interval.high, p, len(deltas), _POWER_FACTOR * error)


def _permutation_p(deltas: Array) -> float:
    """Return the two-sided p-value of the paired permutation (sign-flip) test of the mean.

    It is exact for few pairs. For more it is a Monte Carlo estimate, in which the observed assignment counts as one of
    those drawn, so that p is never 0 (Phipson and Smyth 2010).
    """
    import numpy as np

    size = len(deltas)
    if size <= _MAX_EXACT:
        signs = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
        means = np.abs(((signs * 2 - 1) * deltas).mean(axis=1))
        return float(np.mean(means >= abs(deltas.mean()) - 1e-12))
    random = np.random.default_rng(SEED)
    signs = random.integers(0, 2, size=(RESAMPLES, size)) * 2 - 1
    means = np.abs((signs * deltas).mean(axis=1))
    return float((np.sum(means >= abs(deltas.mean()) - 1e-12) + 1) / (RESAMPLES + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for multiple comparisons by Holm's method."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def krippendorff_alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Return Krippendorff's alpha for interval data: 1 is full agreement, 0 is chance.

    Args:
        units: The ratings of each unit; units may have different numbers of ratings.

    Returns:
        ``None`` if fewer than two units have several ratings, or all ratings are equal.
    """
    rated = [list(unit) for unit in units if len(unit) > 1]
    ratings = [value for unit in rated for value in unit]
    if len(rated) < 2:
        return None
    expected = _pairwise_squares(ratings) / (len(ratings) - 1)
    if expected == 0:
        return None
    observed = sum(_pairwise_squares(unit) / (len(unit) - 1) for unit in rated)
    return 1 - observed / expected


def pooled_deviation(units: Sequence[Sequence[float]]) -> float | None:
    """Return the pooled standard deviation within units with several ratings, or ``None`` if there are none."""
    rated = [list(unit) for unit in units if len(unit) > 1]
    degrees_of_freedom = sum(len(unit) - 1 for unit in rated)
    if not degrees_of_freedom:
        return None
    return float((sum(_pairwise_squares(unit) / len(unit) for unit in rated) / degrees_of_freedom) ** 0.5)


def _pairwise_squares(values: Sequence[float]) -> float:
    """Return the sum of the squared differences of all pairs."""
    mean = sum(values) / len(values)
    return len(values) * sum((value - mean) ** 2 for value in values)
