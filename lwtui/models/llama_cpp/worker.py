"""The process that holds a model: ``python -m lwtui.models.llama_cpp.worker``.

It takes calls on its standard input, computes several at a time, and ends when that closes, so that it never outlives
the app. A second thread reads the calls: it answers counts at once and tells the computation when a call was cancelled.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.llama_cpp import protocol
from lwtui.models.llama_cpp.protocol import (
    Begun,
    Cancel,
    Count,
    Counted,
    Done,
    Failed,
    Generate,
    Keep,
    Load,
    Loaded,
    Message,
    Read,
    Text,
)

if TYPE_CHECKING:
    from lwtui.models.llama_cpp.bindings import NativeLog
    from lwtui.models.llama_cpp.engine import Engine, Generation
    from lwtui.models.llama_cpp.template import ChatTemplate

_MOST_SAVING_SECONDS = 20.0  # that this process outlives its input
_FLUSH_SECONDS = 0.05


class Refused(Exception):
    """A call that cannot be answered; holds what the app is told."""

    def __init__(self, message: str, kind: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable


@dataclass
class Call:
    """A call whose answer is being computed. Its text is sent a few tokens at a time: who reads it needs a core too."""

    id: int
    answer: Generation
    thinking: bool
    text: str = ""  # not sent yet
    sent: float = 0.0  # when the last text was


class Worker:
    """Answers the calls that come in on ``source`` with messages on ``sink``."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._writing = threading.Lock()
        self._loads: queue.Queue[Load] = queue.Queue()
        self._inbox: queue.Queue[Generate | Keep | None] = queue.Queue()
        self._closing = False
        self._cancelled: dict[int, int] = {}  # call → the token up to which its reader saw it
        self._calls: dict[int, Call] = {}
        self._last_accepted = 0
        self._engine: Engine | None = None
        self._log: NativeLog | None = None
        self._template: ChatTemplate | None = None
        self._template_fault = ""

    def run(self) -> None:
        """Load the model that the first call asks for, then answer calls until the input closes."""
        threading.Thread(target=self._read, daemon=True).start()
        try:
            engine = self._load(self._loads.get())
        except Refused as refusal:
            self._send(Failed(0, str(refusal), refusal.kind, refusal.retryable))
            return
        while self._accept(engine):
            self._drop_cancelled(engine)
            for answer in engine.admit():
                call = self._call_of(answer)
                self._send(Begun(call.id, len(answer.prompt), answer.cached, call.thinking))
            if engine.is_running:
                self._compute(engine)
        engine.save()
        os._exit(0)

    # The reading thread.

    def _read(self) -> None:
        try:
            for line in self._source:
                self._receive(protocol.decode(line, protocol.TO_WORKER))
        except protocol.ProtocolError as error:
            print(f"lwtui: {error}", file=sys.stderr, flush=True)
            os._exit(3)
        if self._engine is None:
            os._exit(0)
        # The app has gone, or wants to. Nothing may keep this process for long.
        self._closing = True
        self._inbox.put(None)
        time.sleep(_MOST_SAVING_SECONDS)
        os._exit(0)

    def _receive(self, message: Message) -> None:
        match message:
            case Load():
                self._loads.put(message)
            case Generate() | Keep():
                self._inbox.put(message)
            case Cancel(id, seen):
                self._cancelled[id] = seen
            case Count(id, text) if self._engine is not None:
                self._send(Counted(id, len(self._engine.gguf.tokens(text))))
            case _:
                raise protocol.ProtocolError(f"{type(message).__name__} came before the model was loaded")

    # The computing thread.

    def _load(self, load: Load) -> Engine:
        if load.version != protocol.VERSION:
            raise Refused("Two versions of lwtui are mixed in this environment: install it anew.", "worker")
        try:
            from lwtui.models.llama_cpp.bindings import LoadError, NativeLog, devices
            from lwtui.models.llama_cpp.engine import Engine
            from lwtui.models.llama_cpp.fit import LoadOptions, Machine, fit
            from lwtui.models.llama_cpp.gguf_header import read_header
        except ModuleNotFoundError as error:
            raise Refused(
                f'Models on this machine need the package {error.name!r}: pip install "lwtui[local]".', "worker"
            ) from None
        except (ImportError, OSError, RuntimeError) as error:  # its native library
            raise Refused(f"llama-cpp-python cannot be used: {_one_line(error)}. Install it anew.", "worker") from None
        self._log = NativeLog()
        try:
            wish = LoadOptions(**load.wishes, sequences=protocol.MOST_ANSWERS)
            chosen = fit(read_header(Path(load.path)), Machine.here(devices()), wish)
        except LwtuiError as error:
            raise Refused(str(error), error.kind if isinstance(error, ModelError) else "refused") from None
        if not chosen.fits:
            raise Refused(f"Cannot load {load.path}: it {chosen.advice}", "worker")
        try:
            self._engine = engine = Engine(load.path, chosen, self._log)
        except LoadError as error:
            reason = _one_line(error).rstrip(".") or "llama.cpp does not say why"
            advice = "If the file may be incomplete, download it again."
            raise Refused(f"Cannot load {load.path}: {reason}. {advice}", "malformed") from None
        engine.should_abort = lambda: self._closing or any(call in self._cancelled for call in self._calls)
        self._read_template(engine)
        gguf = engine.gguf
        chat = self._template is not None
        self._send(Loaded(engine.context_length, gguf.trained_length, chat, gguf.description))
        return engine

    def _read_template(self, engine: Engine) -> None:
        from lwtui.models.llama_cpp.template import ChatTemplate, TemplateError

        gguf = engine.gguf
        if not (source := gguf.chat_template):
            self._template_fault = "This GGUF has no chat template: use the profile 'base' for it."
            return
        try:
            self._template = ChatTemplate(source, gguf.begin_mark, gguf.end_mark)
        except TemplateError as error:
            self._template_fault = f"The chat template of this GGUF is broken: {error}."

    def _accept(self, engine: Engine) -> bool:
        """Take in what has come; wait for it if there is nothing to compute. False once the input has closed."""
        wait = not self._calls
        while not self._closing:
            try:
                message = self._inbox.get(block=wait)
            except queue.Empty:
                return True
            wait = False
            match message:
                case Keep():
                    engine.keep_states(Path(message.folder), message.key, message.most_bytes)
                    wait = not self._calls
                case Generate():
                    self._last_accepted = message.id
                    try:
                        self._begin(message)
                    except Refused as refusal:
                        self._send(Failed(message.id, str(refusal), refusal.kind, refusal.retryable))
                        wait = not self._calls
        return False

    def _compute(self, engine: Engine) -> None:
        from lwtui.models.llama_cpp.engine import Aborted, EngineError

        try:
            written = engine.step()
        except Aborted:
            return
        except EngineError as error:
            for call in list(self._calls.values()):
                self._fail(engine, call, str(error))
            return
        if not written:
            self._tell_reading(engine)
        for answer, text in written:
            call = self._call_of(answer)
            call.text += text
            if answer.fault:
                self._fail(engine, call, answer.fault)
            elif answer.reason is not None:
                self._finish(engine, call, answer.reason)
            elif call.text and monotonic() - call.sent >= _FLUSH_SECONDS:
                self._flush(call)

    def _tell_reading(self, engine: Engine) -> None:
        for call in self._calls.values():
            if call.answer is engine.just_read and call.answer.sequence is not None:
                self._send(Read(call.id, len(call.answer.sequence.tokens)))

    def _flush(self, call: Call) -> None:
        if call.text:
            self._send(Text(call.id, call.text, call.answer.completion))
            call.text, call.sent = "", monotonic()

    def _finish(self, engine: Engine, call: Call, reason: str) -> None:
        self._flush(call)
        self._end(engine, call)
        self._send(Done(call.id, reason, call.answer.completion))

    def _fail(self, engine: Engine, call: Call, why: str) -> None:
        self._end(engine, call)
        self._send(Failed(call.id, f"The model failed: {_one_line(why)}.", "worker", retryable=True))

    def _end(self, engine: Engine, call: Call) -> None:
        del self._calls[call.id]
        engine.end(call.answer)

    def _call_of(self, answer: Generation) -> Call:
        return next(call for call in self._calls.values() if call.answer is answer)

    def _drop_cancelled(self, engine: Engine) -> None:
        for id, seen in list(self._cancelled.items()):
            call = self._calls.get(id)
            if call is not None:
                self._forget_unseen(engine, call.answer, seen)
                self._end(engine, call)
                self._send(Done(id, "cancelled", call.answer.completion))
            if id <= self._last_accepted:
                del self._cancelled[id]

    def _forget_unseen(self, engine: Engine, answer: Generation, seen: int) -> None:
        """Take back what was drawn after the reader had cancelled, since how much that is depends on timing."""
        if answer.sequence is None or answer.is_reading:
            return
        known = len(answer.prompt) + max(0, seen - 1)  # the last one that was seen need not have been computed yet
        engine.kv_cache.rewind(answer.sequence, min(known, len(answer.sequence.tokens)))

    def _begin(self, call: Generate) -> None:
        from lwtui.models.llama_cpp.engine import Generation, TooLong
        from lwtui.models.llama_cpp.output import TextOut
        from lwtui.models.llama_cpp.sampler import GrammarError, Sampler

        assert self._engine is not None and self._log is not None
        engine = self._engine
        prompt, thinking = self._prompt(call)
        if not prompt:
            raise Refused("The prompt is empty, and this model has no token that begins a text.", "refused")
        try:
            sampler = Sampler(engine.gguf, self._log, call.sampling, call.seed, call.grammar)
        except GrammarError as error:
            raise Refused(f"The grammar cannot be used: {_one_line(error)}.", "malformed") from None
        least = 0 if call.grammar else call.least  # a grammar may allow nothing but the end
        answer = Generation(prompt, sampler, TextOut(call.stop), call.max_tokens, least=least)
        try:
            engine.begin(answer)
        except TooLong as error:
            sampler.close()
            raise Refused(
                f"The prompt has {error.tokens} tokens, and the model's context takes {error.limit}: shorten the text "
                "or set context_length higher.",
                "context",
            ) from None
        self._calls[call.id] = Call(call.id, answer, thinking)

    def _prompt(self, call: Generate) -> tuple[list[int], bool]:
        """The tokens of the prompt, and whether the model is to go on thinking."""
        from lwtui.models.llama_cpp.prompt import chat_tokens, text_tokens
        from lwtui.models.llama_cpp.template import TemplateError

        assert self._engine is not None
        gguf = self._engine.gguf
        if not call.messages:
            return text_tokens(gguf, call.text), False
        if self._template is None:
            raise Refused(self._template_fault, "refused")
        try:
            parts = self._template.render([(role, content) for role, content in call.messages])
        except TemplateError as error:
            raise Refused(f"The chat template of this GGUF cannot be used: {error}.", "refused") from None
        thinking = parts[-1].from_template and parts[-1].text.rstrip().endswith("<think>")
        return chat_tokens(gguf, parts), thinking

    def _send(self, message: Message) -> None:
        line = protocol.encode(message)
        with self._writing:
            try:
                self._sink.write(line)
                self._sink.flush()
            except BrokenPipeError:
                os._exit(0)  # the app has gone


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300]


def main() -> None:
    """Keep the real standard output for messages: whatever native code prints goes to standard error."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        Worker(sys.stdin.buffer, sink).run()
    finally:
        if error := sys.exc_info()[1]:
            traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(1)  # an ordinary end would wait for the thread that reads


if __name__ == "__main__":
    main()
