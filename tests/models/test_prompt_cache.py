"""Marks of a prompt cache: where they are sent, and that a text which goes on keeps its blocks."""

from __future__ import annotations

import pytest

from lwtui.config import ModelSettings
from lwtui.models.base import Message, Prompt, Request
from lwtui.models.openai_api import OpenAIModel
from lwtui.models.prompt_cache import marked_content, stable_blocks, takes_cache_marks

TEXT = "\n\n".join(f"Paragraph {number}. " + "word " * 120 for number in range(40))


@pytest.mark.parametrize(
    ("base_url", "model", "takes"),
    [
        ("https://openrouter.ai/api/v1", "anthropic/claude-sonnet-4.5", True),
        ("https://openrouter.ai/api/v1", "google/gemini-2.5-pro", True),
        ("https://openrouter.ai/api/v1", "openai/gpt-5", False),
        ("https://openrouter.ai.example.org/v1", "anthropic/claude-sonnet-4.5", False),
        ("https://api.openai.com/v1", "claude", False),
    ],
)
async def test_only_a_service_that_takes_marks_gets_them(base_url: str, model: str, takes: bool) -> None:
    assert takes_cache_marks(base_url, model) is takes
    opened = OpenAIModel(ModelSettings("m", model=model, base_url=base_url), "")
    prompt = Prompt(messages=(Message("system", "Be brief."), Message("user", TEXT)))
    content = opened._body(Request(prompt, 50))["messages"][1]["content"]
    await opened.aclose()
    if not takes:
        assert content == TEXT
        return
    assert "".join(block["text"] for block in content) == TEXT
    assert [index for index, block in enumerate(content) if "cache_control" in block] == [len(content) - 2]


@pytest.mark.parametrize("length", [0, 1, 5000, 7000, 20_000, len(TEXT)])
def test_a_text_that_goes_on_keeps_its_blocks(length: int) -> None:
    shorter = stable_blocks(TEXT[:length])
    assert "".join(shorter) == TEXT[:length]
    assert stable_blocks(TEXT)[: len(shorter[:-1])] == shorter[:-1]


def test_a_short_prompt_is_not_marked() -> None:
    assert marked_content("Write a line.") == [{"type": "text", "text": "Write a line."}]
