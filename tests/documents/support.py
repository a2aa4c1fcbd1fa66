"""Documents for tests, and helpers that use them in other processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lwtui.documents.model import Brief, Plan, PlannedSection, Provenance
from lwtui.documents.store import Document

SOIL = PlannedSection("Soil", "What tomatoes root in.", 100, "5011aaaa")
WATER = PlannedSection("Water", "How much, and when.", 200, "aa7eaaaa")
LIGHT = PlannedSection("Light", "Six hours of sun.", 150, "11947aaa")
PLAN = Plan("Tomatoes", (SOIL, WATER, LIGHT))
BRIEF = Brief("Write a guide to growing tomatoes on a balcony", 450, model="demo", seed=7)
PROVENANCE = Provenance("demo", "ab12", {"temperature": 0.8}, "cd34", 11)


def new_document(folder: Path, name: str = "tomatoes.lw", plan: Plan | None = PLAN) -> Document:
    return Document.create(folder / name, BRIEF, plan)


def texts(document: Document) -> list[str]:
    return [section.text for section in document.sections()]


# Everything is imported before the privileges are dropped, because the packages may be unreadable afterwards.
_AS_NOBODY = """
import os, pwd, shutil, tempfile
import tomlkit
import lwtui.config, lwtui.documents.library, lwtui.documents.store, lwtui.files
if os.getuid() == 0:
    user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
"""


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Create a folder that an unprivileged user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="lwtui-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start ``code`` in another Python process."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def run(code: str, *arguments: object, as_nobody: bool = False) -> str:
    """Run ``code`` in another Python process, which must succeed, and return what it prints.

    With ``as_nobody``, it runs as an unprivileged user if this process is root.
    """
    with start(_AS_NOBODY + code if as_nobody else code, *arguments) as process:
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return printed.strip()
