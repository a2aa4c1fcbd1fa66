"""The writing diary: how many words each day has added to the documents, and the daily goal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from lwtui.config import state_folder
from lwtui.files import FileLock, FileLocked, write_atomically

_MAX_DAYS = 3700  # ten years


@dataclass(frozen=True)
class DiaryDay:
    """A day, and the words that it has added; fewer than 0 if more were removed."""

    day: date
    words: int


class Diary:
    """The diary of all documents, in a small file.

    Args:
        file: The file; by default that in the state folder.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or state_folder() / "diary.json"

    def add(self, words: int, day: date) -> bool:
        """Add words to a day. Returns whether that worked; another window may be writing at this moment."""
        if not words:
            return True
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock.acquire(self._file)
        except (OSError, FileLocked):
            return False
        try:
            days = dict(self._read())
            days[day.isoformat()] = days.get(day.isoformat(), 0) + words
            kept = dict(sorted(days.items())[-_MAX_DAYS:])
            write_atomically(self._file, json.dumps(kept, indent=0))
        except OSError:
            return False
        finally:
            lock.release()
        return True

    def days(self, count: int, today: date) -> list[DiaryDay]:
        """Return the last ``count`` days up to ``today``, the oldest first, also those without words."""
        stored = self._read()
        days = [today - timedelta(back) for back in range(count - 1, -1, -1)]
        return [DiaryDay(day, stored.get(day.isoformat(), 0)) for day in days]

    def streak(self, goal: int, today: date) -> int:
        """Count the days in a row that have reached the goal; today counts once it has."""
        if goal < 1:
            return 0
        stored, count, day = self._read(), 0, today
        if stored.get(day.isoformat(), 0) < goal:
            day -= timedelta(1)
        while stored.get(day.isoformat(), 0) >= goal:
            count, day = count + 1, day - timedelta(1)
        return count

    def _read(self) -> Mapping[str, int]:
        """Read the file; what is no day or no number is left out."""
        with suppress(OSError, ValueError, RecursionError):
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            if isinstance(stored, dict):
                return {day: words for day, words in stored.items() if _is_day(day) and type(words) is int}
        return {}


class WordCount:
    """Counts the words that a document gains while it is open.

    Attributes:
        session: The words gained since it was opened.
    """

    def __init__(self, diary: Diary, words: int) -> None:
        """Begin with a document that has ``words``."""
        self.session = 0
        self._diary = diary
        self._counted = words

    def take(self, words: int, day: date) -> None:
        """Put what has been gained since the last call into the diary. The document now has ``words``."""
        gained = words - self._counted
        if self._diary.add(gained, day):
            self._counted = words
            self.session += gained


def _is_day(text: object) -> bool:
    try:
        date.fromisoformat(str(text))
    except ValueError:
        return False
    return True
