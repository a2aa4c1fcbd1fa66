"""Language detection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.text import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Write a guide to growing tomatoes on a balcony", "en"),
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
        ("Tomatoes", "en"),
        ("", "en"),
        ("12345 !?", "en"),
    ],
)
def test_detecting_a_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@given(st.text())
def test_any_text_gets_a_tag(text: str) -> None:
    assert detect_language(text).isalpha()
