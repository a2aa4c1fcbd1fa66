"""A GGUF's own chat template, and how it becomes tokens without the text of a message ever becoming a mark.

A template is a program that came with the model's file. It runs elsewhere (:mod:`.template_child`: sandboxed, with
bounded memory and time), and once for each shape of a chat: what it is shown of the messages is their roles, and
stand-ins for their texts. What a person or a model wrote is data: it is put in only afterwards, and marks such as
``<|im_end|>`` are recognised outside it alone.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lwtui.text import clean

# White space around a stand-in: what is left of it after the template has run tells whether the template strips.
_EDGE = "\x0b"
_SECONDS = 20.0  # by the clock, on a machine that is busy; the template itself has fewer
_CHILD = Path(__file__).with_name("template_child.py")


class TemplateError(Exception):
    """A chat template cannot be used for these messages; says why."""


@dataclass(frozen=True)
class TemplatePart:
    """A stretch of a rendered prompt; marks count only where it came from the template itself."""

    text: str
    from_template: bool


@dataclass(frozen=True)
class _Gap:
    """Where a message goes: its number, and whether the template keeps the white space at its ends."""

    message: int
    keeps_start: bool
    keeps_end: bool


_Shape = list[str | _Gap]  # a rendered chat, with gaps for the messages


class ChatTemplate:
    """The template ``source`` of a model whose texts begin with ``bos`` and end with ``eos``."""

    def __init__(self, source: str, bos: str = "", eos: str = "") -> None:
        """Raises :class:`TemplateError` if it is not a template."""
        self._given = {"source": source, "bos": bos, "eos": eos}
        self._shapes: dict[tuple[str, ...], _Shape | TemplateError] = {}
        first = self._shape(("user",))
        if isinstance(first, _Broken):
            raise TemplateError(str(first))

    def render(self, messages: Sequence[tuple[str, str]]) -> list[TemplatePart]:
        """The prompt for ``messages`` (role, content), ready for the model's answer. Raises :class:`TemplateError`."""
        shape = self._shape(tuple(role for role, _ in messages))
        if isinstance(shape, TemplateError) and len(messages) >= 2 and messages[0][0] == "system":
            # Some templates know no system message: it goes before what the person said.
            (_, system), (role, content), *rest = messages
            messages = [(role, f"{system}\n\n{content}"), *rest]
            shape = self._shape(tuple(role for role, _ in messages))
        if isinstance(shape, TemplateError):
            raise TemplateError(str(shape))
        return _filled(shape, [content for _, content in messages])

    def _shape(self, roles: tuple[str, ...]) -> _Shape | TemplateError:
        if roles not in self._shapes:
            try:
                self._shapes[roles] = self._rendered(roles)
            except TemplateError as error:
                self._shapes[roles] = error
        return self._shapes[roles]

    def _rendered(self, roles: tuple[str, ...]) -> _Shape:
        stand_ins = [f"lwtui{secrets.token_hex(8)}x{number}y" for number in range(len(roles))]
        messages = [
            {"role": role, "content": f"{_EDGE}{stand_in}{_EDGE}"}
            for role, stand_in in zip(roles, stand_ins, strict=True)
        ]
        shape = _with_gaps(_run(self._given | {"messages": messages}), stand_ins)
        if len({part.message for part in shape if isinstance(part, _Gap)}) < len(roles):
            raise TemplateError("it leaves a message out")
        return shape


class _Broken(TemplateError):
    """It is no template, whatever the messages."""


def _run(asked: dict[str, object]) -> str:
    """What the template makes of its messages."""
    command = [sys.executable, "-I", str(_CHILD)]
    try:
        ended = subprocess.run(
            command, input=json.dumps(asked), capture_output=True, encoding="utf-8", timeout=_SECONDS, check=False
        )
        answer = json.loads(ended.stdout)
    except subprocess.TimeoutExpired:
        raise TemplateError("it does not come to an end") from None
    except OSError as error:
        raise TemplateError(f"no process can be started for it ({error.strerror})") from None
    except ValueError:  # it was ended for what it took
        raise TemplateError("it takes too much time or memory") from None
    if "text" in answer:
        return str(answer["text"])
    why = clean(str(answer.get("error", "")))
    raise _Broken(why) if answer.get("broken") else TemplateError(why)


def _with_gaps(text: str, stand_ins: Sequence[str]) -> _Shape:
    """``text`` cut where the messages go."""
    shape: _Shape = []
    while True:
        at, number = min(((text.find(one), n) for n, one in enumerate(stand_ins) if one in text), default=(-1, 0))
        if at < 0:
            return [*shape, text]
        before, after = text[:at], text[at + len(stand_ins[number]) :]
        shape += [before.removesuffix(_EDGE), _Gap(number, before.endswith(_EDGE), after.startswith(_EDGE))]
        text = after.removeprefix(_EDGE)


def _filled(shape: _Shape, contents: Sequence[str]) -> list[TemplatePart]:
    parts = []
    for one in shape:
        if isinstance(one, str):
            parts.append(TemplatePart(one, True))
            continue
        content = contents[one.message]
        content = content if one.keeps_start else content.lstrip()
        parts.append(TemplatePart(content if one.keeps_end else content.rstrip(), False))
    return [part for part in parts if part.text] or [TemplatePart("", True)]
