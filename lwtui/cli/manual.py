"""``lwtui manual``: print all commands and options on one page, as plain text or as a man page."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator

from lwtui.command_line.parser import Parser, command_parser
from lwtui.translation import _

_ENVIRONMENT = (
    ("LWTUI_API_KEY", _("The key for endpoints without a key of their own in the settings.")),
    ("OPENAI_API_KEY", _("The key for api.openai.com, and for no other address.")),
    (
        "LWTUI_CONFIG_DIR, LWTUI_CACHE_DIR, LWTUI_STATE_DIR",
        _("Folders to use instead of the system's: for settings, for models, and for the log."),
    ),
    ("LWTUI_LANGUAGE", _("The language of lwtui, such as en or zh, instead of the setting language and the system's.")),
    ("LWTUI_LOG_LEVEL", _("How much to log: debug, info, warning (the default) or error.")),
    ("LWTUI_SERVE_TOKEN", _("The token of lwtui serve.")),
    ("HF_TOKEN, HF_ENDPOINT", _("The key and the address of the hub that models are downloaded from.")),
    ("VISUAL, EDITOR", _("The editor for the settings and for sections.")),
    ("NO_COLOR", _("If it is set, colors are off.")),
)
_FILES = (
    ("settings.toml", _("The settings; lwtui config path prints where it is.")),
    ("prompts/", _("Beside the settings: your own prompts, which replace lwtui's.")),
    ("locale/", _("Beside the settings: your own translations of lwtui, such as de.po.")),
    ("*.lw", _("A document: an SQLite database with the plan and every version of every section.")),
    ("lwtui.log", _("The log, with the details of internal errors; lwtui doctor prints where it is.")),
)
_EXIT_STATUS = (
    ("0", _("success")),
    ("1", _("failure; one line on standard error says why")),
    ("2", _("invalid command line or settings")),
    ("130", _("interrupted; the text so far is kept, and the command that resumes is printed")),
)


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "manual",
        _("Print the manual: all commands and options, environment variables, files and exit codes."),
        """
        lwtui manual | less
        lwtui manual --man > ~/.local/share/man/man1/lwtui.1     # then: man lwtui
        """,
    )
    result.add_argument("--man", action="store_true", help=_("print a man page"))
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

    yield _("NAME"), _("lwtui - plan and write long documents with language models, in the terminal") + "\n"
    yield "LWTUI", app.parser().format_help()
    for name, parser in commands():
        yield f"LWTUI {name.upper()}", _all_help(parser)
    yield _("ENVIRONMENT"), _entries(_ENVIRONMENT)
    yield _("FILES"), _entries(_FILES)
    yield _("EXIT STATUS"), "".join(f"{code:<6}{meaning}\n" for code, meaning in _EXIT_STATUS)


def _entries(entries: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"{name}\n    {meaning}\n" for name, meaning in entries)


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
    manual = _("User Commands")
    page = [f'.TH LWTUI 1 "" "lwtui {version}" "{manual}"']
    for heading, body in parts:
        page += [f'.SH "{heading}"', ".nf", *(_escaped(line) for line in body.splitlines()), ".fi"]
    return "\n".join(page) + "\n"


def _escaped(line: str) -> str:
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", escaped)
