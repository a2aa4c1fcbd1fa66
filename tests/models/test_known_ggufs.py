"""What can be asked for, and where it comes from and goes to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.config import cache_folder
from lwtui.errors import UsageError
from lwtui.models.known_ggufs import known_ggufs, parts_of, pin, pinned, source_of
from lwtui.models.profiles import PROFILES, profile_for

HASH = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    return tmp_path


def test_everything_in_the_catalogue_can_be_asked_for() -> None:
    assert len({known.name for known in known_ggufs()}) == len({known.file for known in known_ggufs()}) >= 4
    for known in known_ggufs():
        source = source_of(known.name)
        assert source.url == f"https://huggingface.co/{known.repository}/resolve/{known.revision}/{known.file}"
        assert (source.sha256, source.profile) == (known.sha256, known.profile)
        assert known.profile in PROFILES and profile_for(source.settings()).name == known.profile
        assert known.quantization in known.file and source.hub == "https://huggingface.co"
        assert ":" not in source.name
    assert source_of("longwriter-glm4-9b:q4_k_m").url == source_of("LongWriter-GLM4-9b").url
    assert source_of("longwriter-glm4-9b:Q8_0").name == "longwriter-glm4-9b-q8_0"


def test_a_file_on_the_hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of("hf:acme/writer/sub/a-Q4.gguf")
    assert source.url == "https://huggingface.co/acme/writer/resolve/main/sub/a-Q4.gguf"
    assert source.path == cache / "models" / "acme--writer" / "sub" / "a-Q4.gguf"
    assert (source.name, source.sha256) == ("a-Q4", "")
    at = source_of("hf:acme/writer/a-Q4.gguf@refs/pr/7")
    assert at.url == "https://huggingface.co/acme/writer/resolve/refs%2Fpr%2F7/a-Q4.gguf"
    assert at.path == cache / "models" / "acme--writer" / "refs" / "pr" / "7" / "a-Q4.gguf"
    # A page of the hub is the same file, and so is the link for downloading it.
    for page in ("blob/v2/a-Q4.gguf", "resolve/v2/a-Q4.gguf?download=true"):
        assert source_of(f"https://huggingface.co/acme/writer/{page}").url == (
            "https://huggingface.co/acme/writer/resolve/v2/a-Q4.gguf"
        )
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org/")
    assert source_of("hf:acme/writer/a-Q4.gguf").hub == "https://hub.example.org"


def test_what_was_downloaded_once_is_wanted_again(cache: Path) -> None:
    path = source_of("hf:acme/writer/a.gguf").path
    path.parent.mkdir(parents=True)
    pin(path, HASH, "f" * 40)
    again = source_of("hf:acme/writer/a.gguf")
    assert (again.sha256, "f" * 40 in again.url) == (HASH, True)
    assert source_of("hf:acme/writer/a.gguf", "A" * 64).sha256 == "a" * 64
    for broken in ("", "[]", "{}", '{"sha256": "x", "revision": ""}', '{"sha256": 1}'):
        (path.parent / ".a.gguf.pin.json").write_text(broken)
        assert pinned(path) == {}


def test_a_model_in_several_files(cache: Path) -> None:
    source = source_of("hf:acme/writer/q4/big-00001-of-00003.gguf")
    parts = parts_of(source)
    assert [part.path.name for part in parts] == [f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    assert [part.url.rsplit("/", 1)[-1] for part in parts] == [part.path.name for part in parts]
    assert (source.name, parts[0]) == ("big", source)
    assert parts_of(one := source_of("hf:acme/writer/small.gguf")) == [one]


def test_an_address(cache: Path) -> None:
    source = source_of("https://example.org/models/a.gguf?key=1", f"sha256:{HASH}")
    assert (source.hub, source.sha256, source.name) == ("", HASH, "a")
    assert source.path == cache / "models" / "downloads" / HASH[:16] / "a.gguf"


@pytest.mark.parametrize(
    ("asked", "sha256", "words"),
    [
        ("longwriter-70b", "", "nothing called 'longwriter-70b'"),
        ("", "", "longwriter-llama3.1-8b"),
        ("hf:acme/writer", "", "names no GGUF on the hub"),
        ("hf:acme/../../etc/passwd.gguf", "", "names no GGUF on the hub"),
        ("hf:acme/writer/model.gguf@../../main", "", "names no GGUF on the hub"),
        ("hf:acme/writer/.hidden.gguf", "", "names no GGUF on the hub"),
        ("hf:acme/writer/model.bin", "", "names no GGUF on the hub"),
        ("https://example.org/model.gguf", "", "needs --sha256"),
        ("https://example.org/model.gguf", "abc", "64 hexadecimal digits"),
        ("https://example.org/", HASH, "not the name of a GGUF"),
        ("https://example.org/%2e%2e", HASH, "not the name of a GGUF"),
        ("https://", HASH, "no address of a file"),
        ("https://[", HASH, "no address of a file"),
        ("https://example.org:99999999/a.gguf", HASH, "no address of a file"),
        ("http://example.org/model.gguf", HASH, "https://"),
        ("https://me:secret@example.org/model.gguf", HASH, "password"),
        ("longwriter-glm4-9b", HASH, "another SHA-256"),
        ("hf:acme/writer/big-00002-of-00003.gguf", "", "ask for the first one, …-00001-of-00003.gguf"),
        ("hf:acme/writer/big-00001-of-99999.gguf", "", "ask for the first one"),
        ("https://example.org/big-00001-of-00003.gguf", HASH, "from the hub alone"),
    ],
)
def test_what_cannot_be_asked_for(asked: str, sha256: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        source_of(asked, sha256)
    assert words in str(caught.value) and "\n" not in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["huggingface", "ftp://huggingface.co", "https://", "https://[::1"])
def test_a_hub_that_is_no_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(UsageError, match="HF_ENDPOINT is no address"):
        source_of("hf:acme/writer/a.gguf")


@given(st.one_of(st.text(), st.text("./@:hf-gu%e2\\~ ").map(lambda text: f"hf:{text}.gguf")))
def test_whatever_is_asked_for_stays_in_the_folder_of_models(asked: str) -> None:
    try:
        source = source_of(asked, HASH)
    except UsageError:
        return
    folder = (cache_folder() / "models").resolve()
    assert source.path.resolve().is_relative_to(folder) and source.path.suffix == ".gguf"
