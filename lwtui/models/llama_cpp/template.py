"""A GGUF's own chat template, and how it becomes tokens without the text of a message ever becoming a mark.

A template is a program that came with the model's file: it runs in jinja2's sandbox. What a person or a model wrote is
data: it is put in only after the template has run, and marks such as ``<|im_end|>`` are recognised outside it alone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import jinja2
import jinja2.ext
import jinja2.sandbox

# White space around a stand-in: what is left of it after the template has run tells whether the template strips.
_EDGE = "\x0b"


class TemplateError(Exception):
    """A chat template cannot be used for these messages; says why."""


@dataclass(frozen=True)
class Part:
    """A stretch of a rendered prompt; marks count only where it came from the template itself."""

    text: str
    from_template: bool


class _Generation(jinja2.ext.Extension):
    """``{% generation %}`` marks what a training run learns from; here its content is only passed through."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own shape

    def parse(self, parser: Any) -> Any:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatTemplate:
    """The template ``source`` of a model whose texts begin with ``bos`` and end with ``eos``."""

    def __init__(self, source: str, bos: str = "", eos: str = "") -> None:
        """Raises :class:`TemplateError` if it is not a template."""
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
        )
        environment.globals |= {"raise_exception": _refuse, "strftime_now": _now, "bos_token": bos, "eos_token": eos}
        environment.filters["tojson"] = _to_json
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise TemplateError(_one_line(error)) from None

    def render(self, messages: Sequence[tuple[str, str]]) -> list[Part]:
        """The prompt for ``messages`` (role, content), ready for the model's answer. Raises :class:`TemplateError`."""
        try:
            return self._parts(messages)
        except TemplateError:
            if len(messages) < 2 or messages[0][0] != "system":
                raise
        # Some templates know no system message: it goes before what the person said.
        (_, system), (role, content), *rest = messages
        return self._parts([(role, f"{system}\n\n{content}"), *rest])

    def _parts(self, messages: Sequence[tuple[str, str]]) -> list[Part]:
        # Nobody can write these beforehand, so no message can pass itself off as another's place.
        stand_ins = [f"lwtui{secrets.token_hex(8)}x{number}y" for number in range(len(messages))]
        shown = [
            {"role": role, "content": f"{_EDGE}{stand_in}{_EDGE}"}
            for (role, _), stand_in in zip(messages, stand_ins, strict=True)
        ]
        try:
            text = self._template.render(messages=shown, add_generation_prompt=True)
        except jinja2.TemplateError as error:
            raise TemplateError(_one_line(error)) from None
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError, AttributeError) as error:
            raise TemplateError(_one_line(error)) from None
        return _filled(text, dict(zip(stand_ins, (content for _, content in messages), strict=True)))


def _filled(text: str, contents: dict[str, str]) -> list[Part]:
    """``text`` with each stand-in replaced by its content, cut into parts by where they came from."""
    parts: list[Part] = []
    missing = set(contents)
    while text:
        at, stand_in = min(((text.find(one), one) for one in contents if one in text), default=(len(text), ""))
        before, after = text[:at], text[at + len(stand_in) :]
        if not stand_in:
            parts.append(Part(before, True))
            break
        content = contents[stand_in]
        content = content if before.endswith(_EDGE) else content.lstrip()
        content = content if after.startswith(_EDGE) else content.rstrip()
        parts += [Part(before.removesuffix(_EDGE), True), Part(content, False)]
        missing.discard(stand_in)
        text = after.removeprefix(_EDGE)
    if missing:
        raise TemplateError("it leaves a message out")
    return [part for part in parts if part.text] or [Part("", True)]


def _refuse(message: object) -> NoReturn:
    raise jinja2.TemplateError(str(message))


def _now(form: str) -> str:
    return datetime.now().strftime(form)


def _to_json(value: object, ensure_ascii: bool = False, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
