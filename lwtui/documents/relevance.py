"""Ranks texts by how relevant they are to a query: BM25 of SQLite's FTS5, in memory.

FTS5's own tokenizers find words between spaces, or with ``trigram`` no words of two characters, as most Chinese words
are. So texts are divided into terms here: words, without their endings, and characters and
pairs of characters in scripts without spaces.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import lru_cache

import regex

_NO_SPACES = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}"
_RUN = regex.compile(rf"[{_NO_SPACES}]+|[\p{{L}}\p{{N}}\p{{M}}--[{_NO_SPACES}]]+", regex.VERSION1)
_WITHOUT_SPACES = regex.compile(f"[{_NO_SPACES}]")
_STEM = 6  # characters that identify a word, whatever its ending
_SHORTEST = 3  # letters of a word that counts; digits always count
_MOST_TERMS = 400  # of a query, the last ones
_POINT_WEIGHT = 3.0  # of a section's heading and main point, compared with the text before it


def relevance_to_section(texts: Sequence[str], subject: str, recent: str) -> list[float]:
    """Return how relevant each of ``texts`` is to a section.

    Args:
        texts: The texts to rank.
        subject: The section's heading and main point.
        recent: The text before the section.
    """
    points, around = relevance(texts, subject, recent)
    return [_POINT_WEIGHT * point + near for point, near in zip(points, around, strict=True)]


def relevance(texts: Sequence[str], *queries: str) -> list[list[float]]:
    """Return how relevant each of ``texts`` is to each query, as a list for each; 0.0 without a common term."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE VIRTUAL TABLE entry USING fts5(terms, tokenize = 'unicode61 remove_diacritics 2')")
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO entry (rowid, terms) VALUES (?, ?)",
            enumerate(map(_terms_in, texts), 1),
        )
        return [_scores(db, len(texts), query) for query in queries]


def _scores(db: sqlite3.Connection, count: int, query: str) -> list[float]:
    scores = [0.0] * count
    wanted = list(dict.fromkeys(terms(query)))[-_MOST_TERMS:]
    if wanted and count:
        match = " OR ".join(f'"{term}"' for term in wanted)
        for row, rank in db.execute("SELECT rowid, bm25(entry) FROM entry WHERE entry MATCH ?", (match,)):
            scores[row - 1] = -float(rank)
    return scores


@lru_cache(maxsize=2**15)
def _terms_in(text: str) -> str:
    """Return the terms of a text, with spaces between them. Each prompt ranks the same facts and notes."""
    return " ".join(terms(text))


def terms(text: str) -> Iterator[str]:
    """Yield the terms of a text: the beginnings of its words, or the characters and pairs of them without spaces."""
    for run in _RUN.findall(text.casefold()):
        if _WITHOUT_SPACES.match(run):
            yield from run  # a word of one character, such as 茶
            yield from (run[start : start + 2] for start in range(len(run) - 1))
        elif len(run) >= _SHORTEST or run.isdigit():
            yield run[:_STEM]
