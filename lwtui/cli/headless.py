"""Headless writing: a whole document without the app. Whatever stops it, the text is kept and can be resumed."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, PlanGrew, PlanReady, SectionFinished, SectionPolished
from lwtui.agentwrite.forecast import forecast, forecast_line, likely_plan
from lwtui.agentwrite.json_answers import check_follows_instructions
from lwtui.agentwrite.judge_check import UnableJudge
from lwtui.agentwrite.note_selection import brief_with_notes
from lwtui.agentwrite.notes import always_shown
from lwtui.agentwrite.plan_review import PlanTeam
from lwtui.agentwrite.plan_review_progress import PLAN_REVIEW, PlanReviewProgress, store_plan_review
from lwtui.agentwrite.polish import PolishTeam
from lwtui.agentwrite.polish_progress import forget_progress, stored_progress
from lwtui.agentwrite.record import begun_plan, keep_plan, recording
from lwtui.agentwrite.run_monitor import RunMonitor
from lwtui.agentwrite.source_embedding import open_embedder
from lwtui.agentwrite.source_selection import brief_with_sources
from lwtui.agentwrite.throughput import load_rates
from lwtui.agentwrite.write import Draft, write_document
from lwtui.cli.open_agents import OpenAgents
from lwtui.cli.outputs import format_of
from lwtui.cli.plan import ask_for_plan
from lwtui.cli.plan_reviewing import review
from lwtui.cli.plan_text import unit_of
from lwtui.cli.polishing import PolishOrder, polish
from lwtui.cli.progress import Progress
from lwtui.command_line.guard import INCOMPLETE, say
from lwtui.command_line.terms import show_terms_once
from lwtui.config import Mirror, ModelSettings, Settings
from lwtui.documents.export import export, render
from lwtui.documents.facts import FACTS
from lwtui.documents.mirror import mirror_kind, mirror_path, update_mirror
from lwtui.documents.mirror_commits import session_commit
from lwtui.documents.model import BUDGET, Brief, Plan, Status
from lwtui.documents.shortfalls import shortfall_line
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.budget import BudgetReached, Prices, check_priced, parse_budget, raise_budget, scale_budget
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.sources.research.results import RESEARCH, ResearchError
from lwtui.stop_signals import on_stop_signal
from lwtui.system import join_command, quote_word
from lwtui.translation import _, _n


@dataclass(frozen=True)
class WriteJob:
    """What to write, with which models, and where to.

    Attributes:
        brief: What the user asked for.
        model: The model that writes.
        document: The document, which is created unless ``resumes`` is set.
        plan: The user's plan; without one, a model plans.
        output: The file that the finished text is exported to, if any.
        prints: Whether the finished text goes to standard output.
        resume_command: The command that resumes the job.
        resumes: Whether the document exists already.
        planner: The model that plans, if it is another one.
        critic: The model that summarizes sections, if it is another one.
        document_settings: Settings to store in the document.
        judge: The model that compares rewritten sections with the old ones, if it is not the critic.
        polish: What to polish, if nothing is to be written.
        sources: Files and addresses to add as sources before anything is planned or written.
    """

    brief: Brief
    model: ModelSettings
    document: Path
    plan: Plan | None
    output: Path | None
    prints: bool
    resume_command: str
    resumes: bool = False
    planner: ModelSettings | None = None
    critic: ModelSettings | None = None
    document_settings: Mapping[str, str] = field(default_factory=dict)
    judge: ModelSettings | None = None
    polish: PolishOrder | None = None
    sources: Sequence[str] = ()


class HeadlessRun:
    """A run of a job. ``on_event`` is called with each event once the document has stored it."""

    def __init__(
        self, job: WriteJob, settings: Settings, on_event: Callable[[Event], None], progress: Progress
    ) -> None:
        self._job = job
        self._settings = settings
        self._on_event = on_event
        self._progress = progress
        self._document: Document | None = None
        self._closing = ExitStack()
        self._signal: signal.Signals | None = None
        self._pending_usage = NO_USAGE  # of planning, before there is a document to count it in
        self._tracker = UsageTracker()
        self._queries: Sequence[str] = ()  # of the research
        self._mirror_problem = ""  # the last one that was reported

    def run(self) -> int:
        """Write the document, deliver its text, and return the exit code.

        If the model ended sections far too early or refused them, they are named, and the code says so.
        Errors have a note with the command that resumes.
        """
        with self._closing:
            try:
                if self._job.resumes:
                    self._use(self._reopen())
                if self._job.sources:
                    self._add_sources()
                if self._document is None or self._job.polish or _is_unfinished(self._document):
                    show_terms_once(self._job.model)
                    asyncio.run(self._write())
                self._deliver()
                return self._report_shortfalls()
            except asyncio.CancelledError:
                self._progress.clear()
                return self._stopped_by_signal()
            except (Exception, KeyboardInterrupt) as error:
                self._progress.clear()
                if isinstance(error, DocumentError):
                    self._rescue(error)
                self._add_resume_command(error)
                with suppress(DocumentError):  # this error has been reported, and the text rescued
                    self._closing.close()
                raise

    def _add_sources(self) -> None:
        """Add the sources of the job to the document, which is created if there is none yet.

        Raises:
            SourceError: One of them cannot be read. The others are in the document. If there are none, a new document
                is removed again, so that the command can be given once more with other sources.
        """
        from lwtui.cli.source_adding import add_with_progress  # takes a while to import
        from lwtui.sources.reading.job import SourceError

        is_new = self._document is None
        document = self._document or self._use(Document.create(self._job.document, self._job.brief))
        counts = add_with_progress(
            document.source_store, self._job.sources, self._progress.note, quiet=self._progress.is_quiet
        )
        if not counts.unread:
            return
        if is_new and not counts.added:
            self._document = None
            self._closing.close()
            document.path.unlink(missing_ok=True)
        count = len(counts.unread)
        if self._progress.is_quiet:  # otherwise a line has told what is wrong with each
            message = _("{problem} Nothing is written yet.", problem=counts.unread[0].problem)
        else:
            message = _n(
                "{count:,} source cannot be read. Nothing is written yet.",
                "{count:,} sources cannot be read. Nothing is written yet.",
                count,
            )
        raise SourceError(message, code="unread-source")

    async def _write(self) -> None:
        self._listen_for_signals()
        self._start_tracking()
        job = self._job
        if warning := self._budget_warning():
            self._progress.note(warning)
        if any(model != job.model for model in self._planners()) and not job.polish:
            # Close the planner before the writer is opened, because both may need much memory.
            async with AsyncExitStack() as closing:
                await self._ensure_planned(OpenAgents(self._settings, closing))
        async with AsyncExitStack() as closing:
            models = OpenAgents(self._settings, closing)
            agent = await models.get(job.model)
            document = await self._ensure_planned(models)
            if job.critic is not None and job.critic != job.model:
                agent.helper = await models.get(job.critic)
            if not job.polish and _has_unwritten(document):
                if self._queries:
                    await self._research(document)
                await self._write_with(agent, document)
            if job.polish or stored_progress(document):
                critic = agent.helper or agent
                team = PolishTeam(agent, critic, await models.get(job.judge) if job.judge else critic)
                order = job.polish or PolishOrder()
                try:
                    await polish(team, document, order, self._tracker, self._progress, self._hear_polish)
                except UnableJudge as error:
                    if job.polish:
                        raise
                    # The text is written, and stays as it is.
                    forget_progress(document)
                    command = join_command(["lwtui", "polish", str(document.path), "--judge-model", "NAME"])
                    self._progress.note(_("{problem} Then: {command}", problem=error, command=command))

    async def _make_queries(self, document: Document, models: OpenAgents) -> None:
        """Have the planner make the queries of the research, if there is to be one, while it is open."""
        if self._queries or self._job.polish or document.setting(RESEARCH) != "on" or not _has_unwritten(document):
            return
        from lwtui.cli.researching import queries_for  # takes a while to import

        planner = await models.get(self._planners()[0])
        self._queries = await queries_for(planner, document, self._tracker, self._settings.research.queries or 1)

    async def _research(self, document: Document) -> None:
        """Search for sources, and add the first pages.

        Raises:
            LwtuiError: The search tool cannot be used.
        """
        from lwtui.cli.researching import research

        note, quiet = self._progress.note, self._progress.is_quiet
        try:
            await research(document, self._settings.research, self._queries, note, quiet=quiet)
        except ResearchError as error:
            error.add_note(_("To write without research, add --no-research."))
            raise
        document.set_setting(RESEARCH, "")

    def _planners(self) -> list[ModelSettings]:
        """Return the models that plan and, if the plan is to be reviewed, review it."""
        job = self._job
        planner = job.planner or job.model
        if self._plan_review() is None:
            return [planner]
        critic = job.critic or job.model
        return [planner, critic, job.judge or critic]

    def _plan_review(self) -> PlanReviewProgress | None:
        """Return how far the review of the plan has come; ``None`` if the plan is not to be reviewed."""
        given = self._job.document_settings.get(PLAN_REVIEW, "")
        return PlanReviewProgress.from_json(self._document.setting(PLAN_REVIEW) if self._document else given)

    async def _write_with(self, agent: Agent, document: Document) -> None:
        brief, progress = self._job.brief, self._progress
        facts = document.setting(FACTS) == "on"
        monitor = RunMonitor(agent, brief, document, self._tracker.budget, facts=facts)
        progress.note(_("Expected: {forecast}", forecast=forecast_line(monitor.expected, unit_of(brief.language))))
        if monitor.expected.words:
            self._tracker.check_left(_("what is still to be written"))
        async with recording(document, self._tracker) as recorder:
            progress.begin(recorder.state, unit_of(brief.language))

            async def emit(event: Event) -> None:
                recorder.store(event)
                monitor.observe(event, recorder.state)
                self._on_event(event)
                if isinstance(event, SectionFinished):
                    self._mirror()

            try:
                await write_document(
                    agent,
                    brief,
                    recorder,
                    emit,
                    tracker=self._tracker,
                    expected=monitor.expected.each,
                    note_facts=facts,
                )
            finally:
                line = monitor.close(recorder.state)
        if line:
            progress.note(line)

    def _hear_polish(self, event: Event) -> None:
        self._on_event(event)
        if isinstance(event, SectionPolished):
            self._mirror()

    async def _ensure_planned(self, models: OpenAgents) -> Document:
        """Return the document with a complete plan, which is reviewed if that was asked for.

        A new document is created as soon as part of its plan is there.
        """
        if self._plan_review() is not None and not self._job.polish:
            check_follows_instructions(await models.get(self._planners()[0]))  # before the plan is paid for
        document = await self._planned(models)
        if (review := self._plan_review()) is not None and not self._job.polish:
            await self._review_plan(document, models, review)
        await self._make_queries(document, models)
        return document

    async def _review_plan(self, document: Document, models: OpenAgents, resumed: PlanReviewProgress) -> None:
        if document.words:
            self._progress.note(_("The plan is not reviewed: the document has text already."))
            document.set_setting(PLAN_REVIEW, "")
            return
        planner, critic, judge = [await models.get(model) for model in self._planners()]

        async def emit(event: Event) -> None:
            store_plan_review(document, event)
            self._on_event(event)

        team = PlanTeam(planner, critic, judge)
        brief = brief_with_notes(document.brief, always_shown(document.notes), planner.context_length)
        await review(team, brief, document.plan, self._progress, emit, resumed, self._tracker)

    async def _planned(self, models: OpenAgents) -> Document:
        """Return the document with a complete plan."""
        document = self._document
        begun = None if document is None else begun_plan(document)
        if document is not None and document.plan.sections and begun is None:
            return document
        if self._job.plan is None or begun is not None:
            brief, planner = self._job.brief, await models.get(self._planners()[0])
            if document is not None and planner.follows_instructions:
                brief = brief_with_sources(brief, document.source_store, planner.context_length)
            check_priced(self._tracker.budget, planner.settings)
            task = self._tracker.task(_("a plan"), likely_completion=likely_plan(brief))
            await ask_for_plan(planner.metered(task), brief, self._take_plan, begun)
        else:
            await self._take_plan(PlanReady(self._job.plan))
        assert self._document is not None
        return self._document

    async def _take_plan(self, event: Event) -> None:
        """Store the plan so far, then report the event."""
        if isinstance(event, PlanGrew | PlanReady):
            document = self._document
            if document is None:
                document = self._use(Document.create(self._job.document, self._job.brief, event.plan))
            keep_plan(document, event, _("Plan"))
        self._on_event(event)

    # -- the budget

    def _start_tracking(self) -> None:
        """Track the token usage of all calls, and enforce the document's budget."""
        document = self._document
        given = document.setting(BUDGET) if document else self._job.document_settings.get(BUDGET, "")
        budget = parse_budget(given)
        spent = document.usage if document else NO_USAGE
        prices = Prices.of(self._job.model)
        self._tracker = UsageTracker(lambda: budget, spent=spent, spent_prices=lambda: prices, record=self._count)

    def _count(self, usage: Usage) -> None:
        if self._document is None:
            self._pending_usage += usage
        else:
            self._document.add_usage(usage)

    def _expected_share(self) -> float:
        """Return the share of the budget that the whole document is expected to use; 0.0 without a budget."""
        job, document, budget = self._job, self._document, self._tracker.budget
        if budget is None:
            return 0.0
        sections = document.sections() if document else Draft(job.plan).sections() if job.plan else []
        rest = forecast(job.brief, sections, job.model, load_rates(job.model)).usage
        return self._tracker.share(budget, rest, Prices.of(job.model))

    def _budget_warning(self) -> str:
        """Return a warning if the budget is probably too low, else an empty string."""
        budget, share = self._tracker.budget, self._expected_share()
        if budget is None or share <= 1:
            return ""
        return _(
            "The budget of {budget} will not suffice: the document is expected to take about {expected}. Writing "
            "stops when it is used up.",
            budget=budget,
            expected=scale_budget(budget, share),
        )

    def _higher_budget(self) -> str:
        """Return a budget with which the job can be resumed, as ``--budget`` takes it."""
        budget = self._tracker.budget
        return str(raise_budget(budget, self._expected_share())) if budget else "none"

    def _reopen(self) -> Document:
        document = Document.open(self._job.document)
        try:
            document.require_writable()
        except DocumentError:
            document.close()
            raise
        return document

    def _use(self, document: Document) -> Document:
        self._document = self._closing.enter_context(document)
        self._closing.callback(self._end_mirror)  # runs before the document is closed
        if document.brief != self._job.brief:
            document.set_brief(self._job.brief)
        for name, value in self._job.document_settings.items():
            document.set_setting(name, value)
        document.source_store.embedder = open_embedder(
            document, self._settings, lambda: self._tracker, self._progress.note
        )
        if self._pending_usage != NO_USAGE:
            document.add_usage(self._pending_usage)
        return document

    def _mirror(self) -> None:
        """Update the mirror, if the document has one and it is not the output file."""
        document, by_default = self._document, self._settings.mirror
        if document is None:
            return
        is_file = mirror_kind(document.path, by_default) is Mirror.FILE
        if is_file and mirror_path(document.path) == self._job.output:
            return
        problem = update_mirror(document, by_default)
        if problem and problem != self._mirror_problem:
            self._progress.note(problem)
        self._mirror_problem = problem

    def _end_mirror(self) -> None:
        """Update the mirror, and commit it if the document has such a mirror."""
        self._mirror()
        if self._document is None:
            return
        commit = session_commit(self._document, self._settings.mirror, self._settings.author)
        if commit is not None and (problem := commit.run()):
            self._progress.note(problem)

    def _deliver(self) -> None:
        """Export or print the finished text."""
        document, output = self._document, self._job.output
        assert document is not None
        if self._job.polish:
            return
        if output:
            for note in export(document, output, format_of(output)):
                self._progress.note(note)
        elif self._job.prints:
            sys.stdout.write(render(document, "md"))
        values = {"length": document.words, "target": document.plan.words, "unit": unit_of(self._job.brief.language)}
        if output:
            line = _(
                "Wrote {length:,} of {target:,} {unit}. The text is in {output}, the document in {document}",
                **values,
                output=output,
                document=document.path,
            )
        else:
            line = _(
                "Wrote {length:,} of {target:,} {unit}. The document is in {document}", **values, document=document.path
            )
        self._progress.note(line)

    def _report_shortfalls(self) -> int:
        """Name the sections that are short or were refused. Returns the exit code."""
        document = self._document
        assert document is not None
        line = shortfall_line(document.sections())
        if not line:
            return 0
        say(_("{line} Write again what is missing: {command}", line=line, command=self._job.resume_command))
        return INCOMPLETE

    def _rescue(self, error: DocumentError) -> None:
        """Put the text elsewhere, because it cannot be stored in the document."""
        document, output = self._document, self._job.output
        if document is None or document.read_only:
            return
        try:
            document.flush()
            return  # it can be stored by now
        except DocumentError:
            text = render(document, "md")
        if output:
            try:
                export(document, output, format_of(output))
            except DocumentError:
                error.add_note(_("Cannot write {output} either.", output=output))
            else:
                error.add_note(_("The text so far is in {output}.", output=output))
                return
        if text.strip() and self._job.prints:
            sys.stdout.write(text)
        elif text.strip():
            say(text)

    def _add_resume_command(self, error: BaseException) -> None:
        budget = f"--budget {quote_word(self._higher_budget())}" if isinstance(error, BudgetReached) else ""
        if self._document is not None:
            change = "--judge-model NAME" if isinstance(error, UnableJudge) else budget
            command = f"{self._job.resume_command} {change}".rstrip()
            if isinstance(error, KeyboardInterrupt):
                error.add_note(_("Stopped; all text is kept. Resume with: {command}", command=command))
            else:
                error.add_note(_("Resume with: {command}", command=command))
        elif budget:
            error.add_note(_("Nothing is written yet. Start again with {option}", option=budget))

    def _listen_for_signals(self) -> None:
        """Cancel the task on SIGTERM and SIGHUP, so that everything is closed properly."""
        task = asyncio.current_task()
        assert task is not None

        def stop(number: signal.Signals) -> None:
            self._signal = number
            task.cancel()

        on_stop_signal(stop)

    def _stopped_by_signal(self) -> int:
        if self._document is not None:
            say(_("Stopped; all text is kept. Resume with: {command}", command=self._job.resume_command))
        return 128 + (self._signal or signal.SIGTERM)


def _is_unfinished(document: Document) -> bool:
    """Tell whether there is anything left to plan, write or polish."""
    return not document.sections() or _has_unwritten(document) or stored_progress(document) is not None


def _has_unwritten(document: Document) -> bool:
    return any(section.status is not Status.DONE for section in document.sections())
