"""Names of what an import keeps and leaves out, with their numbers: "2 tables", "1 address of a picture"."""

from __future__ import annotations

from collections.abc import Callable

from lwtui.translation import _n

_COUNTED: dict[str, Callable[[int], str]] = {
    "abstract": lambda count: _n("{count:,} abstract", "{count:,} abstracts", count),
    "address of a picture": lambda count: _n(
        "{count:,} address of a picture", "{count:,} addresses of a picture", count
    ),
    "archived or inactive document": lambda count: _n(
        "{count:,} archived or inactive document", "{count:,} archived or inactive documents", count
    ),
    "chapter outside the book": lambda count: _n(
        "{count:,} chapter outside the book", "{count:,} chapters outside the book", count
    ),
    "chart": lambda count: _n("{count:,} chart", "{count:,} charts", count),
    "citation (its key)": lambda count: _n("{count:,} citation (its key)", "{count:,} citations (its key)", count),
    "code block": lambda count: _n("{count:,} code block", "{count:,} code blocks", count),
    "comment": lambda count: _n("{count:,} comment", "{count:,} comments", count),
    "damaged character (shown as \ufffd)": lambda count: _n(
        "{count:,} damaged character (shown as \ufffd)", "{count:,} damaged characters (shown as \ufffd)", count
    ),
    "date": lambda count: _n("{count:,} date", "{count:,} dates", count),
    "definition list": lambda count: _n("{count:,} definition list", "{count:,} definition lists", count),
    "diagram": lambda count: _n("{count:,} diagram", "{count:,} diagrams", count),
    "document in the trash": lambda count: _n(
        "{count:,} document in the trash", "{count:,} documents in the trash", count
    ),
    "document that is not compiled": lambda count: _n(
        "{count:,} document that is not compiled", "{count:,} documents that are not compiled", count
    ),
    "embedded file": lambda count: _n("{count:,} embedded file", "{count:,} embedded files", count),
    "embedded note": lambda count: _n("{count:,} embedded note", "{count:,} embedded notes", count),
    "embedded object": lambda count: _n("{count:,} embedded object", "{count:,} embedded objects", count),
    "file of another type": lambda count: _n(
        "{count:,} file of another type", "{count:,} files of another type", count
    ),
    "file that SUMMARY.md does not list": lambda count: _n(
        "{count:,} file that SUMMARY.md does not list", "{count:,} files that SUMMARY.md does not list", count
    ),
    "footer of the pages": lambda count: _n("{count:,} footer of the pages", "{count:,} footers of the pages", count),
    "footnote": lambda count: _n("{count:,} footnote", "{count:,} footnotes", count),
    "footnote in a comment": lambda count: _n(
        "{count:,} footnote in a comment", "{count:,} footnotes in a comment", count
    ),
    "formula": lambda count: _n("{count:,} formula", "{count:,} formulas", count),
    "header of the pages": lambda count: _n("{count:,} header of the pages", "{count:,} headers of the pages", count),
    "included file": lambda count: _n("{count:,} included file", "{count:,} included files", count),
    "missing file": lambda count: _n("{count:,} missing file", "{count:,} missing files", count),
    "note": lambda count: _n("{count:,} note", "{count:,} notes", count),
    "picture": lambda count: _n("{count:,} picture", "{count:,} pictures", count),
    "piece of raw markup": lambda count: _n("{count:,} piece of raw markup", "{count:,} pieces of raw markup", count),
    "subtitle": lambda count: _n("{count:,} subtitle", "{count:,} subtitles", count),
    "synopsis": lambda count: _n("{count:,} synopsis", "{count:,} synopses", count),
    "table": lambda count: _n("{count:,} table", "{count:,} tables", count),
    "table (as lines)": lambda count: _n("{count:,} table (as lines)", "{count:,} tables (as lines)", count),
    "table of contents": lambda count: _n("{count:,} table of contents", "{count:,} tables of contents", count),
    "table of one cell (as text)": lambda count: _n(
        "{count:,} table of one cell (as text)", "{count:,} tables of one cell (as text)", count
    ),
    "tag of novelWriter": lambda count: _n("{count:,} tag of novelWriter", "{count:,} tags of novelWriter", count),
    "target of a link within the text": lambda count: _n(
        "{count:,} target of a link within the text", "{count:,} targets of a link within the text", count
    ),
    "tracked deletion": lambda count: _n("{count:,} tracked deletion", "{count:,} tracked deletions", count),
    "unread element": lambda count: _n("{count:,} unread element", "{count:,} unread elements", count),
    "unread file": lambda count: _n("{count:,} unread file", "{count:,} unread files", count),
    "unused link definition": lambda count: _n(
        "{count:,} unused link definition", "{count:,} unused link definitions", count
    ),
    "value of the front matter": lambda count: _n(
        "{count:,} value of the front matter", "{count:,} values of the front matter", count
    ),
    "word": lambda count: _n("{count:,} word", "{count:,} words", count),
}
KINDS = frozenset(_COUNTED)


def counted(number: int, kind: str) -> str:
    """Return a number with the name of a kind, one of :data:`KINDS`."""
    return _COUNTED[kind](number)
