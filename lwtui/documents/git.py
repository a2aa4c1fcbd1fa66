"""Commits of some files to a git repository, with the git program.

A repository may come from elsewhere, so nothing in it gives orders: no hook, filter, monitor or signing program runs,
nothing is fetched, and nobody is asked for anything. For that, commits are made with git's plumbing commands. They
leave alone what the user has staged.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from shutil import which
from time import monotonic

from lwtui.system import without_console
from lwtui.text import one_line
from lwtui.translation import _

_LEAST_VERSION = (2, 20)
_COMMAND_SECONDS = 10.0
_ALL_SECONDS = 20.0
_SAFE = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "commit.gpgSign": "false",
    "i18n.commitEncoding": "utf-8",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.allow": "never",
}
# The variables of git that say who the user is and where the settings are. All others are removed: they point to
# another repository where lwtui is started from a hook or a script of git.
_KEPT_VARIABLES = re.compile(
    r"GIT_(?:(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL)|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)|CEILING_DIRECTORIES|EXEC_PATH)"
)
_UNDER_WAY = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
_NO_NAME = re.compile(r"[<>\x00-\x1f]")
_NAME, _EMAIL = "lwtui", "lwtui@localhost"


class GitError(Exception):
    """Git cannot do what it should; ``str`` is a sentence that says why."""


class GitFolder:
    """A folder in the work tree of a repository. All of its commands together take at most 20 seconds.

    Attributes:
        root: The top of the work tree, with all symbolic links resolved; ``None``: the folder is in no repository.
    """

    root: Path | None

    def __init__(self, folder: Path) -> None:
        """Look for the repository of a folder.

        Raises:
            GitError: There is no git program that can be used, or it does not trust the repository.
        """
        self._folder = folder
        self._end = monotonic() + _ALL_SECONDS
        self._environment = _environment()
        self._options = dict(_SAFE)
        program = which("git")
        if program is None or not Path(program).is_absolute():  # one of the current folder is not the user's git
            raise GitError(_("git is not installed."))
        self._program = program
        self._check_version()
        self._find()

    def init(self, author: str) -> None:
        """Make the folder a repository. If git does not know the user, its commits are by ``author``.

        Raises:
            GitError: Git failed.
        """
        self._run("init", "--quiet", "--template=")
        for name, value in self._missing_identity(author):
            self._run("config", "--local", name, value)
        self._find()

    def commit(self, present: Sequence[str], gone: Collection[str], message: str, author: str) -> bool:
        """Commit the state of some files of the folder, and nothing else.

        Args:
            present: The names of files in the folder.
            gone: The names of files that are no longer there.
            message: The message.
            author: Who commits, if git does not know.

        Returns:
            Whether there was anything to commit.

        Raises:
            GitError: Git failed, or the repository is in a state in which nothing should be committed.
        """
        self._check_is_idle()
        self._switch_off_filters()
        if self._status("check-ignore", "--quiet", "--", *present[:1]) == 0:
            raise GitError(_("A .gitignore file excludes it."))
        parent = self._output("rev-parse", "--quiet", "--verify", "HEAD^{commit}", may_fail=True)
        changes = self._changes(present, gone)
        tree = self._tree(parent, changes)
        if parent and tree == self._output("rev-parse", f"{parent}^{{tree}}"):
            return False
        self._run("update-index", "-z", "--index-info", given=changes)  # fails if another program has it locked
        for variable, value in self._author_variables(author):
            self._environment.setdefault(variable, value)
        parents = ["-p", parent] if parent else []
        commit = self._output("commit-tree", tree, *parents, given=message.encode("utf-8", "replace"))
        subject = one_line(message.partition("\n")[0])
        self._run("update-ref", "-m", f"commit: {subject}", "HEAD", commit, parent or "0" * len(commit))
        return True

    # -- what is there

    def _check_version(self) -> None:
        found = re.search(r"(\d+)\.(\d+)", self._output("version"))
        if found is None or (int(found[1]), int(found[2])) < _LEAST_VERSION:
            raise GitError(_("This version of git is too old. Install git {version} or newer.", version="2.20"))

    def _find(self) -> None:
        """Find the repository, and where the folder is in it."""
        self.root, self._prefix, self._git_folder = None, "", self._folder
        command = ("rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-prefix")
        result = self._start(command)
        if result.returncode == 0:
            top, git_folder, prefix = os.fsdecode(result.stdout).split("\n")[:3]
            self.root, self._git_folder, self._prefix = Path(top).resolve(), Path(git_folder), prefix
            if not os.path.samefile(self.root / prefix, self._folder):  # noqa: PTH121 - a setting can say that
                raise GitError(_("Its repository is for the files of another folder."))
            return
        problem = result.stderr.decode("utf-8", "replace")
        # Outside of repositories, and in a folder of one that has no work tree.
        if "not a git repository" not in problem and "must be run in a work tree" not in problem:
            raise _failure(result)

    def _check_is_idle(self) -> None:
        for name, action in _UNDER_WAY.items():
            if (self._git_folder / name).exists():
                raise GitError(_("A {action} is under way in the repository.", action=action))
        if self._status("symbolic-ref", "--quiet", "HEAD"):
            raise GitError(_("The repository is on no branch."))

    def _switch_off_filters(self) -> None:
        """Override the repository's filters. Git may compare files of the user's with them when it writes the index."""
        names = self._output("config", "--null", "--name-only", "--get-regexp", r"^filter\.", may_fail=True).split("\0")
        drivers = {name.rpartition(".")[0] for name in names if name.strip()}
        if any("=" in driver for driver in drivers):
            raise GitError(_("The name of a filter in its settings has an equals sign."))
        for driver in drivers:
            self._options |= {f"{driver}.clean": "", f"{driver}.process": "", f"{driver}.required": "false"}

    def _changes(self, present: Sequence[str], gone: Collection[str]) -> bytes:
        """Store the files in the repository, and return their entries for an index."""
        # These paths start from the top of the work tree, wherever the command runs.
        paths = b"".join(os.fsencode(self._folder.absolute() / name) + b"\n" for name in present)
        hashes = self._output("hash-object", "-w", "--no-filters", "--stdin-paths", given=paths).split()
        if len(hashes) != len(present):
            raise GitError(_("It has not stored all files."))
        entries = [
            *(f"100644 {found}\t{self._prefix}{name}" for name, found in zip(present, hashes, strict=True)),
            *(f"0 {'0' * len(hashes[0])}\t{self._prefix}{name}" for name in gone if hashes),
        ]
        return b"".join(os.fsencode(entry) + b"\0" for entry in entries)

    def _tree(self, parent: str, changes: bytes) -> str:
        """Make the tree of a commit, in an index of its own."""
        with tempfile.TemporaryDirectory(prefix="lwtui-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._output("read-tree", parent or "--empty", more=index)
            self._output("update-index", "-z", "--index-info", given=changes, more=index)
            return self._output("write-tree", more=index)

    # -- who commits

    def _missing_identity(self, author: str) -> list[tuple[str, str]]:
        """Return what git lacks to know who the user is: settings and their values."""
        command = ("-c", "user.useConfigOnly=true", "var")
        if not any(self._status(*command, f"GIT_{who}_IDENT") for who in ("AUTHOR", "COMMITTER")):
            return []
        name = _NO_NAME.sub("", author).strip(" .,:;\"'\\")
        values = {"user.name": name or _NAME, "user.email": os.environ.get("EMAIL", "") or _EMAIL}
        return [(key, value) for key, value in values.items() if self._status("config", "--get", key)]

    def _author_variables(self, author: str) -> list[tuple[str, str]]:
        """Return the variables that say who commits, as far as git does not know."""
        missing = self._missing_identity(author)
        return [
            (f"GIT_{who}_{key.removeprefix('user.').upper()}", value)
            for key, value in missing
            for who in ("AUTHOR", "COMMITTER")
        ]

    # -- the program

    def _run(self, *command: str, given: bytes | None = None) -> None:
        self._output(*command, given=given)

    def _status(self, *command: str) -> int:
        return self._start(command).returncode

    def _output(
        self,
        *command: str,
        given: bytes | None = None,
        more: dict[str, str] | None = None,
        may_fail: bool = False,
    ) -> str:
        result = self._start(command, given, more)
        if result.returncode and not may_fail:
            raise _failure(result)
        return "" if result.returncode else os.fsdecode(result.stdout).strip()

    def _start(
        self, command: Sequence[str], given: bytes | None = None, more: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command of git in the folder. Without ``given``, its standard input is closed."""
        options = [option for name, value in self._options.items() for option in ("-c", f"{name}={value}")]
        seconds = min(_COMMAND_SECONDS, self._end - monotonic())
        try:
            if seconds <= 0:
                raise subprocess.TimeoutExpired(self._program, _ALL_SECONDS)
            return subprocess.run(
                [self._program, "--no-pager", *options, *command],
                cwd=self._folder,
                env=self._environment | (more or {}),
                capture_output=True,
                timeout=seconds,
                check=False,
                stdin=subprocess.DEVNULL if given is None else None,
                input=given,
                **without_console(),
            )
        except subprocess.TimeoutExpired:
            raise GitError(_("It took longer than {seconds} seconds.", seconds=round(_COMMAND_SECONDS))) from None
        except OSError as error:
            raise GitError(_("git cannot be started: {reason}.", reason=error.strerror)) from None


def _environment() -> dict[str, str]:
    """Return the environment of git: in English, without prompts, and without variables that point elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("GIT_") or _KEPT_VARIABLES.fullmatch(name)
    }
    return kept | {
        "LC_ALL": "C",
        "LANGUAGE": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }


def _failure(result: subprocess.CompletedProcess[bytes]) -> GitError:
    """Return the error that git printed, on one line."""
    lines = [one_line(line) for line in result.stderr.decode("utf-8", "replace").splitlines()]
    told = next((line for line in lines if line.startswith(("fatal: ", "error: "))), "") or " ".join(lines[:1])
    text = told.partition(": ")[2] if told.startswith(("fatal: ", "error: ")) else told
    return GitError(text if text.endswith(".") else f"{text or 'git failed'}.")
