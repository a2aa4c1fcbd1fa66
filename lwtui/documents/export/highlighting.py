"""Highlighting of code in an HTML page."""

from __future__ import annotations

from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_MAX_CODE = 100_000  # characters; longer code is not highlighted
_LIGHT, _DARK = "friendly", "github-dark"


def highlighted(code: str, language: str) -> str:
    """Return code as HTML with classes for its words; empty if the language is unknown or the code too long."""
    if not language or len(code) > _MAX_CODE:
        return ""
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return ""
    return highlight(code, lexer, HtmlFormatter(nowrap=True))


def code_style() -> str:
    """Return the style sheet of highlighted code, on a light and on a dark page."""
    light, dark = (_rules(style) for style in (_LIGHT, _DARK))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _rules(style: str) -> str:
    """Return the rules for words of code, without those for its background and its lines."""
    rules = HtmlFormatter(style=style).get_style_defs("pre").splitlines()
    return "\n".join(rule.partition("/*")[0].rstrip() for rule in rules if rule.startswith("pre ."))
