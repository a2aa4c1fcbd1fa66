"""The parser of lwtui's Markdown, and conversion to plain text."""

from __future__ import annotations

from itertools import pairwise
from textwrap import indent

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.footnote import footnote_plugin

_CELL_BREAK = regex.compile(r"<br[ \t]*/?>", regex.IGNORECASE)


def parser(*, undefined_notes: bool = False) -> MarkdownIt:
    """Return a parser for lwtui's Markdown.

    It is CommonMark with tables, strikethrough and footnotes (``[^1]`` and ``[^1]: text``), where HTML is plain text,
    except that ``<br>`` breaks a line in a cell of a table: a cell has no other way to.

    Args:
        undefined_notes: Whether ``[^1]`` refers to a footnote even if the text does not define it.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=undefined_notes)
    markdown.core.ruler.push("cell_break", _break_cells)
    return markdown


def without_marks(markdown: str) -> str:
    """Convert Markdown to plain text, with a blank line between blocks, and bullets or numbers before list items."""
    return _blocks(SyntaxTreeNode(parser().parse(markdown)))


def _break_cells(state: StateCore) -> None:
    """Replace ``<br>`` in the cells of tables by line breaks."""
    for cell, content in pairwise(state.tokens):
        if cell.type in ("th_open", "td_open") and "<" in content.content:
            content.children = [new for child in content.children or [] for new in _divided(child)]


def _divided(token: Token) -> list[Token]:
    if token.type != "text" or not (pieces := _CELL_BREAK.split(token.content))[1:]:
        return [token]
    divided = []
    for piece in pieces:
        divided += [Token("hardbreak", "br", 0), Token("text", "", 0, content=piece, level=token.level)]
    return divided[1:]


def _blocks(node: SyntaxTreeNode, between: str = "\n\n") -> str:
    return between.join(text for child in node.children if (text := _block(child)))


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "fence" | "code_block":
            return node.content.rstrip("\n")
        case "table":
            rows = (row for part in node.children for row in part.children)
            return "\n".join(
                "\t".join(" / ".join(_inline(cell).strip().split("\n")) for cell in row.children) for row in rows
            )
        case "hr":
            return "———"
        case "footnote_reference":
            return f"[{node.meta['label']}] {_blocks(node)}"
        case "paragraph" | "heading":
            return _inline(node)
    return _blocks(node)


def _list(node: SyntaxTreeNode) -> str:
    is_tight = any(block.hidden for item in node.children for block in item.children if block.type == "paragraph")
    between = "\n" if is_tight else "\n\n"
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    items = []
    for position, item in enumerate(node.children):
        mark = "• " if number is None else f"{number + position}. "
        items.append(mark + indent(_blocks(item, between), " " * len(mark)).lstrip(" "))
    return between.join(items)


def _inline(node: SyntaxTreeNode) -> str:
    """Return the text of inline nodes. The address of a link follows its text in parentheses."""
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak" | "hardbreak":
            return "\n"
        case "footnote_ref":
            return f"[{node.meta['label']}]"
    shown = "".join(_inline(child) for child in node.children)
    if node.type == "link":
        address = str(node.attrs.get("href", ""))
        if not address.startswith("#") and address.removeprefix("mailto:") != shown:
            return f"{shown} ({address})"
    return shown
