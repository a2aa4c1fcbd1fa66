"""What the filters know of the earlier sections of a document, kept from one section of a run to the next.

Each section is compared with all earlier ones. Without this index, that would cost more with each section.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lwtui.agentwrite.repetition import EarlierSentences
from lwtui.agentwrite.similar_paragraphs import EarlierParagraphs


@dataclass(frozen=True)
class EarlierIndex:
    """The index for one section after the other; sections that are written at the same time need one each."""

    sentences: EarlierSentences = field(default_factory=EarlierSentences)
    paragraphs: EarlierParagraphs = field(default_factory=EarlierParagraphs)
