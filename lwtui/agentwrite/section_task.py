"""One section to write: what is asked for, and what is known of its surroundings at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lwtui.agentwrite.plan_view import Detail
from lwtui.agentwrite.style import style_of, text_kind
from lwtui.documents.facts import Fact
from lwtui.documents.model import Brief, Mode, Note, Plan, Section, Style
from lwtui.documents.outline import section_numbers
from lwtui.documents.section_kind import SectionKind
from lwtui.sources.model import FoundPassage
from lwtui.sources.store import SourceStore


@dataclass(frozen=True)
class RewriteTask:
    """A section to rewrite after a review.

    Attributes:
        points: What the review found, as the prompt lists it.
        old: The text as it stands; empty if the model is not to see it.
    """

    points: str
    old: str = ""


@dataclass(frozen=True)
class SectionTask:
    """One section to write.

    Attributes:
        brief: What the writer asked for.
        plan: The whole plan.
        section: The section as it stands; text that it has is continued.
        number: Its position in the plan, from 1.
        target: Its length, in the counter's unit.
        slack: How far off its length may be, where no later section can compensate for it.
        earlier: The sections before it that have text.
        notes: All of the writer's notes.
        recent: The text before it in which the triggers of notes are looked for.
        variant: Makes its seeds differ from those of a text that it is to replace.
        ask: The length to ask for, where an earlier draft showed what comes of its target.
        lacks: What an earlier draft left out of its main point.
        replaced: The section's present text, if a new one is to replace it. It stays if the model refuses.
        was_short: Whether that text was too short. It stays then, unless the new one is nearer to the target.
        rewrite: The text to rewrite, if the section is not written from nothing.
        facts: What the earlier sections state.
        sources: What the document is written from; ``None`` without sources.
    """

    brief: Brief
    plan: Plan
    section: Section
    number: int
    target: int
    slack: int | None = None
    earlier: Sequence[Section] = ()
    notes: Sequence[Note] = ()
    recent: str = ""
    variant: int = 0
    ask: int = 0
    lacks: tuple[str, ...] = ()
    replaced: str = ""
    was_short: bool = False
    rewrite: RewriteTask | None = None
    facts: Sequence[Fact] = ()
    sources: SourceStore | None = None

    @property
    def kind(self) -> str:
        """What sections whose lengths tell of each other have in common."""
        return text_kind(self.brief, self.section.kind)

    @property
    def has_free_length(self) -> bool:
        """Whether a model that ends its sections itself decides on the length: of a table, code or formulas."""
        return self.section.kind.has_free_length and not self.direct

    @property
    def parallel(self) -> bool:
        """Whether sections are written at the same time, without the text of the others."""
        return self.brief.mode is Mode.PARALLEL

    @property
    def direct(self) -> bool:
        """Whether the section is the whole text, written in one call."""
        return self.brief.mode is Mode.DIRECT

    @property
    def ordinal(self) -> int:
        """The section's number as a reader counts, who does not count headings alone."""
        return section_numbers(self.plan)[self.number - 1]

    @property
    def total(self) -> int:
        """How many sections a reader counts."""
        return section_numbers(self.plan)[-1]


def is_prose(task: SectionTask) -> bool:
    """Tell whether the section is plain, connected prose: its kind is prose, and the brief wants no lists."""
    return task.section.kind is SectionKind.PROSE and style_of(task.brief) is Style.PROSE


@dataclass(frozen=True)
class SectionView:
    """What one prompt for a section shows.

    Attributes:
        words: How much is asked for, in the counter's unit.
        earlier: The text of the earlier sections, laid out by the prompt builder.
        text: The section's own text so far.
        detail: How much of the plan.
        lacks: What an earlier draft left out.
        notes: The notes that are shown in every prompt.
        called: The notes that this section calls up.
        facts: What earlier sections state that the prompt does not show.
        passages: Passages of the sources, in the order of their numbers; ``None`` in a document without sources.
    """

    words: int
    earlier: str = ""
    text: str = ""
    detail: Detail = Detail.FULL
    notes: tuple[Note, ...] = ()
    called: tuple[Note, ...] = ()
    lacks: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    passages: tuple[FoundPassage, ...] | None = None
