"""Turn rows of the usual formats into conversations and preference pairs.

A conversation is a list of ``{"role", "content"}``: an optional system message, then user and assistant in turn, the
assistant last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex

from lwtui.text import clean

Messages = list[dict[str, str]]
Row = dict[str, Any]

_ROLES = {
    "system": ("system", "developer"),
    "user": ("user", "human", "prompter", "instruction"),
    "assistant": ("assistant", "gpt", "chatgpt", "bot", "model", "ai", "chatbot", "bing", "bard"),
    "tool": ("tool", "function", "observation", "ipython", "tool_response", "function_response"),
    "call": ("function_call", "tool_call"),
}
_ROLE = {name: role for role, names in _ROLES.items() for name in names}
_CONVERSATIONS = ("messages", "conversations", "conversation", "dialogue", "chat")
_PROMPTS = ("prompt", "instruction", "question", "query")
_ANSWERS = ("completion", "output", "response", "answer", "chosen_response")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thoughts", "deep_thinking")
_SIDES = {"chosen": ("chosen", "chosen_response"), "rejected": ("rejected", "rejected_response")}
_TRANSCRIPT = regex.compile(r"(?:^|\n\n)(Human|User|Assistant):[ \t]*")


def conversation_of(row: Row) -> Messages:
    """Return the conversation in a row.

    Known are lists of messages (``messages``, ``conversations``, ``conversation``; ``role`` and ``content`` or ``from``
    and ``value``), Alpaca (``instruction``, ``input``, ``output``), prompt and completion, and the rows of AgentWrite's
    published scripts (``prompt``, ``write``). Tool results become part of the user's messages.

    Raises:
        ValueError: The row is in no known format, or has no usable answer.
    """
    for name in _CONVERSATIONS:
        if row.get(name):
            return _finish(_with_system(row, read_messages(row[name], name)))
    if isinstance(row.get("write"), list | str) and row.get("prompt"):
        parts = row["write"] if isinstance(row["write"], list) else [row["write"]]
        return _finish([_message("user", row["prompt"]), _message("assistant", "\n\n".join(map(_text, parts)))])
    prompt = next((row[name] for name in _PROMPTS if row.get(name)), None)
    answer = next((row[name] for name in _ANSWERS if row.get(name)), None)
    if prompt is None and answer is not None and row.get("input"):
        prompt = row["input"]
    elif isinstance(prompt, str) and isinstance(row.get("input"), str) and row["input"].strip():
        prompt = f"{prompt.rstrip()}\n\n{row['input']}"
    if prompt is None:
        known = ", ".join(sorted(row)[:8])
        raise ValueError(f"no known format: it needs 'messages', or a prompt and an answer (it has: {known})")
    if answer is None:
        raise ValueError("there is a prompt, but no answer")
    if isinstance(answer, str):
        answer = _with_thoughts(row, answer)
    history = [
        _message(role, text)
        for pair in row.get("history") or []
        if isinstance(pair, list | tuple) and len(pair) == 2
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    return _finish(_with_system(row, history + _side("user", prompt) + _side("assistant", answer)))


def preference_of(row: Row) -> Row:
    """Return ``{"prompt", "chosen", "rejected"}``, each a list of messages.

    ``chosen`` and ``rejected`` are texts, messages, or whole conversations, which then contain the prompt.

    Raises:
        ValueError: The row is in no known format, or the two answers are the same.
    """
    sides = {}
    for side, names in _SIDES.items():
        value = next((row[name] for name in names if row.get(name)), None)
        if value is None:
            raise ValueError(f"it has no {side!r} answer")
        sides[side] = value
    prompt = next((row[name] for name in (*_PROMPTS, *_CONVERSATIONS) if row.get(name)), None)
    before = _prompt(prompt, row) if prompt is not None else []
    chosen, rejected = (_answer(value, side) for side, value in sides.items())
    shared = _shared(chosen, rejected)
    if shared:
        before, chosen, rejected = _with_system(row, chosen[:shared]), chosen[shared:], rejected[shared:]
    elif not before:
        raise ValueError("it has no prompt, and 'chosen' and 'rejected' do not begin alike")
    for side, messages in (("chosen", chosen), ("rejected", rejected)):
        if len(messages) != 1 or messages[0]["role"] != "assistant":
            raise ValueError(f"{side!r} must end in one answer of the assistant")
        if not messages[0]["content"].strip():
            raise ValueError(f"{side!r} is empty")
    before = _merge(before)
    if not before or before[-1]["role"] != "user":
        raise ValueError("the prompt must end with a message of the user")
    if chosen == rejected:
        raise ValueError("'chosen' and 'rejected' are the same")
    return {"prompt": before, "chosen": chosen, "rejected": rejected}


def read_messages(value: Any, name: str) -> Messages:
    """Return a list of messages with the roles system, user, assistant, tool and call.

    Args:
        value: What the row has.
        name: Its name, for messages of errors.

    Raises:
        ValueError: It is no list of messages.
    """
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name!r} must be a list of messages")
    messages = []
    for at, message in enumerate(value):
        if isinstance(message, str):  # a plain list of turns
            messages.append(_message("assistant" if at % 2 else "user", message))
            continue
        if not isinstance(message, Mapping):
            raise ValueError(f"message {at} must be an object with a role")
        given = message.get("role", message.get("from", message.get("speaker")))
        role = _ROLE.get(given.strip().lower()) if isinstance(given, str) else None
        if role is None:
            raise ValueError(f"message {at} must have a role that lwtui knows, not {given!r}")
        content = message.get("content", message.get("value", message.get("text")))
        if (
            role == "assistant"
            and not _has_text(content)
            and (message.get("tool_calls") or message.get("function_call"))
        ):
            role = "call"
        if role == "assistant" and not _has_text(content) and "tool_calls" in message and at + 1 < len(value):
            role = "call"
        text = "" if role == "call" else _text(content)
        messages.append({"role": role, "content": _with_thoughts(message, text) if role == "assistant" else text})
    return messages


def _finish(messages: Messages) -> Messages:
    """Fold, merge and trim messages to a conversation that can be trained on."""
    merged = _merge(messages)
    while merged and merged[-1]["role"] != "assistant":
        merged.pop()  # a question that was not answered
    if not any(message["role"] == "assistant" for message in merged):
        raise ValueError("there is no answer of the assistant")
    if not any(message["role"] == "user" for message in merged):
        raise ValueError("there is no user message")
    for at, message in enumerate(merged):
        if not message["content"].strip():
            raise ValueError(f"message {at} ({message['role']}) has no text")
    return merged


def _merge(messages: Messages) -> Messages:
    """Join what one side says in a row; drop empty system messages and what comes before the first user message."""
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system" and m["content"].strip())
    merged: Messages = []
    for message in messages:
        role, content = message["role"], message["content"]
        if role in ("system", "call"):
            continue
        if role == "tool":
            role, content = "user", f"[Tool result]\n{content}"
        if not merged and role == "assistant":
            continue
        if merged and merged[-1]["role"] == role:
            both = (merged[-1]["content"], content)
            merged[-1] = {"role": role, "content": "\n\n".join(text for text in both if text.strip())}
        else:
            merged.append({"role": role, "content": content})
    return [{"role": "system", "content": system}, *merged] if system and merged else merged


def _with_system(row: Row, messages: Messages) -> Messages:
    system = row.get("system") or row.get("system_prompt")
    if isinstance(system, str) and system.strip() and all(message["role"] != "system" for message in messages):
        return [_message("system", system), *messages]
    return messages


def _side(role: str, value: Any) -> Messages:
    return read_messages(value, role) if isinstance(value, list) else [_message(role, value)]


def _prompt(value: Any, row: Row) -> Messages:
    if isinstance(value, str) and isinstance(row.get("input"), str) and row["input"].strip():
        value = f"{value.rstrip()}\n\n{row['input']}"
    return _with_system(row, _side("user", value))


def _answer(value: Any, side: str) -> Messages:
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, list):
        return read_messages(value, side)
    text = _text(value)
    marks = list(_TRANSCRIPT.finditer(text))
    if len(marks) < 2 or text[: marks[0].start()].strip():
        return [_message("assistant", text)]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [
        _message("assistant" if mark[1] == "Assistant" else "user", text[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=True)
    ]


def _shared(chosen: Messages, rejected: Messages) -> int:
    """Return how many messages both sides begin with, if these contain the prompt."""
    count = 0
    while count < min(len(chosen), len(rejected)) - 1 and chosen[count] == rejected[count]:
        count += 1
    return count if any(message["role"] == "user" for message in chosen[:count]) else 0


def _message(role: str, value: Any) -> dict[str, str]:
    return {"role": role, "content": _text(value)}


def _text(value: Any) -> str:
    """Return the text of a message's content, which may be a list of parts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, list):
        texts = []
        for part in value:
            text = part if isinstance(part, str) else part.get("text") if isinstance(part, Mapping) else None
            if not isinstance(text, str):
                kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
                raise ValueError(f"a message has a part that is not text ({kind})")
            texts.append(text)
        return clean("".join(texts))
    raise ValueError(f"a message's text is of type {type(value).__name__}")


def _with_thoughts(table: Mapping[str, Any], answer: str) -> str:
    """Put the reasoning that a row keeps apart before its answer, in the tags of reasoning models."""
    thoughts = next((table[name] for name in _THOUGHTS if isinstance(table.get(name), str) and table[name].strip()), "")
    if not thoughts or not answer.strip() or "<think>" in answer:
        return answer
    return f"<think>\n{clean(thoughts).strip()}\n</think>\n\n{answer}"


def _has_text(value: Any) -> bool:
    return bool(_text(value).strip())
