import sqlite3
from pathlib import Path

import pytest

from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from tests.cli.running import Shell


@pytest.fixture
def document(shell: Shell) -> Path:
    path = shell.folder / "doc.lw"
    plan = Plan("Tomatoes", (PlannedSection("Soil", "what they need", 100), PlannedSection("Sün & <Light>", "", 100)))
    with Document.create(path, Brief("Tomatoes", 200), plan) as made:
        for section, text in zip(plan.sections, ("They need *soil*.", "Light, too: “much” of it."), strict=True):
            made.edit(section.id, text)
    return path


def test_the_file_is_put_beside_the_document(shell: Shell, document: Path) -> None:
    done = shell.run("export", "doc.lw", "--to", "md").worked()
    assert (shell.folder / "doc.md").read_text() == (
        "# Tomatoes\n\n## Soil\n\nThey need *soil*.\n\n## Sün & <Light>\n\nLight, too: “much” of it.\n"
    )
    assert done.out == "" and "doc.md" in done.err


def test_html_and_plain_text(shell: Shell, document: Path) -> None:
    shell.run("export", "doc.lw", "--to", "html").worked()
    shell.run("export", "doc.lw", "--to", "txt").worked()
    page = (shell.folder / "doc.html").read_text()
    assert "<em>soil</em>" in page and "Sün &amp; &lt;Light&gt;" in page
    assert "*" not in (shell.folder / "doc.txt").read_text()


def test_the_format_follows_the_output(shell: Shell, document: Path) -> None:
    shell.run("export", "doc.lw", "--output", "page.htm").worked()
    assert "<em>soil</em>" in (shell.folder / "page.htm").read_text()


def test_standard_output(shell: Shell, document: Path) -> None:
    done = shell.run("export", "doc.lw", "--to", "md", "--output", "-").worked()
    assert done.out.startswith("# Tomatoes\n") and done.err == ""
    assert {path.name for path in shell.folder.iterdir() if path.is_file()} == {"doc.lw"}


def test_standard_output_is_utf_8_whatever_the_locale(shell: Shell, document: Path) -> None:
    done = shell.run("export", "doc.lw", "--to", "md", "--output", "-", LANG="C", LC_ALL="POSIX", PYTHONUTF8="0")
    assert "Sün" in done.worked().out and "“much”" in done.out


def test_a_file_that_is_there_is_not_overwritten_unasked(shell: Shell, document: Path) -> None:
    (shell.folder / "doc.md").write_text("precious")
    shell.run("export", "doc.lw", "--to", "md").failed(2, "doc.md is there already", "--force")
    assert (shell.folder / "doc.md").read_text() == "precious"
    shell.run("export", "doc.lw", "--to", "md", "--force").worked()
    assert (shell.folder / "doc.md").read_text().startswith("# Tomatoes")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "odt"], ["'odt'", "md, txt, html"]),
        ([], ["--to md"]),
        (["--output", "-"], ["--to md"]),
        (["--output", "-", "--to", "pdf"], ["is no text", "--output FILE.pdf"]),
        (["--output", "doc.odt"], [".md or .txt or .html"]),
        (["--to", "md", "--output", "deep/doc.md"], ["no folder deep"]),
        (["--to", "md", "--date", "24.11."], ["YYYY-MM-DD"]),
        (["--to", "md", "--disclosure-to", "."], ["is a folder"]),
    ],
)
def test_what_cannot_be_exported(shell: Shell, document: Path, options: list[str], words: list[str]) -> None:
    shell.run("export", "doc.lw", *options).failed(2, *words)


def test_a_document_that_is_open_elsewhere_is_exported_all_the_same(shell: Shell, document: Path) -> None:
    with Document.open(document) as opened:
        assert not opened.read_only
        shell.run("export", "doc.lw", "--to", "md").worked()


def test_exporting_changes_nothing_in_the_document(shell: Shell, document: Path) -> None:
    before = document.read_bytes()
    shell.run("export", "doc.lw", "--to", "md").worked()
    assert document.read_bytes() == before
    with sqlite3.connect(document) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
