"""Extracts the text of a web page in a process of its own, with bounded memory and time.

Its arguments are the file, the address of the page and its encoding, which both may be empty, and the seconds of CPU
time that it may take. It prints a line of JSON:
``{"text", "title", "author", "date", "site", "language", "url"}`` or ``{"error"}``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lwtui.sources.reading.limits import TooSlow, limit_process, time_limit

_MAX_MEMORY = 2 << 30  # bytes
_MAX_TEXT = 25_000_000  # characters
_MAX_VALUE = 2_000


def main() -> None:
    """Extract the text of the page that the arguments name."""
    path, address, encoding, seconds = sys.argv[1:5]
    limit_process(_MAX_MEMORY, int(seconds) + 5)  # a call into a library in C ends only here
    try:
        with time_limit(int(seconds)):
            result = _extract(Path(path).read_bytes(), address, encoding)
    except TooSlow:
        result = {"error": "slow"}
    except MemoryError:
        result = {"error": "memory"}
    print(json.dumps(result), flush=True)


def _extract(page: bytes, address: str, encoding: str) -> dict[str, Any]:
    import trafilatura

    try:
        found = trafilatura.bare_extraction(
            _decoded(page, encoding),
            url=address or None,
            include_comments=False,
            include_tables=True,
            with_metadata=True,
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a malformed page can raise anything
        return {"error": "malformed"}
    if found is None or isinstance(found, dict):
        return {"error": "no-text"}
    values = {name: getattr(found, name, None) for name in ("title", "author", "date", "language", "url")}
    values["site"] = found.sitename
    named = {name: str(value)[:_MAX_VALUE] for name, value in values.items() if value}
    return {"text": (found.text or "")[:_MAX_TEXT], **named}


def _decoded(page: bytes, encoding: str) -> str | bytes:
    """Decode a page as its server says; by default the library finds its encoding."""
    try:
        return page.decode(encoding, "replace") if encoding else page
    except LookupError:
        return page


if __name__ == "__main__":
    main()
