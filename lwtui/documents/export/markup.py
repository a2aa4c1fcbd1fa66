"""The Markdown of a text as tokens that are safe to set: addresses checked, headings in their place."""

from __future__ import annotations

import regex
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lwtui.documents.export.manuscript import ManuscriptPart
from lwtui.documents.plain_text import parser

_SAFE_LINKS = ("http:", "https:", "mailto:", "#")
_DEEPEST_HEADING = 6
# Between two of these the end of a line is no space.
_CLOSE = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u301f\uff01-\uff20]")
_FENCES = ("```", "~~~")


def markup() -> MarkdownIt:
    """The parser of :mod:`lwtui.documents.plain_text`, with links to web pages, mail addresses and within alone."""
    markdown = parser()
    markdown.validateLink = is_safe  # type: ignore[method-assign, assignment]
    return markdown


def is_safe(address: str) -> bool:
    return address.strip().lower().startswith(_SAFE_LINKS)


def tokens(markdown: MarkdownIt, part: ManuscriptPart, top: int) -> list[Token]:
    """The text of ``part``, whose own heading has the level ``part.level + top``, with all headings below that."""
    parsed = markdown.parse(part.text)
    headings = [token for token in parsed if token.type in ("heading_open", "heading_close")]
    if headings:
        least = part.level + top + bool(part.title)
        usual = top - 1  # in the Markdown of a document, its chapters have the second level
        down = usual + max(0, least - min(int(token.tag[1:]) + usual for token in headings))
        for token in headings:
            token.tag = f"h{min(_DEEPEST_HEADING, int(token.tag[1:]) + down)}"
    return parsed


def line_end(before: str, after: str) -> str:
    """What stands for the end of a line between two texts: a newline, and in Chinese and Japanese nothing."""
    return "" if _CLOSE.match(before[-1:]) and _CLOSE.match(after[:1]) else "\n"


def closed(text: str) -> str:
    """``text`` with the end of a code block that was broken off, so that it does not swallow the next section."""
    if not any(fence in text for fence in _FENCES):
        return text
    last = next(reversed(parser().parse(text)), None)
    if last is None or last.type != "fence" or last.map is None:
        return text
    content = last.content.rstrip("\n").count("\n") + 1 if last.content else 0
    is_closed = text.count("\n") + 1 - last.map[0] >= content + 2 and text.rstrip().endswith(last.markup)
    return text if is_closed else f"{text}\n{last.markup}"
