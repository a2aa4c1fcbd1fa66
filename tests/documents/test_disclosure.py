"""Which words a model wrote, told from the revisions of real documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.documents.disclosure import Hand, made, report, save_report
from lwtui.documents.export import Options, render
from lwtui.documents.model import Origin, Plan, Provenance, Status
from lwtui.documents.plan_edits import merge
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from tests.documents.support import LIGHT, MADE, SOIL, WATER, new_document

TEN = "One two three four five six seven eight nine ten."
OTHER = Provenance("gpt|4", "ff00", {"temperature": 0.2, "top_p": None}, "", None)


def by_model(document: Document, id: str, text: str, keep: int = 0, provenance: Provenance = MADE) -> None:
    document.begin(id, provenance, keep)
    document.append(id, text)
    document.finish(id, Status.DONE, Usage(1, 1))


def shares(document: Document, at: int = 0) -> dict[str, int]:
    return {str(hand): count for hand, count in made(document.sections(), document.path)[at].words.items()}


def test_words_are_followed_through_edits(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        by_model(document, SOIL.id, TEN)
        assert shares(document) == {"model": 10}
        document.edit(SOIL.id, "One two 3 four five six seven eight nine ten.")
        assert shares(document) == {"model": 9, "edited": 1}
        document.edit(SOIL.id, "One two 3 four five six seven eight nine ten. And some words of mine.")
        assert shares(document) == {"model": 9, "edited": 1, "by hand": 5}
        document.edit(SOIL.id, "One two 3 four. And some words of mine.")  # these now stand in place of the model's
        assert shares(document) == {"model": 3, "edited": 6}
        document.edit(SOIL.id, "One two.")  # what was taken away counts nothing
        assert shares(document) == {"model": 2}


def test_a_model_that_goes_on_after_a_persons_words_has_not_written_those(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(WATER.id, "My own beginning is here. ")
        by_model(document, WATER.id, TEN, keep=len("My own beginning is here. "))
        assert shares(document) == {"by hand": 5, "model": 10}
        by_model(document, WATER.id, "Another text.")  # written anew
        assert shares(document) == {"model": 2}


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("candidate 2", {"model": 10}),
        ("take 2", {"model": 10}),  # as candidates were once called
        ("shorten", {"model": 2, "by hand": 8}),
        ("merge of candidate 2", {"model": 2, "by hand": 8}),
    ],
)
def test_a_candidate_is_the_models_as_a_whole_and_a_passage_where_it_changes_the_text(
    tmp_path: Path, task: str, told: dict[str, int]
) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, TEN)
        answer = TEN.replace("One", "1").replace("ten", "10")
        document.adopt_version(
            SOIL.id, document.keep_version(SOIL.id, answer, Provenance("demo", task=task), Usage(1, 1))
        )
        assert shares(document) == told


def test_a_version_that_is_brought_back_is_from_whom_it_was(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        by_model(document, SOIL.id, TEN)
        document.edit(SOIL.id, TEN.replace("ten", "10"))
        edited = document.revisions(SOIL.id)[0].id
        by_model(document, SOIL.id, "A wholly other text.", provenance=OTHER)
        document.restore(edited)
        assert shares(document) == {"model": 9, "edited": 1}
        assert made(document.sections(), document.path)[0].models == (
            "demo: temperature 0.8, seed 11, SHA-256 of its file ab12",
        )


def test_text_that_is_moved_to_another_section_stays_its_writers(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        by_model(document, SOIL.id, TEN)
        by_model(document, WATER.id, "Eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen.")
        joined = document.section(SOIL.id).text + "\n\n" + document.section(WATER.id).text
        document.set_plan(merge(document.plan, SOIL.id), "Merge", {SOIL.id: joined})
        assert shares(document) == {"model": 18}
        document.edit(LIGHT.id, "Here: " + joined + " So it is.")
        assert shares(document, 1) == {"by hand": 4, "model": 18}


def test_imported_text_is_counted_by_itself_and_what_streams_now_is_the_models(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, TEN, Origin.IMPORT)
        document.edit(SOIL.id, TEN.replace("two", "2"))
        assert shares(document) == {"imported": 9, "edited": 1}
        assert "| Imported |" in report(document) and "90\u00a0% imported" in report(document)
        document.begin(WATER.id, MADE, 0)
        document.append(WATER.id, "Half a")
        assert shares(document, 1) == {"model": 2}


def test_chinese_is_compared_by_characters(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        by_model(document, SOIL.id, "番茄喜欢疏松的土壤。")
        document.edit(SOIL.id, "番茄喜欢肥沃的土壤。")
        assert shares(document) == {"model": 7, "edited": 2}


def test_the_report_names_models_settings_dates_and_its_method(tmp_path: Path) -> None:
    plan = Plan("T", (SOIL, WATER, LIGHT))
    with new_document(tmp_path, plan=plan) as document:
        assert report(document).startswith("There is no text yet.")
        by_model(document, SOIL.id, TEN)
        by_model(document, WATER.id, TEN, provenance=OTHER)
        document.edit(LIGHT.id, "Only mine.")
        told = report(document)
        appended = render(document, "md", Options(disclosure=True))
        save_report(told, "T", tmp_path / "report.md")
        with pytest.raises(DocumentError, match="Choose another place"):
            save_report(told, "T", tmp_path / "none" / "report.md")
    assert told.replace("\u00a0", " ").startswith(
        "Of 22 words: 91 % as a model wrote them, 0 % edited by hand, 9 % written by hand."
    )
    rows = [[cell.strip() for cell in line.split(" | ")] for line in told.splitlines() if line.startswith("|")]
    assert [row[0].strip("| ") for row in rows[2:]] == ["Soil", "Water", "Light", "**All**"]
    assert [row[5] for row in rows[2:5]] == ["1", "2", ""]
    assert "1. demo: temperature 0.8, seed 11, SHA-256 of its file ab12" in told
    assert "2. gpt\\|4: temperature 0.2, SHA-256 of its file ff00" in told  # a name cannot break the table
    assert "compared, word by word" in told and "What this cannot see" in told
    assert appended.endswith(f"## How this text was written\n\n{told}\n")
    assert (tmp_path / "report.md").read_text() == f"# How this text was written: T\n\n{told}\n"


def test_every_word_is_someones(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        by_model(document, SOIL.id, TEN * 3)
        for text in ("x y z", TEN + " and " + TEN, "zwei drei " * 40, TEN):
            document.edit(SOIL.id, text)
            one = made(document.sections(), document.path)[0]
            assert one.words.total() == document.section(SOIL.id).length and set(one.words) <= set(Hand)
