"""What lwtui knows of a document's mirror, in the cache, and the files that it may therefore replace.

lwtui replaces or removes a file only if it wrote that file itself: the cache holds the hashes of the last two versions.
It needs two, because a crash may come between storing the hash of a version and writing that version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import Any

from lwtui.config import Mirror, cache_folder
from lwtui.files import write_atomically

NO_PLAIN_FILE = "not a plain file"  # stands for the hash of a symbolic link, a folder or a pipe, which are foreign


@dataclass(frozen=True)
class SectionName:
    """The name of a section's file in the folder, and what of the heading went into it; empty: the section's number."""

    stem: str
    name: str


@dataclass(frozen=True)
class MirrorState:
    """The state of a document's mirror.

    Attributes:
        document: The path of the document.
        choice: What the document has; ``None`` if the settings decide.
        hashes: The hashes of the last two versions of the Markdown file, the newest last.
        files: The same for each file of the folder, by its name.
        names: The names of the files in the folder, by section id.
    """

    document: str
    choice: Mirror | None = None
    hashes: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, SectionName] = field(default_factory=dict)


@dataclass
class WrittenFiles:
    """The result of :func:`write_files`.

    Attributes:
        hashes: The hashes of the last two versions of each file that is lwtui's.
        foreign: The names of files that stay as they are, because others wrote them.
        problem: The first error, if a file could not be written.
    """

    hashes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    problem: OSError | None = None


def read_state(document: Path) -> MirrorState:
    """Read the state from the cache. Without a usable entry, the mirror counts as new."""
    path = str(document.absolute())
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        stored = json.loads(state_file(document).read_text(encoding="utf-8"))
        state = MirrorState(
            path,
            _choice(stored),
            _texts(stored.get("hashes", ())),
            {name: _texts(hashes) for name, hashes in stored.get("files", {}).items()},
            {key: SectionName(str(name["stem"]), name["name"]) for key, name in stored.get("names", {}).items()},
        )
        if all(is_file_name(name) for name in [*state.files, *(name.name for name in state.names.values())]):
            return state
    return MirrorState(path)


def write_state(document: Path, state: MirrorState) -> None:
    """Write the state to the cache.

    Raises:
        OSError: It cannot be written.
    """
    write_cached(state_file(document), asdict(state))


def state_file(document: Path, ending: str = "") -> Path:
    """Return the file of the cache that has the state of a document's mirror."""
    name = sha256(str(document.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_folder() / "mirrors" / f"{name}{ending}.json"


def write_cached(file: Path, contents: Mapping[str, Any]) -> None:
    """Write a file of the cache, in one step.

    Raises:
        OSError: It cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, json.dumps(contents, ensure_ascii=False))


def file_hash(path: Path) -> str:
    """Return the hash of a file; empty if there is none.

    Raises:
        OSError: It cannot be read.
    """
    try:
        if not S_ISREG(path.lstat().st_mode):
            return NO_PLAIN_FILE
        return sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def plan_files(folder: Path, contents: Mapping[str, bytes], known: Mapping[str, tuple[str, ...]]) -> WrittenFiles:
    """Tell which files may be written, and with which hashes, before anything is written.

    Args:
        folder: The folder of the files.
        contents: What each file is to contain, by its name.
        known: The hashes of the last two versions of each file.
    """
    result = WrittenFiles()
    for name, content in contents.items():
        new = sha256(content).hexdigest()
        versions = known.get(name, ())
        try:
            old = file_hash(folder / name)
        except OSError as error:
            result.problem = result.problem or error
            result.hashes |= {name: versions} if versions else {}
            continue
        if old == new and versions[-1:] == (new,):
            result.hashes[name] = versions
        elif old and old != new and old not in versions:
            result.foreign.append(name)
        else:
            result.hashes[name] = (old, new) if old and old != new else (new,)
    return result


def write_files(folder: Path, contents: Mapping[str, bytes], planned: WrittenFiles) -> None:
    """Write the files that may be written, but for those that have their contents already.

    A file that cannot be written does not keep the others from being written; the first error is in ``planned``.
    """
    for name, versions in planned.hashes.items():
        path = folder / name
        try:
            if file_hash(path) != versions[-1]:
                write_atomically(path, contents[name])
        except OSError as error:
            planned.problem = planned.problem or error


def remove_files(folder: Path, names: Iterable[str], known: Mapping[str, tuple[str, ...]]) -> tuple[list[str], bool]:
    """Remove files that are no longer needed, unless others have changed them.

    Returns:
        The names of the files that stay because others have changed them, and whether all others are gone.
    """
    foreign, done = [], True
    for name in names:
        try:
            found = file_hash(folder / name)
            if found in known.get(name, ()):
                (folder / name).unlink()
            elif found:
                foreign.append(name)
        except OSError:
            done = False
    return foreign, done


def is_file_name(name: object) -> bool:
    """Tell whether a name from the cache names a file in its folder, and nothing else."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0")


def _choice(stored: Mapping[str, Any]) -> Mirror | None:
    """Return the choice of a stored state. Earlier versions stored whether there is a file, as ``on``."""
    if isinstance(on := stored.get("on"), bool):
        return Mirror.FILE if on else Mirror.NONE
    choice = stored.get("choice")
    return Mirror(choice) if choice else None


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
