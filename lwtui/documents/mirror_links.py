"""Links in the files of a mirror's folder, and back in the texts of the document.

A text names other files by their paths from the document, and headings of the document as ``#heading``. In the folder,
these are ``../PATH`` and ``FILE.md#heading``. Every change puts something before an address, so that it can be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import regex
from markdown_it.common.utils import normalizeReference

from lwtui.documents.export.markup import heading_slugs, slug_of_link
from lwtui.documents.markdown_source import outside_code
from lwtui.documents.plain_text import parse_blocks

_UP = "../"
# The beginning of an address: that of a link or a picture, and that of a link definition.
_LINK = regex.compile(r"(?P<opening>(?<!\\)(?<!\[\^[^\[\]\s]{1,60})\]\([ \t]*<?)(?P<address>[^\s<>)][^\s<>()]*)")
_DEFINITION = regex.compile(
    r"(?m)^(?P<opening> {0,3}\[(?!\^)(?P<label>(?:[^\[\]\\]|\\.)+)\]:[ \t]*<?)(?P<address>[^\s<>]+)"
)
_NOT_RELATIVE = regex.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\#]")


def link_targets(titles: Sequence[str], texts: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return the file of each heading to which a link may lead, by the heading's slug.

    Args:
        titles: The heading of each section.
        texts: The text of each section.
        names: The file of each section.
    """
    if not any("](#" in text or "](<#" in text or "]:" in text for text in texts):
        return {}
    found = heading_slugs(titles, [parse_blocks(text) for text in texts])
    return {name: names[at] for name, (at, _heading) in found.items()}


def to_folder(text: str, own_name: str, targets: Mapping[str, str]) -> str:
    """Return the text of a section as it stands in its file.

    Args:
        text: The text.
        own_name: The name of the file.
        targets: The files of headings, as :func:`link_targets` returns them.
    """

    def changed(address: str) -> str:
        if address.startswith("#"):
            name = targets.get(slug_of_link(address), own_name)
            return address if name == own_name else name + address
        return address if _NOT_RELATIVE.match(address) else _UP + address

    return _with_addresses(text, changed)


def from_folder(text: str, names: Collection[str], inside: Callable[[str], str]) -> str:
    """Return the text of a file as it stands in a document.

    Args:
        text: The text, without the heading.
        names: The names of the files of all sections.
        inside: Returns the path from the document of an address in the folder that is none of a section, such as that
            of a picture that somebody has put there.
    """

    def changed(address: str) -> str:
        if address.startswith(_UP):
            return address.removeprefix(_UP)
        name, mark, anchor = address.partition("#")
        if mark and anchor and unquote(name) in names:
            return f"#{anchor}"
        return address if _NOT_RELATIVE.match(address) else inside(address)

    return _with_addresses(text, changed)


def _with_addresses(text: str, change: Callable[[str], str]) -> str:
    """Apply ``change`` to the addresses of a text, outside of code and formulas."""
    if "](" not in text and "]:" not in text:
        return text
    labels: Collection[str] = ()
    if "]:" in text:
        env: dict[str, Any] = {}
        parse_blocks(text, env)
        labels = env.get("references", ())

    def link(match: regex.Match[str]) -> str:
        return str(match["opening"]) + change(match["address"])

    def definition(match: regex.Match[str]) -> str:
        return link(match) if normalizeReference(match["label"]) in labels else str(match[0])

    return outside_code(text, lambda stretch: _DEFINITION.sub(definition, _LINK.sub(link, stretch)))
