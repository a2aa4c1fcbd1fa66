"""The documentation site: it is built without the network, its reference is complete, and its examples are valid."""

from __future__ import annotations

import ast
import dataclasses
import os
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lwtui.agentwrite import events
from lwtui.app.keymap import ACTIONS
from lwtui.cli import COMMANDS, command_module
from lwtui.command_line.parser import add_log_option
from lwtui.config import ModelSettings, Settings
from tests.test_docs import PAGES, code_blocks, read

ROOT = Path(__file__).parents[1]
_COMMAND_LINE = re.compile(r"(?m)^(?: {4}|\| )?(?:\.venv/bin/)?(lwtui(?: [^\n|<>#&;`]*)?)(?=[ \n]|$)")
_FENCED = re.compile(r"(?ms)^```(\w*)[^\n]*\n(.*?)^```$")
_INDENTED = re.compile(r"(?m)(?:^ {4}.*\n)+")
_SHELLS = ("", "sh", "bash", "console", "text")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "source"
    command = [sys.executable, str(ROOT / "docs" / "site.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_is_built_with_all_links_and_no_network(source: Path, tmp_path: Path) -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace("build/site-source", str(source))
    (tmp_path / "mkdocs.yml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "https_proxy": "http://127.0.0.1:9", "http_proxy": ""}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"?(https?://[^\"> ]+)", page.read_text("utf-8"))
        assert [address for address in loaded if "canonical" not in address] == [], page.name


def test_the_reference_has_every_command_setting_event_and_key(source: Path) -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (source / "reference").glob("*.md")}
    for name in COMMANDS:
        assert f"\n## lwtui {name}\n" in pages["commands"]
    for kind in (Settings, ModelSettings):
        for item in dataclasses.fields(kind):
            assert item.name == "name" or f"| `{item.name}` |" in pages["settings"], item.name
    for name, kind in vars(events).items():
        if dataclasses.is_dataclass(kind) and kind.__module__ == events.__name__:
            assert f"\n## {name}\n" in pages["events"]
    for group, actions in ACTIONS.items():
        assert f"\n## {group}\n" in pages["keys"]
        assert all(action.help in pages["keys"] for action in actions)
    assert "| `model` |" in pages["recipe"]
    assert not [name for name, text in pages.items() if ":class:" in text or ":data:" in text]


def test_no_page_links_to_a_file_that_the_site_lacks(source: Path) -> None:
    for page in source.glob("*.md"):
        assert "](../" not in page.read_text(encoding="utf-8"), page.name


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_are_valid(page: str) -> None:
    for block in code_blocks(page, "python"):
        ast.parse(block)


def command_lines(page: str) -> list[str]:
    """Return the command lines in the blocks of a page, without what follows a pipe or a redirection."""
    text = read(page)
    fenced = [block for language, block in _FENCED.findall(text) if language in _SHELLS]
    blocks = "\n".join([*fenced, *_INDENTED.findall(_FENCED.sub("", text))])
    joined = blocks.replace("\\\n", " ")
    return [line.strip() for line in _COMMAND_LINE.findall(joined)]


@pytest.mark.parametrize("page", PAGES)
def test_command_lines_are_valid(page: str) -> None:
    for line in command_lines(page):
        words = shlex.split(re.split(r" {3,}", line.replace("…", "text"))[0])[1:]
        if words and words[0] in COMMANDS:
            with suppress(SystemExit):  # after --help; an invalid line is a UsageError
                add_log_option(command_module(words[0]).parser()).parse_args(words[1:])


def test_there_are_command_lines_to_check() -> None:
    assert sum(len(command_lines(page)) for page in PAGES) > 40
