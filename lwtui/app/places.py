"""Where a person left off: the document that was open, and the place in each that was open before.

Kept in a small file in the cache folder: without it, nothing is lost but the place.
"""

from __future__ import annotations

import json
import os
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from lwtui.config import cache_folder

_MOST_DOCUMENTS = 200


@dataclass(frozen=True)
class Place:
    """A section of a document, by id, and the character before which the cursor stands in its text.

    ``screen`` is ``plan`` or ``text``; ``editing`` says that the cursor was in the text, not in the outline.
    """

    screen: str
    section_id: str
    cursor: int = 0
    editing: bool = False


class Places:
    """Read when lwtui starts; each change is in the file at once."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or cache_folder() / "places.json"
        self._last = ""
        self._places: dict[str, Place] = {}
        try:
            self._read(json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return  # none yet, or nothing that this version wrote: one begins anew

    @property
    def last(self) -> Path | None:
        """The document that was open when lwtui was left, if it is still there."""
        path = Path(self._last)
        return path if self._last and path.is_file() else None

    def of(self, path: Path) -> Place | None:
        """The place in a document where it was left."""
        return self._places.get(str(path.absolute()))

    def keep(self, path: Path, place: Place) -> None:
        """``path`` is open, at ``place``."""
        name = str(path.absolute())
        if (self._last, self._places.get(name)) != (name, place):
            self._last = name
            self._places.pop(name, None)
            self._places[name] = place
            self._write()

    def close(self) -> None:
        """No document is open any more."""
        if self._last:
            self._last = ""
            self._write()

    def _read(self, stored: Any) -> None:
        places = {str(path): Place(str(a), str(b), int(c), bool(d)) for path, (a, b, c, d) in stored["places"].items()}
        self._last, self._places = str(stored["last"]), places

    def _write(self) -> None:
        newest = list(self._places.items())[-_MOST_DOCUMENTS:]
        stored = {"last": self._last, "places": {path: astuple(place) for path, place in newest}}
        # In one step, but not flushed to the disk: that would take as long as some keys, and a power cut may have it.
        new = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(stored, ensure_ascii=False), encoding="utf-8")
            new.replace(self._file)
        except OSError:
            return  # a full disk or a read-only home: the text is what matters, and tells of it
