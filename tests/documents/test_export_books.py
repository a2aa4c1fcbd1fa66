"""Export to DOCX, EPUB and PDF with the real pandoc and Typst; the files are parsed again."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZIP_STORED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwtui.documents.export import (
    FORMATS,
    ExportJob,
    ExportOptions,
    ExportStopped,
    Manuscript,
    ManuscriptPart,
    build_manuscript,
    export,
    export_path,
    fonts,
    render,
    save,
)
from lwtui.documents.export.typst_markup import typst_string
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError, UsageError
from tests.documents.support import new_document
from tests.errors import has_code
from tests.support.disk import connection

TITLE = 'Tomatoes & <b>"Pots"</b> #eval("1") $x$ 番茄'
SECRET = "a-line-of-the-secret-file"
PLAN = Plan(
    TITLE,
    (
        PlannedSection("Growing", "", 0, "p", 1),
        PlannedSection('Soil #read("/etc/hostname") $y$ @ref', "", 100, "a", 2),
        PlannedSection("Water", "", 100, "b", 2),
        PlannedSection("Left empty", "", 100, "c", 2),
        PlannedSection("光照", "", 100, "d", 1),
    ),
)
TEXT = """\
Loam, *not* clay; "straight" -- dashes... -5 °C and `code #x`.

# Inner

- one
- two
  1. deep

> quoted

```python
print("```")
```

| a | b |
|:--|--:|
| 1 | *2* |

番茄喜欢土壤，
每天浇水。
"""


def hostile(secret: Path) -> str:
    return f"""
<script>alert(1)</script> <img src="{secret}"> ![pic]({secret}) ![pic](file://{secret}) ![pic](http://127.0.0.1:9/p.png)

#read("{secret}") #import "@preview/cetz:0.3.0": * #image("{secret}")

\\input{{{secret}}} \\write18{{id}} $\\include{{{secret}}}$

[link](javascript:alert(1)) [file](file://{secret}) {{{{< include {secret} >}}}} `<x>`{{=html}}

```{{=typst}}
#panic("typst")
```

```{{=openxml}}
<w:p><w:r><w:t>openxml</w:t></w:r></w:p>
```

\\begin{{verbatim}} $$ "; #panic() // /* [x]: y
"""


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    with Document.create(tmp_path / "doc.lw", Brief("Write", 400, "en-GB"), PLAN) as made:
        made.edit("a", TEXT)
        made.edit("b", hostile(secret))
        made.edit("d", "Six hours 🍅.")
        yield made


OPTIONS = ExportOptions(author="A. <Author>", date="2026-02-03")


def xml(archive: ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(name))


def open_pdf(path: Path) -> Any:
    """Open a PDF. The test is skipped where pymupdf is not installed."""
    return pytest.importorskip("pymupdf").open(path)


def text_of(root: ElementTree.Element) -> str:
    return "".join(root.itertext())


W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def paragraphs(root: ElementTree.Element, style: str) -> list[str]:
    """Return the texts of the paragraphs with a style, in order."""
    return [
        text_of(paragraph)
        for paragraph in root.iter(f"{W}p")
        if any(element.get(f"{W}val") == style for element in paragraph.iter(f"{W}pStyle"))
    ]


def test_a_docx_has_a_title_page_contents_styles_and_metadata(document: Document, tmp_path: Path) -> None:
    export(document, tmp_path / "book.docx", options=OPTIONS)
    with ZipFile(tmp_path / "book.docx") as archive:
        assert archive.testzip() is None
        body = xml(archive, "word/document.xml")
        core = text_of(xml(archive, "docProps/core.xml"))
        names = archive.namelist()
        everything = b"".join(archive.read(name) for name in names)
        relations = archive.read("word/_rels/document.xml.rels").decode()
    assert paragraphs(body, "Title") == [TITLE]
    assert (paragraphs(body, "Author"), paragraphs(body, "Date")) == (["A. <Author>"], ["2026-02-03"])
    assert paragraphs(body, "Heading1") == ["Growing", "光照"]
    assert paragraphs(body, "Heading2") == ['Soil #read("/etc/hostname") $y$ @ref', "Water"]
    assert paragraphs(body, "Heading3") == ["Inner"]  # below the heading of its section
    listed = [text.split("\\u ")[-1] for text in paragraphs(body, "TOC1") + paragraphs(body, "TOC2")]
    assert listed == ["Growing", "光照", 'Soil #read("/etc/hostname") $y$ @ref', "Water"]
    assert paragraphs(body, "TOCHeading") == ["Contents"]
    anchors = {element.get(f"{W}anchor") for element in body.iter(f"{W}hyperlink")} - {None}
    assert anchors and anchors <= {element.get(f"{W}name") for element in body.iter(f"{W}bookmarkStart")}
    assert TITLE in core and "A. <Author>" in core and "en-GB" in core and "2026-02-03" in core
    assert "word/footer1.xml" in names and 'Id="lwtuiFooter"' in relations
    assert '"straight" -- dashes... -5 °C' in text_of(body) and "番茄喜欢土壤，每天浇水。" in text_of(body)
    assert "<script>alert(1)</script>" in text_of(body) and '#panic("typst")' in text_of(body)
    assert SECRET.encode() not in everything and not [name for name in names if "media/" in name]
    assert "javascript:" not in relations and "file:" not in relations


def test_an_epub_has_valid_parts(document: Document, tmp_path: Path) -> None:
    export(document, tmp_path / "book.epub", options=OPTIONS)
    with ZipFile(tmp_path / "book.epub") as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", ZIP_STORED)
        assert archive.read("mimetype") == b"application/epub+zip"
        package = xml(archive, "EPUB/content.opf")
        pages = {name: xml(archive, name) for name in archive.namelist() if name.endswith(".xhtml")}
        everything = b"".join(archive.read(name) for name in archive.namelist())
    found = {
        element.tag.rpartition("}")[2]: element.text
        for element in package.iter()
        if element.text and element.text.strip()
    }
    assert (found["title"], found["creator"], found["language"]) == (TITLE, "A. <Author>", "en-GB")
    assert found["date"] == "2026-02-03" and "2026-02-03T00:00:00Z" in text_of(package)
    contents = text_of(pages["EPUB/nav.xhtml"])
    assert "Growing" in contents and "Water" in contents and "光照" in contents
    assert TITLE in text_of(pages["EPUB/text/title_page.xhtml"])
    text = "\n".join(text_of(page) for page in pages.values())
    assert "<script>alert(1)</script>" in text and '"straight" -- dashes' in text and "🍅" in text
    assert "番茄喜欢土壤，每天浇水。" in text
    tags = {element.tag.rpartition("}")[2] for page in pages.values() for element in page.iter()}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "math"})
    links = [element.get("href", "") for page in pages.values() for element in page.iter()]
    assert not [link for link in links if link.startswith(("javascript:", "file:"))]
    assert SECRET.encode() not in everything
    again = tmp_path / "again.epub"
    export(document, again, options=OPTIONS)
    assert again.read_bytes() == (tmp_path / "book.epub").read_bytes()  # so an e-reader keeps the reading position


def glyphs(page: Any) -> list[tuple[str, int]]:
    """Return each character that is drawn, with the number of its glyph, which is 0 for a missing glyph."""
    return [(chr(char[0]), char[1]) for span in page.get_texttrace() for char in span["chars"]]


def test_a_pdf_shows_every_character(document: Document, tmp_path: Path) -> None:
    steps: list[str] = []
    job = ExportJob(steps.append)
    notes = export(document, tmp_path / "book.pdf", options=OPTIONS, job=job)
    with open_pdf(tmp_path / "book.pdf") as pdf:
        texts = [page.get_text() for page in pdf]
        drawn = [glyph for page in pdf for glyph in glyphs(page)]
        metadata, contents = pdf.metadata, pdf.get_toc()
        links = [link.get("uri", "") for page in pdf for link in page.get_links()]
        images = [image for page in pdf for image in page.get_images()]
    assert "Setting the pages" in steps
    flat = " ".join("".join(texts).split())
    assert (metadata["title"], metadata["author"]) == (TITLE, "A. <Author>")
    assert metadata["creationDate"].startswith("D:20260203")
    assert TITLE in " ".join(texts[0].split()) and "2026-02-03" in texts[0]
    assert texts[1].startswith("Contents") and "光照" in texts[1]
    assert [(level, title) for level, title, _ in contents] == [
        (1, "Growing"),
        (2, 'Soil #read("/etc/hostname") $y$ @ref'),
        (2, "Water"),
        (1, "光照"),
    ]
    assert '"straight" -- dashes... -5 °C and code #x.' in flat
    assert "番茄喜欢土壤，每天浇水。" in flat  # no space at the line break
    for shown in (
        "<script>alert(1)</script>",
        '#panic("typst")',
        "\\write18{id}",
        '"; #panic() // /* [x]: y',
    ):
        assert shown.replace(" ", "") in flat.replace(" ", "")  # wherever the lines break
    assert SECRET not in flat and images == []
    assert not [link for link in links if link and not link.startswith("http")]
    missing = {character for character, glyph in drawn if glyph == 0}
    all_notes = "".join(notes)
    assert {"茄", "🍅"} <= {character for character, _ in drawn}
    assert all(character in all_notes for character in missing)
    assert "🍅" not in missing  # the extra includes a font for it


@pytest.mark.parametrize(
    ("language", "title", "text", "font"),
    [
        ("zh-CN", "阳台种番茄", "番茄喜欢阳光，每天浇水。直角的骨头。", "sc"),
        ("zh-TW", "陽台種番茄", "番茄喜歡陽光，每天澆水。直角的骨頭。", "tc"),
        ("ja", "ベランダのトマト", "トマトは日光が好きです。毎日水をやる。直角の骨。", "jp"),
        ("ko", "발코니의 토마토", "토마토는 햇빛을 좋아합니다. 매일 물을 주세요.", "kr"),
    ],
)
def test_a_cjk_pdf_has_the_glyphs_of_its_language(
    language: str, title: str, text: str, font: str, tmp_path: Path
) -> None:
    plan = Plan(title, (PlannedSection(title, "", 100, "a"),))
    with Document.create(tmp_path / "book.lw", Brief(title, 100, language), plan) as document:
        document.edit("a", f"{text} **{text}** `{text}`")
        notes = export(document, tmp_path / "book.pdf")
    assert notes == []
    with open_pdf(tmp_path / "book.pdf") as pdf:
        drawn = [glyph for page in pdf for glyph in glyphs(page)]
        used = {name.rpartition("+")[2] for page in pdf for _, _, _, name, *_ in page.get_fonts()}
    assert set(text) - {" "} <= {character for character, _ in drawn}
    assert [character for character, glyph in drawn if glyph == 0] == []
    assert any("cjk" in name.lower() and font in name.lower() for name in used), used


def test_title_page_and_contents_can_be_left_out(document: Document, tmp_path: Path) -> None:
    bare = ExportOptions(title="Plain", contents=False, title_page=False)
    for to in ("docx", "epub", "pdf"):
        export(document, tmp_path / f"bare.{to}", options=bare)
    with open_pdf(tmp_path / "bare.pdf") as pdf:
        assert pdf[0].get_text().split()[:2] == ["Plain", "Growing"]
        assert pdf.metadata["title"] == "Plain"
    with ZipFile(tmp_path / "bare.docx") as archive:
        body = xml(archive, "word/document.xml")
        assert paragraphs(body, "Title") == ["Plain"] and paragraphs(body, "TOCHeading") == [] == paragraphs(
            body, "Author"
        )
    with ZipFile(tmp_path / "bare.epub") as archive:
        assert "EPUB/text/title_page.xhtml" not in archive.namelist()
    page = render(document, "html", bare)
    assert "<h1>Plain</h1>" in page and "<nav" not in page and "<header" not in page
    full = render(document, "html", OPTIONS)
    assert (
        '<a href="#part-2">' in full
        and 'id="part-2"' in full
        and '<meta name="author" content="A. &lt;Author&gt;">' in full
    )


@pytest.mark.parametrize("instruction", ["Write a letter to my aunt.", "为公司年会写一篇致辞。"])
def test_a_letter_and_a_speech_have_no_headings_unless_they_are_asked_for(tmp_path: Path, instruction: str) -> None:
    plan = Plan("For you", (PlannedSection("Greeting", "p", 4, "a"), PlannedSection("News", "p", 4, "b")))
    with Document.create(tmp_path / "one.lw", Brief(instruction, 8), plan) as document:
        document.edit("a", "Dear reader,")
        document.edit("b", "All is well.")
        assert render(document, "md") == "# For you\n\nDear reader,\n\nAll is well.\n"
        for to in FORMATS:
            export(document, tmp_path / f"one.{to}")
        assert "<nav" not in render(document, "html")
        assert "## News" in render(document, "md", ExportOptions(headings=True))
        document.set_brief(replace(document.brief, instruction="Write a guide to letters."))
        assert "## News" in render(document, "md")
        assert "News" not in render(document, "md", ExportOptions(headings=False))


def test_signed_markdown_has_front_matter(document: Document) -> None:
    signed = render(document, "md", ExportOptions(author='A "B"', date="2026-02-03"))
    assert signed.split("\n")[:8] == [
        "---",
        'title: "Tomatoes & <b>\\"Pots\\"</b> #eval(\\"1\\") $x$ 番茄"',
        'author: "A \\"B\\""',
        'lang: "en-GB"',
        'date: "2026-02-03"',
        "---",
        "",
        f"# {TITLE}",
    ]
    assert "\n\n## Growing\n\n### Soil " in signed and "\n\n## 光照\n\n" in signed and "Left empty" not in signed
    with pytest.raises(UsageError, check=has_code("invalid-date")):
        render(document, "md", ExportOptions(date="2026-02-30"))


def test_the_date_is_that_of_the_last_change_or_today_without_the_file(document: Document, tmp_path: Path) -> None:
    connection(document).execute("UPDATE revision SET created = 86400 * 1000 + 43200")
    assert build_manuscript(document).date == "1972-09-27"
    document.path.unlink()
    assert build_manuscript(document).date == f"{datetime.now():%Y-%m-%d}"
    assert "Six hours" in render(document, "md")


def test_a_missing_extra_is_named(document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lwtui.documents.export.pandoc.find_spec", lambda _: None)
    for to in ("docx", "epub", "pdf"):
        with pytest.raises(LwtuiError, check=has_code("missing-extra")) as error:
            export(document, tmp_path / f"book.{to}")
        assert 'pip install "lwtui[export]"' in str(error.value)
        assert not (tmp_path / f"book.{to}").exists()


def test_text_formats_import_nothing_from_the_extra_and_no_highlighter() -> None:
    code = (
        "import sys, lwtui.documents.export, lwtui.cli.export, lwtui.documents.importing\n"
        "print([name for name in ('typst', 'pypandoc', 'fontTools', 'pygments') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_stopping_ends_a_hanging_program_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs.py"
    hangs.write_text("import time; print('here', flush=True); time.sleep(600)")
    monkeypatch.setattr("lwtui.documents.export.typst_child.__file__", str(hangs))
    old = tmp_path / "book.pdf"
    old.write_text("old")
    reached = threading.Event()
    job = ExportJob(lambda text: reached.set() if text == "Setting the pages" else None)
    threading.Thread(target=lambda: (reached.wait(60), job.stop())).start()
    with pytest.raises(ExportStopped):
        save(Manuscript("T", "", "en", "2026-02-03", (ManuscriptPart("", 1, "Text."),)), old, "pdf", job)
    assert old.read_text() == "old" and sorted(path.name for path in tmp_path.iterdir()) == ["book.pdf", "hangs.py"]


def test_a_failing_program_is_reported_in_one_line_and_gets_no_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-0123456789")
    fails = tmp_path / "fails.py"
    fails.write_text("import os, sys; sys.exit('no\\nway ' + os.environ.get('OPENAI_API_KEY', 'without a key'))")
    monkeypatch.setattr("lwtui.documents.export.typst_child.__file__", str(fails))
    with pytest.raises(LwtuiError, check=has_code("tool-failed")) as error:
        save(Manuscript("T", "", "en", "2026-02-03", ()), tmp_path / "book.pdf", "pdf", ExportJob())
    assert "no way without a key" in str(error.value)  # what the program said
    assert not (tmp_path / "book.pdf").exists()


def test_missing_fonts_are_reported_with_what_to_install() -> None:
    choice = fonts.choose_fonts("Plain, Ελληνικά, Русский – and 番茄 ที่ 🍅 ☎ “ok”", "en", [])
    assert choice.families == (fonts.SERIF, fonts.MONO)
    assert sorted(choice.missing) == sorted("番茄ท🍅")
    lines = fonts.missing_font_notes(choice.missing)
    assert len(lines) == 3 and not any("\n" in line for line in lines)
    assert any("Chinese" in line and "fonts-noto-cjk" in line and "番" in line for line in lines)
    assert any("emoji" in line and "manimgx-fonts" in line for line in lines)
    assert any("Thai" in line for line in lines)
    many = fonts.missing_font_notes("番ทܒހ☎ཀ𐎀𝕏")
    assert len(many) == 4  # not one line per script
    assert "Tibetan" in many[-1] and not any("Tibetan" in line for line in many[:-1])


@pytest.mark.parametrize(
    ("language", "ending"),
    [("zh", "SC"), ("zh-CN", "SC"), ("zh-TW", "TC"), ("zh-Hant", "TC"), ("zh-HK", "HK"), ("ja", "JP"), ("ko", "KR")],
)
def test_cjk_fonts_match_the_language(language: str, ending: str) -> None:
    assert fonts.cjk_suffix(language) == ending


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Tea", "Tea.pdf"),
        ("../../etc/passwd", "etc passwd.pdf"),
        ("/root/x", "root x.pdf"),
        ("..", "Untitled.pdf"),
        ("C:\\a|b", "C a b.pdf"),
        ("nul", "nul document.pdf"),
        ("a\n\x1b[31mb\u202e", "a b.pdf"),
        ("茶" * 200, "茶" * 63 + ".pdf"),
        (".hidden", "hidden.pdf"),
    ],
)
def test_an_export_named_after_its_title_stays_in_its_folder(tmp_path: Path, title: str, name: str) -> None:
    path = export_path(tmp_path, title, "pdf")
    assert path.parent == tmp_path and path.name == name
    path.write_text("")  # the name is valid


_NASTY = st.text(st.sampled_from("a \"\\#$*_`~@<>[]{}()=-+/|;:&%^!'1.番🍅\n"), min_size=1, max_size=40)


@given(_NASTY)
@settings(max_examples=200)
def test_a_typst_string_escapes_any_text(text: str) -> None:
    literal = typst_string(text)
    assert literal[0] == literal[-1] == '"' and "\n" not in literal
    inner = literal[1:-1]
    at = 0
    plain = ""
    while at < len(inner):  # as Typst parses it: a quote ends the string, a backslash escapes the next character
        assert inner[at] != '"'
        step = 2 if inner[at] == "\\" else 1
        plain += {"\\n": "\n", "\\t": "\t"}.get(inner[at : at + 2], inner[at + 1 : at + 2]) if step == 2 else inner[at]
        at += step
    assert plain == text


def test_nasty_titles_appear_unchanged_in_a_pdf(tmp_path: Path) -> None:
    import random

    draw = random.Random(7)
    alphabet = "#\"\\$*_`~@<>[]{}()=-+/|;:&%^!' a1."
    texts = ["".join(draw.choices(alphabet, k=30)) for _ in range(300)]
    parts = tuple(ManuscriptPart(f"x{text}x", 1, text) for text in texts)
    save(Manuscript("T", "", "en", "2026-02-03", parts, contents=False), tmp_path / "nasty.pdf", "pdf", ExportJob())
    with open_pdf(tmp_path / "nasty.pdf") as pdf:
        shown = [title for _, title, _ in pdf.get_toc()]
    assert shown == [" ".join(f"x{text}x".split(" ")) for text in texts]


@pytest.mark.parametrize("text", ["Rain[^1] falls.\n\n[^1]:", "Rain falls.\n\nTerm\n: [a]: http://x.de"])
def test_an_empty_footnote_or_definition_does_not_end_an_export(tmp_path: Path, text: str) -> None:
    book = Manuscript("T", "", "en", "2026-02-03", (ManuscriptPart("One", 1, text),), contents=False)
    for to in ("pdf", "docx", "odt", "epub", "tex", "html"):
        save(book, tmp_path / f"book.{to}", to, ExportJob())
    with open_pdf(tmp_path / "book.pdf") as pdf:
        assert "Rain" in "".join(page.get_text() for page in pdf)


def test_characters_that_xml_forbids_are_removed(tmp_path: Path) -> None:
    parts = tuple(ManuscriptPart(f"a\uffff{at}", 1, "b\ufffe `\uffff` \ufdd0\n\n```\n\uffff\n```") for at in range(2))
    book = Manuscript("T\uffff", "A\ufffe", "en", "2026-02-03", parts)
    for to in ("docx", "epub"):
        save(book, tmp_path / f"book.{to}", to, ExportJob())
        with ZipFile(tmp_path / f"book.{to}") as archive:
            for name in archive.namelist():
                if name.endswith((".xml", ".xhtml", ".opf", ".ncx", ".rels")):
                    xml(archive, name)


def test_long_chapters_start_on_new_pages(tmp_path: Path) -> None:
    text = "Six hours of sun and a deep pot are what a plant on a balcony asks for. " * 120
    with new_document(tmp_path) as document:
        for section in document.sections():
            document.edit(section.id, text)
        export(document, tmp_path / "long.pdf")
        export(document, tmp_path / "long.docx")
    with open_pdf(tmp_path / "long.pdf") as pdf:
        starts = [number for _, _, number in pdf.get_toc()]
        assert [pdf[number - 1].get_text().split()[0] for number in starts] == ["Soil", "Water", "Light"]
        assert len(set(starts)) == 3
    with ZipFile(tmp_path / "long.docx") as archive:
        assert b"<w:keepLines/><w:pageBreakBefore/>" in archive.read("word/styles.xml")


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792)), ("a5", (420, 595))])
def test_paper_font_size_and_new_pages_can_be_chosen(
    document: Document, tmp_path: Path, paper: str, size: tuple[int, int]
) -> None:
    options = ExportOptions(paper=paper, font_size=9.5, new_pages=True)
    export(document, tmp_path / "book.pdf", options=options)
    with open_pdf(tmp_path / "book.pdf") as pdf:
        assert {(round(page.rect.width), round(page.rect.height)) for page in pdf} == {size}
        sizes = [round(span["size"], 1) for span in spans_of(pdf[2])]
        assert max(set(sizes), key=sizes.count) == 9.5
        first_pages = [page for level, _, page in pdf.get_toc() if level == 1]
        tops = [min(span["bbox"][1] for span in spans_of(pdf[page - 1])) for page in first_pages]
        assert len(first_pages) == len(set(first_pages)) == 2  # each chapter has its own page
        for page, top in zip(first_pages, tops, strict=True):
            assert next(span for span in spans_of(pdf[page - 1]) if span["bbox"][1] == top)["text"] in (
                "Growing",
                "光照",
            )
    export(document, tmp_path / "book.docx", options=options)
    with ZipFile(tmp_path / "book.docx") as archive:
        (page_size,) = xml(archive, "word/document.xml").iter(f"{W}pgSz")
        assert (int(page_size.get(f"{W}w", 0)) // 20, int(page_size.get(f"{W}h", 0)) // 20) == pytest.approx(
            size, abs=1
        )
        assert b"<w:pageBreakBefore/>" in archive.read("word/styles.xml")
    # By default, short chapters do not start on new pages.
    book = build_manuscript(document)
    assert not book.chapters_on_new_pages and build_manuscript(document, options).chapters_on_new_pages


def spans_of(page: Any) -> list[dict[str, Any]]:
    """Return the text spans of a page, without the page number."""
    blocks = page.get_text("dict")["blocks"]
    spans = [span for block in blocks for line in block.get("lines", ()) for span in line["spans"]]
    return [span for span in spans if not span["text"].strip().isdecimal()]


def test_words_of_the_docx_template_survive_in_titles(tmp_path: Path) -> None:
    plan = Plan(
        "PAPER, MARGIN and FIRST_PAGE", (PlannedSection("OPENING", "", 10, "a"), PlannedSection("B", "", 10, "b"))
    )
    with new_document(tmp_path, plan=plan) as document:
        for section in "ab":
            document.edit(section, "Text.")
        export(document, tmp_path / "book.docx")
    with ZipFile(tmp_path / "book.docx") as archive:
        body = xml(archive, "word/document.xml")
    assert paragraphs(body, "Title") == ["PAPER, MARGIN and FIRST_PAGE"]
    assert [entry.split("\\u ")[-1] for entry in paragraphs(body, "TOC1")] == ["OPENING", "B"]
