"""The themes: two of high contrast besides Textual's own, and the order in which they are offered.

Text has a contrast to its background of at least 7:1 in the high-contrast themes (WCAG 2, level AAA), and of at least
4.5:1 in the dark and the light one (level AA).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

from lwtui.translation import _

_ON_BLACK = {"text-" + name: "#ffffff" for name in ("muted", "disabled")} | {
    "text-primary": "#ffe14d",
    "text-secondary": "#8fd3ff",
    "text-accent": "#8fd3ff",
    "text-success": "#7dff8a",
    "text-warning": "#ffc24d",
    "text-error": "#ffb3b3",
}
_ON_WHITE = {"text-" + name: "#000000" for name in ("muted", "disabled")} | {
    "text-primary": "#00327a",
    "text-secondary": "#4a0072",
    "text-accent": "#4a0072",
    "text-success": "#00450c",
    "text-warning": "#5c3000",
    "text-error": "#7a0000",
}


def _cursors(front: str, back: str) -> dict[str, str]:
    """Return the colors of cursors and selections: inverted text."""
    return {
        "block-cursor-foreground": back,
        "block-cursor-background": front,
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-foreground": front,
        "block-cursor-blurred-background": back,
        "block-hover-background": back,
        "button-color-foreground": back,
        "button-foreground": front,
        "footer-background": back,
        "footer-foreground": front,
        "footer-description-foreground": front,
        "input-cursor-background": front,
        "input-cursor-foreground": back,
        "border": front,
        "border-blurred": front,
    }


HIGH_CONTRAST = (
    Theme(
        "high-contrast",
        primary="#ffe14d",
        secondary="#8fd3ff",
        accent="#8fd3ff",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1a1a1a",
        boost="#1a1a1a",
        success="#7dff8a",
        warning="#ffc24d",
        error="#ffb3b3",
        dark=True,
        variables=_ON_BLACK
        | _cursors("#ffffff", "#000000")
        | {
            "footer-key-foreground": "#ffe14d",
            "primary-muted": "#333000",
            "input-selection-background": "#0040a0",
            "screen-selection-background": "#0040a0",
            "screen-selection-foreground": "#ffffff",
        },
    ),
    Theme(
        "high-contrast-light",
        primary="#00327a",
        secondary="#4a0072",
        accent="#4a0072",
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#ececec",
        boost="#ececec",
        success="#00450c",
        warning="#5c3000",
        error="#7a0000",
        dark=False,
        variables=_ON_WHITE
        | _cursors("#000000", "#ffffff")
        | {
            "footer-key-foreground": "#00327a",
            "primary-muted": "#dce9ff",
            "input-selection-background": "#b3d4ff",
            "screen-selection-background": "#b3d4ff",
            "screen-selection-foreground": "#000000",
        },
    ),
)

# Textual's default themes, with other colors where a text had too little contrast.
_DARK = {
    "block-cursor-foreground": "#ffffff",
    "button-color-foreground": "#ffffff",
    **{f"markdown-h{level}-color": "#57a5e2" for level in (1, 2, 3)},
}
_LIGHT = {
    "text-accent": "#704300",
    "text-warning": "#704300",
    "text-success": "#0a4a20",
    "text-error": "#701f34",
    "footer-key-foreground": "#004578",
}
DEFAULTS = tuple(
    replace(theme, variables=theme.variables | changed)
    for theme, changed in ((BUILTIN_THEMES["textual-dark"], _DARK), (BUILTIN_THEMES["textual-light"], _LIGHT))
)
THEMES = (*DEFAULTS, *HIGH_CONTRAST)  # those that differ from Textual's

_FIRST = {
    "textual-dark": _("dark"),
    "textual-light": _("light"),
    "high-contrast": _("high contrast, dark"),
    "high-contrast-light": _("high contrast, light"),
}


def theme_choices(available: Iterable[str]) -> list[tuple[str, str]]:
    """Return the themes as pairs of name and label, the most common ones first."""
    rest = sorted(set(available) - set(_FIRST))
    return [*_FIRST.items(), *((name, name) for name in rest)]


def theme_problem(name: str) -> str:
    """Return what is wrong with the name of a theme; empty if nothing is."""
    known = [known_name for known_name, _label in theme_choices([*BUILTIN_THEMES, *(theme.name for theme in THEMES)])]
    if name in known:
        return ""
    return _("There is no theme named {name!r}. Known: {known}.", name=name, known=", ".join(known))
