"""Pandoc, which writes DOCX, ODT, EPUB and LaTeX from a tree.

Pandoc runs in its sandbox, so that it opens no other file and no address.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import regex

from lwtui.documents.export.export_job import REINSTALL, ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.errors import LwtuiError
from lwtui.translation import _

# A single one of these characters would make the file unreadable.
_NOT_IN_XML = regex.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\uFFFE\uFFFF]")
API_VERSION = [1, 23, 1]  # of pandoc's tree
_MAX_MEMORY = "2g"  # a book of 100,000 words needs 0.1


def require_packages(task: str, *packages: str, extra: str = "export") -> None:
    """Check that the packages of an extra are installed.

    Raises:
        LwtuiError: A package is missing; the message says what to install for the ``task``.
    """
    if any(find_spec(package) is None for package in packages):
        raise LwtuiError(
            _(
                '{task} needs packages that are not installed. Install the extra: pip install "lwtui[{extra}]"',
                task=task,
                extra=extra,
            ),
            code="missing-extra",
        )


def pandoc() -> list[str]:
    """Return the start of every pandoc command: the program with its sandbox and memory limit.

    Raises:
        LwtuiError: Pandoc is not installed.
    """
    import pypandoc

    for name in ("pandoc", "pandoc.exe"):
        bundled = Path(pypandoc.__file__).parent / "files" / name
        if bundled.is_file():
            return [str(bundled), "+RTS", f"-M{_MAX_MEMORY}", "-RTS", "--sandbox"]
    raise LwtuiError(_("pandoc is not installed. {reinstall}", reinstall=REINSTALL), code="tool-missing")


def convert(
    tree: Mapping[str, Any],
    to: str,
    options: Sequence[str],
    job: ExportJob,
    files: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """Convert a tree with pandoc.

    Args:
        tree: The tree, as :func:`lwtui.documents.export.pandoc_tree.book_tree` makes it.
        to: Pandoc's name for the format.
        options: More options for pandoc.
        job: Reports progress, and can stop the export.
        files: Files that the options name, such as a template, by name.

    Returns:
        The bytes of the file.

    Raises:
        LwtuiError: The export failed or was stopped.
    """
    with TemporaryDirectory(prefix="lwtui-") as temporary:
        folder = Path(temporary)
        source = json.dumps(_without_control_characters(tree), ensure_ascii=False)
        (folder / "book.json").write_text(source, encoding="utf-8", errors="replace")
        for name, content in (files or {}).items():
            data = content if isinstance(content, bytes) else _NOT_IN_XML.sub("", content).encode("utf-8")
            (folder / name).write_bytes(data)
        job.step(_("Setting the book"))
        command = [*pandoc(), "--standalone", "--from=json", f"--to={to}", "--output=book.out", *options]
        job.run([*command, "book.json"], folder, "pandoc")
        return (folder / "book.out").read_bytes()


def _without_control_characters(node: Any) -> Any:
    if isinstance(node, str):
        return _NOT_IN_XML.sub("", node)
    if isinstance(node, list):
        return [_without_control_characters(child) for child in node]
    if isinstance(node, dict):
        return {name: _without_control_characters(child) for name, child in node.items()}
    return node


def rewrite_zip(archive: bytes, changes: Mapping[str, Callable[[str], str]], added: Mapping[str, str]) -> bytes:
    """Change and add text files in a zip archive.

    Args:
        archive: The bytes of the archive.
        changes: Functions from the old text to the new, by file name, or by an extension such as ``*.xhtml``.
        added: New files and their texts.

    Returns:
        The bytes of the new archive.
    """
    result = io.BytesIO()
    with ZipFile(io.BytesIO(archive)) as old, ZipFile(result, "w", ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if change := changes.get(entry.filename) or changes.get(f"*{PurePosixPath(entry.filename).suffix}"):
                content = change(content.decode("utf-8")).encode("utf-8")
            new.writestr(entry, content)  # keeps the compression: the first file of an EPUB must be uncompressed
        for name, text in added.items():
            new.writestr(name, text)
    return result.getvalue()


def with_date(xml: str, book: Manuscript) -> str:
    """Put the date of the manuscript into pandoc's metadata. In its sandbox, pandoc does not know the time."""
    return xml.replace("1970-01-01T00:00:00Z", f"{book.date}T00:00:00Z")
