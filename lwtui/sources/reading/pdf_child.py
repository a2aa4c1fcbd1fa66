"""Reads pages of a PDF in a process of its own, with bounded memory and time.

Its arguments are the file, the first page (from 0) and the step to the next one. It prints a line of JSON about the
file: ``{"pages", "title", "author", "date"}`` or ``{"error"}``, and one for each page: ``{"page", "text"}``, in which
the text is ``null`` if the page cannot be read.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from lwtui.sources.reading.limits import TooSlow, limit_process, time_limit

_MAX_MEMORY = 2 << 30  # bytes
_MAX_SECONDS = 900  # of CPU time
_OPEN_SECONDS = 60
_PAGE_SECONDS = 10
_MAX_SLOW_PAGES = 5
_MAX_PAGES = 20_000
_MAX_PAGE_TEXT = 200_000  # characters
_MAX_VALUE = 2_000  # characters of a property


def main() -> None:
    """Read the pages that the arguments name."""
    path, first, step = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    limit_process(_MAX_MEMORY, _MAX_SECONDS)
    try:
        with time_limit(_OPEN_SECONDS):
            reader, about = _open(path)
    except TooSlow:
        reader, about = None, {"error": "slow"}
    except MemoryError:
        reader, about = None, {"error": "memory"}
    _print(about)
    if reader is not None:
        _print_pages(reader, range(first, about["pages"], step))


def _open(path: str) -> tuple[Any, dict[str, Any]]:
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError

    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            return None, {"error": "encrypted"}
        pages = len(reader.pages)
        if pages > _MAX_PAGES:
            return None, {"error": "pages"}
        return reader, {"pages": pages, **_properties(reader)}
    except (DependencyError, FileNotDecryptedError):
        return None, {"error": "encrypted"}
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a malformed file can raise anything
        return None, {"error": "malformed"}


def _properties(reader: Any) -> dict[str, str]:
    try:
        found = reader.metadata or {}
        values = {"title": found.get("/Title"), "author": found.get("/Author"), "date": found.get("/CreationDate")}
        return {name: str(value)[:_MAX_VALUE] for name, value in values.items() if value}
    except Exception:  # noqa: BLE001 - a file without valid properties may have pages all the same
        return {}


def _print_pages(reader: Any, numbers: range) -> None:
    slow = 0
    for number in numbers:
        text = None
        try:
            with time_limit(_PAGE_SECONDS):
                text = reader.pages[number].extract_text()[:_MAX_PAGE_TEXT]
        except TooSlow:
            slow += 1
        except Exception:  # noqa: BLE001 - a malformed page can raise anything; the others may be valid
            text = None
        _print({"page": number + 1, "text": text})
        if slow > _MAX_SLOW_PAGES:
            _print({"error": "slow"})
            return


def _print(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
