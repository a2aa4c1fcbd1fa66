"""``lwtui [FILE]``: open the app."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lwtui.cli import COMMANDS, command_descriptions
from lwtui.command_line.parser import Parser, add_model_options, near
from lwtui.errors import UsageError
from lwtui.terminal_cells import width_of
from lwtui.translation import _, sentences


def parser() -> Parser:
    """Return the parser of the command."""
    commands = "\n".join(f"  {name:<10} {line}" for name, line in command_descriptions().items())
    indent = " " * width_of(_("usage: "))
    result = Parser(
        prog="lwtui",
        usage=f"lwtui [FILE] [--library] [--model NAME]\n{indent}lwtui COMMAND …",
        description=_(
            "Plan and write long documents with language models, in the terminal.\n"
            "Without a command, the app opens FILE, the document you left off at, or the library."
        ),
        epilog=_(
            """commands (each has its own --help):
{commands}

examples:
  lwtui
  lwtui report.lw
  lwtui notes.md
  lwtui --model demo
  lwtui write "Write a guide to growing tomatoes on a balcony" --words 1500 --output guide.md

To open a file that is named like a command, write ./FILE.""",
            commands=commands,
        ),
    )
    result.add_argument(
        "file", nargs="?", metavar="FILE", help=_("a .lw document, or a file of another program to import")
    )
    result.add_argument("--library", action="store_true", help=_("start in the library, not where you left off"))
    add_model_options(result)
    result.add_argument("--version", action="version", version=_version(), help=_("show the version and exit"))
    return result


def run(options: argparse.Namespace) -> int:
    """Open the app, and return its exit code."""
    from lwtui.command_line.choice import choose_model
    from lwtui.config import load_settings

    settings = load_settings()
    model = choose_model(options, settings) if options.model or options.base_url else None
    file = existing(options.file) if options.file else None
    in_browser = "TEXTUAL_DRIVER" in os.environ  # started by lwtui serve
    if not (in_browser or (sys.stdin.isatty() and sys.stdout.isatty())):
        raise UsageError(
            _("The app needs a terminal. Without one, use lwtui write. See lwtui write --help."), code="no-terminal"
        )
    path = _document(file) if file else None
    from lwtui.app.app import run_app

    return run_app(path, settings, model, library=options.library)


def document_of(file: Path) -> Path:
    """Return the document to open for a FILE, which is imported first if it is not a document.

    Raises:
        LwtuiError: The file does not exist, or cannot be opened or imported.
    """
    return _document(existing(file))


def existing(name: Path | str) -> Path:
    """Return the file that a FILE names.

    Raises:
        UsageError: There is none, or it is a folder.
    """
    file = Path(name).expanduser()
    if file.is_dir():
        raise UsageError(
            _(
                "{file} is a folder. Name a document in it, make a document of it with lwtui import {file}, or run "
                "lwtui without arguments for the library.",
                file=file,
            ),
            code="is-folder",
        )
    if not file.exists():
        raise _missing(file)
    return file


def _document(file: Path) -> Path:
    """Return ``file`` itself if it is a document, else a new document beside it with its text."""
    from lwtui.documents.store import Document

    if file.suffix.lower() == ".lw":
        Document.open(file, read_only=True).close()  # reports errors before the app takes over the screen
        return file
    from lwtui.command_line.guard import say
    from lwtui.documents.importing import create_document, read_file

    target = file.with_suffix(".lw")
    if target.exists():
        raise UsageError(
            _(
                "{target} already exists. Open it: lwtui {target}. To import {file} again, move it away.",
                target=target,
                file=file,
            ),
            code="already-exists",
        )
    imported = read_file(file)
    create_document(imported, target).close()
    for line in imported.report.lines():
        say(line)
    return target


def _missing(file: Path) -> UsageError:
    if file.suffix.lower() == ".lw":
        return UsageError(
            _('There is no document {file}. Create one in the app (lwtui) or with lwtui write "…".', file=file),
            code="not-found",
        )
    if str(file) in COMMANDS:
        return UsageError(
            _("Options come after the command: lwtui {file} …. See lwtui {file} --help.", file=file),
            code="options-before-command",
        )
    problem = _("There is no file and no command named {file}.", file=file)
    meant = near(str(file), COMMANDS)
    suggestion = _("Did you mean lwtui {command}?", command=meant) if meant else _("See lwtui --help.")
    return UsageError(sentences(problem, suggestion), code="unknown-command")


def _version() -> str:
    from lwtui import __version__

    return f"lwtui {__version__}"
