"""A text in the editor that a person has chosen by ``$VISUAL`` or ``$EDITOR``."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lwtui.errors import LwtuiError

_EDITORS = ("sensible-editor", "nano", "vim", "vi")  # where nobody has chosen one
_LONGEST_NAME = 40


def edit_elsewhere(text: str, title: str, environment: Mapping[str, str]) -> str:
    """``text`` as the editor left it. Blocks until the editor ends.

    The variable may hold arguments (``code --wait``). Raises :class:`lwtui.errors.LwtuiError` if the editor does not
    start, fails, or leaves something that is no text; what it wrote then stays in the file that the error names.
    """
    command = _command(environment)
    folder = Path(tempfile.mkdtemp(prefix="lwtui-"))
    path = folder / f"{_name(title)}.md"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        code = subprocess.call([*command, str(path)])
        edited = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        _remove_unless_changed(path, text)
        raise LwtuiError(f"{command[0]} did not give the text back: {_why(error)}.{_where(path)}") from None
    if code:
        _remove_unless_changed(path, text)
        raise LwtuiError(f"{command[0]} ended with exit code {code}, so the section stays as it was.{_where(path)}")
    shutil.rmtree(folder, ignore_errors=True)
    # Editors end the last line; the section did not have to.
    return edited if text.endswith("\n") or edited.endswith("\n\n") else edited.removesuffix("\n")


def put_aside(text: str) -> Path:
    """Keep a text that could not be stored; the file it is in."""
    path = Path(tempfile.mkdtemp(prefix="lwtui-")) / "section.md"
    path.write_text(text, encoding="utf-8")
    return path


def _command(environment: Mapping[str, str]) -> list[str]:
    given = environment.get("VISUAL") or environment.get("EDITOR") or next(filter(shutil.which, _EDITORS), "")
    try:
        command = shlex.split(given)
    except ValueError as error:
        raise LwtuiError(f"$VISUAL or $EDITOR cannot be read ({error}): {given}") from None
    if not command:
        raise LwtuiError("There is no editor. Set EDITOR, as in: export EDITOR=nano")
    return command


def _name(title: str) -> str:
    name = "".join(one if one.isalnum() else "-" for one in title).strip("-")
    return name[:_LONGEST_NAME] or "section"


def _remove_unless_changed(path: Path, text: str) -> None:
    """Only what holds work is kept."""
    try:
        same = path.read_bytes() == text.encode("utf-8")
    except OSError:
        return
    if same:
        shutil.rmtree(path.parent, ignore_errors=True)


def _where(path: Path) -> str:
    return f" What it wrote is in {path}." if path.exists() else ""


def _why(error: OSError | UnicodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
