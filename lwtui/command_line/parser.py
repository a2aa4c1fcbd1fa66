"""The argument parser of every command: long options, whole names only, errors of one line."""

from __future__ import annotations

import argparse
import functools
import os
from typing import Any, NoReturn

from lwtui.errors import UsageError

_WIDEST_HELP = 100


class Parser(argparse.ArgumentParser):
    """An :class:`argparse.ArgumentParser` that raises :class:`UsageError` where a command is given wrongly."""

    def __init__(self, **settings: Any) -> None:
        """``settings`` as for argparse; ``description`` and ``epilog`` keep their line breaks."""
        settings.setdefault("allow_abbrev", False)
        # The width is given, because argparse would import much to find it.
        settings.setdefault(
            "formatter_class", functools.partial(argparse.RawDescriptionHelpFormatter, width=_help_width())
        )
        super().__init__(**settings)

    def error(self, message: str) -> NoReturn:
        """Raise the error that ends the command, with what to do."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}. See {self.prog} --help.")


def command_parser(name: str, description: str, examples: str) -> Parser:
    """The parser of ``lwtui NAME``. ``examples`` are command lines, one a line."""
    lines = "\n".join(f"  {line.strip()}" for line in examples.strip().splitlines())
    return Parser(prog=f"lwtui {name}", description=description, epilog=f"examples:\n{lines}")


def add_model_options(to: argparse.ArgumentParser) -> None:
    """``--model`` and ``--base-url``, which :func:`lwtui.command_line.choice.choose_model` reads."""
    to.add_argument(
        "--model",
        metavar="NAME",
        help='a model of the settings, "demo", or the path of a GGUF (default: the one in the settings)',
    )
    to.add_argument(
        "--base-url",
        metavar="URL",
        help="the address of an OpenAI-compatible endpoint; --model is then its own name for the model, "
        "and LWTUI_API_KEY holds the key",
    )


def add_log_option(to: Parser) -> Parser:
    """Add ``--log-level`` to a command's parser, which is returned."""
    to.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=os.environ.get("LWTUI_LOG_LEVEL", "warning"),
        help="how much goes into the log, whose place lwtui doctor tells (default: warning); debug may hold text of "
        "documents",
    )
    return to


def _help_width() -> int:
    try:
        columns = os.get_terminal_size().columns
    except OSError:
        columns = 80
    return max(40, min(columns, _WIDEST_HELP)) - 2
