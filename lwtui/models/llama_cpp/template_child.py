"""Renders one chat template in a process of its own, which may use only so much memory and time.

A template is a program from a file of unknown origin. jinja2's sandbox keeps it from everything outside of it, but not
from loops and texts without end. This file is run by its path, reads a JSON object from its standard input and writes
one to its standard output: ``{"text"}``, or ``{"error", "broken"}``, where ``broken`` means that it is no template.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from datetime import datetime
from typing import Any, NoReturn

_MEMORY = 2**29  # bytes, of which Python itself takes some 40 million
_SECONDS = 5  # of computing
_MOST_TEXT = 2**20  # characters


def main() -> None:
    asked = json.load(sys.stdin)
    for what, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS)):
        with contextlib.suppress(ValueError, OSError):  # not every system knows each of them; the caller has a clock
            resource.setrlimit(what, (most, most))
    try:
        answer = _rendered(asked)
    except MemoryError:
        answer = {"error": "it asks for too much memory"}
    json.dump(answer, sys.stdout)


def _rendered(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        import jinja2
    except ImportError:
        return {"error": "jinja2 is not installed: pip install 'lwtui[local]'", "broken": True}
    compiled = False
    try:
        template = _environment(asked["bos"], asked["eos"]).from_string(asked["source"])
        compiled = True
        # As elsewhere, a chat without tools has none, which is not the same as not saying.
        pieces = template.generate(messages=asked["messages"], add_generation_prompt=True, tools=None, documents=None)
        text, length = [], 0
        for piece in pieces:
            text.append(piece)
            length += len(piece)
            if length > _MOST_TEXT:
                return {"error": "it makes a text without end"}
        return {"text": "".join(text)}
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        return {"error": _one_line(error), "broken": not compiled}
    except (RecursionError, AttributeError, SyntaxError) as error:
        return {"error": _one_line(error), "broken": not compiled}


def _environment(bos: str, eos: str) -> Any:
    import jinja2
    import jinja2.ext
    import jinja2.sandbox

    class GenerationTag(jinja2.ext.Extension):
        """``{% generation %}`` marks what a training run learns from; here its content is only passed through."""

        tags = {"generation"}  # noqa: RUF012 - jinja2's own shape

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, jinja2.ext.loopcontrols]
    )
    environment.globals |= {"raise_exception": _refuse, "strftime_now": _now, "bos_token": bos, "eos_token": eos}
    environment.filters["tojson"] = _to_json
    return environment


def _refuse(message: object) -> NoReturn:
    import jinja2

    raise jinja2.TemplateError(str(message))


def _now(form: str) -> str:
    return datetime.now().strftime(form)


def _to_json(value: object, ensure_ascii: bool = False, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


if __name__ == "__main__":
    main()
