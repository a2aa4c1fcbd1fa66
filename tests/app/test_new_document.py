"""The form for a new document."""

from __future__ import annotations

from textual.widgets import Button, Input, Select, TextArea

from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.new_document import NewDocumentScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import set_value
from lwtui.documents.model import Brief, Mode, Status, Style
from tests.app.person import someone
from tests.app.place import INSTRUCTION, Place
from tests.support.author import Author, title_of
from tests.support.fault_server import Fault, FaultServer


async def test_an_instruction_becomes_a_plan(server: FaultServer, place: Place) -> None:
    async with someone() as person:
        await person.sees("No documents yet")
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.type("Tell of tea")
        await person.press("f5")
        await person.at(PlanScreen)
        await person.idle()
        assert len(person.titles) == 5
        assert sum(person.targets) == 1500
        await person.sees(title_of(1), "5 sections · 1,500 words", "F5 writes the rest")
        assert person.document.brief == Brief("Tell of tea", 1500, "en", Mode.AGENTWRITE, "writer", None)
        assert person.document.path == place.documents / "Tell of tea.lw"


async def test_every_field_of_the_form_takes_effect(server: FaultServer, place: Place) -> None:
    place.serve(server, "other", sampling="inventive", temperature=0.9)
    async with someone(size=(80, 24)) as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.sees("the model's own: temperature=0.9, inventive")
        await person.fill("#instruction", "  Über Tee\n\nFür Kenner.  ")
        await person.fill("#words", "900")
        await person.fill("#language", "de")
        await person.fill("#model", "writer")
        await person.sees("the model's own")
        await person.fill("#sampling", "precise")
        await person.fill("#mode", Mode.PARALLEL.value)
        await person.fill("#style", "lists")
        await person.fill("#seed", "7")
        await person.press("ctrl+s")
        await person.at(PlanScreen)
        await person.idle()
        brief = Brief("Über Tee\n\nFür Kenner.", 900, "de", Mode.PARALLEL, "writer", 7, "precise", style=Style.LISTS)
        assert person.document.brief == brief
    assert all(call.json["top_p"] == 0.9 for call in server.calls)


async def test_the_length_of_a_chinese_document_is_in_characters(server: FaultServer) -> None:
    async with someone() as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.sees("Length (words)")
        await person.fill("#instruction", "写一篇关于茶的文章，介绍茶的历史和种类。")
        await person.sees("Length (characters)")
        await person.fill("#language", "en")
        await person.sees("Length (words)")


async def test_length_and_language_come_from_the_instruction_until_they_are_typed(server: FaultServer) -> None:
    async with someone(size=(80, 24)) as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.sees("1,500 words; type another, or say it above", "As in the instruction")
        await person.fill("#instruction", "Schreibe einen Bericht über Bienen, mit 1.200 Wörtern.")
        await person.sees("Length (words)", "1,200 words, from “1.200 Wörtern”", "German, as in the instruction")
        await person.fill("#instruction", "写一篇关于茶的文章，介绍茶的历史，两千字。")
        await person.sees("2,000 characters, from “两千字”", "Chinese, as in the instruction")
        await person.fill("#instruction", "Write 9" + "0" * 400 + " words on tea")
        await person.sees("1,500 words; type another, or say it above", "English, as in the instruction")
        await person.fill("#words", "300")
        await person.fill("#instruction", "Write 2,000 words on tea")
        assert person.widget(Input, "#words").value == "300"  # typed lengths stay
        await person.fill("#words", "")
        await person.sees("2,000 words, from “2,000 words”")
        await person.fill("#instruction", "Write ten chapters on tea, 500 words each")
        await person.sees("5,000 words, from “ten chapters, 500 words each”")
        await person.fill("#instruction", "Write 2,000 words on tea")
        await person.press("f2")
        await person.at(PlanScreen)
        brief = person.document.brief
        assert (brief.words, brief.language) == (2000, "en")


async def test_a_wrong_field_is_focused_and_explained(server: FaultServer) -> None:
    async with someone(size=(80, 24)) as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        for field, value, right, named in (
            ("#instruction", " \n ", INSTRUCTION, "instruction"),
            ("#words", "-5", "1500", "from 1 to 1,000,000."),
            ("#seed", "-4", "", "2,147,483,647"),
            ("#seed", "1" + "0" * 40, "", "2,147,483,647"),
            ("#words", "0", "1500", "from 1 to 1,000,000."),
            ("#words", "1000001", "1500", "from 1 to 1,000,000."),
        ):
            await person.fill(field, value)
            await person.press("f5")
            await person.sees(named)
            assert person.app.focused is person.app.screen.query_one(field)
            assert isinstance(person.app.screen, NewDocumentScreen)
            await person.fill(field, right)
        assert not server.calls


async def test_direct_mode_writes_at_once(server: FaultServer) -> None:
    async with someone() as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.fill("#instruction", INSTRUCTION)
        await person.fill("#words", "300")
        await person.fill("#mode", Mode.DIRECT.value)
        assert str(person.widget(Button, "#create").label) == "Create and write (F5)"
        await person.press("f5")
        await person.at(WritingScreen)
        await person.idle()
        (section,) = person.sections
        assert section.status is Status.DONE
        assert section.length > 200
        assert person.editor.text == section.text


async def test_a_plan_can_be_made_by_hand(server: FaultServer) -> None:
    async with someone() as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.fill("#instruction", INSTRUCTION)
        await person.press("f2")
        await person.at(PlanScreen)
        await person.sees("No sections yet")
        await person.press("a")
        await person.type("Soil")
        await person.press("enter", "a")
        await person.type("Light")
        await person.press("enter")
        await person.until(lambda: person.titles == ["Soil", "Light"])
        assert person.targets == [500, 500]
        assert not server.calls


async def test_buttons_do_what_the_keys_do(server: FaultServer) -> None:
    async with someone() as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.click("#cancel")
        await person.at(LibraryScreen)
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.fill("#instruction", INSTRUCTION)
        await person.click("#by-hand")
        await person.at(PlanScreen)


async def test_escape_creates_no_document(server: FaultServer, place: Place) -> None:
    async with someone() as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.type("Tell of tea")
        await person.press("escape")
        await person.at(LibraryScreen)
        assert not list(place.documents.glob("*"))


async def test_tab_leaves_the_instruction_and_goes_through_the_fields(server: FaultServer) -> None:
    async with someone() as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        assert isinstance(person.app.focused, TextArea)
        seen = []
        for _ in range(7):
            await person.press("tab")
            assert person.app.focused is not None
            seen.append(person.app.focused.id)
        assert seen == ["words", "language", "model", "mode", "style", "sampling", "seed"]
        assert isinstance(person.app.screen.query_one("#model"), Select)


async def test_a_folder_that_cannot_be_created_is_reported_and_the_form_stays(
    server: FaultServer, place: Place
) -> None:
    (place.home / "file").write_text("no folder")
    set_value("documents", str(place.home / "file" / "documents"))
    async with someone() as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.fill("#instruction", INSTRUCTION)
        await person.press("f5")
        await person.is_told("Cannot create the folder")
        assert isinstance(person.app.screen, NewDocumentScreen)
        assert person.widget(TextArea, "#instruction").text == INSTRUCTION


async def test_a_failed_plan_is_reported_and_can_be_retried(author: Author, place: Place) -> None:
    async with FaultServer(author, [Fault.http(401, message="Wrong key")]) as server:
        place.serve(server)
        async with someone(size=(80, 24)) as person:
            await person.press("n")
            await person.at(NewDocumentScreen)
            await person.fill("#instruction", INSTRUCTION)
            await person.press("f5")
            await person.at(PlanScreen)
            await person.until(lambda: person.session.error)
            await person.sees("key")
            await person.press("R")
            await person.until(lambda: person.document.plan.sections)
            await person.idle()
            assert person.session.error == ""
            await person.sees("sections · 1,500 words")


async def test_a_template_is_previewed_and_becomes_the_plan_without_a_model(server: FaultServer) -> None:
    async with someone(size=(80, 24)) as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.fill("#instruction", "A report on bees in the city")
        await person.fill("#words", "3000")
        await person.fill("#template", "report")
        form = person.app.screen
        await person.until(lambda: "3,000 words" in str(form.query_one("#preview").render()))
        shown = str(form.query_one("#preview").render())
        assert "Summary" in shown or "1. " in shown
        assert "show the plan" in str(form.query_one("#create", Button).label)
        await person.fill("#words", "6000")
        await person.until(lambda: "6,000 words" in str(form.query_one("#preview").render()))
        await person.fill("#mode", Mode.DIRECT.value)
        await person.press("f5")
        await person.at(NewDocumentScreen)
        await person.until(lambda: "one call has none" in str(form.query_one("#problem").render()))
        await person.fill("#mode", Mode.AGENTWRITE.value)
        await person.press("f5")
        await person.at(PlanScreen)
        assert sum(person.targets) == 6000 and not person.session.busy
        assert person.document.title == "A report on bees in the city"
    assert not server.calls


async def test_templates_follow_the_language_and_own_ones_come_first(server: FaultServer, place: Place) -> None:
    folder = place.home / "config" / "templates"
    folder.mkdir(parents=True)
    section = '{"title": "Only [b]one[/b]", "main_point": "all of it", "words": 100}'
    (folder / "mine.json").write_text(f'{{"name": "Mine", "title": "x", "sections": [{section}]}}')
    async with someone(size=(80, 24)) as person:
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.fill("#language", "zh")
        field = person.app.screen.query_one("#template", Select)
        keys = [str(key) for _, key in field._options]
        assert keys[:2] == ["", "mine"] and "four-part-story" in keys
        await person.fill("#template", "mine")
        await person.until(lambda: "Only [b]one[/b]" in str(person.app.screen.query_one("#preview").render()))
        await person.fill("#language", "en")
        await person.until(lambda: "four-part-story" not in [str(key) for _, key in field._options])
        assert field.value == "mine"
        (folder / "mine.json").write_text("{}")
        await person.fill("#language", "zh")
        await person.until(lambda: "not usable" in str(person.app.screen.query_one("#problem").render()))
