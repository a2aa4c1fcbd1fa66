"""Models of Ollama through its own API, which takes the context length with each request.

Through its OpenAI-compatible API, Ollama cuts what is longer than its default, often 4,096 tokens, in silence.
"""

from __future__ import annotations

from typing import Any

from lwtui.config import ModelSettings
from lwtui.models.base import Request
from lwtui.models.openai_api import OpenAIModel, encodable, names_reasoning
from lwtui.models.openai_errors import HttpStatusError
from lwtui.models.openai_stream import Chunk, MalformedStream
from lwtui.models.server_info import ServerInfo, server_root
from lwtui.models.usage import Usage
from lwtui.translation import _

_USUAL_CONTEXT = 32_768  # tokens at most, unless the settings say more: the memory for it is taken at once
_LEAST_CONTEXT = 4096  # tokens
_MARGIN = 256  # tokens of the chat template
_OPTIONS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
)
_EFFORTS = ("low", "medium", "high")  # gpt-oss tells them apart; other models think or do not


class OllamaModel(OpenAIModel):
    """A model of an Ollama server (see :class:`lwtui.models.base.Model`).

    Args:
        settings: The model's settings; their address may be that of the OpenAI-compatible API.
        key: The API key; usually empty.
        server: What the server says about itself and the model.
    """

    def __init__(self, settings: ModelSettings, key: str, server: ServerInfo) -> None:
        super().__init__(settings, key)
        self._root = server_root(settings.base_url)
        self._thinks = server.thinks
        usual = min(server.most_context, _USUAL_CONTEXT) if server.most_context else self._context_length
        self._context_length = settings.context_length or max(usual, server.context_length)
        # A model is loaded anew whenever this changes, so it only grows.
        self._num_ctx = settings.context_length or max(server.context_length, min(_LEAST_CONTEXT, self._context_length))

    def _path(self, body: dict[str, Any]) -> str:
        return f"{self._root}/api/{'chat' if 'messages' in body else 'generate'}"

    def _body(self, request: Request) -> dict[str, Any]:
        settings = self._settings.for_role(request.role)
        options = {name: value for name, value in request.sampling.to_dict().items() if name in _OPTIONS}
        options |= {"num_ctx": self._context_for(request), "num_predict": request.max_tokens}
        if request.seed is not None:
            options["seed"] = request.seed
        if request.stop:
            options["stop"] = list(request.stop)
        body: dict[str, Any] = {"model": self._model, "stream": True, "options": options}
        if request.prompt.is_chat:
            body["messages"] = self._messages(request)
        else:
            body |= {"prompt": encodable(request.prompt.text), "raw": True}
        if request.json_schema is not None and self.capabilities.json_schema:
            body["format"] = request.json_schema
        think = self._think(settings) if request.prompt.is_chat else None
        if think is not None and "think" not in self._refused:
            body["think"] = think
        return self._with_own(body, settings)

    def _context_for(self, request: Request) -> int:
        """Return the context length (tokens) for a request: enough for it and all before it, in large steps."""
        needed = self._estimated_tokens(request.prompt.plain()) + request.max_tokens + _MARGIN
        while self._num_ctx < min(needed, self._context_length):
            self._num_ctx = min(self._num_ctx * 2, self._context_length)
        return self._num_ctx

    def _think(self, settings: ModelSettings) -> bool | str | None:
        effort = settings.reasoning_effort
        if self._thinks is False or (not effort and settings.reasoning_tokens is None):
            return None
        if effort == "none" or settings.reasoning_tokens == 0:
            return False
        return effort if "gpt-oss" in self._model.lower() and effort in _EFFORTS else True

    def _read(self, event: dict[str, Any]) -> Chunk:
        message = event.get("message")
        message = message if isinstance(message, dict) else {"content": event.get("response"), **event}
        text, thinking = message.get("content") or "", message.get("thinking") or ""
        if not isinstance(text, str) or not isinstance(thinking, str):
            raise MalformedStream(_("its content has the wrong type"))
        if not event.get("done"):
            return Chunk(text, thinking)
        reason = event.get("done_reason")
        counts = (event.get("prompt_eval_count"), event.get("eval_count"))
        usage = Usage(*(count if isinstance(count, int) and count > 0 else 0 for count in counts))
        return Chunk(text, thinking, reason if isinstance(reason, str) and reason else "stop", usage)

    def _adapt(self, body: dict[str, Any], refusal: HttpStatusError) -> bool:
        if refusal.status != 400 or "think" not in body or not names_reasoning(refusal.error["message"]):
            return False
        self._leave_out("think")
        return True
