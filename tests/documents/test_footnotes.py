"""Footnotes of sections, links between them and line breaks in cells, in a document and in every export."""

from __future__ import annotations

import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents.export import export, render
from lwtui.documents.export.pandoc import pandoc
from lwtui.documents.footnotes import share_footnotes
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document

TEXTS = {
    "a": "A claim[^1], again[^1], see [the well](#the-well), [oak](#old-oak) and [nothing](#nowhere).\n\n"
    "| tree | age |\n|---|---|\n| oak<br>elm | 9 |\n\n[^1]: First *note*.\n\n    Its second paragraph.",
    "b": "Another[^1] and [^none].\n\n### Old oak\n\nBark.\n\n[^1]: Second note <i>.",
}


def document(folder: Path) -> Document:
    plan = Plan("Trees", (PlannedSection("The wood", "", 10, "a"), PlannedSection("The well", "", 10, "b")))
    made = Document.create(folder / "trees.lw", Brief("Write", 20, "en"), plan)
    for section, text in TEXTS.items():
        made.edit(section, text)
    return made


@pytest.mark.parametrize(
    ("texts", "shared"),
    [
        (["a[^1]\n\n[^1]: one", "b"], ["a[^1]\n\n[^1]: one", "b"]),
        (["a[^1]", "b\n\n[^1]: one"], ["a[^1]\n\n[^1]: one", "b"]),
        (["a[^1]\n\n[^1]: one", "b[^1]\n\n[^1]: two"], ["a[^1]\n\n[^1]: one", "b[^2]\n\n[^2]: two"]),
        (["a[^x]", "b[^x]", "[^x]: one"], ["a[^x]\n\n[^x]: one", "b[^x-2]\n\n[^x-2]: one", ""]),
        (["a[^1]", "b"], ["a[^1]", "b"]),
        (
            ["`[^1]` a[^1]\n\n[^1]: one", "`[^1]` b[^1]\n\n[^1]: 2"],
            ["`[^1]` a[^1]\n\n[^1]: one", "`[^1]` b[^2]\n\n[^2]: 2"],
        ),
        (["a\n\n[^1]: unused", "b[^1]\n\n[^1]: two"], ["a\n\n[^1]: unused", "b[^2]\n\n[^2]: two"]),
    ],
)
def test_each_text_gets_the_footnotes_that_it_refers_to(texts: list[str], shared: list[str]) -> None:
    assert share_footnotes(texts) == shared
    assert share_footnotes(shared) == shared


@given(st.lists(st.lists(st.sampled_from(["a[^1]", "[^1]: note", "", "```", "x", "- [^2]: y", "[^2]"]), max_size=6)))
def test_sharing_footnotes_twice_changes_nothing_more(lines: list[list[str]]) -> None:
    shared = share_footnotes(["\n".join(text) for text in lines])
    assert share_footnotes(shared) == shared


def test_footnotes_and_links_in_html(tmp_path: Path) -> None:
    with document(tmp_path) as made:
        page = render(made, "html")
    assert page.count('role="doc-footnote"') == 2 and page.count('role="doc-noteref"') == 3
    assert '<a href="#note-1-mark">1</a>\n<p>First <em>note</em>.</p>\n<p>Its second paragraph.</p>' in page
    assert "Second note &lt;i&gt;." in page and "[^none]" in page
    assert '<a href="#part-2">the well</a>' in page and "and nothing." in page
    assert '<a href="#heading-1">oak</a>' in page and '<h3 id="heading-1">Old oak</h3>' in page
    assert "oak<br />\nelm" in page


def test_footnotes_in_text_formats(tmp_path: Path) -> None:
    with document(tmp_path) as made:
        plain, markdown = render(made, "txt"), render(made, "md")
    assert "A claim[1], again[1]" in plain and "[1] First note.\n\nIts second paragraph." in plain
    assert "oak / elm\t9" in plain
    assert "[^1]: First *note*." in markdown and "Another[^2]" in markdown and "[^2]: Second note <i>." in markdown


@pytest.mark.parametrize("to", ["docx", "epub"])
def test_footnotes_and_links_in_books(tmp_path: Path, to: str) -> None:
    with document(tmp_path) as made:
        export(made, tmp_path / f"out.{to}")
    subprocess.run(
        [pandoc()[0], f"out.{to}", "-t", "markdown", "--wrap=none", "-o", "again.md"], cwd=tmp_path, check=True
    )
    again = (tmp_path / "again.md").read_text()
    assert "First *note*." in again and "Second note" in again and again.count("]: ") >= 3
    if to == "epub":
        with ZipFile(tmp_path / "out.epub") as book:
            pages = {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xhtml")}
        assert any('href="ch002.xhtml#part-2"' in page for page in pages.values())
        assert not any("nowhere" in page for page in pages.values())
    else:
        assert "[the well](#part-2)" in again and "#nowhere" not in again


def test_footnotes_in_a_pdf(tmp_path: Path) -> None:
    pymupdf = pytest.importorskip("pymupdf")
    with document(tmp_path) as made:
        export(made, tmp_path / "out.pdf")
    with pymupdf.open(tmp_path / "out.pdf") as pages:
        text = "".join(page.get_text() for page in pages)
    assert "First note." in text and "Second note <i>." in text and "[^1]" not in text


def test_a_footnote_that_refers_to_itself_ends(tmp_path: Path) -> None:
    plan = Plan("T", (PlannedSection("One", "", 10, "a"),))
    with Document.create(tmp_path / "t.lw", Brief("Write", 10, "en"), plan) as made:
        made.edit("a", "x[^1]\n\n[^1]: see [^1] and [^2]\n\n[^2]: see [^1]")
        for to in ("docx", "epub", "pdf", "html", "txt", "md"):
            export(made, tmp_path / f"out.{to}")
