"""Import by what a file is: the formats that pandoc reads, names that lie, and what is told."""

from __future__ import annotations

import codecs
import json
import random
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents.export import render
from lwtui.documents.export.manuscript import author_of
from lwtui.documents.export.pandoc import pandoc
from lwtui.documents.importing import Imported, check_source, create_document, import_file, read_file
from lwtui.errors import DocumentError, LwtuiError, UsageError
from tests.documents.docx_files import paragraph, table, write_docx
from tests.errors import has_code

SOURCE = """\
---
title: On Trees
author: [Ann Lee, Bo Li]
date: 2024
---

# The wood

Oak and **elm**, with a note[^1] and [a link](https://e.org).

| tree | age |
|------|-----|
| oak  | 90  |

# The well

- wet
- deep

> quoted

```
code()
```

[^1]: The *note*.
"""


def convert(folder: Path, name: str, to: str = "", source: str = SOURCE) -> Path:
    """Write the source as a file of another program."""
    (folder / "source.md").write_text(source, encoding="utf-8")
    command = [pandoc()[0], "--standalone", "source.md", "-o", name, *(["-t", to] if to else [])]
    if name.endswith(".typ"):
        command.remove("--standalone")  # pandoc cannot read its own template
    subprocess.run(command, cwd=folder, check=True)
    return folder / name


def told(imported: Imported) -> str:
    return "\n".join(imported.report.lines())


def all_text(imported: Imported) -> str:
    return "\n\n".join(f"{part.title}\n{part.text}" for part in imported.parts)


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("a.docx", ""),
        ("a.odt", ""),
        ("A.RTF", "rtf"),
        ("a.html", ""),
        ("a.XHTM", "html"),
        ("a.epub", ""),
        ("a.fb2", ""),
        ("a.org", ""),
        ("a.rst", ""),
        ("a.tex", ""),
        ("a.typ", ""),
        ("a.ipynb", ""),
        ("a.adoc", "asciidoc"),
        ("a.docbook", "docbook5"),
        ("a.opml", ""),
        ("a.textile", ""),
        ("a.mediawiki", ""),
        ("a.json", ""),
    ],
)
def test_what_another_program_wrote_is_read(tmp_path: Path, name: str, to: str) -> None:
    source = convert(tmp_path, name, to)
    imported = read_file(source)
    text = all_text(imported)
    titles = [part.title for part in imported.parts]
    assert "The wood" in titles and "The well" in titles
    for words in ("Oak and **elm**", "[a link](https://e.org)", "The *note*", "wet", "quoted", "code()", "oak"):
        assert words in text or words.replace("*", "") in text or words == "[a link](https://e.org)", words
    if name.endswith((".docx", ".odt", ".html", ".epub", ".fb2", ".org", ".rst", ".tex", ".typ", ".adoc")):
        assert "[^1]: The *note*." in text.replace("]:  ", "]: ") and "1 footnote" in told(imported)
    with create_document(imported, tmp_path / "new.lw") as document:
        assert document.brief.language == "en" and "<h2" in render(document, "html")


@pytest.mark.parametrize("name", ["a.docx", "a.html", "a.epub", "a.fb2", "a.tex", "a.json"])
def test_title_author_and_date_are_kept_or_told(tmp_path: Path, name: str) -> None:
    with import_file(convert(tmp_path, name), tmp_path / "new.lw") as document:
        assert document.title == "On Trees"
        assert sorted(author_of(document).split(", ")) == ["Ann Lee", "Bo Li"]
    report = told(read_file(tmp_path / name))
    assert "Ann Lee" in report and ("2024" in report or name == "a.html")


@pytest.mark.parametrize(
    ("made", "name"),
    [
        ("a.docx", "a.docm"),
        ("a.docx", "A.DOCX"),
        ("a.docx", "a.dotx"),
        ("a.docx", "a.doc"),
        ("a.docx", "a.odt"),
        ("a.docx", "a"),
        ("a.docx", "a.txt"),
        ("a.rtf", "a.doc"),
        ("a.rtf", "a.docx"),
        ("a.odt", "a.docx"),
        ("a.epub", "a.zip"),
        ("a.html", "a.doc"),
        ("a.html", "a.txt"),
        ("a.html", "a.md"),
        ("a.tex", "a.txt"),
        ("a.fb2", "a.xml"),
    ],
)
def test_the_contents_tell_the_type_where_the_name_does_not(tmp_path: Path, made: str, name: str) -> None:
    renamed = tmp_path / "other" / name
    renamed.parent.mkdir()
    shutil.copy(convert(tmp_path, made), renamed)
    imported = read_file(renamed)
    assert {"The wood", "The well"} <= {part.title for part in imported.parts}
    same = Path(name).suffix.lower() in (".docm", ".docx", ".dotx") and made == "a.docx"
    assert ("was read as that" in told(imported)) is not same


def _zip(path: Path, **parts: str) -> bytes:
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return path.read_bytes()


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("name", "data", "code", "words"),
    [
        ("a.pdf", b"%PDF-1.7\n", "unknown-type", "a PDF"),
        ("a.md", b"%PDF-1.7\n", "unknown-type", "a PDF"),
        ("a.doc", _OLE + "WordDocument".encode("utf-16-le"), "old-format", "Save it as .docx"),
        ("a.docx", _OLE + "WordDocument".encode("utf-16-le"), "old-format", ".docx without a password"),
        ("a.docx", _OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted", "password"),
        ("a.doc", b"Just a text.", "unknown-type", "not a Word document"),
        ("a.docx", b"Just a text.", "not-docx", "not a valid DOCX"),
        ("a.odt", b"PK\x03\x04" + bytes(60), "not-odt", "damaged"),
        ("a.epub", b"PK\x03\x04" + bytes(60), "not-epub", "damaged"),
        ("a.fb2", b"not XML", "unknown-type", "XML"),
        ("a.rtf", b"not RTF", "not-rtf", "not a valid RTF"),
        ("a.png", b"\x89PNG\r\n", "unknown-type", "a picture"),
        ("a.txt", b"\x1f\x8b\x08", "unknown-type", "compressed"),
        ("a.json", b'{"a": 1}', "unknown-type", "JSON"),
        ("a.json", b'{"a"', "unknown-type", "JSON"),
        ("a.xml", b"<?xml version='1.0'?><a/>", "unknown-type", "XML"),
        ("a.fountain", b"INT. HOUSE - DAY\n", "unknown-type", "Markdown, plain text, DOCX"),
        ("a.py", b"print()\n", "unknown-type", ".txt"),
        ("a.mht", b"MIME-Version: 1.0\n", "unknown-type", "HTML"),
        ("a.db", b"SQLite format 3\0" + bytes(90), "unknown-type", "database"),
    ],
)
def test_an_unknown_type_is_one_line_that_says_what_it_is(
    tmp_path: Path, name: str, data: bytes, code: str, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DocumentError, match=words, check=has_code(code)):
        read_file(tmp_path / name)


def test_encrypted_and_foreign_archives_are_named(tmp_path: Path) -> None:
    odf = "application/vnd.oasis.opendocument."
    _zip(tmp_path / "locked.odt", mimetype=f"{odf}text", **{"META-INF__manifest.xml": "<x><encryption-data/></x>"})
    drm = {"META-INF__container.xml": "<x/>", "META-INF__encryption.xml": "<enc:EncryptedData/>"}
    _zip(tmp_path / "drm.epub", mimetype="application/epub+zip", **drm)
    _zip(tmp_path / "a.ods", mimetype=f"{odf}spreadsheet")
    _zip(tmp_path / "a.xlsx", **{"[Content_Types].xml": "<x/>", "xl__workbook.xml": "<x/>"})
    _zip(tmp_path / "a.zip", **{"a.md": "# A", "b.md": "# B"})
    _zip(tmp_path / "a.docx", **{"a.md": "# A"})
    for name, code in (
        ("locked.odt", "encrypted"),
        ("drm.epub", "encrypted"),
        ("a.ods", "unknown-type"),
        ("a.xlsx", "unknown-type"),
        ("a.zip", "unknown-type"),
        ("a.docx", "not-docx"),
    ):
        with pytest.raises(DocumentError, check=has_code(code)):
            read_file(tmp_path / name)


def test_a_document_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "a.lw").write_bytes(b"x")
    with pytest.raises(UsageError, check=has_code("is-document")):
        read_file(tmp_path / "a.lw")


def test_a_book_in_fb2_may_be_zipped_and_in_another_encoding(tmp_path: Path) -> None:
    book = (
        '<?xml version="1.0" encoding="windows-1251"?><FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0">'
        "<description><title-info><book-title>Дом</book-title></title-info></description>"
        "<body><section><title><p>Зима</p></title><p>Шёл снег.</p></section>"
        "<section><title><p>Весна</p></title><p>Таял.</p></section></body></FictionBook>"
    )
    with ZipFile(tmp_path / "book.fb2.zip", "w") as archive:
        archive.writestr("book.fb2", book.encode("cp1251"))
    imported = read_file(tmp_path / "book.fb2.zip")
    assert imported.title == "Дом" and not imported.guesses
    assert [(part.title, part.text) for part in imported.parts] == [("Зима", "Шёл снег."), ("Весна", "Таял.")]


@pytest.mark.parametrize(("encoding", "mark"), [("cp1252", b""), ("utf-8", b""), ("utf-16-le", codecs.BOM_UTF16_LE)])
def test_a_page_is_read_in_the_encoding_that_it_names(tmp_path: Path, encoding: str, mark: bytes) -> None:
    page = (
        f'<html><head><meta charset="{encoding}"><title>Café</title></head><body><h1>Été</h1><p>Naïf.</p></body></html>'
    )
    (tmp_path / "a.html").write_bytes(mark + page.encode(encoding))
    imported = read_file(tmp_path / "a.html")
    assert (imported.title, imported.guesses) == ("Café", ())
    assert [(part.title, part.text) for part in imported.parts] == [("Été", "Naïf.")]


# -- DOCX


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (paragraph("First.") + paragraph("Second."), "First.<br>Second."),
        (paragraph("One|two"), "One<br>two"),
        (paragraph("a | b".replace("|", "/")), "a / b"),
        (paragraph("") + paragraph("Only."), "Only."),
        (table((paragraph("in"), paragraph("side")), (paragraph("low"), paragraph("last"))), "in / side<br>low / last"),
        (paragraph("Head", "Heading1") + paragraph("x"), "Head<br>x"),
    ],
)
def test_a_cell_of_a_docx_keeps_all_its_text(tmp_path: Path, cell: str, shown: str) -> None:
    rows = table((paragraph("h1"), paragraph("h2")), (cell + paragraph(""), paragraph("b")))
    write_docx(tmp_path / "a.docx", paragraph("Begin.") + rows)
    imported = read_file(tmp_path / "a.docx")
    [part] = imported.parts
    assert shown in part.text and "| h1" in part.text and "b" in part.text
    assert "1 table" in told(imported)
    with create_document(imported, tmp_path / "a.lw") as document:
        assert "&lt;br" not in render(document, "html")


@pytest.mark.parametrize("width", ["", ' w:w="2000"'])
def test_merged_cells_and_columns_without_a_width_lose_nothing(tmp_path: Path, width: str) -> None:
    wide, tall, held = (
        f"<w:tcPr>{inner}</w:tcPr>"
        for inner in ('<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>")
    )
    rows = table(
        (wide + paragraph("Merged"), paragraph("third")),
        (tall + paragraph("tall"), paragraph("mid"), paragraph("x")),
        (held + paragraph(""), paragraph("low"), paragraph("y")),
        width=width,
    )
    write_docx(tmp_path / "a.docx", paragraph("Begin.") + rows)
    imported = read_file(tmp_path / "a.docx")
    text = imported.parts[0].text
    for word in ("Merged", "third", "tall", "mid", "x", "low", "y"):
        assert word in text
    assert "Merged cells" in told(imported) and " word" not in told(imported)


def test_a_table_of_one_cell_becomes_text(tmp_path: Path) -> None:
    write_docx(tmp_path / "a.docx", table((paragraph("A box.") + paragraph("Of two."),)) + paragraph("After."))
    imported = read_file(tmp_path / "a.docx")
    assert imported.parts[0].text == "A box.\n\nOf two.\n\nAfter."
    assert "1 table of one cell (as text)" in told(imported)


def test_what_word_lists_before_the_text_is_kept(tmp_path: Path) -> None:
    head = "---\ntitle: T\nsubtitle: Below it\nabstract: |\n  What it is.\n\n  And why.\n---\n"
    source = f"{head}\n# One\n\nText.\n\n# Two\n\nMore.\n"
    imported = read_file(convert(tmp_path, "a.docx", source=source))
    assert imported.title == "T" and imported.parts[0].title == "Introduction"
    assert imported.parts[0].text in (
        "*Below it*\n\nWhat it is.\n\nAnd why.",
        "*Below it*\n\nAbstract\n\nWhat it is.\n\nAnd why.",
    )
    assert "1 subtitle" in told(imported)


def test_footnotes_of_a_docx_go_with_their_sections(tmp_path: Path) -> None:
    source = "# One\n\nA claim[^a].\n\n# Two\n\nAnother[^b].\n\n[^a]: Note one.\n\n[^b]: Note two.\n"
    imported = read_file(convert(tmp_path, "a.docx", source=source))
    texts = [part.text.replace("]:  ", "]: ") for part in imported.parts]
    assert texts == ["A claim[^1].\n\n[^1]: Note one.", "Another[^2].\n\n[^2]: Note two."]


def test_what_a_docx_has_and_a_document_has_not_is_told(tmp_path: Path) -> None:
    revision = 'w:id="1" w:author="A" w:date="2024-01-01T00:00:00Z"'
    body = (
        paragraph("Kept.")
        + f"<w:p><w:del {revision}><w:r><w:delText>old</w:delText></w:r></w:del>"
        + f"<w:ins {revision}><w:r><w:t>new</w:t></w:r></w:ins></w:p>"
        + "<w:p><m:oMath><m:r><m:t>x</m:t></m:r></m:oMath></w:p>"
    )
    header = (
        '<?xml version="1.0"?><w:hdr xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"{paragraph('Top')}</w:hdr>"
    )
    write_docx(tmp_path / "a.docx", body, header1=header)
    imported = read_file(tmp_path / "a.docx")
    assert imported.parts[0].text == "Kept.\n\nnew\n\n$x$"
    report = told(imported)
    assert "1 formula" in report and "1 tracked deletion" in report and "1 header of the pages" in report
    assert "Tracked insertions are part of the text." in report


@pytest.mark.parametrize("style", ["Title", "P1"])
def test_the_title_of_an_odt_is_its_title(tmp_path: Path, style: str) -> None:
    source = convert(tmp_path, "a.odt", source="Trees & more\n\n# One\n\nText.\n\n# Two\n\nMore.\n")
    with ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    content = parts["content.xml"].decode()
    first = content.index("<text:p ")
    end = content.index(">", first)
    derived = '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>'
    content = f'{content[:first]}<text:p text:style-name="{style}"{content[end:]}'
    parts["content.xml"] = content.replace(
        "</office:automatic-styles>", f"{derived}</office:automatic-styles>"
    ).encode()
    with ZipFile(source, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    imported = read_file(source)
    assert imported.title == "Trees & more" and [part.title for part in imported.parts] == ["One", "Two"]


@pytest.mark.parametrize("style", ["Überschrift 1", "Titre 1", "Заголовок 1", "見出し 1", "Chapter Title"])
def test_headings_in_styles_of_other_names_are_headings(tmp_path: Path, style: str) -> None:
    body = paragraph("First", "S1") + paragraph("Text.") + paragraph("Second", "S1") + paragraph("More.")
    imported = read_file(write_docx(tmp_path / "a.docx", body, style))
    assert [(part.title, part.text) for part in imported.parts] == [("First", "Text."), ("Second", "More.")]


def test_lines_that_name_chapters_are_headings_where_there_are_no_others(tmp_path: Path) -> None:
    lines = ("Part One", "Chapter 1: The Hill", "She left.", "Chapter 2", "Rain.", "Epilogue", "Sun.")
    imported = read_file(write_docx(tmp_path / "a.docx", "".join(paragraph(line) for line in lines)))
    assert [(part.level, part.title, part.text) for part in imported.parts] == [
        *((1, "Part One", ""), (2, "Chapter 1: The Hill", "She left."), (2, "Chapter 2", "Rain.")),
        (1, "Epilogue", "Sun."),
    ]
    assert "“Part One” became headings" in told(imported)
    (tmp_path / "a.md").write_text("**Chapter 1**\n\nShe *left*.\n\n**Chapter 2**\n\nRain.\n")
    assert [part.title for part in read_file(tmp_path / "a.md").parts] == ["Chapter 1", "Chapter 2"]
    (tmp_path / "b.md").write_text("## Day\n\n**Chapter 1**\n\nShe left.\n\n**Chapter 2**\n\nRain.\n")
    assert [part.title for part in read_file(tmp_path / "b.md").parts] == ["Day"]
    (tmp_path / "c.md").write_text("word " * 3000)
    assert "no headings" in told(read_file(tmp_path / "c.md"))


def test_pictures_are_kept_with_their_captions(tmp_path: Path) -> None:
    pymupdf = pytest.importorskip("pymupdf")
    pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 4, 4), False).save(tmp_path / "p.png")
    source = "Begin ![small](p.png) end.\n\n![A tall oak](p.png)\n"
    for name in ("a.docx", "a.html", "a.epub", "a.odt"):
        imported = read_file(convert(tmp_path, name, source=source))
        assert "2 addresses of a picture" in told(imported) or imported.pictures[0].kind == "png", name
        assert all_text(imported).count("A tall oak") == 1 and all_text(imported).count("![") == 2, name


def test_included_files_and_unknown_commands_of_latex_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text(
        "\\documentclass{book}\n\\usepackage{graphicx}\n\\begin{document}\\maketitle\n\\chapter{One}\\label{one}\n"
        "Text \\shiny{gone} see \\cite{key} and \\ref{two}.\n\\input{other}\n\\chapter{Two}\\label{two}\n"
        "More.\n\\end{document}\n"
    )
    imported = read_file(tmp_path / "a.tex")
    report = told(imported)
    assert "other.tex" in report and "\\shiny" in report and "graphicx" not in report and "maketitle" not in report
    assert "\\[key\\]" in imported.parts[0].text and "[Two](#two)" in imported.parts[0].text


def test_a_hostile_file_reads_nothing_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOPSECRET")
    files = {
        "a.tex": f"\\documentclass{{article}}\\begin{{document}}x \\input{{{secret}}}\\end{{document}}",
        "a.rst": f"x\n\n.. include:: {secret}\n\n.. raw:: html\n   :file: {secret}\n",
        "a.org": f'x\n#+INCLUDE: "{secret}"\n',
        "a.html": f'<html><body><p>x</p><iframe src="{secret}"></iframe><img src="{secret}"></body></html>',
        "a.typ": f'x #include "{secret}"\n',
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        imported = read_file(tmp_path / name)
        assert "TOPSECRET" not in json.dumps([all_text(imported), told(imported)]), name


_ENDINGS = st.sampled_from(["md", "txt", "nwd", "docx", "odt", "epub", "json", "xml", "doc", "fountain", "rtf", ""])
_STARTS = st.sampled_from(
    [
        b"",
        b"PK\x03\x04",
        b"<?xml version='1.0'?>",
        b"{",
        b"---\ntitle: ",
        b"%%~name: ",
        b"\xff\xfe",
        b"[^1]: ",
        b"# A\n\n[a]: ",
    ]
)


@given(_ENDINGS, _STARTS, st.binary(max_size=200))
def test_any_file_is_read_or_told_in_one_line(ending: str, start: bytes, data: bytes) -> None:
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / f"a.{ending}"
        path.write_bytes(start + data)
        try:
            check_source(path)
            if ending in ("md", "txt", "nwd", ""):
                assert read_file(path).parts
        except LwtuiError as error:
            assert "\n" not in str(error)


def test_a_damaged_docx_is_read_or_told_in_one_line(tmp_path: Path) -> None:
    good = convert(tmp_path, "good.docx").read_bytes()
    draw = random.Random(5)
    for _ in range(8):
        data = bytearray(good)
        for _ in range(30):
            data[draw.randrange(len(data))] = draw.randrange(256)
        (tmp_path / "bad.docx").write_bytes(data)
        try:
            assert read_file(tmp_path / "bad.docx").parts
        except LwtuiError as error:
            assert "\n" not in str(error)


def test_devices_and_archives_that_unpack_to_anything_are_no_danger(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, check=has_code("unknown-type")):
        read_file(Path("/dev/zero"))
    with ZipFile(tmp_path / "a.docx", "w", ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x" * 5_000_000)
    with pytest.raises(DocumentError, check=has_code("not-docx")):
        read_file(tmp_path / "a.docx")
