import signal
import sqlite3
import time
from pathlib import Path
from zipfile import ZipFile

import pytest

from lwtui.documents.export import store_author
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


def test_the_export_is_beside_the_document(shell: Shell, document: Path) -> None:
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


def test_a_text_format_can_go_to_standard_output(shell: Shell, document: Path) -> None:
    done = shell.run("export", "doc.lw", "--to", "md", "--output", "-").worked()
    assert done.out.startswith("# Tomatoes\n") and done.err == ""
    assert {path.name for path in shell.folder.iterdir() if path.is_file()} == {"doc.lw"}


def test_standard_output_is_utf_8_in_any_locale(shell: Shell, document: Path) -> None:
    done = shell.run("export", "doc.lw", "--to", "md", "--output", "-", LANG="C", LC_ALL="POSIX", PYTHONUTF8="0")
    assert "Sün" in done.worked().out and "“much”" in done.out


def test_an_existing_file_is_overwritten_only_with_force(shell: Shell, document: Path) -> None:
    (shell.folder / "doc.md").write_text("precious")
    done = shell.fails(2, "already-exists", "export", "doc.lw", "--to", "md")
    assert "doc.md" in done.err and "--force" in done.err
    assert (shell.folder / "doc.md").read_text() == "precious"
    shell.run("export", "doc.lw", "--to", "md", "--force").worked()
    assert (shell.folder / "doc.md").read_text().startswith("# Tomatoes")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--to", "rtf"], "unknown-format", ["'rtf'", "md, txt, html"]),
        ([], "no-format", ["--to md"]),
        (["--output", "-"], "no-format", ["--to md"]),
        (["--output", "-", "--to", "pdf"], "needs-file", ["--output FILE.pdf"]),
        (["--output", "doc.rtf"], "unknown-format", [".odt", ".html"]),
        (["--to", "md", "--output", "deep/doc.md"], "not-found", ["deep"]),
        (["--to", "md", "--date", "24.11."], "invalid-date", ["YYYY-MM-DD"]),
        (["--to", "md", "--disclosure-to", "."], "is-folder", []),
    ],
)
def test_invalid_exports_are_reported(
    shell: Shell, document: Path, options: list[str], code: str, words: list[str]
) -> None:
    done = shell.fails(2, code, "export", "doc.lw", *options)
    assert all(word in done.err for word in words), done.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "pdf", "--paper", "a3"], ["--paper", "a4", "letter", "a5"]),
        (["--to", "pdf", "--font-size", "72"], ["--font-size", "7", "24"]),
    ],
)
def test_invalid_page_options_are_reported(shell: Shell, document: Path, options: list[str], words: list[str]) -> None:
    shell.run("export", "doc.lw", *options).failed(2, *words)


def test_a_document_that_is_open_elsewhere_can_be_exported(shell: Shell, document: Path) -> None:
    with Document.open(document) as opened:
        assert not opened.read_only
        shell.run("export", "doc.lw", "--to", "md").worked()


def test_exporting_does_not_change_the_document(shell: Shell, document: Path) -> None:
    before = document.read_bytes()
    shell.run("export", "doc.lw", "--to", "md").worked()
    assert document.read_bytes() == before
    with sqlite3.connect(document) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_exporting_a_book_with_author_and_disclosure_to_a_folder(shell: Shell, document: Path) -> None:
    (shell.folder / "out").mkdir()
    options = ("--title", "../My / Tomatoes", "--author", "A. Author", "--disclosure", "--disclosure-to", "report.md")
    done = shell.run(
        "export",
        "doc.lw",
        "--format",
        "pdf",
        "--output",
        "out",
        "--paper",
        "a5",
        "--font-size",
        "10",
        "--new-pages",
        *options,
    ).worked()
    assert done.out == "" and [path.name for path in (shell.folder / "out").iterdir()] == ["My Tomatoes.pdf"]
    pymupdf = pytest.importorskip("pymupdf")
    with pymupdf.open(shell.folder / "out" / "My Tomatoes.pdf") as pdf:
        assert round(pdf[0].rect.width) == 420
        assert (pdf.metadata["title"], pdf.metadata["author"]) == ("../My / Tomatoes", "A. Author")
        assert [title for _, title, _ in pdf.get_toc()] == ["Soil", "Sün & <Light>", "How this text was written"]
    assert "100\u00a0% written by hand" in (shell.folder / "report.md").read_text()
    done = shell.fails(2, "already-exists", "export", "doc.lw", "--to", "md", "--disclosure-to", "report.md")
    assert "report.md" in done.err


def test_the_author_comes_from_the_settings_and_pages_can_be_left_out(shell: Shell, document: Path) -> None:
    shell.run("config", "set", "author", "B. Author").worked()
    shell.run("export", "doc.lw", "--to", "epub", "--no-contents", "--no-title-page").worked()
    with ZipFile(shell.folder / "doc.epub") as archive:
        assert b"B. Author" in archive.read("EPUB/content.opf")
        assert "EPUB/text/title_page.xhtml" not in archive.namelist()
    for author in ("C. Own", ""):  # a document may have its own author, or none
        with Document.open(document) as changed:
            store_author(changed, author)
        page = shell.run("export", "doc.lw", "--to", "html", "--output", "-").worked().out
        assert "B. Author" not in page and (not author or author in page)


def test_a_missing_extra_is_named(shell: Shell, document: Path) -> None:
    (shell.folder / "blocked").mkdir()
    (shell.folder / "blocked" / "sitecustomize.py").write_text(
        "import importlib.util\nfound = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name in ('typst', 'pypandoc') else found(name, *more)\n"
    )
    path = f"{shell.folder / 'blocked'}:{shell.environment()['PYTHONPATH']}"
    for to in ("pdf", "docx", "epub"):
        done = shell.fails(1, "missing-extra", "export", "doc.lw", "--to", to, PYTHONPATH=path)
        assert 'pip install "lwtui[export]"' in done.err
    shell.run("export", "doc.lw", "--to", "html", PYTHONPATH=path).worked()


def test_importing_a_file(shell: Shell, document: Path) -> None:
    shell.run("export", "doc.lw", "--to", "docx", "--no-contents").worked()
    done = shell.run("import", "doc.docx", "-o", "again.lw").worked()
    assert "again.lw (2 sections, " in done.err
    with Document.open(shell.folder / "again.lw") as again:
        assert [(section.title, section.text) for section in again.sections()[:1]] == [("Soil", "They need *soil*.")]
        assert again.title == "Tomatoes"
    exists = shell.fails(2, "already-exists", "import", "doc.docx")
    assert "doc.lw" in exists.err and "--output" in exists.err
    assert "lwtui doc.lw" in shell.fails(2, "is-document", "import", "doc.lw", "-o", "x.lw").err
    assert "none.md" in shell.fails(1, "not-found", "import", "none.md").err
    assert "x.md" in shell.fails(2, "wrong-extension", "import", "doc.docx", "-o", "x.md").err


def test_an_interrupted_export_leaves_nothing_behind(shell: Shell, document: Path) -> None:
    with Document.open(document) as opened:
        for section in opened.sections():
            opened.edit(section.id, "All of this has to be set in pages, which takes some time. " * 5_000)
    temporary = shell.folder / "temporary"
    temporary.mkdir()
    with shell.start("export", "doc.lw", "--to", "pdf", TMPDIR=str(temporary)) as process:
        while not list(temporary.glob("lwtui-*/book.typ")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and said == "lwtui: Stopped.\n"
    assert not (shell.folder / "doc.pdf").exists() and not list(temporary.iterdir())
