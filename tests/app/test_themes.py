"""All text on all screens has a contrast of at least 4.5:1, and in the high-contrast themes of at least 7:1."""

from __future__ import annotations

from rich.color import Color
from rich.style import Style
from textual.screen import ModalScreen
from textual.widgets import OptionList

from lwtui.app.screens.dialogs import Choose
from lwtui.app.screens.help import HelpScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.settings import SettingsScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.themes import DEFAULTS, HIGH_CONTRAST, theme_choices
from lwtui.config import set_value
from tests.app.person import Person, someone
from tests.app.place import Place

LEAST = {theme.name: 4.5 for theme in DEFAULTS} | {theme.name: 7.0 for theme in HIGH_CONTRAST}
FRAMES = set("─│╭╮╰╯┌┐└┘├┤┬┴┼━┃█▌▐▀▄▁▂▃▅▆▇▎▏▊▔▕⎸⎹▖▗▘▝■╸╺╱")


def luminance(color: Color) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [part / 255 for part in color.get_truecolor()]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    light, dark = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def too_weak(person: Person) -> dict[str, float]:
    """Return the texts with too little contrast, except those dimmed behind a dialog."""
    weak = {}
    screen = person.app.screen
    dialogs = [*screen.query(".dialog"), *screen.query("CommandPalette > Vertical")]
    region = dialogs[0].region if isinstance(screen, ModalScreen) else screen.region
    for strip in screen._compositor.render_strips()[region.y : region.bottom]:
        for segment in strip.crop(region.x, region.right):
            text = "".join(one for one in segment.text if one not in FRAMES).strip()
            if text and segment.style is not None and contrast(segment.style) < LEAST[person.app.theme]:
                weak[text] = round(contrast(segment.style), 2)
    return weak


def test_contrast_is_measured_as_in_wcag() -> None:
    assert contrast(Style.parse("#ffffff on #000000")) == 21.0
    assert round(contrast(Style.parse("#767676 on #ffffff")), 2) == 4.54


async def test_every_text_has_enough_contrast(place: Place) -> None:
    place.make(100, 100, 100, texts={1: "First text.\n\nA *second* (one).", 2: "Second."})
    found: dict[str, dict[str, float]] = {}
    async with someone(library=True, size=(170, 45)) as person:

        async def look(*keys: str) -> None:
            await person.press(*keys)
            person.app.clear_notifications()
            for theme in LEAST:
                person.app.theme = theme
                await person.pilot.pause(0.05)
                if weak := too_weak(person):
                    found[f"{theme}, {person.app.screen.__class__.__name__}, {keys}"] = weak

        await look()
        await look("n")
        await look("escape", "ctrl+o")
        await person.at(SettingsScreen)
        await look("a")
        await look("escape", "escape", "enter")
        await person.at(WritingScreen)
        await look("home")
        await look("enter", "shift+end")
        await look("ctrl+f", "x", "alt+c")
        await look("escape", "escape", "f8")
        await look("escape", "f1")
        await person.at(HelpScreen)
        await look("escape", "ctrl+g")
        await look("escape", "f2")
        await person.at(PlanScreen)
        await look("enter")
        await look("escape", "ctrl+p")
        assert found == {}


async def test_a_theme_can_be_chosen_anywhere_and_is_stored(place: Place) -> None:
    names = [name for name, _ in theme_choices(["textual-dark", "nord", "high-contrast"])]
    assert names == ["textual-dark", "textual-light", "high-contrast", "high-contrast-light", "nord"]
    async with someone(size=(80, 24)) as person:
        await person.press("alt+t")
        await person.at(Choose)
        await person.until(lambda: person.widget(OptionList).option_count >= len(names))
        await person.press("down", "down", "enter")
        await person.until(lambda: person.app.theme == "high-contrast")
    assert 'theme = "high-contrast"' in place.settings_text
    async with someone() as person:
        assert person.app.theme == "high-contrast"


async def test_an_unknown_theme_is_reported_and_left_in_the_settings(place: Place) -> None:
    set_value("theme", "nope")
    async with someone(library=True) as person:
        await person.gets_error("unknown-theme")
        assert any("'nope'" in notice and "textual-dark" in notice for notice in person.notices)
        assert person.app.theme == "textual-dark"
    assert 'theme = "nope"' in place.settings_text
