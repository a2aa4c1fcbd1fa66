"""The vectors of passages in a document: which model has made them, and which passages are near a query."""

from __future__ import annotations

import sqlite3
import sys
from array import array
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from heapq import nlargest
from operator import mul

from lwtui.documents.database import checked_contents
from lwtui.sources.model import Passage

_PASSAGE = "p.id, p.source_id, p.number, p.text, p.page"
_LEAST_SHARE = 0.7  # of the best passage's likeness; what is less alike is not near


class VectorStore:
    """The vectors of a document, as the attribute ``vectors`` of its :class:`lwtui.sources.store.SourceStore`."""

    def __init__(
        self,
        change: Callable[[], AbstractContextManager[sqlite3.Connection]],
        reading: Callable[[], AbstractContextManager[sqlite3.Connection]],
    ) -> None:
        """Create the store. ``change`` opens a transaction of the document, ``reading`` allows queries."""
        self._change = change
        self._reading = reading

    def count_missing(self, model: str) -> int:
        """Return how many passages have no vector of a model."""
        with self._reading() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM passage WHERE id NOT IN (SELECT passage_id FROM passage_vector WHERE model = ?)",
                (model,),
            ).fetchone()
        return int(count)

    def missing(self, model: str, most: int) -> list[Passage]:
        """Return passages without a vector of a model."""
        with self._reading() as db, checked_contents():
            rows = db.execute(
                f"SELECT {_PASSAGE} FROM passage p WHERE p.id NOT IN"
                " (SELECT passage_id FROM passage_vector WHERE model = ?) ORDER BY p.id LIMIT ?",
                (model, most),
            )
            return [Passage(int(id), source, int(number), text, page) for id, source, number, text, page in rows]

    def put(self, model: str, passages: Sequence[Passage], vectors: Sequence[array[float]]) -> None:
        """Store the vectors of passages. Those of other models are dropped: only one model is in use.

        Raises:
            DocumentError: They cannot be stored.
        """
        with self._change() as db:
            db.execute("DELETE FROM passage_vector WHERE model <> ?", (model,))
            db.executemany(
                "INSERT OR REPLACE INTO passage_vector (passage_id, model, digest, vector) VALUES (?, ?, ?, ?)",
                (
                    (passage.id, model, _digest(passage.text), _to_bytes(vector))
                    for passage, vector in zip(passages, vectors, strict=True)
                ),
            )

    def clear(self) -> None:
        """Drop all vectors, as those of a model that has changed.

        Raises:
            DocumentError: That cannot be stored.
        """
        with self._change() as db:
            db.execute("DELETE FROM passage_vector")

    def fits(self, model: str, vector: array[float]) -> bool:
        """Tell whether the stored vectors of a model are as long as ``vector``, if there are any."""
        with self._reading() as db:
            row = db.execute("SELECT length(vector) FROM passage_vector WHERE model = ? LIMIT 1", (model,)).fetchone()
        return row is None or row[0] == len(vector) * vector.itemsize

    def nearest(self, model: str, vector: array[float], most: int) -> list[int]:
        """Return the ids of the passages that are most like a query, the nearest first.

        A vector that anything has damaged, or that is of another text, is left out.
        """
        scored = []
        with self._reading() as db:
            rows = db.execute(
                "SELECT v.passage_id, v.digest, v.vector, p.text FROM passage_vector v"
                " JOIN passage p ON p.id = v.passage_id WHERE v.model = ?",
                (model,),
            )
            for id, digest, stored, text in rows:
                if len(stored) == len(vector) * vector.itemsize and digest == _digest(text):
                    scored.append((sum(map(mul, vector, _from_bytes(stored))), int(id)))
        best = nlargest(most, scored)
        return [id for score, id in best if score >= _LEAST_SHARE * best[0][0] and score > 0]


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _to_bytes(vector: array[float]) -> bytes:
    """Return a vector in the file's order of bytes, which is that of nearly all machines."""
    stored = array("f", vector)
    if sys.byteorder == "big":
        stored.byteswap()
    return stored.tobytes()


def _from_bytes(stored: bytes) -> array[float]:
    vector = array("f", stored)
    if sys.byteorder == "big":
        vector.byteswap()
    return vector
