"""The first start: what can write on this machine, and a download that goes on while the brief is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from textual.widgets import Select

from lwtui.app import model_offers
from lwtui.app.model_offers import OfferKind
from lwtui.app.screens.choose_model import ChooseModelScreen
from lwtui.app.screens.endpoint_form import EndpointForm
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.new_document import NewDocumentScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.settings import SettingsScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import ModelSettings, load_settings, set_value
from lwtui.documents.store import Document
from lwtui.models import known_ggufs as known_ggufs_module
from lwtui.models.known_ggufs import KnownGguf, known_ggufs
from lwtui.models.llama_cpp.demo import demo_path
from lwtui.models.llama_cpp.fit import Machine, format_size
from lwtui.models.servers import LocalServer
from tests.app.person import Person, someone
from tests.app.place import INSTRUCTION, Place
from tests.app.test_settings import here
from tests.support.author import Author
from tests.support.fault_server import Fault, FaultServer
from tests.support.hub import Hub, HubFault
from tests.support.ollama import Ollama

CONTENT = b"GGUF" + bytes(range(256)) * 8192
SLOW = HubFault(delay=0.3)
PLENTY = 64 * 10**9  # bytes


@pytest.fixture(autouse=True)
def first_start(place: Place) -> None:
    """Nothing is configured but the folder."""
    set_value("welcome", "")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub whose starter has two megabytes. A test may set its faults before the download."""
    with Hub(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        small(monkeypatch, hub.sha256)
        yield hub


def small(monkeypatch: pytest.MonkeyPatch, sha256: str) -> None:
    entries = tuple(
        replace(known, sha256=sha256, size=len(CONTENT), parts=None) if known.name == "starter" else known
        for known in known_ggufs()
    )
    for module in (known_ggufs_module, model_offers):
        monkeypatch.setattr(module, "known_ggufs", lambda: entries)


def begin(hub: Hub, *faults: HubFault | None) -> None:
    hub._remaining_faults = iter(faults)


def names(person: Person) -> list[str]:
    return [row.cells[0] for row in person.rows._rows]


async def welcome(person: Person) -> None:
    await person.at(ChooseModelScreen)
    await person.until(lambda: "looking for" not in person.screen_text)


# -- what is offered


def offered(*servers: LocalServer, configured: Sequence[ModelSettings] = (), memory: int = PLENTY) -> list[str]:
    return [offer.name for offer in model_offers.model_offers(servers, configured, (), Machine(memory, 2))]


def test_the_best_offer_is_first(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered() == ["starter", "starter-small", "demo", "another"]
    assert offered(memory=10**9)[:2] == ["starter-small", "starter"]
    monkeypatch.setenv("MISTRAL_API_KEY", "secret")
    monkeypatch.setenv("LWTUI_API_KEY", "secret")
    ollama = LocalServer("Ollama", "http://127.0.0.1:11434/v1", tuple(f"m{number}" for number in range(6)))
    jan = LocalServer("Jan", "http://127.0.0.1:1337/v1", needs_key=True)
    services = ["Mistral", "your service"]
    assert offered(jan, ollama)[:7] == ["m0", "m1", "m2", "m3", *services, "starter"]
    assert offered(jan, ollama)[-2:] == ["Jan", "another"]
    mine = ModelSettings("mine", provider="llama_cpp", path=str(known_ggufs()[0].path))
    assert offered(configured=[mine])[:4] == ["mine", *services, "starter-small"]


def test_offers_name_keys_but_do_not_show_them(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "secret-4711")
    monkeypatch.setenv("LWTUI_API_KEY", "secret-4711")
    offers = model_offers.model_offers([], [], [], Machine(PLENTY, 2))
    assert "MISTRAL_API_KEY" in offers[0].short and "LWTUI_API_KEY" in offers[1].short
    assert "secret-4711" not in repr(offers)


def test_without_llama_cpp_the_package_to_install_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_offers, "local_engine", lambda: None)
    offers = model_offers.model_offers([], [], [], Machine(PLENTY, 2))
    assert [offer.kind for offer in offers] == [OfferKind.INSTALL, OfferKind.OTHER]
    assert 'pip install "lwtui[local,demo]"' in offers[0].about


# -- the first start


async def test_a_newcomer_sees_what_there_is_and_enter_takes_a_running_server(
    author: Author, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "secret-4711")
    async with Ollama(author) as server:
        here(monkeypatch, server)
        async with someone(size=(80, 24)) as person:
            await person.at(ChooseModelScreen)
            await person.press("enter")  # before the search is over: it takes what the search finds
            await person.at(LibraryScreen)
            await person.until(lambda: person.app.models.default == "qwen3-8b")
            settings = load_settings()
            assert (settings.model, list(settings.models)) == ("qwen3-8b", ["qwen3-8b"])
        assert len(server.calls) >= 1
        async with someone(size=(80, 24)) as person:  # the choice is not offered again
            await person.at(LibraryScreen)
            await person.press("m")  # unless the user asks for it
            await welcome(person)
            assert names(person)[:3] == ["qwen3-8b", "Mistral", "starter"]
            await person.sees("in your settings", "MISTRAL_API_KEY holds your key", "1.1 GB, about 4 min; Apache-2.0")
            assert "secret-4711" not in person.screen_text
            await person.press("down", "down")
            await person.sees("It runs on this machine", "Enter downloads it")


async def test_a_server_that_does_not_answer_is_reported_and_not_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault.http(400, message="model requires more system memory (9 GiB) than is available")
    async with FaultServer(faults=[fault], models=[{"id": "big"}]) as server:
        here(monkeypatch, server)
        async with someone(size=(80, 24)) as person:
            await welcome(person)
            await person.sees("big")
            await person.press("enter")
            await person.sees("big cannot write:", "requires more system memory")
            assert load_settings().models == {} and load_settings().welcome
            await person.press("r")
            await welcome(person)
            assert names(person)[0] == "big"


async def test_escape_ends_a_test_and_keeps_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultServer(faults=[Fault.stall(60.0)], models=[{"id": "slow"}]) as server:
        here(monkeypatch, server)
        async with someone(size=(80, 24)) as person:
            await welcome(person)
            await person.press("enter")
            await person.sees("Testing slow")
            await person.until(lambda: server.calls)
            await person.press("escape")
            await person.at(LibraryScreen)
            await person.until(lambda: load_settings().models == {})
            await person.until(lambda: person.app.models.default == "demo")


async def test_escape_is_remembered_and_the_best_installed_model_writes(place: Place) -> None:
    async with someone(size=(80, 24)) as person:
        await welcome(person)
        assert "Stop download" not in person.screen_text
        await person.press("s", "escape")
        await person.at(LibraryScreen)
        await person.is_told("m shows this choice again.")
    assert not load_settings().welcome
    assert "model" not in place.settings_text
    mine = place.home / "mine.gguf"
    mine.symlink_to(demo_path())
    with (place.home / "config" / "settings.toml").open("a") as file:
        file.write(f'[models.mine]\nprovider = "llama_cpp"\npath = "{mine}"\n')
    async with someone(size=(80, 24)) as person:
        await person.at(LibraryScreen)
        await person.until(lambda: person.app.models.default == "mine")
        await person.press("n")
        await person.at(NewDocumentScreen)
        assert person.widget(Select, "#model").value == "mine"


async def test_the_demo_is_a_choice(place: Place) -> None:
    async with someone(size=(80, 24)) as person:
        await welcome(person)
        await person.press("down", "down")
        await person.sees("at once; tiny", "for a look around")
        await person.press("enter")
        await person.at(LibraryScreen)
        await person.until(lambda: person.app.models.default == "demo")
    assert 'model = "demo"' in place.settings_text


async def test_a_service_and_the_settings_are_a_key_away(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret-4711")
    async with someone(size=(80, 24)) as person:
        await welcome(person)
        await person.press("enter")
        await person.at(EndpointForm)
        await person.sees("taken from ANTHROPIC_API_KEY")
        await person.press("escape")
        await person.at(ChooseModelScreen)
        await person.press("end", "enter")
        await person.at(SettingsScreen)
        await person.press("asterisk")  # the demo model, chosen there
        await person.press("escape")
        await person.at(LibraryScreen)
    assert load_settings().model == "demo" and 'model = "demo"' in place.settings_text


async def test_a_start_with_a_file_or_a_model_is_not_interrupted(server: FaultServer, place: Place) -> None:
    set_value("model", "")
    given = load_settings().models["writer"]
    (place.home / "config" / "settings.toml").write_text(f'documents = "{place.documents}"\n')
    async with someone(place.make(100, texts={1: "Text."})) as person:
        await person.at(WritingScreen)
    async with someone(model=given, library=True) as person:
        await person.at(LibraryScreen)
    async with someone(library=True) as person:
        await person.at(ChooseModelScreen)


# -- the download in the background


async def test_the_starter_is_downloaded_while_the_user_goes_on(place: Place, hub: Hub) -> None:
    begin(hub, SLOW)
    async with someone(size=(80, 24)) as person:
        await welcome(person)
        assert hub.requests == []  # nothing is downloaded unasked
        await person.press("enter")
        await person.at(LibraryScreen)
        await person.is_told("starter is being downloaded. Meanwhile, n begins a document")
        await person.until(lambda: person.app.models.default == "starter")
        await person.press("n")
        await person.at(NewDocumentScreen)
        assert person.widget(Select, "#model").value == "starter"
        await person.until(lambda: "%" in person.screen_text.splitlines()[0])
        await person.until(lambda: load_settings().model == "starter")
        await person.until(lambda: "↓" not in person.screen_text)
        await person.until(lambda: "Stop download" not in person.screen_text)
    settings = load_settings()
    (file,) = (place.home / "cache").rglob("*.gguf")
    assert settings.model == "starter" and settings.models["starter"].path == str(file)
    assert file.read_bytes() == CONTENT


async def test_a_document_begins_when_the_starter_is_here(
    server: FaultServer, place: Place, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = load_settings().models["writer"]  # answers in the place of the downloaded file
    (place.home / "config" / "settings.toml").write_text(f'documents = "{place.documents}"\n')
    monkeypatch.setattr(KnownGguf, "settings", property(lambda self: replace(endpoint, name=self.name)))
    begin(hub, SLOW)
    async with someone(size=(80, 24)) as person:
        await welcome(person)
        await person.press("enter")
        await person.at(LibraryScreen)
        await person.press("n")
        await person.at(NewDocumentScreen)
        await person.fill("#instruction", INSTRUCTION)
        await person.press("f5")
        await person.at(PlanScreen)
        await person.sees("starter is still being downloaded.")
        assert server.calls == []
        await person.until(lambda: person.document.plan.sections)
        await person.idle()
        assert person.document.brief.model == load_settings().model == "starter"


async def test_another_model_can_begin_at_once(
    server: FaultServer, place: Place, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_value("model", "")
    begin(hub, replace(SLOW, delay=2.0))
    async with someone(size=(80, 24)) as person:
        await person.at(LibraryScreen)  # there is a model in the settings
        await person.press("m")
        await welcome(person)
        await person.until(lambda: names(person)[:2] == ["writer", "starter"])
        await person.press("down", "enter")
        await person.at(LibraryScreen)
        path = place.make(model="starter")
        with Document.open(path) as document:
            document.set_brief(replace(document.brief, words=400))
        person.app.open_document(path)
        await person.at(PlanScreen)
        await person.press("R")
        await person.sees("starter is still being downloaded.")
        await person.press("c")
        await person.sees("Model for this document")
        await person.press("up", "enter")
        await person.until(lambda: person.document.plan.sections)
        await person.idle()
        await person.press("escape")
        await person.at(LibraryScreen)
        await person.press("m")
        await welcome(person)
        await person.sees("is being downloaded", "Stop download")
        await person.press("s")
        await person.is_told("The download of starter was stopped. What has arrived is kept.")
        await person.until(lambda: "↓" not in person.screen_text)
    assert list(load_settings().models) == ["writer"]
    assert list((place.home / "cache").rglob("*.part"))


async def test_a_failed_download_is_one_line_and_the_demo_writes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hub(CONTENT, hub_status=404) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        small(monkeypatch, hub.sha256)
        async with someone(size=(80, 24)) as person:
            await welcome(person)
            await person.press("enter")
            await person.is_told("demo writes new documents. m in the library tries again.")
            await person.until(lambda: person.app.models.default == "demo")
            assert "\n" not in next(notice for notice in person.notices if "tries again" in notice)
    assert load_settings().models == {} and not load_settings().welcome


async def test_quitting_keeps_what_has_arrived(place: Place, hub: Hub) -> None:
    begin(hub, SLOW)
    async with someone(size=(80, 24)) as person:
        await welcome(person)
        await person.press("enter")
        await person.until(lambda: "%" in person.screen_text.splitlines()[0])
        await person.press("ctrl+q")
        await person.until(lambda: not person.app.is_running)
    (part,) = (place.home / "cache").rglob("*.part")
    assert CONTENT.startswith(part.read_bytes())
    part_size = part.stat().st_size
    assert not list((place.home / "cache").rglob("*.lock"))
    assert load_settings().models == {}
    async with someone(size=(80, 24)) as person:
        await person.at(LibraryScreen)
        await person.is_told("A part of starter is here. m resumes the download.")
        await person.press("m")
        await welcome(person)
        await person.sees(f"of {format_size(len(CONTENT))} left")
        begin(hub)
        await person.press("enter")
        await person.until(lambda: load_settings().model == "starter")
    (file,) = (place.home / "cache").rglob("*.gguf")
    assert file.read_bytes() == CONTENT
    assert hub.file_requests[-1].headers["range"] == f"bytes={part_size}-"
