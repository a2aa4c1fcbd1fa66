"""The length that an instruction asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text.asked_length import AskedLength, asked_length, words_in


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("Write a 2,000-word essay on rain", 2000),
        ("Write 5000 words about rain", 5000),
        ("an essay of 1.500 Wörtern über Regen", 1500),
        ("un texte de 3 000 mots", 3000),
        ("2k words on rain", 2000),
        ("1.5k words on rain", 1500),
        ("A report of 10000 words with 500 words a chapter", 10000),
        ("写一篇2000字的文章", 2000),
        ("写一篇关于城市为什么应该多种树的文章，120字。", 120),
        ("写一篇文章，约1，200字。", 1200),
        ("Write an essay on trees,800 words", 800),
        ("写一篇 3 千字的文章", 3000),
        ("写一篇2万字的报告", 20000),
        ("写一篇关于长城的文章，两千字", 2000),
        ("一万五千字以上", 15000),
        ("三千五百个字", 3500),
        ("2000文字で書いて", 2000),
        ("Напиши 800 слов о дожде", 800),
    ],
)
def test_the_length_in_an_instruction_is_found(instruction: str, words: int) -> None:
    assert words_in(instruction) == words


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("비에 대한 글을 3000자로 써 줘", 3000),
        ("3,000자 내외의 글", 3000),
        ("1만 자 분량의 소설", 10000),
        ("2천 단어로 써 주세요", 2000),
        ("Напиши эссе о дожде, 3 тысячи слов", 3000),
        ("эссе на 3 тыс. слов", 3000),
        ("две тысячи слов о дожде", 2000),
        ("пятьсот слов", 500),
        ("Напиши есе на 2 000 слів", 2000),
        ("есе на дві тисячі слів", 2000),
        ("two thousand words on rain", 2000),
        ("Two thousand five hundred words", 2500),
        ("a thousand words about rain", 1000),
        ("twelve hundred words", 1200),
        ("one and a half thousand words", 1500),
        ("write five-hundred words", 500),
        ("1.5k words", 1500),
        ("1,5k Wörter", 1500),
        ("12,000 words", 12000),
        ("12.000 Wörter", 12000),
        ("12'000 Wörter", 12000),
        ("zweitausend Wörter über Regen", 2000),
        ("fünfhundert Wörter", 500),
        ("2 500 mots", 2500),
        ("2\u202f500 mots sur la pluie", 2500),
        ("2\u00a0500 mots sur la pluie", 2500),
        ("deux mille mots", 2000),
        ("cinq cents mots", 500),
        ("dos mil palabras", 2000),
        ("2 mil palabras sobre la lluvia", 2000),
        ("quinientas palabras", 500),
        ("duas mil palavras", 2000),
        ("duemila parole", 2000),
        ("1.000 parole sulla pioggia", 1000),
        ("1200 woorden over regen", 1200),
        ("1 200 ord om regn", 1200),
        ("esej na 1500 słów", 1500),
        ("dwa tysiące słów o deszczu", 2000),
        ("esej o 1500 słowach", 1500),
        ("esej na 2 tysiące słów", 2000),
        ("esej o dešti, 1500 slov", 1500),
        ("1500 kelimelik bir deneme", 1500),
        ("iki bin kelime", 2000),
        ("Viết bài văn 1500 từ về mưa", 1500),
        ("bài văn 2 nghìn chữ", 2000),
        ("1500 kata tentang hujan", 1500),
        ("اكتب مقالا من 1500 كلمة", 1500),
        ("اكتب مقالا من ١٥٠٠ كلمة", 1500),
        ("مقال من ١٬٥٠٠ كلمة", 1500),
        ("خمسة آلاف كلمة", 5000),
        ("ألف كلمة عن المطر", 1000),
        ("یک مقاله ۲۰۰۰ کلمه\u200cای", 2000),
        ("۱۵۰۰ الفاظ کا مضمون", 1500),
        ("מאמר של 1,500 מילים", 1500),
        ("बारिश पर 1500 शब्दों का निबंध", 1500),
        ("१५०० शब्द", 1500),
        ("1,00,000 शब्द", 100000),
        ("เขียนเรียงความ 1500 คำ", 1500),
        ("เรียงความ ๑๕๐๐ คำ", 1500),
        ("২০০০ শব্দের রচনা", 2000),
        ("1500 λέξεις για τη βροχή", 1500),
        ("三千字", 3000),
        ("1万字", 10000),
        ("1.5万字", 15000),
        ("1万5千字", 15000),
        ("３０００字", 3000),
        ("3,000 語で", 3000),
        ("3,000字程度", 3000),
        ("两万字以内", 20000),
    ],
)
def test_lengths_in_many_languages(instruction: str, words: int) -> None:
    assert words_in(instruction) == words


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("800-1000 words", 900),
        ("800–1,000 words on rain", 900),
        ("800 to 1,000 words", 900),
        ("between 800 and 1000 words", 900),
        ("2-3k words", 2500),
        ("2k-3k words", 2500),
        ("zwischen 800 und 1000 Wörtern", 900),
        ("800 bis 1.000 Wörter", 900),
        ("entre 800 et 1000 mots", 900),
        ("entre 800 y 1.000 palabras", 900),
        ("от 800 до 1000 слов", 900),
        ("800到1000字", 900),
        ("800~1000자", 900),
        ("800字至1000字", 900),
        ("at least 2000 words", 2000),
        ("no more than 500 words", 500),
        ("about 500 words or so", 500),
        ("two poems and 500 words", 500),
        ("chapter 3 and 500 words", 500),
    ],
)
def test_ranges_and_bounds(instruction: str, words: int) -> None:
    assert words_in(instruction) == words


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("500 words per chapter, 10 chapters", 5000),
        ("10 chapters, 500 words per chapter", 5000),
        ("10 chapters of 500 words each", 5000),
        ("10 chapters of 500 words", 5000),
        ("ten chapters, each chapter about 500 words", 5000),
        ("a novel in ten chapters, 500 words each", 5000),
        ("A book with 10 chapters. Each chapter has 500 words.", 5000),
        ("5 sections of about 300 words", 1500),
        ("a 500-word-per-chapter book with 10 chapters", 5000),
        ("500 words/chapter, 10 chapters", 5000),
        ("800-1000 words per chapter, 10 chapters", 9000),
        ("two thousand words per chapter, five chapters", 10000),
        ("500 words a day for 10 days", 5000),
        ("five paragraphs of 100 words each", 500),
        ("10 Kapitel mit je 500 Wörtern", 5000),
        ("500 Wörter pro Kapitel, 10 Kapitel", 5000),
        ("10 chapitres de 500 mots", 5000),
        ("500 mots par chapitre, 10 chapitres", 5000),
        ("10 capítulos de 500 palabras", 5000),
        ("10 capitoli di 500 parole", 5000),
        ("10 глав по 500 слов", 5000),
        ("500 слов на главу, 10 глав", 5000),
        ("每章500字，共10章", 5000),
        ("10章，每章500字", 5000),
        ("十章，每章两千字", 20000),
        ("20 глав, каждая по 1000 слов", 20000),
        ("mỗi chương 500 từ, 10 chương", 5000),
        ("500-600 words for each of the 8 sections", 4400),
        ("five chapters. Each should be about 800 words.", 4000),
        ("Each of the 6 chapters should have 1000 words", 6000),
        ("800 words × 5 chapters", 4000),
        ("5 x 800 words", 4000),
        ("10 bölüm, her bölüm 500 kelime", 5000),
        ("각 장 500자, 10장", 5000),
        ("10章構成、各章500字", 5000),
        ("10 chapters, 5000 words", 5000),
        ("10 chapters with 5000 words in total", 5000),
        ("a 5,000-word paper with 10 chapters of 300 words each", 5000),
    ],
)
def test_lengths_of_parts_are_multiplied(instruction: str, words: int) -> None:
    assert words_in(instruction) == words


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("a 5-page essay on rain", 1250),
        ("five pages on rain", 1250),
        ("3-5 pages", 1000),
        ("ein Aufsatz von 4 Seiten", 1000),
        ("写5页报告", 2500),
        ("原稿用紙5枚", 2000),
        ("a 5-page essay of 1,500 words", 1500),
        ("see page 5 and pages 3-5", None),
        ("a review of the 300-page book", None),
    ],
)
def test_pages_are_taken_where_no_words_are_told(instruction: str, words: int | None) -> None:
    assert words_in(instruction) == words


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("a 300-word abstract for a 5,000-word paper", 5000),
        ("a 5,000-word paper and a 300-word abstract", 5000),
        ("a 300-word abstract", 300),
        ("Summarize this 5,000-word paper in 300 words", 300),
        ("Shorten a 5,000-word paper to 300 words", 300),
        ("Review my 5,000-word story in 800 words", 800),
        ("An essay on “A picture in 1,000 words” of 500 words", 500),
        ("a text of 500 words about the number of words", 500),
    ],
)
def test_the_length_of_the_whole_is_taken(instruction: str, words: int) -> None:
    assert words_in(instruction) == words


@pytest.mark.parametrize(
    "instruction",
    [
        "Write about the year 2024",
        "Write about rain",
        "Explain the 3 rules of rain",
        "A slogan of 5 words",
        "9000000000 words",
        "9" * 400 + " words",
        "A poem about the word rain",
        "写一个字",
        "In other words, write about rain",
        "What is in a word?",
        "How words changed in 2024. Words matter",
        "In 2024 words were cheap",
        "Write about the essay “1,000 words a day”",
        'A review of the book "1,000 Words"',
        "An essay titled A Thousand Words",
        "Why a picture is worth a thousand words",
        "How to reach a vocabulary of 2,000 words",
        "How to read 250 words per minute",
        "thousands of words",
        "《一万字》的书评",
        "Write it with a 300-word introduction",
        "Sentences of at most 20 characters per line",
    ],
)
def test_an_instruction_may_have_no_usable_length(instruction: str) -> None:
    assert words_in(instruction) is None


@pytest.mark.parametrize(
    ("instruction", "explained"),
    [
        ("Write a 2,000-word essay", "2,000 words, from “2,000-word”"),
        ("500 words per chapter, 10 chapters", "5,000 words, from “500 words per chapter, 10 chapters” (10 × 500)"),
        (
            "A book with 10 chapters on rain, 500 words each",
            "5,000 words, from “10 chapters, 500 words each” (10 × 500)",
        ),
        ("write 800 to 1,000 words", "900 words, from “800 to 1,000 words”"),
        ("a 5-page essay", "1,250 words, from “5-page” (250 words a page)"),
        ("مقال من ١٥٠٠ كلمة", "1,500 words, from “١٥٠٠ كلمة”"),
        ("esej na 2 tysiące słów", "2,000 words, from “2 tysiące słów”"),
    ],
)
def test_a_length_is_told_with_the_words_that_it_came_from(instruction: str, explained: str) -> None:
    found = asked_length(instruction)
    assert found is not None and found.explain_fully("words") == explained
    assert explained.startswith(found.explain("words"))


@given(st.text(alphabet="0123456789 .,-kwords字千两a\n“”", max_size=80))
def test_any_instruction_can_be_read(instruction: str) -> None:
    found = asked_length(instruction)
    assert found is None or (isinstance(found, AskedLength) and 20 <= found.words <= 1_000_000 and found.source)


@pytest.mark.parametrize(
    "unit",
    [
        "1 ",
        "1,000 ",
        "a ",
        "word ",
        "chapter ",
        "per ",
        "“",
        "一",
        "two ",
        "two and ",
        "1-",
        "*",
        "500 words per chapter ",
        "each chapter ",
    ],
)
def test_a_long_instruction_is_read_in_time(unit: str) -> None:
    asked_length(unit * (20_000 // len(unit)))
