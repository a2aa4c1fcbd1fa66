"""Translations of the words that an export adds to a text, and writing directions."""

from __future__ import annotations

_CONTENTS = {
    "ar": "المحتويات",
    "cs": "Obsah",
    "da": "Indhold",
    "de": "Inhalt",
    "el": "Περιεχόμενα",
    "en": "Contents",
    "es": "Índice",
    "fi": "Sisällys",
    "fr": "Table des matières",
    "he": "תוכן העניינים",
    "it": "Indice",
    "ja": "目次",
    "ko": "목차",
    "nl": "Inhoud",
    "no": "Innhold",
    "pl": "Spis treści",
    "pt": "Sumário",
    "ru": "Содержание",
    "sv": "Innehåll",
    "tr": "İçindekiler",
    "uk": "Зміст",
    "zh": "目录",
}
_CONTENTS |= {"yue": "目錄", "nb": _CONTENTS["no"], "nn": "Innhald"}
_REFERENCES = {
    "ar": "المراجع",
    "cs": "Literatura",
    "da": "Litteratur",
    "de": "Literatur",
    "el": "Βιβλιογραφία",
    "en": "References",
    "es": "Referencias",
    "fi": "Lähteet",
    "fr": "Références",
    "he": "מקורות",
    "it": "Riferimenti",
    "ja": "参考文献",
    "ko": "참고 문헌",
    "nl": "Referenties",
    "no": "Referanser",
    "pl": "Bibliografia",
    "pt": "Referências",
    "ru": "Список литературы",
    "sv": "Referenser",
    "tr": "Kaynakça",
    "uk": "Список літератури",
    "zh": "参考文献",
}
_REFERENCES |= {"yue": "參考文獻", "nb": _REFERENCES["no"], "nn": _REFERENCES["no"]}
_TRADITIONAL = {"tw", "hk", "mo", "hant"}


def contents_title(language: str) -> str:
    """Return the heading of a table of contents in ``language`` (BCP 47), or in English if it is unknown."""
    return _of_language(_CONTENTS, language)


def references_title(language: str) -> str:
    """Return the heading of a list of references in ``language`` (BCP 47), or in English if it is unknown."""
    return _of_language(_REFERENCES, language)


def _of_language(words: dict[str, str], language: str) -> str:
    first, *subtags = language.lower().split("-")
    if first == "zh" and _TRADITIONAL.intersection(subtags):
        first = "yue"
    return words.get(first, words["en"])


def is_right_to_left(language: str) -> bool:
    """Tell whether ``language`` (BCP 47) is written from right to left."""
    return language.lower().partition("-")[0] in {"ar", "fa", "he", "ur", "yi", "ps", "dv", "ckb"}
