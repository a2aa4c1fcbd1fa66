"""From the words of a command to a :class:`Brief`: the instruction, how long, in which language."""

from __future__ import annotations

import argparse
import locale
import sys

import regex

from lwtui.agentwrite.prompt_templates import LANGUAGES
from lwtui.command_line.values import seed
from lwtui.errors import UsageError
from lwtui.models.base import Sampling
from lwtui.models.sampling import PRESETS, with_sampling
from lwtui.text import detect_language

DEFAULT_WORDS = 1500
LEAST_WORDS, MOST_WORDS = 20, 1_000_000

SAMPLING_SETS = ", ".join(PRESETS)  # as an option's help names them

_UNIT = (
    r"words?\b|characters?\b|Wörter\w*|Worte?\b|mots?\b|palabras?\b|palavras?\b|parole?\b|woorden?\b|слов\w*"
    r"|단어|字|文字|词|詞|単語"
)
_DIGITS = regex.compile(
    r"(?<![A-Za-z\d.,])(?P<number>\d{1,3}(?:[,. ]\d{3})+|\d+(?:\.\d+)?)"
    rf"[ -]?(?P<scale>k|千|万|萬)?[ -]?(?:{_UNIT})",
    regex.IGNORECASE,
)
_HAN_NUMBER = regex.compile(
    r"(?<!\d)(?P<number>[一二两兩三四五六七八九十百千万萬]+)(?:多|余)?(?:个|個)?(?:字|词|詞|文字)"
)
_HAN_DIGITS = {
    character: value
    for value, characters in enumerate(("", "一", "二两兩", "三", "四", "五", "六", "七", "八", "九"))
    for character in characters
}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000}


def add_brief_options(to: argparse.ArgumentParser) -> None:
    """The options that describe a new document."""
    to.add_argument(
        "--words",
        type=words_option,
        metavar="N",
        help="how long it is to be, in words, or characters for Chinese and Japanese "
        f"(default: a number of words that the instruction names, or {DEFAULT_WORDS})",
    )
    to.add_argument(
        "--language",
        type=language_option,
        metavar="TAG",
        help="such as en, de or zh-TW (default: the language of the instruction)",
    )
    to.add_argument("--seed", type=seed, metavar="N", help="draw the same text again where the model can")
    to.add_argument(
        "--sampling",
        type=sampling_option,
        metavar="LIST",
        help=f'how tokens are drawn: {SAMPLING_SETS}, or such as "temperature=0.7, min_p=0.05, dry_multiplier=0.8"',
    )


def read_instruction(given: str) -> str:
    """The instruction, from standard input where ``-`` is given. Raises :class:`UsageError` if it is empty."""
    text = given
    if given == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError("The instruction on standard input is not UTF-8 text.") from None
    if not text.strip():
        raise UsageError("The instruction is empty. Say what is to be written, in quotes.")
    return text.strip()


def language_of(options: argparse.Namespace, instruction: str) -> str:
    return options.language or detect_language(instruction)


def words_of(options: argparse.Namespace, instruction: str) -> int:
    return options.words or words_in(instruction) or DEFAULT_WORDS


def words_in(instruction: str) -> int | None:
    """The length that an instruction asks for ("a 2,000-word essay", "两千字"), the largest where it names several."""
    numbers = [_scaled(match["number"], match["scale"]) for match in _DIGITS.finditer(instruction)]
    numbers += [_han_number(match["number"]) for match in _HAN_NUMBER.finditer(instruction)]
    return max((number for number in numbers if LEAST_WORDS <= number <= MOST_WORDS), default=None)


def words_option(given: str) -> int:
    """The value of ``--words``: ``2000``, ``2,000`` or ``2k``."""
    match = regex.fullmatch(r"(?P<number>-?\d[\d,]*(?:\.\d+)?)(?P<scale>k)?", given.strip(), regex.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{given!r} is not a number of words such as 2000")
    words = _scaled(match["number"], match["scale"])
    if not LEAST_WORDS <= words <= MOST_WORDS:
        raise argparse.ArgumentTypeError(f"must be from {LEAST_WORDS} to {MOST_WORDS:,}, not {given}")
    return words


def sampling_option(given: str) -> str:
    try:
        with_sampling(Sampling(), given)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None
    return given


def language_option(given: str) -> str:
    """A BCP 47 tag, from one or from the English name of a language."""
    by_name = {name.lower(): tag for tag, name in LANGUAGES.items()}
    if given.lower() in by_name:
        return by_name[given.lower()]
    match = regex.fullmatch(r"(?P<language>[a-z]{2,3})(?:[-_][a-z0-9]{1,8})*", given, regex.IGNORECASE)
    # There are thousands of languages of three letters; those of two are few, and a slip among them shows.
    if match is None or (len(match["language"]) == 2 and match["language"].lower() not in _known_languages()):
        raise argparse.ArgumentTypeError(f"{given!r} is not a language: give a tag such as en, de or zh-TW")
    return given.replace("_", "-")


def _known_languages() -> set[str]:
    names = [*locale.windows_locale.values(), *(name for name in locale.locale_alias if "_" in name.split(".")[0])]
    return {name.split("_")[0].lower() for name in names} | set(LANGUAGES)


def _scaled(number: str, scale: str | None) -> int:
    factor = {"k": 1000, "千": 1000, "万": 10_000, "萬": 10_000}.get((scale or "").lower(), 1)
    if regex.fullmatch(r"-?\d{1,3}(?:[,. ]\d{3})+", number):
        number = regex.sub(r"[,. ]", "", number)
    return round(float(number.replace(",", "")) * factor)


def _han_number(text: str) -> int:
    """``两千五百`` as 2500."""
    total = part = digit = 0
    for character in text:
        if character in "万萬":
            total, part, digit = (total + part + digit or 1) * 10_000, 0, 0
        elif character in _HAN_SCALES:
            part, digit = part + (digit or 1) * _HAN_SCALES[character], 0
        else:
            digit = _HAN_DIGITS[character]
    return total + part + digit
