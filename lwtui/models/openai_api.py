"""Models behind an OpenAI-compatible address: OpenAI itself, vLLM, llama-server, Ollama, OpenRouter and others.

One call is one attempt, except that a parameter which the server refuses is left out, and the call made again at once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Any

from lwtui.config import ModelSettings
from lwtui.models.base import Capabilities, Finished, ModelError, ReasoningPiece, Request, StreamPart, TextPiece
from lwtui.models.openai_errors import HttpStatus, names_context
from lwtui.models.openai_http import Endpoint, list_models, read_body
from lwtui.models.openai_stream import Chunk, Heard, StreamError, ThinkSplitter, parse_object, read_chunk, read_events
from lwtui.models.usage import Usage

if TYPE_CHECKING:
    import httpx2

__all__ = ["OpenAIModel", "list_models"]

_DEFAULT_CONTEXT = 8192
# OpenAI's own /models does not say it.
_OPENAI_CONTEXT = ((r"^(gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-[5-9]|o\d|chatgpt)", 128_000), (r"^gpt-3\.5", 16_385))
_MODELS_SECONDS = 5.0
_DRAIN_SECONDS = 0.1
_USAGE_SECONDS = 5.0  # how long an answer that has ended waits for its usage
_CHAT_STOPS = 4  # OpenAI takes no more

# Not in OpenAI's interface; servers of open models take them.
_EXTRA = (
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
# What may be left out when a server refuses it, the least missed first.
_DROPPABLE = (
    "stream_options",
    *_EXTRA,
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
_UNSUPPORTED = re.compile(r"unsupported|not supported|unrecognized|unknown|extra|not permitted|instead", re.IGNORECASE)

# Parameters whose names are ordinary words too: they count as named only where a name would stand.
_ORDINARY = ("stop", "seed", "grammar")
_NAME_PLACE = r"(?:^|['\"`.]|: |\b(?:parameter|argument|field|property|option|invalid) )"

_CONTEXT_LENGTH = re.compile(r"context (?:length|size|window)\D{0,20}(\d{3,8})", re.IGNORECASE)
_ALPHABETIC = re.compile("[\x80-\u058f]")


class OpenAIModel:
    """A model at an OpenAI-compatible endpoint (see :class:`lwtui.models.base.Model`).

    ``key`` may be empty. It is sent to the origin of ``settings.base_url`` only and is in no message.
    """

    def __init__(self, settings: ModelSettings, key: str) -> None:
        """Raises :class:`ModelError` for an address or a key that cannot be one. Does not connect."""
        self.name = settings.name
        self.model_hash = ""
        self._settings = settings
        self._model = settings.model or settings.name
        self._endpoint = Endpoint(settings, key)
        self._faults = self._endpoint.faults
        self._context_length = settings.context_length or self._usual_context()
        self._dropped: set[str] = set()
        self._limit_name = "max_tokens"
        self._most_tokens: int | None = None  # what the server takes as max_tokens, once it has said so
        self._gives_reasons = False  # a finish reason has come from this server before
        self._token_ratio = 1.0

    @property
    def capabilities(self) -> Capabilities:
        constrain = self._settings.constrain
        return Capabilities(
            context_length=self._context_length,
            completion=True,
            grammar=constrain == "grammar",
            json_schema=constrain == "json_schema",
        )

    async def connect(self) -> None:
        """Ask the endpoint for the context's length, unless the settings give it.

        Never fails: an endpoint without ``/models``, or one that is away, is found out by the first call.
        """
        if self._settings.context_length:
            return
        entries = await self._models()
        # A server of one model often takes any name for it.
        mine = [one for one in entries if one["id"] == self._model] or (entries if len(entries) == 1 else [])
        self._context_length = next(filter(None, map(_context_length, mine)), self._context_length)

    async def aclose(self) -> None:
        """Close the connections; calls that are under way fail."""
        await self._endpoint.aclose()

    async def count_tokens(self, text: str) -> int:
        """An estimate: 3.5 characters of ASCII a token, 2 of other alphabets, and 1.1 tokens for each CJK character.

        Finished calls correct it by their true counts, by a factor of 0.8 to 2.
        """
        return ceil(_estimate(text) * self._token_ratio)

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Make the call and yield what comes; see :meth:`lwtui.models.base.Model.stream`."""
        while True:
            body = self._body(request)
            try:
                async with aclosing(self._attempt(request, body)) as parts:
                    async for part in parts:
                        yield part
                return
            except HttpStatus as refusal:
                if not self._adapt(body, refusal):
                    raise await self._explained(refusal, body) from None

    async def _attempt(self, request: Request, body: dict[str, Any]) -> AsyncGenerator[StreamPart, None]:
        """One request. Raises :class:`HttpStatus` before anything was yielded, or :class:`ModelError`."""
        splitter = ThinkSplitter() if request.prompt.is_chat else None
        heard, weight = Heard(request.max_tokens, self._settings.stall_seconds, _USAGE_SECONDS), 0.0
        async with AsyncExitStack() as stack:
            with self._endpoint.translated():
                async with asyncio.timeout(self._settings.connect_seconds + self._settings.stall_seconds):
                    response = await self._endpoint.request(_path(body), body)
            stack.push_async_callback(response.aclose)
            events = await stack.enter_async_context(aclosing(self._events(response)))
            while not heard.is_enough and (chunk := await self._next(events, heard)) is not None:
                weight += _estimate(chunk.text) + _estimate(chunk.reasoning)
                if chunk.reasoning:
                    yield ReasoningPiece(chunk.reasoning)
                if chunk.text:
                    for part in splitter.add(chunk.text) if splitter else [TextPiece(chunk.text)]:
                        yield part
            await self._drain(events)
        finish = "length" if heard.is_enough else heard.finish
        self._gives_reasons |= bool(heard.finish)
        for part in splitter.close() if splitter else []:
            yield part
        # OpenRouter and vLLM give these reasons when the model's own server failed. llama-cpp-python's server gives
        # none when another request cuts in; servers that never give one are taken at their word.
        if finish in ("error", "abort") or (not finish and self._gives_reasons):
            raise self._faults.dropped()
        if finish == "content_filter":
            raise self._faults.filtered()
        yield Finished(
            "length" if finish in ("length", "max_tokens") else "stop", self._usage(request, heard.usage, weight)
        )

    async def _events(self, response: httpx2.Response) -> AsyncGenerator[dict[str, Any] | None, None]:
        """The events of a response; ``None`` is its regular end."""
        kind = response.headers.get("content-type", "")
        if kind.startswith("text/html"):
            raise self._faults.not_a_stream(kind)
        if not kind.startswith("application/json"):
            async with aclosing(response.aiter_bytes()) as pieces, aclosing(read_events(pieces)) as events:
                async for event in events:
                    yield event
            return
        # Some servers answer in one piece, or tell of an error under the status of a success.
        answer = parse_object(await read_body(response))
        if answer.get("error"):
            raise StreamError(answer)
        yield answer
        yield None

    async def _next(self, events: AsyncIterator[dict[str, Any] | None], heard: Heard) -> Chunk | None:
        """The next chunk, or ``None`` at the end of the answer.

        Once there was a finish reason the answer is complete, and only its usage may be to come: then no fault matters.
        """
        began = monotonic()
        try:
            with self._endpoint.translated():
                async with asyncio.timeout(heard.patience):
                    event = await anext(events)
                chunk = None if event is None else read_chunk(event)
        except StopAsyncIteration:
            if heard.finish:
                return None
            raise (self._faults.dropped() if heard.began else self._faults.no_answer()) from None
        except ModelError:
            if heard.finish:
                return None
            raise
        if chunk is not None:
            heard.take(chunk, monotonic() - began)
        return chunk

    async def _drain(self, events: AsyncIterator[object]) -> None:
        """Read on to the end of the response if it is near, so that its connection can serve the next call."""
        with suppress(StopAsyncIteration, ModelError), self._endpoint.translated():
            async with asyncio.timeout(_DRAIN_SECONDS):
                await anext(events)

    def _body(self, request: Request) -> dict[str, Any]:
        """The request's parameters, without those that this server has refused."""
        chat = request.prompt.is_chat
        body: dict[str, Any] = {"model": self._model, "stream": True}
        if chat:
            messages = request.prompt.messages
            body["messages"] = [{"role": one.role, "content": _encodable(one.content)} for one in messages]
        else:
            body["prompt"] = _encodable(request.prompt.text)
        limit = min(request.max_tokens, self._most_tokens or request.max_tokens)
        body[self._limit_name if chat else "max_tokens"] = limit
        optional: dict[str, Any] = {"stream_options": {"include_usage": True}, **request.sampling.to_dict()}
        if request.seed is not None:
            optional["seed"] = request.seed
        if request.stop:
            optional["stop"] = list(request.stop[:_CHAT_STOPS] if chat else request.stop)
        if request.json_schema is not None and self.capabilities.json_schema:
            schema = {"name": "answer", "schema": request.json_schema, "strict": True}
            optional["response_format"] = {"type": "json_schema", "json_schema": schema}
        if request.grammar and self.capabilities.grammar:
            optional["grammar"] = request.grammar
        refused = self._dropped | (set(_EXTRA) if self._faults.is_openai else set())
        return body | {name: value for name, value in optional.items() if name not in refused}

    def _adapt(self, body: dict[str, Any], refusal: HttpStatus) -> bool:
        """Note a parameter of ``body`` that the server refuses; true if the call is worth making without it."""
        # 500 too: llama-cpp-python's server answers so where it should say 422.
        if refusal.status not in (400, 422, 500) or names_context(refusal.status, refusal.error):
            return False
        named = next((name for name in (*_DROPPABLE, *_LIMITS) if name in body and _names(refusal.error, name)), None)
        if named is None:
            return False
        if named not in _LIMITS:
            self._dropped.add(named)
            return True
        message = refusal.error["message"].replace(",", "")
        allowed = [number for number in map(int, re.findall(r"\d{2,9}", message)) if 16 <= number < body[named]]
        if allowed and not _UNSUPPORTED.search(message):
            self._most_tokens = max(allowed)
            return True
        if named == "max_tokens" and "messages" in body:
            self._limit_name = "max_completion_tokens"
            return True
        return False

    async def _explained(self, refusal: HttpStatus, body: dict[str, Any]) -> ModelError:
        """The error for a refusal; where the model is unknown, it names some that the endpoint has."""
        error = self._faults.from_status(refusal)
        if error.kind == "context" and (told := _CONTEXT_LENGTH.search(refusal.error["message"])):
            self._context_length = min(self._context_length, int(told[1]))
        if error.kind != "unknown-model" and refusal.status != 404:
            return error
        available = [self._faults.words(entry["id"]) for entry in await self._models()]
        if error.kind == "unknown-model" or (available and self._model not in available):
            return self._faults.unknown_model(available)
        return self._faults.no_such_path(_path(body))

    async def _models(self) -> list[dict[str, Any]]:
        """The entries of ``/models``; none where the endpoint does not tell soon."""
        try:
            with self._endpoint.translated():
                async with asyncio.timeout(min(self._settings.connect_seconds, _MODELS_SECONDS)):
                    return await self._endpoint.models()
        except (ModelError, HttpStatus):
            return []

    def _usual_context(self) -> int:
        if self._faults.is_openai:
            for pattern, length in _OPENAI_CONTEXT:
                if re.search(pattern, self._model):
                    return length
        return _DEFAULT_CONTEXT

    def _usage(self, request: Request, told: Usage | None, weight: float) -> Usage:
        """The usage that the server told, or an estimate; a told one corrects further estimates."""
        prompt = _estimate(request.prompt.plain())
        if told is None or not told.prompt:
            completion = told.completion if told else ceil(weight * self._token_ratio)
            return Usage(ceil(prompt * self._token_ratio), completion)
        if prompt >= 100:  # a short prompt is mostly the chat template's own tokens
            ratio = min(2.0, max(0.8, told.prompt / prompt))
            # Up at once, down slowly: too high an estimate is safe, too low a one overruns the context.
            self._token_ratio = max(ratio, 0.9 * self._token_ratio + 0.1 * ratio)
        return told


def _path(body: dict[str, Any]) -> str:
    return "/chat/completions" if "messages" in body else "/completions"


def _names(error: dict[str, str], name: str) -> bool:
    """Whether a server's error is about the parameter called ``name``."""
    if name in re.split(r"[.\[\]]", error["param"]):
        return True
    before = _NAME_PLACE if name in _ORDINARY else r"\b"
    return re.search(rf"{before}{name}\b", error["message"]) is not None


def _context_length(entry: dict[str, Any]) -> int:
    """Tokens of context that an entry of ``/models`` states (vLLM, OpenRouter, Groq, llama-server), or 0."""
    meta = entry.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    stated = [entry.get(name) for name in ("max_model_len", "context_length", "context_window", "max_context_length")]
    stated += [meta.get("n_ctx"), meta.get("n_ctx_train")]
    return next((value for value in stated if isinstance(value, int) and value > 0), 0)


def _estimate(text: str) -> float:
    """Tokens of ``text``, rather too many; see :meth:`OpenAIModel.count_tokens`."""
    plain = len(text.encode("ascii", "ignore"))
    alphabetic = len(_ALPHABETIC.findall(text))
    return plain / 3.5 + alphabetic / 2 + (len(text) - plain - alphabetic) * 1.1


def _encodable(text: str) -> str:
    """``text`` without lone surrogates, which cannot be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")
