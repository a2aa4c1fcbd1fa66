from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from lwtui.config import set_value
from lwtui.models.services import SERVICES
from tests.app.place import Place
from tests.support.author import Author
from tests.support.fault_server import FaultServer


class Drawer(KeyringBackend):
    """A keyring in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[tuple[str, str], str] = {}

    @property
    def priority(self) -> float:
        return 1.0

    def get_password(self, service: str, username: str) -> str | None:
        return self.keys.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.keys[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.keys.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture(autouse=True)
def drawer() -> Iterator[Drawer]:
    """The keyring of the test."""
    before = keyring.get_keyring()
    drawer = Drawer()
    keyring.set_keyring(drawer)
    yield drawer
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The home folder of the test."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("LWTUI_API_KEY", *(service.key_env for service in SERVICES if service.key_env)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("lwtui.models.servers.PORTS", {})  # tests must not find real servers
    set_value("documents", str(tmp_path / "documents"))
    set_value("welcome", "false")
    return Place(tmp_path)


@pytest.fixture
def author() -> Author:
    """The scripted model. A test may change its answers and its speed."""
    return Author(delay=0.0)


@pytest.fixture
async def server(author: Author, place: Place) -> AsyncIterator[FaultServer]:
    """The endpoint of the scripted model, ``writer`` in the settings."""
    async with FaultServer(author) as server:
        place.serve(server)
        yield server
