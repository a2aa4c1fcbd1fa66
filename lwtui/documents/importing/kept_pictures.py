"""Pictures of an import: they go into a folder beside the document, under names of our own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from shutil import rmtree
from urllib.parse import quote, unquote

import regex
from markdown_it.common.normalize_url import normalizeLink

from lwtui.documents.export.markup import safe_parser
from lwtui.documents.export.pictures import PictureFolder, picture_folder, shown_name
from lwtui.documents.importing.imported import Imported, ImportedPart, ImportedPicture, ImportReport, some
from lwtui.documents.markdown_source import change_pictures
from lwtui.errors import DocumentError
from lwtui.files import write_atomically
from lwtui.translation import _

_MAX_FILES = 20_000  # in which a picture is looked for by its name


def with_kept_pictures(imported: Imported, target: Path) -> Imported:
    """Let the texts of an import name its pictures where :func:`write_pictures` is to write them, beside the document.

    A picture that the text names by a path stays where it is if the document comes into the same folder.

    Args:
        imported: What was read.
        target: The path of the document.

    Returns:
        The import with these texts and with the pictures to write, whose addresses are their paths from the document.
    """
    pictures = {picture.address: picture for picture in imported.pictures}
    if imported.folder is not None:
        named = [address for address in _addresses(imported.parts) if address not in pictures]
        folder = PictureFolder(imported.folder, "html")
        _tell_missing(named, folder, imported.report)
        if imported.folder.resolve() != target.parent.resolve():
            for address in named:
                if read := folder.read(address):
                    pictures[address] = ImportedPicture(address, read.kind, read.data)
    if not pictures:
        return imported
    folder_name = _free_folder(target)
    kept = [
        replace(picture, address=f"{folder_name}/picture-{number}.{picture.kind}")
        for number, picture in enumerate(pictures.values(), 1)
    ]
    names = {address: picture.address for address, picture in zip(pictures, kept, strict=True)}
    imported.report.remark(_("The pictures are in the folder {folder}.", folder=folder_name))
    parts = tuple(replace(part, text=_renamed(part.text, names)) for part in imported.parts)
    return replace(imported, parts=parts, pictures=tuple(kept))


def write_pictures(pictures: Sequence[ImportedPicture], beside: Path) -> None:
    """Write pictures into a new folder beside a document, all of them or none.

    Args:
        pictures: The pictures, as :func:`with_kept_pictures` returns them.
        beside: The path of the document.

    Raises:
        DocumentError: A picture cannot be written.
    """
    if not pictures:
        return
    folder = (beside.parent / pictures[0].address).parent
    try:
        folder.mkdir()
        try:
            for picture in pictures:
                write_atomically(beside.parent / picture.address, picture.data)
        except OSError:
            rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise DocumentError(
            _(
                "Cannot write the pictures to {folder}: {reason}. Import into another folder.",
                folder=folder,
                reason=error.strerror,
            ),
            code="unwritable",
        ) from error


def _tell_missing(addresses: Sequence[str], folder: PictureFolder, report: ImportReport) -> None:
    missing: dict[str, list[str]] = {}
    for address in addresses:
        _path, problem = folder.find(address)
        if problem:
            missing.setdefault(problem, []).append(shown_name(address))
    for problem, names in missing.items():
        report.remark(
            _("Pictures that an export will not show ({problem}): {names}.", problem=problem, names=some(names))
        )


class FolderPictures:
    """Gathers the pictures of the files of a folder, which may be anywhere within the folder."""

    def __init__(self, sources: Sequence[Path]) -> None:
        """Create it for the files of a folder. Their common folder is the one that pictures may be in."""
        parents = [str(source.resolve().parent) for source in sources]
        self._root = Path(os.path.commonpath(parents)) if parents else None
        self._folder = PictureFolder(self._root, "html")
        self._by_path: dict[str, str] = {}  # what the texts call the pictures, by their paths
        self.found: list[ImportedPicture] = []

    def gathered(self, imported: Imported, source: Path) -> Imported:
        """Take over the pictures of one file of the folder, under addresses that are its own in the whole folder."""
        names = {}
        for picture in imported.pictures:
            names[picture.address] = self._add(picture.kind, picture.data)
        for address in _addresses(imported.parts):
            path = self._path(source, address)
            if path is None or address in names:
                continue
            if path not in self._by_path and (read := self._folder.read(quote(path))):
                self._by_path[path] = self._add(read.kind, read.data)
            if path in self._by_path:
                names[address] = self._by_path[path]
        if not names:
            return imported
        parts = tuple(replace(part, text=_renamed(part.text, names)) for part in imported.parts)
        return replace(imported, parts=parts, pictures=())

    def _add(self, kind: str, data: bytes) -> str:
        address = f"lwtui-media/{len(self.found) + 1}"
        self.found.append(ImportedPicture(address, kind, data))
        return address

    def _path(self, source: Path, address: str) -> str | None:
        """Return the path of a picture within the folder, or ``None`` if there is none."""
        name = unquote(address)
        if self._root is None or regex.match(r"[A-Za-z][\w+.-]*:|/|\\", name):
            return None
        path = Path(os.path.normpath(source.resolve().parent / name))
        if not path.is_file() and "/" not in name:
            path = self._all_files.get(name, path)  # Obsidian finds a file by its name
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else None

    @cached_property
    def _all_files(self) -> dict[str, Path]:
        """The files of the folder by their names, as many as are looked at."""
        if self._root is None:
            return {}
        return {path.name: path for path in islice(self._root.rglob("*.*"), _MAX_FILES)}


def _addresses(parts: Sequence[ImportedPart]) -> list[str]:
    """Return the addresses of the pictures in the texts."""
    found: dict[str, None] = {}
    markdown = safe_parser()
    for part in parts:
        if "![" not in part.text:
            continue
        for token in markdown.parse(part.text):
            for child in token.children or ():
                if child.type == "image":
                    found[str(child.attrGet("src") or "")] = None
    return list(found)


def _renamed(text: str, names: dict[str, str]) -> str:
    def named(picture: regex.Match[str]) -> str:
        address = picture["address"]
        new = names.get(address) or names.get(normalizeLink(address))
        return f"![{picture['caption']}]({new}{picture['rest'] or ''}" if new else picture[0]

    return change_pictures(text, named)


def _free_folder(target: Path) -> str:
    """Return the name of a folder beside the document that is not there yet."""
    name = first = picture_folder(target.stem, "pictures")
    number = 1
    while target.with_name(name).exists():
        number += 1
        name = f"{first}-{number}"
    return name
