"""Turns the numbers by which a model cites passages into citations, while its text streams in.

What stands for no passage is dropped, as are references that no source has: nothing is cited that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import regex

from lwtui.sources.citations import cite, find_citations, space_before
from lwtui.sources.csl import issued_parts, people
from lwtui.sources.leading_citations import LeadingCitations
from lwtui.sources.model import FoundPassage, Source
from lwtui.sources.prose import without_code
from lwtui.sources.reference_lists import ReferenceListCutter
from lwtui.text.abbreviations import MONTHS
from lwtui.text.code_blocks import CodeBlocks
from lwtui.text.lazy_pattern import LazyPattern

_MOST_HELD = 400  # characters of what may become a citation
_LABEL = (
    r"(?i:(?:(?:see|cf\.?|siehe|vgl\.?|voir|from|after|见|参见|參見|據|据|根据)[ \t:：]*)?"
    r"(?:(?:passages?|sources?|refs?\.?|references?|citations?|cite|docs?|documents?|excerpts?|notes?|quellen?|stellen?"
    r"|fuentes?|fontes?|fonti|bron(?:nen)?|источники?|来源|來源|资料|資料|文献|文獻|段落|引文|出典)"
    r"[ \t]*(?:nos?\.?|nr\.?|\#|№)?[ \t:：#]*))"
)
_NUMBER = r"[\^#]?\p{Nd}{1,3}"
_DETAIL = (
    r"(?:[†‡][^\[\]【】\n]{0,60}"
    r"|[ \t]*[,:：，;][ \t]*(?:pp?\.?|pages?|S\.|第)[ \t]*\p{Nd}[\p{Nd}\-–,、 \t]*[页頁]?)"
)
_RANGE = rf"{_NUMBER}(?:[ \t]*(?:[-–—~～至到]|\.\.)[ \t]*\^?\p{{Nd}}{{1,3}})?"
_SEPARATOR = r"[ \t]*(?:[,;，；、&+/]|\band\b|\bund\b|\bet\b|\by\b|和|及|与|與)[ \t]*"
_ITEM = rf"{_LABEL}?{_RANGE}{_DETAIL}?"
_LIST = rf"{_ITEM}(?:{_SEPARATOR}{_ITEM})*+"
_OPEN, _CLOSE = r"[\[［【〔]", r"[\]］】〕]"
_NUMBERS = rf"{_OPEN}[ \t]*{_LIST}[ \t]*{_CLOSE}"
_LABELED = rf"[(（][ \t]*{_LABEL}{_OPEN}?{_LIST}{_CLOSE}?[ \t]*[)）]"
_KEYED = r"\[[^\[\]\n]{0,120}?@[^\[\]\n]{1,240}\]"
_NAME = r"\p{Lu}[\p{L}\p{M}'’\-]+(?:[ \t]\p{Lu}[\p{L}\p{M}'’\-]+)?|\p{Han}{1,4}"
_AUTHORS = (
    rf"(?:{_NAME})(?:[ \t]*(?:,|&|\band\b|\bund\b|和|与|、)[ \t]*(?:{_NAME}))*+"
    r"(?:,?[ \t]*(?:et[ \t]al\.?|等人?))?"
)
_AUTHOR_YEAR = (
    rf"(?:(?:see|cf\.|vgl\.|siehe|e\.g\.,?|见)[ \t]*)?{_AUTHORS}"
    rf"(?:[ \t]*[,，][ \t]*|[ \t]+)(?:1[5-9]|20)\p{{Nd}}{{2}}[a-z]?"
    r"(?:[ \t]*[,:，：][ \t]*(?:pp?\.?[ \t]*)?\p{Nd}{1,4}(?:[-–]\p{Nd}{1,4})?)?"
)
_NAMED = rf"[(（\[][ \t]*{_AUTHOR_YEAR}(?:[ \t]*[;；][ \t]*{_AUTHOR_YEAR})*+[ \t]*[)）\]]"
_NEEDED = rf"{_OPEN}[ \t]*(?i:(?:citation|source|reference)s?[ \t]+(?:needed|missing|required|here))[ \t]*{_CLOSE}"
_PLAIN_KEY = r"\[[a-z][a-z0-9\-]{2,60}\]"  # which stays, unless a source has that key
_MORE = rf"(?:[ \t]*[,;，；、]?[ \t]*(?:{_NUMBERS}|{_KEYED}))*+"
_WRAPPED = rf"[(（][ \t]*(?:{_NUMBERS}|{_KEYED}){_MORE}[ \t]*[)）]"
_ONE = rf"(?:{_NUMBERS}|{_WRAPPED}|{_LABELED}|{_KEYED}|{_NEEDED}|{_NAMED}|{_PLAIN_KEY})"
_CITED = LazyPattern(_ONE + _MORE)
_ONES = LazyPattern(rf"{_NUMBERS}|{_LABELED}|{_KEYED}|{_NEEDED}|{_NAMED}|{_PLAIN_KEY}")
_START = LazyPattern(r"[\[［【〔(（]")
_ANY_RANGE = LazyPattern(
    r"(?<![\p{L}\p{Nd}.])[\^#]?(\p{Nd}{1,3})(?:[ \t]*(?:[-–—~～至到]|\.\.)[ \t]*\^?(\p{Nd}{1,3}))?"
)
_DETAILS = LazyPattern(_DETAIL)
_YEAR = LazyPattern(r"(?:1[5-9]|20)\p{Nd}{2}")
_FAMILY = LazyPattern(r"\p{Lu}[\p{L}\p{M}'’\-]+|\p{Han}{1,4}")
_TELLING = LazyPattern(r"\bet al\b|&|\band\b|\bund\b|等|;")
_NO_NAMES = frozenset(name.casefold() for name in MONTHS)
# "a[1]", "x2[10]", "my_list[0]", "arrayOf[3]" are code, whether they are marked or not.
_IDENTIFIER = LazyPattern(r"(?:[\p{L}_$][\p{L}\p{N}_]*[_\p{N}][\p{L}\p{N}_]*|\b\p{Latin}|\p{Ll}+\p{Lu}\w*)\Z")
_SUBSCRIPT_GOES_ON = LazyPattern(r"[ \t]?(?:=|\+=|-=|\+\+|--)(?![\p{L}])|\.\p{L}+\(|\(\p{L}*\)")
_WORD_BEFORE = LazyPattern(r"[\p{L}\p{N}_$]+\Z")
_SPACE_BEFORE = LazyPattern(r"[ \t\u00a0]*\Z")


class CitationCleaner:
    """Turns numbers such as ``[2]`` into citations. The result does not depend on the pieces of the text.

    Lists of references are cut in a step of their own (:meth:`cut_lists`): they are told by the headings and marks of
    their lines, which the plain style removes.
    """

    def __init__(
        self,
        shown: Sequence[FoundPassage],
        sources: Mapping[str, Source],
        existing: str = "",
        *,
        keep_lists: bool = False,
        titles: Sequence[str] = (),
    ) -> None:
        """Start an answer.

        Args:
            shown: The passages in the prompt, in the order of their numbers, from 1.
            sources: The sources of the document, by citation key.
            existing: The text that the answer continues.
            keep_lists: Whether to keep lists of references, as in a section that is to be one.
            titles: The titles of the passages as the prompt shows them, before their texts.
        """
        self._dropped: list[str] = []
        self._shown = shown
        self._sources = sources
        self._lists = None if keep_lists else ReferenceListCutter(existing, titles)
        self._leading = None if keep_lists else LeadingCitations(existing)
        self._blocks = CodeBlocks(existing)
        self._line = existing.rpartition("\n")[2]  # what was taken of the present line, as the model wrote it
        self._last = existing[-1:]  # the last character that was passed on
        self._display = ""  # the mark that ends the present formula of several lines
        self._held = ""

    def cut_lists(self, piece: str) -> str:
        """Add a piece of the answer before anything else changes its lines. Returns it without lists of references."""
        return piece if self._lists is None else self._lists.add(piece)

    def close_lists(self) -> str:
        """Return the rest of :meth:`cut_lists`, at the end of the answer."""
        return "" if self._lists is None else self._lists.close()

    def add(self, piece: str) -> str:
        """Add a piece that has no lists of references. Returns the text that is ready."""
        ready = self._take(piece, final=False)
        return ready if self._leading is None else self._leading.add(ready)

    def close(self) -> str:
        """Return the rest of :meth:`add`, at the end of the answer."""
        ready = self._take("", final=True)
        return ready if self._leading is None else self._leading.add(ready) + self._leading.close()

    def take_dropped(self) -> tuple[str, ...]:
        """Return what was dropped since the last call, as the model wrote it: citations, and entries of lists."""
        dropped = [*self._dropped, *(self._lists.entries if self._lists else ())]
        self._dropped.clear()
        if self._lists:
            self._lists.entries.clear()
        return tuple(dropped)

    def _take(self, piece: str, *, final: bool) -> str:
        self._held += piece
        ready: list[str] = []
        while self._held:
            line, newline, rest = self._held.partition("\n")
            taken, passed = self._taken(line, whole=bool(newline) or final)
            ready.append(passed)
            self._last = (self._last + passed)[-1:]
            self._line += line[:taken]
            if taken < len(line) or not newline:
                self._held = line[taken:] + newline + rest
                break
            self._end_line()
            ready.append(newline)
            self._last = newline
            self._held = rest
        return "".join(ready)

    def _end_line(self) -> None:
        self._blocks.add(self._line)
        if not self._blocks.inside:
            self._display = _open_formula(self._line, self._display)
        self._line = ""

    def _taken(self, line: str, *, whole: bool) -> tuple[int, str]:
        """Take what is clear of the rest of a line. Returns how many characters that are, and what becomes of them."""
        if self._blocks.inside or self._display or self._line.lstrip(" ").startswith(("```", "~~~")):
            return len(line), line
        if not self._line and not whole and line.lstrip(" ")[:3] in ("`", "``", "```", "~", "~~", "~~~"):
            return 0, ""
        if not self._line and line.lstrip(" ").startswith(("```", "~~~")):
            return (len(line), line) if whole else (0, "")
        passed: list[str] = []
        at = 0
        for start in _START.finditer(line):
            if start.start() < at:
                continue
            end = self._decide(line, start.start(), whole=whole)
            if end is None:  # more text has to decide
                before = _SPACE_BEFORE.search(line, at, start.start())
                stop = before.start() if before else start.start()
                return stop, "".join(passed) + line[at:stop]
            if end > start.start():
                at = self._replace(line, at, start.start(), end, passed)
        rest = line[at:]
        # A space before a citation that is dropped goes with it.
        keep = len(rest) if whole else len(rest.rstrip(" \t\u00a0"))
        return at + keep, "".join(passed) + rest[:keep]

    def _decide(self, line: str, start: int, *, whole: bool) -> int | None:
        """Return where the citations that begin at ``start`` end; ``start`` for none, ``None`` if that is not clear."""
        match = _CITED.match(line, start)
        if not whole and len(line) - start <= _MOST_HELD:
            partial = _CITED.fullmatch(line, start, partial=True)
            if partial is not None or (match and self._may_go_on(line, match.end())):
                return None
        if match is None:
            return start
        if not whole and _WORD_BEFORE.search(self._line + line[:start]):
            after = line[match.end() :]
            if len(after) < _MOST_HELD and _SUBSCRIPT_GOES_ON.fullmatch(after, partial=True):
                return None
        inside = self._is_inside(line, start)
        if inside is None and not whole:
            return None
        if inside or not self._is_citation(line, match):
            return start
        return match.end()

    def _may_go_on(self, line: str, end: int) -> bool:
        """Tell whether more text could change what stands before ``end``: a link, or more numbers."""
        rest = line[end : end + 3]
        if not rest.strip(" \t,;，；、"):
            return True
        following = line[end:].lstrip(" \t,;，；、")
        return _START.match(following) is not None and _CITED.fullmatch(following, partial=True) is not None

    def _is_inside(self, line: str, start: int) -> bool | None:
        """Tell whether a place is within code or a formula; ``None`` if one is open that may or may not be closed."""
        text = self._line + line
        place = len(self._line) + start
        if not any(mark in text[:place] for mark in "`$\\"):
            return False
        if without_code(text)[place] != text[place]:
            return True
        opened = without_code(text[:place])
        return None if any(mark in opened for mark in ("`", "$", r"\(", r"\[")) else False

    def _is_citation(self, line: str, match: regex.Match[str]) -> bool:
        before = (self._line + line[: match.start()])[-80:]
        after = line[match.end() : match.end() + 40]
        if before.endswith(("\\", "!", "]")) and match[0][0] == "[":
            return False
        if after.startswith("(") and match[0][-1] == "]":
            return False  # a link
        if match[0][0] != "[":
            return True
        if not before.strip() and after.startswith(":"):
            return False  # the definition of a link or a footnote
        if _IDENTIFIER.search(before):
            return not _numbers_only(match[0])
        return not (_WORD_BEFORE.search(before) and _SUBSCRIPT_GOES_ON.match(after))

    def _replace(self, line: str, at: int, start: int, end: int, passed: list[str]) -> int:
        """Pass on ``line`` from ``at`` to ``end`` with what its citations become. Returns from where on to go on."""
        found, citations, kept = self._resolve(line[start:end])
        before = line[at:start]
        if kept:
            passed.append(before + line[start:end])
            return end
        if not found and not citations:
            spaces = _SPACE_BEFORE.search(before)
            passed.append(before[: spaces.start()] if spaces else before)
            return end if passed[-1] or self._last not in ("", "\n", " ") else end + _spaces(line, end)
        text = _joined(citations, cite(found))
        previous = before[-1:] or ("".join(passed) or self._last)[-1:]
        passed.append(before + space_before(previous) + text)
        return end

    def _resolve(self, cited: str) -> tuple[list[FoundPassage], list[str], bool]:
        """Return the passages and the citations that a text stands for, and whether it is to stay as it is."""
        found: list[FoundPassage] = []
        citations: list[str] = []
        for one in _ONES.finditer(cited):
            text = one[0]
            if "@" in text:
                citations += self._known(text)
            elif regex.fullmatch(_PLAIN_KEY, text):
                if text[1:-1] not in self._sources:
                    return [], [], True
                citations.append(f"@{text[1:-1]}")
            elif regex.fullmatch(_NEEDED, text):
                self._dropped.append(text)
            elif _names_only(text):
                named, certain = self._by_author(text)
                if not named and not certain:
                    return [], [], True
                citations += [f"@{key}" for key in named]
                if not named:
                    self._dropped.append(text)
            else:
                found += self._numbered(text)
        return found, citations, False

    def _known(self, text: str) -> list[str]:
        """Return the citations of known sources in a group. A page that the source does not have is left out."""
        kept = []
        for citation in find_citations(text):
            item = text[citation.start : citation.end].strip(" ;")
            if citation.key not in self._sources:
                self._dropped.append(item)
            else:
                kept.append(item)
        return kept

    def _numbered(self, text: str) -> list[FoundPassage]:
        found = []
        for first, last in _ANY_RANGE.findall(_DETAILS.sub("", text)):
            for number in range(int(first), max(int(first), int(last or first)) + 1):
                if 1 <= number <= len(self._shown):
                    found.append(self._shown[number - 1])
                else:
                    self._dropped.append(f"[{number}]")
        return found

    def _by_author(self, text: str) -> tuple[list[str], bool]:
        """Return the keys of the sources by these authors of that year, and whether it is a reference for sure."""
        named: list[str] = []
        for part in regex.split("[;；]", text):
            years = set(_YEAR.findall(part))
            names = {name.casefold() for name in _FAMILY.findall(part)}
            named += [
                key
                for key, source in self._sources.items()
                if years & _years(source) and names & _families(source) and key not in named
            ]
        return named, text[0] == "[" or _TELLING.search(text) is not None or self._is_made_up(text)

    def _is_made_up(self, text: str) -> bool:
        """Tell whether "(Smith, 2019)" names somebody of whom no passage speaks. "(London, 1851)" may be a place."""
        names = [name for name in _FAMILY.findall(text) if name.casefold() not in _NO_NAMES]
        known = "\n".join([*(passage.text for passage, _ in self._shown), *(s.title for s in self._sources.values())])
        return bool(names) and regex.search("[,，]", text) is not None and not any(name in known for name in names)


def _joined(citations: Sequence[str], numbered: str) -> str:
    items = [*dict.fromkeys(citations)]
    if numbered:
        items += [item for item in numbered[1:-1].split("; ") if item not in items]
    return f"[{'; '.join(items)}]"


def _numbers_only(text: str) -> bool:
    return not any(character.isalpha() or character == "@" for character in text)


def _names_only(text: str) -> bool:
    return regex.fullmatch(_NAMED, text) is not None and not regex.fullmatch(f"(?:{_NUMBERS}|{_LABELED})", text)


def _spaces(line: str, end: int) -> int:
    return len(line[end:]) - len(line[end:].lstrip(" \t"))


def _years(source: Source) -> set[str]:
    return {str(part[0]) for part in issued_parts(source.csl)} | set(_YEAR.findall(source.key))


def _families(source: Source) -> set[str]:
    return {
        str(person[part]).casefold()
        for person in people(source.csl, ("author", "editor"))
        for part in ("family", "literal")
        if person.get(part)
    }


def _open_formula(line: str, mark: str) -> str:
    """Return the mark that ends the formula which is open after a line; empty for none."""
    if mark:
        return "" if mark in line else mark
    rest = without_code(line)
    if rest.count("$$") % 2:
        return "$$"
    at = rest.rfind(r"\[")
    # Escaped brackets in a sentence open no formula.
    return r"\]" if at >= 0 and rest.strip() == r"\[" else ""
