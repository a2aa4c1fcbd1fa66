"""Citations that a model has left out are added where a passage says the same, and nowhere else."""

from __future__ import annotations

import pytest

from lwtui.sources.attribution import add_citations
from lwtui.sources.citations import find_citations
from lwtui.sources.model import FoundPassage
from lwtui.sources.support import SupportChecker
from tests.sources.claims import FALSE, PASSAGES, SOURCES, TRUE
from tests.sources.made import passages, source

SHOWN = [FoundPassage(passage, source) for source in SOURCES for passage in PASSAGES[source.id]]
KEYS = {source.key for source in SOURCES}
HARBOR = source("harbor1990", "Marsh", 1990)
TEA = source("tea2001", "李", 2001)
MADE = [
    *passages(HARBOR, "The council of Pevafo counted 500 orchards near Haweri Bridge in 1827.", paged=True),
    *passages(HARBOR, "Bees fly over the harbor, and nobody counts them.", paged=True),
    *passages(TEA, "林文在1902年开了第一家茶馆，有十二张桌子。"),
]
MADE_KEYS = {HARBOR.key, TEA.key}


def bare(claim: str) -> str:
    """Return a claim without its citations."""
    for citation in reversed(find_citations(claim, KEYS)):
        claim = claim[: citation.group[0]].rstrip() + claim[citation.group[1] :]
    return claim


def cited(text: str, begin: int = 0) -> str:
    added = add_citations(text, MADE, MADE_KEYS, begin=begin)
    return text if added is None else added.text


def test_true_claims_are_cited_from_where_they_are_and_false_ones_are_not() -> None:
    """A claim that is false because of the source that it names may be cited, from the source that says it."""
    right = 0
    for claim in TRUE:
        if added := add_citations(bare(claim), SHOWN, KEYS):
            keys = {citation.key for citation in find_citations(added.text, KEYS)}
            assert keys <= {citation.key for citation in find_citations(claim, KEYS)}, claim
            right += 1
    assert right >= 10
    checker = SupportChecker(SOURCES, PASSAGES.__getitem__)
    for claim in FALSE:
        added = add_citations(bare(claim), SHOWN, KEYS)
        assert added is None or not checker.check(added.text), added


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "In 1827, the council of Pevafo counted 500 orchards near Haweri Bridge.",
            "In 1827, the council of Pevafo counted 500 orchards near Haweri Bridge [@harbor1990, p. 1].",
        ),
        (
            "The council of Pevafo counted “500 orchards near Haweri Bridge in 1827.” It was late.",
            "The council of Pevafo counted “500 orchards near Haweri Bridge in 1827.” [@harbor1990, p. 1] It was late.",
        ),
        ("1902年，林文开了第一家茶馆，有十二张桌子。", "1902年，林文开了第一家茶馆，有十二张桌子[@tea2001]。"),
        (
            "- In 1827, Pevafo counted 500 orchards near Haweri Bridge\n- Bees fly.",
            "- In 1827, Pevafo counted 500 orchards near Haweri Bridge [@harbor1990, p. 1]\n- Bees fly.",
        ),
    ],
)
def test_a_citation_stands_at_the_end_of_its_sentence(text: str, expected: str) -> None:
    assert cited(text) == expected
    assert cited(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "In 1827, the council of Pevafo counted 501 orchards near Haweri Bridge.",
        "In 1827, the council of Navamu counted 500 orchards near Haweri Bridge.",
        "The council of Pevafo sold 500 orchards to Haweri Bridge in 1827, as a gift for the new king of the north.",
        "Bees fly over the harbor, and nobody counts them.",
        "In 1827, Pevafo was quiet.",
        "In 1827, the council of Pevafo counted 500 orchards near Haweri Bridge [@tea2001].",
        "```\nIn 1827, the council of Pevafo counted 500 orchards near Haweri Bridge.\n```",
        "## In 1827 Pevafo counted 500 orchards near Haweri Bridge",
        "",
    ],
)
def test_nothing_is_cited_for_what_no_passage_says(text: str) -> None:
    assert cited(text) == text


def test_the_writers_own_text_stays_as_it_is() -> None:
    claim = "In 1827, the council of Pevafo counted 500 orchards near Haweri Bridge."
    added = add_citations(f"{claim} {claim}", MADE, MADE_KEYS, begin=len(claim))
    assert added is not None and added.citations == ("[@harbor1990, p. 1]",)
    assert added.text == f"{claim} {claim[:-1]} [@harbor1990, p. 1]."
    assert added.text[: added.start] == f"{claim} {claim[:-1]}"
