"""How far the polishing of a document has come, stored in the document so that an interrupted run is resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lwtui.agentwrite.criteria import CRITERIA, parse_criteria
from lwtui.agentwrite.events import (
    CriteriaMade,
    Event,
    PolishFinished,
    PolishOutcome,
    PolishStarted,
    SectionPolished,
)
from lwtui.documents.stale import fingerprint
from lwtui.errors import DocumentError

if TYPE_CHECKING:
    from lwtui.documents.store import Document

POLISH = "polish"  # the document setting that holds the progress while polishing is incomplete
MOST_PASSES = 9


@dataclass(frozen=True)
class PolishProgress:
    """The progress of polishing a document.

    Attributes:
        passes: How many passes to make at most.
        number: The pass under way, from 1.
        left: Ids of the sections that it has not taken yet; ``None`` before it has begun.
        improved: Ids of the sections that it has improved.
    """

    passes: int = 1
    number: int = 1
    left: tuple[str, ...] | None = None
    improved: tuple[str, ...] = ()

    def after(self, event: SectionPolished) -> PolishProgress:
        """Return the progress after a section."""
        left = None if self.left is None else tuple(one for one in self.left if one != event.section_id)
        won = event.outcome is PolishOutcome.BETTER and event.section_id not in self.improved
        return replace(self, left=left, improved=(*self.improved, event.section_id) if won else self.improved)

    def next_pass(self) -> PolishProgress:
        """Return the progress at the start of the next pass, which takes the sections that this one has improved."""
        return PolishProgress(self.passes, self.number + 1, self.improved)

    def to_json(self) -> str:
        """Serialize the progress."""
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, stored: str) -> PolishProgress | None:
        """Deserialize the progress; ``None`` if there is none, or if it is not what :meth:`to_json` returns."""
        try:
            values = json.loads(stored)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, Mapping):
            return None
        passes, number, left, improved = (values.get(name) for name in ("passes", "number", "left", "improved"))
        counts = all(type(count) is int and 1 <= count <= MOST_PASSES for count in (passes, number))
        if not counts or not (left is None or _are_ids(left)) or not _are_ids(improved):
            return None
        return cls(passes, number, None if left is None else tuple(left), tuple(improved))  # type: ignore[arg-type]


def stored_progress(document: Document) -> PolishProgress | None:
    """Return where an interrupted run has stopped; ``None`` if there is nothing to resume."""
    return PolishProgress.from_json(document.setting(POLISH))


def forget_progress(document: Document) -> None:
    """Forget an interrupted run: the next one begins anew.

    Raises:
        DocumentError: It cannot be stored.
    """
    document.set_setting(POLISH, "")


def stored_criteria(document: Document) -> tuple[str, ...]:
    """Return the document's criteria; empty before they are made."""
    return parse_criteria(document.setting(CRITERIA))


def store_polish(document: Document, event: Event) -> bool:
    """Store an event of polishing. A text that wins becomes the section's text; one that does not is a version.

    Returns:
        Whether the section's text was replaced.

    Raises:
        DocumentError: It cannot be stored.
    """
    match event:
        case CriteriaMade(criteria):
            document.set_setting(CRITERIA, "\n".join(criteria))
        case PolishStarted(number, passes, section_ids, whole) if whole:
            stored = stored_progress(document)
            improved = stored.improved if stored and stored.number == number else ()
            document.set_setting(POLISH, PolishProgress(passes, number, section_ids, improved).to_json())
        case SectionPolished():
            won = _store_section(document, event)
            if (progress := stored_progress(document)) is not None:
                document.set_setting(POLISH, progress.after(event).to_json())
            return won
        case PolishFinished(whole=True):
            forget_progress(document)
    return False


def _store_section(document: Document, event: SectionPolished) -> bool:
    if not event.text or event.provenance is None:
        return False
    section_id = event.section_id
    version = document.keep_version(section_id, event.text, event.provenance, event.usage)
    # The writer may have edited the section meanwhile, or removed it: then the text is only a version.
    section = next((section for section in document.sections() if section.id == section_id), None)
    if event.outcome is not PolishOutcome.BETTER or section is None or fingerprint(section.text) != event.replaces:
        return False
    try:
        document.adopt_version(section_id, version)
    except DocumentError as error:
        if error.code != "being-written":
            raise
        return False
    return True


def _are_ids(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
