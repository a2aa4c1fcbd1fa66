"""The mirror: a Markdown copy beside a document, kept up to date for other programs to read.

lwtui replaces the file in one step, and only if it wrote the file itself: the cache holds the hashes of the last two
versions. It needs two, because a crash may come between storing the hash of a version and writing that version.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from lwtui.config import cache_folder
from lwtui.documents.export import ExportOptions, render
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.files import write_atomically
from lwtui.translation import _


@dataclass(frozen=True)
class _MirrorState:
    """The state of a document's mirror.

    Attributes:
        document: The path of the document.
        on: Whether the document has a mirror; ``None`` if the settings decide.
        hashes: The hashes of the last two versions of the mirror, the newest last.
    """

    document: str
    on: bool | None = None
    hashes: tuple[str, ...] = ()


def mirror_path(document: Path) -> Path:
    """Return the path of a document's mirror."""
    return document.with_suffix(".md")


def is_mirrored(document: Path, by_default: bool) -> bool:
    """Tell whether a document has a mirror: by its own choice, or else ``by_default``."""
    on = _read(document).on
    return by_default if on is None else on


def set_mirrored(document: Path, on: bool) -> None:
    """Turn the mirror of one document on or off, whatever the settings say. An existing mirror stays where it is.

    Raises:
        DocumentError: The choice cannot be stored.
    """
    try:
        _write(document, replace(_read(document), on=on))
    except OSError as error:
        raise DocumentError(
            _(
                "Cannot store this choice in {folder}: {reason}. Check its permissions.",
                folder=_state_file(document).parent,
                reason=error.strerror,
            ),
            code="unwritable",
        ) from None


def update_mirror(document: Document, by_default: bool) -> str:
    """Update the mirror, if the document has one and this process is its writer.

    Returns:
        A line for the user if the mirror could not be updated, else an empty string. It raises no error, because
        writing must go on without the mirror.
    """
    if document.read_only or not is_mirrored(document.path, by_default):
        return ""
    path = mirror_path(document.path)
    content = render(document, "md", ExportOptions(citations=False)).encode("utf-8")
    new_hash, state = sha256(content).hexdigest(), _read(document.path)
    try:
        old_hash = _hash(path)
        if old_hash == new_hash and new_hash in state.hashes:
            return ""
        if old_hash and old_hash != new_hash and old_hash not in state.hashes:
            return _(
                "{name} was not written by lwtui, or has changed since, so the mirror is not updated. Move the"
                " file away, or import it as a document of its own.",
                name=path.name,
            )
        _write(document.path, replace(state, hashes=(*state.hashes[-1:], new_hash)))
        write_atomically(path, content)
    except OSError as error:
        return _(
            "Cannot write the mirror {path}: {reason}. The document itself is safe.",
            path=path,
            reason=error.strerror,
        )
    return ""


def _hash(path: Path) -> str:
    """Return the hash of a file; empty if there is none."""
    if path.is_symlink() or path.is_dir():
        return "not a plain file"  # so lwtui did not write it
    try:
        return sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _state_file(document: Path) -> Path:
    name = sha256(str(document.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_folder() / "mirrors" / f"{name}.json"


def _read(document: Path) -> _MirrorState:
    """Read the state from the cache. Without a usable entry, the mirror counts as new."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        stored = json.loads(_state_file(document).read_text(encoding="utf-8"))
        on = stored.get("on")
        return _MirrorState(
            str(document.absolute()),
            on if isinstance(on, bool) else None,
            tuple(str(version) for version in stored.get("hashes", ())),
        )
    return _MirrorState(str(document.absolute()))


def _write(document: Path, state: _MirrorState) -> None:
    file = _state_file(document)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, json.dumps(asdict(state), ensure_ascii=False))
