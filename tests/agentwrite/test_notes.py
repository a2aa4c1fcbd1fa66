"""The writer's notes: shown always or where a trigger occurs, within bounds and in order."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite import Draft, recording, write, write_document
from lwtui.agentwrite.events import Event, Grounded, NotesLeftOut, SummaryMade
from lwtui.agentwrite.note_selection import brief_with_notes
from lwtui.agentwrite.notes import always_shown, recent_text, select_notes
from lwtui.documents.model import Brief, Mode, Note, Section, SectionSummary, Status
from lwtui.documents.relevance import relevance
from lwtui.documents.stale import current_basis, find_stale, fingerprint, is_hand_edited
from lwtui.documents.store import Document
from lwtui.models.metering import UsageTracker
from tests.support.author import Author, title_of
from tests.support.studio import Studio, of_kind, open_studio, plan_of

BRIEF = Brief("Write about things", 360, seed=4)
TONE = Note("Tone", "Dry wit.", "style", id="tone")
MIRA = Note("Mira", "A botanist of forty.", always=False, triggers=("Mira", "the botanist"), id="mira")
TEA = Note("Tea", "Grown in Assam.", "fact", always=False, triggers=("茶",), id="tea")


def section(point: str = "", text: str = "") -> Section:
    return Section("s", "Title", point, 100, Status.EMPTY, text, 0)


@pytest.mark.parametrize(
    ("where", "recent", "found"),
    [
        ("", "", ["tone"]),
        ("mira walks", "", ["tone", "mira"]),
        ("Miranda walks", "", ["tone"]),  # another word
        ("喝茶吧", "", ["tone", "tea"]),  # no spaces between words
        ("", "So said THE BOTANIST.", ["tone", "mira"]),
        ("Mira: 茶", "", ["tone", "mira", "tea"]),
    ],
)
def test_a_note_is_shown_always_or_where_its_trigger_occurs(where: str, recent: str, found: list[str]) -> None:
    assert [note.id for note in select_notes((TONE, MIRA, TEA), section(where), recent)] == found


def test_a_note_without_text_or_triggers_is_not_shown() -> None:
    empty = (replace(TONE, text=""), replace(MIRA, triggers=()))
    assert select_notes(empty, section("Mira"), "Mira") == ()


def test_the_recent_text_is_the_end_of_the_text_before() -> None:
    before, empty, here = section(text="Old. " * 1000 + "Mira."), section(), section(text="And so.")
    found = recent_text([before, empty, here], 2)
    assert found.endswith("Mira.\nAnd so.") and len(found) < 2100


@pytest.mark.parametrize(
    ("profile", "mode"), [("chat", Mode.AGENTWRITE), ("chat", Mode.PARALLEL), ("base", Mode.AGENTWRITE)]
)
async def test_notes_are_in_the_prompts_of_their_sections(profile: str, mode: Mode) -> None:
    plan = plan_of(120, 120)
    plan = plan.with_section(replace(plan.sections[1], main_point="what Mira does"))
    async with open_studio(Author(), profile=profile) as studio:
        draft, events = await studio.write(replace(BRIEF, mode=mode), Draft(plan, notes=(MIRA, TONE)))
        shown = {number: [prompt for prompt in studio.prompts if _is_for(number, prompt, profile)] for number in (1, 2)}
    assert all("Dry wit" in text and "botanist" not in text for text in shown[1])
    assert shown[2] and all("Dry wit" in text and "A botanist of forty" in text for text in shown[2])
    # Notes that are always shown come before the plan, so that all prompts begin alike.
    assert all(prompt.index("Dry wit") < prompt.index(title_of(2)) for prompt in studio.prompts)
    grounds = of_kind(Grounded, events)
    assert [list(grounded.basis.notes) for grounded in sorted(grounds, key=lambda grounded: grounded.section_id)] == [
        ["tone"],
        ["mira", "tone"],
    ]
    assert len(draft.done) == 2


def _is_for(number: int, prompt: str, profile: str) -> bool:
    if profile == "base":
        return prompt.count("\n## ") == number
    return f"section {number} of 2" in prompt.casefold()


async def test_direct_mode_shows_notes() -> None:
    async with open_studio(Author()) as studio:
        await studio.write(replace(BRIEF, mode=Mode.DIRECT), Draft(plan_of(120), notes=(TONE,)))
        assert "Dry wit" in studio.prompts[0]


async def test_notes_that_do_not_fit_are_reported_and_the_most_relevant_ones_stay() -> None:
    notes = tuple(
        Note(f"Note {index}", f"fact {index} {topic} " * 80, id=f"n{index}") for index, topic in enumerate(TOPICS)
    )
    notes = (*notes, replace(TONE, text="Dry wit in every line."))
    plan = plan_of(120, 120)
    plan = plan.with_section(replace(plan.sections[0], main_point="how the lighthouse keeper came to the island"))
    plan = plan.with_section(replace(plan.sections[1], main_point="what the beekeepers do in winter"))
    async with open_studio(Author(), context_length=4096) as studio:
        _, events = await studio.write(BRIEF, Draft(plan, notes=notes))
        prompts = studio.prompts
    shown = [[index for index in range(8) if f"fact {index} " in prompt] for prompt in prompts]
    assert 1 <= len(shown[0]) < 8 and 3 in shown[0] and 6 in shown[1]  # a lighthouse, and a beekeeper
    for event, indexes in zip(of_kind(NotesLeftOut, events), shown, strict=False):
        assert event.titles == tuple(f"Note {index}" for index in range(8) if index not in indexes)
    # What is the same in all prompts stays at their beginning; what differs is near their end.
    assert all(prompt.index("Dry wit") < prompt.index(title_of(1)) < prompt.index("fact ") for prompt in prompts)


TOPICS = ("harbor", "orchard", "printing", "lighthouse", "pottery", "glacier", "beekeeper", "violin")


async def test_a_long_context_shows_all_notes() -> None:
    notes = tuple(Note(f"Note {index}", f"fact {index} " * 400, id=f"n{index}") for index in range(30))
    async with open_studio(Author(), context_length=200_000) as studio:
        _, events = await studio.write(BRIEF, Draft(plan_of(120), notes=notes))
        prompt = studio.prompts[0]
    assert not of_kind(NotesLeftOut, events) and all(f"fact {index} " in prompt for index in range(30))


@pytest.mark.parametrize(
    ("subject", "best"),
    [
        ("how beekeepers feed their bees", 0),
        ("Beekeeping in winter", 0),
        ("灯塔的历史", 1),
        ("灯", 1),
        ("日本の灯台を守る人", 2),
        ("Der Leuchtturmwärter und sein Hund", 3),
        ("LE PHARE DE L'ILE", 4),
    ],
)
def test_relevance_finds_words_of_all_languages(subject: str, best: int) -> None:
    texts = [
        "A beekeeper feeds the bees with syrup.",
        "灯塔看守人住在岛上。",
        "この島の灯台は古い。海を守る。",
        "Der Leuchtturmwärter heißt Hein.",
        "Le phare de l’île est éteint.",
        "The violin was made in Cremona.",
    ]
    (scores,) = relevance(texts, subject)
    assert max(range(len(texts)), key=scores.__getitem__) == best and scores[best] > 0
    assert relevance(texts, "") == [[0.0] * 6] and relevance([], subject) == [[]] and relevance(texts) == []


def test_relevance_takes_any_query() -> None:
    assert relevance(["x"], 'NEAR("a" b) OR * ^ : "" - 20% \x00 \ud800') == [[0.0]]
    assert relevance(["In 1901 she left."], "1901")[0][0] > 0


# ---- summaries ----------------------------------------------------------------------------------------------------


async def written(studio: Studio, document: Document, only: set[str] | None = None) -> list[Event]:
    events: list[Event] = []
    tracker = UsageTracker()
    async with recording(document, tracker) as recorder:

        async def keep(event: Event) -> None:
            await recorder.keep(event)
            events.append(event)

        await write_document(studio.agent, document.brief, recorder, keep, only=only, tracker=tracker)
    return events


async def test_summaries_are_stored_and_the_writers_own_take_precedence(tmp_path: Path) -> None:
    document = Document.create(tmp_path / "things.lw", BRIEF, plan_of(*[220] * 6))
    async with open_studio(Author(), context_length=2048) as studio:
        events = await written(studio, document)
        made = of_kind(SummaryMade, events)
        assert made and {summary.section_id for summary in made} == set(document.summaries)
        first = document.summaries["s1"]
        assert first.text.startswith("It says") and not first.by_hand
        assert first.digest == fingerprint(document.section("s1").text)
        assert first.revision == document.revision_id("s1")

        asked = studio.author.asked.count("summary")
        await written(studio, document, {"s6"})  # stored summaries are not made again
        assert studio.author.asked.count("summary") <= asked + 1

        document.notebook.set_summary(replace(first, text="MINE: it is about loam.", by_hand=True))
        document.edit("s1", "Another text altogether. " * 40)  # the writer's own summary stays, whatever the text
        before = len(studio.prompts)
        await written(studio, document, {"s6"})
        assert any("MINE: it is about loam." in prompt for prompt in studio.prompts[before:])
    assert document.summaries["s1"].text == "MINE: it is about loam."
    document.close()


# ---- what is stale ------------------------------------------------------------------------------------------------


def choose(document: Document) -> Any:
    return lambda sections, index: select_notes(
        document.notes, sections[index], recent_text([*sections[:index], section()], index)
    )


async def test_a_section_is_stale_when_its_basis_changes(tmp_path: Path) -> None:
    document = Document.create(tmp_path / "things.lw", BRIEF, plan_of(120, 120, 120))
    document.notebook.set_notes([TONE, MIRA], "Add")
    async with open_studio(Author()) as studio:
        await written(studio, document)
        how = choose(document)
        assert find_stale(document, how) == {}
        document.close()
        document = Document.open(document.path)
        how = choose(document)
        assert find_stale(document, how) == {}

        document.edit("s1", document.section("s1").text.replace(". ", ".  "))  # white space is no change
        assert find_stale(document, how) == {}
        document.edit("s1", "By hand. " + document.section("s1").text)
        assert find_stale(document, how) == {
            one: (f"“{title_of(1)}”, which it builds on, was changed",) for one in ("s2", "s3")
        }
        assert is_hand_edited(document.section("s1")) and not is_hand_edited(document.section("s2"))
        document.mark_up_to_date("s2", current_basis(document, "s2", how))
        assert list(find_stale(document, how)) == ["s3"]

        document.notebook.set_notes([replace(TONE, text="Solemn.")], "Edit")
        (tone,) = find_stale(document, how)["s2"]
        assert tone == "the note “Tone” was changed"
        document.set_brief(replace(document.brief, instruction="Write about other things"))
        changed = document.plan.with_section(replace(document.plan.sections[2], main_point="something else"))
        document.set_plan(changed, "Edit")
        assert find_stale(document, how)["s3"] == (
            "the instruction was changed",
            "its heading, main point or kind was changed",
            "the note “Tone” was changed",
            f"“{title_of(1)}”, which it builds on, was changed",
        )
        assert set(find_stale(document, how)) == {"s1", "s2", "s3"}

        await written(studio, document, {"s1", "s2", "s3"})  # after rewriting them in order, no section is stale
        assert find_stale(document, how) == {}
        document.restore(document.revisions("s1")[-1].id)  # an old version has its old basis
        assert "the instruction was changed" in find_stale(document, how)["s1"]
        document.notebook.set_notes([replace(TONE, text="Solemn."), Note("New", "Always.")], "Add")
        assert "the note “New” is new to it" in find_stale(document, how)["s1"]
    document.close()


async def test_a_section_written_with_a_summary_is_stale_when_the_summary_changes(tmp_path: Path) -> None:
    document = Document.create(tmp_path / "things.lw", BRIEF, plan_of(*[220] * 5))
    async with open_studio(Author(), context_length=2048) as studio:
        await written(studio, document)
    how = choose(document)
    assert find_stale(document, how) == {}
    affected = [
        section.id
        for section in document.sections()
        if (basis := document.basis(section.id)) and "s1" in basis.summarised
    ]
    assert affected
    document.notebook.set_summary(SectionSummary("s1", "Something else.", "x", by_hand=True))
    assert list(find_stale(document, how)) == affected
    document.close()


async def test_a_continued_section_keeps_its_first_basis(tmp_path: Path) -> None:
    document = Document.create(tmp_path / "things.lw", BRIEF, plan_of(120, 120))
    async with open_studio(Author()) as studio:
        async with (
            recording(document, UsageTracker()) as recorder,
            aclosing(write(studio.agent, document.brief, recorder)) as events,
        ):
            async for event in events:
                recorder.store(event)
                if len(document.section("s1").text) > 200:
                    break
        assert document.section("s1").status is Status.PARTIAL
        document.set_brief(replace(BRIEF, instruction="Write about other things"))
        await written(studio, document)
    assert list(find_stale(document, choose(document))) == ["s1"]
    document.close()


async def test_planning_shows_the_notes_in_the_brief() -> None:
    long = Note("Long", "word " * 2_000, id="long")
    brief = brief_with_notes(BRIEF, always_shown([TONE, MIRA, long, TEA]), 4096)
    assert brief_with_notes(BRIEF, [TONE, long], 32_768).notes == (TONE, long)
    assert brief.notes == (TONE,)
    async with open_studio(Author()) as studio:
        await studio.plan(brief)
        assert "Dry wit." in studio.prompts[0]
    async with open_studio(Author(), profile="base") as studio:  # the prompts are examples, which a list would break
        await studio.plan(brief)
        assert not any("Dry wit" in prompt for prompt in studio.prompts)
