"""Finds passages by what they mean: vectors of an embedding model, beside the words of the full-text index."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from typing import Protocol

from lwtui.errors import LwtuiError
from lwtui.models.embeddings import MOST_TEXTS, Embedded
from lwtui.models.usage import Usage, estimate_tokens
from lwtui.sources.vector_store import VectorStore
from lwtui.translation import _

_NEAREST = 30  # passages that are near a query
_MOST_QUERIES = 64  # whose vectors are kept


class Embeds(Protocol):
    """What makes vectors (see :class:`lwtui.models.embeddings.EmbeddingModel`)."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Return the vectors of texts."""
        ...


class SourceEmbedder:
    """Makes the vectors of a document's passages once, and finds the passages that are near a query.

    If anything goes wrong, that is told once, and passages are found by their words alone from then on.

    Args:
        vectors: The vectors of the document.
        model: The model that makes them.
        note: Told what went wrong, and of progress.
        may_spend: Called with the likely usage before each request; raises :class:`LwtuiError` without a budget for it.
        spent: Called with the usage of each request.
        read_only: Whether the document cannot be changed: then only the vectors that there are count.
    """

    def __init__(
        self,
        vectors: VectorStore,
        model: Embeds,
        *,
        note: Callable[[str], None],
        may_spend: Callable[[Usage], None] = lambda _usage: None,
        spent: Callable[[Usage], None] = lambda _usage: None,
        read_only: bool = False,
    ) -> None:
        self._vectors = vectors
        self._model = model
        self._note = note
        self._may_spend = may_spend
        self._spent = spent
        self._read_only = read_only
        self._lock = asyncio.Lock()
        self._queries: dict[str, array[float]] = {}
        self.failed = False

    async def nearest(self, query: str) -> list[int]:
        """Return the ids of the passages that are nearest to a query; none if embeddings cannot be had."""
        if self.failed or not query.strip():
            return []
        try:
            async with self._lock:
                vector = await self._query(query)
                if not self._vectors.fits(self._model.name, vector) and not self._read_only:
                    self._vectors.clear()  # another model has the same name now
                await self._prepare(lambda done, total: None)
        except LwtuiError as error:
            self._fail(error)
            return []
        return self._vectors.nearest(self._model.name, vector, _NEAREST)

    async def prepare(self, on_progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Make the vectors that are missing. ``on_progress`` is told how many are made, and of how many."""
        if self.failed:
            return
        try:
            async with self._lock:
                await self._prepare(on_progress)
        except LwtuiError as error:
            self._fail(error)

    async def _prepare(self, on_progress: Callable[[int, int], None]) -> None:
        total = 0 if self._read_only else self._vectors.count_missing(self._model.name)
        done = 0
        if total > MOST_TEXTS:
            # Each has to be sent once, which takes a while where there are many.
            self._note(_("Embedding {count} passages of the sources.", count=f"{total:,}"))
        while done < total and (passages := self._vectors.missing(self._model.name, MOST_TEXTS)):
            answer = await self._embed([passage.text for passage in passages])
            self._vectors.put(self._model.name, passages, answer.vectors)
            done += len(passages)
            on_progress(done, total)

    async def _query(self, query: str) -> array[float]:
        if query not in self._queries:
            if len(self._queries) >= _MOST_QUERIES:
                self._queries.clear()
            self._queries[query] = (await self._embed([query])).vectors[0]
        return self._queries[query]

    async def _embed(self, texts: Sequence[str]) -> Embedded:
        self._may_spend(Usage(round(sum(estimate_tokens(text) for text in texts)), 0))
        answer = await self._model.embed(texts)
        self._spent(answer.usage)
        return answer

    def _fail(self, error: LwtuiError) -> None:
        self.failed = True
        self._note(_("Passages are found by their words alone: {problem}", problem=str(error)))
