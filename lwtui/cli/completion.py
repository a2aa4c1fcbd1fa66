"""``lwtui completion SHELL``: print a completion script for a shell."""

from __future__ import annotations

import argparse

from lwtui.command_line.parser import Parser, command_parser
from lwtui.translation import _

SHELLS = ("bash", "zsh", "fish")
_FILE_METAVARS = ("FILE", "FILE.lw", "DOC.lw", "PATH", "FOLDER")


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "completion",
        _("Print a script for your shell that completes lwtui's commands, options and files."),
        _(
            """
        lwtui completion bash > ~/.local/share/bash-completion/completions/lwtui
        lwtui completion zsh > ~/.zfunc/_lwtui          # where fpath has ~/.zfunc
        lwtui completion fish > ~/.config/fish/completions/lwtui.fish
        """
        ),
    )
    result.add_argument("shell", choices=SHELLS, help=_("your shell"))
    return result


def run(options: argparse.Namespace) -> int:
    """Print the script, and return the exit code."""
    import shtab

    print(shtab.complete(_full_parser(), shell=options.shell))
    return 0


def _full_parser() -> argparse.ArgumentParser:
    """Return a parser with all commands as subcommands, as shtab needs it."""
    import shtab

    from lwtui.cli import app, command_descriptions
    from lwtui.cli.command_tree import actions, commands

    full = Parser(prog="lwtui", description=_("Plan and write long documents with language models."))
    for action in app.parser()._actions:
        if action.option_strings and action.dest != "help":
            full._add_action(action)
    subparsers = full.add_subparsers(dest="command", metavar="COMMAND")
    descriptions = command_descriptions()
    for name, subparser in commands():
        subparsers._choices_actions.append(subparsers._ChoicesPseudoAction(name, [], descriptions[name]))
        subparsers.choices[name] = subparser
    for action in actions(full):
        if action.metavar in _FILE_METAVARS:
            action.complete = shtab.DIRECTORY if action.metavar == "FOLDER" else shtab.FILE  # type: ignore[attr-defined]
    return full
