"""Opens the embeddings of a document's sources, counted and within its budget like all other calls."""

from __future__ import annotations

from collections.abc import Callable

from lwtui.config import Settings
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.models.budget import Prices, check_priced
from lwtui.models.embeddings import open_embedding_model
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from lwtui.sources.embedding import SourceEmbedder
from lwtui.translation import _


def open_embedder(
    document: Document, settings: Settings, tracker: Callable[[], UsageTracker], note: Callable[[str], None]
) -> SourceEmbedder | None:
    """Open the embeddings that the settings name; ``None`` if they name none, or if the model cannot be opened.

    Args:
        document: The document, whose sources are searched.
        settings: The user's settings.
        tracker: Returns what counts the tokens and enforces the budget.
        note: Told what goes wrong, once.
    """
    name = settings.sources.embeddings
    if not name:
        return None
    try:
        model = open_embedding_model(name, settings)
    except LwtuiError as error:
        note(_("Passages are found by their words alone: {problem}", problem=str(error)))
        return None
    prices = Prices.of(model.settings)

    def may_spend(likely: Usage) -> None:
        check_priced(tracker().budget, model.settings)
        tracker().check_room(_("the embeddings of the sources"), likely, prices)

    def spent(usage: Usage) -> None:
        tracker().count(usage, prices)

    store = document.source_store
    return SourceEmbedder(
        store.vectors, model, note=note, may_spend=may_spend, spent=spent, read_only=document.read_only
    )
