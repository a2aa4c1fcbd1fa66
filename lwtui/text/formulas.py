r"""What counts as a formula in Markdown: ``$x$``, ``$$x$$``, ``\(x\)``, ``\[x\]``. Amounts of money and paths are none.

This is the only definition. The parser, exports, checks and citations all follow it.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from lwtui.text.lazy_pattern import LazyPattern

_MAX_INLINE = 1_000  # characters of a formula within a line
INLINE_FORMULA = LazyPattern(
    r"(?P<display>(?<!\\)\$\$(?!\$)(?P<shown>(?:[^$\\]|\\[\s\S])+?)\$\$(?!\$))"
    # Neither end has a space within, and no figure follows: "$5 and $6" is money.
    r"|(?<!\\)\$(?![\s$])(?P<text>(?:[^$\\]|\\[^\n])*?(?:[^$\\\s]|\\[^\s]))\$(?![\d$])"
    r"|\\\((?P<round>(?:[^\\]|\\(?![()\[\]])[\s\S])+?)\\\)"
    r"|(?P<square>\\\[(?P<squared>(?:[^\\]|\\(?![()\[\]])[\s\S])+?)\\\])"
)
_BLANK_LINE = LazyPattern(r"\n[ \t]*\n")
# An amount of money, and words: "$5, or 6$" and "$HOME/bin:$PATH" are no formulas.
_PROSE = LazyPattern(
    r"\d[\d.,]*[^\w\s=<>+*/^\\_(){}-]*\s+(?:.*\W)?\p{L}{2}.*|[A-Z_]{3,}\W*|[A-Z_]{3,}[/:][a-z][\w./:~-]*\W*"
    r"|.*\p{L}{3,}\s+\p{L}{3,}.*",
    regex.S,
)
_MONEY = LazyPattern(r"\d$|\b(?:US|CA|AU|HK|NZ|R|A|C)$")  # before a dollar
# Escaped brackets are common in Markdown; these are a formula only with something that is TeX.
TEX = LazyPattern(r"\\[A-Za-z]{2,}|\^|(?<!\\)_(?=[\w{])|(?<!\\)=|[A-Za-z0-9)] ?[+/<>-] ?[A-Za-z0-9(\\]")
_TEX_MARKS = LazyPattern(r"[\\^_={}]")
ENVIRONMENT = LazyPattern(
    r"\\begin\{(?P<name>equation|align|alignat|gather|multline|eqnarray|displaymath)(?P<star>\*?)\}"
)


def formula_spans(text: str) -> list[tuple[int, int]]:
    """Return where formulas begin and end in a text without code."""
    return [match.span() for match in formulas(text)]


def formulas(text: str) -> Iterator[regex.Match[str]]:
    """Yield the formulas of a text without code, each as a match of :data:`INLINE_FORMULA`."""
    if "$" not in text and "\\" not in text:
        return
    offset = 0
    while match := INLINE_FORMULA.search(text, offset):
        if is_formula(match):
            yield match
            offset = match.end()
        else:
            offset = match.start() + 1  # its closing mark may open another one


def formula_text(match: regex.Match[str]) -> str:
    """Return what stands between the marks of a formula."""
    return str(match["shown"] or match["text"] or match["round"] or match["squared"])


def is_formula(match: regex.Match[str]) -> bool:
    """Tell whether what stands between the marks of a formula is one, rather than text between two such marks."""
    content = formula_text(match)
    if not content.strip() or _BLANK_LINE.search(match[0]):
        return False
    if len(content) > _MAX_INLINE:
        return False
    if match["square"]:
        return bool(TEX.search(content))
    if match["display"]:
        return True
    if match["text"] and _MONEY.search(match.string[max(0, match.start() - 4) : match.start()]):
        return False
    return bool(_TEX_MARKS.search(content)) or not _PROSE.fullmatch(content)
