"""Fonts for every character of a text: which of those on this machine to use, and what to install where none has it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from typst import FontInfo

SERIF, MONO = "Libertinus Serif", "DejaVu Sans Mono"  # these come with Typst
# What they hold (as much of it as is useful), since their files are not at hand.
_IN_SERIF = regex.compile(
    r"[\u0020-\u007e\u00a0-\u02ff\u037a-\u037e\u0384-\u03e1\u03f0-\u0477\u048c-\u04f9\u05d0-\u05ea\u05f0-\u05f4"
    r"\u1e00-\u200a\u2010-\u2027\u202f-\u203e\u2042-\u204b\u2070-\u209c\u20a2-\u20b1\u20b9\u20bf\u2100-\u2127"
    r"\u2132-\u2139\u2153-\u2184\u2190-\u2199\u21cb-\u21d9\u2200-\u222e\u223c\u2245\u2248\u2259\u2260-\u2265"
    r"\u2282-\u2285\u2460-\u2487\u24b6-\u24ff\u25a0\u25a1\u25c6-\u25d7\u2605\u2639-\u2653\u2660-\u266f\u2714"
    r"\u2718\u2776-\u277f]"
)
_IN_MONO = regex.compile(
    r"[\u0531-\u058a\u0621-\u063a\u0640-\u064a\u0660-\u066d\u06f0-\u06f9\u10d0-\u10fc\u2190-\u2269\u2300-\u2321"
    r"\u2335-\u2383\u2388-\u238b\u2500-\u262f\u2638-\u268b\u2690-\u269c\u2701-\u2704\u2706-\u2709\u270c-\u2727"
    r"\u2729-\u274b\u274d\u274f-\u2752\u2756\u2758-\u275e\u2761-\u2775\u2794\u2798-\u27af\u27b1-\u27be\u27e6-\u27eb"
    r"\u2b05-\u2b0d\u2b12-\u2b1a\ufffd]"
)
_INVISIBLE = regex.compile(r"[\p{C}\p{Z}\p{M}\s\u200b-\u200f\ufe00-\ufe0f]")  # marks go with what they stand on
_EMOJI = regex.compile(r"\p{Emoji_Presentation}")
_PYTHON_FONTS = ("manimgx_fonts", "manimgx_fonts_cjk")  # packages whose folder holds fonts
# Where Chinese, Japanese and Korean fonts differ, by the end of their names; the first is for Han alone.
_CJK_ENDINGS = {"zh": "SC", "ja": "JP", "ko": "KR", "yue": "HK"}
_TRADITIONAL = {"tw": "TC", "hant": "TC", "hk": "HK", "mo": "HK"}
_FAMILIES_IN_NAME = ("serif", "song", "ming", "mincho", "batang", "myungjo")
# By the first word of a character's name: what it is, and what to install.
_CJK = "Noto Serif CJK (apt install fonts-noto-cjk, or pip install manimgx-fonts-cjk)"
_OTHERS = "a Noto font for it (apt install fonts-noto-core fonts-noto-extra, or from fonts.google.com/noto)"
_INSTALL = {
    "CJK": ("Chinese characters", _CJK),
    "HIRAGANA": ("Japanese", _CJK),
    "KATAKANA": ("Japanese", _CJK),
    "HANGUL": ("Korean", _CJK),
    "symbols": ("symbols", _OTHERS),
    "emoji": ("emoji", "Noto Emoji (apt install fonts-noto-color-emoji, or pip install manimgx-fonts)"),
}
_MOST_NOTES = 3
_SHOWN = 5  # characters named in a note


@dataclass(frozen=True)
class FontChoice:
    """The families to set a text in, the most wanted first, and the characters that no font on the machine has."""

    families: tuple[str, ...]
    missing: str


def folders() -> list[Path]:
    """Where fonts are besides the system's places: in packages, and in ``TYPST_FONT_PATHS``."""
    found = [Path(one) for one in os.environ.get("TYPST_FONT_PATHS", "").split(os.pathsep) if one]
    for package in _PYTHON_FONTS:
        spec = find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            found += [Path(one) for one in spec.submodule_search_locations]
    return found


def choose(text: str, language: str, fonts: Sequence[FontInfo]) -> FontChoice:
    """Families among ``fonts`` that have all characters of ``text`` between them, as few as will do."""
    wanted = {one for one in set(text) if not _INVISIBLE.match(one)}
    emoji = {one for one in wanted if _EMOJI.match(one)}
    left = {one for one in wanted - emoji if not _IN_SERIF.match(one)}
    symbols = {one for one in left if _IN_MONO.match(one) and not regex.match(r"\p{L}|\p{N}", one)}
    families = [SERIF]
    left = _cover(left - symbols, _ranked(fonts, language), families) | emoji
    left = _cover(left, _ranked(fonts, language, emoji=True), families)
    left = {one for one in left if not _IN_MONO.match(one)}
    return FontChoice((*families, MONO), "".join(sorted(left)))


def notes(missing: str) -> list[str]:
    """A line for each script that has characters in ``missing``: which they are, and what to install."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in missing:
        script = _script(one)
        found.setdefault(_INSTALL.get(script, (script.capitalize(), _OTHERS)), []).append(one)
    most_first = sorted(found.items(), key=lambda item: -len(item[1]))
    lines = [
        f"No font on this machine has {name} ({_some(characters)}): the PDF shows boxes in their place."
        f" Install {font} and export again."
        for (name, font), characters in most_first[:_MOST_NOTES]
    ]
    if rest := most_first[_MOST_NOTES:]:
        names = ", ".join(name for (name, _), _ in rest[:_SHOWN])
        lines.append(f"No font has {names}{' and more' if len(rest) > _SHOWN else ''} either.")
    return lines


def _some(characters: Sequence[str]) -> str:
    shown = " ".join(characters[:_SHOWN])
    return f"{shown} and {len(characters) - _SHOWN} more" if len(characters) > _SHOWN else shown


def _script(character: str) -> str:
    if regex.match(r"\p{Emoji}", character):
        return "emoji"
    name = unicodedata.name(character, "").partition(" ")[0]
    return name if regex.match(r"\p{L}", character) and name else "symbols"


def _ranked(fonts: Sequence[FontInfo], language: str, *, emoji: bool = False) -> list[FontInfo]:
    """One regular font of each family, those first that suit best."""
    regular: dict[str, FontInfo] = {}
    for font in fonts:
        if font.path is None:
            continue
        best = regular.get(font.family)
        if best is None or _plainness(font) < _plainness(best):
            regular[font.family] = font
    ending = cjk_ending(language)

    def rank(font: FontInfo) -> tuple[bool, bool, bool, bool, bool, str]:
        name = font.family.lower()
        return (
            ("emoji" not in name) if emoji else ("emoji" in name),
            not name.startswith("noto "),
            "mono" in name,
            not any(word in name for word in _FAMILIES_IN_NAME),
            not font.family.endswith(ending),
            font.family,
        )

    return sorted(regular.values(), key=rank)


def _plainness(font: FontInfo) -> tuple[bool, int]:
    return (font.style != "normal", abs(font.weight - 400))


def cjk_ending(language: str) -> str:
    """How the names of CJK fonts end that have the characters' forms as ``language`` writes them."""
    first, *rest = language.lower().split("-")
    if first == "zh":
        return next((_TRADITIONAL[one] for one in rest if one in _TRADITIONAL), "SC")
    return _CJK_ENDINGS.get(first, "SC")


def _cover(wanted: set[str], fonts: Iterable[FontInfo], families: list[str]) -> set[str]:
    """Add families until they have all that is ``wanted``; what none of them has."""
    left = set(wanted)
    for font in fonts:
        if not left:
            break
        has = {one for one in left if ord(one) in _characters(font)}
        if has and font.family not in families:
            families.append(font.family)
        left -= has
    return left


def _characters(font: FontInfo) -> frozenset[int]:
    key = (str(font.path), font.index)
    if key not in _known:
        _known[key] = _read(*key)
    return _known[key]


_known: dict[tuple[str, int], frozenset[int]] = {}


def _read(path: str, index: int) -> frozenset[int]:
    """The characters a font's file has; none if it cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError

    with suppress(TTLibError, OSError, KeyError, ValueError), TTFont(path, fontNumber=index, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())
    return frozenset()
