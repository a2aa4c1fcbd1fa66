"""Claims are checked against the passages that are cited for them: planted false ones are found, true ones stay."""

from __future__ import annotations

import pytest

from lwtui.sources.citations import find_citations
from lwtui.sources.figures import find_figures
from lwtui.sources.support import UNCITED, UNKNOWN_SOURCE, UNSUPPORTED, SupportChecker, SupportFinding
from tests.sources.claims import FALSE, PASSAGES, SOURCES, TRUE
from tests.sources.made import passages, source


def checked(text: str, language: str = "") -> list[SupportFinding]:
    return SupportChecker(SOURCES, PASSAGES.__getitem__).check(text, language)


def test_planted_false_claims_are_found_among_true_ones() -> None:
    assert len(FALSE) == 40
    found = [claim for claim in FALSE if checked(claim)]
    assert len(found) >= 36, [claim for claim in FALSE if claim not in found]


def test_true_claims_in_other_words_raise_few_alarms() -> None:
    alarms = {claim: findings for claim in TRUE if (findings := checked(claim))}
    assert len(alarms) <= 2, alarms


def test_claims_are_judged_alike_within_a_text() -> None:
    claims = [claim for pair in zip(TRUE, FALSE, strict=True) for claim in pair]
    text = "\n\n".join(claims)
    places = {(finding.start, finding.kind) for finding in checked(text)}
    alone = {
        (text.index(claim) + finding.start, finding.kind) for claim in claims for finding in checked(claim)
    }  # fmt: skip
    assert places == alone


@pytest.mark.parametrize(
    ("claim", "kind", "missing"),
    [
        ("Wickham employed 1,300 laborers [@harbor2011].", UNSUPPORTED, ("1,300",)),
        ("Ansell wrote that it stood “on mud and on hope” [@harbor2011].", UNSUPPORTED, ("on mud and on hope",)),
        ("The first ship was the Clarence, of 2 May 1842 [@harbor2011].", UNSUPPORTED, ("Clarence", "2", "1842")),
        ("Bees fly [@wasps1990].", UNKNOWN_SOURCE, ()),
        ("The harbor cost 86,000 pounds.", UNCITED, ("86,000",)),
        ("By 1870, coal was 62% of the goods.", UNCITED, ("1870", "62%")),
        ("1717年，武夷山有二百三十处茶园。", UNCITED, ("1717", "二百三十")),
        (
            "Bees of all kinds wander about quietly singing merry songs to passing strangers [@mills1998].",
            UNSUPPORTED,
            (),
        ),
    ],
)
def test_a_finding_says_what_is_not_found(claim: str, kind: str, missing: tuple[str, ...]) -> None:
    text = f"First, something else.\n\n{claim} And something after it."
    (finding,) = checked(text)
    assert (finding.kind, finding.missing) == (kind, missing)
    place = text[finding.start : finding.end]
    assert place == claim if kind != UNKNOWN_SOURCE else place == "@wasps1990"
    assert all(word in finding.message for word in missing)


@pytest.mark.parametrize(
    "text",
    [
        "The two of them had one idea, as chapter 3 and figure 2 show.",
        "## 1841\n\nTrade grew.",
        "`count = 1200`\n\n```\n48000\n```\n\n$x = 62$",
        "1. Trade grew.\n2. It went on.",
        "Trade grew. [@harbor2011, p. 2] It was 48,000 tons in 1850. [@harbor2011]",
        "",
    ],
)
def test_what_needs_no_citation_is_no_finding(text: str) -> None:
    assert checked(text) == []


def test_without_sources_there_is_nothing_to_find() -> None:
    checker = SupportChecker([], PASSAGES.__getitem__)
    assert checker.check("In 1850 the harbor handled 48,000 tons.") == []


def test_german_nouns_are_no_names() -> None:
    assert checked("Der Hafen kostete 86.000 Pfund [@harbor2011].", "de") == []
    assert checked("Der Hafen kostete 68.000 Pfund [@harbor2011].", "de")


@pytest.mark.parametrize(
    ("claim", "key", "page"),
    [
        ("The storm sank eleven ships [@harbor2011].", "harbor2011", 3),
        ("Coal was 62 percent of it [@harbor2011, p. 2].", "harbor2011", 2),
        ("Women sorted the rags for 0.90 francs [@harbor2011; @mills1998].", "mills1998", 3),
        ("梁思成绘图二十一张[@qiao2015]。", "qiao2015", 3),
    ],
)
def test_the_best_passage_of_a_citation_is_found(claim: str, key: str, page: int) -> None:
    text = f"The mills were many [@mills1998]. {claim}"
    citation = next(citation for citation in reversed(find_citations(text)) if citation.key == key)
    found, _ = SupportChecker(SOURCES, PASSAGES.__getitem__).at(text, citation)
    assert found is not None and (found.source.key, found.passage.page) == (key, page)


def test_a_citation_has_the_findings_of_its_sentence_alone() -> None:
    claims = ("Wickham employed 1,300 laborers [@harbor2011].", "The harbor cost 86,000 pounds [@harbor2011].")
    text = " ".join([*claims, "No source has this [@none2000]."])
    checker = SupportChecker(SOURCES, PASSAGES.__getitem__)
    found = [checker.at(text, citation)[1] for citation in find_citations(text)]
    assert [finding for findings in found for finding in findings] == checker.check(text)
    assert [[finding.kind for finding in findings] for findings in found] == [[UNSUPPORTED], [], [UNKNOWN_SOURCE]]
    assert checker.at("# Heads [@harbor2011]", find_citations("# Heads [@harbor2011]")[0]) == (None, [])


@pytest.mark.parametrize(
    "same",
    [
        ("1,200 men", "1200 men", "１２００人", "twelve hundred men", "一千二百人", "1'200 men", "1.200 Mann"),
        ("12%", "12 percent", "twelve per cent", "百分之十二", "12 Prozent", "１２％"),
        ("3 March 1854", "March 3, 1854", "1854-03-03", "1854年3月3日", "the 3rd of March 1854", "3. März 1854"),
        ("1.2 million", "1,200,000", "120万", "一百二十万", "1,2 Millionen", "1.2 Millionen"),
        ("twenty-nine mills", "29 mills", "二十九座"),
        ("the nineteenth century", "the 19th century", "十九世纪"),
        ("二〇一九年", "in 2019", "2019年"),
        ("3.5亿元", "350 million", "350,000,000"),
    ],
)  # fmt: skip
def test_figures_are_the_same_however_they_are_written(same: tuple[str, ...]) -> None:
    first, *others = ({(f.kind, f.grouped or f.value) for f in find_figures(text)} for text in same)
    assert first
    assert all(other == first for other in others), [first, *others]


def test_about_a_figure_is_near_it() -> None:
    (about,), (exact,), (far,) = (find_figures(text) for text in ("about 1.2 million", "1,198,400", "1,450,000"))
    assert about.matches(exact) and not about.matches(far) and not exact.matches(about)


@pytest.mark.parametrize(
    "passage", ["1800年，Riyoki把450件货物卖给了Bavaki。", "1800年にRiyokiは450個をBavakiに売った。"]
)
def test_names_in_other_letters_are_found_within_text_without_spaces(passage: str) -> None:
    of = source("lin2009", "林", 2009)
    checker = SupportChecker([of], lambda _: [found.passage for found in passages(of, passage)])
    assert checker.check("In 1800, Riyoki sold 450 pieces of cargo to Bavaki [@lin2009].") == []
    (finding,) = checker.check("In 1800, Riyoki sold 450 pieces of cargo to Somebody [@lin2009].")
    assert finding.missing == ("Somebody",)
