"""What a document is called before it has a title of its own."""

from __future__ import annotations

import pytest

from lwtui.documents.model import printed_title, title_from


@pytest.mark.parametrize(
    ("instruction", "title"),
    [
        ("Write a guide to growing tomatoes on a balcony.", "A guide to growing tomatoes on a balcony"),
        ("Please write me a history of tea", "A history of tea"),
        ("write about soil", "Soil"),
        ("Explain how vaccines work", "How vaccines work"),
        ("# Bees in the city\nFor beginners.", "Bees in the city"),
        ("Writers of the north", "Writers of the north"),
        ("Write", "Write"),
        ("Ein Bericht über Bienen", "Ein Bericht über Bienen"),
        ("写一篇关于番茄的文章。", "写一篇关于番茄的文章"),
        (" \n", "Untitled"),
    ],
)
def test_a_title_says_what_is_asked_for(instruction: str, title: str) -> None:
    assert title_from(instruction) == title


def test_a_long_title_is_cut_at_a_word() -> None:
    title = title_from("Describe " + "the long way home " * 20)
    assert title.startswith("The long way home")
    assert title.endswith(("way…", "home…", "long…", "the…"))
    assert len(title) <= 81


def test_a_title_that_was_cut_is_printed_whole_up_to_its_stop_or_by_another_name() -> None:
    guide = "growing tomatoes on a small balcony in a northern city, with chapters on soil, pots, light and pests"
    asked = f"Write a guide to {guide}. Use plain words.\nAnd be brief."
    assert title_from(asked).endswith("…")
    assert printed_title(title_from(asked), asked, "tomatoes") == f"A guide to {guide}"
    endless = f"Write a guide to {guide}, and another one on {guide}"
    assert printed_title(title_from(endless), endless, "tomatoes") == "tomatoes"
    # A title of one's own is printed as it is.
    for own in ("Tomatoes", "And then…"):
        assert printed_title(own, asked, "tomatoes") == own


def test_a_printed_title_is_never_empty() -> None:
    instruction = "？" + "long " * 40
    assert printed_title(title_from(instruction), instruction, "Untitled") == "Untitled"
