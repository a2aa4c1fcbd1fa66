"""A field for a path, which completes itself: what may follow is shown in grey, and Tab takes it."""

from __future__ import annotations

import asyncio
import os
from itertools import islice
from pathlib import Path

from textual.binding import Binding
from textual.suggester import Suggester
from textual.widgets import Input

from lwtui.text import clean

_MOST_ENTRIES = 5000  # of a folder that are looked at


class PathInput(Input):
    """``suffix`` is that of the files which are wanted."""

    BINDINGS = [Binding("tab", "complete", "Complete", show=False)]

    def __init__(self, value: str, *, suffix: str, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, suggester=_Paths(suffix), id=id, compact=True)
        self._suffix = suffix

    def action_complete(self) -> None:
        """Take what may follow; where nothing does, go to the next field."""
        found = completed(self.value, self._suffix) if self.cursor_at_end else ""
        if found:
            self.value = found
            self.cursor_position = len(found)
        else:
            self.screen.focus_next()


class _Paths(Suggester):
    def __init__(self, suffix: str) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._suffix = suffix

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(completed, value, self._suffix) or None


def completed(value: str, suffix: str) -> str:
    """``value`` as the path of the first file with ``suffix``, or else folder, that begins like it; empty for none."""
    if not value or value == "~":
        return f"{value}/" if value else ""
    head, slash, start = value.rpartition("/")
    try:
        with os.scandir(Path(head + slash or ".").expanduser()) as entries:
            # A name that cannot be shown is not offered either.
            fit = [one for one in islice(entries, _MOST_ENTRIES) if one.name.startswith(start) and _shown(one, start)]
            files = sorted(one.name for one in fit if one.name.endswith(suffix) and one.is_file())
            folders = sorted(f"{one.name}/" for one in fit if one.is_dir())
    except (OSError, ValueError, RuntimeError):  # the last for ~ of nobody
        return ""
    first = next(iter(files + folders), "")
    return head + slash + first if first and first != start else ""


def _shown(entry: os.DirEntry[str], start: str) -> bool:
    return clean(entry.name) == entry.name and (bool(start) or not entry.name.startswith("."))
