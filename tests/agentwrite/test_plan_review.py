"""The review of a plan: the revised plan stands only if it wins a comparison in both orders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite.events import (
    Event,
    PlanRedrafted,
    PlanReviewed,
    PlanReviewFinished,
    PlanRevised,
    PolishOutcome,
    Retrying,
    to_dict,
)
from lwtui.agentwrite.plan_review import PlanTeam, part_of, parts_to_review, point_line, read_points, review_plan
from lwtui.agentwrite.plan_review_forecast import plan_review_forecast
from lwtui.agentwrite.plan_review_progress import (
    PLAN_REVIEW,
    PLAN_REVIEW_LABEL,
    PlanReviewProgress,
    plan_digest,
    store_plan_review,
    stored_plan_review,
)
from lwtui.agentwrite.polish_forecast import PolishModels
from lwtui.agentwrite.throughput import Rates
from lwtui.config import ModelSettings
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.models.budget import Budget, BudgetReached
from lwtui.models.metering import UsageTracker
from tests.support.fault_server import Fault
from tests.support.plan_editor import REVISED, PlanEditor
from tests.support.studio import Studio, of_kind, open_studio, plan_of

BRIEF = Brief("Write a guide", 900, seed=5)
PLAN = plan_of(300, 300, 300)
NESTED = Plan(
    "A Plan",
    (
        PlannedSection("Spring", "what to sow", 0, "p1"),
        PlannedSection("Soil", "how soil warms", 300, "s1", 2),
        PlannedSection("Seeds", "which seeds to buy", 300, "s2", 2),
        PlannedSection("Summer", "what to water", 0, "p2"),
        PlannedSection("Wells", "where water comes from", 300, "s3", 2),
        PlannedSection("Shade", "what to cover from the sun", 300, "s4", 2),
    ),
)


async def reviewed(studio: Studio, plan: Plan = PLAN, **options: Any) -> tuple[Plan, list[Event]]:
    events: list[Event] = []

    async def emit(event: Event) -> None:
        events.append(event)
        json.dumps(to_dict(event))

    team = PlanTeam(studio.agent, studio.agent, studio.agent)
    brief = replace(BRIEF, words=plan.words)
    return await review_plan(team, brief, plan, emit, **options), events


def titles(plan: Plan) -> list[str]:
    return [section.title for section in plan.sections]


def outcomes(events: list[Event]) -> list[PolishOutcome]:
    return [event.outcome for event in of_kind(PlanRevised, events)]


async def test_a_revised_plan_that_wins_in_both_orders_stands() -> None:
    tracker = UsageTracker()
    async with open_studio(PlanEditor()) as studio:
        plan, events = await reviewed(studio, tracker=tracker)
        prompts = studio.prompts
    assert studio.author.asked == ["review", "revise", "compare", "compare"]
    assert titles(plan) == [titles(PLAN)[0], REVISED, *titles(PLAN)[1:]] and plan.words == PLAN.words
    assert [section.id for section in plan.sections if section.title != REVISED] == ["s1", "s2", "s3"]
    assert plan.title == PLAN.title
    (found,) = of_kind(PlanReviewed, events)
    (point,) = found.points
    assert (point.kind, point.steps, point.section_ids, found.dropped) == ("gap", (1, 2), ("s1", "s2"), 1)
    assert point_line(point) == "Gap, steps 1 and 2: Frost is missing. Add it between them."
    assert f"- {point_line(point)}" in prompts[1] and "There is no such step" not in prompts[1]
    assert prompts[2].index(REVISED) > prompts[2].index("<version_2>") > prompts[3].index(REVISED)
    (finished,) = of_kind(PlanReviewFinished, events)
    assert events[-1] is finished and (finished.parts, finished.improved) == (1, 1)
    assert finished.usage == tracker.usage and tracker.usage.completion > 0


@pytest.mark.parametrize(
    ("likes", "verdicts"),
    [(lambda a, b: 2 if REVISED in a else 1, 1), (lambda a, b: 2, 2), (lambda a, b: 0, 1)],
    ids=["the old one", "the second one", "neither"],
)
async def test_a_revised_plan_that_does_not_win_twice_changes_nothing(likes: Any, verdicts: int) -> None:
    async with open_studio(PlanEditor(likes)) as studio:
        plan, events = await reviewed(studio)
    assert studio.author.asked == ["review", "revise", *["compare"] * verdicts]
    assert plan == PLAN and outcomes(events) == [PolishOutcome.NOT_BETTER]


@pytest.mark.parametrize(
    ("points", "revises", "asked", "outcome"),
    [
        ([], None, ["review"], PolishOutcome.SOUND),
        ([{"kind": "mood", "steps": [1], "problem": "Sad."}], None, ["review"], PolishOutcome.SOUND),
        (None, lambda lines: "\n".join(["Title: A Plan", *lines]), ["review", "revise"], PolishOutcome.UNFIT),
        (None, lambda lines: "I like it.", ["review", *["revise"] * 4], PolishOutcome.UNFIT),
    ],
    ids=["nothing found", "no usable point", "the same plan", "no plan"],
)
async def test_what_is_no_candidate_is_not_compared(points: Any, revises: Any, asked: list[str], outcome: Any) -> None:
    editor = PlanEditor(revises=revises) if points is None else PlanEditor(points=points)
    async with open_studio(editor) as studio:
        plan, events = await reviewed(studio)
    assert editor.asked == asked and plan == PLAN and outcomes(events) == [outcome]


async def test_each_part_of_a_nested_plan_is_reviewed_on_its_own() -> None:
    def likes(first: str, second: str) -> int:
        return 0 if "Wells" in first or "Spring" in first else 1 if REVISED in first else 2

    async with open_studio(PlanEditor(likes)) as studio:
        plan, events = await reviewed(studio, NESTED)
        prompts = studio.prompts
    assert titles(plan) == ["Spring", "Soil", REVISED, "Seeds", "Summer", "Wells", "Shade"]
    assert plan.words == NESTED.words and [section.level for section in plan.sections] == [1, 2, 2, 2, 1, 2, 2]
    assert outcomes(events) == [PolishOutcome.NOT_BETTER, PolishOutcome.BETTER, PolishOutcome.NOT_BETTER]
    assert "Paragraph 1 - Main Point: Spring" in prompts[0] and "are the chapters" in prompts[0]
    assert "Paragraph 1 - Main Point: Soil" in prompts[3] and "Paragraph 1 - Main Point: Wells" not in prompts[3]
    assert all("Summer" in prompt for prompt in prompts)


def chapters(*steps: tuple[str, str, int]) -> str:
    """Return an answer with these chapters: headings, main points and lengths."""
    lines = (
        f"Paragraph {number} - Main Point: {title}: {point} - Word Count: {words} words"
        for number, (title, point, words) in enumerate(steps, 1)
    )
    return "\n".join(["Title: Another title", *lines])


def revises_chapters(answer: str) -> Any:
    """Return an editor that gives this answer for the chapters, and for each part its plan as it is."""
    return lambda lines: answer if "Spring" in lines[0] else "\n".join(["Title: A Plan", *lines])


ONLY_CHAPTERS: Any = {"likes": lambda first, second: 1 if "in the heat" in first else 2}


async def test_chapters_change_their_order_and_their_lengths_and_keep_their_sections() -> None:
    answer = chapters(("Summer", "what to water in the heat", 900), ("Spring", "what to sow", 300))
    async with open_studio(PlanEditor(revises=revises_chapters(answer), **ONLY_CHAPTERS)) as studio:
        plan, events = await reviewed(studio, NESTED)
    assert outcomes(events) == [PolishOutcome.BETTER, PolishOutcome.UNFIT, PolishOutcome.UNFIT]
    assert [section.id for section in plan.sections] == ["p2", "s3", "s4", "p1", "s1", "s2"]
    assert [section.words for section in plan.sections] == [0, 450, 450, 0, 150, 150]
    assert plan.sections[0].main_point == "what to water in the heat"
    assert plan.sections[1].main_point == "where water comes from" and plan.title == NESTED.title


async def test_a_new_chapter_is_planned_and_one_that_is_dropped_is_not_reviewed() -> None:
    long = replace(NESTED, sections=tuple(replace(one, words=one.words * 10) for one in NESTED.sections))
    answer = chapters(("Summer", "what to water in the heat", 6000), ("Autumn", "what to harvest and to store", 6000))
    async with open_studio(PlanEditor(revises=revises_chapters(answer), **ONLY_CHAPTERS)) as studio:
        plan, events = await reviewed(studio, long)
    assert outcomes(events) == [PolishOutcome.BETTER, PolishOutcome.UNFIT]
    heads = [section for section in plan.sections if section.level == 1]
    assert [(head.title, head.words) for head in heads] == [("Summer", 0), ("Autumn", 0)]
    assert titles(plan)[:4] == ["Summer", "Wells", "Shade", "Autumn"] and len(plan.sections) > 5
    assert sum(section.words for section in plan.sections[4:]) == 6000


async def test_the_review_of_the_chapters_is_resumed(tmp_path: Path) -> None:
    answer = chapters(("Summer", "what to water in the heat", 900), ("Spring", "what to sow", 300))
    with document_at(tmp_path, NESTED) as document:
        for after, asked in (
            (PlanReviewed, ["review"]),
            (PlanRedrafted, ["revise"]),
            (PlanRevised, ["compare", "compare"]),
            (None, ["review", "revise", "review", "revise"]),
        ):
            async with open_studio(PlanEditor(revises=revises_chapters(answer), **ONLY_CHAPTERS)) as studio:
                await review_stored(studio, document, after)
                assert studio.author.asked == asked
        assert [section.id for section in document.plan.sections] == ["p2", "s3", "s4", "p1", "s1", "s2"]
        assert document.undo_plan() == PLAN_REVIEW_LABEL and document.plan == NESTED


def test_the_parts_of_a_plan() -> None:
    assert parts_to_review(PLAN) == [""] and parts_to_review(NESTED) == ["", "p1", "p2"]
    assert [(one.title, one.words) for one in part_of(NESTED, "").sections] == [("Spring", 600), ("Summer", 600)]
    assert parts_to_review(Plan("", ())) == []
    deeper = replace(NESTED.sections[1], level=2, words=0)
    mixed = Plan("", (NESTED.sections[0], deeper, replace(NESTED.sections[2], level=3)))
    assert parts_to_review(mixed) == ["s1"]
    assert titles(part_of(NESTED, "p2")) == ["Wells", "Shade"] and part_of(NESTED, "p2").words == 600


async def test_models_of_the_roles_and_a_base_model() -> None:
    async with (
        open_studio(PlanEditor()) as planner,
        open_studio(PlanEditor()) as critic,
        open_studio(PlanEditor()) as judge,
    ):

        async def emit(event: Event) -> None:
            pass

        await review_plan(PlanTeam(planner.agent, critic.agent, judge.agent), BRIEF, PLAN, emit)
        asked = [studio.author.asked for studio in (planner, critic, judge)]
    assert asked == [["revise"], ["review"], ["compare", "compare"]]
    async with open_studio(PlanEditor(), profile="base") as base:
        with pytest.raises(LwtuiError, match="base model"):
            await reviewed(base)


async def test_each_step_has_the_effort_of_its_role() -> None:
    efforts = {"plan": "high", "critic": "medium", "judge": "low"}
    tables = {role: {"reasoning_effort": effort} for role, effort in efforts.items()}
    async with open_studio(PlanEditor(), reasoning_effort="none", roles=tables) as studio:
        await reviewed(studio)
        assert [call.json["reasoning_effort"] for call in studio.server.calls] == ["medium", "high", "low", "low"]


async def test_calls_are_retried_and_a_plan_that_does_not_fit_stays() -> None:
    async with open_studio(PlanEditor(), [Fault.http(500), None, Fault.http(503)]) as studio:
        _, events = await reviewed(studio)
    assert len(of_kind(Retrying, events)) == 2 and outcomes(events) == [PolishOutcome.BETTER]
    long = plan_of(*[300] * 30)
    long = replace(long, sections=tuple(replace(one, main_point="so and so " * 40) for one in long.sections))
    async with open_studio(PlanEditor(), context_length=2048) as studio:
        plan, events = await reviewed(studio, long)
    assert outcomes(events) == [PolishOutcome.TOO_LONG] and plan == long


async def test_the_budget_ends_the_review_and_keeps_what_is_improved() -> None:
    async with open_studio(PlanEditor()) as studio:
        await reviewed(studio, NESTED, tracker=(tracker := UsageTracker()))
        half = tracker.usage.total * 3 // 4
        events: list[Event] = []

        async def emit(event: Event) -> None:
            events.append(event)

        team = PlanTeam(studio.agent, studio.agent, studio.agent)
        with pytest.raises(BudgetReached, match="review of the plan"):
            await review_plan(team, BRIEF, NESTED, emit, tracker=UsageTracker(lambda: Budget(tokens=half)))
    assert outcomes(events) == [PolishOutcome.BETTER, PolishOutcome.BETTER]
    expected = plan_review_forecast(BRIEF, NESTED, _models(), lambda model: Rates()).each
    async with open_studio(PlanEditor()) as studio:
        with pytest.raises(BudgetReached):
            await reviewed(studio, NESTED, tracker=UsageTracker(lambda: Budget(tokens=100)), expected=expected)
        assert studio.author.asked == []


def _models(**changes: Any) -> PolishModels:
    model = ModelSettings("m", price_input=1.0, price_output=1.0, **changes)
    return PolishModels(model, model, model)


def test_the_forecast_counts_every_part_and_the_reasoning() -> None:
    def expected(plan: Plan, models: PolishModels = _models(), left: Any = None) -> Any:  # noqa: B008
        return plan_review_forecast(BRIEF, plan, models, lambda model: Rates(writing=10.0, reading=100.0), left)

    one, two = expected(PLAN), expected(NESTED)
    assert set(one.each) == {""} and set(two.each) == {"", "p1", "p2"} and one.cost and one.seconds
    assert expected(NESTED, left=["p2"]).completion < two.completion and expected(NESTED, left=[]).calls == 0
    keen = expected(PLAN, _models(roles={"plan": {"reasoning_effort": "high"}}))
    assert keen.completion > one.completion + 3000


# -- in a stored document


async def review_stored(studio: Studio, document: Document, stop_after: type[Event] | None = None) -> list[Event]:
    events: list[Event] = []

    async def emit(event: Event) -> None:
        store_plan_review(document, event)
        events.append(event)
        if stop_after and isinstance(event, stop_after):
            raise InterruptedError

    team = PlanTeam(studio.agent, studio.agent, studio.agent)
    progress = stored_plan_review(document)
    try:
        await review_plan(team, document.brief, document.plan, emit, progress=progress)
    except InterruptedError:
        assert stop_after
    return events


def document_at(folder: Path, plan: Plan) -> Document:
    document = Document.create(folder / "guide.lw", replace(BRIEF, words=plan.words), plan)
    document.set_setting(PLAN_REVIEW, PlanReviewProgress().to_json())
    return document


async def test_undo_takes_back_the_whole_review(tmp_path: Path) -> None:
    with document_at(tmp_path, NESTED) as document:
        async with open_studio(PlanEditor()) as studio:
            await review_stored(studio, document)
        assert len(document.plan.sections) == 9 and document.setting(PLAN_REVIEW) == ""
        assert document.undo_plan() == PLAN_REVIEW_LABEL
        assert document.plan == NESTED


@pytest.mark.parametrize(
    ("after", "asked"),
    [(PlanReviewed, ["revise", "compare", "compare"]), (PlanRedrafted, ["compare", "compare"]), (PlanRevised, [])],
)
async def test_an_interrupted_review_is_resumed_where_it_stopped(tmp_path: Path, after: Any, asked: list[str]) -> None:
    with document_at(tmp_path, PLAN) as document:
        async with open_studio(PlanEditor()) as studio:
            await review_stored(studio, document, after)
    with Document.open(tmp_path / "guide.lw") as document:
        assert stored_plan_review(document) is not None
        async with open_studio(PlanEditor()) as studio:
            await review_stored(studio, document)
            assert studio.author.asked == asked
        assert REVISED in titles(document.plan) and stored_plan_review(document) is None


async def test_what_was_found_does_not_hold_for_another_plan(tmp_path: Path) -> None:
    with document_at(tmp_path, PLAN) as document:
        async with open_studio(PlanEditor()) as studio:
            await review_stored(studio, document, PlanRedrafted)
            document.set_plan(plan_of(400, 500), "By hand")
            await review_stored(studio, document)
            assert studio.author.asked == ["review", "revise", "review", "revise", "compare", "compare"]
        assert len(document.plan.sections) == 3


async def test_a_plan_that_changed_meanwhile_stays(tmp_path: Path) -> None:
    with document_at(tmp_path, PLAN) as document:
        store_plan_review(
            document, PlanRevised("", PolishOutcome.BETTER, plan_of(900), plan_digest(NESTED), _usage(), 1.0)
        )
        assert document.plan == PLAN


def _usage() -> Any:
    return UsageTracker().usage


@pytest.mark.parametrize(
    "stored",
    ["", "x", "[]", "{}", "null", "[" * 9999, '{"left": [1], "digest": "", "points": null, "revised": null}',
     '{"left": null, "digest": 1, "points": null, "revised": null, "improved": false}',
     '{"left": null, "digest": "", "points": [1], "revised": null, "improved": false}',
     '{"left": null, "digest": "", "points": [{"kind": "gap"}], "revised": null, "improved": false}',
     '{"left": null, "digest": "", "points": null, "revised": [], "improved": false}',
     '{"left": null, "digest": "", "points": null, "revised": ["t", ["a", "b", -1, "c", 1]], "improved": false}'],
)  # fmt: skip
def test_a_stored_progress_that_lwtui_did_not_write_counts_as_none(stored: str) -> None:
    assert PlanReviewProgress.from_json(stored) is None


def test_progress_survives_storing() -> None:
    points, _ = read_points(json.dumps({"points": [{"kind": "gap", "steps": [1], "problem": "P."}]}), PLAN)
    for progress in (PlanReviewProgress(), PlanReviewProgress(("a", ""), "d", points, NESTED, improved=True)):
        assert PlanReviewProgress.from_json(progress.to_json()) == progress


@pytest.mark.parametrize(
    ("answer", "steps", "dropped"),
    [
        ('Here:\n```json\n{"points": [{"kind": "Overlap", "steps": [1, 3, 1], "problem": "Both."}]}\n```', [(1, 3)], 0),
        ('[{"kind": "order", "steps": [2], "problem": "Late."}', [(2,)], 0),  # cut off, and only the list
        ('{"points": [{"kind": "balance", "steps": 2, "problem": "Long."}]}', [(2,)], 0),
        ('{"points": [{"kind": "gap", "steps": [], "problem": "Nowhere."}]}', [], 1),
        ('{"points": [{"kind": "gap", "steps": [0], "problem": "Before."}]}', [], 1),
        ('{"points": [{"kind": "gap", "steps": [true], "problem": "True."}]}', [], 1),
        ('{"points": [{"kind": "gap", "steps": ["1"], "problem": "Text."}, {"kind": "gap", "steps": [1]}]}', [], 1),
        ("The plan is fine.", [], 0),
    ],
)
def test_points_name_steps_of_the_plan(answer: str, steps: list[tuple[int, ...]], dropped: int) -> None:
    points, count = read_points(answer, PLAN)
    assert [point.steps for point in points] == steps and count >= dropped
