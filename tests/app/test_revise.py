"""Revising a passage: requested, streamed, compared word by word, taken in part or in whole."""

from __future__ import annotations

from typing import Any

from lwtui.app.screens.dialogs import Ask, Choose
from lwtui.app.screens.diff import DiffScreen
from lwtui.app.screens.history import HistoryScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.diff_view import DiffView
from lwtui.documents.model import Origin
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.support.fault_server import Answer, FaultServer
from tests.support.tempo import Tempo

TEXT = "The red pot stands in the sun all day long, and dries out.\n\nThe old soil in the pot is dry as dust.\n\nEnd."
BETTER = "The blue pot stands in the sun all day long, and breaks."


async def ask_for(person: Person, kind: str, detail: str = "", *, opens: bool = True) -> None:
    await person.press("ctrl+l")
    await person.at(Choose)
    choose = person.app.screen
    assert isinstance(choose, Choose)
    choose.dismiss(kind)
    if detail:
        await person.at(Ask)
        await person.type(detail)
        await person.press("enter")
    if opens:
        await person.at(DiffScreen)


def changed_colours(person: Person) -> set[str]:
    """Return the colors of the added words in the first line of the diff."""
    strip = person.app.screen.query_one(DiffView).render_line(0)
    return {str(one.style.color) for one in strip if one.style is not None and one.style.underline}


async def editing(person: Person) -> None:
    await person.at(WritingScreen)
    await person.until(lambda: person.editor.section_id == "s1")
    await person.press("enter")
    await person.until(lambda: person.editor.has_focus)


async def test_changes_are_accepted_one_by_one_all_at_once_or_not_at_all(place: Place) -> None:
    tempo = Tempo(4)

    def author(body: Any) -> Answer:
        return Answer([f"{word} " for word in BETTER.split()], delay=tempo)

    async with FaultServer(author) as server:
        place.serve(server)
        path = place.make(60, texts={1: TEXT})
        async with someone(path) as person:
            await editing(person)
            person.editor.go_to(0)
            # The answer streams in, and can be stopped.
            await ask_for(person, "rewrite")
            await person.sees("blue pot", "Esc stops")
            await person.press("escape")
            await person.at(WritingScreen)
            assert person.sections[0].text == TEXT and len(person.document.revisions("s1")) == 1
            tempo.go()
            # Accept one change by key, and reject the other.
            await ask_for(person, "rewrite")
            await person.sees("Change 1 of 2", "red blue")
            await person.press("enter")
            await person.gets_notice("nothing-accepted")
            await person.press("y", "n", "enter")
            assert "1 of 2" in await person.gets_notice("revised")
            accepted = TEXT.replace("red", "blue")
            assert person.sections[0].text == person.editor.text == accepted
            now, answer, first = person.document.revisions("s1")
            assert (now.text, first.text) == (accepted, TEXT)
            assert answer.text == TEXT.replace(TEXT.split("\n")[0], BETTER)
            for one in (now, answer):
                assert one.provenance is not None and one.provenance.task == "rewrite"
                assert one.provenance.prompt_hash and one.provenance.seed is not None
            assert person.document.usage.completion > 80  # of the document and of the answers
            # Accept changes by mouse, then all others.
            await ask_for(person, "tone", "drier")
            await person.sees("Tone: drier", "Change 1 of 1")
            # The diff follows a change of theme.
            dark = changed_colours(person)
            person.app.theme = "textual-light"
            await person.until(lambda: not changed_colours(person) & dark)
            await person.click(
                DiffView, offset=(2 + person.app.screen.query_one(DiffView)._lines[0].plain.index("dries"), 0)
            )
            await person.sees("1 accepted")
            await person.press("a")
            assert " of " not in await person.gets_notice("revised")
            assert person.sections[0].text == answer.text
            assert person.document.revisions("s1")[0].provenance.task == "tone: drier"
            # Accept none: the text stays, and the answer is kept.
            before = len(person.document.revisions("s1"))
            await ask_for(person, "custom", "worse", opens=False)
            await person.gets_notice("no-changes")
            assert person.sections[0].text == answer.text
            assert len(person.document.revisions("s1")) == before + 1


async def test_edits_made_meanwhile_are_not_overwritten(place: Place) -> None:
    async with FaultServer(lambda body: Answer(["Something new."])) as server:
        place.serve(server)
        async with someone(place.make(60, texts={1: TEXT})) as person:
            await editing(person)
            await person.press("ctrl+end")
            await person.type(" Mine.")
            await ask_for(person, "shorten")
            # The latest edits are part of the comparison.
            await person.sees("End. Mine.")
            # Something else changes the section meanwhile.
            person.document.edit("s1", TEXT + " Changed elsewhere.")
            await person.press("a")
            await person.gets_error("section-changed")
            assert person.sections[0].text == TEXT + " Changed elsewhere."
            assert "Something new." in person.document.revisions("s1")[0].text
            await ask_for(person, "shorten")
            await person.press("a")
            await person.until(lambda: person.sections[0].text.endswith("Something new."))
            assert person.sections[0].origin is Origin.USER  # so a rewrite asks first


async def test_a_base_model_cannot_revise(place: Place) -> None:
    async with FaultServer(lambda body: Answer(["x"])) as server:
        place.serve(server, profile="base")
        async with someone(place.make(60, texts={1: TEXT})) as person:
            await editing(person)
            await ask_for(person, "shorten", opens=False)
            await person.is_told("base model")
            await person.at(WritingScreen)


async def test_any_two_versions_are_compared_and_parts_of_an_old_one_restored(place: Place) -> None:
    path = place.make(60, texts={1: TEXT})
    async with someone(path, size=(120, 36)) as person:
        await editing(person)
        person.document.edit("s1", TEXT.replace("red", "green").replace("dry as dust", "wet"))
        person.document.restore(person.document.revisions("s1")[-1].id)
        person.document.edit("s1", TEXT.replace("red", "yellow").replace("dry as dust", "gone"))
        await person.press("f8")
        await person.at(HistoryScreen)
        await person.sees("●", "by hand", "writer")
        # Compare the last but one version with the first.
        await person.press("end", "space", "home", "down", "down", "d")
        await person.at(DiffScreen)
        await person.sees("red green", "marked version →")
        await person.press("y", "a")  # nothing can be taken here
        await person.press("escape")
        await person.at(HistoryScreen)
        # Compare it with the current text, and restore one change.
        await person.press("end", "space", "home", "down", "down", "d")
        await person.sees("yellow green", "Change 1 of 2")
        await person.press("y", "n", "enter")
        await person.at(WritingScreen)
        assert person.sections[0].text == TEXT.replace("red", "green").replace("dry as dust", "gone")
        assert person.sections[0].origin is Origin.USER
