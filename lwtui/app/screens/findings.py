"""Lists the findings about the text, those of the built-in checks and those of the critic, to jump to."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.worker import Worker

from lwtui.agentwrite.critic import CriticEvent, Reading, Reviewed
from lwtui.agentwrite.events import Retrying
from lwtui.agentwrite.lint import Finding, TextPlace
from lwtui.app.format import unit
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.errors import LwtuiError
from lwtui.text.readability import readability, readability_line
from lwtui.translation import _, _n, _p, sentences

_KINDS = {
    "restated-paragraph": _("restated-paragraph"),
    "repeated-span": _("repeated-span"),
    "repeated-phrase": _("repeated-phrase"),
    "repeated-opening": _("repeated-opening"),
    "repeated-conclusion": _("repeated-conclusion"),
    "heading-order": _("heading-order"),
    "off-target": _("off-target"),
    "placeholder": _("placeholder"),
    "missing-kind": _("missing-kind"),
    "open-code": _("open-code"),
    "unknown-source": _("unknown-source"),
    "unsupported-claim": _("unsupported-claim"),
    "uncited-figure": _("uncited-figure"),
    "review": _("review"),
    "contradiction": _("contradiction"),
    "restated": _("restated"),
    "other": _("other"),
    "spelling": _("spelling"),
    "grammar": _("grammar"),
    "style": _("style"),
    "stock-phrase": _("stock-phrase"),
    "unsure": _("unsure"),
}
_HINT = _("c has the critic read the whole document; r checks again.")


class FindingsScreen(Dialog[TextPlace]):
    """Answers with the place in the text to go to."""

    BINDINGS = [
        Binding("enter", "go(0)", _p("findings", "Go")),
        Binding("o", "go(1)", _p("findings", "Second")),
        Binding("c", "critic", _("Critic")),
        Binding("r", "check", _("Recheck")),
        Binding("w", "words", _p("check", "Words")),
        Binding("s", "spelling", _("Spelling")),
        Binding("escape", "close", _("Close")),
    ]
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._reading: Worker[None] | None = None
        self._list = RowList(
            Column(_("What"), 19),
            Column(_("Where"), 24, needs=70),
            Column(_("Why")),
            header=True,
            hint=_("No findings."),
        )
        self._quotes = Line(id="quotes")
        self._status = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = _("Review")
            yield self._list
            with VerticalScroll(can_focus=False):
                yield self._quotes
            yield self._status
            yield KeyBar()

    def on_mount(self) -> None:
        self.action_check()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the second place of a finding only if it has one."""
        finding = self._at_cursor
        return (action, parameters) != ("go", (1,)) or (finding is not None and len(finding.places) > 1)

    @property
    def _findings(self) -> list[Finding]:
        return self._session.assistant.findings

    @work(exclusive=True, group="check")
    async def action_check(self) -> None:
        """Check the text without a model."""
        self._status.set_text(_("Checking for repetitions…"))
        try:
            await self._session.assistant.check()
        except LwtuiError as error:  # one of the user's word lists, a dictionary, or LanguageTool
            self._draw()
            self._status.set_text(str(error))
            return
        self._draw()
        count = len(self._findings)
        found = _n("{count:,} finding.", "{count:,} findings.", count) if count else _("No findings.")
        self._status.set_text(sentences(found, self._figures(), _HINT))

    def _figures(self) -> str:
        """Return how many stock phrases there are, and how the text reads; empty unless words are checked."""
        score = self._session.assistant.phrase_score
        if score is None:
            return ""
        document = self._session.document
        text = "\n\n".join(section.text for section in document.sections())
        length_unit = unit(document.brief.language)
        line = readability_line(readability(text, document.brief.language), length_unit)
        return _(
            "Stock phrases: {rate:g} in 1,000 {unit}. {readability}.",
            rate=score.per_1000,
            unit=length_unit,
            readability=line,
        )

    def action_words(self) -> None:
        """Look for phrases that mark machine prose, too, or no longer."""
        self._session.assistant.checks_words ^= True
        self.action_check()

    def action_spelling(self) -> None:
        """Look for misspelled words, too, or no longer."""
        self._session.assistant.checks_spelling ^= True
        self.action_check()

    def action_critic(self) -> None:
        """Have the critic read the document, or stop it."""
        if self._reading is None:
            self._reading = self._critic()
        else:
            self._reading.cancel()
            self._reading = None
            self._status.set_text(sentences(_("The critic was stopped."), _HINT))

    @work(exclusive=True, group="critic")
    async def _critic(self) -> None:
        self._status.set_text(_("The critic is reading… c stops it."))
        try:
            reviewed = await self._session.assistant.review(self._show_event)
            self._status.set_text(sentences(_outcome(reviewed), _HINT))
        except LwtuiError as error:
            self._status.set_text(str(error))
            self.lwtui.show_error(error)
        self._reading = None
        self._draw()

    async def _show_event(self, event: CriticEvent) -> None:
        match event:
            case Reading(number, total):
                self._status.set_text(
                    _("The critic is reading stretch {number} of {total}… c stops it.", number=number, total=total)
                )
            case Retrying(reason=reason, delay=delay):
                self._status.set_text(_("Retrying in {delay:.1f} s: {reason}", delay=delay, reason=reason))
        self._draw()  # a new review discards the findings of the last one

    # -- content

    def _draw(self) -> None:
        if self.is_attached:
            findings = enumerate(self._findings)
            self._list.show(
                [
                    Row(str(at), (_KINDS.get(found.kind, found.kind), _where(found), found.message))
                    for at, found in findings
                ]
            )
            self._show_quotes()

    def on_row_list_moved(self) -> None:
        self._show_quotes()

    def _show_quotes(self) -> None:
        finding = self._at_cursor
        self.refresh_bindings()
        if finding is None:
            self._quotes.set_text("")
            return
        parts: list[tuple[str, str] | str] = [f"{finding.message}\n"]
        for number, place in enumerate(finding.places, 1):
            name = place.title or _("the text")
            where = _("{number}  {title}, line {line}", number=number, title=name, line=place.line)
            parts += [
                (f"\n{where}\n", "bold"),
                place.quote + "\n",
            ]
        self._quotes.set_text(Content.assemble(*parts))

    @property
    def _at_cursor(self) -> Finding | None:
        key = self._list.key
        return self._findings[int(key)] if key is not None and int(key) < len(self._findings) else None

    # -- going there

    def on_row_list_chosen(self) -> None:
        self.action_go(0)

    def action_go(self, which: int) -> None:
        """Go to a place of the finding: 0 for its first, 1 for its second."""
        finding = self._at_cursor
        if finding is not None:
            self.dismiss(finding.places[which])


def _outcome(reviewed: Reviewed) -> str:
    """Say how many problems the critic found."""
    if not reviewed.dropped:
        return _n("The critic found {count:,} problem.", "The critic found {count:,} problems.", reviewed.found)
    return _n(
        "The critic found {count:,} problem; {dropped} dropped because the quote is not in the text.",
        "The critic found {count:,} problems; {dropped} dropped because the quote is not in the text.",
        reviewed.found,
        dropped=reviewed.dropped,
    )


def _where(finding: Finding) -> str:
    return " / ".join(dict.fromkeys(place.title or _("the text") for place in finding.places))
