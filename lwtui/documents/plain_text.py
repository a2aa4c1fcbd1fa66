"""Conversion of Markdown to plain text."""

from __future__ import annotations

from textwrap import indent

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode


def parser() -> MarkdownIt:
    """Return a parser for lwtui's Markdown: CommonMark with tables and strikethrough, where HTML is plain text."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def without_marks(markdown: str) -> str:
    """Convert Markdown to plain text, with a blank line between blocks, and bullets or numbers before list items."""
    return _blocks(SyntaxTreeNode(parser().parse(markdown)))


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
            return "\n".join("\t".join(_inline(cell).strip() for cell in row.children) for row in rows)
        case "hr":
            return "———"
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
    shown = "".join(_inline(child) for child in node.children)
    if node.type == "link":
        address = str(node.attrs.get("href", ""))
        if not address.startswith("#") and address.removeprefix("mailto:") != shown:
            return f"{shown} ({address})"
    return shown
