"""Documents as DOCX, EPUB and PDF, made by the real pandoc and Typst, and opened again."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZIP_STORED, ZipFile

import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwtui.documents.export import (
    ExportJob,
    Manuscript,
    ManuscriptPart,
    Options,
    Stopped,
    collect,
    export,
    file_in,
    fonts,
    render,
    save,
)
from lwtui.documents.export.typst_markup import string
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError, UsageError
from tests.documents.support import new_document
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


OPTIONS = Options(author="A. <Author>", date="2026-02-03")


def xml(archive: ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(name))


def words_of(root: ElementTree.Element) -> str:
    return "".join(root.itertext())


W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def styled(root: ElementTree.Element, style: str) -> list[str]:
    """The texts of the paragraphs of a style, in order."""
    return [
        words_of(paragraph)
        for paragraph in root.iter(f"{W}p")
        if any(one.get(f"{W}val") == style for one in paragraph.iter(f"{W}pStyle"))
    ]


def test_a_docx_has_a_title_page_contents_styles_and_metadata(document: Document, tmp_path: Path) -> None:
    export(document, tmp_path / "book.docx", options=OPTIONS)
    with ZipFile(tmp_path / "book.docx") as archive:
        assert archive.testzip() is None
        body = xml(archive, "word/document.xml")
        core = words_of(xml(archive, "docProps/core.xml"))
        names = archive.namelist()
        everything = b"".join(archive.read(name) for name in names)
        relations = archive.read("word/_rels/document.xml.rels").decode()
    assert styled(body, "Title") == [TITLE]
    assert (styled(body, "Author"), styled(body, "Date")) == (["A. <Author>"], ["2026-02-03"])
    assert styled(body, "Heading1") == ["Growing", "光照"]
    assert styled(body, "Heading2") == ['Soil #read("/etc/hostname") $y$ @ref', "Water"]
    assert styled(body, "Heading3") == ["Inner"]  # below the heading of its section, whatever the text said
    listed = [text.split("\\u ")[-1] for text in styled(body, "TOC1") + styled(body, "TOC2")]
    assert listed == ["Growing", "光照", 'Soil #read("/etc/hostname") $y$ @ref', "Water"]
    assert styled(body, "TOCHeading") == ["Contents"]
    anchors = {one.get(f"{W}anchor") for one in body.iter(f"{W}hyperlink")} - {None}
    assert anchors and anchors <= {one.get(f"{W}name") for one in body.iter(f"{W}bookmarkStart")}
    assert TITLE in core and "A. <Author>" in core and "en-GB" in core and "2026-02-03" in core
    assert "word/footer1.xml" in names and 'Id="lwtuiFooter"' in relations
    assert '"straight" -- dashes... -5 °C' in words_of(body) and "番茄喜欢土壤，每天浇水。" in words_of(body)
    assert "<script>alert(1)</script>" in words_of(body) and '#panic("typst")' in words_of(body)
    assert SECRET.encode() not in everything and not [name for name in names if "media/" in name]
    assert "javascript:" not in relations and "file:" not in relations


def test_an_epub_is_valid_in_its_parts(document: Document, tmp_path: Path) -> None:
    export(document, tmp_path / "book.epub", options=OPTIONS)
    with ZipFile(tmp_path / "book.epub") as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", ZIP_STORED)
        assert archive.read("mimetype") == b"application/epub+zip"
        package = xml(archive, "EPUB/content.opf")
        pages = {name: xml(archive, name) for name in archive.namelist() if name.endswith(".xhtml")}
        everything = b"".join(archive.read(name) for name in archive.namelist())
    found = {one.tag.rpartition("}")[2]: one.text for one in package.iter() if one.text and one.text.strip()}
    assert (found["title"], found["creator"], found["language"]) == (TITLE, "A. <Author>", "en-GB")
    assert found["date"] == "2026-02-03" and "2026-02-03T00:00:00Z" in words_of(package)
    contents = words_of(pages["EPUB/nav.xhtml"])
    assert "Growing" in contents and "Water" in contents and "光照" in contents
    assert TITLE in words_of(pages["EPUB/text/title_page.xhtml"])
    text = "\n".join(words_of(page) for page in pages.values())
    assert "<script>alert(1)</script>" in text and '"straight" -- dashes' in text and "🍅" in text
    assert "番茄喜欢土壤，每天浇水。" in text
    tags = {one.tag.rpartition("}")[2] for page in pages.values() for one in page.iter()}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "math"})
    links = [one.get("href", "") for page in pages.values() for one in page.iter()]
    assert not [link for link in links if link.startswith(("javascript:", "file:"))]
    assert SECRET.encode() not in everything
    again = tmp_path / "again.epub"
    export(document, again, options=OPTIONS)
    assert (
        again.read_bytes() == (tmp_path / "book.epub").read_bytes()
    )  # to a reader the same book, with its place in it


def glyphs(page: Any) -> list[tuple[str, int]]:
    """Each character that is drawn, with the number of its glyph; 0 stands for one that the font does not have."""
    return [(chr(one[0]), one[1]) for span in page.get_texttrace() for one in span["chars"]]


def test_a_pdf_shows_every_character_on_its_pages(document: Document, tmp_path: Path) -> None:
    told: list[str] = []
    work = ExportJob(told.append)
    notes = export(document, tmp_path / "book.pdf", options=OPTIONS, work=work)
    with pymupdf.open(tmp_path / "book.pdf") as pdf:
        texts = [page.get_text() for page in pdf]
        drawn = [one for page in pdf for one in glyphs(page)]
        metadata, contents = pdf.metadata, pdf.get_toc()
        links = [link.get("uri", "") for page in pdf for link in page.get_links()]
        images = [image for page in pdf for image in page.get_images()]
    assert "Setting the pages" in told
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
    assert "番茄喜欢土壤，每天浇水。" in flat  # no space where the line ended
    for shown in (
        "<script>alert(1)</script>",
        '#panic("typst")',
        "\\write18{id}",
        '"; #panic() // /* [x]: y',
    ):
        assert shown.replace(" ", "") in flat.replace(" ", "")  # wherever its line was broken
    assert SECRET not in flat and images == []
    assert not [link for link in links if link and not link.startswith("http")]
    missing = {character for character, glyph in drawn if glyph == 0}
    told_missing = "".join(notes)
    assert {"茄", "🍅"} <= {character for character, _ in drawn}
    assert all(character in told_missing for character in missing)
    assert "🍅" not in missing  # its font comes with the extra


@pytest.mark.parametrize(
    ("language", "title", "text", "font"),
    [
        ("zh-CN", "阳台种番茄", "番茄喜欢阳光，每天浇水。直角的骨头。", "sc"),
        ("zh-TW", "陽台種番茄", "番茄喜歡陽光，每天澆水。直角的骨頭。", "tc"),
        ("ja", "ベランダのトマト", "トマトは日光が好きです。毎日水をやる。直角の骨。", "jp"),
        ("ko", "발코니의 토마토", "토마토는 햇빛을 좋아합니다. 매일 물을 주세요.", "kr"),
    ],
)
def test_a_pdf_of_a_chinese_japanese_or_korean_book_has_the_glyphs_of_its_language(
    language: str, title: str, text: str, font: str, tmp_path: Path
) -> None:
    plan = Plan(title, (PlannedSection(title, "", 100, "a"),))
    with Document.create(tmp_path / "book.lw", Brief(title, 100, language), plan) as document:
        document.edit("a", f"{text} **{text}** `{text}`")
        notes = export(document, tmp_path / "book.pdf")
    assert notes == []
    with pymupdf.open(tmp_path / "book.pdf") as pdf:
        drawn = [one for page in pdf for one in glyphs(page)]
        used = {name.rpartition("+")[2] for page in pdf for _, _, _, name, *_ in page.get_fonts()}
    assert set(text) - {" "} <= {character for character, _ in drawn}
    assert [character for character, glyph in drawn if glyph == 0] == []
    assert any("cjk" in name.lower() and font in name.lower() for name in used), used


def test_title_page_and_contents_can_be_left_out(document: Document, tmp_path: Path) -> None:
    bare = Options(title="Plain", contents=False, title_page=False)
    for to in ("docx", "epub", "pdf"):
        export(document, tmp_path / f"bare.{to}", options=bare)
    with pymupdf.open(tmp_path / "bare.pdf") as pdf:
        assert pdf[0].get_text().split()[:2] == ["Plain", "Growing"]
        assert pdf.metadata["title"] == "Plain"
    with ZipFile(tmp_path / "bare.docx") as archive:
        body = xml(archive, "word/document.xml")
        assert styled(body, "Title") == ["Plain"] and styled(body, "TOCHeading") == [] == styled(body, "Author")
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


def test_signed_markdown_says_by_whom(document: Document) -> None:
    signed = render(document, "md", Options(author='A "B"', date="2026-02-03"))
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
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        render(document, "md", Options(date="2026-02-30"))


def test_the_date_is_that_of_the_last_change_and_a_file_that_is_gone_is_exported_all_the_same(
    document: Document, tmp_path: Path
) -> None:
    connection(document).execute("UPDATE revision SET created = 86400 * 1000 + 43200")
    assert collect(document).date == "1972-09-27"
    document.path.unlink()
    assert collect(document).date == f"{datetime.now():%Y-%m-%d}"
    assert "Six hours" in render(document, "md")


def test_what_the_extra_brings_is_named_where_it_is_not_there(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwtui.documents.export.pandoc.find_spec", lambda _: None)
    for to in ("docx", "epub", "pdf"):
        with pytest.raises(LwtuiError, match=r'pip install "lwtui\[export\]"') as error:
            export(document, tmp_path / f"book.{to}")
        assert "\n" not in str(error.value) and not (tmp_path / f"book.{to}").exists()


def test_nothing_of_the_extra_is_loaded_for_text() -> None:
    code = (
        "import sys, lwtui.documents.export, lwtui.cli.export, lwtui.documents.importing\n"
        "print([name for name in ('typst', 'pypandoc', 'fontTools') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_program_that_hangs_is_stopped_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs.py"
    hangs.write_text("import time; print('here', flush=True); time.sleep(600)")
    monkeypatch.setattr("lwtui.documents.export.typst_child.__file__", str(hangs))
    old = tmp_path / "book.pdf"
    old.write_text("old")
    reached = threading.Event()
    work = ExportJob(lambda text: reached.set() if text == "Setting the pages" else None)
    threading.Thread(target=lambda: (reached.wait(60), work.stop())).start()
    with pytest.raises(Stopped):
        save(Manuscript("T", "", "en", "2026-02-03", (ManuscriptPart("", 1, "Text."),)), old, "pdf", work)
    assert old.read_text() == "old" and sorted(path.name for path in tmp_path.iterdir()) == ["book.pdf", "hangs.py"]


def test_what_a_program_says_that_fails_is_one_line_and_keys_are_not_handed_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-0123456789")
    fails = tmp_path / "fails.py"
    fails.write_text("import os, sys; sys.exit('no\\nway ' + os.environ.get('OPENAI_API_KEY', 'without a key'))")
    monkeypatch.setattr("lwtui.documents.export.typst_child.__file__", str(fails))
    with pytest.raises(LwtuiError, match="Typst could not make the file: no way without a key"):
        save(Manuscript("T", "", "en", "2026-02-03", ()), tmp_path / "book.pdf", "pdf", ExportJob())
    assert not (tmp_path / "book.pdf").exists()


def test_a_script_without_a_font_is_told_with_what_to_install() -> None:
    choice = fonts.choose("Plain, Ελληνικά, Русский – and 番茄 ที่ 🍅 ☎ “ok”", "en", [])
    assert choice.families == (fonts.SERIF, fonts.MONO)
    assert sorted(choice.missing) == sorted("番茄ท🍅")
    lines = fonts.notes(choice.missing)
    assert len(lines) == 3 and not any("\n" in line for line in lines)
    assert any("Chinese" in line and "fonts-noto-cjk" in line and "番" in line for line in lines)
    assert any("emoji" in line and "manimgx-fonts" in line for line in lines)
    assert any("Thai" in line for line in lines)
    many = fonts.notes("番ทܒހ☎ཀ𐎀𝕏")
    assert len(many) == 4 and many[-1].startswith("No font has ")  # not a line for each of a hundred


@pytest.mark.parametrize(
    ("language", "ending"),
    [("zh", "SC"), ("zh-CN", "SC"), ("zh-TW", "TC"), ("zh-Hant", "TC"), ("zh-HK", "HK"), ("ja", "JP"), ("ko", "KR")],
)
def test_chinese_characters_have_the_forms_of_the_language(language: str, ending: str) -> None:
    assert fonts.cjk_ending(language) == ending


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
def test_a_file_named_by_a_title_stays_in_its_folder(tmp_path: Path, title: str, name: str) -> None:
    path = file_in(tmp_path, title, "pdf")
    assert path.parent == tmp_path and path.name == name
    path.write_text("")  # it can be made


_NASTY = st.text(st.sampled_from("a \"\\#$*_`~@<>[]{}()=-+/|;:&%^!'1.番🍅\n"), min_size=1, max_size=40)


@given(_NASTY)
@settings(max_examples=200)
def test_a_string_of_typst_holds_whatever_it_is_given(text: str) -> None:
    made = string(text)
    assert made[0] == made[-1] == '"' and "\n" not in made
    inner = made[1:-1]
    at = 0
    plain = ""
    while at < len(inner):  # as Typst reads it: a quote ends a string, a backslash takes one more
        assert inner[at] != '"'
        step = 2 if inner[at] == "\\" else 1
        plain += {"\\n": "\n", "\\t": "\t"}.get(inner[at : at + 2], inner[at + 1 : at + 2]) if step == 2 else inner[at]
        at += step
    assert plain == text


def test_hundreds_of_nasty_texts_are_set_as_they_are(tmp_path: Path) -> None:
    import random

    draw = random.Random(7)
    alphabet = "#\"\\$*_`~@<>[]{}()=-+/|;:&%^!' a1."
    texts = ["".join(draw.choices(alphabet, k=30)) for _ in range(300)]
    parts = tuple(ManuscriptPart(f"x{text}x", 1, text) for text in texts)
    save(Manuscript("T", "", "en", "2026-02-03", parts, contents=False), tmp_path / "nasty.pdf", "pdf", ExportJob())
    with pymupdf.open(tmp_path / "nasty.pdf") as pdf:
        shown = [title for _, title, _ in pdf.get_toc()]
    assert shown == [" ".join(f"x{text}x".split(" ")) for text in texts]


def test_characters_that_xml_does_not_have_are_left_out(tmp_path: Path) -> None:
    parts = tuple(ManuscriptPart(f"a\uffff{at}", 1, "b\ufffe `\uffff` \ufdd0\n\n```\n\uffff\n```") for at in range(2))
    book = Manuscript("T\uffff", "A\ufffe", "en", "2026-02-03", parts)
    for to in ("docx", "epub"):
        save(book, tmp_path / f"book.{to}", to, ExportJob())
        with ZipFile(tmp_path / f"book.{to}") as archive:
            for name in archive.namelist():
                if name.endswith((".xml", ".xhtml", ".opf", ".ncx", ".rels")):
                    xml(archive, name)


def test_a_long_book_begins_each_chapter_on_a_new_page(tmp_path: Path) -> None:
    text = "Six hours of sun and a deep pot are what a plant on a balcony asks for. " * 120
    with new_document(tmp_path) as document:
        for section in document.sections():
            document.edit(section.id, text)
        export(document, tmp_path / "long.pdf")
        export(document, tmp_path / "long.docx")
    with pymupdf.open(tmp_path / "long.pdf") as pdf:
        starts = [number for _, _, number in pdf.get_toc()]
        assert [pdf[number - 1].get_text().split()[0] for number in starts] == ["Soil", "Water", "Light"]
        assert len(set(starts)) == 3
    with ZipFile(tmp_path / "long.docx") as archive:
        assert b"<w:keepLines /><w:pageBreakBefore/>" in archive.read("word/styles.xml")


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792)), ("a5", (420, 595))])
def test_paper_size_of_type_and_pages_of_chapters_are_chosen(
    document: Document, tmp_path: Path, paper: str, size: tuple[int, int]
) -> None:
    options = Options(paper=paper, font_size=9.5, new_pages=True)
    export(document, tmp_path / "book.pdf", options=options)
    with pymupdf.open(tmp_path / "book.pdf") as pdf:
        assert {(round(page.rect.width), round(page.rect.height)) for page in pdf} == {size}
        sizes = [round(span["size"], 1) for span in spans_of(pdf[2])]
        assert max(set(sizes), key=sizes.count) == 9.5
        began = [page for level, _, page in pdf.get_toc() if level == 1]
        tops = [min(span["bbox"][1] for span in spans_of(pdf[page - 1])) for page in began]
        assert len(began) == len(set(began)) == 2  # each chapter has its page
        for page, top in zip(began, tops, strict=True):
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
    # Short chapters follow one another unless it is asked for otherwise, and long ones do if it is.
    book = collect(document)
    assert not book.chapters_on_new_pages and collect(document, options).chapters_on_new_pages


def spans_of(page: pymupdf.Page) -> list[dict[str, Any]]:
    """What stands on a page, but for the page's number."""
    blocks = page.get_text("dict")["blocks"]
    spans = [span for block in blocks for line in block.get("lines", ()) for span in line["spans"]]
    return [span for span in spans if not span["text"].strip().isdecimal()]


def test_a_docx_keeps_words_that_a_template_has(tmp_path: Path) -> None:
    plan = Plan(
        "PAPER, MARGIN and FIRST_PAGE", (PlannedSection("OPENING", "", 10, "a"), PlannedSection("B", "", 10, "b"))
    )
    with new_document(tmp_path, plan=plan) as document:
        for section in "ab":
            document.edit(section, "Text.")
        export(document, tmp_path / "book.docx")
    with ZipFile(tmp_path / "book.docx") as archive:
        body = xml(archive, "word/document.xml")
    assert styled(body, "Title") == ["PAPER, MARGIN and FIRST_PAGE"]
    assert [one.split("\\u ")[-1] for one in styled(body, "TOC1")] == ["OPENING", "B"]
