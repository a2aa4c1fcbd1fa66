"""The messages between the app and its worker process."""

from __future__ import annotations

import pytest

from lwtui.models.llama_cpp.protocol import (
    TO_APP,
    TO_WORKER,
    CallFailed,
    Cancel,
    CountTokens,
    Generate,
    GenerationDone,
    Load,
    ModelLoaded,
    PromptRead,
    PromptStarted,
    ProtocolError,
    TextChunk,
    TokenCount,
    WorkerMessage,
    decode,
    encode,
)

MESSAGES: list[WorkerMessage] = [
    Load("/models/a b.gguf", {"context_length": 4096, "gpu_layers": None}),
    Generate(3, 100, messages=[["user", "x\ny"]], stop=["\n#"], sampling={"top_k": 40}, seed=7, grammar='root ::= "a"'),
    Cancel(3, 12),
    CountTokens(4, "你好 \ud800 \u2028"),
    ModelLoaded(8192, 32768, chat=True, description="a model", sampling={"top_k": 20}, weights=7),
    PromptStarted(3, 40, 16, thinking=True),
    PromptRead(3, 256),
    TextChunk(3, "line one\nline two", 2),
    GenerationDone(3, "stop", 20),
    TokenCount(4, 2),
    CallFailed(0, "why", "worker", retryable=True),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_encoding_and_decoding(message: WorkerMessage) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line, TO_WORKER + TO_APP) == message


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"nonsense\n", "not JSON"),
        (b"[1]\n", "no message"),
        (b'{"type": "Explode", "id": 1}\n', "Explode"),
        (b'{"type": "TextChunk", "id": 1, "text": "", "completion_tokens": 1}\n', "no message 'TextChunk'"),
        (b'{"type": "Cancel", "id": 1, "color": "red"}\n', "color"),
        (b'{"type": "CountTokens", "id": 1}\n', "text"),
    ],
)
def test_an_invalid_message_is_an_error_that_names_it(line: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        decode(line, TO_WORKER)
