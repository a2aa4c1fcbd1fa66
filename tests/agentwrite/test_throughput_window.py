"""The speed at which text arrives needs little memory, however many pieces there are."""

from __future__ import annotations

import pytest

from lwtui.agentwrite.events import SectionStarted, TextDelta
from lwtui.agentwrite.run_state import RunState, Throughput
from lwtui.documents.model import Provenance, Section, Status


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("pieces_a_second", [1, 20, 5000])
def test_the_speed_covers_the_last_half_minute_however_small_the_pieces(pieces_a_second: int) -> None:
    clock = Clock()
    throughput = Throughput(clock)
    throughput.restart()
    for index in range(60 * pieces_a_second):
        clock.now = 1000 + (index + 1) / pieces_a_second
        throughput.add(10_000 // pieces_a_second if index < 20 * pieces_a_second else 5000 // pieces_a_second)
    assert throughput.characters_per_second == pytest.approx(5000, rel=0.05)
    assert len(throughput._pieces) <= 305
    clock.now += 29
    assert 0 < throughput.characters_per_second < 500
    clock.now += 2
    assert throughput.characters_per_second == 0.0


def test_the_remaining_time_is_known_only_while_text_arrives() -> None:
    clock = Clock()
    state = RunState([Section("s1", "", "", 100, Status.EMPTY, "", 0)], clock)
    assert state.seconds_left is None
    state.apply(SectionStarted("s1", 1, 1, "", 100, False, 0, Provenance("m")))
    for _ in range(10):
        clock.now += 1
        state.apply(TextDelta("s1", "five words in this piece "))
    assert state.seconds_left == pytest.approx(10.0)
    clock.now += 31
    assert state.seconds_left is None
