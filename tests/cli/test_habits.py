"""``lwtui compare`` and ``lwtui backups``."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from lwtui.documents.backups import back_up_today
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from tests.cli.running import Shell

PLAN = Plan("Soil", (PlannedSection("Loam", "What it is.", 50), PlannedSection("Clay", "What it is.", 50)))


@pytest.fixture
def document(shell: Shell) -> Path:
    path = shell.folder / "soil.lw"
    with Document.create(path, Brief("Write about soil", 100), PLAN) as opened:
        opened.edit(PLAN.sections[0].id, "Loam is brown.")
    return path


def test_two_documents_are_compared(shell: Shell, document: Path) -> None:
    (shell.folder / "old.lw").write_bytes(document.read_bytes())
    with Document.open(document) as opened:
        opened.edit(PLAN.sections[0].id, "Loam is black.")
    out = shell.run("compare", "old.lw", "soil.lw").worked().out
    assert "changed: Loam (+0 words)" in out and "[- brown-]{+ black+}" in out
    assert "[-" not in shell.run("compare", "old.lw", "soil.lw", "--summary").worked().out
    rows = json.loads(shell.run("compare", "old.lw", "soil.lw", "--json").worked().out)
    assert [row["change"] for row in rows] == ["changed", "same"]
    shell.run("compare", "old.lw", "none.lw").failed(1, "none.lw")


def test_backups_are_listed_and_restored(shell: Shell, document: Path) -> None:
    assert "no backups" in shell.run("backups", "soil.lw").worked().err
    back_up_today(document, 3, date(2026, 12, 1))
    assert shell.run("backups", "soil.lw").worked().out.split() == ["2026-12-01", "3", "words"]
    restored = shell.run("backups", "soil.lw", "--restore", "2026-12-01").worked().out.strip()
    assert restored == "soil 2026-12-01.lw"
    assert (shell.folder / restored).exists()
    shell.run("backups", "soil.lw", "--restore", "yesterday").failed(1, "2026-12-01")
    shell.run("backups", "none.lw", "--restore", "2026-12-01").failed(1, "none")
