"""Whatever is fed in, documents, settings, GGUFs, plans, a server's stream: it works, or a clear line says why not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lwtui.agentwrite.plan_format import Bounds, PlanError
from lwtui.agentwrite.plan_repair import parse_plan, parse_step
from lwtui.cli.plan_text import load_plan
from lwtui.config import Settings, load_settings, set_value
from lwtui.documents.export import render
from lwtui.documents.library import list_documents
from lwtui.documents.model import Brief, PlannedSection, Status
from lwtui.documents.store import Document
from lwtui.errors import ConfigError, DocumentError, UsageError
from lwtui.models.base import ModelError
from lwtui.models.llama_cpp.gguf_header import read_header
from lwtui.models.openai_stream import MalformedStream, StreamError, read_chunk, read_events
from lwtui.models.reasoning import ReasoningSplitter
from lwtui.models.usage import Usage
from tests.documents.support import PLAN, PROVENANCE, SOIL, WATER, new_document
from tests.faults.conftest import Tried
from tests.faults.scale import times
from tests.sources.support import read_source
from tests.support.gguf_file import write_header

EXAMPLES = times(80, 1000)
# The same inputs each time, so that a failure is one that can be seen again.
fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


KINDS = {
    "test_any_bytes_in_a_document": "`.lw` bytes",
    "test_any_values_in_the_tables_of_a_document": "`.lw` tables",
    "test_any_settings": "settings",
    "test_any_bytes_in_the_header_of_a_gguf": "GGUF headers",
    "test_any_plan": "plans",
    "test_any_stream": "streams of a server",
}


@pytest.fixture(autouse=True)
def noted(request: pytest.FixtureRequest, tried: Tried) -> None:
    """For the table of faults, which leaves out what has failed."""
    tried(f"made-up input: {KINDS[request.node.name]}", "used, or refused in one clear line", EXAMPLES)


def one_line(error: Exception) -> None:
    """The message is for a person: a line of bearable length."""
    assert str(error) and "\n" not in str(error) and len(str(error)) < 1500


def mutations(size: int) -> st.SearchStrategy[list[tuple[int, bytes]]]:
    """Places in a file of ``size`` bytes, and what is put there."""
    return st.lists(st.tuples(st.integers(0, size - 1), st.binary(min_size=1, max_size=12)), min_size=1, max_size=12)


def mutated(data: bytes, changes: list[tuple[int, bytes]], cut: int) -> bytes:
    changed = bytearray(data)
    for at, put in changes:
        changed[at : at + len(put)] = put
    return bytes(changed[: len(changed) - cut])


# -- documents


@pytest.fixture(scope="module")
def document_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A document with a bit of everything in it."""
    folder = tmp_path_factory.mktemp("base")
    with new_document(folder) as document:
        document.edit(WATER.id, "Daily, *and* more. " * 50)
        document.edit(WATER.id, "Twice a day.")
        document.begin(SOIL.id, PROVENANCE, 0)
        document.append(SOIL.id, "Loam is best. " * 20)
        document.finish(SOIL.id, Status.DONE, Usage(10, 20))
        document.set_plan(replace(PLAN, sections=(WATER, SOIL)), "Less", {WATER.id: "Now and then."})
        source = document.source_store.add(read_source("Loam is best.", "Water it twice a day."))
        document.source_store.pin(source.id, SOIL.id)
    return (folder / "tomatoes.lw").read_bytes()


def use(path: Path) -> None:
    """All that can be done with a document. Raises nothing but :class:`DocumentError`."""
    for summary in list_documents(path.parent):
        assert "\n" not in summary.problem
    for read_only in (True, False):
        try:
            with Document.open(path, read_only=read_only) as document:
                for section in document.sections():
                    document.revisions(section.id)
                assert document.plan is not None and document.brief is not None and document.usage is not None
                for source in document.sources:
                    document.source_store.passages(source.id)
                document.source_store.search("loam", 3)
                document.source_store.for_section("Water", 500, section_id=SOIL.id)
                for name in ("md", "txt", "html"):
                    render(document, name)
                if not document.read_only and document.sections():
                    document.edit(document.sections()[0].id, "Mine.")
                    document.undo_plan()
        except DocumentError as error:
            one_line(error)


@fuzzed
@given(st.data())
def test_any_bytes_in_a_document(document_bytes: bytes, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "doc.lw"
    changes = data.draw(mutations(len(document_bytes)))
    cut = data.draw(st.one_of(st.just(0), st.integers(0, len(document_bytes))))
    path.write_bytes(mutated(document_bytes, changes, cut))
    for side in ("-wal", "-shm", "-journal"):
        Path(f"{path}{side}").unlink(missing_ok=True)
    use(path)


COLUMNS = {
    "document": ("words", "language", "mode", "model", "seed", "title", "created", "instruction", "prompt_tokens"),
    "section": ("id", "position", "words", "status", "revision", "title", "main_point", "level", "basis"),
    "revision": ("section_id", "created", "origin", "status", "length", "provenance", "text"),
    "plan_step": ("label", "before"),
    "source": ("id", "position", "key", "kind", "title", "location", "retrieved", "pinned", "csl"),
    "passage": ("id", "source_id", "number", "page", "text"),
    "passage_index_data": ("id", "block"),
}
ODD = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(
        ["", "done", "writing", "{}", "[]", "null", '{"basis": 3}', '{"model": []}', "[1", "\0", "9" * 400]
    ),
)
CHANGE = st.sampled_from([(table, column) for table, columns in COLUMNS.items() for column in columns])


@fuzzed
@given(st.lists(st.tuples(CHANGE, ODD), min_size=1, max_size=4))
def test_any_values_in_the_tables_of_a_document(
    document_bytes: bytes, tmp_path: Path, changes: list[tuple[tuple[str, str], Any]]
) -> None:
    path = tmp_path / "doc.lw"
    path.write_bytes(document_bytes)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA foreign_keys = OFF")
        for (table, column), value in changes:
            with suppress(sqlite3.Error):  # the tables are strict
                db.execute(f"UPDATE {table} SET {column} = ?", (value,))
    use(path)


# -- settings

NAMES = st.sampled_from(
    ["model", "documents", "theme", "models", "models.a", "base_url", "context_length", "x", '"', ""]
)
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ['"gpt"', "3", "-1", "1e999", "nan", "true", "[1]", "{}", '""', "{a = 1}", "1979-05-27", '"""', "'"]
    ),
)
LINES = st.one_of(
    st.tuples(NAMES, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    NAMES.map(lambda name: f"[{name}]"),
    NAMES.map(lambda name: f"[[{name}]]"),
    st.text(max_size=20),
)


@fuzzed
@given(st.lists(LINES, max_size=6), NAMES, st.text(max_size=12))
@example(["[models.a]", "price_input = inf"], "theme", "x")
def test_any_settings(tmp_path: Path, lines: list[str], name: str, value: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    before = file.read_bytes()
    try:
        assert isinstance(load_settings(file), Settings)
    except ConfigError as error:
        one_line(error)
    try:
        set_value(name, value, file)
    except ConfigError as error:
        one_line(error)
        assert file.read_bytes() == before  # what could not be changed stays as it was
    else:
        load_settings(file)


# -- GGUFs


@pytest.fixture(scope="module")
def gguf_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    values = {
        "general.architecture": "gemma3",
        "general.name": "A model",
        "gemma3.block_count": 3,
        "gemma3.context_length": 2048,
        "gemma3.embedding_length": 64,
        "gemma3.attention.head_count": [4, 4, 4],
        "gemma3.attention.sliding_window": 512,
        "gemma3.rope.freq_base": 10000.0,
        "tokenizer.ggml.tokens": ["<s>", "a", "b"],
        "tokenizer.chat_template": "{{ messages }}",
        "general.alignment": 32,
    }
    tensors = {f"blk.{layer}.attn.weight": 64 for layer in range(3)}
    return write_header(tmp_path_factory.mktemp("gguf") / "a.gguf", values, tensors).read_bytes()


@fuzzed
@given(st.data())
def test_any_bytes_in_the_header_of_a_gguf(gguf_bytes: bytes, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.gguf"
    head = len(gguf_bytes) - 200
    cut = data.draw(st.one_of(st.just(0), st.integers(0, len(gguf_bytes))))
    path.write_bytes(mutated(gguf_bytes, data.draw(mutations(head)), cut))
    try:
        header = read_header(path)
    except ModelError as error:
        one_line(error)
    else:
        assert header.file_size == path.stat().st_size and header.weights >= 0


# -- plans

SCRAPS = st.sampled_from(
    [
        "Title: A Plan\n",
        "Paragraph 1 - Main Point: Soil: of it - Word Count: 200 words\n",
        "Paragraph 2 - Main Point: ",
        " - Word Count: ",
        "99999999999999999999 words\n",
        "1. Soil (200 words)\n   about it\n",
        "2.1. Pots (1,000 words)\n",
        "1. Soil (2 sections, 200 words)\n",
        '{"title": "A", "sections": [',
        '{"title": "Soil", "main_point": "it", "words": 200},',
        '{"title": "Soil", "words": -1e400}',
        "]}",
        "```json\n",
        "```",
        "# ",
        "\n\n",
        "[" * 3000,
        "\u202e\x1b[31m",
    ]
)
PLANS = st.lists(st.one_of(SCRAPS, st.text(max_size=30)), max_size=10).map("".join)


@fuzzed
@given(PLANS, st.sampled_from([0, 10, 3000, 100_000]))
@example('{"title": "A", "sections": [{"title": "B", "main_point": "c", "words": ' + "9" * 5000 + "}]}", 100)
def test_any_plan(tmp_path: Path, raw: str, words: int) -> None:
    brief = Brief("Tomatoes", words or 1000)
    for bounds in (None, Bounds.of(words or 1000, 12)):
        try:
            plan = parse_plan(raw, brief, bounds)
            assert plan.sections and plan.words == brief.words
        except PlanError as error:
            assert error.findings and all("\n" not in finding for finding in error.findings)
    with suppress(PlanError):
        parse_step(raw, PlannedSection("Old", "of old", 100))
    file = tmp_path / "plan.txt"
    file.write_bytes(raw.encode("utf-8", "surrogatepass"))
    try:
        assert load_plan(file, "Tomatoes", words or None).sections
    except UsageError as error:
        one_line(error)


# -- what a server streams

KEYS = ["choices", "delta", "message", "content", "text", "finish_reason", "usage", "error", "type", "code", "param"]
KEYS += ["reasoning", "reasoning_content", "prompt_tokens", "completion_tokens", "prompt_tokens_details"]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
EVENTS = st.one_of(
    JSON.map(lambda value: f"data: {json.dumps({'choices': [value]})}\n\n".encode()),
    JSON.map(lambda value: f"data: {json.dumps(value)}\n\n".encode()),
    st.sampled_from(
        [b": comment\n", b"data: [DONE]\n\n", b"event: error\n", b"data:\n\n", b"\r\n", b"data: {\n", b"id: 3\n"]
    ),
    st.binary(max_size=20),
    st.sampled_from(["<think>", "</think>", "text"]).map(
        lambda text: f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n".encode()
    ),
)


@fuzzed
@given(st.lists(EVENTS, max_size=8).map(b"".join), st.lists(st.integers(0, 400), max_size=6))
async def test_any_stream(body: bytes, cuts: list[int]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start, end in pairwise(sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})):
            yield body[start:end]

    splitter = ReasoningSplitter()
    try:
        async for event in read_events(pieces()):
            if event is None:
                break
            chunk = read_chunk(event)
            assert isinstance(chunk.text, str) and isinstance(chunk.finish, str)
            splitter.add(chunk.text)
    except (MalformedStream, StreamError) as error:
        one_line(error)
    splitter.close()
