"""Settings: models are added, tested, chosen and removed; keys never reach a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from lwtui.app.screens.dialogs import Confirm
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.model_form import ModelForm
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.settings import SettingsScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import KEYRING_SERVICE, ModelSettings, load_settings, set_value
from tests.app.conftest import Drawer
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.support.author import Author
from tests.support.fault_server import Answer, Fault, FaultServer
from tests.support.tempo import Tempo

KEY = "tok-0123456789abcdefVERYSECRET"


async def settings(person: Person) -> None:
    await person.press("ctrl+o")
    await person.at(SettingsScreen)


def names(person: Person) -> list[str]:
    return [row.key for row in person.rows._rows]


async def test_an_endpoint_is_added_with_its_key_in_the_keyring_alone(
    server: FaultServer, place: Place, drawer: Drawer
) -> None:
    async with someone(size=(80, 24)) as person:
        await settings(person)
        await person.press("a")
        await person.at(ModelForm)
        for field, value in (
            ("#name", "mine"),
            ("#base_url", server.base_url),
            ("#model", "m-2"),
            ("#context_length", "32000"),
            ("#price_input", "0.5"),
            ("#price_output", "1.5"),
            ("#key", KEY),
        ):
            await person.fill(field, value)
        assert KEY not in person.screen_text
        await person.press("f5")
        await person.at(SettingsScreen)
        await person.sees("mine is saved", server.base_url[:30])
        assert load_settings().models["mine"] == ModelSettings(
            "mine", model="m-2", base_url=server.base_url, context_length=32000, price_input=0.5, price_output=1.5
        )
        assert drawer.keys == {(KEYRING_SERVICE, "mine"): KEY}
        server._answer = lambda _: Answer(["The sea ", "is wide."])
        await person.press("t")
        await person.sees("mine answers: first token after")
        assert server.calls[-1].headers["authorization"] == f"Bearer {KEY}"
    for file in place.home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


async def test_a_model_is_changed_and_keeps_its_key(server: FaultServer, drawer: Drawer) -> None:
    drawer.keys[KEYRING_SERVICE, "writer"] = KEY
    async with someone() as person:
        await settings(person)
        await person.press("down", "enter")
        await person.at(ModelForm)
        assert person.widget(Input, "#name").disabled
        assert person.widget(Input, "#key").value == ""
        await person.fill("#model", "m-3")
        await person.press("enter")
        await person.at(SettingsScreen)
        changed = load_settings().models["writer"]
        assert (changed.model, changed.base_url, changed.retry_seconds) == ("m-3", server.base_url, 20.0)
        assert drawer.keys == {(KEYRING_SERVICE, "writer"): KEY}


async def test_a_form_that_is_wrong_says_where() -> None:
    async with someone(size=(80, 24)) as person:
        await settings(person)
        await person.press("a")
        await person.at(ModelForm)
        for field, value, told in (
            ("#name", "", "The model needs a name."),
            ("#name", "demo", "There is a model named demo already."),
            ("#name", "mine", ""),
            ("#base_url", "api.example.org", "The address begins with http:// or https://."),
            ("#base_url", "https://api.example.org/v1", ""),
            ("#context_length", "many", "Context: a number, not 'many'."),
            ("#context_length", "", ""),
            ("#price_input", "cheap", "Price, prompt: a number, not 'cheap'."),
            ("#price_input", "", ""),
            ("#price_output", "-1", "must not be"),
        ):
            await person.fill(field, value)
            if told:
                await person.press("f5")
                await person.sees(told)
        assert isinstance(person.app.screen, ModelForm)
        await person.press("escape")
        await person.at(SettingsScreen)
        assert load_settings().models == {}


async def test_a_gguf_is_added_if_it_is_there(place: Place) -> None:
    (place.home / "model.gguf").write_bytes(b"GGUF")
    async with someone() as person:
        await settings(person)
        await person.press("l")
        await person.at(ModelForm)
        await person.fill("#name", "local")
        await person.fill("#path", "~/nothing.gguf")
        await person.press("f5")
        await person.sees("There is no file ~/nothing.gguf.")
        await person.fill("#path", "~/model.gguf")
        await person.press("f5")
        await person.at(SettingsScreen)
        assert load_settings().models["local"].path == "~/model.gguf"


async def test_the_default_writes_new_documents(server: FaultServer, place: Place) -> None:
    place.serve(server, "other")
    async with someone() as person:
        await settings(person)
        assert names(person) == ["demo", "writer", "other"]
        await person.press("down", "space")
        assert load_settings().model == "writer"
        assert person.app.default_model == "writer"
        await person.press("home", "asterisk")
        assert load_settings().model == "demo"


async def test_a_model_from_the_command_line_writes_until_another_is_chosen(server: FaultServer) -> None:
    given = ModelSettings("given", model="m-1", base_url=server.base_url)
    async with someone(model=given) as person:
        assert person.app.default_model == "given"
        await settings(person)
        assert names(person) == ["given", "demo", "writer"]
        await person.press("enter")
        await person.sees("there is nothing to edit")
        await person.press("end", "space")
        assert person.app.default_model == "writer"
        await person.press("home", "space")
        assert person.app.default_model == "given"
        assert load_settings().model == "writer"


async def test_a_model_is_removed_after_asking(server: FaultServer) -> None:
    async with someone() as person:
        await settings(person)
        await person.press("d")
        await person.sees("it cannot be removed")
        await person.press("down", "d")
        await person.at(Confirm)
        await person.press("n")
        await person.at(SettingsScreen)
        await person.press("delete")
        await person.at(Confirm)
        await person.press("y")
        await person.until(lambda: names(person) == ["demo"])
        assert load_settings().models == {}
        assert load_settings().model == "demo"


async def test_the_theme_is_kept(place: Place) -> None:
    async with someone() as person:
        await settings(person)
        await person.fill("#theme", "textual-light")
        assert person.app.theme == "textual-light"
    assert 'theme = "textual-light"' in place.settings_text
    async with someone() as person:
        assert person.app.theme == "textual-light"


async def test_a_mirror_for_every_document_can_be_chosen(place: Place) -> None:
    async with someone() as person:
        await person.press("ctrl+o")
        await person.fill("#mirror", "true")
        await person.until(lambda: person.app.settings.mirror)
        assert "mirror = true" in place.settings_text
        await person.fill("#mirror", "false")
        await person.until(lambda: not person.app.settings.mirror)


async def test_a_theme_nobody_knows_is_no_error() -> None:
    set_value("theme", "vanished")
    async with someone() as person:
        assert person.app.theme == "textual-dark"


@pytest.mark.parametrize("leave", ["enter", "tab", "ctrl+q"])
async def test_another_folder_is_kept_however_the_field_is_left(place: Place, leave: str) -> None:
    async with someone() as person:
        await settings(person)
        await person.fill("#folder", "~/elsewhere")
        await person.press(leave)
        if leave != "ctrl+q":
            await person.sees("New documents go to ~/elsewhere.")
            assert person.app.folder == place.home / "elsewhere"
            await person.press("escape", "escape")
            await person.at(LibraryScreen)
            await person.sees("~/elsewhere")
    assert load_settings().documents == "~/elsewhere"


async def test_a_settings_file_that_is_broken_is_never_overwritten(place: Place) -> None:
    async with someone(size=(80, 24)) as person:
        file = place.home / "config" / "settings.toml"
        file.write_text("model = [broken")
        await settings(person)
        await person.press("space")
        await person.is_told("is not valid TOML")
        assert file.read_text() == "model = [broken"


async def test_a_test_says_what_is_wrong(place: Place) -> None:
    async with FaultServer(faults=[Fault.http(401, message="Incorrect key")]) as server:
        place.serve(server, retry_seconds=0.1)
        async with someone(size=(80, 24)) as person:
            await settings(person)
            await person.press("down", "t")
            await person.sees("key")
    async with someone(size=(80, 24)) as person:
        await settings(person)
        await person.press("down", "t")
        await person.sees("Cannot reach")


async def test_a_test_does_not_take_the_model_away_that_writes(author: Author, place: Place) -> None:
    author.delay = tempo = Tempo(10)
    async with FaultServer(author) as server, FaultServer() as other:
        place.serve(server)
        place.serve(other, "other")
        async with someone(place.make(60)) as person:
            await person.at(PlanScreen)
            await person.press("f5")
            await person.at(WritingScreen)
            await person.until(lambda: person.document.words > 3)
            await settings(person)
            await person.press("end", "t")
            await person.sees("writer is at work on your document")
            assert person.session.busy
            await person.press("escape")
            await person.at(WritingScreen)
            tempo.go()
            await person.idle()
            assert person.session.error == ""


async def test_settings_lie_over_a_document_and_leave_it_as_it_is(place: Place, tmp_path: Path) -> None:
    async with someone(place.make(100, texts={1: "First."})) as person:
        await person.at(WritingScreen)
        await settings(person)
        await person.press("ctrl+o")  # once is enough
        await person.press("escape")
        await person.at(WritingScreen)
        assert person.editor.text == "First."
