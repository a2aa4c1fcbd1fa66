import subprocess
import sys
from pathlib import Path

import pytest

from lwtui import __version__
from lwtui.cli import COMMANDS, command_descriptions, command_module
from tests.cli.running import Shell

HEAVY = {"textual", "rich", "openai", "httpx2", "llama_cpp", "keyring", "sqlite3", "asyncio", "tomlkit", "regex"}


def test_the_help_lists_every_command(shell: Shell) -> None:
    done = shell.run("--help").worked()
    for command, line in command_descriptions().items():
        assert command in done.out
        assert line in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(shell: Shell, command: str) -> None:
    done = shell.run(command, "--help").worked()
    assert done.out.startswith(f"usage: lwtui {command}")
    assert f"  lwtui {command}" in done.out.partition("examples:")[2]


def test_every_option_has_help() -> None:
    for command in COMMANDS:
        for action in command_module(command).parser()._actions:
            assert action.help or action.choices, f"{command} {action.option_strings or action.dest}"
            # Only --help and --output have short forms.
            assert all(option.startswith("--") for option in action.option_strings if option not in ("-h", "-o"))


def test_the_help_imports_nothing_heavy() -> None:
    script = "import sys; from lwtui.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "lwtui.cli.app" in ended.stderr.split()
    assert not HEAVY & set(ended.stderr.split())


def test_the_package_imports_nothing_heavy() -> None:
    script = "import sys, lwtui; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(ended.stdout.split())


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell.run("--version").worked().out == f"lwtui {__version__}\n"


def test_a_file_named_like_a_command_is_opened_with_its_path(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("A text.")
    shell.fails(2, "no-terminal", "./plan")
    shell.run("plan").failed(2, "INSTRUCTION", "lwtui plan --help")


def test_options_before_a_command_are_rejected(shell: Shell) -> None:
    done = shell.fails(2, "options-before-command", "--model", "demo", "write")
    assert "lwtui write --help" in done.err


def test_an_unknown_command_or_file_is_reported(shell: Shell) -> None:
    for given in (("wirte",), ("wirte", "Tomatoes", "--words", "500"), ("wirte", "--help")):
        done = shell.fails(2, "unknown-command", *given)
        assert "wirte" in done.err and "Did you mean lwtui write?" in done.err
    assert "lwtui --help" in shell.fails(2, "unknown-command", "tomatoes").err


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("write", "Tomatoes", "--word", "500"), "--words"),
        (("models", "add", "m", "--base-ur=http://127.0.0.1:9/v1"), "--base-url"),
        (("--librry",), "--library"),
    ],
)
def test_a_misspelled_option_is_told_the_one_it_resembles(shell: Shell, given: tuple[str, ...], meant: str) -> None:
    shell.run(*given).failed(2, f"(did you mean {meant}?)")


def test_options_cannot_be_abbreviated(shell: Shell) -> None:
    shell.run("plan", "Tomatoes", "--lang", "en").failed(2, "--lang", "lwtui plan --help")
