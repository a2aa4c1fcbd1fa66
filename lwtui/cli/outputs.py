"""Output files: their format, and checks before any work is done that they can be written."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lwtui.documents.export import check_format
from lwtui.errors import DocumentError, UsageError
from lwtui.translation import _


def format_of(path: Path) -> str:
    """Return the export format of a file by its extension.

    Raises:
        UsageError: The extension is unknown.
        LwtuiError: A package is missing; the message says what to install.
    """
    return check_format(path)


def check_output(path: Path, *, overwrite: bool) -> None:
    """Check that a file can be written.

    Raises:
        UsageError: It exists and ``overwrite`` is not set, or it has no folder.
        DocumentError: Its folder is not writable.
    """
    if path.is_dir():
        raise UsageError(_("{path} is a folder. Name a file in it.", path=path), code="is-folder")
    if path.exists() and not overwrite:
        raise UsageError(
            _("{path} already exists. Choose another name, or overwrite it with --force.", path=path),
            code="already-exists",
        )
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Check that files can be created in a folder.

    Raises:
        UsageError: There is no such folder.
        DocumentError: The folder is not writable.
    """
    if not folder.is_dir():
        raise UsageError(
            _("There is no folder {folder}. Create it: mkdir -p {folder}", folder=folder), code="not-found"
        )
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise DocumentError(
            _(
                "Cannot write in the folder {folder}: {strerror}. Choose another one, or fix its permissions.",
                folder=folder,
                strerror=error.strerror,
            ),
            code="unwritable",
        ) from None


def make_folder(folder: Path) -> None:
    """Create a folder and its parents.

    Raises:
        DocumentError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DocumentError(
            _(
                "Cannot create the folder {folder}: {strerror}. Choose another: lwtui config set documents FOLDER",
                folder=folder,
                strerror=error.strerror,
            ),
            code="unwritable",
        ) from None
