"""The folder of documents: listing it, naming new files, deleting so that it can be undone."""

from __future__ import annotations

from pathlib import Path

from lwtui.documents.model import Summary


def list_documents(folder: Path) -> list[Summary]:
    """A line for each ``.lw`` file in ``folder``, the last changed first; none if there is no folder.

    Opens nothing for writing. A file that cannot be read is listed with its ``problem``.
    """
    raise NotImplementedError


def new_path(folder: Path, title: str) -> Path:
    """A path in ``folder`` for a document called ``title``: a plain file name that is not taken."""
    raise NotImplementedError


def move_to_trash(path: Path) -> Path:
    """Move a document (with its SQLite side files) into the ``.trash`` folder beside it; where it is now."""
    raise NotImplementedError


def restore_from_trash(trashed: Path) -> Path:
    """Bring a document back beside the trash; where it is now."""
    raise NotImplementedError
