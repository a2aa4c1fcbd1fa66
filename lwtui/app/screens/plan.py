"""The plan: what each section says and how long it is to be, all of it open to change."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.timer import Timer

from lwtui.agentwrite import begun_plan
from lwtui.agentwrite.events import PlanDelta, PlanGrew, SectionFinished, SectionStarted
from lwtui.agentwrite.plan_nested import unplanned
from lwtui.app.format import amount, counted, number, unit, why_read_only
from lwtui.app.keymap import PLAN, bindings, key_of
from lwtui.app.outline_rows import kept_folds, plan_rows, shown_instead
from lwtui.app.places import Place
from lwtui.app.screens.plan_tools import PlanTools
from lwtui.app.screens.stale import stale_sections
from lwtui.app.session import Activity, ActivityChanged, Heard, SectionIsNext, Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.app.widgets.row_list import Column, RowList
from lwtui.app.widgets.section_form import SectionForm
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.app.widgets.toolbar import Toolbar
from lwtui.config import Role
from lwtui.documents.model import DEEPEST, Status
from lwtui.documents.outline import block, is_group, labels, numbers, to_write
from lwtui.errors import LwtuiError

_COMING = "No sections yet. The model is making the plan, which is shown as it comes."
_FRAME_SECONDS = 0.1  # the plan that is coming is at most this old on the screen


class PlanScreen(PlanTools):
    """The sections in a list, the one under the cursor in fields beside it."""

    GROUP = PLAN
    BINDINGS = bindings(PLAN)
    CSS_PATH = "../styles/plan.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._note = ""
        self._frame: Timer | None = None  # the next one, while there is something new to draw
        self._folded = kept_folds(session.document)
        self._title = TitleBar()
        self._list = RowList(
            Column("", 3, right=True),
            Column("Section", tree=True),
            Column("What it says", needs=76),
            Column("Words", 7, right=True),
            Column("", 2, tint=True),
            draggable=True,
            hint=_empty(),
            id="sections",
        )
        self._form = SectionForm(id="fields")
        self._coming_text = Line(id="coming-text")
        self._coming = VerticalScroll(self._coming_text, id="coming", classes="pane")
        self._status = Line(id="status")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        self._coming.border_title = "The plan, as it comes"
        yield self._title
        yield Toolbar(PLAN)
        with Container(id="panes"):
            yield self._list
            yield self._form
            yield self._coming
        yield self._status
        yield KeyBar()

    def on_mount(self) -> None:
        self._stale = frozenset(stale_sections(self._document))
        self._draw(self.begin_at.section_id if self.begin_at else None)

    @property
    def place(self) -> Place:
        return Place("plan", self._list.key or "")

    def _heard(self, event: Heard) -> None:
        if not self.is_attached:
            return  # the screen is being left, and has stored what was typed
        match event:
            case SectionIsNext():
                self.store()
            case PlanDelta():
                if self._frame is None:
                    self._frame = self.set_timer(_FRAME_SECONDS, self._show_coming)
            case ActivityChanged(error=error):
                if error:
                    self.complain(error)
                was_planning = self._coming.display
                self._draw()
                if was_planning and not self._planning:
                    self._list.focus()
            case SectionStarted() | SectionFinished() | PlanGrew():
                self._draw()
            case _:
                self._show_status()

    # -- what is shown

    @property
    def _planning(self) -> bool:
        return self._session.activity in (Activity.PLANNING, Activity.LOADING)

    def _draw(self, select: str | None = None, note: str = "") -> None:
        """Draw everything from the document; ``note`` stands in the status line until the next change."""
        self._note = note
        self._find_stale_soon()
        plan, brief = self._document.plan, self._document.brief
        self._title.say(self._document.title, self._session.model)
        self._list.hint = _COMING if self._planning else _empty()
        select = select or self._list.key
        if select in {section.id for section in plan.sections}:
            select = shown_instead(plan, select, self._folded)
        self._list.show(plan_rows(self._document, self._folded, self._stale), select)
        asked = "" if plan.words == brief.words else f" of {number(brief.words)} asked for"
        label(self._list, "Plan", f"{counted(to_write(plan), 'section')} · {amount(plan.words, brief)}{asked}")
        self._coming.display = self._planning
        self._form.display = not self._planning and bool(plan.sections)
        self._show_section()
        self._show_status()

    def _show_section(self) -> None:
        """Fill the fields, unless what was typed about the section before cannot be stored."""
        section_id = self._list.key
        if section_id is None:
            return
        if section_id != self._form.section_id and not self.store():
            self._list.select(self._form.section_id)
            return
        at = self._document.plan.find(section_id)
        label(self._form, self._called(at))
        locked = self._document.read_only or self._planning
        self._form.show(self._document.plan.sections[at], unit=unit(self._document.brief.language), locked=locked)

    def _called(self, at: int) -> str:
        """What the section at a position is called: a part says what it adds up to."""
        plan = self._document.plan
        section = plan.sections[at]
        if not is_group(plan, section.id):
            return f"Section {numbers(plan)[at]}" if section.words else f"Heading {labels(plan)[at]}"
        inside = [plan.sections[one] for one in block(plan, section.id)]
        words = amount(sum(one.words for one in inside), self._document.brief)
        return f"Part {labels(plan)[at]} · {counted(sum(one.words > 0 for one in inside), 'section')} · {words}"

    def _show_status(self) -> None:
        self._status.set_class(bool(self._session.error or self._document.read_only), "error")
        match self._session.activity:
            case _ if why := why_read_only(self._document):
                status = why
            case Activity.LOADING:
                status = f"Opening the model {self._session.roles.name(Role.PLAN)} … {key_of(PLAN, 'stop')} stops"
            case Activity.PLANNING:
                status = f"{self._session.message} … {key_of(PLAN, 'stop')} stops"
            case Activity.WRITING:
                status = "Writing goes on. Sections that are not begun can still be changed."
            case _ if self._note:
                status = self._note
            case _ if self._session.error:
                status = self._session.error
            case _ if (begun := begun_plan(self._document)) is not None:
                left = counted(len(unplanned(begun)), "chapter")
                status = f"{left} without sections: {key_of(PLAN, 'replan_all')} has the model go on with the plan."
            case _ if self._document.plan.sections:
                sections = [section for section in self._document.sections() if not section.heads]
                done = sum(section.status is Status.DONE for section in sections)
                status = f"{done} of {counted(len(sections), 'section')} written."
                if done < len(sections):
                    status += f" {key_of(PLAN, 'write')} writes the rest{self._expected()}."
                else:
                    status += f" {key_of(PLAN, 'text')} shows the text."
                status += f" {len(self._stale)} stale ({key_of(PLAN, 'stale')})." if self._stale else ""
            case _:
                by_hand, by_model = key_of(PLAN, "add"), key_of(PLAN, "replan_all")
                status = f"Build the plan by hand ({by_hand}), or have the model make one ({by_model})."
        self._status.say(status)

    def _expected(self) -> str:
        """What the rest will take, in a few words."""
        from lwtui.app.screens.forecast import short

        told = short(self._session)
        return f", {told}" if told else ""

    def _show_coming(self) -> None:
        self._frame = None
        if self._planning:
            self._coming_text.say(self._session.state.plan_text or "…")
            self._coming.scroll_end(animate=False)
            self._show_status()

    # -- memory

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
        """Put what was typed in the fields into the plan."""
        section_id = self._form.section_id
        if self._document.read_only or section_id not in {section.id for section in self._document.plan.sections}:
            return True
        old = self._planned(section_id)
        new = self._form.edited(old)
        if new == old:
            return True  # white space at an end that is still being typed changes nothing
        try:
            self._document.set_plan(self._document.plan.with_section(new), f"Edit “{old.title}”")
        except LwtuiError as error:
            self.complain(error)
            return False
        self._form.stored()
        if self.is_attached:
            self._draw()
        return True

    # -- the model

    def action_replan(self) -> None:
        section_id = self._list.key
        if section_id is None or not self._may_change(section_id):
            return
        if not self._planned(section_id).words:
            self.say("A heading alone has nothing to plan anew. R plans the document, b breaks a section up.")
            return
        self._start(lambda: self._session.start_replan(section_id), Role.PLAN)

    def action_break_down(self) -> None:
        section_id, plan = self._list.key, self._document.plan
        if section_id is None or not self._may_change(section_id):
            return
        if is_group(plan, section_id) or not self._planned(section_id).words:
            self.say(f"This is a part already. {key_of(PLAN, 'add')} adds a section to it.")
        elif self._planned(section_id).level >= DEEPEST:
            self.say(f"An outline has at most {DEEPEST} levels.")
        elif self._document.section(section_id).text.strip():
            self.say("This section has text, which would stay with the heading. Split it (s), or clear it first.")
        else:
            self._start(lambda: self._session.start_breaking_up(section_id), Role.PLAN)

    @work
    async def action_replan_all(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        if not self._may_change():
            return
        if self._document.words and begun_plan(self._document) is None:
            question = "A new plan takes the place of this one. The texts written so far stay in the file; u undoes it."
            if not await self.app.push_screen_wait(Confirm(question, "Replan all")):
                return
        self._start(self._session.start_plan, Role.PLAN)

    async def action_stop(self) -> None:
        await self._session.cancel()

    # -- elsewhere

    def action_write(self) -> None:
        if self._opens_again():
            return
        if self._planning or not self._document.plan.sections:
            self.say("There is no plan to write yet.")
        elif self.store():
            self._write()

    @work
    async def _write(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        begun = begun_plan(self._document)
        if begun is not None and not self._session.busy:
            left = counted(len(unplanned(begun)), "chapter")
            question = (
                f"{left} without sections yet: {key_of(PLAN, 'replan_all')} goes on with the plan. "
                "Write them as they are, each in one piece?"
            )
            if not await self.app.push_screen_wait(Confirm(question, "Write")):
                return
        if not self._session.busy and await self._has_model():
            self._start(self._session.start_write)
        self.lwtui.show_text()

    def action_text(self) -> None:
        if self._planning:
            self.say(f"The model is planning: {key_of(PLAN, 'stop')} stops it.")
        elif self.store():
            self.lwtui.show_text()

    def action_edit(self) -> None:
        if self._form.display:
            self._form.edit_point()

    def action_back(self) -> None:
        if self.focused is not None and self.focused in self._form.query("*"):
            self.store()
            self._list.focus()
        else:
            self.lwtui.leave_document()


def _empty() -> str:
    return f"No sections yet. {key_of(PLAN, 'add')} adds one, {key_of(PLAN, 'replan_all')} asks the model for a plan."
