"""Stale sections: those that were written from something that has changed since, like targets of ``make``.

A section depends on the instruction, its line of the plan, and the notes, earlier sections and summaries in its
prompt. Its basis stores a fingerprint of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from sys import intern
from typing import TYPE_CHECKING

from lwtui.documents.model import Basis, Note, Origin, Section, SectionSummary, Status
from lwtui.documents.section_kind import SectionKind
from lwtui.translation import _, _n, listed

if TYPE_CHECKING:
    from lwtui.documents.store import Document

_MAX_CACHED = 8192  # fingerprints
_MAX_NAMED = 3  # changed sections that a reason names
ChooseNotes = Callable[[Sequence[Section], int], Sequence[Note]]  # the notes for the section at a position


# By the hash and length of the text: with texts as keys, every old version would stay in memory.
_fingerprints: dict[tuple[int, int], str] = {}


def fingerprint(text: str) -> str:
    """Return a short digest of a text that does not depend on its white space."""
    cached = _fingerprints.get(key := (hash(text), len(text)))
    if cached is None:
        if len(_fingerprints) >= _MAX_CACHED:
            _fingerprints.clear()
        cached = blake2b(" ".join(text.split()).encode("utf-8", "replace"), digest_size=8).hexdigest()
        _fingerprints[key] = cached
    return cached


def _short_fingerprint(text: str) -> str:
    """Return a shorter, interned fingerprint, because every section stores those of all sections before it."""
    return intern(fingerprint(text)[:8])


def plan_line_fingerprint(section: Section) -> str:
    """Return the fingerprint of a section's line of the plan, without its target length."""
    kind = "" if section.kind is SectionKind.PROSE else f"\n{section.kind}"
    return fingerprint(f"{section.title}\n{section.main_point}{kind}")


def note_fingerprint(note: Note) -> str:
    """Return the fingerprint of a note's title and text."""
    return fingerprint(f"{note.title}\n{note.text}")


def make_basis(
    instruction: str,
    section: Section,
    notes: Iterable[Note],
    shown: Iterable[Section] = (),
    summarised: Mapping[str, str] | None = None,
) -> Basis:
    """Return the basis of a section.

    Args:
        instruction: The document's instruction.
        section: The section.
        notes: The notes in its prompt.
        shown: The sections that are in its prompt in full.
        summarised: The summaries in its prompt, by the id of the section that each stands for.
    """
    return Basis(
        fingerprint(instruction),
        plan_line_fingerprint(section),
        {note.id: note_fingerprint(note) for note in notes},
        {earlier.id: _short_fingerprint(earlier.text) for earlier in shown},
        {section_id: _short_fingerprint(text) for section_id, text in (summarised or {}).items()},
    )


def find_stale(document: Document, choose: ChooseNotes) -> dict[str, tuple[str, ...]]:
    """Find the stale sections of a document. A section without a known basis is never stale.

    Args:
        document: The document.
        choose: Returns the notes that the prompt of a section would include now.

    Returns:
        The reasons by section id, in the order of the sections.
    """
    sections = document.sections()
    now = _CurrentState(
        {section.id: section for section in sections},
        {section.id: _short_fingerprint(section.text) for section in sections},
        {section_id: _short_fingerprint(summary.text) for section_id, summary in document.summaries.items()},
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
    """Return a section's basis brought up to date: the current versions of what it was written from."""
    sections = document.sections()
    at = document.plan.find(section_id)
    basis = document.basis(section_id) or Basis("", "")
    known, summaries = {section.id: section for section in sections}, document.summaries
    return make_basis(
        document.brief.instruction,
        sections[at],
        choose(sections, at),
        [known[id] for id in basis.shown if id in known],
        {id: _summary_text(summaries, id) for id in basis.summarised if id in known},
    )


def is_hand_edited(section: Section) -> bool:
    """Tell whether the user wrote or edited the section's text, so that it must not be overwritten without asking."""
    return section.origin is not Origin.MODEL


@dataclass(frozen=True)
class _CurrentState:
    """The sections of a document, and the fingerprints of their texts and summaries, all by section id."""

    sections: Mapping[str, Section]
    texts: Mapping[str, str]
    summaries: Mapping[str, str]


def _reasons(
    document: Document, section: Section, basis: Basis, notes: Sequence[Note], now: _CurrentState
) -> tuple[str, ...]:
    reasons = []
    if basis.instruction != fingerprint(document.brief.instruction):
        reasons.append(_("the instruction was changed"))
    if basis.line != plan_line_fingerprint(section):
        reasons.append(_("its heading, main point or kind was changed"))
    reasons += _note_reasons(document, basis, notes)
    changed = [id for id, digest in basis.shown.items() if now.texts.get(id, digest) != digest]
    # A summary that was removed has not changed: a new one is written when it is needed.
    changed += [id for id, digest in basis.summarised.items() if now.summaries.get(id, digest) != digest]
    if titles := [now.sections[id].title or _("the text") for id in changed if id in now.sections]:
        reasons.append(_changed_sections(titles))
    removed = sum(id not in now.sections for id in (*basis.shown, *basis.summarised))
    if removed:
        reasons.append(
            _n(
                "{count} earlier section was removed from the plan",
                "{count} earlier sections were removed from the plan",
                removed,
            )
        )
    return tuple(reasons)


def _note_reasons(document: Document, basis: Basis, notes: Sequence[Note]) -> list[str]:
    existing = {note.id: note for note in document.notes}
    reasons = [
        _("the note “{title}” was changed", title=existing[id].title)
        if id in existing
        else _("a note that it used was deleted")
        for id, digest in basis.notes.items()
        if id not in existing or note_fingerprint(existing[id]) != digest
    ]
    return reasons + [
        _("the note “{title}” is new to it", title=note.title) for note in notes if note.id not in basis.notes
    ]


def _changed_sections(titles: Sequence[str]) -> str:
    names = listed(f"“{title}”" for title in titles[:_MAX_NAMED])
    if len(titles) == 1:
        return _("{section}, which it builds on, was changed", section=names)
    if (more := len(titles) - _MAX_NAMED) > 0:
        names = _("{names} and {count} more", names=names, count=more)
    return _("{sections}, which it builds on, were changed", sections=names)


def _summary_text(summaries: Mapping[str, SectionSummary], section_id: str) -> str:
    summary = summaries.get(section_id)
    return summary.text if summary else ""


def resumed_basis(document: Document, section_id: str, basis: Basis, keep: int) -> Basis:
    """Return the basis of a section that is about to be written, or continued after ``keep`` characters.

    A continued section still depends on the instruction and the line of the plan that its beginning was written from.
    """
    old = document.basis(section_id) if keep else None
    return basis if old is None else replace(basis, instruction=old.instruction, line=old.line)
