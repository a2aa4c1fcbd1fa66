"""A manuscript as pandoc's tree, from which pandoc writes DOCX, ODT, EPUB and LaTeX.

The tree has no raw markup of any format, so whatever a text contains is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import east_asian_width

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.markup import code_language, is_safe_link, line_end, referenced_notes
from lwtui.documents.export.pandoc import API_VERSION
from lwtui.documents.export.pictures import Picture
from lwtui.documents.export.prepared import PreparedBook
from lwtui.documents.export.translations import contents_title, is_right_to_left

Node = dict[str, Any]  # an element of pandoc's tree
_NO_ATTRIBUTES: list[Any] = ["", [], []]
_WIDE_TABLE = 72  # characters; a wider table has columns with widths
_MAX_CELL = 60  # characters that count for the width of a column
_ALIGNMENTS = {"left": "AlignLeft", "center": "AlignCenter", "right": "AlignRight"}
_WRAPPERS = {"em": "Emph", "strong": "Strong", "s": "Strikeout", "sup": "Superscript", "sub": "Subscript"}


def book_tree(book: Manuscript, prepared: PreparedBook, picture_folder: str = "") -> Node:
    """Return the tree of a manuscript.

    Args:
        book: The manuscript.
        prepared: Its parsed texts, whose chapters have headings of level 1.
        picture_folder: The folder of the files of pictures; empty: pictures are part of the tree.
    """
    names = {id(part): name for name, part in book.headings}
    blocks: list[Node] = []
    for part, tokens in zip(book.parts, prepared.tokens, strict=True):
        if part.title:
            blocks.append(_header(part.level, names[id(part)], _words(part.title)))
        blocks += _TreeWriter(tokens, picture_folder).blocks_of_part()
    return {"pandoc-api-version": API_VERSION, "meta": _metadata(book), "blocks": blocks}


def _metadata(book: Manuscript) -> Node:
    def words(text: str) -> Node:
        return {"t": "MetaInlines", "c": _words(text)}

    metadata = {"title": words(book.title), "toc-title": words(contents_title(book.language))}
    if book.author:
        metadata["author"] = {"t": "MetaList", "c": [words(book.author)]}
    if book.title_page or book.signed:
        metadata["date"] = words(book.date)
    if book.language:
        metadata["lang"] = {"t": "MetaString", "c": book.language}
    if is_right_to_left(book.language):
        metadata["dir"] = {"t": "MetaString", "c": "rtl"}
    return metadata


def _words(text: str) -> list[Node]:
    """Return a text as words and spaces."""
    nodes: list[Node] = []
    for at, word in enumerate(text.replace("\t", " ").split(" ")):
        if at and (not nodes or nodes[-1]["t"] != "Space"):
            nodes.append({"t": "Space"})
        if word:
            nodes.append({"t": "Str", "c": word})
    return nodes


def _header(level: int, name: str, inlines: list[Node]) -> Node:
    return {"t": "Header", "c": [level, [name, [], []], inlines]}


class _TreeWriter:
    """Writes the tree of one part."""

    def __init__(self, tokens: Sequence[Token], picture_folder: str) -> None:
        self._root = SyntaxTreeNode(tokens)
        self._referenced = referenced_notes(tokens)
        self._picture_folder = picture_folder
        self._notes = {node.meta["label"]: node for node in self._root.children if node.type == "footnote_reference"}
        self._in_note = False

    def blocks_of_part(self) -> list[Node]:
        return self._blocks(self._root)

    def _blocks(self, node: SyntaxTreeNode) -> list[Node]:
        return [block for child in node.children for block in self._block(child)]

    def _block(self, node: SyntaxTreeNode) -> list[Node]:
        match node.type:
            case "paragraph":
                if node.meta.get("figure") and (picture := self._image(node).meta.get("picture")):
                    return [self._figure(self._image(node), picture)]
                inlines = self._inline(node)
                return [{"t": "Plain" if node.hidden else "Para", "c": inlines}] if inlines else []
            case "heading":
                return [_header(int(node.tag[1:]), str(node.attrs.get("id", "")), self._inline(node))]
            case "bullet_list":
                return [{"t": "BulletList", "c": [self._item(item) for item in node.children]}]
            case "ordered_list":
                kind = [int(node.attrs.get("start", 1)), {"t": "Decimal"}, {"t": "Period"}]
                return [{"t": "OrderedList", "c": [kind, [self._item(item) for item in node.children]]}]
            case "dl":
                return [{"t": "DefinitionList", "c": self._definitions(node)}]
            case "fence" | "code_block":
                classes = [language] if (language := code_language(node.info)) else []
                return [{"t": "CodeBlock", "c": [["", classes, []], node.content.rstrip("\n")]}]
            case "math_block":
                return [{"t": "Para", "c": [_math(node, display=True)]}]
            case "blockquote":
                return [{"t": "BlockQuote", "c": self._blocks(node)}]
            case "table":
                return [self._table(node)]
            case "hr":
                return [{"t": "HorizontalRule"}]
            case "footnote_reference":
                if node.meta["label"] in self._referenced:
                    return []  # it stands where the text refers to it
                return [{"t": "Para", "c": _words(f"[{node.meta['label']}]")}, *self._blocks(node)]
        return self._blocks(node)

    def _item(self, item: SyntaxTreeNode) -> list[Node]:
        blocks = self._blocks(item)
        if (done := item.meta.get("done")) is not None and blocks and blocks[0]["t"] in ("Plain", "Para"):
            blocks[0]["c"] = [{"t": "Str", "c": "☒" if done else "☐"}, {"t": "Space"}, *blocks[0]["c"]]
        return blocks

    def _definitions(self, node: SyntaxTreeNode) -> list[list[Any]]:
        items: list[list[Any]] = []
        for child in node.children:
            if child.type == "dt":
                items.append([self._inline(child), []])
            elif items:
                items[-1][1].append(self._blocks(child))
        return items

    def _figure(self, image: SyntaxTreeNode, picture: Picture) -> Node:
        caption = self._inlines(image.children)
        blocks = [{"t": "Plain", "c": caption}] if caption else []
        return {
            "t": "Figure",
            "c": [_NO_ATTRIBUTES, [None, blocks], [{"t": "Plain", "c": [self._picture(image, picture)]}]],
        }

    @staticmethod
    def _image(node: SyntaxTreeNode) -> SyntaxTreeNode:
        return node.children[0].children[0]

    def _picture(self, image: SyntaxTreeNode, picture: Picture) -> Node:
        address = f"{self._picture_folder}/{picture.name}" if self._picture_folder else picture.address
        sizes = [[name, size] for name, size in image.meta.get("sizes", {}).items()]
        return {"t": "Image", "c": [["", [], sizes], self._inlines(image.children), [address, ""]]}

    def _table(self, node: SyntaxTreeNode) -> Node:
        captions = [self._inline(child) for child in node.children if child.type == "caption"]
        rows = [row for part in node.children if part.type != "caption" for row in part.children]
        lengths = [
            max(min(_MAX_CELL, _width(row.children[column])) for row in rows if column < len(row.children))
            for column in range(len(rows[0].children))
        ]
        total = sum(lengths)
        columns = []
        for cell, length in zip(rows[0].children, lengths, strict=True):
            style = str(cell.attrs.get("style", ""))
            side = next((name for key, name in _ALIGNMENTS.items() if f"text-align:{key}" in style), "AlignDefault")
            share = {"t": "ColWidth", "c": max(length, 5) / sum(max(other, 5) for other in lengths)}
            columns.append([{"t": side}, share if total > _WIDE_TABLE else {"t": "ColWidthDefault"}])
        head, *body = [[_NO_ATTRIBUTES, [self._cell(cell) for cell in row.children]] for row in rows]
        caption = [{"t": "Plain", "c": inlines} for inlines in captions[:1]]
        bodies = [[_NO_ATTRIBUTES, 0, [], body]]
        content = [_NO_ATTRIBUTES, [None, caption], columns, [_NO_ATTRIBUTES, [head]], bodies, [_NO_ATTRIBUTES, []]]
        return {"t": "Table", "c": content}

    def _cell(self, cell: SyntaxTreeNode) -> list[Any]:
        inlines = self._inline(cell)
        blocks = [{"t": "Plain", "c": inlines}] if inlines else []
        return [_NO_ATTRIBUTES, {"t": "AlignDefault"}, 1, 1, blocks]

    # -- inlines

    def _inline(self, node: SyntaxTreeNode) -> list[Node]:
        children = node.children[0].children if node.children and node.children[0].type == "inline" else node.children
        return self._inlines(children)

    def _inlines(self, nodes: Sequence[SyntaxTreeNode]) -> list[Node]:
        inlines: list[Node] = []
        for at, node in enumerate(nodes):
            if node.type == "softbreak":
                before, after = (nodes[near].content if 0 <= near < len(nodes) else "" for near in (at - 1, at + 1))
                inlines += [{"t": "SoftBreak"}] if line_end(before, after) else []
            else:
                inlines += self._inline_nodes(node)
        return inlines

    def _inline_nodes(self, node: SyntaxTreeNode) -> list[Node]:
        if kind := _WRAPPERS.get(node.type):
            return [{"t": kind, "c": self._inlines(node.children)}]
        match node.type:
            case "text":
                return _words(node.content)
            case "code_inline":
                return [{"t": "Code", "c": [_NO_ATTRIBUTES, node.content]}]
            case "hardbreak":
                return [{"t": "LineBreak"}]
            case "math_inline" | "math_display":
                return [_math(node, display=node.type == "math_display")]
            case "link":
                return _link(str(node.attrs.get("href", "")), self._inlines(node.children))
            case "footnote_ref":
                return self._note(node.meta["label"])
            case "image":
                if picture := node.meta.get("picture"):
                    return [self._picture(node, picture)]
                return _link(str(node.attrs.get("src", "")), self._inlines(node.children) or _words("image"))
        return self._inlines(node.children) if node.children else _words(node.content)

    def _note(self, label: str) -> list[Node]:
        definition = self._notes.get(label)
        if definition is None or self._in_note:  # a note of a note
            return _words(f"[{label}]")
        self._in_note = True
        blocks = self._blocks(definition)
        self._in_note = False
        return [{"t": "Note", "c": blocks}]


def _math(node: SyntaxTreeNode, *, display: bool) -> Node:
    return {"t": "Math", "c": [{"t": "DisplayMath" if display else "InlineMath"}, node.meta["formula"]]}


def _link(address: str, inlines: list[Node]) -> list[Node]:
    if not is_safe_link(address):
        return inlines
    return [{"t": "Link", "c": [_NO_ATTRIBUTES, inlines, [address, ""]]}]


def _width(cell: SyntaxTreeNode) -> int:
    """Return about how wide a cell is, in Latin characters."""
    text = "".join(_texts(cell.children))
    return len(text) + sum(east_asian_width(char) in "WF" for char in text)


def _texts(nodes: Iterable[SyntaxTreeNode]) -> Iterable[str]:
    for node in nodes:
        yield from _texts(node.children) if node.children else (node.content,)
