"""The review of a plan in the plan screen: a key, what it found in the log, and one step to undo."""

from __future__ import annotations

from lwtui.agentwrite.plan_review_progress import PLAN_REVIEW, PlanReviewProgress
from lwtui.app.screens.log import LogScreen
from lwtui.app.screens.plan import PlanScreen
from tests.app.person import someone
from tests.app.place import Place
from tests.support.fault_server import FaultServer
from tests.support.plan_editor import REVISED, PlanEditor


async def test_a_key_has_the_plan_reviewed_and_undo_brings_the_old_one_back(place: Place) -> None:
    async with FaultServer(editor := PlanEditor()) as server:
        place.serve(server)
        async with someone(place.make(300, 300, 300), size=(80, 24)) as person:
            await person.at(PlanScreen)
            before = person.document.plan
            await person.press("v")
            await person.sees(REVISED, "The revised plan is better")
            assert editor.asked == ["review", "revise", "compare", "compare"]
            await person.press("l")
            await person.at(LogScreen)
            await person.sees("Frost is missing.")
            await person.press("escape")
            await person.at(PlanScreen)
            await person.press("u")
            await person.sees("Review the plan")
            assert person.document.plan == before


async def test_a_review_that_does_not_win_changes_nothing_and_an_interrupted_one_goes_on(place: Place) -> None:
    async with FaultServer(PlanEditor(lambda first, second: 1)) as server:
        place.serve(server)
        async with someone(place.make(300, 300), size=(80, 24)) as person:
            await person.at(PlanScreen)
            before = person.document.plan
            person.document.set_setting(PLAN_REVIEW, PlanReviewProgress().to_json())
            await person.press("v")
            await person.sees("did not win")
            assert person.document.plan == before and person.document.setting(PLAN_REVIEW) == ""


async def test_a_plan_with_text_or_without_sections_is_not_reviewed(place: Place) -> None:
    async with FaultServer(editor := PlanEditor()) as server:
        place.serve(server)
        async with someone(place.make(60, 60, texts={1: "It is written."}), size=(80, 24)) as person:
            await person.press("f2")
            await person.at(PlanScreen)
            await person.press("v")
            await person.gets_notice("has-text")
        async with someone(place.make(name="empty"), size=(80, 24)) as person:
            await person.at(PlanScreen)
            await person.press("v")
            await person.gets_notice("no-plan")
        assert not editor.asked
