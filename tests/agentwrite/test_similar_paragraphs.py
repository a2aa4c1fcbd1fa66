"""What stood in an earlier section may come again, as in recipes and lessons; several in a row are a repetition."""

from __future__ import annotations

import pytest

from lwtui.agentwrite.filters import FilterChain, FilterVerdict
from lwtui.agentwrite.repetition import RepetitionFilter
from lwtui.agentwrite.similar_paragraphs import SimilarParagraphFilter
from tests.support.author import sentence
from tests.support.feeding import feed

HEADINGS = ("bread", "soup")


def prose(number: int, count: int = 4) -> str:
    return " ".join(sentence(number, index).strip() for index in range(count))


def found(text: str, *earlier: str) -> FilterVerdict | None:
    """Return the verdict on a section that streams in after ``earlier`` ones."""
    filters = FilterChain([RepetitionFilter(earlier), SimilarParagraphFilter(earlier, HEADINGS)])
    verdict = feed(filters, text, 6, ended=True)
    return verdict[0] if verdict else None


IMPORTS = (
    "```python\nimport numpy as np\nimport pandas as pd\nimport seaborn as sns\n\nsns.set_theme(style='ticks')\n```"
)
WANTED = [
    "In this chapter you will learn:",
    "Ingredients (serves four people):",
    "### What you will need",
    "**Ingredients for four people**",
    "Row, row, row your boat, gently down the stream, and do not look back.",
    "Nobody waves.\nThe ferry leaves at dawn, as it has left at dawn on each day of my life.",
    "The sea gives, and the sea takes.\nThe sea takes, and the sea gives.\nSo it was, and so it will be.",
    "- 2 tablespoons of good olive oil",
    "1. Wash your hands with soap and water.",
    "Preheat the oven to 200 °C and line a tray with baking paper.",
    "> Note: keep out of the reach of small children.",
    IMPORTS,
    "```\n$ make\n$ make test\n$ make install\n```",
    "本章你将学到以下这些内容：",
    "准备材料（四人份）：",
    "Was Sie in diesem Kapitel lernen werden:",
    "| Name | Amount | Unit |\n| --- | --- | --- |",
    "What do we know about it, and how do we know it?",
]


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("place", ["first", "within", "last"])
def test_what_stood_in_an_earlier_section_may_come_again(wanted: str, place: str) -> None:
    def section(number: int) -> str:
        before, after = prose(number), prose(number + 50)
        parts = {"first": [wanted, before, after], "within": [before, wanted, after], "last": [before, after, wanted]}
        return "\n\n".join(parts[place])

    sections = [section(number) for number in (1, 2, 3, 4)]
    for at, text in enumerate(sections):
        assert found(text, *sections[:at]) is None


LINES = [
    "The ferry leaves at dawn on each day.",
    "The captain writes a line in his book.",
    "Both of the islands are asleep by noon.",
    "A dog waits at the pier for its master.",
    "The cook has burned the soup once more.",
    "In the evening all of them sing a song.",
    "Then the lamps go out on the whole deck.",
]


@pytest.mark.parametrize("mark", ["", "- ", "1. "])
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_several_in_a_row_are_a_repetition(mark: str, gap: str) -> None:
    again = gap.join(mark + line for line in LINES)
    earlier = f"{prose(1)}\n\n{again}\n\n{prose(2)}"
    verdict = found(f"{prose(3)}\n\n{again}\n\n{prose(4)}", earlier)
    assert verdict is not None and verdict.loop
    assert verdict.keep <= len(prose(3)) + 1  # none of them stays


def test_most_of_a_section_is_a_repetition() -> None:
    first, second = "In this chapter you will learn to row:", "Nobody waves at the ferry when it leaves."
    earlier = f"{first}\n\n{prose(1)}\n\n{second}"
    verdict = found(f"{first}\n\nIt is late.\n\n{second}\n\nSo it goes on.", earlier)
    assert verdict is not None and verdict.keep == 0


@pytest.mark.parametrize(
    "again", ["Row, row, row your boat, gently down the stream.", "In this chapter you will learn:"]
)
def test_the_same_within_a_section_is_a_repetition(again: str) -> None:
    text = f"{again}\n\n{prose(1)}\n\n{again}\n\n{prose(2)}"
    for earlier in ((), (f"{prose(3)}\n\n{again}",)):
        verdict = found(text, *earlier)
        assert verdict is not None and verdict.keep == len(f"{again}\n\n{prose(1)}")


def test_a_long_paragraph_of_an_earlier_section_is_a_repetition() -> None:
    earlier = f"{prose(1)}\n\n{prose(2, 6)}"
    verdict = found(f"{prose(3)}\n\n{prose(2, 6)}", earlier)
    assert verdict is not None and verdict.keep <= len(prose(3)) + 2


def test_a_sentence_of_an_earlier_section_within_a_paragraph_is_a_repetition() -> None:
    verdict = found(f"{prose(3)} {sentence(1, 2).strip()} {prose(4)}", prose(1))
    assert verdict is not None and verdict.keep == len(prose(3))


def test_a_restated_paragraph_and_a_list_that_comes_again_are_found() -> None:
    told = "The roots of a young tomato need loose and warm soil that holds the water well, above all in a dry summer."
    restated = told.replace("young tomato", "small plant").replace("dry summer", "long drought")
    assert found(f"{prose(3)}\n{restated}\n{prose(4)}", told) is not None
    items = "\n".join(f"- {line}" for line in LINES)
    assert found(f"Do this:\n\n{items}\n\n{prose(1)}\n\nOr rather this:\n\n{items}") is not None


def test_the_heading_of_another_section_and_a_second_heading_are_found() -> None:
    assert found(f"{prose(1)}\n\n### Soup\n\n{prose(2)}") is not None
    assert found(f"### What you need\n\n{prose(1)}\n\n### What you need\n\n{prose(2)}") is not None
