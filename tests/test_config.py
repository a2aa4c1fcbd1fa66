"""Settings and API keys."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import keyring
import platformdirs
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import PasswordDeleteError

from lwtui import config
from lwtui.config import (
    ModelSettings,
    Settings,
    add_model,
    api_key,
    load_settings,
    public_address,
    remove_model,
    set_value,
)
from lwtui.errors import ConfigError
from tests.documents.support import reachable_folder, run
from tests.errors import has_code

COMMENTED = """\
# How I like it.
model = "gpt"  # the large one

[models.gpt]
# OpenAI's
model = "gpt-5"
temperature = 0.7

[models."qwen3.5"]
base_url = "http://localhost:8080/v1"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lwtui" / "settings.toml"


def write_settings(file: Path, content: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return file


# -- reading


def test_without_a_file_the_settings_are_the_defaults(file: Path) -> None:
    assert load_settings(file) == Settings()
    assert Settings().model == "demo"


def test_settings_are_read_from_the_file(file: Path) -> None:
    settings = load_settings(write_settings(file, COMMENTED))
    assert settings.model == "gpt"
    assert settings.models["gpt"] == ModelSettings("gpt", model="gpt-5", temperature=0.7)
    assert settings.models["qwen3.5"].base_url == "http://localhost:8080/v1"


@pytest.mark.posix
def test_folders_can_be_overridden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config.settings_file() == tmp_path / "config" / "settings.toml"
    assert config.cache_folder() == tmp_path / "cache"
    assert Settings(documents="~/texts").documents_folder == tmp_path / "texts"
    set_value("theme", "nord")
    assert load_settings().theme == "nord"


@pytest.mark.parametrize(
    ("content", "code", "named"),
    [
        ("model = ", "not-toml", "settings.toml"),
        ("model = 'a'\nmodel = 'b'", "not-toml", "settings.toml"),
        ("[models.x\nmodel = 1", "not-toml", "line 1"),
        ("model = 3", "wrong-type", "'model'"),
        ("theme = true", "wrong-type", "'theme'"),
        ("modle = 'x'", "unknown-setting", "'modle'"),
        ("models = 3", "wrong-type", "'models'"),
        ("[models]\nx = 'gpt'", "wrong-type", "[models.x]"),
        ("[models.x]\nurl = 'http://x'", "unknown-setting", "'url'"),
        ("[models.x]\nname = 'y'", "unknown-setting", "'name'"),
        ("[models.x]\ntemperature = 'hot'", "wrong-type", "'temperature'"),
        ("[models.x]\ncontext_length = 1.5", "wrong-type", "'context_length'"),
        ("[models.x]\ncontext_length = true", "wrong-type", "'context_length'"),
        ("[models.x]\nkv_type = 'q4_0'", "invalid-choice", "'kv_type'"),
        ("[models.x]\nflash_attention = 'yes'", "invalid-choice", "'flash_attention'"),
        ("[models.x]\nkv_type = 'q8_0'\nflash_attention = 'off'", "q8-needs-flash-attention", "[models.x]"),
        ("[models.x]\ngpu_layers = 'all'", "wrong-type", "'gpu_layers'"),
        ("[models.x]\nthreads = -1", "out-of-range", "'threads'"),
        ("[models.x]\nstall_seconds = -1", "out-of-range", "'stall_seconds'"),
        ("[models.x]\nstall_seconds = nan", "out-of-range", "'stall_seconds'"),
        ("[models.x]\nstall_seconds = inf", "out-of-range", "'stall_seconds'"),
        ("[models.x]\nprovider = 'magic'", "invalid-choice", "provider"),
        ("[models.x]\nprovider = 'llama_cpp'", "incomplete", "path"),
    ],
)
def test_an_invalid_file_is_reported_in_one_line(file: Path, content: str, code: str, named: str) -> None:
    with pytest.raises(ConfigError, check=has_code(code)) as caught:
        load_settings(write_settings(file, content))
    assert str(file) in str(caught.value)
    assert named in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.posix
def test_an_unreadable_file_is_reported(tmp_path: Path, file: Path) -> None:
    write_settings(file, "").write_bytes(b"model = '\xff'")
    with pytest.raises(ConfigError, check=has_code("not-utf8")):
        load_settings(file)
    with pytest.raises(ConfigError, check=has_code("unreadable")):
        load_settings(tmp_path)
    with pytest.raises(ConfigError, check=has_code("unreadable")):
        load_settings(file / "below a file")


# -- changing


def test_changing_a_setting_keeps_the_comments(file: Path) -> None:
    write_settings(file, COMMENTED)
    set_value("model", "qwen3.5", file)
    set_value("models.gpt.temperature", "1", file)
    set_value("models.qwen3.5.context_length", "8192", file)
    expected = COMMENTED.replace('model = "gpt"  #', 'model = "qwen3.5"  #').replace("0.7", "1.0")
    assert file.read_text() == f"{expected}context_length = 8192\n"
    settings = load_settings(file)
    assert settings.models["gpt"].temperature == 1.0
    assert settings.models["qwen3.5"].context_length == 8192


def test_an_empty_value_removes_a_setting(file: Path) -> None:
    write_settings(file, COMMENTED)
    set_value("models.gpt.temperature", "", file)
    set_value("documents", "", file)
    assert file.read_text() == COMMENTED.replace("temperature = 0.7\n", "")


def test_the_first_setting_creates_the_file(file: Path) -> None:
    set_value("models.my model.base_url", 'http://x/"quoted"\\', file)
    assert load_settings(file).models["my model"].base_url == 'http://x/"quoted"\\'


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("modle", "x", "unknown-setting"),
        ("theme.color", "x", "unknown-setting"),
        ("model.gpt.model", "x", "unknown-setting"),
        ("models", "x", "unknown-setting"),
        ("models.gpt", "x", "no-field"),
        ("models.gpt.color", "x", "unknown-setting"),
        ("models.gpt.name", "x", "unknown-setting"),
        ("models.gpt.temperature", "hot", "wrong-type"),
        ("models.gpt.context_length", "1.5", "wrong-type"),
        ("models.gpt.context_length", "-5", "out-of-range"),
        ("models.gpt.context_length", "nank", "wrong-type"),
        ("models.gpt.provider", "magic", "invalid-choice"),
        ("models.new.provider", "llama_cpp", "incomplete"),
    ],
)
def test_an_invalid_value_is_not_written(file: Path, key: str, value: str, code: str) -> None:
    write_settings(file, COMMENTED)
    with pytest.raises(ConfigError, check=has_code(code)):
        set_value(key, value, file)
    assert file.read_text() == COMMENTED


def test_a_broken_file_is_never_rewritten(file: Path) -> None:
    write_settings(file, "model = ")
    for change in (
        lambda: set_value("theme", "nord", file),
        lambda: add_model(ModelSettings("x"), file),
        lambda: remove_model("x", file),
    ):
        with pytest.raises(ConfigError, check=has_code("not-toml")):
            change()
    assert file.read_text() == "model = "


def test_models_can_be_added_and_removed(file: Path) -> None:
    write_settings(file, COMMENTED)
    local = ModelSettings("local one", "llama_cpp", path="/models/x.gguf", temperature=0.5)
    add_model(local, file)
    assert load_settings(file).models["local one"] == local
    add_model(ModelSettings("gpt", model="gpt-6"), file)
    assert load_settings(file).models["gpt"] == ModelSettings("gpt", model="gpt-6")
    remove_model("gpt", file)
    remove_model("local one", file)
    assert list(load_settings(file).models) == ["qwen3.5"]
    assert file.read_text().splitlines()[0] == COMMENTED.splitlines()[0]
    with pytest.raises(ConfigError, check=has_code("unknown-model")):
        remove_model("gpt", file)


@pytest.mark.posix
def test_an_unwritable_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "settings.toml").mkdir()
    for path in (tmp_path / "file" / "settings.toml", tmp_path / "settings.toml"):
        with pytest.raises(ConfigError, check=has_code("unreadable")):
            set_value("theme", "nord", path)


CHANGER = """
import sys
from pathlib import Path
from lwtui.config import set_value
from lwtui.errors import ConfigError
try:
    set_value("theme", "nord", Path(sys.argv[1]))
except ConfigError as error:
    print(error)
"""


@pytest.mark.posix
def test_an_unwritable_folder_is_reported() -> None:
    with reachable_folder() as folder:
        file = write_settings(folder / "settings.toml", COMMENTED)
        folder.chmod(0o555)
        message = run(CHANGER, file, as_nobody=True)
        assert message.startswith(f"Cannot write {file}: Permission denied.")
        assert file.read_text() == COMMENTED


# -- keys


class MemoryKeyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not found")
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    for variable in ("LWTUI_API_KEY", "OPENAI_API_KEY", "MY_KEY"):
        monkeypatch.delenv(variable, raising=False)
    before, ring = keyring.get_keyring(), MemoryKeyring()
    monkeypatch.setattr("keyring.core._keyring_backend", before)
    keyring.set_keyring(ring)
    return ring


def test_a_key_comes_from_its_own_variable_the_common_one_or_the_keyring(
    ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ModelSettings("gpt", key_env="MY_KEY", base_url="http://localhost:1/v1")
    assert api_key(model) == ""
    config.store_api_key(model, "from the ring")
    assert api_key(model) == "from the ring"
    assert api_key(ModelSettings("other", base_url="http://localhost:1/v1")) == ""
    # The key belongs to that server: no other server and no other scheme gets it.
    assert api_key(replace(model, base_url="HTTP://localhost:1/v2")) == "from the ring"
    for elsewhere in ("http://localhost:2/v1", "https://localhost:1/v1", "http://evil.example/localhost:1/v1"):
        assert api_key(replace(model, base_url=elsewhere)) == ""
    monkeypatch.setenv("LWTUI_API_KEY", " common\n")
    assert api_key(model) == "common"
    monkeypatch.setenv("MY_KEY", "own")
    assert api_key(model) == "own"
    monkeypatch.setenv("MY_KEY", " ")
    assert api_key(model) == "common"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://api.openai.com/v1", True),
        ("https://api.openai.com.evil.example/v1", False),
        ("https://evil.example/https://api.openai.com/v1", False),
        ("http://api.openai.com/v1", False),
        ("http://localhost:8000/v1", False),
    ],
)
def test_the_openai_key_is_sent_only_to_openai(
    ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, address: str, shown: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert api_key(ModelSettings("gpt", base_url=address)) == ("secret" if shown else "")


def test_a_stored_key_is_only_in_the_keyring_and_can_be_removed(ring: MemoryKeyring, file: Path) -> None:
    model = ModelSettings("gpt", base_url="https://a.example/v1")
    add_model(model, file)
    config.store_api_key(model, "secret")
    assert ring.kept == {("lwtui", "gpt at https://a.example"): "secret"}
    assert "secret" not in file.read_text()
    config.store_api_key(model, "")
    config.store_api_key(model, "")  # there is no key left to remove
    assert ring.kept == {}


def test_without_a_keyring_there_is_no_key_and_the_environment_is_suggested(ring: MemoryKeyring) -> None:
    keyring.set_keyring(NoKeyring())
    assert api_key(ModelSettings("gpt")) == ""
    with pytest.raises(ConfigError, check=has_code("no-keyring")) as caught:
        config.store_api_key(ModelSettings("gpt"), "secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("http://me:p%40ss@host:80/v1?key=abc#abc", "http://host:80/v1"),
        ("https://token@host", "https://host"),
        ("https://a:b@c@host/v1", "https://host/v1"),
        ("me:abc@host/v1", "host/v1"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_secrets(address: str, shown: str) -> None:
    assert public_address(address) == shown


def test_an_address_with_a_secret_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    for address in ("http://me:hunter22@host/v1", "http://host/v1?key=hunter22"):
        for write in (
            lambda address=address: add_model(ModelSettings("gpt", base_url=address), file),
            lambda address=address: set_value("models.gpt.base_url", address, file),
        ):
            with pytest.raises(ConfigError, check=has_code("secret-in-address")) as caught:
                write()
            assert "hunter22" not in str(caught.value)
    assert not file.exists()


def test_setting_a_key_replaces_one_in_a_nested_table(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('[keys.writing]\nsave = "f2"\n', encoding="utf-8")
    set_value("keys.writing.save", "f3", path)
    assert load_settings(path).keys == {"writing.save": "f3"}
    set_value("keys.writing.save", "", path)
    assert load_settings(path).keys == {}


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
@pytest.mark.parametrize(
    "variables",
    [{}, {"XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": "/c", "XDG_STATE_HOME": "s"}, {"XDG_CONFIG_HOME": "/x y"}],
)
def test_folders_are_those_of_platformdirs(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for kind in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.delenv(f"LWTUI_{kind}_DIR", raising=False)
        monkeypatch.delenv(f"XDG_{kind}_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert config.config_folder() == platformdirs.user_config_path("lwtui", appauthor=False)
    assert config.cache_folder() == platformdirs.user_cache_path("lwtui", appauthor=False)
    assert config.state_folder() == platformdirs.user_state_path("lwtui", appauthor=False)
