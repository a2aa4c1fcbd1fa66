from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich._wrap import divide_line
from rich.cells import cell_len
from rich.text import Text
from textual._wrap import compute_wrap_offsets
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.wrap import line_offsets, wrap_offsets
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
        ("番茄 1,000.5 个", 8, ["番茄 ", "1,000.5 ", "个"]),  # a number stays whole
        ("他说 I’m here", 8, ["他说 ", "I’m here"]),
        ("番👍🏽👩\u200d🌾茄", 4, ["番👍🏽", "👩\u200d🌾茄"]),
        ("番茄 토마토는 과일", 11, ["番茄 ", "토마토는 ", "과일"]),  # Korean breaks between words
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


# -- labels, lists, dialogs


def label_lines(text: str, width: int, fold: bool = True) -> list[str]:
    cuts = [0, *line_offsets(text, width, fold), len(text)]
    return [text[a:b].rstrip() for a, b in pairwise(cuts)]


@pytest.mark.parametrize(
    ("text", "width", "broken"),
    [
        ("Enter 选用备选稿，m 合并。", 16, ["Enter 选用备选", "稿，m 合并。"]),
        ("Enter 选用备选稿，m 合并。", 18, ["Enter 选用备选稿，", "m 合并。"]),
        ("按 Enter 选用 starter", 13, ["按 Enter 选用", "starter"]),  # the space at the end takes no room
        ("検索 Enter で選ぶ。", 10, ["検索 Enter", "で選ぶ。"]),
        ("见 https://example.org/a/long/path。", 12, ["见 https://e", "xample.org/a", "/long/path。"]),
        ("（番茄）", 1, ["（", "番", "茄", "）"]),
        ("", 8, [""]),
    ],
)
def test_labels_break_between_characters(text: str, width: int, broken: list[str]) -> None:
    assert label_lines(text, width) == broken


def test_a_word_that_may_not_be_folded_has_a_line_of_its_own() -> None:
    assert label_lines("见 https://example.org/ 一节", 8, fold=False) == ["见", "https://example.org/", "一节"]
    assert label_lines("https://example.org/ 一节", 8, fold=False) == ["https://example.org/", "一节"]


@settings(max_examples=200, derandomize=True)
@given(st.text("ab 番茄。，（）」「🐈トー\u3000", max_size=60), st.integers(2, 20))
def test_every_line_of_a_label_fits_and_nothing_is_lost(text: str, width: int) -> None:
    cuts = [0, *line_offsets(text, width), len(text)]
    assert cuts[1:-1] == sorted(set(cuts[1:-1]))
    assert 0 not in cuts[1:-1]
    assert "".join(text[a:b] for a, b in pairwise(cuts)) == text
    assert all(cell_len(text[a:b].rstrip()) <= width for a, b in pairwise(cuts))


@given(st.text("ab c.-", max_size=60), st.integers(2, 20), st.booleans())
@settings(max_examples=50, derandomize=True)
def test_labels_in_other_scripts_break_as_in_textual(text: str, width: int, fold: bool) -> None:
    assert line_offsets(text, width, fold) == divide_line(text, width, fold)


async def test_all_widgets_use_these_line_breaks(place: Place) -> None:
    text = "Enter 选用备选稿，m 将其改动合并到正文。"
    shown = ["Enter 选用备选", "稿，m 将其改动合", "并到正文。"]
    async with someone(size=(80, 24)) as person:
        widgets: list[Widget] = [
            Line(text),
            Static(text),
            Static(Content(text)),
            Static(Text(text)),
            OptionList(text, compact=True),
        ]
        for widget in widgets:
            widget.styles.width, widget.styles.height = 16, "auto"
            widget.styles.border, widget.styles.padding = None, 0
            await person.app.screen.mount(widget, before=0)
            await person.pilot.pause()
            assert widget.size.height == 3, widget
            lines = [widget.render_line(y).text.strip() for y in range(3)]
            assert lines == shown, widget
            await widget.remove()
