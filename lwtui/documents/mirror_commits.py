"""Commits of a mirror's folder: one for each session, whose message says what the session did.

What was committed last is in the cache, beside the state of the mirror. If a commit fails, the next session's commit
has the changes of both.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from lwtui.config import Mirror
from lwtui.documents.export.manuscript import book_title
from lwtui.documents.git import GitError, GitFolder
from lwtui.documents.mirror import mirror_kind, mirror_path, own_mirror
from lwtui.documents.mirror_folder import SUMMARY
from lwtui.documents.mirror_state import file_hash, is_file_name, read_state, state_file, write_cached
from lwtui.documents.store import Document
from lwtui.text import counts_characters
from lwtui.translation import _, _n, sentences


@dataclass(frozen=True)
class SectionState:
    """What a message has to know of a section.

    Attributes:
        id: The section.
        title: The heading, which may be empty.
        length: The length of its text.
        digest: A hash of its text; empty without text.
    """

    id: str
    title: str
    length: int
    digest: str


@dataclass(frozen=True)
class Committed:
    """What was committed last.

    Attributes:
        repository: The repository that lwtui has made; empty: none.
        title: The title of the document.
        sections: Its sections, in order.
        files: The hashes of the files by their names.
    """

    repository: str = ""
    title: str = ""
    sections: tuple[SectionState, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SessionCommit:
    """A commit that is to be made: plain data, so that it can be made in any thread and after the document is closed.

    Attributes:
        document: The path of the document.
        title: Its title.
        sections: Its sections, in order.
        in_characters: Whether lengths are in characters rather than words.
        is_own_choice: Whether commits were chosen for this document alone, be it in a repository of the user's.
        author: The name of the author, if git does not know who the user is.
    """

    document: Path
    title: str
    sections: tuple[SectionState, ...]
    in_characters: bool
    is_own_choice: bool
    author: str

    def run(self) -> str:
        """Commit the folder if anything in it has changed since the last commit. It takes 20 seconds at most.

        Returns:
            A line for the user if there should be a commit and is none, else an empty string.
        """
        folder = mirror_path(self.document, Mirror.GIT)
        if folder.is_symlink() or not folder.is_dir():
            return ""  # which the update of the mirror has told
        before = _read(self.document)
        try:
            files = self._own_files(folder)
            if not files or (files, self.sections) == (before.files, before.sections):
                return ""
            gone = {name for name, _hash in before.files} - {name for name, _hash in files}
            gone = {name for name in gone if not file_hash(folder / name)}
            git = GitFolder(folder)
            if git.root is None:
                git.init(self.author)
                before = replace(before, repository=str(git.root))
                _write(self.document, before)
            elif not self.is_own_choice and str(git.root) != before.repository:
                return _(
                    "{folder} is in the git repository {repository}, which lwtui did not make, so nothing is committed."
                    " To have commits there, choose them in this document's export dialog.",
                    folder=folder.name,
                    repository=git.root,
                )
            message = commit_message(self, before)
            git.commit([name for name, _hash in files], gone, message, self.author)
        except GitError as error:
            return _failed(folder, str(error))
        except OSError as error:
            return _failed(folder, f"{error.strerror}.")
        with suppress(OSError):  # then the next message tells this once more
            _write(self.document, replace(before, title=self.title, sections=self.sections, files=files))
        return ""

    def _own_files(self, folder: Path) -> tuple[tuple[str, str], ...]:
        """Return the hashes of the files that are in the folder as lwtui wrote them, ``SUMMARY.md`` first."""
        known = read_state(self.document).files
        found = {name: file_hash(folder / name) for name in known}
        names = sorted((name for name in known if found[name] in known[name]), key=lambda name: (name != SUMMARY, name))
        return tuple((name, found[name]) for name in names)


def session_commit(document: Document, by_default: Mirror, author: str = "") -> SessionCommit | None:
    """Return the commit to make at the end of a session, after the mirror was updated; ``None`` if there is to be none.

    Args:
        document: The document, which may be closed afterwards.
        by_default: What documents have unless their own choice is another.
        author: The name of the author, if git does not know who the user is.
    """
    if document.read_only or mirror_kind(document.path, by_default) is not Mirror.GIT:
        return None
    sections = tuple(
        SectionState(
            section.id,
            section.title,
            section.length,
            sha256(section.text.encode("utf-8")).hexdigest()[:32] if section.text.strip() else "",
        )
        for section in document.sections()
    )
    in_characters = counts_characters(document.brief.language)
    is_own = own_mirror(document.path) is Mirror.GIT
    return SessionCommit(document.path, book_title(document), sections, in_characters, is_own, author)


def commit_message(now: SessionCommit, before: Committed) -> str:
    """Return a message: how many words were won or lost, and a line for each section that is not as it was."""
    change = sum(section.length for section in now.sections) - sum(section.length for section in before.sections)
    lines = _lines(now, before)
    return "\n".join([_subject(now, change), *([""] if lines else []), *lines]) + "\n"


def _subject(now: SessionCommit, change: int) -> str:
    if not change:
        return _("{title}: edited", title=now.title)
    shown = f"{change:+,}"
    if now.in_characters:
        return _n(
            "{title}: {change} character", "{title}: {change} characters", abs(change), title=now.title, change=shown
        )
    return _n("{title}: {change} word", "{title}: {change} words", abs(change), title=now.title, change=shown)


def _lines(now: SessionCommit, before: Committed) -> list[str]:
    """Return a line for each section that is not as it was."""
    lines = []
    if before.title not in ("", now.title):
        lines.append(_("The title was: {title}", title=before.title))
    old = {section.id: (section, _shown(section, number)) for number, section in enumerate(before.sections, 1)}
    for number, section in enumerate(now.sections, 1):
        known, old_name = old.pop(section.id, (None, ""))
        if line := _line(section, _shown(section, number), known, old_name, now.in_characters):
            lines.append(line)
    lines += [_("{section}: removed", section=name) for _section, name in old.values()]
    if not lines and [section.id for section in before.sections] != [section.id for section in now.sections]:
        lines.append(_("The sections are in another order."))
    return lines


def _shown(section: SectionState, number: int) -> str:
    return section.title or _("Section {number}", number=number)


def _line(section: SectionState, name: str, known: SectionState | None, old_name: str, in_characters: bool) -> str:
    """Return the line of a section; empty if it is as it was when it was ``known``."""
    if known is None:
        is_written = bool(section.digest)
        return _written(name, section.length, in_characters) if is_written else _("{section}: planned", section=name)
    is_renamed = section.title != known.title
    if section.digest == known.digest:
        return _("{section}: renamed, was {old}", section=name, old=old_name) if is_renamed else ""
    name = _("{section} (was {old})", section=name, old=old_name) if is_renamed else name
    if not known.digest:
        return _written(name, section.length, in_characters)
    return _changed(name, section.length - known.length, in_characters)


def _changed(name: str, change: int, in_characters: bool) -> str:
    if not change:
        return _("{section}: changed", section=name)
    shown = f"{change:+,}"
    if in_characters:
        return _n(
            "{section}: changed ({change} character)",
            "{section}: changed ({change} characters)",
            abs(change),
            section=name,
            change=shown,
        )
    return _n(
        "{section}: changed ({change} word)",
        "{section}: changed ({change} words)",
        abs(change),
        section=name,
        change=shown,
    )


def _written(name: str, length: int, in_characters: bool) -> str:
    if in_characters:
        return _n(
            "{section}: written ({count:,} character)",
            "{section}: written ({count:,} characters)",
            length,
            section=name,
        )
    return _n("{section}: written ({count:,} word)", "{section}: written ({count:,} words)", length, section=name)


def _failed(folder: Path, reason: str) -> str:
    return sentences(
        _("{folder} was not committed to git: {reason}", folder=folder.name, reason=reason),
        _("The document is safe, its files are there, and the next session tries again."),
    )


def _read(document: Path) -> Committed:
    """Read what was committed last. Without a usable entry, nothing was."""
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        stored = json.loads(_file(document).read_text(encoding="utf-8"))
        files = tuple((str(name), str(found)) for name, found in stored["files"])
        if all(is_file_name(name) for name, _hash in files):
            sections = tuple(
                SectionState(str(each["id"]), str(each["title"]), int(each["length"]), str(each["digest"]))
                for each in stored["sections"]
            )
            return Committed(str(stored["repository"]), str(stored["title"]), sections, files)
    return Committed()


def _write(document: Path, committed: Committed) -> None:
    write_cached(_file(document), asdict(committed))


def _file(document: Path) -> Path:
    return state_file(document, "-commits")
