"""Markdown and plain text as a document: headings become sections."""

from __future__ import annotations

from pathlib import Path

from lwtui.documents.store import Document


def import_text(source: Path, target: Path) -> Document:
    """Make a document at ``target`` from the Markdown or plain text in ``source``, which is left as it is.

    Raises :class:`lwtui.errors.DocumentError` if the source cannot be read as UTF-8 text.
    """
    raise NotImplementedError
