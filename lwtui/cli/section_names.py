"""Sections that the user names by number or heading."""

from __future__ import annotations

from lwtui.documents.outline import section_numbers
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.translation import _

_SHOWN = 12  # sections that an error lists


def find_section(document: Document, name: str, *, written: bool = False) -> str:
    """Return the id of the section whose number or heading is ``name``.

    Args:
        document: The document.
        name: The number or the heading.
        written: Whether it has to have a text.

    Raises:
        UsageError: There is no such section.
    """
    sections, numbers = document.sections(), section_numbers(document.plan)
    counted = [
        (number, section)
        for number, section in zip(numbers, sections, strict=True)
        if section.text.strip() or not written
    ]
    for number, section in counted:
        if name.strip() == str(number) or name.strip().casefold() == section.title.casefold():
            return section.id
    known = "; ".join(f"{number} {section.title}".strip() for number, section in counted[:_SHOWN])
    known = known or _("none")
    if written:
        raise UsageError(
            _("There is no section {name!r} with text. Known: {known}.", name=name, known=known), code="not-found"
        )
    raise UsageError(_("There is no section {name!r}. Known: {known}.", name=name, known=known), code="not-found")
