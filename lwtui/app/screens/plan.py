"""The plan: what each section says and how long it is to be, all of it open to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.timer import Timer
from textual.widgets import Footer, Input, Label, Static, TextArea

from lwtui.agentwrite.events import Event
from lwtui.app.format import MARKS, number
from lwtui.app.keymap import PLAN, bindings
from lwtui.app.screens.base import Base
from lwtui.app.screens.new_document import MOST_WORDS
from lwtui.app.session import Activity, ActivityChanged, Session
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.toolbar import Toolbar
from lwtui.documents import plan_edits
from lwtui.documents.model import Plan, PlannedSection, Section, Status
from lwtui.errors import LwtuiError
from lwtui.text import clean

_QUIET_SECONDS = 0.8  # after the last key in a field


class PlanScreen(Base):
    """The sections in a list, the one under the cursor in fields beside it."""

    GROUP = PLAN
    BINDINGS = bindings(PLAN)
    CSS_PATH = "../styles/plan.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._document = session.document
        self._shown = ""  # the section whose values are in the fields
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield Toolbar(PLAN)
        with Container(id="panes"):
            yield RowList(
                Column("", 3, right=True),
                Column("Section"),
                Column("What it says", needs=90),
                Column("Words", 7, right=True),
                Column("", 2),
                draggable=True,
                id="sections",
            )
            with Vertical(id="fields"):
                with Horizontal():
                    with Vertical(id="heading-box"):
                        yield Label("Heading")
                        yield Input(id="heading", compact=True)
                    with Vertical(id="words-box"):
                        yield Label("Words")
                        yield Input(id="words", type="integer", compact=True)
                yield Label("What it says")
                yield TextArea(id="point", soft_wrap=True, tab_behavior="focus", compact=True)
            with VerticalScroll(id="coming"):
                yield Static("", id="coming-text", markup=False)
        yield Static("", id="status", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._session.listen(self._heard)
        self.set_interval(0.1, self._show_coming)
        self.refresh_plan()

    def on_unmount(self) -> None:
        self._session.unlisten(self._heard)

    def _heard(self, event: Event | ActivityChanged) -> None:
        if isinstance(event, ActivityChanged):
            if event.error:
                self.complain(event.error)
            self.refresh_plan()
            if event.activity is Activity.IDLE:
                self.query_one(RowList).focus()

    # -- what is shown

    @property
    def _planning(self) -> bool:
        return self._session.activity in (Activity.PLANNING, Activity.LOADING)

    def refresh_plan(self, select: str | None = None) -> None:
        """Draw everything from the document."""
        plan, brief = self._document.plan, self._document.brief
        rows = [_row(at, section) for at, section in enumerate(self._document.sections(), 1)]
        listed = self.query_one(RowList)
        listed.show(rows, select)
        asked = "" if plan.words == brief.words else f" of {number(brief.words)} asked for"
        self.query_one("#title", Static).update(
            f"{self._document.title} · {len(rows)} sections · {number(plan.words)} words{asked}"
        )
        self.query_one("#coming").display = self._planning
        self.query_one("#fields").display = not self._planning and bool(rows)
        self._show_section(listed.key)
        self._show_status()

    def _show_section(self, section_id: str | None) -> None:
        """Fill the fields. One in which the person is typing keeps what stands there, unless the section is another."""
        other = section_id != self._shown
        self._shown = section_id or ""
        if section_id is None:
            return
        section = self._planned(section_id)
        for name, value in (("#heading", section.title), ("#words", str(section.words))):
            field = self.query_one(name, Input)
            if field.value != value and (other or not field.has_focus):
                field.value = value
        point = self.query_one("#point", TextArea)
        if point.text != section.main_point and (other or not point.has_focus):
            point.load_text(section.main_point)

    def _show_status(self) -> None:
        self.query_one("#status").set_class(bool(self._session.error), "error")
        match self._session.activity:
            case Activity.LOADING:
                status = f"Opening the model {self._document.brief.model} …"
            case Activity.PLANNING:
                status = f"{self._session.message} … F6 stops"
            case Activity.WRITING:
                status = "Writing goes on. Sections that are not begun can still be changed."
            case _ if self._session.error:
                status = self._session.error
            case _:
                done = sum(s.status is Status.DONE for s in self._document.sections())
                status = (
                    f"{done} of {len(self._document.plan.sections)} sections written. F5 writes the rest."
                    if self._document.plan.sections
                    else "No sections yet: a adds one, R asks the model for a plan."
                )
        if self._document.read_only:
            status = f"Read-only: {self._document.read_only_reason}"
        self.query_one("#status", Static).update(status)

    def _show_coming(self) -> None:
        if self._planning:
            self.query_one("#coming-text", Static).update(self._session.plan_text or "…")
            self.query_one("#coming", VerticalScroll).scroll_end(animate=False)
            self._show_status()

    def _planned(self, section_id: str) -> PlannedSection:
        plan = self._document.plan
        return plan.sections[plan.find(section_id)]

    # -- the fields

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        self.store_fields()
        self._show_section(event.key)

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def on_row_list_dropped(self, event: RowList.Dropped) -> None:
        plan = plan_edits.move(self._document.plan, event.key, event.by)
        self._change(plan, f"Move “{self._planned(event.key).title}”", event.key)

    def on_input_changed(self) -> None:
        self._field_changed()

    def on_text_area_changed(self) -> None:
        self._field_changed()

    def on_input_submitted(self) -> None:
        self.store_fields()
        self.query_one(RowList).focus()

    def _field_changed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_QUIET_SECONDS, self.store_fields)

    def store_fields(self) -> None:
        """Put what was typed in the fields into the plan, if it says anything new."""
        if not self._shown or self._shown not in {section.id for section in self._document.plan.sections}:
            return
        old = self._planned(self._shown)
        words = self.query_one("#words", Input).value
        new = replace(
            old,
            title=" ".join(clean(self.query_one("#heading", Input).value).split()),
            main_point=clean(self.query_one("#point", TextArea).text).strip(),
            words=int(words) if words.isdecimal() and 0 < int(words) <= MOST_WORDS else old.words,
        )
        # White space at the end that is still being typed changes nothing.
        if new != old and not self._document.read_only and not self._planning:
            self._change(self._document.plan.with_section(new), f"Edit “{old.title}”")

    # -- changes

    def _change(
        self,
        plan: Plan,
        label: str,
        select: str | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        try:
            self._document.set_plan(plan, label, texts)
        except LwtuiError as error:
            self.complain(error)
            return
        self.refresh_plan(select)

    def _on_section(self, change: Callable[[Plan, str], Plan], label: str) -> None:
        """Apply a change to the section under the cursor, unless it is being written."""
        self.store_fields()
        section_id = self.query_one(RowList).key
        if section_id is None or self._is_locked(section_id):
            return
        title = self._planned(section_id).title
        self._change(change(self._document.plan, section_id), label.format(title), section_id)

    def _is_locked(self, *section_ids: str) -> bool:
        if self._planning:
            self.say("The model is planning: F6 stops it.")
            return True
        if self._session.current.intersection(section_ids):
            self.say("This section is being written: F6 stops, then it can be changed.")
            return True
        return False

    def action_add(self) -> None:
        self.store_fields()
        if self._is_locked():
            return
        plan = self._document.plan
        after = self.query_one(RowList).key
        at = plan.find(after) + 1 if after else 0
        words = round(plan.words / len(plan.sections)) if plan.sections else min(500, self._document.brief.words)
        section = PlannedSection("New section", "", max(1, words))
        self._change(plan_edits.insert(plan, at, section), "Add a section", section.id)
        self._focus_heading()

    def action_delete(self) -> None:
        self._on_section(plan_edits.remove, "Delete “{}”")

    def action_split(self) -> None:
        self._on_section(lambda plan, section_id: plan_edits.split(plan, section_id)[0], "Split “{}”")

    def action_merge(self) -> None:
        self.store_fields()
        section_id = self.query_one(RowList).key
        plan = self._document.plan
        if section_id is None or plan.sections[-1].id == section_id:
            self.say("There is no section after this one to merge with.")
            return
        following = plan.sections[plan.find(section_id) + 1].id
        if self._is_locked(section_id, following):
            return
        both = [self._document.section(one).text.strip() for one in (section_id, following)]
        texts = {section_id: "\n\n".join(text for text in both if text)} if any(both) else None
        label = f"Merge “{self._planned(section_id).title}” with the next section"
        self._change(plan_edits.merge(plan, section_id), label, section_id, texts)

    def action_up(self) -> None:
        self._on_section(lambda plan, section_id: plan_edits.move(plan, section_id, -1), "Move “{}”")

    def action_down(self) -> None:
        self._on_section(lambda plan, section_id: plan_edits.move(plan, section_id, 1), "Move “{}”")

    def action_less(self) -> None:
        self._on_section(lambda plan, section_id: _resized(plan, section_id, 1 / 1.1), "Length of “{}”")

    def action_more(self) -> None:
        self._on_section(lambda plan, section_id: _resized(plan, section_id, 1.1), "Length of “{}”")

    @work
    async def action_total(self) -> None:
        from lwtui.app.screens.dialogs import Ask

        self.store_fields()
        plan = self._document.plan
        if not plan.sections or self._is_locked():
            return
        hint = "All targets are scaled in proportion."
        answer = await self.app.push_screen_wait(Ask("Words for the whole document", str(plan.words), hint))
        if answer is None:
            return
        if not answer.isdecimal() or not len(plan.sections) <= int(answer) <= MOST_WORDS:
            self.complain(f"The length is a number from {len(plan.sections)} to {MOST_WORDS:,}.")
            return
        self._change(plan_edits.rescale(plan, int(answer)), "Length of the document")
        self._store_words(int(answer))

    def _store_words(self, words: int) -> None:
        try:
            self._document.set_brief(replace(self._document.brief, words=words))
        except LwtuiError as error:
            self.complain(error)
        self.refresh_plan()

    def action_undo(self) -> None:
        if self._is_locked(*self._session.current):
            return
        try:
            label = self._document.undo_plan()
        except LwtuiError as error:
            self.complain(error)
            return
        self.say(f"Undone: {label}" if label else "There is nothing to undo.")
        self.refresh_plan()

    # -- the model

    def action_replan(self) -> None:
        self.store_fields()
        section_id = self.query_one(RowList).key
        if section_id is not None and not self._is_locked(section_id):
            self._start(lambda: self._session.start_replan(section_id))

    @work
    async def action_replan_all(self) -> None:
        from lwtui.app.screens.dialogs import Confirm

        self.store_fields()
        if self._is_locked():
            return
        if self._document.words:
            question = "A new plan takes the place of this one. The texts written so far stay in the file; u undoes it."
            if not await self.app.push_screen_wait(Confirm(question, "Re-plan all")):
                return
        self._start(self._session.start_plan)

    def _start(self, start: Callable[[], None]) -> None:
        if self._document.read_only:
            self.complain(f"Read-only: {self._document.read_only_reason}")
            return
        try:
            start()
        except LwtuiError as error:
            self.complain(error)

    async def action_stop(self) -> None:
        await self._session.cancel()

    # -- elsewhere

    def action_write(self) -> None:
        self.store_fields()
        if self._planning or not self._document.plan.sections:
            self.say("There is no plan to write yet.")
            return
        if not self._session.busy:
            self._start(self._session.start_write)
        self.lwtui.show_text()

    def action_text(self) -> None:
        self.store_fields()
        if self._planning:
            self.say("The model is planning: F6 stops it.")
            return
        self.lwtui.show_text()

    def action_edit(self) -> None:
        if self.query_one("#fields").display:
            self.query_one("#point").focus()

    def _focus_heading(self) -> None:
        heading = self.query_one("#heading", Input)
        heading.focus()
        heading.action_select_all()

    def action_back(self) -> None:
        self.store_fields()
        if isinstance(self.focused, Input | TextArea):
            self.query_one(RowList).focus()
        else:
            self.lwtui.leave_document()


def _resized(plan: Plan, section_id: str, factor: float) -> Plan:
    section = plan.sections[plan.find(section_id)]
    step = 10 if section.words >= 100 else 1
    words = round(section.words * factor / step) * step
    if words == section.words:
        words += step if factor > 1 else -step
    return plan.with_section(replace(section, words=min(MOST_WORDS, max(1, words))))


def _row(at: int, section: Section) -> Row:
    title = section.title or "(no heading)"
    mark = MARKS[section.status]
    return Row(section.id, (str(at), title, section.main_point, number(section.words), mark), section.status.value)
