"""EPUB export."""

from __future__ import annotations

from collections.abc import Callable
from uuid import NAMESPACE_URL, uuid5

import regex

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.pandoc import convert, rewrite_zip, with_date
from lwtui.documents.export.pandoc_tree import book_tree
from lwtui.documents.export.prepared import prepare
from lwtui.translation import _

_ANNOTATION = regex.compile(r"<annotation encoding=\"application/x-tex\">[^<]*</annotation>")
# Added to pandoc's own style sheet.
_STYLE = """
h1, h2, h3, h4, h5, h6 { hyphens: none; break-after: avoid; }
.titlepage, .titlepage h1 { text-align: center; }
.titlepage { padding-top: 25%; }
pre { white-space: pre-wrap; }
th, td { padding: 0.2em 0.5em; border-bottom: 1px solid; text-align: start; }
nav ol { list-style: none; }
figure { margin: 1.5em 0; text-align: center; break-inside: avoid; }
figcaption, caption { font-size: 0.9em; text-align: center; padding: 0.4em 0; }
dt { font-weight: bold; }
dd { margin: 0 0 0.5em 1.5em; }
img { max-width: 100%; }
"""


def epub(book: Manuscript, job: ExportJob) -> bytes:
    """Export a manuscript to EPUB, and return the bytes of the file.

    Raises:
        LwtuiError: The export failed or was stopped.
    """
    # With a stable identifier, e-readers recognize a new export of the same book and keep the reading position.
    identifier = uuid5(NAMESPACE_URL, f"lwtui:{book.language}:{book.author}:{book.title}").urn
    options = [
        "--split-level=1",
        "--mathml",
        "--toc-depth=3",
        f"--metadata=identifier:{identifier}",
        f"--epub-title-page={'true' if book.title_page else 'false'}",
    ]
    if book.lists_contents:
        options.append("--toc")
    changes: dict[str, Callable[[str], str]] = {
        "EPUB/content.opf": lambda xml: with_date(xml, book),
        "EPUB/styles/stylesheet1.css": lambda css: f"{css}{_STYLE}{book.style.css}",
    }
    # A reader that knows no MathML would show the source of a formula beside its signs.
    changes["*.xhtml"] = lambda xml: _ANNOTATION.sub("", xml)
    job.step(_("Reading the text"))
    tree = book_tree(book, prepare(book, 0, "epub", job))
    return rewrite_zip(convert(tree, "epub3", options, job), changes, {})
