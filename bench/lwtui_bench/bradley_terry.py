"""Scores from pairwise comparisons: the model of Bradley and Terry (1952), with ties as half a win for each side.

The strengths are fitted by the minorization-maximization algorithm of Hunter (2004, Annals of Statistics 32:384).
Every two contestants that meet get one more tie, so that a contestant that has won every comparison has a finite score.
Scores are on Elo's scale, with a mean of 1000: 400 points are a ratio of ten between the strengths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lwtui_bench.duel import Outcome
from lwtui_bench.statistics import SEED

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

RESAMPLES = 1_000
_STEPS = 300  # of the fit
_PRECISION = 1e-8
_MEAN, _SCALE = 1000.0, 400.0


@dataclass(frozen=True)
class DuelScore:
    """The score of a contestant, its 95% interval by bootstrap over the prompts, and its wins, ties and losses."""

    score: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int

    @property
    def share(self) -> float:
        """The share of its comparisons that it won, with a tie as half a win; 0.5 without any."""
        total = self.wins + self.ties + self.losses
        return (self.wins + self.ties / 2) / total if total else 0.5


def duel_scores(count: int, found: Sequence[Outcome]) -> list[DuelScore]:
    """Return the scores of ``count`` contestants. The prompts are the units of the bootstrap, with all their judges.

    Raises:
        ValueError: There are no outcomes.
    """
    import numpy as np

    if not found:
        raise ValueError("there is nothing to compare")
    prompts = list(dict.fromkeys(outcome.prompt_id for outcome in found))
    position = {prompt_id: at for at, prompt_id in enumerate(prompts)}
    wins = np.zeros((len(prompts), count, count))
    for outcome in found:
        wins[position[outcome.prompt_id], outcome.a, outcome.b] += outcome.score
        wins[position[outcome.prompt_id], outcome.b, outcome.a] += 1 - outcome.score
    scores = _fit(wins.sum(axis=0)[None])[0]
    random = np.random.default_rng(SEED)
    weights = random.multinomial(len(prompts), np.full(len(prompts), 1 / len(prompts)), size=RESAMPLES)
    resampled = _fit(np.tensordot(weights.astype(float), wins, axes=1))
    low, high = np.percentile(resampled, (2.5, 97.5), axis=0)
    tallies = [_tally(at, found) for at in range(count)]
    return [DuelScore(float(scores[at]), float(low[at]), float(high[at]), *tallies[at]) for at in range(count)]


def _fit(wins: Array) -> Array:
    """Return the scores for each of several tables of wins (table, winner, loser)."""
    import numpy as np

    met = (wins + wins.transpose(0, 2, 1)).sum(axis=0) > 0
    wins = wins + met / 2
    games = wins + wins.transpose(0, 2, 1)
    won = wins.sum(axis=2)
    strength = np.ones_like(won)
    for _ in range(_STEPS):
        sums = strength[:, :, None] + strength[:, None, :]
        expected = (games / sums).sum(axis=2)
        new = np.where(expected > 0, won / np.where(expected > 0, expected, 1.0), 1.0)
        new /= np.exp(np.log(new).mean(axis=1, keepdims=True))
        change = float(np.abs(np.log(new / strength)).max())
        strength = new
        if change < _PRECISION:
            break
    fitted: Array = _MEAN + _SCALE * np.log10(strength)
    return fitted


def _tally(contestant: int, found: Sequence[Outcome]) -> tuple[int, int, int]:
    scores = [
        outcome.score if outcome.a == contestant else 1 - outcome.score
        for outcome in found
        if contestant in (outcome.a, outcome.b)
    ]
    return scores.count(1.0), scores.count(0.5), scores.count(0.0)


@dataclass(frozen=True)
class JudgeHabits:
    """What the verdicts of one judge show of itself.

    Attributes:
        comparisons: How many meetings it has decided.
        consistent: The share in which both orders agree, ties included.
        prefers_first: The share of its verdicts for the text that came first, of those for either text.
    """

    comparisons: int
    consistent: float
    prefers_first: float


def judge_habits(found: Sequence[Outcome]) -> Mapping[str, JudgeHabits]:
    """Return the habits of each judge that was asked."""
    habits = {}
    for judge in dict.fromkeys(outcome.judge for outcome in found):
        pairs = [outcome.verdicts for outcome in found if outcome.judge == judge and outcome.verdicts is not None]
        if not pairs:
            continue
        verdicts = [verdict for pair in pairs for verdict in pair if verdict]
        agree = sum(pair in ((1, 2), (2, 1), (0, 0)) for pair in pairs)
        first = verdicts.count(1) / len(verdicts) if verdicts else 0.5
        habits[judge] = JudgeHabits(len(pairs), agree / len(pairs), first)
    return habits
