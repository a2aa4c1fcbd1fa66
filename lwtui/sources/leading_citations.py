"""Moves a citation that begins a paragraph to the end of its first sentence, while the text streams in.

Small models write the number of a passage before what they take from it: "[3] The ferry leaves at nine.", or on a line
of its own. A citation belongs to the end of the sentence that it supports, before the full stop. One on a line of its
own that no sentence follows supports nothing, and goes.
"""

from __future__ import annotations

import regex

from lwtui.sources.citations import space_before
from lwtui.text import sentence_ends
from lwtui.text.code_blocks import CodeBlocks
from lwtui.text.lazy_pattern import LazyPattern
from lwtui.text.list_marks import MARK
from lwtui.text.scripts import CHARACTERS

_MOST_HELD = 1_000  # characters of a sentence; a citation before a longer one stays
_GROUP = r"\[[^\[\]\n]{0,120}?@[^\[\]\n]{1,240}\]"
_LEADING = LazyPattern(rf"(?P<before>[ \t]*(?:>[ \t]?)*+(?:{MARK}[ \t]+)?)(?P<group>{_GROUP})[ \t]*")
_ALONE = LazyPattern(rf"[ \t]*(?:{_GROUP}[ \t]*)+")
# After "[@gray]", a verb makes the citation the subject of the sentence: "[@gray] says …"
_VERBS = (
    "指出|认为|認為|表明|显示|顯示|说明|說明|提到|提及|介绍|介紹|描述|记载|記載|报告|報告|写道|寫道|说|說|称|稱"
    "|中|的|和|与|與|里|裡"
)
_SENTENCE = LazyPattern(rf"[\"“‘«„「『*_(（]*+(?!{_VERBS})[\p{{Lu}}\p{{Lt}}\p{{Lo}}\p{{Nd}}]")
_LEAST_SEEN = 6  # characters that tell whether a sentence begins
# What has to follow the end of a sentence, so that more text cannot make it none.
_SEEN = LazyPattern(rf"\s*(?:\S+\s|[{CHARACTERS}]{{2}})")
_OWN = LazyPattern(rf"{_GROUP}(?=[\p{{P}}\s]*\Z)")
_STOP = LazyPattern(r"[.。．!?！？…:：;；]*\Z")


class LeadingCitations:
    """Takes a text whose citations are in Pandoc's syntax. The result does not depend on the pieces of the text."""

    def __init__(self, existing: str = "") -> None:
        """Start after ``existing``, which the text continues."""
        self._blocks = CodeBlocks(existing)
        self._line = existing.rpartition("\n")[2]  # what was taken of the present line
        self._is_decided = bool(self._line)  # whether the rest of the line stays as it is
        self._held = ""
        self._carried = ""  # the citation of a line of its own, for the sentence that follows
        self._after_blank = not existing or existing.endswith("\n\n")

    def add(self, piece: str) -> str:
        """Add a piece. Returns the text that is ready."""
        return self._take(piece, final=False)

    def close(self) -> str:
        """Return the rest, at the end of the text."""
        return self._take("", final=True)

    def _take(self, piece: str, *, final: bool) -> str:
        self._held += piece
        ready: list[str] = []
        while self._held:
            line, newline, rest = self._held.partition("\n")
            is_fixed = self._is_decided or self._blocks.inside
            if not is_fixed and (newline or final) and _ALONE.fullmatch(line):
                following = rest.lstrip()
                if not following and not final:
                    break
                if following and "\n" in rest[: len(rest) - len(following)] and not self._after_blank:
                    ready.append("\n")  # the end of the paragraph before it
                    self._after_blank = True
                self._carried = _joined(self._carried, line)
                self._held = following
                continue
            taken = line if is_fixed else self._moved(line, whole=bool(newline) or final)
            if taken is None:
                break
            ready += [taken, newline]
            self._carried = ""
            self._line += line
            self._is_decided, self._held = not newline, rest
            if newline:
                self._blocks.add(self._line)
                self._after_blank = not self._line.strip()
                self._line = ""
        return "".join(ready)

    def _moved(self, line: str, *, whole: bool) -> str | None:
        """Return the beginning of a line as it is to be, with what is carried to it; ``None`` if that is not clear."""
        if not self._carried:
            return _moved(line, whole=whole)
        if not whole and _ALONE.fullmatch(line, partial=True):
            return None
        taken = _moved(f"{self._carried} {line}", whole=whole)
        return line if taken is not None and taken.startswith(self._carried) else taken


def _moved(line: str, *, whole: bool) -> str | None:
    """Return the beginning of a line as it is to be; ``None`` if more text has to decide.

    Args:
        line: What there is of the line.
        whole: Whether that is all.
    """
    if not whole and _LEADING.fullmatch(line, partial=True):
        return None
    leading = _LEADING.match(line)
    if leading is None:
        return line
    rest = line[leading.end() :]
    if not whole and len(rest) < _LEAST_SEEN:
        return None
    if not _SENTENCE.match(rest):
        return line
    end = _first_end(rest, whole=whole)
    if end is None and len(rest) < 2 * _MOST_HELD:
        return None
    if end is None or end > _MOST_HELD:
        return line
    return leading["before"] + _with_citation(rest[:end], leading["group"]) + rest[end:]


def _first_end(text: str, *, whole: bool) -> int | None:
    """Return where the first sentence ends; ``None`` if that is not clear yet."""
    ends = sentence_ends(text)
    if whole:
        return ends[0] if ends else len(text.rstrip())
    following = text[ends[0] :] if ends else ""
    is_open = following.lstrip(" ").startswith("[") and "]" not in following  # a citation after the full stop
    return ends[0] if _SEEN.match(following) and not is_open else None


def _with_citation(sentence: str, group: str) -> str:
    """Return a sentence with a citation at its end, together with the one that it has there."""
    if own := _OWN.search(sentence):
        items = dict.fromkeys([*_items(own[0]), *_items(group)])
        return f"{sentence[: own.start()]}[{'; '.join(items)}]{sentence[own.end() :]}"
    stop = _STOP.search(sentence)
    before = sentence[: stop.start()] if stop else sentence
    return f"{before}{space_before(before)}{group}{sentence[len(before) :]}"


def _joined(first: str, others: str) -> str:
    """Return one citation of several, which stand one after the other."""
    groups = regex.findall(_GROUP, f"{first} {others}")
    return f"[{'; '.join(dict.fromkeys(item for group in groups for item in _items(group)))}]"


def _items(group: str) -> list[str]:
    return [item.strip() for item in group[1:-1].split(";")]
