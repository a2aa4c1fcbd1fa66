"""The forecast of the rest, the budget, and models for other roles."""

from __future__ import annotations

from typing import Any

from lwtui.app.screens.dialogs import Choose
from lwtui.app.screens.forecast import ForecastScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import Role
from lwtui.documents.model import Status
from lwtui.text import duration
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.support.author import Author
from tests.support.fault_server import Answer, FaultServer


async def ignored(_: object) -> None:
    """Ignore an event of a review."""


async def budget(person: Person, given: str) -> None:
    await person.press("o")
    await person.at(ForecastScreen)
    await person.fill("Input", given)
    await person.press("enter")


async def test_the_forecast_is_shown_and_a_budget_stops_the_run(place: Place) -> None:
    async with FaultServer(Author(piece=4)) as server:
        place.serve(server, price_input=1.0, price_output=4.0)
        path = place.make(200, 200, 200)
        async with someone(path, size=(110, 34)) as person:
            await person.at(PlanScreen)
            await person.sees("0 of 3 sections", "F5 writes", " tokens, cost 0.0")
            await person.press("o")
            await person.at(ForecastScreen)
            await person.sees("  600 words", "Time                 unknown", "Cost                 0.00")
            await person.press("escape")
            await budget(person, "much")
            await person.gets_error("not-a-budget")
            await person.press("escape")
            await budget(person, "1,000 tokens")
            assert "1,000 tokens" in await person.gets_notice("budget")
            await person.press("f5")
            await person.at(WritingScreen)
            await person.until(lambda: "1,000 tokens" in person.session.error)
            await person.is_told(person.session.error)
            await person.idle()
            assert [one.status for one in person.sections].count(Status.DONE) == 1
            await person.press("o")
            forecast = person.session.forecast()
            assert forecast is not None and forecast.seconds is not None
            await person.sees("  400 words", duration(forecast.seconds), "% of")
            await person.press("escape")
            await budget(person, "")
            await person.gets_notice("budget")
            assert person.session.budget is None
            await person.press("f5")
            await person.is_told("Finished:")
            lines = [line for _, line in person.session.log]
            assert any(line.startswith("Expected: 400 words, ") for line in lines)
            assert any(line.startswith("It took ") and len(line) <= 78 for line in lines)
        assert all(place.read(path).values())


async def test_each_role_can_have_a_model_of_its_own(place: Place) -> None:
    def critic(body: Any) -> Answer:
        return Answer(['{"findings": [], "facts": []}'])

    async with FaultServer(Author()) as writer, FaultServer(Author()) as planner, FaultServer(critic) as reader:
        place.serve(planner, "planner")
        place.serve(reader, "reader")
        place.serve(writer)
        async with someone(place.make(), size=(110, 34)) as person:
            await person.at(PlanScreen)
            for role, name in (("plan", "planner"), ("critic", "reader")):
                await person.press("C")
                await person.at(Choose)
                await person.sees("Write: writer")
                person.app.screen.dismiss(role)
                await person.sees("which model?")
                person.app.screen.dismiss(name)
                await person.is_told(f": {name}.")
            await person.press("R")
            await person.idle()
            assert person.document.plan.sections and len(planner.calls) == 1 and not writer.calls
            assert person.document.usage.prompt > 100  # the usage of planning is counted
            await person.press("f5")
            await person.is_told("Finished:")
            assert writer.calls and len(planner.calls) == 1
            await person.session.assistant.review(ignored)
            assert len(reader.calls) == 1
            assert person.session.roles.name(Role.CRITIC) == "reader"
            person.session.set_role(Role.CRITIC, "")
            assert person.session.roles.name(Role.CRITIC) == "writer"
