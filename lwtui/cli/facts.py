"""``lwtui facts DOC.lw``: show the facts that a document states, and have a model note them."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lwtui.agentwrite.agent import open_agent
from lwtui.agentwrite.events import Event, FactsNoted
from lwtui.agentwrite.fact_notes import LIKELY_FACTS, contradiction_findings, facts_note, note_facts, unnoted
from lwtui.agentwrite.json_answers import check_follows_instructions
from lwtui.agentwrite.lint import Finding
from lwtui.agentwrite.record import document_tracker, recording
from lwtui.command_line.choice import choose_model, role_model
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, add_model_options, command_parser
from lwtui.command_line.terms import show_terms_once
from lwtui.config import ModelSettings, Role, Settings, load_settings
from lwtui.documents.facts import FACT_KINDS, Fact
from lwtui.documents.outline import section_numbers
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.models.budget import check_priced
from lwtui.translation import _


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "facts",
        _(
            "Show the facts that a document states: people, places, things, dates, numbers, claims, terms, open "
            "threads.\n"
            "Each has the number of the section from which on it holds, and the quote that it rests on."
        ),
        """
        lwtui facts novel.lw
        lwtui facts novel.lw --note --model gpt
        lwtui facts novel.lw --kind person --json
        """,
    )
    result.add_argument("document", type=Path, metavar="DOC.lw", help=_("the document"))
    result.add_argument(
        "--note",
        action="store_true",
        help=_(
            "first have a model note the facts of finished sections that have changed since; contradictions with "
            "earlier facts are printed, with both quotes"
        ),
    )
    result.add_argument("--kind", choices=FACT_KINDS, help=_("show only facts of this kind"))
    result.add_argument(
        "--by", choices=("kind", "section"), default="kind", help=_("how to order them (default: kind)")
    )
    result.add_argument("--json", action="store_true", help=_("print one object with all facts and contradictions"))
    add_model_options(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Show the facts, and return the exit code."""
    path: Path = options.document
    if not path.is_file():
        raise UsageError(_("There is no document {path}. Check the path.", path=path), code="not-found")
    found: list[Finding] = []
    if options.note:
        with Document.open(path) as document:
            document.require_writable()
            settings = load_settings()
            own = document.setting(Role.CRITIC.setting)
            role = None if options.model else role_model(None, Role.CRITIC, settings, own)
            model = role or choose_model(options, settings, default=document.brief.model)
            show_terms_once(model)
            asyncio.run(_note(document, model, settings, found))
    with Document.open(path, read_only=True) as document:
        _show(document, options, found)
    return 0


async def _note(document: Document, model: ModelSettings, settings: Settings, found: list[Finding]) -> None:
    tracker = document_tracker(document, model)
    check_priced(tracker.budget, model)
    agent = await open_agent(model.name, settings, model=model)
    try:
        check_follows_instructions(agent)
        async with recording(document, tracker) as recorder:
            for section in unnoted(recorder):

                async def emit(event: Event, title: str = section.title) -> None:
                    recorder.store(event)
                    if isinstance(event, FactsNoted):
                        name = title or _("The text")
                        say(_("{section}: {note}", section=name, note=facts_note(event)))
                        found.extend(contradiction_findings(event, document.sections()))

                task = tracker.task(_("the facts of “{title}”", title=section.title), likely_completion=LIKELY_FACTS)
                await note_facts(agent.metered(task), document.brief, recorder, section, emit)
    finally:
        await agent.aclose()


def _show(document: Document, options: argparse.Namespace, found: Sequence[Finding]) -> None:
    sections = [section.id for section in document.plan.sections]
    numbers = dict(zip(sections, section_numbers(document.plan), strict=True))
    facts = [fact for fact in document.facts if fact.section_id in numbers]
    facts = [fact for fact in facts if options.kind in (None, fact.kind)]
    if options.by == "section":
        facts.sort(key=lambda fact: (sections.index(fact.section_id), FACT_KINDS.index(fact.kind)))
    else:
        facts.sort(key=lambda fact: (FACT_KINDS.index(fact.kind), fact.subject.casefold()))
    if options.json:
        rows = [_row(fact, numbers[fact.section_id]) for fact in facts]
        result = {"facts": rows, "contradictions": [finding.to_dict() for finding in found]}
        print(json.dumps(result, ensure_ascii=False, indent=2))
        return
    for finding in found:
        print(_("contradiction: {message}", message=finding.message))
        for place in finding.places:
            print(f"  {numbers[place.section_id]} “{place.title}”:{place.line}: {place.quote}")
    for fact in facts:
        about = f"{fact.subject}: " if fact.subject and fact.subject.casefold() not in fact.text.casefold() else ""
        pinned = _(" (pinned)") if fact.pinned else ""
        print(f"{fact.kind:<7} {numbers[fact.section_id]:>3}  {about}{fact.text}{pinned}")
    if not facts:
        say(_("No facts yet. A model notes them with --note, or while it writes: lwtui write --facts."))


def _row(fact: Fact, number: int) -> dict[str, object]:
    row = asdict(fact)
    del row["removed"], row["section_id"]
    return {"section": number, **row}
