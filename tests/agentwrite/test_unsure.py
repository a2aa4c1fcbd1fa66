"""Words that a local model was unsure of: kept with the section, and listed as long as they stand in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.agentwrite import recording
from lwtui.agentwrite.events import ModelUnsure, SectionFinished, SectionStarted, TextDelta, TextRolledBack
from lwtui.agentwrite.lint import parts_of
from lwtui.agentwrite.unsure import UNSURE, UnsureMark, from_setting, marks_to_keep, to_setting, unsure_findings
from lwtui.documents.model import Brief, Provenance
from lwtui.documents.store import Document
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE
from tests.support.studio import plan_of

TEXT = "Ada was born in Turin in 1901. She kept a quiet dog near the Ossola."


def kept(*marks: tuple[str, str, float]) -> list[tuple[str, float]]:
    return [(mark.text, mark.entropy) for mark in marks_to_keep(TEXT, [UnsureMark(*mark) for mark in marks])]


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        ([("born in", " Turin", 1.5)], ["Turin"]),
        ([("Turin in ", "19", 1.4), ("Turin in 19", "01", 1.9)], ["1901"]),  # two tokens of one number
        ([("She kept a", " quiet", 1.5)], []),  # any other word has to be less sure
        ([("She kept a", " quiet", 3.0)], ["quiet"]),
        ([("", "Ada", 1.5)], []),  # a capital at the beginning of a sentence marks no name
        ([("in 1901.", " She", 1.5)], []),
        ([("near the", " Os", 1.5)], ["Ossola"]),
        ([("born in", " Milan", 3.0)], []),  # it was taken back
        ([("dog near", ".", 3.0)], []),
        ([], []),
    ],
)
def test_names_and_numbers_are_marked_as_whole_words(marks: list[tuple[str, str, float]], words: list[str]) -> None:
    assert [word for word, _ in kept(*marks)] == words


def test_the_most_unsure_words_stay_in_the_order_of_the_text() -> None:
    text = " ".join(f"word{number}" for number in range(100))
    marks = [UnsureMark(f"word{n - 1}", f" word{n}", 2 + (n % 50) / 10) for n in range(1, 100)]
    found = marks_to_keep(text, marks)
    assert len(found) == 30 and [text.find(mark.text) for mark in found] == sorted(
        text.find(mark.text) for mark in found
    )
    assert min(mark.entropy for mark in found) > 5


async def test_a_run_stores_them_and_findings_name_them_until_the_text_changes(tmp_path: Path) -> None:
    with Document.create(tmp_path / "a.lw", Brief("Write", 40), plan_of(40)) as document:
        async with recording(document, UsageTracker()) as recorder:
            recorder.store(SectionStarted("s1", 1, 1, "One", 40, False, 0, Provenance("m")))
            recorder.store(TextDelta("s1", TEXT))
            recorder.store(ModelUnsure("s1", "born in", " Turin", 2.5))
            recorder.store(ModelUnsure("s1", "Turin in ", "1901", 1.9))
            recorder.store(SectionFinished("s1", 13, 40, NO_USAGE, 1.0))
        stored = document.setting(UNSURE)
        findings = unsure_findings(parts_of(document.sections()), stored)
        assert [finding.places[0].quote for finding in findings] == ["Turin", "1901"]
        assert findings[0].kind == "unsure" and "about 12 words" in findings[0].message
        document.edit("s1", TEXT.replace("Turin", "Milan"))
        findings = unsure_findings(parts_of(document.sections()), stored)
        assert [finding.places[0].quote for finding in findings] == ["1901"]
        async with recording(document, UsageTracker()) as recorder:  # written again, by a model that marks nothing
            recorder.store(SectionStarted("s1", 1, 1, "One", 40, False, 0, Provenance("m")))
            recorder.store(TextDelta("s1", TEXT))
            recorder.store(SectionFinished("s1", 13, 40, NO_USAGE, 1.0))
        assert document.setting(UNSURE) == ""


async def test_the_marks_of_a_draft_that_was_taken_back_are_forgotten(tmp_path: Path) -> None:
    with Document.create(tmp_path / "a.lw", Brief("Write", 40), plan_of(40)) as document:
        async with recording(document, UsageTracker()) as recorder:
            recorder.store(SectionStarted("s1", 1, 1, "One", 40, False, 0, Provenance("m")))
            recorder.store(TextDelta("s1", TEXT))
            recorder.store(ModelUnsure("s1", "Turin in ", "1901", 1.9))
            recorder.store(TextRolledBack("s1", 0, "another draft is nearer to its length"))
            recorder.store(TextDelta("s1", TEXT))
            recorder.store(ModelUnsure("s1", "born in", " Turin", 2.5))
            recorder.store(SectionFinished("s1", 13, 40, NO_USAGE, 1.0))
        findings = unsure_findings(parts_of(document.sections()), document.setting(UNSURE))
        assert [finding.places[0].quote for finding in findings] == ["Turin"]


@pytest.mark.parametrize(
    "stored", ["", "x", "[]", '{"s1": 1}', '{"s1": [1, ["a"], ["a", "", 1], ["a", "b", -1]]}', "[" * 9999]
)
def test_what_lwtui_did_not_write_counts_as_nothing(stored: str) -> None:
    assert not any(from_setting(stored).values()) and not unsure_findings([], stored)
    marks = {"s1": [UnsureMark("a", "b", 1.5)]}
    assert from_setting(to_setting(marks)) == marks and to_setting({"s1": []}) == ""
