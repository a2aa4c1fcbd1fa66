"""Finds words on a screen that should have been translated."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from lwtui.translation import ENGLISH, language
from tests.support import author

_WORD = re.compile(r"(?<![\w./\\~-])[A-Za-z]{2,}(?![\w/\\…]|[.-]\w)")
# Made-up words, which may be cut at both ends.
_PROSE = re.compile(f"[a-z]?(?:{'|'.join(author.SYLLABLES)})+[a-z]?", re.IGNORECASE)
# Names and abbreviations that are the same in all languages.
_NAMES = {
    *(
        "lwtui",
        "demo",
        "starter",
        "GGUF",
        "API",
        "AI",
        "ID",
        "GPU",
        "Instruct",
        "URL",
        "token",
        "SHA",
        "GB",
        "MB",
        "KV",
        "OpenAI",
        "Aa",
    ),
    *("Ctrl", "Alt", "Shift", "Enter", "Esc", "Space", "Tab", "Home", "End", "PgUp", "PgDn", "Backspace", "Del"),
    *("Markdown", "HTML", "DOCX", "ODT", "EPUB", "PDF", "LaTeX", "TOML", "JSON", "CSL", "Pandoc", "Typst", "Word"),
}


def is_english() -> bool:
    """Tell whether this process speaks English."""
    return language() == ENGLISH


@cache
def words_in(module: str) -> set[str]:
    """Return the Latin words that the texts of a module bring to the screen; what it waits to see does not count."""
    tree = ast.parse(Path(module).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    seen = {id(text) for call in calls if getattr(call.func, "id", "") == "sees" for text in call.args}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in seen]
    return {word for text in texts if isinstance(text.value, str) for word in re.findall(r"[A-Za-z]+", text.value)}


def untranslated_words(screen: str, content: set[str]) -> set[str]:
    """Return the Latin words on a screen, except names, made-up prose and the words of its documents.

    Args:
        screen: The text on the screen.
        content: The words of documents and settings that it shows, which columns and windows may cut.
    """
    content = content | words_in(author.__file__)
    found = {word for word in _WORD.findall(screen) if not _PROSE.fullmatch(word)} - _NAMES
    return {word for word in found if not any(known.startswith(word) or known.endswith(word) for known in content)}
