"""The official prompts and judge prompt: fetched from the upstream repository at one commit, checked, and cached.

They are not part of lwtui. What arrives is used only if it is, byte for byte, what that commit holds.
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

COMMIT = "3fcfdff43deceb49f7936c6bf25ad88d61df0bfa"
ADDRESS = f"https://raw.githubusercontent.com/THUDM/LongWriter/{COMMIT}/evaluation"
_MOST_BYTES = 2**20  # more than any of the files has
_TRIES = 3
_SECONDS = 30.0  # of silence


@dataclass(frozen=True)
class Official:
    """A file of the upstream repository."""

    name: str
    hash: str  # SHA-256


PROMPTS = Official("longbench_write.jsonl", "1f6e99497cc24d65894d65e014062f398ba946ebdd254b7f8b339e48d3ab5779")
ENGLISH = Official("longbench_write_en.jsonl", "87800927761f340e48899e4df5d47fb7211ad4936a63420dbfa979660414259f")
RULER = Official("longwrite_ruler.jsonl", "a1d4ebf0df0fa1600567691d11c9a52de3037c4a372970ed2e8f52f2889e0a62")
JUDGE = Official("judge.txt", "2c423ce88a0eb6a61482f427997a3c03c4bc11fe861102895dcac45926ae1d57")
FILES = (PROMPTS, ENGLISH, RULER, JUDGE)


class _NotTheFile(Exception):
    """What came is not the file; ``str`` says how it differs."""


def folder() -> Path:
    """Where the fetched files are."""
    return cache_folder() / "bench" / COMMIT[:12]


def is_official(path: Path, file: Official) -> bool:
    """Whether ``path`` is ``file``, byte for byte. ``OSError`` if it cannot be read."""
    return sha256(path.read_bytes()).hexdigest() == file.hash


def fetch_all(address: str, tell: Callable[[str], None]) -> None:
    """Get each file that is not there yet from ``address``. Raises :class:`LwtuiError`; what was right is kept."""
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        path = target / file.name
        if path.is_file() and is_official(path, file):
            tell(f"{file.name}: there already")
            continue
        data = _fetched(f"{address.rstrip('/')}/{file.name}", file)
        write_atomically(path, data)
        tell(f"{file.name}: {len(data):,} bytes, as published")


def _fetched(url: str, file: Official) -> bytes:
    """The bytes of ``file``. A connection that breaks is tried again, as is an answer that is cut short."""
    for attempt in range(1, _TRIES + 1):
        try:
            return _checked(_download(url), file)
        except urllib.error.HTTPError as error:
            with error:
                reason, again = f"the server answered {error.code}", error.code in (429, 500, 502, 503, 504)
        except _NotTheFile as error:
            raise LwtuiError(f"{file.name} was not fetched from {url}: {error}. Nothing was kept of it.") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason, again = _words(error), not isinstance(error, ValueError)
        if not again:
            break
        if attempt < _TRIES:
            time.sleep(attempt)
    raise LwtuiError(
        f"Cannot fetch {file.name} from {url}: {reason}. Try again later; or copy the folder evaluation/ of the "
        "repository THUDM/LongWriter here some other way and name it with --data."
    )


def _download(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": f"lwtui/{__version__}"})
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        data: bytes = answer.read(_MOST_BYTES + 1)
        stated = answer.headers.get("Content-Length")
    if stated is not None and stated.isdecimal() and len(data) < min(int(stated), _MOST_BYTES):
        raise http.client.IncompleteRead(data, int(stated) - len(data))
    return data


def _checked(data: bytes, file: Official) -> bytes:
    if len(data) > _MOST_BYTES:
        raise _NotTheFile("what came is far too long")
    found = sha256(data).hexdigest()
    if found != file.hash:
        raise _NotTheFile(f"its SHA-256 is {found[:16]}…, not {file.hash[:16]}…")
    return data


def _words(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the connection broke off"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, OSError):
        error = error.reason
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
