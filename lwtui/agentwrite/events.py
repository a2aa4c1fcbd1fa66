"""What happens while a document is planned and written, one frozen dataclass for each kind of event.

The app, the commands, the benchmark and the data builder all read this one stream.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lwtui.documents.model import Basis, Plan, Provenance
from lwtui.models.usage import Usage


@dataclass(frozen=True)
class PlanStarted:
    """The model is asked for a plan. ``attempt`` counts from 1."""

    attempt: int


@dataclass(frozen=True)
class PlanDelta:
    """Text of the plan, or of another short answer, as the model writes it."""

    text: str


@dataclass(frozen=True)
class PlanRejected:
    """The answer is not a usable plan; ``findings`` say why. The model is asked again."""

    attempt: int
    findings: tuple[str, ...]


@dataclass(frozen=True)
class PlanGrew:
    """A plan that is made in two steps, so far: ``planned`` of its ``chapters`` have their sections."""

    plan: Plan
    planned: int
    chapters: int


@dataclass(frozen=True)
class PlanReady:
    """The plan is complete."""

    plan: Plan


@dataclass(frozen=True)
class SectionStarted:
    """Writing of a section starts, or continues if ``resumed``.

    ``target`` is the section's length for this run, in the counter's unit. The first ``keep`` characters of the
    section's present text stand; new text follows them.
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
    """The section is cut back to its first ``keep`` characters."""

    section_id: str
    keep: int
    reason: str


@dataclass(frozen=True)
class ContextTrimmed:
    """The text so far no longer fits: the model sees summaries of it and the last ``tail_tokens`` verbatim."""

    section_id: str
    full_tokens: int
    sent_tokens: int
    summary_tokens: int
    tail_tokens: int


@dataclass(frozen=True)
class NotesLeftOut:
    """The prompt has no room for these of the writer's notes (their titles)."""

    section_id: str
    titles: tuple[str, ...]


@dataclass(frozen=True)
class SummaryMade:
    """An earlier section was summarised. ``digest`` is the fingerprint of the text that the summary stands for."""

    section_id: str
    text: str
    digest: str


@dataclass(frozen=True)
class Grounded:
    """What the section that is about to be written is based on."""

    section_id: str
    basis: Basis


@dataclass(frozen=True)
class ReadingPrompt:
    """A local model has evaluated ``tokens`` of the ``total`` tokens of its prompt."""

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
    """The answer ended at ``length`` of ``target``, and the model is asked for more."""

    section_id: str
    length: int
    target: int


@dataclass(frozen=True)
class Retrying:
    """A call failed with ``fault`` (see :attr:`lwtui.models.base.ModelError.kind`) and is repeated in ``delay`` s."""

    fault: str
    reason: str
    attempt: int
    delay: float
    section_id: str = ""


@dataclass(frozen=True)
class SectionFinished:
    """A section is complete. ``length`` and ``target`` are in the counter's unit, ``usage`` is of all its calls."""

    section_id: str
    length: int
    target: int
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class DocumentFinished:
    """The run is complete; ``length`` and ``target`` are the whole document's, ``usage`` is the run's."""

    length: int
    target: int
    usage: Usage
    seconds: float


Event = (
    PlanStarted
    | PlanDelta
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

Emit = Callable[[Event], Awaitable[None]]
"""How a planner, a writer or a reviewer tells what happens: it awaits this for each event, in order."""


async def ignore(_: Event) -> None:
    """An :data:`Emit` for callers that only want the result."""


def to_dict(event: Event) -> dict[str, Any]:
    """The event as a JSON-ready object; its ``event`` names the kind."""
    fields = dataclasses.asdict(event)
    if isinstance(event, PlanReady | PlanGrew):
        fields["plan"] = event.plan.to_dict()
    return {"event": type(event).__name__, **fields}
