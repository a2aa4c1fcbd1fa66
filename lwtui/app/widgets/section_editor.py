"""The text of one section: read while it streams in, edited at any other time."""

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
from lwtui.app.widgets.edit_history import Left, UndoHistories
from lwtui.app.widgets.vim import Vim
from lwtui.app.widgets.wrap import install
from lwtui.documents.edits import in_common

_QUIET_SECONDS = 0.4  # after the last key
LONGEST_LINE = 100_000  # characters; in a longer one a text area takes a quarter of a second for a key, and more
_LINE_ENDS = re.compile("[\u2028\u2029]")  # of a document's text; Textual's ends lines there, and says "\n"


install()


class _History(EditHistory):
    """Steps that can be held open: what is changed then is taken back together, as vim's insertions are."""

    _held = False
    _goes_on = False  # the last step

    def hold(self) -> None:
        if not self._held:
            self.checkpoint()
            self._held, self._goes_on = True, False

    def release(self) -> None:
        if self._held:
            self.checkpoint()
            self._held = self._goes_on = False

    def record(self, edit: Edit) -> None:
        done = edit._edit_result
        if done is not None and not (edit.text or done.replaced_text):
            return
        if self._goes_on and self._undo_stack:
            self._undo_stack[-1].append(edit)
            self._redo_stack.clear()
        else:
            super().record(edit)
            self._goes_on = self._held

    def _pop_undo(self) -> list[Edit] | None:
        self._goes_on = False
        return super()._pop_undo()

    def _pop_redo(self) -> list[Edit] | None:
        self._goes_on = False
        return super()._pop_redo()


_NOT_FOR_TEXT = ("f6", "f7")  # a text area selects with these; here they stop and rewrite


class SectionEditor(TextArea, inherit_bindings=False):
    """A text area that grows at its end while a model writes, and says when a person has changed it."""

    BINDINGS = [
        *(one for one in TextArea.BINDINGS if isinstance(one, Binding) and one.key not in _NOT_FOR_TEXT),
        Binding("ctrl+home", "to_start", "First line", show=False),
        Binding("ctrl+end", "to_end", "Last line", show=False),
    ]

    class Edited(Message):
        """There is something :attr:`SectionEditor.unsaved`."""

    def __init__(self, histories: UndoHistories | None = None, id: str | None = None) -> None:
        """``histories`` has what can be taken back in sections that this or an earlier editor has shown."""
        # The cursor is hidden only while the text is read-only: it would hold the view in its place.
        self._holds_refresh = False  # while an edit is made that says itself what is to be painted
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, show_cursor=False)
        self.match_cursor_bracket = False  # of use in programs; here it would be painted in two places at each key
        self.section_id = ""
        self._saved = ""  # what the document holds of this section, as far as this widget knows
        self._shown = ""  # the same as this widget holds it: line ends may differ
        self._writing = False
        self._unwieldy = False  # a line of the text is longer than can be edited here
        self._histories = histories or UndoHistories()
        self._timer: Timer | None = None
        self._vim: Vim | None = None

    @property
    def unsaved(self) -> str | None:
        """The text, if a person has changed it since it was last :meth:`saved`."""
        text = self.text
        return text if self.section_id and text != self._shown else None

    @property
    def why_locked(self) -> str:
        """Why what is shown cannot be edited, and what to do; nothing where that is not due to the section."""
        if self._writing:
            return f"This section is being written. {key_of(WRITING, 'pause')} pauses; then it can be edited."
        if self._unwieldy:
            most = number(LONGEST_LINE)
            opens = f"{key_of(WRITING, 'external')} opens the section in $EDITOR."
            return f"A line of more than {most} characters cannot be edited here. {opens}"
        return ""

    def saved(self, text: str) -> None:
        """The document has taken what was :attr:`unsaved`, as ``text``."""
        self._saved, self._shown = text, self.text
        self._stop_timer()

    def show(self, section_id: str, text: str, *, writing: bool, locked: bool) -> None:
        """Show a section's text; while it is ``writing`` only what is new is drawn, and the view follows its end.

        ``locked`` keeps a person from typing, and so does a line that is too long. What a person has typed into this
        section and nobody has saved yet stays; before another section is shown, it has to be saved.
        """
        same = section_id == self.section_id
        at_end = self.scroll_offset.y >= self.max_scroll_y - 1
        was_writing, self._writing = self._writing, writing
        if not same or text != self._saved:  # but not because of what a person has just put in, and may take back
            self._unwieldy = _longest_line(text) > LONGEST_LINE
        self.read_only = writing or locked or self._unwieldy
        if not same:
            self.leave()
            self._enter(section_id, text, by_model=writing)
        elif text != self._saved and self.unsaved is None:
            self._follow(text, by_model=writing or was_writing)
        if writing and (at_end or not same):
            self.scroll_end(animate=False, x_axis=False)
        elif was_writing and same and at_end:
            self.action_to_end()  # whoever pauses may want to change the very sentence

    def leave(self) -> None:
        """Remember what can be taken back here, and where the cursor is."""
        self.release()
        if self.section_id:
            steps = self.history.undo_stack or self.history.redo_stack
            left = Left(self.text if steps else None, self.history, self.selection, self.scroll_offset.y)
            self._histories.put(self.section_id, left)

    def _enter(self, section_id: str, text: str, *, by_model: bool) -> None:
        """Show a section as it was left; what was changed elsewhere since can be taken back too."""
        left = self._histories.take(section_id)
        self.history = _History(50, checkpoint_timer=2.0, checkpoint_max_characters=100)
        self.load_text(text if left is None or left.text is None else left.text)
        self.selection = Selection.cursor((0, 0))
        self.section_id, self._saved, self._shown = section_id, text, self.text
        if self._vim is not None:
            self._vim.reset()
        if left is not None:
            self.history = left.history
            self._follow(text, by_model=by_model)
            if not by_model:
                self.selection = _within(left.selection, self.document.end)
                self.call_after_refresh(self.scroll_to, y=left.scroll, animate=False)
        self.refresh()

    def _follow(self, text: str, *, by_model: bool) -> None:
        """Take over what the document holds now, by changing only what differs: the view stays where it is."""
        self.change(_LINE_ENDS.sub("\n", text))
        if by_model:
            self.history.clear()
        self._saved, self._shown = text, self.text
        self.refresh()  # without a cursor that moves, a text of the same size is not drawn by itself

    def change(self, text: str) -> None:
        """Make the text ``text`` in one step that can be taken back."""
        now = self.text
        if now == text:
            return
        start = in_common(now, text)
        end = len(now) - in_common(now[start:][::-1], text[start:][::-1])
        self.history.checkpoint()
        new = text[start : len(text) - (len(now) - end)]
        self.replace(new, self.location_at(start), self.location_at(end), maintain_selection_offset=True)
        self.history.checkpoint()

    # -- painting: a text area paints all of itself at each key, this one the paragraph in which one types

    def edit(self, edit: Edit) -> EditResult:
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
        if self._holds_refresh and not (regions or layout or recompose):
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    # -- places, as characters from the beginning of the text

    def location_at(self, place: int) -> Location:
        before = self.text[:place]
        return before.count("\n"), place - before.rfind("\n") - 1

    @property
    def place(self) -> int:
        """Where the cursor is."""
        return self._place_of(self.cursor_location)

    @property
    def selected(self) -> tuple[int, int]:
        """Where the selection begins and ends."""
        start, end = (self._place_of(one) for one in self.selection)
        return min(start, end), max(start, end)

    def _place_of(self, location: Location) -> int:
        # A text that was loaded in the place of a longer one leaves the cursor where it was, for a moment.
        return len(self.document.get_text_range((0, 0), min(location, self.document.end)))

    def go_to(self, start: int, end: int | None = None) -> None:
        """Select ``start`` to ``end`` and bring it into view; without an end, only put the cursor there."""
        first = self.location_at(start)
        self.selection = Selection(first, first if end is None else self.location_at(end))
        self.call_after_refresh(self.scroll_cursor_visible, center=True)

    # -- vim's keys (the editor is its buffer), where a person wants them

    class ModeChanged(Message):
        """:attr:`SectionEditor.mode` says something else."""

    class SaveAsked(Message):
        """Vim's ``:w``."""

    def use_vim(self, wanted: bool) -> None:
        if wanted != (self._vim is not None):
            self.release()
            self._vim = Vim(self) if wanted else None

    @property
    def mode(self) -> str:
        """What the status line says of vim's mode; nothing where there is none."""
        return self._vim.told if self._vim is not None and self.has_focus and not self.read_only else ""

    def put_cursor(self, place: int) -> None:
        self.move_cursor(self.location_at(place))

    def mark(self, start: int, end: int, cursor: int) -> None:
        first, last = self.location_at(start), self.location_at(end)
        self.selection = Selection(last, first) if cursor == start < end - 1 else Selection(first, last)

    def swap(self, start: int, end: int, text: str) -> None:
        self.history.checkpoint()
        self.replace(text, self.location_at(start), self.location_at(end), maintain_selection_offset=False)
        self.history.checkpoint()

    def hold(self) -> None:
        if isinstance(self.history, _History):
            self.history.hold()

    def release(self) -> None:
        if isinstance(self.history, _History):
            self.history.release()

    def save(self) -> None:
        self.post_message(self.SaveAsked())

    def _for_vim(self, event: events.Key) -> bool:
        if self._vim is None or self.read_only:
            return False
        before = self._vim.told
        taken = self._vim.feed(event.key, event.character)
        if self._vim.told != before:
            self.post_message(self.ModeChanged())
        return taken

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Letters are text here also while it cannot be changed."""
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Whoever types when a model comes to this section must not set off what letters do elsewhere."""
        if (self.read_only and event.is_printable) or self._for_vim(event):
            event.stop()
            event.prevent_default()

    def action_to_start(self) -> None:
        self.move_cursor((0, 0))

    def action_to_end(self) -> None:
        self.move_cursor(self.document.end)

    def on_text_area_changed(self) -> None:
        self._stop_timer()
        if not self.read_only and self.unsaved is not None:
            self._timer = self.set_timer(_QUIET_SECONDS, self._tell)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def on_unmount(self) -> None:
        self.leave()

    def on_blur(self) -> None:
        self.release()
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Edited())


def _longest_line(text: str) -> int:
    return max(map(len, text.splitlines()), default=0) if len(text) > LONGEST_LINE else 0


def _within(selection: Selection, end: Location) -> Selection:
    return Selection(min(selection.start, end), min(selection.end, end))
