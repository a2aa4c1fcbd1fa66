"""What happens while a document is planned and written, one frozen dataclass each.

The app, the headless command, the benchmark and the data builder all read this one stream.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from lwtui.documents.model import Basis, Plan, Provenance, Usage


@dataclass(frozen=True)
class PlanStarted:
    """A plan is being asked for. ``attempt`` counts from 1."""

    attempt: int


@dataclass(frozen=True)
class PlanDelta:
    """Text of the plan as the model writes it."""

    text: str


@dataclass(frozen=True)
class PlanAsked:
    """A call of the planning has ended, and took this. One that was ended before its answer was through is not told."""

    usage: Usage


@dataclass(frozen=True)
class PlanRejected:
    """What came is not a plan that can be followed; ``findings`` say why, and the model is asked again."""

    attempt: int
    findings: tuple[str, ...]


@dataclass(frozen=True)
class PlanGrew:
    """A plan in two steps so far: ``planned`` of its ``chapters`` have their sections, each of the others still
    stands as one."""

    plan: Plan
    planned: int
    chapters: int


@dataclass(frozen=True)
class PlanReady:
    plan: Plan


@dataclass(frozen=True)
class SectionStarted:
    """Writing of a section starts, or goes on if ``resumed``. ``target`` is its share of the words left.

    ``keep`` is how much of the section's present text stands (characters); new text comes after it.
    """

    section_id: str
    position: int
    total: int
    title: str
    target: int
    resumed: bool
    keep: int
    provenance: Provenance


@dataclass(frozen=True)
class TextDelta:
    """Clean text to append to a section."""

    section_id: str
    text: str


@dataclass(frozen=True)
class TextRolledBack:
    """The section is cut back to ``keep`` characters, because of a loop or to land at a sentence's end."""

    section_id: str
    keep: int
    reason: str


@dataclass(frozen=True)
class ContextTrimmed:
    """The text so far no longer fits: the model sees a summary of it and the last ``tail_tokens`` verbatim."""

    section_id: str
    full_tokens: int
    sent_tokens: int
    summary_tokens: int
    tail_tokens: int


@dataclass(frozen=True)
class NotesLeftOut:
    """There is no room for these of the writer's notes (their titles)."""

    section_id: str
    titles: tuple[str, ...]


@dataclass(frozen=True)
class SummaryMade:
    """What stands for an earlier section from now on. ``digest`` is the fingerprint of the text it sums up."""

    section_id: str
    text: str
    digest: str


@dataclass(frozen=True)
class Grounded:
    """What a section that is about to be written rests on."""

    section_id: str
    basis: Basis


@dataclass(frozen=True)
class ReadingPrompt:
    """A model on this machine has read ``tokens`` of the ``total`` that it is shown before it writes."""

    section_id: str
    tokens: int
    total: int


@dataclass(frozen=True)
class Thinking:
    """A reasoning model is thinking; ``characters`` so far in this call."""

    section_id: str
    characters: int


@dataclass(frozen=True)
class Continuing:
    """The model ended before the section's length was reached (``length`` of ``target``) and is asked for more."""

    section_id: str
    length: int
    target: int


@dataclass(frozen=True)
class Retrying:
    """A call failed with ``fault`` (see ``ModelError.kind``) and is tried again in ``delay`` seconds."""

    fault: str
    reason: str
    attempt: int
    delay: float
    section_id: str = ""


@dataclass(frozen=True)
class SectionFinished:
    """A section is done. ``length`` is by the app's counter."""

    section_id: str
    length: int
    target: int
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class DocumentFinished:
    length: int
    target: int
    usage: Usage
    seconds: float


Event = (
    PlanStarted
    | PlanDelta
    | PlanAsked
    | PlanRejected
    | PlanGrew
    | PlanReady
    | SectionStarted
    | TextDelta
    | TextRolledBack
    | ContextTrimmed
    | NotesLeftOut
    | SummaryMade
    | Grounded
    | ReadingPrompt
    | Thinking
    | Continuing
    | Retrying
    | SectionFinished
    | DocumentFinished
)


def to_dict(event: Event) -> dict[str, Any]:
    """The event as a JSON-ready object whose ``event`` names its kind."""
    fields = dataclasses.asdict(event)
    if isinstance(event, PlanReady | PlanGrew):
        fields["plan"] = event.plan.to_dict()
    return {"event": type(event).__name__, **fields}
