"""How requests leave this machine: through which proxy, and which certificates they trust, as the environment says.

A variable that cannot be followed is an error that names it. Its value is never shown, because it may hold a password.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lwtui.addresses import is_loopback
from lwtui.models.base import ModelError
from lwtui.translation import _

if TYPE_CHECKING:
    import httpx2

# What desktops and tools write, and what it stands for. Host names always resolve at the proxy.
_SCHEMES = {"http": "http", "https": "https", "socks": "socks5", "socks5": "socks5", "socks5h": "socks5h"}
_CERTIFICATE_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CERTIFICATE_FOLDER = "SSL_CERT_DIR"


@dataclass(frozen=True)
class Route:
    """How to reach one address.

    Attributes:
        proxy: The proxy; ``None`` for a direct connection.
        variable: Where the proxy comes from, as messages name it; empty for a direct connection.
        certificates: What to trust.
    """

    proxy: httpx2.Proxy | None
    variable: str
    certificates: ssl.SSLContext

    @property
    def options(self) -> dict[str, Any]:
        """Options of an HTTP client that takes this route and nothing else from the environment."""
        return {"proxy": self.proxy, "verify": self.certificates, "trust_env": False}


def route_to(url: httpx2.URL) -> Route:
    """Find the route to ``url``; this machine itself is never reached through a proxy.

    Raises:
        ModelError: A variable of the environment cannot be followed.
    """
    proxy, variable = _proxy_to(url)
    is_encrypted = url.scheme == "https" or (proxy is not None and proxy.url.scheme == "https")
    # Without any certificate authority, no encrypted connection is possible by mistake.
    certificates = _certificates() if is_encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return Route(proxy, variable, certificates)


def routed_transport() -> httpx2.AsyncBaseTransport:
    """Make a transport that finds the route of each request, for clients that follow redirects to other hosts.

    Its requests raise :class:`ModelError` as :func:`route_to` does.
    """
    import httpx2

    class RoutedTransport(httpx2.AsyncBaseTransport):
        def __init__(self) -> None:
            self._transports: dict[httpx2.Origin, httpx2.AsyncHTTPTransport] = {}

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            origin = request.url.origin
            if origin not in self._transports:
                self._transports[origin] = httpx2.AsyncHTTPTransport(**route_to(request.url).options)
            return await self._transports[origin].handle_async_request(request)

        async def aclose(self) -> None:
            for transport in self._transports.values():
                await transport.aclose()

    return RoutedTransport()


def _proxy_to(url: httpx2.URL) -> tuple[httpx2.Proxy | None, str]:
    from urllib.request import getproxies  # also knows the settings of macOS and Windows

    import httpx2

    if is_loopback(url.host):
        return None, ""
    proxies = getproxies()
    kind = next((kind for kind in (url.scheme, "all") if proxies.get(kind, "").strip()), "")
    if not kind or _is_excluded(url.host, url.port or (443 if url.scheme == "https" else 80), proxies.get("no", "")):
        return None, ""
    variable = _variable(kind, proxies[kind])
    address = proxies[kind].strip()
    given, separator, rest = address.partition("://")
    if not separator:
        given, rest = "http", address
    scheme = _SCHEMES.get(given.lower())
    if scheme is None:
        raise _unusable(_unknown_scheme(variable, given))
    try:
        proxy = httpx2.Proxy(f"{scheme}://{rest}")
    except (httpx2.InvalidURL, ValueError):
        raise _unusable(_no_proxy_in(variable)) from None
    if not proxy.url.host:
        raise _unusable(_no_proxy_in(variable))
    return proxy, variable


def _variable(kind: str, value: str) -> str:
    """Return the name of the variable that holds a proxy; the settings of the system have none."""
    names = (
        f"{kind}_proxy",
        f"{kind.upper()}_PROXY",
        *(name for name in os.environ if name.lower() == f"{kind}_proxy"),
    )
    return next((name for name in names if os.environ.get(name) == value), _("the system's proxy settings"))


def _unusable(problem: str) -> ModelError:
    return ModelError(problem, kind="unreachable", code="proxy")


def _unknown_scheme(variable: str, scheme: str) -> str:
    if scheme.lower().startswith("socks4"):
        return _(
            "{variable} begins with {scheme!r}. SOCKS 4 is not supported. Use http://, https:// or socks5://, "
            "or unset it.",
            variable=variable,
            scheme=scheme[:20],
        )
    return _(
        "{variable} begins with {scheme!r}. Use http://, https:// or socks5://, or unset it.",
        variable=variable,
        scheme=scheme[:20],
    )


def _no_proxy_in(variable: str) -> str:
    return _("{variable} names no proxy. Write it as http://host:port, or unset it.", variable=variable)


def _is_excluded(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` excludes a host: by name, domain, address, network, with or without port, or ``*``."""
    host = host.lower().strip("[]").rstrip(".")
    return any(_matches(entry.strip().lower(), host, port) for entry in no_proxy.replace(" ", ",").split(",") if entry)


def _matches(entry: str, host: str, port: int) -> bool:
    import ipaddress

    if entry == "*":
        return True
    entry = entry.rpartition("://")[2]
    with suppress(ValueError):  # one of them is a name, or has a port
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    name, _colon, digits = entry.rpartition(":")
    if digits.isdecimal() and name and (":" not in name or name.endswith("]")):
        if int(digits) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").removeprefix(".").rstrip(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))


def _certificates() -> ssl.SSLContext:
    """Return what to trust: what the environment names, else what this system does."""
    import httpx2

    files = {name: value for name in _CERTIFICATE_FILES if (value := os.environ.get(name, "").strip())}
    folder = os.environ.get(_CERTIFICATE_FOLDER, "").strip()
    for name, value in files.items():
        if not Path(value).exists():
            raise _no_certificates(_("{variable} names a file that does not exist", variable=name))
    # SSL_CERT_DIR may name several folders.
    if folder and not any(Path(each).is_dir() for each in folder.split(os.pathsep)):
        raise _no_certificates(_("{variable} names a folder that does not exist", variable=_CERTIFICATE_FOLDER))
    name, path = next(iter(files.items()), ("", ""))
    if not path and not folder:
        return httpx2.create_ssl_context(trust_env=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if path:
            is_folder = Path(path).is_dir()
            context.load_verify_locations(None if is_folder else path, path if is_folder else None)
    except (OSError, ssl.SSLError):
        raise _no_certificates(
            _("{variable} names a file that holds no certificates or cannot be read", variable=name)
        ) from None
    for each in folder.split(os.pathsep) if folder else ():
        if Path(each).is_dir():
            context.load_verify_locations(None, each)
    return context


def _no_certificates(problem: str) -> ModelError:
    return ModelError(
        _(
            "{problem}. Correct or unset it; without it, lwtui trusts what this system trusts.",
            problem=problem,
        ),
        kind="unreachable",
        code="certificates",
    )


def proxy_hint(host: str, variable: str) -> str:
    """Return the remedy for a proxy that fails on the way to ``host``."""
    return _(
        "Check the proxy in {variable}, or add {name} to NO_PROXY",
        variable=variable,
        name=urlsplit(f"//{host}").hostname or host,
    )
