"""The worker process, which holds a model: ``python -m lwtui.models.llama_cpp.worker``.

It reads calls from its standard input, computes several at a time, and ends when that input closes, so it never
outlives the app. A second thread reads the calls: it counts tokens at once, and tells the computation which calls were
canceled.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO

from lwtui.models.llama_cpp import protocol
from lwtui.models.llama_cpp.loading import CallRefused, explained_load, plan_load, require_llama_cpp, short_reason
from lwtui.models.llama_cpp.protocol import (
    CallFailed,
    Cancel,
    CountTokens,
    Generate,
    GenerationDone,
    KeepStates,
    Load,
    ModelLoaded,
    PromptRead,
    PromptStarted,
    TextChunk,
    TokenCount,
    WorkerMessage,
)
from lwtui.models.reasoning import opens_reasoning
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.models.llama_cpp.bindings import NativeLog
    from lwtui.models.llama_cpp.engine import Engine
    from lwtui.models.llama_cpp.generation import Generation
    from lwtui.models.llama_cpp.template import ChatTemplate

_MAX_SAVING_SECONDS = 20.0  # how long this process may outlive its input
_FLUSH_SECONDS = 0.05
_UNSURE = 1.2  # nats of entropy, from which on a token is reported
_TAIL = 40  # characters before such a token


@dataclass
class ActiveCall:
    """A call whose completion is being computed.

    Text is sent a few tokens at a time, because reading it costs the app a core that the model needs.

    Attributes:
        id: The call.
        generation: Its completion.
        thinking: Whether the chat template has already opened the model's reasoning.
        unsent: Text that has not been sent yet.
        last_sent: When text was last sent, by the monotonic clock.
        unsure: The pieces of it that the model was unsure of, as :class:`TextChunk` has them.
        tail: The last characters of the completion, if the entropy of its tokens is measured.
    """

    id: int
    generation: Generation
    thinking: bool
    unsent: str = ""
    last_sent: float = 0.0
    unsure: list[list[Any]] = field(default_factory=list)
    tail: str = ""


class Worker:
    """Answers the calls that arrive on ``source`` with messages on ``sink``."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._send_lock = threading.Lock()
        self._loads: queue.Queue[Load] = queue.Queue()
        self._inbox: queue.Queue[Generate | KeepStates | None] = queue.Queue()
        self._closing = False
        self._canceled: dict[int, int] = {}  # call id → how many tokens its caller has seen
        self._calls: dict[int, ActiveCall] = {}
        self._last_accepted = 0
        self._engine: Engine | None = None
        self._log: NativeLog | None = None
        self._template: ChatTemplate | None = None
        self._template_fault = ""

    def run(self) -> None:
        """Load the model that the first message names, then answer calls until the input closes."""
        threading.Thread(target=self._read, daemon=True).start()
        try:
            engine = self._load(self._loads.get())
        except CallRefused as refusal:
            self._send(CallFailed(0, str(refusal), refusal.kind, refusal.retryable))
            return
        while self._accept(engine):
            self._drop_canceled(engine)
            for generation in engine.admit():
                call = self._call_of(generation)
                self._send(PromptStarted(call.id, len(generation.prompt), generation.cached, call.thinking))
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
        # The app has gone or is about to go, so this process must end soon.
        self._closing = True
        self._inbox.put(None)
        time.sleep(_MAX_SAVING_SECONDS)
        os._exit(0)

    def _receive(self, message: WorkerMessage) -> None:
        match message:
            case Load():
                self._loads.put(message)
            case Generate() | KeepStates():
                self._inbox.put(message)
            case Cancel(call_id, seen_tokens):
                self._canceled[call_id] = seen_tokens
            case CountTokens(call_id, text) if self._engine is not None:
                self._send(TokenCount(call_id, len(self._engine.gguf.tokenize(text))))
            case _:
                raise protocol.ProtocolError(f"{type(message).__name__} came before the model was loaded")

    # The computing thread.

    def _load(self, load: Load) -> Engine:
        require_llama_cpp(load)
        from lwtui.models.llama_cpp.bindings import NativeLog
        from lwtui.models.llama_cpp.engine import Engine

        plan = plan_load(load, sequences=protocol.MAX_SEQUENCES)
        self._log = NativeLog()
        with explained_load(load.path):
            self._engine = engine = Engine(load.path, plan.fit, self._log, plan.turns)
        engine.should_abort = lambda: self._closing or any(call_id in self._canceled for call_id in self._calls)
        self._read_template(engine)
        gguf, header = engine.gguf, plan.header
        self._send(
            ModelLoaded(
                engine.context_length,
                gguf.training_context,
                chat=self._template is not None,
                description=gguf.description,
                sampling=header.sampling.to_dict(),
                weights=header.weights,
            )
        )
        return engine

    def _read_template(self, engine: Engine) -> None:
        from lwtui.models.llama_cpp.template import ChatTemplate, TemplateError

        gguf = engine.gguf
        if not (source := gguf.chat_template):
            self._template_fault = _("This GGUF has no chat template: use the profile 'base' for it.")
            return
        try:
            self._template = ChatTemplate(source, gguf.bos_text, gguf.eos_text)
        except TemplateError as error:
            self._template_fault = _("The chat template of this GGUF is broken: {error}.", error=error)

    def _accept(self, engine: Engine) -> bool:
        """Take in the messages that have come, and wait for one if there is nothing to compute.

        Returns:
            False once the input has closed.
        """
        wait = not self._calls
        while not self._closing:
            try:
                message = self._inbox.get(block=wait)
            except queue.Empty:
                return True
            wait = False
            match message:
                case KeepStates():
                    engine.keep_states(Path(message.folder), message.key, message.max_bytes)
                    wait = not self._calls
                case Generate():
                    self._last_accepted = message.id
                    try:
                        self._begin(message)
                    except CallRefused as refusal:
                        self._send(CallFailed(message.id, str(refusal), refusal.kind, refusal.retryable))
                        wait = not self._calls
        return False

    def _compute(self, engine: Engine) -> None:
        from lwtui.models.llama_cpp.engine import EngineError, StepAborted

        try:
            sampled = engine.step()
        except StepAborted:
            return
        except EngineError as error:
            for call in list(self._calls.values()):
                self._fail(engine, call, str(error))
            return
        if not sampled:
            self._send_prompt_progress(engine)
        for generation, text in sampled:
            call = self._call_of(generation)
            if text and call.generation.sampler.entropy >= _UNSURE:
                call.unsure.append([call.tail, text, round(call.generation.sampler.entropy, 3)])
            call.unsent += text
            call.tail = (call.tail + text)[-_TAIL:]
            if generation.fault:
                self._fail(engine, call, generation.fault)
            elif generation.reason is not None:
                self._finish(engine, call, generation.reason)
            elif call.unsent and monotonic() - call.last_sent >= _FLUSH_SECONDS:
                self._flush(call)

    def _send_prompt_progress(self, engine: Engine) -> None:
        for call in self._calls.values():
            if call.generation is engine.last_prefilled and call.generation.sequence is not None:
                self._send(PromptRead(call.id, len(call.generation.sequence.tokens)))

    def _flush(self, call: ActiveCall) -> None:
        if call.unsent:
            self._send(TextChunk(call.id, call.unsent, call.generation.completion, call.unsure))
            call.unsent, call.unsure, call.last_sent = "", [], monotonic()

    def _finish(self, engine: Engine, call: ActiveCall, reason: str) -> None:
        self._flush(call)
        self._end(engine, call)
        self._send(GenerationDone(call.id, reason, call.generation.completion))

    def _fail(self, engine: Engine, call: ActiveCall, reason: str) -> None:
        self._end(engine, call)
        self._send(
            CallFailed(call.id, _("The model failed: {reason}.", reason=short_reason(reason)), "worker", retryable=True)
        )

    def _end(self, engine: Engine, call: ActiveCall) -> None:
        del self._calls[call.id]
        engine.release(call.generation)

    def _call_of(self, generation: Generation) -> ActiveCall:
        return next(call for call in self._calls.values() if call.generation is generation)

    def _drop_canceled(self, engine: Engine) -> None:
        for call_id, seen_tokens in list(self._canceled.items()):
            call = self._calls.get(call_id)
            if call is not None:
                self._forget_unseen(engine, call.generation, seen_tokens)
                self._end(engine, call)
                self._send(GenerationDone(call_id, "canceled", call.generation.completion))
            if call_id <= self._last_accepted:
                del self._canceled[call_id]

    def _forget_unseen(self, engine: Engine, generation: Generation, seen_tokens: int) -> None:
        """Remove the tokens that the caller never saw from the KV cache, since their number depends on timing."""
        if generation.sequence is None or generation.is_prefilling:
            return
        # The last token that the caller saw may not have been evaluated yet.
        keep = len(generation.prompt) + max(0, seen_tokens - 1)
        engine.kv_cache.truncate(generation.sequence, min(keep, len(generation.sequence.tokens)))

    def _begin(self, call: Generate) -> None:
        from lwtui.models.llama_cpp.engine import PromptTooLong
        from lwtui.models.llama_cpp.generation import Generation
        from lwtui.models.llama_cpp.output import OutputDecoder
        from lwtui.models.llama_cpp.prompt_lookup import PromptLookup
        from lwtui.models.llama_cpp.sampler import GrammarError, Sampler

        assert self._engine is not None and self._log is not None
        engine = self._engine
        prompt, thinking = self._tokenize(call)
        if not prompt:
            raise CallRefused(_("The prompt is empty, and this model has no token to begin a text with."), "refused")
        try:
            sampler = Sampler(engine.gguf, self._log, call.sampling, call.seed, call.grammar, measures=call.entropy)
        except GrammarError as error:
            raise CallRefused(
                _("The grammar cannot be used: {reason}.", reason=short_reason(error)), "malformed"
            ) from None
        min_words = 0 if call.grammar else call.min_words  # a grammar may allow nothing but the end
        # Steps of several tokens have no entropy for each.
        lookup = PromptLookup(prompt) if call.repeats_prompt and not call.entropy else None
        penalized = None if call.penalized is None else engine.gguf.tokenize(call.penalized)
        output = OutputDecoder(call.stop)
        generation = Generation(
            prompt, sampler, output, call.max_tokens, min_words=min_words, lookup=lookup, penalized=penalized
        )
        try:
            engine.submit(generation)
        except PromptTooLong as error:
            sampler.close()
            raise CallRefused(
                _(
                    "The prompt has {tokens} tokens, and the model's context holds {limit}: shorten the text "
                    "or raise context_length.",
                    tokens=error.tokens,
                    limit=error.limit,
                ),
                "context",
            ) from None
        self._calls[call.id] = ActiveCall(call.id, generation, thinking)

    def _tokenize(self, call: Generate) -> tuple[list[int], bool]:
        """Tokenize the prompt.

        Returns:
            The tokens, and whether the chat template has already opened the model's reasoning.
        """
        from lwtui.models.llama_cpp.prompt import tokenize_chat, tokenize_text
        from lwtui.models.llama_cpp.template import TemplateError

        assert self._engine is not None
        gguf = self._engine.gguf
        if not call.messages:
            return tokenize_text(gguf, call.text), False
        if self._template is None:
            raise CallRefused(self._template_fault, "refused")
        try:
            parts = self._template.render([(role, content) for role, content in call.messages])
        except TemplateError as error:
            raise CallRefused(
                _("The chat template of this GGUF cannot be used: {error}.", error=error), "refused"
            ) from None
        thinking = parts[-1].from_template and opens_reasoning(parts[-1].text)
        return tokenize_chat(gguf, parts), thinking

    def _send(self, message: WorkerMessage) -> None:
        line = protocol.encode(message)
        with self._send_lock:
            try:
                self._sink.write(line)
                self._sink.flush()
            except BrokenPipeError:
                os._exit(0)  # the app has gone


def main() -> None:
    """Run the worker.

    The real standard output carries messages only, so anything that native code prints there goes to standard error.
    """
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        Worker(sys.stdin.buffer, sink).run()
    finally:
        if error := sys.exc_info()[1]:
            traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(1)  # a regular exit would wait for the reading thread


if __name__ == "__main__":
    main()
