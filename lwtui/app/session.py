"""An open document and the model run on it. Screens subscribe to its events; a session knows no screen."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from time import time

from lwtui.agentwrite import Agent, begun_plan, keep_plan, plan_document, recording, replan_section, write_document
from lwtui.agentwrite.events import (
    CitationsAdded,
    CitationsDropped,
    ContextTrimmed,
    Continuing,
    DocumentFinished,
    Event,
    FactsNoted,
    NotesLeftOut,
    PassagesLeftOut,
    PlanGrew,
    PlanReady,
    PlanRejected,
    PlanStarted,
    Polishing,
    ReadingPrompt,
    Redrafting,
    Retrying,
    ReviewingPlan,
    SectionFinished,
    SectionPolished,
    SectionStarted,
    TextRolledBack,
    Thinking,
)
from lwtui.agentwrite.fact_notes import (
    LIKELY_FACTS,
    FactSource,
    contradiction_findings,
    facts_note,
    note_facts,
    unnoted,
)
from lwtui.agentwrite.forecast import Forecast, forecast, forecast_line, likely_plan
from lwtui.agentwrite.json_answers import check_follows_instructions
from lwtui.agentwrite.judge_check import UnableJudge
from lwtui.agentwrite.note_selection import brief_with_notes
from lwtui.agentwrite.notes import always_shown
from lwtui.agentwrite.plan import planning_brief
from lwtui.agentwrite.plan_nested import sections_within
from lwtui.agentwrite.plan_review import PlanTeam, review_plan
from lwtui.agentwrite.plan_review_forecast import plan_review_forecast
from lwtui.agentwrite.plan_review_progress import PLAN_REVIEW, PlanReviewProgress, store_plan_review, stored_plan_review
from lwtui.agentwrite.plan_review_report import plan_review_notes, reviewing_line
from lwtui.agentwrite.polish import polish_document
from lwtui.agentwrite.polish_forecast import PolishModels
from lwtui.agentwrite.polish_progress import forget_progress, stored_criteria, stored_progress
from lwtui.agentwrite.polish_report import POLISH_STEPS, polish_note
from lwtui.agentwrite.run_monitor import RunMonitor, sections_to_forecast
from lwtui.agentwrite.run_state import RunState
from lwtui.agentwrite.source_embedding import open_embedder
from lwtui.agentwrite.throughput import load_rates
from lwtui.app.assistant import Assistant
from lwtui.app.editable_document import EditableDocument, SectionChanged
from lwtui.app.format import number, unit
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.model_pool import ModelPool, ModelRoles
from lwtui.app.polish_run import PolishRequest, forecast_polish, open_team, update_findings
from lwtui.config import ModelSettings, Role
from lwtui.documents.facts import FACTS
from lwtui.documents.model import BUDGET, Brief, Plan, Status
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.log import log_file
from lwtui.models.budget import Budget, Prices, check_budget, check_priced, cost_of, parse_budget
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from lwtui.translation import _, _n, listed

_LOG_LINES = 500
_MAX_REFUSAL = 120  # characters of the words of a model that refused
_LOGGER = logging.getLogger(__name__)


class Activity(StrEnum):
    """What the model is doing."""

    IDLE = "idle"
    LOADING = "loading"
    PLANNING = "planning"
    WRITING = "writing"
    POLISHING = "polishing"
    NOTING = "noting"  # the facts of sections


@dataclass(frozen=True)
class ActivityChanged:
    """A run started, reached another phase or ended. ``error`` is the line to show if it failed."""

    activity: Activity
    error: str = ""


@dataclass(frozen=True)
class SectionIsNext:
    """A section is about to be written: screens must store unsaved edits now."""


SessionEvent = Event | ActivityChanged | SectionIsNext
Listener = Callable[[SessionEvent], None]
Run = Callable[[], Awaitable[None]]


class Session:
    """One open document with at most one model run at a time. Call it from the app's event loop.

    Listeners get every event right after the document has stored it, and must return quickly.
    """

    def __init__(self, document: Document, models: ModelPool) -> None:
        self.document = document
        self.models = models
        self.roles = ModelRoles(document, models)
        self.activity = Activity.IDLE
        self.state = RunState()  # of the current run, or the last one
        self.log: deque[tuple[float, str]] = deque(maxlen=_LOG_LINES)
        self.message = ""  # the latest line for the screen
        self.error = ""  # why the last run failed
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._run: Run = self._write  # the run started last
        self._writes = False  # whether that run writes; else it plans
        self._closing = False
        self.tracker = UsageTracker(
            lambda: self.budget, spent=document.usage, spent_prices=self._prices, record=self._add_usage
        )
        document.source_store.embedder = open_embedder(document, models.settings, lambda: self.tracker, self.note)
        self.assistant = Assistant(document, models, self.roles, self.tracker, self.note, lambda: self.busy)

    # -- listening

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with every event from now on."""
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """Stop calling ``listener``."""
        self._listeners.remove(listener)

    # -- starting and stopping runs

    @property
    def busy(self) -> bool:
        """Whether a run is in progress."""
        return self.activity is not Activity.IDLE

    @property
    def current(self) -> set[str]:
        """The ids of the sections that are being written."""
        return {run.section_id for run in self.state.open} if self.activity is Activity.WRITING else set()

    def start_plan(self) -> None:
        """Plan the document, or continue an incomplete plan."""
        self._start(lambda: self._plan(None), writes=False)

    def start_replan(self, section_id: str) -> None:
        """Plan one section anew."""
        self._start(lambda: self._plan(section_id), writes=False)

    def start_breaking_up(self, section_id: str) -> None:
        """Break one section up into several within it."""
        self._start(lambda: self._plan(section_id, within=True), writes=False)

    def start_plan_review(self) -> None:
        """Review the plan, or go on with an interrupted review."""
        self._start(self._review_plan, writes=False)

    def start_write(self) -> None:
        """Write the sections that are not done."""
        self._start(self._write)

    def start_rewrite(self, section_ids: Collection[str]) -> None:
        """Rewrite some sections, in the document's order."""
        self._start(self._anew(section_ids))

    def start_polish(self, request: PolishRequest) -> None:
        """Polish some sections, or the document, where an interrupted run is resumed."""
        self._start(lambda: self._polish(request), writes=False)

    def start_noting_facts(self) -> None:
        """Note the facts of the finished sections that have changed since they were noted."""
        self._start(self._note_facts, writes=False)

    @property
    def fact_source(self) -> FactSource:
        """The document as the keeper of facts reads it."""
        return EditableDocument(self.document, ())

    async def cancel(self) -> None:
        """Cancel the run and wait until its text is stored."""
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def regenerate(self, section_id: str) -> None:
        """Rewrite a section, then resume the run that was in progress.

        The old text stays until the first new words arrive, so nothing is lost if the model cannot be reached.
        """
        then = self._run if self._writes and self.busy else None
        await self.cancel()
        self._start(self._anew({section_id}, then))

    async def change_model(self, name: str) -> None:
        """Have another model write the document. A run in progress resumes with it."""
        await self.change_brief(replace(self.document.brief, model=name))

    async def change_brief(self, brief: Brief) -> None:
        """Change the brief. A run in progress resumes with the new one."""
        was_busy = self.busy
        await self.cancel()
        self.document.set_brief(brief)
        if was_busy:
            self._start(self._run, writes=self._writes)

    async def close(self) -> None:
        """Cancel the run and close the file.

        Raises:
            DocumentError: Something could not be stored. The file is closed all the same.
        """
        self._closing = True
        try:
            await self.cancel()
        finally:
            self.document.close()

    def _add_usage(self, usage: Usage) -> None:
        """Store the token usage of a call, except in a read-only document."""
        if not self.document.read_only:
            self.document.add_usage(usage)

    def _prices(self) -> Prices:
        """The prices of the tokens spent before this session; assumes that the current writer spent them."""
        model = self.model_settings
        return Prices.of(model) if model else Prices()

    # -- roles and budget

    @property
    def model(self) -> str:
        """The name of the model that writes the document."""
        return self.roles.name(Role.WRITE)

    def set_role(self, role: Role, name: str) -> None:
        """Give a role other than the writer's to a model; an empty name restores the settings' choice."""
        self.document.set_setting(role.setting, name)

    async def _helper(self) -> Agent | None:
        """Return the model that writes summaries, or ``None`` if the writer does."""
        critic, writer = self.roles.name(Role.CRITIC), self.roles.name(Role.WRITE)
        return None if critic == writer else await self.models.get(critic, beside=(writer,))

    @property
    def budget(self) -> Budget | None:
        """The budget of all calls for the document. Raises :class:`LwtuiError` if the stored value is invalid."""
        return parse_budget(self.document.setting(BUDGET))

    def set_budget(self, given: str) -> None:
        """Set the budget; an empty text removes it. Raises :class:`LwtuiError` if ``given`` is invalid."""
        budget = parse_budget(given)
        if (model := self.model_settings) is not None:
            check_budget(budget, model)
        self.document.set_setting(BUDGET, given.strip() if budget else "")

    def forecast(self, anew: Collection[str] = ()) -> Forecast | None:
        """Forecast the rest of the document, or a rewrite of the sections ``anew``.

        Returns ``None`` if the model is not configured on this machine.
        """
        model = self.model_settings
        if model is None:
            return None
        brief = replace(self.document.brief, notes=tuple(note for note in self.document.notes if note.always))
        sections = sections_to_forecast(self.document.sections(), anew)
        return forecast(brief, sections, model, load_rates(model), facts=self.notes_facts)

    @property
    def notes_facts(self) -> bool:
        """Whether facts are noted while the document is written."""
        return self.document.setting(FACTS) == "on"

    # -- figures for the screens

    @property
    def model_settings(self) -> ModelSettings | None:
        """The settings of the document's model, or ``None`` if it is not configured on this machine."""
        try:
            return self.models.resolve(self.model)
        except LwtuiError:
            return None

    @property
    def cost(self) -> float | None:
        """The cost of the document's calls so far, or ``None`` if the model's prices are unknown."""
        model = self.model_settings
        return None if model is None else cost_of(self.document.usage, model)

    def seconds_left(self) -> float | None:
        """Seconds until the document reaches its target length at the current speed; ``None`` if unknown."""
        missing = sum(max(0, s.words - s.length) for s in self.document.sections() if s.status is not Status.DONE)
        speed = self.state.units_per_second
        return missing / speed if speed else None

    # -- runs

    def _start(self, run: Run, *, writes: bool = True) -> None:
        if self._closing:
            return
        if self._task is not None and not self._task.done():
            raise LwtuiError(
                _("The model is at work. Stop it first ({key}).", key=key_of(WRITING, "stop")), code="busy"
            )
        self._run, self._writes = run, writes
        self._become(Activity.LOADING)
        self._task = asyncio.create_task(self._guarded(run))
        self._task.add_done_callback(self._ended)

    async def _guarded(self, run: Run) -> None:
        try:
            await run()
        except LwtuiError as failure:
            self.note(str(failure))
            self._stopped(str(failure))
        else:
            self._stopped("")

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Report an internal error of the run; the editor keeps working."""
        if task.cancelled():
            self._stopped("")
        elif (error := task.exception()) is not None:
            _LOGGER.error("an internal error ended a run", exc_info=error)
            self._stopped(
                _(
                    "An internal error ended the run ({error}). Your text is saved. The log has the details: {log}",
                    error=type(error).__name__,
                    log=log_file(),
                )
            )

    def _stopped(self, error: str) -> None:
        self._become(Activity.IDLE, error)

    async def _open(self, name: str) -> Agent:
        """Open a model. If it is still being downloaded, say so and wait."""
        if self.models.downloads.get(name) is not None:
            self.note(
                _(
                    "{name} is still being downloaded. Writing begins when it is here; {key} chooses "
                    "another model, such as demo, to begin at once.",
                    name=name,
                    key=key_of(WRITING, "model"),
                )
            )
            self._become(Activity.LOADING)
        return await self.models.get(name)

    async def _plan(self, section_id: str | None, *, within: bool = False) -> None:
        document = self.document
        agent = await self._open(self.roles.name(Role.PLAN))
        check_priced(self.budget, agent.settings)
        self._follow(RunState(document.sections()))
        self._become(Activity.PLANNING)
        brief = planning_brief(document, agent)
        if left_out := [note.title for note in always_shown(document.notes) if note not in brief.notes]:
            self._hear(NotesLeftOut("", tuple(left_out)))
        likely = likely_plan(brief if section_id is None else replace(brief, words=0))
        purpose = _("a plan") if section_id is None else _("another plan")
        agent = agent.metered(self.tracker.task(purpose, likely_completion=likely))
        if section_id is None:
            await plan_document(agent, brief, self._keep_plan, begun_plan(document))
            return
        if within:
            plan = await sections_within(agent, brief, document.plan, section_id, self._hear_soon)
            self._take_plan(plan, _("Break up a section"))
        else:
            plan = await replan_section(agent, brief, document.plan, section_id, self._hear_soon)
            self._take_plan(plan, _("Replan a section"))

    async def _review_plan(self) -> None:
        document = self.document
        names = [self.roles.name(role) for role in (Role.PLAN, Role.CRITIC, Role.JUDGE)]
        await self._open(names[0])
        team = PlanTeam(*[await self.models.get(name, beside=names[:at]) for at, name in enumerate(names)])
        for agent in (team.planner, team.critic, team.judge):
            check_follows_instructions(agent)
            check_priced(self.budget, agent.settings)
        self._follow(RunState(document.sections()))
        self._become(Activity.PLANNING)
        brief = brief_with_notes(document.brief, always_shown(document.notes), team.planner.context_length)
        resumed = stored_plan_review(document)
        models = PolishModels(team.planner.settings, team.critic.settings, team.judge.settings)
        expected = plan_review_forecast(brief, document.plan, models, load_rates, resumed.left if resumed else None)
        self.note(
            _(
                "Expected for the review of the plan: {forecast}",
                forecast=forecast_line(expected, unit(brief.language)),
            )
        )

        async def emit(event: Event) -> None:
            store_plan_review(document, event)
            await self._hear_soon(event)

        if resumed is None:
            document.set_setting(PLAN_REVIEW, PlanReviewProgress().to_json())
        await review_plan(
            team, brief, document.plan, emit, progress=resumed, tracker=self.tracker, expected=expected.each
        )

    async def _keep_plan(self, event: Event) -> None:
        keep_plan(self.document, event, _("Replan the document"))
        await self._hear_soon(event)

    def _take_plan(self, plan: Plan, label: str) -> None:
        self.document.set_plan(plan, label)
        self.state.apply(PlanReady(plan))
        self._hear(PlanReady(plan))

    async def _hear_soon(self, event: Event) -> None:
        self.state.apply(event)
        self._hear(event)

    def _follow(self, state: RunState) -> None:
        """Make ``state`` the current one; it inherits the measured speed."""
        state.throughput = self.state.throughput
        self.state = state

    def _anew(self, section_ids: Collection[str], then: Run | None = None) -> Run:
        """Return a run that rewrites sections, then runs ``then``. Started again, it rewrites only the rest."""
        left = set(section_ids)

        async def run() -> None:
            if left:
                await self._write(left)
            if then is not None:
                await then()

        return run

    async def _write(self, left: set[str] | None = None) -> None:
        """Write the sections that are not done, or rewrite those in ``left``, removing each once it is finished.

        Restarts whenever the user edits the next section just before it begins.
        """
        document = self.document
        agent = await self._open(self.model)
        agent.helper = await self._helper()
        monitor = RunMonitor(
            agent, document.brief, document, self.budget, frozenset(left or ()), facts=self.notes_facts
        )
        self.note(_("Expected: {forecast}", forecast=forecast_line(monitor.expected, unit(document.brief.language))))
        if monitor.expected.words:
            self.tracker.check_left(_("what is still to be written"))
        self._follow(RunState(document.sections()))
        self.state.throughput.restart()
        self._become(Activity.WRITING)
        ended: set[str] = set()
        try:
            while not await self._write_once(agent, monitor, left, ended):
                pass
        finally:
            if line := monitor.close(self.state):
                self.note(line)

    async def _note_facts(self) -> None:
        document = self.document
        agent = await self._open(self.roles.name(Role.CRITIC))
        check_follows_instructions(agent)
        check_priced(self.budget, agent.settings)
        async with recording(document, self.tracker) as recorder:
            self._follow(recorder.state)
            self._become(Activity.NOTING)

            async def emit(event: Event) -> None:
                recorder.store(event)
                self._keep_contradictions(event)
                self._hear(event)

            for section in unnoted(recorder):
                name = section.title or _("the text")
                self.message = _("Noting the facts of {title}", title=name)
                task = self.tracker.task(
                    _("the facts of “{title}”", title=section.title), likely_completion=LIKELY_FACTS
                )
                await note_facts(agent.metered(task), document.brief, recorder, section, emit)

    def _keep_contradictions(self, event: Event) -> None:
        """Add contradictions with earlier facts to the list of findings."""
        if isinstance(event, FactsNoted):
            known = {(one.kind, one.places) for one in self.assistant.findings}
            found = contradiction_findings(event, self.document.sections())
            self.assistant.findings[:0] = [one for one in found if (one.kind, one.places) not in known]

    async def _polish(self, request: PolishRequest) -> None:
        document = self.document
        team = await open_team(self.models, self.roles, await self._open(self.model), self.budget)
        expected = forecast_polish(document, self.models, self.roles, request)
        progress = stored_progress(document) if request.only is None else None
        async with recording(document, self.tracker) as recorder:
            self._follow(recorder.state)
            self._become(Activity.POLISHING)

            async def emit(event: Event) -> None:
                if isinstance(event, SectionPolished):
                    self._tell(SectionIsNext())  # so that the text is not replaced if the user has changed it
                update_findings(self.assistant.findings, document.sections(), event)
                recorder.store(event)
                self._hear(event)

            try:
                await polish_document(
                    team,
                    document.brief,
                    recorder,
                    emit,
                    criteria=stored_criteria(document),
                    passes=request.passes,
                    only=request.only,
                    edited=request.edited,
                    progress=progress,
                    tracker=self.tracker,
                    expected=expected.each if expected else None,
                )
            except UnableJudge:
                if request.only is None:
                    forget_progress(document)  # writing does not try again
                raise

    async def _write_once(self, agent: Agent, monitor: RunMonitor, left: set[str] | None, ended: set[str]) -> bool:
        """Write until the run is complete (true) or the user has edited the section that is next (false).

        A section that has ``ended`` in this run is not written again, though it may be short.
        """
        anew = None if left is None else frozenset(left)
        editable = EditableDocument(self.document, ended if anew is None else anew)
        async with recording(self.document, self.tracker) as recorder:
            self._follow(recorder.state)

            async def emit(event: Event) -> None:
                if isinstance(event, SectionStarted):
                    self._tell(SectionIsNext())
                    editable.check(event.section_id)
                recorder.store(event)
                monitor.observe(event, recorder.state)
                self._keep_contradictions(event)
                self._hear(event)
                if isinstance(event, SectionFinished):  # a restart must not write it again
                    ended.add(event.section_id)
                    if left is not None:
                        left.discard(event.section_id)

            try:
                await write_document(
                    agent,
                    self.document.brief,
                    editable,
                    emit,
                    only=anew,
                    tracker=self.tracker,
                    expected=monitor.expected.each,
                    note_facts=self.notes_facts,
                )
            except SectionChanged:
                return False
        return True

    def _become(self, activity: Activity, error: str = "") -> None:
        self.activity = activity
        self.error = error
        self._tell(ActivityChanged(activity, error))

    def _hear(self, event: Event) -> None:
        """Log an event, then pass it to the listeners."""
        match event:
            case Thinking(characters=characters):
                self.message = _(
                    "The model is thinking before it writes: {count} characters so far", count=number(characters)
                )
            case ReadingPrompt(tokens=tokens, total=total):
                self.message = _(
                    "The model is reading before it writes: {tokens} of {total} tokens",
                    tokens=number(tokens),
                    total=number(total),
                )
            case Polishing(position=position, total=total, title=title, step=step, length=length):
                name = title or _("the text")
                line = _(
                    "Section {position} of {total}, {title}: {step}",
                    position=position,
                    total=total,
                    title=name,
                    step=POLISH_STEPS[step],
                )
                self.message = _("{line}, {length} so far", line=line, length=number(length)) if length else line
            case ReviewingPlan():
                self.message = reviewing_line(event)
            case _:
                line = describe(event, unit(self.document.brief.language)) or polish_note(event, self.state)
                for one in (line, *plan_review_notes(event)):
                    if one:
                        self.note(one)
        self._tell(event)

    def note(self, line: str) -> None:
        """Add a line to the log and show it on the screen."""
        self.message = line
        self.log.append((time(), line))

    def _tell(self, event: SessionEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)


def describe(event: Event, unit: str = _("words")) -> str:
    """Return the log line of an event; empty if it only carries text.

    Args:
        event: The event.
        unit: The unit of its lengths, ``words`` or ``characters``.
    """
    match event:
        case PlanStarted(attempt):
            return (
                _("Asked for a plan")
                if attempt == 1
                else _("Asked for the plan again (try {attempt})", attempt=attempt)
            )
        case PlanRejected(findings=findings):
            return _("The plan could not be used: {problem}", problem=findings[0])
        case PlanGrew(planned=planned, chapters=chapters):
            return _("{planned} of {chapters} chapters are planned", planned=planned, chapters=chapters)
        case PlanReady(plan):
            return _(
                "Plan ready: {count} sections, {length} {unit}",
                count=len(plan.sections),
                length=number(plan.words),
                unit=unit,
            )
        case SectionStarted(position=position, total=total, title=title, target=target, resumed=resumed):
            line = (
                _("Resuming section {position} of {total}, {title}: {target} {unit}")
                if resumed
                else _("Writing section {position} of {total}, {title}: {target} {unit}")
            )
            return line.format(
                position=position, total=total, title=title or _("the text"), target=number(target), unit=unit
            )
        case SectionFinished(refusal=refusal) if refusal:
            return _("The model refused: “{refusal}”", refusal=refusal[:_MAX_REFUSAL])
        case SectionFinished(length=length, target=target, status=Status.SHORT):
            return _(
                "Section ended too short: {length} of {target} {unit}",
                length=number(length),
                target=number(target),
                unit=unit,
            )
        case SectionFinished(length=length, target=target, seconds=seconds):
            return _(
                "Section done: {length} of {target} {unit} in {seconds:.0f} s",
                length=number(length),
                target=number(target),
                unit=unit,
                seconds=seconds,
            )
        case TextRolledBack(reason=reason):
            return _("Text removed: {reason}", reason=reason)
        case ContextTrimmed(full_tokens=full, sent_tokens=sent):
            return _(
                "The text so far has {full} tokens; the model gets summaries and its end, {sent}",
                full=number(full),
                sent=number(sent),
            )
        case NotesLeftOut(titles=titles):
            return _("These notes do not fit into the prompt: {titles}", titles=listed(titles))
        case PassagesLeftOut(shown=shown, left_out=left_out):
            return _n(
                "The prompt shows {count:,} passage of the sources and has no room for {left_out} more",
                "The prompt shows {count:,} passages of the sources and has no room for {left_out} more",
                shown,
                left_out=left_out,
            )
        case CitationsDropped(citations=citations):
            return _("Citations that stand for nothing were dropped: {citations}", citations=listed(citations))
        case CitationsAdded(citations=citations):
            return _n(
                "{count} citation was added: a passage says what a sentence says",
                "{count} citations were added: passages say what sentences say",
                len(citations),
            )
        case FactsNoted():
            return facts_note(event)
        case Continuing(length=length, target=target):
            return _(
                "The model stopped at {length} of {target} {unit}; asked for more",
                length=number(length),
                target=number(target),
                unit=unit,
            )
        case Redrafting(length=length, target=target):
            return _(
                "The model ended at {length} of {target} {unit}; asked for another draft",
                length=number(length),
                target=number(target),
                unit=unit,
            )
        case Retrying(reason=reason, delay=delay):
            return _("Retrying in {delay:.1f} s: {reason}", delay=delay, reason=reason)
        case DocumentFinished(length=length, target=target):
            return _("Finished: {length} of {target} {unit}", length=number(length), target=number(target), unit=unit)
        case _:
            return ""
