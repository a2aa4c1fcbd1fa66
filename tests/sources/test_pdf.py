"""PDFs: valid, encrypted, scanned, damaged and hostile ones. Each is read, or refused in one line."""

from __future__ import annotations

import io
import random
import zlib
from pathlib import Path
from threading import Timer
from time import perf_counter

import pypdf
import pytest
import typst

from lwtui.documents.export.fonts import font_folders
from lwtui.sources.model import ReadSource
from lwtui.sources.reading.job import ReadJob, ReadStopped, SourceError
from lwtui.sources.reading.pdf import read_pdf
from tests.errors import has_code
from tests.sources.support import TEA, TODAY, pdf, raw_pdf, stream


def read(folder: Path, data: bytes, job: ReadJob | None = None) -> tuple[ReadSource, tuple[str, ...]]:
    path = folder / "tea-report.pdf"
    path.write_bytes(data)
    return read_pdf(path, "tea-report.pdf", job or ReadJob(), TODAY)


def refused(folder: Path, data: bytes, code: str) -> None:
    with pytest.raises(SourceError, check=has_code(code)) as caught:
        read(folder, data)
    assert str(caught.value).startswith("tea-report.pdf ")


def encrypted(password: str, algorithm: str) -> bytes:
    writer = pypdf.PdfWriter(io.BytesIO(pdf([TEA])))
    writer.encrypt(password, "owner", algorithm=algorithm)
    result = io.BytesIO()
    writer.write(result)
    return result.getvalue()


def test_pages_and_properties_are_read(tmp_path: Path) -> None:
    seen = []
    data = pdf(
        [TEA, ["Cups are made of clay.", "doi:10.1234/tea.56."]],
        Title="Tea of (old)",
        Author="Ann Gray; Bo Li",
        CreationDate="D:20200304101112Z",
    )
    source, notes = read(tmp_path, data, ReadJob(lambda done, total: seen.append((done, total))))
    assert (source.kind, source.title, notes) == ("pdf", "Tea of (old)", ())
    assert source.csl == {
        "type": "document",
        "title": "Tea of (old)",
        "author": [{"family": "Gray", "given": "Ann"}, {"family": "Li", "given": "Bo"}],
        "issued": {"date-parts": [[2020, 3, 4]]},
        "DOI": "10.1234/tea.56",
    }
    assert source.passages[0].page == 1 and "picked 1,200 tons by hand" in source.passages[0].text
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("title", ["", "untitled", "Microsoft Word - Untitled", "report.docx", "Document1"])
def test_a_title_that_is_none_is_replaced_by_the_name(tmp_path: Path, title: str) -> None:
    assert read(tmp_path, pdf([TEA], Title=title))[0].title == "tea-report"


def test_a_page_of_each_passage_is_known(tmp_path: Path) -> None:
    pages = [
        [f"Page {number} tells of tea number {number} in line {line} here." for line in range(12)]
        for number in range(1, 8)
    ]
    source, _ = read(tmp_path, pdf(pages))
    assert {passage.page for passage in source.passages} == set(range(1, 8))
    for passage in source.passages:
        assert f"Page {passage.page} tells" in passage.text


def test_chinese_is_read(tmp_path: Path) -> None:
    text = "茶叶生长在高山上，农民在春天用手采摘。一九八五年产量为三百吨。"
    source = f'#set text(font: "Noto Sans CJK SC")\n#set document(title: "茶叶", author: "李明")\n{text * 8}'
    (tmp_path / "a.typ").write_text(source)
    typst.compile(tmp_path / "a.typ", output=tmp_path / "a.pdf", font_paths=font_folders())
    found, _ = read(tmp_path, (tmp_path / "a.pdf").read_bytes())
    assert found.title == "茶叶" and found.csl["author"] == [{"literal": "李明"}]
    assert text in "".join(passage.text.replace("\n", "") for passage in found.passages)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_an_encrypted_file_is_refused_unless_anybody_may_read_it(tmp_path: Path, algorithm: str) -> None:
    refused(tmp_path, encrypted("secret", algorithm), "pdf-encrypted")
    assert "1,200 tons" in read(tmp_path, encrypted("", algorithm))[0].passages[0].text


def test_a_scan_is_told_and_some_pages_without_text_too(tmp_path: Path) -> None:
    picture = b"q 500 0 0 700 50 50 cm /Im1 Do Q"
    refused(tmp_path, pdf([], contents=[picture] * 3), "no-text")
    lines = b"BT /F1 11 Tf 60 780 Td (%b) Tj ET" % TEA[0].encode()
    _, notes = read(tmp_path, pdf([], contents=[lines, picture, lines]))
    assert len(notes) == 1 and "1 of 3 pages" in notes[0]


VALID = pdf([TEA, TEA])
BOMB = stream(b"BT /F1 11 Tf (x) Tj ET " + b" " * 200_000_000)
HOSTILE = {
    "empty": b"",
    "only a head": b"%PDF-1.7\n",
    "no PDF": b"<html>tea</html>",
    "cut": VALID[:300],
    "noise": b"%PDF-1.7\n" + random.Random(1).randbytes(20_000),
    "zeros": b"%PDF-1.7\n" + bytes(100_000),
    "no catalog": raw_pdf([b"<< >>"]),
    "no pages": raw_pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"]),
    "missing pages": raw_pdf([b"<< /Type /Catalog /Pages 9 0 R >>"]),
    "a root that is itself": raw_pdf([b"1 0 R"]),
    "pages within themselves": raw_pdf(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"]
    ),
    "a billion pages": raw_pdf(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 1000000000 >>"]
    ),
    "twenty thousand pages": raw_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [" + b"3 0 R " * 20_001 + b"] /Count 20001 >>",
            b"<< /Type /Page /Parent 2 0 R >>",
        ]
    ),
    "a table that follows itself": VALID.replace(b"/Root", b"/Prev 9 /Root").replace(b"startxref\n", b"startxref\n0"),
    "deep arrays": raw_pdf([b"[" * 50_000 + b"]" * 50_000]),
    "deep dictionaries": raw_pdf([b"<< /A " * 20_000 + b">>" * 20_000]),
    "a number without end": raw_pdf([b"<< /Type /Catalog /Pages " + b"9" * 1_000_000 + b" 0 R >>"]),
    "a bomb": pdf([], contents=[b""]).replace(stream(b""), BOMB),
    "a bomb in a bomb": pdf([], contents=[b""]).replace(
        stream(b""),
        b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%b\nendstream"
        % (len(twice := zlib.compress(zlib.compress(bytes(100_000_000)))), twice),
    ),
    "text of control characters": pdf([], contents=[b"BT /F1 9 Tf (" + bytes(range(1, 32)) * 50 + b") Tj ET"]),
    "a page of brackets": pdf([], contents=[b"(" * 500_000]),
    "a page of arrays": pdf([], contents=[b"[" * 200_000]),
    "a page that saves its state forever": pdf([], contents=[b"q " * 1_000_000]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_valid_pdf_is_refused_in_one_line_or_has_little_text(tmp_path: Path, name: str) -> None:
    start = perf_counter()
    try:
        source, _ = read(tmp_path, HOSTILE[name])
    except SourceError as error:
        assert str(error).startswith("tea-report.pdf ") and "\n" not in str(error) and len(str(error)) < 250
    else:
        assert sum(len(passage.text) for passage in source.passages) < 300_000
        assert not any(char < " " and char != "\n" for passage in source.passages for char in passage.text)
    assert perf_counter() - start < 200  # the limits of time of the process are far below


def test_a_damaged_file_is_read_as_far_as_it_is_valid_or_refused(tmp_path: Path) -> None:
    chance = random.Random(5)
    read_ones = 0
    for _ in range(12):
        data = bytearray(VALID)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(9, len(data))] = chance.randrange(256)
        try:
            source, _ = read(tmp_path, bytes(data))
        except SourceError as error:
            assert "\n" not in str(error)
        else:
            read_ones += bool(source.passages)
    assert read_ones


def test_a_page_that_form_objects_repeat_without_end_is_bounded(tmp_path: Path) -> None:
    data = raw_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 >>",
            b"<< /Type /Page /Parent 2 0 R /Resources << /XObject << /X 5 0 R >> >> /Contents 4 0 R >>",
            stream(b"/X Do " * 50),
            stream(b"/X Do " * 50, b"/Type /XObject /Subtype /Form /Resources << /XObject << /X 5 0 R >> >>"),
            b"<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 8 0 R >> >> /Contents 7 0 R >>",
            stream(b"BT /F1 11 Tf 60 780 Td (Tea grows on high hills where rain falls.) Tj ET"),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        ]
    )
    source, notes = read(tmp_path, data)
    assert source.passages[0].text == "Tea grows on high hills where rain falls." and len(notes) == 1


def test_reading_stops_at_once(tmp_path: Path) -> None:
    job = ReadJob()
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf([TEA * 20] * 1_500))
    Timer(0.8, job.stop).start()
    start = perf_counter()
    with pytest.raises(ReadStopped):
        read_pdf(path, "long.pdf", job, TODAY)
    assert perf_counter() - start < 20
