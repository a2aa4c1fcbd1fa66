"""Finds wheels on the Python package index, through its simple repository API (JSON, or HTML where that is missing).

The index is the one that pip uses: ``PIP_INDEX_URL``, else ``index-url`` in pip's configuration files, else pypi.org.
"""

from __future__ import annotations

import configparser
import json
import os
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

import regex

from lwtui.models.download_http import DownloadClient, DownloadError, NotFound, TransferInterrupted
from lwtui.models.known_ggufs import is_address
from lwtui.translation import _

if TYPE_CHECKING:
    import httpx2

_INDEX = "https://pypi.org/simple"
_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_MAX_PAGE = 4 * 2**20  # bytes
_HASH = regex.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Wheel:
    """A wheel on the index.

    Attributes:
        url: Where it is. It may contain a password, so no message shows it.
        sha256: Its hash as the index states it, or empty.
        size: Its size in bytes as the index states it, or 0.
    """

    url: str
    sha256: str = ""
    size: int = 0


def index_url() -> str:
    """Return the address of the package index, without a slash at its end.

    Raises:
        DownloadError: The address in pip's settings is not a web address.
    """
    address = (os.environ.get("PIP_INDEX_URL", "").strip() or _configured_index() or _INDEX).rstrip("/")
    if not is_address(address):
        raise DownloadError(
            _(
                "The package index in pip's settings (PIP_INDEX_URL, or index-url in pip.conf) is not a web address. "
                "It must look like https://pypi.org/simple."
            ),
            code="invalid-address",
        )
    return address


async def find_wheel(package: str, version: str, stall_seconds: float, start_seconds: float | None = None) -> Wheel:
    """Look a wheel up on the index.

    Args:
        package: The package's name.
        version: The wheel's version.
        stall_seconds: How many seconds without a byte count as a broken connection.
        start_seconds: How many seconds the head of the answer may take.

    Raises:
        DownloadError: The index has no such wheel, or does not answer as an index does.
        TransferInterrupted: A retry may succeed.
    """
    import httpx2

    index = index_url()
    client = DownloadClient(
        f"{index}/{_normalized(package)}/",
        stall_seconds=stall_seconds,
        start_seconds=start_seconds,
        accept=_ACCEPT,
    )
    try:
        async with client.open() as response:
            media_type = response.response.headers.get("content-type", "")
            body = await _read_page(client, response)
        wheels = _parse_page(body, media_type, client.host)
        found = next((wheel for wheel in wheels if _is_wheel_of(wheel.get("filename"), package, version)), None)
        if found is None:
            raise NotFound(
                _(
                    "{host} has no wheel of {package} {version}. Try another index.",
                    host=client.host,
                    package=package,
                    version=version,
                )
            )
        page, given = client.last_url, httpx2.URL(index)
        if page.origin == given.origin:
            page = page.copy_with(userinfo=given.userinfo)
        return _described(found, page, package, client.host)
    except NotFound:
        raise NotFound(
            _(
                "{host} has no wheel of {package} {version}. Try another index.",
                host=client.host,
                package=package,
                version=version,
            )
        ) from None
    finally:
        await client.aclose()


async def _read_page(client: DownloadClient, response: Any) -> bytes:
    body = bytearray()
    async for piece in client.pieces(response):
        body += piece
        if len(body) > _MAX_PAGE:
            raise _no_index(client.host)
    if len(body) < response.size:
        raise TransferInterrupted(_("the connection to {host} broke", host=client.host))
    return bytes(body)


def _parse_page(body: bytes, media_type: str, host: str) -> list[dict[str, Any]]:
    """Return the files on a project's page, each with ``filename``, ``url`` and perhaps ``hashes`` and ``size``.

    Raises:
        DownloadError: It is not such a page.
    """
    try:
        text = body.decode("utf-8")
        if "json" in media_type.lower():
            return [file for file in json.loads(text)["files"] if isinstance(file, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _no_index(host) from None
    if "html" not in media_type.lower():
        raise _no_index(host)
    parser = _LinkParser()
    parser.feed(text)
    parser.close()
    return parser.files


def _no_index(host: str) -> DownloadError:
    return DownloadError(
        _("{host} does not answer as a package index does. Check PIP_INDEX_URL.", host=host), code="not-an-index"
    )


class _LinkParser(HTMLParser):
    """Collects the links of a project's page in HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the address of a link; its last part is the file's name."""
        address = dict(attrs).get("href")
        if tag != "a" or not address:
            return
        url, fragment = urldefrag(address)
        algorithm, _equals, value = fragment.partition("=")
        filename = unquote(url.partition("?")[0].rpartition("/")[2])
        self.files.append({"filename": filename, "url": url, "hashes": {algorithm: value}})


def _described(file: dict[str, Any], page: httpx2.URL, package: str, host: str) -> Wheel:
    import httpx2

    try:
        url = page.join(file["url"])
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError
    except (httpx2.InvalidURL, ValueError, TypeError, KeyError):
        raise DownloadError(
            _("{host} gives no valid address for {package}. Try another index.", host=host, package=package),
            code="not-an-index",
        ) from None
    if url.origin == page.origin and not url.userinfo and page.userinfo:
        url = url.copy_with(userinfo=page.userinfo)
    hashes, size = file.get("hashes"), file.get("size")
    sha256 = hashes.get("sha256", "") if isinstance(hashes, dict) else ""
    known_hash = isinstance(sha256, str) and _HASH.fullmatch(sha256)
    return Wheel(str(url), sha256 if known_hash else "", size if isinstance(size, int) and size > 0 else 0)


def _is_wheel_of(filename: object, package: str, version: str) -> bool:
    if not isinstance(filename, str) or not filename.endswith(".whl"):
        return False
    parts = filename.removesuffix(".whl").split("-")
    return len(parts) in (5, 6) and _normalized(parts[0]) == _normalized(package) and parts[1] == version


def _normalized(package: str) -> str:
    return regex.sub(r"[-_.]+", "-", package).lower()


def _configured_index() -> str:
    """Return ``index-url`` of the section ``[global]`` in pip's configuration files, or an empty string."""
    for path in _pip_config_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # a damaged file of another program is no reason to fail
        for name in ("index-url", "index_url"):
            if address := parser.get("global", name, fallback="").strip():
                return address
    return ""


def _pip_config_files() -> list[Path]:
    """List pip's configuration files, those that override others first."""
    named = os.environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []  # as pip documents it: no file counts
    files = [Path(named)] if named else []
    if sys.platform == "win32":
        roaming, shared = os.environ.get("APPDATA", ""), os.environ.get("PROGRAMDATA", "")
        folders = [sys.prefix, *(str(Path(folder, "pip")) for folder in (roaming, str(Path.home()), shared) if folder)]
        return [*files, *(Path(folder, "pip.ini") for folder in folders)]
    home, config = Path.home(), os.environ.get("XDG_CONFIG_HOME", "")
    files += [Path(sys.prefix, "pip.conf"), Path(config or home / ".config", "pip", "pip.conf")]
    if sys.platform == "darwin":
        files.append(home / "Library" / "Application Support" / "pip" / "pip.conf")
    files.append(home / ".pip" / "pip.conf")
    if sys.platform == "darwin":
        files.append(Path("/Library/Application Support/pip/pip.conf"))
    folders = os.environ.get("XDG_CONFIG_DIRS", "") or "/etc/xdg"
    system = [Path(folder, "pip", "pip.conf") for folder in folders.split(os.pathsep)]
    return [*files, Path("/etc/pip.conf"), *reversed(system)]
