"""Markdown and plain text as a document: headings become sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import regex

from lwtui.documents.build import build
from lwtui.documents.model import Brief, Mode, Origin, Plan, PlannedSection
from lwtui.documents.plain_text import parser, without_marks
from lwtui.documents.plan_edits import levelled
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.text import clean, count_words, detect_language

_BEFORE_HEADINGS = "Introduction"
_LANGUAGE_SAMPLE = 5_000  # characters that a language is told by
_LONG_SECTION = 2_000  # words; a section that has as many is divided at the headings within it
_UNWRITTEN = 250  # words; the target of a section of which there is only the heading
# What may be a block of YAML that many tools put on top; its last line would pass for a heading.
# A key or a comment stands directly below its first line: else it is text between two rules.
_FRONT_MATTER = regex.compile(
    r"\A\s*^---[ \t]*\n(?=#|[^\s:#][^\n:]*:)(?P<yaml>(?s:.*?))^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", regex.MULTILINE
)
_KEY = regex.compile(r"[\w-]+[ \t]*:")
_TITLE_LINE = regex.compile(r"^title[ \t]*:[ \t]*(?P<title>[^\n]*)", regex.MULTILINE)
_MOST_FRONT_MATTER = 20_000  # characters


def import_markdown(text: str, title: str, target: Path) -> Document:
    """Make a document at ``target`` from ``text``; ``title`` is that of a text that names none."""
    own, parts = _divide(clean(text))
    title = own or title
    sections = tuple(PlannedSection(one.title, "", _target(one), level=one.level) for one in parts)
    plan = levelled(Plan(title, sections))
    sample = "\n".join(one.text for one in parts)[:_LANGUAGE_SAMPLE]
    brief = Brief(
        instruction=title,
        words=plan.words,
        language=detect_language(f"{title}\n{sample}"),
        mode=Mode.DIRECT if [one.title for one in parts] == [""] else Mode.AGENTWRITE,
    )
    texts = {section.id: one.text for section, one in zip(plan.sections, parts, strict=True)}
    build(target, brief, plan, texts, Origin.IMPORT)
    return Document.open(target)


@dataclass(frozen=True)
class _MarkdownPart:
    """A section that is made of a text. One that ``heads`` others has no text of its own."""

    title: str
    level: int
    text: str
    heads: bool = False


def _target(part: _MarkdownPart) -> int:
    if part.heads:
        return 0
    return count_words(part.text) or (_UNWRITTEN if part.title else 1)


@dataclass(frozen=True)
class _MarkdownHeading:
    level: int
    title: str
    start: int  # its first line
    end: int  # the line after it


def read_text(source: Path) -> str:
    """A file of text. Raises :class:`DocumentError` if it cannot be read as UTF-8."""
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise DocumentError(f"There is no file {source}. Check the path.") from None
    except IsADirectoryError:
        raise DocumentError(f"{source} is a folder. Name a Markdown or text file in it.") from None
    except OSError as error:
        raise DocumentError(f"Cannot read {source}: {error.strerror}. Check its permissions.") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise DocumentError(f"{source} is not UTF-8 text. Save it as UTF-8 in an editor and import it again.")
    return text


def _divide(text: str) -> tuple[str, list[_MarkdownPart]]:
    """The title, empty if the text has none, and the sections."""
    title, text = _without_front_matter(text)
    lines = text.split("\n")
    headings = _headings(text)
    if _is_title(headings, lines) and title.casefold() in ("", headings[0].title.casefold()):
        first = headings.pop(0)
        title = title or first.title
        lines[: first.end] = [""] * first.end
    if not headings:
        return title, [_MarkdownPart("", 1, _joined(lines))]
    starts = _starts(headings, lines)
    highest = min(heading.level for heading in starts)
    parts = []
    if before := _joined(lines[: starts[0].start]):
        parts.append(_MarkdownPart(_BEFORE_HEADINGS, 1, before))
    for heading, following in zip(starts, [*starts[1:], None], strict=True):
        stop = following.start if following else len(lines)
        inner = [one for one in headings if heading.end <= one.start < stop]
        own = _joined(_lowered(lines, inner, highest)[heading.end : stop])
        heads = following is not None and following.level > heading.level and not own
        parts.append(_MarkdownPart(heading.title, heading.level - highest + 1, own, heads))
    return title, parts


def _without_front_matter(text: str) -> tuple[str, str]:
    """The title that a block of YAML on top gives, if there is one, and the text after that block."""
    match = _FRONT_MATTER.match(text)
    if match is None or len(match["yaml"]) > _MOST_FRONT_MATTER:
        return "", text
    import yaml

    try:
        values = yaml.load(match["yaml"], Loader=yaml.BaseLoader)  # a title such as 007 or No is text as it stands
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        if not _KEY.match(match["yaml"]):
            return "", text  # two rules, with text between them
        line = _TITLE_LINE.search(match["yaml"])  # "title: Rust: The Book" is no strict YAML, and usual
        return " ".join(line["title"].strip(" \t\"'").split()) if line else "", text[match.end() :]
    if not isinstance(values, dict):
        return "", text
    title = values.get("title")
    return " ".join(title.split()) if isinstance(title, str) else "", text[match.end() :]


def _is_title(headings: Sequence[_MarkdownHeading], lines: Sequence[str]) -> bool:
    """Whether the first heading stands above all others, with nothing before it."""
    return (
        bool(headings)
        and headings[0].level == 1
        and _levels(headings)[1] == 1
        and not _joined(lines[: headings[0].start])
    )


def _starts(headings: Sequence[_MarkdownHeading], lines: Sequence[str]) -> list[_MarkdownHeading]:
    """The headings that begin sections: down to one level, and further down in parts and in long sections."""
    return _down(headings, lines, len(lines), _split_level(headings))


def _down(headings: Sequence[_MarkdownHeading], lines: Sequence[str], stop: int, level: int) -> list[_MarkdownHeading]:
    """Of ``headings``, the last of which ends at the line ``stop``, those that begin sections: all to a ``level``,
    and those within one that is a part (its first line is another heading, or its neighbours' are) or is long."""
    starts = [heading for heading in headings if heading.level <= level]
    stops = [*(one.start for one in starts[1:]), stop]
    inner = [[deep for deep in headings if one.end <= deep.start < end] for one, end in zip(starts, stops, strict=True)]
    are_parts = {
        one.level
        for one, within in zip(starts, inner, strict=True)
        if within and not _joined(lines[one.end : within[0].start])
    }
    found = []
    for one, within, end in zip(starts, inner, stops, strict=True):
        is_long = len(within) > 1 and count_words("\n".join(lines[one.end : end])) >= _LONG_SECTION
        if within and (is_long or one.level in are_parts):
            deeper = min(deep.level for deep in within) if one.level in are_parts else _split_level(within)
            found += [one, *_down(within, lines, end, deeper)]
        else:
            found.append(one)
    return found


def _headings(text: str) -> list[_MarkdownHeading]:
    """The headings that stand by themselves, not in quotes, lists or code."""
    tokens = parser().parse(text)
    found = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            heading = " ".join(without_marks(tokens[at + 1].content).split())
            found.append(_MarkdownHeading(int(token.tag[1:]), heading, *token.map))
    return found


def _levels(headings: Sequence[_MarkdownHeading]) -> Counter[int]:
    return Counter(heading.level for heading in headings)


def _split_level(headings: Sequence[_MarkdownHeading]) -> int:
    """The highest level that occurs more than once; else the second, or the highest there is."""
    levels = _levels(headings)
    return min((level for level, times in levels.items() if times > 1), default=max(2, min(levels)))


def _lowered(lines: Sequence[str], inner: Sequence[_MarkdownHeading], highest: int) -> list[str]:
    """``lines`` with the headings within a section put below the level that sections have in an export."""
    lines = list(lines)
    if highest == 1:
        for heading in inner:
            blank = [""] * (heading.end - heading.start - 1)
            lines[heading.start : heading.end] = ["#" * min(6, heading.level + 1) + " " + heading.title, *blank]
    return lines


def _joined(lines: Sequence[str]) -> str:
    """Lines as a text without empty ones around it."""
    text = "\n".join(lines).rstrip()
    return regex.sub(r"\A(?:[ \t]*\n)+", "", text)
