"""Language detection."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text import detect_language
from lwtui.text.language import UNKNOWN
from tests.text.instruction_table import TABLE, instructions_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Write a guide to growing tomatoes on a balcony", "en"),
        ("Write about tea", "en"),
        ("Write 2,000 words on tea", "en"),
        ("Schreibe einen Leitfaden über Tomaten auf dem Balkon", "de"),
        ("Écris un guide sur la culture des tomates pour le balcon", "fr"),
        ("Escribe una guía sobre el cultivo de los tomates", "es"),
        ("Escreva um guia sobre o cultivo de tomates em casa", "pt"),
        ("Scrivi una guida per la coltivazione della pianta che ami", "it"),
        ("Schrijf een gids over het kweken van tomaten", "nl"),
        ("写一篇关于阳台番茄的文章", "zh"),
        ("ベランダでトマトを育てる方法を書いてください", "ja"),
        ("발코니에서 토마토를 키우는 방법", "ko"),
        ("Напиши руководство по выращиванию томатов", "ru"),
        ("اكتب دليلا لزراعة الطماطم", "ar"),
        ("כתוב מדריך לגידול עגבניות", "he"),
        ("Γράψε έναν οδηγό για ντομάτες", "el"),
        ("टमाटर उगाने की मार्गदर्शिका", "hi"),
        ("เขียนคู่มือปลูกมะเขือเทศ", "th"),
        ("写一篇 about tomatoes 的文章", "zh"),
        ("Tomatoes", UNKNOWN),
        ("Write about Škoda and Łódź and Čapek", None),
        ("pizza", UNKNOWN),
        ("", UNKNOWN),
        ("12345 !?", UNKNOWN),
    ],
)
def test_detecting_a_language(text: str, language: str | None) -> None:
    assert detect_language(text) in ((language,) if language else ("en", UNKNOWN))


@pytest.mark.parametrize("language", list(TABLE))
def test_no_instruction_gets_a_wrong_language(language: str, record_property: Callable[[str, object], None]) -> None:
    found = [detect_language(instruction) for instruction in instructions_of(language)]
    record_property("instances", len(found))
    assert len(found) == 25 and set(found) <= {language, UNKNOWN}


def test_most_instructions_of_forty_languages_get_their_language() -> None:
    assert len(TABLE) >= 40
    found = [detect_language(text) == language for language in TABLE for text in instructions_of(language)]
    assert sum(found) >= 0.85 * len(found)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Напиши про їжу та ґанок", "uk"),
        ("Напішы пра поўнач і дождж", "be"),
        ("درباره‌ی گربه و چای بنویس", "fa"),
        ("بلی اور ٹرین کے بارے میں لکھیں", "ur"),
        ("Napisz o łodzi i żaglach", "pl"),
        ("Scrie despre păsări și țări", "ro"),
        ("Napiš o řece a větru", "cs"),
        ("Írj az őszről és a hűvös időről", "hu"),
        ("Çiçekler hakkında yaz, ışığı anlat", "tr"),
        ("Hãy viết về những cơn mưa", "vi"),
    ],
)
def test_letters_tell_near_languages_apart(text: str, language: str) -> None:
    assert detect_language(text) in (language, UNKNOWN)
    assert detect_language(f"{text}. {text.lower()}") == language


@given(st.text())
def test_any_text_gets_a_tag(text: str) -> None:
    assert detect_language(text).isalpha()


def test_the_model_is_loaded_only_when_it_is_needed() -> None:
    code = (
        "import sys; from lwtui.text import detect_language\n"
        "assert detect_language('写一篇文章') == 'zh'; print('py3langid' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def test_languages_are_told_without_room_for_a_temporary_file() -> None:
    code = (
        "from lwtui.text import detect_language as d;"
        "print(d('Write a short guide to the history of tea'), d('写一篇文章'), d('Schreibe einen Text'))"
    )
    command = [sys.executable, "-c", f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9)); {code}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == ["en", "zh", UNKNOWN]
