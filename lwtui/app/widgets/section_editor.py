"""The text of one section: read while it streams in, edited at any other time."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from lwtui.documents.edits import in_common

_QUIET_SECONDS = 0.4  # after the last key


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

    def __init__(self, id: str | None = None) -> None:
        # The cursor is hidden only while the text is read-only: it would hold the view in its place.
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, show_cursor=False)
        self.section_id = ""
        self._saved = ""  # what the document holds of this section, as far as this widget knows
        self._shown = ""  # the same as this widget holds it: line ends may differ
        self._writing = False
        self._timer: Timer | None = None

    @property
    def unsaved(self) -> str | None:
        """The text, if a person has changed it since it was last :meth:`saved`."""
        text = self.text
        return text if self.section_id and text != self._shown else None

    def saved(self, text: str) -> None:
        """The document has taken what was :attr:`unsaved`, as ``text``."""
        self._saved, self._shown = text, self.text
        self._stop_timer()

    def show(self, section_id: str, text: str, *, writing: bool, locked: bool) -> None:
        """Show a section's text; while it is ``writing`` only what is new is drawn, and the view follows its end.

        ``locked`` keeps a person from typing. What a person has typed into this section and nobody has saved yet
        stays; before another section is shown, it has to be saved.
        """
        same = section_id == self.section_id
        at_end = self.scroll_offset.y >= self.max_scroll_y - 1
        was_writing, self._writing = self._writing, writing
        self.read_only = writing or locked
        if not same or (text != self._saved and self.unsaved is None):
            self._load(section_id, text)
        if writing and (at_end or not same):
            self.scroll_end(animate=False, x_axis=False)
        elif was_writing and same and at_end:
            self.action_to_end()  # whoever pauses may want to change the very sentence

    def _load(self, section_id: str, text: str) -> None:
        if section_id == self.section_id and self._shown == self._saved:
            self._change_end(text)
        else:
            self.load_text(text)
        self.section_id, self._saved, self._shown = section_id, text, self.text
        self.refresh()  # without a cursor that moves, a text of the same size is not drawn by itself

    def _change_end(self, text: str) -> None:
        """Make the text ``text`` by changing only what differs, so that the view stays where it is."""
        same = in_common(self._saved, text)
        start = (text.count("\n", 0, same), same - text.rfind("\n", 0, same) - 1)
        self.replace(text[same:], start, self.document.end, maintain_selection_offset=True)
        self.history.clear()

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Letters are text here also while it cannot be changed."""
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Whoever types when a model comes to this section must not set off what letters do elsewhere."""
        if self.read_only and event.is_printable:
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

    def on_blur(self) -> None:
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Edited())
