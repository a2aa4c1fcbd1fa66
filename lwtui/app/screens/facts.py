"""Shows and edits the facts of a document: what its sections say of people, places, things, dates and open threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum, auto

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from lwtui.agentwrite.events import FactsNoted
from lwtui.agentwrite.fact_notes import unnoted
from lwtui.app.format import why_read_only
from lwtui.app.keymap import FACTS_SCREEN, WRITING, bindings, key_of
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.session import ActivityChanged, Session, SessionEvent
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.app.widgets.toolbar import Toolbar
from lwtui.documents.facts import FACT_KINDS, FACTS, Fact
from lwtui.documents.outline import section_numbers
from lwtui.errors import LwtuiError
from lwtui.text.dates import NamedDate, find_date
from lwtui.translation import _, _n, sentences


class Order(Enum):
    """The order in which the facts are listed."""

    KIND = auto()
    SECTION = auto()
    DATE = auto()


_TITLES = {Order.KIND: _("Facts, by kind"), Order.SECTION: _("Facts, by section"), Order.DATE: _("Timeline")}
_KINDS = {
    "person": _("person"),
    "place": _("place"),
    "thing": _("thing"),
    "date": _("date"),
    "number": _("number"),
    "claim": _("claim"),
    "term": _("term"),
    "thread": _("thread"),
}
_NO_DATE = NamedDate(0)


def date_of(fact: Fact) -> NamedDate | None:
    """Return the date that a fact names, or else its quote; ``None`` if they name none."""
    is_date = fact.kind == "date"
    texts = (f"{fact.subject}: {fact.text}", fact.quote)
    return next((date for text in texts if (date := find_date(text, is_date=is_date))), None)


class FactsScreen(BaseScreen):
    """The facts in a list, by kind, by section or by date, and the quote of the one under the cursor."""

    GROUP = FACTS_SCREEN
    BINDINGS = bindings(FACTS_SCREEN)
    CSS_PATH = "../styles/facts.tcss"
    AUTO_FOCUS = "RowList"
    _order = Order.KIND  # of all these screens, until lwtui quits

    def __init__(self, session: Session, changed: Callable[[], None], section_id: str | None = None) -> None:
        """Create the screen.

        Args:
            session: The session of the document.
            changed: Is called when the screen closes.
            section_id: The section to which a new fact belongs; by default, the first one.
        """
        super().__init__()
        self._session = session
        self._document = session.document
        self._changed = changed
        self._section_id = section_id
        self._title = TitleBar()
        self._list = RowList(
            Column("", 1, tint=True),
            Column(_("Kind"), 7),
            Column(_("From"), 4, right=True),
            Column(_("About"), 16, needs=60),
            Column(_("Fact")),
            header=True,
            hint=_(
                "No facts yet. {key} has the model note them from the finished sections.",
                key=key_of(FACTS_SCREEN, "note"),
            ),
            id="facts",
        )
        self._quote = Line(id="quote")
        self._status = Line(id="status")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        yield self._title
        yield Toolbar(FACTS_SCREEN)
        yield self._list
        with VerticalScroll(id="quote-pane", classes="pane", can_focus=False):
            yield self._quote
        yield self._status
        yield KeyBar()

    def on_mount(self) -> None:
        self._title.set_text(self._document.title, self._session.model)
        self._session.listen(self._on_session_event)
        self._draw()

    def on_unmount(self) -> None:
        self._session.unlisten(self._on_session_event)

    def _on_session_event(self, event: SessionEvent) -> None:
        if isinstance(event, FactsNoted | ActivityChanged) and self.is_attached:
            self._draw()
        if isinstance(event, ActivityChanged) and event.error:
            self.show_error(event.error)

    # -- content

    def _draw(self, select: str | None = None, message: str = "") -> None:
        numbers = dict(zip(self._sections, section_numbers(self._document.plan), strict=True))
        facts = [fact for fact in self._document.facts if fact.section_id in numbers]
        dates = {fact.id: date_of(fact) for fact in facts} if self._order is Order.DATE else {}
        match self._order:
            case Order.KIND:
                facts.sort(key=lambda fact: (FACT_KINDS.index(fact.kind), fact.subject.casefold()))
            case Order.SECTION:
                facts.sort(key=lambda fact: (numbers[fact.section_id], FACT_KINDS.index(fact.kind)))
            case Order.DATE:  # those without a date come last, in the order of the sections
                facts.sort(
                    key=lambda fact: (dates[fact.id] is None, dates[fact.id] or _NO_DATE, numbers[fact.section_id])
                )
        rows = [
            Row(
                fact.id,
                (
                    "▲" if fact.pinned else "",
                    _KINDS[fact.kind],
                    str(numbers[fact.section_id]),
                    fact.subject,
                    _shown(fact, dates),
                ),
                "done" if fact.pinned else "",
            )
            for fact in facts
        ]
        self._list.show(rows, select)
        dated = sum(date is not None for date in dates.values())
        count = _n("{count:,} fact", "{count:,} facts", len(facts))
        if dates:
            count = _n(
                "{dated} of {count:,} fact with a date",
                "{dated} of {count:,} facts with a date",
                len(facts),
                dated=dated,
            )
        label(self._list, _TITLES[self._order], count)
        self._show_quote()
        self._status.set_class(self._document.read_only, "error")
        self._status.set_text(why_read_only(self._document) or message or self._summary())

    @property
    def _sections(self) -> list[str]:
        return [section.id for section in self._document.plan.sections]

    @property
    def _is_on(self) -> bool:
        return self._document.setting(FACTS) == "on"

    def _summary(self) -> str:
        if self._session.busy:
            return self._session.message
        key = key_of(FACTS_SCREEN, "switch")
        state = _("Noted only when you ask ({key} changes that).", key=key)
        if self._is_on:
            state = _("Noted while the text is written ({key} changes that).", key=key)
        left = len(unnoted(self._session.fact_source))
        waiting = _n("{count:,} finished section not noted yet.", "{count:,} finished sections not noted yet.", left)
        return sentences(state, waiting if left else "")

    def on_row_list_moved(self) -> None:
        self._show_quote()

    def _show_quote(self) -> None:
        fact = self._at_cursor
        if fact is None:
            self._quote.set_text("")
            return
        title = next((one.title for one in self._document.plan.sections if one.id == fact.section_id), "")
        title = title or _("the text")
        origin = _("From {title}", title=title)
        if fact.by_hand:
            origin = _("From {title}, edited by you", title=title) if fact.quote else _("Yours")
        self._quote.set_text(Content.assemble((f"{origin}\n", "bold"), fact.quote or fact.text))

    @property
    def _at_cursor(self) -> Fact | None:
        return next((fact for fact in self._document.facts if fact.id == self._list.key), None)

    # -- changes

    def _change(self, change: Callable[[], object], select: str | None = None, message: str = "") -> None:
        if why := why_read_only(self._document):
            self.show_error(why, code="read-only")
            return
        try:
            change()
        except LwtuiError as error:
            self.show_error(error)
            return
        self._draw(select, message)

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    @work(exclusive=True, group="facts")
    async def action_add(self) -> None:
        """Add a fact that holds from the section in view on."""
        from lwtui.app.screens.dialogs import Ask

        sections = self._sections
        if not sections or why_read_only(self._document):
            return
        hint = _("Whom it is about, a colon, and the fact: “Mira: she is forty”.")
        given = await self.app.push_screen_wait(Ask(_("Which fact?"), "", hint))
        if given is None:
            return
        about, _colon, text = given.replace("：", ":").partition(":")
        subject = about.strip() if text.strip() else ""
        section_id = self._section_id if self._section_id in sections else sections[0]
        fact = Fact("person" if subject else "thing", subject, text.strip() or given, "", section_id, by_hand=True)
        self._change(lambda: self._document.fact_book.put(fact), fact.id)

    @work(exclusive=True, group="facts")
    async def action_edit(self) -> None:
        """Edit the fact."""
        from lwtui.app.screens.dialogs import Ask

        fact = self._at_cursor
        if fact is None or why_read_only(self._document):
            return
        text = await self.app.push_screen_wait(
            Ask(_("{subject}: which fact?", subject=fact.subject or _KINDS[fact.kind]), fact.text)
        )
        if text is not None:
            changed = replace(fact, text=text, by_hand=True)
            self._change(lambda: self._document.fact_book.put(changed), fact.id)

    @work(exclusive=True, group="facts")
    async def action_kind(self) -> None:
        """Choose the kind of the fact."""
        from lwtui.app.screens.dialogs import Choose

        fact = self._at_cursor
        if fact is None or why_read_only(self._document):
            return
        kind = await self.app.push_screen_wait(Choose(_("Kind"), list(_KINDS.items()), fact.kind))
        if kind is not None:
            changed = replace(fact, kind=kind, by_hand=True)
            self._change(lambda: self._document.fact_book.put(changed), fact.id)

    def action_pin(self) -> None:
        """Pin the fact, so that every later prompt shows it, or unpin it."""
        if (fact := self._at_cursor) is not None:
            self._change(lambda: self._document.fact_book.pin(fact.id, pinned=not fact.pinned))

    def action_delete(self) -> None:
        """Remove the fact."""
        if (fact := self._at_cursor) is not None:
            undo = key_of(FACTS_SCREEN, "undo")
            self._change(
                lambda: self._document.fact_book.remove(fact.id), None, _("Removed. {key} brings it back.", key=undo)
            )

    def action_merge(self) -> None:
        """Merge the fact below the cursor into this one."""
        keys = self._list.keys
        fact = self._at_cursor
        if fact is None or keys.index(fact.id) + 1 >= len(keys):
            return
        other = keys[keys.index(fact.id) + 1]
        self._change(lambda: self._document.fact_book.merge(fact.id, other), fact.id, _("Merged."))

    def action_undo(self) -> None:
        """Bring back the fact removed last."""
        restored: list[Fact | None] = []
        self._change(lambda: restored.append(self._document.fact_book.undo_remove()))
        if restored and restored[0] is not None:
            self._draw(restored[0].id, _("The fact is back."))
        elif restored:
            self._draw(message=_("No fact was removed."))

    def action_sort(self) -> None:
        """List the facts by kind, by section, or by date."""
        orders = list(Order)
        FactsScreen._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self._draw(self._list.key)

    # -- the model

    def action_switch(self) -> None:
        """Have facts noted while the text is written, or not."""
        self._change(lambda: self._document.set_setting(FACTS, "" if self._is_on else "on"))

    def action_note(self) -> None:
        """Have the model note the facts of the sections that have changed since."""
        if why := why_read_only(self._document):
            self.show_error(why, code="read-only")
        elif not unnoted(self._session.fact_source):
            self._draw(message=_("The facts of all finished sections are noted."))
        else:
            try:
                self._session.start_noting_facts()
            except LwtuiError as error:
                self.show_error(error)

    async def action_stop(self) -> None:
        """Stop the model."""
        await self._session.cancel()
        self._draw(message=_("Stopped."))

    def action_back(self) -> None:
        """Close the screen."""
        self.dismiss()
        self._changed()


def _shown(fact: Fact, dates: Mapping[str, NamedDate | None]) -> str:
    """Return a fact as the list shows it, with its date in a timeline."""
    date = dates.get(fact.id)
    return f"{date}  {fact.text}" if date else fact.text


def contradictions_hint(event: FactsNoted) -> str:
    """Return what to tell the user about contradictions; empty without any."""
    if not event.contradictions:
        return ""
    return _n(
        "{count:,} contradiction with earlier sections found. {key} lists them.",
        "{count:,} contradictions with earlier sections found. {key} lists them.",
        len(event.contradictions),
        key=key_of(WRITING, "review"),
    )
