"""Parsing of a manuscript's Markdown for export, with safe links and adjusted heading levels."""

from __future__ import annotations

import regex
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lwtui.documents.export.manuscript import ManuscriptPart
from lwtui.documents.plain_text import parser

_SAFE_LINKS = ("http:", "https:", "mailto:", "#")
_MAX_HEADING_LEVEL = 6
# Between two of these characters, a line break is not a space.
_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u301f\uff01-\uff20]")
_FENCES = ("```", "~~~")


def safe_parser() -> MarkdownIt:
    """Return the parser of :mod:`lwtui.documents.plain_text`, restricted to safe links."""
    markdown = parser()
    markdown.validateLink = is_safe_link  # type: ignore[method-assign, assignment]
    return markdown


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
