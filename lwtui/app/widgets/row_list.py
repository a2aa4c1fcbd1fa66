"""A list of rows in columns that draws only its visible rows, so that a thousand cost no more than ten.

Cells hold plain text from documents and models, which is never markup. Widths are in terminal cells, so Chinese,
Japanese and emoji line up.
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

from lwtui.text import clean


@dataclass(frozen=True)
class Column:
    """A column of a list.

    Attributes:
        title: The text in the header.
        width: The width in cells; columns of width 0 share the rest.
        right: Whether its cells are aligned to the right.
        needs: The column is hidden in a list narrower than this, in cells.
        until: The column is hidden in a list at least this wide, in cells.
        tint: Whether its cells have the color of the row's kind.
        tree: Whether its cells show the indentation and the marker of the row.
    """

    title: str
    width: int = 0
    right: bool = False
    needs: int = 0
    until: int = 10_000
    tint: bool = False
    tree: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a list.

    Attributes:
        key: Identifies the row.
        cells: A text for each column.
        kind: The component class that colors the tinted columns, such as ``done``.
        indent: The indentation in the tree column, in cells.
        marker: A mark before the text in the tree column; a click on it posts :class:`RowList.Toggled`.
    """

    key: str
    cells: tuple[str, ...]
    kind: str = ""
    indent: int = 0
    marker: str = ""


class RowList(ScrollView, can_focus=True):
    """Rows with a cursor that keys and the mouse move. Rows can be dragged if the list allows it."""

    COMPONENT_CLASSES = {
        "row-list--header",
        "row-list--cursor",
        "row-list--cursor-blurred",
        "row-list--hint",
        "row-list--done",
        "row-list--writing",
        "row-list--partial",
        "row-list--short",
        "row-list--refused",
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
        """The cursor has moved to another row."""

        def __init__(self, row_list: RowList, key: str) -> None:
            super().__init__()
            self.row_list = row_list
            self.key = key

        @property
        def control(self) -> RowList:
            """The list."""
            return self.row_list

    class Chosen(Moved):
        """A row was double-clicked."""

    class Toggled(Moved):
        """The marker of a row was clicked."""

    class Dropped(Message):
        """A row was dragged down by ``by`` rows, or up if that is negative."""

        def __init__(self, row_list: RowList, key: str, by: int) -> None:
            super().__init__()
            self.row_list = row_list
            self.key = key
            self.by = by

        @property
        def control(self) -> RowList:
            """The list."""
            return self.row_list

    def __init__(
        self,
        *columns: Column,
        header: bool = False,
        draggable: bool = False,
        hint: str = "",
        id: str | None = None,
    ) -> None:
        """Create an empty list.

        Args:
            columns: The columns.
            header: Whether to show the titles of the columns.
            draggable: Whether rows can be dragged.
            hint: The text to show while the list is empty.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._columns = columns
        self._header = header
        self._draggable = draggable
        self.hint = hint
        self._rows: Sequence[Row] = ()
        self._cursor = 0
        self._grabbed: int | None = None  # the row where the drag began
        self._after_drag: Sequence[Row] | None = None  # rows to show once the drag has ended

    # -- content

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def keys(self) -> list[str]:
        """The keys of all rows, in order."""
        return [row.key for row in self._rows]

    @property
    def at_top(self) -> bool:
        """Whether the cursor is on the first row, or the list is empty."""
        return self._cursor == 0

    def show(self, rows: Sequence[Row], select: str | None = None) -> None:
        """Show ``rows``. The cursor goes to the row ``select``, or stays on its row, or near its position."""
        before = self.key
        wanted = select or before
        if self._grabbed is not None:
            self._after_drag = rows
            return
        old, self._rows = self._rows, rows
        if wanted == before and len(rows) == len(old) and rows and rows[self._cursor].key == before:
            first = self.scroll_offset.y
            for at in range(first, min(len(rows), first + self.size.height)):
                if rows[at] != old[at]:
                    self.refresh_lines(at + self._top)
            return
        keys, cursor = [row.key for row in rows], self._cursor
        self._cursor = keys.index(wanted) if wanted in keys else min(self._cursor, max(0, len(rows) - 1))
        self.virtual_size = Size(0, len(rows) + self._top)
        self.refresh()
        if self.key is not None and self.key != before:
            self._after_move()
        elif self._cursor != cursor:
            self._reveal()

    def select(self, key: str) -> None:
        """Move the cursor to the row with that key, if there is one."""
        for at, row in enumerate(self._rows):
            if row.key == key:
                self._go(at)
                return

    def reveal(self, below: int) -> None:
        """Scroll so that ``below`` rows below the cursor are visible too, as far as they fit."""
        height = min(below, self.size.height - 1 - self._top) + 1 + self._top
        self.scroll_to_region(Region(0, self._cursor, 1, height), animate=False, force=True)

    # -- drawing

    @property
    def _top(self) -> int:
        return 1 if self._header else 0

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if self._header and y == 0:
            style = self.get_component_rich_style("row-list--header")
            return self._line(tuple(column.title for column in self._columns), width, style, style)
        at = y + self.scroll_offset.y - self._top
        if not self._rows and at == 0 and self.hint:
            style = self.get_component_rich_style("row-list--hint")
            return Strip([Segment(" ", style), Segment(_fitted(self.hint, width - 1, False), style)], width)
        if not 0 <= at < len(self._rows):
            return Strip.blank(width, self.rich_style)
        row, style = self._rows[at], self.rich_style
        tint = self.get_component_rich_style(f"row-list--{row.kind}") if row.kind else style
        if at == self._cursor:
            blurred = "" if self.has_focus else "-blurred"
            cursor = self.get_component_rich_style(f"row-list--cursor{blurred}")
            style, tint = style + cursor, tint + (cursor if self.has_focus else Style(bgcolor=cursor.bgcolor))
        return self._line(_cells_of(row, self._columns), width, style, tint)

    def _line(self, cells: Sequence[str], width: int, style: Style, tint: Style) -> Strip:
        segments = [Segment(" ", style)]
        for at, size in self._widths(width):
            column = self._columns[at]
            text = _fitted(cells[at], size, column.right)
            segments += (Segment(text, tint if column.tint else style), Segment(" ", style))
        return Strip(segments).adjust_cell_length(width, style)

    def _widths(self, width: int) -> list[tuple[int, int]]:
        """Return the index and the width of each visible column."""
        shown = [(at, column) for at, column in enumerate(self._columns) if column.needs <= width < column.until]
        left = width - 1 - sum(column.width + 1 for _, column in shown)
        flexible = max(4, left // max(1, sum(not column.width for _, column in shown)))
        return [(at, column.width or flexible) for at, column in shown]

    # -- moving

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by some pages."""
        self._go(self._cursor + by * max(1, self.size.height - 1 - self._top))

    def action_jump(self, to: int) -> None:
        """Move the cursor to a row; negative numbers count from the end."""
        self._go(to if to >= 0 else len(self._rows) + to)

    def _go(self, at: int) -> None:
        at = min(max(0, at), len(self._rows) - 1)
        if self._rows and at != self._cursor:
            self._cursor = at
            self.refresh()
            self._after_move()

    def _after_move(self) -> None:
        self._reveal()
        if self.key is not None:
            self.post_message(self.Moved(self, self.key))

    def _reveal(self) -> None:
        self.scroll_to_region(Region(0, self._cursor, 1, 1 + self._top), animate=False, force=True)

    # -- the mouse

    def _row_at(self, event: events.MouseEvent) -> int | None:
        at = self._row_near(event)
        header = self._header and event.y == self.gutter.top
        return at if 0 <= at < len(self._rows) and not header else None

    def _row_near(self, event: events.MouseEvent) -> int:
        """Return the index of the row at the mouse's height; there may be no such row."""
        return event.y - self.gutter.top + self.scroll_offset.y - self._top

    def on_mouse_down(self, event: events.MouseDown) -> None:
        at = self._row_at(event)
        if at is None or event.button != 1:
            return
        self._go(at)
        if self._is_marker(event, at):
            self.post_message(self.Toggled(self, self._rows[at].key))
        elif self._draggable:
            self._grabbed = at
            self.capture_mouse()

    def _is_marker(self, event: events.MouseEvent, at: int) -> bool:
        """Return whether the mouse is on the marker of a row."""
        row = self._rows[at]
        start = self.gutter.left + 1
        for column, size in self._widths(self.size.width):
            if self._columns[column].tree:
                first = start + row.indent
                return bool(row.marker.strip()) and first <= event.x < first + cell_len(row.marker)
            start += size + 1
        return False

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the grabbed row along with the mouse, also beyond the edge of the list."""
        if self._grabbed is None:
            return
        at = min(max(0, self._row_near(event)), len(self._rows) - 1)
        if at != self._cursor:
            rows = list(self._rows)
            rows.insert(at, rows.pop(self._cursor))
            self._rows, self._cursor = rows, at
            self._reveal()
            self.refresh()

    def on_mouse_up(self) -> None:
        start, self._grabbed = self._grabbed, None
        if start is None:
            return
        self.release_mouse()
        if self._cursor != start and self.key is not None:
            self.post_message(self.Dropped(self, self.key, self._cursor - start))
        rows, self._after_drag = self._after_drag, None
        if rows is not None:
            self.show(rows)

    def on_click(self, event: events.Click) -> None:
        at = self._row_at(event)
        if event.chain == 2 and at is not None and self.key is not None and not self._is_marker(event, at):
            self.post_message(self.Chosen(self, self.key))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


def _cells_of(row: Row, columns: Sequence[Column]) -> Sequence[str]:
    """Return the cells of a row, with indentation and marker in the tree column."""
    if not row.indent and not row.marker:
        return row.cells
    lead = " " * row.indent + row.marker
    return [lead + cell if column.tree else cell for column, cell in zip(columns, row.cells, strict=True)]


def _fitted(text: str, width: int, right: bool) -> str:
    """Pad or shorten ``text`` to exactly ``width`` cells; its leading white space stays."""
    lead = text[: len(text) - len(text.lstrip(" "))]
    text = lead + " ".join(clean(text).split())
    length = cell_len(text)
    if length > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return " " * (width - length) + text if right else set_cell_size(text, width)
