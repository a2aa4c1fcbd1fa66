"""Completion scripts and the manual cover the whole command line."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lwtui.cli import COMMANDS
from lwtui.cli.completion import SHELLS
from tests.cli.running import Shell

# Completes each line of its input, like bash when Tab is pressed at the end of the line.
PRESS_TAB = """
source "$1"
while IFS= read -r line; do
    read -ra COMP_WORDS <<< "$line"
    [[ $line == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
    COMPREPLY=()
    _shtab_lwtui
    echo "${COMPREPLY[*]}"
done
"""


def test_bash_completes_commands_options_choices_and_files(shell: Shell) -> None:
    script = shell.folder / "completion"
    script.write_text(shell.run("completion", "bash").worked().out)
    folder = shell.folder / "work"
    folder.mkdir()
    (folder / "guide.lw").touch()
    expected = {
        "lwtui wri": "write",
        "lwtui --mod": "--model",
        "lwtui bench r": "run report",
        "lwtui models add gpt --base": "--base-url",
        "lwtui write --mode direct --out": "--output",
        "lwtui write --mode ": "agentwrite agentwrite-parallel direct",
        "lwtui completion ": " ".join(SHELLS),
        "lwtui export ": "guide.lw",
        "lwtui write --resume gui": "guide.lw",
    }
    done = subprocess.run(
        ["bash", "--norc", "-c", PRESS_TAB, "bash", str(script)],
        input="\n".join(expected) + "\n",
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert dict(zip(expected, done.stdout.splitlines(), strict=True)) == expected


@pytest.mark.parametrize("name", SHELLS)
def test_every_script_knows_every_command(shell: Shell, name: str) -> None:
    script = shell.run("completion", name).worked().out
    for command in COMMANDS:
        assert command in script
    assert "base-url" in script
    if program := shutil.which(name):
        subprocess.run([program, "-n"], input=script, encoding="utf-8", check=True)


def test_the_manual_has_every_command_and_option(shell: Shell) -> None:
    manual = shell.run("manual").worked().out
    for command in COMMANDS:
        assert f"LWTUI {command.upper()}\n    usage: lwtui {command}" in manual
    for words in ("--resume FILE.lw", "usage: lwtui models add", "usage: lwtui bench compare", "LWTUI_API_KEY", "130 "):
        assert words in manual


def test_man_can_read_the_manual(shell: Shell, tmp_path: Path) -> None:
    page = shell.run("manual", "--man").worked().out
    assert page.startswith(".TH LWTUI 1 ")
    assert not [line for line in page.splitlines() if line.startswith((".", "'")) and line[:3] not in MACROS]
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-Kutf8", "-Tutf8", "-man", "-ww"], input=page, capture_output=True, encoding="utf-8", check=True
        )
        assert "lwtui write --resume" in done.stdout and not done.stderr


MACROS = (".TH", ".SH", ".nf", ".fi")
