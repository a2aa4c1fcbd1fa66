"""Shows the changes between two versions of a text inline, with one change under the cursor.

Removed words are struck through and added words underlined. Of a long unchanged passage only the ends are shown, so
that the changes of a long section are close together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lwtui.text import count_words
from lwtui.text.diff import Hunk, split_at_hunks
from lwtui.translation import _

_MAX_UNCHANGED = 700  # characters; a longer unchanged passage is abridged
_UNCHANGED_ENDS = 260  # characters to show at either end of an abridged passage
_LONG_CHANGE = 40  # characters; more than a word or two


class HunkState(StrEnum):
    """The user's decision on a change."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class DiffView(ScrollView, can_focus=True):
    """Draws the changes. The screen keeps the decisions."""

    COMPONENT_CLASSES = {
        "diff-view--same",
        "diff-view--removed",
        "diff-view--added",
        "diff-view--cursor",
        "diff-view--omitted",
    }

    class Clicked(Message):
        """A change was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__()
        self._draw: Callable[[], Text] = Text
        self._lines: list[Text] = []
        self._width = 0

    def show_text(self, text: str) -> None:
        """Show an answer while it streams in, scrolled to its end."""
        self._set(lambda: Text(text, self.get_component_rich_style("diff-view--added", partial=True)))
        self.scroll_end(animate=False)

    def show(self, old: str, hunks: Sequence[Hunk], choices: Sequence[HunkState], cursor: int) -> None:
        """Show the changes, and scroll to the one under the cursor.

        Args:
            old: The text before.
            hunks: Its changes.
            choices: The decision on each change.
            cursor: The index of the change under the cursor.
        """
        self._set(lambda: self._changes(old, hunks, choices, cursor))
        self._reveal(cursor)

    def _changes(self, old: str, hunks: Sequence[Hunk], choices: Sequence[HunkState], cursor: int) -> Text:
        text = Text()
        same = self.get_component_rich_style("diff-view--same", partial=True)
        for piece, number in split_at_hunks(old, hunks):
            if number is None:
                self._append_same(text, piece, same)
            else:
                self._append_change(text, hunks[number], choices[number], number, at_cursor=number == cursor)
        return text

    def _append_same(self, text: Text, piece: str, style: Style) -> None:
        if len(piece) <= _MAX_UNCHANGED:
            text.append(piece, style)
            return
        start = piece.rfind(" ", 0, _UNCHANGED_ENDS) + 1 or _UNCHANGED_ENDS
        end = piece.find(" ", len(piece) - _UNCHANGED_ENDS)
        end = end if end > 0 else len(piece) - _UNCHANGED_ENDS
        text.append(piece[:start].rstrip(), style)
        note = _("{count:,} unchanged words", count=count_words(piece[start:end]))
        text.append(f" ⋯ {note} ⋯", self.get_component_rich_style("diff-view--omitted", partial=True))
        text.append(piece[end:], style)

    def _append_change(self, text: Text, hunk: Hunk, choice: HunkState, number: int, *, at_cursor: bool) -> None:
        mark = Style(meta={"hunk": number})
        if at_cursor:
            mark += self.get_component_rich_style("diff-view--cursor", partial=True)
        removed = self.get_component_rich_style("diff-view--removed", partial=True)
        added = self.get_component_rich_style("diff-view--added", partial=True)
        if choice is not HunkState.ACCEPTED:
            style = (
                removed if choice is HunkState.OPEN else self.get_component_rich_style("diff-view--same", partial=True)
            )
            text.append(_visible(hunk.old), style + mark)
        if choice is HunkState.OPEN and hunk.old and hunk.new and hunk.size > _LONG_CHANGE:
            text.append(" ", mark)  # separates old and new on a terminal without colors
        if choice is not HunkState.REJECTED:
            text.append(_visible(hunk.new), added + mark)
        if (choice is HunkState.ACCEPTED and not hunk.new) or (choice is HunkState.REJECTED and not hunk.old):
            text.append("▏", mark)  # something to see and to click

    def _set(self, draw: Callable[[], Text]) -> None:
        self._draw = draw  # called again when the colors or the width change
        self._wrap()

    def _wrap(self) -> None:
        self._width = width = max(10, self.scrollable_content_region.width - 1)
        text = self._draw()
        self._lines = list(text.wrap(self.app.console, width)) if text.plain else []
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()

    def _reveal(self, cursor: int) -> None:
        for at, line in enumerate(self._lines):
            if any(isinstance(span.style, Style) and span.style.meta.get("hunk") == cursor for span in line.spans):
                self.scroll_to_region(Region(0, max(0, at - 2), 1, 6), animate=False, force=True)
                return

    def on_resize(self) -> None:
        if self.scrollable_content_region.width - 1 != self._width:
            self._wrap()

    def notify_style_update(self) -> None:
        """Redraw with the new colors."""
        super().notify_style_update()
        self.call_next(self._wrap)  # component colors are updated after those of the widget

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        base = self.rich_style
        width = self.size.width
        if at >= len(self._lines):
            return Strip.blank(width, base)
        return Strip(self._lines[at].render(self.app.console)).apply_style(base).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        number = event.style.meta.get("hunk")
        if number is not None:
            self.post_message(self.Clicked(number))


def _visible(text: str) -> str:
    """Mark added and removed line ends with a pilcrow."""
    return text.replace("\n\n", "¶\n\n") if text.strip() else text.replace("\n", "¶\n")
