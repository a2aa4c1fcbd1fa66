"""The argument parser of all commands: long options without abbreviations, and errors of one line."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from lwtui.errors import UsageError
from lwtui.terminal_cells import width_of, wrapped
from lwtui.translation import ENGLISH, _, _n, language

_MAX_HELP_WIDTH = 100

if language() != ENGLISH:
    # argparse looks its own words up by its module's names `_` and `ngettext`. They know gettext's global catalogue
    # alone, which environment variables choose and the settings cannot, and which is no .po file.
    vars(argparse).update({"_": _, "ngettext": _n})


def argparse_texts() -> tuple[str, ...]:
    """Return what argparse says, so that catalogues have it. Python 3.11 to 3.14 differ in some."""
    return (
        _("usage: "),
        _("%(heading)s:"),
        _("positional arguments"),
        _("options"),
        _("show this help message and exit"),
        _("argument %(argument_name)s: %(message)s"),
        _("the following arguments are required: %s"),
        _("one of the arguments %s is required"),
        _("unrecognized arguments: %s"),
        _("not allowed with argument %s"),
        _("ignored explicit argument %r"),
        _("ambiguous option: %(option)s could match %(matches)s"),
        _("unexpected option string: %s"),
        _("expected one argument"),
        _("expected at most one argument"),
        _("expected at least one argument"),
        _n("expected %s argument", "expected %s arguments", 1),
        _("invalid %(type)s value: %(value)r"),
        _("invalid choice: %(value)r (choose from %(choices)s)"),
        _("invalid choice: %(value)r, maybe you meant %(closest)r? (choose from %(choices)s)"),
        _("unknown parser %(parser_name)r (choices: %(choices)s)"),
    )


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Formats help by the cells of the terminal: Chinese characters take two, and lines break between them."""

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None) -> str:
        if prefix is not None:
            return super()._format_usage(usage, actions, groups, prefix)
        prefix = _("usage: ")
        stand_in = "." * width_of(prefix)  # argparse indents by the number of characters
        return super()._format_usage(usage, actions, groups, stand_in).replace(stand_in, prefix, 1)

    def __init__(self, prog: str, **settings: Any) -> None:
        self._headings: list[str | None] = []
        super().__init__(prog, **settings)

    def start_section(self, heading: str | None) -> None:
        """Begin a group of arguments."""
        self._headings.append(heading)
        super().start_section(heading)

    def format_help(self) -> str:
        """Return the help, with the colons of headings as the language has them."""
        text = super().format_help()
        for heading in self._headings:  # Python 3.13 is the first that translates them
            text = text.replace(f"\n{heading}:\n", "\n" + _("%(heading)s:") % {"heading": heading} + "\n", 1)
        return text

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrapped(self._whitespace_matcher.sub(" ", text).strip(), width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = (line for given in text.splitlines(keepends=True) for line in _broken(given, width))
        return "".join(indent + line for line in lines)

    def _expand_help(self, action: argparse.Action) -> str:
        try:
            return super()._expand_help(action)
        except (LookupError, TypeError, ValueError):
            return action.help or ""  # a translation with a percent sign


def _broken(line: str, width: int) -> list[str]:
    """Break a line with Chinese text. Other lines stay as they are, and so do indented ones, such as commands."""
    if line[:1].isspace() or width_of(line) == len(line) or width_of(line.rstrip()) <= width:
        return [line]
    return [f"{each}\n" for each in wrapped(line.strip(), width)]


class Parser(argparse.ArgumentParser):
    """An :class:`argparse.ArgumentParser` that raises :class:`UsageError` for an invalid command line.

    ``description`` and ``epilog`` keep their line breaks.
    """

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("allow_abbrev", False)
        # With the width given, argparse does not import shutil to find it.
        settings.setdefault("formatter_class", functools.partial(HelpFormatter, width=_help_width()))
        super().__init__(**settings)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse a command line; for a misspelled option, the error names the one that it resembles."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            problem = _("unrecognized arguments: %s") % " ".join(unknown)
            if meant := near(unknown[0].split("=")[0], _options_of(self)):
                problem = _("{problem} (did you mean {known}?)", problem=problem, known=meant)
            self.error(problem)
        return options

    def error(self, message: str) -> NoReturn:
        """Raise a :class:`UsageError` that refers to the help of the command."""
        problem = f"{message[:1].upper()}{message[1:].rstrip('.。')}"
        raise UsageError(_("{problem}. See {command} --help.", problem=problem, command=self.prog))


def near(given: str, known: Iterable[str]) -> str:
    """Return the one of ``known`` that ``given`` resembles; empty if there is none."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(given, list(known), 1, cutoff=0.7)), "")


def _options_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the options of a parser and of its actions' parsers."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _options_of(each)


def command_parser(name: str, description: str, examples: str) -> Parser:
    """Return a parser for ``lwtui NAME``. ``examples`` are command lines, one per line."""
    lines = "\n".join(f"  {line.strip()}" for line in examples.strip().splitlines())
    return Parser(prog=f"lwtui {name}", description=description, epilog=_("examples:") + f"\n{lines}")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--base-url``, which :func:`lwtui.command_line.choice.choose_model` reads."""
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=_('a model from the settings, "demo", or the path of a GGUF (default: the default model of the settings)'),
    )
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help=_(
            "the address of an OpenAI-compatible endpoint; --model is then the endpoint's name for the model, and "
            "LWTUI_API_KEY holds the key"
        ),
    )


def add_log_option(parser: Parser) -> Parser:
    """Add ``--log-level`` to a command's parser, and return the parser."""
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=os.environ.get("LWTUI_LOG_LEVEL", "warning"),
        help=_(
            "how much to log (default: warning); lwtui doctor prints where the log is; at debug, it may contain text "
            "of documents"
        ),
    )
    return parser


def _help_width() -> int:
    try:
        columns = os.get_terminal_size().columns
    except OSError:
        columns = 80
    return max(40, min(columns, _MAX_HELP_WIDTH)) - 2
