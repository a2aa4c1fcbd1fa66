"""``--review-plan``: the plan is reviewed before anything is written, and an interrupted review is resumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lwtui.agentwrite.plan_review_progress import PLAN_REVIEW, PlanReviewProgress
from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from tests.cli.running import ScriptedWriter, Shell, model_options
from tests.support.fault_server import FaultServer
from tests.support.plan_editor import REVISED, PlanEditor
from tests.support.studio import plan_of

PLAN = plan_of(60, 60, 60)
WRITE = ("write", "Tomatoes", "--words", 600, "--review-plan")


def editor(**options: object) -> PlanEditor:
    return PlanEditor(author=ScriptedWriter(words=250), **options)  # type: ignore[arg-type]


def plan_in(path: Path) -> list[str]:
    with Document.open(path, read_only=True) as document:
        return [section.title for section in document.plan.sections]


def test_the_plan_is_reviewed_before_it_is_written(shell: Shell) -> None:
    with FaultServer(author := editor()) as server:
        done = shell.run(*WRITE, "--output", "out.md", "--events", *model_options(server)).worked()
        asked = author.asked
    events = [json.loads(line)["event"] for line in done.out.splitlines()]
    assert asked[:5] == ["other", "review", "revise", "compare", "compare"] and set(asked[5:]) == {"other"}
    assert events.index("PlanReviewFinished") < events.index("SectionStarted")
    assert REVISED in plan_in(shell.folder / "out.lw") and f"## {REVISED}" in (shell.folder / "out.md").read_text()
    assert "Expected for the review of the plan" in done.err and "Gap, steps 1 and 2: Frost is missing." in done.err
    assert "1 point dropped" in done.err and "The revised plan is better" in done.err


def test_a_plan_is_printed_after_its_review_and_roles_can_be_other_models(shell: Shell) -> None:
    planner, critic = editor(), editor()
    with FaultServer(planner) as first, FaultServer(critic) as second:
        shell.settings(
            f'[roles]\ncritic = "reader"\n[models.reader]\nbase_url = "{second.base_url}"\nmodel = "m-2"\n'
            f'[models.planner]\nbase_url = "{first.base_url}"\nmodel = "m-1"\n'
        )
        done = shell.run("plan", "Tomatoes", "--words", 600, "--review-plan", "--json", "--model", "planner").worked()
    assert [section["title"] for section in json.loads(done.out)["sections"]][1] == REVISED
    assert (planner.asked, critic.asked) == (["other", "revise"], ["review", "compare", "compare"])


def test_an_interrupted_review_is_resumed(shell: Shell) -> None:
    path = shell.folder / "guide.lw"
    with Document.create(path, Brief("Tomatoes", 180, seed=1), PLAN) as document:
        document.set_setting(PLAN_REVIEW, PlanReviewProgress().to_json())
    with FaultServer(author := editor()) as server:
        told = shell.run("write", "--resume", path, "--dry-run", *model_options(server)).worked()
        assert "Reviewing the plan, at most:" in told.out and not author.asked
        shell.run("write", "--resume", path, "--output", "out.md", *model_options(server)).worked()
        assert author.asked[:4] == ["review", "revise", "compare", "compare"]
        asked = len(author.asked)
        shell.run("write", "--resume", path, "--output", "out.md", "--force", *model_options(server)).worked()
        assert len(author.asked) == asked
    assert REVISED in plan_in(path)


def test_a_budget_without_room_stops_before_the_review_and_names_it(shell: Shell) -> None:
    with FaultServer(author := editor()) as server:
        failed = shell.run(*WRITE, "--output", "out.md", "--budget", "900 tokens", *model_options(server))
    assert failed.code == 1 and author.asked == ["other"]
    assert "no room for the review of the plan" in failed.err and "--resume" in failed.err


def test_a_document_with_text_is_written_on_without_a_review(shell: Shell) -> None:
    path = shell.folder / "guide.lw"
    with Document.create(path, Brief("Tomatoes", 180, seed=1), PLAN) as document:
        document.edit(document.plan.sections[0].id, "By hand.")
        document.set_setting(PLAN_REVIEW, PlanReviewProgress().to_json())
    with FaultServer(author := editor()) as server:
        done = shell.run("write", "--resume", path, "--output", "out.md", *model_options(server)).worked()
    assert set(author.asked) == {"other"} and "has text already" in done.err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("write", "x", "--review-plan", "--mode", "direct"), "--review-plan"),
        (("plan", "x", "--review-plan", "--template", "report"), "--review-plan"),
        (("plan", "x", "--review-plan", "--model", "demo"), "base model"),
        (("write", "x", "--review-plan", "--model", "demo", "--output", "o.md"), "base model"),
    ],
)
def test_what_cannot_be_reviewed_says_so_at_once(shell: Shell, options: tuple[str, ...], named: str) -> None:
    failed = shell.run(*options)
    assert failed.code in (1, 2) and named in failed.err and "Traceback" not in failed.err
    assert not list(shell.folder.glob("*.lw"))
