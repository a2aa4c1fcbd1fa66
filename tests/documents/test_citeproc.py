"""Citations in exports: in the text or in footnotes, with a list of references, by a citation style."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from lwtui.config import Mirror
from lwtui.documents.disclosure import report
from lwtui.documents.export import (
    ExportJob,
    ExportOptions,
    bibliography,
    build_manuscript,
    cited_sources,
    export,
    render,
)
from lwtui.documents.export.csl_styles import find_style
from lwtui.documents.mirror import mirror_path, update_mirror
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError, UsageError
from lwtui.sources.model import ReadSource, Stretch
from lwtui.sources.reading.records import read_records
from tests.errors import has_code

GRAY = {
    "type": "book",
    "title": "Harbors of the *north* & <b>south</b>, $5 or $6^2^",
    "author": [{"family": "Gray", "given": "Ada"}],
    "issued": {"date-parts": [[2020]]},
    "publisher": "Quay Press",
}
LI = {"type": "webpage", "title": "茶史", "author": [{"family": "李", "given": "明"}], "URL": "https://tea.example/a"}
TEXT = (
    "Ships came [@gray2020, p. 3; @li]. Others left [@nobody1999].\n\n"
    "As @gray2020 says, `[@gray2020]` and $[@li]$ stay, and @nobody too.\n\n"
    "| goods | tons |\n| --- | --- |\n| tea | 12 [@li] |\n\nA note.[^1]\n\n[^1]: Said there [@gray2020, p. 9]."
)


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    plan = Plan("Tea", (PlannedSection("One", "x", 50, "s1"), PlannedSection("Two", "y", 50, "s2")))
    with Document.create(tmp_path / "tea.lw", Brief("Tea", 100), plan) as created:
        for key, csl, title in (("gray2020", GRAY, "Harbors"), ("li", LI, "茶史"), ("unused", GRAY, "Unused")):
            created.source_store.add(
                ReadSource("pdf", title, f"{key}.pdf", "2026-11-30", (Stretch("Ships.", 3),), csl, key)
            )
        created.edit("s1", TEXT)
        created.edit("s2", "Later ships sank [@gray2020, p. 5].")
        yield created


def test_the_default_style_writes_author_and_year(document: Document) -> None:
    text = render(document, "md")
    assert "Ships came (Gray 2020, 3; 李, n.d.). Others left." in text
    assert "As Gray (2020) says, `[@gray2020]` and $[@li]$ stay, and @nobody too." in text
    assert "| tea | 12 (李, n.d.) |" in text
    listed = text.split("## References\n\n")[1]
    assert "Gray, Ada. 2020. *" in listed and "[https://tea.example/a](https://tea.example/a)" in listed
    assert len(listed.strip().split("\n\n")) == 2  # what is not cited is not listed


def test_a_record_is_no_markup(document: Document) -> None:
    text = render(document, "html", ExportOptions(csl="numeric"))
    assert "*north*" in text and "<b>" not in text and "&amp;" in text and "$5 or $6" in text


def test_numbers_and_footnotes(document: Document) -> None:
    numeric = render(document, "txt", ExportOptions(csl="numeric"))
    assert "Ships came [1, p. 3; 2]. Others left." in numeric and "\n\n[1] Ada Gray, Harbors" in numeric
    notes = render(document, "md", ExportOptions(csl="footnotes"))
    assert "Ships came.[^cite-1] Others left." in notes and "| tea | 12[^cite-3] |" in notes
    assert re.search(r"\[\^cite-1\]: Ada Gray, .*2020, p\. 3; 李明", notes)
    assert "Later ships sank.[^cite-4]\n\n[^cite-4]: Gray, 2020, p. 5." in notes
    assert "[^1]: Said there Gray, 2020, p. 9." in notes  # no footnote within a footnote


@pytest.mark.parametrize("to", ["html", "docx", "epub", "pdf"])
def test_every_format_has_the_same_citations(document: Document, tmp_path: Path, to: str) -> None:
    path = tmp_path / f"tea.{to}"
    notes = export(document, path, options=ExportOptions(csl="numeric"))
    assert notes == ["Citations of no source were left out: nobody1999. lwtui lint lists them."]
    text = _text_of(path.read_bytes(), to)
    assert "[1, p. 3; 2]" in text and "References" in text and "Quay Press" in text and "@gray2020 says" not in text


def _text_of(content: bytes, to: str) -> str:
    if to == "pdf":
        fitz = pytest.importorskip("pymupdf")
        return " ".join(" ".join(page.get_text() for page in fitz.open(stream=content)).split())
    if to == "html":
        return content.decode()
    with ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.endswith((".xhtml", "document.xml"))]
        return re.sub(r"<[^>]+>", "", "".join(archive.read(name).decode() for name in names))


def test_a_style_may_be_a_file_or_a_name_in_a_folder(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    own = find_style("numeric")
    assert own is not None
    style = own.read_text().replace('prefix="[" suffix="]" delimiter="; "', 'prefix="{" suffix="}" delimiter="; "')
    (tmp_path / "config" / "csl").mkdir(parents=True)
    (tmp_path / "config" / "csl" / "modern-language-association.csl").write_text(style)
    for name in (
        "mla",
        "MLA",
        "Modern Language Association",
        str(tmp_path / "config/csl/modern-language-association.csl"),
    ):
        assert "Ships came {1, p. 3; 2}" in render(document, "txt", ExportOptions(csl=name))


def test_a_bad_style_is_told_in_a_line(document: Document, tmp_path: Path) -> None:
    with pytest.raises(UsageError, check=has_code("unknown-style")):
        render(document, "md", ExportOptions(csl="no-such-style"))
    with pytest.raises(UsageError, check=has_code("unknown-style")):
        find_style(str(tmp_path / "none.csl"))
    (tmp_path / "text.csl").write_text("no style")
    with pytest.raises(UsageError, check=has_code("invalid-style")):
        find_style(str(tmp_path / "text.csl"))
    start = '<style xmlns="http://purl.org/net/xbiblio/csl">'
    bomb = '<!DOCTYPE style [<!ENTITY a "aaaaaaaaaa">'
    bomb += "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9)) + "]>"
    for number, wrong in enumerate((f"{start}<citation>", f"{bomb}{start}&j;</style>")):
        (tmp_path / f"{number}.csl").write_text(wrong)
        with pytest.raises(UsageError, check=has_code("invalid-style")) as broken:
            find_style(str(tmp_path / f"{number}.csl"))
        assert "damaged" in str(broken.value)
    (tmp_path / "other.csl").write_text(f"{start}<citation/></style>")  # XML, but no style
    with pytest.raises(LwtuiError, check=has_code("invalid-style")) as error:
        render(document, "md", ExportOptions(csl=str(tmp_path / "other.csl")))
    assert "\n" not in str(error.value)


def test_the_bibliography_has_the_cited_sources(document: Document) -> None:
    text = bibliography(cited_sources(build_manuscript(document)))
    assert "@book{gray2020," in text and "author = {Gray, Ada}" in text and "@misc{li," in text
    assert "unused" not in text


SENTENCE_STYLE = """<?xml version="1.0" encoding="utf-8"?>
<style xmlns="http://purl.org/net/xbiblio/csl" class="in-text" version="1.0" default-locale="en-US">
  <info><title>Sentences</title><id>sentences</id><updated>2026-01-01T00:00:00+00:00</updated></info>
  <citation><layout><text variable="title" text-case="sentence"/></layout></citation>
  <bibliography><layout>
    <text variable="title" text-case="sentence"/><text variable="container-title" text-case="sentence" prefix=" / "/>
  </layout></bibliography>
</style>"""
CHAPTER = {
    "type": "chapter",
    "title": "Tea in Assam: the BBC history of Darjeeling",
    "container-title": "Great Books of Assam",
}


@pytest.fixture
def with_chapter(document: Document) -> Document:
    document.source_store.add(
        ReadSource("pdf", "Tea", "t.pdf", "2026-11-30", (Stretch("Ships.", 3),), CHAPTER, "chapter")
    )
    document.edit("s2", "Later ships sank [@chapter].")
    return document


def test_a_style_in_sentence_case_leaves_names_their_capitals(with_chapter: Document, tmp_path: Path) -> None:
    (tmp_path / "sentences.csl").write_text(SENTENCE_STYLE)
    text = render(with_chapter, "md", ExportOptions(csl=str(tmp_path / "sentences.csl")))
    assert "Later ships sank Tea in Assam: The BBC history of Darjeeling." in text
    assert "nocase" not in text


def test_names_in_the_bibliography_keep_their_capitals_where_it_is_read(with_chapter: Document, tmp_path: Path) -> None:
    text = bibliography(cited_sources(build_manuscript(with_chapter)))
    assert "booktitle = {Great {Books} of {Assam}}" in text
    (tmp_path / "refs.bib").write_text(text)
    records = read_records(text, "biblatex", tmp_path / "refs.bib", "refs.bib")
    record = next(record for record in records if record.key == "chapter")
    assert record.item["title"] == "Tea in Assam: The BBC history of Darjeeling"
    assert record.item["container-title"] == CHAPTER["container-title"]


def test_the_list_of_references_is_in_the_language_of_the_text(tmp_path: Path, document: Document) -> None:
    document.set_brief(Brief("茶", 100, language="zh"))
    assert "## 参考文献" in render(document, "md")


def test_a_mirror_and_a_text_without_sources_keep_their_citations(document: Document, tmp_path: Path) -> None:
    for kind in (Mirror.FILE, Mirror.FOLDER):
        assert update_mirror(document, kind) == ""
        path = mirror_path(document.path, kind)
        files = [path] if kind is Mirror.FILE else list(path.glob("*.md"))
        assert any(TEXT.replace("\n", "") in file.read_text().replace("\n", "") for file in files)
    for source in document.sources:
        document.source_store.remove(source.id)
    assert "Ships came [@gray2020, p. 3; @li]." in render(document, "md")


def test_the_disclosure_names_the_sources(document: Document) -> None:
    text = report(document)
    assert "The document has 3 sources, of which the text cites 2:" in text
    assert "- Harbors (gray2020.pdf, read on 2026-11-30): cited 4 times" in text
    assert "- Unused (unused.pdf, read on 2026-11-30): not cited" in text
    appended = render(document, "md", ExportOptions(disclosure=True))
    assert appended.index("## References") < appended.index("## How this text was written")


def test_an_export_can_be_stopped(document: Document, tmp_path: Path) -> None:
    job = ExportJob()
    job.stop()
    with pytest.raises(LwtuiError):
        export(document, tmp_path / "tea.md", job=job)
    assert not (tmp_path / "tea.md").exists()
