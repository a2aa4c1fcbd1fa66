"""Word counts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text import RunningCount, count_words, counts_characters, units


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        (" \n\t ", 0),
        ("Tomatoes like the sun.", 4),
        ("Don't count a well-known word twice.", 6),
        ("“Quoted” — and dashed – words…", 4),
        ("3.5 kg cost 1,200 in 2024", 6),
        ("## Heading\n\n- **bold** item\n* _other_", 4),
        ("* * *\n---\n| a | b |", 2),
        ("me@example.org and/or you", 3),
        ("Größe naïve Ελλάδα Москва", 4),
        ("שלום עולם مرحبا بالعالم", 4),
        ("한국어 문장입니다", 2),
        ("हिन्दी में लिखा", 3),
        ("番茄喜欢阳光。", 6),
        ("トマトは太陽が好きです。", 11),
        ("番茄 tomato 和 2 kg 土", 7),
        ("中文ABC中文", 5),
        ("e\u0301te\u0301 cafe\u0301", 2),
        ("🍅🍅 👍", 0),
        ("ㄅㄆㄇ コーヒー ｶﾞｷﾞ", 11),
        ("大韓民國은 나라", 6),
        ("2024年有365天", 5),
        ("看https://example.org/a?b=c。好", 3),
    ],
)
def test_counting_words_and_cjk_characters(text: str, length: int) -> None:
    assert count_words(text) == length


@pytest.mark.parametrize(
    "word",
    [
        *("می\u200cخواهم", "کتاب\u200cها", "كتـاب", "كِتَابٌ", "شرك\u064eة", "١٬٠٠٠", "٣٫٥"),
        *("צה״ל", 'צה"ל', "ג׳ירפה", "צ'יפס", "בית־ספר", "שָׁלוֹם"),
        *("co\u00adoperate", "foo\u2060bar", "long\u200bword", "wo\u200erd", "well\u2010known", "well\u2011known"),
        *("don＇t", "don’t", "don‘t", "don′t", "Hawai\u02bbi", "rock'n'roll", "rock-'n'-roll", "l'home", "col·lecció"),
        *(
            "ශ්\u200dරී",
            "क्\u200dष",
            "അവന്\u200d",
            "বাংলায়",
            "Ինչո՞ւ",
            "հա՜յ",
            "EU:n",
            "1\u202f000\u202f000",
            "ᠮᠣᠩᠭᠣᠯ\u202fᠤᠨ",
        ),
        *("3.14", "1,000.50", "10:30", "1⁄2", "v1.2.3", "1️⃣", "a.b@c.org", "snake_case", "AT&T", "e\u0301te\u0301"),
        *("https://example.org/a?b=c&d=e", "http://en.example.org/wiki/A_(b)", "www.example.org/?q=1", "ftp://a.b/c-d"),
    ],
)
def test_what_is_one_word(word: str) -> None:
    assert units(word) == [word]
    assert count_words(f"({word}) “{word}”, {word}.") == 3
    count = RunningCount()
    for character in f"{word} {word}":
        count.add(character)
    assert count.words == 2


@pytest.mark.parametrize(
    "text",
    [
        "word—word",
        "word--word",
        "wait...what",
        "wait…what",
        "ሰላም፡ለዓለም",
        "བོད་སྐད་",
        "10\u00a0km",
        "C++ C#",
        "'tis ’twas",
        "«a» ‹b›",
    ],
)
def test_what_is_two_words(text: str) -> None:
    assert count_words(text) == 2


@pytest.mark.parametrize(
    "text", ["[text](http://example.org/x?y=z) end", "![alt text](a.png)", "<https://a.org/b?c> [b](c.md)"]
)
def test_an_address_in_markdown_is_a_word(text: str) -> None:
    assert count_words(text) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ฉันรักประเทศไทยมากที่สุดในโลก", "ฉัน รัก ประเทศไทย มาก ที่สุด ใน โลก"),
        ("ខ្ញុំស្រឡាញ់ប្រទេសកម្ពុជា។", "ខ្ញុំ ស្រឡាញ់ ប្រទេស កម្ពុជា"),
        ("ខ្ញុំ\u200bស្រឡាញ់\u200bប្រទេស\u200bកម្ពុជា", "ខ្ញុំ ស្រឡាញ់ ប្រទេស កម្ពុជា"),
        ("ຂ້ອຍຮັກປະເທດລາວ", "ຂ້ອຍ ຮັກ ປະເທດ ລາວ"),
        ("ကျွန်တော်မြန်မာနိုင်ငံကိုချစ်တယ်။", "ကျွန်တော် မြန်မာနိုင်ငံ ကို ချစ် တယ်"),
        ("ปี 2024 ใช้ Python ได้ฟรี", "ปี 2024 ใช้ Python ได้ ฟรี"),
    ],
)
def test_words_without_spaces_are_found_with_a_dictionary(text: str, words: str) -> None:
    assert units(text) == words.split()
    assert count_words(text) == len(words.split())


@pytest.mark.parametrize(
    "passage", ["ในโลกนี้ฉันรักประเทศไทยมาก", "ខ្ញុំស្រឡាញ់ប្រទេសកម្ពុជា", "ຂ້ອຍຮັກປະເທດລາວ", "ကျွန်တော်မြန်မာနိုင်ငံ", "ไทยabcไทย"]
)
def test_a_growing_text_without_any_space_is_counted_as_the_whole(passage: str) -> None:
    text = passage * 60
    count = RunningCount()
    for start in range(0, len(text), 7):
        count.add(text[start : start + 7])
        if start % 91 == 0:
            assert count.words == count_words(text[: start + 7])
    assert count.words == count_words(text)


def test_no_dictionary_is_loaded_for_other_scripts() -> None:
    code = "import sys; from lwtui.text import count_words; count_words('word 番茄'); print('icu4py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


@pytest.mark.parametrize(
    ("language", "expected"), [("zh", True), ("zh-TW", True), ("ja", True), ("en", False), ("ko", False), ("", False)]
)
def test_lengths_in_chinese_and_japanese_are_in_characters(language: str, expected: bool) -> None:
    assert counts_characters(language) is expected


_TOKENS = [
    "word",
    " ",
    "'",
    "-",
    ".",
    "3",
    ",",
    "\n",
    "番茄",
    "は",
    "é",
    "\u0301",
    "’",
    "@",
    "/",
    "\u3000",
    "中a",
    "_",
    "ไทย",
    "\u200c",
    "\u00ad",
    "\u202f",
    '"',
    "צ",
    "https://",
    "(",
]
_PIECES = st.lists(st.one_of(st.sampled_from(_TOKENS), st.text(max_size=5)), max_size=40)


@given(_PIECES)
def test_a_running_count_equals_the_count_of_the_whole(pieces: list[str]) -> None:
    count = RunningCount(pieces[0] if pieces else "")
    for end, piece in enumerate(pieces[1:], 2):
        count.add(piece)
        assert count.words == count_words("".join(pieces[:end]))


@given(st.integers(1, 9), st.sampled_from(["番茄喜欢阳光和水分", "unbroken", "a-b", "a.b,c'd", "中a文b", "．。", "x́́"]))
def test_a_long_text_without_white_space_is_counted_correctly_in_pieces(size: int, unit: str) -> None:
    text = unit * 150
    count = RunningCount()
    for start in range(0, len(text), size):
        count.add(text[start : start + size])
    assert count.words == count_words(text)


@given(st.text(), st.text())
def test_white_space_separates_words(first: str, second: str) -> None:
    assert count_words(f"{first}\n\n{second}") == count_words(first) + count_words(second)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Tea is old [@gray2020].", 3),
        ("Tea is old [@gray2020, p. 12; see @li2019].", 3),
        ("Tea is old [see @{https://tea.example/}].", 3),
        ("茶很古老[@gray2020, p. 3]。", 4),
        ("As @gray2020 says, it is old.", 6),
        ("Write to [ann@tea.example] or [@ann](https://tea.example/).", 6),
        ("a[@b]c", 2),
        ("It is [old @ heart], [2] and [12].", 7),
        ("It is [@gray2020", 3),
    ],
)
def test_citations_in_brackets_are_no_words(text: str, words: int) -> None:
    assert count_words(text) == len(units(text)) == words
    for size in (1, 3, 7):
        running = RunningCount()
        for start in range(0, len(text), size):
            running.add(text[start : start + size])
        assert running.words == words


def test_a_bracket_that_stays_open_is_counted_in_pieces() -> None:
    running = RunningCount("It is [old")
    for _ in range(1_000):
        running.add(" tea")
    assert running.words == 1_003 and len(running._tail) < 500
    chinese = RunningCount("茶[")
    chinese.add("茶" * 2_000)
    assert chinese.words == 2_001 and len(chinese._tail) < 2_000


def test_many_brackets_are_counted_fast() -> None:
    assert count_words("[@" * 200_000) == 0
    assert count_words("[a " + "@b " * 200_000) == 200_001
    assert count_words(("[" + "@ " * 190 + "] ") * 2_000) == 0
