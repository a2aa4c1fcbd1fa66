"""The screen of facts: noted by the model, edited, pinned, merged, removed and brought back by the user."""

from __future__ import annotations

import json
from typing import Any

from lwtui.app.screens.dialogs import Ask, Choose
from lwtui.app.screens.facts import FactsScreen
from lwtui.app.screens.findings import FindingsScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.documents.facts import FACTS, Fact
from tests.app.person import someone
from tests.app.place import Place
from tests.support.author import Author
from tests.support.fault_server import Answer, FaultServer
from tests.support.studio import prompt_of

ONE, TWO = "Ada was born in Turin in 1901. She had a dog.", "In Rome, where she was born, Ada learned to read."


def keeper(body: Any) -> Answer:
    """Note the birth of Ada, and that the second section contradicts it."""
    prompt = prompt_of(body)
    if "You keep the facts" not in prompt:
        return Author()(body)
    if ONE in prompt:
        facts = [
            {"kind": "person", "subject": "Ada", "fact": "Ada was born in Turin.", "quote": "Ada was born in Turin"},
            {"kind": "thing", "subject": "dog", "fact": "Ada had a dog.", "quote": "She had a dog."},
        ]
        return Answer([json.dumps({"facts": facts, "contradictions": []})])
    clash = {"number": 1, "quote": "In Rome, where she was born", "why": "One birth."}
    return Answer([json.dumps({"facts": [], "contradictions": [clash]})])


async def test_the_model_notes_facts_and_contradictions_are_findings(place: Place) -> None:
    async with FaultServer(keeper) as server:
        place.serve(server)
        async with someone(place.make(20, 20, texts={1: ONE, 2: TWO}), size=(110, 36)) as person:
            await person.at(WritingScreen)
            await person.press("F")
            await person.at(FactsScreen)
            await person.sees("No facts yet", "2 finished sections not noted yet")
            await person.press("n")
            await person.sees("Ada was born in Turin.", "Ada had a dog.", "2 facts")
            await person.idle()
            await person.press("home")
            await person.sees("From Part cece", "Ada was born in Turin")
            await person.press("n")
            await person.sees("The facts of all finished sections are noted.")
            await person.press("escape")
            await person.at(WritingScreen)
            await person.press("a")
            await person.at(FindingsScreen)
            await person.sees("contradiction", "One birth.", "In Rome, where she was born", "Ada was born in Turin")


async def test_facts_are_edited_pinned_merged_removed_and_restored(place: Place) -> None:
    async with FaultServer(keeper) as server:
        place.serve(server)
        async with someone(place.make(20, 20, texts={1: ONE, 2: TWO}), size=(110, 30)) as person:
            await person.at(WritingScreen)
            book = person.document.fact_book
            book.renew("s1", "d", [Fact("person", "Ada", "Ada was born in Turin.", "Ada was born in Turin", "s1")])
            book.renew("s2", "d", [Fact("place", "Rome", "She reads in Rome.", "In Rome", "s2")])
            await person.press("F")
            await person.at(FactsScreen)
            await person.press("home", "p")
            await person.sees("▲")
            await person.press("e")
            await person.at(Ask)
            await person.fill("Input", "Ada was born in Rome.")
            await person.press("enter")
            await person.sees("Ada was born in Rome.", "edited by you")
            await person.press("c")
            await person.at(Choose)
            await person.press("down", "enter")
            await person.at(FactsScreen)
            assert [(fact.kind, fact.pinned, fact.by_hand) for fact in book.facts] == [
                ("place", True, True),
                ("place", False, False),
            ]
            await person.press("home", "m")
            await person.until(lambda: len(book.facts) == 1)
            await person.sees("1 fact", "She reads in Rome.")
            await person.press("u")
            await person.until(lambda: len(book.facts) == 2)
            await person.press("home", "d")
            await person.until(lambda: len(book.facts) == 1)
            await person.press("u")
            await person.sees("The fact is back.")
            await person.press("a")
            await person.at(Ask)
            await person.fill("Input", "Mira: she is forty")
            await person.press("enter")
            await person.sees("she is forty", "3 facts")
            await person.press("s")
            await person.sees("Facts, by section")
            await person.press("t")
            await person.sees("Noted while the text is written")
            assert person.document.setting(FACTS) == "on" and person.session.notes_facts
            await person.press("s", "escape")
            await person.at(WritingScreen)


async def test_facts_are_noted_while_the_text_is_written(place: Place) -> None:
    async with FaultServer(keeper) as server:
        place.serve(server)
        async with someone(place.make(20, 60, texts={1: ONE}), size=(100, 30)) as person:
            await person.at(WritingScreen)
            person.document.set_setting(FACTS, "on")
            await person.press("f5")
            await person.until(lambda: set(person.document.fact_book.noted()) == {"s1", "s2"})
            await person.idle()
            assert [fact.subject for fact in person.document.facts] == ["Ada", "dog"]
            assert any("Noted 2 facts" in line for _, line in person.session.log)


async def test_a_timeline_lists_the_facts_by_the_dates_that_they_name(place: Place) -> None:
    facts = [
        Fact("person", "Ada", "Ada was born in Turin in 1901.", "in 1901", "s1"),
        Fact("thing", "dog", "Ada had a dog.", "She had a dog.", "s1"),
        Fact("date", "the flood", "March 1899", "In March 1899", "s1"),
        Fact("date", "the fair", "1950", "1950", "s1"),
        Fact("place", "the mill", "It is old.", "The mill was built in 1200", "s1"),
    ]
    async with someone(place.make(20, 20, texts={1: ONE, 2: TWO}), size=(80, 24)) as person:
        await person.at(WritingScreen)
        person.document.fact_book.renew("s1", "d", facts)
        await person.press("F")
        await person.at(FactsScreen)
        for _ in range(3):  # however the tests before have left it
            if "Timeline" in person.screen_text:
                break
            await person.press("s")
        await person.sees("Timeline", "4 of 5 facts with a date")
        assert [row[-1] for row in person.cells] == [
            "1200  It is old.",
            "1899-03  March 1899",
            "1901  Ada was born in Turin in 1901.",
            "1950  1950",
            "Ada had a dog.",
        ]
        await person.press("s")
        await person.sees("Facts, by kind")
