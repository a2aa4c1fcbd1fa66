"""The process that makes vectors with a GGUF: ``python -m lwtui.models.llama_cpp.embedding_worker``.

It loads the model that the first message names, answers one call after the other, and ends when its standard input
closes, or when nothing has been asked for a while: its memory is then free for the model that writes.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from base64 import b64encode
from typing import BinaryIO

from lwtui.models.llama_cpp import protocol
from lwtui.models.llama_cpp.loading import CallRefused, explained_load, plan_load, require_llama_cpp, short_reason
from lwtui.models.llama_cpp.protocol import CallFailed, Embed, Load, TextVectors, WorkerMessage

IDLE_SECONDS = 60.0


def _read(source: BinaryIO, inbox: queue.Queue[Load | Embed]) -> None:
    try:
        for line in source:
            inbox.put(protocol.decode(line, protocol.TO_EMBEDDER))
    except protocol.ProtocolError as error:
        print(f"lwtui: {error}", file=sys.stderr, flush=True)
        os._exit(3)
    os._exit(0)


def _run(inbox: queue.Queue[Load | Embed], sink: BinaryIO, idle_seconds: float) -> None:
    def send(message: WorkerMessage) -> None:
        sink.write(protocol.encode(message))
        sink.flush()

    load = inbox.get()
    if not isinstance(load, Load):
        raise protocol.ProtocolError("no model was loaded")
    try:
        require_llama_cpp(load)
        from lwtui.models.llama_cpp.bindings import NativeLog
        from lwtui.models.llama_cpp.embedding_engine import CONTEXT, MAX_SEQUENCES, EmbeddingEngine, EmbeddingError

        own = {"context_length": CONTEXT, "kv_type": "f16", "flash_attention": "auto"}
        plan = plan_load(load, **own, batch=CONTEXT, sequences=MAX_SEQUENCES, outputs=1)
        with explained_load(load.path):
            engine = EmbeddingEngine(load.path, plan.fit, NativeLog(), plan.turns)
    except CallRefused as refusal:
        send(CallFailed(0, str(refusal), refusal.kind, refusal.retryable))
        return
    while True:
        try:
            message = inbox.get(timeout=idle_seconds)
        except queue.Empty:
            return
        assert isinstance(message, Embed)
        try:
            vectors, tokens = engine.embed(message.texts)
        except EmbeddingError as error:
            send(CallFailed(0, short_reason(error), "worker"))
        else:
            send(TextVectors([b64encode(vector.tobytes()).decode("ascii") for vector in vectors], tokens))


def main() -> None:
    """Run the process. An argument says after how many idle seconds it ends.

    The real standard output carries messages only, so anything that native code prints there goes to standard error.
    """
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inbox: queue.Queue[Load | Embed] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, inbox), daemon=True).start()
    try:
        _run(inbox, sink, float(sys.argv[1]) if len(sys.argv) > 1 else IDLE_SECONDS)
    finally:
        failed = sys.exc_info()[1]
        if failed:
            traceback.print_exception(failed)
        sys.stderr.flush()
        os._exit(1 if failed else 0)  # a regular exit would wait for the reading thread


if __name__ == "__main__":
    main()
