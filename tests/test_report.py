"""The report from twelve sources of ``docs/experiments/report.py``, by its scripted author."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("pypandoc")
pytest.importorskip("trafilatura")
pytest.importorskip("pypdf")


@pytest.fixture(scope="module")
def report() -> ModuleType:
    path = Path(__file__).parents[1] / "docs" / "experiments" / "report.py"
    spec = importlib.util.spec_from_file_location("report_experiment", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_report_from_twelve_sources_cites_nothing_else_in_five_formats(
    report: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main(["--out", str(tmp_path), "--json"]) == 0
    dropped, found = capsys.readouterr().out.split("\n", 1)
    result = json.loads(found)
    assert int(dropped.split()[0]) >= 24  # two in each section
    assert result["sources"] == result["sources cited"] == result["records in BibTeX"] == 12
    assert result["words"] >= 2_700 and result["citations"] >= 100
    assert result["citations of no source"] == result["made-up works in the text"] == 0
    assert result["claims without support"] == result["figures without citation"] == 0
    assert [result[f"missing in {ending}"] for ending in report.FORMATS] == [0] * 5


@pytest.mark.parametrize(
    "wrong",
    [{"words": 2_600}, {"citations": 0}, {"citations of no source": 1}, {"missing in pdf": 1}],
)
def test_a_wrong_report_is_told(report: ModuleType, wrong: dict[str, int]) -> None:
    right = {"words": 3_000, "citations": 9, "citations of no source": 0, "made-up works in the text": 0}
    right |= {f"missing in {ending}": 0 for ending in report.FORMATS}
    assert report.is_right(right, 3_000)
    assert not report.is_right(right | wrong, 3_000)
