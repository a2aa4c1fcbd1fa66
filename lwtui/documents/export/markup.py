"""Parsing of a manuscript's Markdown for export, with safe links and adjusted heading levels.

A link to ``#heading`` leads to the section or heading of that name, as in other programs; without one it is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import unquote

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, image
from markdown_it.token import Token

from lwtui.documents.export.manuscript import Manuscript, ManuscriptPart
from lwtui.documents.plain_text import parser, without_marks

_SAFE_LINKS = ("http:", "https:", "mailto:", "#")
_MAX_HEADING_LEVEL = 6
# Between two of these characters, a line break is not a space.
_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u301f\uff01-\uff20]")
_SCHEME = regex.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # a single letter may be a drive of Windows
_FENCES = ("```", "~~~")
_NOT_IN_SLUG = regex.compile(r"[^\p{L}\p{M}\p{N}_ -]")


def safe_parser() -> MarkdownIt:
    """Return the parser of :mod:`lwtui.documents.plain_text`, restricted to safe links."""
    markdown = parser()
    markdown.validateLink = is_safe_link  # type: ignore[method-assign, assignment]
    markdown.inline.ruler.at("image", _image_rule)
    return markdown


def _image_rule(state: StateInline, silent: bool) -> bool:
    """Parse a picture, whose address may also be that of a file."""
    before = state.md.validateLink  # this rule may be within itself
    state.md.validateLink = _is_picture_address  # type: ignore[method-assign, assignment]
    try:
        return image(state, silent)
    finally:
        state.md.validateLink = before  # type: ignore[method-assign]


def _is_picture_address(address: str) -> bool:
    return is_safe_link(address) or address.lower().startswith("file:") or not _SCHEME.match(address.strip())


def is_safe_link(address: str) -> bool:
    """Tell whether a link leads to a web page, a mail address or a place in the same document."""
    return address.strip().lower().startswith(_SAFE_LINKS)


def part_tokens(markdown: MarkdownIt, part: ManuscriptPart, top: int) -> list[Token]:
    """Parse the text of a part, and move its headings below the part's own heading.

    Args:
        markdown: The parser.
        part: The part.
        top: The level of a chapter's heading, less 1: the part's own heading has the level ``part.level + top``.
    """
    tokens = markdown.parse(part.text)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    if headings:
        min_level = part.level + top + bool(part.title)
        shift = top - 1  # in the Markdown of a document, chapters are on level 2
        shift += max(0, min_level - min(int(token.tag[1:]) + shift for token in headings))
        for token in headings:
            token.tag = f"h{min(_MAX_HEADING_LEVEL, int(token.tag[1:]) + shift)}"
    return tokens


def book_tokens(markdown: MarkdownIt, book: Manuscript, top: int) -> list[list[Token]]:
    """Parse the texts of all parts, with links that lead from one to another.

    Args:
        markdown: The parser.
        book: The manuscript.
        top: As for :func:`part_tokens`.

    Returns:
        The tokens of each part. A heading that a link leads to has an ``id``.
    """
    parts = [part_tokens(markdown, part, top) for part in book.parts]
    if any("](#" in part.text or "]: #" in part.text for part in book.parts):
        targets = _link_targets(book, parts)
        named: set[str] = set()
        for tokens in parts:
            for token in tokens:
                _resolve_links(token.children or [], targets, named)
    return parts


def _link_targets(book: Manuscript, parts: Sequence[Sequence[Token]]) -> dict[str, str | Token]:
    """Return what a link may name: the id of a part or the token of a heading, by its slug."""
    names = {id(part): name for name, part in book.headings}
    found = heading_slugs([part.title for part in book.parts], parts)
    return {name: heading or names[id(book.parts[at])] for name, (at, heading) in found.items()}


def heading_slugs(titles: Sequence[str], parts: Sequence[Sequence[Token]]) -> dict[str, tuple[int, Token | None]]:
    """Return the headings to which a link within a document may lead.

    Args:
        titles: The heading of each part; empty: it has none.
        parts: The tokens of each part.

    Returns:
        The position of a part, and the token of a heading within it or ``None`` for its own heading, by the slug.
    """
    found: dict[str, tuple[int, Token | None]] = {}

    def add(title: str, at: int, heading: Token | None) -> None:
        name = slug(title)
        unique, number = name, 0
        while unique in found:
            number += 1
            unique = f"{name}-{number}"
        found[unique] = at, heading

    for at, (title, tokens) in enumerate(zip(titles, parts, strict=True)):
        if title:
            add(title, at, None)
        for heading, content in pairwise(tokens):
            if heading.type == "heading_open":
                add(without_marks(content.content), at, heading)
    for at, tokens in enumerate(parts):
        for heading in tokens:
            if name := heading.meta.get("name"):
                found.setdefault(slug(name), (at, heading))
    return found


def slug_of_link(address: str) -> str:
    """Return the slug of the heading to which a link leads, such as ``#growing-tomatoes``."""
    return slug(unquote(address.removeprefix("#")).replace("-", " "))


def slug(title: str) -> str:
    """Return the name by which a link within a document leads to a heading."""
    return _NOT_IN_SLUG.sub("", title.strip().lower()).replace(" ", "-")


def _resolve_links(tokens: list[Token], targets: dict[str, str | Token], named: set[str]) -> None:
    """Give links to headings their targets, and remove those that lead nowhere. ``named`` are the ids of headings."""
    for opening, closing in _pairs(tokens):
        address = str(opening.attrGet("href") or "")
        if not address.startswith("#"):
            continue
        target = targets.get(slug_of_link(address))
        if target is None:
            opening.type = closing.type = "text"  # without a content
            opening.tag = closing.tag = ""
            opening.nesting = closing.nesting = 0
            continue
        if isinstance(target, Token):
            name = str(target.attrGet("id") or f"heading-{len(named) + 1}")
            named.add(name)
            target.attrSet("id", name)
            target = name
        opening.attrSet("href", f"#{target}")


def _pairs(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    opening = None
    for token in tokens:
        if token.type == "link_open":
            opening = token
        elif token.type == "link_close" and opening is not None:
            yield opening, token
            opening = None


def referenced_notes(tokens: Sequence[Token]) -> set[str]:
    """Return the labels of the footnotes that a text refers to outside of its footnotes."""
    found: set[str] = set()
    depth = 0
    for token in tokens:
        if token.type.startswith("footnote_reference_"):
            depth += token.nesting
        elif depth == 0:
            found.update(child.meta["label"] for child in token.children or () if child.type == "footnote_ref")
    return found


def code_language(info: str) -> str:
    """Return the language that the first line of a code block names, or nothing."""
    words = info.strip().removeprefix("{").removesuffix("}").split()
    language = words[0].removeprefix(".").lower() if words else ""
    return language if all(char.isalnum() or char in "+-#_" for char in language) else ""


def line_end(before: str, after: str) -> str:
    """Return what a line break between two texts becomes: a newline, but nothing in Chinese and Japanese."""
    return "" if _CJK.match(before[-1:]) and _CJK.match(after[:1]) else "\n"


def close_code_block(text: str) -> str:
    """Close a code block that is still open at the end of a text, so that it does not swallow the next section."""
    if not any(fence in text for fence in _FENCES):
        return text
    last = next(reversed(parser().parse(text)), None)
    if last is None or last.type != "fence" or last.map is None:
        return text
    content = last.content.rstrip("\n").count("\n") + 1 if last.content else 0
    is_closed = text.count("\n") + 1 - last.map[0] >= content + 2 and text.rstrip().endswith(last.markup)
    return text if is_closed else f"{text}\n{last.markup}"
