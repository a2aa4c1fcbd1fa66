"""Candidates for a section: written in parallel, picked or merged, and always kept."""

from __future__ import annotations

import time
from typing import Any

from lwtui.agentwrite.candidates import CandidateState
from lwtui.app.screens.candidates import CandidateColumn, CandidatesScreen
from lwtui.app.screens.dialogs import Ask, Confirm
from lwtui.app.screens.diff import DiffScreen
from lwtui.app.screens.history import HistoryScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.documents.model import Origin, Status
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.support.author import sentence
from tests.support.fault_server import Answer, FaultServer
from tests.support.tempo import Tempo


async def ask_for(person: Person, count: int) -> None:
    await person.at(WritingScreen)
    await person.press("v")
    await person.at(Ask)
    await person.press("backspace")
    await person.type(str(count))
    await person.press("enter")
    await person.at(CandidatesScreen)


def columns(person: Person) -> list[CandidateColumn]:
    return list(person.app.screen.query(CandidateColumn))


async def written(person: Person) -> None:
    """Wait until all candidates are complete and the screen says how to pick one."""
    await person.until(lambda: all(column.candidate.state is CandidateState.DONE for column in columns(person)))
    await person.sees("Enter picks")


async def test_candidates_are_written_side_by_side_and_one_is_picked_or_merged(place: Place) -> None:
    tempo = Tempo(30)

    def author(body: Any) -> Answer:
        drawn = body["seed"] % 9973
        text = f"Number {drawn} begins." + "".join(sentence(drawn, at) for at in range(6))
        return Answer([f"{word} " for word in text.split(" ")], delay=tempo)

    async with FaultServer(author) as server:
        place.serve(server)
        path = place.make(70, 70, texts={1: "The first text stands here."})
        async with someone(path, size=(140, 40)) as person:
            await person.at(WritingScreen)
            await person.press("home")
            await person.until(lambda: person.editor.section_id == "s1")
            await ask_for(person, 3)
            await person.sees("Candidate 1", "Candidate 2", "Candidate 3", "being written")
            await person.until(lambda: all(column.candidate.text for column in columns(person)))
            await person.sees("s stops")
            await person.press("enter")
            await person.gets_notice("being-written")
            tempo.go()
            await written(person)
            texts = [column.candidate.text for column in columns(person)]
            assert len(set(texts)) == 3
            assert person.sections[0].text == "The first text stands here."
            await person.press("right", "enter")
            assert "Candidate 2" in await person.gets_notice("picked")
            assert person.sections[0].text == person.editor.text == texts[1]
            assert person.sections[0].status is Status.DONE
            kept = {one.text: one for one in person.document.revisions("s1")}
            assert set(texts) | {"The first text stands here."} == set(kept)
            for text in texts:
                assert kept[text].provenance.task.startswith("candidate ") and kept[text].provenance.seed is not None
                assert kept[text].usage.completion > 0
            # Merge some changes of another candidate.
            await ask_for(person, 2)
            await written(person)
            other = columns(person)[0].candidate.text
            await person.press("m")
            await person.at(DiffScreen)
            await person.press("y", "enter")
            await person.gets_notice("revised")
            assert other.split(" ")[1] in person.sections[0].text
            assert person.document.revisions("s1")[0].provenance.task == "merge of candidate 1"
            await person.press("f8")
            await person.at(HistoryScreen)
            await person.sees("of candidate 1 ·", "candidate 2 · writer", time.strftime("%m-%d "))
            await person.press("escape")
            await person.at(WritingScreen)
            # Replacing hand-edited text asks first.
            person.document.edit("s1", person.sections[0].text + " Mine.")
            await ask_for(person, 2)
            await written(person)
            await person.press("enter")
            await person.at(Confirm)
            await person.press("n")
            await person.at(WritingScreen)
            assert person.sections[0].text.endswith(" Mine.") and person.sections[0].origin is Origin.USER


async def test_stopped_candidates_are_kept_and_can_be_picked(place: Place) -> None:
    tempo = Tempo(40)
    text = "".join(sentence(4, at) for at in range(30)).strip()
    async with FaultServer(lambda body: Answer([f"{w} " for w in text.split(" ")], delay=tempo)) as server:
        place.serve(server)
        path = place.make(300)
        async with someone(path, size=(100, 30)) as person:
            person.app.show_text()
            await ask_for(person, 2)
            await person.until(lambda: sum(len(column.candidate.text) for column in columns(person)) > 150)
            await person.press("s")
            await person.sees("Stopped.", "stopped")
            came = columns(person)[0].candidate.text
            await person.press("enter")
            assert "Candidate 1" in await person.gets_notice("picked")
            assert person.sections[0].text.strip() == came.strip()
            assert person.sections[0].status is Status.PARTIAL
            assert len(person.document.revisions("s1")) == 2
        assert place.read(path)["s1"].startswith(came[:40])
