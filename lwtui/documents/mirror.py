"""A Markdown file beside a document that is kept up to date, for other programs to read.

It is written in one step, and only over what lwtui wrote itself: the hashes of its last two versions are in the cache,
two because a crash may come between noting a version and writing it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from lwtui.config import cache_folder
from lwtui.documents.export import render
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.files import write_atomically


@dataclass(frozen=True)
class _Note:
    """What is known about a document's mirror. ``on`` is ``None`` where the settings decide."""

    document: str
    on: bool | None = None
    hashes: tuple[str, ...] = ()


def mirror_path(document: Path) -> Path:
    return document.with_suffix(".md")


def is_mirrored(document: Path, by_default: bool) -> bool:
    """Whether the document at that path has a mirror: by its own choice, or else ``by_default``."""
    on = _read(document).on
    return by_default if on is None else on


def choose_mirror(document: Path, on: bool) -> None:
    """Let one document have a mirror, or none, whatever the settings say. A file that is there stays.

    Raises :class:`lwtui.errors.DocumentError`.
    """
    try:
        _write(document, replace(_read(document), on=on))
    except OSError as error:
        raise DocumentError(
            f"Cannot keep this choice in {_note_file(document).parent}: {error.strerror}. Check its permissions."
        ) from None


def update_mirror(document: Document, by_default: bool) -> str:
    """Bring the mirror up to date, if the document has one and this process is its writer.

    Returns an empty text, or a line that says why it could not be done: nothing that was written may depend on it.
    """
    if document.read_only or not is_mirrored(document.path, by_default):
        return ""
    path = mirror_path(document.path)
    content = render(document, "md").encode("utf-8")
    new, note = sha256(content).hexdigest(), _read(document.path)
    try:
        old = _hash(path)
        if old == new and new in note.hashes:
            return ""
        if old and old != new and old not in note.hashes:
            return (
                f"{path.name} is not as lwtui wrote it, so it is left as it is. Move it away, or import it as a"
                " document of its own; then the mirror goes on."
            )
        _write(document.path, replace(note, hashes=(*note.hashes[-1:], new)))
        write_atomically(path, content)
    except OSError as error:
        return f"The mirror {path} could not be written: {error.strerror}. The document itself is safe."
    return ""


def _hash(path: Path) -> str:
    """The hash of what stands there; empty for no file. What is no plain file was not written by lwtui."""
    if path.is_symlink() or path.is_dir():
        return "not a plain file"
    try:
        return sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _note_file(document: Path) -> Path:
    name = sha256(str(document.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_folder() / "mirrors" / f"{name}.json"


def _read(document: Path) -> _Note:
    """What the cache knows; what it does not, or no longer, is as if it had never been."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        stored = json.loads(_note_file(document).read_text(encoding="utf-8"))
        on = stored.get("on")
        return _Note(
            str(document.absolute()),
            on if isinstance(on, bool) else None,
            tuple(str(one) for one in stored.get("hashes", ())),
        )
    return _Note(str(document.absolute()))


def _write(document: Path, note: _Note) -> None:
    file = _note_file(document)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, json.dumps(asdict(note), ensure_ascii=False))
