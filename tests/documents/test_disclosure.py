"""The disclosure report on real documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lwtui.documents.disclosure import Authorship, report, save_report, section_authorship
from lwtui.documents.export import ExportOptions, render
from lwtui.documents.model import Origin, Plan, Provenance, Status
from lwtui.documents.plan_edits import merge
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from tests.documents.support import LIGHT, PROVENANCE, SOIL, WATER, new_document
from tests.errors import has_code

TEN = "One two three four five six seven eight nine ten."
OTHER = Provenance("gpt|4", "ff00", {"temperature": 0.2, "top_p": None}, "", None)


def write_by_model(document: Document, id: str, text: str, keep: int = 0, provenance: Provenance = PROVENANCE) -> None:
    document.begin(id, provenance, keep)
    document.append(id, text)
    document.finish(id, Status.DONE, Usage(1, 1))


def shares(document: Document, at: int = 0) -> dict[str, int]:
    return {
        str(authorship): count
        for authorship, count in section_authorship(document.sections(), document.path)[at].words.items()
    }


def test_words_are_traced_through_edits(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write_by_model(document, SOIL.id, TEN)
        assert shares(document) == {"model": 10}
        document.edit(SOIL.id, "One two 3 four five six seven eight nine ten.")
        assert shares(document) == {"model": 9, "edited": 1}
        document.edit(SOIL.id, "One two 3 four five six seven eight nine ten. And some words of mine.")
        assert shares(document) == {"model": 9, "edited": 1, "by hand": 5}
        document.edit(SOIL.id, "One two 3 four. And some words of mine.")  # these now replace the model's
        assert shares(document) == {"model": 3, "edited": 6}
        document.edit(SOIL.id, "One two.")  # removed words do not count
        assert shares(document) == {"model": 2}


def test_text_before_a_continuation_stays_the_users(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(WATER.id, "My own beginning is here. ")
        write_by_model(document, WATER.id, TEN, keep=len("My own beginning is here. "))
        assert shares(document) == {"by hand": 5, "model": 10}
        write_by_model(document, WATER.id, "Another text.")  # written again from the beginning
        assert shares(document) == {"model": 2}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("candidate 2", {"model": 10}),
        ("take 2", {"model": 10}),  # the old word for candidate
        ("shorten", {"model": 2, "by hand": 8}),
        ("merge of candidate 2", {"model": 2, "by hand": 8}),
    ],
)
def test_a_candidate_is_attributed_completely_and_a_passage_by_its_changes(
    tmp_path: Path, task: str, expected: dict[str, int]
) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, TEN)
        answer = TEN.replace("One", "1").replace("ten", "10")
        document.adopt_version(
            SOIL.id, document.keep_version(SOIL.id, answer, Provenance("demo", task=task), Usage(1, 1))
        )
        assert shares(document) == expected


def test_a_restored_revision_keeps_its_authorship(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write_by_model(document, SOIL.id, TEN)
        document.edit(SOIL.id, TEN.replace("ten", "10"))
        edited = document.revisions(SOIL.id)[0].id
        write_by_model(document, SOIL.id, "A wholly other text.", provenance=OTHER)
        document.restore(edited)
        assert shares(document) == {"model": 9, "edited": 1}
        assert section_authorship(document.sections(), document.path)[0].models == (
            "demo: temperature 0.8, seed 11, SHA-256 of its file ab12",
        )


def test_moved_text_keeps_its_authorship(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write_by_model(document, SOIL.id, TEN)
        write_by_model(document, WATER.id, "Eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen.")
        joined = document.section(SOIL.id).text + "\n\n" + document.section(WATER.id).text
        document.set_plan(merge(document.plan, SOIL.id), "Merge", {SOIL.id: joined})
        assert shares(document) == {"model": 18}
        document.edit(LIGHT.id, "Here: " + joined + " So it is.")
        assert shares(document, 1) == {"by hand": 4, "model": 18}


def test_imported_and_streaming_text_are_attributed(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, TEN, Origin.IMPORT)
        document.edit(SOIL.id, TEN.replace("two", "2"))
        assert shares(document) == {"imported": 9, "edited": 1}
        assert "| Imported |" in report(document) and "90\u00a0% imported" in report(document)
        document.begin(WATER.id, PROVENANCE, 0)
        document.append(WATER.id, "Half a")
        assert shares(document, 1) == {"model": 2}


def test_chinese_is_compared_by_characters(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write_by_model(document, SOIL.id, "番茄喜欢疏松的土壤。")
        document.edit(SOIL.id, "番茄喜欢肥沃的土壤。")
        assert shares(document) == {"model": 7, "edited": 2}


def test_the_report_lists_models_settings_dates_and_method(tmp_path: Path) -> None:
    plan = Plan("T", (SOIL, WATER, LIGHT))
    with new_document(tmp_path, plan=plan) as document:
        assert "|" not in report(document)  # there is no text yet, so no table
        write_by_model(document, SOIL.id, TEN)
        write_by_model(document, WATER.id, TEN, provenance=OTHER)
        document.edit(LIGHT.id, "Only mine.")
        report_text = report(document)
        appended = render(document, "md", ExportOptions(disclosure=True))
        save_report(report_text, "T", tmp_path / "report.md")
        with pytest.raises(DocumentError, check=has_code("unwritable")):
            save_report(report_text, "T", tmp_path / "none" / "report.md")
    assert re.findall(r"\d+", report_text.splitlines()[0])[:4] == [
        "22",
        "91",
        "0",
        "9",
    ]  # words; model, edited, by hand
    rows = [[cell.strip() for cell in line.split(" | ")] for line in report_text.splitlines() if line.startswith("|")]
    assert [row[0].strip("| ") for row in rows[2:]] == ["Soil", "Water", "Light", "**All**"]
    assert [row[5] for row in rows[2:5]] == ["1", "2", ""]
    assert "1. demo: temperature 0.8, seed 11, SHA-256 of its file ab12" in report_text
    assert "2. gpt\\|4: temperature 0.2, SHA-256 of its file ff00" in report_text  # a name cannot break a table
    assert "compared, word by word" in report_text and "What this cannot show" in report_text
    assert appended.endswith(f"## How this text was written\n\n{report_text}\n")
    assert (tmp_path / "report.md").read_text() == f"# How this text was written: T\n\n{report_text}\n"


def test_every_word_is_attributed(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        write_by_model(document, SOIL.id, TEN * 3)
        for text in ("x y z", TEN + " and " + TEN, "zwei drei " * 40, TEN):
            document.edit(SOIL.id, text)
            words = section_authorship(document.sections(), document.path)[0].words
            assert words.total() == document.section(SOIL.id).length and set(words) <= set(Authorship)
