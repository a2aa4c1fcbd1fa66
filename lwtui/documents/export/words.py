"""The few words that an export adds to a text, in the text's language where they are known."""

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
_TRADITIONAL = {"tw", "hk", "mo", "hant"}


def contents_title(language: str) -> str:
    """The heading of a table of contents, in ``language`` (BCP 47) or in English."""
    first, *rest = language.lower().split("-")
    if first == "zh" and _TRADITIONAL.intersection(rest):
        first = "yue"
    return _CONTENTS.get(first, _CONTENTS["en"])


def runs_right_to_left(language: str) -> bool:
    return language.lower().partition("-")[0] in {"ar", "fa", "he", "ur", "yi", "ps", "dv", "ckb"}
