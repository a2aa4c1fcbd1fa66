"""The text of one section: read while it streams in, edited at any other time."""

from __future__ import annotations

from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

_QUIET_SECONDS = 0.4  # after the last key


class SectionEditor(TextArea):
    """A text area that grows at its end while a model writes, and says when a person has changed it."""

    class Edited(Message):
        """There are changes to :meth:`SectionEditor.take`."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False)
        self.section_id = ""
        self._stored = ""  # what the document holds of this section, as far as this widget knows
        self._timer: Timer | None = None

    def show(self, section_id: str, text: str, *, writing: bool, locked: bool) -> None:
        """Show a section's text; while it is ``writing`` only what is new is drawn, and the view follows its end.

        ``locked`` keeps a person from typing. What a person has typed and nobody has taken yet stays.
        """
        same = section_id == self.section_id
        self.section_id = section_id
        self.read_only = writing or locked
        if same and (text == self._stored or (not writing and self.text != self._stored)):
            return
        follow = writing and (not same or self.scroll_offset.y >= self.max_scroll_y - 1)
        if same and self._stored and text.startswith(self._stored) and self.text == self._stored:
            self.insert(text[len(self._stored) :], self.document.end, maintain_selection_offset=True)
            self.history.clear()
        else:
            self.load_text(text)
        self._stored = text
        if follow:
            self.scroll_end(animate=False, x_axis=False)

    def take(self) -> str | None:
        """The text, if a person has changed it since the last time; whoever takes it stores it."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if not self.section_id or self.read_only or self.text == self._stored:
            return None
        self._stored = self.text
        return self._stored

    def on_text_area_changed(self) -> None:
        if self.read_only or self.text == self._stored:
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_QUIET_SECONDS, self._tell)

    def on_blur(self) -> None:
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Edited())
