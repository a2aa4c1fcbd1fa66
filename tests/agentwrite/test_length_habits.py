"""How long a model's sections become is learned, kept, and used for requests and plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.agentwrite.length_habits import LengthHabits
from lwtui.agentwrite.plan_format import Bounds

KIND = "en prose"


def habits(*sections: tuple[int, int]) -> LengthHabits:
    """Return what is known after sections of ``(asked, written)`` words."""
    known = LengthHabits()
    for asked, written in sections:
        known.learn(KIND, asked, written)
    return known


def test_nothing_is_corrected_before_enough_is_known() -> None:
    assert habits().ask_for(KIND, 300) == 300
    assert habits((300, 150)).ask_for(KIND, 300) == 300


def test_a_request_is_corrected_by_what_came_of_the_last_ones() -> None:
    short = habits(*[(300, 200)] * 4)
    assert short.ask_for(KIND, 300) == 450
    assert short.ask_for("zh prose", 300) == 300
    assert habits(*[(300, 450)] * 4).ask_for(KIND, 300) == 200


def test_a_correction_has_limits() -> None:
    assert habits(*[(300, 10)] * 5).ask_for(KIND, 300) == 540
    assert habits(*[(300, 9000)] * 5).ask_for(KIND, 300) == 167


def test_what_is_new_counts_more_than_what_is_old() -> None:
    known = habits(*[(300, 150)] * 10, *[(300, 300)] * 8)
    assert 300 <= known.ask_for(KIND, 300) < 320


def test_a_model_that_fills_its_sections_has_no_limit() -> None:
    assert habits(*[(600, 580)] * 6).longest(KIND) == 0
    assert habits(*[(600, 250)] * 3).longest(KIND) == 0  # too little is known


def test_plans_keep_to_what_a_model_can_fill() -> None:
    longest = habits(*[(600, 300)] * 6).longest(KIND)
    assert longest == 390
    assert Bounds.of(3000, 120, longest).most_words == 390
    assert Bounds.of(3000, 120, longest).least_steps == 8
    assert Bounds.of(3000, 120, 50).most_words == 300
    assert Bounds.of(3000, 120).most_words == 1000


def test_a_small_model_gets_short_sections_until_it_has_filled_longer_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path))
    assert [LengthHabits.load("new", size).longest(KIND) for size in (0, 5 * 10**8, 11 * 10**8, 5 * 10**9)] == [
        *(0, 300, 400, 0)
    ]
    known = LengthHabits.load("new", 11 * 10**8)
    for _ in range(6):
        known.learn(KIND, 250, 200)  # filled, but that says nothing of 800
    assert known.longest(KIND) == 400
    for _ in range(12):
        known.learn(KIND, 500, 450)
    assert 550 < known.longest(KIND) < 600
    for _ in range(12):
        known.learn(KIND, 500, 200)
    assert 250 < known.longest(KIND) < 300


def test_what_was_learned_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path))
    known = LengthHabits("a model")
    for _ in range(3):
        known.learn(KIND, 300, 200)
    assert LengthHabits.load("a model").ask_for(KIND, 300) == 450
    assert LengthHabits.load("another").ask_for(KIND, 300) == 300


@pytest.mark.parametrize(("asked", "written"), [(0, 100), (100, 0)])
def test_what_tells_nothing_is_not_learned(asked: int, written: int) -> None:
    assert habits((asked, written)).kinds == {}
