"""Answers and candidates are stored with their provenance, and applying them loses no text."""

from __future__ import annotations

from pathlib import Path

from lwtui.documents.disclosure import Authorship, section_authorship
from lwtui.documents.model import Brief, Origin, Plan, PlannedSection, Provenance, Status
from lwtui.documents.store import Document
from lwtui.models.usage import NO_USAGE, Usage

PROVENANCE = Provenance("writer", sampling={"temperature": 0.8}, prompt_hash="abc", seed=7, task="shorten")


def test_keeping_a_version_changes_only_the_list_of_revisions(tmp_path: Path) -> None:
    plan = Plan("A", (PlannedSection("One", "", 10, "s1"),))
    path = tmp_path / "a.lw"
    with Document.create(path, Brief("Write", 10), plan) as document:
        document.edit("s1", "Typed by hand.")
        before = document.section("s1")
        kept = document.keep_version("s1", "A candidate\x1b[2J.", PROVENANCE, Usage(100, 10))
        assert (
            document.keep_version("s1", "A candidate that grew.", PROVENANCE, Usage(100, 25, 5), revision=kept) == kept
        )
        assert document.section("s1") == before
        assert document.usage == NO_USAGE  # add_usage alone counts for the document
    with Document.open(path) as document:
        assert document.section("s1").text == "Typed by hand."
        newest = document.revisions("s1")[0]
        assert (newest.id, newest.text, newest.length) == (kept, "A candidate that grew.", 4)
        assert (newest.origin, newest.provenance, newest.usage) == (Origin.MODEL, PROVENANCE, Usage(100, 25, 5))
        assert [revision.is_alternative for revision in document.revisions("s1")] == [True, False]
        document.adopt_version("s1", kept)
        assert (document.section("s1").text, document.section("s1").origin) == ("A candidate that grew.", Origin.MODEL)
        assert [revision.text for revision in document.revisions("s1")] == ["A candidate that grew.", "Typed by hand."]
        assert not any(revision.is_alternative for revision in document.revisions("s1"))
    with Document.open(path) as document:
        assert document.section("s1").text == "A candidate that grew."
        document.edit("s1", "A candidate that grew on me.")
        assert document.revisions("s1")[1].text == "A candidate that grew."


def test_applying_an_answer_to_a_users_text_keeps_it_the_users(tmp_path: Path) -> None:
    plan = Plan("A", (PlannedSection("One", "", 10, "s1"), PlannedSection("Two", "", 10, "s2")))
    with Document.create(tmp_path / "a.lw", Brief("Write", 10), plan) as document:
        document.edit("s1", "Typed by hand.")
        document.apply_answer("s1", "Typed by machine.", PROVENANCE)
        assert document.section("s1").origin is Origin.USER
        assert [revision.text for revision in document.revisions("s1")] == ["Typed by machine.", "Typed by hand."]
        assert document.revisions("s1")[0].provenance == PROVENANCE
        document.begin("s2", PROVENANCE, 0)
        document.append("s2", "By a model")
        document.finish("s2", Status.PARTIAL, Usage())
        document.apply_answer("s2", "By a model alone.", PROVENANCE)
        assert (document.section("s2").origin, document.section("s2").status) == (Origin.MODEL, Status.PARTIAL)
        # Later typing is a separate revision.
        document.edit("s2", "By a model alone, and me.")
        assert len(document.revisions("s2")) == 3


def test_an_alternative_can_be_restored_and_does_not_affect_authorship(
    tmp_path: Path,
) -> None:
    plan = Plan("A", (PlannedSection("One", "", 10, "s1"),))
    hand = "My own words stand here, every single one of them, and nobody else has touched any of these."
    with Document.create(tmp_path / "a.lw", Brief("Write", 10), plan) as document:
        document.edit("s1", hand)
        document.keep_version("s1", "A machine said something else.", PROVENANCE, Usage())
        document.edit("s1", hand + " More.")
        (authorship,) = section_authorship(document.sections(), document.path)
        assert authorship.words == {Authorship.HAND: 19}
        # Only the replaced passage counts as the model's.
        document.apply_answer(
            "s1", hand.replace("My own", "Our shared").replace("these", "those words") + " More.", PROVENANCE
        )
        (authorship,) = section_authorship(document.sections(), document.path)
        assert authorship.words == {Authorship.HAND: 16, Authorship.MODEL: 4}
        document.restore(next(revision.id for revision in document.revisions("s1") if revision.is_alternative))
        assert document.section("s1").status is Status.DONE
        assert document.section("s1").text == "A machine said something else."
        assert not document.revisions("s1")[0].is_alternative
