import argparse

import pytest

from lwtui.cli.brief import language_option, words_option
from lwtui.command_line.values import seed


@pytest.mark.parametrize(
    ("given", "words"), [("2000", 2000), ("2,000", 2000), ("2k", 2000), ("1.5K", 1500), ("20", 20)]
)
def test_lengths_are_parsed_as_people_write_them(given: str, words: int) -> None:
    assert words_option(given) == words


@pytest.mark.parametrize("given", ["0", "-5", "19", "1000001", "9" * 40, "many", "", "1e3", "∞"])
def test_invalid_lengths_are_rejected(given: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        words_option(given)


@pytest.mark.parametrize(
    ("given", "tag"),
    [("en", "en"), ("zh-TW", "zh-TW"), ("pt_BR", "pt-BR"), ("German", "de"), ("sv", "sv"), ("yue", "yue")],
)
def test_languages_are_parsed(given: str, tag: str) -> None:
    assert language_option(given) == tag


@pytest.mark.parametrize("given", ["klingonish", "xx", "e", "", "en us", "de-", "../en"])
def test_invalid_languages_are_rejected(given: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        language_option(given)


@pytest.mark.parametrize("given", ["-1", "1.5", "x", "", "99999999999"])
def test_invalid_seeds_are_rejected(given: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        seed(given)
