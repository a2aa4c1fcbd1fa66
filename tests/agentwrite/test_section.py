"""One section over real HTTP: continued if it is short, ended if it is long, and complete whatever happens."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.events import (
    Continuing,
    Event,
    ModelUnsure,
    Redrafting,
    Retrying,
    SectionFinished,
    SectionStarted,
    TextDelta,
    TextRolledBack,
    Thinking,
)
from lwtui.agentwrite.section import SectionWriter
from lwtui.agentwrite.section_stream import breaks_off
from lwtui.agentwrite.section_task import RewriteTask, SectionTask
from lwtui.documents.model import Brief, Origin, Section, Status
from lwtui.documents.section_kind import SectionKind
from lwtui.models.base import ModelError, Request, StreamPart, UnsurePiece
from lwtui.models.metering import UsageTracker
from lwtui.text import count_words
from tests.support.author import Author, sentence, title_of
from tests.support.fault_server import Answer, Fault
from tests.support.studio import (
    QUICK,
    Small,
    Studio,
    eventually,
    flat,
    of_kind,
    open_studio,
    plan_of,
    prompt_of,
    sentences,
)

BRIEF = Brief("Write about things", 600, seed=9)
PLAN = plan_of(300, 300)


def task(
    text: str = "", target: int = 300, *, origin: Origin | None = None, number: int = 1, **more: Any
) -> SectionTask:
    step = PLAN.sections[number - 1]
    status = Status.PARTIAL if text else Status.EMPTY
    section = Section(
        step.id, step.title, step.main_point, target, status, text, count_words(text), origin or Origin.MODEL
    )
    return SectionTask(BRIEF, PLAN, section, number, target, **more)


async def run(studio: Studio, work: SectionTask) -> tuple[str, list[Event]]:
    """Write a section. Returns its text according to the events, and the events. Checks that the events fit."""
    text = work.section.text
    events: list[Event] = []

    async def on_event(event: Event) -> None:
        nonlocal text
        events.append(event)
        match event:
            case SectionStarted(keep=keep) | TextRolledBack(keep=keep):
                assert 0 <= keep <= len(text)
                text = text[:keep]
            case TextDelta(text=piece):
                assert piece
                text += piece
            case SectionFinished(length=length):
                assert length == count_words(text)

    context = ContextBuilder(studio.agent, work.brief)
    await SectionWriter(studio.agent, work, context, on_event, UsageTracker().task("a section")).run()
    return text, events


async def written(
    author: Callable[[Any], Any], work: SectionTask | None = None, **kinds: Any
) -> tuple[str, list[Event], Studio]:
    async with open_studio(author, **kinds) as studio:
        text, events = await run(studio, work or task())
    return text, events, studio


def own(count: int, number: int = 1, language: str = "en") -> str:
    """Return the first sentences of a section by the author."""
    return "".join(sentence(number, index, language) for index in range(count)).lstrip()


def without_spaces(text: str) -> str:
    return "".join(text.split())


# ---- length -----------------------------------------------------------------------------------------------------


async def test_a_section_of_the_right_length_takes_one_call_and_is_not_changed() -> None:
    text, events, studio = await written(Author())
    assert own(60).startswith(text)
    assert 300 <= count_words(text) <= 316
    assert len(studio.server.calls) == 1
    assert isinstance(events[1], SectionStarted) and isinstance(events[-1], SectionFinished)


@pytest.mark.parametrize("pace", [0.65, 0.8, 1.1])
async def test_a_chat_models_own_end_is_accepted(pace: float) -> None:
    text, events, studio = await written(Author(pace=pace))
    assert own(80).startswith(text)
    assert abs(count_words(text) - 300 * pace) <= 16
    assert len(studio.server.calls) == 1
    assert not of_kind(Continuing, events) and not of_kind(Redrafting, events)


async def test_a_section_that_is_far_too_short_gets_another_draft_with_a_longer_request() -> None:
    text, events, studio = await written(Author(pace=0.45))
    assert own(80).startswith(text)
    assert abs(count_words(text) - 300) <= 32
    assert len(studio.server.calls) == 2
    (redrafting,) = of_kind(Redrafting, events)
    assert redrafting.length < 160 and redrafting.target == 300
    # The second draft is shown only once it is known to be better.
    index = events.index(redrafting)
    assert [type(event) for event in events[index + 1 :]] == [TextRolledBack, TextDelta, SectionFinished]


async def test_what_the_model_was_unsure_of_in_the_better_draft_is_told_after_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_studio(Author(pace=0.45)) as studio:
        plain, calls = studio.agent.model.stream, 0

        async def unsure(request: Request) -> AsyncGenerator[StreamPart, None]:
            nonlocal calls
            calls += 1
            yield UnsurePiece("", f"draft {calls}", 2.0)
            async for part in plain(request):
                yield part

        monkeypatch.setattr(studio.agent.model, "stream", unsure)
        _, events = await run(studio, task())
    marks = [event.text for event in events if isinstance(event, ModelUnsure)]
    assert marks == ["draft 1", "draft 2"]
    kinds = [type(event) for event in events]
    assert kinds[kinds.index(TextRolledBack) :] == [TextRolledBack, TextDelta, ModelUnsure, SectionFinished]


async def test_the_draft_nearer_to_the_target_stays() -> None:
    text, events, studio = await written(Author(pace=lambda _, call: 0.5 if call == 1 else 0.1))
    assert abs(count_words(text) - 150) <= 16
    assert len(studio.server.calls) == 2
    assert isinstance(events[-2], Redrafting)  # so nothing was rolled back


async def test_a_redraft_is_asked_for_the_missing_points() -> None:
    section = replace(task().section, main_point="the harbor of Svolvær, cod drying on racks, midnight sun")
    draft = "The harbor of Svolvær lies below the racks where cod is drying. " + own(4)
    _, _, studio = await written(lambda _: [draft], replace(task(), section=section))
    assert "midnight sun." in studio.prompts[1] and "each of these: midnight sun." in studio.prompts[1]


async def test_the_target_is_tighter_if_no_later_section_compensates() -> None:
    text, events, studio = await written(Author(pace=0.75), task(slack=20))
    assert abs(count_words(text) - 300) <= 20
    assert len(of_kind(Redrafting, events)) == len(studio.server.calls) - 1 == 1


async def test_a_models_length_habits_are_learned_and_compensated() -> None:
    async with open_studio(Author(pace=0.7)) as studio:
        lengths = [count_words((await run(studio, task()))[0]) for _ in range(4)]
    assert lengths[0] < 230
    assert abs(lengths[-1] - 300) <= 20
    assert len(studio.server.calls) == 4


@pytest.mark.parametrize("pace", [1.4, 3.0])
async def test_an_overlong_section_is_stopped_at_a_sentence(pace: float) -> None:
    async with open_studio(Author(pace=pace, delay=0.001)) as studio:
        text, _ = await run(studio, task())
        assert len(studio.server.calls) == 1
        if pace > 2:
            assert await eventually(lambda: studio.server.calls[0].hung_up)
    assert 255 <= count_words(text) <= 345
    assert own(200).startswith(text) and text.endswith(".")


@pytest.mark.parametrize("profile", ["chat", "base"])
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_chat_and_base_models_write_in_both_scripts(profile: str, language: str) -> None:
    work = replace(task(), brief=replace(BRIEF, language=language))
    text, _, _ = await written(Author(pace=0.65, language=language), work, profile=profile)
    assert 180 <= count_words(text) <= 345
    # A continuation may start a new paragraph. In Chinese, there is no space to compare it with.
    compared = flat if language == "en" else without_spaces
    assert compared(own(120, 1, language)).startswith(compared(text))
    assert len(set(sentences(text))) == len(sentences(text))


async def test_a_model_with_nothing_more_to_say_is_not_asked_forever() -> None:
    answers = iter([Answer(["A short text. "]), *[Answer([])] * 50])
    text, events, studio = await written(lambda _: next(answers))
    assert text == "A short text."
    assert len(studio.server.calls) <= 8
    assert len(of_kind(SectionFinished, events)) == 1


@pytest.mark.parametrize("ending", ["", "\n", "\n\n"])
async def test_a_short_answer_is_continued_in_a_new_paragraph(ending: str) -> None:
    answers = iter([Answer([f"A short text.{ending}"]), *[Answer([])] * 50])
    _, _, studio = await written(lambda _: next(answers), profile="base")
    assert studio.server.calls[1].json["prompt"].endswith("A short text.\n\n")


async def test_a_model_without_any_text_is_a_clear_error() -> None:
    with pytest.raises(ModelError) as caught:
        await written(lambda _: Answer([]))
    assert caught.value.kind == "no-answer"
    assert caught.value.code == "no-text"


async def test_answers_cut_off_within_a_sentence_are_continued_from_its_start() -> None:
    class Short(Author):
        def __call__(self, body: Any) -> Answer:
            return super().__call__(body | {"max_tokens": 50})

    text, events, studio = await written(Short())
    assert 255 <= count_words(text) <= 345
    assert flat(own(60)).startswith(flat(text))
    assert len(studio.server.calls) > 5
    assert {event.reason for event in of_kind(TextRolledBack, events)} >= {"the answer was cut off within a sentence"}


async def test_cut_off_answers_without_a_whole_sentence_do_not_repeat_forever() -> None:
    text, _, studio = await written(lambda _: Answer(["words that never end "], finish="length"))
    assert len(studio.server.calls) < 40
    assert text


HALF = "and the boats lie in the quiet harbor while the old men mend their"


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "banana"])
async def test_an_answer_that_stops_within_a_sentence_is_continued_once(finish: str) -> None:
    answers = iter([Answer([own(15), f" {HALF}"], finish=finish)])
    text, events, studio = await written(lambda _: next(answers, Answer([f" {own(25, number=2)}"])))
    assert len(studio.server.calls) == 2
    assert "the text breaks off" in studio.prompts[1]
    assert HALF not in text and text[-1] in ".!?"
    assert {event.reason for event in of_kind(TextRolledBack, events)} >= {"the answer was cut off within a sentence"}
    assert len(of_kind(Continuing, events)) == 1


async def test_a_sentence_that_is_never_ended_is_cut() -> None:
    answers = iter([Answer([own(20), f" {HALF}"]), Answer([f" {own(15, number=2)} {HALF}"])])
    text, _, studio = await written(lambda _: next(answers))
    assert len(studio.server.calls) == 2
    assert HALF not in text and text[-1] in ".!?"


@pytest.mark.parametrize(
    ("text", "breaks"),
    [
        ("The old men mend their nets and the boats lie while a", True),
        ("He said that it would all be over by the evening, or,", True),
        ("老人们修补渔网，船停在安静的港口里，而孩子们在岸边", True),
        ("The old men mend their nets and the boats lie still.", False),
        ("The old men mend their nets and “the boats lie still.”", False),
        ("The sea, the sea,\nand nothing more", False),  # a verse
        ("The old men mend their nets, as one reads at https://example.com/docs", False),
        ("The old men mend their nets and the boats lie still.²", False),
        ("The old men mend their nets and the boats lie still.”12", False),
        ("> the old men mend their nets and the boats lie still — John Smith", False),
        ("– the old men mend their nets and the boats lie still", False),
        ("- the old men mend their nets and the boats lie still", False),
        ("| the old men mend their nets | and the boats lie still", False),
        ("```\nthe old men mend their nets and the boats lie still", False),
        ("ชาวประมงเฒ่าซ่อมอวนและเรือจอดนิ่งอยู่ในท่าเรือที่เงียบสงบ", False),
    ],
)
def test_what_ends_within_a_sentence(text: str, breaks: bool) -> None:
    assert breaks_off(text) is breaks


async def test_the_mark_of_an_item_that_never_came_is_cut() -> None:
    text, _, _ = await written(lambda _: Answer([own(40), "\n\n2."]))
    assert text[-2:] != "2." and flat(own(40)).startswith(flat(text))


async def test_reasoning_that_no_tag_opened_is_taken_back() -> None:
    thought = "Hm, the user wants a section.\nI plan it first.\n"
    answer = Answer([thought, "</think>\n\n", own(40)])
    text, events, studio = await written(lambda _: answer)
    assert "the user wants" not in text and flat(own(60)).startswith(flat(text))
    assert len(studio.server.calls) == 1
    assert of_kind(TextRolledBack, events)[0].keep == 0


# ---- habits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heading", ["markdown", "bold", "title"])
async def test_a_repeated_heading_is_removed(heading: str) -> None:
    text, _, _ = await written(Author(pace=0.5, heading=heading))
    assert title_of(1) not in text
    assert flat(own(60)).startswith(flat(text))


@pytest.mark.parametrize("restates", [1, 2, 4])
async def test_words_repeated_by_a_continuation_are_dropped(restates: int) -> None:
    class CutOff(Author):
        def __call__(self, body: Any) -> Answer:
            return super().__call__(body | {"max_tokens": 400})

    text, events, studio = await written(CutOff(restates=restates))
    assert len(studio.server.calls) > 1
    assert flat(own(60)).startswith(flat(text))
    # The repeated words were never emitted; only half a sentence at the end of an answer is rolled back.
    assert {event.reason for event in of_kind(TextRolledBack, events)} == {"the answer was cut off within a sentence"}


async def test_control_characters_are_removed() -> None:
    text, _, _ = await written(Author(dirt="\x1b[2J\x07\u202e"))
    assert own(60).startswith(text)


async def test_headings_within_a_text_with_lists_move_below_section_level() -> None:
    headings = iter(range(100))
    author = Author()

    def with_headings(body: Any) -> Answer:
        answer = author(body)
        pieces = "".join(answer.pieces)
        return replace(answer, pieces=[re.sub(r"\n\n", lambda _: f"\n\n# Heading {next(headings)}\n\n", pieces)])

    work = replace(task(), brief=replace(BRIEF, instruction="Write a tutorial"))
    text, _, _ = await written(with_headings, work)
    assert "\n### Heading 1\n" in text
    assert "\n# " not in text


async def test_prose_has_neither_headings_nor_bold_text() -> None:
    text, _, _ = await written(Author(dirt="\n\n# Heading\n\n**So** be it"))
    assert "Heading" not in text and "*" not in text
    assert "So be it" in text


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_loop_is_rolled_back_and_sampled_again(language: str) -> None:
    author = Author(loops=2, pace=0.3, language=language)
    work = replace(task(), brief=replace(BRIEF, language=language))
    text, events, studio = await written(author, work)
    assert flat(own(120, 1, language)).startswith(flat(text))
    assert "on and on" not in text and "路上看见了山我们" not in text
    assert 180 <= count_words(text) <= 345
    rolled = [event for event in of_kind(TextRolledBack, events) if "loops" in event.reason or "before" in event.reason]
    assert len(rolled) >= 2
    seeds = [seen.json["seed"] for seen in studio.server.calls]
    assert len(set(seeds)) == len(seeds)
    # The penalties grow each time.
    penalties = [seen.json.get("frequency_penalty", 0) for seen in studio.server.calls]
    assert penalties[0] == 0 < penalties[-1]


async def test_a_model_that_only_loops_is_given_up() -> None:
    for sound in (own(3), own(12)):
        looping = Answer([f"{sound} ", *["and so on and on "] * 60])
        text, events, studio = await written(lambda _, looping=looping: looping)
        assert len(studio.server.calls) <= 30
        assert flat(sound).startswith(flat(text)) and text.endswith(".")
        assert isinstance(events[-1], SectionFinished)


async def test_a_model_that_only_repeats_earlier_text_leaves_the_section_short() -> None:
    first = Section("s1", title_of(1), "p", 300, Status.DONE, own(20), 240, Origin.MODEL)
    text, events, _ = await written(lambda _: [own(20)], task(number=2, earlier=[first]))
    (finished,) = of_kind(SectionFinished, events)
    assert text == "" and finished.status is Status.SHORT and finished.length == 0


async def test_short_paragraphs_before_a_repetition_are_one_too() -> None:
    """Each of them could be a refrain."""
    sentences = [sentence(1, index, words=(17, 18)).strip() for index in range(9)]
    earlier = "\n\n".join([*sentences[:2], " ".join(sentences[2:])])
    first = Section("s1", title_of(1), "p", 300, Status.DONE, earlier, 160, Origin.MODEL)
    text, _, _ = await written(lambda _: [earlier], task(number=2, earlier=[first]))
    assert text == ""


@pytest.mark.parametrize("new", [0, 3])
async def test_a_model_that_repeats_earlier_text_is_shown_less_of_it(new: int) -> None:
    """Small models repeat what they are shown: some write nothing new, some a few sentences first."""
    first = Section("s1", title_of(1), "p", 300, Status.DONE, own(60), 300, Origin.MODEL)
    whole = own(60).partition(".")[0]

    def author(seen: Any) -> list[str]:
        if whole in prompt_of(seen):
            return [f"{own(new, 2)} {own(20)}"]
        return [own(60, 2)]

    text, events, studio = await written(author, task(number=2, earlier=[first]))
    assert flat(own(60, 2)).startswith(flat(text)) and count_words(text) >= 280
    assert len(of_kind(Redrafting, events)) == (1 if new else 0)  # without a text, the next call shows less already
    shown = studio.prompts[-1]
    assert own(60).strip()[-80:] in shown and "about 300 words" in shown


async def test_a_model_that_has_concluded_is_asked_afresh_and_not_to_go_on() -> None:
    """What it is made to add to a conclusion only repeats it."""

    def author(body: Any) -> Answer:
        if len(studio.server.calls) == 1:
            return Answer([own(8), "\n\nIn conclusion, all of this is well worth knowing about."])
        return Answer([own(60, 2)])

    async with open_studio(author) as studio:
        text, events = await run(studio, task())
    assert flat(text).startswith(flat(own(20, 2)))
    assert len(studio.server.calls) == 2 and "This is the text so far" not in studio.prompts[-1]
    assert len(of_kind(Redrafting, events)) == 1


@pytest.mark.parametrize(
    "lead_in", ["\n\nThese are the best of them:", " Bring the following:", "\n\n具体做法如下：\n\n"]
)
async def test_a_section_does_not_end_with_a_lead_in(lead_in: str) -> None:
    def author(_: Any) -> Answer:
        return Answer([own(24).rstrip(), lead_in])

    text, _events, _studio = await written(author, task())
    assert text == own(24).rstrip()


async def test_a_beginning_of_a_few_words_is_written_anew() -> None:
    """Small models do not go on well from half a sentence or a label."""
    first = Section("s1", title_of(1), "p", 300, Status.DONE, own(20), 240, Origin.MODEL)

    def author(body: Any) -> Answer:
        if len(studio.server.calls) == 1:
            return Answer([f"In winter: {sentence(1, 7).strip()}{sentence(1, 8)} {own(20, 3)}"])
        return Answer([own(60, 2)])

    async with open_studio(author) as studio:
        text, _events = await run(studio, task(number=2, earlier=[first]))
    assert flat(text).startswith(flat(own(20, 2)))
    assert "In winter" not in studio.prompts[-1]


async def test_text_of_earlier_sections_is_not_repeated() -> None:
    first = Section("s1", title_of(1), "p", 300, Status.DONE, own(20), 240, Origin.MODEL)

    def repeats_once(body: Any) -> Answer:
        if len(studio.server.calls) == 1:
            return Answer([f"{word} " for word in f"{own(2, 2)} {sentence(1, 7).strip()} {own(20, 3)}".split()])
        return author(body)

    author = Author()
    async with open_studio(repeats_once) as studio:
        text, events = await run(studio, task(number=2, earlier=[first]))
    assert sentence(1, 7).strip() not in text
    assert [event.reason for event in of_kind(TextRolledBack, events)][:1] == ["a sentence repeats an earlier one"]


@pytest.mark.parametrize("before", ["", " ", "\n\n"])
@pytest.mark.parametrize("after", [" ", "\n\n"])
async def test_one_repeated_sentence_is_left_out_and_the_answer_goes_on(before: str, after: str) -> None:
    first = Section("s1", title_of(1), "p", 300, Status.DONE, own(20), 240, Origin.MODEL)
    begins, repeated = own(10, 2).strip() if before else "", sentence(1, 7).strip()
    rest = "".join(sentence(2, index) for index in range(10, 34)).strip()
    answer = f"{begins}{before}{repeated}{after}{rest}"
    text, events, studio = await written(
        lambda _: [answer[at : at + 3] for at in range(0, len(answer), 3)], task(number=2, earlier=[first])
    )
    gap = max(before, after, key=lambda space: space.count("\n")) if begins else ""
    assert f"{begins}{gap}{rest}".startswith(text) and count_words(text) >= 250
    assert len(studio.server.calls) == 1
    assert "a sentence repeats an earlier one" in [event.reason for event in of_kind(TextRolledBack, events)]


async def test_an_answer_that_goes_on_repeating_is_cut_back() -> None:
    first = Section("s1", title_of(1), "p", 300, Status.DONE, own(20), 240, Origin.MODEL)

    def author(_: Any) -> list[str]:
        if len(studio.server.calls) > 1:
            return [own(30, 3)]
        return [own(5, 2), "\n\n", sentence(1, 7).strip(), sentence(1, 8), f" {own(20, 4)}"]

    async with open_studio(author) as studio:
        text, _events = await run(studio, task(number=2, earlier=[first]))
    assert text.split()[:200] == f"{own(5, 2)} {own(30, 3)}".split()[:200]
    assert len(studio.server.calls) == 2


@pytest.mark.parametrize("small", [True, False])
async def test_a_small_model_that_repeats_in_two_sections_is_shown_less_from_the_next_one_on(small: bool) -> None:
    first = Section("s1", title_of(1), "p", 300, Status.DONE, own(60), 300, Origin.MODEL)
    whole = own(60).partition(".")[0]

    def author(seen: Any) -> list[str]:
        return [own(20)] if whole in prompt_of(seen) else [own(40, 2)]

    async def ignore(_event: Event) -> None:
        return

    async with open_studio(author) as studio:
        if small:
            studio.agent.model = Small(studio.agent.model)
        shown, context = [], ContextBuilder(studio.agent, BRIEF)
        for _ in range(3):
            before = len(studio.prompts)
            work = task(number=2, earlier=[first])
            await SectionWriter(studio.agent, work, context, ignore, UsageTracker().task("a section")).run()
            shown.append([whole in prompt for prompt in studio.prompts[before:]])
    assert shown == [[True, False], [True, False], [False] if small else [True, False]]


async def test_a_small_model_is_kept_from_copying_but_not_where_it_has_to() -> None:
    rewrite = RewriteTask("- Say more.", own(20))
    works = [task(), replace(task(), rewrite=rewrite), task()]
    works[2] = replace(works[2], section=replace(works[2].section, kind=SectionKind.TABLE))
    found = []
    for work in works:
        async with open_studio(lambda _: [own(40)]) as studio:
            studio.agent.model = Small(studio.agent.model)
            await run(studio, work)
            found.append(studio.server.calls[0].json.get("dry_allowed_length"))
    assert found == [8, None, None]
    _, _, studio = await written(Author())
    assert "dry_allowed_length" not in studio.server.calls[0].json


async def test_a_small_model_may_copy_the_instruction_but_not_earlier_text() -> None:
    first = Section("s1", title_of(1), "p", 300, Status.DONE, own(60), 300, Origin.MODEL)
    async with open_studio(lambda _: [own(40, 2)]) as studio:
        small = studio.agent.model = Small(studio.agent.model)
        await run(studio, task(number=2, earlier=[first]))
    penalized = small.requests[0].penalized
    assert penalized is not None and own(60) in penalized
    assert BRIEF.instruction in studio.prompts[0] and BRIEF.instruction not in penalized


# ---- faults -----------------------------------------------------------------------------------------------------

FAULTS = {
    "429": Fault.http(429, retry_after="0.02"),
    "500": Fault.http(500),
    "cut": Fault.cut(90),
    "early cut": Fault.cut(3),
    "late cut": Fault.cut(200),
    "stall": Fault.stall(60, after=70),
    "malformed": Fault.malformed(50),
    "garbage": Fault.garbage(51),
    "utf8": Fault.utf8(52),
    "error": Fault.error(53),
    "ends": Fault.ends(54),
}


@pytest.mark.parametrize("profile", ["chat", "base"])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_does_not_change_the_section(name: str, profile: str) -> None:
    expected, _, _ = await written(Author(), profile=profile)
    text, events, studio = await written(
        Author(), profile=profile, faults=[FAULTS[name]], stall_seconds=0.2, connect_seconds=2.0
    )
    assert flat(text) == flat(expected)
    assert len(of_kind(Retrying, events)) == 1
    assert len(studio.server.calls) == 2


async def test_many_consecutive_faults_do_not_change_the_section() -> None:
    expected, _, _ = await written(Author())
    faults = [FAULTS[name] for name in ("429", "500", "early cut", "garbage", "malformed", "utf8")] * 2
    policy = replace(QUICK, attempts=20)
    text, events, _ = await written(Author(), faults=faults, policy=policy)
    assert flat(text) == flat(expected)
    assert len(of_kind(Retrying, events)) == 12


async def test_an_attempt_without_text_is_repeated_unchanged() -> None:
    _, _, studio = await written(Author(), faults=[Fault.http(500), Fault.cut(0)])
    assert [seen.json for seen in studio.server.calls] == [studio.server.calls[0].json] * 3


async def test_an_attempt_after_some_text_asks_for_the_rest() -> None:
    _, events, studio = await written(Author(), faults=[Fault.cut(60), Fault.http(500)])
    first, second, third = (seen.json for seen in studio.server.calls)
    kept = of_kind(TextRolledBack, events)[0].keep
    assert kept > 100 and own(60)[:kept].strip() in prompt_of(second) and own(1) not in prompt_of(first)
    assert second == third and second["max_tokens"] < first["max_tokens"]


async def test_a_stream_that_always_breaks_within_its_first_sentence_is_given_up() -> None:
    async with open_studio(Author(), [Fault.cut(4)] * 500) as studio:
        with pytest.raises(ModelError) as caught:
            await run(studio, task())
    assert len(studio.server.calls) == QUICK.attempts
    assert caught.value.kind == "dropped"


async def test_a_stream_that_always_breaks_but_progresses_is_not_given_up() -> None:
    text, events, _ = await written(Author(), faults=[Fault.cut(30)] * 500)
    assert flat(own(60)).startswith(flat(text))
    assert 255 <= count_words(text) <= 345
    assert len(of_kind(Retrying, events)) > QUICK.attempts


@pytest.mark.parametrize(("finish", "faults"), [("stop", [Fault.cut(1)] * 50), ("content_filter", [])])
async def test_held_back_text_is_emitted_before_giving_up(finish: str, faults: list[Fault]) -> None:
    async with open_studio(lambda _: Answer(["**Bold words that never end"], finish=finish), faults) as studio:
        draft, events = await studio.write(BRIEF, plan_of(300), may_fail=True)
    assert studio.error is not None
    assert draft.texts["s1"] == "Bold words that never end"
    assert isinstance(events[-1], TextDelta)


async def test_a_prompt_that_is_too_long_for_the_server_is_shortened_twice() -> None:
    too_long = Fault.http(400, message="the request exceeds the available context size")
    for times, fails in ((1, False), (2, False), (3, True)):
        async with open_studio(Author(), [too_long] * times) as studio:
            if fails:
                with pytest.raises(ModelError) as caught:
                    await run(studio, task())
                assert caught.value.kind == "context"
            else:
                text, events = await run(studio, task())
                assert own(60).startswith(text)
                assert [event.fault for event in of_kind(Retrying, events)] == ["context"] * times
        assert studio.agent.limits.context_share < 1


# ---- reasoning --------------------------------------------------------------------------------------------------


async def test_a_reasoning_model_gets_more_tokens_and_keeps_them() -> None:
    async with open_studio(Author(thinks=3000)) as studio:
        text, events = await run(studio, task())
        calls = len(studio.server.calls)
        assert own(60).startswith(text)
        assert 255 <= count_words(text) <= 345
        assert 3 <= calls <= 6
        retries = of_kind(Retrying, events)
        assert {event.fault for event in retries} == {"no-answer"} and len(retries) <= 3
        assert of_kind(Thinking, events)
        # The next section has enough tokens from the start.
        await run(studio, task(number=2))
        assert len(studio.server.calls) == calls + 1


async def test_a_model_that_only_thinks_is_a_clear_error() -> None:
    async with open_studio(Author(thinks=10**9)) as studio:
        with pytest.raises(ModelError) as caught:
            await run(studio, task())
    assert caught.value.kind == "no-answer"
    assert caught.value.code == "only-reasoning"
    assert len(studio.server.calls) <= 6


async def test_reasoning_is_counted_per_call() -> None:
    def thinks(_: Any) -> Answer:
        return Answer([own(1)] if len(studio.server.calls) == 1 else [own(60)[len(own(1)) :]], reasoning=["Hm."] * 3)

    async with open_studio(thinks) as studio:
        _, events = await run(studio, task())
    assert [event.characters for event in of_kind(Thinking, events)] == [3, 6, 9, 3, 6, 9]


# ---- continuing a text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["chat", "base"])
async def test_an_interrupted_section_is_continued(profile: str) -> None:
    stands = own(8)
    for cut in (0, 3, 11, 37):
        text, events, _ = await written(Author(), task(stands[: len(stands) - cut]), profile=profile)
        assert flat(own(80)).startswith(flat(text))
        assert 255 <= count_words(text) <= 345
        started = events[1]
        assert isinstance(started, SectionStarted) and started.resumed
        if not cut:
            assert started.keep == len(stands)


@pytest.mark.parametrize("profile", ["chat", "base"])
@pytest.mark.parametrize(
    "by_hand",
    [
        "My own words, which I typed in a hurry and which have no full st",
        "Row, row, row your boat gently down the stream. " * 8,
        "One sentence. Another.   \n\n",
        own(40),
    ],
)
async def test_text_written_by_hand_is_never_shortened(by_hand: str, profile: str) -> None:
    for author in (Author(), Author(loops=3), Author(pace=0.4, restates=2), Author(heading="markdown")):
        text, events, _ = await written(author, task(by_hand, origin=Origin.USER), profile=profile)
        assert text.startswith(by_hand)
        assert all(event.keep >= len(by_hand) for event in of_kind(TextRolledBack, events))


async def test_a_text_that_is_long_enough_takes_no_call() -> None:
    for origin in (Origin.USER, Origin.MODEL):
        text, events, studio = await written(Author(), task(own(60), origin=origin))
        assert text == own(60)
        assert not studio.server.calls
        assert isinstance(events[-1], SectionFinished)


async def test_a_list_at_the_end_stays() -> None:
    answer = f"{own(40)}\n\nYou need:\n\n- a pot\n- some soil\n- one seed"
    text, _, _ = await written(lambda _: [answer], task(target=460))
    assert text == answer


# ---- what is kept about it --------------------------------------------------------------------------------------


async def test_provenance_matches_the_first_call() -> None:
    _, events, studio = await written(Author(), faults=[Fault.http(500)])
    started = of_kind(SectionStarted, events)[0]
    first = studio.server.calls[0].json
    assert started.provenance.model == "writer"
    assert started.provenance.seed == first["seed"]
    plain = "\n".join(message["content"] for message in first["messages"])
    assert started.provenance.prompt_hash == sha256(plain.encode()).hexdigest()
    assert (started.position, started.total, started.target, started.title) == (1, 2, 300, title_of(1))


async def test_usage_is_what_the_server_reports() -> None:
    _, events, studio = await written(Author(pace=0.4))
    finished = of_kind(SectionFinished, events)[0]
    calls = [seen.json for seen in studio.server.calls]
    assert len(calls) > 1
    assert finished.usage.prompt == sum(len("".join(m["content"] for m in call["messages"])) // 4 for call in calls)


async def test_usage_of_stopped_calls_is_estimated() -> None:
    text, events, studio = await written(Author(pace=3), faults=[Fault.cut(60)])
    usage = of_kind(SectionFinished, events)[0].usage
    assert len(studio.server.calls) == 2
    prompts = sum(len(message["content"]) for seen in studio.server.calls for message in seen.json["messages"])
    assert prompts / 4 <= usage.prompt <= prompts / 2
    assert len(text) / 4 <= usage.completion <= len(text) / 2 + 100


async def test_requests_have_the_profiles_options() -> None:
    _, _, studio = await written(Author(), profile="base")
    body = studio.server.calls[0].json
    assert body["stop"][0] == "\n#" and body["temperature"] == 0.8
    assert "prompt" in body


# ---- any author -------------------------------------------------------------------------------------------------


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    paces=st.lists(st.floats(0.1, 4.0), min_size=1, max_size=5),
    heading=st.sampled_from(["", "markdown", "bold", "title"]),
    restates=st.integers(0, 3),
    target=st.integers(60, 500),
    cuts=st.lists(st.one_of(st.none(), st.integers(0, 150)), max_size=4),
    profile=st.sampled_from(["chat", "base"]),
)
async def test_the_text_is_coherent_whatever_the_author_does(
    paces: list[float], heading: str, restates: int, target: int, cuts: list[int | None], profile: str
) -> None:
    author = Author(pace=lambda _, call: paces[call % len(paces)], heading=heading, restates=restates)
    faults = [None if cut is None else Fault.cut(cut) for cut in cuts]
    text, events, _ = await written(author, task(target=target), profile=profile, faults=faults)
    assert flat(own(120)).startswith(flat(text))
    assert text.endswith(".")
    if profile == "chat":
        assert count_words(text) - target <= max(40, 0.35 * target)  # the nearest end of a paragraph
    else:
        assert count_words(text) - target <= max(16, 0.15 * target)
        assert target - count_words(text) <= max(16, 0.15 * target)
    assert len(of_kind(Retrying, events)) <= len(faults)
