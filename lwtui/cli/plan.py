"""``lwtui plan INSTRUCTION``: have a model plan a document, and print the plan."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, Event
from lwtui.agentwrite.json_answers import check_follows_instructions
from lwtui.agentwrite.plan import plan_document
from lwtui.agentwrite.plan_format import PlanError
from lwtui.agentwrite.plan_review import PlanTeam
from lwtui.agentwrite.plan_templates import find_template, plan_templates
from lwtui.cli.brief import add_brief_options, language_of, length_line, read_instruction, words_of
from lwtui.cli.open_agents import OpenAgents
from lwtui.cli.plan_reviewing import REVIEW_PLAN_HELP, review
from lwtui.cli.plan_text import show_plan
from lwtui.cli.progress import Progress
from lwtui.command_line.choice import choose_model, role_model
from lwtui.command_line.parser import Parser, add_model_options, command_parser
from lwtui.command_line.terms import show_terms_once
from lwtui.config import ModelSettings, Role, Settings, cache_folder, config_folder, load_settings
from lwtui.documents.model import Brief, Plan
from lwtui.errors import UsageError
from lwtui.files import write_atomically
from lwtui.translation import _


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "plan",
        _(
            "Print a plan for a document: its sections, their main points and lengths.\n"
            "You can edit the plan and pass it to lwtui write --plan."
        ),
        _(
            """
        lwtui plan "Write a guide to growing tomatoes on a balcony" --words 1500
        lwtui plan "写一篇关于长城的文章，两千字" --model demo
        lwtui plan - --json < instruction.txt > plan.json
        lwtui plan "A report on bees in the city" --template report --words 3000
        """
        ),
    )
    result.add_argument("instruction", metavar="INSTRUCTION", help=_("what to write; - reads standard input"))
    add_brief_options(result)
    result.add_argument(
        "--template",
        metavar="NAME",
        help=_(
            "make the plan from a template, without a model: {names}; others for Chinese; or a file of your own",
            names=", ".join(template.key for template in plan_templates("en")),
        ),
    )
    add_model_options(result)
    result.add_argument("--review-plan", action="store_true", help=REVIEW_PLAN_HELP)
    result.add_argument(
        "--json", action="store_true", help=_('print {"title", "sections": [{"title", "main_point", "words"}]}')
    )
    result.add_argument("--quiet", action="store_true", help=_("print nothing but errors on standard error"))
    return result


def run(options: argparse.Namespace) -> int:
    """Print the plan, and return the exit code."""
    settings = load_settings()
    instruction = read_instruction(options.instruction)
    if options.template and options.review_plan:
        raise UsageError(
            _("Leave out --review-plan with --template, which needs no model here; lwtui write takes both."),
            code="conflicting-options",
        )
    if options.template:
        language = language_of(options, instruction)
        words = words_of(options, instruction)
        plan = find_template(options.template, language, config_folder() / "templates").plan(instruction, words)
        print(plan.to_json() if options.json else show_plan(plan, language))
        return 0
    model = choose_model(options, settings, default=settings.roles.get(Role.PLAN.value, ""))
    brief = Brief(
        instruction,
        words_of(options, instruction),
        language_of(options, instruction),
        model=model.name,
        seed=options.seed,
        sampling=options.sampling or "",
    )
    show_terms_once(model)
    progress = Progress(quiet=options.quiet)
    if line := length_line(options, brief):
        progress.note(line)
    reviewers = None
    if options.review_plan:
        critic = role_model(None, Role.CRITIC, settings) or model
        reviewers = (critic, role_model(None, Role.JUDGE, settings) or critic)
    plan = asyncio.run(_plan(brief, settings, model, progress, reviewers))
    print(plan.to_json() if options.json else show_plan(plan, brief.language))
    return 0


async def _plan(
    brief: Brief,
    settings: Settings,
    model: ModelSettings,
    progress: Progress,
    reviewers: tuple[ModelSettings, ModelSettings] | None,
) -> Plan:
    """Have a model plan and, if there are ``reviewers`` (critic and judge), have the plan reviewed."""

    async def emit(event: Event) -> None:
        progress.take(event)

    async with AsyncExitStack() as models:
        models.callback(progress.clear)
        opened = OpenAgents(settings, models)
        agent = await opened.get(model)
        if reviewers is None:
            return await ask_for_plan(agent, brief, emit)
        check_follows_instructions(agent)  # before the plan is paid for
        plan = await ask_for_plan(agent, brief, emit)
        team = PlanTeam(agent, await opened.get(reviewers[0]), await opened.get(reviewers[1]))
        return await review(team, brief, plan, progress, emit)


async def ask_for_plan(agent: Agent, brief: Brief, emit: Emit, begun: Plan | None = None) -> Plan:
    """Have a model plan, or complete a plan that was ``begun``.

    Raises:
        PlanError: No answer was a usable plan. The last answer is kept in a file that the error names.
        LwtuiError: A call failed.
    """
    try:
        return await plan_document(agent, brief, emit, begun)
    except PlanError as error:
        save_rejected_plan(error)
        raise


def save_rejected_plan(error: PlanError) -> None:
    """Write a rejected answer to a file in the cache folder, and add a note to the error that says where it is."""
    path = cache_folder() / "last-rejected-plan.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, error.raw)
    except OSError as problem:
        error.add_note(
            _("Cannot write the model's answer to {path}: {strerror}.", path=path, strerror=problem.strerror)
        )
    else:
        error.add_note(_("The model's answer is in {path}.", path=path))
