"""Finds the date that a sentence names: a day, a month, a year or a century."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import regex

from lwtui.text.number_words import HAN_DIGITS, han_digits

# The first letters of the months, from January on, which tell them apart in each language.
_MONTHS = (
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "jan feb mär apr mai jun jul aug sep okt nov dez",
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "ene feb mar abr may jun jul ago sep oct nov dic",
    "gen feb mar apr mag giu lug ago set ott nov dic",
    "jan fev mar abr mai jun jul ago set out nov dez",
    "jan feb maa apr mei jun jul aug sep okt nov dec",
    "янв фев мар апр мая июн июл авг сен окт ноя дек",
)
_BEFORE_YEAR = (
    "in since until till by from around before after during about circa early late spring summer autumn fall winter"
    " year im seit bis um vor nach jahr ab anno en depuis vers avant après desde hasta hacia nel dal verso em no desde"
    " sinds rond в с до около"
)
_ERA = r"(?:\s*(?P<bc>b\.?\s?c\.?(?:\s?e\.?)?|v\.\s?chr\.|av\.\s?j\.-c\.|a\.\s?c\.|до н\. э\.)(?![\p{L}]))"
_YEAR = r"(?P<year>\d{3,4})"


@dataclass(frozen=True, order=True)
class NamedDate:
    """A date as exact as the text has it. Dates are ordered in time, the less exact one first.

    Attributes:
        year: The year; negative before the common era.
        month: The month, or 0.
        day: The day, or 0.
        century: Whether only the century is known, which begins with ``year``.
    """

    year: int
    month: int = 0
    day: int = 0
    century: bool = False

    def __str__(self) -> str:
        era = " BCE" if self.year < 0 else ""
        if self.century:
            return f"{abs(self.year)}s{era}"
        parts = [str(abs(self.year)), *(f"{part:02}" for part in (self.month, self.day) if part)]
        return "-".join(parts) + era


def find_date(text: str, *, is_date: bool = False) -> NamedDate | None:
    """Return the first date in a text, or ``None``.

    Args:
        text: The text.
        is_date: Whether the text is known to be about a date, so that a bare number from 1000 to 2999 is a year.
    """
    found = [date for pattern in _patterns() if (match := pattern.search(text)) and (date := _read(match))]
    if not found and is_date and (match := regex.search(r"(?<![\d.,])[12]\d{3}(?![\d.,]\d|\d)", text)):
        return NamedDate(int(match.group()))
    exact = [date for date in found if date.month]
    return next(iter(exact or found), None)


@lru_cache(maxsize=1)
def _month_numbers() -> dict[str, int]:
    return {month: number for names in _MONTHS for number, month in enumerate(names.split(), 1)}


@lru_cache(maxsize=1)
def _patterns() -> tuple[regex.Pattern[str], ...]:
    months = "|".join(sorted(_month_numbers(), key=len, reverse=True))
    name = rf"(?<!\p{{L}})(?P<name>{months})\p{{L}}*\.?"
    before = "|".join(_BEFORE_YEAR.split())
    day = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º)?"
    raw = (
        r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?(?!\d)",
        r"(?<!\d)(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?!\d)",
        rf"(?<!\d){day}\s+(?:de\s+|of\s+)?{name},?\s+(?:de\s+|del\s+)?{_YEAR}(?!\d){_ERA}?",
        rf"{name}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR}(?!\d){_ERA}?",
        rf"{name},?\s+(?:de\s+|del\s+|of\s+)?{_YEAR}(?!\d){_ERA}?",
        rf"(?P<before>(?:公元)?前)?(?<!\d)(?P<year>\d{{1,4}}|[{''.join(HAN_DIGITS)}]{{4}})年"
        r"(?:(?P<month>\d{1,2})月(?:(?P<day>\d{1,2})日)?)?",
        rf"(?<!\d)(?P<year>\d{{1,4}}){_ERA}",
        rf"(?<!\p{{L}})(?:{before})\s+(?:the\s+(?:year|spring|summer|autumn|winter)\s+(?:of\s+)?)?"
        r"(?P<year>[12]\d{3})(?![\d.,]\d|\d)",
        rf"(?<!\d)(?P<century>\d{{1,2}})(?:st|nd|rd|th|\.)?\s*(?:century|jahrhundert|世纪|世紀){_ERA}?",
        r"(?P<before>公元前)(?P<century>\d{1,2})世[纪紀]",
    )
    return tuple(regex.compile(one, regex.IGNORECASE) for one in raw)


def _read(match: regex.Match[str]) -> NamedDate | None:
    """Return the date of a match, or ``None`` if there is no such day."""
    groups = match.groupdict()
    sign = -1 if groups.get("bc") or groups.get("before") else 1
    if century := groups.get("century"):
        number = int(century)
        return NamedDate(sign * 100 * (number if sign < 0 else number - 1), century=True) if 0 < number < 30 else None
    year = groups["year"]
    if not year.isdecimal():
        year = han_digits(year)
    month = _month_numbers()[groups["name"].lower()] if groups.get("name") else int(groups.get("month") or 0)
    day = int(groups.get("day") or 0)
    if month > 12 or day > 31 or not int(year):
        return None
    return NamedDate(sign * int(year), month, day)
