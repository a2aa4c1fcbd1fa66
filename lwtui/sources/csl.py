"""CSL-JSON items: what a bibliography says of a source. Items come from files and pages, so they are checked here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import regex

from lwtui.text import clean, one_line

# The variables of CSL 1.0.2 that are kept, by their kind.
_STRINGS = frozenset(
    """
    type title title-short container-title container-title-short collection-title collection-number volume number
    number-of-pages number-of-volumes issue page page-first edition section chapter-number version publisher
    publisher-place event event-title event-place archive archive_location archive-place authority call-number DOI
    ISBN ISSN PMID PMCID URL genre medium language jurisdiction status source dimensions scale original-title
    original-publisher original-publisher-place reviewed-title keyword note abstract
    """.split()  # noqa: SIM905
)
ROLES = tuple(
    """
    author editor translator collection-editor composer container-author director editorial-director illustrator
    interviewer original-author recipient reviewed-author contributor
    """.split()  # noqa: SIM905
)
_DATES = frozenset(("issued", "accessed", "original-date", "submitted", "available-date", "event-date"))
_NAME_PARTS = ("family", "given", "literal", "suffix", "dropping-particle", "non-dropping-particle")
_MAX_STRING = 2_000  # characters
_MAX_ABSTRACT = 20_000
_MAX_NAMES = 500
_YEAR = regex.compile(
    r"(?<!\d)(?P<year>[12]\d{3})(?!\d)(?:[-/.](?P<month>\d{1,2})(?!\d)(?:[-/.](?P<day>\d{1,2})(?!\d))?)?"
)
_PDF_DATE = regex.compile(r"(?:D:)?(?P<year>[12]\d{3})(?P<month>\d\d)(?P<day>\d\d)(?:\d{4,6}.*)?")
_NO_DATE = "1970-01-01T00:00"  # the beginning of a computer's time: a program did not know the date
_NAME_SEPARATORS = regex.compile(r"\s*;\s*|\s+&\s+|\s+(?i:and|und|et)\s+")
_INITIALS = regex.compile(r"(?:\p{Lu}\.?[- ]?){1,4}")
_NAME_SUFFIX = regex.compile(r"(?i)(?:jr|sr|ph\.?d|m\.?d|dr|esq|ii|iii|iv)\.?")


def clean_item(item: object) -> dict[str, Any]:
    """Return an item with all that is known and well formed of it, as plain text; without its ``id``."""
    if not isinstance(item, Mapping):
        return {}
    result: dict[str, Any] = {}
    for name, value in item.items():
        cleaned: Any = None
        if name in _STRINGS:
            cleaned = _string(value, _MAX_ABSTRACT if name == "abstract" else _MAX_STRING)
        elif name in ROLES:
            cleaned = _names(value)
        elif name in _DATES:
            cleaned = _date(value)
        if cleaned:
            result[name] = cleaned
    return result


def item_from(
    kind: str, *, title: str = "", author: str = "", issued: str = "", url: str = "", **strings: str
) -> dict[str, Any]:
    """Return an item made of the properties of a file or page.

    Args:
        kind: The CSL type, such as "webpage".
        title: The title.
        author: The authors as a file names them: "Ann Gray; Bo Li" or "Gray, Ann".
        issued: A date in any usual form.
        url: The address.
        **strings: Other variables; ``_`` in their names stands for ``-``.
    """
    item: dict[str, Any] = {"type": kind, "title": title, "URL": url}
    item |= {name.replace("_", "-"): value for name, value in strings.items()}
    item["author"] = names_of(author)
    if parts := date_parts(issued):
        item["issued"] = {"date-parts": [parts]}
    return clean_item(item)


def accessed(day: date) -> dict[str, Any]:
    """Return a day as a date of CSL."""
    return {"date-parts": [[day.year, day.month, day.day]]}


def people(csl: Mapping[str, Any], roles: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the names of an item's people, role by role."""
    for role in roles:
        yield from (person for person in csl.get(role) or () if isinstance(person, Mapping))


def issued_parts(csl: Mapping[str, Any]) -> list[list[int]]:
    """Return when an item was issued: year, month and day as far as they are known; two of them for a range."""
    issued = csl.get("issued")
    parts = issued.get("date-parts") if isinstance(issued, Mapping) else None
    return [part for part in parts or () if part]


def names_of(author: str) -> list[dict[str, str]]:
    """Divide the authors that a file names in one string."""
    author = one_line(author)
    names = [name for name in _NAME_SEPARATORS.split(author) if name]
    return [_name(part) for name in names for part in _divided(name)]


def date_parts(text: str) -> list[int]:
    """Return year, month and day of a date as far as a text has them; empty without a year."""
    text = one_line(text)
    match = _PDF_DATE.fullmatch(text) or _YEAR.search(text)
    if match is None or text.startswith(_NO_DATE):
        return []
    return _checked_parts([int(part) for part in (match["year"], match["month"], match["day"]) if part])


def _divided(name: str) -> list[str]:
    """Divide "Ann Gray, Bo Li" in two, and leave "Gray, Ann" as it is."""
    parts = [part.strip() for part in regex.split(r"[,，、]", name) if part.strip()]
    is_inverted = len(parts) == 2 and (
        " " not in parts[0] or _INITIALS.fullmatch(parts[1]) or _NAME_SUFFIX.fullmatch(parts[1])
    )
    if len(parts) < 2 or (is_inverted and "," in name):
        return [name.strip(" ,")] if name.strip(" ,") else []
    return parts


def _name(name: str) -> dict[str, str]:
    if "," in name:
        family, _, given = name.partition(",")
        if _NAME_SUFFIX.fullmatch(given.strip()):
            return {**_name(family.strip()), "suffix": given.strip()}
        return {"family": family.strip(), "given": given.strip()}
    words = name.split()
    is_person = 2 <= len(words) <= 4 and all(
        regex.match(r"\p{Lu}|(?:van|von|de|der|den|la|le|di|da|du)\b", word) for word in words
    )
    if not is_person or any(word.isupper() and len(word) > 3 for word in words):
        return {"literal": name}  # an institution, or a name whose order nobody can tell
    return {"family": words[-1], "given": " ".join(words[:-1])}


def _string(value: object, longest: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = clean(str(value))
    return (one_line(text) if longest == _MAX_STRING else text.strip())[:longest]


def _names(value: object) -> list[dict[str, str]]:
    if not isinstance(value, list):
        return []
    names = []
    for given in value[:_MAX_NAMES]:
        if isinstance(given, Mapping):
            name = {part: text for part in _NAME_PARTS if (text := _string(given.get(part), _MAX_STRING))}
            if name.keys() & {"family", "literal", "given"}:
                names.append(name)
    return names


def _date(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    given = value.get("date-parts")
    if isinstance(given, list):
        parts = [checked for part in given[:2] if isinstance(part, list) and (checked := _checked_parts(part))]
        if parts:
            return {"date-parts": parts}
    for name in ("literal", "raw"):
        if text := _string(value.get(name), _MAX_STRING):
            parts = [found] if (found := date_parts(text)) and name == "raw" else []
            return {"date-parts": parts} if parts else {"literal": text}
    return {}


def _checked_parts(parts: list[Any]) -> list[int]:
    """Return year, month and day up to the first that cannot be one."""
    result = []
    for part, (least, most) in zip(parts, ((-9999, 9999), (1, 12), (1, 31)), strict=False):
        try:
            number = int(part)
        except (TypeError, ValueError, OverflowError):
            break
        if not least <= number <= most or number == 0:
            break
        result.append(number)
    return result
