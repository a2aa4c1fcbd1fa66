r"""What lwtui's Markdown has beyond CommonMark, tables and footnotes, as pandoc and others write it.

Formulas (``$x$``, ``$$x$$``, ``\(x\)``, ``\[x\]``, and environments such as ``\begin{align}``), ``x^2^`` and ``H~2~O``,
definition lists, task lists, captions of tables (a line ``: Caption`` or ``Table: Caption`` beside the table),
pictures with captions (a paragraph that is nothing but a picture), and attributes in braces behind headings, pictures,
code spans and links.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import regex
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin

from lwtui.text.formulas import ENVIRONMENT, INLINE_FORMULA, TEX, formula_spans, formula_text, is_formula
from lwtui.text.lazy_pattern import LazyPattern

FORMULAS = frozenset(("math_inline", "math_display", "math_block"))  # the types of tokens that hold a formula
_MARKS = LazyPattern(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|&(?=#?\w{1,31};)|~~|(?<=\w)://")
_MAX_LINES = 200  # of a formula on lines of its own
_CODE_SPAN = LazyPattern(r"(?<!`)(`+)(?!`)[\s\S]+?(?<!`)\1(?!`)")
_RAISED = LazyPattern(
    r"(?<!\\)(?P<mark>[\^~])(?P<text>(?:[^\s\^~\\`$\[\],;:!?，。、；：！？…]|\\[^\s\w]){1,40}?)(?P=mark)(?![\^~])"
)
_RAISED_WORD = LazyPattern(r"[\p{L}\p{N}]|^[-+−*†‡′']+$")
_TASK = LazyPattern(r"\[(?P<done>[ xX])\](?=[ \t\u3000])[ \t\u3000]+")
_CAPTION = LazyPattern(r"(?:Table)?:[ \t]+(?=\S)", regex.I)
_ATTRIBUTES = LazyPattern(r"\{[ \t]*(?:(?:[#.][\w:.-]+|-|[\w:-]+=(?:\"[^\"\n]*\"|[^\s\"{}]+))(?:[ \t]+|(?=\})))+\}")
_AT_HEADING = LazyPattern(
    r"(?<=\S)[ \t]*\{:?[ \t]*(?:(?:[#.][\w:.-]+|-|[\w-]+=(?:\"[^\"\n]*\"|[^\s\"{}]+))[ \t]*)+\}[ \t]*$"
)
_ATTRIBUTE = LazyPattern(r"(?<=[{\s])(?P<name>[\w:-]+)=(?:\"(?P<quoted>[^\"\n]*)\"|(?P<plain>[^\s\"{}]+))")
_SIZE = LazyPattern(r"(?P<number>\d{1,4}(?:\.\d{1,3})?)(?P<unit>%|px|cm|mm|in|pt|em)?")


def extend(markdown: MarkdownIt) -> None:
    """Add the rules of this module to a parser."""
    markdown.use(deflist_plugin)
    options: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("fence", "math_block", _math_block, options)
    markdown.inline.ruler.before("escape", "math_inline", _math_inline)
    markdown.inline.ruler.before("emphasis", "raised", _raised)
    markdown.inline.ruler.push("attributes", _attributes)
    markdown.core.ruler.after("block", "captions", _captions)
    markdown.core.ruler.after("captions", "tasks", _tasks)
    markdown.core.ruler.after("tasks", "heading_attributes", _heading_attributes)
    markdown.core.ruler.push("figures", _figures)


def count_formulas(text: str) -> int:
    """Count the formulas within a paragraph."""
    return len(formula_spans(_CODE_SPAN.sub("", text)))


def escape_marks(text: str) -> str:
    """Escape what a parser would read as marks within a line, as in a heading or in the text of a link."""
    text = _MARKS.sub(lambda match: match[0] if match[0] == "://" else "".join(f"\\{char}" for char in match[0]), text)
    return escape_extensions(text)


def escape_extensions(text: str) -> str:
    """Escape what a parser would read as a formula or as raised or lowered, in text whose brackets are escaped."""
    text = escape_brackets(text)
    if "$" in text:
        text = INLINE_FORMULA.sub(lambda match: _escape(match[0], "$"), text)
        text = regex.sub(r"(?m)^([ \t]*)\$\$", r"\1\\$\\$", text)
    for mark in "^~":
        if text.count(mark) > 1:
            text = _RAISED.sub(lambda match: _escape(match[0], match["mark"]), text)
    return text


def escape_brackets(text: str) -> str:
    """Escape pairs of escaped brackets otherwise if a parser would read them as a formula."""
    return INLINE_FORMULA.sub(_escape_bracket, text) if "\\[" in text else text


def _escape_bracket(match: regex.Match[str]) -> str:
    is_formula = match["square"] and TEX.search(match["squared"])
    return f"&#91;{match[0][2:]}" if is_formula else match[0]


def _escape(text: str, mark: str) -> str:
    return regex.sub(rf"(?<!\\){regex.escape(mark)}", rf"\\{mark}", text)


def formula_source(kind: str, markup: str, content: str) -> str:
    """Return a formula with its marks, as it is written, from the type, the markup and the content of its token."""
    closing = {"\\(": "\\)", "\\[": "\\]"}.get(markup, markup)
    between = "\n" if kind == "math_block" and markup else ""
    return f"{markup}{between}{content}{between}{closing}"


def size_of(token: Token) -> dict[str, str]:
    """Return the width and the height that a picture's attributes give, as a number with a unit."""
    found = {}
    for name in ("width", "height"):
        if match := _SIZE.fullmatch(str(token.attrGet(name) or "").strip()):
            found[name] = match["number"] + (match["unit"] or "px")
    return found


# -- formulas


def _math_inline(state: StateInline, silent: bool) -> bool:
    char = state.src[state.pos]
    if char not in "$\\" or (char == "\\" and state.src[state.pos + 1 : state.pos + 2] not in ("(", "[")):
        return False
    match = INLINE_FORMULA.match(state.src, state.pos, state.posMax)
    if match is None or not is_formula(match):
        return False
    is_display = bool(match["display"] or match["square"])
    if not silent:
        token = state.push("math_display" if is_display else "math_inline", "math", 0)
        token.content = formula_text(match).strip()
        token.markup = match[0][: 2 if is_display or char == "\\" else 1]
    state.pos = match.end()
    return True


def _math_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a formula on lines of its own, without blank lines."""
    if state.is_code_block(start):
        return False
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    environment = ENVIRONMENT.match(first)
    if environment:
        opening, closing = "", f"\\end{{{environment['name']}{environment['star']}}}"
    elif first.startswith("$$") and not first.startswith("$$$"):
        opening = closing = "$$"
    elif first.startswith("\\["):
        opening, closing = "\\[", "\\]"
    else:
        return False
    lines = []
    for number in range(start, min(end, start + _MAX_LINES)):
        if state.isEmpty(number) or (number > start and state.sCount[number] < state.blkIndent):
            return False
        line = state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()
        line = line[len(opening) :] if number == start else line
        lines.append(line)
        at = line.find(closing)
        if at < 0:
            continue
        if line[at + len(closing) :].strip():
            return False  # text follows: the formula is within a paragraph
        lines[-1] = line if environment else line[:at]
        if opening == "\\[" and lines[0].strip() and not TEX.search("\n".join(lines)):
            return False  # escaped brackets
        content = "\n".join(lines).strip()
        if content and not silent:
            token = state.push("math_block", "math", 0)
            token.block = True
            token.content, token.markup = content, opening
            token.map = [start, number + 1]
            state.line = number + 1
        return bool(content)
    return False


# -- superscripts and subscripts


def _raised(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "^~":
        return False
    match = _RAISED.match(state.src, state.pos, state.posMax)
    if match is None or state.src[state.pos - 1 : state.pos] == match["mark"]:
        return False
    if not _RAISED_WORD.search(match["text"]):
        return False
    before, after = state.src[state.pos - 1 : state.pos], state.src[match.end() : match.end() + 1]
    if before.isdigit() and after.isdigit():
        return False  # two ranges or powers, as in 5~10 and 20~30
    if not before.strip() and match["mark"] == "~":
        return False  # about: ~5
    if not silent:
        name, tag = ("sup", "sup") if match["mark"] == "^" else ("sub", "sub")
        state.push(f"{name}_open", tag, 1).markup = match["mark"]
        inner = state.push("text", "", 0)
        inner.content = regex.sub(r"\\(.)", r"\1", match["text"])
        state.push(f"{name}_close", tag, -1).markup = match["mark"]
    state.pos = match.end()
    return True


# -- attributes


def _attributes(state: StateInline, silent: bool) -> bool:
    """Read attributes such as ``{#name .class width=50%}`` behind a picture, a code span or a link."""
    if state.src[state.pos] != "{" or state.pending or silent or not state.tokens:
        return False
    if state.tokens[-1].type not in ("image", "code_inline", "link_close"):
        return False
    match = _ATTRIBUTES.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    token = state.tokens[-1]
    for name, quoted, plain in _ATTRIBUTE.findall(match[0]):
        if name in ("width", "height") and token.type == "image":
            token.attrSet(name, quoted or plain)
    state.pos = match.end()
    return True


def _heading_attributes(state: StateCore) -> None:
    """Drop the attributes behind a heading, and note in its ``meta`` the name by which links lead to it."""
    for heading, inline in pairwise(state.tokens):
        if heading.type == "heading_open" and (match := _AT_HEADING.search(inline.content)):
            inline.content = inline.content[: match.start()].rstrip()
            if name := regex.search(r"#([\w:.-]+)", match[0]):
                heading.meta["name"] = name[1]


# -- captions, tasks and figures


def _captions(state: StateCore) -> None:
    """Move a paragraph beside a table that begins with ``:`` or ``Table:`` into the table, as its caption."""
    tokens = state.tokens
    if not any(token.type == "table_open" for token in tokens):
        return
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        if tokens[at].type == "table_open":
            above = _is_caption(result[-3:])
            caption = [result.pop(-3), result.pop(-2), result.pop(-1)] if above else []
            close = next(number for number in range(at, len(tokens)) if tokens[number].type == "table_close")
            if not caption and _is_caption(tokens[close + 1 : close + 4]):
                caption = tokens[close + 1 : close + 4]
                end = close + 4
            else:
                end = close + 1
            result += [tokens[at], *_as_caption(caption), *tokens[at + 1 : close + 1]]
            at = end
        else:
            result.append(tokens[at])
            at += 1
    state.tokens = result


def _is_caption(tokens: Sequence[Token]) -> bool:
    return (
        [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
        and bool(_CAPTION.match(tokens[1].content))
        and not tokens[0].hidden
    )


def _as_caption(tokens: Sequence[Token]) -> list[Token]:
    if not tokens:
        return []
    opening, inline, closing = tokens
    opening.type, closing.type = "caption_open", "caption_close"
    opening.tag = closing.tag = "caption"
    inline.content = _CAPTION.sub("", inline.content, count=1)
    return [opening, inline, closing]


def _tasks(state: StateCore) -> None:
    """Note in the ``meta`` of each item of a task list whether it is done, and drop its mark."""
    for at, token in enumerate(state.tokens[:-2]):
        if token.type != "list_item_open" or state.tokens[at + 1].type != "paragraph_open":
            continue
        inline = state.tokens[at + 2]
        if match := _TASK.match(inline.content):
            token.meta["done"] = match["done"] != " "
            inline.content = inline.content[match.end() :]


def _figures(state: StateCore) -> None:
    """Mark the paragraphs that are nothing but a picture."""
    for at, token in enumerate(state.tokens[:-1]):
        children = state.tokens[at + 1].children or ()
        if token.type == "paragraph_open" and len(children) == 1 and children[0].type == "image":
            token.meta["figure"] = True
