"""The mirror: a Markdown copy beside a document, kept up to date for other programs to read.

It is one file, or a folder with a file for each section, to which :mod:`lwtui.documents.mirror_commits` adds a commit
per session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lwtui.config import Mirror
from lwtui.documents.export import ExportOptions, render
from lwtui.documents.mirror_folder import folder_files, folder_name, section_names
from lwtui.documents.mirror_state import (
    MirrorState,
    plan_files,
    read_state,
    remove_files,
    state_file,
    write_files,
    write_state,
)
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.translation import _

_SHOWN = 3  # names in a message


def mirror_path(document: Path, kind: Mirror = Mirror.FILE) -> Path:
    """Return the path of a document's mirror, which is a file or a folder."""
    return document.with_suffix(".md") if kind is Mirror.FILE else document.with_name(folder_name(document))


def own_mirror(document: Path) -> Mirror | None:
    """Return what was chosen for this document alone; ``None`` if the settings decide."""
    return read_state(document).choice


def mirror_kind(document: Path, by_default: Mirror) -> Mirror:
    """Return what is kept beside a document: its own choice, or else ``by_default``."""
    own = own_mirror(document)
    return by_default if own is None else own


def choose_mirror(document: Path, kind: Mirror | None) -> None:
    """Choose what is kept beside one document, whatever the settings say; ``None``: what they say.

    An existing mirror stays where it is.

    Raises:
        DocumentError: The choice cannot be stored.
    """
    try:
        write_state(document, replace(read_state(document), choice=kind))
    except OSError as error:
        raise DocumentError(
            _(
                "Cannot store this choice in {folder}: {reason}. Check its permissions.",
                folder=state_file(document).parent,
                reason=error.strerror,
            ),
            code="unwritable",
        ) from None


def update_mirror(document: Document, by_default: Mirror) -> str:
    """Update the mirror, if the document has one and this process is its writer.

    Returns:
        A line for the user if a part of the mirror could not be updated, else an empty string. It raises no error,
        because writing must go on without the mirror.
    """
    kind = mirror_kind(document.path, by_default)
    if document.read_only or kind is Mirror.NONE:
        return ""
    path, state = mirror_path(document.path, kind), read_state(document.path)
    try:
        return _update_file(document, path, state) if kind is Mirror.FILE else _update_folder(document, path, state)
    except OSError as error:
        return _write_problem(path, error)


def _update_file(document: Document, path: Path, state: MirrorState) -> str:
    content = render(document, "md", ExportOptions(citations=False, headings=True)).encode("utf-8")
    contents = {path.name: content}
    planned = plan_files(path.parent, contents, {path.name: state.hashes})
    if planned.problem:
        raise planned.problem
    if planned.foreign:
        return _(
            "{name} was not written by lwtui, or has changed since, so the mirror is not updated. Move the"
            " file away, or import it as a document of its own.",
            name=path.name,
        )
    if planned.hashes[path.name] != state.hashes:
        write_state(document.path, replace(state, hashes=planned.hashes[path.name]))
    write_files(path.parent, contents, planned)
    return _write_problem(path, planned.problem) if planned.problem else ""


def _update_folder(document: Document, folder: Path, state: MirrorState) -> str:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return _(
            "{name} is no folder of lwtui's, so the mirror is not updated. Move it away.",
            name=folder.name,
        )
    names = section_names(document.sections(), state.names, folder)
    contents = folder_files(document, names)
    planned = plan_files(folder, contents, state.files)
    old = [name for name in state.files if name not in contents]
    # What others have changed stays known, so that it is lwtui's again if the change is undone.
    kept = {name: state.files[name] for name in [*planned.foreign, *old] if name in state.files}
    after = replace(state, names=names, files={**planned.hashes, **kept})
    if after != state:
        write_state(document.path, after)
    folder.mkdir(exist_ok=True)
    write_files(folder, contents, planned)
    changed, are_gone = remove_files(folder, old, state.files)
    if old and are_gone:
        files = {name: versions for name, versions in after.files.items() if name not in old}
        write_state(document.path, replace(after, files=files))
    if planned.problem:
        return _write_problem(folder, planned.problem)
    return _left_alone(folder, [*planned.foreign, *changed])


def _left_alone(folder: Path, names: Sequence[str]) -> str:
    """Return a line that names the files that others wrote or changed; empty if there are none."""
    if not names:
        return ""
    shown = ", ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        shown = _("{names} and {count} more", names=shown, count=len(names) - _SHOWN)
    return _(
        "Files in {folder} that lwtui did not write, or that have changed since, are left alone: {names}. Move them"
        " away to have them updated.",
        folder=folder.name,
        names=shown,
    )


def _write_problem(path: Path, error: OSError) -> str:
    return _(
        "Cannot write the mirror {path}: {reason}. The document itself is safe.",
        path=path,
        reason=error.strerror,
    )
