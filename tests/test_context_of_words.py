"""Words that a language translates in one way here and in another way there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lwtui import translation
from lwtui.translation import _, _p

CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Key"
msgstr "Schlüssel"

msgctxt "citation"
msgid "Key"
msgstr "Kürzel"

msgctxt "citation"
msgid "{count} times"
msgstr "{count}-mal"
"""


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("CONFIG", "CACHE"):
        monkeypatch.setenv(f"LWTUI_{name}_DIR", str(tmp_path))
    monkeypatch.setenv("LWTUI_LANGUAGE", "de")
    (tmp_path / "locale").mkdir()
    (tmp_path / "locale" / "de.po").write_text(CATALOGUE, encoding="utf-8")
    for cached in (translation._language, translation._catalogue):
        cached.cache_clear()
    yield
    for cached in (translation._language, translation._catalogue):
        cached.cache_clear()


@pytest.mark.usefixtures("german")
def test_a_word_is_translated_as_its_context_asks() -> None:
    assert _p("citation", "Key") == "Kürzel"
    assert _p("citation", "{count} times", count=3) == "3-mal"
    assert _("Key") == "Schlüssel"


@pytest.mark.usefixtures("german")
def test_without_a_translation_for_the_context_the_usual_one_is_taken() -> None:
    assert _p("keyboard", "Key") == "Schlüssel"
    assert _p("keyboard", "{count} keys", count=2) == "2 keys"


def test_english_needs_no_catalogue() -> None:
    assert _p("citation", "Key") == "Key"
    assert _p("citation", "{count} times", count=3) == "3 times"
