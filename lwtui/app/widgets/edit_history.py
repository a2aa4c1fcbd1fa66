"""What can be taken back in each section, and where its cursor was: kept while a document is open."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first screen needs no text area
    from textual.document._history import EditHistory
    from textual.widgets.text_area import Selection

_MOST_SECTIONS = 100


@dataclass(frozen=True)
class Left:
    """A section as its editor was left: ``text`` is what the ``history`` leads to (``None`` for one without steps)."""

    text: str | None
    history: EditHistory
    selection: Selection
    scroll: float  # lines


class UndoHistories:
    """The sections that were left last; of older ones nothing can be taken back, but they have their versions."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, Left] = OrderedDict()

    def put(self, section_id: str, left: Left) -> None:
        self._left[section_id] = left
        self._left.move_to_end(section_id)
        if len(self._left) > _MOST_SECTIONS:
            self._left.popitem(last=False)

    def take(self, section_id: str) -> Left | None:
        return self._left.pop(section_id, None)
