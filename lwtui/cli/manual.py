"""``lwtui manual``: print all commands and options on one page, as plain text or as a man page."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator

from lwtui.command_line.parser import Parser, command_parser

_ENVIRONMENT = """\
LWTUI_API_KEY
    The key for endpoints without a key of their own in the settings.
OPENAI_API_KEY
    The key for api.openai.com, and for no other address.
LWTUI_CONFIG_DIR, LWTUI_CACHE_DIR, LWTUI_STATE_DIR
    Folders to use instead of the system's: for settings, for models, and for the log.
LWTUI_LOG_LEVEL
    How much to log: debug, info, warning (the default) or error.
LWTUI_SERVE_TOKEN
    The token of lwtui serve.
HF_TOKEN, HF_ENDPOINT
    The key and the address of the hub that models are downloaded from.
VISUAL, EDITOR
    The editor for the settings and for sections.
NO_COLOR
    If it is set, colors are off.
"""
_FILES = """\
settings.toml
    The settings; lwtui config path prints where it is.
prompts/
    Beside the settings: your own prompts, which replace lwtui's.
*.lw
    A document: an SQLite database with the plan and every version of every section.
lwtui.log
    The log, with the details of internal errors; lwtui doctor prints where it is.
"""
_EXIT_STATUS = """\
0     success
1     failure; one line on standard error says why
2     invalid command line or settings
130   interrupted; the text so far is kept, and the command that resumes is printed
"""


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "manual",
        "Print the manual: all commands and options, environment variables, files and exit codes.",
        """
        lwtui manual | less
        lwtui manual --man > ~/.local/share/man/man1/lwtui.1     # then: man lwtui
        """,
    )
    result.add_argument("--man", action="store_true", help="print a man page")
    return result


def run(options: argparse.Namespace) -> int:
    """Print the manual, and return the exit code."""
    from lwtui import __version__

    parts = list(_parts())
    sys.stdout.write(_for_man(parts, __version__) if options.man else _plain(parts))
    return 0


def _parts() -> Iterator[tuple[str, str]]:
    """Yield the headings of the manual and the text below them."""
    from lwtui.cli import app
    from lwtui.cli.command_tree import commands

    yield "NAME", "lwtui - plan and write long documents with language models, in the terminal\n"
    yield "LWTUI", app.parser().format_help()
    for name, parser in commands():
        yield f"LWTUI {name.upper()}", _all_help(parser)
    yield "ENVIRONMENT", _ENVIRONMENT
    yield "FILES", _FILES
    yield "EXIT STATUS", _EXIT_STATUS


def _all_help(parser: argparse.ArgumentParser) -> str:
    """Return the help of a command and of its subcommands."""
    helps = [parser.format_help()]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps += map(_all_help, dict.fromkeys(action.choices.values()))
    return "\n".join(helps)


def _plain(parts: list[tuple[str, str]]) -> str:
    return "\n".join(f"{heading}\n{_indented(body)}" for heading, body in parts)


def _indented(body: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in body.splitlines(keepends=True))


def _for_man(parts: list[tuple[str, str]], version: str) -> str:
    """Format the manual in roff, without filling lines."""
    page = [f'.TH LWTUI 1 "" "lwtui {version}" "User Commands"']
    for heading, body in parts:
        page += [f'.SH "{heading}"', ".nf", *(_escaped(line) for line in body.splitlines()), ".fi"]
    return "\n".join(page) + "\n"


def _escaped(line: str) -> str:
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", escaped)
