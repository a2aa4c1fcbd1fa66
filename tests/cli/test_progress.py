"""The progress line."""

import io
import sys
from dataclasses import dataclass

import pytest

from lwtui.agentwrite.events import Event, PlanDelta, SectionFinished, SectionStarted, TextDelta, TextRolledBack
from lwtui.agentwrite.run_state import RunState
from lwtui.cli.progress import Progress, progress_line
from lwtui.documents.model import Provenance, Section, Status
from lwtui.models.usage import NO_USAGE


@dataclass
class ProgressClock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def section(name: str, words: int, text: str = "", status: Status = Status.EMPTY) -> Section:
    return Section(name, name.upper(), "", words, status, text, len(text.split()))


def started(name: str, position: int, keep: int = 0) -> SectionStarted:
    return SectionStarted(name, position, 2, name.upper(), 100, keep > 0, keep, Provenance("m"))


def begun() -> tuple[RunState, ProgressClock]:
    clock = ProgressClock()
    return RunState([section("a", 100), section("b", 100)], clock), clock


def line(state: RunState, width: int = 200) -> str:
    return progress_line(state, "words", width)


def test_the_line_shows_section_words_speed_and_time_left() -> None:
    state, clock = begun()
    state.apply(started("a", 1))
    state.apply(TextDelta("a", "one "))
    clock.now += 10
    state.apply(TextDelta("a", "two " * 39))
    assert line(state) == "1/2 A · 40 of 200 words · 4.0 words/s · 40 s left"


def test_the_time_before_the_first_word_does_not_count_for_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    state, clock = begun()
    progress = Progress()
    progress.begin(state, "words")

    def emit(event: Event) -> None:
        state.apply(event)
        progress.take(event)

    emit(started("a", 1))
    clock.now += 60
    emit(TextDelta("a", "one "))
    clock.now += 0.5
    emit(TextDelta("a", "two " * 2))
    assert line(state) == "1/2 A · 3 of 200 words"  # too early for a speed
    clock.now += 9.5
    emit(TextDelta("a", "two " * 38))
    assert line(state) == "1/2 A · 41 of 200 words · 4.0 words/s · 40 s left"


def test_rolled_back_text_does_not_count() -> None:
    state, _ = begun()
    state.apply(started("a", 1))
    state.apply(TextDelta("a", "one two three"))
    state.apply(TextRolledBack("a", 7, "a loop"))
    assert line(state) == "1/2 A · 2 of 200 words"
    state.apply(SectionFinished("a", 2, 100, NO_USAGE, 1.0))
    state.apply(started("b", 2))
    assert line(state) == "2/2 B · 2 of 200 words"


def test_text_from_before_resuming_counts_but_not_for_the_speed() -> None:
    clock = ProgressClock()
    sections = [section("a", 100, "word " * 90, Status.DONE), section("b", 100, "one two three")]
    state = RunState(sections, clock)
    assert line(state) == "93 of 200 words"
    state.apply(started("b", 2, keep=7))
    state.apply(TextDelta("b", " four"))
    clock.now += 2
    state.apply(TextDelta("b", " five" * 8))
    assert line(state) == "2/2 B · 101 of 200 words · 4.5 words/s · 22 s left"


def test_parallel_sections_are_counted_together() -> None:
    state, _ = begun()
    state.apply(started("b", 2))
    state.apply(started("a", 1))
    state.apply(TextDelta("a", "one"))
    state.apply(TextDelta("b", "two three"))
    assert line(state) == "1/2 (+1) A · 3 of 200 words"


def test_while_planning_the_length_of_the_plan_is_shown() -> None:
    state = RunState()
    state.apply(PlanDelta("Title: Tea"))
    assert line(state) == "Planning … 10 characters"


def test_the_line_is_cut_by_columns_not_characters() -> None:
    state = RunState([Section("a", "长城的历史与文化", "", 2000, Status.EMPTY, "", 0)])
    state.apply(SectionStarted("a", 1, 1, "长城的历史与文化", 2000, False, 0, Provenance("m")))
    assert progress_line(state, "characters", 16) == "1/1 长城的历史…"
