"""``lwtui write --dry-run``: what a document will take, without a model being asked or opened."""

from __future__ import annotations

from lwtui.agentwrite.forecast import Forecast, forecast, told
from lwtui.agentwrite.throughput import load_rates
from lwtui.agentwrite.write import Draft
from lwtui.cli.headless import WriteJob
from lwtui.cli.plan_text import unit_of
from lwtui.documents.model import BUDGET, Section
from lwtui.documents.store import Document
from lwtui.models.budget import Prices, parse_budget
from lwtui.models.usage import NO_USAGE, Usage


def dry_run(job: WriteJob) -> int:
    """Print the forecast of ``job``; the exit code."""
    sections, spent, kept = _standing(job)
    expected = forecast(job.brief, sections, job.model, load_rates(job.model))
    print(f"Expected: {told(expected, unit_of(job.brief.language))}")
    print(f"Calls: {expected.calls}, by {job.model.name}")
    if expected.planned:
        print("There is no plan yet: its sections are guessed.")
    if expected.seconds is None:
        print("How fast this model is here is not known yet: it is measured while the first section is written.")
    if expected.cost is None and job.model.provider == "openai":
        print(f"Its prices are not known: lwtui config set models.{job.model.name}.price_input, and …price_output.")
    if verdict := _held_against(expected, spent, job, job.kept.get(BUDGET, kept)):
        print(verdict)
    return 0


def _standing(job: WriteJob) -> tuple[list[Section], Usage, str]:
    """The sections as they are, what they have taken, and the document's budget."""
    if not job.resumes:
        return (Draft(job.plan).sections() if job.plan else []), NO_USAGE, ""
    with Document.open(job.document, read_only=True) as document:
        return document.sections(), document.usage, document.setting(BUDGET)


def _held_against(expected: Forecast, spent: Usage, job: WriteJob, given: str) -> str:
    budget = parse_budget(given)
    if budget is None:
        return ""
    share = budget.share(spent + expected.usage, Prices.of(job.model))
    verdict = "enough" if share <= 1 else "too little: writing will stop when it is used up"
    return f"Budget: {budget}; with this it will be at {share:.0%}, {verdict}."
