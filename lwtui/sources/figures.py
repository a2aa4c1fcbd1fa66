"""Finds the figures and dates of a text in a form in which they can be compared, however they are written.

"1,200", "1200", "１２００", "twelve hundred" and "一千二百" are the same, as are "12%", "12 percent" and "百分之十二",
and "3 March 1854", "1854-03-03" and "1854年3月3日".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import regex

from lwtui.text.lazy_pattern import LazyPattern
from lwtui.text.number_words import HAN_DIGITS, HAN_NUMBER, WRITTEN_NUMBER, han_digits, parse_han, parse_written

_DIGITS = r"\p{Nd}{1,3}(?:(?:,\p{Nd}{3})+|(?:['’\u00a0\u2009\u202f]\p{Nd}{3})+|(?:\.\p{Nd}{3}){2,})(?!\p{Nd})"
_SCALE = (
    r"(?P<scale>thousand|million|billion|trillion|mio\.?|mrd\.?|tausend|millionen?|milliarden?|millions?|milliards?"
    r"|milliones|millones|mil|hundred|dozen|(?<=\p{Nd})(?:bn|tn|k)|[百千万萬亿億兆]{1,2})"
)
_NUMBER = LazyPattern(
    rf"(?P<number>{_DIGITS}|\p{{Nd}}+)(?P<fraction>[.·]\p{{Nd}}+|,\p{{Nd}}{{1,2}}(?!\p{{Nd}})|,\p{{Nd}}{{4,}})?"
    rf"(?P<ordinal>(?:st|nd|rd|th|º|ª|er|ème|e)\b)?(?:[ \t\-]?{_SCALE}(?![\p{{Latin}}]))?"
    r"(?P<percent>[ \t\-]?(?:%|‰|per[ \t]?cent\b|pct\b|percentage\b|Prozent\b"
    r"|pour[ \t]cent\b|por[ \t]ciento\b|procent\b))?",
    regex.IGNORECASE,
)
# What multiplies a written number, as one character again and again.
_LARGE = {"million": "\ue000", "billion": "\ue001", "trillion": "\ue002", "dozen": "\ue003"}
_NO_NUMBER = "\ue010"  # in place of the letters of all other words: "nine mills" is no "nine mil"
_JOINING = frozenset(["and", "und", "en", "et", "y", "e", "и", "та", "і", "و", "per", "percent", "cent", "prozent"])
_LED = frozenset(["a", "an", "half", "couple", "of"])
_LETTERS = LazyPattern(r"[\p{L}\p{M}]+")
_NUMBER_WORD = LazyPattern(WRITTEN_NUMBER, regex.IGNORECASE)
_ALONE = frozenset(
    regex.split(" ", "elf dos bin mil mille mila cent cents cien ciento cento cem mie mii tys tuhat hundred thousand")
)
_WRITTEN = LazyPattern(
    rf"(?P<number>{WRITTEN_NUMBER})(?:[ \-](?P<scale>[{''.join(_LARGE.values())}])+)?"
    r"(?P<percent>[ \-](?:per[ ]?cent|Prozent)\b)?(?![\p{L}\p{N}\ue010])",
    regex.IGNORECASE,
)
_HAN_DIGIT = f"[{''.join(HAN_DIGITS)}]"
_HAN = LazyPattern(rf"(?P<percent>百分之)?(?P<number>{HAN_NUMBER})(?P<fraction>点{_HAN_DIGIT}+)?(?P<large>[亿億])?")
_HAN_YEAR = LazyPattern(rf"{_HAN_DIGIT}{{4}}(?=年)")
# After a Han numeral of one character, what makes it a count: 三艘 and 三月, but 三明治 is a sandwich.
_COUNTED = LazyPattern(
    r"[个個位名人年月日号號艘座条條种種次天岁歲倍成届屆只隻匹头頭张張本卷册冊所家间間篇首幅件台辆輛架层層级級等世纪期章部股支"
    r"枚颗顆根块塊片吨噸斤克米里亩畝元圆圓分钟小时度秒百千万萬亿億]"
)
_ORDINAL_WORDS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
)
_ORDINALS = {word: value for value, word in enumerate(_ORDINAL_WORDS.split(), 1)}
_ORDINAL = LazyPattern(rf"\b(?:(?P<tens>twenty|thirty)-)?(?P<word>{'|'.join(_ORDINALS)})\b", regex.IGNORECASE)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero janeiro gennaio",
            "february feb februar février febrero fevereiro febbraio",
            "march mar märz mars marzo março",
            "april apr avril abril aprile",
            "may mai mayo maio maggio",
            "june jun juni juin junio junho giugno",
            "july jul juli juillet julio julho luglio",
            "august aug août agosto",
            "september sep sept septembre septiembre setembro settembre",
            "october oct oktober okt octobre octubre outubro ottobre",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre diciembre dezembro dicembre",
        ),
        1,
    )
    for name in names.split()
}
_UNIT = LazyPattern(r"(?P<date>[年月日号號](?![间間]))|\p{Han}")
_MONTH_NAME = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
_MONTH = LazyPattern(
    rf"\b(?P<name>{_MONTH_NAME})\.?(?=[ \t]*,?[ \t]*\p{{Nd}})|(?<=\p{{Nd}}(?:st|nd|rd|th|\.|)[ \t](?:of[ \t]|de[ \t])?)"
    rf"(?P<after>{_MONTH_NAME})\b|\b(?:in|by|since|until|of|from|im|en)[ \t](?P<alone>{_MONTH_NAME})\b",
    regex.IGNORECASE,
)
_ISO_DATE = LazyPattern(r"(?<!\p{Nd})(\p{Nd}{4})[-/.](\p{Nd}{1,2})[-/.](\p{Nd}{1,2})(?!\p{Nd})")
_HAN_MONTH = LazyPattern(r"(?P<month>\p{Nd}{1,2}|十[一二]?|[一二三四五六七八九])月(?![球亮光饼])")
_SCALES = {
    "hundred": 1e2, "dozen": 12, "thousand": 1e3, "tausend": 1e3, "mil": 1e3, "k": 1e3, "million": 1e6,
    "millionen": 1e6, "millions": 1e6, "millones": 1e6, "milliones": 1e6, "mio": 1e6, "billion": 1e9, "bn": 1e9,
    "milliarde": 1e9, "milliarden": 1e9, "milliard": 1e9, "milliards": 1e9, "mrd": 1e9, "trillion": 1e12, "tn": 1e12,
    "百": 1e2, "千": 1e3, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "兆": 1e12,
}  # fmt: skip
_HEDGE = LazyPattern(
    r"(?:about|around|roughly|approximately|nearly|almost|some|circa|ca\.|over|more than|less than|under|up to|at least"
    r"|etwa|rund|fast|knapp|über|environ|près de|unos|cerca de|约|約|大约|近|将近|超过|超過|逾|不到|至少|上)\s*\Z",
    regex.IGNORECASE,
)
# Numbers that name a part of the text, and say nothing of the world.
_PART = LazyPattern(
    r"\b(?:section|chapter|part|figure|fig\.|table|step|appendix|page|pp?\.|equation|eq\.|item|note|no\.|version|§"
    r"|Abschnitt|Kapitel|Teil|Abbildung|Tabelle|Schritt)\s*\Z|(?:图|表|第)\s*\Z",
    regex.IGNORECASE,
)
_PART_AFTER = LazyPattern(r"\s*[章节節部分步]")


@dataclass(frozen=True)
class Figure:
    """A number in a text.

    Attributes:
        kind: ``number``, ``percent`` or ``month``.
        value: Its value; of a month, from 1 to 12.
        start: Where it starts (offset).
        end: Where it ends.
        is_hedged: Whether a word such as "about" or "nearly" stands before it.
        is_word: Whether it is written out.
        unit: In Chinese, "date" before 年, 月 or 日, and "count" before another character; else empty.
        grouped: Its value if its full stop only divides it, as in "1.200" for 1200; 0 if there is none.
    """

    kind: str
    value: float
    start: int
    end: int
    is_hedged: bool = False
    is_word: bool = False
    unit: str = ""
    grouped: float = 0.0

    def matches(self, other: Figure) -> bool:
        """Tell whether the figure can stand for another one, of a source."""
        if self.kind != other.kind or (self.unit and other.unit and self.unit != other.unit):
            return False
        margin = 0.1 if self.is_hedged else 1e-9
        own = [self.value, *([self.grouped] if self.grouped else [])]
        others = [other.value, *([other.grouped] if other.grouped else [])]
        return any(abs(value - known) <= margin * abs(known) for value in own for known in others)


def find_figures(text: str) -> list[Figure]:
    """Return the figures of a text in order."""
    folded = fold_width(text)
    found: list[Figure] = []
    taken: list[tuple[int, int]] = []

    def add(figures: Iterator[Figure]) -> None:
        for figure in figures:
            if not any(start < figure.end and figure.start < end for start, end in taken):
                found.append(figure)
                taken.append((figure.start, figure.end))

    for search in (_dates, _months, _in_digits, _in_han, _ordinals, _written_out):
        add(search(folded))
    return [replace(figure, unit=_unit(folded, figure.end)) for figure in sorted(found, key=lambda found: found.start)]


def fold_width(text: str) -> str:
    """Return ``text`` with full-width letters and digits as plain ones. Offsets stay the same."""
    if text.isascii():
        return text
    return "".join(
        new if 0xFF01 <= ord(character) <= 0xFF5E and len(new := unicodedata.normalize("NFKC", character)) == 1
        else character
        for character in text
    )  # fmt: skip


def names_part(text: str, figure: Figure) -> bool:
    """Tell whether a figure is the number of a part of the text, such as "chapter 3"."""
    before, after = text[max(0, figure.start - 20) : figure.start], text[figure.end : figure.end + 3]
    if before.endswith("第"):
        return _PART_AFTER.match(after) is not None
    return _PART.search(before) is not None


def _dates(text: str) -> Iterator[Figure]:
    for match in _ISO_DATE.finditer(text):
        year, month, day = (int(match[group]) for group in (1, 2, 3))
        if 1 <= month <= 12 and 1 <= day <= 31:
            yield Figure("number", year, *match.span(1))
            yield Figure("month", month, *match.span(2))
            yield Figure("number", day, *match.span(3))


def _months(text: str) -> Iterator[Figure]:
    for match in _MONTH.finditer(text):
        group = next(name for name in ("name", "after", "alone") if match[name])
        if match[group][0].isupper() or group == "after":
            yield Figure("month", _MONTHS[match[group].casefold()], *match.span(group))
    for match in _HAN_MONTH.finditer(text):
        month = match["month"]
        value = int(month) if month.isdecimal() else parse_han(month)
        if 1 <= value <= 12:
            yield Figure("month", value, *match.span("month"))


def _in_digits(text: str) -> Iterator[Figure]:
    for match in _NUMBER.finditer(text):
        value = float(regex.sub(r"\P{Nd}", "", match["number"]))
        if fraction := match["fraction"]:
            value = float(f"{int(value)}.{fraction[1:]}")
        for scale in _scales(match["scale"]):
            value *= scale
        kind = "percent" if match["percent"] else "number"
        grouped = value * 1000 if fraction and fraction[0] == "." and len(fraction) == 4 else 0.0
        yield Figure(
            kind, value, match.start(), _end(match), is_hedged=_is_hedged(text, match.start()), grouped=grouped
        )


def _scales(scale: str | None) -> Iterator[float]:
    if scale:
        known = _SCALES.get(scale.casefold().rstrip("."))
        yield from [known] if known else (_SCALES[character] for character in scale if character in _SCALES)


def _in_han(text: str) -> Iterator[Figure]:
    for match in _HAN_YEAR.finditer(text):
        yield Figure("number", float(han_digits(match[0])), match.start(), match.end(), is_word=True)
    for match in _HAN.finditer(text):
        number = match["number"]
        if len(number) > 1 and number[-1] in "两兩" and number[-2] in "十百千万萬":
            number = number[:-1]  # a unit of weight: 五千两
        alone = len(number) == 1 and not (match["percent"] or match["fraction"] or match["large"])
        if alone and not text[: match.start()].endswith("第") and not _is_count(text, match):
            continue
        value = float(parse_han(number))
        if fraction := match["fraction"]:
            value += float(f"0.{han_digits(fraction[1:])}")
        if match["large"]:
            value *= 1e8
        kind = "percent" if match["percent"] else "number"
        yield Figure(kind, value, match.start(), match.end(), is_hedged=_is_hedged(text, match.start()), is_word=True)


def _unit(text: str, end: int) -> str:
    match = _UNIT.match(text, end)
    return "" if match is None else "date" if match["date"] else "count"


def _is_count(text: str, match: regex.Match[str]) -> bool:
    """Tell whether a Han numeral of one character counts something."""
    return match["number"] not in "一百千万萬" and _COUNTED.match(text, match.end()) is not None


def _written_out(text: str) -> Iterator[Figure]:
    marked = _LETTERS.sub(lambda match: _marked(match[0]), text)
    for match in _WRITTEN.finditer(marked):
        if match["number"].casefold() in _ALONE and not match["percent"]:
            continue
        value = float(parse_written(match["number"]))
        if mark := match["scale"]:
            value *= next(_SCALES[word] for word, own in _LARGE.items() if own == mark)
        kind = "percent" if match["percent"] else "number"
        yield Figure(kind, value, match.start(), match.end(), is_hedged=_is_hedged(text, match.start()), is_word=True)


@lru_cache(maxsize=20_000)
def _marked(word: str) -> str:
    """Return a word as it is if it may belong to a written number, else something of its length."""
    folded = word.casefold()
    if large := _LARGE.get(folded.removesuffix("s")):
        return large * len(word)
    if folded in _JOINING or folded in _LED or _NUMBER_WORD.fullmatch(word):
        return word
    return _NO_NUMBER * len(word)


def _ordinals(text: str) -> Iterator[Figure]:
    for match in _ORDINAL.finditer(text):
        tens = {"twenty": 20, "thirty": 30}.get((match["tens"] or "").casefold(), 0)
        yield Figure(
            "number", float(tens + _ORDINALS[match["word"].casefold()]), match.start(), match.end(), is_word=True
        )


def _end(match: regex.Match[str]) -> int:
    return match.start() + len(match[0].rstrip())


def _is_hedged(text: str, start: int) -> bool:
    return _HEDGE.search(text[max(0, start - 20) : start]) is not None
