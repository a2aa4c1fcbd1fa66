"""Text in the cells of a terminal."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.terminal_cells import OPENING, fitted, padded, width_of, wrapped

MIXED = (
    "文档的篇幅，以词计；中文和日文以字计（默认：按写作要求 brief.lw 里的篇幅，否则为 1500）。见 lwtui write "
    "--no-title-page。"
    "“引用”……然后是 https://example.org/a/very/long/address/that/fits/no/line"
)
TEXTS = st.text(st.sampled_from("ab -.()（）“”，。…字日ゃ한é\u0301 "), max_size=60)


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("word", 4), ("词", 2), ("词 a", 4), ("é", 1), ("e\u0301", 1), ("，", 2), ("…", 1)]
)
def test_wide_characters_take_two_cells(text: str, cells: int) -> None:
    assert width_of(text) == cells
    assert width_of(padded(text, 6)) == 6
    assert padded(text, 0) == text


@given(TEXTS, st.integers(1, 30))
def test_a_fitted_text_is_not_wider(text: str, width: int) -> None:
    assert width_of(fitted(text, width)) <= width
    if width_of(text) <= width:
        assert fitted(text, width) == text


@pytest.mark.parametrize("width", [12, 20, 33, 60])
def test_chinese_lines_break_between_characters_but_not_before_closing_punctuation(width: int) -> None:
    lines = wrapped(MIXED, width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == MIXED.replace(" ", "")
    assert not [line for line in lines if line[0] in "，。；：）”…"]
    assert not [line for line in lines if line[-1] in OPENING]
    if width > 20:
        assert any("--no-title-page" in line for line in lines)


@given(TEXTS, st.integers(2, 30))
def test_no_wrapped_line_is_wider(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(st.sampled_from("ab -.()é "), max_size=80), st.integers(3, 30))
def test_text_without_wide_characters_is_wrapped_as_ever(text: str, width: int) -> None:
    assert wrapped(text, width) == textwrap.wrap(text, width)
