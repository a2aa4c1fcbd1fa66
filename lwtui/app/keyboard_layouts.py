"""Which Latin letter is on the key of a letter, so that shortcuts work without switching keyboard layouts.

Each row lists what the keys of a US keyboard produce in another layout, in the same order.
"""

from __future__ import annotations

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
_LAYOUTS = (
    "йцукенгшщзхъфывапролджэячсмитьбю",  # Russian
    "йцукенгшщзхїфівапролджєячсмитьбю",  # Ukrainian
    ";ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,.",  # Greek
    "/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ",  # Hebrew
    "ضصثقفغعهخحجدشسيبلاتنمكطئءؤرﻻىةوز",  # Arabic
)


def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for layout in _LAYOUTS:
        for letter, key in zip(layout, _LATIN, strict=True):
            if key.isalpha() and not letter.isascii():
                table.setdefault(letter, key)
                if letter.upper().lower() == letter:  # not so for the final sigma
                    table.setdefault(letter.upper(), key.upper())
    return table


_KEYS = _table()


def latin_key(letter: str) -> str:
    """Return the letter that the key of ``letter`` has on a US keyboard; empty if it is in no other layout."""
    return _KEYS.get(letter, "")
