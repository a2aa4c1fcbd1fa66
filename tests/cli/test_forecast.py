"""Forecasts, budgets, and other models for other roles."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from lwtui.documents.model import Status
from lwtui.documents.store import Document
from lwtui.models.budget import Budget, parse_budget, raise_budget
from tests.cli.running import PLAN_JSON, ScriptedWriter, Shell, endpoint
from tests.support.fault_server import FaultServer


def configure(shell: Shell, more: str = "", **servers: FaultServer) -> None:
    """Write settings with a model for each server."""
    models = "".join(
        f'[models.{name}]\nmodel = "m-1"\nbase_url = "{server.base_url}"\ncontext_length = 8000\n'
        + ("price_input = 1.0\nprice_output = 4.0\n" if name == "paid" else "")
        for name, server in servers.items()
    )
    first = next(iter(servers))
    shell.settings(f'model = "{first}"\ndocuments = "{shell.documents}"\n{more}\n{models}')


def plan_file(shell: Shell) -> Path:
    path = shell.folder / "plan.json"
    path.write_text(json.dumps(PLAN_JSON))
    return path


def budget_line(out: str) -> re.Match[str]:
    """Return the budget, the percentage that will be used and the verdict in the last line of a dry run."""
    found = re.search(r"Budget: (?P<budget>[\d.]+)\. .* (?P<percent>\d+)% of it, (?P<verdict>.+)$", out)
    assert found, out
    return found


def test_a_dry_run_prints_a_forecast_and_calls_no_model(shell: Shell) -> None:
    with endpoint() as server:
        configure(shell, paid=server)
        done = shell.run("write", "Tomatoes", "--words", 3000, "--dry-run").worked()
        assert re.match(
            r"Expected: 3,000 words, \d+k input tokens, \d,\d\d\d output, time not known yet, cost 0\.", done.out
        )
        assert len(done.out.splitlines()) == 4  # forecast, calls, no plan yet, speed not measured yet
        assert not server.calls and not shell.documents.exists()
        written = shell.run("write", "Tomatoes", "--plan", plan_file(shell), "--output", "out.md").worked()
        assert "Expected: 180 words, " in written.err and re.search(r"It took \d+ s, .+; expected were ", written.err)
        # The measured speed is used for the next forecast.
        done = shell.run("write", "Tomatoes", "--words", 3000, "--dry-run", "--budget", "0.01").worked()
        assert re.match(r"Expected: 3,000 words, .*, \d+ (s|min|h)\b.*, cost 0\.", done.out)
        assert len(done.out.splitlines()) == 4  # forecast, calls, no plan yet, budget
        low = budget_line(done.out)
        enough = budget_line(
            shell.run("write", "Tomatoes", "--words", 3000, "--dry-run", "--budget", "100").worked().out
        )
        assert low["budget"] == "0.01" and int(low["percent"]) > 100 > int(enough["percent"])
        assert low["verdict"] != enough["verdict"]
        done = shell.run("write", "--resume", "out.lw", "--dry-run").worked()
        assert done.out.startswith("Expected: 0 words")


def test_a_budget_stops_the_command_which_prints_how_to_resume(shell: Shell) -> None:
    author = ScriptedWriter()
    with endpoint(author) as server:
        configure(shell, paid=server)
        options = ("--plan", plan_file(shell), "--output", "out.md", "--budget")
        stopped = shell.ends(1, "no-room", "write", "Tomatoes", *options, "1,100 tokens")
        assert re.search(
            r"budget of 1,100 tokens will not suffice: the document is expected to take about \d,\d00 tokens\.",
            stopped.err,
        )
        resume_line = re.search(
            r"Resume with: (lwtui write --resume out\.lw --output out\.md --budget .+)", stopped.err
        )
        assert resume_line
        resume = shlex.split(resume_line[1])[1:]
        budget = parse_budget(resume[-1])
        assert budget and budget.tokens and 1650 <= budget.tokens <= 6000
        with Document.open(shell.folder / "out.lw", read_only=True) as document:
            done = [section.status for section in document.sections()].count(Status.DONE)
            assert 1 <= done < 3
            assert document.setting("budget") == "1,100 tokens"
        # The budget is stored in the document. Without it, the rest is written.
        assert shell.run("write", "--resume", "out.lw", "--output", "out.md").code == 1
        shell.run(*resume).worked()  # with the suggested budget
        shell.run("write", "--resume", "out.lw", "--output", "out.md", "--budget", "none", "--force").worked()
        for wrong, code in (("much", "not-a-budget"), ("0", "budget-size")):
            shell.fails(2, code, "write", "Tomatoes", "--output", "x.md", "--budget", wrong)
        configure(shell, unpaid=server)
        done = shell.fails(2, "no-prices", "write", "Tomatoes", "--output", "x.md", "--budget", "2.50")
        assert "unpaid" in done.err


def test_a_budget_limits_planning_and_a_higher_one_is_suggested(shell: Shell) -> None:
    with endpoint() as server:
        configure(shell, paid=server)
        options = ("--words", 800, "--output", "tea.md", "--budget")
        stopped = shell.ends(1, "no-room", "write", "Tea", *options, "0.0005")
        assert not server.calls and not (shell.folder / "tea.lw").exists()
        assert sum("0.0005" in line for line in stopped.err.splitlines()) == 2  # the warning and the error
        named = re.search(r"Nothing is written yet. Start again with --budget (\S+)", stopped.err)
        assert named and float(named[1]) > 0.001
        begun = shell.run("write", "Tea", *options, named[1]).worked()
        assert f"budget of {named[1]}" not in begun.err  # no warning
        with Document.open(shell.folder / "tea.lw", read_only=True) as document:
            assert document.usage.prompt > 100


def test_a_budget_in_money_needs_the_prices_of_the_planner(shell: Shell) -> None:
    with endpoint() as server, endpoint() as planner:
        configure(shell, paid=server, unpaid=planner)
        options = ("--output", "tea.md", "--budget", "2.50", "--plan-model", "unpaid")
        assert "unpaid" in shell.ends(2, "no-prices", "write", "Tea", *options).err
        assert not planner.calls and not (shell.folder / "tea.lw").exists()


def test_other_models_plan_and_summarize(shell: Shell) -> None:
    with endpoint() as writer, endpoint() as planner, endpoint() as other:
        configure(shell, '[roles]\nplan = "planner"\n', writer=writer, planner=planner, other=other)
        shell.run("plan", "Tomatoes", "--words", 600).worked()
        assert (len(planner.calls), len(writer.calls)) == (1, 0)
        shell.run("write", "Tomatoes", "--words", 600, "--output", "a.md", "--plan-model", "other").worked()
        assert (len(planner.calls), len(other.calls)) == (1, 1) and len(writer.calls) >= 3
        with Document.open(shell.folder / "a.lw", read_only=True) as document:
            assert document.setting("role.plan") == "other"
        options = ("--output", "b.md", "--critic-model", "nobody")
        assert "'nobody'" in shell.fails(2, "unknown-model", "write", "Tomatoes", *options).err
        assert "roles.plan = planner" in shell.run("config", "get").out
        shell.run("config", "set", "roles.critic", "other").worked()
        assert 'critic = "other"' in shell.config.read_text()
        shell.run("config", "set", "roles.write", "planner").worked()
        assert "model = planner" in shell.run("config", "get").out
        assert "'cook'" in shell.fails(2, "unknown-role", "config", "set", "roles.cook", "other").err


def test_an_imported_document_uses_the_default_model(shell: Shell) -> None:
    (shell.folder / "tea.md").write_text("# Tea\n\n## Leaves\n\nThey are green.\n")
    shell.settings('model = "writer"\n\n[models.writer]\nbase_url = "http://127.0.0.1:9/v1"\ncontext_length = 8192\n')
    shell.run("import", "tea.md").worked()
    done = shell.run("write", "--resume", "tea.lw", "--dry-run").worked()
    assert "writer" in done.out


def test_a_raised_budget_is_round_and_can_be_parsed() -> None:
    for given, share, wanted in (
        ("0.001", 3.0, "0.0038"),
        ("2.50", 0.9, "3.8"),
        ("1,100 tokens", 2.0, "2,800 tokens"),
        ("0.00001", 1.0, "0.000015"),
        ("2000000", 1.0, "3000000"),
    ):
        budget = parse_budget(given)
        assert budget is not None and str(raise_budget(budget, share)) == wanted
        assert parse_budget(wanted) == raise_budget(budget, share)
    assert str(Budget()) == "none"
