"""Addresses of endpoints: tidied where people write them in another way, and told apart by where they lead.

Every start of lwtui imports this module, so heavy imports stay inside functions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

# What belongs to single calls; documentation of servers often shows an address with it.
_CALL_PATH = re.compile(
    r"/+(chat/completions|completions|responses|messages|models|embeddings|api/(chat|generate|tags))/*$",
    re.IGNORECASE,
)
_QUOTES = " \t\r\n\u00a0\u200b\ufeff\"'<>`"
_HOST_FIRST = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[\w-]+(\.[\w-]+)*\.?)(?P<port>:\d{1,5})?(/.*)?", re.IGNORECASE)
# At these hosts "/models" is where the API itself is.
_MODELS_IS_THE_BASE = re.compile(r"\.services\.ai\.azure\.com$|\.models\.ai\.azure\.com$", re.IGNORECASE)


def tidy_address(given: str) -> str:
    """Return the base URL that ``given`` stands for, as :attr:`lwtui.config.ModelSettings.base_url` holds it.

    Removes blanks and quotes around it, slashes at its end and the path of a single call (``/chat/completions``), and
    adds a missing scheme: ``http`` on this machine and in the local network, ``https`` elsewhere. Whatever is no
    address stays as it is.
    """
    address = given.strip(_QUOTES)
    if "://" not in address:
        match = _HOST_FIRST.fullmatch(address)
        if not match or not (
            match["port"] or match["host"][0] == "[" or "." in match["host"] or is_loopback(match["host"])
        ):
            return address
        address = f"{'http' if is_local(match['host']) else 'https'}://{address}"
    scheme, slashes, rest = address.partition("://")
    if "?" in rest or "#" in rest:
        return address
    host, slash, path = rest.partition("/")
    path = (slash + path).rstrip("/")
    while (match := _CALL_PATH.search(path)) and not (
        match[1].lower() == "models" and _MODELS_IS_THE_BASE.search(host.partition(":")[0])
    ):
        path = path[: match.start()]
    return f"{scheme.lower()}{slashes}{host}{path}"


def host_of_address(address: str) -> str:
    """Return the host of an address in lower case, without port; empty if there is none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine itself."""
    host = host.lower().strip("[]").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _ip_address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def is_local(host: str) -> bool:
    """Whether ``host`` is this machine or one of the local network, where servers seldom have certificates."""
    host = host.lower().strip("[]").rstrip(".")
    address = _ip_address(host)
    if address is not None:
        return address.is_private or address.is_loopback or address.is_link_local
    return "." not in host or is_loopback(host) or host.endswith((".local", ".lan", ".internal", ".home.arpa"))


def _ip_address(host: str) -> IPv4Address | IPv6Address | None:
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
