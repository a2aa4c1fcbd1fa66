"""A field for a path with completion: it shows a suggestion in gray, and Tab accepts it."""

from __future__ import annotations

import asyncio
import os
from itertools import islice
from pathlib import Path

from textual.binding import Binding
from textual.suggester import Suggester
from textual.widgets import Input

from lwtui.text import clean

_MAX_ENTRIES = 5000  # of a folder that are considered


class PathInput(Input):
    """A field for the path of a file with a certain suffix."""

    BINDINGS = [Binding("tab", "complete", "Complete", show=False)]

    def __init__(self, value: str, *, suffix: str, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, suggester=_PathSuggester(suffix), id=id, compact=True)
        self._suffix = suffix

    def action_complete(self) -> None:
        """Accept the suggestion; without one, go to the next field."""
        found = complete_path(self.value, self._suffix) if self.cursor_at_end else ""
        if found:
            self.value = found
            self.cursor_position = len(found)
        else:
            self.screen.focus_next()


class _PathSuggester(Suggester):
    def __init__(self, suffix: str) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._suffix = suffix

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(complete_path, value, self._suffix) or None


def complete_path(value: str, suffix: str) -> str:
    """Complete ``value`` to the first file with ``suffix``, or else the first folder; empty if there is none."""
    if not value or value == "~":
        return f"{value}/" if value else ""
    head, slash, start = value.rpartition("/")
    try:
        with os.scandir(Path(head + slash or ".").expanduser()) as entries:
            fit = [entry for entry in islice(entries, _MAX_ENTRIES) if _is_offered(entry, start)]
            files = sorted(entry.name for entry in fit if entry.name.endswith(suffix) and entry.is_file())
            folders = sorted(f"{entry.name}/" for entry in fit if entry.is_dir())
    except (OSError, ValueError, RuntimeError):  # RuntimeError: the home folder of an unknown user
        return ""
    first = next(iter(files + folders), "")
    return head + slash + first if first and first != start else ""


def _is_offered(entry: os.DirEntry[str], start: str) -> bool:
    """Return whether an entry begins with ``start``, can be displayed and is not hidden."""
    if not entry.name.startswith(start):
        return False
    return clean(entry.name) == entry.name and (bool(start) or not entry.name.startswith("."))
