"""Prompts for chat and base models: all that the model needs, with a stable prefix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lwtui.agentwrite.plan_format import Bounds
from lwtui.agentwrite.prompt_builder import (
    ChatPromptBuilder,
    CompletionPromptBuilder,
    PromptBuilder,
    RejectedPlan,
    builder_for,
    unit,
)
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.documents.model import Brief, Mode, Section, Status
from lwtui.models.base import Capabilities, Prompt
from lwtui.models.profiles import PROFILES
from tests.support.author import title_of
from tests.support.studio import plan_of

BRIEF = Brief("Write about things.\nMind the $price.", 900)
PLAN = plan_of(300, 300, 300)
CAN = Capabilities(8192)


def builder(profile: str = "chat") -> PromptBuilder:
    kind = PROFILES[profile]
    return builder_for(kind, PromptTemplates(kind.form))


def chat() -> ChatPromptBuilder:
    made = builder("chat")
    assert isinstance(made, ChatPromptBuilder)
    return made


def base() -> CompletionPromptBuilder:
    made = builder("base")
    assert isinstance(made, CompletionPromptBuilder)
    return made


def prompt(profile: str, number: int = 2, brief: Brief = BRIEF, mode: Mode = Mode.AGENTWRITE, **shown: Any) -> Prompt:
    """Return the prompt for 300 words of section ``number``; ``shown`` are further fields of :class:`SectionView`."""
    step = PLAN.sections[number - 1]
    section = Section(step.id, step.title, step.main_point, step.words, Status.EMPTY, "", 0)
    task = SectionTask(replace(brief, mode=mode), PLAN, section, number, 300)
    return builder(profile).section(task, SectionView(300, **shown))


def test_the_profile_decides_which_builder_is_used() -> None:
    assert isinstance(builder("chat"), ChatPromptBuilder)
    assert isinstance(builder("longwriter-glm4"), ChatPromptBuilder)
    assert isinstance(builder("base"), CompletionPromptBuilder)


@pytest.mark.parametrize(("language", "counted"), [("en", "words"), ("zh", "characters"), ("ja-JP", "characters")])
def test_the_unit_follows_from_the_language(language: str, counted: str) -> None:
    assert unit(replace(BRIEF, language=language)) == counted
    assert f"about 300 {counted}" in prompt("chat", 1, replace(BRIEF, language=language)).plain()


@pytest.mark.parametrize("profile", ["chat", "base"])
def test_a_sections_prompt_has_instruction_plan_and_earlier_text(profile: str) -> None:
    earlier = builder(profile).earlier(title_of(1), "what part 1 is about", "The first text.")
    text = prompt(profile, earlier=earlier).plain()
    for part in (BRIEF.instruction, title_of(1), title_of(2), title_of(3), "The first text.", "what part 2 is about"):
        assert part in text
    assert text.index(BRIEF.instruction) < text.index(title_of(3)) < text.index("The first text.")


@pytest.mark.parametrize("profile", ["chat", "base"])
def test_control_characters_in_an_instruction_are_removed(profile: str) -> None:
    brief = replace(BRIEF, instruction="  Write \x1b[31mred\x07 things.\r\n")
    text = prompt(profile, 1, brief).plain()
    assert "Write red things." in text
    assert not any(ord(character) < 32 and character != "\n" for character in text)


def test_a_chat_prompt_is_a_system_message_and_turns() -> None:
    messages = prompt("chat", earlier="## One\n\nText.").messages
    assert [message.role for message in messages] == ["system", "user"]
    assert "in English" in messages[0].content
    request = chat().plan(BRIEF, Bounds.of(900, 120), CAN, RejectedPlan("raw", ("one", "two")))
    assert [message.role for message in request.prompt.messages] == ["system", "user", "assistant", "user"]
    assert "- one\n- two" in request.prompt.messages[3].content


def test_a_checkpoints_raw_format_wraps_all_turns() -> None:
    raw = prompt("longwriter-llama3.1", mode=Mode.DIRECT)
    assert raw.text.startswith("[INST]Write about things.") and raw.text.endswith("[/INST]")
    assert not raw.is_chat


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_section_gets_an_example_of_prose(language: str) -> None:
    brief = replace(BRIEF, language=language)
    assert [message.role for message in prompt("chat", brief=brief).messages] == ["system", "user", "assistant", "user"]
    for other in (replace(brief, instruction="Write a tutorial on knots."), replace(brief, language="sw")):
        assert len(prompt("chat", brief=other).messages) == 2


def test_a_prompt_to_continue_has_the_same_prefix_as_the_first_one() -> None:
    first = prompt("chat", earlier="## One\n\nText.").plain()
    more = prompt("chat", earlier="## One\n\nText.", text="Half a ").plain()
    shared = first[: first.index("Text.") + len("Text.")]
    assert more.startswith(shared)
    assert "Half a" in more and "Go on from the exact point" in more
    base_first = prompt("base", earlier="## One\n\nText.").text
    base_more = prompt("base", earlier="## One\n\nText.", text="Half a ").text
    assert base_more == f"{base_first}Half a"


def test_a_base_models_prompt_has_no_instruction_before_the_text_and_no_plan_format() -> None:
    for shown in ({}, {"earlier": "## One\n\nText."}, {"earlier": "## One\n\nText.", "text": "Half a "}):
        text = prompt("chat", **shown).plain()
        assert "Word Count" not in text and "Main Point" not in text and "Paragraph 1" not in text


def test_only_the_last_section_may_conclude() -> None:
    closing = "bring the text to its end"
    ways: list[dict[str, Any]] = [{}, {"mode": Mode.PARALLEL}, {"text": "Half a"}]
    for more in ways:
        assert closing not in prompt("chat", 2, **more).plain()
        assert closing in prompt("chat", 3, **more).plain()


def test_direct_mode_shows_no_plan() -> None:
    for partial in ("", "Half a text."):
        text = prompt("chat", 1, mode=Mode.DIRECT, text=partial).plain()
        assert title_of(1) not in text and BRIEF.instruction in text
        assert ("Half a text." in text) == bool(partial)
    assert prompt("base", 1, mode=Mode.DIRECT).text.startswith("# A Plan\n")


def test_only_chat_models_are_asked_for_summaries() -> None:
    request = chat().summary("The text of a section.", BRIEF)
    assert request is not None
    assert "The text of a section." in request.prompt.plain()
    assert base().summary("The text.", BRIEF) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("One. Two. Thr", "One. Two. "),
        ("One. Two.", "One. Two."),
        ("One. Two.\n\n", "One. Two.\n\n"),
        ("No end of any sente", "No end of any"),
        ("", ""),
        ("雨下了。后来", "雨下了。"),
        ("雨下了后来", "雨下了后来"),
        ("One. " + "word " * 100 + "wor", "One. " + ("word " * 100).rstrip()),
    ],
)
def test_a_chat_model_continues_from_the_start_of_a_sentence(text: str, kept: str) -> None:
    assert text[: chat().resume_at(text)] == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [("One. Two thr", "One. Two"), ("One. Two ", "One. Two "), ("One.", "One."), ("well-kno", ""), ("雨下", "雨下")],
)
def test_a_base_model_continues_from_a_whole_word(text: str, kept: str) -> None:
    assert text[: base().resume_at(text)] == kept


def test_a_request_for_a_line_continues_the_outline() -> None:
    request = base().plan_line(BRIEF, "Title: Things\n1.", ("\n",))
    assert request.prompt.text.endswith("Title: Things\n1.")
    assert BRIEF.instruction in request.prompt.text
    assert request.stop == ("\n",)
