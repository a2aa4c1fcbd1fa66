"""Plans are read strictly: what is wrong is a finding, and what is right comes back the same."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.plan_format import (
    Bounds,
    PlanError,
    check_plan,
    format_plan,
    format_step,
    parse_plan,
    parse_step,
    plan_grammar,
    step_grammar,
)
from lwtui.documents.model import Brief, Plan, PlannedSection

BRIEF = Brief("Write about soil and seeds", 1000)
GOOD = """\
Title: Growing Things
Paragraph 1 - Main Point: Soil: what soil is made of - Word Count: 400 words
Paragraph 2 - Main Point: Seeds: how to choose seeds - Word Count: 600 words
"""


def brief(words: int) -> Brief:
    return Brief("Write about soil and seeds", words)


def shape(plan: Plan) -> list[tuple[str, str, int]]:
    return [(section.title, section.main_point, section.words) for section in plan.sections]


def findings_of(raw: str, given: Brief = BRIEF, bounds: Bounds | None = None) -> tuple[str, ...]:
    with pytest.raises(PlanError) as caught:
        parse_plan(raw, given, bounds)
    assert caught.value.raw == raw
    assert caught.value.findings
    assert "\n" not in str(caught.value)
    return caught.value.findings


# ---- what is read -----------------------------------------------------------------------------------------------


def test_the_papers_shape() -> None:
    plan = parse_plan(GOOD, BRIEF)
    assert plan.title == "Growing Things"
    assert shape(plan) == [("Soil", "what soil is made of", 400), ("Seeds", "how to choose seeds", 600)]
    assert len({section.id for section in plan.sections}) == 2


@pytest.mark.parametrize(
    "line",
    [
        "Paragraph 1 - Main Point: Soil: what it is - Word Count: 1,000 words",
        "paragraph 1 – main point: Soil: what it is — word count: 1000",
        "Paragraph 1 - Main Point: [Soil: what it is] - Word Count: 1000 words.",
        "  Paragraph 1  -  Main Point : Soil: what it is - Word Count : 1000 word  ",
        "Paragraph 1 - Main Point：Soil：what it is - Word Count：1000字",
        "Paragraph 1 - Main Point: **Soil**: what it is - Word Count: 1000 characters",
        "Paragraph 1 - Main Point: “Soil”: what it is - Word Count: 1000 words",
    ],
)
def test_small_liberties_with_the_shape(line: str) -> None:
    assert shape(parse_plan(line, BRIEF)) == [("Soil", "what it is", 1000)]


def test_a_fence_around_the_plan_and_blank_lines_in_it() -> None:
    assert shape(parse_plan(f"```\n{GOOD}```", BRIEF)) == shape(parse_plan(GOOD, BRIEF))
    assert shape(parse_plan(GOOD.replace("\n", "\r\n\r\n"), BRIEF)) == shape(parse_plan(GOOD, BRIEF))


def test_control_characters_never_reach_a_plan() -> None:
    plan = parse_plan(GOOD.replace("Soil", "\x1b[31mSo\x07il\x1b[0m").replace("Growing", "\x00Growing"), BRIEF)
    assert plan.title == "Growing Things"
    assert plan.sections[0].title == "Soil"


def test_without_a_title_the_instruction_gives_one() -> None:
    assert parse_plan(GOOD.split("\n", 1)[1], BRIEF).title == "Soil and seeds"


def test_a_point_without_a_heading_gives_its_first_words() -> None:
    plan = parse_plan("Paragraph 1 - Main Point: Choose good soil, and water it - Word Count: 1000 words", BRIEF)
    assert shape(plan) == [("Choose good soil", "Choose good soil, and water it", 1000)]


def test_json_as_an_object_and_as_a_list() -> None:
    rows = [
        {"title": "Soil", "main_point": "what soil is", "words": 400},
        {"title": "Seeds", "main_point": "how to choose", "words": 600, "note": "passed over"},
    ]
    expected = [("Soil", "what soil is", 400), ("Seeds", "how to choose", 600)]
    plan = parse_plan(json.dumps({"title": "Growing", "sections": rows}), BRIEF)
    assert (plan.title, shape(plan)) == ("Growing", expected)
    assert shape(parse_plan(json.dumps(rows), BRIEF)) == expected
    assert shape(parse_plan(f"```json\n{json.dumps(rows, indent=1)}\n```", BRIEF)) == expected


def test_targets_are_scaled_to_the_length_that_was_asked_for() -> None:
    assert [section.words for section in parse_plan(GOOD, brief(2000)).sections] == [800, 1200]
    for words in (7, 999, 1234, 54_321):
        assert parse_plan(GOOD, brief(words)).words == words


def test_targets_that_add_up_are_left_as_they_are() -> None:
    raw = GOOD.replace("400", "333").replace("600", "667")
    assert [section.words for section in parse_plan(raw, BRIEF).sections] == [333, 667]


# ---- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "finding"),
    [
        ("", "no steps"),
        ("Title: Only a Title", "no steps"),
        ("I cannot help with that.", "not a step in the shape asked for: 'I cannot help"),
        (f"Here is your plan:\n{GOOD}", "not a step in the shape asked for: 'Here is your plan:'"),
        (f"{GOOD}\nI hope this helps!", "'I hope this helps!'"),
        (GOOD.replace("Paragraph 2", "Paragraph 3"), "Step 2 was due, but number 3 came"),
        (GOOD.replace("Paragraph 1", "Paragraph 0"), "Step 1 was due, but number 0 came"),
        (GOOD.replace("400 words", "0 words"), "word count of 0"),
        (GOOD.replace("400 words", "many words"), "not a step"),
        (GOOD.replace("Word Count", "Length"), "not a step"),
        (GOOD.replace("Main Point: Soil: what soil is made of", "Main Point: "), "not a step"),
        (GOOD.replace("Seeds: how", "Soil: how"), "The heading 'soil' is used 2 times"),
        (GOOD.replace("how to choose seeds", "What soil is made of"), "The main point 'what soil is made of' is used"),
        (GOOD.replace("Soil: what soil is made of", "[ ]"), "Step 1 has no main point"),
        (GOOD.rstrip()[:-20], "not a step"),
        ('{"title": "Cut off", "sections": [{"ti', "not valid JSON"),
        ('{"title": "No list"}', 'no list "sections"'),
        ('{"sections": []}', "no steps"),
        ('{"sections": [3]}', "Section 1 needs a title"),
        ('{"title": 7, "sections": [{"title": "A", "main_point": "b", "words": 1}]}', "title must be text"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_what_is_wrong_is_a_finding(raw: str, finding: str) -> None:
    assert finding in findings_of(raw)[0]


@pytest.mark.parametrize(
    "row",
    [
        {"title": "", "main_point": "b", "words": 9},
        {"title": "A", "main_point": " \n", "words": 9},
        {"title": "A", "main_point": "b", "words": 0},
        {"title": "A", "main_point": "b", "words": -5},
        {"title": "A", "main_point": "b", "words": True},
        {"title": "A", "main_point": "b", "words": "9"},
        {"title": "A", "main_point": "b", "words": 2.5},
        {"title": "A", "main_point": "b", "words": 10**9},
        {"title": ["A"], "main_point": "b", "words": 9},
        {"main_point": "b", "words": 9},
    ],
)
def test_each_row_of_json_has_to_be_whole(row: dict[str, Any]) -> None:
    assert "Section 1 needs a title and a main_point (texts) and words" in findings_of(json.dumps([row]))[0]


def test_all_findings_are_told_at_once() -> None:
    raw = f"{GOOD.replace('Paragraph 2', 'Paragraph 4').replace('400', '0')}\nDone."
    assert len(findings_of(raw)) == 3


def test_too_few_and_too_many_steps() -> None:
    bounds = Bounds.of(5000, 120)
    assert findings_of(GOOD, brief(5000), bounds) == ("It has 2 steps; use at least 5.",)
    assert findings_of(GOOD, brief(300), Bounds.of(300, 120)) == ("It has 2 steps; use at most 1.",)


def test_steps_that_are_out_of_all_proportion() -> None:
    bounds = Bounds.of(1000, 120)
    assert findings_of(GOOD.replace("400", "3"), BRIEF, bounds)[0].startswith("Step 1 has ")
    assert shape(parse_plan(GOOD.replace("400", "150"), BRIEF, bounds))  # a little off is the model's judgement


def is_a_plan_or_an_error_with_findings(raw: str) -> None:
    try:
        plan = parse_plan(raw, BRIEF)
    except PlanError as error:
        assert error.findings and error.raw == raw
    else:
        assert plan.words == BRIEF.words


@given(st.text())
def test_any_text_is_a_plan_or_an_error_with_findings(raw: str) -> None:
    is_a_plan_or_an_error_with_findings(raw)


_STEP_PARTS = ("Paragraph", " 1", " 2", " - ", "Main Point", ":", " Word Count: 400 words", "Title: ", "\n", "[", "]")
_JSON_PARTS = ("{", "}", '"title"', '"sections"', '"words"', '"main_point"', ",", "9", "99999999999", "```", "\u0663")
_PARTS = st.sampled_from((*_STEP_PARTS, *_JSON_PARTS, "x", "\ud800"))


@given(st.lists(_PARTS).map("".join))
def test_so_is_any_text_that_resembles_one(raw: str) -> None:
    is_a_plan_or_an_error_with_findings(raw)


_KEYS = st.sampled_from(["title", "sections", "main_point", "words"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner),
)


@given(_JSON)
def test_so_is_any_json(value: Any) -> None:
    is_a_plan_or_an_error_with_findings(json.dumps(value))


# ---- writing a plan ---------------------------------------------------------------------------------------------

_LINE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=60)


@given(st.lists(st.tuples(_LINE, _LINE, st.integers(1, 3000)), min_size=1, max_size=12))
def test_a_plan_that_was_read_comes_back_the_same(steps: list[tuple[str, str, int]]) -> None:
    raw = "\n".join(
        f"Paragraph {number} - Main Point: {title}: {point} - Word Count: {words} words"
        for number, (title, point, words) in enumerate(steps, 1)
    )
    try:
        plan = parse_plan(raw, Brief("x", 0))
    except PlanError:
        return  # two headings may be the same
    again = parse_plan(format_plan(plan), Brief("x", plan.words))
    assert shape(again) == shape(plan)


def test_a_heading_that_begins_its_own_main_point_is_kept() -> None:
    section = PlannedSection("Soil", "Soil matters: it holds the water", 300)
    line = format_step(1, section)
    assert line == "Paragraph 1 - Main Point: Soil: Soil matters: it holds the water - Word Count: 300 words"
    assert parse_plan(line, Brief("x", 300)).sections[0].title == "Soil"


def test_a_step_is_one_line_whatever_was_typed_into_it() -> None:
    section = PlannedSection("Soil\nand water", "first\n\nParagraph 9 - second", 300)
    assert "\n" not in format_step(1, section)


def test_one_step_takes_the_place_of_another() -> None:
    old = PlannedSection("Soil", "what soil is", 300, "id7")
    new = parse_step("Paragraph 4 - Main Point: Water: how much - Word Count: 999 words\n", old)
    assert (new.title, new.main_point, new.words, new.id) == ("Water", "how much", 300, "id7")
    for raw in ("", "Water: how much", "Paragraph 4 - Main Point: [] - Word Count: 9 words", GOOD):
        with pytest.raises(PlanError) as caught:
            parse_step(raw, old)
        assert caught.value.raw == raw


def test_an_empty_plan_is_told() -> None:
    assert check_plan(Plan("Nothing", ())) == ["It has no steps."]


# ---- bounds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "most_steps", "expected"),
    [
        (10, 120, Bounds(1, 1, 10, 1000)),
        (150, 120, Bounds(1, 1, 150, 1000)),
        (1500, 120, Bounds(2, 7, 200, 1000)),
        (5_000, 120, Bounds(5, 25, 200, 1000)),
        (20_000, 120, Bounds(20, 100, 200, 1000)),
        (50_000, 120, Bounds(50, 120, 200, 1000)),
        (100_000, 120, Bounds(100, 120, 200, 1000)),
        (200_000, 120, Bounds(120, 120, 200, 1667)),
        (1500, 12, Bounds(2, 7, 200, 1000)),
        (50_000, 12, Bounds(12, 12, 200, 4167)),
    ],
)
def test_bounds_of_documents_of_any_length(words: int, most_steps: int, expected: Bounds) -> None:
    assert Bounds.of(words, most_steps) == expected


@given(st.integers(1, 300_000), st.integers(1, 200))
def test_bounds_can_always_be_kept(words: int, most_steps: int) -> None:
    bounds = Bounds.of(words, most_steps)
    assert 1 <= bounds.least_steps <= bounds.most_steps <= most_steps
    assert bounds.least_words * bounds.least_steps <= words <= bounds.most_words * bounds.most_steps
    assert bounds.least_steps <= bounds.likely_steps(words) <= bounds.most_steps


@pytest.mark.parametrize("words", [300, 1500, 5_000, 20_000, 50_000, 100_000])
def test_plans_within_the_bounds_pass(words: int) -> None:
    bounds = Bounds.of(words, 120)
    for steps in {bounds.least_steps, bounds.likely_steps(words), bounds.most_steps}:
        drawn = random.Random(words + steps)
        raw = "\n".join(
            f"Paragraph {at} - Main Point: Part {at}: all about {at} - Word Count: {drawn.randint(200, 800)} words"
            for at in range(1, steps + 1)
        )
        plan = parse_plan(raw, brief(words), bounds)
        assert (len(plan.sections), plan.words) == (steps, words)


# ---- grammars ---------------------------------------------------------------------------------------------------


def test_the_grammar_names_each_step_that_may_come() -> None:
    grammar = plan_grammar(range(2, 5), "Title: ")
    root, *rules = grammar.splitlines()
    assert root == 'root ::= "Title: " heading "\\n" step1 step2 (step3 (step4)?)?'
    assert [rule.split(" ::= ")[0] for rule in rules[:4]] == ["step1", "step2", "step3", "step4"]
    assert '"Paragraph 3 - Main Point: "' in rules[2]


def test_the_grammar_of_one_step() -> None:
    assert step_grammar(" ").startswith('root ::= " " heading ": " detail " - Word Count: " count " words\\n"')
