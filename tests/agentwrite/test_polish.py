"""Polishing: a rewritten section replaces the old one only if it wins a comparison in both orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite import Draft, recording
from lwtui.agentwrite.criteria import CRITERIA, make_criteria, parse_criteria
from lwtui.agentwrite.events import (
    CriteriaMade,
    Event,
    PolishFinished,
    Polishing,
    PolishOutcome,
    PolishStarted,
    PolishStep,
    Retrying,
    SectionPolished,
    SectionReviewed,
    to_dict,
)
from lwtui.agentwrite.json_answers import quote_rule
from lwtui.agentwrite.judge_check import UnableJudge
from lwtui.agentwrite.lint import lint, parts_of
from lwtui.agentwrite.pairwise import is_better, read_verdict
from lwtui.agentwrite.polish import PolishTeam, polish_document, sections_to_polish, target_of
from lwtui.agentwrite.polish_forecast import PolishModels, polish_forecast
from lwtui.agentwrite.polish_progress import POLISH, PolishProgress, stored_criteria, stored_progress
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.section_review import coverage_points, finding_points, points_list, read_review
from lwtui.agentwrite.throughput import Rates
from lwtui.config import ModelSettings, Role
from lwtui.documents.model import Brief, Mode, Origin, Section, Status
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.models.budget import Budget, BudgetReached
from lwtui.models.metering import UsageTracker
from lwtui.models.reasoning_settings import likely_reasoning
from tests.support.author import sentence
from tests.support.editor import CRITERIA_ANSWER, Editor, new_text, newer, old_text, older, second_one
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Small, Studio, of_kind, open_studio, plan_of

BRIEF = Brief("Write a guide", 240, seed=5)


def draft_of(*numbers: int) -> Draft:
    texts = {f"s{number}": old_text(number) for number in numbers}
    return Draft(plan_of(*[60] * len(numbers)), texts, set(texts))


async def polished(studio: Studio, draft: Draft, brief: Brief = BRIEF, **options: Any) -> tuple[list[Event], RunState]:
    events: list[Event] = []
    state = RunState(draft.sections())

    async def emit(event: Event) -> None:
        events.append(event)
        state.apply(event)
        draft.apply(event)
        json.dumps(to_dict(event))

    team = PolishTeam(studio.agent, studio.agent, studio.agent)
    await polish_document(team, brief, draft, emit, **options)
    return events, state


def outcomes(events: list[Event]) -> list[PolishOutcome]:
    return [event.outcome for event in of_kind(SectionPolished, events)]


async def test_a_text_that_wins_in_both_orders_replaces_the_old_one() -> None:
    draft, tracker = draft_of(1, 2), UsageTracker()
    async with open_studio(Editor(newer)) as studio:
        events, state = await polished(studio, draft, tracker=tracker)
        asked, prompts = studio.author.asked, studio.prompts
    assert asked == ["criteria", *["review", "rewrite", "compare", "compare"] * 2]
    assert [section.text for section in draft.sections()] == [new_text(1), new_text(2)]
    assert outcomes(events) == [PolishOutcome.BETTER] * 2
    (made,) = of_kind(CriteriaMade, events)
    assert made.criteria == tuple(CRITERIA_ANSWER["criteria"])
    assert all(f"- {criterion}" in prompt for criterion in made.criteria for prompt in prompts[1:2] + prompts[3:5])
    first, second = of_kind(SectionReviewed, events)
    assert first.dropped == second.dropped == 1 and len(first.points) == 2
    point = first.points[0]
    assert old_text(1)[point.start : point.end] in point.quote and point.problem == "This is vague."
    assert f"“{point.quote}”: This is vague. Name a number." in prompts[2] and "Made up" not in prompts[2]
    assert old_text(1) in prompts[2] and new_text(1) in prompts[6]  # the second sees the first as it is now
    assert [event.step for event in of_kind(Polishing, events)][:1] == [PolishStep.REVIEW]
    finished = of_kind(PolishFinished, events)
    assert events[-1:] == finished and (finished[0].sections, finished[0].improved) == (2, 2)
    assert finished[0].usage == tracker.usage and tracker.usage.completion > 0
    assert state.length == sum(section.length for section in draft.sections())
    assert state.polishing is None and state.polish_finished is finished[0]


def longer(first: str, second: str) -> int:
    return 1 if len(first) > len(second) else 2


@pytest.mark.parametrize("likes", [lambda first, second: 1, lambda first, second: 2, lambda first, second: 0])
async def test_a_local_judge_that_names_a_place_and_no_text_is_told_before_anything_is_rewritten(likes: Any) -> None:
    draft = draft_of(1, 2)
    async with open_studio(Editor(likes)) as studio:
        studio.agent.model = Small(studio.agent.model)
        with pytest.raises(UnableJudge, match=r"cannot judge: .* Choose a larger model as the judge"):
            await polished(studio, draft)
        assert set(studio.author.asked) == {"compare"} and len(studio.author.asked) <= 4
    assert [section.text for section in draft.sections()] == [old_text(1), old_text(2)]


async def test_a_local_judge_that_prefers_the_whole_section_is_checked_once() -> None:
    async with open_studio(Editor(longer)) as studio:
        studio.agent.model = Small(studio.agent.model)
        for checked in (["compare"] * 2, []):
            studio.author.asked.clear()
            await polished(studio, draft_of(1), criteria=("Dry.",))
            asked = studio.author.asked
            assert asked[: len(checked)] == checked and asked[len(checked) :][:2] == ["review", "rewrite"]


async def test_a_local_judge_is_not_checked_on_a_text_of_few_sentences() -> None:
    draft = Draft(plan_of(60), {"s1": "Soil is alive. Water it."}, {"s1"})
    async with open_studio(Editor(lambda first, second: 1, points=lambda text: [])) as studio:
        studio.agent.model = Small(studio.agent.model)
        await polished(studio, draft, criteria=("Dry.",))
        assert studio.author.asked == ["review"]


@pytest.mark.parametrize(("likes", "verdicts"), [(older, 1), (second_one, 2), (lambda first, second: 0, 1)])
async def test_a_text_that_does_not_win_twice_changes_nothing(likes: Any, verdicts: int) -> None:
    draft = draft_of(1)
    async with open_studio(Editor(likes)) as studio:
        events, _ = await polished(studio, draft, criteria=("The tone is dry.",), passes=3)
        assert studio.author.asked == ["review", "rewrite", *["compare"] * verdicts]  # and no second pass
    assert outcomes(events) == [PolishOutcome.NOT_BETTER]
    assert draft.sections()[0].text == old_text(1)
    assert of_kind(SectionPolished, events)[0].text == new_text(1)


async def test_a_sound_section_is_not_rewritten() -> None:
    draft = draft_of(1)
    async with open_studio(Editor(newer, points=lambda text: [])) as studio:
        events, _ = await polished(studio, draft, criteria=("Dry.",))
        assert studio.author.asked == ["review"]
    assert outcomes(events) == [PolishOutcome.SOUND] and draft.sections()[0].text == old_text(1)


@pytest.mark.parametrize(
    "rewritten",
    [lambda number: old_text(number), lambda number: sentence(number + 40, 0).strip()],
    ids=["the same text", "one sentence"],
)
async def test_a_rewritten_text_that_is_no_candidate_is_not_compared(rewritten: Callable[[int], str]) -> None:
    draft = draft_of(1)
    async with open_studio(Editor(newer, rewrites=rewritten)) as studio:
        events, _ = await polished(studio, draft, criteria=("Dry.",))
        assert "compare" not in studio.author.asked
    assert outcomes(events) == [PolishOutcome.UNFIT] and draft.sections()[0].text == old_text(1)


async def test_a_model_that_copies_writes_again_without_seeing_the_old_text() -> None:
    draft = draft_of(1)
    editor = Editor(newer, rewrites=old_text, afresh=new_text)
    async with open_studio(editor) as studio:
        events, _ = await polished(studio, draft, criteria=("Dry.",))
        prompts = [prompt for prompt in studio.prompts if "An editor has read" in prompt]
    assert editor.asked == ["review", "rewrite", "rewrite", "compare", "compare"]
    assert [old_text(1) in prompt for prompt in prompts] == [True, False]
    assert all("This is vague. Name a number." in prompt for prompt in prompts)
    assert outcomes(events) == [PolishOutcome.BETTER] and draft.sections()[0].text == new_text(1)


async def test_the_next_pass_takes_the_sections_that_were_improved() -> None:
    def likes(first: str, second: str) -> int:
        return newer(first, second) if new_text(2) in (first, second) else older(first, second)

    draft = draft_of(1, 2, 3)
    async with open_studio(Editor(likes)) as studio:
        events, _ = await polished(studio, draft, criteria=("Dry.",), passes=2)
    passes = of_kind(PolishStarted, events)
    assert [(one.number, one.passes, one.section_ids) for one in passes] == [
        (1, 2, ("s1", "s2", "s3")),
        (2, 2, ("s2",)),
    ]
    assert outcomes(events)[3:] == [PolishOutcome.UNFIT]  # the same text again
    assert of_kind(PolishFinished, events)[0].improved == 1


async def test_roles_can_be_other_models_and_a_base_model_says_so() -> None:
    draft = draft_of(1)
    async with (
        open_studio(Editor(newer)) as writer,
        open_studio(Editor(newer)) as critic,
        open_studio(Editor(newer)) as judge,
    ):
        team = PolishTeam(writer.agent, critic.agent, judge.agent)
        await polish_document(team, BRIEF, draft, draft.keep)
        asked = [studio.author.asked for studio in (writer, critic, judge)]
    assert asked == [["rewrite"], ["criteria", "review"], ["compare", "compare"]]
    async with open_studio(Editor(newer), profile="base") as base:
        with pytest.raises(LwtuiError, match="base model"):
            await polished(base, draft_of(1))


async def test_calls_are_retried_and_a_context_that_is_too_small_skips_the_section() -> None:
    draft = draft_of(1)
    async with open_studio(Editor(newer), [Fault.http(500), None, Fault.http(503)]) as studio:
        events, _ = await polished(studio, draft)
    assert len(of_kind(Retrying, events)) == 2 and outcomes(events) == [PolishOutcome.BETTER]
    long = Draft(plan_of(3000), {"s1": " ".join(sentence(1, index) for index in range(300))}, {"s1"})
    async with open_studio(Editor(newer), context_length=2048) as studio:
        events, _ = await polished(studio, long, criteria=("Dry.",))
    assert outcomes(events) == [PolishOutcome.TOO_LONG]


async def test_the_budget_ends_polishing_and_keeps_what_was_improved() -> None:
    draft = draft_of(1, 2)
    async with open_studio(Editor(newer)) as studio:
        await polished(studio, draft_of(1), tracker=(tracker := UsageTracker()))
        spent = tracker.usage.total
        with pytest.raises(BudgetReached) as caught:
            await polished(studio, draft, tracker=UsageTracker(lambda: Budget(tokens=spent + 500)))
    assert "polishing" in str(caught.value)
    assert [section.text for section in draft.sections()] == [new_text(1), old_text(2)]


async def test_texts_of_all_modes_and_origins_are_chosen_rightly() -> None:
    draft = draft_of(1, 2)
    draft.done.discard("s2")
    assert sections_to_polish(draft) == ["s1"]
    short = replace(SECTION, status=Status.SHORT)
    assert short.is_finished and not replace(short, text=" ").is_finished
    assert not replace(short, status=Status.PARTIAL).is_finished
    for mode in Mode:
        async with open_studio(Editor(newer)) as studio:
            events, _ = await polished(studio, draft_of(1), Brief("Write", 80, mode=mode), criteria=("Dry.",))
        assert outcomes(events) == [PolishOutcome.BETTER]
    planned = Section("a", "A", "", 400, Status.DONE, "Text.", 100, Origin.MODEL)
    assert target_of(planned) == 400
    assert target_of(Section("a", "A", "", 400, Status.DONE, "Text.", 100, Origin.USER)) == 100


# -- in a stored document


def document_at(folder: Path, *numbers: int) -> Document:
    document = Document.create(folder / "guide.lw", BRIEF, plan_of(*[60] * len(numbers)))
    for number in numbers:
        document.edit(f"s{number}", old_text(number), Origin.MODEL)
    return document


async def polish_stored(
    studio: Studio,
    document: Document,
    stop_after: int = 0,
    then: Callable[[Event], None] = lambda event: None,
    **options: Any,
) -> list[Event]:
    events: list[Event] = []
    tracker = UsageTracker(record=document.add_usage)
    async with recording(document, tracker) as recorder:

        async def emit(event: Event) -> None:
            recorder.store(event)
            events.append(event)
            then(event)
            if stop_after and len(of_kind(SectionPolished, events)) == stop_after:
                raise InterruptedError

        team = PolishTeam(studio.agent, studio.agent, studio.agent)
        options = {"criteria": stored_criteria(document), "progress": stored_progress(document)} | options
        try:
            await polish_document(team, BRIEF, recorder, emit, tracker=tracker, **options)
        except InterruptedError:
            assert stop_after
    return events


async def test_the_winner_is_the_text_and_the_other_a_version(tmp_path: Path) -> None:
    def likes(first: str, second: str) -> int:
        return newer(first, second) if new_text(2) in (first, second) else older(first, second)

    with document_at(tmp_path, 1, 2) as document:
        async with open_studio(Editor(likes)) as studio:
            await polish_stored(studio, document)
        assert [section.text for section in document.sections()] == [old_text(1), new_text(2)]
        assert [(one.text, one.is_alternative) for one in document.revisions("s1")] == [
            (new_text(1), True),
            (old_text(1), False),
        ]
        assert [one.text for one in document.revisions("s2")] == [new_text(2), old_text(2)]
        provenance = document.revisions("s2")[0].provenance
        assert provenance is not None and provenance.task == "polish" and provenance.basis is not None
        assert document.usage.completion > 0 and document.setting(POLISH) == ""
        assert stored_criteria(document) == tuple(CRITERIA_ANSWER["criteria"])


async def test_an_interrupted_run_is_resumed_where_it_stopped(tmp_path: Path) -> None:
    with document_at(tmp_path, 1, 2, 3) as document:
        async with open_studio(Editor(newer)) as studio:
            await polish_stored(studio, document, stop_after=1, passes=2)
    with Document.open(tmp_path / "guide.lw") as document:
        assert stored_progress(document) == PolishProgress(2, 1, ("s2", "s3"), ("s1",))
        async with open_studio(Editor(newer)) as studio:
            # One section on its own does not disturb the run that is to be resumed.
            await polish_stored(studio, document, only={"s3"}, progress=None)
            assert stored_progress(document) == PolishProgress(2, 1, ("s2",), ("s1", "s3"))
            events = await polish_stored(studio, document)
        assert "criteria" not in studio.author.asked
        assert [one.section_ids for one in of_kind(PolishStarted, events)] == [("s2",), ("s1", "s3", "s2")]
        assert stored_progress(document) is None


async def test_a_section_that_changed_meanwhile_keeps_its_text(tmp_path: Path) -> None:
    with document_at(tmp_path, 1) as document:

        def edit(event: Event) -> None:
            if isinstance(event, Polishing) and event.step is PolishStep.COMPARE:
                document.edit("s1", "Something else by hand.")

        async with open_studio(Editor(newer)) as studio:
            await polish_stored(studio, document, criteria=("Dry.",), then=edit)
        assert document.section("s1").text == "Something else by hand."
        assert new_text(1) in [one.text for one in document.revisions("s1")]
        assert sections_to_polish(document) == []  # edited by hand
        assert sections_to_polish(document, edited=True) == sections_to_polish(document, {"s1"}) == ["s1"]


# -- answers of all shapes


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ('{"why": "x", "better": 2}', 2),
        ('Sure:\n```json\n{"better": "1", "why": "x"}\n```', 1),
        ('{"why": "x", "better": 0}', 0),
        ('{"why": "x", "better": "Version 2"}', 2),
        ('{"why": "x", "better": "version_1"}', 1),
        ('{"why": "x", "better": "neither"}', 0),
        ('{"why": "x", "better": "version 3"}', 0),
        ('{"why": "x", "better": 12}', 0),
        ('{"why": {"better": 1}}', 0),
        ("Version 2 is better.", 0),
        ('{"why": "cut off', 0),
        ("", 0),
    ],
)
def test_only_a_clear_verdict_counts(answer: str, verdict: int) -> None:
    assert read_verdict(answer) == verdict


SAID = "The roots of a tomato grow as deep as its stem grows high, so that a small pot dries out on hot afternoons."
SECTION = Section("s1", "Soil", "clay, drainage holes", 80, Status.DONE, "Clay is heavy. 陶土很重，也很便宜。", 9)


@pytest.mark.parametrize(
    ("answer", "quotes", "dropped"),
    [
        ('{"points": [{"quote": "clay is HEAVY", "problem": "vague"}]}', ["Clay is heavy"], 0),
        ('{"points": [{"quote": "“陶土很重，也很便宜。”", "problem": "含糊"}]}', ["陶土很重，也很便宜"], 0),
        ('[{"quote": "Clay is heavy", "problem": "vague"}, {"quote": "x"}]', ["Clay is heavy"], 1),
        ('{"points": [{"quote": "Clay is heavy", "problem": "vague"}, {"quote": "Cl', ["Clay is heavy"], 0),
        ('{"points": [{"quote": "Clay is heavy", "problem": " "}]}', [], 1),
        ('{"points": [{"quote": "Clay is light", "problem": "wrong"}, 7, null]}', [], 1),
        ('{"points": "none"}', [], 0),
        ("It is fine.", [], 0),
    ],
)
def test_points_count_only_with_their_quotes(answer: str, quotes: list[str], dropped: int) -> None:
    review = read_review(answer, SECTION)
    assert [SECTION.text[point.start : point.end].rstrip("。") for point in review.points] == quotes
    assert review.dropped == dropped


def test_what_a_section_repeats_or_leaves_out_is_found_without_a_model() -> None:
    again = replace(SECTION, id="s2", title="Clay", text=f"{SAID}\n\n{SECTION.text}")
    sections = [replace(SECTION, text=SAID), again]
    findings = lint(parts_of(sections))
    assert finding_points(sections[0], findings) == ()
    assert SAID.startswith(finding_points(again, findings)[0].quote.rstrip("…"))
    (point,) = coverage_points(SECTION)
    assert "drainage holes" in point.problem and point.quote == ""
    assert points_list([point]) == f"- {point.problem}"


class Whispering(NullTranslations):
    """A language in which all texts stand in brackets."""

    def gettext(self, message: str) -> str:
        return f"({message})"


async def test_a_pass_checks_the_text_once_and_tells_the_model_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []

    def counted(parts: Any, **options: Any) -> Any:
        checked.append(len(parts))
        return lint(parts, **options)

    monkeypatch.setattr("lwtui.agentwrite.polish.lint", counted)
    monkeypatch.setattr("lwtui.translation._language", lambda: "zz")
    monkeypatch.setattr("lwtui.translation._catalogue", Whispering)
    repeated = f"{old_text(1)} {sentence(7, 7)}"
    draft = Draft(plan_of(60, 60), {"s1": old_text(1), "s2": repeated}, {"s1", "s2"})
    async with open_studio(Editor(newer)) as studio:
        events, _ = await polished(studio, draft, criteria=("The tone is dry.",))
        prompts = studio.prompts
    assert checked == [2]
    problems = [point.problem for event in of_kind(SectionReviewed, events) for point in event.points]
    assert any(problem.startswith("(This paragraph restates another one") for problem in problems)
    rewrites = [prompt for prompt in prompts if "This paragraph restates another one" in prompt]
    assert rewrites and not any("(This paragraph restates" in prompt for prompt in rewrites)


def test_a_local_model_can_quote_only_sentences_of_the_section() -> None:
    rule = quote_rule('He said "no" and left. Short. 陶土很重，也很便宜，而且到处都能买到。 A back\\slash is here.')
    assert rule.startswith('quote ::= "\\"He said \\\\\\"no\\\\\\" and left.\\"" | ')
    assert "Short." not in rule and "陶土很重" in rule and "back\\\\\\\\slash" in rule
    assert quote_rule("") == quote_rule("No. A. B.") == quote_rule(" ".join(sentence(1, at) for at in range(200)))


@pytest.mark.parametrize(
    ("text", "criteria"),
    [
        ("- Dry.\n* Short.\n\n  3. Exact.\n", ("Dry.", "Short.", "Exact.")),
        ("1、语气平实。\n• 有数字。", ("语气平实。", "有数字。")),
        ("Dry.\nDry.\n\x1b[2J", ("Dry.",)),
        (" \n-\n", ()),
    ],
)
def test_criteria_are_one_a_line(text: str, criteria: tuple[str, ...]) -> None:
    assert parse_criteria(text) == criteria


@pytest.mark.parametrize("answer", ["I cannot.", '{"criteria": []}', '{"criteria": [1, {}]}', '{"criteria": "x"}'])
async def test_without_usable_criteria_there_are_general_ones(answer: str) -> None:
    async with open_studio(lambda body: Answer([answer])) as studio:
        criteria = await make_criteria(studio.agent, BRIEF)
    assert len(criteria) == 5 and all(criterion.endswith(".") for criterion in criteria)


async def test_a_judge_sees_both_orders() -> None:
    async with open_studio(Editor(newer)) as studio:
        section = draft_of(1).sections()[0]
        assert await is_better(studio.agent, BRIEF, plan_of(80), section, new_text(1), ("Dry.",))
        first, second = studio.prompts
    assert first.index(old_text(1)) < first.index(new_text(1)) and second.index(new_text(1)) < second.index(old_text(1))


@pytest.mark.parametrize(
    "stored",
    ["", "x", "[]", "{}", '{"passes": 99, "number": 1, "left": null, "improved": []}', "[" * 9999,
     '{"passes": true, "number": 1, "left": null, "improved": []}',
     '{"passes": 1, "number": 1, "left": [1], "improved": []}'],
)  # fmt: skip
def test_a_stored_progress_that_lwtui_did_not_write_counts_as_none(stored: str) -> None:
    assert PolishProgress.from_json(stored) is None
    progress = PolishProgress(3, 2, ("a",), ("b",))
    assert PolishProgress.from_json(progress.to_json()) == progress


def test_the_forecast_prices_each_role_and_grows_with_passes() -> None:
    cheap = ModelSettings("cheap", price_input=1.0, price_output=1.0)
    dear = ModelSettings("dear", price_input=10.0, price_output=10.0)
    sections = draft_of(1, 2).sections()
    ids = [section.id for section in sections]

    def expected(critic: ModelSettings, passes: int = 1, only: list[str] = ids) -> Any:
        models = PolishModels(cheap, critic, critic)
        return polish_forecast(BRIEF, sections, only, models, passes, lambda model: Rates(writing=10.0, reading=100.0))

    one = expected(cheap)
    assert one.words == 120 and set(one.each) == {"s1", "s2"} and one.seconds > 0
    assert expected(dear).cost > one.cost > 0 and expected(dear).prompt == one.prompt
    assert expected(cheap, 3).completion > expected(cheap, 2).completion > one.completion
    assert expected(cheap, only=["s2"]).completion < one.completion
    assert expected(ModelSettings("unpriced")).cost is None
    thinks = ModelSettings("thinks", roles={"critic": {"reasoning_effort": "high"}})
    more = expected(thinks).completion - one.completion  # criteria, two reviews, and three verdicts that are likely
    assert more == (1 + 2 + 3) * likely_reasoning(thinks, Role.CRITIC)


def test_a_document_setting_holds_the_criteria(tmp_path: Path) -> None:
    with document_at(tmp_path, 1) as document:
        document.set_setting(CRITERIA, "- Dry.\n- Short.")
        assert stored_criteria(document) == ("Dry.", "Short.")


async def test_a_rewritten_text_that_leaves_out_a_point_is_not_compared() -> None:
    plan = plan_of(60)
    plan = plan.with_section(replace(plan.sections[0], main_point="Xijefo jegufo; Vamuyo hazuso"))
    async with open_studio(Editor(newer)) as studio:
        events, _ = await polished(studio, Draft(plan, {"s1": old_text(1)}, {"s1"}), criteria=("Dry.",))
        assert "compare" not in studio.author.asked
    assert outcomes(events) == [PolishOutcome.UNFIT]
