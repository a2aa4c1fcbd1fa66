"""A list of rows in columns that draws only what is seen, so that a thousand rows cost no more than ten.

Cells are plain text from documents and models: nothing in them is read as markup. Widths are in terminal cells,
so Chinese, Japanese and emoji line up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip


@dataclass(frozen=True)
class Column:
    """``width`` in cells; 0 shares what the others leave. Shown only in a list at least ``needs`` cells wide."""

    title: str
    width: int = 0
    right: bool = False
    needs: int = 0


@dataclass(frozen=True)
class Row:
    """``kind`` names a component class that colours the row, such as ``done``."""

    key: str
    cells: tuple[str, ...]
    kind: str = ""


class RowList(ScrollView, can_focus=True):
    """Rows with a cursor. Keys and the mouse move it; a drag says where a row was dropped."""

    COMPONENT_CLASSES = {
        "row-list--header",
        "row-list--cursor",
        "row-list--cursor-blurred",
        "row-list--done",
        "row-list--writing",
        "row-list--partial",
        "row-list--empty",
        "row-list--problem",
    }
    BINDINGS = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
    ]

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, row_list: RowList, key: str) -> None:
            super().__init__()
            self.row_list = row_list
            self.key = key

        @property
        def control(self) -> RowList:
            return self.row_list

    class Chosen(Moved):
        """A row was clicked twice."""

    class Dropped(Message):
        """A row was dragged ``by`` places (negative: up)."""

        def __init__(self, row_list: RowList, key: str, by: int) -> None:
            super().__init__()
            self.row_list = row_list
            self.key = key
            self.by = by

        @property
        def control(self) -> RowList:
            return self.row_list

    def __init__(self, *columns: Column, header: bool = False, draggable: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._header = header
        self._draggable = draggable
        self._rows: Sequence[Row] = ()
        self._cursor = 0
        self._dragging: int | None = None

    # -- what is shown

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    def show(self, rows: Sequence[Row], select: str | None = None) -> None:
        """Show ``rows``. The cursor goes to ``select``, else stays on its row, else near its place."""
        wanted = select or self.key
        before = self.key
        self._rows = rows
        keys = [row.key for row in rows]
        self._cursor = keys.index(wanted) if wanted in keys else min(self._cursor, max(0, len(rows) - 1))
        self.virtual_size = Size(0, len(rows) + self._top)
        self.refresh()
        if self.key is not None and self.key != before:
            self._after_move()

    def select(self, key: str) -> None:
        """Put the cursor on the row of that key, if there is one."""
        for at, row in enumerate(self._rows):
            if row.key == key:
                self._go(at)
                return

    # -- drawing

    @property
    def _top(self) -> int:
        return 1 if self._header else 0

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if self._header and y == 0:
            style = self.get_component_rich_style("row-list--header")
            cells = tuple(column.title for column in self._columns)
            return self._line(cells, width, style)
        at = y + self.scroll_offset.y - self._top
        if not 0 <= at < len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[at]
        style = self.get_component_rich_style(f"row-list--{row.kind}") if row.kind else self.rich_style
        if at == self._cursor:
            blurred = "" if self.has_focus else "-blurred"
            style += self.get_component_rich_style(f"row-list--cursor{blurred}")
        return self._line(row.cells, width, style)

    def _line(self, cells: Sequence[str], width: int, style: Style) -> Strip:
        shown = [(column, cell) for column, cell in zip(self._columns, cells, strict=True) if width >= column.needs]
        left = width - 1 - sum(column.width + 1 for column, _ in shown)
        flexible = max(4, left // max(1, sum(not column.width for column, _ in shown)))
        text = " "
        for column, cell in shown:
            text += _fitted(cell, column.width or flexible, column.right) + " "
        return Strip([Segment(set_cell_size(text, width), style)], width)

    # -- moving

    def action_move(self, by: int) -> None:
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        self._go(self._cursor + by * max(1, self.size.height - 1 - self._top))

    def action_jump(self, to: int) -> None:
        self._go(to if to >= 0 else len(self._rows) + to)

    def _go(self, at: int) -> None:
        at = min(max(0, at), len(self._rows) - 1)
        if self._rows and at != self._cursor:
            self._cursor = at
            self.refresh()
            self._after_move()

    def _after_move(self) -> None:
        self.scroll_to_region(Region(0, self._cursor, 1, 1 + self._top), animate=False, force=True)
        if self.key is not None:
            self.post_message(self.Moved(self, self.key))

    # -- the mouse

    def _row_at(self, event: events.MouseEvent) -> int | None:
        at = event.y + self.scroll_offset.y - self._top
        return at if 0 <= at < len(self._rows) and not (self._header and event.y == 0) else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        at = self._row_at(event)
        if at is None:
            return
        self._go(at)
        if self._draggable:
            self._dragging = at
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging is None:
            return
        at = self._row_at(event)
        # The row under the cursor follows the mouse; only the drop moves it.
        self.styles.pointer = "grabbing" if at != self._dragging else "default"

    def on_mouse_up(self, event: events.MouseUp) -> None:
        start, self._dragging = self._dragging, None
        if start is None:
            return
        self.release_mouse()
        self.styles.pointer = "default"
        at = self._row_at(event)
        if at is not None and at != start:
            self.post_message(self.Dropped(self, self._rows[start].key, at - start))

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2 and self._row_at(event) is not None and self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


def _fitted(text: str, width: int, right: bool) -> str:
    """``text`` in exactly ``width`` cells, with an ellipsis where it is longer."""
    text = " ".join(text.split())
    length = cell_len(text)
    if length > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return " " * (width - length) + text if right else set_cell_size(text, width)
