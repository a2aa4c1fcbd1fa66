"""What models write into a document at this moment: in memory at once, in the file's journal soon after."""

from __future__ import annotations

import logging
from time import monotonic

import regex

from lwtui.documents import section_rows
from lwtui.documents.contents import Contents, Kept, Stream
from lwtui.documents.model import Provenance, Status
from lwtui.documents.open_file import OpenFile
from lwtui.errors import DocumentError
from lwtui.models.usage import NO_USAGE, Usage

_JOURNAL_SECONDS = 0.4  # the longest that appended text stays in memory alone while more comes
_LOGGER = logging.getLogger(__name__)
_SURROGATE = regex.compile("[\ud800-\udfff]")


class Streaming:
    """Part of a :class:`lwtui.documents.store.Document`, whose methods of the same names say what these do.

    Each section has a stream of its own, from :meth:`begin` until its end is stored.
    """

    def __init__(self, file: OpenFile, contents: Contents) -> None:
        self._file = file
        self._now = contents
        self._unsaved_since: float | None = None
        self._unsaved_usage = NO_USAGE

    def begin(self, section_id: str, provenance: Provenance, keep: int) -> None:
        stream = Stream(provenance, self._now.sections[section_id].section.text)
        stream.replay(keep, "")
        with self._file.change() as db:
            section_rows.put_stream(db, section_id, stream, keep)
        self._now.streams[section_id] = stream

    def append(self, section_id: str, text: str) -> None:
        if not text:
            return
        self._open(section_id).append(_storable(text))
        self._note_unsaved()

    def roll_back(self, section_id: str, keep: int) -> None:
        self._open(section_id).cut(keep)
        self._note_unsaved()

    def finish(self, section_id: str, status: Status, usage: Usage) -> None:
        stream = self._now.streams.get(section_id)
        if stream is None:
            return
        if stream.ended is None:  # else this is the second try after a full disk, and the first one knew better
            stream.ended, stream.usage = status, usage
        self.flush()

    def flush(self) -> None:
        now = self._now
        streams = {id: stream for id, stream in now.streams.items() if stream.unsaved or stream.ended}
        usage = self._unsaved_usage
        if not streams and usage == NO_USAGE:
            return
        self._unsaved_since = monotonic()  # after a failure, the next piece does not try again at once
        done: dict[str, Kept] = {}
        with self._file.change() as db:
            for section_id, stream in streams.items():
                if stream.ended:
                    done[section_id] = section_rows.end_stream(db, now.sections[section_id], stream)
                else:
                    section_rows.put_journal(db, section_id, stream)
            if usage != NO_USAGE:
                section_rows.add_usage(db, usage)
        self._unsaved_since = None
        self._unsaved_usage -= usage
        for stream in streams.values():
            stream.unsaved.clear()
        for section_id, kept in done.items():
            now.sections[section_id] = kept
            del now.streams[section_id]

    def add_usage(self, usage: Usage) -> None:
        self._now.usage += usage
        if self._file.read_only:
            return
        self._unsaved_usage += usage
        try:
            self.flush()
        except DocumentError as error:
            _LOGGER.warning("token usage is not stored yet: %s", error)

    def settle(self, section_id: str, title: str) -> None:
        """Before a section (called ``title``) is changed otherwise: not while a model writes it."""
        stream = self._now.streams.get(section_id)
        if stream is None:
            return
        if stream.ended is None:
            raise DocumentError(f"“{title}” is being written at this moment. Pause the writing first.")
        self.flush()

    def interrupt(self) -> None:
        """What is not through by now is PARTIAL; all of it is stored."""
        for stream in self._now.streams.values():
            stream.ended = stream.ended or Status.PARTIAL
        self.flush()

    def _open(self, section_id: str) -> Stream:
        stream = self._now.streams.get(section_id)
        if stream is None or stream.ended is not None:
            self._file.check_writable()
            raise DocumentError("Text came for a section that is not being written. Start its writing again.")
        return stream

    def _note_unsaved(self) -> None:
        if self._unsaved_since is None:
            self._unsaved_since = monotonic()
        elif monotonic() - self._unsaved_since >= _JOURNAL_SECONDS:
            self.flush()


def _storable(text: str) -> str:
    """``text`` with a replacement for what UTF-8 cannot hold, character for character."""
    return _SURROGATE.sub("\ufffd", text)
