"""Which GGUFs can be downloaded, where they come from and where they go."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.config import cache_folder
from lwtui.errors import UsageError
from lwtui.models.known_ggufs import _abouts, known_ggufs, read_pin, resolve_source, source_files, write_pin
from lwtui.models.profiles import PROFILES, profile_for
from tests.errors import has_code

HASH = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    return tmp_path


def test_every_file_in_the_catalog_is_found_by_its_name() -> None:
    assert len({known.name for known in known_ggufs()}) == len({known.file for known in known_ggufs()}) >= 4
    for known in known_ggufs():
        source = resolve_source(known.name)
        assert source.url == f"https://huggingface.co/{known.repository}/resolve/{known.revision}/{known.file}"
        assert (source.sha256, source.profile) == (known.sha256, known.profile)
        assert known.profile in PROFILES and profile_for(source.settings()).name == known.profile
        assert known.quantization.lower() in known.file.lower() and source.hub == "https://huggingface.co"
        assert ":" not in source.name
        assert (known.path, known.settings) == (source.path, source.settings())
    assert resolve_source("longwriter-glm4-9b:q4_k_m").url == resolve_source("LongWriter-GLM4-9b").url
    assert resolve_source("longwriter-glm4-9b:Q8_0").name == "longwriter-glm4-9b-q8_0"


def test_what_the_catalog_says_about_a_model_can_be_translated() -> None:
    assert [known.about for known in known_ggufs()] == [known.english for known in known_ggufs()]
    assert {known.name.split(":")[0] for known in known_ggufs()} == set(_abouts())


def test_a_file_on_the_hub_is_found(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = resolve_source("hf:acme/writer/sub/a-Q4.gguf")
    assert source.url == "https://huggingface.co/acme/writer/resolve/main/sub/a-Q4.gguf"
    assert source.path == cache / "models" / "acme--writer" / "sub" / "a-Q4.gguf"
    assert (source.name, source.sha256) == ("a-Q4", "")
    at = resolve_source("hf:acme/writer/a-Q4.gguf@refs/pr/7")
    assert at.url == "https://huggingface.co/acme/writer/resolve/refs%2Fpr%2F7/a-Q4.gguf"
    assert at.path == cache / "models" / "acme--writer" / "refs" / "pr" / "7" / "a-Q4.gguf"
    # The page of a file on the hub stands for the file, and so does its download link.
    for page in ("blob/v2/a-Q4.gguf", "resolve/v2/a-Q4.gguf?download=true"):
        assert resolve_source(f"https://huggingface.co/acme/writer/{page}").url == (
            "https://huggingface.co/acme/writer/resolve/v2/a-Q4.gguf"
        )
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org/")
    assert resolve_source("hf:acme/writer/a-Q4.gguf").hub == "https://hub.example.org"


def test_a_pinned_file_is_found_again(cache: Path) -> None:
    path = resolve_source("hf:acme/writer/a.gguf").path
    path.parent.mkdir(parents=True)
    write_pin(path, HASH, "f" * 40)
    again = resolve_source("hf:acme/writer/a.gguf")
    assert (again.sha256, "f" * 40 in again.url) == (HASH, True)
    assert resolve_source("hf:acme/writer/a.gguf", "A" * 64).sha256 == "a" * 64
    for broken in ("", "[]", "{}", '{"sha256": "x", "revision": ""}', '{"sha256": 1}'):
        (path.parent / ".a.gguf.pin.json").write_text(broken)
        assert read_pin(path) == {}


def test_the_parts_of_a_split_model_are_found(cache: Path) -> None:
    source = resolve_source("hf:acme/writer/q4/big-00001-of-00003.gguf")
    parts = source_files(source)
    assert [part.path.name for part in parts] == [f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    assert [part.url.rsplit("/", 1)[-1] for part in parts] == [part.path.name for part in parts]
    assert (source.name, parts[0]) == ("big", source)
    assert source_files(small := resolve_source("hf:acme/writer/small.gguf")) == [small]


def test_a_file_at_an_address_is_found(cache: Path) -> None:
    source = resolve_source("https://example.org/models/a.gguf?key=1", f"sha256:{HASH}")
    assert (source.hub, source.sha256, source.name) == ("", HASH, "a")
    assert source.path == cache / "models" / "downloads" / HASH[:16] / "a.gguf"


@pytest.mark.parametrize(
    ("spec", "sha256", "code"),
    [
        ("longwriter-70b", "", "unknown-model"),
        ("", "", "unknown-model"),
        ("hf:acme/writer", "", "invalid-spec"),
        ("hf:acme/../../etc/passwd.gguf", "", "invalid-spec"),
        ("hf:acme/writer/model.gguf@../../main", "", "invalid-spec"),
        ("hf:acme/writer/.hidden.gguf", "", "invalid-spec"),
        ("hf:acme/writer/model.bin", "", "invalid-spec"),
        ("https://example.org/model.gguf", "", "no-hash"),
        ("https://example.org/model.gguf", "abc", "invalid-hash"),
        ("https://example.org/", HASH, "invalid-name"),
        ("https://example.org/%2e%2e", HASH, "invalid-name"),
        ("https://", HASH, "invalid-address"),
        ("https://[", HASH, "invalid-address"),
        ("https://example.org:99999999/a.gguf", HASH, "invalid-address"),
        ("http://example.org/model.gguf", HASH, "not-https"),
        ("https://me:secret@example.org/model.gguf", HASH, "secret-in-address"),
        ("longwriter-glm4-9b", HASH, "different-hash"),
        ("hf:acme/writer/big-00002-of-00003.gguf", "", "not-the-first-part"),
        ("hf:acme/writer/big-00001-of-99999.gguf", "", "not-the-first-part"),
        ("https://example.org/big-00001-of-00003.gguf", HASH, "parts-need-the-hub"),
    ],
)
def test_an_invalid_spec_is_refused(spec: str, sha256: str, code: str) -> None:
    with pytest.raises(UsageError, check=has_code(code)) as caught:
        resolve_source(spec, sha256)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["huggingface", "ftp://huggingface.co", "https://", "https://[::1"])
def test_an_invalid_hub_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(UsageError, check=has_code("invalid-address")):
        resolve_source("hf:acme/writer/a.gguf")


@given(st.one_of(st.text(), st.text("./@:hf-gu%e2\\~ ").map(lambda text: f"hf:{text}.gguf")))
def test_no_spec_leads_out_of_the_models_folder(spec: str) -> None:
    try:
        source = resolve_source(spec, HASH)
    except UsageError:
        return
    folder = (cache_folder() / "models").resolve()
    assert source.path.resolve().is_relative_to(folder) and source.path.suffix == ".gguf"
