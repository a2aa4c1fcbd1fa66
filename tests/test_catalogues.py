"""The catalogues of translations: complete, and in step with the code."""

from __future__ import annotations

import ast
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lwtui.translation import broken_messages

ROOT = Path(__file__).parents[1]
CATALOGUES = sorted((ROOT / "lwtui" / "locale").glob("*.po"))
MODULES = [
    path
    for folder in ("lwtui", "bench/lwtui_bench", "training/lwtui_training")
    for path in (ROOT / folder).rglob("*.py")
]
MARKING = [path for path in MODULES if "lwtui.translation import" in path.read_text(encoding="utf-8")]
MARKS = {"_": 1, "_n": 2, "_p": 2}  # and how many of their arguments are texts


@cache
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "packaging" / "translations.py"))


@cache
def marked() -> Any:
    return script()["marked_texts"]()


def test_there_is_a_catalogue_for_chinese() -> None:
    assert "zh.po" in [path.name for path in CATALOGUES]
    assert len(marked()) > 2000


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_the_texts_of_the_code_and_translates_all(file: Path) -> None:
    catalogue = script()["updated"](file, marked())
    assert script()["as_po"](catalogue) == file.read_bytes(), "run: make translations"
    assert script()["untranslated"](catalogue) == []
    assert broken_messages(file) == []


def test_chinese_is_written_with_its_own_marks() -> None:
    catalogue = script()["updated"](ROOT / "lwtui" / "locale" / "zh.po", marked())
    for message in catalogue:
        for text in message.string if isinstance(message.string, tuple) else [message.string]:
            # A half-width mark directly after a Chinese character, and a space beside a full-width one.
            assert not re.search(
                r"[\u4e00-\u9fff][,;!?](?!\w)|[。，；：？！）] (?![{\[(\n])|[^\n ] [（，。；]", text
            ), text


def names_bound(tree: ast.Module) -> list[int]:
    """Return the lines at which a module gives ``_`` another meaning."""
    lines = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store)
    ]
    return lines + [node.lineno for node in ast.walk(tree) if isinstance(node, ast.arg) and node.arg == "_"]


def calls_of(tree: ast.AST, imported: set[str]) -> list[ast.Call]:
    """Return the calls that mark texts."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in imported & set(MARKS)
    ]


@pytest.mark.parametrize("path", MARKING, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_marks_whole_texts(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "lwtui.translation"
        for name in node.names
    }
    assert "_" not in imported or names_bound(tree) == []
    # Babel does not look for texts within f-strings, or among the values of another text.
    outer = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)] + calls_of(tree, imported)
    within = [each for node in outer for each in calls_of(node, imported) if each is not node]
    assert [node.lineno for node in within] == []
    for node in calls_of(tree, imported):
        texts = node.args[: MARKS[node.func.id]]  # type: ignore[attr-defined]
        assert all(isinstance(text, ast.Constant) for text in texts), f"line {node.lineno}: not a plain text"
