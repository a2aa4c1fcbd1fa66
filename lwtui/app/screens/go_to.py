"""Goes to a heading that the user picks by some of its letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from lwtui.app.screens.base_screen import Dialog
from lwtui.documents.model import Section
from lwtui.translation import _

_HEADING = regex.compile(r"^#{1,6}[ \t]+(\S.*?)[ \t]*#*$", regex.MULTILINE)
_MAX_SHOWN = 200


@dataclass(frozen=True)
class Heading:
    """A place to go to.

    Attributes:
        section_id: The section.
        start: The position in its text, in characters.
        title: The heading.
        within: Whether it is a Markdown heading inside the section's text.
    """

    section_id: str
    start: int
    title: str
    within: bool = False


def headings(sections: Iterable[Section]) -> list[Heading]:
    """Return the headings of a document: those of its sections, and Markdown headings inside their texts."""
    found = []
    for at, section in enumerate(sections, 1):
        title = section.title or _("(the text)")
        found.append(Heading(section.id, 0, f"{at} {title}"))
        inner = _HEADING.finditer(section.text)
        found += [Heading(section.id, match.start(), match[1], True) for match in inner]
    return found


class GoTo(Dialog[Heading]):
    """Answers with the chosen heading, which contains the typed letters in this order."""

    BINDINGS = [("down", "move(1)", _("Down")), ("up", "move(-1)", _("Up"))]

    def __init__(self, headings: list[Heading], section_id: str) -> None:
        super().__init__()
        self._headings = headings
        self._here = section_id
        self._shown: list[Heading] = []
        self._search = FuzzySearch()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Go to")
            yield Input(placeholder=_("Some letters of the heading, or its number"), compact=True)
            yield OptionList(markup=False, compact=True, classes="above")
            yield Static(_("Enter goes there, Esc stays here."), classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value.strip())

    def _show(self, wanted: str) -> None:
        found: list[tuple[float, Sequence[int], Heading]] = [(1.0, (), heading) for heading in self._headings]
        if wanted:
            found = [(*self._search.match(wanted, heading.title), heading) for heading in self._headings]
            found = sorted((match for match in found if match[0] > 0), key=lambda match: -match[0])
        self._shown = [heading for _score, _letters, heading in found[:_MAX_SHOWN]]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(heading, letters)) for _score, letters, heading in found[:_MAX_SHOWN]])
        here = (at for at, heading in enumerate(self._shown) if heading.section_id == self._here)
        options.highlighted = (0 if wanted else next(here, 0)) if self._shown else None

    def action_move(self, by: int) -> None:
        """Move the cursor in the list."""
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            options.highlighted = min(max(0, options.highlighted + by), len(self._shown) - 1)

    def on_input_submitted(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self.dismiss(self._shown[at])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index])


def _line(heading: Heading, letters: Sequence[int]) -> Content:
    """Render a heading with the matching ``letters`` underlined; it is never markup."""
    title = Content(heading.title)
    for at in letters:
        title = title.stylize("bold underline", at, at + 1)
    return Content("    ") + title if heading.within else title
