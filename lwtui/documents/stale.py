"""What a section was written from, and what of that has changed since: "make" for prose.

A section rests on the instruction, its line of the plan, the notes it was shown, and the earlier text that its prompt
held, or the summaries in its place. Each is remembered as a fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from sys import intern
from typing import TYPE_CHECKING

from lwtui.documents.model import Basis, Note, Origin, Section, SectionSummary, Status

if TYPE_CHECKING:
    from lwtui.documents.store import Document

_MOST_FINGERPRINTS = 8192  # that are kept
_NAMED = 3  # changed sections that a reason names
ChooseNotes = Callable[[Sequence[Section], int], Sequence[Note]]


# By the hash and the length of their texts: the texts themselves would keep every old version in memory.
_fingerprints: dict[tuple[int, int], str] = {}


def fingerprint(text: str) -> str:
    """A short digest of a text, the same however its white space is laid out."""
    known = _fingerprints.get(key := (hash(text), len(text)))
    if known is None:
        if len(_fingerprints) >= _MOST_FINGERPRINTS:
            _fingerprints.clear()
        known = blake2b(" ".join(text.split()).encode("utf-8", "replace"), digest_size=8).hexdigest()
        _fingerprints[key] = known
    return known


def _short(text: str) -> str:
    """A fingerprint that is one of very many, but held once: each section has those of all sections before it."""
    return intern(fingerprint(text)[:8])


def line_print(section: Section) -> str:
    """The fingerprint of what the plan says of a section. Its length is not part of that."""
    return fingerprint(f"{section.title}\n{section.main_point}")


def note_print(note: Note) -> str:
    return fingerprint(f"{note.title}\n{note.text}")


def basis_of(
    instruction: str,
    section: Section,
    notes: Iterable[Note],
    shown: Iterable[Section] = (),
    summarised: Mapping[str, str] | None = None,
) -> Basis:
    """What a section is written from. ``summarised`` has the summaries that stand for sections, by id."""
    return Basis(
        fingerprint(instruction),
        line_print(section),
        {note.id: note_print(note) for note in notes},
        {one.id: _short(one.text) for one in shown},
        {section_id: _short(text) for section_id, text in (summarised or {}).items()},
    )


def stale(document: Document, choose: ChooseNotes) -> dict[str, tuple[str, ...]]:
    """The sections whose text rests on what is no longer so, in order, each with the reasons.

    ``choose`` gives the notes that a section (all of them, and its position) would be shown now. Sections of which it
    is not known what they were written from are never stale.
    """
    sections = document.sections()
    now = _Now(
        {one.id: one for one in sections},
        {one.id: _short(one.text) for one in sections},
        {section_id: _short(summary.text) for section_id, summary in document.summaries.items()},
    )
    found = {}
    for at, section in enumerate(sections):
        basis = document.basis(section.id)
        if basis is None or not section.text or section.status is Status.WRITING:
            continue
        reasons = _reasons(document, section, basis, choose(sections, at), now)
        if reasons:
            found[section.id] = reasons
    return found


def current_basis(document: Document, section_id: str, choose: ChooseNotes) -> Basis:
    """What a section would rest on if it were written from the same things as they are now."""
    sections = document.sections()
    at = document.plan.find(section_id)
    basis = document.basis(section_id) or Basis("", "")
    known, summaries = {one.id: one for one in sections}, document.summaries
    return basis_of(
        document.brief.instruction,
        sections[at],
        choose(sections, at),
        [known[one] for one in basis.shown if one in known],
        {one: _summary_text(summaries, one) for one in basis.summarised if one in known},
    )


def is_by_hand(section: Section) -> bool:
    """Whether the section's text was edited or written by hand, so that it is not written over unasked."""
    return section.origin is not Origin.MODEL


@dataclass(frozen=True)
class _Now:
    """The sections by id, and the fingerprints of their texts and summaries."""

    sections: Mapping[str, Section]
    texts: Mapping[str, str]
    summaries: Mapping[str, str]


def _reasons(document: Document, section: Section, basis: Basis, notes: Sequence[Note], now: _Now) -> tuple[str, ...]:
    reasons = []
    if basis.instruction != fingerprint(document.brief.instruction):
        reasons.append("the instruction was changed")
    if basis.line != line_print(section):
        reasons.append("what the plan says of it was changed")
    reasons += _about_notes(document, basis, notes)
    changed = [one for one, digest in basis.shown.items() if now.texts.get(one, digest) != digest]
    # A summary that was removed is made anew when it is needed: until then nothing has changed.
    changed += [one for one, digest in basis.summarised.items() if now.summaries.get(one, digest) != digest]
    if titles := [now.sections[one].title or "the text" for one in changed if one in now.sections]:
        reasons.append(_named(titles))
    gone = sum(one not in now.sections for one in (*basis.shown, *basis.summarised))
    if gone:
        reasons.append(f"{gone} earlier section{'s' if gone > 1 else ''} left the plan")
    return tuple(reasons)


def _about_notes(document: Document, basis: Basis, notes: Sequence[Note]) -> list[str]:
    there = {note.id: note for note in document.notes}
    now = {note.id: note for note in notes}
    reasons = [
        f"the note “{there[one].title}” was changed" if one in there else "a note that it used is gone"
        for one, digest in basis.notes.items()
        if one not in there or note_print(there[one]) != digest
    ]
    return reasons + [f"the note “{note.title}” is new to it" for one, note in now.items() if one not in basis.notes]


def _named(titles: Sequence[str]) -> str:
    names = ", ".join(f"“{title}”" for title in titles[:_NAMED])
    if len(titles) == 1:
        return f"{names}, which it builds on, was changed"
    more = f" and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
    return f"{names}{more}, which it builds on, were changed"


def _summary_text(summaries: Mapping[str, SectionSummary], section_id: str) -> str:
    summary = summaries.get(section_id)
    return summary.text if summary else ""


def with_basis(document: Document, section_id: str, basis: Basis, keep: int) -> Basis:
    """The basis of a section that is about to be written: one that goes on after ``keep`` characters still rests on
    what its beginning was written from."""
    old = document.basis(section_id) if keep else None
    return basis if old is None else replace(basis, instruction=old.instruction, line=old.line)
