"""Finds and writes citations in Pandoc's syntax: ``[@key]``, ``[@key, p. 12]``, ``[see @a; @b]``, ``@key``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import regex

from lwtui.sources.model import FoundPassage
from lwtui.sources.prose import without_code

_NAME = r"(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_]|[:.#$%&\-+?<>~/](?=[\p{L}\p{N}_]))*+|\{[^{}\s]+\})"
_KEY = regex.compile(rf"(?<![\p{{L}}\p{{N}}\\])(?P<minus>-?)@(?P<key>{_NAME})")
# No link: "[@key](address)"
_GROUP = regex.compile(r"(?<!\\)\[(?P<inner>[^\[\]]*?@[^\[\]]*)\](?!\()")
_NO_SPACE_AFTER = regex.compile(r"[\s(（\[\p{Han}\p{Hiragana}\p{Katakana}。，；：！？、」』”“‘—]\Z")
_BLANK_LINE = regex.compile(r"\n[ \t]*\n")
_PAGES = regex.compile(
    r"(?:\bpp?\.?|\bpages?|\bS\.|\bSeiten?|第)\s*(?P<numbers>\p{Nd}+(?:\s*[-–—,，、&]\s*\p{Nd}+)*)", regex.IGNORECASE
)
_RANGE = regex.compile(r"(\p{Nd}+)(?:\s*[-–—]\s*(\p{Nd}+))?")
_LONGEST_RANGE = 50  # pages


@dataclass(frozen=True)
class Citation:
    """One source cited at one place of a text.

    Attributes:
        key: The citation key.
        start: Where it starts in the text (offset), with what stands before its key.
        end: Where it ends.
        group: Where the brackets around it start and end, which may hold several citations.
        locator: What stands after the key, such as "p. 12".
        is_bare: Whether it stands without brackets, as in "@key says".
    """

    key: str
    start: int
    end: int
    group: tuple[int, int]
    locator: str = ""
    is_bare: bool = False

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages that the locator names."""
        found: list[int] = []
        for match in _PAGES.finditer(self.locator):
            for first, last in _RANGE.findall(match["numbers"]):
                low = int(first)
                high = min(int(last or first), low + _LONGEST_RANGE)
                found.extend(range(low, high + 1))
        return tuple(found)


def find_citations(text: str, keys: Collection[str] = ()) -> list[Citation]:
    """Return the citations of a text in order. Code and formulas have none.

    Args:
        text: The text, in Markdown.
        keys: The keys that are citations without brackets, too. Others may be names in a network or addresses.
    """
    if "@" not in text:
        return []
    prose = without_code(text)
    found = [citation for group in _GROUP.finditer(prose) for citation in _of_group(group)]
    taken = [citation.group for citation in found]
    for match in _KEY.finditer(prose):
        key = _bare_key(match["key"])
        if key in keys and not any(start <= match.start() < end for start, end in taken):
            found.append(Citation(key, match.start(), match.end(), match.span(), is_bare=True))
    return sorted(found, key=lambda citation: citation.start)


def without_citations(text: str, citations: Iterable[Citation]) -> str:
    """Return a text of the same length with blanks in place of citations and their brackets."""
    parts, end = [], 0
    for start, stop in sorted({citation.group for citation in citations}):
        parts += [text[end:start], " " * (stop - start)]
        end = stop
    return "".join([*parts, text[end:]])


def cite(found: Iterable[FoundPassage]) -> str:
    """Return the citation of some passages, such as ``[@gray2020, p. 3; @li2019]``; empty without any."""
    pages: dict[str, list[int]] = {}
    for passage, source in found:
        known = pages.setdefault(source.key, [])
        if passage.page is not None and passage.page not in known:
            known.append(passage.page)
    items = [f"@{key}{_locator(sorted(numbers))}" for key, numbers in pages.items()]
    return f"[{'; '.join(items)}]" if items else ""


def space_before(text: str) -> str:
    """Return what stands between a text and a citation after it: a space, but none in Chinese and Japanese."""
    return " " if text and not _NO_SPACE_AFTER.search(text) else ""


def _locator(pages: list[int]) -> str:
    if not pages:
        return ""
    return f", {'p.' if len(pages) == 1 else 'pp.'} {', '.join(map(str, pages))}"


def _of_group(group: regex.Match[str]) -> Iterator[Citation]:
    inner, offset = group["inner"], group.start("inner")
    if _BLANK_LINE.search(inner):
        return
    matches = list(_KEY.finditer(inner))
    starts = [0, *(inner.rfind(";", 0, match.start()) + 1 for match in matches[1:])]
    for number, match in enumerate(matches):
        end = max(starts[number + 1] - 1, match.end()) if number + 1 < len(matches) else len(inner)
        start = starts[number] + len(inner[starts[number] :]) - len(inner[starts[number] :].lstrip())
        locator = inner[match.end() : end].strip(" ,\n\t")
        yield Citation(_bare_key(match["key"]), offset + min(start, match.start()), offset + end, group.span(), locator)


def _bare_key(key: str) -> str:
    return key[1:-1] if key.startswith("{") else key
