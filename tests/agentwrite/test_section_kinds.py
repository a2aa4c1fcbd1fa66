"""A section's kind: read from a plan in any shape, asked for in the prompt, and heeded by length, filters and lint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lwtui.agentwrite.events import Redrafting
from lwtui.agentwrite.length import LengthTarget, section_target
from lwtui.agentwrite.lint import TextPart, lint
from lwtui.agentwrite.plan_format import (
    PLAN_SCHEMA,
    Bounds,
    PlanError,
    format_plan,
    plan_grammar,
    plan_schema,
)
from lwtui.agentwrite.plan_repair import parse_plan
from lwtui.agentwrite.prompt_builder import ChatPromptBuilder
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.repeated_openings import RepeatedOpeningFilter
from lwtui.agentwrite.repetition import RepetitionFilter
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.agentwrite.similar_paragraphs import SimilarParagraphFilter
from lwtui.agentwrite.style import asks_for_kinds
from lwtui.documents.model import Brief, Plan, PlannedSection, Section, Status, Style, status_of_length
from lwtui.documents.plan_edits import merge, split
from lwtui.documents.section_kind import SectionKind, section_kind
from lwtui.documents.stale import plan_line_fingerprint
from lwtui.models.base import Capabilities
from lwtui.models.profiles import PROFILES
from tests.agentwrite.test_section import run, task
from tests.support.author import Author
from tests.support.fault_server import Answer
from tests.support.feeding import feed
from tests.support.studio import of_kind, open_studio

PROSE, LIST, TABLE, CODE, FORMULAS = SectionKind
BRIEF = Brief("Write a guide to brewing tea, with a table of temperatures.", 600)
TEA_TABLE = "Each tea has its own water.\n\n| Tea | Water |\n|---|---|\n| Green | 70 °C |\n| Black | 95 °C |"
LISTING = 'It prints a greeting.\n\n```python\nprint("Hello")\n```'
CAN_JSON, CAN_GRAMMAR = Capabilities(8192, json_schema=True), Capabilities(8192, grammar=True)


def kinds_of(raw: str) -> list[SectionKind]:
    return [section.kind for section in parse_plan(raw, BRIEF).sections]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("table", TABLE),
        ("Tables", TABLE),
        (" [CODE] ", CODE),
        ("Source code", CODE),
        ("bulleted_list", LIST),
        ("formula-heavy", FORMULAS),
        ("Fließtext", PROSE),
        ("表格", TABLE),
        ("代码", CODE),
        ("数式", FORMULAS),
        ("tableau", TABLE),
        ("poem", None),
        ("", None),
        ("tablet", None),
    ],
)
def test_kinds_have_many_names(name: str, kind: SectionKind | None) -> None:
    assert section_kind(name) is kind


@pytest.mark.parametrize(
    "line",
    [
        "Paragraph 2 - Main Point: Heat: the water for each tea - Kind: table - Word Count: 300 words",
        "Paragraph 2 - Main Point: Heat: the water for each tea - Word Count: 300 words - Kind: table",
        "Paragraph 2 - Main Point: Heat: the water for each tea - Word Count: 300 words (Kind: Table)",
        "Paragraph 2 - Kind: **table** - Main Point: Heat: the water for each tea - Word Count: 300 words",
        "Paragraph 2 - Main Point: Heat: the water for each tea [table] - Word Count: 300 words",
        "Paragraph 2 - Main Point: Heat: the water for each tea (Table) - Word Count: 300 words",
        "Paragraph 2 - Main Point: Heat: the water for each tea - Type: comparison-table - Word Count: 300 words",
        "Paragraph 2\n- Main Point: Heat: the water for each tea\n- Kind: Table\n- Word Count: 300 words",
        "第2段 - 主要内容：Heat：the water for each tea - 类型：表格 - 字数：300字",
    ],
)
def test_a_kind_is_read_wherever_it_stands(line: str) -> None:
    raw = f"Paragraph 1 - Main Point: Leaf: where tea grows - Word Count: 300 words\n{line}"
    plan = parse_plan(raw, BRIEF)
    assert [section.kind for section in plan.sections] == [PROSE, TABLE]
    assert (plan.sections[1].title, plan.sections[1].main_point) == ("Heat", "the water for each tea")
    assert plan.sections[1].words == 300


def test_kinds_are_read_from_tables_and_json() -> None:
    rows = "| # | Section | What | Kind | Words |\n|---|---|---|---|---|\n| 1 | Code | a program | code | 200 |\n"
    assert kinds_of(f"{rows}| 2 | Sums | the heat needed | formulas | 400 |") == [CODE, FORMULAS]
    steps = '[{"title": "A", "main_point": "one", "words": 300, "%s": "%s"}, {"title": "B", "main_point": "two"}]'
    for key, name in (("kind", "table"), ("Type", "Table"), ("section_type", "comparison table"), ("类型", "表格")):
        assert kinds_of(steps % (key, name)) == [TABLE, PROSE]
    assert kinds_of(steps % ("kind", "poem")) == [PROSE, PROSE]  # a model's slip is no reason to ask again


@pytest.mark.parametrize(
    "point",
    [
        "What form: verse or prose the poets chose",
        "The kind: rare and old",
        "Which type of table fits a kitchen",
        "The code of honor among tea masters (1590)",
        "Leaves [gray2020]",
    ],
)
def test_words_of_a_main_point_are_no_kind(point: str) -> None:
    raw = f"Paragraph 1 - Main Point: Leaf: {point} - Word Count: 300 words"
    (section,) = parse_plan(raw, BRIEF).sections
    assert (section.kind, section.main_point) == (PROSE, point)


def test_an_unknown_kind_in_a_plan_by_hand_is_an_error() -> None:
    with pytest.raises(PlanError) as raised:
        parse_plan('{"sections": [{"title": "A", "main_point": "b", "words": 9, "kind": "tabel"}]}', BRIEF, strict=True)
    (finding,) = raised.value.findings
    assert finding == "Step 1 has the unknown kind 'tabel'. Known: prose, list, table, code, formulas."


def test_a_plan_with_kinds_is_printed_and_read_again() -> None:
    steps = tuple(PlannedSection(f"Part {kind}", f"about {kind}", 100, kind=kind) for kind in SectionKind)
    plan = Plan("Tea", steps)
    assert [section.kind for section in parse_plan(format_plan(plan), replace(BRIEF, words=500)).sections] == [
        *SectionKind
    ]
    again = parse_plan(plan.to_json(), replace(BRIEF, words=500), strict=True)
    assert again.to_dict() == plan.to_dict()
    assert [step.get("kind") for step in plan.to_dict()["sections"]] == [None, "list", "table", "code", "formulas"]


def test_edits_of_a_plan_keep_the_kind() -> None:
    plan = Plan("Tea", (PlannedSection("A", "one; two", 200, "a", kind=CODE), PlannedSection("B", "three", 100, "b")))
    parts, second = split(plan, "a")
    assert [section.kind for section in parts.sections] == [CODE, CODE, PROSE] and second != "a"
    assert [section.kind for section in merge(plan, "a").sections] == [CODE]
    swapped = Plan("Tea", (plan.sections[1], plan.sections[0]))
    assert [section.kind for section in merge(swapped, "b").sections] == [CODE]


@pytest.mark.parametrize(
    ("instruction", "asks"),
    [
        ("A guide to tea, with a table of temperatures", True),
        ("Explain quicksort with Python code", True),
        ("Leite die Formeln der Bewegung her", True),
        ("写一篇介绍排序算法的文章，附上代码", True),
        ("A report with a checklist at the end", True),
        ("A story about a lighthouse keeper", False),
        ("An essay on codes of honor and dress code violations", True),
        ("Describe how leaves change their color", False),
        ("写一个关于灯塔的故事", False),
    ],
)
def test_the_planner_is_asked_for_kinds_where_the_instruction_asks_for_them(instruction: str, asks: bool) -> None:
    brief = Brief(instruction, 600)
    assert asks_for_kinds(brief) is asks
    builder = ChatPromptBuilder(PROFILES["chat"], PromptTemplates("chat"))
    bounds = Bounds.of(600, 8)
    as_json = builder.plan(brief, bounds, CAN_JSON, None)
    assert as_json.json_schema == plan_schema(kinds=asks) and ('"kind"' in as_json.prompt.plain()) is asks
    by_grammar = builder.plan(brief, bounds, CAN_GRAMMAR, None)
    assert ("Kind: table" in by_grammar.prompt.plain()) is asks and ('"Kind: "' in by_grammar.grammar) is asks
    kept = Plan("Tea", (PlannedSection("A", "b", 600, kind=TABLE),))
    assert "Kind: table" in builder.revised_plan(brief, kept, "- none", "", bounds, CAN_GRAMMAR, None).prompt.plain()


def test_a_schema_without_kinds_is_as_ever() -> None:
    assert plan_schema(kinds=False) is PLAN_SCHEMA and "kind" not in str(PLAN_SCHEMA)
    item = plan_schema(kinds=True)["properties"]["sections"]["items"]
    assert item["properties"]["kind"]["enum"] == [*SectionKind] and "kind" in item["required"]
    assert "kind" not in plan_grammar(range(2, 4), "Title: ")


def request(kind: SectionKind, brief: Brief = BRIEF, **more: object) -> str:
    step = PlannedSection("Heat", "the water for each tea", 300, "s1", kind=kind)
    section = Section("s1", step.title, step.main_point, 300, Status.EMPTY, "", 0, kind=kind)
    work = SectionTask(brief, Plan("Tea", (step,)), section, 1, 300, **more)  # type: ignore[arg-type]
    return ChatPromptBuilder(PROFILES["chat"], PromptTemplates("chat")).section(work, SectionView(300)).plain()


def test_each_kind_has_a_line_of_its_own_in_the_prompt() -> None:
    essay = replace(BRIEF, style=Style.PROSE)
    prompts = {kind: request(kind, essay) for kind in SectionKind}
    assert "no lists" in prompts[PROSE] and "paragraphs" in prompts[PROSE]
    for kind, word in ((LIST, "as a list"), (TABLE, "as a table"), (CODE, "fenced block"), (FORMULAS, "$$…$$")):
        assert word in prompts[kind] and "no lists" not in prompts[kind] and "paragraph" not in prompts[kind]
    assert "$$$" not in prompts[FORMULAS]


# ---- length -----------------------------------------------------------------------------------------------------


def planned(number: int, words: int, kind: SectionKind = PROSE, length: int = 0) -> Section:
    status = Status.DONE if length else Status.EMPTY
    return Section(f"s{number}", "", "", words, status, "x" if length else "", length, kind=kind)


@pytest.mark.parametrize("kind", [TABLE, CODE, FORMULAS])
def test_what_has_a_free_length_leaves_nothing_to_the_others(kind: SectionKind) -> None:
    sections = [planned(1, 300, length=300), planned(2, 300, kind, length=20), planned(3, 300)]
    assert section_target(sections, "s3") == 300
    assert section_target([planned(1, 300, length=100), planned(2, 300, kind), planned(3, 300)], "s2") == 300
    assert status_of_length(20, 300, kind) is Status.DONE and status_of_length(0, 300, kind) is Status.SHORT
    target = LengthTarget(300, True, 20, free=True)
    assert not target.is_off(20) and not target.is_short(1) and target.longest == 900


def test_a_list_is_as_long_as_planned() -> None:
    sections = [planned(1, 300, LIST, length=200), planned(2, 300)]
    assert section_target(sections, "s2") == 400
    assert status_of_length(20, 300, LIST) is Status.SHORT


@pytest.mark.parametrize(
    ("kind", "answer"), [(CODE, LISTING), (TABLE, TEA_TABLE), (CODE, "```\nmake tea. Then stop.\n```")]
)
async def test_a_short_section_of_code_or_a_table_is_accepted_as_it_is(kind: SectionKind, answer: str) -> None:
    work = task(slack=10)
    work = replace(work, section=replace(work.section, kind=kind))
    async with open_studio(lambda body: Answer(answer)) as studio:
        text, events = await run(studio, work)
        assert len(studio.server.calls) == 1
    assert text == answer and not of_kind(Redrafting, events)
    assert events[-1].status is Status.DONE  # type: ignore[union-attr]


async def test_a_short_section_of_prose_gets_another_draft() -> None:
    async with open_studio(Author(pace=0.3)) as studio:
        _, events = await run(studio, task())
    assert of_kind(Redrafting, events)


# ---- repetition -------------------------------------------------------------------------------------------------

ALIKE = "\n".join(
    f"| Tea number {number} from the hills | The water is hot. The leaf is green. The cup is small. The pot is clay. |"
    for number in range(8)
)
CODE_ALIKE = "\n".join(
    f"    self.value_{number} = values.get('value_{number}')  # It is a. It is b." for number in range(9)
)
BLOCKS = [f"| Tea | How |\n|---|---|\n{ALIKE}", f"```python\n{CODE_ALIKE}\n```"]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("step", [3, 40])
def test_rows_and_lines_of_code_may_be_alike(block: str, step: int) -> None:
    text = f"This is how tea is made in the hills.\n\n{block}\n\nThat was all of it."
    filters = (RepetitionFilter((text,)), SimilarParagraphFilter((block,)), RepeatedOpeningFilter())
    for one in filters[1:]:
        assert feed(one, text, step, ended=True) is None
    assert feed(RepetitionFilter(()), text, step, ended=True) is None


def test_text_after_a_table_is_compared_as_ever() -> None:
    sentence = "The water for a green tea should never boil, because the leaf turns bitter at once."
    text = f"{sentence}\n\n{BLOCKS[0]}\n\n{sentence} "
    found = feed(RepetitionFilter(), text, 5)
    assert found is not None and text[: found[0].keep].rstrip().endswith("|")


@pytest.mark.parametrize("block", ["```\n{}\n```", "| a |\n|---|\n{}"])
def test_an_endless_loop_in_a_block_is_still_found(block: str) -> None:
    text = block.format("| the same row again and again |\n" * 60)
    assert feed(RepetitionFilter(), text, 5) is not None


# ---- lint -------------------------------------------------------------------------------------------------------


def findings(text: str, kind: SectionKind) -> list[str]:
    return [finding.kind for finding in lint([TextPart("Heat", text, kind=kind)])]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (TABLE, TEA_TABLE),
        (TABLE, "Tea | Water\n--- | ---\nGreen | 70 °C"),
        (CODE, LISTING),
        (CODE, "~~~\nmake\n~~~"),
        (LIST, "Take these:\n\n- tea\n- water"),
        (LIST, "1. Boil it.\n2. Pour it."),
        (FORMULAS, "It is $E = mc^2$."),
        (FORMULAS, "So:\n\n$$\nQ = mc\\Delta T\n$$"),
        (FORMULAS, "So \\(a + b\\)."),
        (PROSE, "Only words."),
        (TABLE, ""),
    ],
)
def test_a_section_that_has_what_its_kind_says_has_no_finding(kind: SectionKind, text: str) -> None:
    assert findings(text, kind) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (TABLE, "Green tea takes water of 70 °C."),
        (TABLE, f"```\n{TEA_TABLE}\n```"),
        (CODE, "Call `print` to print."),
        (CODE, TEA_TABLE),
        (LIST, "Tea and water."),
        (LIST, "```\n- tea\n- water\n```"),
        (FORMULAS, "It costs $5, or $6 at night."),
    ],
)
def test_a_section_without_what_its_kind_says_is_found(kind: SectionKind, text: str) -> None:
    assert findings(text, kind) == ["missing-kind"]


@pytest.mark.parametrize("kind", SectionKind)
def test_code_without_an_end_is_found_in_every_section(kind: SectionKind) -> None:
    text = "It prints.\n\n```python\nprint()\n"
    (finding,) = [found for found in lint([TextPart("Heat", text, kind=kind)]) if found.kind == "open-code"]
    assert finding.places[0].start == text.index("```") and finding.places[0].line == 3


def test_a_free_length_is_never_off_target() -> None:
    def kinds(kind: SectionKind) -> list[str]:
        return [finding.kind for finding in lint([TextPart("Heat", TEA_TABLE, target=500, kind=kind)])]

    assert kinds(TABLE) == [] and kinds(PROSE) == ["off-target"]


def test_another_kind_makes_a_section_stale() -> None:
    section = planned(1, 300, length=300)
    assert plan_line_fingerprint(section) != plan_line_fingerprint(replace(section, kind=CODE))
