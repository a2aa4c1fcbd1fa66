"""Leaves out what a source says of itself before its text: title, authors and date, which every passage is shown with.

A small model takes the author's name before the first sentence for that of a person in the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex

from lwtui.sources.csl import people

_NO_NAME = regex.compile(
    r"\b(?:by|von|par|por|de|di|and|und|et|y|january|february|march|april|may|june|july|august|september|october"
    r"|november|december)\b|作者|著|[年月日]"
)


def without_title_page(text: str, title: str, csl: Mapping[str, Any]) -> str:
    """Return the first passage of a source without its first lines, as far as they only name the source.

    Args:
        text: The passage, in lines.
        title: The title of the source.
        csl: Its record, for the authors.
    """
    known = {title.casefold(), str(csl.get("title", "")).casefold()}
    for person in people(csl, ("author", "editor")):
        given, family = str(person.get("given", "")), str(person.get("family", ""))
        known |= {f"{given} {family}".strip().casefold(), f"{family}, {given}".casefold()}
        known.add(str(person.get("literal", "")).casefold())
    longest_first = sorted(known - {"", ","}, key=len, reverse=True)
    lines = text.split("\n")
    while len(lines) > 1 and _only_names(lines[0], longest_first):
        lines.pop(0)
    return "\n".join(lines)


def _only_names(line: str, known: list[str]) -> bool:
    rest = line.casefold()
    for name in known:
        rest = rest.replace(name, " ")
    return regex.search(r"\p{L}", _NO_NAME.sub(" ", rest)) is None
