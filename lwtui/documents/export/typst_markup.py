"""Conversion of Markdown to Typst.

Typst is a programming language that can read files. So a text never becomes Typst markup: it is passed in string
literals, and only the function calls around them are generated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from lwtui.documents.export.markup import code_language, is_safe_link, line_end, referenced_notes

_LANGUAGE = regex.compile(r"[A-Za-z0-9+#-]{1,20}")


_TASK_BOXES: dict[bool | None, str] = {
    False: "box(width: 0.75em, height: 0.75em, stroke: 0.6pt, baseline: 0.05em)",
    True: "box(width: 0.75em, height: 0.75em, stroke: 0.6pt, baseline: 0.05em, "
    'align(center + horizon, text(size: 0.8em, font: mono, "✓")))',
}
_CALLS = {"em": "emph", "strong": "strong", "s": "strike", "sup": "super", "sub": "sub"}


def typst_string(text: str) -> str:
    """Return a Typst string literal for ``text``."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
    return f'"{escaped}"'


def heading(level: int, content: str, name: str, *, outlined: bool = True) -> str:
    """Return a heading to which links lead by its name."""
    made = f"heading(level: {level}, outlined: {str(outlined).lower()}, {content})"
    return f"[#{made}#label({typst_string(name)})]" if name else made


def part_body(tokens: Sequence[Token]) -> Iterator[str]:
    """Convert the parsed text of a part to Typst expressions, one per block. The heading of a chapter has level 1."""
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
            if node.meta.get("figure") and (image := node.children[0].children[0]).meta.get("picture"):
                return _figure(image)
            return f"par({_inline(node)})" if not node.hidden else _inline(node)
        case "heading":
            return heading(int(node.tag[1:]), _inline(node), str(node.attrs.get("id", "")), outlined=False)
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "fence" | "code_block":
            word = code_language(node.info)
            language = f", lang: {typst_string(word)}" if _LANGUAGE.fullmatch(word) else ""
            return f"raw({typst_string(node.content.rstrip(chr(10)))}, block: true{language})"
        case "blockquote":
            return f"quote(block: true, {_body(node)})"
        case "table":
            return _table(node)
        case "dl":
            return _definitions(node)
        case "math_block":
            return _formula(node, display=True)
        case "hr":
            return "rule"
        case "footnote_reference":
            if node.meta.get("moved"):
                return "[]"
            return f"{{{typst_string('[' + node.meta['label'] + '] ')}; {_body(node)}}}"
    return _body(node)


def _body(node: SyntaxTreeNode) -> str:
    return _joined(_blocks(node))


def _flowing(node: SyntaxTreeNode) -> str:
    """Convert blocks, the first of which continues the line that it stands on."""
    if not node.children or node.children[0].type != "paragraph":
        return _body(node)
    first, *rest = node.children
    return _joined(iter([_inline(first), *(part for block in rest for part in ("parbreak()", _block(block)))]))


def _joined(expressions: Iterator[str]) -> str:
    """Combine expressions into one: Typst joins the values in a code block."""
    return "{[]\n" + "\n".join(expressions) + "\n}"


def _list(node: SyntaxTreeNode) -> str:
    tight = any(block.hidden for item in node.children for block in item.children if block.type == "paragraph")
    items = ", ".join(_body(item) for item in node.children)
    marks = [_TASK_BOXES.get(item.meta.get("done"), '"•"') for item in node.children]
    if any("done" in item.meta for item in node.children):
        return f"enum(tight: {str(tight).lower()}, numbering: number => ({', '.join(marks)},).at(number - 1), {items})"
    if node.type == "bullet_list":
        return f"list(tight: {str(tight).lower()}, {items})"
    return f"enum(tight: {str(tight).lower()}, start: {int(node.attrs.get('start', 1))}, {items})"


def _definitions(node: SyntaxTreeNode) -> str:
    items: list[tuple[str, list[str]]] = []
    for child in node.children:
        if child.type == "dt":
            items.append((_inline(child), []))
        elif items:
            items[-1][1].append(_flowing(child))
    entries = (f"terms.item({term}, {_joined(_separated(['linebreak()', *texts]))})" for term, texts in items)
    return f"terms(tight: false, separator: [], {', '.join(entries)})"


def _separated(texts: Sequence[str]) -> Iterator[str]:
    for at, text in enumerate(texts):
        if at > 1:
            yield "parbreak()"
        yield text


def _figure(image: SyntaxTreeNode) -> str:
    caption = f", caption: {_joined(_inline_expressions(image.children))}" if image.children else ""
    return f"figure({_picture(image)}{caption})"


def _picture(image: SyntaxTreeNode) -> str:
    given = "".join(f", {name}: {_length(size)}" for name, size in image.meta["sizes"].items())
    alt = f", alt: {typst_string(image.content)}" if image.content else ""
    return f"picture({typst_string(image.meta['picture'].name)}{given}{alt})"


def _length(size: str) -> str:
    """Return a length. Typst has no pixels: a pixel of CSS is 0.75 points."""
    return f"{float(size.removesuffix('px')) * 0.75:g}pt" if size.endswith("px") else size


def _formula(node: SyntaxTreeNode, *, display: bool) -> str:
    """Return a formula. Typst evaluates it as mathematics, in which it can read no files."""
    source = typst_string(node.meta["converted"])
    return f'math.equation(block: {str(display).lower()}, eval({source}, mode: "math"))'


def _table(node: SyntaxTreeNode) -> str:
    captions = [_inline(child) for child in node.children if child.type == "caption"]
    rows = [row for section in node.children if section.type != "caption" for row in section.children]
    head, *rest = [[_inline(cell) for cell in row.children] for row in rows]
    columns = len(head)
    sides = ", ".join(_alignment(cell) for cell in rows[0].children)
    cells = ", ".join(cell for row in rest for cell in row)
    header = f"table.header({', '.join(f'strong({cell})' for cell in head)})"
    table = f"table(columns: {columns}, align: ({sides},), {header}, {cells})"
    return f"figure(kind: table, {table}, caption: {captions[0]})" if captions else table


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
    if call := _CALLS.get(node.type):
        return f"{call}({_joined(_inline_expressions(node.children))})"
    match node.type:
        case "math_inline" | "math_display":
            return _formula(node, display=node.type == "math_display")
        case "code_inline":
            return f"raw({typst_string(node.content)})"
        case "hardbreak":
            return "linebreak()"
        case "link":
            return _link(str(node.attrs.get("href", "")), _joined(_inline_expressions(node.children)))
        case "footnote_ref":
            if definition := node.meta.get("definition"):
                return f"footnote({_flowing(definition)})"
            return typst_string(f"[{node.meta['label']}]")
        case "image":
            if node.meta.get("picture"):
                return f"box({_picture(node)})"
            caption = node.content or "image"
            return _link(str(node.attrs.get("src", "")), typst_string(caption))
    return _joined(_inline_expressions(node.children)) if node.children else typst_string(node.content)


def _link(address: str, content: str) -> str:
    if not is_safe_link(address):
        return content
    if address.startswith("#"):  # it leads to a heading, or it would not be there
        return f"link(label({typst_string(address[1:])}), {content})"
    return f"link({typst_string(address)}, {content})"
