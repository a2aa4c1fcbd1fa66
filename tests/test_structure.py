"""The shape of the code: what a reader may rely on everywhere, besides the contracts of import-linter."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("lwtui", "bench/lwtui_bench", "training/lwtui_training")


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def test_every_class_name_exists_once() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))
    assert len(places) > 300
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_async_generators_do_not_only_pass_on_the_items_of_another() -> None:
    """Each would be one more function that every streamed piece crosses; ``emit`` is passed down instead."""
    found = {
        path.name
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFor) and [type(line) for line in node.body] == [ast.Expr]
        for line in node.body
        if isinstance(line, ast.Expr) and isinstance(line.value, ast.Yield)
    }
    # Where bytes become events of a protocol, a generator has to own the connection that it reads.
    assert found <= {"openai_api.py", "download_http.py"}
