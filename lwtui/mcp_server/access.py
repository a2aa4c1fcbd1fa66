"""Which documents a client may reach: those in the library and in the folders that were given, and no other file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from lwtui.config import Mirror
from lwtui.documents.mirror import update_mirror
from lwtui.documents.mirror_commits import SessionCommit, session_commit
from lwtui.documents.model import Section
from lwtui.documents.outline import outline_numbers
from lwtui.documents.store import Document
from lwtui.errors import UsageError

_SUFFIX = ".lw"
_LOGGER = logging.getLogger(__name__)


class Access:
    """Opens documents by the paths that a client sends.

    Args:
        folders: The folders whose documents can be reached, the library first. Relative paths start there.
        mirror: The Markdown mirror that a document has unless its own choice is another.
        author: Who commits a mirror if git does not know.
    """

    def __init__(self, folders: Sequence[Path], *, mirror: Mirror = Mirror.NONE, author: str = "") -> None:
        self.folders = tuple(folder.resolve() for folder in folders)
        self._mirror = mirror
        self._author = author

    def path(self, given: str) -> Path:
        """Return the path of a document.

        Args:
            given: An absolute path, or one relative to the library. ``.lw`` may be left out.

        Raises:
            UsageError: It is not in one of the folders, or is no document's name.
        """
        if "\0" in given or not given.strip():
            raise UsageError("A document's path must be a name ending in .lw.", code="invalid-path")
        named = self.folders[0] / (given if given.lower().endswith(_SUFFIX) else given + _SUFFIX)
        try:
            real = named.resolve()
        except (OSError, RuntimeError):  # a loop of symbolic links
            raise UsageError(
                f"{given} cannot be found. list_documents lists what there is.", code="not-found"
            ) from None
        inside = next((folder for folder in self.folders if real.is_relative_to(folder)), None)
        if inside is None:
            raise UsageError(
                f"{given} is not in the library or a folder that was given. list_documents lists what can be reached.",
                code="outside",
            )
        if any(part.startswith(".") for part in real.relative_to(inside).parts):
            raise UsageError(f"{given} is hidden. list_documents lists what can be reached.", code="hidden")
        if real.suffix.lower() != _SUFFIX:
            raise UsageError(f"{given} leads to another kind of file.", code="invalid-path")
        return real

    def folder(self, given: str) -> Path:
        """Return a folder for a new document: an empty string is the library.

        Raises:
            UsageError: It is not one of the folders or within one.
        """
        if not given.strip():
            return self.folders[0]
        folder = self.path(f"{given}/document{_SUFFIX}").parent
        if not folder.is_dir():
            raise UsageError(f"There is no folder {given}.", code="not-found")
        return folder

    @contextmanager
    def reading(self, given: str) -> Iterator[Document]:
        """Open a document for reading.

        Raises:
            UsageError: The path cannot be reached.
            DocumentError: The document cannot be read.
        """
        with Document.open(self.path(given), read_only=True) as document:
            yield document

    @contextmanager
    def writing(self, given: str) -> Iterator[Document]:
        """Open a document for writing, and update and commit its mirror at the end, however that comes.

        Raises:
            UsageError: The path cannot be reached.
            DocumentError: The document cannot be written, for instance because it is open elsewhere.
        """
        commits: list[SessionCommit] = []
        try:
            with self._opened(given, commits) as document:
                yield document
        finally:
            _run(commits)

    @asynccontextmanager
    async def writing_in_loop(self, given: str) -> AsyncIterator[Document]:
        """Do the same as :meth:`writing` in the event loop, which goes on while the mirror is committed."""
        commits: list[SessionCommit] = []
        try:
            with self._opened(given, commits) as document:
                yield document
        finally:
            await asyncio.to_thread(_run, commits)

    def update_mirror(self, document: Document) -> None:
        """Update the Markdown mirror of an open document, and commit it if the document has such a mirror.

        What keeps it from being updated or committed is in the log.
        """
        _run(self._updated(document))

    @contextmanager
    def _opened(self, given: str, commits: list[SessionCommit]) -> Iterator[Document]:
        with Document.open(self.path(given)) as document:
            document.require_writable()
            try:
                yield document
            finally:
                commits += self._updated(document)

    def _updated(self, document: Document) -> list[SessionCommit]:
        """Update the mirror, and return the commit to make, if there is to be one."""
        if problem := update_mirror(document, self._mirror):
            _LOGGER.warning("%s", problem)
        commit = session_commit(document, self._mirror, self._author)
        return [] if commit is None else [commit]


def _run(commits: Sequence[SessionCommit]) -> None:
    for commit in commits:
        if problem := commit.run():
            _LOGGER.warning("%s", problem)


def find_section(document: Document, given: str) -> Section:
    """Find a section by its number in the outline (``2.1``), its id or its heading.

    Raises:
        UsageError: There is none.
    """
    wanted = given.strip().rstrip(".")
    sections = document.sections()
    for at, number in enumerate(outline_numbers(document.plan)):
        if wanted in (number, sections[at].id):
            return sections[at]
    named = [section for section in sections if section.title == given.strip()]
    if len(named) == 1:
        return named[0]
    raise UsageError(f"There is no section {given!r}. read_document lists the sections.", code="unknown-section")
