"""Research for a document on the command line: for ``lwtui sources research`` and ``lwtui write --research``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.research_queries import LIKELY_QUERIES, make_queries
from lwtui.cli.redrawn_line import RedrawnLine
from lwtui.cli.source_adding import AddedCounts
from lwtui.config import ResearchSettings
from lwtui.documents.store import Document
from lwtui.models.budget import check_priced
from lwtui.models.metering import UsageTracker
from lwtui.sources.reading.adding import AddedSource, UnreadSource, read_sources
from lwtui.sources.reading.job import ReadJob
from lwtui.sources.research.results import SearchResult
from lwtui.sources.research.searching import FoundResults, ResearchReader, find_results, known_addresses
from lwtui.sources.research.session import SearchSession
from lwtui.translation import _, _n

_LINE_SECONDS = 5.0  # between two lines where nothing can be redrawn
_RANGE = regex.compile(r"(?P<first>\d{1,3})(?:\s*[-–]\s*(?P<last>\d{1,3}))?")


async def queries_for(agent: Agent, document: Document, tracker: UsageTracker, most: int) -> list[str]:
    """Have the planner model make queries of a document's plan.

    Raises:
        LwtuiError: The call failed, or the budget is used up.
    """
    check_priced(tracker.budget, agent.settings)
    task = tracker.task(_("the search queries"), likely_completion=LIKELY_QUERIES)
    return await make_queries(agent.metered(task), document.brief, document.plan, most)


async def find(
    document: Document, session: SearchSession, queries: Sequence[str], note: Callable[[str], None]
) -> FoundResults:
    """Ask the search tool, and tell of each query.

    Raises:
        ResearchError: The tool cannot be used.
    """
    job = ReadJob()

    def on_query(query: str) -> None:
        note(_("Searching: {query}", query=query))

    known = known_addresses(document.sources)
    try:
        found = await asyncio.to_thread(find_results, session, queries, job, known=known, on_query=on_query)
    finally:
        job.stop()
    for problem in found.problems:
        note(problem)
    return found


def result_lines(results: Sequence[SearchResult]) -> list[str]:
    """Return results as numbered lines: title, address, and some words of each."""
    lines = []
    for number, result in enumerate(results, 1):
        lines += [f"{number:>3}. {result.title}", f"     {result.address}"]
        lines += [f"     {result.excerpt}"] if result.excerpt else []
    return lines


def choose(results: Sequence[SearchResult], most: int, note: Callable[[str], None]) -> list[SearchResult]:
    """Have the user choose among results, who sees them already; without a terminal, take the first ``most``.

    Call it outside of an event loop: there, Ctrl+C would not interrupt it.
    """
    stdin: TextIO | None = sys.stdin
    if stdin is None or not stdin.isatty() or sys.stderr is None or not sys.stderr.isatty():
        return list(results[:most])
    while True:
        question = _("Which become sources? Numbers such as 1,3-5, all, or nothing for the first {count}: ", count=most)
        try:
            sys.stderr.write(question)
            sys.stderr.flush()
            answer = stdin.readline()
        except KeyboardInterrupt as stop:
            note("")  # the terminal's cursor is still beside the question
            stop.add_note(_("Stopped. No source was added."))
            raise
        if not answer:
            return []
        chosen = chosen_by(answer, len(results), most)
        if chosen is not None:
            return [results[at] for at in chosen]
        note(_("Enter numbers from 1 to {count}, separated by commas; all; or none.", count=len(results)))


def chosen_by(answer: str, count: int, most: int) -> list[int] | None:
    """Return the positions (from 0) that an answer chooses; ``None`` if it cannot be understood."""
    given = answer.strip().lower()
    if not given:
        return list(range(min(most, count)))
    if given in ("all", "none"):
        return list(range(count)) if given == "all" else []
    chosen: list[int] = []
    for part in regex.split(r"\s*[,，、;]\s*|\s+(?![-–])(?<![-–]\s)", given):
        match = _RANGE.fullmatch(part)
        if match is None:
            return None
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if not 1 <= first <= last <= count:
            return None
        chosen += [at - 1 for at in range(first, last + 1) if at - 1 not in chosen]
    return chosen


async def add_results(
    document: Document,
    session: SearchSession,
    results: Sequence[SearchResult],
    note: Callable[[str], None],
    *,
    quiet: bool = False,
) -> AddedCounts:
    """Read the pages of results, and add them to a document's sources. What was added stays if that is stopped.

    Raises:
        LwtuiError: A page cannot be stored, or a package is missing.
    """
    counts = AddedCounts()
    job = ReadJob()
    names = [result.address for result in results]
    line = RedrawnLine(_LINE_SECONDS, quiet=quiet)

    def on_start(name: str) -> None:
        line.show(_("Reading {number} of {count}: {name}", number=names.index(name) + 1, count=len(names), name=name))

    reading = read_sources(names, job, on_start, ResearchReader(session, results, job))
    try:
        while (result := await asyncio.to_thread(next, reading, None)) is not None:
            line.clear()
            if isinstance(result, UnreadSource):
                counts.count(result, note)
            else:  # it was read in a thread, and is stored in this one
                counts.count(AddedSource(document.source_store.add(result.source), result.notes), note)
    finally:
        job.stop()
        line.clear()
    return counts


async def research(
    document: Document,
    settings: ResearchSettings,
    queries: Sequence[str],
    note: Callable[[str], None],
    *,
    quiet: bool = False,
) -> None:
    """Search, show what is found, and add the first pages: research in which nobody is asked anything.

    Raises:
        LwtuiError: The search tool cannot be used, or a page cannot be stored.
    """
    async with SearchSession(settings) as session:
        found = await find(document, session, queries, note)
        chosen = found.results[: settings.pages]
        if not chosen:
            note(_("The search has found nothing new."))
            return
        for text in result_lines(chosen):
            note(text)
        counts = await add_results(document, session, chosen, note, quiet=quiet)
    added = len(counts.added)
    note(_n("Research added {count} source.", "Research added {count} sources.", added))
