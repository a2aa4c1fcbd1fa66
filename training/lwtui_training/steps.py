"""Run steps atomically: each works in a temporary folder that is renamed when it is complete.

``RUN/sft.part-1a2b3c4d/`` is an unfinished step, named by the fingerprint of its settings and inputs; an interrupted
step resumes in it. ``RUN/sft/`` is a finished step with a ``manifest.json``. So nothing half-written is ever read, a
finished step is not repeated, and a step whose settings or inputs have changed is run again.
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
from lwtui.translation import _

MANIFEST = "manifest.json"
_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf", "llama-cpp-python", "lwtui")


class TrainError(LwtuiError):
    """A step cannot continue; the message says what to do."""

    code = "training"


class RowError(TrainError):
    """A row is malformed.

    Attributes:
        place: The row: a file and its line, or a dataset, its split and the number of the row.
    """

    code = "malformed-row"

    def __init__(self, place: str, problem: str, *, code: str = "") -> None:
        super().__init__(f"{place}: {problem}", code=code)
        self.place = place


@dataclass(frozen=True)
class Manifest:
    """The record of a finished step.

    Attributes:
        fingerprint: Hash of step, seed, settings and inputs.
        inputs: SHA-256 of each input by name.
        outputs: SHA-256 of each file by its path in the step's folder.
        versions: Versions of Python and of the packages used.
        finished: When the step finished (UTC, ISO 8601).
        seconds: How long the last attempt took.
    """

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
        """One hash of all outputs, which the next step names as its input."""
        return sha256(json.dumps(self.outputs, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class OtherMachine:
    """What a machine does while the first one does a step.

    Attributes:
        joins: Whether it does its part of the work, as in training.
        wait: Waits for a moment; raises a :class:`TrainError` if the first machine has failed.
    """

    joins: bool
    wait: Callable[[], None]


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a finished step, or ``None`` if the step is not finished.

    Raises:
        TrainError: The manifest is damaged.
    """
    try:
        return Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        raise TrainError(
            _(
                "Cannot read {path} ({error}). Move {folder} away and run again.",
                path=folder / MANIFEST,
                error=error,
                folder=folder,
            ),
            code="unreadable",
        ) from None


def finished_step(run: Path, step: str) -> tuple[Path, Manifest]:
    """Return the folder and manifest of a step.

    Raises:
        TrainError: The step is not finished.
    """
    manifest = read_manifest(run / step)
    if manifest is None:
        raise TrainError(
            _("The step {step} in {run} is not finished. Run it first: lwtui train {step} RECIPE", step=step, run=run),
            code="step-not-finished",
        )
    return run / step, manifest


def perform(
    run: Path,
    step: str,
    *,
    seed: int,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    work: Callable[[Path], dict[str, Any]],
    other: OtherMachine | None = None,
) -> tuple[Manifest, bool]:
    """Run a step, unless it is finished with the same seed, settings and inputs.

    Args:
        run: The folder of the run.
        step: The name of the step.
        seed: The seed.
        settings: All options that the results depend on.
        inputs: A hash of each input by name.
        work: Does the work in the folder it is given, which may hold the results of an interrupted attempt, and returns
            the metrics. If it raises an error, the folder is kept for the next attempt.
        other: If this is another machine than the first one, which does the step: what to do meanwhile.

    Returns:
        The manifest, and whether the step was run.
    """
    normalized = json.loads(json.dumps(dict(settings)))
    fingerprint = sha256(
        json.dumps([step, seed, normalized, dict(inputs)], sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()
    folder = run / step
    previous = read_manifest(folder)
    if previous is not None and previous.fingerprint == fingerprint:
        return previous, False
    part = run / f"{step}.part-{fingerprint[:8]}"
    part.mkdir(parents=True, exist_ok=True)
    if other is not None:
        if other.joins:
            work(part)
        while previous is None or previous.fingerprint != fingerprint:
            other.wait()
            previous = read_manifest(folder)
        return previous, False
    start = monotonic()
    metrics = work(part)
    manifest = Manifest(
        step=step,
        fingerprint=fingerprint,
        seed=seed,
        settings=normalized,
        inputs=dict(inputs),
        outputs=hash_folder(part),
        metrics=metrics,
        versions=_versions(),
        finished=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        seconds=round(monotonic() - start, 2),
    )
    write_atomically(part / MANIFEST, json.dumps(vars(manifest), ensure_ascii=False, indent=2) + "\n")
    _replace_folder(folder, part)
    _remove_parts(run, step)
    return manifest, True


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def hash_folder(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder by its relative path, without the manifest and TensorBoard logs."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hash_file(path)
        for path in files
        if path.name != MANIFEST and "tensorboard" not in path.relative_to(folder).parts
    }


def input_hash(name: str) -> str:
    """Return what identifies an input in a manifest: the SHA-256 of a file or folder, or the name of a dataset."""
    path = Path(name)
    if path.is_file():
        return hash_file(path)
    if path.is_dir():
        return sha256(json.dumps(hash_folder(path), sort_keys=True).encode()).hexdigest()
    return name


def _replace_folder(folder: Path, part: Path) -> None:
    """Rename ``part`` to ``folder``, and remove what was there."""
    _sync(part)
    old = folder.with_name(f"{folder.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    if old.exists():
        shutil.rmtree(old)


def _sync(folder: Path) -> None:
    """Flush everything in the folder to disk."""
    for path in [folder, *folder.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_parts(run: Path, step: str) -> None:
    """Remove unfinished attempts with other settings."""
    for part in run.glob(f"{step}.part-*"):
        shutil.rmtree(part)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
