"""Cleaning removes everything that could control a terminal, from whole texts and from pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text import ControlStripper, clean


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("plain text\n\tindented", "plain text\n\tindented"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hcleared", "cleared"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;aGVsbG8=\x07clipboard", "clipboard"),
        ("\x1bPq#0sixel\x1b\\after", "after"),
        ("\x9b31mred", "red"),
        ("\x9d0;title\x9ctext", "text"),
        ("\x1b(0line", "line"),
        ("\x1bcreset", "reset"),
        ("a\x00b\x07c\x08d\x7fe\x85f", "abcdef"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("\ufeffmark \u202etxet\u202c \u2066x\u2069", "mark txet x"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("番茄 🍅 e\u0301 👩‍👩‍👧 فارسی‌ها", "番茄 🍅 e\u0301 👩‍👩‍👧 فارسی‌ها"),
        ("ends in \x1b", "ends in "),
        ("\x1b]no end", "no end"),
        ("\x1b]broken off\x1b[31m by another", "broken off by another"),
        ("\x1b[[bold", "bold"),
    ],
)
def test_unsafe_characters_are_removed(dirty: str, expected: str) -> None:
    assert clean(dirty) == expected


_TOKENS = [
    "\x1b",
    "[",
    "31m",
    "]",
    "0;t",
    "\x07",
    "\x1b\\",
    "\\",
    "P",
    "\x9c",
    "\x9b",
    "\x9d",
    "\r",
    "\n",
    "\x1b[",
    ";",
    "(",
    "\x90",
]
_LONG = ["1" * 63, "/" * 7, "x" * 2047, "x" * 4095, "\r\n" * 2000]
_PIECES = st.lists(st.one_of(st.sampled_from(_TOKENS), st.text(max_size=4), st.sampled_from(_LONG)), max_size=30)


@given(_PIECES)
def test_cleaning_pieces_equals_cleaning_the_whole(pieces: list[str]) -> None:
    stripper = ControlStripper()
    together = "".join(stripper.add(piece) for piece in pieces) + stripper.close()
    assert together == clean("".join(pieces))


@given(_PIECES)
def test_a_clean_text_stays_unchanged_and_has_no_control_characters(pieces: list[str]) -> None:
    text = clean("".join(pieces))
    assert clean(text) == text
    assert not any(ord(char) < 32 and char not in "\n\t" for char in text)
    assert "\x1b" not in text


def test_text_outside_sequences_is_returned_at_once() -> None:
    stripper = ControlStripper()
    assert stripper.add("Hello wor") == "Hello wor"
    assert stripper.add("ld\x1b[3") == "ld"
    assert stripper.add("1mred") == "red"
    assert stripper.close() == ""


@pytest.mark.parametrize("start", ["\x1b]0;", "\x9d", "\x1bP", "\x90", "\x1b_"])
def test_an_unterminated_sequence_does_not_swallow_the_text(start: str) -> None:
    text = "a word and another, " * 2000
    assert clean(start + text).endswith(text)
    stripper = ControlStripper()
    shown = "".join(stripper.add(piece) for piece in (start, *("a word and another, " * 10 for _ in range(190))))
    assert len(shown) > 30_000  # it is not held back forever
    shown += "".join(stripper.add("a word and another, " * 10) for _ in range(10)) + stripper.close()
    assert shown == clean(start + text)
