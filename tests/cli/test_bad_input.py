"""Invalid input of all kinds: one clear line, the right exit code, nothing lost and nothing left behind."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from tests.cli.running import KEY, PLAN, ScriptedWriter, Shell, endpoint, model_options
from tests.support.fault_server import Fault

NOWHERE = ["--model", "m-1", "--base-url", "http://127.0.0.1:9/v1"]


def files(shell: Shell) -> set[str]:
    """Return the names of the files in the folder, without settings, cache and log."""
    return {path.name for path in shell.folder.iterdir()} - {"config", "cache", "state"}


@pytest.fixture(params=["plan", "write"])
def command(request: pytest.FixtureRequest) -> str:
    """Both commands that take an instruction."""
    return str(request.param)


# -- the command line


@pytest.mark.parametrize("instruction", ["", "   ", "\n\t"])
def test_an_empty_instruction_is_rejected(shell: Shell, command: str, instruction: str) -> None:
    shell.fails(2, "no-instruction", command, instruction, *NOWHERE)


def test_an_empty_instruction_on_standard_input_is_rejected(shell: Shell, command: str) -> None:
    shell.fails(2, "no-instruction", command, "-", *NOWHERE, stdin="\n")


@pytest.mark.parametrize("words", ["0", "-5", "-1000", "5", "1000001", "99999999999999999999", "many", ""])
def test_invalid_lengths_are_rejected(shell: Shell, command: str, words: str) -> None:
    shell.run(command, "Tomatoes", "--words", words, *NOWHERE).failed(2, "--words")


@pytest.mark.parametrize("language", ["xx", "klingonish", "en us", ""])
def test_an_unknown_language_is_rejected(shell: Shell, command: str, language: str) -> None:
    shell.run(command, "Tomatoes", "--language", language, *NOWHERE).failed(2, "--language", "zh-TW")


def test_an_unknown_option_is_rejected(shell: Shell, command: str) -> None:
    shell.run(command, "Tomatoes", "--wrods", "5").failed(2, "--wrods", f"lwtui {command} --help")


def test_an_unknown_mode_is_rejected(shell: Shell) -> None:
    shell.run("write", "Tomatoes", "--mode", "fast").failed(2, "fast", "agentwrite-parallel")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["Tomatoes", "--resume", "out.lw"], "conflicting-options"),
        (["--resume", "out.lw", "--words", "500"], "conflicting-options"),
        (["--resume", "out.lw", "--plan", "plan.json"], "conflicting-options"),
        (["--resume", "out.lw", "--seed", "0"], "conflicting-options"),
        (["--resume", "out.lw", "--output", "other.lw"], "conflicting-options"),
        (["Tomatoes", "--mode", "direct", "--plan", "plan.json"], "conflicting-options"),
        (["Tomatoes", "--output", "a.lw", "--document", "b.lw"], "conflicting-options"),
        (["Tomatoes", "--document", "b.txt", "--model", "demo"], "wrong-extension"),
        (["Tomatoes", "--base-url", "http://127.0.0.1:9/v1"], "incomplete-options"),
        ([], "no-instruction"),
    ],
)
def test_options_that_cannot_be_combined_are_rejected(shell: Shell, options: list[str], code: str) -> None:
    shell.fails(2, code, "write", *options)
    assert files(shell) == set()


# -- models


def test_for_an_unknown_model_the_known_ones_are_listed(shell: Shell, command: str) -> None:
    shell.settings('[models.writer]\nmodel = "m-1"\n')
    done = shell.fails(2, "unknown-model", command, "Tomatoes", "--model", "wirter")
    assert all(part in done.err for part in ("'wirter'", "demo, writer", "lwtui models add"))


@pytest.mark.parametrize(
    "address", ["127.0.0.1:port", "ftp://host/v1", "http://", "http://host:port/v1", "http://a b/v1", ""]
)
def test_an_invalid_address_is_rejected(shell: Shell, command: str, address: str) -> None:
    code = "invalid-address" if address else "unknown-model"  # an empty one counts as none
    shell.fails(2, code, command, "Tomatoes", "--model", "m", "--base-url", address)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.http(401, message="bad key"), "wrong-key"),
        (Fault.http(404, message="no model m-1", code="model_not_found"), "unknown-model"),
        (Fault.http(402, message="pay"), "budget"),
        (Fault.http(400, message="maximum context length is 10 tokens"), "context"),
        (Fault.redirect("http://elsewhere.invalid/v1"), "other-origin"),
    ],
)
def test_a_refusing_endpoint_is_reported(shell: Shell, command: str, fault: Fault, code: str) -> None:
    with endpoint(faults=[fault]) as server:
        done = shell.fails(1, code, command, "Tomatoes", *model_options(server), LWTUI_API_KEY=KEY)
        assert len(server.calls) == 1
    assert KEY not in done.err
    assert not list(shell.folder.rglob("*.lw"))


def test_an_unreachable_endpoint_is_reported(shell: Shell, command: str) -> None:
    table = 'model = "m-1"\nbase_url = "http://127.0.0.1:9/v1"\nretry_seconds = 0.2'
    shell.settings(f'documents = "documents"\n[models.writer]\n{table}\n')
    done = shell.fails(1, "unreachable", command, "Tomatoes", "--model", "writer")
    assert "127.0.0.1:9" in done.err


def test_a_web_page_in_place_of_an_endpoint_is_reported(shell: Shell, command: str) -> None:
    with endpoint(faults=[Fault.http(200, body=b"<html>Welcome")]) as server:
        assert "check the address" in shell.fails(1, "web-page", command, "Tomatoes", *model_options(server)).err


@pytest.mark.parametrize(
    "contents",
    [None, b"", b"not a model", b"GGUF", b"GGUF\x03\x00\x00\x00" + b"\xff" * 400],
    ids=["missing", "empty", "text", "magic alone", "garbage"],
)
def test_a_missing_or_corrupt_gguf_is_reported(shell: Shell, command: str, contents: bytes | None) -> None:
    if contents is not None:
        (shell.folder / "model.gguf").write_bytes(contents)
    shell.run(command, "Tomatoes", "--model", "model.gguf").failed(1, "model.gguf")
    assert files(shell) <= {"model.gguf", "documents"}


# -- settings


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ("model = ", "not-toml"),
        ("modle = 'x'", "unknown-setting"),
        ("model = 3", "wrong-type"),
        ("[models.a]\nprovider = 'clay'", "invalid-choice"),
        ("[models.a]\ncontext_length = -1", "out-of-range"),
    ],
)
def test_malformed_settings_are_reported(shell: Shell, command: str, settings: str, code: str) -> None:
    shell.settings(settings)
    assert str(shell.config) in shell.fails(2, code, command, "Tomatoes").err


def test_settings_that_are_not_text_are_reported(shell: Shell, command: str) -> None:
    shell.config.write_bytes(b"\xff\xfe")
    assert str(shell.config) in shell.fails(2, "not-utf8", command, "Tomatoes").err


def test_an_unknown_profile_is_reported(shell: Shell, command: str) -> None:
    shell.settings('[models.a]\nprofile = "poet"\n')
    done = shell.fails(2, "unknown-profile", command, "Tomatoes", "--model", "a")
    assert "'poet'" in done.err and "chat, base" in done.err


# -- plans


@pytest.mark.parametrize(
    "plan", ["", "Some prose.", "{", '{"sections": [{"title": "a"}]}', "1. Soil (0 words)\n  a", "[]"]
)
def test_an_unusable_plan_is_reported(shell: Shell, plan: str) -> None:
    (shell.folder / "plan.txt").write_text(plan)
    done = shell.fails(2, "unusable-plan", "write", "Tomatoes", "--plan", "plan.txt", *NOWHERE)
    assert "plan.txt" in done.err
    assert files(shell) == {"plan.txt"}


def test_a_missing_plan_file_is_reported(shell: Shell) -> None:
    done = shell.fails(2, "unreadable", "write", "Tomatoes", "--plan", "plan.txt", *NOWHERE)
    assert "plan.txt" in done.err


def test_a_plan_with_too_many_words_is_rejected(shell: Shell) -> None:
    (shell.folder / "plan.txt").write_text("1. Soil (2,000,000 words)\n  all of it\n")
    done = shell.fails(2, "plan-length", "write", "Tomatoes", "--plan", "plan.txt", *NOWHERE)
    assert "2,000,000" in done.err and "1,000,000" in done.err


# -- files and folders


@pytest.mark.parametrize("name", ["out", "out.rtf", "out.md.bak"])
def test_an_unknown_output_format_is_rejected(shell: Shell, name: str) -> None:
    done = shell.fails(2, "unknown-format", "write", "Tomatoes", "--output", name, *NOWHERE)
    assert name in done.err and ".html" in done.err


def test_an_output_in_a_missing_folder_is_rejected(shell: Shell) -> None:
    done = shell.fails(2, "not-found", "write", "Tomatoes", "--output", "deep/out.md", *NOWHERE)
    assert "mkdir -p deep" in done.err


def test_a_folder_as_output_is_rejected(shell: Shell) -> None:
    (shell.folder / "out.md").mkdir()
    done = shell.fails(2, "is-folder", "write", "Tomatoes", "--output", "out.md", "--force", *NOWHERE)
    assert "out.md" in done.err


@contextmanager
def unwritable(folder: Path) -> Iterator[Path]:
    """Create a folder that nobody can write, not even root."""
    if os.geteuid() != 0:
        folder.mkdir(mode=0o500)
        yield folder
        return
    folder.mkdir()
    change = shutil.which("chattr")
    if change is None or subprocess.run([change, "+i", folder], capture_output=True, check=False).returncode:
        yield Path("/proc")
        return
    try:
        yield folder
    finally:
        subprocess.run([change, "-i", folder], check=True)


@pytest.mark.parametrize("option", ["--output", "--document"])
def test_an_unwritable_folder_is_reported_before_any_call(shell: Shell, option: str) -> None:
    with unwritable(shell.folder / "locked") as folder, endpoint() as server:
        name = "out.md" if option == "--output" else "out.lw"
        done = shell.fails(1, "unwritable", "write", "Tomatoes", option, folder / name, *model_options(server))
        assert str(folder) in done.err
        assert server.requests == []


def test_a_documents_folder_that_cannot_be_created_is_reported(shell: Shell) -> None:
    (shell.folder / "file").write_text("precious")
    shell.settings(f'documents = "{shell.folder}/file/documents"\n')
    done = shell.fails(1, "unwritable", "write", "Tomatoes", *NOWHERE)
    assert f"{shell.folder}/file/documents" in done.err and "lwtui config" in done.err
    assert (shell.folder / "file").read_text() == "precious"


# -- documents


def newer(path: Path) -> None:
    """Create a document of a future version of lwtui."""
    Document.create(path, Brief("Tomatoes", 600)).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()


@pytest.mark.parametrize(
    ("make", "exit_code", "code"),
    [
        (lambda path: path.write_bytes(b""), 1, "not-a-document"),
        (lambda path: path.write_text("# Tomatoes\n"), 1, "not-a-document"),
        (lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\xee" * 5000), 1, "other-program"),
        (other_database, 1, "other-program"),
        (newer, 1, "newer-format"),
        (lambda path: path.mkdir(), 2, "not-found"),
        (lambda path: None, 2, "not-found"),
    ],
    ids=["empty", "text", "corrupt", "another database", "newer", "folder", "missing"],
)
@pytest.mark.parametrize(
    "use", [["write", "--resume", "doc.lw"], ["export", "doc.lw", "--to", "md"]], ids=["resume", "export"]
)
def test_an_invalid_document_is_reported_and_unchanged(
    shell: Shell, make: object, exit_code: int, code: str, use: list[str]
) -> None:
    path = shell.folder / "doc.lw"
    make(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    assert "doc.lw" in shell.fails(exit_code, code, *use).err
    assert (path.read_bytes() if path.is_file() else None) == before
    assert files(shell) <= {"doc.lw"}


@pytest.mark.parametrize("name", ["doc.lw", "doc", "doc.md"])
def test_opening_a_missing_file_is_reported(shell: Shell, name: str) -> None:
    code = "not-found" if name.endswith(".lw") else "unknown-command"
    assert name in shell.fails(2, code, name).err


def test_opening_a_folder_is_reported(shell: Shell) -> None:
    shell.fails(2, "is-folder", ".")


# -- internal errors


def crash(shell: Shell, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command that raises an internal error, with an API key in the environment."""
    script = (
        "import sys, os, lwtui.cli.config\n"
        "def fail(options): raise RuntimeError('lost ' + os.environ['LWTUI_API_KEY'])\n"
        "lwtui.cli.config.run = fail\n"
        "sys.exit(lwtui.cli.main(['config']))"
    )
    environment = shell.environment(LWTUI_API_KEY=KEY, **more)
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, encoding="utf-8", check=False
    )


def test_an_internal_error_is_one_line_and_its_traceback_is_logged(shell: Shell) -> None:
    ended = crash(shell)
    log = shell.folder / "state" / "lwtui.log"
    assert ended.returncode == 1
    assert ended.stderr == f"lwtui: Internal error (RuntimeError). Please report it with the log, {log}.\n"
    written = log.read_text()
    assert "in fail" in written and "builtins.RuntimeError" in written
    assert "lost" not in written and KEY not in written  # messages may quote documents


def test_at_debug_the_log_has_the_message_but_no_key(shell: Shell) -> None:
    ended = crash(shell, LWTUI_LOG_LEVEL="debug")
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    written = (shell.folder / "state" / "lwtui.log").read_text()
    assert "RuntimeError: lost [LWTUI_API_KEY]" in written and KEY not in written


def test_an_unwritable_log_is_reported(shell: Shell) -> None:
    (shell.folder / "state").write_text("a file where the folder should be")
    ended = crash(shell)
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1
    assert "the log cannot be written" in ended.stderr


def test_at_debug_the_log_says_why_a_command_failed(shell: Shell) -> None:
    shell.run("export", "missing.lw", "--to", "md", "--log-level", "debug").failed(2)
    assert "UsageError" in (shell.folder / "state" / "lwtui.log").read_text()


def test_a_full_disk_behind_standard_output_is_reported(shell: Shell) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with endpoint(ScriptedWriter(PLAN)) as server, Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "lwtui", "plan", "Tomatoes", *model_options(server)],
            env=shell.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert ended.returncode == 1
    assert os.strerror(errno.ENOSPC) in ended.stderr and len(ended.stderr.splitlines()) == 1
