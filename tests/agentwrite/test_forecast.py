"""The forecast of a run, the measurements for the next one, and runs within a budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import regex

from lwtui.agentwrite import Draft, recording, write_document
from lwtui.agentwrite.events import Continuing, Event, Retrying, SectionFinished, SectionStarted, TextDelta
from lwtui.agentwrite.forecast import Forecast, comparison_line, forecast, forecast_line
from lwtui.agentwrite.run_monitor import RunMonitor
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.throughput import RATES, RateMeter, Rates, load_rates, save_rates
from lwtui.config import ModelSettings
from lwtui.documents.model import Brief, Mode, Provenance, Status
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.models.budget import Budget, BudgetReached
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from tests.support.author import Author
from tests.support.studio import Studio, open_studio, plan_of

BRIEF = Brief("Write a guide to growing tomatoes on a balcony", 2000, seed=1)
LOCAL = ModelSettings("m", provider="llama_cpp", path="/m.gguf", context_length=32_768)
PAID = ModelSettings("m", base_url="http://x/v1", price_input=1.0, price_output=4.0, context_length=32_768)
MEASURED = Rates(reading=1000.0, writing=50.0, per_word=1.5, reused=1.0, calls=1.0, sections=9)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))


def sections_of(*words: int) -> list[Any]:
    return Draft(plan_of(*words)).sections()


def test_a_forecast_follows_from_plan_and_measurements() -> None:
    ten = forecast(BRIEF, sections_of(*[200] * 10), LOCAL, MEASURED)
    assert (ten.words, ten.calls, ten.completion, ten.planned) == (2000, 10, 3000, False)
    # Each prompt has all of the text before it, and all but the new text is in the prefix cache.
    assert 10 * 300 * 4 < ten.prompt < 10 * 300 * 9 and 0.75 * ten.prompt < ten.cached < ten.prompt
    assert ten.seconds == pytest.approx((ten.prompt - ten.cached) / 1000 + 3000 / 50)
    assert ten.cost is None
    half = Draft(
        plan_of(*[200] * 10),
        {f"s{index}": "word " * 200 for index in range(1, 6)},
        {f"s{index}" for index in range(1, 6)},
    )
    rest = forecast(BRIEF, half.sections(), LOCAL, MEASURED)
    assert (rest.words, rest.calls) == (1000, 5) and ten.prompt * 0.5 < rest.prompt < ten.prompt
    begun = Draft(plan_of(200), {"s1": "word " * 150})
    assert forecast(BRIEF, begun.sections(), LOCAL, MEASURED).words == 50


def test_a_forecast_depends_on_mode_context_and_measurements() -> None:
    sections = sections_of(*[500] * 40)
    whole = forecast(BRIEF, sections, LOCAL, MEASURED)
    alone = forecast(Brief(*_with(Mode.PARALLEL)), sections, LOCAL, MEASURED)
    assert alone.prompt < whole.prompt / 3
    short = forecast(BRIEF, sections, ModelSettings("m", provider="llama_cpp", context_length=8192), MEASURED)
    assert short.prompt < whole.prompt and short.calls > whole.calls  # summaries are needed
    assert max(usage.prompt for usage in short.each.values()) < 8192
    direct = forecast(Brief(*_with(Mode.DIRECT)), [], PAID, Rates())
    assert (direct.calls, direct.seconds, direct.planned) == (1, None, False)
    unplanned = forecast(BRIEF, [], PAID, Rates())
    assert unplanned.planned and unplanned.words == 2000 and 5 <= unplanned.calls <= 12
    assert unplanned.cost == pytest.approx((unplanned.prompt + 4 * unplanned.completion) / 1e6)
    # An endpoint that has cached prompts before is expected to do so again.
    assert forecast(BRIEF, sections, PAID, Rates()).cached == 0 < forecast(BRIEF, sections, PAID, MEASURED).cached
    zh = forecast(Brief("写一篇", 2000, "zh"), sections_of(2000), PAID, Rates(per_character=1.1, per_word=9.0))
    assert zh.completion == 2200


def test_a_forecast_includes_the_reasoning_that_the_settings_ask_for() -> None:
    plain, sections = forecast(BRIEF, [], PAID, Rates()), sections_of(*[200] * 10)
    plans = forecast(BRIEF, [], replace(PAID, roles={"plan": {"reasoning_effort": "high"}}), Rates())
    assert plans.completion == plain.completion + 4000
    low, high = (
        forecast(BRIEF, sections, replace(PAID, reasoning_effort=effort), Rates()) for effort in ("low", "high")
    )
    assert high.completion - low.completion == 10 * 3500
    assert high.cost is not None and low.cost is not None and high.cost - low.cost == pytest.approx(10 * 3500 * 4e-6)
    # What is measured includes it already.
    assert forecast(BRIEF, sections, replace(PAID, reasoning_effort="high"), MEASURED).completion == 3000


def _with(mode: Mode) -> tuple[str, int, str, Mode]:
    return BRIEF.instruction, BRIEF.words, "en", mode


def test_a_forecast_is_one_line() -> None:
    line = forecast_line(Forecast(4800, 20, 62_000, 51_000, 7_000, 185.0, 0.12), "words")
    assert line == "4,800 words, 62k input tokens (51k cached), 7,000 output, 3 min, cost 0.1200"
    assert "time not known yet" in forecast_line(Forecast(10, 1, 1, 0, 1, None, None), "words")


def section(id: str, *, prompt: int, cached: int, tokens: int, words: int, calls: int = 1) -> list[Event]:
    more: list[Event] = [Continuing(id, 1, words)] * (calls - 1)
    return [
        SectionStarted(id, 1, 2, "", words, False, 0, Provenance("m")),
        TextDelta(id, "text"),
        *more,
        SectionFinished(id, words, words, Usage(prompt, tokens, cached), 1.0),
    ]


class Clocked:
    """A run whose events come at given times, and the meter that learns from its sections."""

    def __init__(self, rates: Rates | None = None, *, by_characters: bool = False) -> None:
        self.now = 0.0
        self.state = RunState(clock=lambda: self.now)
        self.meter = RateMeter(rates or Rates(), by_characters=by_characters)

    def run(self, events: list[Event], *seconds: float) -> Rates:
        for event, pause in zip(events, seconds, strict=True):
            self.now += pause
            self.state.apply(event)
            if isinstance(event, SectionFinished):
                self.meter.learn(self.state.runs[event.section_id])
        return self.meter.rates


def test_the_meter_learns_speeds_tokens_and_cache_hits() -> None:
    clocked = Clocked()
    rates = clocked.run(section("s1", prompt=1000, cached=0, tokens=400, words=300), 0, 2, 10)
    assert (rates.reading, rates.writing) == (500, 40)
    assert rates.per_word == pytest.approx(400 / 300, abs=1e-3) and rates.reused < 0
    rates = clocked.run(section("s2", prompt=1500, cached=900, tokens=400, words=300), 0, 1.2, 10)
    assert rates.reused == pytest.approx(0.9)
    assert rates.reading == pytest.approx(500)
    # Sections in two calls, or with faults, show no speeds.
    rates = clocked.run(section("s3", prompt=9000, cached=0, tokens=400, words=300, calls=2), 0, 99, 1, 1)
    assert (rates.writing, rates.sections) == (40, 3) and 1 < rates.calls < 2
    disturbed = section("s4", prompt=9000, cached=0, tokens=400, words=300)
    disturbed.insert(1, Retrying("server", "", 1, 1.0, "s4"))
    rates = clocked.run(disturbed, 0, 1, 99, 1)
    assert (rates.writing, rates.sections) == (40, 4)
    resumed = section("s5", prompt=9000, cached=0, tokens=400, words=300)
    resumed[0] = SectionStarted("s5", 1, 2, "", 300, True, 0, Provenance("m"))
    assert clocked.run(resumed, 0, 99, 1).writing == 40


def test_the_meter_learns_only_tokens_from_parallel_sections() -> None:
    clocked = Clocked(by_characters=True)
    first, second = (section(id, prompt=1000, cached=0, tokens=400, words=300) for id in ("s1", "s2"))
    rates = clocked.run([first[0], second[0], first[1], second[1], first[2], second[2]], 0, 1, 2, 3, 4, 5)
    assert (rates.reading, rates.writing, rates.per_word, rates.sections) == (0, 0, 0, 2)
    assert rates.per_character == pytest.approx(400 / 300, abs=1e-3)


def test_the_meter_learns_nothing_from_a_section_without_text_or_tokens() -> None:
    clocked = Clocked(MEASURED)
    assert clocked.run(section("s1", prompt=9, cached=0, tokens=0, words=300), 0, 1, 1) == MEASURED
    silent = section("s2", prompt=9, cached=0, tokens=9, words=300)
    assert clocked.run([silent[0], silent[2]], 0, 1) == MEASURED


def test_rates_are_stored_by_model_and_a_damaged_file_is_ignored() -> None:
    save_rates(LOCAL, MEASURED)
    save_rates(PAID, Rates(writing=9.0))
    assert load_rates(LOCAL) == MEASURED and load_rates(PAID).writing == 9.0
    assert load_rates(ModelSettings("other")) == Rates()
    for broken in ("{", "[]", '{"llama_cpp /m.gguf": {"reading": "fast"}}', '{"llama_cpp /m.gguf": 3}'):
        RATES.path.write_text(broken)
        assert load_rates(LOCAL) == Rates()
    RATES.path.write_text('{"llama_cpp /m.gguf": {"reading": 5.0, "from_the_future": 1}}')
    assert load_rates(LOCAL) == Rates(reading=5.0)


async def run(studio: Studio, path: Path, budget: Budget | None) -> tuple[Document, str]:
    """Return the open document, and the error that stopped the run or the line that compares it with its forecast."""
    document = Document.open(path)
    monitor = RunMonitor(studio.agent, document.brief, document, budget)
    tracker = UsageTracker(lambda: budget, spent=document.usage, record=document.add_usage)
    line = ""
    async with recording(document, tracker) as recorder:

        async def keep(event: Event) -> None:
            await recorder.keep(event)
            monitor.observe(event, recorder.state)

        try:
            await write_document(
                studio.agent, document.brief, recorder, keep, tracker=tracker, expected=monitor.expected.each
            )
        except BudgetReached as reached:
            line = str(reached)
        line = f"{monitor.close(recorder.state)}{line}"
    return document, line


async def test_a_run_is_measured_and_compared_with_its_forecast(tmp_path: Path) -> None:
    path = tmp_path / "a.lw"
    Document.create(path, BRIEF, plan_of(150, 150, 150)).close()
    async with open_studio(Author()) as studio:
        document, line = await run(studio, path, None)
        rates = load_rates(studio.agent.settings)
    with document:
        took = document.usage.prompt + document.usage.completion
        assert regex.fullmatch(rf"It took \d s and {took:,} tokens; expected were \d,\d\d\d tokens\.", line)
        assert rates.sections == 3 and rates.writing > 0 and 1 < rates.per_word < 3
        assert rates.context_length == 32_768


async def test_the_forecast_of_a_rewritten_section_includes_the_text_before_it() -> None:
    texts = {f"s{index}": "word " * 300 for index in range(1, 5)}
    draft = Draft(plan_of(300, 300, 300, 300), texts, set(texts))
    async with open_studio(Author()) as studio:
        expected = RunMonitor(studio.agent, BRIEF, draft, anew={"s3"}).expected
        assert set(expected.each) == {"s3"} and expected.words == 300
        assert expected.prompt > 2 * 300
        assert RunMonitor(studio.agent, BRIEF, draft).expected.words == 0


@pytest.mark.parametrize(("tokens", "whole"), [(1, 0), (900, 0), (2900, 2), (4600, 3)])
async def test_a_run_stopped_by_the_budget_keeps_everything(tmp_path: Path, tokens: int, whole: int) -> None:
    path = tmp_path / "a.lw"
    Document.create(path, BRIEF, plan_of(300, 300, 300, 300)).close()
    async with open_studio(Author(piece=4)) as studio:
        document, why = await run(studio, path, Budget(tokens=tokens))
        with document:
            assert f"The budget of {tokens:,} tokens" in why and "All text is kept" in why
            states = [section.status for section in document.sections()]
            assert states.count(Status.DONE) == whole
            begun = tokens == 900  # too few for a section: it stops midway, and its usage is estimated
            assert (states[whole] is Status.PARTIAL) is bool(document.sections()[whole].text) is begun
            assert bool(studio.server.calls) is (tokens > 1)
            assert tokens * 0.7 * (tokens > 1) <= document.usage.prompt + document.usage.completion <= tokens * 1.05
            spent = document.usage
        document, why = await run(studio, path, Budget(tokens=tokens))
        with document:
            assert "The budget" in why and document.usage == spent  # no further call is made
        document, _ = await run(studio, path, None)
        with document:
            assert all(section.status is Status.DONE for section in document.sections())
            assert 1100 < document.words < 1300


def test_the_comparison_is_one_short_sentence() -> None:
    priced = ModelSettings("m", price_input=2.0, price_output=8.0)
    expected = Forecast(100_000, 400, 5_100_000, 0, 190_000, 18_720.0, 11.72)
    line = comparison_line(expected, Usage(5_234_567, 210_000), 19_000.0, priced)
    assert line == "It took 5.3 h, 5,445k tokens and 12.15; expected were 5.2 h, 5,290k and 11.72." and len(line) <= 78
    unknown = Forecast(1_000, 4, 8_000, 0, 1_500, None, None)
    assert comparison_line(unknown, Usage(8_100, 1_600), 65.0, priced) == (
        "It took 1 min and 9,700 tokens; expected were 9,500 tokens."
    )


async def test_a_model_without_prices_takes_no_budget_in_money() -> None:
    async with open_studio(Author()) as studio:
        with pytest.raises(UsageError, match="needs the prices"):
            RunMonitor(studio.agent, BRIEF, Draft(plan_of(100)), Budget(amount=1.0))
