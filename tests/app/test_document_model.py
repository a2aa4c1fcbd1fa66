"""The model of a document: its own, or the default, or another if its own is missing."""

from __future__ import annotations

from textual.widgets import OptionList

from lwtui.app.screens.dialogs import Choose
from lwtui.app.screens.forecast import ForecastScreen
from lwtui.app.screens.inspector import InspectorScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import ModelSettings, set_value
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.support.fault_server import FaultServer


async def test_an_imported_document_is_written_by_the_default_model(server: FaultServer, place: Place) -> None:
    source = place.home / "tea.md"
    source.write_text("# Tea\n\n## Leaves\n\nThey are green.\n\n## Water\n\nIt is hot.\n")
    async with someone(source, size=(100, 40)) as person:
        await person.at(WritingScreen)
        assert person.document.brief.model == ""
        await person.sees("writer")
        await person.press("o")
        await person.at(ForecastScreen)
        await person.sees("Input tokens", "Write                writer")
        await person.press("escape", "i")
        await person.at(InspectorScreen)
        await person.until(lambda: person.cells)
        await person.press("escape")
        await person.at(WritingScreen)
        await person.press("f7", "y")
        await person.until(lambda: server.calls)
        await person.idle()
        assert person.sections[0].text != "They are green."
        # Change the default.
        place.serve(server, "other")
        person.app.reload_settings()
        assert person.session.model == "other"


async def test_a_model_from_the_command_line_is_the_default_for_a_document_without_one(
    server: FaultServer, place: Place
) -> None:
    given = ModelSettings("given", model="m-1", base_url=server.base_url, context_length=8192)
    async with someone(place.make(100, model=""), model=given) as person:
        await person.at(PlanScreen)
        await person.sees("given")
        await person.press("f5")
        await person.until(lambda: person.sections[0].text)
        await person.idle()
        assert not person.session.error


async def chosen(person: Person, name: str, missing: str) -> None:
    """Wait for the question for another model than ``missing``, and choose ``name``."""
    await person.at(Choose)
    await person.sees(f"no model {missing}")
    options = person.widget(OptionList)
    while str(options.get_option_at_index(options.highlighted or 0).prompt) != name:
        await person.press("down")
    await person.press("enter")


async def test_the_user_chooses_another_model_if_the_documents_is_missing(server: FaultServer, place: Place) -> None:
    path = place.make(100, 100, model="vanished", texts={1: "They are green."})
    set_value("roles.plan", "gone too")
    async with someone(path) as person:
        await person.at(WritingScreen)
        for key in ("f5", "f7", "v", "i"):  # each asks first, and Esc changes nothing
            await person.press(key)
            await person.at(Choose)
            await person.sees("model vanished")
            await person.press("escape")
            await person.at(WritingScreen)
        assert not server.calls and person.document.brief.model == "vanished"
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("R", "y")
        await chosen(person, "writer", "gone too")
        await person.until(lambda: server.calls)
        await person.idle()
        assert person.document.setting("role.plan") == "writer"
        await person.press("f5")
        await chosen(person, "writer", "vanished")
        await person.at(WritingScreen)
        await person.until(lambda: person.sections[0].text)
        await person.idle()
        assert person.document.brief.model == "writer"
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("c")
        await person.at(Choose)
        await person.press("home", "enter")  # in the plan too
        await person.until(lambda: person.document.brief.model == "demo")
        await person.sees("demo")
