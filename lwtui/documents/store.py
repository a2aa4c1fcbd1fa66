"""A document is one SQLite file, ``name.lw``: nothing that was written is ever lost from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from lwtui.documents.model import Brief, Origin, Plan, Provenance, Revision, Section, Status, Usage


class Document:
    """An open document. Not for use from several threads; close it with :meth:`close` or ``with``.

    Every method that changes it raises :class:`lwtui.errors.DocumentError` (one line: what is wrong, what to do)
    if the change cannot be stored, or if it is :attr:`read_only`.
    """

    path: Path
    read_only: bool
    read_only_reason: str  # "" or one line: who has it open, or that the file may not be written

    @classmethod
    def create(cls, path: Path, brief: Brief, plan: Plan | None = None) -> Self:
        """Make a new file; never overwrites one."""
        raise NotImplementedError

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a file. Another writer has it: it opens read-only. Sections left as WRITING by a crash are PARTIAL."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it is

    @property
    def brief(self) -> Brief:
        raise NotImplementedError

    @property
    def plan(self) -> Plan:
        """The plan; one without sections while there is none."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """The plan's title, or the beginning of the instruction."""
        raise NotImplementedError

    @property
    def words(self) -> int:
        """Length of all sections together, by the counter."""
        raise NotImplementedError

    @property
    def usage(self) -> Usage:
        """Tokens that all model calls for this document took."""
        raise NotImplementedError

    def sections(self) -> list[Section]:
        """All sections in the plan's order, with what has streamed in so far."""
        raise NotImplementedError

    def section(self, section_id: str) -> Section:
        """One section; ``KeyError`` if the plan has none of that id."""
        raise NotImplementedError

    # -- changes by hand

    def set_brief(self, brief: Brief) -> None:
        raise NotImplementedError

    def set_plan(self, plan: Plan, label: str, texts: Mapping[str, str] | None = None) -> None:
        """Replace the plan and, in the same step, the texts of some sections (``texts``, by section id).

        Texts belong to section ids: a section that leaves the plan keeps its text in the file, and
        :meth:`undo_plan` (or a later plan that names its id again) brings it back. ``label`` says what was done, as
        in "Delete section “Soil”".
        """
        raise NotImplementedError

    def undo_plan(self) -> str | None:
        """Take back the last :meth:`set_plan`, its texts included; its label, or ``None`` if there is none.

        Also works after the document was closed and opened again.
        """
        raise NotImplementedError

    def edit(self, section_id: str, text: str, origin: Origin = Origin.USER) -> None:
        """Replace a section's text by hand. Edits that follow each other closely become one revision.

        A section with text is DONE unless it was PARTIAL; one without is EMPTY. Not for a section that is WRITING.
        """
        raise NotImplementedError

    def clear(self, section_id: str) -> None:
        """Make a section EMPTY so that it is written anew; its text stays as a revision."""
        raise NotImplementedError

    def mark_done(self, section_id: str) -> None:
        """The writer says that a PARTIAL section is complete."""
        raise NotImplementedError

    def revisions(self, section_id: str) -> list[Revision]:
        """Every version of a section, the newest first."""
        raise NotImplementedError

    def restore(self, revision_id: int) -> None:
        """Make an old revision the section's text again (as a new revision; the present text stays one)."""
        raise NotImplementedError

    # -- changes by a model (see lwtui.agentwrite.record)

    def begin(self, section_id: str, provenance: Provenance, keep: int) -> None:
        """A model starts on a section, or goes on with it after ``keep`` characters of its text."""
        raise NotImplementedError

    def append(self, section_id: str, text: str) -> None:
        """Text that streamed in. In memory at once, in the file at the next :meth:`flush` or after 0.4 s of appends."""
        raise NotImplementedError

    def roll_back(self, section_id: str, keep: int) -> None:
        """Cut the streaming text to ``keep`` characters."""
        raise NotImplementedError

    def finish(self, section_id: str, status: Status, usage: Usage) -> None:
        """The model's part ends (DONE or PARTIAL): the text becomes a revision with its provenance."""
        raise NotImplementedError

    def flush(self) -> None:
        """Put everything that has streamed in into the file, in one transaction. Cheap when there is nothing new."""
        raise NotImplementedError
