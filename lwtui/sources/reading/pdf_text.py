"""The text of a PDF's pages as paragraphs: without running headers, and with lines and words put together again."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import regex

from lwtui.sources.model import Stretch
from lwtui.text.scripts import CHARACTERS

_EDGE = 2  # lines at the top and bottom of a page that may be a running header or footer
_MOST_HEADER = 120  # characters
_FEWEST_PAGES = 3  # on which a line recurs that is a running header
_HEADER_SHARE = 0.4  # of the pages from its first to its last one; those of left and right pages differ
_SHORT_LINE = 0.7  # of the usual width: the paragraph ends here
_DIGITS = regex.compile(r"\d+|\b[ivxlc]{1,6}\b")
_COMPATIBLE = regex.compile("[\ufb00-\ufb06\u2e80-\u2fd5\uf900-\ufaff]")  # ligatures, and radicals for characters
_HYPHENATED = regex.compile(r"(?<=\p{Ll})[-\u00ad\u2010]$")
_UNSPACED = regex.compile(rf"[{CHARACTERS}\p{{P}}]", regex.VERSION1)
_IDEOGRAPH = regex.compile(rf"[{CHARACTERS}]", regex.VERSION1)
_ITEM = regex.compile(r"[•▪◦‣●○■·]\s|[–—*-]\s+\p{L}|\(?(?:\d{1,2}|\p{Ll})[.)]\s+\p{Lu}")
_ENDS = regex.compile(r"[.!?。！？…:：;；][\"'”’»」』)\]\d]*$")


def paragraphs(pages: Sequence[str]) -> list[Stretch]:
    """Return the paragraphs of a PDF, each with the page on which it begins, from 1."""
    lines = [[line.strip() for line in _tidy(page).split("\n") if line.strip()] for page in pages]
    running = _running_lines(lines)
    found: list[Stretch] = []
    for number, page in enumerate(lines, 1):
        for text in _joined(_without_running(page, running)):
            last = found[-1] if found else None
            if last is not None and last.page == number - 1 and _goes_on(last.text, text):
                found[-1] = Stretch(_together(last.text, text), last.page)
            else:
                found.append(Stretch(text, number))
    return found


def _tidy(page: str) -> str:
    page = _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), page)
    return regex.sub(r"[^\S\n]+", " ", page)


def _running_lines(pages: Sequence[Sequence[str]]) -> set[str]:
    """Return what recurs at the top or bottom of the pages, with any number in it."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, page in enumerate(pages):
        for shape in {_shape(line) for line in (*page[:_EDGE], *page[-_EDGE:]) if len(line) <= _MOST_HEADER}:
            found[shape].append(number)
    return {
        shape
        for shape, numbers in found.items()
        if len(numbers) >= _FEWEST_PAGES and len(numbers) >= _HEADER_SHARE * (numbers[-1] - numbers[0] + 1)
    }


def _shape(line: str) -> str:
    return _DIGITS.sub("#", line.casefold())


def _without_running(page: Sequence[str], running: set[str]) -> list[str]:
    first, last = 0, len(page)
    while first < min(_EDGE, last) and _shape(page[first]) in running:
        first += 1
    while last > max(first, len(page) - _EDGE) and _shape(page[last - 1]) in running:
        last -= 1
    return list(page[first:last])


def _joined(lines: Sequence[str]) -> list[str]:
    """Put the lines of a page together to paragraphs."""
    if not lines:
        return []
    usual = sorted(map(len, lines))[int(0.8 * (len(lines) - 1))]
    found = [lines[0]]
    for before, line in pairwise(lines):
        if _ITEM.match(line) or (len(before) < _SHORT_LINE * usual and not _goes_on(before, line)):
            found.append(line)
        else:
            found[-1] = _together(found[-1], line)
    return found


def _goes_on(before: str, line: str) -> bool:
    """Tell whether a sentence goes on: it has not ended, and the next line does not begin one."""
    if _HYPHENATED.search(before):
        return True
    return not _ENDS.search(before) and bool(regex.match(r"[\p{Ll},;)]", line) or _IDEOGRAPH.match(before[-1:]))


def _together(text: str, line: str) -> str:
    if _HYPHENATED.search(text) and regex.match(r"\p{Ll}", line):
        return _HYPHENATED.sub("", text) + line
    if _IDEOGRAPH.match(line) and _UNSPACED.match(text[-1:]):
        return text + line
    if _IDEOGRAPH.match(text[-1:]) and _UNSPACED.match(line):
        return text + line
    return f"{text} {line}"
