"""GGUF headers: read without loading the model, whatever the file contains."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lwtui.models.base import ModelError
from lwtui.models.llama_cpp.gguf_header import Layer, read_header
from tests.errors import has_code
from tests.support.gguf_file import write_header

LLAMA = {
    "general.architecture": "llama",
    "general.name": "Small",
    "llama.block_count": 2,
    "llama.context_length": 4096,
    "llama.embedding_length": 64,
    "llama.feed_forward_length": 128,
    "llama.attention.head_count": 8,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
    "tokenizer.chat_template": "{{ messages }}",
}
TENSORS = {"token_embd.weight": 640, "blk.0.attn_q.weight": 320, "blk.1.attn_q.weight": 96, "blk.1.ffn_up.weight": 64}


def test_the_header_of_the_demo_model_is_read(demo_gguf: Path) -> None:
    header = read_header(demo_gguf)
    assert (header.architecture, header.context_length, header.vocabulary) == ("gemma3", 32_768, 262_144)
    assert (len(header.layers), header.embedding, header.feed_forward) == (18, 640, 2048)
    assert [layer.window for layer in header.layers[:7]] == [True] * 5 + [False, True]
    assert {(layer.keys, layer.values) for layer in header.layers} == {(256, 256)}
    assert header.file_size == demo_gguf.stat().st_size
    assert 0.95 * header.file_size < header.weights < header.file_size
    assert not header.chat_template


def test_every_field_of_a_header_is_read(tmp_path: Path) -> None:
    header = read_header(write_header(tmp_path / "m.gguf", LLAMA, TENSORS))
    assert header.layers == (Layer(320, 16, 16), Layer(160, 16, 16))
    assert (header.weights, header.vocabulary, header.head_length, header.heads) == (1120, 3, 8, 8)
    assert (header.name, header.chat_template) == ("Small", "{{ messages }}")


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"attention.key_length": 32, "attention.value_length": 16}, [(64, 32), (64, 32)]),
        ({"attention.head_count_kv": [2, 0]}, [(16, 16), (0, 0)]),
        ({"attention.shared_kv_layers": 1}, [(16, 16), (0, 0)]),
        (
            {"attention.sliding_window": 8, "attention.sliding_window_pattern": [True, False]}
            | {"attention.key_length_swa": 4},
            [(8, 8), (16, 16)],
        ),
    ],
)
def test_layers_may_keep_different_keys_and_values(
    tmp_path: Path, values: dict[str, object], kept: list[object]
) -> None:
    own = {f"llama.{key}": value for key, value in values.items()}
    header = read_header(write_header(tmp_path / "m.gguf", LLAMA | own, TENSORS))
    assert [(layer.keys, layer.values) for layer in header.layers] == kept


def test_experts_and_recurrent_states_are_counted(tmp_path: Path) -> None:
    own = {"llama.expert_feed_forward_length": 100, "llama.expert_used_count": 4}
    own |= {"llama.ssm.inner_size": 64, "llama.ssm.state_size": 16, "llama.ssm.conv_kernel": 4}
    header = read_header(write_header(tmp_path / "m.gguf", LLAMA | own, TENSORS))
    assert header.feed_forward == 400
    assert header.recurrent_state == 4 * 2 * (64 * 16 + 3 * 64)


def test_a_split_model_is_read_as_one(tmp_path: Path) -> None:
    first = write_header(tmp_path / "m-00001-of-00002.gguf", LLAMA, {"token_embd.weight": 640})
    second = tmp_path / "m-00002-of-00002.gguf"
    with pytest.raises(ModelError, check=has_code("unreadable")) as caught:
        read_header(first)
    assert str(second) in str(caught.value)
    write_header(second, {"split.no": 1}, {"blk.0.attn_q.weight": 320, "blk.1.attn_q.weight": 96})
    header = read_header(first)
    assert header.weights == 640 + 320 + 96
    assert [layer.weights for layer in header.layers] == [320, 96]
    assert [layer.keys for layer in header.layers] == [16, 16]
    assert header.file_size == first.stat().st_size + second.stat().st_size


@pytest.mark.parametrize("contents", [b"", b"<html>", b"GGUF", b"GGUF\x01\0\0\0", b"GGUF\x03\0\0\0" + b"\xff" * 16])
def test_a_file_that_is_not_a_gguf_is_reported_in_one_line(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(contents)
    with pytest.raises(ModelError) as caught:
        read_header(path)
    assert caught.value.kind == "malformed"
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("last", ["x" * 100, [2**31] * 5000, ["token"] * 50], ids=["text", "numbers", "texts"])
def test_a_last_value_beyond_the_end_of_the_file_is_refused(tmp_path: Path, last: object) -> None:
    # Nothing follows the last value, so no later read fails.
    path = write_header(tmp_path / "m.gguf", {"general.architecture": "llama", "general.last": last})
    assert read_header(path).architecture == "llama"
    path.write_bytes(path.read_bytes().rstrip(b"\0")[:-3])
    with pytest.raises(ModelError, check=has_code("cut-short")) as caught:
        read_header(path)
    assert caught.value.kind == "malformed"


def test_a_corrupted_header_is_read_or_refused(tmp_path: Path) -> None:
    path = write_header(tmp_path / "m.gguf", LLAMA, TENSORS)
    whole = path.read_bytes()
    draw = random.Random(7)
    for _ in range(400):
        data = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.3 else whole)
        for _ in range(draw.randrange(1, 4)):
            if data:
                at = draw.randrange(min(len(data), 600))
                data[at] = draw.choice([0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)])
        path.write_bytes(data)
        try:
            header = read_header(path)
        except ModelError as error:
            assert "\n" not in str(error)
        else:
            assert header.weights <= header.file_size and len(header.layers) <= 10_000
