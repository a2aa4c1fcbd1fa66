"""The workflows, and the Dockerfile as far as it can be checked without a daemon."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def extras() -> set[str]:
    return set(tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"])


@pytest.mark.parametrize(
    "command",
    [
        ("zizmor", "--offline", "--no-progress", "--quiet"),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
    ],
    ids=lambda command: command[0],
)
def test_workflows_pass_their_linters(command: tuple[str, ...]) -> None:
    program = next((path for folder in _program_folders() if (path := folder / command[0]).exists()), None)
    assert program is not None, f"{command[0]} is in the extra dev"
    done = subprocess.run([program, *command[1:], *WORKFLOWS], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _program_folders() -> list[Path]:
    """Return where the programs of the installed packages are."""
    packages = (Path(folder).parents[2] / "bin" for folder in sys.path if folder.endswith("site-packages"))
    return [Path(sys.executable).parent, *packages]


def test_files_that_the_workflows_run_exist() -> None:
    for workflow in WORKFLOWS:
        jobs: dict[str, Any] = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
        for job in jobs.values():
            for step in job["steps"]:
                for path in re.findall(r"\b(?:tests|packaging)/[\w/]+(?:\.py)?", step.get("run", "")):
                    assert (ROOT / path).exists(), path


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    allowed = [line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")]
    copied = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", read("Dockerfile"))
    assert copied
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in allowed), source


def test_the_image_has_extras_that_exist_and_a_command_that_does() -> None:
    dockerfile = read("Dockerfile")
    named = ",".join(re.findall(r"EXTRAS=([\w,]+)", dockerfile)).split(",")
    assert {"local", "serve", "bench", "train"} <= set(named) <= extras()
    assert 'ENTRYPOINT ["lwtui"]' in dockerfile


def test_the_image_refuses_an_unknown_accelerator() -> None:
    script = ROOT / "packaging" / "docker_install.sh"
    done = subprocess.run(["sh", script, "abacus", "serve"], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (2, "ACCELERATOR must be cpu or cuda, not abacus\n")
