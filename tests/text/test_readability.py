"""Figures of readability, in several languages."""

from __future__ import annotations

import pytest

from lwtui.text.readability import readability, readability_line


@pytest.mark.parametrize(
    ("text", "sentences", "mean", "longest"),
    [
        ("It rained. We stayed at home all day.", 2, 4.0, 6),
        ("# Rain\n\n- It rained.\n- We stayed.", 3, 1.7, 2),
        ("下雨了。我们整天待在家里。", 2, 5.5, 8),
        ("雨が降った。家にいた。", 2, 4.5, 5),
        ("Es regnete. Wir blieben zu Hause!", 2, 3.0, 4),
        ("", 0, 0.0, 0),
        ("\n\n  \n", 0, 0.0, 0),
    ],
)
def test_sentences_are_counted(text: str, sentences: int, mean: float, longest: int) -> None:
    figures = readability(text)
    assert (figures.sentences, figures.sentence_length, figures.longest_sentence) == (sentences, mean, longest)


def test_hard_words_and_long_sentences_raise_the_index() -> None:
    easy = readability("The cat sat on the mat. It was red. We saw it.")
    hard = readability(
        "Notwithstanding considerable methodological disagreement, interdisciplinary investigators persevere."
    )
    assert 0 < easy.lix < 25 < 60 < hard.lix
    assert readability("猫坐在垫子上。").lix == readability("猫坐在垫子上。").word_length == 0.0


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("“Go now,” she said.", 0.4),
        ("「行け」と彼は言った。", 0.3),
        ("„Geh jetzt“, sagte sie.", 0.4),
        ("Don't say 'no'.", 0.0),
    ],
)
def test_dialogue_is_measured(text: str, share: float) -> None:
    assert readability(text).dialogue == pytest.approx(share, abs=0.1)


def test_the_figures_fit_a_line() -> None:
    assert readability_line(readability("It rained. “We stay,” she said."), "words") == (
        "2 sentences, 3 words each (± 1, longest 4), LIX 3, 32% dialogue"
    )
