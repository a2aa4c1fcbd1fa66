"""Prompts are files that users may replace. lwtui never writes to their files, and a mistake is one clear line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.prompt_templates import LANGUAGES, PromptTemplates, builtin_prompts, language_name
from lwtui.documents.model import Brief
from lwtui.errors import ConfigError
from lwtui.models.base import ModelError
from tests.support.author import Author
from tests.support.studio import open_studio, plan_of

BRIEF = Brief("Write about things", 300)
NAMES = sorted((folder.name, file.name) for folder in builtin_prompts().iterdir() for file in folder.iterdir())


def own(folder: Path, name: str, text: str | bytes) -> PromptTemplates:
    path = folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return PromptTemplates(name.split("/")[0], folder)


def test_the_built_in_prompts_are_installed() -> None:
    assert {folder for folder, _ in NAMES} == {"chat", "completion"}
    assert ("chat", "section.md") in NAMES and ("completion", "section.md") in NAMES


@pytest.mark.parametrize(("folder", "name"), NAMES)
def test_the_placeholders_of_built_in_prompts_are_known(folder: str, name: str) -> None:
    text = (builtin_prompts() / folder / name).read_text(encoding="utf-8")
    names = set(re.findall(r"\$(\w+)", text))
    filled = PromptTemplates(folder).render(name.removesuffix(".md"), **{value: f"<{value}>" for value in names})
    assert "$" not in filled
    assert all(f"<{value}>" in filled for value in names)


def test_a_users_own_file_replaces_the_built_in_prompt(tmp_path: Path) -> None:
    templates = own(tmp_path, "chat/section", "My way: $words words.\n\n")
    assert templates.render("section", words=300) == "My way: 300 words."
    # Other prompts, and those for the other kind of model, are unchanged.
    assert templates.render("system", language="German") == PromptTemplates("chat").render("system", language="German")
    assert PromptTemplates("completion", tmp_path).render("plan", instruction="x", outline="y").endswith("x\ny")


def test_a_missing_folder_changes_nothing(tmp_path: Path) -> None:
    assert PromptTemplates("chat", tmp_path / "nowhere").render("more_follows") == PromptTemplates("chat").render(
        "more_follows"
    )


def test_nothing_is_written_to_the_users_folder(tmp_path: Path) -> None:
    PromptTemplates("chat", tmp_path).render("more_follows")
    assert list(tmp_path.iterdir()) == []


@given(st.text())
def test_values_are_inserted_literally(value: str) -> None:
    templates = PromptTemplates("chat")
    assert value in templates.render("summary", text=value, words=80, unit="words", language="English")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Write $wrods words.", r"uses \$wrods; it may use: language, words"),
        ("It costs $ 5.", r"Invalid placeholder in string: line 1, col 10. Write \$\$ for a dollar sign"),
        ("${words", "Invalid placeholder"),
        (b"\xff\xfe\x00", "Cannot read your prompt"),
    ],
)
def test_a_mistake_in_a_users_file_is_one_clear_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    templates = own(tmp_path, "chat/section", text)
    with pytest.raises(ConfigError, match=message) as caught:
        templates.render("section", words=300, language="English")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "chat" / "section.md") in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_folder_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "chat" / "section.md").mkdir(parents=True)
    with pytest.raises(ConfigError, match="Cannot read your prompt"):
        PromptTemplates("chat", tmp_path).render("section")


def test_dollars_byte_order_marks_and_line_ends_are_handled(tmp_path: Path) -> None:
    templates = own(tmp_path, "chat/section", b"\xef\xbb\xbfIt costs $$5.\r\nWrite ${words}s.\r\n")
    assert templates.render("section", words=3) == "It costs $5.\nWrite 3s."


async def test_a_users_own_prompt_reaches_the_model(tmp_path: Path) -> None:
    text = "Now write section $number of $total, about $words $unit, for $instruction. $written. In rhyme, please."
    async with open_studio(Author(), prompts=own(tmp_path, "chat/section", text)) as studio:
        await studio.write(BRIEF, plan_of(150, 150))
    first, second = studio.prompts
    assert "In rhyme" not in first
    assert second.startswith("Now write section 2 of 2, about 1") and "words, for Write about things." in second
    assert second.endswith("In rhyme, please.")


async def test_a_bad_prompt_is_an_error_before_any_call(tmp_path: Path) -> None:
    async with open_studio(Author(), prompts=own(tmp_path, "chat/first_section", "$nothing")) as studio:
        with pytest.raises(
            ConfigError, match=r"uses \$nothing; it may use: closing, instruction, language, main_point"
        ):
            await studio.write(BRIEF, plan_of(300))
    assert not studio.server.calls
    assert not issubclass(ConfigError, ModelError)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("en", "English"),
        ("zh-TW", "Chinese"),
        ("DE-at", "German"),
        ("xx", "xx"),
        ("und", "the language of the instruction"),
    ],
)
def test_languages_have_names(tag: str, name: str) -> None:
    assert language_name(tag) == name


def test_all_language_tags_are_short() -> None:
    assert all(len(tag) in (2, 3) and tag.islower() for tag in LANGUAGES)
