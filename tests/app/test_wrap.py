from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual._wrap import compute_wrap_offsets

from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.wrap import wrap_offsets
from tests.app.person import someone
from tests.app.place import Place


def lines(text: str, width: int) -> list[str]:
    cuts = [0, *wrap_offsets(text, width, 4), len(text)]
    return [text[a:b] for a, b in pairwise(cuts)]


@pytest.mark.parametrize(
    ("text", "width", "broken"),
    [
        ("番茄需要很多光。", 8, ["番茄需要", "很多光。"]),
        ("番茄需要光。很多", 10, ["番茄需要", "光。很多"]),  # 。 does not begin a line
        ("番茄（很好）和水", 6, ["番茄", "（很", "好）和", "水"]),  # （ does not end a line
        ("Tomatoes 番茄需要很多光", 14, ["Tomatoes 番茄", "需要很多光"]),  # a run does not begin a new line
        ("我喜欢tomatoes和水", 10, ["我喜欢", "tomatoes和", "水"]),
        ("かっこいいトマトー", 8, ["かっこい", "いトマ", "トー"]),
        ("番🐈茄🐈", 4, ["番🐈", "茄🐈"]),
    ],
)
def test_chinese_and_japanese_lines_break_by_their_rules(text: str, width: int, broken: list[str]) -> None:
    assert lines(text, width) == broken


@settings(max_examples=200, derandomize=True)
@given(st.text("ab 番茄。，（）」「🐈トー\u3000", max_size=60), st.integers(2, 20))
def test_every_line_fits_and_nothing_is_lost(text: str, width: int) -> None:
    broken = lines(text, width)
    assert "".join(broken) == text
    assert all(cell_len(line) <= width for line in broken)
    assert wrap_offsets(text, width, 4) == sorted(set(wrap_offsets(text, width, 4)))


@given(st.text("ab c.\t-", max_size=60), st.integers(2, 20))
@settings(max_examples=50, derandomize=True)
def test_other_scripts_break_as_in_textual(text: str, width: int) -> None:
    assert wrap_offsets(text, width, 4) == compute_wrap_offsets(text, width, 4)


async def test_the_editor_uses_these_line_breaks(place: Place) -> None:
    text = "Tomatoes " + "番茄需要很多光，" * 12
    async with someone(place.make(100, texts={1: text}), size=(80, 24)) as person:
        await person.at(WritingScreen)
        await person.press("home")
        await person.sees("Tomatoes 番茄需要很多光，")
        shown = [line.rpartition("││")[2].rstrip("│ ").strip() for line in person.screen_text.split("\n")]
        assert not any(line.startswith("，") for line in shown)
        await person.press("enter", "end", "left")
        await person.type("水")
        await person.press("down", "up", "backspace")
        await person.until(lambda: person.document.section("s1").text == text)
