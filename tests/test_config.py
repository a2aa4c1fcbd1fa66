"""Settings and keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keyring
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


def written(file: Path, content: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return file


# -- reading


def test_without_a_file_there_are_the_defaults(file: Path) -> None:
    assert load_settings(file) == Settings()
    assert Settings().model == "demo"


def test_the_settings_are_those_of_the_file(file: Path) -> None:
    settings = load_settings(written(file, COMMENTED))
    assert settings.model == "gpt"
    assert settings.models["gpt"] == ModelSettings("gpt", model="gpt-5", temperature=0.7)
    assert settings.models["qwen3.5"].base_url == "http://localhost:8080/v1"


def test_folders_can_be_put_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config.settings_file() == tmp_path / "config" / "settings.toml"
    assert config.cache_folder() == tmp_path / "cache"
    assert Settings(documents="~/texts").documents_folder == tmp_path / "texts"
    set_value("theme", "nord")
    assert load_settings().theme == "nord"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("model = ", "is not valid TOML"),
        ("model = 'a'\nmodel = 'b'", "is not valid TOML"),
        ("[models.x\nmodel = 1", "line 1"),
        ("model = 3", "'model' must be text in quotes, not 3"),
        ("theme = true", "'theme' must be text"),
        ("modle = 'x'", "'modle' is not a setting. Known: model, documents, theme"),
        ("models = 3", "'models' must be tables"),
        ("[models]\nx = 'gpt'", r"\[models.x\]"),
        ("[models.x]\nurl = 'http://x'", "'url' is not a setting. Known: provider, model, base_url"),
        ("[models.x]\nname = 'y'", "'name' is not a setting"),
        ("[models.x]\ntemperature = 'hot'", "'temperature' must be a number, not 'hot'"),
        ("[models.x]\ncontext_length = 1.5", "'context_length' must be a whole number"),
        ("[models.x]\ncontext_length = true", "'context_length' must be a whole number"),
        ("[models.x]\nkv_type = 'q4_0'", "'kv_type' must be one of f16, q8_0, not 'q4_0'"),
        ("[models.x]\nflash_attention = 'yes'", "'flash_attention' must be one of on, off, auto"),
        ("[models.x]\nkv_type = 'q8_0'\nflash_attention = 'off'", "kv_type q8_0 needs flash_attention"),
        ("[models.x]\ngpu_layers = 'all'", "'gpu_layers' must be a whole number"),
        ("[models.x]\nthreads = -1", "'threads' must not be negative"),
        ("[models.x]\nstall_seconds = -1", "'stall_seconds' must not be negative"),
        ("[models.x]\nprovider = 'magic'", "provider must be one of openai, llama_cpp"),
        ("[models.x]\nprovider = 'llama_cpp'", "needs path"),
    ],
)
def test_a_file_that_means_nothing_is_told_in_one_line(file: Path, content: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        load_settings(written(file, content))
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_cannot_be_read(tmp_path: Path, file: Path) -> None:
    written(file, "").write_bytes(b"model = '\xff'")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_settings(file)
    with pytest.raises(ConfigError, match="Cannot read"):
        load_settings(tmp_path)
    with pytest.raises(ConfigError, match="Cannot read"):
        load_settings(file / "below a file")


# -- changing


def test_a_changed_setting_leaves_the_comments(file: Path) -> None:
    written(file, COMMENTED)
    set_value("model", "qwen3.5", file)
    set_value("models.gpt.temperature", "1", file)
    set_value("models.qwen3.5.context_length", "8192", file)
    expected = COMMENTED.replace('model = "gpt"  #', 'model = "qwen3.5"  #').replace("0.7", "1.0")
    assert file.read_text() == f"{expected}context_length = 8192\n"
    settings = load_settings(file)
    assert settings.models["gpt"].temperature == 1.0
    assert settings.models["qwen3.5"].context_length == 8192


def test_an_empty_value_takes_a_setting_out(file: Path) -> None:
    written(file, COMMENTED)
    set_value("models.gpt.temperature", "", file)
    set_value("documents", "", file)
    assert file.read_text() == COMMENTED.replace("temperature = 0.7\n", "")


def test_the_first_setting_makes_the_file(file: Path) -> None:
    set_value("models.my model.base_url", 'http://x/"quoted"\\', file)
    assert load_settings(file).models["my model"].base_url == 'http://x/"quoted"\\'


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("modle", "x", "'modle' is not a setting"),
        ("theme.colour", "x", "'theme.colour' is not a setting"),
        ("model.gpt.model", "x", "'model.gpt.model' is not a setting"),
        ("models", "x", "'models' is not a setting"),
        ("models.gpt", "x", "names no field"),
        ("models.gpt.colour", "x", "'colour' is not a setting"),
        ("models.gpt.name", "x", "'name' is not a setting"),
        ("models.gpt.temperature", "hot", "must be a number"),
        ("models.gpt.context_length", "1.5", "must be a whole number"),
        ("models.gpt.context_length", "-5", "must not be negative"),
        ("models.gpt.context_length", "nank", "must be a whole number"),
        ("models.gpt.provider", "magic", "provider must be one of"),
        ("models.new.provider", "llama_cpp", "needs path"),
    ],
)
def test_a_value_that_means_nothing_is_not_written(file: Path, key: str, value: str, said: str) -> None:
    written(file, COMMENTED)
    with pytest.raises(ConfigError, match=said):
        set_value(key, value, file)
    assert file.read_text() == COMMENTED


def test_a_broken_file_is_never_rewritten(file: Path) -> None:
    written(file, "model = ")
    for change in (
        lambda: set_value("theme", "nord", file),
        lambda: add_model(ModelSettings("x"), file),
        lambda: remove_model("x", file),
    ):
        with pytest.raises(ConfigError, match="is not valid TOML"):
            change()
    assert file.read_text() == "model = "


def test_models_come_and_go(file: Path) -> None:
    written(file, COMMENTED)
    local = ModelSettings("local one", "llama_cpp", path="/models/x.gguf", temperature=0.5)
    add_model(local, file)
    assert load_settings(file).models["local one"] == local
    add_model(ModelSettings("gpt", model="gpt-6"), file)
    assert load_settings(file).models["gpt"] == ModelSettings("gpt", model="gpt-6")
    remove_model("gpt", file)
    remove_model("local one", file)
    assert list(load_settings(file).models) == ["qwen3.5"]
    assert file.read_text().startswith("# How I like it.\n")
    with pytest.raises(ConfigError, match="no model named 'gpt'"):
        remove_model("gpt", file)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="Cannot"):
        set_value("theme", "nord", tmp_path / "file" / "settings.toml")
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(ConfigError, match="Cannot"):
        set_value("theme", "nord", tmp_path / "settings.toml")


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


def test_a_folder_that_may_not_be_written() -> None:
    with reachable_folder() as folder:
        file = written(folder / "settings.toml", COMMENTED)
        folder.chmod(0o555)
        said = run(CHANGER, file, as_nobody=True)
        assert said.startswith(f"Cannot write {file}: Permission denied.")
        assert file.read_text() == COMMENTED


# -- keys


class Ring(KeyringBackend):
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
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    for variable in ("LWTUI_API_KEY", "OPENAI_API_KEY", "MY_KEY"):
        monkeypatch.delenv(variable, raising=False)
    before, ring = keyring.get_keyring(), Ring()
    monkeypatch.setattr("keyring.core._keyring_backend", before)
    keyring.set_keyring(ring)
    return ring


def test_a_key_is_looked_for_in_its_own_variable_then_the_common_one_then_the_keyring(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ModelSettings("gpt", key_env="MY_KEY", base_url="http://localhost:1/v1")
    assert api_key(model) == ""
    config.store_api_key(model, "from the ring")
    assert api_key(model) == "from the ring"
    assert api_key(ModelSettings("other", base_url="http://localhost:1/v1")) == ""
    # It was given for that server: it goes to no other, and not over another scheme.
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
def test_the_key_for_openai_is_shown_to_openai_alone(
    ring: Ring, monkeypatch: pytest.MonkeyPatch, address: str, shown: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert api_key(ModelSettings("gpt", base_url=address)) == ("secret" if shown else "")


def test_a_stored_key_is_in_the_keyring_alone_and_can_be_taken_out(ring: Ring, file: Path) -> None:
    model = ModelSettings("gpt", base_url="https://a.example/v1")
    add_model(model, file)
    config.store_api_key(model, "secret")
    assert ring.kept == {("lwtui", "gpt at https://a.example"): "secret"}
    assert "secret" not in file.read_text()
    config.store_api_key(model, "")
    config.store_api_key(model, "")  # there is none any more
    assert ring.kept == {}


def test_a_machine_without_a_keyring_has_no_key_and_says_where_to_put_one(ring: Ring) -> None:
    keyring.set_keyring(NoKeyring())
    assert api_key(ModelSettings("gpt")) == ""
    with pytest.raises(ConfigError, match="LWTUI_API_KEY") as caught:
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
def test_an_address_is_shown_without_what_may_be_secret(address: str, shown: str) -> None:
    assert public_address(address) == shown


def test_an_address_with_a_secret_is_not_written_into_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    for address in ("http://me:hunter22@host/v1", "http://host/v1?key=hunter22"):
        for write in (
            lambda address=address: add_model(ModelSettings("gpt", base_url=address), file),
            lambda address=address: set_value("models.gpt.base_url", address, file),
        ):
            with pytest.raises(ConfigError, match="holds a password or a key") as caught:
                write()
            assert "hunter22" not in str(caught.value)
    assert not file.exists()


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_number_is_finite(tmp_path: Path, value: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"[models.x]\nstall_seconds = {value}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="finite"):
        load_settings(path)


def test_setting_a_key_takes_the_place_of_one_in_a_nested_table(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('[keys.writing]\nsave = "f2"\n', encoding="utf-8")
    set_value("keys.writing.save", "f3", path)
    assert load_settings(path).keys == {"writing.save": "f3"}
    set_value("keys.writing.save", "", path)
    assert load_settings(path).keys == {}
