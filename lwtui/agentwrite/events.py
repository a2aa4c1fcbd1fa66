"""The events of planning and writing, one frozen dataclass each.

The app, the commands, the benchmark and the data builder all read this stream.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lwtui.documents.facts import Fact
from lwtui.documents.model import Basis, Plan, Provenance, Status
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
class PlanVoided:
    """What the current call sent as :class:`PlanDelta` was the model's reasoning: ``characters`` of it, now void."""

    characters: int


@dataclass(frozen=True)
class PlanRejected:
    """The answer is not a usable plan, for the reasons in ``findings``. The model is asked again."""

    attempt: int
    findings: tuple[str, ...]


@dataclass(frozen=True)
class PlanGrew:
    """A plan of chapters has grown: ``planned`` of its ``chapters`` have their sections."""

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

    ``target`` is the section's length for this run, in the counter's unit. Of the section's present text, the first
    ``keep`` characters stay, and new text follows them.
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
    """The text so far does not fit: the model sees summaries of it, and the last ``tail_tokens`` tokens verbatim."""

    section_id: str
    full_tokens: int
    sent_tokens: int
    summary_tokens: int
    tail_tokens: int


@dataclass(frozen=True)
class NotesLeftOut:
    """The prompt has no room for the notes with these titles."""

    section_id: str
    titles: tuple[str, ...]


@dataclass(frozen=True)
class PassagesLeftOut:
    """The prompt shows ``shown`` passages of the sources; ``left_out`` more fit the section and have no room."""

    section_id: str
    shown: int
    left_out: int


@dataclass(frozen=True)
class CitationsDropped:
    """These citations of the model's stood for no passage and no source, so they are not in the text."""

    section_id: str
    citations: tuple[str, ...]


@dataclass(frozen=True)
class CitationsAdded:
    """The model was shown passages that say what some of its sentences say, and did not cite them: these are added."""

    section_id: str
    citations: tuple[str, ...]


@dataclass(frozen=True)
class SummaryMade:
    """A section was summarized. ``digest`` is the fingerprint of the summarized text."""

    section_id: str
    text: str
    digest: str


@dataclass(frozen=True)
class Grounded:
    """The basis of the section that is about to be written."""

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
    """A reasoning model is thinking: ``characters`` characters so far in this call."""

    section_id: str
    characters: int


@dataclass(frozen=True)
class Continuing:
    """The section has ``length`` of its ``target`` length, and the model is asked for more."""

    section_id: str
    length: int
    target: int


@dataclass(frozen=True)
class Redrafting:
    """The section ended at ``length``, too far from ``target``, so another draft is written. The better one stays."""

    section_id: str
    length: int
    target: int


@dataclass(frozen=True)
class Retrying:
    """A call failed and is repeated in ``delay`` seconds. ``fault`` is the error's ``kind`` (a ``ModelError``)."""

    fault: str
    reason: str
    attempt: int
    delay: float
    section_id: str = ""


@dataclass(frozen=True)
class SectionFinished:
    """A section has ended. ``length`` and ``target`` are in the counter's unit; ``usage`` sums up all its calls.

    ``status`` is ``DONE``, ``SHORT`` if all drafts ended far below the target, or ``REFUSED`` if the model refused to
    write it; ``refusal`` holds the model's words then.
    """

    section_id: str
    length: int
    target: int
    usage: Usage
    seconds: float
    status: Status = Status.DONE
    refusal: str = ""


@dataclass(frozen=True)
class ModelUnsure:
    """A local model was unsure of ``text``, which follows ``before``; ``entropy`` is in nats."""

    section_id: str
    before: str
    text: str
    entropy: float


@dataclass(frozen=True)
class CriteriaMade:
    """The criteria by which sections are reviewed were derived from the brief."""

    criteria: tuple[str, ...]


@dataclass(frozen=True)
class PolishStarted:
    """Pass ``number`` of ``passes`` over the document starts, with these sections in this order.

    ``whole`` tells whether it takes all sections of the document, so that it is resumed after an interruption.
    """

    number: int
    passes: int
    section_ids: tuple[str, ...]
    whole: bool


class PolishStep(StrEnum):
    """What is done with a section that is polished."""

    REVIEW = "review"
    REWRITE = "rewrite"
    COMPARE = "compare"


@dataclass(frozen=True)
class Polishing:
    """A step of polishing a section starts. While it is rewritten, ``length`` of its ``target`` length is there."""

    section_id: str
    position: int
    total: int
    title: str
    step: PolishStep
    length: int = 0
    target: int = 0


@dataclass(frozen=True)
class ReviewPoint:
    """Something that is wrong with a section.

    ``quote`` is where, from offset ``start`` to ``end`` of its text; it is empty if something is missing.
    """

    quote: str
    problem: str
    advice: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class SectionReviewed:
    """A section was reviewed. ``dropped`` more points had quotes that are not in its text."""

    section_id: str
    points: tuple[ReviewPoint, ...]
    dropped: int


class PolishOutcome(StrEnum):
    """How polishing a section ended. Only ``better`` changes its text."""

    BETTER = "better"  # both comparisons prefer the rewritten text
    NOT_BETTER = "not better"
    SOUND = "sound"  # the review found nothing, so nothing was rewritten
    UNFIT = "unfit"  # the rewritten text is far from its length, or changes nothing
    TOO_LONG = "too long"  # the section does not fit the context of a model


@dataclass(frozen=True)
class SectionPolished:
    """Polishing of a section ended with ``outcome``.

    ``text`` is the rewritten text, or empty, and ``replaces`` the fingerprint of the text that was reviewed.
    """

    section_id: str
    outcome: PolishOutcome
    text: str
    replaces: str
    provenance: Provenance | None
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class PolishFinished:
    """The run is complete: of ``sections`` sections, ``improved`` have another text. ``usage`` is that of the run.

    ``whole`` tells whether it took all sections of the document.
    """

    sections: int
    improved: int
    whole: bool
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class PlanPoint:
    """Something that is wrong with a plan.

    ``kind`` is one of :data:`PLAN_POINT_KINDS`. ``steps`` are the numbers of the steps that it is about, from 1;
    ``section_ids`` are their ids.
    """

    kind: str
    steps: tuple[int, ...]
    section_ids: tuple[str, ...]
    problem: str
    advice: str = ""


PLAN_POINT_KINDS = ("gap", "overlap", "order", "balance")


@dataclass(frozen=True)
class PlanReviewStarted:
    """The review of a plan starts with these parts; the part ``""`` is the whole of a plan without parts."""

    part_ids: tuple[str, ...]


@dataclass(frozen=True)
class ReviewingPlan:
    """A step of reviewing part ``number`` of ``total`` of the plan starts. A plan without parts has no ``title``."""

    part_id: str
    number: int
    total: int
    title: str
    step: PolishStep


@dataclass(frozen=True)
class PlanReviewed:
    """A part of the plan was reviewed. ``dropped`` more points name steps that the part does not have.

    ``digest`` is the fingerprint of the plan.
    """

    part_id: str
    points: tuple[PlanPoint, ...]
    dropped: int
    digest: str


@dataclass(frozen=True)
class PlanRedrafted:
    """A revised plan is there, and is compared with the old one: ``plan`` is the whole plan with the revised part."""

    part_id: str
    plan: Plan


@dataclass(frozen=True)
class PlanRevised:
    """The review of a part of the plan ended with ``outcome``. ``plan`` is the whole plan that stands.

    ``replaces`` is the fingerprint of the plan that was reviewed.
    """

    part_id: str
    outcome: PolishOutcome
    plan: Plan
    replaces: str
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class PlanReviewFinished:
    """The review of the plan is complete: ``improved`` of its ``parts`` were replaced by revised ones."""

    parts: int
    improved: int
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class DocumentFinished:
    """The run is complete. ``length`` and ``target`` are those of the whole document; ``usage`` is that of the run."""

    length: int
    target: int
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class FactContradiction:
    """A section contradicts an earlier fact: ``quote`` cannot be true together with ``earlier_quote``."""

    fact_id: str
    earlier_section_id: str
    earlier_quote: str
    quote: str
    why: str


@dataclass(frozen=True)
class FactsNoted:
    """The facts of a section were noted from the text of fingerprint ``digest``.

    ``dropped`` more facts and contradictions had quotes that are not in the text.
    """

    section_id: str
    digest: str
    facts: tuple[Fact, ...]
    contradictions: tuple[FactContradiction, ...]
    dropped: int


Event = (
    PlanStarted
    | PlanDelta
    | PlanVoided
    | PlanRejected
    | PlanGrew
    | PlanReady
    | SectionStarted
    | TextDelta
    | TextRolledBack
    | ContextTrimmed
    | NotesLeftOut
    | PassagesLeftOut
    | CitationsDropped
    | CitationsAdded
    | SummaryMade
    | Grounded
    | ReadingPrompt
    | Thinking
    | Continuing
    | Redrafting
    | Retrying
    | SectionFinished
    | ModelUnsure
    | DocumentFinished
    | CriteriaMade
    | PolishStarted
    | Polishing
    | SectionReviewed
    | SectionPolished
    | PolishFinished
    | PlanReviewStarted
    | ReviewingPlan
    | PlanReviewed
    | PlanRedrafted
    | PlanRevised
    | PlanReviewFinished
    | FactsNoted
)

Emit = Callable[[Event], Awaitable[None]]
"""A callback that planners and writers await for each event, in order."""


async def ignore(_event: Event) -> None:
    """Discard an event: an :data:`Emit` for callers that want only the result."""


def to_dict(event: Event) -> dict[str, Any]:
    """Return the event as a dictionary for JSON, with the name of its class as ``event``."""
    fields = dataclasses.asdict(event)
    if isinstance(event, PlanReady | PlanGrew | PlanRedrafted | PlanRevised):
        fields["plan"] = event.plan.to_dict()
    return {"event": type(event).__name__, **fields}
