"""Which words of a title keep their capitals."""

from __future__ import annotations

import pytest

from lwtui.sources.titles import kept_words, mark_words, words_with_capitals


@pytest.mark.parametrize(
    ("title", "language", "kept"),
    [
        ("Tea in Assam: the BBC history of Darjeeling", "", "Tea in {Assam}: the {BBC} history of {Darjeeling}"),
        ("The Tea Gardens of the Old Empire", "", "The Tea Gardens of the Old Empire"),
        ("A New Look at COVID-19 from the Tea Gardens", "", "A New Look at {COVID-19} from the Tea Gardens"),
        ("Der Tee in Assam und die Berge", "", "Der {Tee} in {Assam} und die {Berge}"),
        ("Große Häuser", "de-DE", "Große {Häuser}"),
        ("Les jardins de l'Inde", "fr", "Les jardins de {l'Inde}"),
        ("Tea in Assam", "", "Tea in {Assam}"),
        ("TEA IN ASSAM", "", "TEA IN ASSAM"),
        ("中国茶 and the WHO", "", "中国茶 and the {WHO}"),
        ("What is tea? A history of what we drink", "en", "What is tea? A history of what we drink"),
        ("", "", ""),
    ],
)
def test_names_and_acronyms_keep_their_capitals(title: str, language: str, kept: str) -> None:
    assert mark_words(title, kept_words(title, language), "{", "}") == kept


def test_words_with_capitals_are_those_that_begin_no_part_of_a_title() -> None:
    title = "Great Books: The Tea of Assam"
    assert mark_words(title, words_with_capitals(title), "{", "}") == "Great {Books}: The {Tea} of {Assam}"
