"""``lwtui [FILE]``: open the app."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from lwtui.cli import COMMANDS
from lwtui.command_line.parser import Parser, add_model_options
from lwtui.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def parser() -> Parser:
    commands = "\n".join(f"  {name:<10} {line}" for name, line in COMMANDS.items())
    result = Parser(
        prog="lwtui",
        usage="lwtui [FILE] [--library] [--model NAME]\n       lwtui COMMAND …",
        description="Plan and write long documents with language models, in the terminal.\n"
        "Without a command the app opens: FILE, or where it was left, or the library.",
        epilog=f"""commands (each has its own --help):
{commands}

examples:
  lwtui
  lwtui report.lw
  lwtui notes.md
  lwtui --model demo
  lwtui write "Write a guide to growing tomatoes on a balcony" --words 1500 --output guide.md

A file that is named like a command is opened as ./FILE.""",
    )
    result.add_argument(
        "file", nargs="?", metavar="FILE", help="a .lw document, or Markdown, plain text or DOCX to import"
    )
    result.add_argument("--library", action="store_true", help="begin with the library, not where lwtui was left")
    add_model_options(result)
    result.add_argument("--version", action="version", version=_version(), help="show the version and exit")
    return result


def run(options: argparse.Namespace) -> int:
    from pathlib import Path

    from lwtui.command_line.choice import choose_model
    from lwtui.config import load_settings

    settings = load_settings()
    model = choose_model(options, settings) if options.model or options.base_url else None
    file = _existing(Path(options.file).expanduser()) if options.file else None
    in_browser = "TEXTUAL_DRIVER" in os.environ  # lwtui serve started this
    if not (in_browser or (sys.stdin.isatty() and sys.stdout.isatty())):
        raise UsageError("The app needs a terminal. Without one, use lwtui write; see lwtui write --help.")
    path = _document(file) if file else None
    from lwtui.app.app import run_app

    return run_app(path, settings, model, library=options.library)


def document_of(file: Path) -> Path:
    """The document to open for a FILE. Raises :class:`lwtui.errors.LwtuiError`."""
    return _document(_existing(file))


def _existing(file: Path) -> Path:
    if file.is_dir():
        raise UsageError(f"{file} is a folder. Name a document in it, or start lwtui alone for the library.")
    if not file.exists():
        raise _missing(file)
    return file


def _document(file: Path) -> Path:
    """The document to open: ``file`` itself, or a new one beside it with the text of ``file``."""
    from lwtui.documents.store import Document

    if file.suffix.lower() == ".lw":
        Document.open(file, read_only=True).close()  # what is wrong with it is told before the screen changes
        return file
    from lwtui.documents.importing import import_file

    target = file.with_suffix(".lw")
    if target.exists():
        raise UsageError(f"{target} is there already. Open it: lwtui {target}. To import {file} anew, move it away.")
    import_file(file, target).close()
    return target


def _missing(file: Path) -> UsageError:
    if file.suffix.lower() == ".lw":
        return UsageError(f'There is no document {file}. Make one in the app (lwtui), or by lwtui write "…".')
    if str(file) in COMMANDS:
        return UsageError(f"Options come after the command: lwtui {file} …. See lwtui {file} --help.")
    return UsageError(f"There is no file {file}, and no command of that name. See lwtui --help.")


def _version() -> str:
    from lwtui import __version__

    return f"lwtui {__version__}"
