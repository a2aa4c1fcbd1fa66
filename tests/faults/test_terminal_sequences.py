"""No sequence of bytes from a terminal ends the app, or stops it from reading keys."""

from __future__ import annotations

import random

import pytest

from lwtui.app import terminal_input
from lwtui.app.terminal_input import TerminalParser
from tests.app.test_terminal_input import ANSWERS, ST, key_names
from tests.faults.conftest import Tried
from tests.faults.scale import times

SEQUENCES = times(2_000, 10_000)
PIECES = [
    *("\x1b", "[", "]", "P", "_", "O", "?", "<", ">", ";", ":", "1", "5", "27", "1072", "9999999", "55296", "u", "~"),
    *("A", "M", "d", "c", "$y", "R", "t", "n", "\x07", ST, "\x9b", "\x9d", "\x9c", "\x18", "\x00", " ", "é", "в", "🙂"),
    *("\x1b[200~", "\x1b[201~", "\x1b[48;1;1;1;1t", "\x1b[<0;1;1M"),
]


def test_no_sequence_makes_the_parser_fail(monkeypatch: pytest.MonkeyPatch, tried: Tried) -> None:
    now = 100.0
    monkeypatch.setattr(terminal_input, "monotonic", lambda: now)
    draw, parser = random.Random(1), TerminalParser()
    for _ in range(SEQUENCES):
        list(parser.feed("".join(draw.choices(PIECES, k=draw.randint(1, 12)))))
        now += draw.choice((0.0, 0.05, 0.2))
        list(parser.tick())
    now += 10
    list(parser.tick())
    list(parser.feed("\x1b[201~"))
    assert key_names(parser.feed("x")) == ["x"]
    tried("made-up input: sequences of a terminal", "keys go on working", SEQUENCES)


def test_an_answer_of_the_terminal_is_no_key_wherever_it_is_divided(tried: Tried) -> None:
    places = 0
    for answer in ANSWERS:
        for middle in range(1, len(answer)):
            parser = TerminalParser()
            chunks = ("a", answer[:middle], answer[middle:], "b")
            assert [key for chunk in chunks for key in key_names(parser.feed(chunk))] == ["a", "b"], (answer, middle)
            places += 1
    tried("late answers of a terminal, divided at any place", "no key", places)
