"""Texts are divided into passages, and nothing of them is lost."""

from __future__ import annotations

from time import perf_counter

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from lwtui.sources.model import Stretch
from lwtui.sources.reading.job import SourceError
from lwtui.sources.reading.passages import LEAST, MOST, divide
from lwtui.sources.reading.pdf_text import paragraphs
from lwtui.text import clean, count_words
from tests.cli.running import prose
from tests.errors import has_code


def bare(text: str) -> str:
    return regex.sub(r"\s+", "", text)


TEXTS = {
    "English": "".join(prose(1, 3_000)),
    "Chinese": "茶叶生长在高山上，农民在春天采摘。" * 100,
    "Japanese": "お茶は山で育ちます。春に摘みます。" * 100,
    "Thai": "ชาเติบโตบนภูเขาสูง " * 200,
    "without sentences": "no end of any sentence " * 500,
    "one word": "x" * 20_000,
    "Chinese without marks": "茶" * 5_000,
    "abbreviations": "Dr. Gray met Prof. Li at 3.5 p.m. on Jan. 4. " * 80,
}


@pytest.mark.parametrize("name", TEXTS)
def test_passages_are_of_the_usual_size_and_lose_nothing(name: str) -> None:
    text = TEXTS[name]
    passages = divide([Stretch(text)])
    assert bare("".join(passage.text for passage in passages)) == bare(text)
    sizes = [count_words(passage.text) for passage in passages]
    assert max(sizes) <= MOST and all(len(passage.text) <= 9_000 for passage in passages)
    if " " in text[:30] or "。" in text:
        assert all(size >= LEAST for size in sizes[:-1]), sizes


def test_a_passage_ends_with_a_sentence_and_keeps_to_a_page() -> None:
    pages = [Stretch("".join(prose(number, 110)), number) for number in range(1, 6)]
    passages = divide(pages)
    assert [passage.page for passage in passages] == [1, 2, 3, 4, 5]
    assert all(passage.text.endswith(".") for passage in passages)
    short = divide([Stretch(f"Page {number} is short.", number) for number in range(1, 6)])
    assert [(passage.page, passage.text.count("\n")) for passage in short] == [(1, 4)]


def test_a_passage_begins_with_its_heading() -> None:
    text = [Stretch("Leaf"), Stretch("".join(prose(1, 100))), Stretch("Water"), Stretch("".join(prose(2, 100)))]
    passages = divide(text)
    assert [passage.text.split("\n")[0] for passage in passages] == ["Leaf", "Water"]
    full = [Stretch("".join(prose(1, 240))), Stretch("Water"), Stretch("".join(prose(2, 100)))]
    assert [passage.text.startswith("Water") for passage in divide(full)] == [False, True]


def test_no_text_has_no_passages_and_too_much_is_told() -> None:
    assert divide([]) == divide([Stretch(" \n ")]) == ()
    with pytest.raises(SourceError, check=has_code("too-large")):
        divide(Stretch("word " * 200_000) for _ in range(12))


def test_a_megabyte_takes_as_long_as_its_parts_together() -> None:
    text = "x" * 100_000
    start = perf_counter()
    divide([Stretch(text)])
    once = perf_counter() - start
    start = perf_counter()
    divide([Stretch(text * 10)])
    assert perf_counter() - start < 60 * max(once, 0.02)  # a square of the length would take a hundred times as long


@given(st.lists(st.text(max_size=400), max_size=8))
def test_any_text_can_be_divided(texts: list[str]) -> None:
    texts = list(map(clean, texts))
    passages = divide(map(Stretch, texts))
    assert bare("".join(passage.text for passage in passages)) == bare("".join(texts))


PLANTS = ("tea", "rice", "hemp", "rye", "flax", "oats")
HEADED = [
    f"Annual Report 2020\nThe {plant} of the village grew on hills and was pick-\n"
    f"ed by hand for {plant} and money in the spring.\n"
    f"Most {plant} was sold.\n{number}"
    for number, plant in enumerate(PLANTS, 1)
]


def test_running_heads_and_numbers_of_pages_are_left_out() -> None:
    found = paragraphs(HEADED)
    assert [stretch.page for stretch in found] == [1, 2, 3, 4, 5, 6]
    wanted = "The hemp of the village grew on hills and was picked by hand for hemp and money in the spring."
    assert found[2].text == f"{wanted} Most hemp was sold."
    assert "Annual" not in "".join(stretch.text for stretch in found)
    assert not any(stretch.text.endswith(tuple("123456")) for stretch in found)
    assert "Annual Report 2020" in paragraphs(HEADED[:2])[0].text  # two pages do not make a habit


def test_the_running_head_of_a_chapter_is_left_out_too() -> None:
    pages = [
        f"Chapter {1 + at // 5}: Of {PLANTS[at // 5]} {at}\nIn {PLANTS[at // 5]} all {at} begins." for at in range(30)
    ]
    assert not any("Chapter" in stretch.text for stretch in paragraphs(pages))
    apart = ["Tea at last.\nIt rains in spring."] + ["Cups are of clay."] * 9
    assert "Tea at last." in paragraphs(apart * 3)[0].text


@pytest.mark.parametrize(
    ("pages", "texts"),
    [
        (["The tea is well-\nknown for its leaf."], ["The tea is wellknown for its leaf."]),
        (["It was Anglo-\nIndian tea of the best kind."], ["It was Anglo- Indian tea of the best kind."]),
        (["The of\ufb01ce of \ufb02owers."], ["The office of flowers."]),
        (["茶叶生长在高\n山上，农民采摘。"], ["茶叶生长在高山上，农民采摘。"]),
        (["The sentence goes", "on here. Another."], ["The sentence goes on here. Another."]),
        (["The sentence ends.", "on here"], ["The sentence ends.", "on here"]),
        (
            ["Tea needs:\n• water that is hot\n• cups of clay\n1. Boil it."],
            ["Tea needs:", "• water that is hot", "• cups of clay", "1. Boil it."],
        ),
        (["", "  \n "], []),
    ],
)
def test_lines_and_words_are_put_together(pages: list[str], texts: list[str]) -> None:
    assert [stretch.text for stretch in paragraphs(pages)] == texts
