"""The list that all screens use: columns, cursor, and drawing of visible rows only."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import App, ComposeResult

from lwtui.app.widgets.row_list import Column, Row, RowList

TITLES = (
    "Plain",
    "番茄的光照与温度",
    "日本語のとても長い見出しがここにあります",
    "👩‍🌾 emoji 🍅🍅🍅",
    "a\nb\tc",
    "[bold]x[/]",
    "",
)


class Listing(App[None]):
    def __init__(self, rows: list[Row]) -> None:
        super().__init__()
        self.rows = rows

    def compose(self) -> ComposeResult:
        yield RowList(
            Column("", 3, right=True),
            Column("Title"),
            Column("Wide only", 9, needs=50),
            Column("Narrow", 6, until=50),
            Column("Words", 7, right=True),
            header=True,
        )

    def on_mount(self) -> None:
        self.query_one(RowList).show(self.rows)


def rows(count: int = len(TITLES)) -> list[Row]:
    return [Row(f"k{at}", (str(at), TITLES[at % len(TITLES)], "wide", "small", f"{at},000")) for at in range(count)]


def lines(app: App[None]) -> list[str]:
    return [app.query_one(RowList).render_line(y).text for y in range(app.query_one(RowList).size.height)]


async def test_columns_line_up_in_cells_whatever_the_script() -> None:
    app = Listing(rows())
    async with app.run_test(size=(40, 10)):
        shown = lines(app)
        assert {cell_len(line) for line in shown} == {40}
        for at in range(len(TITLES)):
            assert shown[at + 1].endswith(f" {at},000 ")
        assert shown[3][:24].rstrip().endswith("…") or "…" in shown[3]
        assert "a b c" in shown[5]
        assert "[bold]x[/]" in shown[6]


async def test_columns_are_hidden_depending_on_the_width() -> None:
    app = Listing(rows())
    async with app.run_test(size=(40, 10)) as pilot:
        assert "small" in lines(app)[1] and "wide" not in lines(app)[1]
        await pilot.resize_terminal(60, 10)
        assert "wide" in lines(app)[1] and "small" not in lines(app)[1]


async def test_keys_move_the_cursor_and_the_view_follows() -> None:
    app = Listing(rows(100))
    async with app.run_test(size=(40, 11)) as pilot:
        listed = app.query_one(RowList)
        listed.focus()
        for keys, key in (
            ("down j j k", "k2"),
            ("up up up up", "k0"),
            ("pagedown", "k9"),
            ("end", "k99"),
            ("down", "k99"),
            ("pageup", "k90"),
            ("g", "k0"),
            ("G", "k99"),
        ):
            await pilot.press(*keys.split())
            assert listed.key == key
            assert any(f" {key[1:]} " in line for line in lines(app)), keys


async def test_the_cursor_stays_on_its_row_when_the_rows_change() -> None:
    app = Listing(rows(20))
    async with app.run_test(size=(40, 11)) as pilot:
        listed = app.query_one(RowList)
        listed.select("k7")
        listed.show(rows(20)[3:])
        assert listed.key == "k7"
        listed.show(rows(5))
        assert listed.key == "k4"
        listed.show(rows(20), "k15")
        assert listed.key == "k15"
        listed.show([])
        assert listed.key is None
        await pilot.press("down", "end", "pageup")
        assert listed.key is None


async def test_only_visible_rows_are_drawn() -> None:
    drawn = []

    class Counting(RowList):
        def render_line(self, y: int) -> object:  # type: ignore[override]
            drawn.append(y)
            return super().render_line(y)

    class Many(App[None]):
        def compose(self) -> ComposeResult:
            yield Counting(Column("", 3), Column(""), Column(""), Column(""), Column(""))

    app = Many()
    async with app.run_test(size=(40, 10)) as pilot:
        listed = app.query_one(Counting)
        listed.show(rows(5000))
        await pilot.pause()
        drawn.clear()
        listed.show(rows(5000))  # the same rows
        await pilot.pause()
        assert not drawn
        listed.show(rows(4999))
        await pilot.pause()
        assert 0 < len(drawn) <= 20
