"""Commits of a mirror's folder, with the real git program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.config import Mirror
from lwtui.documents import git
from lwtui.documents.mirror import choose_mirror, mirror_path, update_mirror
from lwtui.documents.mirror_commits import session_commit
from lwtui.documents.mirror_state import state_file
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from tests.documents.support import LIGHT, PLAN, SOIL, WATER, new_document

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
USER = "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, with a user whom git knows, and a cache."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(USER)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in (("HOME", home), ("USERPROFILE", home), ("LWTUI_CACHE_DIR", home / "cache")):
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("EMAIL", raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


def run_git(folder: Path, *command: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *command], capture_output=True, check=True, encoding="utf-8")
    return done.stdout.strip()


def end_session(document: Document, by_default: Mirror = Mirror.GIT, author: str = "") -> str:
    """Do what is done at the end of a session, and return the line for the user."""
    assert update_mirror(document, by_default) == ""
    commit = session_commit(document, by_default, author)
    return commit.run() if commit else ""


def folder_of(document: Document) -> Path:
    return mirror_path(document.path, Mirror.GIT)


def messages(folder: Path) -> list[str]:
    """The messages of all commits, the newest first."""
    return [text.strip() for text in run_git(folder, "log", "--format=%B%x00").split("\0") if text.strip()]


def committed(folder: Path) -> dict[str, str]:
    """The files of the last commit by their paths."""
    names = run_git(folder, "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", "--full-tree", "HEAD")
    return {name: run_git(folder, "show", f"HEAD:{name}") for name in names.splitlines()}


def users_repository(folder: Path) -> Path:
    """A repository of the user's, with a file that is committed and one that is staged."""
    run_git(folder, "init", "--quiet")
    (folder / "own.txt").write_text("own\n")
    run_git(folder, "add", "own.txt")
    run_git(folder, "commit", "--quiet", "-m", "Begin")
    (folder / "own.txt").write_text("changed\n")
    (folder / "staged.txt").write_text("staged\n")
    run_git(folder, "add", "staged.txt", "own.txt")
    (folder / "own.txt").write_text("changed twice\n")
    return folder


# -- messages


def test_each_session_has_a_commit_that_says_what_it_did(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "one two three")
        document.edit(WATER.id, "one two")
        assert end_session(document) == ""
        folder = folder_of(document)
        assert messages(folder) == [
            "Tomatoes: +5 words\n\nSoil: written (3 words)\nWater: written (2 words)\nLight: planned"
        ]
        assert run_git(folder, "log", "--format=%an <%ae>") == "Ada <ada@example.org>"
        assert committed(folder).keys() == {".gitattributes", "SUMMARY.md", "soil.md", "water.md", "light.md"}
        assert run_git(folder, "status", "--porcelain") == ""

        assert end_session(document) == "" and len(messages(folder)) == 1  # nothing has changed

        earth, pots = replace(SOIL, title="Earth"), PlannedSection("Pots", "", 50, "eeeeeeee")
        document.set_plan(replace(PLAN, sections=(earth, replace(LIGHT, title="Sun"), pots)), "Edit")
        document.edit(earth.id, "one")
        document.edit(LIGHT.id, "one")
        assert end_session(document) == ""
        assert messages(folder)[0] == (
            "Tomatoes: -3 words\n\nEarth (was Soil): changed (-2 words)\nSun (was Light): written (1 word)\n"
            "Pots: planned\nWater: removed"
        )
        assert committed(folder).keys() == {".gitattributes", "SUMMARY.md", "earth.md", "sun.md", "pots.md"}

        document.edit(LIGHT.id, "two")
        document.set_plan(Plan("Beans", (replace(earth, title="Ground"), replace(LIGHT, title="Sun"), pots)), "Edit")
        assert end_session(document) == ""
        assert messages(folder)[0] == (
            "Beans: edited\n\nThe title was: Tomatoes\nGround: renamed, was Earth\nSun: changed"
        )
        document.set_plan(Plan("Beans", (pots, replace(earth, title="Ground"), replace(LIGHT, title="Sun"))), "Move")
        assert end_session(document) == ""
        assert messages(folder)[0] == "Beans: edited\n\nThe sections are in another order."
        document.edit(LIGHT.id, "two words")
        assert end_session(document) == ""
        assert messages(folder)[0] == "Beans: +1 word\n\nSun: changed (+1 word)"
        assert run_git(folder, "status", "--porcelain") == "" and len(messages(folder)) == 5


def test_lengths_of_a_chinese_document_are_in_characters_and_headings_may_look_like_comments(tmp_path: Path) -> None:
    plan = Plan("番茄", (PlannedSection("# 土壤", "", 100, "5011aaaa"), PlannedSection("", "", 100, "aa7eaaaa")))
    with Document.create(tmp_path / "番茄.lw", Brief("写番茄", 200, "zh"), plan) as document:
        document.edit("5011aaaa", "土壤很好。")
        document.edit("aa7eaaaa", "水")
        assert end_session(document) == ""
        assert messages(folder_of(document)) == [
            "番茄: +5 characters\n\n# 土壤: written (4 characters)\nSection 2: written (1 character)"
        ]
        assert "土壤.md" in committed(folder_of(document))


# -- which repository


def test_git_gets_a_user_only_where_it_knows_none(tmp_path: Path, home: Path) -> None:
    with new_document(tmp_path) as document, new_document(tmp_path, "other.lw") as other:
        assert end_session(document, author="Grace <x>") == ""
        assert "[user]" not in (folder_of(document) / ".git" / "config").read_text()
        (home / ".gitconfig").write_text("")
        assert end_session(other, author="Grace <x>") == ""
        assert run_git(folder_of(other), "log", "--format=%an <%ae>|%cn") == "Grace x <lwtui@localhost>|Grace x"
        assert run_git(folder_of(other), "config", "--local", "user.name") == "Grace x"
        document.edit(SOIL.id, "Loam.")  # the repository is there, and git no longer knows the user
        assert end_session(document, author="<>.") == ""
        assert run_git(folder_of(document), "log", "-1", "--format=%an <%ae>") == "lwtui <lwtui@localhost>"


def test_the_setting_alone_commits_nothing_to_a_repository_of_the_users(tmp_path: Path) -> None:
    users_repository(tmp_path)
    before = run_git(tmp_path, "status", "--porcelain")
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Loam.")
        line = end_session(document)
        assert "tomatoes-markdown is in the git repository" in line and "export dialog" in line and "\n" not in line
        assert (folder_of(document) / "soil.md").exists() and not (folder_of(document) / ".git").exists()
        assert messages(tmp_path) == ["Begin"]
        assert set(run_git(tmp_path, "status", "--porcelain").splitlines()) - set(before.splitlines()) == {
            "?? tomatoes-markdown/",
            *(line for line in run_git(tmp_path, "status", "--porcelain").splitlines() if "tomatoes.lw" in line),
        }


def test_own_choice_commits_the_mirror_and_leaves_what_is_staged(tmp_path: Path) -> None:
    users_repository(tmp_path)
    inner = tmp_path / "a folder"
    inner.mkdir()
    with new_document(inner, "töm.lw") as document:
        choose_mirror(document.path, Mirror.GIT)
        document.edit(SOIL.id, "Loam.")
        for text in ("Loam.", "Sand and loam."):
            document.edit(SOIL.id, text)
            assert end_session(document, Mirror.NONE) == ""
            files = committed(tmp_path)
            assert files.pop("own.txt") == "own"
            assert files["a folder/töm-markdown/soil.md"].endswith(text)
            assert all(name.startswith("a folder/töm-markdown/") for name in files) and len(files) == 5
            assert run_git(tmp_path, "diff", "--cached", "--name-only").splitlines() == ["own.txt", "staged.txt"]
            assert run_git(tmp_path, "show", ":own.txt") == "changed"
            assert (tmp_path / "own.txt").read_text() == "changed twice\n"
        assert len(messages(tmp_path)) == 3
        document.set_plan(replace(PLAN, sections=(SOIL, WATER)), "Cut")
        assert end_session(document, Mirror.NONE) == ""
        assert "a folder/töm-markdown/light.md" not in committed(tmp_path)
        assert run_git(tmp_path, "diff", "--cached", "--name-only").splitlines() == ["own.txt", "staged.txt"]
        assert run_git(tmp_path, "status", "--porcelain", "--", str(folder_of(document))) == ""


def test_foreign_files_in_the_folder_are_not_committed(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        assert end_session(document) == ""
        folder = folder_of(document)
        (folder / "README.md").write_text("precious")
        (folder / "water.md").write_text("changed elsewhere")
        document.edit(SOIL.id, "Loam.")
        document.edit(WATER.id, "Daily.")
        assert "water.md" in update_mirror(document, Mirror.GIT)
        commit = session_commit(document, Mirror.GIT)
        assert commit is not None and commit.run() == ""
        assert run_git(folder, "show", "--name-only", "--format=").splitlines() == ["soil.md"]
        assert run_git(folder, "status", "--porcelain").splitlines() == ["M water.md", "?? README.md"]


def test_another_choice_makes_no_commits(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        for kind in (Mirror.NONE, Mirror.FILE, Mirror.FOLDER):
            assert end_session(document, kind) == "" and session_commit(document, kind) is None
        with Document.open(document.path) as reader:
            assert session_commit(reader, Mirror.GIT) is None
        assert not list(tmp_path.rglob(".git"))


# -- orders from elsewhere


@pytest.mark.posix
def test_nothing_in_a_repository_runs(tmp_path: Path) -> None:
    users_repository(tmp_path)
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/trapped\ncat\nexit 1\n")
    trap.chmod(0o755)
    hooks = tmp_path / ".git" / "hooks"
    shutil.rmtree(hooks, ignore_errors=True)
    (tmp_path / "myhooks").mkdir()
    for folder in (hooks, tmp_path / "myhooks"):
        folder.mkdir(exist_ok=True)
        for name in ("pre-commit", "commit-msg", "post-commit", "post-index-change", "reference-transaction"):
            shutil.copy(trap, folder / name)
    for name, value in (
        *(("core.hooksPath", str(tmp_path / "myhooks")), ("core.fsmonitor", str(trap)), ("commit.gpgSign", "true")),
        *(("gpg.program", str(trap)), ("core.editor", str(trap)), ("core.pager", str(trap))),
        *(("filter.evil.clean", str(trap)), ("filter.evil.process", str(trap)), ("filter.evil.required", "true")),
        *(("diff.evil.textconv", str(trap)), ("diff.external", str(trap)), ("alias.commit-tree", f"!{trap}")),
        ("core.attributesFile", str(tmp_path / "attributes")),
    ):
        run_git(tmp_path, "config", name, value)
    for file in (tmp_path / "attributes", tmp_path / ".git" / "info" / "attributes"):
        file.parent.mkdir(exist_ok=True)
        file.write_text("* filter=evil diff=evil\n")
    (tmp_path / "trapped").unlink(missing_ok=True)
    with new_document(tmp_path) as document:
        choose_mirror(document.path, Mirror.GIT)
        document.edit(SOIL.id, "Loam.")
        assert end_session(document) == ""
    assert not (tmp_path / "trapped").exists()
    shutil.rmtree(hooks)
    for name in ("core.hooksPath", "core.fsmonitor", "core.pager", "diff.external"):
        run_git(tmp_path, "config", "--unset", name)
    assert run_git(tmp_path, "cat-file", "-p", "HEAD:tomatoes-markdown/soil.md") == "# Soil\n\nLoam."
    assert "gpgsig" not in run_git(tmp_path, "cat-file", "-p", "HEAD")


def test_variables_of_git_do_not_lead_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "documents").mkdir()
    other = users_repository(tmp_path / "other")
    index = (other / ".git" / "index").read_bytes()
    for name, value in (
        *(("GIT_DIR", other / ".git"), ("GIT_WORK_TREE", other), ("GIT_INDEX_FILE", other / ".git" / "index")),
        *(("GIT_OBJECT_DIRECTORY", other / ".git" / "objects"), ("GIT_NAMESPACE", "x"), ("GIT_PREFIX", "y/")),
        *(("GIT_AUTHOR_NAME", "Lin"), ("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "core.bare")),
        ("GIT_CONFIG_VALUE_0", "true"),
    ):
        monkeypatch.setenv(name, str(value))
    with new_document(tmp_path / "documents") as document:
        assert end_session(document) == ""
        folder = folder_of(document)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    assert run_git(folder, "log", "--format=%an %cn") == "Lin Ada" and run_git(folder, "status", "--porcelain") == ""
    assert messages(other) == ["Begin"] and (other / ".git" / "index").read_bytes() == index


# -- failures


def check_is_told(document: Document, folder: Path, line: str, reason: str, *, before: Sequence[str]) -> None:
    """Check that the line says why there is no commit, and that the files are there."""
    assert reason in line and "\n" not in line and "the next session tries again" in line
    assert (folder_of(document) / "soil.md").read_text().startswith("# Soil")
    assert messages(folder) == list(before)


def test_git_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    with new_document(tmp_path) as document, monkeypatch.context() as changed:
        changed.setenv("PATH", str(tmp_path / "empty"))
        assert "git is not installed." in end_session(document)
        assert (folder_of(document) / "soil.md").exists()
        changed.undo()
        assert end_session(document) == "" and len(messages(folder_of(document))) == 1


FAKE = f"""#!{sys.executable}
import sys, time
if "version" in sys.argv:
    print("{{version}}")
else:
    time.sleep(60)
"""


@pytest.mark.posix
@pytest.mark.parametrize(
    ("version", "reason"),
    [("git version 2.7.4", "too old"), ("huh", "too old"), ("git version 2.39.5", "longer than")],
)
def test_a_git_that_is_too_old_or_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, reason: str
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(FAKE.format(version=version))
    program.chmod(0o755)
    if "longer" in reason:
        monkeypatch.setattr(git, "_COMMAND_SECONDS", 1.0)
    with new_document(tmp_path) as document, monkeypatch.context() as changed:
        changed.setenv("PATH", str(program.parent))
        assert reason in end_session(document)
        changed.undo()


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("index.lock", "index.lock"),
        ("MERGE_HEAD", "A merge is under way"),
        ("rebase-merge/", "A rebase is under way"),
        ("rebase-apply/", "A rebase is under way"),
        ("CHERRY_PICK_HEAD", "A cherry-pick is under way"),
        ("BISECT_LOG", "A bisect is under way"),
    ],
)
def test_a_busy_repository_is_left_alone_and_the_next_session_has_all(tmp_path: Path, made: str, reason: str) -> None:
    with new_document(tmp_path) as document:
        assert end_session(document) == ""
        folder = folder_of(document)
        before, path = messages(folder), folder / ".git" / made
        path.mkdir() if made.endswith("/") else path.write_text("")
        document.edit(SOIL.id, "one two")
        check_is_told(document, folder, end_session(document), reason, before=before)
        path.rmdir() if made.endswith("/") else path.unlink()
        document.edit(WATER.id, "three")
        assert end_session(document) == ""
        assert messages(folder)[0] == "Tomatoes: +3 words\n\nSoil: written (2 words)\nWater: written (1 word)"


def test_a_repository_without_a_branch_and_one_that_ignores_the_folder(tmp_path: Path) -> None:
    users_repository(tmp_path)
    with new_document(tmp_path) as document:
        choose_mirror(document.path, Mirror.GIT)
        run_git(tmp_path, "checkout", "--quiet", "--detach")
        check_is_told(document, tmp_path, end_session(document), "no branch", before=["Begin"])
        run_git(tmp_path, "checkout", "--quiet", "-")
        (tmp_path / ".gitignore").write_text("*-markdown/\n")
        check_is_told(document, tmp_path, end_session(document), ".gitignore", before=["Begin"])
        (tmp_path / ".gitignore").unlink()
        assert end_session(document) == "" and len(messages(tmp_path)) == 2


@pytest.mark.posix
def test_a_repository_that_cannot_be_written(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        assert end_session(document) == ""
        folder = folder_of(document)
        objects = folder / ".git" / "objects"
        objects.rename(folder / ".git" / "away")
        objects.write_text("no folder")
        document.edit(SOIL.id, "one")
        line = end_session(document)
        assert "was not committed" in line and "\n" not in line
        objects.unlink()
        (folder / ".git" / "away").rename(objects)
        assert end_session(document) == "" and messages(folder)[0].startswith("Tomatoes: +1 word")


def test_settings_that_lead_to_another_work_tree(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    users_repository(tmp_path)
    run_git(tmp_path, "config", "core.worktree", str(tmp_path / "victim"))
    with new_document(tmp_path) as document:
        choose_mirror(document.path, Mirror.GIT)
        assert "for the files of another folder" in end_session(document)
    assert messages(tmp_path) == ["Begin"]


@pytest.mark.parametrize("broken", ["{", "[]", '{"files": [], "sections": [{"id": 1}]}', '{"sections": 5}', "null"])
def test_a_broken_cache_makes_the_next_message_longer(tmp_path: Path, broken: str) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "one two")
        assert end_session(document) == ""
        state_file(document.path, "-commits").write_text(broken)
        choose_mirror(document.path, Mirror.GIT)  # what lwtui has made is forgotten
        document.edit(SOIL.id, "one")
        assert end_session(document) == ""
        assert messages(folder_of(document))[0] == "Tomatoes: +1 word\n\nSoil: written (1 word)\n" + (
            "Water: planned\nLight: planned"
        )
