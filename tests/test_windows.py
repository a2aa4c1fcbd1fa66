"""lwtui as it is on Windows, as far as a process of another system can look like one there.

Each test runs in a process of its own, in which what only POSIX has is missing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What Windows lacks may be named only where a module has asked which system this is.
_POSIX_ONLY = re.compile(
    r"\bimport (?:fcntl|termios|tty|pty|resource|pwd|grp)\b|\bsignal\.SIG(?:HUP|QUIT|KILL|USR\d|ALRM|TSTP|CONT)\b"
    r"|\bos\.(?:fork|kill|killpg|getpgid|setsid|get(?:e?[ug]id)|uname|sched_\w+|sysconf|pread|pwrite|mkfifo|O_CLOEXEC)\b"
)
_ALLOWED = {
    "lwtui/models/llama_cpp/machine.py",
    "lwtui/models/llama_cpp/template_child.py",
    "lwtui/sources/reading/limits.py",
    "lwtui/system.py",
}


def on_windows(code: str, *arguments: str, libraries: str = "") -> str:
    """Run code in a process that looks like Windows, and return what it prints."""
    begin = f"from tests.support import windows\nwindows.become_windows({libraries})\n"
    program = begin + textwrap.dedent(code)
    command = [sys.executable, "-c", program, *arguments]
    result = subprocess.run(command, capture_output=True, cwd=ROOT, encoding="utf-8", timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_every_module_is_imported_without_what_windows_lacks() -> None:
    failed = on_windows(
        """
        names = list(windows.lwtui_modules())
        assert len(names) > 200
        print("\\n".join(windows.without_extras(names)))
        """,
        libraries="windows.BASE",
    )
    assert failed == ""


def test_what_windows_lacks_is_used_where_the_system_is_asked_for() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "lwtui").rglob("*.py")
        if _POSIX_ONLY.search(path.read_text(encoding="utf-8"))
    }
    assert found <= _ALLOWED


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    printed = on_windows(
        """
        import sys
        from pathlib import Path
        from lwtui.files import FileLock, FileLocked, write_atomically
        path = Path(sys.argv[1])
        lock = FileLock.acquire(path)
        try:
            FileLock.acquire(path)
        except FileLocked as holder:
            print(holder)
        lock.release()
        FileLock.acquire(path).release()
        write_atomically(path, "text")
        print(sorted(file.name for file in path.parent.iterdir()))
        """,
        str(tmp_path / "file"),
    )
    assert printed.splitlines() == ["in this window already", "['file']"]


def test_a_document_is_created_locked_and_changed(tmp_path: Path) -> None:
    printed = on_windows(
        """
        import sys
        from pathlib import Path
        from lwtui.documents.library import list_documents, move_to_trash, new_path
        from lwtui.documents.model import Brief
        from lwtui.documents.store import Document
        folder = Path(sys.argv[1])
        path = new_path(folder, "CON: a report")
        with Document.create(path, Brief("A report", 100)) as document:
            document.set_setting("name", "value")
            with Document.open(path) as second:
                print(second.read_only)
        with Document.open(path) as document:
            print(document.setting("name"), document.read_only)
        print([Path(entry.path).name for entry in list_documents(folder)])
        move_to_trash(path)
        print(list_documents(folder))
        """,
        str(tmp_path),
    )
    assert printed.splitlines() == ["True", "value False", "['CON a report.lw']", "[]"]


def test_stop_signals_reach_the_event_loop() -> None:
    printed = on_windows("""
        import asyncio, signal
        from lwtui.stop_signals import on_stop_signal

        async def main():
            stopped = asyncio.Event()
            on_stop_signal(lambda number: (print(number.name), stopped.set()))
            asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGTERM)
            async with asyncio.timeout(10):
                await stopped.wait()

        asyncio.run(main())
    """)
    assert printed == "SIGTERM"


def test_the_machine_is_described_without_posix() -> None:
    printed = on_windows("""
        from lwtui.models.llama_cpp.machine import available_memory, usable_cores
        print(usable_cores() > 0, available_memory() > 2**20)
    """)
    assert printed == "True True"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            r'"C:\Program Files\Microsoft VS Code\bin\code.cmd" --wait',
            [r"C:\Program Files\Microsoft VS Code\bin\code.cmd", "--wait"],
        ),
        (r"C:\Windows\notepad.exe", [r"C:\Windows\notepad.exe"]),
        ("notepad++ -multiInst", ["notepad++", "-multiInst"]),
        ("", ["notepad"]),
    ],
)
def test_an_editor_may_be_a_path_with_backslashes(given: str, words: list[str]) -> None:
    printed = on_windows(
        """
        import shutil, sys
        shutil.which = lambda name: name
        from lwtui.system import editor_command
        print(editor_command({"EDITOR": sys.argv[1]}))
        """,
        given,
    )
    assert printed == str(words)


def test_commands_to_copy_are_quoted_for_the_shells_of_windows() -> None:
    printed = on_windows(r"""
        from lwtui.system import join_command, split_command
        words = ["lwtui", "write", "--resume", r"C:\My Texts\It's.lw", "--budget", "2 €", "a&b", "", "x>y"]
        line = join_command(words)
        print(line)
        assert split_command(line) == words, split_command(line)
    """)
    assert printed == r'''lwtui write --resume "C:\My Texts\It's.lw" --budget "2 €" "a&b" "" "x>y"'''


def test_names_of_devices_are_no_names_of_files() -> None:
    from lwtui.documents.library import safe_name
    from lwtui.system import is_reserved_name

    for title in ("con", "NUL", "Aux.", "com1", "LPT9.txt", "com¹", "CONIN$", "prn .md", "nul  "):
        assert is_reserved_name(title), title
        assert not is_reserved_name(f"{safe_name(title)}.lw"), title
    for title in ("Console", "Auxiliary", "nullable", "com", "com10", "A con"):
        assert not is_reserved_name(title), title
        assert safe_name(title) == title


def test_pip_of_windows_has_its_own_configuration_files(tmp_path: Path) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.ini").write_text(
        "[global]\nindex-url = https://packages.example/simple\n", encoding="utf-8"
    )
    printed = on_windows(
        """
        import os, sys
        for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE"):
            os.environ.pop(name, None)
        os.environ["APPDATA"] = sys.argv[1]
        from lwtui.models.package_index import _configured_index
        print(_configured_index())
        """,
        str(tmp_path),
    )
    assert printed == "https://packages.example/simple"


def test_child_processes_are_read_without_selectors() -> None:
    printed = on_windows(
        """
        import selectors, subprocess
        import os
        del os.set_blocking
        subprocess.CREATE_NO_WINDOW, os.WNOHANG = 0, 1  # this is another system after all
        from lwtui.sources.reading.job import ReadJob

        class NoSelector:
            def __init__(self):
                raise OSError("pipes cannot be waited for")

        selectors.DefaultSelector = NoSelector
        lines = []
        codes = ReadJob().run_children("this", [[], []], lines.append, seconds=60, most_bytes=1_000_000)
        print(codes, sum(line.startswith(b"Beautiful is better") for line in lines))
        """
    )
    assert printed == "[0, 0] 2"
