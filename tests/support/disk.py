"""Access to the database connection of an open document, to watch it or to simulate a full disk."""

from __future__ import annotations

import sqlite3

from lwtui.documents.store import Document


def connection(document: Document) -> sqlite3.Connection:
    return document._file.db


def fill(document: Document) -> None:
    """Stop the file from growing, as on a full disk."""
    (pages,) = connection(document).execute("PRAGMA page_count").fetchone()
    connection(document).execute(f"PRAGMA max_page_count = {pages}")


def free(document: Document) -> None:
    """Undo :func:`fill`."""
    connection(document).execute("PRAGMA max_page_count = 1000000")
