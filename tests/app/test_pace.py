"""How fast text comes, told from few figures however many pieces it comes in."""

from __future__ import annotations

import pytest

from lwtui.app import pace
from lwtui.app.pace import Pace


@pytest.mark.parametrize("pieces_a_second", [1, 20, 5000])
def test_the_rate_is_that_of_the_last_half_minute_however_small_the_pieces(
    pieces_a_second: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(pace, "monotonic", lambda: now)
    measured = Pace()
    measured.restart()
    for at in range(60 * pieces_a_second):
        now = 1000 + (at + 1) / pieces_a_second
        measured.add(10_000 // pieces_a_second if at < 20 * pieces_a_second else 5000 // pieces_a_second)
    assert measured.characters_per_second == pytest.approx(5000, rel=0.05)
    assert len(measured._pieces) <= 305
    now += 29
    assert 0 < measured.characters_per_second < 500
    now += 2
    assert measured.characters_per_second == 0.0
    assert measured.seconds_for(100, 6.0) is None
