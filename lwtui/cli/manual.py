"""``lwtui manual``: every command with all its options on one page, to read or for ``man``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator

from lwtui.command_line.parser import Parser, command_parser

_ENVIRONMENT = """\
LWTUI_API_KEY
    The key for endpoints that have none of their own in the settings.
OPENAI_API_KEY
    The key for api.openai.com, and for no other address.
LWTUI_CONFIG_DIR, LWTUI_CACHE_DIR
    Folders to use in place of the system's for settings, and for models and logs.
HF_TOKEN, HF_ENDPOINT
    The key and the address of the hub that models are downloaded from.
LWTUI_DEBUG
    Set to 1, it shows the details of a fault of lwtui itself.
VISUAL, EDITOR
    The editor that opens the settings and sections.
NO_COLOR
    Set to anything, it switches colours off.
"""
_FILES = """\
settings.toml
    The settings; lwtui config path says where it is.
prompts/
    Beside the settings: prompts of your own in place of lwtui's.
*.lw
    A document: an SQLite database with the plan and every version of every section.
last-error.txt
    In the cache folder: the details of the last fault of lwtui itself.
"""
_EXIT_STATUS = """\
0     done
1     failed; one line on standard error says why
2     used wrongly
130   interrupted; what was written is kept, and the command that goes on is printed
"""


def parser() -> Parser:
    result = command_parser(
        "manual",
        "Print the manual: every command with all its options, the environment, files and exit codes.",
        """
        lwtui manual | less
        lwtui manual --man > ~/.local/share/man/man1/lwtui.1     # then: man lwtui
        """,
    )
    result.add_argument("--man", action="store_true", help="in the form that man reads")
    return result


def run(options: argparse.Namespace) -> int:
    from lwtui import __version__

    parts = list(_parts())
    sys.stdout.write(_for_man(parts, __version__) if options.man else _plain(parts))
    return 0


def _parts() -> Iterator[tuple[str, str]]:
    """The manual's headings and what stands under them."""
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
    """The help of a command and of the commands below it."""
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
    """The manual in roff, each part as it stands."""
    page = [f'.TH LWTUI 1 "" "lwtui {version}" "User Commands"']
    for heading, body in parts:
        page += [f'.SH "{heading}"', ".nf", *(_escaped(line) for line in body.splitlines()), ".fi"]
    return "\n".join(page) + "\n"


def _escaped(line: str) -> str:
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", escaped)
