"""Embeddings: vectors of texts, near each other where the texts mean the same. From an endpoint, or of a GGUF."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any, TypeAlias

from lwtui.config import ModelSettings, Settings, api_key
from lwtui.errors import UsageError
from lwtui.models.base import ModelError
from lwtui.models.catalog import check_gguf, gguf_path, resolve
from lwtui.models.openai_http import Endpoint, HttpStatusError, read_body
from lwtui.models.openai_stream import MalformedStream, parse_object
from lwtui.models.usage import Usage, estimate_tokens
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.models.llama_cpp.embedding import GgufEmbeddingModel

MOST_TEXTS = 32  # of one request
MOST_CHARACTERS = 8_000  # of a text; models read a few hundred tokens
_MOST_DIMENSIONS = 16_384
_MAX_BYTES = 2**26
_TRIES = 3
_RETRY_SECONDS = 2.0

Vector: TypeAlias = "array[float]"  # of length 1, in single precision


@dataclass(frozen=True)
class Embedded:
    """The answer to a request: a vector for each text, and the tokens that it took."""

    vectors: tuple[Vector, ...]
    usage: Usage


class EmbeddingModel:
    """An endpoint's model that makes vectors. It keeps no connection open, so it need not be closed.

    Attributes:
        settings: Its settings.
        name: The endpoint's name for it.
    """

    def __init__(self, settings: ModelSettings, key: str | None = None) -> None:
        """Create the model, without connecting. Unless a ``key`` is given, it is looked up when it is needed."""
        self.settings = settings
        self.name = settings.model or settings.name
        self._key = key

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Return the vectors of up to :data:`MOST_TEXTS` texts.

        Raises:
            ModelError: The address or the key is invalid; or the endpoint refuses, fails three times, or answers with
                something else.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._attempt([text[:MOST_CHARACTERS] for text in texts])
            except ModelError as error:
                if not error.retryable or attempt == _TRIES:
                    raise
            await asyncio.sleep(_RETRY_SECONDS * (attempt - 1))
        raise AssertionError

    async def _attempt(self, texts: list[str]) -> Embedded:
        if self._key is None:
            self._key = api_key(self.settings)
        endpoint = Endpoint(self.settings, self._key)
        try:
            with endpoint.translate_errors():
                async with asyncio.timeout(self.settings.stall_seconds):
                    answer = await self._answer(endpoint, {"model": self.name, "input": texts})
                return Embedded(_vectors(answer, len(texts)), _usage(answer, texts))
        except HttpStatusError as refusal:
            errors = endpoint.errors
            raise (
                errors.no_such_path("/embeddings") if refusal.status == 404 else errors.from_status(refusal)
            ) from None
        finally:
            await endpoint.aclose()

    async def _answer(self, endpoint: Endpoint, body: dict[str, Any]) -> dict[str, Any]:
        response = await endpoint.request("/embeddings", body)
        try:
            return parse_object(await read_body(response, _MAX_BYTES))
        finally:
            await response.aclose()


def open_embedding_model(name: str, settings: Settings) -> EmbeddingModel | GgufEmbeddingModel:
    """Open the model that ``embeddings`` in ``[sources]`` of the settings names: an endpoint's, or a GGUF.

    Raises:
        UsageError: There is no such model, it has another API, or nothing here can compute a GGUF's embeddings.
        LwtuiError: The GGUF cannot be read.
    """
    model = resolve(name, settings)
    if model.provider == "openai":
        return EmbeddingModel(model)
    if model.provider != "llama_cpp":
        raise UsageError(
            _(
                "{name} cannot make embeddings: they need an OpenAI-compatible endpoint, or a GGUF.",
                name=name,
            ),
            code="no-embeddings",
        )
    if find_spec("llama_cpp") is None:
        raise UsageError(
            _(
                'Embeddings of a GGUF need llama-cpp-python: pip install "lwtui[local]". Or start llama-server '
                "--embeddings -m FILE, and add its address as a model.",
            ),
            code="no-embeddings",
        )
    from lwtui.models.llama_cpp.embedding import GgufEmbeddingModel

    path = gguf_path(model)
    check_gguf(path)
    return GgufEmbeddingModel(model, path)


def normalized(values: Sequence[float]) -> Vector:
    """Return a vector of length 1.

    Raises:
        ValueError: It has no direction.
    """
    size = sqrt(sum(value * value for value in values))
    if not size or not isfinite(size):
        raise ValueError("a vector without a direction")
    return array("f", (value / size for value in values))


def _vectors(answer: dict[str, Any], count: int) -> tuple[Vector, ...]:
    rows = answer.get("data")
    if not isinstance(rows, list) or len(rows) != count or not all(isinstance(row, dict) for row in rows):
        raise MalformedStream(_("it does not have a vector for each text"))
    if all(isinstance(row.get("index"), int) for row in rows):
        rows = sorted(rows, key=lambda row: int(row["index"]))
    vectors = tuple(_vector(row.get("embedding")) for row in rows)
    if len({len(vector) for vector in vectors}) > 1:
        raise MalformedStream(_("its vectors differ in length"))
    return vectors


def _vector(values: object) -> Vector:
    if not isinstance(values, list) or not 0 < len(values) <= _MOST_DIMENSIONS:
        raise MalformedStream(_("it has something that is no vector"))
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise MalformedStream(_("it has a vector with something that is no number"))
    try:
        return normalized(values)
    except (ValueError, OverflowError):
        raise MalformedStream(_("it has a vector without a direction")) from None


def _usage(answer: dict[str, Any], texts: Sequence[str]) -> Usage:
    told = answer.get("usage")
    tokens = told.get("prompt_tokens") if isinstance(told, dict) else None
    if isinstance(tokens, int) and not isinstance(tokens, bool) and 0 <= tokens < 10**9:
        return Usage(tokens, 0)
    return Usage(round(sum(estimate_tokens(text) for text in texts)), 0)
