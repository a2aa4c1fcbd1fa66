"""``lwtui completion SHELL``: the script with which a shell completes commands, options and files."""

from __future__ import annotations

import argparse

from lwtui.command_line.parser import Parser, command_parser

SHELLS = ("bash", "zsh", "fish")
_FILES = ("FILE", "FILE.lw", "DOC.lw", "PATH", "FOLDER")  # how an argument is called that is one


def parser() -> Parser:
    result = command_parser(
        "completion",
        "Print the script with which a shell completes lwtui's commands, options and files.",
        """
        lwtui completion bash > ~/.local/share/bash-completion/completions/lwtui
        lwtui completion zsh > ~/.zfunc/_lwtui          # where fpath has ~/.zfunc
        lwtui completion fish > ~/.config/fish/completions/lwtui.fish
        """,
    )
    result.add_argument("shell", choices=SHELLS, help="the shell that is to complete")
    return result


def run(options: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(_whole(), shell=options.shell))
    return 0


def _whole() -> argparse.ArgumentParser:
    """One parser with every command below it, as no command line needs it but the script's maker."""
    import shtab

    from lwtui.cli import COMMANDS, app
    from lwtui.cli.command_tree import actions, commands

    whole = Parser(prog="lwtui", description="Plan and write long documents with language models.")
    for action in app.parser()._actions:
        if action.option_strings and action.dest != "help":
            whole._add_action(action)
    below = whole.add_subparsers(dest="command", metavar="COMMAND")
    for name, one in commands():
        below._choices_actions.append(below._ChoicesPseudoAction(name, [], COMMANDS[name]))
        below.choices[name] = one
    for action in actions(whole):
        if action.metavar in _FILES:
            action.complete = shtab.DIRECTORY if action.metavar == "FOLDER" else shtab.FILE  # type: ignore[attr-defined]
    return whole
