"""The command line: ``lwtui [FILE]`` opens the app, ``lwtui COMMAND …`` does one thing and ends.

Each command is a module of its own with ``parser()`` and ``run(options)``, imported only when it runs, so that
``lwtui --help`` is there at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

ENTRY_POINTS = "lwtui.commands"  # the group under which packages register commands of theirs
REGISTERED = ("bench", "train")

# What `lwtui COMMAND` may be, and its line in `lwtui --help`.
COMMANDS = {
    "plan": "print a plan for a document",
    "write": "plan and write a document, without the app",
    "export": "turn a document into Markdown, text, HTML, DOCX, EPUB or PDF",
    "import": "make a document from Markdown, text or DOCX",
    "notes": "show and change what the model always knows of a document",
    "lint": "find what a text says twice, and other faults that need no model",
    "bench": "measure how well models write at length, and compare them",
    "models": "list, find, add, download, verify and remove models",
    "config": "show and change the settings",
    "train": "tune a model on long outputs",
    "serve": "open the app in a browser",
    "doctor": "check this machine, the settings and the models",
    "completion": "print what a shell needs to complete all of this",
    "manual": "print all commands and options on one page, or for man",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``lwtui`` with ``arguments`` (those of the process by default); the exit code."""
    from lwtui.command_line.guard import guarded

    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _run(given))


def _run(given: list[str]) -> int:
    from lwtui.command_line.parser import add_log_option

    # A first argument that names a command is one; `lwtui ./plan` opens a file of that name.
    is_command = bool(given) and given[0] in COMMANDS
    module = command_module(given[0] if is_command else "app")
    options = add_log_option(module.parser()).parse_args(given[1:] if is_command else given)

    from lwtui.log import start_log

    start_log(options.log_level)
    code: int = module.run(options)
    return code


def command_module(name: str) -> Any:
    """The module of a command: one of this package, or what a package registers under :data:`ENTRY_POINTS`.

    Raises:
        LwtuiError: The command belongs to a package that is not installed.
    """
    from importlib import import_module

    if name not in REGISTERED:
        return import_module(f"lwtui.cli.{name}")
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return entry.load()
    from lwtui.errors import LwtuiError

    raise LwtuiError(f"lwtui {name} is not installed: the package is incomplete. Install lwtui again.")
