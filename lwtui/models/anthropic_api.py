"""Models behind Anthropic's Messages API, through Anthropic's SDK: with thinking, prompt caching and its own errors.

The SDK comes with the extra ``anthropic``. It makes no retries here, and its requests go through the same HTTP client
as those to other endpoints: bounded errors, no other origin, the proxy and certificates of the environment.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from lwtui.config import ModelSettings
from lwtui.models.base import Capabilities, Message, ModelError, Request
from lwtui.models.openai_api import OpenAIModel, encodable, names_reasoning
from lwtui.models.openai_errors import HttpStatusError
from lwtui.models.openai_stream import Chunk, MalformedStream, StreamError
from lwtui.models.prompt_cache import marked_content
from lwtui.models.reasoning_settings import likely_reasoning
from lwtui.models.server_info import ServerInfo
from lwtui.models.usage import Usage
from lwtui.translation import _

if TYPE_CHECKING:
    import anthropic

_CONTEXT = 200_000  # tokens that all current models have
_LEAST_BUDGET = 1024  # tokens; the API takes no smaller one
_LEAST_ANSWER = 256  # tokens beside the thinking
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_SAMPLING = ("temperature", "top_p", "top_k")
_MOST_STOPS = 4
_TOO_MANY_TOKENS = re.compile(r"max_tokens\D+(\d+)\s*>\s*(\d+)")


class AnthropicModel(OpenAIModel):
    """A model at Anthropic's own API (see :class:`lwtui.models.base.Model`).

    Args:
        settings: The model's settings.
        key: The API key.

    Raises:
        ModelError: The SDK is not installed, or the address or the key is invalid.
    """

    def __init__(self, settings: ModelSettings, key: str) -> None:
        super().__init__(settings, key)
        try:
            import anthropic
        except ImportError:
            raise ModelError(
                _("Anthropic's API needs an extra package. Install it: pip install 'lwtui[anthropic]'"),
                kind="refused",
                code="not-installed",
            ) from None
        self._context_length = settings.context_length or _CONTEXT
        self._client = anthropic.AsyncAnthropic(
            api_key=key.strip() or "none",
            base_url=settings.base_url.removesuffix("/v1"),
            max_retries=0,
            timeout=self._endpoint.client.timeout,
            http_client=self._endpoint.client,
            open_telemetry=False,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the API can do, as far as the settings say."""
        return Capabilities(context_length=self._context_length)

    async def server(self) -> ServerInfo:
        """Return that nothing more is known of the server."""
        return ServerInfo()

    def _body(self, request: Request) -> dict[str, Any]:
        settings = self._settings.for_role(request.role)
        messages = request.prompt.messages or (Message("user", request.prompt.text),)
        system = "\n\n".join(each.content for each in messages if each.role == "system")
        limit = min(request.max_tokens, self._max_tokens or request.max_tokens)
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": limit,
            "messages": [
                {"role": each.role, "content": marked_content(encodable(each.content))}
                for each in messages
                if each.role != "system"
            ],
        }
        if system:
            body["system"] = [{"type": "text", "text": encodable(system)}]
        if stops := [stop for stop in request.stop if stop.strip()][:_MOST_STOPS]:
            body["stop_sequences"] = stops
        body |= self._thinking(settings, limit)
        thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
        if thinks and "budget_tokens" in body["thinking"]:
            body["max_tokens"] = max(limit, body["thinking"]["budget_tokens"] + _LEAST_ANSWER)
        if not thinks:  # thinking allows no sampling options
            given = request.sampling.to_dict()
            sampling = {name: given[name] for name in _SAMPLING if name in given and name not in self._refused}
            if "temperature" in sampling:
                sampling["temperature"] = min(1.0, sampling["temperature"])
                sampling.pop("top_p", None)  # newer models take one of the two
            body |= sampling
        return self._with_own(body, settings)

    def _thinking(self, settings: ModelSettings, limit: int) -> dict[str, Any]:
        """Return the parameters that say how much to think; ``limit`` is the upper bound of the answer, in tokens."""
        effort, tokens = settings.reasoning_effort, settings.reasoning_tokens
        if "thinking" in self._refused or (not effort and tokens is None):
            return {}
        if effort == "none" or tokens == 0:
            return {"thinking": {"type": "disabled"}}
        if tokens is None and "adaptive" not in self._refused:
            body: dict[str, Any] = {"thinking": {"type": "adaptive"}}
            if "output_config" not in self._refused:
                body["output_config"] = {"effort": _EFFORTS.get(effort, effort)}
            return body
        budget = tokens if tokens is not None else min(likely_reasoning(settings), limit // 2)
        return {"thinking": {"type": "enabled", "budget_tokens": max(_LEAST_BUDGET, budget)}}

    def _path(self, body: dict[str, Any]) -> str:
        return "/messages"

    @asynccontextmanager
    async def _open(
        self, request: Request, body: dict[str, Any]
    ) -> AsyncIterator[AsyncGenerator[dict[str, Any] | None, None]]:
        import anthropic

        own = {name: body[name] for name in ("model", "max_tokens", "messages")}
        more = {name: value for name, value in body.items() if name not in own}
        self._endpoint.use_role(request.role)
        try:
            stream = await self._client.messages.create(**own, stream=True, extra_body=more)
        except anthropic.APIError as error:
            raise _cause(error) from None
        events = _events(stream)
        try:
            yield events
        finally:
            with suppress(RuntimeError):  # already running, if the call was canceled within
                await events.aclose()
            await stream.close()

    def _read(self, event: dict[str, Any]) -> Chunk:
        match event.get("type"):
            case "message_start":
                return Chunk(usage=_usage(event.get("message", {}).get("usage")))
            case "content_block_start":
                block = event.get("content_block") or {}
                return Chunk(block.get("text") or "", block.get("thinking") or "")
            case "content_block_delta":
                delta = event.get("delta") or {}
                return Chunk(delta.get("text") or "", delta.get("thinking") or "")
            case "message_delta":
                reason = (event.get("delta") or {}).get("stop_reason") or ""
                return Chunk(finish=reason, usage=_usage(event.get("usage")))
        return Chunk()

    def _adapt(self, body: dict[str, Any], refusal: HttpStatusError) -> bool:
        if refusal.status != 400:
            return False
        message = refusal.error["message"]
        if bound := _TOO_MANY_TOKENS.search(message.replace(",", "")):
            self._max_tokens = int(bound[2])
            return self._max_tokens < body["max_tokens"]
        thinking = body.get("thinking", {}).get("type")
        about_thinking = names_reasoning(message) or "budget_tokens" in message
        if "output_config" in body and re.search("output_config|effort", message):
            named = "output_config"
        elif thinking == "adaptive" and (about_thinking or "adaptive" in message):
            named = "adaptive"
        elif thinking and about_thinking:
            named = "thinking"
        else:
            named = next((name for name in _SAMPLING if name in body and re.search(rf"\b{name}\b", message)), "")
        if not named or named in self._own_parameters:
            return False
        self._leave_out(named)
        return True


async def _events(stream: anthropic.AsyncStream[Any]) -> AsyncGenerator[dict[str, Any] | None, None]:
    """Yield the events of a stream as objects; ``None`` is its regular end."""
    import anthropic

    prompt: dict[str, Any] = {}
    try:
        async for event in stream:
            table = event.to_dict() if hasattr(event, "to_dict") else event
            if not isinstance(table, dict):
                raise MalformedStream(_("an event is not an object"))
            if table.get("type") == "message_start":
                prompt = (table.get("message") or {}).get("usage") or {}
            if table.get("type") == "message_delta":  # its usage may lack what the first event said
                usage = {name: value for name, value in (table.get("usage") or {}).items() if value is not None}
                table["usage"] = prompt | usage
            yield table
            if table.get("type") == "message_stop":
                yield None
                return
    except anthropic.APIError as error:
        raise _cause(error) from None
    except ValueError:  # of the SDK's JSON
        raise MalformedStream(_("it holds something that is not JSON")) from None


def _cause(error: anthropic.APIError) -> Exception:
    """Return what the SDK wrapped: an error of the HTTP client, or one that the server sent in the stream."""
    import anthropic

    if isinstance(error, anthropic.APIStatusError):
        return StreamError(error.body if isinstance(error.body, dict) else {"error": {"message": error.message}})
    cause = error.__cause__
    return cause if isinstance(cause, Exception) else MalformedStream(type(error).__name__)


def _usage(table: object) -> Usage | None:
    """Read a usage: the input tokens that were new, written to the cache and read from it make up the prompt."""
    if not isinstance(table, dict):
        return None
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    new, written, read, output = (max(0, value) if isinstance(value := table.get(name), int) else 0 for name in names)
    return Usage(new + written + read, output, read)
