"""The first lines of a source that only name it are no text."""

from __future__ import annotations

import pytest

from lwtui.sources.title_page import without_title_page

CSL = {
    "title": "The Fish Market",
    "author": [{"given": "Ruth", "family": "Olney"}, {"literal": "林文"}],
}


@pytest.mark.parametrize(
    "head",
    [
        "The Fish Market\nRuth Olney\n2007-05-01\n",
        "The Fish Market Ruth Olney 2007-05-01\n",
        "THE FISH MARKET\nby Olney, Ruth and 林文\n1 May 2007\n",
        "",
    ],
)
def test_title_authors_and_date_are_left_out(head: str) -> None:
    text = "The fish market stands on the quay.\nRuth Olney was born there."
    assert without_title_page(head + text, "The Fish Market", CSL) == text


@pytest.mark.parametrize(
    "text",
    [
        "The Fish Market of Wickham stands on the quay.\nIt is old.",
        "The Fish Market",
        "Ruth Olney sold fish.\nIn 2007 she died.",
        "茶馆很老。\n它在港口。",
    ],
)
def test_what_says_more_stays(text: str) -> None:
    assert without_title_page(text, "The Fish Market", CSL) == text
