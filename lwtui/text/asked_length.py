"""The length that an instruction asks for."""

from __future__ import annotations

import regex

DEFAULT_WORDS = 1500  # where the instruction asks for no length
MIN_WORDS, MAX_WORDS = 20, 1_000_000

_HUGE = 1e12  # stands for any larger number

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


def words_in(instruction: str) -> int | None:
    """Return the length that an instruction asks for ("a 2,000-word essay", "两千字"), the largest of several."""
    numbers = [scaled(match["number"], match["scale"]) for match in _DIGITS.finditer(instruction)]
    numbers += [_han_number(match["number"]) for match in _HAN_NUMBER.finditer(instruction)]
    return max((number for number in numbers if MIN_WORDS <= number <= MAX_WORDS), default=None)


def scaled(number: str, scale: str | None) -> int:
    """Parse a number such as ``2,000`` with its scale, such as ``k``."""
    factor = {"k": 1000, "千": 1000, "万": 10_000, "萬": 10_000}.get((scale or "").lower(), 1)
    if regex.fullmatch(r"-?\d{1,3}(?:[,. ]\d{3})+", number):
        number = regex.sub(r"[,. ]", "", number)
    return round(min(_HUGE, float(number.replace(",", "")) * factor))


def _han_number(text: str) -> int:
    """Parse a Chinese number, such as ``两千五百`` for 2500."""
    total = part = digit = 0
    for character in text:
        if character in "万萬":
            total, part, digit = (total + part + digit or 1) * 10_000, 0, 0
        elif character in _HAN_SCALES:
            part, digit = part + (digit or 1) * _HAN_SCALES[character], 0
        else:
            digit = _HAN_DIGITS[character]
    return total + part + digit
