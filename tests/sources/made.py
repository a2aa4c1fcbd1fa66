"""Sources and passages for the tests."""

from __future__ import annotations

from collections.abc import Mapping

from lwtui.sources.model import FoundPassage, Passage, Source


def source(key: str, family: str, year: int, title: str = "") -> Source:
    """Return a source by an author of a year."""
    csl = {
        "id": key,
        "type": "book",
        "title": title or f"On {key}",
        "author": [{"family": family, "given": "A."}],
        "issued": {"date-parts": [[year]]},
    }
    return Source(key, key, "pdf", title or f"On {key}", f"{key}.pdf", "2026-11-30", csl)


def passages(of: Source, *texts: str, paged: bool = False) -> list[FoundPassage]:
    """Return the passages of a source with these texts."""
    return [
        FoundPassage(Passage(hash((of.key, number)), of.id, number, text, number if paged else None), of)
        for number, text in enumerate(texts, 1)
    ]


GRAY = source("gray2020", "Gray", 2020, "The tea trade")
LI = source("li2019", "李", 2019, "茶史")
SHOWN = [
    FoundPassage(Passage(1, GRAY.id, 1, "Tea came to London by ship.", 3), GRAY),
    FoundPassage(Passage(2, LI.id, 1, "茶叶生长在山上。"), LI),
    FoundPassage(Passage(3, GRAY.id, 2, "The trade grew.", 5), GRAY),
]
SOURCES: Mapping[str, Source] = {GRAY.key: GRAY, LI.key: LI}
