import itertools
import math
import random
from pathlib import Path

import numpy as np
import pytest

from lwtui_bench.comparison import comparable_figures, conclusion, paired_figures
from lwtui_bench.statistics import RESAMPLES, bootstrap_interval, difference, holm, krippendorff_alpha, pooled_deviation
from lwtui_bench.summary import load_runs
from tests.bench.support import row, write_rows


def test_the_interval_covers_the_true_mean_about_95_percent_of_the_time() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        found = bootstrap_interval([[value] for value in random.exponential(50, size=60).tolist()])
        covered += found.low <= 50 <= found.high
    assert 0.85 <= covered / 60 <= 0.99


def test_the_interval_is_reproducible_and_ignores_missing_figures() -> None:
    rows = [[float(at), math.nan if at % 3 else 10.0] for at in range(30)]
    assert bootstrap_interval(rows) == bootstrap_interval([list(row) for row in rows])
    assert bootstrap_interval(rows).mean == pytest.approx(14.5 + 10)
    with pytest.raises(ValueError):
        bootstrap_interval([])


def test_the_permutation_test_is_exact_for_few_pairs() -> None:
    deltas = [3.0, -1.0, 4.0, 1.0, 5.0, 9.0, -2.0]
    means = [
        abs(sum(s * d for s, d in zip(signs, deltas, strict=True))) for signs in itertools.product((1, -1), repeat=7)
    ]
    expected = sum(mean >= abs(sum(deltas)) - 1e-9 for mean in means) / len(means)
    assert difference([(0.0, delta) for delta in deltas]).p == pytest.approx(expected)


def test_the_permutation_test_of_many_pairs_counts_the_observed_assignment() -> None:
    """No resample reaches the observed mean, so the observed assignment alone is counted: p is never 0."""
    assert difference([(0.0, 1.0)] * 40).p == 1 / (RESAMPLES + 1)


def test_chance_alone_is_rarely_significant() -> None:
    draw = random.Random(3)
    pairs = ([(draw.gauss(50, 20), draw.gauss(50, 20)) for _ in range(40)] for _ in range(60))
    assert sum(difference(sample).is_significant for sample in pairs) <= 7


def test_a_true_difference_is_found() -> None:
    draw = random.Random(4)
    found = difference([(score := draw.gauss(50, 20), score + draw.gauss(6, 5)) for _ in range(40)])
    assert found.is_significant and found.low > 0 and found.p < 0.001
    assert 1 < found.visible < 4


def test_holms_correction() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_krippendorffs_alpha_has_a_known_value() -> None:
    """The textbook example with interval data and missing ratings (Krippendorff 2011): 0.849."""
    raters = [
        ["1", "2", "3", "3", "2", "1", "4", "1", "2", "-", "-", "-"],
        ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", "-", "3"],
        ["-", "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", "-"],
        ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", "-"],
    ]
    units = [[float(value) for value in unit if value != "-"] for unit in zip(*raters, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.849, abs=5e-4)
    assert krippendorff_alpha([[3.0, 3.0], [3.0, 3.0]]) is None
    assert krippendorff_alpha([[3.0, 4.0]]) is None


def test_the_deviation_is_pooled_within_units() -> None:
    assert pooled_deviation([[1.0, 3.0], [5.0, 5.0], [9.0]]) == pytest.approx(1.0)
    assert pooled_deviation([[1.0], [2.0]]) is None


def test_several_answers_to_a_prompt_are_one_observation(tmp_path: Path) -> None:
    rows = [row(1, 100, actual, sample=at) for at, actual in enumerate((100, 50, 50, 50), 1)] + [row(2, 100, 100)]
    (run,) = load_runs([write_rows(tmp_path / "a.jsonl", rows)])
    found = run.figure("S_l")
    assert found is not None
    assert (found.mean, found.n) == (pytest.approx((62.5 + 100) / 2), 2)


def test_a_comparison_pairs_prompts_and_states_its_conclusion(tmp_path: Path) -> None:
    better = write_rows(tmp_path / "better.jsonl", [row(at, 100, 95 + at % 5) for at in range(20)])
    worse = write_rows(tmp_path / "worse.jsonl", [row(at, 100, 50 + at % 5) for at in range(10, 30)])
    a, b = load_runs([worse, better])
    assert len(paired_figures(a, b, "S_l")) == 10 and comparable_figures(a, b) == ["S_l"]
    found = difference(paired_figures(a, b, "S_l"))
    reverse = difference(paired_figures(b, a, "S_l"))
    same = difference([(1.0, 1.0 + (-1) ** at) for at in range(10)])
    few = difference([(1.0, 9.0)] * 5)
    assert [one_way.is_significant for one_way in (found, reverse, same, few)] == [True, True, False, False]
    conclusions = [conclusion(a, b, "S_l", found), conclusion(b, a, "S_l", reverse)]
    conclusions += [conclusion(a, b, "S_l", same), conclusion(a, b, "S_l", few)]
    assert [text.split(" (")[0] for text in conclusions] == [
        "better is better than worse in length",
        "better is better than worse in length",
        "No clear winner in length",
        "No clear winner: 5 prompts are too few to show any difference",
    ]
