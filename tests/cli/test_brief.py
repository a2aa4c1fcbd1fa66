import argparse

import pytest

from lwtui.cli.brief import language_option, words_in, words_option
from lwtui.command_line.values import seed


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("Write a 2,000-word essay on rain", 2000),
        ("Write 5000 words about rain", 5000),
        ("an essay of 1.500 Wörtern über Regen", 1500),
        ("un texte de 3 000 mots", 3000),
        ("2k words on rain", 2000),
        ("1.5k words on rain", 1500),
        ("A report of 10000 words with 500 words a chapter", 10000),
        ("写一篇2000字的文章", 2000),
        ("写一篇 3 千字的文章", 3000),
        ("写一篇2万字的报告", 20000),
        ("写一篇关于长城的文章，两千字", 2000),
        ("一万五千字以上", 15000),
        ("三千五百个字", 3500),
        ("2000文字で書いて", 2000),
        ("Напиши 800 слов о дожде", 800),
    ],
)
def test_a_length_that_the_instruction_names(instruction: str, words: int) -> None:
    assert words_in(instruction) == words


@pytest.mark.parametrize(
    "instruction",
    [
        "Write about the year 2024",
        "Write about rain",
        "Explain the 3 rules of rain",
        "A slogan of 5 words",
        "9000000000 words",
        "A poem about the word rain",
        "写一个字",
    ],
)
def test_an_instruction_that_names_no_usable_length(instruction: str) -> None:
    assert words_in(instruction) is None


@pytest.mark.parametrize(
    ("given", "words"), [("2000", 2000), ("2,000", 2000), ("2k", 2000), ("1.5K", 1500), ("20", 20)]
)
def test_words_as_people_write_them(given: str, words: int) -> None:
    assert words_option(given) == words


@pytest.mark.parametrize("given", ["0", "-5", "19", "1000001", "9" * 40, "many", "", "1e3", "∞"])
def test_words_that_are_no_length(given: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        words_option(given)


@pytest.mark.parametrize(
    ("given", "tag"),
    [("en", "en"), ("zh-TW", "zh-TW"), ("pt_BR", "pt-BR"), ("German", "de"), ("sv", "sv"), ("yue", "yue")],
)
def test_languages(given: str, tag: str) -> None:
    assert language_option(given) == tag


@pytest.mark.parametrize("given", ["klingonish", "xx", "e", "", "en us", "de-", "../en"])
def test_what_is_not_a_language(given: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        language_option(given)


@pytest.mark.parametrize("given", ["-1", "1.5", "x", "", "99999999999"])
def test_what_is_not_a_seed(given: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        seed(given)
