"""Blocks of code and tables are found and blanked out, and the offsets stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text.blocks import BlankedText, blank_blocks, blank_code, has_table
from lwtui.text.code_blocks import CodeBlocks

TABLE = "| Tea | Water |\n|:----|------:|\n| Green | 70 °C |\n| Black | 95 °C |"
BARE = "Tea | Water\n--- | ---\nGreen | 70 °C\nBlack | 95 °C"


@pytest.mark.parametrize("table", [TABLE, BARE, TABLE.replace("| Tea", "   | Tea"), "| 茶 |\n| - |\n| 绿茶 |"])
def test_a_table_is_found_and_blanked(table: str) -> None:
    text = f"Before it.\n\n{table}\n\nAfter it."
    assert has_table(text)
    blanked = blank_blocks(text)
    assert blanked.split() == ["Before", "it.", "After", "it."]
    assert len(blanked) == len(text) and blanked.index("After") == text.index("After")


@pytest.mark.parametrize(
    "text",
    [
        "No bars at all.",
        "One | bar in a sentence, and a rule below:\n---\nthe end",
        f"```\n{TABLE}\n```",  # shown as code
        "| only | headings |",
        "| a | b |\n| c | d |",  # without a delimiter row, Markdown shows bars
        "",
    ],
)
def test_what_is_no_table(text: str) -> None:
    assert not has_table(text)


@pytest.mark.parametrize("fence", ["```", "~~~", "````", "```python"])
def test_code_is_blanked(fence: str) -> None:
    closing = fence.removesuffix("python")
    text = f"It prints.\n{fence}\nprint('Hi. Hi.')\n{closing}\nThe end."
    assert blank_code(text).split() == ["It", "prints.", "The", "end."]
    assert blank_code(text).index("The") == text.index("The")


@given(st.text(alphabet="|-: `~a\n", max_size=80))
def test_blanking_keeps_every_offset(text: str) -> None:
    blanked = blank_blocks(text)
    assert len(blanked) == len(text)
    assert all(new in (old, " ") for new, old in zip(blanked, text, strict=True))


@given(
    st.lists(
        st.sampled_from(["```", "~~~", "```py\n", "\n", "\n\n", "| a |", "|-|\n", "a | b\n", "-|-", "x ", " ", "`"])
    )
)
def test_a_growing_text_is_blanked_as_if_it_were_read_at_once(pieces: list[str]) -> None:
    blanked, text = BlankedText(), ""
    for piece in pieces:
        text += piece
        assert blanked.of(text) == blank_blocks(text)


def test_a_growing_text_is_not_read_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    add = CodeBlocks.add

    def counted(blocks: CodeBlocks, line: str) -> bool:
        lines.append(line)
        return add(blocks, line)

    monkeypatch.setattr(CodeBlocks, "add", counted)
    blanked, text = BlankedText(), ""
    for number in range(400):
        text += f"Line {number}.\n" if number % 7 else f"```\nx = {number}\n```\n{TABLE}\n\n"
        assert len(blanked.of(text)) == len(text)
    assert len(lines) < 3 * text.count("\n")
