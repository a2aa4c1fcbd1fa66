"""A plan in any shape is repaired; faults that cannot be repaired are findings."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.plan_format import Bounds, PlanError, format_plan, format_step, plan_grammar, step_grammar
from lwtui.agentwrite.plan_parser import without_marks
from lwtui.agentwrite.plan_repair import distinct, has_looped, heading_from, parse_plan, parse_step
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


def test_the_papers_shape_is_parsed() -> None:
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
def test_variations_of_the_shape_are_parsed(line: str) -> None:
    assert shape(parse_plan(line, BRIEF)) == [("Soil", "what it is", 1000)]


def test_code_fences_and_blank_lines_are_ignored() -> None:
    assert shape(parse_plan(f"```\n{GOOD}```", BRIEF)) == shape(parse_plan(GOOD, BRIEF))
    assert shape(parse_plan(GOOD.replace("\n", "\r\n\r\n"), BRIEF)) == shape(parse_plan(GOOD, BRIEF))


def test_control_characters_never_reach_a_plan() -> None:
    plan = parse_plan(GOOD.replace("Soil", "\x1b[31mSo\x07il\x1b[0m").replace("Growing", "\x00Growing"), BRIEF)
    assert plan.title == "Growing Things"
    assert plan.sections[0].title == "Soil"


def test_a_missing_title_comes_from_the_instruction() -> None:
    assert parse_plan(GOOD.split("\n", 1)[1], BRIEF).title == "Soil and seeds"


def test_a_missing_heading_comes_from_the_main_point() -> None:
    plan = parse_plan("Paragraph 1 - Main Point: Choose good soil, and water it - Word Count: 1000 words", BRIEF)
    assert shape(plan) == [("Choose good soil", "Choose good soil, and water it", 1000)]


def test_json_objects_and_lists_are_parsed() -> None:
    rows = [
        {"title": "Soil", "main_point": "what soil is", "words": 400},
        {"title": "Seeds", "main_point": "how to choose", "words": 600, "note": "passed over"},
    ]
    expected = [("Soil", "what soil is", 400), ("Seeds", "how to choose", 600)]
    plan = parse_plan(json.dumps({"title": "Growing", "sections": rows}), BRIEF)
    assert (plan.title, shape(plan)) == ("Growing", expected)
    assert shape(parse_plan(json.dumps(rows), BRIEF)) == expected
    assert shape(parse_plan(f"```json\n{json.dumps(rows, indent=1)}\n```", BRIEF)) == expected


def test_targets_are_scaled_to_the_requested_length() -> None:
    assert [section.words for section in parse_plan(GOOD, brief(2000)).sections] == [800, 1200]
    for words in (7, 999, 1234, 54_321):
        assert parse_plan(GOOD, brief(words)).words == words


def test_targets_that_add_up_are_not_changed() -> None:
    raw = GOOD.replace("400", "333").replace("600", "667")
    assert [section.words for section in parse_plan(raw, BRIEF).sections] == [333, 667]


# ---- what models make of it -------------------------------------------------------------------------------------

STEPS = [("Soil", "what soil is made of", 400), ("Seeds", "how to choose seeds", 600)]
DRESSED = {
    "talk before and after": f"Sure! Here is your plan:\n\n{GOOD}\nI hope this helps!",
    "a fence after a remark": f"Here it is:\n\n```text\n{GOOD}```\nLet me know what you think.",
    "reasoning": f"<think>\nParagraph 1 - Main Point: no: not this one - Word Count: 9 words\n</think>\n\n{GOOD}",
    "bold lines": "\n".join(f"**{line}**" for line in GOOD.splitlines()),
    "bold labels": GOOD.replace("Main Point:", "**Main Point:**").replace("Word Count:", "**Word Count**:"),
    "bullets": "\n".join(f"- {line}" for line in GOOD.splitlines()),
    "numbers": "\n".join(f"{index}. {line}" if index else line for index, line in enumerate(GOOD.splitlines())),
    "a heading for the title": GOOD.replace("Title: Growing Things", "# Growing Things\n"),
    "a heading for each step": GOOD.replace("Paragraph", "### Paragraph"),
    "other words for a step": GOOD.replace("Paragraph 1", "Section 1").replace("Paragraph 2", "Section 2"),
    "about": GOOD.replace("400 words", "~400 words").replace("600 words", "approximately 600 words"),
    "ranges": GOOD.replace("400 words", "350-450 words").replace("600", "550 to 650"),
    "lengths in brackets": GOOD.replace(" - Word Count: 400 words", " (400 words)").replace(
        " - Word Count: 600 words", " (about 600 words)"
    ),
    "wrapped lines": GOOD.replace("what soil is ", "what soil is\n    ").replace("how to ", "how to\n"),
    "numbers that are off": GOOD.replace("Paragraph 2", "Paragraph 7"),
    "full-width marks": GOOD.replace(": ", "：").replace("400", "400"),
    "fields on lines of their own": """\
# Growing Things
## Paragraph 1
- **Heading:** Soil
- **Main Point:** what soil is made of
- **Word Count:** 400 words

## Paragraph 2
- **Heading:** Seeds
- **Main Point:** how to choose seeds
- **Word Count:** 600 words
""",
    "a numbered list": """\
Title: Growing Things

1. **Soil** (400 words): what soil is made of
2. **Seeds** (600 words): how to choose seeds

Total: 1000 words
""",
    "headings with points below": """\
# Growing Things

## 1. Soil (400 words)
what soil is made of

## 2. Seeds (600 words)
how to choose seeds
""",
    "a table": """\
**Growing Things**

| # | Section | Main point | Words |
|---|---------|------------|-------|
| 1 | Soil | what soil is made of | 400 |
| 2 | Seeds | how to choose seeds | ~600 |
""",
    "JSON after a remark": """\
Here is the plan: ```json
{"title": "Growing Things", "sections": [
  {"title": "Soil", "main_point": "what soil is made of", "words": "400 words"},
  {"title": "Seeds", "main_point": "how to choose seeds", "words": 600.0}
]}
```""",
    "JSON with other keys": """\
{"plan": {"Title": "x", "paragraphs": [
  {"heading": "Soil", "Main Point": ["what soil is made of"], "Word Count": "350-450"},
  {"heading": "Seeds", "Main Point": "how to choose seeds", "Word Count": "about 600"}
]}, "title": "Growing Things"}""",
    "JSON that is broken at its end": """\
{"title": "Growing Things", "sections": [
  {"title": "Soil", "main_point": "what soil is made of", "words": 400},
  {"title": "Seeds", "main_point": "how to choose seeds", "words": 600},
]""",
}


@pytest.mark.parametrize("raw", DRESSED.values(), ids=DRESSED.keys())
def test_a_plan_in_another_shape_is_the_same_plan(raw: str) -> None:
    plan = parse_plan(raw, BRIEF)
    assert (plan.title, shape(plan)) == ("Growing Things", STEPS)


@pytest.mark.parametrize(
    "raw",
    [
        "《种植》\n第一段：土壤 - 主要内容：土壤由什么组成 - 字数：400字\n"
        "第二段：种子 - 主要内容：如何选择种子 - 字数：600字",
        "# 种植\n\n一、土壤（约400字）\n土壤由什么组成\n\n二、种子（约600字）\n如何选择种子\n\n希望对您有帮助。",
        "标题：种植\n段落1 - 要点：土壤：土壤由什么组成 - 字数要求：350～450字\n"
        "段落2 - 要点：种子：如何选择种子 - 字数要求：600字左右",
    ],
)
def test_chinese_labels_are_parsed(raw: str) -> None:
    plan = parse_plan(raw, Brief("写一篇关于种植的文章", 1000, language="zh"))
    assert (plan.title, shape(plan)) == ("种植", [("土壤", "土壤由什么组成", 400), ("种子", "如何选择种子", 600)])


def test_duplicate_headings_are_replaced_by_words_of_the_main_points() -> None:
    raw = "\n".join(
        f"Paragraph {index} - Main Point: Activities: {point} - Word Count: 250 words"
        for index, point in enumerate(["hiking in the snow", "fishing for cod, at night", "museums", "skiing"], 1)
    )
    plan = parse_plan(raw, BRIEF)
    assert [section.title for section in plan.sections] == [
        "Hiking in the snow",
        "Fishing for cod",
        "Museums",
        "Skiing",
    ]


def test_a_duplicate_step_is_dropped_and_the_others_get_its_words() -> None:
    raw = GOOD + "Paragraph 3 - Main Point: Earth: What soil is made of - Word Count: 500 words"
    assert shape(parse_plan(raw, BRIEF)) == STEPS


def test_long_main_points_need_not_be_equal_to_be_duplicates() -> None:
    point = (
        "Repairs cost less than new clothes and {} money over the long term, since simple techniques extend their life"
    )
    raw = GOOD + "".join(
        f"Paragraph {number} - Main Point: Part {number}: {point.format(verb)} - Word Count: 500 words\n"
        for number, verb in ((3, "save"), (4, "also saves some"))
    )
    assert [section.title for section in parse_plan(raw, BRIEF).sections] == ["Soil", "Seeds", "Part 3"]


def test_a_plan_with_nearly_enough_steps_is_used() -> None:
    step = "Paragraph {number} - Main Point: {word}: What {word} does - Word Count: 900 words\n"
    raw = "".join(
        step.format(number=number, word=word) for number, word in enumerate(("Soil", "Rain", "Sun", "Wind"), 1)
    )
    bounds = Bounds.of(5000, 120)
    assert bounds.least_steps == 5 and len(parse_plan(raw, replace(BRIEF, words=5000), bounds).sections) == 4
    with pytest.raises(PlanError, match="It has 4 steps; use at least 7"):
        parse_plan(raw, replace(BRIEF, words=7000), Bounds.of(7000, 120))


AGAIN = "Paragraph {number} - Main Point: Earth: What soil is made of - Word Count: 500 words\n"


def test_a_plan_that_says_one_thing_again_and_again_is_asked_for_again() -> None:
    raw = "".join(AGAIN.format(number=number) for number in range(1, 5))
    with pytest.raises(PlanError, match="3 of its 4 steps say what an earlier one says") as caught:
        parse_plan(raw, BRIEF, Bounds.of(1000, 120))
    assert caught.value.plan is not None and len(caught.value.plan.sections) == 1


def test_a_plan_that_goes_on_repeating_its_steps_ends_before_them() -> None:
    raw = GOOD + "".join(AGAIN.format(number=number) for number in range(3, 9))
    assert shape(parse_plan(raw, BRIEF, Bounds.of(1000, 120))) == STEPS
    with pytest.raises(PlanError, match="It has 2 steps; use at least 3"):
        parse_plan(raw, replace(BRIEF, words=3000), Bounds.of(3000, 120))


def test_a_loop_of_steps_is_noticed_while_the_plan_streams() -> None:
    steps = [AGAIN.format(number=number) for number in range(3, 9)]
    assert [has_looped(GOOD + "".join(steps[:count])) for count in range(6)] == [False] * 4 + [True] * 2
    own = "".join(f"Paragraph {number} - Main Point: {word} matters\n" for number, word in enumerate("abcdefgh", 1))
    assert not has_looped(own)


@pytest.mark.parametrize(
    "other",
    [
        " Word Count: 90 words",
        " (Word Count: 90 words)",
        " 词 Count: 70 words",
        " Word Count: 564 words paragraph 2",
        " 字数：90字",
    ],
)
def test_a_second_word_count_does_not_stay_in_the_main_point(other: str) -> None:
    assert shape(parse_plan(GOOD.replace(" - Word", f"{other} - Word"), BRIEF)) == STEPS


def test_missing_lengths_are_the_average_of_the_others() -> None:
    assert shape(parse_plan(GOOD.replace(" - Word Count: 600 words", ""), brief(800)))[1][2] == 400
    assert [section.words for section in parse_plan("1. Soil\n2. Seeds\n3. Rain\n4. Sun", BRIEF).sections] == [250] * 4
    for odd in ("0 words", "many words", "99999999999 words"):
        assert sum(section.words for section in parse_plan(GOOD.replace("400 words", odd), BRIEF).sections) == 1000


@pytest.mark.parametrize("words", [range(100, 800, 100), range(700, 0, -100)])
def test_lengths_that_only_go_up_or_down_are_no_lengths(words: range) -> None:
    raw = "\n".join(
        f"{number}. Part {number}: about {number} ({length} words)" for number, length in enumerate(words, 1)
    )
    assert [section.words for section in parse_plan(raw, brief(2800), Bounds.of(2800, 120)).sections] == [400] * 7
    assert [section.words for section in parse_plan(raw, brief(2800)).sections] == list(words)  # a person's own


def test_text_copied_from_the_prompt_is_no_step() -> None:
    raw = (
        GOOD + "Paragraph 3 - Main Point: <short heading>: <what this section says, in detail> - Word Count: 200 words"
    )
    assert shape(parse_plan(raw, BRIEF)) == STEPS


def test_a_main_point_does_not_speak_of_the_brief() -> None:
    raw = GOOD.replace("what soil is made of", "The brief mentions that soil is made of rock")
    assert parse_plan(raw, BRIEF).sections[0].main_point == "soil is made of rock"


def test_a_conclusion_is_not_divided() -> None:
    raw = GOOD.replace("made of", "made of; how it ages; who lives in it").replace("choose seeds", "choose; how to sow")
    plan = parse_plan(raw, BRIEF, Bounds.of(1000, 120, 400))
    assert len(plan.sections) == 3 and plan.sections[-1].main_point == "how to choose; how to sow"


def test_text_copied_from_the_prompt_behind_a_heading_is_left_out() -> None:
    raw = "\n\n".join(
        f"{number} - Main Point: {heading}: <What this section says, in detail> - Word Count: {words}"
        for number, heading, words in ((1, "Unpacking", 400), (2, "Mounting [short heading]", 600))
    )
    assert shape(parse_plan(raw, BRIEF)) == [("Unpacking", "Unpacking", 400), ("Mounting", "Mounting", 600)]


def test_too_many_steps_are_merged_and_too_few_are_split() -> None:
    raw = "\n".join(f"{index}. Part {index}: all about {index} (50 words)" for index in range(1, 21))
    plan = parse_plan(raw, BRIEF, Bounds.of(1000, 120))
    assert len(plan.sections) == 10
    assert "all about 7" in " ".join(section.main_point for section in plan.sections)
    few = parse_plan(
        GOOD.replace("made of", "made of; how it ages; who lives in it"), brief(3000), Bounds.of(3000, 120)
    )
    assert [section.words for section in few.sections] == [600, 600, 1800]
    assert len({section.title for section in few.sections}) == 3


def test_extreme_lengths_are_bounded() -> None:
    plan = parse_plan(GOOD.replace("400", "3"), BRIEF, Bounds.of(1000, 120))
    assert plan.words == 1000
    assert plan.sections[0].words >= 50


# ---- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "finding"),
    [
        ("", "It has no steps."),
        ("Title: Only a Title", "It has no steps"),
        ("I cannot help with that.", "the answer begins with 'I cannot help with that.'"),
        ('{"title": "Cut off", "sections": [{"ti', "It has no steps"),
        ('{"title": "No list"}', "It has no steps"),
        ('{"sections": []}', "It has no steps"),
        pytest.param("[" * 100_000, "It has no steps", id="brackets"),
        pytest.param("{" * 100_000, "It has no steps", id="braces"),
        pytest.param("1" * 100_000, "It has no steps", id="digits"),
        pytest.param("- " * 50_000, "It has no steps", id="bullets"),
        pytest.param("1. - (" * 20_000, "It has no steps", id="marks"),
    ],
)
def test_an_answer_that_is_no_plan_is_a_finding(raw: str, finding: str) -> None:
    assert finding in findings_of(raw)[0]


def test_a_plan_with_too_few_steps_is_a_finding_and_a_fallback() -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(GOOD, brief(5000), Bounds.of(5000, 120))
    assert caught.value.findings == ("It has 2 steps; use at least 5.",)
    assert caught.value.plan is not None
    assert caught.value.plan.words == 5000


@pytest.mark.parametrize(
    ("raw", "finding"),
    [
        (f"{GOOD}I hope this helps!", "This line is not a step in the shape asked for: 'I hope this helps!'."),
        (GOOD.replace("400 words", "many words"), "Step 1 has no word count."),
        (GOOD.replace("400 words", "0 words"), "Step 1 has no word count."),
        ('[{"title": "A", "main_point": "b"}]', "Step 1 has no word count."),
    ],
)
def test_in_strict_mode_nothing_is_ignored_or_made_up(raw: str, finding: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(raw, BRIEF, strict=True)
    assert finding in caught.value.findings
    assert shape(parse_plan(GOOD.replace("Seeds: how", "Soil: how"), BRIEF, strict=True))[1][0] == "Soil"


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
def test_any_text_like_a_plan_is_a_plan_or_an_error_with_findings(raw: str) -> None:
    is_a_plan_or_an_error_with_findings(raw)


_KEYS = st.sampled_from(["title", "sections", "main_point", "words"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner),
)


@given(_JSON)
def test_any_json_is_a_plan_or_an_error_with_findings(value: Any) -> None:
    is_a_plan_or_an_error_with_findings(json.dumps(value))


# ---- writing a plan ---------------------------------------------------------------------------------------------

_LINE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=60)


@pytest.mark.parametrize("heading", ["Soil\u00a0", "土壤\u3000", "Soil\t", "Soil #\u00a0##", "#\u3000#"])
def test_any_white_space_at_the_end_of_a_heading_is_stripped(heading: str) -> None:
    assert without_marks(heading) in ("Soil", "土壤", "")


@pytest.mark.parametrize(
    ("point", "heading"),
    [
        ("Finally, the garden is watered every day", "The garden is watered every day"),
        ("However, many people work at home", "Many people work at home"),
        ("首先，我们介绍种子的来源", "我们介绍种子的来源"),
        ("Additionally", "Additionally"),
        ("Soil, seeds, sun", "Soil"),
    ],
)
def test_a_heading_is_not_made_of_a_word_that_only_begins_the_sentence(point: str, heading: str) -> None:
    raw = f"Paragraph 1 - Main Point: {point}. - Word Count: 200 words"
    assert parse_plan(raw, brief(200)).sections[0].title == heading


@pytest.mark.parametrize("label", ["Main Point", "主点", "主要观点", "要点"])
def test_a_short_point_with_text_below_is_the_heading(label: str) -> None:
    step = f"#### Paragraph 1 - {label}: The year of a hive\n\nIn spring the bees fly out.\n\n**Word Count:** 90 words"
    raw = f"Title: Bees\n\n{step}"
    assert shape(parse_plan(raw, brief(90))) == [("The year of a hive", "In spring the bees fly out.", 90)]


@pytest.mark.parametrize("heading", ["The first hour of F# and C#", "在漫长的冬季里如何规划一次前往北极的旅行", "0#"])
def test_a_heading_is_read_as_it_is(heading: str) -> None:
    plan = parse_plan(f"1. ## {heading}: What it is about - Word Count: 200 words", Brief("x", 0), strict=True)
    assert [(section.title, section.main_point) for section in plan.sections] == [(heading, "What it is about")]


@given(st.lists(st.tuples(_LINE, _LINE, st.integers(1, 3000)), min_size=1, max_size=12))
def test_formatting_and_parsing_a_plan_returns_the_same_plan(steps: list[tuple[str, str, int]]) -> None:
    raw = "\n".join(
        f"Paragraph {number} - Main Point: {title}: {point} - Word Count: {words} words"
        for number, (title, point, words) in enumerate(steps, 1)
    )
    try:
        plan = parse_plan(raw, Brief("x", 0), strict=True)
    except PlanError:
        return  # the heading may be nothing but a mark
    again = parse_plan(format_plan(plan), Brief("x", plan.words), strict=True)
    assert shape(again) == shape(plan)


def test_a_heading_that_begins_its_own_main_point_is_kept() -> None:
    section = PlannedSection("Soil", "Soil matters: it holds the water", 300)
    line = format_step(1, section)
    assert line == "Paragraph 1 - Main Point: Soil: Soil matters: it holds the water - Word Count: 300 words"
    assert parse_plan(line, Brief("x", 300)).sections[0].title == "Soil"


def test_a_formatted_step_is_one_line() -> None:
    section = PlannedSection("Soil\nand water", "first\n\nParagraph 9 - second", 300)
    assert "\n" not in format_step(1, section)


def test_a_parsed_step_replaces_another() -> None:
    old = PlannedSection("Soil", "what soil is", 300, "id7")
    new = parse_step("Paragraph 4 - Main Point: Water: how much - Word Count: 999 words\n", old)
    assert (new.title, new.main_point, new.words, new.id) == ("Water", "how much", 300, "id7")
    for raw in ("", "I cannot.", "Paragraph 4 - Main Point: [] - Word Count: 9 words"):
        with pytest.raises(PlanError) as caught:
            parse_step(raw, old)
        assert caught.value.raw == raw


def test_steps_that_other_sections_say_are_dropped() -> None:
    plan = Plan("", (PlannedSection("Soil", "what it is", 100), PlannedSection("Rain", "how much falls", 100)))
    others = [PlannedSection("Soil", "who lives in it", 100), PlannedSection("Weather", "how much falls", 100)]
    assert shape(distinct(plan, others)) == [("What it is", "what it is", 100)]


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
def test_bounds_follow_from_the_length(words: int, most_steps: int, expected: Bounds) -> None:
    assert Bounds.of(words, most_steps) == replace(expected, limit=most_steps)


@given(st.integers(1, 300_000), st.integers(1, 200))
def test_bounds_can_always_be_met(words: int, most_steps: int) -> None:
    bounds = Bounds.of(words, most_steps)
    assert 1 <= bounds.least_steps <= bounds.most_steps <= most_steps
    assert bounds.least_words * bounds.least_steps <= words <= bounds.most_words * bounds.most_steps
    assert bounds.least_steps <= bounds.likely_steps(words) <= bounds.most_steps


@pytest.mark.parametrize("words", [300, 1500, 5_000, 20_000, 50_000, 100_000])
def test_plans_within_the_bounds_pass(words: int) -> None:
    bounds = Bounds.of(words, 120)
    for steps in {bounds.least_steps, bounds.likely_steps(words), bounds.most_steps}:
        rng = random.Random(words + steps)
        raw = "\n".join(
            f"Paragraph {step} - Main Point: Part {step}: all about {step} - Word Count: {rng.randint(200, 800)} words"
            for step in range(1, steps + 1)
        )
        plan = parse_plan(raw, brief(words), bounds)
        assert (len(plan.sections), plan.words) == (steps, words)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("Title: Why Cities Need Trees in 300 Words", "Why Cities Need Trees"),
        ("Title: Good Marketing (about 700 words)", "Good Marketing"),
        ("标题：春天（约800字）", "春天"),
        ("标题：春天（不少于800字）", "春天"),
        ("标题：春天（800字以上）", "春天"),
        ("Title: Spring (400+ words)", "Spring"),
        ("Title: Spring: A Brief Report of 800 Words", "Spring: A Brief Report"),
        ("Title: A Letter of 300 Words to My Landlord", "A Letter to My Landlord"),
        ("Title: The 100 Words for Snow", "The 100 Words for Snow"),
        ("Title: Plans of a Soon-to-Be-Married Person (8", "Plans of a Soon-to-Be-Married Person"),
        ("Title: Spring (no less than 400 words)", "Spring"),
        ("Title: Trends in 2024", "Trends in 2024"),
        ("Title: 1000 Words", "1000 Words"),
        (f"Title: The Sea of Dr. Lund. {'It tells of a sea ' * 6}and", "The Sea of Dr. Lund"),
        (f"标题：惊蛰：春暖花开的诗篇，{'从古代诗词中汲取灵感' * 4}。《春》是", "惊蛰"),
        (f"标题：惊蛰的由来。{'从古代诗词中汲取灵感' * 4}。《春》是", "惊蛰的由来"),
        ("标题：惊蛰：春天的声音", "惊蛰：春天的声音"),
    ],
)
def test_a_title_does_not_tell_the_length(line: str, title: str) -> None:
    raw = f"{line}\nParagraph 1 - Main Point: One: all about it - Word Count: 200 words"
    assert parse_plan(raw, brief(200), Bounds.of(200, 0)).title == title


@pytest.mark.parametrize(
    ("point", "heading"),
    [
        ("The School on the Hill provides a focal point for education and community", "The School on the Hill"),
        ("Setting up a small home network involves several steps to ensure it", "Setting up a small home network"),
        ("There are several ways to repair clothes", "There are several ways to repair clothes"),
        ("This section will discuss the benefits of repairs", "This section will discuss the benefits of repairs"),
        ("Repairs are not only more cost-effective than new clothes", "Repairs are not only more cost-effective than"),
        ("How roots take up water", "How roots take up water"),
        ("and herring making the town rich between 1860 and 1914", "Herring making the town rich between"),
    ],
)
def test_a_heading_made_from_a_sentence_is_its_subject(point: str, heading: str) -> None:
    assert heading_from(point).startswith(heading)


@pytest.mark.parametrize(
    ("point", "heading"),
    [
        ("Cities should plant more trees because trees provide oxygen for all", "Cities should plant more trees"),
        ("Trees keep the streets of a city cool while the sun shines on them", "Trees keep the streets of a city cool"),
        ("How to choose plants for shade and where to put them on a balcony", "How to choose plants for shade"),
        ("比亚迪的产品决策和业务转型研究意义在于推动全球电动车市场的快速发展", "比亚迪的产品决策和业务转型研究意义"),
        ("城市里的树木可以降低夏天街道上的温度并且减少暴雨带来的积水", "城市里的树木"),
        ("Because trees give shade in summer, streets stay cool", "Streets stay cool"),
    ],
)
def test_a_heading_made_from_a_sentence_has_whole_clauses(point: str, heading: str) -> None:
    assert heading_from(point) == heading


def test_a_long_title_loses_what_may_have_been_cut_off() -> None:
    title = "Repairing Clothes Instead of Buying New Ones"
    for rest, kept in ((": A Guide to Long-Term Savings and Environmentally", ""), (": A Guide", ": A Guide")):
        raw = f"Title: {title}{rest}\nParagraph 1 - Main Point: One: all about it - Word Count: 200 words"
        assert parse_plan(raw, brief(200)).title == title + kept


# ---- grammars ---------------------------------------------------------------------------------------------------


def test_the_grammar_has_a_rule_for_each_step() -> None:
    grammar = plan_grammar(range(2, 5), "Title: ")
    root, *rules = grammar.splitlines()
    assert root == 'root ::= "Title: " title "\\n" step1 step2 (step3 (step4)?)?'
    assert [rule.split(" ::= ")[0] for rule in rules[:4]] == ["step1", "step2", "step3", "step4"]
    assert '"Paragraph 3 - Main Point: "' in rules[2]


def test_the_grammar_of_a_single_step() -> None:
    assert step_grammar(" ").startswith('root ::= " " heading ": " detail " - Word Count: " count " words\\n"')


@pytest.mark.parametrize("heading", ["《孙子兵法》不仅是最早的著作", "“Soil” and rain", "研究《孙子兵法》"])
def test_a_mark_stays_where_its_other_half_is_within_the_heading(heading: str) -> None:
    assert without_marks(f"### {heading}:") == without_marks(heading) == heading
