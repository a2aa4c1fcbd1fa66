"""Models behind an OpenAI-compatible API: OpenAI itself, vLLM, llama-server, Ollama, OpenRouter and others.

One call is one attempt, with one exception: if the server refuses a parameter, the call is repeated at once without it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from lwtui.config import ModelSettings, Role
from lwtui.models.base import (
    AnswerVoided,
    Capabilities,
    Finished,
    Message,
    ModelError,
    ReasoningPiece,
    Request,
    StreamPart,
    TextPiece,
)
from lwtui.models.openai_errors import HttpStatusError, UnreadableAnswer, is_context_overflow
from lwtui.models.openai_http import Endpoint, list_models, read_body
from lwtui.models.openai_stream import (
    Chunk,
    StreamError,
    StreamState,
    finish_kind,
    parse_object,
    read_chunk,
    read_events,
)
from lwtui.models.prompt_cache import marked_content, takes_cache_marks
from lwtui.models.reasoning import ReasoningSplitter
from lwtui.models.reasoning_settings import REASONING_PARAMETERS, reasoning_parameters
from lwtui.models.server_info import ServerInfo, ask_server
from lwtui.models.timed_reading import next_within
from lwtui.models.usage import Usage, estimate_tokens
from lwtui.request_settings import merged

if TYPE_CHECKING:
    import httpx2

__all__ = ["OpenAIModel", "list_models"]

_log = logging.getLogger(__name__)

_DEFAULT_CONTEXT = 8192
# OpenAI's own /models does not state context lengths.
_OPENAI_CONTEXT = ((r"^(gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-[5-9]|o\d|chatgpt)", 128_000), (r"^gpt-3\.5", 16_385))
_MODELS_SECONDS = 5.0
_DRAIN_SECONDS = 0.1
_USAGE_SECONDS = 5.0  # how long to wait for the usage after the completion has ended
_MOST_UNREADABLE = 16  # answers to remember
_MOST_PARALLEL = 8  # calls at a time, whatever a server offers
_MAX_CHAT_STOPS = 4  # OpenAI takes no more

# Parameters that servers of open models take, but OpenAI does not.
_EXTENSIONS = (
    "top_k",
    "min_p",
    "repeat_penalty",
    "dry_multiplier",
    "dry_base",
    "dry_allowed_length",
    "xtc_probability",
    "xtc_threshold",
    "grammar",
)
# Parameters to leave out when a server refuses them, the most dispensable first.
_OPTIONAL = (
    *REASONING_PARAMETERS,
    "stream_options",
    *_EXTENSIONS,
    "response_format",
    "seed",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "top_p",
    "stop",
    "temperature",
)
_LIMITS = ("max_completion_tokens", "max_tokens")
_UNSUPPORTED = re.compile(
    r"unsupported|not support|n't support|unrecognized|unknown|extra|not permitted|instead", re.IGNORECASE
)

# Parameters whose names are also ordinary words: an error names them only where the context suggests a name.
_ORDINARY_WORDS = ("stop", "seed", "grammar", "reasoning")
_BEFORE_NAME = r"(?:^|['\"`.]|: |\b(?:parameter|argument|field|property|option|invalid) )"

_NO_SYSTEM = re.compile(
    r"system (role|message|prompt|instruction)|developer instruction|\brole\b.{0,60}system|system.{0,60}\brole\b"
    r"|roles must alternate|messages?\[0\]\.role",
    re.IGNORECASE | re.DOTALL,
)
_TOKEN_BOUND = re.compile(r"max\w*[ _]tokens|tokens?\b.{0,40}(limit|afford|at most|exceed)", re.IGNORECASE | re.DOTALL)
_BOUND = re.compile(r"(?<![\w.-])(?<!position )(?<!code )\d{2,9}(?![\w-])")
_NO_REASONING = re.compile(r"\b(reasoning|thinking|think|thoughts?|effort)\b", re.IGNORECASE)
_ANY_PARAMETER = re.compile(r"\b(parameter|argument|field|property|option|setting)s?\b|not enabled", re.IGNORECASE)

_CONTEXT_LENGTH = re.compile(r"context (?:length|size|window)\D{0,20}(\d{3,8})", re.IGNORECASE)


class OpenAIModel:
    """A model at an OpenAI-compatible endpoint (see :class:`lwtui.models.base.Model`).

    Making it does not connect; :meth:`connect` does.

    Args:
        settings: The model's settings.
        key: The API key; may be empty. It goes only to the origin of ``settings.base_url``, and into no message.

    Raises:
        ModelError: The address or the key is invalid.
    """

    def __init__(self, settings: ModelSettings, key: str) -> None:
        self.name = settings.name
        self.model_hash = ""
        self._settings = settings
        self._model = settings.model or settings.name
        self._endpoint = Endpoint(settings, key)
        self._errors = self._endpoint.errors
        self._ends: tuple[type[Exception], ...] = (StopAsyncIteration, ModelError, *self._endpoint.faults)
        self._context_length = settings.context_length or self._default_context()
        self._refused: set[str] = set()  # parameters
        roles = map(settings.for_role, Role)
        self._own_parameters = {name for own in roles for name in own.extra_body}  # the user's, never left out
        self._limit_name = "max_tokens"
        self._max_tokens: int | None = None  # the server's upper bound of max_tokens, once it has stated one
        self._unreadable: dict[str, str] = {}  # the beginnings of answers to prompts, the newest first
        self._thinks_at_once = False  # whether its answers begin with reasoning that no tag opens
        self._folds_system = False  # whether the server takes no system message
        self._guessed_no_system = False  # whether that was tried without the server having said so
        self._has_answered = False  # with any text or reasoning
        # All optional parameters that were left out after an unclear refusal; ``None`` before one.
        self._left_out_own: frozenset[str] | None = None
        self._sends_finish_reason = False  # whether this server has ever sent one
        self._token_ratio = 1.0
        self._parallel = Capabilities(0).parallel
        self._marks_cache = takes_cache_marks(settings.base_url, self._model)

    @property
    def capabilities(self) -> Capabilities:
        """What the endpoint can do, as far as the settings say."""
        constrain = self._settings.constrain
        return Capabilities(
            context_length=self._context_length,
            completion=True,
            grammar=constrain == "grammar",
            json_schema=constrain == "json_schema",
            parallel=self._parallel,
        )

    async def server(self) -> ServerInfo:
        """Ask the server what it is (see :func:`lwtui.models.server_info.ask_server`)."""
        return await ask_server(self._endpoint, self._settings.base_url, self._model)

    async def connect(self, server: ServerInfo | None = None) -> None:
        """Ask the endpoint for the context length, unless the settings or ``server`` state it.

        Never fails: if the endpoint has no ``/models`` or is unreachable, the first call will tell.
        """
        if server and server.parallel:
            self._parallel = min(server.parallel, _MOST_PARALLEL)
        if self._settings.context_length:
            return
        if server and server.context_length:
            self._context_length = server.context_length
            return
        entries = await self._model_entries()
        # A server with one model often takes any name for it.
        matches = [entry for entry in entries if entry["id"] == self._model] or (entries if len(entries) == 1 else [])
        self._context_length = next(filter(None, map(_context_length, matches)), self._context_length)

    async def aclose(self) -> None:
        """Close the connections; calls under way fail."""
        await self._endpoint.aclose()

    async def count_tokens(self, text: str) -> int:
        """Estimate the tokens of ``text`` (see :func:`lwtui.models.usage.estimate_tokens`).

        The true counts of finished calls correct the estimate, by a factor of 0.8 to 2.
        """
        return self._estimated_tokens(text)

    def _estimated_tokens(self, text: str) -> int:
        return ceil(estimate_tokens(text) * self._token_ratio)

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Make one call and yield its parts; see :meth:`lwtui.models.base.Model.stream`."""
        while True:
            body, is_empty = self._body(request), True
            try:
                async with aclosing(self._attempt(request, body)) as parts:
                    async for part in parts:
                        if is_empty:
                            is_empty = isinstance(part, Finished)
                            if is_empty and self._may_lack_system(body):
                                break
                        yield part
                    else:
                        self._has_answered |= not is_empty
                        return
            except UnreadableAnswer as error:
                raise self._unreadable_again(request, error) from None
            except ModelError as error:
                if error.code != "no-answer" or not self._may_lack_system(body):
                    raise
            except HttpStatusError as refusal:
                if not self._adapt(body, refusal):
                    raise await self._explain(refusal, body) from None

    def _may_lack_system(self, body: dict[str, Any]) -> bool:
        """Whether to repeat a call without a system message, because it had no answer and neither had one before.

        Some servers start an answer before the chat template refuses the system message, and then send nothing.
        """
        if self._guessed_no_system and not self._has_answered:
            self._folds_system = False  # it was not the cause
        if self._has_answered or self._folds_system or self._guessed_no_system:
            return False
        self._folds_system = any(each["role"] == "system" for each in body.get("messages", ()))
        self._guessed_no_system = self._folds_system
        return self._folds_system

    def _unreadable_again(self, request: Request, error: UnreadableAnswer) -> ModelError:
        """Return the error, which is final if the same request had the same unreadable answer before."""
        prompt = request.prompt.plain()
        if error.sample and self._unreadable.get(prompt) == error.sample:
            return self._errors.malformed(error.why, error.sample, again=True)
        self._unreadable = {prompt: error.sample, **dict(list(self._unreadable.items())[: _MOST_UNREADABLE - 1])}
        return error

    async def _attempt(self, request: Request, body: dict[str, Any]) -> AsyncGenerator[StreamPart, None]:
        """Send one request.

        Raises:
            HttpStatusError: The server refused it; nothing was yielded.
            ModelError: It failed.
        """
        splitter = ReasoningSplitter(perhaps=self._thinks_at_once) if request.prompt.is_chat else None
        state, thought = StreamState(request.max_tokens, self._settings.stall_seconds, _USAGE_SECONDS), 0.0
        async with AsyncExitStack() as stack:
            with self._endpoint.translate_errors():
                async with asyncio.timeout(self._settings.connect_seconds + self._settings.stall_seconds):
                    events = await stack.enter_async_context(self._open(request, body))
            while not (state.is_too_long or (splitter is not None and splitter.ended)):
                began = monotonic()
                try:
                    event = await next_within(events, state.timeout)
                    chunk = None if event is None else self._read(event)
                except self._ends as end:
                    if state.finish:
                        break  # only the usage can follow, so faults are ignored
                    raise await self._cause_of(end, state) from None
                if chunk is None:
                    break
                chunk = state.update(chunk, monotonic() - began)
                if chunk.reasoning:
                    thought += estimate_tokens(chunk.reasoning)
                    yield ReasoningPiece(chunk.reasoning)
                if chunk.text:
                    for part in splitter.add(chunk.text) if splitter else [TextPiece(chunk.text)]:
                        if isinstance(part, AnswerVoided):
                            self._thinks_at_once = True
                        yield part
            await self._drain(events)
        has_ended = splitter is not None and splitter.ended
        finish = "stop" if has_ended else "length" if state.is_too_long else state.finish
        self._sends_finish_reason |= bool(state.finish)
        for part in splitter.close() if splitter else []:
            yield part
        kind = finish_kind(finish)
        # OpenRouter and vLLM send "error" or "abort" when the model's own server failed. llama-cpp-python's server
        # omits the reason when another request interrupts this one. Some servers never send a reason.
        if kind == "error" or (not finish and self._sends_finish_reason):
            raise self._errors.dropped()
        if kind == "filter" or state.refusal:
            raise self._errors.filtered(state.refusal)
        # An unknown reason counts as a regular end: whether the text breaks off is seen from the text.
        yield Finished("length" if kind == "length" else "stop", self._usage(request, state, thought))

    @asynccontextmanager
    async def _open(
        self, request: Request, body: dict[str, Any]
    ) -> AsyncIterator[AsyncGenerator[dict[str, Any] | None, None]]:
        """Send a request, and yield the events of its answer; ``None`` among them is the regular end."""
        response = await self._endpoint.request(self._path(body), body, role=request.role)
        try:
            async with aclosing(self._events(response)) as events:
                yield events
        finally:
            await response.aclose()

    def _events(self, response: httpx2.Response) -> AsyncGenerator[dict[str, Any] | None, None]:
        """Return the events of a response; ``None`` is its regular end."""
        content_type = response.headers.get("content-type", "")
        if content_type.startswith("text/html"):
            raise self._errors.not_a_stream(content_type)
        # Some servers send the whole answer at once, or report an error under a success status.
        if content_type.startswith("application/json"):
            return _whole_answer(response)
        # The stream itself, which is never compressed: the endpoint refuses answers that are. httpx's layers for
        # decoding it would take as long for each token as parsing it.
        return read_events(aiter(cast("httpx2.AsyncByteStream", response.stream)))

    async def _cause_of(self, end: Exception, state: StreamState) -> ModelError:
        """Return the error for what ended the events too early."""
        if isinstance(end, StopAsyncIteration):
            return self._errors.dropped() if state.began else self._errors.no_answer()
        return end if isinstance(end, ModelError) else self._endpoint.translated(end)

    async def _drain(self, events: AsyncIterator[object]) -> None:
        """Read to the end of the response if it is near, so that the next call can reuse the connection."""
        with suppress(StopAsyncIteration, ModelError), self._endpoint.translate_errors():
            async with asyncio.timeout(_DRAIN_SECONDS):
                await anext(events)

    def _body(self, request: Request) -> dict[str, Any]:
        """Build the request body, without the parameters that this server has refused."""
        is_chat = request.prompt.is_chat
        body: dict[str, Any] = {"model": self._model, "stream": True}
        if is_chat:
            body["messages"] = self._messages(request)
        else:
            body["prompt"] = encodable(request.prompt.text)
        limit = min(request.max_tokens, self._max_tokens or request.max_tokens)
        body[self._limit_name if is_chat else "max_tokens"] = limit
        settings = self._settings.for_role(request.role)
        optional: dict[str, Any] = {"stream_options": {"include_usage": True}, **request.sampling.to_dict()}
        if is_chat:
            optional |= reasoning_parameters(settings)
        if request.seed is not None:
            optional["seed"] = request.seed
        if request.stop:
            optional["stop"] = list(request.stop[:_MAX_CHAT_STOPS] if is_chat else request.stop)
        if request.json_schema is not None and self.capabilities.json_schema:
            schema = {"name": "answer", "schema": request.json_schema, "strict": True}
            optional["response_format"] = {"type": "json_schema", "json_schema": schema}
        if request.grammar and self.capabilities.grammar:
            optional["grammar"] = request.grammar
        left_out = self._refused | (set(_EXTENSIONS) if self._errors.is_openai else set())
        sent = {name: value for name, value in optional.items() if name not in left_out}
        return self._with_own(body | sent, settings)

    def _messages(self, request: Request) -> list[dict[str, Any]]:
        messages = _folded(request.prompt.messages) if self._folds_system else request.prompt.messages
        content = marked_content if self._marks_cache else str
        return [{"role": each.role, "content": content(encodable(each.content))} for each in messages]

    def _with_own(self, body: dict[str, Any], settings: ModelSettings) -> dict[str, Any]:
        """Return ``body`` with the user's own parameters."""
        return merged(body, settings.extra_body)

    def _path(self, body: dict[str, Any]) -> str:
        """Return where to send a request: a path below the endpoint's address, or a whole address."""
        return "/chat/completions" if "messages" in body else "/completions"

    def _read(self, event: dict[str, Any]) -> Chunk:
        """Read an event of the stream. Raises :class:`MalformedStream` if a value has the wrong type."""
        return read_chunk(event)

    def _adapt(self, body: dict[str, Any], refusal: HttpStatusError) -> bool:
        """Note the parameter of ``body`` that the server refuses, and return whether to repeat the call without it."""
        # 500 too: llama-cpp-python's server sends it where it should send 422.
        if refusal.status not in (400, 402, 422, 500) or is_context_overflow(refusal.status, refusal.error):
            return False
        message = refusal.error["message"]
        if _NO_SYSTEM.search(f"{message} {refusal.error['param']}") and not self._folds_system:
            self._folds_system = any(each["role"] == "system" for each in body.get("messages", ()))
            if self._folds_system:
                return True
        named = next((name for name in (*_OPTIONAL, *_LIMITS) if name in body and _names(refusal.error, name)), None)
        if named is None and _UNSUPPORTED.search(message) and names_reasoning(message):
            named = next((name for name in REASONING_PARAMETERS if name in body), None)
        if named in self._own_parameters:
            return False
        if named is not None and named not in _LIMITS:
            self._leave_out(named)
            return True
        if named is not None or (refusal.status != 500 and _TOKEN_BOUND.search(message)):
            limit = next(name for name in _LIMITS if name in body)
            return self._adapt_limit(body, limit, message.replace(",", ""), is_named=named is not None)
        is_unclear = not any(_names(refusal.error, name) for name in _OPTIONAL)
        return is_unclear and refusal.status in (400, 422) and self._leave_out_own(body, message)

    def _adapt_limit(self, body: dict[str, Any], limit: str, message: str, *, is_named: bool) -> bool:
        """Take over the bound of ``max_tokens`` that a refusal states, or use the parameter's other name."""
        allowed = [number for number in map(int, _BOUND.findall(message)) if 16 <= number < body[limit]]
        if allowed and not (is_named and _UNSUPPORTED.search(message)):
            self._max_tokens = max(allowed)
            return True
        if is_named and limit == "max_tokens" and "messages" in body:
            self._limit_name = "max_completion_tokens"
            return True
        return False

    def _leave_out(self, name: str) -> None:
        self._refused.add(name)
        if name in REASONING_PARAMETERS:
            _log.warning("%s refuses %s, which is left out from now on.", self._errors.host, name)

    def _leave_out_own(self, body: dict[str, Any], message: str) -> bool:
        """Leave out what lwtui added, once, after a refusal that is about some parameter without naming it."""
        dropped = {name for name in body if "penalty" in name} if "penalt" in message.lower() else set()
        if not dropped and self._left_out_own is None and _ANY_PARAMETER.search(message):
            dropped = {name for name in _OPTIONAL if name in body} - self._own_parameters
            self._left_out_own = frozenset(dropped)
        elif not dropped and self._left_out_own:
            self._refused -= self._left_out_own  # they were not the cause
            self._left_out_own = frozenset()
        self._refused |= dropped
        return bool(dropped)

    async def _explain(self, refusal: HttpStatusError, body: dict[str, Any]) -> ModelError:
        """Make the error for a refusal; for an unknown model, it lists some that the endpoint has."""
        error = self._errors.from_status(refusal)
        if error.kind == "context" and (stated := _CONTEXT_LENGTH.search(refusal.error["message"])):
            self._context_length = min(self._context_length, int(stated[1]))
        if error.kind != "unknown-model" and refusal.status != 404:
            return error
        available = [self._errors.sanitize(entry["id"]) for entry in await self._model_entries()]
        if error.kind == "unknown-model" or (available and self._model not in available):
            return self._errors.unknown_model(available)
        return self._errors.no_such_path(self._path(body))

    async def _model_entries(self) -> list[dict[str, Any]]:
        """Fetch the entries of ``/models``; empty if the endpoint fails or is slow."""
        try:
            with self._endpoint.translate_errors():
                async with asyncio.timeout(min(self._settings.connect_seconds, _MODELS_SECONDS)):
                    return await self._endpoint.model_entries()
        except (ModelError, HttpStatusError):
            return []

    def _default_context(self) -> int:
        if self._errors.is_openai:
            for pattern, length in _OPENAI_CONTEXT:
                if re.search(pattern, self._model):
                    return length
        return _DEFAULT_CONTEXT

    def _usage(self, request: Request, state: StreamState, thought: float) -> Usage:
        """Return the usage that the server reported, or an estimate.

        A reported usage corrects later estimates. ``thought`` is the uncorrected estimate of the reasoning's tokens.
        """
        prompt, reported = estimate_tokens(request.prompt.plain()), state.usage
        if reported is None or not reported.prompt:
            estimated = thought + sum(map(estimate_tokens, state.texts))
            completion = reported.completion if reported else ceil(estimated * self._token_ratio)
            return Usage(ceil(prompt * self._token_ratio), completion)
        if prompt >= 100:  # a short prompt is mostly the chat template's own tokens
            ratio = min(2.0, max(0.8, reported.prompt / prompt))
            # Up at once, down slowly: a high estimate is safe, a low one overruns the context.
            self._token_ratio = max(ratio, 0.9 * self._token_ratio + 0.1 * ratio)
        return reported


async def _whole_answer(response: httpx2.Response) -> AsyncGenerator[dict[str, Any] | None, None]:
    """Yield the one event of a response that is no stream, and ``None``."""
    answer = parse_object(await read_body(response))
    if answer.get("error"):
        raise StreamError(answer)
    yield answer
    yield None


def names_reasoning(message: str) -> bool:
    """Whether a server's message is about reasoning."""
    return _NO_REASONING.search(message) is not None


def _names(error: dict[str, str], name: str) -> bool:
    """Whether a server's error is about the parameter called ``name``."""
    if name in re.split(r"[.\[\]]", error["param"]):
        return True
    before = _BEFORE_NAME if name in _ORDINARY_WORDS else r"\b"
    camel = re.sub(r"_(\w)", lambda match: match[1].upper(), name)
    return re.search(rf"{before}(?:{name}|{camel})\b", error["message"], re.IGNORECASE) is not None


def _folded(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return messages without a system message: its text begins the first message of the user."""
    system = "\n\n".join(each.content for each in messages if each.role == "system")
    first, *others = [each for each in messages if each.role != "system"] or [Message("user", "")]
    return (Message(first.role, f"{system}\n\n{first.content}".strip()), *others)


def _context_length(entry: dict[str, Any]) -> int:
    """Read the context length (tokens) from an entry of ``/models`` (vLLM, OpenRouter, Groq, llama-server), or 0."""
    meta = entry.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    names = ("max_model_len", "context_length", "context_window", "max_context_length", "max_input_tokens")
    stated = [entry.get(name) for name in names]
    stated += [meta.get("n_ctx"), meta.get("n_ctx_train")]
    return next((value for value in stated if isinstance(value, int) and value > 0), 0)


def encodable(text: str) -> str:
    """Replace lone surrogates, which cannot be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")
