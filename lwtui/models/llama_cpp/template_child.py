"""Renders one chat template in a process of its own, with bounded memory and time.

A template is a program from a file of unknown origin. jinja2's sandbox denies it everything outside, but does not stop
endless loops or texts. This file is run by its path. It reads a JSON object from its standard input and writes one to
its standard output: ``{"text"}``, or ``{"error", "is_invalid"}``, where ``is_invalid`` means that the source is not a
template at all. In place of ``error``, ``problem`` is the name of one that is not the template's own words.
"""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import datetime
from typing import Any, NoReturn

MAX_MEMORY = 2**29  # bytes, of which Python itself takes about 40 million
_MAX_SECONDS = 5  # of CPU time
_MAX_TEXT = 2**20  # characters


def main() -> None:
    """Render the template that standard input describes."""
    parameters = json.load(sys.stdin)
    _limit_resources()
    try:
        result = _render(parameters)
    except MemoryError:
        result = {"problem": "memory"}
    json.dump(result, sys.stdout)


def _limit_resources() -> None:
    """Limit this process. Windows has no such limits; there, the caller watches its memory."""
    try:
        import resource
    except ImportError:
        return
    for limit, maximum in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_CPU, _MAX_SECONDS)):
        with contextlib.suppress(ValueError, OSError):  # not every system has both limits; the caller has a timeout
            resource.setrlimit(limit, (maximum, maximum))


def _render(parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        import jinja2
    except ImportError:
        return {"problem": "no-jinja2", "is_invalid": True}
    compiled = False
    try:
        template = _environment(parameters["bos"], parameters["eos"]).from_string(parameters["source"])
        compiled = True
        # Like other programs, pass None for tools: templates distinguish that from an undefined variable. Models that
        # think only if they are asked to (such as Qwen3) answer at once: each section would cost a multiple otherwise.
        pieces = template.generate(
            messages=parameters["messages"],
            add_generation_prompt=True,
            tools=None,
            documents=None,
            enable_thinking=False,
        )
        text, length = [], 0
        for piece in pieces:
            text.append(piece)
            length += len(piece)
            if length > _MAX_TEXT:
                return {"problem": "endless"}
        return {"text": "".join(text)}
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        return {"error": _one_line(error), "is_invalid": not compiled}
    except (RecursionError, AttributeError, SyntaxError) as error:
        return {"error": _one_line(error), "is_invalid": not compiled}


def _environment(bos: str, eos: str) -> Any:
    import jinja2.ext
    import jinja2.sandbox

    class GenerationTag(jinja2.ext.Extension):
        """``{% generation %}`` marks the text that a training run learns from; here its content passes through."""

        tags = {"generation"}  # noqa: RUF012 - jinja2's own convention

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, jinja2.ext.loopcontrols]
    )
    environment.globals |= {"raise_exception": _raise, "strftime_now": _now, "bos_token": bos, "eos_token": eos}
    environment.filters["tojson"] = _to_json
    return environment


def _raise(message: object) -> NoReturn:
    import jinja2

    raise jinja2.TemplateError(str(message))


def _now(format: str) -> str:
    return datetime.now().strftime(format)


def _to_json(value: object, ensure_ascii: bool = False, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


if __name__ == "__main__":
    main()
