"""Beneath an open document: its connection to the file, which a test may fill up or watch."""

from __future__ import annotations

import sqlite3

from lwtui.documents.store import Document


def connection(document: Document) -> sqlite3.Connection:
    return document._file.db


def fill(document: Document) -> None:
    """Let the file grow no more, as on a full disk."""
    (pages,) = connection(document).execute("PRAGMA page_count").fetchone()
    connection(document).execute(f"PRAGMA max_page_count = {pages}")


def free(document: Document) -> None:
    connection(document).execute("PRAGMA max_page_count = 1000000")
