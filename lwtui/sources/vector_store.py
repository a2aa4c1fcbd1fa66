"""The vectors of passages in a document: which model has made them, and which passages are near a query."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b

import numpy as np

from lwtui.documents.database import checked_contents
from lwtui.sources.model import Passage

_PASSAGE = "p.id, p.source_id, p.number, p.text, p.page"
_STORED = np.dtype("<f4")  # single precision, the lowest byte first
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
        size = len(vector) * vector.itemsize
        with self._reading() as db:
            rows = db.execute(
                "SELECT passage_id, vector FROM passage_vector WHERE model = ? AND length(vector) = ?", (model, size)
            ).fetchall()
            if not rows:
                return []
            stored = np.frombuffer(b"".join([blob for _id, blob in rows]), _STORED).reshape(len(rows), len(vector))
            with np.errstate(all="ignore"):  # of numbers that are none
                scores = np.nan_to_num(stored @ np.asarray(vector, np.float32), nan=-1.0, posinf=-1.0, neginf=-1.0)
            best: list[tuple[float, int]] = []
            for at in map(int, np.argsort(-scores, kind="stable")):
                score = float(scores[at])
                if len(best) == most or score <= 0 or (best and score < _LEAST_SHARE * best[0][0]):
                    break
                if self._is_of_its_text(db, int(rows[at][0])):
                    best.append((score, int(rows[at][0])))
        return [id for _score, id in best]

    def _is_of_its_text(self, db: sqlite3.Connection, id: int) -> bool:
        row = db.execute(
            "SELECT v.digest, p.text FROM passage_vector v JOIN passage p ON p.id = v.passage_id WHERE p.id = ?", (id,)
        ).fetchone()
        return row is not None and row[0] == _digest(row[1])


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _to_bytes(vector: array[float]) -> bytes:
    """Return a vector in the file's order of bytes, which is that of nearly all machines."""
    return np.asarray(vector, _STORED).tobytes()
