"""Pages in HTML: their text without menus and advertisements, and what their meta tags say of them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lwtui.documents.export.pandoc import require_packages
from lwtui.sources.csl import item_from
from lwtui.sources.model import ReadSource, Stretch
from lwtui.sources.reading.job import ReadJob, SourceError
from lwtui.sources.reading.passages import divide
from lwtui.text import clean, one_line
from lwtui.translation import _

_CHILD = "lwtui.sources.reading.page_child"
_CPU_SECONDS = 20
_MAX_SECONDS = 120.0  # of wall-clock time
_MAX_OUTPUT = 120_000_000  # bytes
_PROBLEMS = {
    "no-text": _(
        "{location} has no text that can be read without running its scripts. Save the page from a browser as text or "
        "PDF, and add that."
    ),
    "malformed": _("{location} is not a valid page in HTML. Save it from a browser, and add that."),
    "memory": _("{location} takes too much memory to be read. Save its text, and add that."),
    "slow": _("{location} takes too long to be read. Save its text, and add that."),
}


def read_page(
    page: bytes, location: str, job: ReadJob, retrieved: str, *, address: str = "", encoding: str = ""
) -> ReadSource:
    """Read a page in HTML.

    Args:
        page: Its bytes.
        location: How the user named it.
        job: Can stop the reading.
        retrieved: The day.
        address: Where it was fetched from; empty for a file.
        encoding: The encoding that its server names, or empty.

    Raises:
        SourceError: It has no text, or cannot be read.
        ReadStopped: The job was stopped.
        LwtuiError: A package is missing.
    """
    require_packages(_("Reading {location}", location=location), "trafilatura", extra="sources")
    found = _extracted(page, address, encoding, job)
    text = clean(str(found.get("text", "")))
    if "error" in found or not text.strip():
        problem = _PROBLEMS.get(str(found.get("error", "no-text")), _PROBLEMS["malformed"])
        raise SourceError(problem.format(location=location), code=str(found.get("error", "no-text")))
    title = one_line(str(found.get("title", ""))) or _name(location)
    item = item_from(
        "webpage",
        title=title,
        author=str(found.get("author", "")),
        issued=str(found.get("date", "")),
        url=address or _web_address(str(found.get("url", ""))),
        container_title=str(found.get("site", "")),
        language=str(found.get("language", "")),
    )
    passages = divide(Stretch(line) for line in text.split("\n") if line.strip())
    return ReadSource("web" if address else "html", title, location, retrieved, passages, item)


def _extracted(page: bytes, address: str, encoding: str, job: ReadJob) -> dict[str, Any]:
    lines: list[bytes] = []
    with TemporaryDirectory(prefix="lwtui-") as folder:
        path = Path(folder) / "page"
        path.write_bytes(page)
        arguments = (str(path), address, encoding, str(_CPU_SECONDS))
        job.run_children(_CHILD, [arguments], lines.append, seconds=_MAX_SECONDS, most_bytes=_MAX_OUTPUT)
    # A child that was ended at one of its limits prints nothing.
    found: dict[str, Any] = json.loads(lines[0]) if lines else {"error": "slow"}
    return found


def _name(location: str) -> str:
    return location if "://" in location else Path(location).stem


def _web_address(address: str) -> str:
    return address if address.startswith(("http://", "https://")) else ""
