"""Import of plain text: chapters, paragraphs, signs that are no marks, and encodings."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents.export.manuscript import author_of
from lwtui.documents.importing import Imported, import_file, read_file
from lwtui.documents.importing.chapter_lines import PART, chapter_line
from lwtui.documents.importing.encodings import decode, guesses
from lwtui.documents.importing.imported import ImportReport
from lwtui.documents.importing.text_file import escaped, read_plain_text
from lwtui.documents.plain_text import without_marks
from lwtui.errors import DocumentError, UsageError
from lwtui.text import clean
from tests.errors import has_code


def read(folder: Path, text: str, name: str = "book.txt") -> Imported:
    (folder / name).write_text(text, encoding="utf-8")
    return read_file(folder / name)


def outline(imported: Imported) -> list[tuple[int, str, str]]:
    return [(part.level, part.title, part.text) for part in imported.parts]


CHAPTERS = """\
Chapter 1 | CHAPTER IV. | Chapter One: The Town | CHAPTER THE FIRST | Chapter Twenty-One | Chapter 12 - The Storm
Prologue | EPILOGUE | Prologue: Snow | Foreword | Appendix B | Scene 2 | Chap. 3 | Section 4
第一章 | 第一章 初春 | 第1回 | 第十二回　再会 | 第1話「出会い」 | 正文 第三章 雨 | 楔子 | 番外二 | プロローグ
あとがき | 序章
제1장 | 제 2 장 시작 | 3장 | 4화. 밤 | 프롤로그 | 에필로그
Глава 1 | ГЛАВА ПЕРВАЯ | Глава вторая. Дом | Пролог | Розділ 3 | Епілог
Kapitel 1 | Erstes Kapitel | Kapitel 3: Der Sturm | 2. Kapitel | Vorwort | Nachwort
Chapitre premier | CHAPITRE IV | Chapitre 2 : La mer | Avant-propos | Épilogue
Capítulo 1 | CAPÍTULO PRIMERO | Capítulo um | Prólogo | Capitolo III | Prefazione
Hoofdstuk 2 | Rozdział 1 | Kapitola 2 | Bölüm 1 | Chương 1 | Κεφάλαιο 1 | Luku 3 | 1. fejezet | Bab 1
الفصل الأول | פרק א | अध्याय 1 | บทที่ 1"""
PARTS = """\
Part II | PART ONE: WINTER | Book the Second | Act I | Volume 3 | 第一卷 风起 | 第二部 | 제2부
Часть вторая | Zweiter Teil
Teil I | Première partie | Parte prima | Deel 2 | Tom II | الجزء الأول"""
SENTENCES = """\
Chapter 2 was the best of the book. | Part of the reason was money. | Book a table for two.
Act now! | He came to town.
Introduction to the man was not needed. | 第一章写得很好，他说。 | Section 8 housing was scarce, he said.
Day one was long.
Kapitel 3 handelte von Hunden. | Глава семьи пришёл домой. | Chapter and verse | Preface your remarks with care.
The first part of the day | Letter to a friend | Scene of the crime
部長が来た。 | Band 1 spielte laut. | Conclusion: he was dead."""


def lines_of(table: str) -> list[str]:
    return [line.strip() for row in table.splitlines() for line in row.split(" | ")]


@pytest.mark.parametrize("line", lines_of(CHAPTERS))
def test_a_line_that_names_a_chapter(tmp_path: Path, line: str) -> None:
    for shown in (line, f"  {line}  ", f"=== {line} ==="):
        found = chapter_line(shown)
        assert found is not None and found.level != PART and found.text == " ".join(line.split())
    text = f"It began before.\n\n{line}\n\nThen it went on.\n\nAnd on."
    assert outline(read(tmp_path, text)) == [
        (1, "Introduction", "It began before."),
        (1, " ".join(line.split()), "Then it went on.\n\nAnd on."),
    ]


@pytest.mark.parametrize("line", lines_of(PARTS))
def test_a_line_that_names_a_part(line: str) -> None:
    found = chapter_line(line)
    assert found is not None and found.level == PART


@pytest.mark.parametrize("line", lines_of(SENTENCES))
def test_a_sentence_that_begins_like_a_chapter_is_text(line: str) -> None:
    assert chapter_line(line) is None


def test_title_author_and_chapters_of_a_book(tmp_path: Path) -> None:
    text = "THE LONG WALK\n\nby B. Writer\n\nPROLOGUE\n\nIt rained.\n\nCHAPTER I.\n\nShe left.\n\nEPILOGUE\n\nSun.\n"
    (tmp_path / "book.txt").write_text(text)
    with import_file(tmp_path / "book.txt", tmp_path / "book.lw") as document:
        assert document.title == "THE LONG WALK" and author_of(document) == "B. Writer"
        assert [(section.title, section.text) for section in document.sections()] == [
            ("PROLOGUE", "It rained."),
            ("CHAPTER I.", "She left."),
            ("EPILOGUE", "Sun."),
        ]


@pytest.mark.parametrize(
    ("opening", "title", "author"),
    [
        ("书名：远山\n作者：李四\n\n第一章", "远山", "李四"),
        ("Title: A Walk\nAuthor: C. D.\n\nChapter 1", "A Walk", "C. D."),
        ("《远山》\n\n第一章", "远山", ""),
        ("A Walk\nby C. de Vries\n\nChapter 1", "A Walk", "C. de Vries"),
        ("By the river he sat.\n\nChapter 1", "book", ""),
        ("A Walk\n\nby the river he sat, and waited.\n\nChapter 1", "A Walk", ""),
    ],
)
def test_the_first_lines_may_name_title_and_author(tmp_path: Path, opening: str, title: str, author: str) -> None:
    imported = read(tmp_path, f"{opening}\n\nShe left.\n\nThen she came back.\n")
    assert (imported.title, imported.author) == (title, author)


def test_parts_have_their_chapters_within(tmp_path: Path) -> None:
    text = (
        "Prologue\n\nA.\n\nPart One\n\nChapter 1\n\nB.\n\nChapter 2\n\nC.\n\nInterlude\n\nD.\n\nChapter 3\n\nE.\n\n"
        "Part Two\n\nChapter 4\n\nF.\n\nEpilogue\n\nG.\n"
    )
    assert outline(read(tmp_path, text)) == [
        *((1, "Prologue", "A."), (1, "Part One", ""), (2, "Chapter 1", "B."), (2, "Chapter 2", "C.")),
        *((2, "Interlude", "D."), (2, "Chapter 3", "E."), (1, "Part Two", ""), (2, "Chapter 4", "F.")),
        (1, "Epilogue", "G."),
    ]


def test_numbers_alone_are_chapters_if_they_count(tmp_path: Path) -> None:
    assert [title for _, title, _ in outline(read(tmp_path, "I\n\nShe left.\n\nII\n\nRain.\n\nIII\n\nSun."))] == [
        *("I", "II", "III")
    ]
    assert outline(read(tmp_path, "She left in\n\n1984\n\nand came back.\n\n7\n\nYears."))[0][1] == ""


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("1. The Hill\n\nShe left.\n\n2. The Top\n\nRain.", ["1. The Hill", "2. The Top"]),
        ("I. THE HILL\n\nShe left.\n\nII. THE TOP\n\nRain.", ["I. THE HILL", "II. THE TOP"]),
        ("Chapter 1\n---------\nShe left.\n\nChapter 2\n---------\nRain.", ["Chapter 1", "Chapter 2"]),
        ("The Hill\n========\nShe left.\n\nThe Top\n-------\nRain.", ["The Hill", "The Top"]),
        ("Chapter 1\n\nShe left.\nChapter 2\nRain fell.\n\nSun.", ["Chapter 1", "Chapter 2"]),
        ("【第一章】初雪\n\n她走了。\n\n【第二章】雨\n\n下雨了。", ["第一章 初雪", "第二章 雨"]),
        ("1. Bread\n\n2. Salt\n\n3. Milk\n\nAnd then she left.", [""]),
        ("1. She left the hill.\n\n2. She came to the top.\n\nRain.", [""]),
    ],
)
def test_numbered_and_underlined_lines_are_headings(tmp_path: Path, text: str, titles: list[str]) -> None:
    assert [title for _, title, _ in outline(read(tmp_path, text))] == titles


def test_a_title_below_the_number_belongs_to_it(tmp_path: Path) -> None:
    text = "Chapter 1\nThe Long Road\n\nShe left.\n\nChapter 2\n\nTHE RIVER\n\nRain fell.\n\nChapter 3\nRain fell on.\n"
    assert outline(read(tmp_path, text)) == [
        (1, "Chapter 1: The Long Road", "She left."),
        (1, "Chapter 2: THE RIVER", "Rain fell."),
        (1, "Chapter 3", "Rain fell on."),
    ]


@pytest.mark.parametrize(
    "contents",
    [
        "CONTENTS\n\nChapter 1\n\nChapter 2",
        "Chapter 1\n\nChapter 2",
        "Contents\nChapter 1 ..... 5\nChapter 2 ..... 17",
        "TABLE OF CONTENTS\n\nChapter 1. The Hill      5\nChapter 2. The Top      17",
    ],
)
def test_a_table_of_contents_is_left_out_and_told(tmp_path: Path, contents: str) -> None:
    imported = read(tmp_path, f"A Walk\n\n{contents}\n\nChapter 1\n\nShe left.\n\nChapter 2\n\nRain.\n")
    assert outline(imported) == [(1, "Chapter 1", "She left."), (1, "Chapter 2", "Rain.")]
    assert "1 table of contents" in imported.report.lines()[0]


def test_equal_chapters_of_several_parts_are_no_table_of_contents(tmp_path: Path) -> None:
    text = "Part I\n\nChapter 1\n\nShe left.\n\nPart II\n\nChapter 1\n\nRain.\n"
    assert [title for _, title, _ in outline(read(tmp_path, text))] == ["Part I", "Chapter 1", "Part II", "Chapter 1"]


def test_indents_are_stripped_and_signs_are_no_marks(tmp_path: Path) -> None:
    text = (
        "    She came on a Monday, and *nobody* knew.\n\n\tIt was 5*3*2, some_name_here, [1] and `x` & &amp; <b>.\n\n"
        "　　那天下雨了。\n\n* * *\n\n# not a heading, but a number sign.\n\n1. Not a list.\n\n> not a quote\n"
    )
    (part,) = read(tmp_path, text).parts
    assert without_marks(part.text).split("\n\n") == [
        "She came on a Monday, and *nobody* knew.",
        "It was 5*3*2, some_name_here, [1] and `x` & &amp; <b>.",
        "那天下雨了。",
        "———",
        "# not a heading, but a number sign.",
        "1. Not a list.",
        "> not a quote",
    ]
    assert "some_name_here" in part.text


@pytest.mark.parametrize(
    "text",
    [
        "A long line of a story that was wrapped by hand at sixty\ncolumns as in old files, where a line may begin\n"
        "- a dash that is only a dash, or with the number of a year\n1984. which is no list, and goes on to its end.",
        "    A long line of a story that was wrapped by hand at sixty\ncolumns as in old files, where lines may begin\n"
        "# a sign that is no heading at all, and goes on and on here\nuntil the end.",
    ],
)
def test_wrapped_lines_are_joined(tmp_path: Path, text: str) -> None:
    (part,) = read(tmp_path, f"{text}\n\nAnd after it.\n").parts
    first, last = without_marks(part.text).split("\n\n")
    assert first == " ".join(text.split()) and last == "And after it."


def test_short_lines_stay_lines_and_lists_stay_lists(tmp_path: Path) -> None:
    (part,) = read(tmp_path, "The rain,\nthe sea,\nthe rain.\n\n- bread\n- salt\n\nThat was *all*.\n").parts
    assert part.text == "The rain,\\\nthe sea,\\\nthe rain.\n\n- bread\n- salt\n\nThat was \\*all\\*."


def test_lines_may_be_paragraphs(tmp_path: Path) -> None:
    text = "第一章 雨\n　　下雨了。\n　　她走了。\n第二章 雪\n　　下雪了。\n　　她回来了。\n"
    assert outline(read(tmp_path, text)) == [
        (1, "第一章 雨", "下雨了。\n\n她走了。"),
        (1, "第二章 雪", "下雪了。\n\n她回来了。"),
    ]


def test_a_text_with_markdown_headings_is_markdown_and_that_is_told(tmp_path: Path) -> None:
    imported = read(tmp_path, "# One\n\nSome *text*.\n\n# Two\n\nMore.\n")
    assert outline(imported) == [(1, "One", "Some *text*."), (1, "Two", "More.")]
    assert any("read as Markdown" in line for line in imported.report.lines())


def test_other_ends_of_lines_and_pages_separate(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("One line.\r\rTwo\u2028three.\u2029Four\x0cFive\x0bsix\x85seven.".encode())
    (part,) = read_file(tmp_path / "a.txt").parts
    assert part.text.split("\n\n") == ["One line.", "Two\\\nthree.", "Four", "Five\\\nsix\\\nseven."]


_SIGNS = st.text(st.sampled_from("ab1 .*_`[]()<>#&;!~-+=|\\:/\"'é太\n"), max_size=60)


@given(_SIGNS)
def test_no_sign_is_lost_or_read_as_a_mark(text: str) -> None:
    line = " ".join(text.split())
    assert without_marks(escaped(line)) == line


@given(_SIGNS)
def test_no_letter_of_a_text_is_lost(text: str) -> None:
    found = read_plain_text(clean(text), ImportReport())
    kept = found.title + found.author + without_marks(found.text)
    assert sorted(char for char in text if char.isalnum()) == sorted(
        char for char in kept if char.isalnum()
    ) or kept.count("1") > text.count("1")  # the number of a list


# -- encodings

SAMPLES = [
    ("koi8-r", "Глава первая\n\nОн приехал в город поздно вечером, и никто его не встретил."),
    ("cp1251", "Глава первая\n\nОна уехала рано утром."),
    ("cp866", "Глава первая\n\nОна уехала рано утром."),
    ("gb18030", "第一章 初雪\n\n她来到了山里，天气很冷。"),
    ("big5", "第一章\n\n她來到了山裡，天氣很冷。"),
    ("shift_jis", "第一章　冬\n\n彼女は山に行った。雪が降っていた。"),
    ("euc-jp", "第一章　冬\n\n彼女は山に行った。雪が降っていた。"),
    ("euc-kr", "제1장\n\n그녀는 산으로 갔다. 눈이 내렸다."),
    ("cp1252", "She said “naïve” – and left the café."),
    ("latin-1", "Die Bäume sind schön und größer."),
    ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy."),
    ("cp1253", "Ήρθε στο βουνό αργά το βράδυ."),
    ("cp1254", "Şimdi gidiyorum, çok güzel bir gündü."),
    ("cp1255", "היא הגיעה אל ההר בשעת ערב מאוחרת."),
    ("cp1256", "وصلت إلى الجبل في وقت متأخر."),
    ("cp874", "ฉันไปโรงเรียนทุกวัน"),
]


@pytest.mark.parametrize(("encoding", "text"), SAMPLES)
def test_a_guess_is_right_and_told_with_words_of_the_file(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    imported = read_file(tmp_path / "a.txt")
    assert decode(text.encode(encoding), tmp_path / "a.txt").text == text
    report = "\n".join(imported.report.lines())
    assert "which is a guess" in report and "--encoding" in report and imported.guesses[0].preview in report
    assert imported.guesses[0].preview.strip("…")[:8] in " ".join(text.split())


@pytest.mark.parametrize(("encoding", "text"), SAMPLES)
def test_an_encoding_that_the_user_names_is_certain(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    imported = read_file(tmp_path / "a.txt", encoding)
    words = " ".join(f"{part.title} {part.text}" for part in imported.parts)
    assert text.split()[-1] in words and imported.guesses == () and "guess" not in str(imported.report.lines())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("text", ["Chapter 1\r\n\r\nIt began in spring.\r\n", "第一章\n\n下雨了。\n", "Été\n\nNaïf.\n"])
def test_a_byte_order_mark_is_certain(tmp_path: Path, encoding: str, text: str) -> None:
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    (tmp_path / "a.txt").write_bytes(mark + text.encode(encoding))
    imported = read_file(tmp_path / "a.txt")
    assert imported.guesses == () and imported.parts[-1].text == text.split("\n")[-2].strip()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("lines", [("Chapter 1", "It began in spring."), ("第一章", "下雨了，她走到山上。")])
def test_utf_16_without_a_mark_is_a_guess(tmp_path: Path, encoding: str, lines: tuple[str, str]) -> None:
    (tmp_path / "a.txt").write_bytes(f"{lines[0]}\n\n{lines[1]}\n".encode(encoding))
    imported = read_file(tmp_path / "a.txt")
    assert outline(imported) == [(1, *lines)] and imported.guesses


def test_a_few_damaged_characters_of_utf_8_are_told(tmp_path: Path) -> None:
    data = ("Die Bäume sind schön, größer und älter. " * 30).encode()
    (tmp_path / "a.txt").write_bytes(data[:401] + data[402:])
    damaged = data.replace("ä".encode(), b"\xc3", 1)
    (tmp_path / "b.txt").write_bytes(damaged)
    imported = read_file(tmp_path / "b.txt")
    assert "Die B\ufffdume sind schön" in imported.parts[0].text
    assert "1 damaged character" in imported.report.lines()[0]
    assert read_file(tmp_path / "b.txt", "utf-8").parts == imported.parts


def test_a_guess_looks_where_the_letters_beyond_ascii_are(tmp_path: Path) -> None:
    text = "Just a word. " * 3_000 + "Она уехала рано утром, и никто не знал. " * 2_000
    (tmp_path / "a.txt").write_bytes(text.encode("koi8-r"))
    imported = read_file(tmp_path / "a.txt")
    assert imported.guesses[0].encoding == "koi8_r" and "Она уехала" in imported.guesses[0].preview
    assert "\ufffd" not in imported.parts[0].text
    # What fits at first may not fit in the end.
    text = "Die Bäume. " * 2_000 + "„Ja“, sagte er – “so” €."
    (tmp_path / "b.txt").write_bytes(text.encode("cp1252"))
    assert read_file(tmp_path / "b.txt").parts[0].text.endswith("„Ja“, sagte er – “so” €.")


def test_encodings_that_do_not_exist_or_fit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Bäume".encode("latin-1"))
    for name in ("klingon", "rot13", "base64", ""):
        if name:
            with pytest.raises(UsageError, check=has_code("unknown-encoding")):
                read_file(tmp_path / "a.txt", name)
    for name in ("utf-8", "idna", "punycode", "undefined"):
        with pytest.raises(DocumentError, check=has_code("wrong-encoding")):
            read_file(tmp_path / "a.txt", name)
    for data in (b"a\0\0\0b\xff\x00\x01\x02", b"abc\0def\n", b"a line of text\0and more of it.\n"):
        (tmp_path / "b.txt").write_bytes(data)
        with pytest.raises(DocumentError, check=has_code("not-text")):
            read_file(tmp_path / "b.txt")


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_one_line(data: bytes) -> None:
    try:
        decoded = decode(data, Path("a.txt"))
    except DocumentError as error:
        assert "\n" not in str(error)
    else:
        assert "\0" not in decoded.text
    assert all(guess.label for guess in guesses(data))
