"""Streaming of model output into a document: at once into memory, and shortly after into the file's journal."""

from __future__ import annotations

import logging
from time import monotonic

import regex

from lwtui.documents import section_rows
from lwtui.documents.contents import Contents, StoredSection, StreamingText
from lwtui.documents.model import Provenance, Status
from lwtui.documents.open_file import OpenFile
from lwtui.errors import DocumentError
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.translation import _

_JOURNAL_SECONDS = 0.4  # while text streams in, the journal is written at least this often
_LOGGER = logging.getLogger(__name__)
_SURROGATE = regex.compile("[\ud800-\udfff]")


class StreamManager:
    """The streams of a :class:`lwtui.documents.store.Document`, whose methods of the same names document these.

    Each section has a stream of its own, from :meth:`begin` until its end is stored.
    """

    def __init__(self, file: OpenFile, contents: Contents) -> None:
        self._file = file
        self._now = contents
        self._unsaved_since: float | None = None
        self._unsaved_usage = NO_USAGE

    def begin(self, section_id: str, provenance: Provenance, keep: int) -> None:
        """Start a stream, after the first ``keep`` characters of the section's text."""
        stream = StreamingText(provenance, self._now.sections[section_id].section.text)
        stream.replay(keep, "")
        with self._file.change() as db:
            section_rows.put_stream(db, section_id, stream, keep)
        self._now.streams[section_id] = stream

    def append(self, section_id: str, text: str) -> None:
        """Append text to a stream."""
        if not text:
            return
        self._open_stream(section_id).append(_storable(text))
        self._flush_if_due()

    def roll_back(self, section_id: str, keep: int) -> None:
        """Cut the text of a stream to ``keep`` characters."""
        self._open_stream(section_id).cut(keep)
        self._flush_if_due()

    def finish(self, section_id: str, status: Status, usage: Usage) -> None:
        """End a stream."""
        stream = self._now.streams.get(section_id)
        if stream is None:
            return
        if stream.final_status is None:  # a second attempt after a full disk keeps the status of the first
            stream.final_status, stream.usage = status, usage
        self.flush()

    def flush(self) -> None:
        """Store everything that is unsaved, in one transaction."""
        now = self._now
        streams = {id: stream for id, stream in now.streams.items() if stream.unsaved or stream.final_status}
        usage = self._unsaved_usage
        if not streams and usage == NO_USAGE:
            return
        self._unsaved_since = monotonic()  # so that the next piece does not retry at once if this fails
        ended: dict[str, StoredSection] = {}
        with self._file.change() as db:
            for section_id, stream in streams.items():
                if stream.final_status:
                    ended[section_id] = section_rows.end_stream(db, now.sections[section_id], stream)
                else:
                    section_rows.put_journal(db, section_id, stream)
            if usage != NO_USAGE:
                section_rows.add_usage(db, usage)
        self._unsaved_since = None
        self._unsaved_usage -= usage
        for stream in streams.values():
            stream.unsaved.clear()
        for section_id, stored in ended.items():
            now.sections[section_id] = stored
            del now.streams[section_id]

    def add_usage(self, usage: Usage) -> None:
        """Add to the document's token usage. It never fails."""
        self._now.usage += usage
        if self._file.read_only:
            return
        self._unsaved_usage += usage
        try:
            self.flush()
        except DocumentError as error:
            _LOGGER.warning("cannot store token usage yet: %s", error)

    def ensure_not_streaming(self, section_id: str, title: str) -> None:
        """Check that no model writes a section, before it is changed in another way. ``title`` names it in the error.

        Raises:
            DocumentError: A model writes the section, or its finished stream cannot be stored.
        """
        stream = self._now.streams.get(section_id)
        if stream is None:
            return
        if stream.final_status is None:
            raise DocumentError(
                _("“{title}” is being written right now. Pause the writing first.", title=title), code="being-written"
            )
        self.flush()

    def interrupt_all(self) -> None:
        """End all streams as PARTIAL and store them."""
        for stream in self._now.streams.values():
            stream.final_status = stream.final_status or Status.PARTIAL
        self.flush()

    def _open_stream(self, section_id: str) -> StreamingText:
        stream = self._now.streams.get(section_id)
        if stream is None or stream.final_status is not None:
            self._file.check_writable()
            raise DocumentError(
                _("Text arrived for a section that is not being written. Start writing it again."),
                code="not-being-written",
            )
        return stream

    def _flush_if_due(self) -> None:
        if self._unsaved_since is None:
            self._unsaved_since = monotonic()
        elif monotonic() - self._unsaved_since >= _JOURNAL_SECONDS:
            self.flush()


def _storable(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode, with U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)
