"""The parsers of all commands, for the completion script and the manual."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from lwtui.cli import COMMANDS, command_module
from lwtui.command_line.parser import Parser, add_log_option
from lwtui.errors import LwtuiError


def commands() -> Iterator[tuple[str, Parser]]:
    """Yield each command and its parser, except commands whose package is not installed."""
    for name in COMMANDS:
        try:
            yield name, add_log_option(command_module(name).parser())
        except LwtuiError:
            continue


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield all options and arguments of a parser and of its subcommands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from actions(subparser)
