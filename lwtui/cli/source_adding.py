"""Adding of sources with progress on standard error, for ``lwtui sources add`` and ``lwtui write --source``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lwtui.cli.redrawn_line import RedrawnLine
from lwtui.sources.model import Source
from lwtui.sources.reading.adding import AddedSource, UnreadSource, add_sources
from lwtui.sources.reading.job import ReadJob
from lwtui.sources.reading.progress import AddingProgress
from lwtui.sources.store import SourceStore
from lwtui.translation import _n

_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 5.0  # between two lines where nothing can be redrawn


@dataclass
class AddedCounts:
    """What became of the sources.

    Attributes:
        added: Those that are in the document now.
        unread: Those that cannot be read.
    """

    added: list[Source] = field(default_factory=list)
    unread: list[UnreadSource] = field(default_factory=list)

    def count(self, result: AddedSource | UnreadSource, note: Callable[[str], None]) -> None:
        """Count a source, and tell what became of it with ``note``, which prints a line."""
        if isinstance(result, UnreadSource):
            self.unread.append(result)
            note(result.problem)
            return
        self.added.append(result.source)
        note(source_line(result.source))
        for remark in result.notes:
            note(f"  {remark}")


def add_with_progress(
    store: SourceStore, names: Sequence[str], note: Callable[[str], None], *, quiet: bool = False
) -> AddedCounts:
    """Add sources to a document. What was added stays if the command is stopped.

    Args:
        store: The document's sources.
        names: From :func:`lwtui.sources.reading.adding.locations`.
        note: Prints a line about a source.
        quiet: Whether to show no progress.

    Raises:
        DocumentError: A source cannot be stored.
        LwtuiError: A package is missing.
    """
    counts = AddedCounts()
    progress = AddingProgress(names)
    line = RedrawnLine(_LINE_SECONDS, redraw_seconds=_REDRAW_SECONDS, quiet=quiet)

    def on_pages(done: int, total: int) -> None:
        progress.pages(done, total)
        line.show(progress.line())

    def on_start(name: str) -> None:
        progress.start(name)
        line.show(progress.line())

    try:
        for result in add_sources(store, names, ReadJob(on_pages), on_start):
            line.clear()
            counts.count(result, note)
    except KeyboardInterrupt as stop:
        stop.add_note(
            _n(
                "Stopped. {count:,} source was added, and stays.",
                "Stopped. {count:,} sources were added, and stay.",
                len(counts.added),
            )
        )
        raise
    finally:
        line.clear()
    return counts


def source_line(source: Source) -> str:
    """Describe a source in a line: its key, its title and how much text it has."""
    passages = _n("{count:,} passage", "{count:,} passages", source.passages)
    return f"{source.key}  {source.title} ({source.kind}, {passages})"
