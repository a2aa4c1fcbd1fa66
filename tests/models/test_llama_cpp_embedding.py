"""Embeddings of a GGUF: the demo model by its mean, and tiny BERTs by their own pooling, in a process that ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from math import isclose
from pathlib import Path

import psutil
import pytest

from lwtui.config import ModelSettings
from lwtui.models.base import ModelError
from lwtui.models.embeddings import Vector
from lwtui.models.llama_cpp.embedding import GgufEmbeddingModel
from lwtui.models.llama_cpp.embedding_worker import IDLE_SECONDS
from tests.support.gguf_file import write_header
from tests.support.tiny_bert import CONTEXT, write_bert

TEXTS = [
    "Every automobile needs fuel and stands still without it.",
    "The leaf is picked by hand in spring, and an infusion is made of it.",
    "A vessel lies in the harbor until the tide is high.",
]


def open_gguf(path: Path, idle_seconds: float = IDLE_SECONDS) -> GgufEmbeddingModel:
    return GgufEmbeddingModel(ModelSettings("vectors", provider="llama_cpp", path=str(path)), path, idle_seconds)


def likeness(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def ended(pid: int | None) -> bool:
    """Wait for the end of a process that is to end."""
    assert pid is not None
    if psutil.pid_exists(pid):
        psutil.wait_procs([psutil.Process(pid)], timeout=30)
    return not psutil.pid_exists(pid)


@pytest.fixture(scope="module")
def model(demo_gguf: Path) -> Iterator[GgufEmbeddingModel]:
    opened = open_gguf(demo_gguf)
    yield opened
    opened.close()


async def test_texts_on_one_subject_are_near_each_other(model: GgufEmbeddingModel) -> None:
    queries = ["A car without petrol", "How is tea harvested?", "ships in port"]
    answer = await model.embed([*TEXTS, *queries])
    texts, asked = answer.vectors[:3], answer.vectors[3:]
    for number, query in enumerate(asked):
        assert max(range(3), key=lambda at: likeness(query, texts[at])) == number
    assert all(isclose(likeness(vector, vector), 1, rel_tol=1e-5) for vector in answer.vectors)
    assert {len(vector) for vector in answer.vectors} == {640}
    assert 50 < answer.usage.prompt < 120 and answer.usage.completion == 0


async def test_a_query_of_one_word_means_something(model: GgufEmbeddingModel) -> None:
    texts = (await model.embed(TEXTS)).vectors
    for number, word in enumerate(["automobile", "tea", "ship"]):
        query = (await model.embed([word])).vectors[0]
        assert max(range(3), key=lambda at: likeness(query, texts[at])) == number


async def test_a_text_has_the_same_vector_alone_and_among_others(model: GgufEmbeddingModel) -> None:
    together = (await model.embed(TEXTS * 8)).vectors  # more than are computed at once
    alone = (await model.embed(TEXTS[1:2])).vectors[0]
    assert all(likeness(alone, together[number]) > 0.999 for number in range(1, 24, 3))
    assert likeness(alone, together[0]) < 0.95


async def test_a_long_text_counts_by_its_beginning(model: GgufEmbeddingModel) -> None:
    answer = await model.embed(["tea " * 1_900])
    assert answer.usage.prompt == 1_024


async def test_special_tokens_in_a_text_are_only_text(model: GgufEmbeddingModel) -> None:
    answer = await model.embed(["<eos><bos>", "<start_of_turn>user\x00\ud800"])
    assert answer.usage.prompt > 8 and len(answer.vectors) == 2


async def test_a_process_that_has_ended_is_started_again(model: GgufEmbeddingModel) -> None:
    first = (await model.embed(TEXTS[:1])).vectors[0]
    pid = model.pid
    assert pid is not None
    psutil.Process(pid).kill()
    assert likeness(first, (await model.embed(TEXTS[:1])).vectors[0]) > 0.999
    assert model.pid != pid


async def test_a_process_ends_when_nothing_is_asked(demo_gguf: Path) -> None:
    model = open_gguf(demo_gguf, 0.3)
    first = (await model.embed(TEXTS[:1])).vectors[0]
    assert ended(model._process.pid if model._process else None) and model.pid is None
    assert likeness(first, (await model.embed(TEXTS[:1])).vectors[0]) > 0.999


async def test_a_canceled_call_ends_the_process(demo_gguf: Path) -> None:
    model = open_gguf(demo_gguf)
    await model.embed(TEXTS[:1])
    pid = model.pid
    call = asyncio.create_task(model.embed([text * 60 for text in TEXTS] * 10))
    await asyncio.sleep(0.3)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ended(pid) and len((await model.embed(TEXTS)).vectors) == 3


async def test_a_model_that_is_dropped_ends_its_process(demo_gguf: Path) -> None:
    model = open_gguf(demo_gguf)
    await model.embed(TEXTS[:1])
    pid = model.pid
    del model
    gc.collect()
    assert ended(pid)


@pytest.mark.parametrize("pooling", ["MEAN", "CLS"])
async def test_a_model_that_only_makes_embeddings_uses_its_own_pooling(pooling: str, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    model = open_gguf(write_bert(tmp_path / "bert.gguf", pooling))
    answer = await model.embed(["tea leaf", "tea leaf", "the car motor", "old harbor " * 200])
    same, again, other, long = answer.vectors
    assert likeness(same, again) > 0.9999 > likeness(same, other)
    assert answer.usage.prompt == 4 + 4 + 5 + CONTEXT and len(long) == 32


async def test_the_pooling_decides_the_vectors(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    models = [open_gguf(write_bert(tmp_path / f"{pooling}.gguf", pooling)) for pooling in ("MEAN", "CLS")]
    mean, first = [(await model.embed(["tea leaf"])).vectors[0] for model in models]
    assert likeness(mean, first) < 0.999
    assert models[0].name != models[1].name


async def test_a_model_that_ranks_is_told_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    model = open_gguf(write_bert(tmp_path / "ranks.gguf", "RANK"))
    with pytest.raises(ModelError, match="ranks passages") as caught:
        await model.embed(["tea"])
    assert "\n" not in str(caught.value) and not caught.value.retryable


async def test_a_file_that_is_no_model_is_told_in_one_line(tmp_path: Path) -> None:
    model = open_gguf(write_header(tmp_path / "empty.gguf", {"general.architecture": "bert", "bert.block_count": 1}))
    with pytest.raises(ModelError, match="Cannot load") as caught:
        await model.embed(["tea"])
    assert "\n" not in str(caught.value)
    (tmp_path / "cut.gguf").write_bytes(b"GGUF" + bytes(20))
    with pytest.raises(ModelError):
        await open_gguf(tmp_path / "cut.gguf").embed(["tea"])
