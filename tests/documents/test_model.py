"""Titles of documents whose plan has none."""

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
def test_a_title_is_the_subject_of_the_instruction(instruction: str, title: str) -> None:
    assert title_from(instruction) == title


def test_a_long_title_is_cut_at_a_word() -> None:
    title = title_from("Describe " + "the long way home " * 20)
    assert title.startswith("The long way home")
    assert title.endswith(("way…", "home…", "long…", "the…"))
    assert len(title) <= 81


def test_a_printed_title_is_never_cut() -> None:
    guide = "growing tomatoes on a small balcony in a northern city, with chapters on soil, pots, light and pests"
    instruction = f"Write a guide to {guide}. Use plain words.\nAnd be brief."
    assert title_from(instruction).endswith("…")
    assert printed_title(title_from(instruction), instruction, "tomatoes") == f"A guide to {guide}"
    endless = f"Write a guide to {guide}, and another one on {guide}"
    assert printed_title(title_from(endless), endless, "tomatoes") == "tomatoes"
    for title in ("Tomatoes", "And then…"):  # a title that was not cut stays the same
        assert printed_title(title, instruction, "tomatoes") == title


def test_a_printed_title_is_never_empty() -> None:
    instruction = "？" + "long " * 40
    assert printed_title(title_from(instruction), instruction, "Untitled") == "Untitled"
