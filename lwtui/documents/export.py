"""A document as a file that other programs read."""

from __future__ import annotations

from pathlib import Path

from lwtui.documents.store import Document

FORMATS = ("md", "txt", "html")


def render(document: Document, to: str) -> str:
    """The document as ``md``, ``txt`` or ``html``. Raises :class:`lwtui.errors.UsageError` for another format."""
    raise NotImplementedError


def export(document: Document, path: Path, to: str | None = None) -> None:
    """Write the document to ``path`` in one step, in the format ``to`` or that of the path's extension.

    Raises :class:`lwtui.errors.UsageError` or :class:`lwtui.errors.DocumentError`; an old file then stays.
    """
    raise NotImplementedError
