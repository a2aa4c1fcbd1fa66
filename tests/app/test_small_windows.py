"""A window of 40×12, as on a phone, is usable."""

from __future__ import annotations

from textual.widgets import TextArea
from textual.widgets._toast import Toast

from lwtui.app.screens.history import HistoryScreen
from lwtui.app.screens.stale import StaleScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.row_list import RowList
from tests.app.person import someone
from tests.app.place import Place


async def test_text_and_lists_fit_a_very_small_window(place: Place) -> None:
    path = place.make(100, 100, texts={1: "One two three. " * 12, 2: "Two."})
    async with someone(path, size=(40, 12)) as person:
        await person.at(WritingScreen)
        await person.until(lambda: person.editor.content_region.width >= 20)
        assert person.rows.content_region.width >= 10
        for key, screen, row in (("f8", HistoryScreen, "writer"), ("y", StaleScreen, "Nothing is stale")):
            await person.press(key)
            await person.at(screen)
            await person.sees(row)
            assert person.widget(RowList).content_region.height >= (5 if screen is HistoryScreen else 2)
            await person.press("escape")
            await person.at(WritingScreen)
        await person.pilot.resize_terminal(120, 40)
        await person.press("f8")
        await person.at(HistoryScreen)
        await person.until(lambda: person.widget(TextArea, "#version").content_region.width >= 30)


async def test_a_notice_hides_no_key(place: Place) -> None:
    async with someone(place.make(100, texts={1: "One two three. " * 12}), size=(80, 24), notices=True) as person:
        await person.at(WritingScreen)
        await person.press("f8")
        await person.at(HistoryScreen)
        person.app.show_error("A long error of several lines. " * 6)
        await person.until(lambda: person.app.screen.query(Toast))
        await person.pilot.pause()
        (notice,) = person.app.screen.query(Toast)
        for bar in (person.widget(KeyBar), person.app.screen_stack[-2].query_one(KeyBar)):
            assert not notice.region.overlaps(bar.region)
        await person.sees("Restore", "Compare", "Mark", "Export", "Help")
