"""Embeddings: passages are found by what they mean, the vectors are kept, and without the endpoint words suffice."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite.source_embedding import open_embedder
from lwtui.config import ModelSettings, Settings, SourceSettings
from lwtui.documents.model import BUDGET, Brief, Plan
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.base import ModelError
from lwtui.models.budget import parse_budget
from lwtui.models.embeddings import MOST_TEXTS, EmbeddingModel, normalized, open_embedding_model
from lwtui.models.llama_cpp.demo import demo_path
from lwtui.models.metering import UsageTracker
from lwtui.sources.embedding import SourceEmbedder
from lwtui.sources.model import FoundPassage
from tests.errors import has_code
from tests.sources.support import read_source
from tests.support.embeddings import EmbeddingServer
from tests.support.gguf_file import write_header

TEXTS = {
    "motor": "Every automobile needs fuel. An automobile without fuel stands still on the road.",
    "tea": "The leaf is picked by hand in spring, and an infusion is made of it.",
    "harbor": "A vessel lies in the harbor until the tide is high.",
    "zh": "茶叶生长在高山上，春天采摘。",
}


def model_of(server: EmbeddingServer, **more: Any) -> ModelSettings:
    return ModelSettings("vectors", model="embed-1", base_url=server.base_url, connect_seconds=2.0, **more)


def settings_of(server: EmbeddingServer, **more: Any) -> Settings:
    return Settings(models={"vectors": model_of(server, **more)}, sources=SourceSettings(embeddings="vectors"))


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    with Document.create(tmp_path / "tea.lw", Brief("Write", 500), Plan("Tea", ())) as opened:
        for key, text in TEXTS.items():
            opened.source_store.add(read_source(text, title=key, location=f"{key}.txt"))
        yield opened


def attach(document: Document, server: EmbeddingServer, **more: Any) -> tuple[list[str], UsageTracker]:
    """Open the embeddings of a document. Returns what is told, and what counts the tokens."""
    notes: list[str] = []
    budget = parse_budget(document.setting(BUDGET))
    tracker = UsageTracker(lambda: budget, spent=document.usage, record=document.add_usage)
    document.source_store.embedder = open_embedder(document, settings_of(server, **more), lambda: tracker, notes.append)
    return notes, tracker


async def titles(document: Document, query: str) -> list[str]:
    store = document.source_store
    return [found.source.title for found in store.search(query, 10, await store.near(query))]


async def test_passages_are_found_by_what_they_mean(document: Document) -> None:
    store = document.source_store
    assert store.search("car") == ()
    with EmbeddingServer() as server:
        notes, _ = attach(document, server)
        assert (await titles(document, "car"))[0] == "motor"
        assert (await titles(document, "beverage"))[:2] in (["tea", "zh"], ["zh", "tea"])
        near = await store.near("car")
        selected = store.for_section("The car", 4_000, near=near)
        assert selected.chosen[0].source.title == "motor"
        assert server.models == {"embed-1"}
    assert notes == []


async def test_vectors_are_made_once_and_kept(document: Document) -> None:
    with EmbeddingServer() as server:
        attach(document, server)
        await titles(document, "car")
        assert sorted(map(len, server.asked)) == [1, 4]
        await titles(document, "car")
        assert len(server.asked) == 2
        document.source_store.add(read_source("A new price in coin.", location="new.txt", title="new"))
        path = document.path
        document.close()
        with Document.open(path) as again:
            notes, _ = attach(again, server)
            assert (await titles(again, "salary"))[0] == "new"
            assert [len(texts) for texts in server.asked[2:]] == [1, 1] and notes == []


async def test_the_tokens_count_for_the_document(document: Document) -> None:
    with EmbeddingServer() as server:
        _, tracker = attach(document, server)
        await titles(document, "car")
    assert document.usage.prompt == tracker.total.prompt == 50


async def test_a_budget_that_is_used_up_leaves_the_words(document: Document) -> None:
    document.set_setting(BUDGET, "5 tokens")
    with EmbeddingServer() as server:
        notes, _ = attach(document, server)
        assert await titles(document, "fuel") == ["motor"]
        assert server.asked == [["fuel"]]  # the vectors of the passages have no room
    assert len(notes) == 1 and "budget" in notes[0]


async def test_many_passages_are_embedded_in_bounded_batches_with_progress(document: Document) -> None:
    for number in range(3):
        stretches = [f"Number {number} {place} is about a ship." for place in range(30)]
        document.source_store.add(read_source(*stretches, location=f"{number}.txt"))
    told: list[tuple[int, int]] = []
    with EmbeddingServer() as server:
        attach(document, server)
        embedder = document.source_store.embedder
        assert isinstance(embedder, SourceEmbedder)
        await embedder.prepare(lambda done, total: told.append((done, total)))
        assert all(len(texts) <= MOST_TEXTS for texts in server.asked) and sum(map(len, server.asked)) == 94
    assert told[-1] == (94, 94) and len(told) == 3


@pytest.mark.parametrize(
    "kind",
    [
        {"status": 401},
        {"status": 404},
        {"status": 400},
        {"raw": b"<html>"},
        {"raw": b'{"data": []}'},
        {"raw": b'{"data": [{"index": 0, "embedding": ["a"]}]}'},
        {"raw": b'{"data": [{"index": 0, "embedding": [0, 0]}]}'},
        {"raw": b'{"data": [{"index": 0, "embedding": [1e400]}]}'},
        {"raw": json.dumps({"data": [{"embedding": [1.0] * 20_000}]}).encode()},
        {"raw": b'{"data": ' + b"[" * 50_000},
        {"raw": b""},
    ],
)
async def test_an_endpoint_that_fails_is_told_once_and_words_suffice(document: Document, kind: dict[str, Any]) -> None:
    with EmbeddingServer(**kind) as server:
        notes, _ = attach(document, server)
        assert await titles(document, "fuel") == ["motor"]
        asked = len(server.asked)
        assert await titles(document, "harbor") == ["harbor"]
        assert len(server.asked) == asked
    assert len(notes) == 1 and notes[0].startswith("Passages are found by their words alone: ")
    assert "\n" not in notes[0] and len(notes[0]) < 500


async def test_an_endpoint_that_is_not_there_is_told_once(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lwtui.models.embeddings._RETRY_SECONDS", 0.01)
    with EmbeddingServer() as server:
        pass
    notes, _ = attach(document, server)
    assert await titles(document, "fuel") == ["motor"] and len(notes) == 1


async def test_vectors_that_were_made_before_a_failure_stay(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwtui.models.embeddings._RETRY_SECONDS", 0.01)
    document.source_store.add(read_source(*[f"A ship {number}." for number in range(60)], location="many.txt"))
    with EmbeddingServer(fails_after=1) as server:
        notes, _ = attach(document, server)
        embedder = document.source_store.embedder
        assert isinstance(embedder, SourceEmbedder)
        await embedder.prepare()
        assert len(notes) == 2 and "64 passages" in notes[0] and "words alone" in notes[1]
        assert document.source_store.vectors.count_missing("embed-1") == 64 - MOST_TEXTS
        server.fails_after = None
        notes, _ = attach(document, server)
        assert (await titles(document, "car"))[0] == "motor" and notes == []


async def test_a_fault_that_passes_is_tried_again(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lwtui.models.embeddings._RETRY_SECONDS", 0.01)
    with EmbeddingServer(status=503) as server:
        model = EmbeddingModel(model_of(server), "")
        with pytest.raises(ModelError):
            await model.embed(["tea"])
        assert len(server.asked) == 3


async def test_a_model_of_other_dimensions_makes_its_own_vectors(document: Document) -> None:
    with EmbeddingServer() as server:
        attach(document, server)
        await titles(document, "car")
        server.more = 6
        notes, _ = attach(document, server)
        assert (await titles(document, "car"))[0] == "motor" and notes == []
        assert sum(map(len, server.asked)) == 10


async def test_a_read_only_document_is_searched_with_the_vectors_it_has(document: Document) -> None:
    with EmbeddingServer() as server:
        attach(document, server)
        await titles(document, "car")
        path = document.path
        document.close()
        with Document.open(path, read_only=True) as reading:
            embedder = SourceEmbedder(
                reading.source_store.vectors, EmbeddingModel(model_of(server), ""), note=print, read_only=True
            )
            reading.source_store.embedder = embedder
            assert (await titles(reading, "car"))[0] == "motor"


async def test_damaged_vectors_are_left_out(document: Document) -> None:
    vectors = document.source_store.vectors
    passages = vectors.missing("m", 9)
    vectors.put("m", passages, [array("f", [1.0, 0.0])] * len(passages))
    with document.source_store._change() as db:
        db.execute("UPDATE passage_vector SET vector = x'00' WHERE passage_id = ?", (passages[0].id,))
        db.execute("UPDATE passage_vector SET digest = 'x' WHERE passage_id = ?", (passages[1].id,))
    found = vectors.nearest("m", array("f", [1.0, 0.0]), 9)
    assert sorted(found) == sorted(passage.id for passage in passages[2:])


def test_both_rankings_count(document: Document) -> None:
    store = document.source_store

    def ids(found: tuple[FoundPassage, ...]) -> list[int]:
        return [one.passage.id for one in found]

    by_words = ids(store.search("fuel leaf vessel"))
    assert len(by_words) == 3
    last = by_words[-1]
    assert ids(store.search("fuel leaf vessel", 10, [last]))[0] == last  # first in one, third in the other
    assert len(store.search("fuel leaf vessel", 2, [last])) == 2
    assert store.search("fuel", 10, [999]) == store.search("fuel", 10)  # a passage that is gone


async def test_a_gguf_finds_passages_too(document: Document) -> None:
    path = demo_path()
    notes: list[str] = []
    tracker = UsageTracker(lambda: None, record=document.add_usage)
    settings = Settings(sources=SourceSettings(embeddings=str(path)))
    embedder = open_embedder(document, settings, lambda: tracker, notes.append)
    document.source_store.embedder = embedder
    assert (await titles(document, "A car without petrol"))[0] == "motor"
    assert (await titles(document, "绿茶"))[0] == "zh"
    assert document.source_store.vectors.count_missing(f"{path.name} ({path.stat().st_size})") == 0
    assert notes == [] and document.usage.prompt > 50


async def test_a_gguf_that_cannot_be_loaded_leaves_the_words(document: Document, tmp_path: Path) -> None:
    gguf = write_header(tmp_path / "model.gguf", {"general.architecture": "bert", "bert.block_count": 1})
    models = {"vectors": ModelSettings("vectors", provider="llama_cpp", path=str(gguf))}
    notes: list[str] = []
    settings = Settings(models=models, sources=SourceSettings(embeddings="vectors"))
    document.source_store.embedder = open_embedder(document, settings, lambda: UsageTracker(lambda: None), notes.append)
    assert await titles(document, "fuel") == ["motor"]
    assert len(notes) == 1 and "Cannot load" in notes[0] and "\n" not in notes[0]


def test_other_models_make_no_embeddings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.gguf").write_text("no model")
    models = {
        "local": ModelSettings("local", provider="llama_cpp", path=str(tmp_path / "model.gguf")),
        "claude": ModelSettings("claude", provider="anthropic"),
    }
    with pytest.raises(UsageError, check=has_code("no-embeddings")) as caught:
        open_embedding_model("claude", Settings(models=models))
    assert "endpoint, or a GGUF" in str(caught.value)
    with pytest.raises(LwtuiError, check=has_code("not-a-gguf")):
        open_embedding_model("local", Settings(models=models))
    monkeypatch.setattr("lwtui.models.embeddings.find_spec", lambda _: None)
    with pytest.raises(UsageError, check=has_code("no-embeddings")) as caught:
        open_embedding_model("local", Settings(models=models))
    assert "llama-server --embeddings" in str(caught.value)


def test_vectors_have_length_one() -> None:
    assert isclose(sum(value * value for value in normalized([3, 4])), 1, rel_tol=1e-6)
    with pytest.raises(ValueError, match="direction"):
        normalized([0.0, 0.0])
