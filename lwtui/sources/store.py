"""The sources of an open document, with search by relevance.

The search uses SQLite's FTS5 on terms that :mod:`lwtui.documents.relevance` divides texts into, because FTS5's own
tokenizers find no words in Chinese or Japanese.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

import regex

from lwtui.documents.database import checked_contents
from lwtui.documents.model import new_id
from lwtui.documents.relevance import terms
from lwtui.errors import DocumentError
from lwtui.models.usage import estimate_tokens
from lwtui.sources.csl import clean_item
from lwtui.sources.keys import make_key
from lwtui.sources.model import (
    SOURCE_KINDS,
    FoundPassage,
    Passage,
    ReadSource,
    SelectedPassages,
    Source,
    Stretch,
)
from lwtui.sources.title_page import without_title_page
from lwtui.sources.vector_store import VectorStore
from lwtui.text import clean, one_line
from lwtui.translation import _

_LONGEST = 1_000  # characters of a title or location
_MAX_TERMS = 60  # of a query, the last ones
_CANDIDATES = 100  # passages among which those for a section are chosen
_FUSION = 60  # the constant of reciprocal rank fusion
_OVERHEAD = 24  # tokens of the line above a passage in a prompt
_FITTING = 0.3  # of the best passage's score; what has less does not serve the section
_WEIGHTS = (3.0, 1.0, 0.5)  # of the section's subject, of the text before it, and of the instruction
_SHORT_NAME = regex.compile(r"(?<![\p{L}\p{N}])\p{Lu}{2}(?![\p{L}\p{N}])")  # EU, AI; terms() has longer words only
_SHORT_WORD = regex.compile(r"(?<![\p{L}\p{N}])\p{L}{2}(?![\p{L}\p{N}])")
_THOUSANDS = regex.compile(r"(?<=\d)[,\u00a0\u2009\u202f](?=\d{3}(?!\d))")  # 1,200 is found as 1200
_SHORTEST_PLURAL = 3  # letters without the s
_COLUMNS = "p.id, p.source_id, p.number, p.text, p.page"


def load_sources(db: sqlite3.Connection) -> dict[str, Source]:
    """Load all sources by id.

    Raises:
        sqlite3.Error: They cannot be read, or hold contents that no version of lwtui would have written.
    """
    rows = db.execute(
        "SELECT s.id, s.key, s.kind, s.title, s.location, s.retrieved, s.csl, s.pinned,"
        " (SELECT count(*) FROM passage p WHERE p.source_id = s.id) FROM source s ORDER BY s.position"
    )
    with checked_contents():
        sources = [_source(*row) for row in rows]
    return {source.id: source for source in sources}


class FindsNear(Protocol):
    """Finds passages by what they mean (see :class:`lwtui.sources.embedding.SourceEmbedder`)."""

    async def nearest(self, query: str) -> Sequence[int]:
        """Return the ids of the passages that are nearest to a query."""
        ...


class SourceStore:
    """The sources of a :class:`lwtui.documents.store.Document`, as its attribute ``source_store``.

    All methods that change something raise :class:`lwtui.errors.DocumentError` if the change cannot be stored; those
    that take the id of a source raise ``KeyError`` for an unknown one.

    Attributes:
        vectors: The vectors of the passages.
        embedder: Finds passages by what they mean; ``None`` without embeddings.
    """

    def __init__(
        self,
        change: Callable[[], AbstractContextManager[sqlite3.Connection]],
        reading: Callable[[], AbstractContextManager[sqlite3.Connection]],
        sources: dict[str, Source],
    ) -> None:
        """Create the store. ``change`` opens a transaction of the document, ``reading`` allows queries."""
        self._change = change
        self._reading = reading
        self._sources = sources
        self.vectors = VectorStore(change, reading)
        self.embedder: FindsNear | None = None

    def list(self) -> tuple[Source, ...]:
        """Return the sources in the order in which they were added."""
        return tuple(self._sources.values())

    def get(self, name: str) -> Source | None:
        """Return the source whose id, key or location is ``name``; ``None`` without one."""
        if name in self._sources:
            return self._sources[name]
        newest_first = tuple(reversed(self._sources.values()))
        by_key = (source for source in newest_first if source.key == name)
        by_location = (source for source in newest_first if source.location == name)
        return next(by_key, None) or next(by_location, None)

    def add(self, read: ReadSource) -> Source:
        """Add a source, or replace the one of the same location, which keeps its key and the sections it is pinned to.

        Of records in one file, which have the same location, each is one source, by its key. A record may have no
        passages.

        Raises:
            DocumentError: It has no text, or cannot be stored.
        """
        texts = [text for text in (_cleaned(stretch) for stretch in read.passages) if text.text]
        if not texts and read.kind != "record":
            raise DocumentError(_("{location} has no text.", location=read.location), code="no-text")
        old = self._same(read)
        csl = clean_item(read.csl)
        if texts:
            texts[0] = replace(texts[0], text=without_title_page(texts[0].text, one_line(read.title), csl))
        others = {source.key for source in self._sources.values()}
        key = old.key if old else make_key(csl, read.key, others)
        location = one_line(read.location)[:_LONGEST]
        source = Source(
            old.id if old else new_id(),
            key,
            read.kind if read.kind in SOURCE_KINDS else "other",
            one_line(read.title)[:_LONGEST] or location,
            location,
            one_line(read.retrieved)[:_LONGEST],
            {"id": key, **csl},
            old.pinned if old else (),
            len(texts),
        )
        with self._change() as db:
            if old:
                db.execute("DELETE FROM passage WHERE source_id = ?", (source.id,))
            _put(db, source)
            _put_passages(db, source.id, texts)
            if old:
                _tidy(db)
        self._sources[source.id] = source
        return source

    def remove(self, source_id: str) -> None:
        """Remove a source and its passages."""
        source = self._sources[source_id]
        with self._change() as db:
            db.execute("DELETE FROM passage WHERE source_id = ?", (source.id,))
            db.execute("DELETE FROM source WHERE id = ?", (source.id,))
            _tidy(db)
        del self._sources[source_id]

    def pin(self, source_id: str, section_id: str, *, pinned: bool = True) -> Source:
        """Have a source serve a section first, or no longer."""
        source = self._sources[source_id]
        sections = [id for id in source.pinned if id != section_id] + [section_id] * pinned
        if tuple(sections) != source.pinned:
            changed = replace(source, pinned=tuple(sections))
            with self._change() as db:
                _put(db, changed)
            self._sources[source_id] = changed
        return self._sources[source_id]

    def passages(self, source_id: str, most: int = -1) -> tuple[Passage, ...]:
        """Return the passages of a source, in order: all, or the first ones, at ``most`` so many."""
        source = self._sources[source_id]
        query = f"SELECT {_COLUMNS} FROM passage p WHERE p.source_id = ? ORDER BY p.number LIMIT ?"
        with self._reading() as db, checked_contents():
            return tuple(_passage(*row) for row in db.execute(query, (source.id, most)))

    def search(self, query: str, limit: int = 10, near: Sequence[int] = ()) -> tuple[FoundPassage, ...]:
        """Return the passages that fit a query, the most relevant first.

        Args:
            query: What to look for.
            limit: The most passages.
            near: The ids of passages that are near the query, from :meth:`near`.
        """
        scores = self._scores(query, max(limit, _CANDIDATES) if near else limit)
        ranked = sorted(scores, key=lambda id: -scores[id])
        fused = _fused(ranked, near) if near else scores
        return tuple(self._found(sorted(fused, key=lambda id: -fused[id])[: max(0, limit)]))

    async def near(self, query: str) -> Sequence[int]:
        """Return the ids of the passages that are near a query in meaning; none without embeddings."""
        return await self.embedder.nearest(query) if self.embedder is not None and self._sources else ()

    def for_section(
        self,
        subject: str,
        room: int,
        *,
        section_id: str = "",
        recent: str = "",
        instruction: str = "",
        near: Sequence[int] = (),
    ) -> SelectedPassages:
        """Return the passages that serve a section.

        Args:
            subject: The section's headings and main point.
            room: The most tokens that the passages may take.
            section_id: The section; sources that are pinned to it come first.
            recent: The text before the section.
            instruction: What the document is about.
            near: The ids of passages that are near the subject, from :meth:`near`.
        """
        if not self._sources:
            return SelectedPassages()
        scores: dict[int, float] = {}
        for weight, query in zip(_WEIGHTS, (subject, recent, instruction), strict=True):
            for id, score in self._scores(query, _CANDIDATES).items():
                scores[id] = scores.get(id, 0.0) + weight * score
        least = _FITTING * max(scores.values(), default=0.0)
        pinned = {source.id for source in self._sources.values() if section_id and section_id in source.pinned}
        scores = {id: score for id, score in scores.items() if score >= least}
        if near:
            scores = _fused(sorted(scores, key=lambda id: -scores[id]), near)
        candidates = list(self._found(scores))
        known = {found.passage.id for found in candidates}
        for source_id in pinned:
            source = self._sources[source_id]
            more = (passage for passage in self.passages(source_id) if passage.id not in known)
            candidates += [FoundPassage(passage, source) for passage in more]
        candidates.sort(
            key=lambda found: (
                found.source.id not in pinned,
                -scores.get(found.passage.id, 0.0),
                found.passage.number,
                found.passage.id,
            )
        )
        return _that_fit(candidates, room)

    def relevance(self, query: str) -> dict[str, float]:
        """Return how relevant sources are to a query: the score of the best passage of each, by the id of the source.

        Sources that share no word with it are left out.
        """
        best: dict[str, float] = {}
        scores = self._scores(query, _CANDIDATES)
        for found in self._found(scores):
            best[found.source.id] = max(best.get(found.source.id, 0.0), scores[found.passage.id])
        return best

    def _same(self, read: ReadSource) -> Source | None:
        """Return the source that was read before from the same place."""
        location = one_line(read.location)[:_LONGEST]
        found = [source for source in self._sources.values() if source.location == location]
        if read.kind == "record":
            wanted = make_key({}, read.key or "source", ())
            found = [source for source in found if source.key == wanted]
        return found[0] if found else None

    def _scores(self, query: str, limit: int) -> dict[int, float]:
        """Return how relevant passages are to a query, by the id of the passage."""
        wanted = _query_terms(query)
        if not wanted or not self._sources or limit < 1:
            return {}
        match = " OR ".join(f'"{term}"' for term in wanted)
        # The plus keeps SQLite from searching once for each passage.
        with self._reading() as db:
            rows = db.execute(
                "SELECT passage_index.rowid, bm25(passage_index) AS rank FROM passage_index"
                " WHERE passage_index MATCH ? AND +passage_index.rowid IN (SELECT id FROM passage)"
                " ORDER BY rank LIMIT ?",
                (match, limit),
            )
            return {int(id): -float(rank) for id, rank in rows}

    def _found(self, ids: Iterable[int]) -> Iterator[FoundPassage]:
        """Return passages with their sources, in the given order."""
        with self._reading() as db, checked_contents():
            for id in ids:
                row = db.execute(f"SELECT {_COLUMNS} FROM passage p WHERE p.id = ?", (id,)).fetchone()
                if row is not None and row[1] in self._sources:
                    passage = _passage(*row)
                    yield FoundPassage(passage, self._sources[passage.source_id])


def _fused(first: Sequence[int], second: Sequence[int]) -> dict[int, float]:
    """Return scores of two rankings together, by reciprocal rank fusion (Cormack, Clarke, Büttcher 2009)."""
    scores: dict[int, float] = {}
    for ranking in (first, second):
        for rank, id in enumerate(ranking, 1):
            scores[id] = scores.get(id, 0.0) + 1 / (_FUSION + rank)
    return scores


def _that_fit(candidates: Sequence[FoundPassage], room: int) -> SelectedPassages:
    chosen = []
    left = float(room)
    for found in candidates:
        size = estimate_tokens(found.passage.text) + _OVERHEAD
        if size <= left:
            chosen.append(found)
            left -= size
    return SelectedPassages(tuple(chosen), len(candidates) - len(chosen))


def _terms(text: str, short: regex.Pattern[str]) -> Iterator[str]:
    """Yield the terms of a text: those of :func:`terms` without the plural's ending, and its ``short`` words."""
    for term in terms(_THOUSANDS.sub("", text)):
        yield term[:-1] if len(term) > _SHORTEST_PLURAL and term.endswith("s") and not term.endswith("ss") else term
    yield from (word.casefold() for word in short.findall(text))


def _query_terms(query: str) -> list[str]:
    """Return the terms to look for: of Chinese and Japanese, pairs of characters, or a character that stands alone."""
    found = dict.fromkeys(_terms(query, _SHORT_WORD))
    in_pairs = {char for term in found if len(term) == 2 for char in term}
    return [term for term in found if len(term) > 1 or term not in in_pairs or term.isdigit()][-_MAX_TERMS:]


def _cleaned(stretch: Stretch) -> Stretch:
    return Stretch(clean(stretch.text).strip(), stretch.page)


def _put(db: sqlite3.Connection, source: Source) -> None:
    db.execute(
        "INSERT INTO source (id, position, key, kind, title, location, retrieved, pinned, csl)"
        " VALUES (?, (SELECT ifnull(max(position), 0) + 1 FROM source), ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, title = excluded.title, location = excluded.location,"
        " retrieved = excluded.retrieved, pinned = excluded.pinned, csl = excluded.csl",
        (
            source.id,
            source.key,
            source.kind,
            source.title,
            source.location,
            source.retrieved,
            json.dumps(source.pinned),
            json.dumps(source.csl, ensure_ascii=False),
        ),
    )


def _put_passages(db: sqlite3.Connection, source_id: str, texts: Sequence[Stretch]) -> None:
    for number, stretch in enumerate(texts, 1):
        row = db.execute(
            "INSERT INTO passage (source_id, number, page, text) VALUES (?, ?, ?, ?)",
            (source_id, number, stretch.page, stretch.text),
        )
        _index(db, row.lastrowid, stretch.text)


def _index(db: sqlite3.Connection, id: int | None, text: str) -> None:
    found = " ".join(_terms(text, _SHORT_NAME))
    db.execute("INSERT INTO passage_index (rowid, terms) VALUES (?, ?)", (id, found))


def _tidy(db: sqlite3.Connection) -> None:
    """Make the index again once more of its rows are of removed passages than of those that there are."""
    (indexed,) = db.execute("SELECT count(*) FROM passage_index_docsize").fetchone()
    (kept,) = db.execute("SELECT count(*) FROM passage").fetchone()
    if indexed > 2 * kept:
        db.execute("INSERT INTO passage_index (passage_index) VALUES ('delete-all')")
        for id, text in db.execute("SELECT id, text FROM passage").fetchall():
            _index(db, id, text)


def _source(
    id: str, key: str, kind: str, title: str, location: str, retrieved: str, csl: str, pinned: str, passages: int
) -> Source:
    if make_key({}, key, ()) != key:
        raise ValueError("a source with a key that is none")
    sections = _json(pinned)
    if not isinstance(sections, list):
        raise ValueError("a source that is pinned to no list")
    item = clean_item(_json(csl))
    kind = kind if kind in SOURCE_KINDS else "other"
    named: Mapping[str, Any] = {"id": key, **item}
    return Source(
        id,
        key,
        kind,
        one_line(title),
        one_line(location),
        one_line(retrieved),
        named,
        tuple(map(str, sections)),
        passages,
    )


def _json(stored: str) -> Any:
    try:
        return json.loads(stored)
    except RecursionError:
        raise ValueError("a value that is nested too deeply") from None


def _passage(id: int, source_id: str, number: int, text: str, page: int | None) -> Passage:
    return Passage(int(id), source_id, int(number), text, page if page is None or page > 0 else None)
