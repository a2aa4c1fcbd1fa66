"""Findings about the text, by the built-in checks and by a critic, and going to them."""

from __future__ import annotations

import json
from typing import Any

from lwtui.agentwrite.critic import KINDS as CRITIC_KINDS
from lwtui.agentwrite.grammar import GRAMMAR, STYLE
from lwtui.agentwrite.lint import KINDS
from lwtui.agentwrite.spelling import SPELLING
from lwtui.agentwrite.unsure import UNSURE
from lwtui.agentwrite.word_lists import STOCK_PHRASE
from lwtui.app.polish_run import REVIEW
from lwtui.app.screens import findings
from lwtui.app.screens.findings import FindingsScreen
from lwtui.app.screens.writing import WritingScreen
from tests.app.person import someone
from tests.app.place import Place
from tests.support.author import sentence
from tests.support.fault_server import Answer, FaultServer

SAID = "The roots of a tomato grow as deep as its stem grows high, so that a small pot dries out on hot afternoons."


async def test_findings_lead_to_the_text_and_the_critics_need_a_quote(place: Place) -> None:
    found = {
        "findings": [
            {"kind": "contradiction", "first": "Clay is heavy.", "second": "Clay weighs nothing.", "why": "Not both."},
            {"kind": "other", "first": "Nowhere to be found.", "second": "Clay is heavy.", "why": "Made up."},
        ]
    }
    prose = ["".join(sentence(number, at) for at in range(5)).strip() for number in (1, 2)]
    first, second = f"{prose[0]}\n\n{SAID}\n\nClay is heavy.", f"{prose[1]}\n\nClay weighs nothing.\n\n{SAID}"

    def author(body: Any) -> Answer:
        return Answer([json.dumps(found)])

    async with FaultServer(author) as server:
        place.serve(server)
        async with someone(place.make(80, 80, texts={1: first, 2: second}), size=(110, 36)) as person:
            await person.at(WritingScreen)
            await person.press("a")
            await person.at(FindingsScreen)
            await person.sees("restated-paragraph", "1 finding.", "line 5", "line 3")
            assert not server.calls
            await person.press("c")
            await person.sees("contradiction", "1 problem; 1 dropped")
            # The first place is the repetition.
            await person.press("end", "enter")
            await person.at(WritingScreen)
            await person.until(lambda: person.editor.section_id == "s2" and person.editor.has_focus)
            assert person.editor.selected_text == SAID
            await person.press("escape", "a")
            await person.at(FindingsScreen)
            await person.sees("2 findings.")
            # The critic's finding stays, and leads to its place even after an edit before it.
            await person.press("escape")
            await person.at(WritingScreen)
            person.document.edit("s1", f"Before. {first}")
            await person.press("a")
            await person.at(FindingsScreen)
            await person.sees("2 findings.")
            await person.press("home", "o")
            await person.at(WritingScreen)
            await person.until(lambda: person.editor.section_id == "s1")
            assert person.editor.selected_text == "Clay is heavy"
            assert person.document.usage.completion > 160  # of the two texts and the review


async def test_the_key_of_a_second_place_is_offered_only_if_there_is_one(place: Place) -> None:
    twice = f"Roots are deep.\n\n{SAID}\n\nWater them.\n\n{SAID}"
    async with someone(place.make(75, 400, texts={1: twice, 2: "Too short."}), size=(110, 36)) as person:
        await person.at(WritingScreen)
        await person.press("a")
        await person.at(FindingsScreen)
        await person.sees("restated-paragraph", "off-target", "Second")
        await person.press("end")
        await person.until(lambda: "Second" not in person.screen_text)
        await person.press("o")
        await person.at(FindingsScreen)


def test_every_kind_of_finding_has_a_name_on_the_screen() -> None:
    kinds = {*KINDS, *CRITIC_KINDS, STOCK_PHRASE, SPELLING, GRAMMAR, STYLE, UNSURE, REVIEW}
    assert kinds <= set(findings._KINDS)


async def test_a_new_review_discards_the_findings_of_the_last_one(place: Place) -> None:
    row = {"kind": "contradiction", "first": "Clay is heavy.", "second": "Clay weighs nothing.", "why": "Not both."}
    found = [row]

    def author(body: Any) -> Answer:
        return Answer([json.dumps({"findings": found})])

    async with FaultServer(author) as server:
        place.serve(server)
        texts = {1: "Clay is heavy.", 2: "Clay weighs nothing."}
        async with someone(place.make(80, 80, texts=texts), size=(110, 36)) as person:
            await person.at(WritingScreen)
            await person.press("a")
            await person.at(FindingsScreen)
            await person.press("c")
            await person.sees("contradiction", "found 1")
            found.clear()
            await person.press("c")
            await person.sees("found 0 problems")
            assert "contradiction" not in person.screen_text


async def test_stock_phrases_are_listed_on_request(place: Place) -> None:
    texts = {1: "It stands as a testament to iron. The bridge is red."}
    async with someone(place.make(10, texts=texts), size=(110, 36)) as person:
        await person.at(WritingScreen)
        await person.press("a")
        await person.at(FindingsScreen)
        await person.sees("No findings.")
        await person.press("w")
        await person.sees("stock-phrase", "“stands as a testament” occurs once", "in 1,000 words", "2 sentences")
        await person.press("w")
        await person.sees("No findings.")
