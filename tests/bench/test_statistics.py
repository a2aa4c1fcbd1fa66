import itertools
import math
import random
from pathlib import Path

import numpy as np
import pytest

from lwtui_bench.comparison import comparable, conclusion, paired
from lwtui_bench.statistics import alpha, difference, holm, interval, spread
from lwtui_bench.summary import load_runs
from tests.bench.support import row, write_rows


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        found = interval([[value] for value in draw.exponential(50, size=60).tolist()])
        covered += found.low <= 50 <= found.high
    assert 0.85 <= covered / 60 <= 0.99


def test_the_interval_is_the_same_each_time_and_skips_what_is_not_there() -> None:
    rows = [[float(at), math.nan if at % 3 else 10.0] for at in range(30)]
    assert interval(rows) == interval([list(one) for one in rows])
    assert interval(rows).mean == pytest.approx(14.5 + 10)
    with pytest.raises(ValueError, match="nothing"):
        interval([])


def test_the_permutation_test_is_exact_for_few_pairs() -> None:
    deltas = [3.0, -1.0, 4.0, 1.0, 5.0, 9.0, -2.0]
    means = [
        abs(sum(s * d for s, d in zip(signs, deltas, strict=True))) for signs in itertools.product((1, -1), repeat=7)
    ]
    expected = sum(mean >= abs(sum(deltas)) - 1e-9 for mean in means) / len(means)
    assert difference([(0.0, delta) for delta in deltas]).p == pytest.approx(expected)


def test_chance_alone_is_rarely_taken_for_a_difference() -> None:
    draw = random.Random(3)
    sure = sum(difference([(draw.gauss(50, 20), draw.gauss(50, 20)) for _ in range(40)]).is_sure for _ in range(60))
    assert sure <= 7


def test_a_difference_is_found_where_there_is_one() -> None:
    draw = random.Random(4)
    found = difference([(one := draw.gauss(50, 20), one + draw.gauss(6, 5)) for _ in range(40)])
    assert found.is_sure and found.low > 0 and found.p < 0.001
    assert 1 < found.visible < 4


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_krippendorffs_alpha_against_a_known_value() -> None:
    """The textbook example with interval data and gaps (Krippendorff 2011): 0.849."""
    raters = [
        ["1", "2", "3", "3", "2", "1", "4", "1", "2", "-", "-", "-"],
        ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", "-", "3"],
        ["-", "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", "-"],
        ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", "-"],
    ]
    units = [[float(value) for value in unit if value != "-"] for unit in zip(*raters, strict=True)]
    assert alpha(units) == pytest.approx(0.849, abs=5e-4)
    assert alpha([[3.0, 3.0], [3.0, 3.0]]) is None
    assert alpha([[3.0, 4.0]]) is None


def test_spread_is_pooled_within_units() -> None:
    assert spread([[1.0, 3.0], [5.0, 5.0], [9.0]]) == pytest.approx(1.0)
    assert spread([[1.0], [2.0]]) is None


def test_several_answers_to_a_prompt_are_one_observation(tmp_path: Path) -> None:
    rows = [row(1, 100, actual, sample=at) for at, actual in enumerate((100, 50, 50, 50), 1)] + [row(2, 100, 100)]
    (run,) = load_runs([write_rows(tmp_path / "a.jsonl", rows)])
    found = run.figure("S_l")
    assert found is not None
    assert (found.mean, found.n) == (pytest.approx((62.5 + 100) / 2), 2)


def test_a_comparison_pairs_prompts_and_says_what_it_found(tmp_path: Path) -> None:
    better = write_rows(tmp_path / "better.jsonl", [row(at, 100, 95 + at % 5) for at in range(20)])
    worse = write_rows(tmp_path / "worse.jsonl", [row(at, 100, 50 + at % 5) for at in range(10, 30)])
    a, b = load_runs([worse, better])
    assert len(paired(a, b, "S_l")) == 10 and comparable(a, b) == ["S_l"]
    found = difference(paired(a, b, "S_l"))
    assert conclusion(a, b, "S_l", found).startswith("better is better than worse in length")
    assert conclusion(b, a, "S_l", difference(paired(b, a, "S_l"))).startswith("better is better than worse")
    same = difference([(1.0, 1.0 + (-1) ** at) for at in range(10)])
    assert conclusion(a, b, "S_l", same).startswith("It cannot be told which is better in length")
    few = difference([(1.0, 9.0)] * 5)
    assert "too few" in conclusion(a, b, "S_l", few)
