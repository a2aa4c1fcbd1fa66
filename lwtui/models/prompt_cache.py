"""Marks how much of a prompt a service should keep in its prompt cache, where that has to be said.

Anthropic's models (and Gemini behind OpenRouter) cache the blocks of a prompt up to a mark, and find them again if the
blocks are the same. Prompts of lwtui grow at their end, so they are divided from the beginning on, always alike.
"""

from __future__ import annotations

import re
from typing import Any

from lwtui.addresses import host_of_address

_BLOCK = 6000  # characters; a service looks back over some 20 blocks for one that it knows
_LEAST = 4096  # characters of a prompt that can be cached: about 1,024 tokens
_BREAK = re.compile(r"\n\n+")
_MARK = {"type": "ephemeral"}
_TAKES_MARKS = re.compile(r"^~?(anthropic|google)/|claude|gemini", re.IGNORECASE)


def takes_cache_marks(base_url: str, model: str) -> bool:
    """Whether the model behind an OpenAI-compatible endpoint is known to take marks of a prompt cache."""
    return host_of_address(base_url).endswith("openrouter.ai") and _TAKES_MARKS.search(model) is not None


def stable_blocks(text: str) -> list[str]:
    """Divide a text into blocks that end with a paragraph; a text that goes on has the same first blocks."""
    blocks, start = [], 0
    for match in _BREAK.finditer(text):
        if match.end() - start >= _BLOCK:
            blocks.append(text[start : match.end()])
            start = match.end()
    return [*blocks, text[start:]] if start < len(text) else blocks


def marked_content(text: str) -> list[dict[str, Any]]:
    """Return ``text`` as content blocks, with a mark at the end of what the next prompt is likely to share."""
    blocks = stable_blocks(text)
    content: list[dict[str, Any]] = [{"type": "text", "text": block} for block in blocks]
    if len(text) >= _LEAST and len(blocks) > 1:
        content[-2]["cache_control"] = _MARK
    return content
