"""Whatever an import counts has a name in the report."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lwtui.documents import importing
from lwtui.documents.importing import pandoc_reader
from lwtui.documents.importing.report_kinds import KINDS, counted


def _counted_kinds(source: str) -> Iterator[str]:
    """Yield the kinds that a module counts, as they stand in its calls of ``keep`` and ``lose``."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ("keep", "lose"):
            kind = call.args[0]
            for node in (kind.body, kind.orelse) if isinstance(kind, ast.IfExp) else (kind,):
                if isinstance(node, ast.Constant):
                    yield node.value


def test_all_that_is_counted_has_a_name() -> None:
    modules = Path(str(importing.__file__)).parent.glob("*.py")
    counted_kinds = {kind for path in modules for kind in _counted_kinds(path.read_text(encoding="utf-8"))}
    counted_kinds |= {kind for kind, _is_kept in pandoc_reader._KINDS.values()}
    counted_kinds |= {kind for _pattern, kind in pandoc_reader._OBJECTS}
    assert counted_kinds == KINDS


@pytest.mark.parametrize(
    ("number", "kind", "shown"),
    [
        (1, "table", "1 table"),
        (2, "address of a picture", "2 addresses of a picture"),
        (3, "synopsis", "3 synopses"),
        (1_200, "tracked deletion", "1,200 tracked deletions"),
        (2, "document that is not compiled", "2 documents that are not compiled"),
        (2, "table of contents", "2 tables of contents"),
    ],
)
def test_a_number_goes_with_its_noun(number: int, kind: str, shown: str) -> None:
    assert counted(number, kind) == shown
