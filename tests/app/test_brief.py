"""The brief of an open document can be viewed and changed from the plan and from the text."""

from __future__ import annotations

from textual.widgets import Input, Select, TextArea

from lwtui.app.screens.brief import BriefScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.stale import StaleScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.line import Line
from lwtui.documents.model import Brief, Mode
from lwtui.documents.store import Document
from tests.app.person import someone
from tests.app.place import INSTRUCTION, Place
from tests.support.author import Author
from tests.support.fault_server import FaultServer
from tests.support.tempo import Tempo


async def test_a_changed_brief_is_saved_and_makes_sections_stale(server: FaultServer, place: Place) -> None:
    place.serve(server, "other")
    path = place.make(60, 60, model="writer", language="zh-TW", sampling="temperature=0.7", seed=3)
    async with someone(path, size=(80, 24)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await person.at(WritingScreen)
        await person.until(lambda: all(section.text for section in person.sections))
        await person.idle()
        before = person.document.brief
        await person.press("B")
        await person.at(BriefScreen)
        assert person.widget(TextArea).text == INSTRUCTION
        shown = {one.id: one.value for one in person.app.screen.query(Select)}
        assert shown == {
            "language": "zh-TW", "model": "writer", "mode": "agentwrite", "style": "", "sampling": "temperature=0.7"
        }  # fmt: skip
        assert person.widget(Input, "#seed").value == "3"
        await person.fill("#instruction", "Tell of tea")
        await person.press("escape")  # nothing was saved
        await person.at(WritingScreen)
        assert person.document.brief == before

        await person.press("B")
        await person.at(BriefScreen)
        await person.fill("#instruction", "")
        await person.press("f5")
        await person.until(lambda: str(person.widget(Line, "#problem").content))
        assert person.widget(TextArea, "#instruction").has_focus  # and the form stays
        await person.fill("#instruction", " Tell of tea\n\nto experts ")
        await person.fill("#words", "500")
        await person.fill("#language", "en")
        await person.fill("#model", "other")
        await person.fill("#mode", Mode.PARALLEL.value)
        await person.fill("#sampling", "")
        await person.fill("#seed", "")
        await person.press("ctrl+s")
        await person.at(WritingScreen)
        asked = Brief("Tell of tea\n\nto experts", 500, "en", Mode.PARALLEL, "other", None)
        assert person.document.brief == asked
        saved = await person.gets_notice("brief-saved")
        assert "Stale (y)" in saved and "120 words" in saved
        await person.sees("other")
        await person.press("y")
        await person.at(StaleScreen)
        await person.sees("instruction was")
    with Document.open(path, read_only=True) as document:
        assert document.brief == asked


async def test_a_run_in_progress_resumes_with_the_new_brief(server: FaultServer, author: Author, place: Place) -> None:
    author.delay = tempo = Tempo(40)
    async with someone(place.make(100, 100)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await person.until(lambda: person.sections[0].text)
        await person.press("B")
        await person.at(BriefScreen)
        await person.fill("#instruction", "Tell of tea")
        await person.press("f5")
        await person.at(WritingScreen)
        tempo.go()
        await person.until(lambda: all(section.text for section in person.sections))
        await person.idle()
        assert "Tell of tea" in str(server.calls[-1].json) and INSTRUCTION in str(server.calls[0].json)


async def test_a_read_only_brief_is_shown_and_not_saved(place: Place) -> None:
    path = place.make(100, model="vanished", mode=Mode.DIRECT)
    with Document.open(path):
        async with someone(path) as person:
            await person.at(PlanScreen)
            await person.press("B")
            await person.at(BriefScreen)
            await person.sees(INSTRUCTION, "vanished (")
            assert person.widget(Select, "#mode").value == Mode.DIRECT.value
            await person.fill("#words", "7")
            await person.press("f5")
            await person.is_told("Read-only")
            await person.press("escape")
            await person.at(PlanScreen)
            assert person.document.brief.words == 100
