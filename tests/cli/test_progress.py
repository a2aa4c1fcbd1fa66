from dataclasses import dataclass

from lwtui.agentwrite.events import SectionFinished, SectionStarted, TextDelta, TextRolledBack
from lwtui.cli.progress import Tally
from lwtui.documents.model import Provenance, Section, Status, Usage


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def section(name: str, words: int, text: str = "", status: Status = Status.EMPTY) -> Section:
    return Section(name, name.upper(), "", words, status, text, len(text.split()))


def started(name: str, position: int, keep: int = 0) -> SectionStarted:
    return SectionStarted(name, position, 2, name.upper(), 100, keep > 0, keep, Provenance("m"))


def begun() -> tuple[Tally, Clock]:
    clock = Clock()
    tally = Tally(clock=clock)
    tally.begin([section("a", 100), section("b", 100)], "words")
    return tally, clock


def test_the_line_tells_section_words_speed_and_time_left() -> None:
    tally, clock = begun()
    tally.take(started("a", 1))
    tally.take(TextDelta("a", "one "))
    clock.now += 10
    tally.take(TextDelta("a", "two " * 39))
    assert tally.line(200) == "1/2 A · 40 of 200 words · 4.0 words/s · 40 s left"


def test_text_that_is_taken_back_no_longer_counts() -> None:
    tally, _ = begun()
    tally.take(started("a", 1))
    tally.take(TextDelta("a", "one two three"))
    tally.take(TextRolledBack("a", 7, "a loop"))
    assert tally.length == 2
    tally.take(SectionFinished("a", 2, 100, Usage(), 1.0))
    tally.take(started("b", 2))
    assert tally.length == 2


def test_a_resumed_document_counts_what_it_had_but_not_as_speed() -> None:
    clock = Clock()
    tally = Tally(clock=clock)
    tally.begin([section("a", 100, "word " * 90, Status.DONE), section("b", 100, "one two three")], "words")
    assert tally.length == 93
    tally.take(started("b", 2, keep=7))
    tally.take(TextDelta("b", " four"))
    clock.now += 2
    tally.take(TextDelta("b", " five" * 8))
    assert tally.length == 101
    assert tally.speed == 4.0


def test_sections_side_by_side_are_counted_together() -> None:
    tally, _ = begun()
    tally.take(started("a", 1))
    tally.take(started("b", 2))
    tally.take(TextDelta("a", "one"))
    tally.take(TextDelta("b", "two three"))
    assert tally.line(200) == "1/2 (+1) A · 3 of 200 words"


def test_the_line_fits_the_terminal_in_columns_not_characters() -> None:
    tally = Tally()
    tally.begin([Section("a", "长城的历史与文化", "", 2000, Status.EMPTY, "", 0)], "characters")
    tally.take(SectionStarted("a", 1, 1, "长城的历史与文化", 2000, False, 0, Provenance("m")))
    assert tally.line(16) == "1/1 长城的历史…"
