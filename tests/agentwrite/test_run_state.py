"""The state of a run, from which it is shown, stored and measured, follows from its events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.events import (
    ContextTrimmed,
    Continuing,
    DocumentFinished,
    Event,
    Grounded,
    NotesLeftOut,
    PlanDelta,
    PlanGrew,
    PlanReady,
    PlanRejected,
    PlanStarted,
    ReadingPrompt,
    Retrying,
    SectionFinished,
    SectionStarted,
    SummaryMade,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.agentwrite.run_state import RunState, Throughput
from lwtui.documents.model import Basis, Provenance, Section, Status
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import count_words
from tests.support.studio import plan_of

MADE = Provenance("m")
TOOK = Usage(20, 5)
PLAN = plan_of(100, 200)


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def section(id: str, text: str = "", words: int = 100) -> Section:
    return Section(id, id.upper(), "point", words, Status.PARTIAL if text else Status.EMPTY, text, count_words(text))


def started(id: str = "s1", position: int = 1, *, resumed: bool = False, keep: int = 0) -> SectionStarted:
    return SectionStarted(id, position, 2, id.upper(), 100, resumed, keep, MADE)


def finished(id: str = "s1", length: int = 3, usage: Usage = TOOK) -> SectionFinished:
    return SectionFinished(id, length, 100, usage, 1.0)


def after(*events: Event, sections: tuple[Section, ...] = (), clock: Clock | None = None) -> RunState:
    state = RunState(sections, clock or Clock())
    for event in events:
        state.apply(event)
    return state


# ---- planning ---------------------------------------------------------------------------------------------------


def test_a_new_state_is_empty() -> None:
    state = after()
    assert (state.plan, state.plan_text, state.planned_chapters, state.runs) == (None, "", (0, 0), {})
    assert (state.waiting, state.retrying, state.finished, state.open) == (None, None, None, [])
    assert (state.target, state.length, state.usage) == (0, 0, NO_USAGE)
    assert (state.units_per_second, state.seconds_left, state.text_of("s1")) == (0.0, None, "")


def test_the_text_of_a_plan_is_collected() -> None:
    state = after(PlanStarted(1), PlanDelta("Title: "), PlanDelta("Soil"))
    assert state.plan_text == "Title: Soil" and state.plan is None
    state.apply(PlanRejected(1, ("It has no steps.",)))
    assert state.plan_text == "Title: Soil"  # still shown
    state.apply(PlanStarted(2))
    assert state.plan_text == ""
    state.apply(PlanDelta("Ti"))
    state.apply(Retrying("server", "fault", 1, 0.5))
    assert state.plan_text == "" and state.retrying is not None  # the text starts again
    state.apply(PlanReady(PLAN))
    assert state.plan is PLAN


def test_a_nested_plan_reports_its_progress() -> None:
    state = after(PlanGrew(PLAN, 1, 7))
    assert state.plan is PLAN and state.planned_chapters == (1, 7)


# ---- sections ---------------------------------------------------------------------------------------------------


def test_a_section_has_its_text_from_start_to_finish() -> None:
    clock = Clock()
    state = after(started(), clock=clock)
    run = state.runs["s1"]
    assert (run.position, run.total, run.title, run.target, run.provenance) == (1, 2, "S1", 100, MADE)
    assert (run.text, run.length, run.kept, run.calls, run.first_text) == ("", 0, 0, 1, None)
    assert (run.started, run.usage, run.undisturbed) == (1000.0, NO_USAGE, True)
    assert state.open == [run]
    clock.now += 2
    state.apply(TextDelta("s1", "One two "))
    clock.now += 3
    state.apply(TextDelta("s1", "three four."))
    assert (run.text, run.length, run.first_text) == ("One two three four.", 4, 1002.0)
    state.apply(TextRolledBack("s1", 13, "a loop"))
    assert (run.text, run.length) == ("One two three", 3)
    state.apply(TextDelta("s1", ", and more."))
    assert (run.text, run.length) == ("One two three, and more.", 5)
    event = finished(length=5)
    state.apply(event)
    assert (run.finished, run.ended, run.length, run.usage) == (event, 1005.0, 5, Usage(20, 5))
    assert state.open == [] and state.usage == Usage(20, 5) and state.text_of("s1") == "One two three, and more."


def test_a_resumed_section_starts_with_the_kept_text() -> None:
    text = "One two three. Fo"
    state = after(started(resumed=True, keep=15), sections=(section("s1", text),))
    run = state.runs["s1"]
    assert (run.text, run.kept, run.length, run.undisturbed) == (text[:15], 15, 3, False)


def test_a_section_has_the_basis_that_came_before_it() -> None:
    basis, other = Basis("i", "l"), Basis("i", "l2")
    state = after(Grounded("s2", other), Grounded("s1", basis), started(), started("s2", 2))
    assert state.runs["s1"].basis is basis and state.runs["s2"].basis is other
    state.apply(started())  # a second start, without a basis
    assert state.runs["s1"].basis is None


def test_starting_a_section_again_is_a_new_run() -> None:
    state = after(started(), TextDelta("s1", "One two."), finished(length=2), started("s2", 2), started())
    assert list(state.runs) == ["s2", "s1"]  # in the order of the starts
    assert state.runs["s1"].text == "" and state.runs["s1"].finished is None
    assert state.usage == NO_USAGE


def test_the_documents_text_counts_if_it_has_changed() -> None:
    state = after(started(), TextDelta("s1", "One two three."), sections=(section("s1"),))
    state.begin([section("s1", "Typed by hand.")])
    state.apply(started(resumed=True, keep=5))
    assert state.text_of("s1") == "Typed"


def test_open_sections_are_in_the_plans_order() -> None:
    state = after(started("s3", 3), started("s1", 1), started("s2", 2), finished("s1"))
    assert [run.section_id for run in state.open] == ["s2", "s3"]


def test_calls_of_a_section_are_counted() -> None:
    state = after(started(), Continuing("s1", 10, 100), Retrying("server", "", 1, 0.1, "s1"))
    assert state.runs["s1"].calls == 3
    state.apply(Retrying("server", "", 1, 0.1))  # of a plan, or a summary
    state.apply(Retrying("server", "", 1, 0.1, "s9"))
    assert state.runs["s1"].calls == 3


def test_reading_and_reasoning_are_known_until_text_comes() -> None:
    reading, thinking = ReadingPrompt("s1", 5, 10), Thinking("s1", 30)
    state = after(started(), reading)
    assert state.waiting is reading
    state.apply(thinking)
    assert state.waiting is thinking
    state.apply(TextDelta("s1", "One"))
    assert state.waiting is None
    state.apply(thinking)
    state.apply(started("s2", 2))
    assert state.waiting is None


def test_a_retry_is_known_until_text_comes_or_a_section_starts() -> None:
    retry = Retrying("server", "fault", 1, 0.5, "s1")
    state = after(started(), retry)
    assert state.retrying is retry
    state.apply(TextDelta("s1", "One"))
    assert state.retrying is None
    state.apply(retry)
    state.apply(started("s2", 2))
    assert state.retrying is None


def test_the_end_is_known_until_another_section_starts() -> None:
    end = DocumentFinished(3, 200, Usage(20, 5), 1.0)
    state = after(started(), finished(), end)
    assert state.finished is end
    state.apply(started("s2", 2))
    assert state.finished is None


@pytest.mark.parametrize(
    "event",
    [
        ContextTrimmed("s1", 10, 5, 1, 4),
        NotesLeftOut("s1", ("Note",)),
        SummaryMade("s1", "It says.", "d"),
        PlanRejected(1, ("No.",)),
    ],
)
def test_other_events_change_nothing(event: Event) -> None:
    def seen(state: RunState) -> list[object]:
        (run,) = state.runs.values()
        values = [run.text, run.calls, run.undisturbed, run.finished, run.first_text, run.basis]
        values += [state.plan, state.plan_text, state.planned_chapters, state.waiting, state.retrying, state.finished]
        return [*values, state.length, state.usage, state.throughput.characters_per_second]

    waits = Retrying("server", "fault", 1, 0.5, "s1"), Thinking("s1", 3)
    state = after(PlanReady(PLAN), started(), TextDelta("s1", "One"), *waits)
    before = seen(state)
    state.apply(event)
    assert seen(state) == before


# ---- undisturbed ------------------------------------------------------------------------------------------------


def undisturbed(*events: Event) -> list[bool]:
    return [run.undisturbed for run in after(*events).runs.values()]


def test_a_section_alone_and_without_faults_is_undisturbed() -> None:
    assert undisturbed(started(), TextDelta("s1", "One"), finished(), started("s2", 2), finished("s2")) == [True, True]
    assert undisturbed(started(), Continuing("s1", 10, 100), TextRolledBack("s1", 0, "")) == [True]
    assert undisturbed(started(resumed=True)) == [False]
    assert undisturbed(started(), Retrying("server", "", 1, 0.1, "s1")) == [False]
    assert undisturbed(started(), Retrying("server", "", 1, 0.1)) == [True]
    # Parallel sections are disturbed, and stay so when one of them continues alone.
    assert undisturbed(started(), started("s2", 2), finished(), TextDelta("s2", "One")) == [False, False]
    assert undisturbed(started(), started("s2", 2), finished(), finished("s2"), started("s3", 3)) == [
        False,
        False,
        True,
    ]


# ---- the whole document -----------------------------------------------------------------------------------------


def test_length_and_target_are_the_whole_documents() -> None:
    sections = (section("s1", "One two three."), section("s2", "Four five.", 200), section("s3"))
    state = after(sections=sections)
    assert (state.target, state.length) == (400, 5)
    assert state.text_of("s2") == "Four five." and state.text_of("s9") == ""
    state.apply(started("s2", 2, resumed=True, keep=5))  # "Four "
    assert state.length == 4
    state.apply(TextDelta("s2", "six seven."))
    assert (state.length, state.text_of("s2")) == (6, "Four six seven.")
    state.apply(finished("s2", 3))
    assert state.length == 6
    state.begin([section("s1", "One."), section("s2", "Four six seven.", 50)])
    assert (state.target, state.length) == (150, 4)


def test_usage_is_the_sum_of_the_finished_sections() -> None:
    state = after(started(), finished(), started("s2", 2), finished("s2", usage=Usage(30, 7, 4)), started("s3", 3))
    assert state.usage == Usage(50, 12, 4)


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["One ", "two.", "\n\n", "字字", "a-", "b", " "]).map(lambda text: TextDelta("s1", text)),
            st.integers(0, 12).map(lambda keep: TextRolledBack("s1", keep, "")),
        ),
        max_size=30,
    )
)
def test_a_runs_length_is_that_of_its_text(events: list[Event]) -> None:
    state = after(started(), *events)
    text = ""
    for event in events:
        match event:
            case TextDelta(text=piece):
                text += piece
            case TextRolledBack(keep=keep):
                text = text[:keep]
    run = state.runs["s1"]
    assert run.text == text and run.length == state.length == count_words(text)


# ---- speed ------------------------------------------------------------------------------------------------------


def test_throughput_covers_the_last_thirty_seconds() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    assert throughput.characters_per_second == throughput.tokens_per_second == 0.0
    throughput.add(50)
    assert throughput.characters_per_second == 50.0  # at least a second counts
    clock.now += 10
    throughput.add(50)
    assert throughput.characters_per_second == 10.0
    clock.now += 10
    assert throughput.characters_per_second == 5.0  # no text comes
    clock.now += 15
    throughput.add(20)
    # The first piece is 35 seconds old.
    assert throughput.characters_per_second == pytest.approx(70 / 30)
    clock.now += 31
    assert throughput.characters_per_second == 0.0
    throughput.add(30)
    assert throughput.characters_per_second == 1.0


def test_pieces_close_together_are_batched_without_loss() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    for _ in range(5000):
        throughput.add(2)
        clock.now += 0.01
    assert len(throughput._pieces) <= 30 / 0.1 + 2
    assert throughput.characters_per_second == pytest.approx(200, rel=0.01)


def test_time_before_a_restart_does_not_count() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    throughput.add(1000)
    clock.now += 3600  # the writer paused
    throughput.restart()
    assert throughput.characters_per_second == 0.0
    clock.now += 2
    throughput.add(10)
    assert throughput.characters_per_second == 5.0


def test_tokens_per_second_follow_from_the_finished_sections() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    throughput.add(42)
    assert throughput.tokens_per_second == pytest.approx(10)  # the usual token size
    throughput.learn(100, 0)  # ignored
    assert throughput.tokens_per_second == pytest.approx(10)
    throughput.learn(60, 30)
    throughput.learn(40, 20)
    assert throughput.tokens_per_second == pytest.approx(21)


def test_a_run_has_a_speed_and_a_remaining_time() -> None:
    clock = Clock()
    state = RunState([section("s1", "", 30), section("s2", "One two three four.", 10)], clock)
    assert state.seconds_left is None
    state.apply(started())
    clock.now += 10
    for _ in range(10):
        state.apply(TextDelta("s1", "word "))
    # 50 characters, which are 10 words, in 10 seconds; 14 of 40 words are there.
    assert state.units_per_second == pytest.approx(1.0)
    assert state.seconds_left == pytest.approx(26)
    clock.now += 10
    assert state.seconds_left == pytest.approx(52)  # at half that speed
    state.apply(finished(length=10, usage=Usage(20, 25)))
    assert state.throughput.tokens_per_second == pytest.approx(state.throughput.characters_per_second / 2)
    clock.now += 40
    assert state.seconds_left is None  # no text comes


def test_no_time_remains_once_the_document_has_its_length() -> None:
    clock = Clock()
    state = RunState([section("s1", "", 2)], clock)
    state.apply(started())
    clock.now += 1
    state.apply(TextDelta("s1", "One two three four "))
    assert state.seconds_left == 0


def test_kept_text_counts_neither_for_speed_nor_for_token_size() -> None:
    clock = Clock()
    text = "One two three. " * 10
    state = RunState([section("s1", text)], clock)
    state.apply(started(resumed=True, keep=len(text)))
    clock.now += 10
    state.apply(TextDelta("s1", "word " * 10))
    assert state.throughput.characters_per_second == 5.0 and state.units_per_second == pytest.approx(1.0)
    state.apply(finished(length=40, usage=Usage(20, 25)))
    assert state.throughput.tokens_per_second == pytest.approx(2.5)  # 25 tokens for 50 characters
