"""Settings: models are added, tested, chosen and removed; API keys never reach a file."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from keyring.errors import NoKeyringError
from textual.widgets import Collapsible, Input, Select

from lwtui.app.screens.dialogs import Confirm
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.model_fields import GGUF_FIELDS, parse_field
from lwtui.app.screens.model_form import ModelForm
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.settings import SettingsScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import KEYRING_SERVICE, Mirror, ModelSettings, add_model, load_settings, set_value
from lwtui.errors import LwtuiError
from lwtui.models.services import Service
from tests.app.conftest import Drawer
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.errors import has_code
from tests.support.author import Author
from tests.support.fault_server import Fault, FaultServer, RecordedRequest, send_response
from tests.support.gguf_file import write_header
from tests.support.ollama import Ollama
from tests.support.tempo import Tempo

KEY = "tok-0123456789abcdefVERYSECRET"


async def settings(person: Person) -> None:
    await person.press("ctrl+o")
    await person.at(SettingsScreen)


def names(person: Person) -> list[str]:
    return [row.key for row in person.rows._rows]


async def test_an_endpoint_is_added_with_its_key_only_in_the_keyring(
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
        await person.until(lambda: "mine" in load_settings().models)
        assert load_settings().models["mine"] == ModelSettings(
            "mine", model="m-2", base_url=server.base_url, context_length=32000, price_input=0.5, price_output=1.5
        )
        assert drawer.keys == {(KEYRING_SERVICE, f"mine at http://127.0.0.1:{server.port}"): KEY}
        await person.sees("mine answers: first token after")
        assert server.calls[-1].headers["authorization"] == f"Bearer {KEY}"
    for file in place.home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


async def test_a_model_is_changed_and_keeps_its_key(server: FaultServer, drawer: Drawer) -> None:
    drawer.keys[KEYRING_SERVICE, f"writer at http://127.0.0.1:{server.port}"] = KEY
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
        assert drawer.keys == {(KEYRING_SERVICE, f"writer at http://127.0.0.1:{server.port}"): KEY}


async def test_reasoning_headers_and_parameters_are_changed_in_the_form(server: FaultServer) -> None:
    add_model(replace(load_settings().models["writer"], roles={"plan": {"reasoning_tokens": 50}}))
    async with someone(size=(80, 24)) as person:
        await settings(person)
        await person.press("down", "enter")
        await person.at(ModelForm)
        person.widget(Collapsible, "#more").collapsed = False
        person.widget(Select, "#reasoning_effort").value = "low"
        person.widget(Select, "#plan-reasoning_effort").value = "high"
        for field, value, told in (
            ("#extra_headers", "X-Title: book, X-Key: abc", "value of 'X-Key' looks"),
            ("#extra_headers", "no header", "Headers must look like"),
            ("#extra_headers", "X-Title: book, X-Key: $ORG", ""),
            ("#extra_body", "{", "Parameters must look like"),
            ("#extra_body", '{"top_k": 40}', ""),
            ("#reasoning_tokens", "4k", ""),
        ):
            await person.fill(field, value)
            if told:
                await person.press("f5")
                await person.sees(told)
        await person.press("f5")
        await person.at(SettingsScreen)
        changed = load_settings().models["writer"]
    assert (changed.reasoning_effort, changed.reasoning_tokens) == ("low", 4000)
    assert changed.roles == {"plan": {"reasoning_tokens": 50, "reasoning_effort": "high"}}
    assert changed.extra_headers == {"X-Title": "book", "X-Key": "$ORG"} and changed.extra_body == {"top_k": 40}


async def test_a_wrong_field_of_the_form_is_reported() -> None:
    async with someone(size=(80, 24)) as person:
        await settings(person)
        await person.press("a")
        await person.at(ModelForm)
        for field, value, told in (
            ("#name", "demo", "A model named demo already exists."),
            ("#name", "mine", ""),
            ("#base_url", "the example", "must look like https://host/v1."),
            ("#base_url", "http://127.0.0.1:9/v1", ""),
            ("#context_length", "many", "Context: 'many' is not a number."),
            ("#context_length", "", ""),
            ("#price_input", "cheap", "Input price: 'cheap' is not a number."),
            ("#price_input", "", ""),
            ("#name", "two words", "'two words' cannot be a model's name"),
            ("#name", "mine", ""),
            ("#model", "sk-abcdefghijklmnop", "This looks like an API key"),
            ("#model", "", ""),
            ("#price_output", "-1", "must not be"),
            ("#price_output", "1", "Cannot reach 127.0.0.1:9: the connection was refused."),
        ):
            await person.fill(field, value)
            if told:
                await person.press("f5")
                await person.sees(told)
        assert isinstance(person.app.screen, ModelForm)
        await person.press("escape")
        await person.at(SettingsScreen)
        assert load_settings().models == {}


async def test_a_gguf_is_added_if_its_file_exists(place: Place) -> None:
    shape = {"general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": 256}
    shape |= {"llama.attention.head_count": 8, "llama.context_length": 4096}
    write_header(place.home / "model.gguf", shape, {"token_embd.weight": 10_000})
    (place.home / "page.gguf").write_text("<!doctype html>")
    async with someone(size=(80, 24)) as person:
        await settings(person)
        await person.press("l")
        await person.at(ModelForm)
        await person.press("f5")
        await person.sees("Enter the path of the GGUF file.")
        await person.fill("#path", "~/nothing.gguf")
        await person.press("f5")
        await person.sees("There is no file ~/nothing.gguf.")
        await person.fill("#path", "~/page.gguf")
        await person.sees("Cannot read the GGUF")
        await person.press("f5")
        await person.sees("is not a GGUF file")
        await person.fill("#path", "~/mo")
        await person.press("end", "tab")  # completes the path
        assert person.widget(Input, "#path").value == "~/model.gguf"
        await person.sees("with a context of 4096")
        await person.fill("#context_length", "2048")
        await person.fill("#kv_type", "q8_0")
        await person.sees("with a context of 2048 (q8_0 cache)")
        await person.fill("#sampling", "inventive")
        await person.press("f5")
        await person.at(SettingsScreen)
        await person.until(lambda: person.app.default_model == "model")
        model = load_settings().models["model"]
        assert (model.path, model.sampling, model.context_length) == ("~/model.gguf", "inventive", 2048)
        await person.press("enter")
        await person.at(ModelForm)
        assert person.widget(Select, "#sampling").value == "inventive"
        assert person.widget(Select, "#kv_type").value == "q8_0"
        await person.fill("#sampling", "custom")
        await person.fill("#values", "temperature=9")
        await person.press("f5")
        await person.sees("temperature must be a number from 0 to 5")
        await person.fill("#values", "temperature=0.5, min_p=0.1")
        await person.press("f5")
        await person.at(SettingsScreen)
        assert load_settings().models["model"].sampling == "temperature=0.5, min_p=0.1"


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
        await person.sees("it cannot be edited")
        await person.press("end", "space")
        assert person.app.default_model == "writer"
        await person.press("home", "space")
        assert person.app.default_model == "given"
        assert load_settings().model == "writer"


async def test_a_model_is_removed_with_its_key_after_asking(server: FaultServer, drawer: Drawer) -> None:
    drawer.keys[KEYRING_SERVICE, f"writer at http://127.0.0.1:{server.port}"] = KEY
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
        assert load_settings().models == {} and drawer.keys == {}
        assert load_settings().model == "demo"


async def test_the_theme_is_kept(place: Place) -> None:
    async with someone() as person:
        await settings(person)
        await person.fill("#theme", "textual-light")
        assert person.app.theme == "textual-light"
    assert 'theme = "textual-light"' in place.settings_text
    async with someone() as person:
        assert person.app.theme == "textual-light"


async def test_the_language_for_the_next_start_is_chosen(place: Place) -> None:
    own = place.home / "config" / "locale" / "eo.po"
    own.parent.mkdir(parents=True)
    own.write_text('msgid "Models"\nmsgstr "Modeloj"\n', encoding="utf-8")
    async with someone(size=(80, 24)) as person:
        await settings(person)
        await person.press("tab", "tab", "tab", "enter")  # folder, theme, language
        await person.sees("the system's", "English", "eo")
        await person.press("home", "down", "down", "enter")
        await person.sees("next start")
        assert load_settings().language == "eo"
        await person.fill("#language", "")
        assert load_settings().language == ""


@pytest.mark.parametrize("language", ["zh-CN", "gone"])
async def test_a_language_that_is_not_offered_stays_until_another_is_chosen(place: Place, language: str) -> None:
    set_value("language", language)
    async with someone() as person:
        await settings(person)
        assert person.widget(Select, "#language").value == language
    assert f'language = "{language}"' in place.settings_text


async def test_a_mirror_for_every_document_can_be_chosen(place: Place) -> None:
    async with someone() as person:
        await person.press("ctrl+o")
        for kind in (Mirror.FOLDER, Mirror.GIT, Mirror.FILE, Mirror.NONE):
            await person.fill("#mirror", kind.value)
            await person.until(lambda kind=kind: person.app.settings.mirror is kind)  # type: ignore[misc]
            assert f'mirror = "{kind}"' in place.settings_text


async def test_an_unknown_theme_is_not_fatal() -> None:
    set_value("theme", "vanished")
    async with someone() as person:
        assert person.app.theme == "textual-dark"


@pytest.mark.parametrize("leave", ["enter", "tab", "ctrl+q"])
async def test_a_changed_folder_is_stored_however_the_field_is_left(place: Place, leave: str) -> None:
    async with someone() as person:
        await settings(person)
        await person.fill("#folder", "~/elsewhere")
        await person.press(leave)
        if leave != "ctrl+q":
            await person.until(lambda: person.app.folder == place.home / "elsewhere")
            assert person.app.folder == place.home / "elsewhere"
            await person.press("escape", "escape")
            await person.at(LibraryScreen)
            await person.sees("~/elsewhere")
    assert load_settings().documents == "~/elsewhere"


async def test_a_malformed_settings_file_is_never_overwritten(place: Place) -> None:
    async with someone(size=(80, 24)) as person:
        file = place.home / "config" / "settings.toml"
        file.write_text("model = [broken")
        await settings(person)
        await person.press("space")
        await person.gets_error("not-toml")
        assert file.read_text() == "model = [broken"


async def test_testing_a_model_reports_what_is_wrong(place: Place) -> None:
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


async def test_testing_does_not_close_a_busy_model(author: Author, place: Place) -> None:
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
            await person.press("end", "t")  # another endpoint closes no model
            await person.sees("other answers")
            # The busy model has changed settings, so testing would reopen it.
            set_value("models.writer.context_length", "16000")
            person.app.reload_settings()
            await person.press("up", "t")
            await person.sees("writer is writing your document")
            assert person.session.busy
            await person.press("escape")
            await person.at(WritingScreen)
            tempo.go()
            await person.idle()
            assert person.session.error == ""


async def test_settings_open_over_a_document_without_changing_it(place: Place, tmp_path: Path) -> None:
    async with someone(place.make(100, texts={1: "First."})) as person:
        await person.at(WritingScreen)
        await settings(person)
        await person.press("ctrl+o")  # a second press does nothing
        await person.press("escape")
        await person.at(WritingScreen)
        assert person.editor.text == "First."


# ---- what runs on this machine ------------------------------------------------------------------------------------


def here(monkeypatch: pytest.MonkeyPatch, *servers: FaultServer) -> None:
    """Search only the ports of ``servers``, and one port without a server."""
    monkeypatch.setattr("lwtui.models.servers.PORTS", {9: "Jan", **{one.port: "Ollama" for one in servers}})
    # A busy machine may answer slowly.
    monkeypatch.setattr("lwtui.models.servers.SEARCH_SECONDS", 15.0)
    monkeypatch.setattr("lwtui.models.servers._CONNECT_SECONDS", 15.0)


async def test_two_keys_add_test_and_use_a_found_model(
    author: Author, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Ollama(author) as server:
        here(monkeypatch, server)
        async with someone(size=(80, 24)) as person:
            await person.sees("Ctrl+O")
            await settings(person)
            await person.sees("Found on this machine: Ollama (1 model).", "qwen3-8b", "+ found on this machine")
            await person.press("down", "enter")
            await person.sees("32,768 tokens of context")
            model = load_settings().models["qwen3-8b"]
            assert (model.model, model.base_url, model.context_length) == ("qwen3:8b", server.base_url, 0)
            assert load_settings().model == person.app.default_model == "qwen3-8b"
            assert names(person) == ["demo", "qwen3-8b"]
            await person.press("r")
            await person.until(lambda: names(person) == ["demo", "qwen3-8b"])  # it is listed once
    assert not any("authorization" in seen.headers for seen in server.requests)


async def test_a_found_model_that_does_not_answer_does_not_become_the_default(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault.http(400, message="model requires more system memory (9 GiB) than is available")
    async with FaultServer(faults=[fault], models=[{"id": "big"}]) as server:
        here(monkeypatch, server)
        async with someone(size=(80, 24)) as person:
            await settings(person)
            await person.sees("big")
            await person.press("end", "d")
            await person.sees("This model is not in the settings. Enter adds it.")
            await person.press("t")
            await person.sees("Enter adds this model and tests it.")
            await person.press("a")
            await person.sees("requires more system memory")
            assert names(person) == ["demo", "big"] and load_settings().model == "demo"


async def test_servers_that_have_stopped_are_no_longer_offered(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FaultServer(models=[{"id": "passing"}]) as other:
        here(monkeypatch, other)
        async with someone(size=(80, 24)) as person:
            await settings(person)
            await person.sees("passing")
            await person.press("end")
            await other.__aexit__()
            await person.press("ctrl+r")
            await person.sees("No model server was found")
            assert names(person) == ["demo", "writer"] and person.rows.key == "writer"


# ---- an endpoint with a key ---------------------------------------------------------------------------------------


class Keyed(FaultServer):
    """A server that requires the key for its list of models and for calls."""

    async def _serve(self, seen: RecordedRequest, writer: asyncio.StreamWriter) -> None:
        if seen.headers.get("authorization") == f"Bearer {KEY}":
            await super()._serve(seen, writer)
        else:
            await send_response(writer, 401, json.dumps({"error": {"message": "Incorrect API key"}}).encode())


def refuse(*_: str) -> None:
    raise NoKeyringError


async def test_a_wrong_key_is_reported_and_the_list_completes_the_model_id(
    author: Author, place: Place, drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [{"id": name} for name in ("large-2", "small-1", "small-2")]
    async with Keyed(author, models=models) as server:
        here(monkeypatch, server)
        async with someone(size=(80, 24)) as person:
            await settings(person)
            await person.sees("Ollama (needs a key)")
            await person.press("end", "enter")
            await person.at(ModelForm)
            assert person.widget(Input, "#base_url").value == server.base_url
            assert person.widget(Input, "#key").has_focus
            await person.fill("#key", "tok-wrong")
            await person.fill("#model", "smal")
            await person.sees("does not accept the key. Enter the right one in Key.")
            await person.press("f5")
            await person.sees("F5 again saves the model as it is.")
            assert person.widget(Input, "#key").value == "tok-wrong" and load_settings().models == {}
            await person.fill("#key", KEY)
            await person.fill("#sampling", "balanced")
            await person.press("f5")
            await person.sees("has no model named 'smal'. Choose one below", "small-1", "small-2")
            assert "large-2" not in person.screen_text
            assert load_settings().models == {} and drawer.keys == {}
            await person.press("down", "down", "enter")
            assert person.widget(Input, "#model").value == "small-2"
            with monkeypatch.context() as locked:
                locked.setattr(Drawer, "set_password", refuse)
                await person.press("enter")
                await person.sees("This machine has no system keyring.")
                assert load_settings().models == {} and person.widget(Input, "#key").value == KEY
            await person.press("enter")
            await person.at(SettingsScreen)
            await person.until(lambda: person.app.default_model == "small-2")
            await person.sees("first token after")
        assert server.calls[-1].json["model"] == "small-2"
        assert (server.calls[-1].json["temperature"], server.calls[-1].json["top_p"]) == (0.7, 0.95)
        assert drawer.keys == {(KEYRING_SERVICE, f"small-2 at http://127.0.0.1:{server.port}"): KEY}
        assert load_settings().models["small-2"].sampling == "balanced"
    for file in place.home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


async def test_a_service_is_chosen_by_name_with_its_key_from_the_environment(
    author: Author, monkeypatch: pytest.MonkeyPatch, drawer: Drawer
) -> None:
    async with Keyed(author, models=[{"id": "only"}]) as server, FaultServer(models=None) as other:
        cloud = Service("Cloud", server.base_url, "CLOUD_API_KEY")
        for module in ("lwtui.models.services", "lwtui.app.screens.endpoint_form"):
            monkeypatch.setattr(f"{module}.SERVICES", (Service("Else", other.base_url, "ELSE_API_KEY"), cloud))
        monkeypatch.setenv("CLOUD_API_KEY", KEY)
        async with someone(size=(80, 24)) as person:
            await settings(person)
            await person.press("a")
            await person.at(ModelForm)
            await person.sees("Cloud", "not needed: taken from CLOUD_API_KEY", "only")
            monkeypatch.setenv("LWTUI_API_KEY", KEY)
            await person.fill("#key", "another")
            await person.press("f5")
            await person.sees("The key in LWTUI_API_KEY overrides the key entered here")
            monkeypatch.delenv("LWTUI_API_KEY")
            await person.fill("#key", "")
            await person.press("f5")  # it has only one model
            await person.at(SettingsScreen)
            await person.until(lambda: person.app.default_model == "only")
            assert (load_settings().models["only"].key_env, drawer.keys) == ("CLOUD_API_KEY", {})
            # The variable is used for its own service only.
            await person.press("enter")
            await person.at(ModelForm)
            await person.fill("#service", other.base_url)
            assert person.widget(Input, "#base_url").value == other.base_url
            await person.sees("stored in the system keyring")
            await person.press("f5")
            await person.at(SettingsScreen)
            await person.until(lambda: other.calls)
            assert load_settings().models["only"].key_env == ""
            assert not any("authorization" in seen.headers for seen in other.requests)


def test_a_context_length_may_be_in_thousands() -> None:
    field = GGUF_FIELDS[0]
    assert [parse_field(field, given) for given in ("32768", "32,768", "32k", "")] == [32_768, 32_768, 32_000, 0]
    with pytest.raises(LwtuiError, check=has_code("not-a-number")):
        parse_field(field, "k")
