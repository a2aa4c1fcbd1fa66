"""The command line: ``lwtui [FILE]`` opens the app, and ``lwtui COMMAND …`` runs a single command.

Each command is a module with ``parser()`` and ``run(options)``. It is imported only when it runs, so that ``lwtui
--help`` is fast.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

ENTRY_POINTS = "lwtui.commands"  # the group of entry points with which other packages register commands
REGISTERED = ("bench", "train")

COMMANDS = (
    "plan",
    "write",
    "polish",
    "export",
    "import",
    "notes",
    "sources",
    "facts",
    "voice",
    "compare",
    "backups",
    "lint",
    "bench",
    "models",
    "config",
    "train",
    "serve",
    "mcp",
    "doctor",
    "completion",
    "manual",
)


def command_descriptions() -> dict[str, str]:
    """Return the commands with their descriptions in ``lwtui --help``."""
    from lwtui.translation import _

    return {
        "plan": _("print a plan for a document"),
        "write": _("plan and write a document without the app"),
        "polish": _("review and rewrite a finished document; only better sections replace the old ones"),
        "export": _("export a document to Markdown, text, HTML, DOCX, ODT, EPUB, PDF or LaTeX"),
        "import": _("create a document from a file or folder of another program"),
        "notes": _("show and change the notes that the model sees while it writes"),
        "sources": _("add, list, search and remove the sources that a document is written from"),
        "facts": _("show the facts that a document states, and have a model note them"),
        "voice": _("measure the voice of sample texts, and have a document written in it"),
        "compare": _("show what differs between two documents"),
        "backups": _("list the backups of a document, and restore one"),
        "lint": _("find repetition and other problems in a text, without a model"),
        "bench": _("measure how well models write at length, and compare them"),
        "models": _("list, find, add, download, verify and remove models"),
        "config": _("show and change the settings"),
        "train": _("fine-tune a model on long outputs"),
        "serve": _("open the app in a browser"),
        "mcp": _("serve your documents as tools to other agents"),
        "doctor": _("check this machine, the settings and the models"),
        "completion": _("print a completion script for your shell"),
        "manual": _("print all commands and options on one page, or as a man page"),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``lwtui`` and return the exit code. ``arguments`` are those of the process by default."""
    from lwtui.command_line.guard import guarded

    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _run(given))


def _run(given: list[str]) -> int:
    from lwtui.command_line.parser import add_log_option

    # `lwtui plan` runs the command; `lwtui ./plan` opens a file of that name.
    is_command = bool(given) and given[0] in COMMANDS
    module = command_module(given[0] if is_command else "app")
    if not is_command and len(given) > 1 and not given[0].startswith("-"):
        module.existing(given[0])  # before its options: a misspelled command has others
    options = add_log_option(module.parser()).parse_args(given[1:] if is_command else given)

    from lwtui.log import start_log

    start_log(options.log_level)
    code: int = module.run(options)
    return code


def command_module(name: str) -> Any:
    """Import the module of a command, from this package or from the entry points in :data:`ENTRY_POINTS`.

    Raises:
        LwtuiError: The package of the command is not installed.
    """
    from importlib import import_module

    if name not in REGISTERED:
        return import_module(f"lwtui.cli.{name}")
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return entry.load()
    from lwtui.errors import LwtuiError
    from lwtui.translation import _

    raise LwtuiError(
        _("lwtui {command} is not installed, because the installation is incomplete. Reinstall lwtui.", command=name)
    )
