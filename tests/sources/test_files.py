"""Files and folders as sources: every kind, what they say of themselves, and those that cannot be read."""

from __future__ import annotations

import os
import subprocess
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lwtui.documents.export import pandoc as pandoc_module
from lwtui.documents.export.pandoc import pandoc
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError, UsageError
from lwtui.sources.model import ReadSource
from lwtui.sources.reading.adding import AddedSource, SourceReader, UnreadSource, add_sources, locations
from lwtui.sources.reading.files import ReadResult
from lwtui.sources.reading.job import ReadJob, ReadStopped, SourceError
from lwtui.sources.reading.progress import AddingProgress
from tests.documents.support import new_document
from tests.errors import has_code
from tests.sources.support import TEA, article, page, pdf

MARKDOWN = """\
---
title: Tea of the Hills
author: Ann Gray
date: 2020-03-04
lang: en
---
# Leaf

Tea grows on **high** hills.[^1] It is picked by [hand](http://a.org).

| place | tons |
| ----- | ---- |
| Assam | 1,200 |

# Water

Water boils at 100 degrees.

[^1]: In Assam.
"""


def read(path: Path) -> ReadSource:
    (result,) = read_all(path)
    return result.source


def read_all(path: Path) -> list[ReadResult]:
    return list(SourceReader(ReadJob()).read(str(path)))


def text_of(source: ReadSource) -> str:
    return "\n".join(passage.text for passage in source.passages)


@pytest.mark.parametrize("kind", ["md", "docx", "odt", "epub", "rtf", "tex", "rst"])
def test_documents_are_read_with_title_author_and_date(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in.md").write_text(MARKDOWN, encoding="utf-8")
    path = tmp_path / f"tea.{kind}"
    if kind == "md":
        path.write_text(MARKDOWN, encoding="utf-8")
    else:
        subprocess.run([*pandoc(), "-s", "-f", "markdown", "in.md", "-o", path.name], cwd=tmp_path, check=True)
    source = read(path)
    assert source.kind == {"md": "markdown", "rtf": "other", "tex": "other", "rst": "other"}.get(kind, kind)
    assert source.title == "Tea of the Hills" or kind == "rtf"  # in which pandoc writes none
    text = text_of(source)
    for words in ("Tea grows on high hills.", "hand", "1,200", "Water boils at 100 degrees.", "In Assam."):
        assert words in text
    assert "**" not in text and "|" not in text and text.index("Leaf") < text.index("Tea grows")
    if kind in ("md", "docx", "epub"):
        assert source.csl["author"] == [{"family": "Gray", "given": "Ann"}]
        assert source.csl["issued"] == {"date-parts": [[2020, 3, 4]]}


def test_pages_texts_and_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "p.html").write_bytes(page(article(), title="Clay", head='<meta name="author" content="Bo Li">'))
    (tmp_path / "t.txt").write_text("Tea of Assam\n\nIt grows on hills.", encoding="utf-8")
    (tmp_path / "z.txt").write_bytes("茶叶生长在高山上。\n\n农民用手采摘。".encode("gb18030"))
    html, text, chinese = (read(tmp_path / name) for name in ("p.html", "t.txt", "z.txt"))
    assert (html.kind, html.title, html.csl["author"]) == ("html", "Clay", [{"family": "Li", "given": "Bo"}])
    assert "URL" not in html.csl and "newsletter" not in text_of(html)
    assert (text.kind, text.title) == ("text", "Tea of Assam") and "It grows on hills." in text_of(text)
    assert "茶叶生长在高山上。" in text_of(chinese)
    assert any("Read as GB18030" in note for note in read_all(tmp_path / "z.txt")[0].notes)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("Year,Tea (t),Land\n2020,\"1,200\",China\n2021,,India\n", [
            "Year: 2020; Tea (t): 1,200; Land: China.", "Year: 2021; Land: India."]),
        ("Year;Tea\n2020;1,5\n", ["Year: 2020; Tea: 1,5."]),
        ("Year\tTea\n2020\t12\n", ["Year: 2020; Tea: 12."]),
        ("2020,12\n2021,13\n", ["2020; 12.", "2021; 13."]),
        ("年份,产量\n2020,三百吨\n", ["年份: 2020; 产量: 三百吨."]),
        ("A,B\n1,2,3,4\n", ["A: 1; B: 2; 3; 4."]),
        ("\ufeffYear,Tea\r\n\r\n2020,12\r\n", ["Year: 2020; Tea: 12."]),
    ],
)  # fmt: skip
def test_a_table_names_its_columns_in_each_row(tmp_path: Path, content: str, lines: list[str]) -> None:
    (tmp_path / "t.csv").write_text(content, encoding="utf-8", newline="")
    source = read(tmp_path / "t.csv")
    assert source.kind == "csv" and source.csl["type"] == "dataset"
    assert text_of(source).split("\n") == lines


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "wordprocessingml.document.main")
        archive.writestr("word/document.xml", b"<w:p>" + bytes(300_000_000))


def hostile(name: str, path: Path) -> None:
    contents = {
        "nothing.txt": b"",
        "space.md": b" \n\n ",
        "front.md": b"---\ntitle: Tea\n---\n",
        "noise.bin": bytes(range(256)),
        "picture.png": b"\x89PNG\r\n",
        "not.pdf": b"tea",
        "not.docx": b"tea",
        "not.epub": b"PK\x03\x04noise",
        "deep.md": b">" * 50_000 + b" tea",
        "nested.md": b"[" * 10_000,
        "empty.csv": b"\n\n",
        "wide.csv": b'"' + b"x" * 300_000,
        "empty.html": b"<html></html>",
        "other.json": b'{"a": 1}',
        "deep.json": b"[" * 100_000,
        "bad.bib": b"@article{x, title={never closed",
        "empty.bib": b"% nothing\n",
        "bad.json": b'[{"id": ',
        "empty.ris": b"",
        "null.txt": b"tea\0cup" * 50,
    }
    if name == "bomb.docx":
        bomb(path)
    elif name == "pipe.txt":
        os.mkfifo(path)
    elif name == "folder.pdf":
        path.mkdir()
    elif name == "locked.txt":
        path.write_text("tea")
        path.chmod(0)
    elif name != "missing.txt":
        path.write_bytes(contents[name])


HOSTILE = (
    "nothing.txt space.md front.md noise.bin picture.png not.pdf not.docx not.epub deep.md nested.md empty.csv "
    "wide.csv empty.html other.json deep.json bad.bib empty.bib bad.json empty.ris null.txt "
    "bomb.docx pipe.txt missing.txt"
)


@pytest.mark.parametrize("name", HOSTILE.split())
def test_what_is_no_source_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    hostile(name, path)
    try:
        results = read_all(path)
    except LwtuiError as error:
        assert isinstance(error, SourceError), error
        assert "\n" not in str(error) and name in str(error)
    else:
        assert name in ("deep.md", "nested.md") and results  # text all the same


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    (folder / "sub").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "b.md").write_text("# Tea\n\nIt grows.")
    (folder / "sub" / "a.pdf").write_bytes(pdf([TEA]))
    (folder / "sub" / "bad.pdf").write_bytes(b"%PDF-1.7 noise")
    for ignored in (".hidden.md", "~$b.docx", "x.png", "data.json", ".git/c.md", "noend"):
        (folder / ignored).write_text("not this")
    names = locations([str(folder), str(folder / "b.md")])
    assert [Path(name).name for name in names] == ["b.md", "a.pdf", "bad.pdf"]
    started: list[str] = []
    with new_document(tmp_path) as document:
        results = list(add_sources(document.source_store, names, ReadJob(), started.append))
        assert started == names
        added = [result.source.key for result in results if isinstance(result, AddedSource)]
        assert added == ["tea", "a"] == [source.key for source in document.sources]
        assert [Path(result.location).name for result in results if isinstance(result, UnreadSource)] == ["bad.pdf"]
        again = list(add_sources(document.source_store, names[:2], ReadJob()))
        assert len(again) == 2 == len(document.sources)


def test_a_folder_without_sources_and_a_missing_file_are_told(tmp_path: Path) -> None:
    for given, code in ((str(tmp_path), "no-sources"), (str(tmp_path / "x.md"), "not-found"), ("a\0b", "not-found")):
        with pytest.raises(UsageError, check=has_code(code)):
            locations([given])


def test_what_was_added_stays_when_adding_stops(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.md").write_text(f"Tea number {number}.")
    job = ReadJob()
    with new_document(tmp_path) as document:
        adding = add_sources(document.source_store, locations([str(tmp_path)]), job)
        assert isinstance(next(adding), AddedSource)
        job.stop()
        with pytest.raises(ReadStopped):
            next(adding)
    with Document.open(tmp_path / "tomatoes.lw") as document:
        assert [source.location for source in document.sources] == [str(tmp_path / "0.md")]


def test_progress_tells_rate_and_time_left(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(bytes(100_000))
    (tmp_path / "b.pdf").write_bytes(bytes(300_000))
    names, now = [str(tmp_path / "a.pdf"), str(tmp_path / "b.pdf")], 100.0
    progress = AddingProgress(names, lambda: now)
    progress.start(names[0])
    assert progress.line() == f"1/2 {names[0]}: reading …" and progress.seconds_left is None
    progress.start(names[1])
    now = 110.0
    progress.pages(100, 300)
    assert progress.line() == f"2/2 {names[1]}: 100 of 300 pages, 10 pages/s, 10 s left"
    alone = AddingProgress(["http://a.org/"], lambda: now)
    assert alone.line() == "http://a.org/: reading …"


BIB = r"""
@string{jt = "Journal of Tea"}
@article{Gray_2020, title = {The {Tea} of \"Uber-Hills \& Valleys}, author = {Gray, Ann and Li, Bo}, year = 2020,
  journal = jt, doi = {10.1/x}, abstract = {Tea grows on \emph{hills} in Assam.},
  file = {Full Text:papers/gray.pdf:application/pdf}}
@book{li1999, title = {Cups}, author = {Li, Bo}, date = {1999}, file = {:/etc/passwd:text/plain;../out.txt}}
@online{web, title = {Web of Tea}, url = {http://a.org/tea}, urldate = {2021-02-03}, abstract = {All of it.}}
@misc{self, title = {Itself}, file = {refs.bib}}
"""


def test_a_bibliography_brings_its_records_and_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "refs"
    (folder / "papers").mkdir(parents=True)
    (folder / "papers" / "gray.pdf").write_bytes(pdf([TEA], Title="Wrong title", Author="Nobody"))
    (folder / "refs.bib").write_text(BIB, encoding="utf-8")
    (tmp_path / "out.txt").write_text("outside")
    with new_document(tmp_path) as document:
        results = list(add_sources(document.source_store, locations([str(folder)]), ReadJob()))
        sources: dict[str, Any] = {source.key: source for source in document.sources}
    assert list(sources) == ["gray-2020", "li1999", "web", "self"] and len(results) == 4
    gray = sources["gray-2020"]
    assert (gray.kind, gray.location) == ("pdf", str(folder / "papers" / "gray.pdf"))
    assert gray.title == "The Tea of über-hills & valleys" == gray.csl["title"]
    assert gray.csl["container-title"] == "Journal of Tea" and gray.csl["DOI"] == "10.1/x"
    assert [name["family"] for name in gray.csl["author"]] == ["Gray", "Li"]
    assert (sources["li1999"].kind, sources["li1999"].passages) == ("record", 0)
    assert sources["web"].csl["accessed"] == {"date-parts": [[2021, 2, 3]]} and sources["web"].passages == 1
    notes = [note for result in results if isinstance(result, AddedSource) for note in result.notes]
    assert len(notes) == 1 and "li1999" in notes[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.ris", "TY  - JOUR\nAU  - Gray, Ann\nTI  - Tea hills\nPY  - 2020\nAB  - We grow tea.\nER  - \n"),
        (
            "r.json",
            '[{"id": "Gray_2020", "type": "article-journal", "title": "Tea <i>hills</i>", "abstract": "We grow tea.",'
            ' "author": [{"family": "Gray", "given": "Ann"}], "issued": {"date-parts": [[2020]]}}]',
        ),
        ("r.bib", "@article{Gray_2020, title={Tea hills}, author={Gray, Ann}, year=2020, abstract={We grow tea.}}"),
    ],
)
def test_records_of_every_format_are_alike(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    source = read(tmp_path / name)
    assert (source.kind, source.title, source.key, text_of(source)) == (
        "record",
        "Tea hills",
        "Gray_2020",
        "We grow tea.",
    )
    assert source.csl == {
        "type": "article-journal",
        "title": "Tea hills",
        "author": [{"family": "Gray", "given": "Ann"}],
        "issued": {"date-parts": [[2020]]},
    }


def test_names_in_titles_of_bibtex_keep_their_capitals_without_braces(tmp_path: Path) -> None:
    titles = """
    @book{a, title = {Tea in Assam: the {BBC} history of Darjeeling}}
    @book{b, title = "Der Tee in Assam und die Berge", langid = {ngerman}}
    @incollection{c, title = {The Tea Gardens of the Empire}, booktitle={Tea and what it cost in {Upper Assam}}}
    @book{d, title = {The growth of $n$ in \\emph{Assam}}}
    """
    (tmp_path / "refs.bib").write_text(titles, encoding="utf-8")
    with new_document(tmp_path) as document:
        list(add_sources(document.source_store, locations([str(tmp_path / "refs.bib")]), ReadJob()))
        found = {source.key: source for source in document.sources}
    assert found["a"].title == "Tea in Assam: The BBC history of Darjeeling"
    assert found["b"].title == "Der Tee in Assam und die Berge"
    assert found["c"].title == "The tea gardens of the empire"  # in title case, nothing tells names from other words
    assert found["c"].csl["container-title"] == "Tea and what it cost in Upper Assam"
    assert found["d"].title.startswith("The growth of")


@pytest.mark.parametrize(("name", "missing"), [("a.pdf", "pypdf"), ("a.html", "trafilatura"), ("a.bib", "pypandoc")])
def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, missing: str) -> None:
    (tmp_path / name).write_bytes({"a.pdf": pdf([TEA]), "a.html": page(article())}.get(name, BIB.encode()))
    monkeypatch.setattr(pandoc_module, "find_spec", lambda package: None if package == missing else find_spec(package))
    with new_document(tmp_path) as document, pytest.raises(LwtuiError, check=has_code("missing-extra")) as caught:
        list(add_sources(document.source_store, [str(tmp_path / name)], ReadJob()))
    assert 'pip install "lwtui[sources]"' in str(caught.value)
