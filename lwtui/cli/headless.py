"""Writing a document from beginning to end without a screen, so that nothing is lost whatever stops it."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.agentwrite.events import Event, PlanGrew, PlanReady, SectionFinished
from lwtui.agentwrite.forecast import forecast, likely_plan, told
from lwtui.agentwrite.record import begun_plan, keep_plan, recording
from lwtui.agentwrite.run_monitor import RunMonitor
from lwtui.agentwrite.throughput import load_rates
from lwtui.agentwrite.write import Draft, write_document
from lwtui.cli.outputs import format_of
from lwtui.cli.plan import ask_for_plan
from lwtui.cli.plan_text import unit_of
from lwtui.cli.progress import Progress
from lwtui.command_line.guard import say
from lwtui.command_line.terms import show_terms_once
from lwtui.config import ModelSettings, Settings
from lwtui.documents.export import export, render
from lwtui.documents.mirror import mirror_path, update_mirror
from lwtui.documents.model import BUDGET, Brief, Plan, Status
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.budget import BudgetReached, Prices, check_budget, parse_budget, raise_budget, scale_budget
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.stop_signals import on_stop_signal


@dataclass(frozen=True)
class WriteJob:
    """What is to be written, with what and where to.

    ``plan`` is one that is given; without it one is made. ``output`` is the file for the finished text; ``prints``
    says that it goes to standard output.
    """

    brief: Brief
    model: ModelSettings
    document: Path
    plan: Plan | None
    output: Path | None
    prints: bool
    resume_command: str
    resumes: bool = False
    planner: ModelSettings | None = None  # plans in the model's place
    critic: ModelSettings | None = None  # makes notes in its place
    kept: Mapping[str, str] = field(default_factory=dict)  # settings that the document is to keep


class Headless:
    """One run. ``tell`` is given every event, once the document has it."""

    def __init__(self, job: WriteJob, settings: Settings, tell: Callable[[Event], None], progress: Progress) -> None:
        self._job = job
        self._settings = settings
        self._tell = tell
        self._progress = progress
        self._document: Document | None = None
        self._closing = ExitStack()
        self._signal: signal.Signals | None = None
        self._pending = NO_USAGE  # what planning took before there was a document to count it to
        self._tracker = UsageTracker()
        self._mirror_problem = ""  # what was told last

    def run(self) -> int:
        """Write and deliver the document; the exit code. Errors carry the command that resumes as a note."""
        with self._closing:
            try:
                if self._job.resumes:
                    self._use(self._reopened())
                if self._document is None or _is_open(self._document):
                    show_terms_once(self._job.model)
                    asyncio.run(self._write())
                self._deliver()
            except asyncio.CancelledError:
                self._progress.clear()
                return self._stopped_by_signal()
            except (Exception, KeyboardInterrupt) as error:
                self._progress.clear()
                if isinstance(error, DocumentError):
                    self._rescue(error)
                self._add_resume_command(error)
                with suppress(DocumentError):  # what cannot be stored has been told, and its text is put elsewhere
                    self._closing.close()
                raise
        return 0

    async def _write(self) -> None:
        self._listen_for_signals()
        self._begin_counting()
        job = self._job
        if line := self._too_little():
            self._progress.note(line)
        planner = job.planner
        if planner is not None and planner != job.model:
            async with AsyncExitStack() as models:  # closed before the writer is opened: both may take much memory
                await self._planned(lambda: self._opened(planner, models))
        async with AsyncExitStack() as models:
            agent = await self._opened(job.model, models)
            document = await self._planned(lambda: _ready(agent))
            if job.critic is not None and job.critic != job.model:
                agent.helper = await self._opened(job.critic, models)
            await self._write_with(agent, document)

    async def _opened(self, model: ModelSettings, models: AsyncExitStack) -> Agent:
        """A model that is closed with ``models``."""
        agent = await open_agent(model.name, self._settings, model=model)
        models.push_async_callback(agent.aclose)
        return agent

    async def _write_with(self, agent: Agent, document: Document) -> None:
        brief, progress = self._job.brief, self._progress
        monitor = RunMonitor(agent, brief, document, self._tracker.budget)
        progress.note(f"Expected: {told(monitor.expected, unit_of(brief.language))}")
        if monitor.expected.words:
            self._tracker.check_left("what is still to be written")
        async with recording(document, self._tracker) as recorder:
            progress.begin(recorder.state, unit_of(brief.language))

            async def emit(event: Event) -> None:
                recorder.store(event)
                monitor.take(event, recorder.state)
                self._tell(event)
                if isinstance(event, SectionFinished):
                    self._mirror()

            try:
                await write_document(
                    agent, brief, document, emit, tracker=self._tracker, expected=monitor.expected.each
                )
            finally:
                line = monitor.close(recorder.state)
        if line:
            progress.note(line)

    async def _planned(self, model: Callable[[], Awaitable[Agent]]) -> Document:
        """The document, with a plan. A new one is made as soon as there is something to keep in it."""
        document = self._document
        begun = None if document is None else begun_plan(document)
        if document is not None and document.plan.sections and begun is None:
            return document
        if self._job.plan is None or begun is not None:
            brief, planner = self._job.brief, await model()
            if planner.settings.provider != "llama_cpp":  # which costs nothing, unless it has prices
                check_budget(self._tracker.budget, planner.settings)
            task = self._tracker.task("a plan", likely_completion=likely_plan(brief))
            await ask_for_plan(planner.metered(task), brief, self._take_plan, begun)
        else:
            await self._take_plan(PlanReady(self._job.plan))
        assert self._document is not None
        return self._document

    async def _take_plan(self, event: Event) -> None:
        """Keep what is planned so far, then tell of it."""
        if isinstance(event, PlanGrew | PlanReady):
            document = self._document
            if document is None:
                document = self._use(Document.create(self._job.document, self._job.brief, event.plan))
            keep_plan(document, event, "Plan")
        self._tell(event)

    # -- the budget

    def _begin_counting(self) -> None:
        """Make what counts all calls and holds them to the document's budget."""
        kept, document = self._job.kept, self._document
        given = document.setting(BUDGET) if document else kept.get(BUDGET, "")
        budget = parse_budget(given)
        spent = document.usage if document else NO_USAGE
        prices = Prices.of(self._job.model)
        self._tracker = UsageTracker(lambda: budget, spent=spent, spent_prices=lambda: prices, record=self._count)

    def _count(self, usage: Usage) -> None:
        if self._document is None:
            self._pending += usage
        else:
            self._document.add_usage(usage)

    def _expected_share(self) -> float:
        """The share of the budget that the document will have taken in all; 0.0 where there is no budget."""
        job, document, budget = self._job, self._document, self._tracker.budget
        if budget is None:
            return 0.0
        sections = document.sections() if document else Draft(job.plan).sections() if job.plan else []
        rest = forecast(job.brief, sections, job.model, load_rates(job.model)).usage
        return self._tracker.share(budget, rest, Prices.of(job.model))

    def _too_little(self) -> str:
        """A line for a budget that is not expected to suffice; empty for any other."""
        budget, share = self._tracker.budget, self._expected_share()
        if budget is None or share <= 1:
            return ""
        wanted = f"about {scale_budget(budget, share)} in all is expected"
        return f"The budget of {budget} will not suffice: {wanted}. Writing stops when it is used up."

    def _more(self) -> str:
        """A budget with which it can go on, as ``--budget`` takes it."""
        budget = self._tracker.budget
        return str(raise_budget(budget, self._expected_share())) if budget else "none"

    def _reopened(self) -> Document:
        document = Document.open(self._job.document)
        if document.read_only:
            with document:
                raise DocumentError(f"Cannot write to {document.path}. {document.read_only_reason}")
        return document

    def _use(self, document: Document) -> Document:
        self._document = self._closing.enter_context(document)
        self._closing.callback(self._mirror)  # before it is closed
        if document.brief != self._job.brief:
            document.set_brief(self._job.brief)
        for name, value in self._job.kept.items():
            document.set_setting(name, value)
        if self._pending != NO_USAGE:
            document.add_usage(self._pending)
        return document

    def _mirror(self) -> None:
        """Bring the Markdown file beside the document up to date, if there is to be one, and it is not the output."""
        document = self._document
        if document is None or mirror_path(document.path) == self._job.output:
            return
        problem = update_mirror(document, self._settings.mirror)
        if problem and problem != self._mirror_problem:
            self._progress.note(problem)
        self._mirror_problem = problem

    def _deliver(self) -> None:
        """Put the finished text where it was asked for."""
        document, output = self._document, self._job.output
        assert document is not None
        if output:
            for note in export(document, output, format_of(output)):
                self._progress.note(note)
        elif self._job.prints:
            sys.stdout.write(render(document, "md"))
        unit = unit_of(self._job.brief.language)
        where = f"The text is in {output}, the document in" if output else "The document is in"
        self._progress.note(f"{document.words:,} {unit} of {document.plan.words:,}. {where} {document.path}")

    def _rescue(self, error: DocumentError) -> None:
        """The document's file cannot take the text: put it where it can be kept."""
        document, output = self._document, self._job.output
        if document is None or document.read_only:
            return
        try:
            document.flush()
            return  # it can by now
        except DocumentError:
            text = render(document, "md")
        if output:
            try:
                export(document, output, format_of(output))
            except DocumentError:
                error.add_note(f"{output} cannot be written either.")
            else:
                error.add_note(f"The text so far is in {output}.")
                return
        if text.strip() and self._job.prints:
            sys.stdout.write(text)
        elif text.strip():
            say(text)

    def _add_resume_command(self, error: BaseException) -> None:
        more = f" --budget {shlex.quote(self._more())}" if isinstance(error, BudgetReached) else ""
        if self._document is not None:
            lead = "Stopped; all text is kept. " if isinstance(error, KeyboardInterrupt) else ""
            error.add_note(f"{lead}Resume with: {self._job.resume_command}{more}")
        elif more:
            error.add_note(f"Nothing is written yet. Begin again with{more}")

    def _listen_for_signals(self) -> None:
        """Let a signal that ends a process end this one in order."""
        task = asyncio.current_task()
        assert task is not None

        def stop(number: signal.Signals) -> None:
            self._signal = number
            task.cancel()

        on_stop_signal(stop)

    def _stopped_by_signal(self) -> int:
        if self._document is not None:
            say(f"Stopped; all text is kept. Resume with: {self._job.resume_command}")
        return 128 + (self._signal or signal.SIGTERM)


async def _ready(agent: Agent) -> Agent:
    return agent


def _is_open(document: Document) -> bool:
    """Whether there is anything left to write."""
    sections = document.sections()
    return not sections or any(section.status is not Status.DONE for section in sections)
