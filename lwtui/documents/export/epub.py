"""A book for e-readers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import NAMESPACE_URL, uuid5

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.pandoc import convert, dated, edited

# Added to pandoc's own style, which is made for books.
_STYLE = """
h1, h2, h3, h4, h5, h6 { hyphens: none; break-after: avoid; }
.titlepage, .titlepage h1 { text-align: center; }
.titlepage { padding-top: 25%; }
pre { white-space: pre-wrap; }
th, td { padding: 0.2em 0.5em; border-bottom: 1px solid; text-align: start; }
nav ol { list-style: none; }
"""


def epub(book: Manuscript, work: ExportJob) -> bytes:
    """The file's bytes. Raises :class:`lwtui.errors.LwtuiError`."""
    # The same book exported again is the same book to a reader, which keeps the place in it.
    identifier = uuid5(NAMESPACE_URL, f"lwtui:{book.language}:{book.author}:{book.title}").urn
    options = [
        "--split-level=1",
        "--toc-depth=3",
        f"--metadata=identifier:{identifier}",
        f"--epub-title-page={'true' if book.title_page else 'false'}",
    ]
    if book.lists_contents:
        options.append("--toc")
    changes: dict[str, Callable[[str], str]] = {
        "EPUB/content.opf": lambda xml: dated(xml, book),
        "EPUB/styles/stylesheet1.css": lambda css: css + _STYLE,
    }
    return edited(convert(book, "epub3", options, work), changes, {})
