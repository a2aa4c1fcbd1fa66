"""The editor for the text of one section. It is read-only while a model writes the section."""

from __future__ import annotations

import re
from typing import Self

from textual import events
from textual.binding import Binding
from textual.document._history import EditHistory
from textual.geometry import Region
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult, Location, Selection

from lwtui.app.format import number
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.widgets.edit_history import EditorState, UndoHistories
from lwtui.app.widgets.vim import Vim
from lwtui.documents.edits import common_prefix_length
from lwtui.translation import _

_QUIET_SECONDS = 0.4  # without a key before the text is stored
MAX_LINE_LENGTH = 100_000  # characters; in a longer line a text area needs a quarter of a second for every key
_LINE_ENDS = re.compile("[\u2028\u2029]")  # Textual ends lines there and turns them into "\n"


class _History(EditHistory):
    """An undo history with a step that can be held open: its changes are undone together, as Vim's insertions are."""

    _held = False
    _extends_step = False  # whether the next change belongs to the last step

    def hold(self) -> None:
        """Collect all changes in one step until :meth:`release`."""
        if not self._held:
            self.checkpoint()
            self._held, self._extends_step = True, False

    def release(self) -> None:
        """End the step that :meth:`hold` began."""
        if self._held:
            self.checkpoint()
            self._held = self._extends_step = False

    def record(self, edit: Edit) -> None:
        """Add an edit to the history, unless it changed nothing."""
        result = edit._edit_result
        if result is not None and not (edit.text or result.replaced_text):
            return
        if self._extends_step and self._undo_stack:
            self._undo_stack[-1].append(edit)
            self._redo_stack.clear()
        else:
            super().record(edit)
            self._extends_step = self._held

    def _pop_undo(self) -> list[Edit] | None:
        self._extends_step = False
        return super()._pop_undo()

    def _pop_redo(self) -> list[Edit] | None:
        self._extends_step = False
        return super()._pop_redo()


_DROPPED_KEYS = ("f6", "f7")  # select text in a text area; here they stop and rewrite


class SectionEditor(TextArea, inherit_bindings=False):
    """A text area that follows a text while a model writes it, and reports the user's edits."""

    BINDINGS = [
        *(b for b in TextArea.BINDINGS if isinstance(b, Binding) and b.key not in _DROPPED_KEYS),
        Binding("ctrl+home", "to_start", "First line", show=False),
        Binding("ctrl+end", "to_end", "Last line", show=False),
    ]

    class Edited(Message):
        """The user has edited the text: it may be :attr:`SectionEditor.unsaved`."""

    def __init__(self, histories: UndoHistories | None = None, id: str | None = None) -> None:
        """Create an empty editor.

        Args:
            histories: The undo histories of sections shown before, shared with other editors.
            id: The widget's id.
        """
        self._holds_refresh = False  # set while :meth:`edit` decides which lines to repaint
        # A read-only text has no cursor, which would keep the view from following the text's end.
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, show_cursor=False)
        self.match_cursor_bracket = False  # useful in code; here it would repaint two places at every key
        self.section_id = ""
        self._saved = ""  # the text that the document has, as far as this widget knows
        self._shown = ""  # the same text as this widget holds it: line ends may differ
        self._writing = False
        self._has_long_line = False  # a line is longer than MAX_LINE_LENGTH
        self._histories = histories or UndoHistories()
        self._timer: Timer | None = None
        self._vim: Vim | None = None

    @property
    def unsaved(self) -> str | None:
        """The text, if the user has changed it since it was last :meth:`saved`."""
        text = self.text
        return text if self.section_id and text != self._shown else None

    @property
    def is_growing(self) -> bool:
        """Whether a model is writing this section."""
        return self._writing

    @property
    def why_locked(self) -> str:
        """Why this section cannot be edited, and what to do; empty if the reason is not the section."""
        if self._writing:
            return _(
                "The model is writing this section. {key} pauses it so that you can edit.",
                key=key_of(WRITING, "pause"),
            )
        if self._has_long_line:
            limit = number(MAX_LINE_LENGTH)
            return _(
                "A line of more than {limit} characters cannot be edited here. {key} opens the section in $EDITOR.",
                limit=limit,
                key=key_of(WRITING, "external"),
            )
        return ""

    def saved(self, text: str) -> None:
        """Note that the document has stored the :attr:`unsaved` text as ``text``."""
        self._saved, self._shown = text, self.text
        self._stop_timer()

    def show(self, section_id: str, text: str, *, writing: bool, locked: bool) -> None:
        """Show the text of a section.

        Unsaved edits of the same section stay. Before another section is shown, they must be stored.

        Args:
            section_id: The section.
            text: Its text in the document.
            writing: Whether a model is writing it. The view then follows the end, and only new text is drawn.
            locked: Whether the text must not be edited. A line that is too long locks it as well.
        """
        same = section_id == self.section_id
        at_end = self.scroll_offset.y >= self.max_scroll_y - 1
        was_writing, self._writing = self._writing, writing
        if not same or text != self._saved:  # the user can undo a long line that was just pasted
            self._has_long_line = _longest_line(text) > MAX_LINE_LENGTH
        self.read_only = writing or locked or self._has_long_line
        if not same:
            self.leave()
            self._enter(section_id, text, by_model=writing)
        elif text != self._saved and self.unsaved is None:
            self._follow(text, by_model=writing or was_writing)
        if writing and (at_end or not same):
            self.scroll_end(animate=False, x_axis=False)
        elif was_writing and same and at_end:
            self.action_to_end()  # a user who pauses often wants to edit the last sentence

    def leave(self) -> None:
        """Keep the undo history and the cursor of the section."""
        self.release()
        if self.section_id:
            steps = self.history.undo_stack or self.history.redo_stack
            state = EditorState(self.text if steps else None, self.history, self.selection, self.scroll_offset.y)
            self._histories.put(self.section_id, state)

    def _enter(self, section_id: str, text: str, *, by_model: bool) -> None:
        """Restore the editor state of a section. Changes made elsewhere since then can be undone as well."""
        state = self._histories.take(section_id)
        self.history = _History(50, checkpoint_timer=2.0, checkpoint_max_characters=100)
        self.load_text(text if state is None or state.text is None else state.text)
        self.selection = Selection.cursor((0, 0))
        self.section_id, self._saved, self._shown = section_id, text, self.text
        if self._vim is not None:
            self._vim.reset()
        if state is not None:
            self.history = state.history
            self._follow(text, by_model=by_model)
            if not by_model:
                self.selection = _within(state.selection, self.document.end)
                self.call_after_refresh(self.scroll_to, y=state.scroll, animate=False)
        self.refresh()

    def _follow(self, text: str, *, by_model: bool) -> None:
        """Change the text to the document's, replacing only the difference so that the view stays in place."""
        self.change(_LINE_ENDS.sub("\n", text))
        if by_model:
            self.history.clear()
        self._saved, self._shown = text, self.text
        self.refresh()  # a text of the same size is not redrawn unless the cursor moves

    def change(self, text: str) -> None:
        """Replace the whole text in one undo step."""
        old = self.text
        if old == text:
            return
        start = common_prefix_length(old, text)
        end = len(old) - common_prefix_length(old[start:][::-1], text[start:][::-1])
        self.history.checkpoint()
        new = text[start : len(text) - (len(old) - end)]
        self.replace(new, self.location_at(start), self.location_at(end), maintain_selection_offset=True)
        self.history.checkpoint()

    # -- painting: a text area repaints itself at every key; this one repaints only the edited paragraph

    def edit(self, edit: Edit) -> EditResult:
        """Apply an edit, and repaint only its line if the other lines stay in place."""
        height, before = self.wrapped_document.height, self.selection
        self._holds_refresh = True
        try:
            result = super().edit(edit)
        finally:
            self._holds_refresh = False
        lines = {edit.top[0], edit.bottom[0], result.end_location[0], self.selection.end[0]}
        lines |= {before.start[0], before.end[0]}
        if len(lines) > 1 or self.wrapped_document.height != height:
            self.refresh()
        else:
            (line,) = lines
            first = self.wrapped_document.location_to_offset((line, 0)).y
            self.refresh_lines(first, len(self.wrapped_document.get_offsets(line)) + 1)
        return result

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Repaint the widget, unless :meth:`edit` is about to do so."""
        if self._holds_refresh and not (regions or layout or recompose):
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    # -- positions, in characters from the beginning of the text

    def location_at(self, place: int) -> Location:
        """Return the row and column of a position."""
        before = self.text[:place]
        return before.count("\n"), place - before.rfind("\n") - 1

    @property
    def place(self) -> int:
        """The position of the cursor."""
        return self._place_of(self.cursor_location)

    @property
    def selected(self) -> tuple[int, int]:
        """The start and the end of the selection."""
        start, end = (self._place_of(location) for location in self.selection)
        return min(start, end), max(start, end)

    def _place_of(self, location: Location) -> int:
        # Right after a shorter text was loaded, the cursor may still be beyond its end.
        return len(self.document.get_text_range((0, 0), min(location, self.document.end)))

    def go_to(self, start: int, end: int | None = None) -> None:
        """Select from ``start`` to ``end`` and scroll there; without ``end``, only move the cursor."""
        first = self.location_at(start)
        self.selection = Selection(first, first if end is None else self.location_at(end))
        self.call_after_refresh(self.scroll_cursor_visible, center=True)

    # -- Vim's keys, if the user wants them; the editor is the buffer of :class:`Vim`

    class ModeChanged(Message):
        """:attr:`SectionEditor.mode` has changed."""

    class SaveRequested(Message):
        """The user has entered Vim's ``:w``."""

    def use_vim(self, wanted: bool) -> None:
        """Turn Vim's keys on or off."""
        if wanted != (self._vim is not None):
            self.release()
            self._vim = Vim(self) if wanted else None

    @property
    def mode(self) -> str:
        """Vim's mode for the status line; empty without one."""
        return self._vim.status if self._vim is not None and self.has_focus and not self.read_only else ""

    def put_cursor(self, place: int) -> None:
        """Move the cursor to a position."""
        self.move_cursor(self.location_at(place))

    def mark(self, start: int, end: int, cursor: int) -> None:
        """Select from ``start`` to ``end``, with the cursor at one of them."""
        first, last = self.location_at(start), self.location_at(end)
        self.selection = Selection(last, first) if cursor == start < end - 1 else Selection(first, last)

    def swap(self, start: int, end: int, text: str) -> None:
        """Replace the text from ``start`` to ``end``, as one undo step."""
        self.history.checkpoint()
        self.replace(text, self.location_at(start), self.location_at(end), maintain_selection_offset=False)
        self.history.checkpoint()

    def hold(self) -> None:
        """Collect all changes in one undo step until :meth:`release`."""
        if isinstance(self.history, _History):
            self.history.hold()

    def release(self) -> None:
        """End the undo step that :meth:`hold` began."""
        if isinstance(self.history, _History):
            self.history.release()

    def save(self) -> None:
        """Ask the screen to save."""
        self.post_message(self.SaveRequested())

    def _for_vim(self, event: events.Key) -> bool:
        if self._vim is None or self.read_only:
            return False
        before = self._vim.status
        consumed = self._vim.feed(event.key, event.character)
        if self._vim.status != before:
            self.post_message(self.ModeChanged())
        return consumed

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Claim letters as text even while the text is read-only."""
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Swallow letters in a read-only text.

        Otherwise the letters of a user who keeps typing when the model reaches this section would run commands.
        """
        if (self.read_only and event.is_printable) or self._for_vim(event):
            event.stop()
            event.prevent_default()

    def action_to_start(self) -> None:
        """Go to the beginning of the text."""
        self.move_cursor((0, 0))

    def action_to_end(self) -> None:
        """Go to the end of the text."""
        self.move_cursor(self.document.end)

    def on_text_area_changed(self) -> None:
        self._stop_timer()
        if not self.read_only and self.unsaved is not None:
            self._timer = self.set_timer(_QUIET_SECONDS, self._report_edit)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def on_unmount(self) -> None:
        self.leave()

    def on_blur(self) -> None:
        self.release()
        self._report_edit()

    def _report_edit(self) -> None:
        self.post_message(self.Edited())


def _longest_line(text: str) -> int:
    return max(map(len, text.splitlines()), default=0) if len(text) > MAX_LINE_LENGTH else 0


def _within(selection: Selection, end: Location) -> Selection:
    return Selection(min(selection.start, end), min(selection.end, end))
