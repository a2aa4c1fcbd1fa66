"""``lwtui write --dry-run``: forecast what a document will take, without calling or loading a model."""

from __future__ import annotations

from lwtui.agentwrite.forecast import Forecast, forecast, forecast_line, likely_sections
from lwtui.agentwrite.plan_review_forecast import plan_review_forecast
from lwtui.agentwrite.plan_review_progress import PLAN_REVIEW, PlanReviewProgress
from lwtui.agentwrite.polish_forecast import PolishModels
from lwtui.agentwrite.polish_progress import POLISH, PolishProgress
from lwtui.agentwrite.throughput import load_rates
from lwtui.agentwrite.write import Draft
from lwtui.cli.headless import WriteJob
from lwtui.cli.plan_text import unit_of
from lwtui.cli.polishing import likely_polish
from lwtui.documents.facts import FACTS
from lwtui.documents.model import BUDGET, Plan, PlannedSection, Section
from lwtui.documents.store import Document
from lwtui.models.budget import Prices, parse_budget
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.translation import _


def dry_run(job: WriteJob) -> int:
    """Print the forecast of a job, and return the exit code."""
    sections, spent, stored_budget = _current_state(job)
    facts = job.document_settings.get(FACTS) == "on"
    expected = forecast(job.brief, sections, job.model, load_rates(job.model), facts=facts)
    print(_("Expected: {forecast}", forecast=forecast_line(expected, unit_of(job.brief.language))))
    print(_("Calls: {calls}, by {models}", calls=expected.calls, models=job.model.name))
    _reviewing(job)
    _polishing(job, sections)
    if expected.planned:
        print(_("There is no plan yet, so its sections are estimated."))
    if expected.seconds is None:
        print(_("The speed of this model is not known yet: it is measured while the first section is written."))
    if expected.cost is None and job.model.is_endpoint:
        print(
            _(
                "Its prices are not known. Set them: lwtui config set models.{model}.price_input, …price_output.",
                model=job.model.name,
            )
        )
    if verdict := _compare_with_budget(expected, spent, job, job.document_settings.get(BUDGET, stored_budget)):
        print(verdict)
    return 0


def _reviewing(job: WriteJob) -> None:
    """Print the forecast of the review of the plan, if that is still to come."""
    stored = job.document_settings.get(PLAN_REVIEW, "")
    plan = job.plan
    if job.resumes:
        with Document.open(job.document, read_only=True) as document:
            plan, stored = document.plan, stored or document.setting(PLAN_REVIEW)
    if (progress := PlanReviewProgress.from_json(stored)) is None:
        return
    if plan is None:
        likely = likely_sections(job.brief)
        plan = Plan("", tuple(PlannedSection("", "", section.words) for section in likely))
    critic = job.critic or job.model
    models = PolishModels(job.planner or job.model, critic, job.judge or critic)
    expected = plan_review_forecast(job.brief, plan, models, load_rates, progress.left)
    print(
        _(
            "Reviewing the plan, at most: {forecast}",
            forecast=forecast_line(expected, unit_of(job.brief.language)),
        )
    )


def _polishing(job: WriteJob, sections: list[Section]) -> None:
    """Print the forecast of the polishing that follows, if there is a plan to base it on."""
    progress = PolishProgress.from_json(job.document_settings.get(POLISH, ""))
    if progress is None:
        return
    models = PolishModels(job.model, job.critic or job.model, job.judge or job.critic or job.model)
    sections = sections or likely_sections(job.brief)
    expected = likely_polish(job.brief, sections, models, progress.passes)
    print(_("Polishing, at most: {forecast}", forecast=forecast_line(expected, unit_of(job.brief.language))))


def _current_state(job: WriteJob) -> tuple[list[Section], Usage, str]:
    """Return the sections as they are now, their token usage so far, and the document's budget."""
    if not job.resumes:
        return (Draft(job.plan).sections() if job.plan else []), NO_USAGE, ""
    with Document.open(job.document, read_only=True) as document:
        return document.sections(), document.usage, document.setting(BUDGET)


def _compare_with_budget(expected: Forecast, spent: Usage, job: WriteJob, given: str) -> str:
    budget = parse_budget(given)
    if budget is None:
        return ""
    share = budget.share(spent + expected.usage, Prices.of(job.model))
    if share <= 1:
        return _(
            "Budget: {budget}. The document will use {share:.0%} of it, which is enough.", budget=budget, share=share
        )
    return _(
        "Budget: {budget}. The document will use {share:.0%} of it, so it is too low: writing will stop when it is "
        "used up.",
        budget=budget,
        share=share,
    )
