"""Checks before a release: pinned requirements, and the changelog."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lwtui import __version__
from tests.faults.scale import RELEASE

ROOT = Path(__file__).parents[1]
NOT_PINNED = {"lwtui", "pip", "setuptools", "wheel"}  # lwtui itself, and packages that come with Python
WITH_GPU = {"deepspeed", "qlora"}  # extras that are of no use without a GPU, so that the tests do not install them


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    entries = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, _, version in entries}


def closure(requirement: Requirement, seen: set[tuple[str, str]]) -> Iterator[Requirement]:
    """Yield a requirement and all its dependencies, as far as they are installed here."""
    yield requirement
    for extra in ("", *requirement.extras):
        if (requirement.name, extra) in seen:
            continue
        seen.add((requirement.name, extra))
        try:
            dependencies = requires(requirement.name) or []
        except PackageNotFoundError:
            continue
        for dependency in map(Requirement, dependencies):
            if dependency.marker is None or dependency.marker.evaluate({"extra": extra}):
                yield from closure(dependency, seen)


def test_every_requirement_is_pinned_within_its_range() -> None:
    """If it fails after a change of the dependencies: make lock."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: needed for name, needed in table["optional-dependencies"].items() if name not in WITH_GPU}
    declared = [*table["dependencies"], *chain(*extras.values())]
    known, seen = pins(), set[tuple[str, str]]()
    assert len(known) > 50
    for requirement in map(Requirement, declared):
        for needed in closure(requirement, seen):
            name = canonicalize_name(needed.name)
            if name in NOT_PINNED:
                continue
            assert name in known, f"{name} is not pinned: make lock"
            assert needed.specifier.contains(known[name], prereleases=True), f"{needed} is not {known[name]}: make lock"


def check_changelog(text: str, version: str, *, release: bool) -> None:
    """Check the headings of a changelog for a version that is being worked on, or is about to be released."""
    headings = re.findall(r"(?m)^## (.+)$", text)
    assert headings
    if release:
        assert re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", headings[0]), headings[0]
    released = headings[1:] if headings[0] == "Unreleased" else headings
    versions = [Version(heading.split(" - ")[0]) for heading in released]  # a second "Unreleased" is no version
    assert versions == sorted(versions, reverse=True)
    if headings[0] == "Unreleased":
        assert all(older < Version(version) for older in versions), f"{version} is released: raise the version"
        assert "\n- " in re.split(r"(?m)^## ", text)[1], "nothing is unreleased: remove the heading"
    else:
        assert versions[0] == Version(version)


def test_the_changelog_fits_the_version() -> None:
    """Before a release, with ``LWTUI_FAULTS=release``, nothing may be left as unreleased."""
    check_changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), __version__, release=RELEASE)


@pytest.mark.parametrize(
    ("headings", "release"),
    [
        (["Unreleased"], True),
        (["Unreleased", "1.1.0 - 2026-02-03"], False),
        (["1.0.0 - 2026-02-03"], False),
        (["1.1.0"], True),
        (["1.1.0 - 2026-02-03", "Unreleased"], True),
        (["1.1.0 - 2026-02-03", "1.2.0 - 2026-01-02"], True),
        ([], False),
    ],
)
def test_a_changelog_that_does_not_fit_its_version_is_noticed(headings: list[str], release: bool) -> None:
    text = "# Changelog\n\n" + "".join(f"## {heading}\n\n- A change.\n\n" for heading in headings)
    check_changelog("# Changelog\n\n## 1.1.0 - 2026-02-03\n\n- A change.\n", "1.1.0", release=True)
    with pytest.raises((AssertionError, InvalidVersion)):
        check_changelog(text, "1.1.0", release=release)
