"""The line that tells how far a run is."""

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
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def section(name: str, words: int, text: str = "", status: Status = Status.EMPTY) -> Section:
    return Section(name, name.upper(), "", words, status, text, len(text.split()))


def started(name: str, position: int, keep: int = 0) -> SectionStarted:
    return SectionStarted(name, position, 2, name.upper(), 100, keep > 0, keep, Provenance("m"))


def begun() -> tuple[RunState, Clock]:
    clock = Clock()
    return RunState([section("a", 100), section("b", 100)], clock), clock


def line(state: RunState, width: int = 200) -> str:
    return progress_line(state, "words", width)


def test_the_line_tells_section_words_speed_and_time_left() -> None:
    state, clock = begun()
    state.apply(started("a", 1))
    state.apply(TextDelta("a", "one "))
    clock.now += 10
    state.apply(TextDelta("a", "two " * 39))
    assert line(state) == "1/2 A · 40 of 200 words · 4.0 words/s · 40 s left"


def test_what_a_model_does_before_its_first_word_is_no_part_of_its_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    state, clock = begun()
    progress = Progress()
    progress.begin(state, "words")

    def happen(event: Event) -> None:
        state.apply(event)
        progress.take(event)

    happen(started("a", 1))
    clock.now += 60
    happen(TextDelta("a", "one "))
    clock.now += 0.5
    happen(TextDelta("a", "two " * 2))
    assert line(state) == "1/2 A · 3 of 200 words"  # too early to tell
    clock.now += 9.5
    happen(TextDelta("a", "two " * 38))
    assert line(state) == "1/2 A · 41 of 200 words · 4.0 words/s · 40 s left"


def test_text_that_is_taken_back_no_longer_counts() -> None:
    state, _ = begun()
    state.apply(started("a", 1))
    state.apply(TextDelta("a", "one two three"))
    state.apply(TextRolledBack("a", 7, "a loop"))
    assert line(state) == "1/2 A · 2 of 200 words"
    state.apply(SectionFinished("a", 2, 100, NO_USAGE, 1.0))
    state.apply(started("b", 2))
    assert line(state) == "2/2 B · 2 of 200 words"


def test_a_resumed_document_counts_what_it_had_but_not_as_speed() -> None:
    clock = Clock()
    sections = [section("a", 100, "word " * 90, Status.DONE), section("b", 100, "one two three")]
    state = RunState(sections, clock)
    assert line(state) == "93 of 200 words"
    state.apply(started("b", 2, keep=7))
    state.apply(TextDelta("b", " four"))
    clock.now += 2
    state.apply(TextDelta("b", " five" * 8))
    assert line(state) == "2/2 B · 101 of 200 words · 4.5 words/s · 22 s left"


def test_sections_side_by_side_are_counted_together() -> None:
    state, _ = begun()
    state.apply(started("b", 2))
    state.apply(started("a", 1))
    state.apply(TextDelta("a", "one"))
    state.apply(TextDelta("b", "two three"))
    assert line(state) == "1/2 (+1) A · 3 of 200 words"


def test_before_there_is_a_plan_its_own_length_is_told() -> None:
    state = RunState()
    state.apply(PlanDelta("Title: Tea"))
    assert line(state) == "Planning … 10 characters"


def test_the_line_fits_the_terminal_in_columns_not_characters() -> None:
    state = RunState([Section("a", "长城的历史与文化", "", 2000, Status.EMPTY, "", 0)])
    state.apply(SectionStarted("a", 1, 1, "长城的历史与文化", 2000, False, 0, Provenance("m")))
    assert progress_line(state, "characters", 16) == "1/1 长城的历史…"
