"""The one definition of a formula: the parser, citations and the checks agree on it."""

from __future__ import annotations

import pytest
from markdown_it.token import Token

from lwtui.documents.markdown_extensions import FORMULAS
from lwtui.documents.plain_text import parser
from lwtui.sources.citations import find_citations
from lwtui.sources.prose import without_code
from lwtui.text.formulas import formula_spans

FORMULA = ["$E = mc^2$", "$x$", "\\(a + b\\)", "\\[a = b\\]", "$$Q = mc\\Delta T$$", "$a, b$", "$p < .05$"]
TEXT = [
    "It was $5 (see [@a]), and now it is $ 7.",
    "It was $5 (see [@a]) and then 6$ more.",
    "From $5 [@a] to $6 a cup.",
    "Set $HOME/bin:$PATH as [@a] says.",
    "US$5 [@a] and HK$7.",
    "A \\[sic\\] of [@a] and \\[another\\].",
    "It costs \\$5 [@a], not \\$6.",
    "One dollar $ [@a] stands alone.",
    "Half a formula $x = [@a] goes on.\n\nAnd ends here$.",
]


def _in_parser(text: str) -> int:
    def inner(tokens: list[Token]) -> int:
        return sum((token.type in FORMULAS) + inner(token.children or []) for token in tokens)

    return inner(parser().parse(text))


@pytest.mark.parametrize("formula", FORMULA)
def test_a_formula_is_one_everywhere(formula: str) -> None:
    text = f"So {formula} as it says [@a]."
    assert [text[start:end] for start, end in formula_spans(text)] == [formula]
    assert _in_parser(text) == 1
    assert formula not in without_code(text) and len(without_code(text)) == len(text)
    assert [citation.key for citation in find_citations(text, ["a"])] == ["a"]
    inside = formula[:-1] + " [@a]" + formula[-1:] if formula[-1] == "$" and formula[-2] != "$" else ""
    if inside and formula_spans(inside):
        assert find_citations(inside, ["a"]) == []


@pytest.mark.parametrize("text", TEXT)
def test_what_is_no_formula_hides_no_citation(text: str) -> None:
    assert formula_spans(text) == [] and _in_parser(text) == 0
    assert without_code(text) == text
    assert [citation.key for citation in find_citations(text, ["a"])] == ["a"]


def test_a_formula_after_an_amount_is_found() -> None:
    text = "For $5 and more one gets $E = mc^2$ in print [@a]."
    assert [text[start:end] for start, end in formula_spans(text)] == ["$E = mc^2$"]
    assert [citation.key for citation in find_citations(text, ["a"])] == ["a"]
