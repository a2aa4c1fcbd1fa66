"""Flesch's reading ease and the grade of Flesch and Kincaid, by their published formulas."""

from __future__ import annotations

import pytest

from lwtui.text.readability import readability, syllables


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("cat", 1), ("make", 1), ("table", 2), ("walked", 1), ("wanted", 2), ("happy", 2), ("readability", 5),
        ("the", 1), ("horses", 2), ("rhythm", 1), ("queue", 1), ("beautiful", 3), ("don't", 1), ("me", 1),
    ],
)  # fmt: skip
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_the_formulas_for_english() -> None:
    # 6 words and 6 syllables in each sentence.
    figures = readability("The cat sat on the mat. The dog ran to the gate. ", "en-GB")
    assert figures.reading_ease == pytest.approx(206.835 - 1.015 * 6 - 84.6, abs=0.06)
    assert figures.grade == pytest.approx(0.39 * 6 + 11.8 - 15.59, abs=0.06)
    hard = readability("Institutional considerations necessitate comprehensive methodological clarification.", "en")
    assert hard.reading_ease is not None and hard.reading_ease < 0 and hard.grade is not None and hard.grade > 20


@pytest.mark.parametrize("language", ["", "de", "zh"])
def test_other_languages_have_no_such_figures(language: str) -> None:
    figures = readability("Die Katze sitzt auf der Matte.", language)
    assert figures.reading_ease is None and figures.grade is None
    assert readability("", "en").grade is None
