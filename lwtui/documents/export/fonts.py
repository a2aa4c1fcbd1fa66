"""Font selection: which of this machine's fonts cover a text, and what to install for characters without a font."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import regex

from lwtui.translation import _

if TYPE_CHECKING:
    from typst import FontInfo

SERIF, MONO = "Libertinus Serif", "DejaVu Sans Mono"  # these come with Typst
# The useful characters of these two, whose files Typst does not expose.
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
# Combining marks count as invisible, because they need no font of their own.
_INVISIBLE = regex.compile(r"[\p{C}\p{Z}\p{M}\s\u200b-\u200f\ufe00-\ufe0f]")
_EMOJI = regex.compile(r"\p{Emoji_Presentation}")
_FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
# Suffixes of the names of CJK fonts, by the language whose glyphs they have.
_CJK_SUFFIXES = {"zh": "SC", "ja": "JP", "ko": "KR", "yue": "HK"}
_TRADITIONAL = {"tw": "TC", "hant": "TC", "hk": "HK", "mo": "HK"}
_SERIF_WORDS = ("serif", "song", "ming", "mincho", "batang", "myungjo")
# What to install, by the first word of a character's Unicode name.
_CJK = _("Noto Serif CJK (apt install fonts-noto-cjk, or pip install manimgx-fonts-cjk)")
_OTHERS = _("a Noto font for it (apt install fonts-noto-core fonts-noto-extra, or from fonts.google.com/noto)")
_INSTALL = {
    "CJK": (_("Chinese characters"), _CJK),
    "HIRAGANA": (_("Japanese"), _CJK),
    "KATAKANA": (_("Japanese"), _CJK),
    "HANGUL": (_("Korean"), _CJK),
    "symbols": (_("symbols"), _OTHERS),
    "emoji": (_("emoji"), _("Noto Emoji (apt install fonts-noto-color-emoji, or pip install manimgx-fonts)")),
}
_MAX_NOTES = 3
_MAX_NAMED = 5  # characters or scripts in a note


@dataclass(frozen=True)
class FontChoice:
    """The fonts for a text.

    Attributes:
        families: The font families, the preferred ones first.
        missing: The characters that no font on this machine has.
    """

    families: tuple[str, ...]
    missing: str


def font_folders() -> list[Path]:
    """Return the folders of fonts that are not the system's: those in packages and in ``TYPST_FONT_PATHS``."""
    folders = [Path(folder) for folder in os.environ.get("TYPST_FONT_PATHS", "").split(os.pathsep) if folder]
    for package in _FONT_PACKAGES:
        spec = find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            folders += [Path(folder) for folder in spec.submodule_search_locations]
    return folders


def choose_fonts(text: str, language: str, fonts: Sequence[FontInfo]) -> FontChoice:
    """Choose as few font families as possible that together cover a text.

    Args:
        text: The text.
        language: Its language (BCP 47), which decides between CJK fonts.
        fonts: The fonts of this machine.
    """
    visible = {char for char in set(text) if not _INVISIBLE.match(char)}
    emoji = {char for char in visible if _EMOJI.match(char)}
    uncovered = {char for char in visible - emoji if not _IN_SERIF.match(char)}
    symbols = {char for char in uncovered if _IN_MONO.match(char) and not regex.match(r"\p{L}|\p{N}", char)}
    families = [SERIF]
    uncovered = _cover(uncovered - symbols, _ranked(fonts, language), families) | emoji
    uncovered = _cover(uncovered, _ranked(fonts, language, emoji=True), families)
    uncovered = {char for char in uncovered if not _IN_MONO.match(char)}
    return FontChoice((*families, MONO), "".join(sorted(uncovered)))


def missing_font_notes(missing: str) -> list[str]:
    """Return a line for each script with ``missing`` characters: which they are, and what to install."""
    by_script: dict[tuple[str, str], list[str]] = {}
    for char in missing:
        script = _script(char)
        by_script.setdefault(_INSTALL.get(script, (script.capitalize(), _OTHERS)), []).append(char)
    most_first = sorted(by_script.items(), key=lambda item: -len(item[1]))
    lines = [
        _(
            "No font on this machine has {script} ({characters}): the PDF shows boxes instead. "
            "Install {font} and export again.",
            script=name,
            characters=_some(characters),
            font=font,
        )
        for (name, font), characters in most_first[:_MAX_NOTES]
    ]
    if rest := most_first[_MAX_NOTES:]:
        names = ", ".join(name for (name, _font), _characters in rest[:_MAX_NAMED])
        if len(rest) > _MAX_NAMED:
            lines.append(_("No font has {scripts} and more either.", scripts=names))
        else:
            lines.append(_("No font has {scripts} either.", scripts=names))
    return lines


def _some(characters: Sequence[str]) -> str:
    shown = " ".join(characters[:_MAX_NAMED])
    more = len(characters) - _MAX_NAMED
    return _("{names} and {count} more", names=shown, count=more) if more > 0 else shown


def _script(character: str) -> str:
    if regex.match(r"\p{Emoji}", character):
        return "emoji"
    name = unicodedata.name(character, "").partition(" ")[0]
    return name if regex.match(r"\p{L}", character) and name else "symbols"


def _ranked(fonts: Sequence[FontInfo], language: str, *, emoji: bool = False) -> list[FontInfo]:
    """Return a regular font of each family, the most suitable first."""
    regular: dict[str, FontInfo] = {}
    for font in fonts:
        if font.path is None:
            continue
        best = regular.get(font.family)
        if best is None or _plainness(font) < _plainness(best):
            regular[font.family] = font
    suffix = cjk_suffix(language)

    def rank(font: FontInfo) -> tuple[bool, bool, bool, bool, bool, str]:
        name = font.family.lower()
        return (
            ("emoji" not in name) if emoji else ("emoji" in name),
            not name.startswith("noto "),
            "mono" in name,
            not any(word in name for word in _SERIF_WORDS),
            not font.family.endswith(suffix),
            font.family,
        )

    return sorted(regular.values(), key=rank)


def _plainness(font: FontInfo) -> tuple[bool, int]:
    return (font.style != "normal", abs(font.weight - 400))


def cjk_suffix(language: str) -> str:
    """Return the suffix of the names of CJK fonts that have the glyphs of ``language``."""
    first, *subtags = language.lower().split("-")
    if first == "zh":
        return next((_TRADITIONAL[subtag] for subtag in subtags if subtag in _TRADITIONAL), "SC")
    return _CJK_SUFFIXES.get(first, "SC")


def _cover(chars: set[str], fonts: Iterable[FontInfo], families: list[str]) -> set[str]:
    """Add to ``families`` until they have all ``chars``, and return the characters that no font has."""
    uncovered = set(chars)
    for font in fonts:
        if not uncovered:
            break
        covered = {char for char in uncovered if ord(char) in _code_points(font)}
        if covered and font.family not in families:
            families.append(font.family)
        uncovered -= covered
    return uncovered


@cache
def _read_code_points(path: str, index: int) -> frozenset[int]:
    """Return the code points that a font file covers; none if it cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError

    with suppress(TTLibError, OSError, KeyError, ValueError), TTFont(path, fontNumber=index, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())
    return frozenset()


def _code_points(font: FontInfo) -> frozenset[int]:
    return _read_code_points(str(font.path), font.index)
