"""Shows and edits the plan: the sections with their main points and targets."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.timer import Timer

from lwtui.agentwrite import begun_plan
from lwtui.agentwrite.events import (
    PlanDelta,
    PlanGrew,
    PlanReviewFinished,
    PlanRevised,
    PlanVoided,
    SectionFinished,
    SectionStarted,
)
from lwtui.agentwrite.plan_nested import unplanned
from lwtui.app.format import amount, unit, why_read_only
from lwtui.app.keymap import PLAN, bindings, key_of
from lwtui.app.outline_rows import load_folds, plan_rows, visible_section
from lwtui.app.places import Place
from lwtui.app.screens.plan_tools import PlanTools
from lwtui.app.screens.stale import stale_sections
from lwtui.app.session import Activity, ActivityChanged, SectionIsNext, Session, SessionEvent
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.app.widgets.row_list import Column, RowList
from lwtui.app.widgets.section_form import SectionForm
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.app.widgets.toolbar import Toolbar
from lwtui.config import Role
from lwtui.documents.model import MAX_LEVEL, Status
from lwtui.documents.outline import count_text_sections, has_children, outline_numbers, section_numbers, subtree
from lwtui.errors import LwtuiError
from lwtui.translation import _, _n, sentences

_PLANNING_HINT = _("No sections yet. The model is making the plan.")
_FRAME_SECONDS = 0.1  # between two updates of the plan that streams in


class PlanScreen(PlanTools):
    """The sections in a list, and the fields of the one under the cursor."""

    GROUP = PLAN
    BINDINGS = bindings(PLAN)
    CSS_PATH = "../styles/plan.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._note = ""
        self._result = ""  # of a review, to show once the run has ended
        self._frame: Timer | None = None  # until the next redraw
        self._folded = load_folds(session.document)
        self._title = TitleBar()
        self._list = RowList(
            Column("", 3, right=True),
            Column(_("Section"), tree=True),
            Column(_("What it says"), needs=76),
            Column(_("Words"), 7, right=True),
            Column("", 2, tint=True),
            draggable=True,
            hint=_empty_hint(),
            id="sections",
        )
        self._form = SectionForm(id="fields")
        self._draft_text = Line(id="coming-text")
        self._draft = VerticalScroll(self._draft_text, id="coming", classes="pane")
        self._status = Line(id="status")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        self._draft.border_title = _("The model's plan")
        yield self._title
        yield Toolbar(PLAN)
        with Container(id="panes"):
            yield self._list
            yield self._form
            yield self._draft
        yield self._status
        yield KeyBar()

    def on_mount(self) -> None:
        self._stale = frozenset(stale_sections(self._document))
        self._draw(self.begin_at.section_id if self.begin_at else None)

    @property
    def place(self) -> Place:
        """The section under the cursor."""
        return Place("plan", self._list.key or "")

    def _on_session_event(self, event: SessionEvent) -> None:
        if not self.is_attached:
            return  # the screen is closing and has stored all edits
        match event:
            case SectionIsNext():
                self.store()
            case PlanDelta() | PlanVoided():
                if self._frame is None:
                    self._frame = self.set_timer(_FRAME_SECONDS, self._show_draft)
            case ActivityChanged(error=error):
                if error:
                    self.show_error(error)
                was_planning = self._draft.display
                self._draw(note="" if self._session.busy else self._result)
                self._result = self._result if self._session.busy else ""
                if was_planning and not self._planning:
                    self._list.focus()
            case SectionStarted() | SectionFinished() | PlanGrew():
                self._draw()
            case PlanRevised() | PlanReviewFinished():
                self._result = _(
                    "{message}. {key} shows what the review has found.",
                    message=self._session.message,
                    key=key_of(PLAN, "log"),
                )
            case _:
                self._show_status()

    # -- content

    @property
    def _planning(self) -> bool:
        return self._session.activity in (Activity.PLANNING, Activity.LOADING)

    def _draw(self, select: str | None = None, note: str = "") -> None:
        """Redraw everything from the document; ``note`` stays in the status line until the next redraw."""
        self._note = note
        self._find_stale_soon()
        plan = self._document.plan
        self._title.set_text(self._document.title, self._session.model)
        self._list.hint = _PLANNING_HINT if self._planning else _empty_hint()
        select = select or self._list.key
        if select in {section.id for section in plan.sections}:
            select = visible_section(plan, select, self._folded)
        self._list.show(plan_rows(self._document, self._folded, self._stale), select)
        label(self._list, _("Plan"), self._plan_figures())
        self._draft.display = self._planning
        self._form.display = not self._planning and bool(plan.sections)
        self._show_section()
        self._show_status()

    def _plan_figures(self) -> str:
        """Return the number of sections and their length, with that of the brief if it differs."""
        plan, brief = self._document.plan, self._document.brief
        sections = _n("{count:,} section", "{count:,} sections", count_text_sections(plan))
        length = amount(plan.words, brief)
        if plan.words == brief.words:
            return f"{sections} · {length}"
        return _("{sections} · {length} (brief: {asked:,})", sections=sections, length=length, asked=brief.words)

    def _show_section(self) -> None:
        """Fill in the fields, unless edits of the previous section cannot be stored."""
        section_id = self._list.key
        if section_id is None:
            return
        if section_id != self._form.section_id and not self.store():
            self._list.select(self._form.section_id)
            return
        at = self._document.plan.find(section_id)
        label(self._form, self._form_title(at))
        locked = self._document.read_only or self._planning
        self._form.show(self._document.plan.sections[at], unit=unit(self._document.brief.language), locked=locked)

    def _form_title(self, at: int) -> str:
        """Return the number of the section at a position; for a part, with its number of sections and its length."""
        plan = self._document.plan
        section = plan.sections[at]
        if not has_children(plan, section.id):
            return (
                _("Section {number}", number=section_numbers(plan)[at])
                if section.words
                else _("Heading {number}", number=outline_numbers(plan)[at])
            )
        inside = [plan.sections[inner] for inner in subtree(plan, section.id)]
        return _n(
            "Part {number} · {count:,} section · {length}",
            "Part {number} · {count:,} sections · {length}",
            sum(inner.words > 0 for inner in inside),
            number=outline_numbers(plan)[at],
            length=amount(sum(inner.words for inner in inside), self._document.brief),
        )

    def _show_status(self) -> None:
        self._status.set_class(bool(self._session.error or self._document.read_only), "error")
        match self._session.activity:
            case _ if why := why_read_only(self._document):
                status = why
            case Activity.LOADING if self._session.roles.name(Role.PLAN) in self._session.models.downloads:
                status = self._session.message
            case Activity.LOADING:
                status = _(
                    "Opening the model {model} … {key} stops",
                    model=self._session.roles.name(Role.PLAN),
                    key=key_of(PLAN, "stop"),
                )
            case Activity.PLANNING:
                status = _("{message} … {key} stops", message=self._session.message, key=key_of(PLAN, "stop"))
            case Activity.WRITING:
                status = _("The model is writing. You can still change sections that are not begun.")
            case _ if self._note:
                status = self._note
            case _ if self._session.error:
                status = self._session.error
            case _ if (begun := begun_plan(self._document)) is not None:
                status = _n(
                    "{count:,} chapter without sections: {key} continues the plan.",
                    "{count:,} chapters without sections: {key} continues the plan.",
                    len(unplanned(begun)),
                    key=key_of(PLAN, "replan_all"),
                )
            case _ if self._document.plan.sections:
                status = self._progress()
            case _:
                by_hand, by_model = key_of(PLAN, "add"), key_of(PLAN, "replan_all")
                status = _(
                    "Add sections by hand ({by_hand}), or have the model make a plan ({by_model}).",
                    by_hand=by_hand,
                    by_model=by_model,
                )
        self._status.set_text(status)

    def _progress(self) -> str:
        """Say how much of the plan is written, what the rest takes, and what to do next."""
        from lwtui.app.screens.forecast import short_forecast

        written = [section for section in self._document.sections() if not section.is_heading_only]
        done = sum(section.status is Status.DONE for section in written)
        progress = _n(
            "{done} of {count:,} section written.", "{done} of {count:,} sections written.", len(written), done=done
        )
        if done == len(written):
            following = _("{key} shows the text.", key=key_of(PLAN, "text"))
        elif forecast := short_forecast(self._session):
            following = _("{key} writes the rest, {forecast}.", key=key_of(PLAN, "write"), forecast=forecast)
        else:
            following = _("{key} writes the rest.", key=key_of(PLAN, "write"))
        count, key = len(self._stale), key_of(PLAN, "stale")
        return sentences(progress, following, _("{count} stale ({key}).", count=count, key=key) if count else "")

    def _show_draft(self) -> None:
        self._frame = None
        if self._planning:
            self._draft_text.set_text(self._session.state.plan_text or "…")
            self._draft.scroll_end(animate=False)
            self._show_status()

    # -- for the base class

    def _in_view(self) -> str | None:
        return self._list.key

    def _show_stale(self) -> None:
        self._draw(note=self._note)

    def _show_rewriting(self) -> None:
        self.lwtui.show_text()

    # -- the list and the fields

    def on_row_list_moved(self) -> None:
        self._show_section()

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def on_section_form_changed(self, event: SectionForm.Changed) -> None:
        self.store()
        if event.left:
            self._list.focus()

    def store(self) -> bool:
        """Store the fields in the plan. Returns whether that worked; if not, shows the error."""
        section_id = self._form.section_id
        if self._document.read_only or section_id not in {section.id for section in self._document.plan.sections}:
            return True
        old = self._planned(section_id)
        new = self._form.edited(old)
        if new == old:
            return True  # also if only white space was added at an end
        try:
            self._document.set_plan(self._document.plan.with_section(new), _("Edit “{title}”", title=old.title))
        except LwtuiError as error:
            self.show_error(error)
            return False
        self._form.stored()
        if self.is_attached:
            self._draw()
        return True

    # -- the model

    def action_replan(self) -> None:
        """Have the model plan the section anew."""
        section_id = self._list.key
        if section_id is None or not self._may_change(section_id):
            return
        if not self._planned(section_id).words:
            whole, break_up = key_of(PLAN, "replan_all"), key_of(PLAN, "break_down")
            self.show_notice(
                _(
                    "This is only a heading. {whole} replans the document, {break_up} breaks a section up.",
                    whole=whole,
                    break_up=break_up,
                ),
                code="heading-only",
            )
            return
        self._start(lambda: self._session.start_replan(section_id), Role.PLAN)

    def action_break_down(self) -> None:
        """Have the model break the section up into several within it."""
        section_id, plan = self._list.key, self._document.plan
        if section_id is None or not self._may_change(section_id):
            return
        if has_children(plan, section_id) or not self._planned(section_id).words:
            self.show_notice(
                _("This already is a part. {key} adds a section to it.", key=key_of(PLAN, "add")), code="already-a-part"
            )
        elif self._planned(section_id).level >= MAX_LEVEL:
            self.show_notice(_("An outline has at most {most} levels.", most=MAX_LEVEL), code="deepest-level")
        elif self._document.section(section_id).text.strip():
            split = key_of(PLAN, "split")
            self.show_notice(
                _(
                    "This section has text, which would stay with the heading. Split it ({split}) or clear it first.",
                    split=split,
                ),
                code="has-text",
            )
        else:
            self._start(lambda: self._session.start_breaking_up(section_id), Role.PLAN)

    @work
    async def action_replan_all(self) -> None:
        """Have the model make a new plan, or complete an incomplete one."""
        from lwtui.app.screens.dialogs import Confirm

        if not self._may_change():
            return
        if self._document.words and begun_plan(self._document) is None:
            undo = key_of(PLAN, "undo")
            question = _(
                "Replace this plan with a new one? The texts written so far stay in the file; {undo} undoes it.",
                undo=undo,
            )
            if not await self.app.push_screen_wait(Confirm(question, _("Replan all"))):
                return
        self._start(self._session.start_plan, Role.PLAN)

    def action_review_plan(self) -> None:
        """Have the plan reviewed and revised, unless its sections have text already."""
        if not self._may_change():
            return
        if not self._document.plan.sections or begun_plan(self._document) is not None:
            self.show_notice(_("There is no complete plan to review yet."), code="no-plan")
        elif self._document.words:
            self.show_notice(
                _(
                    "A plan is reviewed before anything is written. {key} replans a section.",
                    key=key_of(PLAN, "replan"),
                ),
                code="has-text",
            )
        else:
            self._start(self._session.start_plan_review, Role.PLAN)

    async def action_stop(self) -> None:
        """Stop the model."""
        await self._session.cancel()

    # -- other screens

    def action_write(self) -> None:
        """Write the sections that are not done, and show the text."""
        if self._reopens():
            return
        if self._planning or not self._document.plan.sections:
            self.show_notice(_("There is no plan to write yet."), code="no-plan")
        elif self.store():
            self._write()

    @work
    async def _write(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        begun = begun_plan(self._document)
        if begun is not None and not self._session.busy:
            question = _n(
                "{count:,} chapter without sections: {key} continues the plan. Write each of them as a single section?",
                "{count:,} chapters without sections: {key} continues the plan. "
                "Write each of them as a single section?",
                len(unplanned(begun)),
                key=key_of(PLAN, "replan_all"),
            )
            if not await self.app.push_screen_wait(Confirm(question, _("Write"))):
                return
        if not self._session.busy and await self._has_model():
            self._start(self._session.start_write)
        self.lwtui.show_text()

    def action_text(self) -> None:
        """Show the text."""
        if self._planning:
            self.show_notice(
                _("The model is planning. Stop it first ({key}).", key=key_of(PLAN, "stop")), code="planning"
            )
        elif self.store():
            self.lwtui.show_text()

    def action_edit(self) -> None:
        """Edit the section under the cursor."""
        if self._form.display:
            self._form.edit_point()

    def action_back(self) -> None:
        """Go from the fields to the list, or to the library."""
        if self.focused is not None and self.focused in self._form.query("*"):
            self.store()
            self._list.focus()
        else:
            self.lwtui.leave_document()


def _empty_hint() -> str:
    return _(
        "No sections yet. {add} adds one, {plan} asks the model for a plan.",
        add=key_of(PLAN, "add"),
        plan=key_of(PLAN, "replan_all"),
    )
