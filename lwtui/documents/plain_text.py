"""The parser of lwtui's Markdown, and conversion to plain text."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from textwrap import indent
from typing import Any

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.footnote import footnote_plugin

from lwtui.documents.markdown_extensions import extend, formula_source
from lwtui.documents.tex import SUBSCRIPTS, SUPERSCRIPTS, formula_text

TASK_MARKS = {False: "☐", True: "☑"}
_CELL_BREAK = regex.compile(r"<br[ \t]*/?>", regex.IGNORECASE)


def parser(*, undefined_notes: bool = False) -> MarkdownIt:
    """Return a parser for lwtui's Markdown.

    It is CommonMark with tables, strikethrough, footnotes (``[^1]`` and ``[^1]: text``) and what
    :mod:`lwtui.documents.markdown_extensions` adds. HTML is plain text, except that ``<br>`` breaks a
    line in a cell of a table: a cell has no other way to.

    Args:
        undefined_notes: Whether ``[^1]`` refers to a footnote even if the text does not define it.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=undefined_notes)
    extend(markdown)
    markdown.core.ruler.push("cell_break", _break_cells)
    return markdown


def parse_blocks(text: str, env: dict[str, Any] | None = None) -> list[Token]:
    """Parse the blocks of a text, but not what is in their lines, which takes most of the time.

    Args:
        text: The text.
        env: Takes the link definitions, as ``references``.
    """
    return _block_parser().parse(text, {} if env is None else env)


@cache
def _block_parser() -> MarkdownIt:
    return parser().disable("inline")


@cache
def _inline_parser() -> MarkdownIt:
    return parser()


def without_marks(markdown: str) -> str:
    """Convert Markdown to plain text, with a blank line between blocks, and bullets or numbers before list items."""
    return _blocks(SyntaxTreeNode(_inline_parser().parse(markdown)))


def shown_formula(formula: Token | SyntaxTreeNode) -> str:
    """Return a formula in signs, or as it is written if it cannot be shown so."""
    return formula_text(formula.content) or formula_source(formula.type, formula.markup, formula.content)


def raised_text(text: str, *, above: bool) -> str:
    """Return a superscript or subscript in the characters that Unicode has for it, or with its mark before it."""
    signs = SUPERSCRIPTS if above else SUBSCRIPTS
    if all(char in signs for char in text):
        return "".join(signs[char] for char in text)
    mark = "^" if above else "_"
    return f"{mark}{text}" if len(text) == 1 else f"{mark}({text})"


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
            return _table(node)
        case "math_block":
            return shown_formula(node)
        case "dl":
            return _definitions(node)
        case "hr":
            return "———"
        case "footnote_reference":
            return f"[{node.meta['label']}] {_blocks(node)}"
        case "paragraph" | "heading":
            return _inline(node)
    return _blocks(node)


def _table(node: SyntaxTreeNode) -> str:
    captions = [_inline(part) for part in node.children if part.type == "caption"]
    rows = (row for part in node.children if part.type != "caption" for row in part.children)
    lines = ("\t".join(" / ".join(_inline(cell).strip().split("\n")) for cell in row.children) for row in rows)
    return "\n".join([*captions, *lines])


def _definitions(node: SyntaxTreeNode) -> str:
    lines: list[str] = []
    for child in node.children:
        text = _inline(child) if child.type == "dt" else indent(_blocks(child, "\n"), "    ")
        lines.append(f"\n{text}" if child.type == "dt" and lines else text)
    return "\n".join(lines)


def _list(node: SyntaxTreeNode) -> str:
    is_tight = any(block.hidden for item in node.children for block in item.children if block.type == "paragraph")
    between = "\n" if is_tight else "\n\n"
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    items = []
    for position, item in enumerate(node.children):
        mark = "• " if number is None else f"{number + position}. "
        if (done := item.meta.get("done")) is not None:
            mark = TASK_MARKS[done] + " "
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
        case "math_inline" | "math_display":
            return shown_formula(node)
        case "sup" | "sub":
            return raised_text("".join(_inline(child) for child in node.children), above=node.type == "sup")
    shown = "".join(_inline(child) for child in node.children)
    if node.type == "link":
        address = str(node.attrs.get("href", ""))
        if not address.startswith("#") and address.removeprefix("mailto:") != shown:
            return f"{shown} ({address})"
    return shown
