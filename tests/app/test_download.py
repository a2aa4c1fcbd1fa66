"""Downloading a GGUF in the app: progress, stopping, resuming, errors."""

from __future__ import annotations

import pytest
from textual.widgets import Input, OptionList

from lwtui.app.screens.download import DownloadScreen
from lwtui.app.screens.settings import SettingsScreen
from lwtui.config import load_settings
from lwtui.models.known_ggufs import known_ggufs
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.support.hub import FILE, Hub, HubFault

CONTENT = b"GGUF" + bytes(range(256)) * 8192


async def downloads(person: Person) -> None:
    await person.press("ctrl+o")
    await person.at(SettingsScreen)
    await person.press("n")
    await person.at(DownloadScreen)


async def test_a_download_can_be_stopped_and_resumed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hub(CONTENT, [HubFault(delay=0.15), None]) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        async with someone(size=(80, 24)) as person:
            await downloads(person)
            await person.fill("#source", f"hf:{FILE}")
            await person.fill("#name", "writer")
            await person.press("enter")
            await person.sees("Stop (Esc)", "of 2 MB", "━")
            assert person.widget(Input, "#source").disabled
            await person.press("f5")  # a second press does nothing
            await person.press("escape")
            await person.sees("kept. F5 resumes", "Cancel (Esc)")
            assert load_settings().models == {}
            await person.press("f5")
            await person.at(SettingsScreen)
            await person.sees("writer was downloaded and verified.", "Cannot read the GGUF")  # not a real one
            assert person.rows.key == "writer"
            assert hub.file_requests[-1].headers["range"].startswith("bytes=")
    model = load_settings().models["writer"]
    assert model.path == str(place.home / "cache" / "models" / "acme--writer-GGUF" / "writer-Q4_K_M.gguf")


async def test_known_models_are_listed_and_wrong_sources_are_reported(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hub(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        async with someone(size=(80, 24)) as person:
            await downloads(person)
            name = "longwriter-llama3.1-8b:Q3_K_M"
            person.widget(OptionList).highlighted = [known.name for known in known_ggufs()].index(name)
            await person.until(lambda: person.widget(Input, "#source").value == name)
            await person.sees(name, "Llama 3.1 Community License")
            await person.press("enter")
            await person.sees("The hub has a different LongWriter-llama3.1-8b-Q3_K_M.gguf")
            for what, told in (
                ("", "Choose a model"),
                ("poet", "nothing called 'poet'"),
                ("https://example.org/a.gguf", "needs --sha256"),
                ("hf:acme/[b]/x.gguf", "names no GGUF on the hub"),
            ):
                await person.fill("#source", what)
                await person.press("f5")
                await person.sees(told)
            await person.fill("#source", f"hf:{FILE}")
            await person.fill("#name", "demo")
            await person.press("f5")
            await person.sees("Another model is named demo")
            assert not person.widget(OptionList).disabled
            await person.press("escape")
            await person.at(SettingsScreen)
    assert load_settings().models == {}


async def test_quitting_the_app_keeps_a_partial_download(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hub(CONTENT, [HubFault(delay=0.15)]) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        async with someone() as person:
            await downloads(person)
            await person.fill("#source", f"hf:{FILE}")
            await person.press("f5")
            await person.sees("of 2 MB")
            await person.press("ctrl+q")
            await person.until(lambda: not person.app.is_running)
    (part,) = (place.home / "cache").rglob("*.part")
    assert 0 < part.stat().st_size < len(CONTENT) and CONTENT.startswith(part.read_bytes())
    assert not list((place.home / "cache").rglob("*.lock"))
    assert load_settings().models == {}
