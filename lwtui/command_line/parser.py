"""The argument parser of all commands: long options without abbreviations, and errors of one line."""

from __future__ import annotations

import argparse
import functools
import os
from typing import Any, NoReturn

from lwtui.errors import UsageError

_MAX_HELP_WIDTH = 100


class Parser(argparse.ArgumentParser):
    """An :class:`argparse.ArgumentParser` that raises :class:`UsageError` for an invalid command line.

    ``description`` and ``epilog`` keep their line breaks.
    """

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("allow_abbrev", False)
        # With the width given, argparse does not import shutil to find it.
        settings.setdefault(
            "formatter_class", functools.partial(argparse.RawDescriptionHelpFormatter, width=_help_width())
        )
        super().__init__(**settings)

    def error(self, message: str) -> NoReturn:
        """Raise a :class:`UsageError` that refers to the help of the command."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}. See {self.prog} --help.")


def command_parser(name: str, description: str, examples: str) -> Parser:
    """Return a parser for ``lwtui NAME``. ``examples`` are command lines, one per line."""
    lines = "\n".join(f"  {line.strip()}" for line in examples.strip().splitlines())
    return Parser(prog=f"lwtui {name}", description=description, epilog=f"examples:\n{lines}")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--base-url``, which :func:`lwtui.command_line.choice.choose_model` reads."""
    parser.add_argument(
        "--model",
        metavar="NAME",
        help='a model from the settings, "demo", or the path of a GGUF (default: the default model of the settings)',
    )
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="the address of an OpenAI-compatible endpoint; --model is then the endpoint's name for the model, "
        "and LWTUI_API_KEY holds the key",
    )


def add_log_option(parser: Parser) -> Parser:
    """Add ``--log-level`` to a command's parser, and return the parser."""
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=os.environ.get("LWTUI_LOG_LEVEL", "warning"),
        help="how much to log (default: warning); lwtui doctor prints where the log is; at debug, it may contain text "
        "of documents",
    )
    return parser


def _help_width() -> int:
    try:
        columns = os.get_terminal_size().columns
    except OSError:
        columns = 80
    return max(40, min(columns, _MAX_HELP_WIDTH)) - 2
