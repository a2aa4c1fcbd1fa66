"""Lint finds repetition, headings out of order and lengths off target, and leaves sound text alone."""

from __future__ import annotations

import random

import pytest

from lwtui.agentwrite.lint import Finding, TextPart, lint
from lwtui.text import count_words
from tests.support.author import sentence

POT = (
    "A tomato plant in a pot needs at least ten litres of soil, because its roots grow as deep as the stem grows high, "
    "and a smaller pot dries out on every hot afternoon."
)
POT_AGAIN = (  # the same in another order and partly in different words
    "Because the roots of a tomato plant grow as deep as its stem grows high, the pot should hold at least ten litres "
    "of soil; on a hot afternoon every smaller pot dries out."
)
LONG = "when the last frost of the spring is past and the nights stay above ten degrees for a week or two"


def prose(number: int, count: int = 8, first: int = 0) -> str:
    return "".join(sentence(number, index) for index in range(first, first + count)).strip()


def found(*texts: str, kind: str, **settings: float) -> list[Finding]:
    parts = [TextPart(f"Title {number}x", text) for number, text in enumerate(texts, 1)]
    return [finding for finding in lint(parts, **settings) if finding.kind == kind]


def quotes(finding: Finding) -> list[str]:
    return [place.quote for place in finding.places]


def test_a_sound_text_has_no_findings() -> None:
    assert lint([TextPart(f"Heading {number}x", prose(number, 40)) for number in range(1, 30)]) == []
    assert lint([]) == lint([TextPart("", "")]) == lint([TextPart("Empty", "\n\n")]) == []


@pytest.mark.parametrize("again", [POT, POT_AGAIN, f"{POT.upper()}", POT.replace("tomato", "pepper")])
def test_a_restated_paragraph_is_found_with_both_places(again: str) -> None:
    (finding,) = found(f"{prose(1)}\n\n{POT}\n\n{prose(2)}", f"{prose(3)}\n\n{again}", kind="restated-paragraph")
    second, first = finding.places
    assert (first.part, second.part) == (0, 1)
    assert first.quote[:40] == POT[:40] and second.quote[:40] == again[:40]
    assert second.quote == again[:160].rsplit(" ", 1)[0] + "…"


def test_a_paragraph_that_occurs_three_times_gives_two_findings() -> None:
    texts = [f"{prose(number)}\n\n{POT}\n\n{prose(number + 10)}" for number in range(1, 4)]
    findings = lint([TextPart(f"Title {index}x", text) for index, text in enumerate(texts)])
    assert [finding.kind for finding in findings] == ["restated-paragraph"] * 2


@pytest.mark.parametrize(
    "text",
    [
        "```\n" + f"{POT}\n\n{POT}" + "\n```",  # code may repeat
        "Yes.\n\nNo.\n\nYes.\n\nNo.",  # short paragraphs may repeat
        f"## {POT}\n\n## {POT}",  # headings may repeat here, too
    ],
)
def test_text_that_may_repeat_is_no_restated_paragraph(text: str) -> None:
    assert found(text, kind="restated-paragraph") == found(text, kind="repeated-span") == []


def test_tables_and_code_are_not_checked_as_sentences() -> None:
    row = f"{POT[:60]} when all is said and done"
    table = "| Section | Origin |\n|:--|--:|\n" + "\n".join(
        f"| {index} {row} | by the model {row} |" for index in range(9)
    )
    bare = table.replace("| Section | Origin |\n|:--|--:|", "Section | Origin\n:-- | --:")
    code = f"```\n{POT}\n```"
    for block in (table, bare, code):
        texts = [f"{block}\n\n{prose(number)}\n\n{block}" for number in (1, 2, 3)]
        assert lint([TextPart(f"Title {index}x", text) for index, text in enumerate(texts)]) == []
        assert lint([TextPart(f"Title {index}x", block) for index in range(3)]) == []
        # The text around them is checked as usual, and its places are right.
        (finding,) = found(f"{block}\n\n{POT}", f"{block}\n\n{POT}", kind="restated-paragraph")
        assert finding.places[0].line == 1 + block.count("\n") + 2 and quotes(finding)[0][:40] == POT[:40]
    text = f"{POT}\n\nEither this | or that:\n\n{POT}"
    assert found(text, kind="restated-paragraph")  # a bar alone makes no table


def test_a_repeated_span_is_found_within_other_words() -> None:
    first = f"{prose(1, 3)} Plant them out {LONG}, not sooner. {prose(2, 3)}"
    again = f"{prose(3, 3)} Basil may go outside {LONG}! {prose(4, 3)}"
    (finding,) = found(first, again, kind="repeated-span")
    assert quotes(finding) == [LONG, LONG]
    assert [place.part for place in finding.places] == [1, 0]
    text = again[finding.places[0].start : finding.places[0].end]
    assert text == LONG and f"{count_words(LONG)} words" in finding.message


def test_a_repeated_phrase_is_found_in_full_length() -> None:
    phrase = "it is worth keeping in mind that"
    texts = [f"{prose(number, 4)} And {phrase} {prose(number + 20, 4)}" for number in range(1, 6)]
    (finding,) = found(*texts, kind="repeated-phrase")
    assert quotes(finding) == [f"And {phrase}"] * 5
    assert "occurs 5 times" in finding.message
    assert found(*texts[:3], kind="repeated-phrase") == []


def test_sections_that_begin_or_end_alike_are_found() -> None:
    opening = "When it comes to growing food at home,"
    texts = [f"{opening} {prose(number)}" for number in (1, 2)] + [prose(3)]
    (finding,) = found(*texts, kind="repeated-opening")
    assert [place.part for place in finding.places] == [0, 1] and quotes(finding)[0].startswith(opening)
    ending = "And that is why a good pot matters so very much."
    (finding,) = found(*(f"{prose(number)} {ending}" for number in (1, 2)), prose(3), kind="repeated-conclusion")
    assert quotes(finding) == [ending, ending]
    nearly = [
        "So in the end a pot of good clay keeps tomato roots cool.",
        "A pot of good clay keeps the tomato roots cool.",
    ]
    (finding,) = found(*(f"{prose(index)} {one}" for index, one in enumerate(nearly, 1)), kind="repeated-conclusion")
    assert sorted(quotes(finding)) == sorted(nearly)


@pytest.mark.parametrize("lead", ["In conclusion, ", "Overall, ", "Zusammenfassend ", "En conclusion, ", "综上所述，"])
def test_only_the_last_section_may_conclude(lead: str) -> None:
    texts = [f"{prose(1)}\n\n{lead}{prose(5, 4)}", prose(2), f"{prose(3)}\n\n{lead}{prose(6, 4)}"]
    (finding,) = found(*texts, kind="repeated-conclusion")
    assert [place.part for place in finding.places] == [0]
    assert finding.places[0].quote.startswith(lead.strip())


@pytest.mark.parametrize(
    ("headings", "message"),
    [
        ([(1, "A"), (2, "B"), (2, "C"), (1, "D"), (2, "E")], ""),
        ([(1, "A"), (3, "B")], "2 levels below"),
        ([(1, "1. A"), (1, "2. B"), (1, "4. C")], "Number 4 follows number 2"),
        ([(1, "Chapter 2: A"), (1, "Chapter 1: B")], "Number 1 follows number 2"),
        ([(1, "Part 1"), (2, "1. A"), (2, "2. B"), (1, "Part 2"), (2, "1. C")], ""),
        ([(1, "3 ways to water"), (1, "1984 and after"), (1, "1.5 litres")], ""),
        ([(1, "Soil"), (1, "Pots"), (1, "soil ")], "occurs twice"),
        ([(1, "第1章 土"), (1, "第3章 水")], "Number 3 follows number 1"),
    ],
)
def test_headings_out_of_order_are_found(headings: list[tuple[int, str]], message: str) -> None:
    parts = [TextPart(title, prose(index), level=level) for index, (level, title) in enumerate(headings, 1)]
    findings = lint(parts)
    assert [finding.kind for finding in findings] == (["heading-order"] if message else [])
    assert all(message in finding.message for finding in findings)


def test_headings_within_sections_are_checked() -> None:
    text = f"{prose(1)}\n\n### Fine\n\n{prose(2)}\n\n##### Too deep\n\n{prose(3)}"
    (finding,) = lint([TextPart("Soil", text, id="s1")])
    assert finding.kind == "heading-order" and quotes(finding)[0] == "##### Too deep"
    assert finding.places[0].line == text[: text.index("##### Too")].count("\n") + 1


def test_sections_far_from_their_target_are_found_unless_they_are_empty() -> None:
    text = prose(1, 12)
    length = count_words(text)
    for target, is_off in ((length, False), (round(length / 1.2), False), (length * 2, True), (length // 2, True)):
        findings = lint([TextPart("One", text, target=target), TextPart("Two", "", target=300)])
        assert [finding.kind for finding in findings] == (["off-target"] if is_off else [])
    assert lint([TextPart("One", text, target=length // 2)], tolerance=2.0) == []


def test_chinese_is_compared_by_characters() -> None:
    zh = ["".join(sentence(number, index, "zh") for index in range(12)).replace("\n", "") for number in range(1, 5)]
    again = zh[0][:40] + zh[1][60:64] + zh[0][40:]
    (finding,) = found(f"{zh[0]}\n\n{zh[2]}", f"{zh[3]}\n\n{again}", kind="restated-paragraph")
    assert [place.part for place in finding.places] == [1, 0]
    assert found(*zh, kind="restated-paragraph") == []


def test_places_match_their_quotes() -> None:
    drawn = random.Random(4)
    texts = []
    for number in range(12):
        blocks = [prose(number * 7 + index, 5) for index in range(6)] + [POT, f"So {LONG} it is."]
        drawn.shuffle(blocks)
        texts.append("\n\n".join(blocks))
    parts = [TextPart(f"T{index}x", text, line=10) for index, text in enumerate(texts)]
    findings = lint(parts)
    assert {"restated-paragraph", "repeated-span"} & {finding.kind for finding in findings}
    for finding in findings:
        for place in finding.places:
            stands = " ".join(parts[place.part].text[place.start : place.end].split())
            assert stands.startswith(place.quote.rstrip("…")[:60])
            assert place.line == 10 + parts[place.part].text[: place.start].count("\n")
