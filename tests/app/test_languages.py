"""The names of languages on the screen."""

from __future__ import annotations

import pytest

from lwtui.agentwrite.prompt_templates import LANGUAGES
from lwtui.app.languages import NAMES, shown_language


def test_the_screen_names_the_languages_of_the_prompts() -> None:
    assert NAMES == LANGUAGES  # the tests read English


@pytest.mark.parametrize(
    ("tag", "name"), [("zh", "Chinese"), ("zh-TW", "Chinese"), ("DE-at", "German"), ("tlh", "tlh")]
)
def test_a_tag_is_shown_by_its_language(tag: str, name: str) -> None:
    assert shown_language(tag) == name
