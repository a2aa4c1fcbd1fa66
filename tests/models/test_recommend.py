"""Which model suits a machine: of the catalog, and of those that are installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.config import ModelSettings, Settings
from lwtui.models import recommend as module
from lwtui.models.catalog import DEMO
from lwtui.models.known_ggufs import known_ggufs, resolve_source
from lwtui.models.llama_cpp.fit import LoadOptions, Machine, fit
from lwtui.models.llama_cpp.gguf_header import read_header
from lwtui.models.llama_cpp.protocol import MAX_SEQUENCES
from lwtui.models.recommend import (
    InstalledModel,
    best_installed,
    fit_known,
    installed_models,
    recommend,
    weights_per_second,
)
from tests.support.gguf_file import write_header

GB = 10**9
FAST, SLOW = 100e9, 8e9  # bytes of weights per second


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path))
    return tmp_path


def recommended(memory: float, rate: float) -> str:
    found = recommend(Machine(int(memory * GB), 8), rate)
    return found.known.name if found else ""


@pytest.mark.parametrize(
    ("memory", "rate", "name"),
    [
        (0.3, FAST, ""),
        (1.0, FAST, "starter-small"),
        (2, FAST, "starter"),
        (4, FAST, "qwen3-4b"),
        (7.5, FAST, "qwen3-8b"),
        (13, FAST, "qwen3-14b"),
        (24, FAST, "qwen3-30b"),
        (13, SLOW, "qwen3-4b"),  # the larger ones fit, but would crawl
        (24, SLOW, "qwen3-30b"),  # reads a ninth of its weights for each token
        (24, 5e9, "starter"),
        (24, 0.5e9, "starter-small"),  # nothing is bearable: the fastest
    ],
)
def test_the_best_model_that_fits_and_is_bearable_is_recommended(memory: float, rate: float, name: str) -> None:
    assert recommended(memory, rate) == name


def test_the_speed_follows_from_the_weights() -> None:
    found = recommend(Machine(2 * GB, 4), 11_173_207_680)
    assert found is not None and found.known.name == "starter"
    assert found.tokens_per_second == pytest.approx(10.0)


def test_there_is_a_model_for_each_size_of_memory() -> None:
    ranked = sorted((known for known in known_ggufs() if known.rank), key=lambda known: known.rank)
    assert [known.rank for known in ranked] == list(range(1, len(ranked) + 1))
    needs = [fit_known(known, Machine(100 * GB, 8)).needed for known in ranked]
    assert needs == sorted(needs)
    for known, most in (("starter", 2), ("qwen3-4b", 5), ("qwen3-8b", 8), ("qwen3-14b", 12), ("qwen3-30b", 22)):
        (needed,) = (need for need, one in zip(needs, ranked, strict=True) if one.name == known)
        assert needed < most * GB
    assert all(known.license and len(known.sha256) == 64 for known in ranked)


@pytest.mark.parametrize("memory", [2 * GB, 30 * GB])
def test_the_estimate_before_a_download_is_that_of_the_file(tmp_path: Path, memory: int) -> None:
    """A small model of the shape of ``starter``, in which only the weights are as large as there."""
    known = resolve_known("starter")
    values: dict[str, object] = {"general.architecture": "qwen2", "qwen2.block_count": 28}
    values |= {"qwen2.embedding_length": 1536, "qwen2.feed_forward_length": 8960, "qwen2.context_length": 32768}
    values |= {"qwen2.attention.head_count": 12, "qwen2.attention.head_count_kv": 2}
    values |= {"tokenizer.ggml.tokens": ["a"] * 151_936}
    write_header(tmp_path / "s.gguf", values, {"token_embd.weight": known.size})
    header = replace(read_header(tmp_path / "s.gguf"), weights=known.size)
    machine = Machine(memory, 4)
    real = fit(header, machine, LoadOptions.of(ModelSettings("s"), sequences=MAX_SEQUENCES))
    guessed = fit_known(known, machine)
    assert guessed.needed == pytest.approx(real.needed, rel=0.01)
    assert (guessed.context_length, guessed.kv_type) == (real.context_length, real.kv_type)


def resolve_known(name: str) -> module.KnownGguf:
    return next(known for known in known_ggufs() if known.name == name)


def gguf(path: Path, weights: int = 10_000) -> Path:
    """Write the header of a small model with weights of any size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values: dict[str, object] = {"general.architecture": "llama", "llama.block_count": 2}
    values |= {"llama.embedding_length": 64, "llama.attention.head_count": 8, "llama.context_length": 4096}
    write_header(path, values, {"token_embd.weight": weights})
    return path


def test_installed_models_are_those_whose_file_is_here(tmp_path: Path) -> None:
    mine = ModelSettings("mine", provider="llama_cpp", path=str(gguf(tmp_path / "mine.gguf")))
    lost = ModelSettings("lost", provider="llama_cpp", path=str(tmp_path / "lost.gguf"))
    gguf(resolve_source("starter").path)
    settings = Settings(models={"mine": mine, "lost": lost, "gpt": ModelSettings("gpt")})
    assert [model.settings.name for model in installed_models(settings)] == ["mine", "starter", "demo"]


def test_without_the_library_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [model.settings for model in installed_models(Settings())] == [DEMO]
    monkeypatch.setattr(module, "local_engine", lambda settings: None)
    assert installed_models(Settings()) == []


def test_the_best_installed_model_fits_and_is_bearable(tmp_path: Path) -> None:
    def model(name: str, size: float, weights: int = 10_000) -> InstalledModel:
        path = gguf(tmp_path / f"{name}.gguf", weights)
        settings = ModelSettings(name, provider="llama_cpp", path=str(path))
        return InstalledModel(settings, int(size * GB), int(size * GB))

    demo = InstalledModel(DEMO, 253_000_000, 253_000_000)
    small, medium, large = model("small", 0.5), model("medium", 2), model("large", 8)
    huge = model("huge", 900, 900 * GB)
    damaged = model("damaged", 9)
    Path(damaged.settings.path).write_bytes(b"GGUF")
    all_models = [small, demo, huge, large, damaged, medium]
    assert best_installed(all_models, FAST) == large
    assert best_installed(all_models, SLOW) == medium
    assert best_installed(all_models, 0.1e9) == small  # the demo only if there is no other
    assert best_installed([huge, damaged, demo], FAST) == demo
    assert best_installed([huge], FAST) is None and best_installed([], FAST) is None


def test_the_speed_of_this_machine_is_estimated() -> None:
    assert 1e8 < weights_per_second() < 1e12
