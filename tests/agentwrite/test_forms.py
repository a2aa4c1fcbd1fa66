"""The two ways to ask: everything a model needs is in the prompt, the same first, and values change nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lwtui.agentwrite.forms import ChatForm, CompletionForm, Form, Rejected, Task, form_for, unit
from lwtui.agentwrite.plan_format import Bounds
from lwtui.agentwrite.prompts import PromptBook
from lwtui.documents.model import Brief
from lwtui.models.base import Capabilities
from lwtui.models.profiles import PROFILES
from tests.support.author import title_of
from tests.support.studio import plan_of

BRIEF = Brief("Write about things.\nMind the $price.", 900)
PLAN = plan_of(300, 300, 300)
CAN = Capabilities(8192)


def form(profile: str = "chat") -> Form:
    kind = PROFILES[profile]
    return form_for(kind, PromptBook(kind.form))


def chat() -> ChatForm:
    made = form("chat")
    assert isinstance(made, ChatForm)
    return made


def base() -> CompletionForm:
    made = form("base")
    assert isinstance(made, CompletionForm)
    return made


def task(number: int = 2, **more: Any) -> Task:
    return Task(BRIEF, PLAN, number, 300, **more)


def test_the_profile_decides() -> None:
    assert isinstance(form("chat"), ChatForm)
    assert isinstance(form("longwriter-glm4"), ChatForm)
    assert isinstance(form("base"), CompletionForm)


@pytest.mark.parametrize(("language", "counted"), [("en", "words"), ("zh", "characters"), ("ja-JP", "characters")])
def test_the_unit_is_the_languages(language: str, counted: str) -> None:
    assert unit(replace(BRIEF, language=language)) == counted
    assert f"about 300 {counted}" in form().section(
        Task(replace(BRIEF, language=language), PLAN, 1, 300)
    ).plain()  # fmt: skip


@pytest.mark.parametrize("profile", ["chat", "base"])
def test_a_section_is_asked_for_with_all_that_it_builds_on(profile: str) -> None:
    written = form(profile).earlier(title_of(1), "what part 1 is about", "The first text.")
    text = form(profile).section(task(written=written)).plain()
    for part in (BRIEF.instruction, title_of(1), title_of(2), title_of(3), "The first text.", "what part 2 is about"):
        assert part in text
    assert text.index(BRIEF.instruction) < text.index(title_of(3)) < text.index("The first text.")


@pytest.mark.parametrize("profile", ["chat", "base"])
def test_control_characters_of_an_instruction_are_not_passed_on(profile: str) -> None:
    brief = replace(BRIEF, instruction="  Write \x1b[31mred\x07 things.\r\n")
    text = form(profile).section(Task(brief, PLAN, 1, 300)).plain()
    assert "Write red things." in text
    assert not any(ord(character) < 32 and character != "\n" for character in text)


def test_a_chat_is_a_system_message_and_turns() -> None:
    prompt = chat().section(task())
    assert [message.role for message in prompt.messages] == ["system", "user"]
    assert "in English" in prompt.messages[0].content
    request = chat().plan(BRIEF, Bounds.of(900, 120), CAN, Rejected("raw", ("one", "two")))
    assert [message.role for message in request.prompt.messages] == ["system", "user", "assistant", "user"]
    assert "- one\n- two" in request.prompt.messages[3].content


def test_a_checkpoints_own_shape_wraps_all_turns() -> None:
    prompt = form("longwriter-llama3.1").section(task(direct=True))
    assert prompt.text.startswith("[INST]Write about things.") and prompt.text.endswith("[/INST]")
    assert not prompt.is_chat


def test_going_on_begins_as_the_first_call_did() -> None:
    first = chat().section(task(written="## One\n\nText.")).plain()
    more = chat().section(task(written="## One\n\nText.", partial="Half a ")).plain()
    shared = first[: first.index("</written>")].rstrip()
    assert more.startswith(shared)
    assert "Half a" in more and "has been begun" in more
    base_first = base().section(task(written="## One\n\nText.")).text
    base_more = base().section(task(written="## One\n\nText.", partial="Half a ")).text
    assert base_more == f"{base_first}Half a"


def test_only_the_last_section_may_conclude() -> None:
    closing = "bring the document to its end"
    for more in ({}, {"parallel": True}, {"partial": "Half a"}):
        assert closing not in chat().section(task(2, **more)).plain()
        assert closing in chat().section(task(3, **more)).plain()


def test_direct_mode_shows_no_plan() -> None:
    for more in ({}, {"partial": "Half a text."}):
        text = chat().section(task(1, direct=True, **more)).plain()
        assert title_of(1) not in text and BRIEF.instruction in text
        assert ("Half a text." in text) == bool(more)
    assert base().section(task(1, direct=True)).text.startswith("# A Plan\n")


def test_notes_are_asked_for_where_a_model_follows_instructions() -> None:
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
def test_a_chat_model_goes_on_from_a_sentences_beginning(text: str, kept: str) -> None:
    assert text[: chat().resume_at(text)] == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [("One. Two thr", "One. Two"), ("One. Two ", "One. Two "), ("One.", "One."), ("well-kno", ""), ("雨下", "雨下")],
)
def test_a_base_model_goes_on_from_a_whole_word(text: str, kept: str) -> None:
    assert text[: base().resume_at(text)] == kept


def test_a_line_of_a_plan_is_the_rest_of_an_outline() -> None:
    request = base().plan_line(BRIEF, "Title: Things\n1.", ("\n",))
    assert request.prompt.text.endswith("Title: Things\n1.")
    assert BRIEF.instruction in request.prompt.text
    assert request.stop == ("\n",)
