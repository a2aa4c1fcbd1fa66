"""How every step is done: in a folder beside its place, which gets its name when all is there.

``RUN/sft.part-1a2b3c4d/`` is a step in the making, named by the fingerprint of all that goes into it; a step that was
killed goes on in it. ``RUN/sft/`` is a finished one, with a ``manifest.json``. So nothing half-written is ever read,
a finished step is not done twice, and one whose settings or inputs changed is done anew.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from time import monotonic
from typing import Any

from lwtui.errors import LwtuiError
from lwtui.files import write_atomically

MANIFEST = "manifest.json"
_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf", "llama-cpp-python", "lwtui")


class TrainError(LwtuiError):
    """A step cannot go on; the message says what to do."""


class BadRow(TrainError):
    """A line of a data file is not what it should be; the message has file, line and reason."""


@dataclass(frozen=True)
class Manifest:
    """What a step was made from, with what, and what came out. ``inputs`` and ``outputs`` map names to SHA-256."""

    step: str
    fingerprint: str
    seed: int
    settings: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    metrics: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)
    finished: str = ""
    seconds: float = 0.0

    @property
    def content(self) -> str:
        """One hash for all that came out: what the next step names as its input."""
        return sha256(json.dumps(self.outputs, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a finished step; ``None`` if there is none."""
    try:
        return Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise TrainError(f"{folder / MANIFEST} cannot be read ({error}). Move {folder} away and run again.") from None


def finished(run: Path, step: str) -> tuple[Path, Manifest]:
    """Folder and manifest of a step that others build on. Raises :class:`TrainError` if it has not been done."""
    manifest = read_manifest(run / step)
    if manifest is None:
        raise TrainError(f"The step {step} of {run} has not been done. Run it first: lwtui train {step} RECIPE.")
    return run / step, manifest


def perform(
    run: Path,
    step: str,
    *,
    seed: int,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    work: Callable[[Path], dict[str, Any]],
) -> tuple[Manifest, bool]:
    """Do a step unless it is done already; the manifest, and whether anything was done.

    ``work`` is given the folder to leave its results in, possibly with what an earlier, killed try left there, and
    returns the metrics. Whatever it raises, the folder stays for the next try.
    """
    said = json.loads(json.dumps(dict(settings)))
    fingerprint = sha256(
        json.dumps([step, seed, said, dict(inputs)], sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()
    place = run / step
    before = read_manifest(place)
    if before is not None and before.fingerprint == fingerprint:
        return before, False
    part = run / f"{step}.part-{fingerprint[:8]}"
    part.mkdir(parents=True, exist_ok=True)
    start = monotonic()
    metrics = work(part)
    manifest = Manifest(
        step=step,
        fingerprint=fingerprint,
        seed=seed,
        settings=said,
        inputs=dict(inputs),
        outputs=hash_folder(part),
        metrics=metrics,
        versions=_versions(),
        finished=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        seconds=round(monotonic() - start, 2),
    )
    write_atomically(part / MANIFEST, json.dumps(vars(manifest), ensure_ascii=False, indent=2) + "\n")
    _put_in_place(part, place)
    _clear_parts(run, step)
    return manifest, True


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def hash_folder(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a folder, by its path within it; logs for TensorBoard are left out."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hash_file(path)
        for path in files
        if path.name != MANIFEST and "tensorboard" not in path.relative_to(folder).parts
    }


def input_hash(name: str) -> str:
    """What stands for an input in a manifest: the SHA-256 of a file or folder, or the name of a data set."""
    path = Path(name)
    if path.is_file():
        return hash_file(path)
    if path.is_dir():
        return sha256(json.dumps(hash_folder(path), sort_keys=True).encode()).hexdigest()
    return name


def _put_in_place(part: Path, place: Path) -> None:
    """Give the finished folder its name; one that is there already makes room and then goes."""
    _sync(part)
    old = place.with_name(f"{place.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if place.exists():
        place.rename(old)
    part.rename(place)
    if old.exists():
        shutil.rmtree(old)


def _sync(folder: Path) -> None:
    """Everything in the folder is on the disk before it gets its name."""
    for path in [folder, *folder.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _clear_parts(run: Path, step: str) -> None:
    """Remove what other settings of this step left unfinished."""
    for left in run.glob(f"{step}.part-*"):
        shutil.rmtree(left)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
