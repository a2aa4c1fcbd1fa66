"""Answers that a person chooses from: each is kept with where it came from, and taking one loses nothing."""

from __future__ import annotations

from pathlib import Path

from lwtui.documents.disclosure import Hand, made
from lwtui.documents.model import Brief, Origin, Plan, PlannedSection, Provenance, Status
from lwtui.documents.store import Document
from lwtui.models.usage import NO_USAGE, Usage

MADE = Provenance("writer", sampling={"temperature": 0.8}, prompt_hash="abc", seed=7, task="shorten")


def test_a_version_that_is_kept_changes_nothing_but_the_list(tmp_path: Path) -> None:
    plan = Plan("A", (PlannedSection("One", "", 10, "s1"),))
    path = tmp_path / "a.lw"
    with Document.create(path, Brief("Write", 10), plan) as document:
        document.edit("s1", "Typed by hand.")
        before = document.section("s1")
        kept = document.keep_version("s1", "A candidate\x1b[2J.", MADE, Usage(100, 10))
        assert document.keep_version("s1", "A candidate that grew.", MADE, Usage(100, 25, 5), over=kept) == kept
        assert document.section("s1") == before
        assert document.usage == NO_USAGE  # add_usage alone counts for the document
    with Document.open(path) as document:
        assert document.section("s1").text == "Typed by hand."
        newest = document.revisions("s1")[0]
        assert (newest.id, newest.text, newest.length) == (kept, "A candidate that grew.", 4)
        assert (newest.origin, newest.provenance, newest.usage) == (Origin.MODEL, MADE, Usage(100, 25, 5))
        assert [one.aside for one in document.revisions("s1")] == [True, False]
        document.adopt_version("s1", kept)
        assert (document.section("s1").text, document.section("s1").origin) == ("A candidate that grew.", Origin.MODEL)
        assert [one.text for one in document.revisions("s1")] == ["A candidate that grew.", "Typed by hand."]
        assert not any(one.aside for one in document.revisions("s1"))
    with Document.open(path) as document:
        assert document.section("s1").text == "A candidate that grew."
        document.edit("s1", "A candidate that grew on me.")
        assert document.revisions("s1")[1].text == "A candidate that grew."


def test_a_text_of_which_some_was_taken_is_the_writers_if_it_was_before(tmp_path: Path) -> None:
    plan = Plan("A", (PlannedSection("One", "", 10, "s1"), PlannedSection("Two", "", 10, "s2")))
    with Document.create(tmp_path / "a.lw", Brief("Write", 10), plan) as document:
        document.edit("s1", "Typed by hand.")
        document.take_answer("s1", "Typed by machine.", MADE)
        assert document.section("s1").origin is Origin.USER
        assert [one.text for one in document.revisions("s1")] == ["Typed by machine.", "Typed by hand."]
        assert document.revisions("s1")[0].provenance == MADE
        document.begin("s2", MADE, 0)
        document.append("s2", "By a model")
        document.finish("s2", Status.PARTIAL, Usage())
        document.take_answer("s2", "By a model alone.", MADE)
        assert (document.section("s2").origin, document.section("s2").status) == (Origin.MODEL, Status.PARTIAL)
        # What is typed afterwards is a version of its own.
        document.edit("s2", "By a model alone, and me.")
        assert len(document.revisions("s2")) == 3


def test_a_version_that_was_only_kept_can_be_brought_back_and_says_nothing_of_who_wrote_the_text(
    tmp_path: Path,
) -> None:
    plan = Plan("A", (PlannedSection("One", "", 10, "s1"),))
    hand = "My own words stand here, every single one of them, and nobody else has touched any of these."
    with Document.create(tmp_path / "a.lw", Brief("Write", 10), plan) as document:
        document.edit("s1", hand)
        document.keep_version("s1", "A machine said something else.", MADE, Usage())
        document.edit("s1", hand + " More.")
        (told,) = made(document.sections(), document.path)
        assert told.words == {Hand.HAND: 19}
        # Of a passage that was put into a text, the passage is the model's, the rest is not.
        document.take_answer(
            "s1", hand.replace("My own", "Our shared").replace("these", "those words") + " More.", MADE
        )
        (told,) = made(document.sections(), document.path)
        assert told.words == {Hand.HAND: 16, Hand.MODEL: 4}
        document.restore(next(one.id for one in document.revisions("s1") if one.aside))
        assert document.section("s1").status is Status.DONE
        assert document.section("s1").text == "A machine said something else."
        assert not document.revisions("s1")[0].aside
