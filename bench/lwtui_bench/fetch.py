"""Fetch the official prompts and judge prompt from one commit of the upstream repository, verify and cache them.

They are not part of lwtui. A download is kept only if it matches that commit byte for byte.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lwtui import __version__
from lwtui.config import cache_folder
from lwtui.errors import LwtuiError
from lwtui.files import write_atomically
from lwtui.translation import _

COMMIT = "3fcfdff43deceb49f7936c6bf25ad88d61df0bfa"
BASE_URL = f"https://raw.githubusercontent.com/THUDM/LongWriter/{COMMIT}/evaluation"
_MAX_BYTES = 2**20  # more than any of the files has
_MAX_ATTEMPTS = 3
_TIMEOUT = 30.0  # seconds without data


@dataclass(frozen=True)
class OfficialFile:
    """A file of the upstream repository, with its SHA-256."""

    name: str
    hash: str


PROMPTS = OfficialFile("longbench_write.jsonl", "1f6e99497cc24d65894d65e014062f398ba946ebdd254b7f8b339e48d3ab5779")
ENGLISH = OfficialFile("longbench_write_en.jsonl", "87800927761f340e48899e4df5d47fb7211ad4936a63420dbfa979660414259f")
RULER = OfficialFile("longwrite_ruler.jsonl", "a1d4ebf0df0fa1600567691d11c9a52de3037c4a372970ed2e8f52f2889e0a62")
JUDGE = OfficialFile("judge.txt", "2c423ce88a0eb6a61482f427997a3c03c4bc11fe861102895dcac45926ae1d57")
FILES = (PROMPTS, ENGLISH, RULER, JUDGE)


class _ContentMismatch(Exception):
    """The download is not the published file; the message says how it differs."""


def folder() -> Path:
    """Return the folder of the cached files."""
    return cache_folder() / "bench" / COMMIT[:12]


def is_official(path: Path, file: OfficialFile) -> bool:
    """Return whether ``path`` has exactly the published content.

    Raises:
        OSError: It cannot be read.
    """
    return sha256(path.read_bytes()).hexdigest() == file.hash


def fetch_all(base_url: str, report: Callable[[str], None]) -> None:
    """Download the files that are not cached yet.

    Args:
        base_url: The address of the folder that holds them.
        report: Receives a line of text for each file.

    Raises:
        LwtuiError: A file cannot be downloaded or does not match; files that did match stay cached.
    """
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        path = target / file.name
        if path.is_file() and is_official(path, file):
            report(_("{name}: already there", name=file.name))
            continue
        data = _fetch(f"{base_url.rstrip('/')}/{file.name}", file)
        write_atomically(path, data)
        report(_("{name}: {count:,} bytes, as published", name=file.name, count=len(data)))


def _fetch(url: str, file: OfficialFile) -> bytes:
    """Download and verify ``file``. Retry after dropped connections, truncated downloads and server errors."""
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        try:
            return _verified(_download(url), file)
        except urllib.error.HTTPError as error:
            with error:
                reason = _("the server answered {code}", code=error.code)
                can_retry = error.code in (429, 500, 502, 503, 504)
        except _ContentMismatch as error:
            raise LwtuiError(
                _(
                    "{url} does not serve the published {name}: {error}. It was not kept.",
                    url=url,
                    name=file.name,
                    error=error,
                ),
                code="wrong-content",
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason, can_retry = _reason(error), not isinstance(error, ValueError)
        if not can_retry:
            break
        if attempt < _MAX_ATTEMPTS:
            time.sleep(attempt)
    raise LwtuiError(
        _(
            "Cannot fetch {name} from {url}: {reason}. Try again later, or copy the folder evaluation/ of the "
            "repository THUDM/LongWriter to this machine and pass it to the other commands with --data.",
            name=file.name,
            url=url,
            reason=reason,
        ),
        code="not-fetched",
    )


def _download(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": f"lwtui/{__version__}"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        data: bytes = response.read(_MAX_BYTES + 1)
        stated = response.headers.get("Content-Length")
    if stated is not None and stated.isdecimal() and len(data) < min(int(stated), _MAX_BYTES):
        raise http.client.IncompleteRead(data, int(stated) - len(data))
    return data


def _verified(data: bytes, file: OfficialFile) -> bytes:
    if len(data) > _MAX_BYTES:
        raise _ContentMismatch(_("it is far too long"))
    found = sha256(data).hexdigest()
    if found != file.hash:
        raise _ContentMismatch(_("its SHA-256 is {found}…, not {wanted}…", found=found[:16], wanted=file.hash[:16]))
    return data


def _reason(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return _("the connection was dropped")
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, OSError):
        error = error.reason
    if isinstance(error, TimeoutError):
        return _("the server did not answer in time")
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
