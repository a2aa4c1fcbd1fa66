"""Pictures of an import: they go into a folder beside the document, under names of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import regex

from lwtui.documents.export.markup import safe_parser
from lwtui.documents.export.pictures import PictureFolder
from lwtui.documents.importing.imported import Imported, ImportedPart, ImportedPicture
from lwtui.errors import DocumentError
from lwtui.files import write_atomically


def with_kept_pictures(imported: Imported, target: Path) -> Imported:
    """Write the pictures of an import beside the document to be, and let its texts name them there.

    A picture that the text names by a path stays where it is if the document comes into the same folder.

    Args:
        imported: What was read.
        target: The path of the document.

    Raises:
        DocumentError: A picture cannot be written.
    """
    pictures = {picture.address: picture for picture in imported.pictures}
    if imported.folder is not None and imported.folder.resolve() != target.parent.resolve():
        folder = PictureFolder(imported.folder, "html")
        for address in _addresses(imported.parts):
            if address not in pictures and (read := folder.read(address)):
                pictures[address] = ImportedPicture(address, read.kind, read.data)
    if not pictures:
        return imported
    folder_path = _free_folder(target)
    names = {}
    try:
        folder_path.mkdir()
        for number, picture in enumerate(pictures.values(), 1):
            name = f"picture-{number}.{picture.kind}"
            write_atomically(folder_path / name, picture.data)
            names[picture.address] = f"{folder_path.name}/{name}"
    except OSError as error:
        raise DocumentError(
            f"Cannot write the pictures to {folder_path}: {error.strerror}. Import into another folder.",
            code="unwritable",
        ) from error
    imported.report.remark(f"The pictures are in the folder {folder_path.name}.")
    return replace(imported, parts=tuple(replace(part, text=_renamed(part.text, names)) for part in imported.parts))


def _addresses(parts: Sequence[ImportedPart]) -> list[str]:
    """Return the addresses of the pictures in the texts."""
    found: dict[str, None] = {}
    for part in parts:
        if "![" not in part.text:
            continue
        for token in safe_parser().parse(part.text):
            for child in token.children or ():
                if child.type == "image":
                    found[str(child.attrGet("src") or "")] = None
    return list(found)


def _renamed(text: str, names: dict[str, str]) -> str:
    def named(match: regex.Match[str]) -> str:
        address = match["bare"] or match["angled"]
        new = names.get(address) or names.get(address.replace(" ", "%20"))
        return f"{match['before']}{new}" if new else match[0]

    picture = regex.compile(
        r"(?P<before>!\[(?:[^\[\]\\]|\\.|\[(?:[^\[\]\\]|\\.)*\])*\]\()(?:<(?P<angled>[^<>\n]+)>|(?P<bare>[^\s()<>]+))"
    )
    return picture.sub(named, text)


def _free_folder(target: Path) -> Path:
    """Return a folder beside the document that is not there yet. Its name has no characters that Markdown escapes."""
    stem = target.stem
    plain = regex.sub(r"[^A-Za-z0-9-]+", "-", stem).strip("-")
    name = f"{plain}-pictures" if plain == stem else f"{plain or 'book'}-{crc32(stem.encode()):08x}-pictures"
    number = 1
    folder = target.with_name(name)
    while folder.exists():
        number += 1
        folder = target.with_name(f"{name}-{number}")
    return folder
