"""Facts: noted with quotes that are checked, shown where they matter, and compared with what came before."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite import recording, write_document
from lwtui.agentwrite.events import Event, FactsNoted
from lwtui.agentwrite.fact_notes import contradiction_findings, read_facts, unnoted
from lwtui.agentwrite.fact_selection import choose_facts, facts_before, facts_list
from lwtui.agentwrite.preview import preview
from lwtui.documents.facts import Fact
from lwtui.documents.model import Brief, Mode, Origin, Section, Status
from lwtui.documents.store import Document
from lwtui.models.budget import Budget, BudgetReached
from lwtui.models.metering import UsageTracker
from tests.support.author import Author
from tests.support.fault_server import Answer
from tests.support.studio import Studio, of_kind, open_studio, plan_of, prompt_of

BRIEF = Brief("Write a story", 360, seed=4)
TEXT = "Ada was born in Turin in 1901. 她住在罗马，养了一只黑猫。 Who had sent the letter?"
SECTION = Section("s1", "One", "", 100, Status.DONE, TEXT, 20)


def row(fact: str, quote: str, kind: str = "person", subject: str = "Ada") -> dict[str, str]:
    return {"kind": kind, "subject": subject, "fact": fact, "quote": quote}


@dataclass
class Keeper:
    """An author that also notes facts: the first sentence of each section is one."""

    facts: Callable[[str, str], dict[str, Any]] | None = None
    author: Author = field(default_factory=Author)
    asked: list[str] = field(default_factory=list)

    def __call__(self, body: Any) -> Answer:
        prompt = prompt_of(body)
        if "You keep the facts" not in prompt:
            return self.author(body)
        text = re.findall(r"<section title=.*?>\n(.*)\n</section>", prompt, re.DOTALL)[0]
        self.asked.append(text)
        known = re.findall(r"<facts>\n(.*)\n</facts>", prompt, re.DOTALL)[0]
        if self.facts:
            return Answer([json.dumps(self.facts(text, known))])
        first = text.split(". ")[0]
        facts = [row(f"It is said: {first[:40]}", first), row("Made up.", "This is nowhere in it.")]
        return Answer([json.dumps({"facts": facts, "contradictions": []})])


async def written(studio: Studio, document: Document, **options: Any) -> list[Event]:
    events: list[Event] = []
    tracker = options.setdefault("tracker", UsageTracker(record=document.add_usage))
    async with recording(document, tracker) as recorder:

        async def emit(event: Event) -> None:
            recorder.store(event)
            events.append(event)

        await write_document(studio.agent, document.brief, recorder, emit, note_facts=True, **options)
    return events


def document_at(folder: Path, *words: int, **brief: Any) -> Document:
    return Document.create(folder / "story.lw", replace(BRIEF, **brief), plan_of(*words))


async def test_each_finished_section_is_noted_once_and_again_after_a_change(tmp_path: Path) -> None:
    with document_at(tmp_path, 80, 80, 80) as document:
        async with open_studio(Keeper()) as studio:
            events = await written(studio, document)
            noted = of_kind(FactsNoted, events)
            assert [event.section_id for event in noted] == ["s1", "s2", "s3"]
            assert all(event.dropped == 1 and len(event.facts) == 1 for event in noted)
            assert [fact.section_id for fact in document.facts] == ["s1", "s2", "s3"]
            for fact in document.facts:
                assert fact.quote in document.section(fact.section_id).text
            # What was noted before the next section is written counts for it.
            order = [type(event).__name__ for event in events]
            assert order.index("FactsNoted") < len(order) - 1 - order[::-1].index("SectionStarted")
            assert unnoted(Source(document)) == []
            document.edit("s2", "Something else happened there. And it was good.")
            assert [section.id for section in unnoted(Source(document))] == ["s2"]
            again = await written(studio, document)
        assert [event.section_id for event in of_kind(FactsNoted, again)] == ["s2"]
        assert [fact.quote for fact in document.facts if fact.section_id == "s2"] == ["Something else happened there"]
        assert document.usage.completion > 0


class Source:
    """A document as the method reads it."""

    def __init__(self, document: Document) -> None:
        self.facts = document.facts
        self.noted = document.fact_book.noted
        self.sections = document.sections


@pytest.mark.parametrize("mode", [Mode.PARALLEL, Mode.DIRECT])
async def test_other_modes_note_the_facts_at_the_end(tmp_path: Path, mode: Mode) -> None:
    with document_at(tmp_path, *([80] if mode is Mode.DIRECT else [80, 80]), mode=mode) as document:
        async with open_studio(Keeper()) as studio:
            events = await written(studio, document)
        assert {event.section_id for event in of_kind(FactsNoted, events)} == {one.id for one in document.sections()}


async def test_a_run_without_facts_makes_no_further_call(tmp_path: Path) -> None:
    with document_at(tmp_path, 80, 80) as document:
        async with open_studio(Keeper()) as studio:
            async with recording(document, UsageTracker()) as recorder:
                await write_document(studio.agent, BRIEF, recorder, recorder.keep)
            assert studio.author.asked == [] and document.facts == ()
        async with open_studio(Keeper(), profile="base") as studio:
            document.edit("s1", "Other.")
            assert not of_kind(FactsNoted, await written(studio, document))


async def test_the_critic_notes_them_within_the_budget(tmp_path: Path) -> None:
    with document_at(tmp_path, 80) as document:
        async with open_studio(Author()) as studio, open_studio(Keeper()) as critic:
            studio.agent.helper = critic.agent
            await written(studio, document)
            assert len(critic.author.asked) == 1
            document.edit("s1", "Changed. Now it is another text.")
            with pytest.raises(BudgetReached, match="the facts of"):
                await written(studio, document, tracker=UsageTracker(lambda: Budget(tokens=10)))


async def test_the_prompt_shows_the_facts_of_sections_that_it_does_not_show(tmp_path: Path) -> None:
    with document_at(tmp_path, *[220] * 6) as document:
        for number in range(1, 6):
            text = "".join(f"In part {number} it rained on day {at}. " for at in range(40))
            document.edit(f"s{number}", text, Origin.MODEL)
            fact = Fact(
                "person", "Ada", f"Ada is {number}0 years old in part {number}.", "", f"s{number}", by_hand=True
            )
            document.fact_book.put(fact)
        document.fact_book.pin(document.facts[-1].id)
        async with open_studio(Author(), context_length=2048) as studio:
            shown = await preview(studio.agent, document.brief, document, "s6")
        facts = next(part.text for part in shown.parts if part.name == "Facts")
        whole = next(part.text for part in shown.parts if part.name.startswith("All of it"))
        assert "Ada is 10 years old in part 1." in facts and "must stay true" in whole and facts in whole
        assert "in part 5." in facts  # pinned, although its section is shown
        async with open_studio(Author(), context_length=60_000) as studio:
            shown = await preview(studio.agent, document.brief, document, "s6")
        assert next(part.text for part in shown.parts if part.name == "Facts") == "- Ada is 50 years old in part 5."


def test_facts_are_chosen_by_pin_relevance_and_room() -> None:
    sections = [Section(f"s{number}", "", "", 9, Status.DONE, "", 0) for number in range(4)]
    facts = [Fact("person", f"Person {at}", f"Person {at} likes tea.", "", f"s{at % 4}") for at in range(40)]
    facts[7] = Fact("place", "lighthouse", "The lighthouse burned down in 1901.", "", "s1")
    facts[8] = replace(facts[8], pinned=True)
    assert {fact.section_id for fact in facts_before(facts, sections, 2)} == {"s0", "s1"}
    chosen = choose_facts(facts, "how the lighthouse was built again", "", 40)
    assert facts[7] in chosen and facts[8] in chosen and 2 <= len(chosen) < 8
    assert choose_facts(facts, "the lighthouse", "", 10_000) == tuple(facts)
    assert choose_facts(facts, "灯塔", "", 0) == choose_facts([], "x", "", 10) == ()
    assert facts_list([facts[7]]) == "- The lighthouse burned down in 1901."
    assert facts_list([Fact("person", "Ada", "Forty years old.", "", "s1")]) == "- Ada: Forty years old."


@pytest.mark.parametrize(
    ("answer", "found", "dropped"),
    [
        ({"facts": [row("Ada was born in 1901.", "ada was born in Turin in 1901")]}, ["Ada was born in 1901."], 0),
        ({"facts": [row("她养猫。", "养了一只黑猫，住在罗马")]}, [], 1),
        ({"facts": [row("她养猫。", "她住在罗马，养了一只黑猫。")]}, ["她养猫。"], 0),
        ({"facts": [row("A", "Who had sent the letter?"), row("a", "Who had sent the letter?")]}, ["A"], 0),
        ({"facts": [{"fact": "Ada"}, 7, None, row("", "Who had sent the letter?")]}, [], 2),
        ({"facts": "none"}, [], 0),
        ({}, [], 0),
    ],
)
def test_a_fact_counts_only_with_its_quote(answer: Any, found: list[str], dropped: int) -> None:
    event = read_facts("Here:\n" + json.dumps(answer), SECTION)
    assert ([fact.text for fact in event.facts], event.dropped) == (found, dropped)
    assert all(fact.quote in TEXT for fact in event.facts)


def test_an_answer_that_is_cut_off_has_the_facts_before_the_cut() -> None:
    whole = json.dumps({"facts": [row("One.", "Ada was born in Turin"), row("Two.", "Who had sent the letter")]})
    assert [fact.text for fact in read_facts(whole[:-30], SECTION).facts] == ["One."]


def test_a_contradiction_is_a_finding_with_both_quotes() -> None:
    earlier = Section("s0", "Before", "", 50, Status.DONE, "Ada was born in Rome in 1899. It rained.", 9)
    known = [Fact("person", "Ada", "Ada was born in Rome.", "Ada was born in Rome in 1899", "s0")]
    rows = [
        {"number": 1, "quote": "Ada was born in Turin in 1901.", "why": "Two places."},
        {"number": 2, "quote": "Ada was born in Turin in 1901.", "why": "There is no fact 2."},
        {"number": True, "quote": "Ada was born in Turin in 1901.", "why": "Not a number."},
        {"number": 1, "quote": "Ada was born in Paris.", "why": "Not in the text."},
    ]
    event = read_facts(json.dumps({"facts": [], "contradictions": rows}), SECTION, known)
    assert event.dropped == 3
    (finding,) = contradiction_findings(event, [earlier, SECTION])
    assert (finding.kind, finding.message, finding.by_critic) == ("contradiction", "Two places.", True)
    later, first = finding.places
    assert (later.section_id, later.part, TEXT[later.start : later.end]) == ("s1", 1, "Ada was born in Turin in 1901")
    assert (first.section_id, first.quote) == ("s0", "Ada was born in Rome in 1899")
    gone = replace(earlier, text="It rained.")
    assert list(contradiction_findings(event, [gone, SECTION])) == []


def test_facts_that_a_later_section_needs_are_in_its_prompt() -> None:
    """Forty facts among six hundred, each needed far behind its section, in the tenth of an 8k context."""
    draw = random.Random(1)
    syllables = [
        "ba",
        "ce",
        "di",
        "fo",
        "gu",
        "ha",
        "je",
        "ki",
        "lo",
        "mu",
        "na",
        "pe",
        "ri",
        "so",
        "tu",
        "va",
        "we",
        "xi",
        "yo",
        "zu",
    ]

    def word(length: int) -> str:
        return "".join(draw.choice(syllables) for _ in range(length))

    common = [word(2) for _ in range(300)]
    sections = [Section(f"s{at}", word(3), "", 400, Status.DONE, "", 400) for at in range(50)]
    facts, needed = [], []
    for at, section in enumerate(sections):
        for number in range(12):
            subject = word(4).capitalize()
            said = " ".join(draw.choices(common, k=8))
            facts.append(Fact("person", subject, f"{subject} {said}.", "", section.id))
            if number == 0 and at < 40:
                needed.append((facts[-1], draw.randrange(at + 5, 50)))
    found = {"relevance": 0, "named before": 0, "recency": 0}
    for fact, at in needed:
        before = facts_before(facts, sections, at)
        point = f"what {fact.subject} did when {' '.join(draw.choices(common, k=8))}"
        recent = " ".join(draw.choices(common, k=300))
        found["relevance"] += fact in choose_facts(before, point, recent, 800)
        named = f"{recent} {fact.subject} {' '.join(draw.choices(common, k=8))}"
        found["named before"] += fact in choose_facts(before, " ".join(draw.choices(common, k=8)), named, 800)
        found["recency"] += fact in choose_facts(before, "", "", 800)
    assert min(found["relevance"], found["named before"]) >= 0.9 * len(needed), found
    assert found["recency"] <= 0.5 * len(needed), found
