"""The parsers of all commands together, for what has to know the whole command line at once."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from lwtui.cli import COMMANDS, command_module
from lwtui.command_line.parser import Parser, add_log_option
from lwtui.errors import LwtuiError


def commands() -> Iterator[tuple[str, Parser]]:
    """Each command that can be run here, and its parser; not those whose extra is not installed."""
    for name in COMMANDS:
        try:
            yield name, add_log_option(command_module(name).parser())
        except LwtuiError:
            continue


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every option and argument of a parser, and of the parsers below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from actions(below)
