"""Checks of the documentation: links, anchors, the names of files and code, and examples."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from lwtui.config import load_settings

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(
        f"docs/{name}.md"
        for name in sorted(
            {"agents", "api", "app", "bench", "commands", "documents", "faults", "local", "performance", "services"}
            | {"settings", "sources", "stability", "start", "training", "zh"}
        )
    ),
)
_CODE_BLOCK = re.compile(r"(?ms)^```.*?^```$|^ {4}.*?$")
_LINK = re.compile(r"\]\(([^)\s]*)\)")
_PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+)`")
_LOCATED_NAMES = re.compile(r"((?:`[\w.]+`(?:, a | and | or |, | and at last a )?)+) \(`([\w/]+\.py)`\)")
_FOLDERS = (ROOT, ROOT / "lwtui")  # that paths in the pages are relative to


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """Return a page without its blocks of code."""
    return _CODE_BLOCK.sub("", read(page))


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub forms them."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def find(path: str) -> Path | None:
    return next((folder / path for folder in _FOLDERS if (folder / path).exists()), None)


def code_blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", read(page))


def test_every_page_is_checked() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))}
    assert found == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_existing_files_and_headings(page: str) -> None:
    text = re.sub(r"`[^`\n]+`", "code", prose(page))
    links = [link for link in _LINK.findall(text) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("page", PAGES)
def test_paths_in_the_prose_exist(page: str) -> None:
    generated = ("kv/", "prompts/", "runs/", "NAME", "STEP")  # folders of the user
    for path in _PATH.findall(prose(page)):
        if not path.startswith(generated) and "." in path.rpartition("/")[2]:
            assert find(path) is not None, path


def test_names_in_contributing_are_in_the_files_named() -> None:
    mentions = _LOCATED_NAMES.findall(prose("CONTRIBUTING.md").replace("\n", " ").replace("   ", " "))
    assert len(mentions) > 40
    for names, path in mentions:
        file = find(path)
        assert file is not None, path
        source = file.read_text(encoding="utf-8")
        for name in re.findall(r"`([\w.]+)`", names):
            *owner, last = name.split(".")
            for part, pattern in [(one, r"^class {}\b") for one in owner] + [
                (last, r"^\s*(?:class|def|async def) {}\b" if owner else r"^(?:(?:class|def|async def) )?{}\b")
            ]:
                assert re.search(pattern.format(part), source, re.MULTILINE), f"{name} is not in {path}"


def test_the_example_settings_are_valid(tmp_path: Path) -> None:
    (example,) = code_blocks("docs/settings.md", "toml")
    file = tmp_path / "settings.toml"
    file.write_text(example, encoding="utf-8")
    settings = load_settings(file)
    assert settings.model == "gpt" and set(settings.models) == {"gpt", "longwriter"}


def test_the_pilot_example_takes_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"LWTUI_{name}_DIR", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    (example,) = code_blocks("CONTRIBUTING.md", "python")
    exec(compile(example, "CONTRIBUTING.md", "exec"), {"__name__": "example"})
    assert (tmp_path / "new-document.svg").read_text(encoding="utf-8").startswith("<svg")


def test_ci_and_pre_commit_use_the_pinned_versions() -> None:
    lines = read("constraints.txt").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    workflow: dict[str, Any] = yaml.safe_load(read(".github/workflows/test.yml"))
    commands = " ".join(step.get("run", "") for step in workflow["jobs"]["test"]["steps"])
    assert f"torch=={pins['torch']}" in commands and "make test" in commands
    (ruff, *_) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert ruff["rev"] == f"v{pins['ruff']}"
    project = tomllib.loads(read("pyproject.toml"))["project"]
    dev = project["optional-dependencies"]["dev"]
    assert f"ruff=={pins['ruff']}" in dev and f"torch=={pins['torch']}" in dev
