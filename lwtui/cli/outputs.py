"""Files that a command is asked to write: their format, and that nothing is lost by writing them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lwtui.documents.export import check_format
from lwtui.errors import DocumentError, UsageError


def format_of(path: Path) -> str:
    """The format that the end of a file's name stands for.

    Raises :class:`UsageError`, or :class:`lwtui.errors.LwtuiError` that says what to install for it.
    """
    return check_format(path)


def check_output(path: Path, *, overwrite: bool) -> None:
    """Find out that ``path`` can be written before any work is done for it.

    Raises :class:`UsageError` if it is there already or has no folder, :class:`DocumentError` if its folder cannot
    be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Name a file in it.")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already. Choose another name, or overwrite it with --force.")
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Raises :class:`UsageError` if there is no such folder, :class:`DocumentError` if it cannot be written."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}. Make it first: mkdir -p {folder}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise DocumentError(
            f"Cannot write in the folder {folder}: {error.strerror}. Choose another, or mend its permissions."
        ) from None


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it. Raises :class:`DocumentError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DocumentError(
            f"Cannot make the folder {folder}: {error.strerror}. Choose another: lwtui config set documents FOLDER"
        ) from None
