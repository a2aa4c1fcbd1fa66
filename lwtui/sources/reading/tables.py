"""Tables in CSV: each row becomes a line that names its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice

import regex

from lwtui.sources.model import Stretch
from lwtui.sources.reading.job import SourceError
from lwtui.text import ends_sentence, one_line
from lwtui.translation import _

_SAMPLE = 20_000  # characters by which the separator is found
_SEPARATORS = ",;\t|"
_MAX_FIELD = 100_000  # characters
_MAX_ROWS = 500_000
_NUMBER = regex.compile(r"[\s$€£¥%+-]*\d[\d.,\s%]*")


def table_rows(text: str, location: str) -> Iterator[Stretch]:
    """Yield the rows of a table, as in "Year: 2020; Tea (t): 1,200".

    Raises:
        SourceError: The text is no table.
    """
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:_SAMPLE], _SEPARATORS)
    except csv.Error:
        dialect = csv.excel
    csv.field_size_limit(_MAX_FIELD)
    rows = islice(csv.reader(io.StringIO(text, newline=""), dialect), _MAX_ROWS)
    try:
        filled = ([one_line(cell) for cell in row] for row in rows)
        filled = (row for row in filled if any(row))
        first = next(filled, None)
        if first is None:
            return
        has_header = not any(_NUMBER.fullmatch(cell) for cell in first) and len(first) > 1
        for row in filled if has_header else chain([first], filled):
            yield Stretch(_line(row, first if has_header else ()))
    except csv.Error:
        raise SourceError(
            _("{location} is not a valid table in CSV. Save it again, and add that.", location=location), code="csv"
        ) from None


def _line(row: Sequence[str], header: Sequence[str]) -> str:
    names = [*header, *[""] * (len(row) - len(header))]
    cells = [f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell]
    line = "; ".join(cells)
    return line if ends_sentence(line) else f"{line}."
