"""The parser for a terminal: what a terminal cannot show becomes text that it can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from lwtui.documents.plain_text import TASK_MARKS, parser, raised_text, shown_formula, without_marks
from lwtui.documents.tex import SUPERSCRIPTS

_QUOTES = {"footnote_reference": "blockquote", "dd": "blockquote", "dt": "paragraph"}
_PICTURE = "▣"


def readable_parser() -> MarkdownIt:
    """Return a parser whose tokens are those of the core and of tables alone.

    Formulas are in signs, footnotes have their numbers, tasks their boxes, and pictures are named by their captions.
    """
    markdown = parser()
    markdown.core.ruler.push("readable", _readable)
    return markdown


def _readable(state: StateCore) -> None:
    state.tokens = list(_blocks(state.tokens))


def _blocks(tokens: Sequence[Token]) -> Iterator[Token]:
    mark = ""  # goes before the next text
    caption: list[Token] = []
    for at, token in enumerate(tokens):
        kind, _, side = token.type.rpartition("_")
        if token.children:
            token.children = list(_inlines(token.children))
        if token.type == "inline" and mark:
            token.children = [_text(mark), *(token.children or [])]
            mark = ""
        if token.type == "math_block":
            yield Token("fence", "code", 0, content=shown_formula(token) + "\n", map=token.map, block=True)
        elif kind in _QUOTES and side in ("open", "close"):
            if token.type == "footnote_reference_open":
                mark = f"{_number(token.meta['label'])} "
            yield Token(f"{_QUOTES[kind]}_{side}", token.tag, token.nesting, map=token.map, block=True)
        elif kind == "dl":
            continue
        elif token.type == "table_open" and tokens[at + 1].type == "caption_open":
            caption = [token]  # comes after its caption
        elif kind == "caption":
            yield Token(f"paragraph_{side}", "p", token.nesting, map=token.map, block=True)
            if side == "close":
                yield from caption
                caption = []
        else:
            if "done" in token.meta:
                mark = f"{TASK_MARKS[token.meta['done']]} "
            yield token


def _inlines(tokens: Sequence[Token]) -> Iterator[Token]:
    raised = ""  # the type of the token that opened it
    for token in tokens:
        match token.type:
            case "math_inline":
                yield _text(shown_formula(token))
            case "math_display":
                yield _text(f"  {shown_formula(token)}  ")
            case "footnote_ref":
                yield _text(_number(token.meta["label"]))
            case "image":
                yield _text(f"{_PICTURE} {without_marks(token.content)}".rstrip())
            case "sup_open" | "sub_open":
                raised = token.type
            case "sup_close" | "sub_close":
                raised = ""
            case "text" if raised:
                yield _text(raised_text(token.content, above=raised == "sup_open"))
            case _:
                yield token


def _number(label: str) -> str:
    return "".join(SUPERSCRIPTS[digit] for digit in label) if label.isdecimal() and label.isascii() else f"[{label}]"


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
