"""Edits a text in the user's own editor (``$VISUAL`` or ``$EDITOR``)."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lwtui.errors import LwtuiError
from lwtui.system import editor_command, is_reserved_name
from lwtui.translation import _

_MAX_NAME_LENGTH = 40


def edit_externally(text: str, title: str, environment: Mapping[str, str]) -> str:
    """Edit ``text`` in the user's editor, and block until the editor ends.

    Args:
        text: The text to edit.
        title: Names the temporary file.
        environment: The environment variables; ``VISUAL`` and ``EDITOR`` may hold arguments (``code --wait``).

    Returns:
        The edited text.

    Raises:
        LwtuiError: The editor did not start, failed, or left a file that is not UTF-8. The message names the file,
            which is kept.
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
        raise LwtuiError(
            _and_where(
                path, _("Cannot read the text back from {command}: {why}.", command=command[0], why=_why(error))
            ),
            code="unreadable",
        ) from None
    if code:
        _remove_unless_changed(path, text)
        raise LwtuiError(
            _and_where(
                path,
                _(
                    "{command} ended with exit code {code}, so the section was not changed.",
                    command=command[0],
                    code=code,
                ),
            ),
            code="editor-failed",
        )
    shutil.rmtree(folder, ignore_errors=True)
    # Editors add a newline to the last line.
    return edited if text.endswith("\n") or edited.endswith("\n\n") else edited.removesuffix("\n")


def save_separately(text: str) -> Path:
    """Write a text that could not be stored to a temporary file, and return its path."""
    path = Path(tempfile.mkdtemp(prefix="lwtui-")) / "section.md"
    path.write_text(text, encoding="utf-8")
    return path


def _command(environment: Mapping[str, str]) -> list[str]:
    try:
        command = editor_command(environment)
    except ValueError as error:
        given = environment.get("VISUAL") or environment.get("EDITOR")
        raise LwtuiError(
            _("Cannot parse $VISUAL or $EDITOR ({error}): {given}", error=error, given=given), code="invalid-command"
        ) from None
    if not command:
        raise LwtuiError(_("No editor was found. Set EDITOR, for example: export EDITOR=nano"), code="no-editor")
    return command


def _name(title: str) -> str:
    name = "".join(character if character.isalnum() else "-" for character in title).strip("-")
    return "section" if not name or is_reserved_name(name) else name[:_MAX_NAME_LENGTH]


def _remove_unless_changed(path: Path, text: str) -> None:
    """Remove the temporary file unless it holds edits."""
    try:
        same = path.read_bytes() == text.encode("utf-8")
    except OSError:
        return
    if same:
        shutil.rmtree(path.parent, ignore_errors=True)


def _and_where(path: Path, problem: str) -> str:
    """Return the problem, and where the edited text is if there is one."""
    if not path.exists():
        return problem
    return _("{problem} The edited text is in {path}.", problem=problem, path=path)


def _why(error: OSError | UnicodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else _("it is not UTF-8 text")
