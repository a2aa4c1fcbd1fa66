"""A GGUF's own chat template, rendered so that the text of a message never turns into special tokens.

A template is a program that comes with the model's file. It runs in a process of its own (:mod:`.template_child`:
sandboxed, with bounded memory and time), once for each sequence of roles, and sees placeholders instead of the texts of
the messages. The texts are inserted afterwards, and special tokens such as ``<|im_end|>`` are recognized only outside
them.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil

from lwtui.models.llama_cpp.template_child import MAX_MEMORY
from lwtui.text import clean
from lwtui.translation import _

# White space around a placeholder. Whether the rendered chat still has it tells whether the template strips messages.
_EDGE = "\x0b"
_TIMEOUT_SECONDS = 20.0  # of wall-clock time, enough on a busy machine; the template itself has less CPU time
_WATCH_SECONDS = 0.1  # between two looks at its memory
_CHILD = Path(__file__).with_name("template_child.py")


class TemplateError(Exception):
    """A chat template cannot be used for these messages; ``str`` says why.

    Attributes:
        code: The name of the failure, such as ``timeout``; it stays the same when the message changes.
    """

    def __init__(self, message: str, *, code: str = "template-failed") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class TemplatePart:
    """A part of a rendered prompt. Special tokens count only in a part that came from the template itself."""

    text: str
    from_template: bool


@dataclass(frozen=True)
class _Slot:
    """Where a message goes: its index, and whether the template keeps the white space at its ends."""

    message: int
    keeps_start: bool
    keeps_end: bool


_Layout = list[str | _Slot]  # a rendered chat with slots for the messages


class ChatTemplate:
    """The chat template of a model.

    Args:
        source: The template's source.
        bos: The text of the beginning-of-text token.
        eos: The text of the end-of-text token.

    Raises:
        TemplateError: ``source`` is not a valid template.
    """

    def __init__(self, source: str, bos: str = "", eos: str = "") -> None:
        self._parameters = {"source": source, "bos": bos, "eos": eos}
        self._layouts: dict[tuple[str, ...], _Layout | TemplateError] = {}
        first = self._layout(("user",))
        if isinstance(first, _InvalidTemplate):
            raise TemplateError(str(first), code=first.code)

    def render(self, messages: Sequence[tuple[str, str]]) -> list[TemplatePart]:
        """Render the prompt for ``messages`` (pairs of role and content), up to where the model's answer begins.

        Raises:
            TemplateError: The template cannot be used for these messages.
        """
        layout = self._layout(tuple(role for role, _content in messages))
        if isinstance(layout, TemplateError) and len(messages) >= 2 and messages[0][0] == "system":
            # Some templates take no system message, so its text goes before the user's.
            (_system, system), (role, content), *rest = messages
            messages = [(role, f"{system}\n\n{content}"), *rest]
            layout = self._layout(tuple(role for role, _content in messages))
        if isinstance(layout, TemplateError):
            raise TemplateError(str(layout), code=layout.code)
        return _fill(layout, [content for _role, content in messages])

    def _layout(self, roles: tuple[str, ...]) -> _Layout | TemplateError:
        if roles not in self._layouts:
            try:
                self._layouts[roles] = self._render_layout(roles)
            except TemplateError as error:
                self._layouts[roles] = error
        return self._layouts[roles]

    def _render_layout(self, roles: tuple[str, ...]) -> _Layout:
        placeholders = [f"lwtui{secrets.token_hex(8)}x{index}y" for index in range(len(roles))]
        messages = [
            {"role": role, "content": f"{_EDGE}{placeholder}{_EDGE}"}
            for role, placeholder in zip(roles, placeholders, strict=True)
        ]
        layout = _split(_run(self._parameters | {"messages": messages}), placeholders)
        if len({part.message for part in layout if isinstance(part, _Slot)}) < len(roles):
            raise TemplateError(_("it leaves out a message"), code="message-left-out")
        return layout


class _InvalidTemplate(TemplateError):
    """The source is not a valid template, whatever the messages."""


def _run(parameters: dict[str, object]) -> str:
    """Run the template in its own process and return the rendered chat."""
    command = [sys.executable, "-I", str(_CHILD)]
    try:
        result = json.loads(output_of(command, json.dumps(parameters), _TIMEOUT_SECONDS))
    except subprocess.TimeoutExpired:
        raise TemplateError(_("it runs too long"), code="timeout") from None
    except OSError as error:
        raise TemplateError(_("no process can be started for it ({reason})", reason=error.strerror)) from None
    except ValueError:  # the process was killed at one of its limits
        raise TemplateError(_("it takes too much time or memory")) from None
    if "text" in result:
        return str(result["text"])
    reason = _problem(str(result.get("problem", ""))) or clean(str(result.get("error", "")))
    raise _InvalidTemplate(reason) if result.get("is_invalid") else TemplateError(reason)


def _problem(name: str) -> str:
    """Say what the process names as the problem; empty if that is in the template's own words."""
    match name:
        case "memory":
            return _("it asks for too much memory")
        case "no-jinja2":
            return _("jinja2 is not installed: pip install 'lwtui[local]'")
        case "endless":
            return _("its text does not end")
    return ""


def output_of(command: Sequence[str], text: str, max_seconds: float) -> str:
    """Run a program with ``text`` as its input, and return its output.

    The program is killed once it takes more than :data:`MAX_MEMORY`, for the systems where it cannot limit itself.

    Raises:
        OSError: The program cannot be started.
        subprocess.TimeoutExpired: It took longer than ``max_seconds``, and was killed.
    """
    deadline, rest = monotonic() + max_seconds, text or None
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, encoding="utf-8") as child:
        try:
            while True:
                try:
                    return child.communicate(rest, timeout=_WATCH_SECONDS)[0]
                except subprocess.TimeoutExpired:
                    rest = None  # it is on its way
                    if monotonic() > deadline:
                        raise
                    with suppress(psutil.Error):  # it has just ended
                        if psutil.Process(child.pid).memory_info().rss > MAX_MEMORY:
                            child.kill()
        finally:
            child.kill()


def _split(text: str, placeholders: Sequence[str]) -> _Layout:
    """Split a rendered chat where the messages go."""
    layout: _Layout = []
    while True:
        found = ((text.find(mark), index) for index, mark in enumerate(placeholders) if mark in text)
        at, index = min(found, default=(-1, 0))
        if at < 0:
            return [*layout, text]
        before, after = text[:at], text[at + len(placeholders[index]) :]
        layout += [before.removesuffix(_EDGE), _Slot(index, before.endswith(_EDGE), after.startswith(_EDGE))]
        text = after.removeprefix(_EDGE)


def _fill(layout: _Layout, contents: Sequence[str]) -> list[TemplatePart]:
    """Put the messages into their slots."""
    parts = []
    for part in layout:
        if isinstance(part, str):
            parts.append(TemplatePart(part, True))
            continue
        content = contents[part.message]
        content = content if part.keeps_start else content.lstrip()
        parts.append(TemplatePart(content if part.keeps_end else content.rstrip(), False))
    return [part for part in parts if part.text] or [TemplatePart("", True)]
