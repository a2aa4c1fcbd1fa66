"""Embeddings of a document's sources on the command line: opened, and made with progress on standard error."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lwtui.agentwrite.record import document_tracker
from lwtui.agentwrite.source_embedding import open_embedder
from lwtui.cli.redrawn_line import RedrawnLine
from lwtui.command_line.guard import say
from lwtui.config import ModelSettings, Settings
from lwtui.documents.store import Document
from lwtui.sources.embedding import SourceEmbedder
from lwtui.translation import _

_LINE_SECONDS = 5.0  # between two lines where nothing can be redrawn


def find_near(document: Document, settings: Settings, query: str) -> Sequence[int]:
    """Return the ids of the passages that are near a query; none without embeddings."""
    embedder = _opened(document, settings)
    return () if embedder is None else asyncio.run(_with_progress(embedder, query))


def embed_sources(document: Document, settings: Settings) -> None:
    """Make the vectors of new passages, if the settings name a model for that."""
    embedder = _opened(document, settings)
    if embedder is not None:
        asyncio.run(_with_progress(embedder))


def _opened(document: Document, settings: Settings) -> SourceEmbedder | None:
    name = settings.sources.embeddings
    if not name or not document.sources:
        return None
    tracker = document_tracker(document, settings.models.get(name, ModelSettings(name)))
    return open_embedder(document, settings, lambda: tracker, say)


async def _with_progress(embedder: SourceEmbedder, query: str = "") -> Sequence[int]:
    line = RedrawnLine(_LINE_SECONDS)

    def on_progress(done: int, total: int) -> None:
        line.show(_("Embedding: {done} of {total} passages", done=f"{done:,}", total=f"{total:,}"))

    try:
        await embedder.prepare(on_progress)
        return await embedder.nearest(query) if query else ()
    finally:
        line.clear()
