"""The sections that rest on what has changed since they were written: why, and which are to be written anew."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll

from lwtui.agentwrite.notes import chosen_now
from lwtui.app.format import counted
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.screens.forecast import short
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.documents.outline import numbers
from lwtui.documents.stale import current_basis, is_by_hand, stale
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError


def stale_sections(document: Document) -> dict[str, tuple[str, ...]]:
    """The stale sections of a document, each with the reasons."""
    notes = document.notes
    return stale(document, lambda sections, at: chosen_now(notes, sections, at))


class StaleScreen(Dialog[list[str]]):
    """Answers with the sections to write anew: those that the person chose. Of what was edited by hand it is asked once
    more."""

    BINDINGS = [
        Binding("space", "mark", "Choose"),
        Binding("a", "mark_all", "All or none"),
        Binding("enter,f5", "rewrite", "Rewrite"),
        Binding("o", "keep", "Right as it is"),
        Binding("escape", "close", "Close"),
    ]
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._document = session.document
        self._stale = stale_sections(self._document)
        self._chosen: set[str] = set()
        self._list = RowList(
            Column("", 1, tint=True),
            Column("", 3, right=True),
            Column("Section", 22, needs=70),
            Column("Why it is stale"),
            header=True,
            hint="Nothing is stale: every section rests on what is there now.",
        )
        self._why = Line(id="why")
        self._told = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = "Stale sections"
            yield self._list
            with VerticalScroll(can_focus=False):
                yield self._why
            yield self._told
            yield KeyBar()

    def on_mount(self) -> None:
        self._draw()

    def _is_by_hand(self, section_id: str) -> bool:
        return is_by_hand(self._document.section(section_id))

    def _draw(self) -> None:
        plan = self._document.plan
        named = numbers(plan)
        rows = []
        for section_id, reasons in self._stale.items():
            at = plan.find(section_id)
            why = ("by hand · " if self._is_by_hand(section_id) else "") + "; ".join(reasons)
            mark = "✓" if section_id in self._chosen else ""
            rows.append(Row(section_id, (mark, str(named[at]), plan.sections[at].title or "the text", why), "done"))
        self._list.show(rows)
        self._show_why()
        self._told.say(self._what_is_chosen())

    def _what_is_chosen(self) -> str:
        """How much that is, what it takes, and what can be done next."""
        if not self._stale:
            return ""
        if not self._chosen:
            return f"Nothing of {len(self._stale)} chosen. Space chooses a section, a all that you have not edited."
        told = f"{counted(len(self._chosen), 'section')} of {len(self._stale)} chosen"
        if takes := short(self._session, self._chosen):
            told += f": {takes}"
        return f"{told}. Enter has them written anew, in order."

    def on_row_list_moved(self) -> None:
        self._show_why()

    def _show_why(self) -> None:
        key = self._list.key
        lines = [] if key is None else [f"- {reason}" for reason in self._stale[key]]
        if key is not None and self._is_by_hand(key):
            lines.append(
                "- You have edited it: it is written anew only if you choose it, and its text stays in its history."
            )
        self._why.say("\n".join(lines))

    def on_row_list_chosen(self) -> None:
        self.action_mark()

    def action_mark(self) -> None:
        if self._list.key is not None:
            self._chosen ^= {self._list.key}
            self._draw()

    def action_mark_all(self) -> None:
        """All that no hand has edited; if they are chosen, none."""
        free = {one for one in self._stale if not self._is_by_hand(one)}
        self._chosen = set() if free <= self._chosen else self._chosen | free
        self._draw()

    def action_keep(self) -> None:
        """The text is right as it is: it is taken to rest on what is there now."""
        key = self._list.key
        if key is None:
            return
        notes = self._document.notes
        try:
            basis = current_basis(self._document, key, lambda sections, at: chosen_now(notes, sections, at))
            self._document.accept(key, basis)
        except LwtuiError as error:
            self.lwtui.complain(error)
            return
        self._stale = stale_sections(self._document)
        self._chosen &= set(self._stale)
        self._draw()

    @work
    async def action_rewrite(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        chosen = [one for one in self._stale if one in self._chosen]
        by_hand = [one for one in chosen if self._is_by_hand(one)]
        if not chosen:
            self.app.notify("Space chooses a section.")
            return
        if by_hand:
            which = f"{counted(len(by_hand), 'section')} that you edited by hand"
            question = f"{which}: write over that? The text stays in the history of the section."
            if not await self.app.push_screen_wait(Confirm(question, "Write anew")):
                return
        self.dismiss(chosen)
