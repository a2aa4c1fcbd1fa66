"""What a long document costs: work on earlier sections is done once, not again for each section. Nothing is timed."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.agentwrite import plan_view, prompt_leak
from lwtui.agentwrite.earlier_index import EarlierIndex
from lwtui.agentwrite.filters import FilterChain
from lwtui.agentwrite.length import section_target
from lwtui.agentwrite.plan_view import Detail, neighbors, view_plan
from lwtui.agentwrite.prompt_leak import PromptLeakFilter
from lwtui.agentwrite.repetition import EarlierSentences, RepetitionFilter
from lwtui.agentwrite.similar_paragraphs import EarlierParagraphs, SimilarParagraphFilter
from lwtui.documents import outline
from lwtui.documents.facts import Fact
from lwtui.documents.model import Brief, Section, Status
from lwtui.documents.store import Document
from lwtui.text import count_words
from tests.support.author import Author, sentence
from tests.support.feeding import feed
from tests.support.studio import open_studio, plan_of, texts

SECTIONS = 12
BRIEF = Brief("Write about things", SECTIONS * 60, seed=4)


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the texts of earlier sections that each filter learns."""
    counts: Counter[str] = Counter()
    for kind in (EarlierSentences, EarlierParagraphs):

        def counting(self: object, text: str, name: str = kind.__name__, learn: object = kind._learn) -> None:
            counts[name] += 1
            learn(self, text)  # type: ignore[operator]

        monkeypatch.setattr(kind, "_learn", counting)
    return counts


async def test_the_filters_learn_each_section_once(learned: Counter[str]) -> None:
    async with open_studio(Author()) as studio:
        draft, _events = await studio.write(BRIEF, plan_of(*[60] * SECTIONS))
    assert all(texts(draft))
    assert learned == {"EarlierSentences": SECTIONS - 1, "EarlierParagraphs": SECTIONS - 1}


async def test_a_draft_counts_a_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    def counting(text: str) -> int:
        counted.append(text)
        return count_words(text)

    monkeypatch.setattr(sys.modules["lwtui.agentwrite.write"], "count_words", counting)
    async with open_studio(Author()) as studio:
        draft, _events = await studio.write(BRIEF, plan_of(*[60] * SECTIONS))
    finished = [text for text in counted if text in texts(draft)]
    assert sorted(finished) == sorted(texts(draft))
    assert [section.length for section in draft.sections()] == list(map(count_words, texts(draft)))


def prose(number: int) -> str:
    return "\n\n".join(
        " ".join(sentence(number, at).strip() for at in range(start, start + 3)) for start in range(0, 9, 3)
    )


ITEMS = "- two spoons of good olive oil\n- one small onion, cut into rings\n- half a loaf of stale bread"
NEW = [
    prose(9),
    prose(1),
    f"{prose(9)}\n\n{prose(2)}",
    prose(3).split("\n\n")[1],
    ITEMS,
    f"{prose(8)}\n\n{ITEMS}",
    prose(2).replace("the", "a"),
    "```\nimport numpy as np\nimport pandas as pd\n```\n\n" + prose(7),
]
ORDERS = [
    [[], ["a"], ["a", "b"], ["a", "b", "c"]],
    [["a", "b", "c"], ["a", "b"], ["a"], []],
    [["a", "b"], ["b", "a", "c"], ["c", "b"]],
    [["a", "a"], ["a"], ["a", "b", "b"]],
    [["a"], ["b"], ["c"]],
]


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_kept_changes_no_verdict(order: list[list[str]]) -> None:
    """Sections are added, removed, changed and told in another order."""
    known = {"a": f"{prose(1)}\n\n{ITEMS}", "b": prose(2), "c": f"## Heading\n\n{prose(3)}"}
    index = EarlierIndex()
    for names in order:
        earlier = [known[name] for name in names]
        for text in NEW:
            kept = FilterChain(
                [RepetitionFilter(earlier, index.sentences), SimilarParagraphFilter(earlier, (), index.paragraphs)]
            )
            fresh = FilterChain([RepetitionFilter(earlier), SimilarParagraphFilter(earlier)])
            assert feed(kept, text, 7, ended=True) == feed(fresh, text, 7, ended=True)


def test_verdicts_depend_on_the_earlier_sections() -> None:
    """Guards the test above: its texts are repetitions of some of the earlier sections, and of no others."""
    verdicts = set()
    for earlier in ([], [prose(1)], [prose(2)], [prose(3)]):
        chains = [FilterChain([RepetitionFilter(earlier), SimilarParagraphFilter(earlier)]) for _text in NEW]
        verdicts.add(tuple(feed(chain, text, 7, ended=True) is None for chain, text in zip(chains, NEW, strict=True)))
    assert len(verdicts) == 4


def test_a_prompt_is_split_into_sentences_only_where_it_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    split: list[str] = []
    sentence_ends = prompt_leak.sentence_ends

    def counting(text: str) -> list[int]:
        split.append(text)
        return sentence_ends(text)

    monkeypatch.setattr(prompt_leak, "sentence_ends", counting)
    lines = [f"Line {at} of a prompt that is read for the first time. It has two sentences.\n" for at in range(50)]
    leak = PromptLeakFilter("Title", ())
    leak.set_prompt("".join(lines), lines[:30])
    assert sorted(split) == sorted(lines[30:])
    leak.set_prompt("".join(lines) + "One more line, which is new.\n", lines[:20])
    assert sorted(split[20:]) == sorted([*lines[20:30], "One more line, which is new.\n"])
    split.clear()
    leak.set_prompt("".join(lines), lines)
    assert not split


def test_targets_are_found_without_comparing_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    sections = [
        Section(f"s{at}", f"Title {at}", "", 100, Status.DONE if at < 20 else Status.EMPTY, "", 110 if at < 20 else 0)
        for at in range(40)
    ]
    compared = 0

    def counting(_self: Section, _other: object) -> bool:
        nonlocal compared
        compared += 1
        return False

    monkeypatch.setattr(Section, "__eq__", counting)
    assert section_target(sections, "s20") == 90
    assert compared == 0


def test_a_plan_is_laid_out_once_for_all_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    build = plan_view._Outline.__init__

    def counting(self: plan_view._Outline, plan: object) -> None:
        made.append(plan)
        build(self, plan)  # type: ignore[arg-type]

    monkeypatch.setattr(plan_view._Outline, "__init__", counting)
    plan = plan_of(*[60] * 30)
    shown = {view_plan(plan, number, detail) for number in range(1, 31) for detail in Detail}
    assert len(shown) == 2 + 30  # without parts, the headings in the section's own part are all headings
    assert neighbors(plan, 8, Detail.HEADINGS) != neighbors(plan, 7, Detail.HEADINGS)
    assert len(made) == 1


def test_equal_plans_that_are_not_the_same_are_told_apart() -> None:
    """A cache that goes by identity must hold on to its plans, so that no other takes the place of one."""
    for count in range(1, 60):
        assert outline.section_numbers(plan_of(*[60] * count))[-1] == count
        assert view_plan(plan_of(*[60] * count), 1, Detail.FULL).count("\n") == count - 1


def test_the_caller_may_change_the_numbers() -> None:
    plan = plan_of(60, 60)
    outline.section_numbers(plan).append(99)
    outline.parents(plan).clear()
    assert outline.section_numbers(plan) == [1, 2] and outline.parents(plan) == [None, None]


def test_a_document_keeps_its_plan_until_it_changes(tmp_path: Path) -> None:
    plan = plan_of(60, 60, 60)
    with Document.create(tmp_path / "a.lw", BRIEF, plan) as document:
        first = document.plan
        document.edit("s1", "A text.")
        assert document.plan is first == plan
        for changed in (
            replace(plan, title="Another"),
            replace(plan, sections=plan.sections[:2]),
            replace(plan, sections=plan.sections[::-1]),
            *(
                replace(plan, sections=(replace(plan.sections[0], **change), *plan.sections[1:]))
                for change in ({"title": "New"}, {"main_point": "new"}, {"words": 61})
            ),
        ):
            document.set_plan(changed, "Change")
            assert document.plan == changed
            assert document.plan is document.plan
            document.undo_plan()
            assert document.plan == plan


def test_facts_are_added_without_reading_those_before(tmp_path: Path) -> None:
    with Document.create(tmp_path / "a.lw", BRIEF, plan_of(*[60] * 20)) as document:
        statements: list[str] = []
        with document._file.reading() as db:
            db.set_trace_callback(statements.append)
        for number in range(1, 21):
            facts = [Fact("thing", f"Thing {number}", f"It is {at}.", "", f"s{number}") for at in range(5)]
            document.fact_book.renew(f"s{number}", "digest", facts)
        db.set_trace_callback(None)
        assert sum("max(position)" in statement for statement in statements) == 1
        kept = document.facts
    with Document.open(tmp_path / "a.lw") as document:
        assert document.facts == kept and len(kept) == 100
        document.fact_book.put(Fact("thing", "Last", "It is the last.", "", "s1"))
        last = document.facts[-1]
    with Document.open(tmp_path / "a.lw") as document:
        assert document.facts[-1] == last
