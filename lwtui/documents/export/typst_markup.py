"""Conversion of Markdown to Typst.

Typst is a programming language that can read files. So a text never becomes Typst markup: it is passed in string
literals, and only the function calls around them are generated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex
from markdown_it.tree import SyntaxTreeNode

from lwtui.documents.export.manuscript import ManuscriptPart
from lwtui.documents.export.markup import is_safe_link, line_end, part_tokens, referenced_notes, safe_parser

_LANGUAGE = regex.compile(r"[A-Za-z0-9+#-]{1,20}")


def typst_string(text: str) -> str:
    """Return a Typst string literal for ``text``."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
    return f'"{escaped}"'


def part_body(part: ManuscriptPart) -> Iterator[str]:
    """Convert the text of a part to Typst expressions, one per block. The heading of a chapter has level 1."""
    tokens = part_tokens(safe_parser(), part, top=0)
    root = SyntaxTreeNode(tokens)
    _attach_notes(root, referenced_notes(tokens))
    yield from _blocks(root)


def _attach_notes(root: SyntaxTreeNode, referenced: set[str]) -> None:
    """Put the text of each footnote where a text refers to it: Typst has no other definitions."""
    definitions = {node.meta["label"]: node for node in root.children if node.type == "footnote_reference"}
    for block in root.children:
        if block.type == "footnote_reference":
            block.meta["moved"] = block.meta["label"] in referenced
            continue
        for node in block.walk():
            if node.type == "footnote_ref" and node.meta["label"] in definitions:
                node.meta["definition"] = definitions[node.meta["label"]]


def _blocks(node: SyntaxTreeNode) -> Iterator[str]:
    for child in node.children:
        yield _block(child)
        if not any(block.hidden for block in node.children):  # items of a tight list have no paragraph breaks
            yield "parbreak()"


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "paragraph":
            return f"par({_inline(node)})" if not node.hidden else _inline(node)
        case "heading":
            return f"heading(level: {node.tag[1:]}, outlined: false, {_inline(node)})"
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "fence" | "code_block":
            word = node.info.split()[0] if node.type == "fence" and node.info.split() else ""
            language = f", lang: {typst_string(word)}" if _LANGUAGE.fullmatch(word) else ""
            return f"raw({typst_string(node.content.rstrip(chr(10)))}, block: true{language})"
        case "blockquote":
            return f"quote(block: true, {_body(node)})"
        case "table":
            return _table(node)
        case "hr":
            return "rule"
        case "footnote_reference":
            if node.meta.get("moved"):
                return "[]"
            return f"{{{typst_string('[' + node.meta['label'] + '] ')}; {_body(node)}}}"
    return _body(node)


def _body(node: SyntaxTreeNode) -> str:
    return _joined(_blocks(node))


def _joined(expressions: Iterator[str]) -> str:
    """Combine expressions into one: Typst joins the values in a code block."""
    return "{[]\n" + "\n".join(expressions) + "\n}"


def _list(node: SyntaxTreeNode) -> str:
    tight = any(block.hidden for item in node.children for block in item.children if block.type == "paragraph")
    items = ", ".join(_body(item) for item in node.children)
    if node.type == "bullet_list":
        return f"list(tight: {str(tight).lower()}, {items})"
    return f"enum(tight: {str(tight).lower()}, start: {int(node.attrs.get('start', 1))}, {items})"


def _table(node: SyntaxTreeNode) -> str:
    rows = [row for section in node.children for row in section.children]
    head, *rest = [[_inline(cell) for cell in row.children] for row in rows]
    columns = len(head)
    sides = ", ".join(_alignment(cell) for cell in rows[0].children)
    cells = ", ".join(cell for row in rest for cell in row)
    header = f"table.header({', '.join(f'strong({cell})' for cell in head)})"
    return f"table(columns: {columns}, align: ({sides},), {header}, {cells})"


def _alignment(cell: SyntaxTreeNode) -> str:
    style = str(cell.attrs.get("style", ""))
    return next((side for side in ("left", "center", "right") if f"text-align:{side}" in style), "start")


def _inline(node: SyntaxTreeNode) -> str:
    """Convert the inline content of a block to one expression."""
    children = node.children[0].children if node.children and node.children[0].type == "inline" else node.children
    return _joined(_inline_expressions(children))


def _inline_expressions(nodes: Sequence[SyntaxTreeNode]) -> Iterator[str]:
    """Convert inline nodes to expressions. Adjacent texts and line breaks become one string."""
    text = ""
    for at, node in enumerate(nodes):
        if node.type == "softbreak":
            text += line_end(_content(nodes, at - 1), _content(nodes, at + 1)).replace("\n", " ")
        elif node.type == "text":
            text += node.content
        else:
            if text:
                yield typst_string(text)
            text = ""
            yield _inline_expression(node)
    if text:
        yield typst_string(text)


def _content(nodes: Sequence[SyntaxTreeNode], at: int) -> str:
    return nodes[at].content if 0 <= at < len(nodes) else ""


def _inline_expression(node: SyntaxTreeNode) -> str:
    match node.type:
        case "em" | "strong" | "s":
            call = {"em": "emph", "strong": "strong", "s": "strike"}[node.type]
            return f"{call}({_joined(_inline_expressions(node.children))})"
        case "code_inline":
            return f"raw({typst_string(node.content)})"
        case "hardbreak":
            return "linebreak()"
        case "link":
            return _link(str(node.attrs.get("href", "")), _joined(_inline_expressions(node.children)))
        case "footnote_ref":
            if definition := node.meta.get("definition"):
                return f"footnote({_body(definition)})"
            return typst_string(f"[{node.meta['label']}]")
        case "image":  # a link: the image itself is never read
            caption = node.content or "image"
            return _link(str(node.attrs.get("src", "")), typst_string(caption))
    return _joined(_inline_expressions(node.children)) if node.children else typst_string(node.content)


def _link(address: str, content: str) -> str:
    if not is_safe_link(address) or address.startswith("#"):
        return content
    return f"link({typst_string(address)}, {content})"
