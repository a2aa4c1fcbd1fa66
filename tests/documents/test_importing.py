"""Import of other formats, and round trips through import and export."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwtui.documents.export import ExportOptions, export, render
from lwtui.documents.export.pandoc import pandoc
from lwtui.documents.importing import import_file
from lwtui.documents.model import Brief, Origin, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, LwtuiError
from tests.errors import has_code

SECTIONS = (
    PlannedSection("Part one", "", 0, "p", 1),
    PlannedSection("Soil & “pots”", "", 10, "a", 2),
    PlannedSection("Water", "", 10, "b", 2),
    PlannedSection("光照", "", 10, "c", 1),
)
SOIL = """\
Loam *not* **clay**, 5 \\* 3, `code` and [a link](https://e.org).

- one
- two

  deeper

> quoted
>
> twice

| a   | b   |
|-----|-----|
| 1   | 2   |

![A picture](/etc/hostname) <b>no tag</b>"""


def outline(document: Document) -> list[tuple[int, str]]:
    return [(section.level, section.title) for section in document.sections()]


def test_a_docx_round_trip_keeps_title_sections_and_formatting(tmp_path: Path) -> None:
    with Document.create(tmp_path / "one.lw", Brief("Write", 30, "en"), Plan("My *Book*", SECTIONS)) as document:
        document.edit("a", SOIL)
        document.edit("b", "Daily, ~~twice~~ once. " * 1500)
        document.edit("c", "太阳。")
        export(document, tmp_path / "one.docx", options=ExportOptions(contents=False))
    with import_file(tmp_path / "one.docx", tmp_path / "two.lw") as again:
        assert again.title == "My *Book*"
        assert outline(again) == [(1, "Part one"), (2, "Soil & “pots”"), (2, "Water"), (1, "光照")]
        part, soil, water, _ = again.sections()
        assert part.is_heading_only and again.plan.sections[0].words == 0
        assert soil.origin is Origin.IMPORT and again.brief.language == "en"
        for expected in (
            "Loam *not* **clay**, 5 \\* 3, `code` and [a link](https://e.org).",
            "> quoted\n>\n> twice",
            "| 1 | 2 |",
        ):
            assert expected in " ".join(soil.text.split(" ")).replace("| 1   | 2   |", "| 1 | 2 |")
        assert "- one\n\n- two" in soil.text and "&nbsp;" not in soil.text
        assert "A picture <b>no tag</b>" in render(again, "txt")  # the tag is still plain text
        assert not (tmp_path / "two-pictures").exists()
        assert water.text.startswith("Daily, ~~twice~~ once.")


def test_lists_of_a_docx_do_not_merge_with_what_follows(tmp_path: Path) -> None:
    apart = "1. one\n2. two\n\n<!-- -->\n\n1. again\n2. and again\n\nThen:\n\n- a\n- b\n\n<!-- -->\n\n    code()\n"
    (tmp_path / "in.md").write_text(apart)
    subprocess.run([pandoc()[0], "in.md", "-o", "in.docx"], cwd=tmp_path, check=True)
    with import_file(tmp_path / "in.docx", tmp_path / "in.lw") as document:
        [section] = document.sections()
        html = render(document, "html")
    assert html.count("<ol") == 2 and html.count("<ul") == 1, section.text
    assert "<pre><code>code()" in html, section.text


def test_a_picture_in_a_docx_is_kept_beside_the_document(tmp_path: Path) -> None:
    pymupdf = pytest.importorskip("pymupdf")
    pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 4, 4), False).save(tmp_path / "p.png")
    (tmp_path / "in.md").write_text("Before ![What *it* shows](p.png) after.")
    subprocess.run([pandoc()[0], "in.md", "-o", "in.docx"], cwd=tmp_path, check=True)
    with import_file(tmp_path / "in.docx", tmp_path / "in.lw") as document:
        [section] = document.sections()
        assert document.title == "in"
        assert section.text.startswith("Before ![What it shows](in-pictures/picture-1.png)")
        assert section.text.endswith(" after.")
    assert (tmp_path / "in-pictures" / "picture-1.png").read_bytes() == (tmp_path / "p.png").read_bytes()


def test_an_invalid_docx_is_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "new.lw"
    (tmp_path / "text.docx").write_text("no zip at all")
    with ZipFile(tmp_path / "empty.docx", "w") as archive:
        archive.writestr("word/other.xml", "<x/>")
    (tmp_path / "folder.docx").mkdir()
    for name, code in (
        ("text.docx", "not-docx"),
        ("empty.docx", "not-docx"),
        ("none.docx", "not-found"),
        ("folder.docx", "no-text"),
    ):
        with pytest.raises(DocumentError, check=has_code(code)):
            import_file(tmp_path / name, target)
    monkeypatch.setattr("lwtui.documents.export.pandoc.find_spec", lambda _: None)
    (tmp_path / "page.html").write_text("<html><p>Text.</p></html>")
    with pytest.raises(LwtuiError, check=has_code("missing-extra")):
        import_file(tmp_path / "page.html", target)
    assert not target.exists()


@pytest.mark.parametrize(("kind", "body"), [("docx", "word/document.xml"), ("odt", "content.xml")])
def test_a_file_whose_packed_text_is_damaged_is_reported_in_one_line(tmp_path: Path, kind: str, body: str) -> None:
    (tmp_path / "in.md").write_text("Some text. " * 200)
    path = tmp_path / f"in.{kind}"
    subprocess.run([pandoc()[0], "in.md", "-o", path.name], cwd=tmp_path, check=True)
    with ZipFile(path) as archive:
        start = archive.getinfo(body).header_offset + 30 + len(body)
    data = bytearray(path.read_bytes())
    data[start : start + 60] = bytes(byte ^ 0x5A for byte in data[start : start + 60])
    path.write_bytes(data)
    with pytest.raises(DocumentError, check=has_code(f"not-{kind}")):
        import_file(path, tmp_path / "in.lw")


def test_importing_a_signed_export_removes_the_front_matter(tmp_path: Path) -> None:
    plan = Plan('The "Book": part 1', (PlannedSection("Soil", "", 10, "a"), PlannedSection("Water", "", 10, "b")))
    with Document.create(tmp_path / "one.lw", Brief("Write", 20, "en"), plan) as document:
        document.edit("a", "Loam.")
        document.edit("b", "Daily.")
        export(document, tmp_path / "one.md", options=ExportOptions(author='A: "B" #c', date="2026-02-03"))
        plain = render(document, "md")
    with import_file(tmp_path / "one.md", tmp_path / "two.lw") as again:
        assert again.title == plan.title and render(again, "md") == plain


def test_only_a_long_section_is_split_further(tmp_path: Path) -> None:
    inner = "### First\n\n{0}\n\n### Second\n\n{0}\n\n#### Deep\n\nx"
    long, short = inner.format("word " * 1200), inner.format("word")
    source = f"# T\n\n## Long\n\nBegin.\n\n{long}\n\n## Short\n\nBegin.\n\n{short}\n"
    (tmp_path / "t.md").write_text(source)
    with import_file(tmp_path / "t.md", tmp_path / "t.lw") as document:
        assert outline(document) == [(1, "Long"), (2, "First"), (2, "Second"), (1, "Short")]
        assert document.sections()[3].text.startswith("Begin.\n\n### First")
        assert render(document, "md").split() == source.split()


@pytest.mark.parametrize("kind", ["md", "docx"])
def test_a_round_trip_keeps_the_nesting(tmp_path: Path, kind: str) -> None:
    nested = [
        *((1, "Part one", ""), (2, "Soil", "Loam."), (2, "Water", ""), (3, "Rain", "Wet."), (3, "Wells", "Deep.")),
        *((1, "Part two", "What it is about."), (2, "Light", "Sun."), (1, "Sources", "Books.")),
    ]
    plan = Plan(
        "A Book",
        tuple(
            PlannedSection(title, "", 10 if text else 0, f"s{at}", level)
            for at, (level, title, text) in enumerate(nested)
        ),
    )
    with Document.create(tmp_path / "one.lw", Brief("Write", 30, "en"), plan) as document:
        for at, (_, _, text) in enumerate(nested):
            if text:
                document.edit(f"s{at}", text)
        export(document, tmp_path / f"one.{kind}", options=ExportOptions(author="A. Author"))
        plain = render(document, "md")
    with import_file(tmp_path / f"one.{kind}", tmp_path / "two.lw") as again:
        assert again.title == "A Book"
        assert [(section.level, section.title, section.text) for section in again.sections()] == nested
        assert render(again, "md") == plain


def test_importing_a_docx_drops_only_its_table_of_contents(tmp_path: Path) -> None:
    plan = Plan("A Book", (PlannedSection("Contents", "", 10, "a"), PlannedSection("Inhalt", "", 10, "b")))
    with Document.create(tmp_path / "one.lw", Brief("Schreib", 30, "de"), plan) as document:
        document.edit("a", "Of the *box*: [see there](https://e.org).")
        document.edit("b", "Mehr davon.")
        export(document, tmp_path / "one.docx")
    with import_file(tmp_path / "one.docx", tmp_path / "two.lw") as again:
        assert [(section.title, section.text) for section in again.sections()] == [
            ("Contents", "Of the *box*: [see there](https://e.org)."),
            ("Inhalt", "Mehr davon."),
        ]


_TITLES = st.sampled_from(["Soil", "Water & light", "光照", "1. “Quoted”", "Why?"])
_LINES = st.lists(
    st.sampled_from(
        [
            "Text here.",
            "",
            "",
            "- item",
            "  - nested",
            "> quoted",
            "| a | b |",
            "    code",
            "*x*  ",
            "\\# no",
            "---",
            "🍅",
        ]
    ),
    max_size=8,
)


def _text(lines: list[str]) -> str:
    """Join lines to the text of a section: not empty, and without a line that would make the line before a heading."""
    kept = [line for at, line in enumerate(lines) if line != "---" or (at and lines[at - 1] == "")]
    return "\n".join(["Begin.", *kept, "", "End."])


@given(_TITLES, st.lists(st.tuples(_TITLES, _LINES), min_size=2, max_size=5))
@settings(max_examples=40)
def test_a_markdown_round_trip_is_exact(title: str, sections: list[tuple[str, list[str]]]) -> None:
    parts = [f"# {title}", *(f"## {heading}\n\n{_text(lines)}" for heading, lines in sections)]
    source = "\n\n".join(parts) + "\n"
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "in.md").write_text(source, encoding="utf-8")
        with import_file(folder / "in.md", folder / "in.lw") as document:
            assert render(document, "md") == source
            export(document, folder / "out.md")
        assert (folder / "out.md").read_bytes() == (folder / "in.md").read_bytes()
        with import_file(folder / "out.md", folder / "out.lw") as again:
            assert [section.text for section in again.sections()] == [_text(lines) for _, lines in sections]
