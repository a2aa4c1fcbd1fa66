"""The user's place in each document, and the document that was open last.

A small file in the cache folder holds them. If it is lost, documents open at their beginning.
"""

from __future__ import annotations

import json
import os
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from lwtui.config import cache_folder

_MAX_DOCUMENTS = 200


@dataclass(frozen=True)
class Place:
    """A place in a document.

    Attributes:
        screen: ``plan`` or ``text``.
        section_id: The section under the cursor.
        cursor: The cursor's position in the section's text, in characters.
        editing: Whether the focus was in the text rather than in the outline.
    """

    screen: str
    section_id: str
    cursor: int = 0
    editing: bool = False


class Places:
    """The places of all documents. They are read once; each change is written at once."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or cache_folder() / "places.json"
        self._last = ""
        self._places: dict[str, Place] = {}
        try:
            self._read(json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return  # missing or malformed: start without places

    @property
    def last(self) -> Path | None:
        """The document that was open when lwtui quit, if it still exists."""
        path = Path(self._last)
        return path if self._last and path.is_file() else None

    def of(self, path: Path) -> Place | None:
        """Return where the user left a document."""
        return self._places.get(str(path.absolute()))

    def keep(self, path: Path, place: Place) -> None:
        """Record that the document ``path`` is open at ``place``."""
        name = str(path.absolute())
        if (self._last, self._places.get(name)) != (name, place):
            self._last = name
            self._places.pop(name, None)
            self._places[name] = place
            self._write()

    def close(self) -> None:
        """Record that no document is open."""
        if self._last:
            self._last = ""
            self._write()

    def _read(self, stored: Any) -> None:
        places = {str(path): Place(str(a), str(b), int(c), bool(d)) for path, (a, b, c, d) in stored["places"].items()}
        self._last, self._places = str(stored["last"]), places

    def _write(self) -> None:
        newest = list(self._places.items())[-_MAX_DOCUMENTS:]
        stored = {"last": self._last, "places": {path: astuple(place) for path, place in newest}}
        # Replaced atomically but not synced, which would delay keys: a power cut may lose the place.
        new = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(stored, ensure_ascii=False), encoding="utf-8")
            new.replace(self._file)
        except OSError:
            return  # a full disk or a read-only home: storing the text will report it
