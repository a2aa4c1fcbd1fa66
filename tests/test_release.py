"""What a release rests on: pins that reproduce, and pages that say what is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
NOT_PINNED = {"lwtui", "pip", "setuptools", "wheel"}  # itself, and what comes with Python


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    entries = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, _, version in entries}


def wanted(requirement: Requirement, seen: set[tuple[str, str]]) -> Iterator[Requirement]:
    """A requirement and all that it brings, as far as it is installed here."""
    yield requirement
    for extra in ("", *requirement.extras):
        if (requirement.name, extra) in seen:
            continue
        seen.add((requirement.name, extra))
        try:
            below = requires(requirement.name) or []
        except PackageNotFoundError:
            continue
        for one in map(Requirement, below):
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                yield from wanted(one, seen)


def test_every_requirement_is_pinned_within_its_range() -> None:
    """After a change of the dependencies: make lock."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*table["dependencies"], *(one for extra in table["optional-dependencies"].values() for one in extra)]
    known, seen = pins(), set[tuple[str, str]]()
    assert len(known) > 50
    for requirement in map(Requirement, declared):
        for one in wanted(requirement, seen):
            name = canonicalize_name(one.name)
            if name in NOT_PINNED:
                continue
            assert name in known, f"{name} is not pinned: make lock"
            assert one.specifier.contains(known[name], prereleases=True), f"{one} is not {known[name]}: make lock"


def test_pages_name_files_that_are_there() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "docs/api.md", "docs/bench.md", "docs/training.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert ((ROOT / page).parent / link).exists(), f"{page}: {link}"


def test_the_changelog_has_the_version_or_what_is_to_come() -> None:
    from lwtui import __version__

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased" in text or f"## {__version__}" in text
