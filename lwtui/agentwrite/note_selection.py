"""Chooses which notes a prompt has room for: by relevance to what is written, and by a share of the model's context.

While all notes fit, the prompt shows all of them. Otherwise style notes come first, then notes that a keyword has
called, then the most relevant ones. Which these are differs from section to section, so they stand near the end of the
prompt, and its beginning stays in the prefix cache.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lwtui.agentwrite.notes import as_list
from lwtui.documents.model import Brief, Note
from lwtui.documents.relevance import relevance_to_section
from lwtui.models.usage import estimate_tokens

NOTE_SHARE = 0.25  # largest share of the context that notes may take
_STYLE = "style"  # the kind of notes that apply to every section, whatever it is about


@dataclass(frozen=True)
class SelectedNotes:
    """The notes that a prompt shows, each group in the writer's order.

    Attributes:
        always: Those shown in the same place in every prompt.
        called: Those shown because of what is written.
        left_out: Those that there is no room for.
    """

    always: tuple[Note, ...] = ()
    called: tuple[Note, ...] = ()
    left_out: tuple[Note, ...] = ()


async def fit_notes(
    notes: Sequence[Note],
    subject: str,
    recent: str,
    room: int,
    count: Callable[[str], Awaitable[int]],
) -> SelectedNotes:
    """Choose notes for a section.

    Args:
        notes: The notes that may be shown, in the writer's order.
        subject: The section's heading and main point.
        recent: The text before the section.
        room: The most tokens that the notes may take.
        count: Counts the tokens of a text.
    """
    sizes = {note.id: await count(as_list([note])) + 1 for note in notes}
    if sum(sizes.values()) <= room:
        always = tuple(note for note in notes if note.always)
        return SelectedNotes(always, tuple(note for note in notes if not note.always))
    taken = _that_fit(by_relevance(notes, subject, recent), sizes, room)
    chosen = [note for note in notes if note.id in taken]
    return SelectedNotes(
        tuple(note for note in chosen if _is_style(note)),
        tuple(note for note in chosen if not _is_style(note)),
        tuple(note for note in notes if note.id not in taken),
    )


def by_relevance(notes: Sequence[Note], subject: str, recent: str = "") -> list[Note]:
    """Return notes in the order in which they are chosen: style, then called by a keyword, then by relevance."""
    texts = [f"{note.title}\n{' '.join(note.triggers)}\n{note.text}" for note in notes]
    ranked = zip(notes, relevance_to_section(texts, subject, recent), strict=True)
    scores = {note.id: score for note, score in ranked}
    return sorted(notes, key=lambda note: (0 if _is_style(note) else 1 if not note.always else 2, -scores[note.id]))


def brief_with_notes(brief: Brief, notes: Sequence[Note], context_length: int, subject: str = "") -> Brief:
    """Return the brief with as many notes as prompts for other things than sections have room for.

    Args:
        brief: The brief.
        notes: The notes that may be shown, in the writer's order.
        context_length: How many tokens the model's context has.
        subject: What the prompt is about; the instruction by default.
    """
    room = context_length * NOTE_SHARE
    sizes = {note.id: estimate_tokens(as_list([note])) + 1 for note in notes}
    ordered = notes if sum(sizes.values()) <= room else by_relevance(notes, subject or brief.instruction)
    taken = _that_fit(ordered, sizes, room)
    return replace(brief, notes=tuple(note for note in notes if note.id in taken))


def _that_fit(ordered: Iterable[Note], sizes: Mapping[str, float], room: float) -> set[str]:
    """Return the ids of the notes that there is room for, where the first ones come first."""
    taken: set[str] = set()
    for note in ordered:
        if sizes[note.id] <= room:
            taken.add(note.id)
            room -= sizes[note.id]
    return taken


def _is_style(note: Note) -> bool:
    return note.always and note.kind.casefold() == _STYLE
