"""A document is one SQLite file, ``name.lw``: nothing that was written is ever lost from it.

Each change is one transaction, and only when it is stored does the memory follow. What a model streams is the one
exception: it is in memory at once and in the file's journal soon after, so a full disk loses none of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, time
from typing import Any, Self

import regex

from lwtui.documents import rows
from lwtui.documents.build import build
from lwtui.documents.contents import Contents, Kept, Stream, load
from lwtui.documents.database import (
    check_header,
    close_writer,
    connect_reader,
    connect_writer,
    explain,
    is_unwritable,
    transaction,
)
from lwtui.documents.edits import Typing
from lwtui.documents.lock import Locked, WriterLock
from lwtui.documents.memory import put_setting
from lwtui.documents.model import (
    Basis,
    Brief,
    Note,
    Origin,
    Plan,
    Provenance,
    Revision,
    Section,
    SectionSummary,
    Status,
    Usage,
    title_from,
)
from lwtui.documents.notebook import Notebook
from lwtui.documents.schema import provenance_to_json
from lwtui.documents.upgrade import upgrade, upgraded_to_read
from lwtui.errors import DocumentError
from lwtui.text import clean

_JOURNAL_SECONDS = 0.4  # the longest that appended text stays in memory alone while more comes
_PLAN_STEPS = 500  # how many changes of the plan can be taken back
_SURROGATE = regex.compile("[\ud800-\udfff]")


class Document:
    """An open document. Not for use from several threads; close it with :meth:`close` or ``with``.

    Every method that changes it raises :class:`lwtui.errors.DocumentError` (one line: what is wrong, what to do)
    if the change cannot be stored, or if it is :attr:`read_only`.
    """

    path: Path
    read_only: bool
    read_only_reason: str  # "" or one line: who has it open, or that the file may not be written
    notebook: Notebook  # the writer's notes and the summaries of sections

    def __init__(
        self, path: Path, db: sqlite3.Connection, contents: Contents, lock: WriterLock | None, reason: str
    ) -> None:
        """For :meth:`create` and :meth:`open`. Without a ``lock`` the document is read-only."""
        self.path = path
        self.read_only = lock is None
        self.read_only_reason = reason
        self._db: sqlite3.Connection | None = db
        self._lock = lock
        self._now = contents
        self.notebook = Notebook(self._change, contents.memory)
        self._unsaved_since: float | None = None
        self._typing: dict[str, Typing] = {}
        self._kept_usage: dict[int, Usage] = {}  # of versions kept in this session, by id

    @classmethod
    def create(cls, path: Path, brief: Brief, plan: Plan | None = None) -> Self:
        """Make a new file; never overwrites one."""
        build(path, brief, plan)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a file. Another writer has it: it opens read-only. Sections left as WRITING by a crash are PARTIAL."""
        check_header(path)
        if read_only:
            return cls._open_to_read(path, "It was opened for reading only.")
        try:
            lock = WriterLock.acquire(path)
        except Locked as holder:
            return cls._open_to_read(path, f"It is open {holder}. Close it there to write here.", live=True)
        except OSError as error:
            return cls._open_to_read(path, f"Its folder may not be written ({error.strerror}).")
        try:
            return cls._open_to_write(path, lock)
        except BaseException as error:
            lock.release()
            if isinstance(error, DocumentError) and is_unwritable(error):
                return cls._open_to_read(path, str(error))
            raise

    @classmethod
    def _open_to_write(cls, path: Path, lock: WriterLock) -> Self:
        try:
            db = connect_writer(path)
            try:
                upgrade(db, path)
                contents = load(db)
                _recover(db, path, contents)
            except BaseException:
                db.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise explain(error, path) from error
        return cls(path, db, contents, lock, "")

    @classmethod
    def _open_to_read(cls, path: Path, reason: str, *, live: bool = False) -> Self:
        """``live``: another process may be streaming into it, so what is being written is not interrupted."""
        try:
            db = connect_reader(path)
            try:
                db = upgraded_to_read(db, path)
                contents = load(db)
            except BaseException:
                db.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise explain(error, path) from error
        if not live:
            for section_id, stream in contents.streams.items():
                kept = contents.sections[section_id]
                contents.sections[section_id] = replace(kept, section=stream.result(kept.section))
            contents.streams.clear()
        return cls(path, db, contents, None, reason)

    def close(self) -> None:
        """Store what is not stored yet, and let go of the file. Raises :class:`DocumentError` after letting go."""
        if self._db is None:
            return
        try:
            if not self.read_only:
                for stream in self._now.streams.values():
                    stream.ended = stream.ended or Status.PARTIAL
                self.flush()
        finally:
            db, self._db = self._db, None
            if self._lock is None:
                db.close()
            else:
                close_writer(db)
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it is

    @property
    def brief(self) -> Brief:
        return self._now.brief

    @property
    def plan(self) -> Plan:
        """The plan; one without sections while there is none."""
        return self._now.plan

    @property
    def title(self) -> str:
        """The plan's title, or the beginning of the instruction."""
        return self._now.title or title_from(self._now.brief.instruction)

    @property
    def words(self) -> int:
        """Length of all sections together, by the counter."""
        return sum(section.length for section in self.sections())

    @property
    def usage(self) -> Usage:
        """Tokens that all model calls for this document took."""
        return self._now.usage

    @property
    def notes(self) -> Sequence[Note]:
        """What the writer wants the model to know, in the writer's order."""
        return self.notebook.notes

    @property
    def summaries(self) -> Mapping[str, SectionSummary]:
        """What stands for sections whose text no longer fits, by section id."""
        return self.notebook.summaries

    def basis(self, section_id: str) -> Basis | None:
        """What a section's present text was written from, where that is known; ``KeyError`` for an unknown section."""
        return self._now.sections[section_id].basis

    def revision_id(self, section_id: str) -> int | None:
        """The revision that holds a section's present text, if it has any; ``KeyError`` for an unknown section."""
        return self._now.sections[section_id].revision

    def setting(self, name: str, default: str = "") -> str:
        """What :meth:`set_setting` stored under ``name``."""
        return self._now.memory.settings.get(name, default)

    def sections(self) -> list[Section]:
        """All sections in the plan's order, with what has streamed in so far. A heading alone is DONE."""
        return [self._view(section_id) for section_id in self._now.order]

    def section(self, section_id: str) -> Section:
        """One section; ``KeyError`` if the plan has none of that id."""
        if section_id not in self._now.order:
            raise KeyError(section_id)
        return self._view(section_id)

    # -- changes by hand

    def set_brief(self, brief: Brief) -> None:
        brief = replace(brief, instruction=clean(brief.instruction))
        with self._change() as db:
            rows.put_brief(db, brief)
        self._now.brief = brief

    def set_plan(self, plan: Plan, label: str, texts: Mapping[str, str] | None = None, *, joined: bool = False) -> None:
        """Replace the plan and, in the same step, the texts of some sections (``texts``, by section id).

        Texts belong to section ids: a section that leaves the plan keeps its text in the file, and
        :meth:`undo_plan` (or a later plan that names its id again) brings it back. ``label`` says what was done, as
        in "Delete section “Soil”". ``joined``: if the last change had the same label, both are taken back together.
        """
        plan = rows.checked(plan)
        new = {id: text for id, given in (texts or {}).items() if (text := clean(given)) != self._text(id)}
        for section_id in new:
            self._settle(section_id)
        if plan == self.plan and not new:
            return
        before = [rows.plan_to_row(self.plan), [[id, *self._state(id)] for id in new]]
        with self._change() as db:
            if not (joined and rows.last_plan_step(db) == clean(label)):
                rows.put_plan_step(db, clean(label), json.dumps(before, ensure_ascii=False), _PLAN_STEPS)
            rows.put_plan(db, plan)
            planned = self._now.planned(plan)
            for section_id, text in new.items():
                planned[section_id] = rows.write_text(db, planned[section_id], text, Origin.USER)
        self._took_plan(plan, planned)

    @property
    def last_step(self) -> str | None:
        """The label of what :meth:`undo_plan` would take back."""
        row = self._row("SELECT label FROM plan_step ORDER BY id DESC LIMIT 1")
        return None if row is None else str(row[0])

    def undo_plan(self) -> str | None:
        """Take back the last :meth:`set_plan`, its texts included; its label, or ``None`` if there is none.

        Also works after the document was closed and opened again.
        """
        self._writable()
        row = self._row("SELECT id, label, before FROM plan_step ORDER BY id DESC LIMIT 1")
        if row is None:
            return None
        step, label, before = row
        try:
            plan, texts = rows.plan_step_from_row(before, self._now.sections)
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        for section_id, _, _ in texts:
            self._settle(section_id)
        with self._change() as db:
            db.execute("DELETE FROM plan_step WHERE id = ?", (step,))
            rows.put_plan(db, plan)
            planned = self._now.planned(plan)
            for section_id, revision, status in texts:
                if revision != planned[section_id].revision:
                    planned[section_id] = rows.write_old(db, planned[section_id], revision, status)
        self._took_plan(plan, planned)
        return str(label)

    def edit(self, section_id: str, text: str, origin: Origin = Origin.USER) -> None:
        """Replace a section's text by hand. Edits that follow each other closely become one revision.

        A section with text is DONE unless it was PARTIAL; one without is EMPTY. Not for a section that is WRITING.
        """
        self._writable()
        self._settle(section_id)
        kept, text = self._now.sections[section_id], clean(text)
        if text == kept.section.text:
            return
        typing = self._typing.get(section_id, Typing(None))
        joined = typing.joined(kept, text) if origin is Origin.USER else None
        with self._change() as db:
            kept = rows.write_over(db, kept, text) if joined else rows.write_text(db, kept, text, origin)
        self._now.sections[section_id] = kept
        self._typing[section_id] = joined or Typing(kept.revision if origin is Origin.USER else None)

    def clear(self, section_id: str) -> None:
        """Make a section EMPTY so that it is written anew; its text stays as a revision."""
        self.edit(section_id, "")

    def mark_done(self, section_id: str) -> None:
        """The writer says that a PARTIAL section is complete."""
        self._writable()
        self._settle(section_id)
        kept = self._now.sections[section_id]
        if kept.section.status is not Status.PARTIAL:
            return
        with self._change() as db:
            kept = rows.set_status(db, kept, Status.DONE)
        self._now.sections[section_id] = kept

    def accept(self, section_id: str, basis: Basis) -> None:
        """The writer says that a section's text is right for what it would be written from now."""
        kept = self._now.sections[section_id]
        with self._change() as db:
            rows.put_basis(db, section_id, basis)
        self._now.sections[section_id] = replace(kept, basis=basis)

    def set_setting(self, name: str, value: str) -> None:
        """Keep something about the document that is not part of its text, such as what is folded in its outline."""
        self._writable()
        with transaction(self._open_db(), self.path) as db:  # which is no change of the document in the library
            put_setting(db, name, value)
        self._now.memory.settings[name] = value

    def revisions(self, section_id: str) -> list[Revision]:
        """Every version of a section, the newest first."""
        try:
            return rows.revisions(self._open_db(), section_id)
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def restore(self, revision_id: int) -> None:
        """Make an old revision the section's text again (as a new revision; the present text stays one)."""
        self._writable()
        row = self._row("SELECT section_id FROM revision WHERE id = ?", revision_id)
        if row is None:
            raise DocumentError("There is no such version. Open the list of versions again.")
        (section_id,) = row
        self._settle(section_id)
        kept = self._now.sections[section_id]
        if revision_id == kept.revision:
            return
        with self._change() as db:
            kept = rows.write_old(db, kept, revision_id)
        self._now.sections[section_id] = kept
        self._typing.pop(section_id, None)

    # -- answers that a person chooses from (see lwtui.agentwrite.revise and lwtui.agentwrite.variants)

    def keep_version(
        self,
        section_id: str,
        text: str,
        provenance: Provenance,
        usage: Usage,
        over: int | None = None,
        *,
        origin: Origin = Origin.MODEL,
    ) -> int:
        """Keep a model's text among the versions of a section, which stays as it is; the version's id.

        ``over`` names one that was kept before and has grown. ``usage`` is of the whole text; what of it is new since
        is counted into the document's. ``origin`` is USER where most of the text is the writer's.
        """
        text = clean(text)
        new = usage if over is None else usage - self._kept_usage.get(over, Usage())
        with self._change() as db:
            if over is None:
                over = rows.put_version(db, section_id, text, origin, rows.ASIDE, provenance=provenance, usage=usage)
            else:
                rows.grow_version(db, over, text, usage)
            rows.add_usage(db, new)
        self._kept_usage[over] = usage
        self._now.usage += new
        return over

    def add_usage(self, usage: Usage) -> None:
        """Count a call that brought no text, such as a review."""
        with self._change() as db:
            rows.add_usage(db, usage)
        self._now.usage += usage

    def adopt_version(self, section_id: str, version: int, status: Status | None = None) -> None:
        """Make a version that was kept the section's text; the one before is among its versions.

        ``status`` is how far the section is with it: as after an edit by hand if it is not given.
        """
        self._writable()
        self._settle(section_id)
        with self._change() as db:
            kept = rows.adopt_version(db, self._now.sections[section_id], version, status)
        self._now.sections[section_id] = kept
        self._typing.pop(section_id, None)

    def take_answer(self, section_id: str, text: str, provenance: Provenance) -> None:
        """Make ``text``, of which a person took some or all from a model, a section's own; the one before is kept."""
        self._writable()
        self._settle(section_id)
        kept, text = self._now.sections[section_id], clean(text)
        if text == kept.section.text:
            return
        with self._change() as db:
            kept = rows.write_taken(db, kept, text, provenance)
        self._now.sections[section_id] = kept
        self._typing.pop(section_id, None)

    # -- changes by a model (see lwtui.agentwrite.record)

    def begin(self, section_id: str, provenance: Provenance, keep: int) -> None:
        """A model starts on a section, or goes on with it after ``keep`` characters of its text."""
        self._writable()
        self._settle(section_id)
        stream = Stream(provenance, self._now.sections[section_id].section.text)
        stream.replay(keep, "")
        with self._change() as db:
            db.execute(
                "INSERT INTO stream (section_id, length, provenance) VALUES (?, ?, ?)",
                (section_id, stream.length, provenance_to_json(provenance)),
            )
            db.execute("INSERT INTO journal (section_id, keep, text) VALUES (?, ?, '')", (section_id, keep))
        self._typing.pop(section_id, None)
        self._now.streams[section_id] = stream

    def append(self, section_id: str, text: str) -> None:
        """Text that streamed in. In memory at once, in the file at the next :meth:`flush` or after 0.4 s of appends."""
        if not text:
            return
        self._stream(section_id).append(_storable(text))
        self._note_unsaved()

    def roll_back(self, section_id: str, keep: int) -> None:
        """Cut the streaming text to ``keep`` characters."""
        self._stream(section_id).cut(keep)
        self._note_unsaved()

    def finish(self, section_id: str, status: Status, usage: Usage) -> None:
        """The model's part ends (DONE or PARTIAL): the text becomes a revision with its provenance.

        A section whose model brought nothing before it was interrupted is as it was before. If this cannot be
        stored, the text stays in the buffer and the next :meth:`flush` tries again.
        """
        stream = self._now.streams.get(section_id)
        if stream is None:
            return
        if stream.ended is None:  # else this is the second try after a full disk, and the first one knew better
            stream.ended, stream.usage = status, usage
        self.flush()

    def flush(self) -> None:
        """Put everything that has streamed in into the file, in one transaction. Cheap when there is nothing new."""
        now = self._now
        streams = {id: stream for id, stream in now.streams.items() if stream.unsaved or stream.ended}
        if not streams:
            return
        self._unsaved_since = monotonic()  # after a failure, the next piece does not try again at once
        done: dict[str, Kept] = {}
        with self._change() as db:
            for section_id, stream in streams.items():
                if stream.ended:
                    done[section_id] = rows.end_stream(db, now.sections[section_id], stream)
                else:
                    rows.put_journal(db, section_id, stream)
        self._unsaved_since = None
        for stream in streams.values():
            stream.unsaved.clear()
        for section_id, kept in done.items():
            now.sections[section_id] = kept
            now.usage += now.streams.pop(section_id).usage

    # -- the rest is for this class alone

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction. The caller brings the memory up to date after it, so that the two agree."""
        self._writable()
        with transaction(self._open_db(), self.path) as db:
            yield db
            db.execute("UPDATE document SET changed = ?", (time(),))

    def _writable(self) -> None:
        if self.read_only:
            raise DocumentError(f"{self.path.name} cannot be changed. {self.read_only_reason}")

    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            raise DocumentError(f"{self.path.name} is closed. Open it again.")
        return self._db

    def _row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._open_db().execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        return row

    def _view(self, section_id: str) -> Section:
        section, stream = self._now.sections[section_id].section, self._now.streams.get(section_id)
        if stream is not None:
            return stream.view(section)
        return replace(section, status=Status.DONE) if section.heads else section

    def _text(self, section_id: str) -> str:
        """The stored text of a section, which need not be known."""
        kept = self._now.sections.get(section_id)
        return kept.section.text if kept else ""

    def _state(self, section_id: str) -> tuple[int | None, Status]:
        kept = self._now.sections.get(section_id)
        return (kept.revision, kept.section.status) if kept else (None, Status.EMPTY)

    def _settle(self, section_id: str) -> None:
        """Before a section is changed otherwise: not while a model writes it."""
        stream = self._now.streams.get(section_id)
        if stream is None:
            return
        if stream.ended is None:
            title = self._now.sections[section_id].section.title or self.title
            raise DocumentError(f"“{title}” is being written at this moment. Pause the writing first.")
        self.flush()

    def _took_plan(self, plan: Plan, planned: dict[str, Kept]) -> None:
        self._now.title = plan.title
        self._now.order = [section.id for section in plan.sections]
        self._now.sections = planned
        self._typing.clear()

    def _stream(self, section_id: str) -> Stream:
        stream = self._now.streams.get(section_id)
        if stream is None or stream.ended is not None:
            self._writable()
            raise DocumentError("Text came for a section that is not being written. Start its writing again.")
        return stream

    def _note_unsaved(self) -> None:
        if self._unsaved_since is None:
            self._unsaved_since = monotonic()
        elif monotonic() - self._unsaved_since >= _JOURNAL_SECONDS:
            self.flush()


def _recover(db: sqlite3.Connection, path: Path, contents: Contents) -> None:
    """Sections whose writer died keep what the journal has of them, as interrupted."""
    if not contents.streams:
        return
    with transaction(db, path):
        ended = {
            section_id: rows.end_stream(db, contents.sections[section_id], stream)
            for section_id, stream in contents.streams.items()
        }
    contents.sections.update(ended)
    contents.streams.clear()


def _storable(text: str) -> str:
    """``text`` with a replacement for what UTF-8 cannot hold, character for character."""
    return _SURROGATE.sub("\ufffd", text)
