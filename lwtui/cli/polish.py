"""``lwtui polish DOC.lw``: review and rewrite a finished document; only better sections replace the old ones."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from lwtui.agentwrite.criteria import CRITERIA, parse_criteria
from lwtui.agentwrite.events import Event, to_dict
from lwtui.agentwrite.forecast import forecast_line
from lwtui.agentwrite.polish import sections_to_polish
from lwtui.agentwrite.polish_forecast import PolishModels, polish_forecast
from lwtui.agentwrite.polish_progress import MOST_PASSES, POLISH, PolishProgress, stored_criteria, stored_progress
from lwtui.agentwrite.throughput import load_rates
from lwtui.cli.headless import HeadlessRun, WriteJob
from lwtui.cli.plan_text import unit_of
from lwtui.cli.polishing import PolishOrder, passes_option
from lwtui.cli.progress import Progress
from lwtui.cli.section_names import find_section
from lwtui.command_line.choice import choose_model, role_model
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, add_model_options, command_parser
from lwtui.config import Role, load_settings, public_address
from lwtui.documents.model import BUDGET, Section
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.models.budget import check_budget, parse_budget
from lwtui.system import join_command, quote_word
from lwtui.translation import _

_MOST_CRITERIA = 2**16  # characters of a file of criteria


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "polish",
        _(
            "Polish a finished document: each section is reviewed by criteria made from the brief, and rewritten. The\n"
            "rewritten text replaces the old one only if a model prefers it in both orders; the other text stays in "
            "the\n"
            "section's history. If the command is stopped, the same command resumes."
        ),
        """
        lwtui polish report.lw
        lwtui polish report.lw --section 3 --passes 2
        lwtui polish report.lw --show-criteria > criteria.txt
        lwtui polish report.lw --criteria criteria.txt --critic-model gpt --judge-model gpt
        """,
    )
    result.add_argument("document", type=Path, metavar="DOC.lw", help=_("the document"))
    result.add_argument(
        "--passes",
        type=passes_option,
        metavar="N",
        help=_(
            "how many passes to make at most, from 1 (default) to {most}; each takes the sections that the one before "
            "has improved",
            most=MOST_PASSES,
        ),
    )
    result.add_argument(
        "--section",
        action="append",
        default=[],
        metavar="SECTION",
        help=_("polish only this section, given by its number or its heading; may be repeated"),
    )
    result.add_argument("--edited", action="store_true", help=_("polish sections that you edited by hand, too"))
    result.add_argument(
        "--criteria",
        type=Path,
        metavar="FILE",
        help=_("use these criteria from now on, one on each line; - reads stdin"),
    )
    result.add_argument("--show-criteria", action="store_true", help=_("print the document's criteria, and do nothing"))
    add_model_options(result)
    result.add_argument("--critic-model", metavar="NAME", help=_("another model for the reviews"))
    result.add_argument(
        "--judge-model", metavar="NAME", help=_("another model for the comparisons (default: the one that reviews)")
    )
    result.add_argument(
        "--budget",
        metavar="LIMIT",
        help=_("a limit for the whole document: an amount of money such as 2.50, or '200k tokens'; none removes it"),
    )
    result.add_argument("--dry-run", action="store_true", help=_("print a forecast of tokens, time and cost"))
    result.add_argument("--events", action="store_true", help=_("print each event as a line of JSON"))
    result.add_argument("--quiet", action="store_true", help=_("print nothing but errors on standard error"))
    return result


def run(options: argparse.Namespace) -> int:
    """Polish the document, and return the exit code."""
    path: Path = options.document
    if path.suffix.lower() != ".lw":
        raise UsageError(
            _(
                "{path} is not a document. Import it first: {command}",
                path=path,
                command=f"lwtui import {quote_word(str(path))}",
            ),
            code="wrong-extension",
        )
    if not path.is_file():
        raise UsageError(_("There is no document {path}. Check the path.", path=path), code="not-found")
    if options.show_criteria:
        return _show_criteria(path)
    job = _job(options)
    if options.dry_run:
        return _dry_run(job)
    progress = Progress(quiet=options.quiet)

    def on_event(event: Event) -> None:
        if options.events:
            print(json.dumps(to_dict(event), ensure_ascii=False), flush=True)
        progress.take(event)

    return HeadlessRun(job, load_settings(), on_event, progress).run()


def _job(options: argparse.Namespace) -> WriteJob:
    settings, path = load_settings(), options.document
    with Document.open(path, read_only=True) as document:
        brief = document.brief
        roles = {role: document.setting(role.setting) for role in (Role.CRITIC, Role.JUDGE)}
        budget = document.setting(BUDGET)
        only = _sections_named(document, options.section)
        resumed = None if only else stored_progress(document)
        if resumed is None and not sections_to_polish(document, only or None, edited=options.edited):
            raise UsageError(_why_nothing(document), code="nothing-to-polish")
    model = choose_model(options, settings, default=brief.model)
    given = {Role.CRITIC: options.critic_model, Role.JUDGE: options.judge_model}
    critic, judge = (role_model(given[role], role, settings, roles[role]) for role in given)
    new = {role.setting: name for role, name in given.items() if name}
    if options.budget is not None:
        new[BUDGET] = options.budget if parse_budget(options.budget) else ""
    check_budget(parse_budget(new.get(BUDGET, budget)), model)
    if options.criteria is not None:
        new[CRITERIA] = "\n".join(_read_criteria(options.criteria))
    if not only and (resumed is None or options.passes):
        new[POLISH] = PolishProgress(options.passes or 1).to_json()
    return WriteJob(
        brief,
        model,
        path,
        None,
        None,
        prints=False,
        resume_command=_resume_command(options),
        resumes=True,
        critic=critic,
        judge=judge,
        document_settings=new,
        polish=PolishOrder(tuple(only), options.passes or 1, options.edited),
    )


def _sections_named(document: Document, given: Sequence[str]) -> list[str]:
    """Return the ids of sections given by number or heading."""
    return [find_section(document, name, written=True) for name in given]


def _why_nothing(document: Document) -> str:
    sections: list[Section] = document.sections()
    if any(section.text.strip() for section in sections):
        if sections_to_polish(document, edited=True):
            return _("You edited all of its finished sections by hand. Add --edited to polish them.")
        command = f"lwtui write --resume {quote_word(str(document.path))}"
        return _("No section is finished. Write it first: {command}", command=command)
    return _("{path} has no text to polish. Write it first: lwtui write --resume {path}", path=document.path)


def _read_criteria(path: Path) -> tuple[str, ...]:
    try:
        text = sys.stdin.read(_MOST_CRITERIA) if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            _("Cannot read the criteria in {path}: {error}.", path=path, error=error), code="unreadable"
        ) from None
    criteria = parse_criteria(text[:_MOST_CRITERIA])
    if not criteria:
        raise UsageError(_("There are no criteria in {path}. Put one on each line.", path=path), code="no-text")
    return criteria


def _show_criteria(path: Path) -> int:
    with Document.open(path, read_only=True) as document:
        criteria = stored_criteria(document)
    for criterion in criteria:
        print(criterion)
    if not criteria:
        say(
            _(
                "No criteria yet: a model makes them from the brief when polishing begins, or give yours with "
                "--criteria."
            )
        )
    return 0


def _dry_run(job: WriteJob) -> int:
    models = PolishModels(job.model, job.critic or job.model, job.judge or job.critic or job.model)
    order = job.polish
    assert order is not None
    with Document.open(job.document, read_only=True) as document:
        resumed = None if order.only else stored_progress(document)
        left = resumed.left if resumed and POLISH not in job.document_settings else None
        only = left or sections_to_polish(document, order.only or None, edited=order.edited)
        expected = polish_forecast(job.brief, document.sections(), only, models, order.passes, load_rates)
    print(_("Expected: {forecast}", forecast=forecast_line(expected, unit_of(job.brief.language))))
    print(
        _(
            "Calls: {calls}, by {models}",
            calls=expected.calls,
            models=", ".join(dict.fromkeys(one.name for one in vars(models).values())),
        )
    )
    return 0


def _resume_command(options: argparse.Namespace) -> str:
    """Return the command line that resumes with the same options; the document stores the rest."""
    words = ["lwtui", "polish", str(options.document)]
    for name in options.section:
        words += ["--section", name]
    if options.section and options.passes:
        words += ["--passes", str(options.passes)]
    for name in ("model", "base_url"):
        if value := getattr(options, name):
            words += [f"--{name.replace('_', '-')}", public_address(value) if name == "base_url" else value]
    words += [f"--{name}" for name in ("edited", "events", "quiet") if getattr(options, name)]
    return join_command(words)
