"""``lwtui sources research DOC.lw``: search for sources, show what is found, and add what is chosen."""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import closing
from dataclasses import asdict

from lwtui.agentwrite.agent import open_agent
from lwtui.agentwrite.record import document_tracker
from lwtui.cli.researching import add_results, choose, find, queries_for, result_lines
from lwtui.cli.source_adding import AddedCounts
from lwtui.command_line.choice import choose_model, role_model
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, add_model_options
from lwtui.command_line.terms import show_terms_once
from lwtui.command_line.values import positive_int
from lwtui.config import ModelSettings, Role, Settings, load_settings
from lwtui.documents.store import Document
from lwtui.sources.research.results import MOST_QUERIES, tidy_queries
from lwtui.sources.research.searching import FoundResults
from lwtui.sources.research.session import SearchSession, check_search_tool
from lwtui.translation import _


def add_options(parser: Parser) -> None:
    """Add the options of the action."""
    parser.add_argument(
        "--query",
        action="append",
        default=[],
        metavar="WORDS",
        help=_("search for this instead of what the model makes of the plan; may be repeated"),
    )
    parser.add_argument(
        "--pages",
        type=positive_int,
        metavar="N",
        help=_("how many pages become sources if you choose none (default: pages in [research] of the settings)"),
    )
    parser.add_argument("--list", action="store_true", help=_("only show what is found, and add nothing"))
    add_model_options(parser)


def run(document: Document, options: argparse.Namespace) -> int:
    """Run the action, and return the exit code: 1 if nothing was added that was to be."""
    settings = load_settings()
    check_search_tool(settings.research)
    queries = tidy_queries(options.query)
    model = None if queries else _planner(document, options, settings)
    if model is not None:
        show_terms_once(model)
        queries = asyncio.run(_queries(document, settings, model))
    with closing(SearchSession(settings.research)) as session:
        found = asyncio.run(find(document, session, queries, say))
        shown = say if options.json else print
        for line in result_lines(found.results):
            shown(line)
        counts = AddedCounts()
        if found.results and not options.list:
            # Outside of an event loop, whose handler would have Ctrl+C wait for the answer.
            chosen = choose(found.results, options.pages or settings.research.pages, say)
            counts = asyncio.run(add_results(document, session, chosen, say))
    if counts.added:
        say(_("To see what they say: lwtui sources list {path}", path=document.path))
    elif not found.results:
        say(_("The search has found nothing new."))
    if options.json:
        _print_json(queries, found, counts)
    return 1 if counts.unread and not counts.added else 0


def _planner(document: Document, options: argparse.Namespace, settings: Settings) -> ModelSettings:
    own = document.setting(Role.PLAN.setting)
    role = None if options.model else role_model(None, Role.PLAN, settings, own)
    return role or choose_model(options, settings, default=document.brief.model)


async def _queries(document: Document, settings: Settings, model: ModelSettings) -> list[str]:
    """Have the planner model make queries of the plan."""
    agent = await open_agent(model.name, settings, model=model)
    try:
        most = min(settings.research.queries, MOST_QUERIES) or 1
        return await queries_for(agent, document, document_tracker(document, model), most)
    finally:
        await agent.aclose()


def _print_json(queries: list[str], found: FoundResults, counts: AddedCounts) -> None:
    results = [{name: value for name, value in asdict(result).items() if name != "id"} for result in found.results]
    unread = [{"location": one.location, "problem": one.problem} for one in counts.unread]
    answer = {
        "queries": queries,
        "results": results,
        "added": [source.key for source in counts.added],
        "unread": unread,
        "problems": list(found.problems),
    }
    print(json.dumps(answer, ensure_ascii=False, indent=2))
