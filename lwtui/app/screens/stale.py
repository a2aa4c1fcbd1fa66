"""Shows stale sections, those based on something that has changed since, with the reasons; the user rewrites some."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll

from lwtui.agentwrite.notes import reselect_notes
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.screens.forecast import short_forecast
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.documents.outline import section_numbers
from lwtui.documents.stale import current_basis, find_stale, is_hand_edited
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.translation import _, _n


def stale_sections(document: Document) -> dict[str, tuple[str, ...]]:
    """Return the stale sections of a document: the reasons, by section id."""
    notes = document.notes
    return find_stale(document, lambda sections, at: reselect_notes(notes, sections, at))


class StaleScreen(Dialog[list[str]]):
    """Answers with the ids of the sections to rewrite. Asks before it includes sections edited by hand."""

    BINDINGS = [
        Binding("space", "mark", _("Choose")),
        Binding("a", "mark_all", _("All or none")),
        Binding("enter,f5", "rewrite", _("Rewrite")),
        Binding("o", "keep", _("Keep as is")),
        Binding("escape", "close", _("Close")),
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
            Column(_("Section"), 22, needs=70),
            Column(_("Why it is stale")),
            header=True,
            hint=_("Nothing is stale."),
        )
        self._why = Line(id="why")
        self._status = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = _("Stale sections")
            yield self._list
            with VerticalScroll(can_focus=False):
                yield self._why
            yield self._status
            yield KeyBar()

    def on_mount(self) -> None:
        self._draw()

    def _is_by_hand(self, section_id: str) -> bool:
        return is_hand_edited(self._document.section(section_id))

    def _draw(self) -> None:
        plan = self._document.plan
        numbers = section_numbers(plan)
        rows = []
        for section_id, reasons in self._stale.items():
            at = plan.find(section_id)
            why = _("; ").join(reasons)
            if self._is_by_hand(section_id):
                why = _("by hand · {reasons}", reasons=why)
            mark = "✓" if section_id in self._chosen else ""
            rows.append(
                Row(section_id, (mark, str(numbers[at]), plan.sections[at].title or _("the text"), why), "done")
            )
        self._list.show(rows)
        self._show_why()
        self._status.set_text(self._summary())

    def _summary(self) -> str:
        """Say how many sections are chosen, what rewriting them takes, and what to do next."""
        if not self._stale:
            return ""
        if not self._chosen:
            return _(
                "0 of {total} chosen. Space chooses a section, a all that you have not edited.", total=len(self._stale)
            )
        count, total = len(self._chosen), len(self._stale)
        if forecast := short_forecast(self._session, self._chosen):
            return _n(
                "{count:,} section of {total} chosen: {forecast}. Enter rewrites them in order.",
                "{count:,} sections of {total} chosen: {forecast}. Enter rewrites them in order.",
                count,
                total=total,
                forecast=forecast,
            )
        return _n(
            "{count:,} section of {total} chosen. Enter rewrites them in order.",
            "{count:,} sections of {total} chosen. Enter rewrites them in order.",
            count,
            total=total,
        )

    def on_row_list_moved(self) -> None:
        self._show_why()

    def _show_why(self) -> None:
        key = self._list.key
        lines = [] if key is None else [f"- {reason}" for reason in self._stale[key]]
        if key is not None and self._is_by_hand(key):
            lines.append(
                _("- You have edited it. It is rewritten only if you choose it; your text stays in the history.")
            )
        self._why.set_text("\n".join(lines))

    def on_row_list_chosen(self) -> None:
        self.action_mark()

    def action_mark(self) -> None:
        """Choose the section under the cursor, or not."""
        if self._list.key is not None:
            self._chosen ^= {self._list.key}
            self._draw()

    def action_mark_all(self) -> None:
        """Choose all sections not edited by hand; if they are chosen already, choose none."""
        unedited = {section_id for section_id in self._stale if not self._is_by_hand(section_id)}
        self._chosen = set() if unedited <= self._chosen else self._chosen | unedited
        self._draw()

    def action_keep(self) -> None:
        """Mark the section under the cursor as up to date."""
        key = self._list.key
        if key is None:
            return
        notes = self._document.notes
        try:
            basis = current_basis(self._document, key, lambda sections, at: reselect_notes(notes, sections, at))
            self._document.mark_up_to_date(key, basis)
        except LwtuiError as error:
            self.lwtui.show_error(error)
            return
        self._stale = stale_sections(self._document)
        self._chosen &= set(self._stale)
        self._draw()

    @work
    async def action_rewrite(self) -> None:
        """Answer with the chosen sections."""
        from lwtui.app.screens.dialogs import Confirm

        chosen = [section_id for section_id in self._stale if section_id in self._chosen]
        by_hand = [section_id for section_id in chosen if self._is_by_hand(section_id)]
        if not chosen:
            self.lwtui.show_notice(_("No section is chosen. Space chooses one."), code="none-chosen")
            return
        if by_hand:
            question = _n(
                "You edited {count:,} section of these by hand. Rewrite anyway? Your text stays in the history.",
                "You edited {count:,} sections of these by hand. Rewrite anyway? Your text stays in the history.",
                len(by_hand),
            )
            if not await self.app.push_screen_wait(Confirm(question, _("Rewrite"))):
                return
        self.dismiss(chosen)
