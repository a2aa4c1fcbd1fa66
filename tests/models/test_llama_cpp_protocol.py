"""The messages between the app and its model process."""

from __future__ import annotations

import pytest

from lwtui.models.llama_cpp.protocol import (
    TO_APP,
    TO_WORKER,
    Begun,
    Cancel,
    Count,
    Counted,
    Done,
    Failed,
    Generate,
    Load,
    Loaded,
    Message,
    ProtocolError,
    Read,
    Text,
    decode,
    encode,
)

MESSAGES: list[Message] = [
    Load("/models/a b.gguf", {"context_length": 4096, "gpu_layers": None}),
    Generate(3, 100, messages=[["user", "x\ny"]], stop=["\n#"], sampling={"top_k": 40}, seed=7, grammar='root ::= "a"'),
    Cancel(3, 12),
    Count(4, "你好 \ud800 \u2028"),
    Loaded(8192, 32768, chat=True, description="a model"),
    Begun(3, 40, 16, thinking=True),
    Read(3, 256),
    Text(3, "line one\nline two", 2),
    Done(3, "stop", 20),
    Counted(4, 2),
    Failed(0, "why", "worker", retryable=True),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_was_sent(message: Message) -> None:
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
        (b'{"type": "Text", "id": 1, "text": "", "token": 1}\n', "no message 'Text'"),
        (b'{"type": "Cancel", "id": 1, "colour": "red"}\n', "colour"),
        (b'{"type": "Count", "id": 1}\n', "text"),
    ],
)
def test_what_is_not_a_message_is_an_error_that_names_it(line: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        decode(line, TO_WORKER)
