"""The facts of a document: what its sections say of people, places, things and dates, each with the quote it rests on.

A fact holds from its section on. Facts that a model noted are renewed when their section changes; those that the user
has edited, pinned or removed stay as they are.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from lwtui.documents.database import checked_contents
from lwtui.documents.model import new_id
from lwtui.errors import DocumentError
from lwtui.text import clean, one_line
from lwtui.translation import _

FACT_KINDS = ("person", "place", "thing", "date", "number", "claim", "term", "thread")
FACTS = "facts"  # the document setting that has facts noted while the document is written: "on"
_NOTED = "facts-noted"  # the document setting with the fingerprint of each section's text that facts were noted from
_LONGEST = 1_000  # characters of a fact
_MOST_FACTS = 20_000  # of a document


@dataclass(frozen=True)
class Fact:
    """Something that the text says.

    Attributes:
        kind: One of :data:`FACT_KINDS`; a thread is something that is still open.
        subject: Whom or what it is about.
        text: The fact in a sentence.
        quote: The words of the section that it rests on; empty if the user added it.
        section_id: The section from which on it holds.
        pinned: Whether every later prompt shows it.
        by_hand: Whether the user wrote or changed it, so that no model replaces it.
        removed: Whether the user removed it. It is kept so that it is not noted again, and can be restored.
        id: Identifies it.
    """

    kind: str
    subject: str
    text: str
    quote: str
    section_id: str
    pinned: bool = False
    by_hand: bool = False
    removed: bool = False
    id: str = field(default_factory=new_id)

    @property
    def is_fixed(self) -> bool:
        """Whether it stays when its section is noted again."""
        return self.pinned or self.by_hand or self.removed


def load_facts(db: sqlite3.Connection) -> dict[str, Fact]:
    """Load all facts by id.

    Raises:
        sqlite3.Error: They cannot be read, or hold contents that no version of lwtui would have written.
    """
    rows = db.execute(
        "SELECT kind, subject, text, quote, section_id, pinned, by_hand, removed, id FROM fact ORDER BY position"
        f" LIMIT {_MOST_FACTS}"
    )
    with checked_contents():
        facts = (
            Fact(kind, subject, text, quote, section_id, bool(pinned), bool(by_hand), bool(removed), id)
            for kind, subject, text, quote, section_id, pinned, by_hand, removed, id in rows
        )
        return {fact.id: _cleaned(fact) for fact in facts}


class FactBook:
    """The facts of a :class:`lwtui.documents.store.Document`.

    All methods that change something raise :class:`lwtui.errors.DocumentError` if the change cannot be stored.
    """

    def __init__(
        self,
        change: Callable[[], AbstractContextManager[sqlite3.Connection]],
        facts: dict[str, Fact],
        settings: Mapping[str, str],
        set_setting: Callable[[str, str], None],
    ) -> None:
        """Create the book. ``change`` opens a transaction of the document, whose ``settings`` are given."""
        self._change = change
        self._facts: dict[str, Fact] = {}
        self._ids: dict[str, set[str]] = defaultdict(set)  # of the facts of each section
        for fact in facts.values():
            self._keep(fact)
        self._last_position: int | None = None  # in the file; read when the first fact is added
        self._settings = settings
        self._set_setting = set_setting
        self._noted: tuple[str, dict[str, str]] = ("", {})  # the setting, and what it says
        self._removed: list[str] = []  # in this session, the last at the end

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that are in force, in the order in which they were noted."""
        return tuple(fact for fact in self._facts.values() if not fact.removed)

    def noted(self) -> dict[str, str]:
        """Return the fingerprint of the text that each section's facts were noted from, by section id."""
        stored = self._settings.get(_NOTED, "")
        if stored != self._noted[0]:
            self._noted = (stored, _noted_in(stored))
        return self._noted[1].copy()

    def renew(self, section_id: str, digest: str, facts: Sequence[Fact]) -> None:
        """Replace the facts that a model noted from an earlier text of a section.

        Args:
            section_id: The section.
            digest: The fingerprint of its text.
            facts: What it says now. Facts that the user has fixed are not added a second time.
        """
        present = [self._facts[id] for id in self._ids[section_id]]
        fixed = [fact for fact in present if fact.is_fixed]
        known = {_key(fact) for fact in fixed} | {fact.quote for fact in fixed if fact.quote}
        new = [fact for fact in map(_cleaned, facts) if _key(fact) not in known and fact.quote not in known]
        old = [fact.id for fact in present if not fact.is_fixed]
        with self._change() as db:
            db.executemany("DELETE FROM fact WHERE id = ?", ((id,) for id in old))
            self._insert(db, new)
        for id in old:
            del self._facts[id]
        self._ids[section_id].difference_update(old)
        for fact in new:
            self._keep(fact)
        self._set_setting(_NOTED, json.dumps(self.noted() | {section_id: digest}))

    def put(self, fact: Fact) -> None:
        """Add a fact, or change the one of the same id."""
        fact = _cleaned(fact)
        if not fact.text:
            raise DocumentError(_("A fact needs a text."), code="no-text")
        if fact == self._facts.get(fact.id):
            return
        with self._change() as db:
            if fact.id in self._facts:
                db.execute(
                    "UPDATE fact SET kind = ?, subject = ?, text = ?, quote = ?, section_id = ?, pinned = ?,"
                    " by_hand = ?, removed = ? WHERE id = ?",
                    (*_row(fact)[:-1], fact.id),
                )
            else:
                self._insert(db, [fact])
        self._keep(fact)

    def pin(self, fact_id: str, *, pinned: bool = True) -> None:
        """Have every later prompt show a fact, or no longer."""
        self.put(replace(self._facts[fact_id], pinned=pinned))

    def remove(self, fact_id: str) -> None:
        """Remove a fact. It is not noted again, and :meth:`undo_remove` brings it back."""
        self.put(replace(self._facts[fact_id], removed=True))
        self._removed.append(fact_id)

    def undo_remove(self) -> Fact | None:
        """Bring back the fact that was removed last, also before the document was opened; ``None`` without one."""
        removed = [id for id, fact in self._facts.items() if fact.removed]
        last = next((id for id in reversed([*removed, *self._removed]) if id in removed), None)
        if last is None:
            return None
        self.put(replace(self._facts[last], removed=False))
        return self._facts[last]

    def merge(self, kept_id: str, other_id: str) -> None:
        """Merge one fact into another, which gets both texts and the earlier section if the facts differ."""
        kept, other = self._facts[kept_id], self._facts[other_id]
        text = kept.text if other.text in kept.text else f"{kept.text.rstrip('.。')}; {other.text}"
        self.put(replace(kept, text=text, quote=kept.quote or other.quote, by_hand=True))
        self.remove(other_id)

    def _keep(self, fact: Fact) -> None:
        """Add a fact in memory, or replace the one of the same id."""
        if (before := self._facts.get(fact.id)) is not None:
            self._ids[before.section_id].discard(fact.id)
        self._facts[fact.id] = fact
        self._ids[fact.section_id].add(fact.id)

    def _insert(self, db: sqlite3.Connection, facts: Iterable[Fact]) -> None:
        """Insert facts after all others. The last position is read once, since that reads the whole table."""
        if self._last_position is None:
            (self._last_position,) = db.execute("SELECT ifnull(max(position), 0) FROM fact").fetchone()
        rows = [(self._last_position + number, *_row(fact)) for number, fact in enumerate(facts, 1)]
        db.executemany(
            "INSERT INTO fact (position, kind, subject, text, quote, section_id, pinned, by_hand, removed, id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        self._last_position += len(rows)


def _noted_in(setting: str) -> dict[str, str]:
    try:
        stored = json.loads(setting or "{}")
    except (ValueError, RecursionError):
        return {}  # it is noted anew
    return {str(key): str(value) for key, value in stored.items()} if isinstance(stored, dict) else {}


def _cleaned(fact: Fact) -> Fact:
    kind = fact.kind if fact.kind in FACT_KINDS else "thing"
    return replace(
        fact,
        kind=kind,
        subject=one_line(clean(fact.subject))[:_LONGEST],
        text=one_line(clean(fact.text))[:_LONGEST],
        quote=one_line(clean(fact.quote))[:_LONGEST],
    )


def _key(fact: Fact) -> str:
    return f"{fact.subject}\0{fact.text}".casefold()


def _row(fact: Fact) -> tuple[object, ...]:
    flags = (fact.pinned, fact.by_hand, fact.removed)
    return (fact.kind, fact.subject, fact.text, fact.quote, fact.section_id, *flags, fact.id)
