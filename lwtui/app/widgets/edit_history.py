"""The undo history and the cursor of each section, kept while a document is open."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported late: the first screen has no text area
    from textual.document._history import EditHistory
    from textual.widgets.text_area import Selection

_MAX_SECTIONS = 100


@dataclass(frozen=True)
class EditorState:
    """The state of the editor when the user left a section.

    Attributes:
        text: The text at the end of the undo history; ``None`` if the history is empty.
        history: The undo history.
        selection: The selection or the cursor.
        scroll: The scroll position, in lines.
    """

    text: str | None
    history: EditHistory
    selection: Selection
    scroll: float


class UndoHistories:
    """The editor states of the sections left most recently. Older sections still have their versions."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, EditorState] = OrderedDict()

    def put(self, section_id: str, state: EditorState) -> None:
        """Keep the state of a section."""
        self._left[section_id] = state
        self._left.move_to_end(section_id)
        if len(self._left) > _MAX_SECTIONS:
            self._left.popitem(last=False)

    def take(self, section_id: str) -> EditorState | None:
        """Remove and return the state of a section."""
        return self._left.pop(section_id, None)
