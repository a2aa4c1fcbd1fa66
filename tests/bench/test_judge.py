import json
from pathlib import Path

import pytest

from lwtui_bench.answers import read_answers
from lwtui_bench.comparison import agreement
from lwtui_bench.judge import Judge, JudgeTemplate, load_judge_template
from lwtui_bench.summary import load_runs
from tests.bench.support import Grader, grades, load_rows, row, serving, stored_answer, write_rows
from tests.cli.running import Shell
from tests.support.fault_server import Fault, FaultServer


@pytest.fixture
def answers(shell: Shell) -> Path:
    return write_rows(shell.folder / "a.jsonl", [row(1, 100, 100), row(2, 100, 50), row(3, 100, 0, response="")])


def judge(server: FaultServer, *options: object, name: str = "m-1") -> list[object]:
    return ["bench", "judge", "a.jsonl", "--judge", name, "--base-url", server.base_url, *options]


def verdicts(shell: Shell) -> list[dict[str, object]]:
    return load_rows(shell.folder / "a.judged.jsonl")


def test_each_answer_is_graded_once(shell: Shell, answers: Path) -> None:
    grader = Grader([grades(5), grades(3)])
    with serving(grader) as server:
        shell.run(*judge(server, "--concurrency", 1)).worked()
        assert len(grader.requests) == 2  # a missing answer needs no judge
        done = shell.run(*judge(server)).worked()
        assert len(grader.requests) == 2
    assert "2 of 2" in done.err
    (run,) = load_runs([answers])
    assert [scored.s_q for scored in run.answers] == [100.0, 50.0, 0.0]  # a missing answer gets the lowest grades
    found = run.figure("mean")
    assert found is not None and found.mean == pytest.approx((50 + 50) / 2)
    assert "50.0" in done.out


def test_the_judge_sees_request_and_answer_and_placeholders_inside_them_stay(shell: Shell) -> None:
    tricky = row(1, 100, 3, prompt="Say $RESPONSE$ and $INST$.", response="I say $INST$ here.")
    write_rows(shell.folder / "a.jsonl", [tricky])
    with serving(grader := Grader([grades(4)])) as server:
        shell.run(*judge(server)).worked()
    (request,) = grader.requests
    (message,) = request["messages"]
    assert "<request>\nSay $RESPONSE$ and $INST$.\n</request>" in message["content"]
    assert "<text>\nI say $INST$ here.\n</text>" in message["content"]
    assert request["temperature"] == 0.5
    assert "response_format" not in request


def test_the_judge_has_the_effort_of_its_role(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader([grades(4)])) as server:
        shell.settings(
            f'[models.keen]\nmodel = "m-1"\nbase_url = "{server.base_url}"\nreasoning_effort = "low"\n'
            '[models.keen.critic]\nreasoning_effort = "high"\n'
        )
        shell.run("bench", "judge", "a.jsonl", "--judge", "keen").worked()
    assert {request["reasoning_effort"] for request in grader.requests} == {"high"}


def test_an_endpoint_with_structured_output_gets_the_schema(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader([grades(4)])) as server:
        shell.settings(
            f'[models.strict]\nprovider = "openai"\nmodel = "m-1"\nbase_url = "{server.base_url}"\n'
            'constrain = "json_schema"\n'
        )
        shell.run("bench", "judge", "a.jsonl", "--judge", "strict").worked()
    assert grader.requests[0]["response_format"]["json_schema"]["schema"]["properties"]["Accuracy"]["enum"]


def test_an_ungraded_answer_is_reported_and_never_counted_as_a_3(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader(["I would rather not."])) as server:
        done = shell.run(*judge(server, "--concurrency", 1)).worked()
        assert len(grader.requests) == 10  # five attempts each
        assert "Not graded" in done.err
        assert [verdict["grades"] for verdict in verdicts(shell)] == [{}, {}]
        assert verdicts(shell)[0]["raw"] == "I would rather not."
        (run,) = load_runs([answers])
        assert [scored.s_q for scored in run.answers[:2]] == [None, None] and len(run.ungraded) == 2
        shell.run(*judge(server)).worked()
        assert len(grader.requests) == 10
        grader.replies = [grades(5)]
        shell.run(*judge(server, "--again")).worked()
        assert len(grader.requests) == 12
    assert len(verdicts(shell)) == 2
    assert [scored.s_q for scored in load_runs([answers])[0].answers[:2]] == [100.0, 100.0]


def test_a_missing_grade_is_never_counted_as_3(shell: Shell, answers: Path) -> None:
    partial = json.dumps({"Analysis": "x", "Relevance": 5})
    with serving(Grader([partial])) as server:
        shell.run(*judge(server)).worked()
        shell.run(*judge(server, "--upstream-compat")).worked()
    for compat in (False, True):
        (run,) = load_runs([answers], compat=compat)
        assert run.answers[0].s_q is None and run.answers[0].is_ungraded


def test_a_malformed_verdict_is_requested_again_at_once(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader(["Hm.", '{"Relevance": 3', grades(4)])) as server:
        shell.run(*judge(server, "--concurrency", 1)).worked()
    assert len(grader.requests) == 4
    assert len({request["seed"] for request in grader.requests[:3]}) == 3
    assert [verdict["tries"] for verdict in verdicts(shell)] == [3, 1]


def test_agreement_of_several_judges_and_repeats(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader([grades(5), grades(2), grades(5), grades(2), grades(4), grades(1)])) as server:
        shell.run(*judge(server, "--repeats", 2, "--concurrency", 1)).worked()
        done = shell.run(*judge(server, "--concurrency", 1, name="m-2")).worked()
        assert len(grader.requests) == 6
    (run,) = load_runs([answers])
    assert [judge.label for judge in run.judges] == ["m-1 (own prompt)", "m-2 (own prompt)"]
    assert run.answers[0].s_q == pytest.approx((100 + 75) / 2)
    found = agreement(run)
    assert found is not None and found.judges == 2
    assert found.retest_alpha == pytest.approx(1.0) and found.retest_deviation == pytest.approx(0)
    assert found.alpha is not None and 0.5 < found.alpha < 1
    assert "Agreement" in done.out


def test_faults_are_retried_and_failures_stay_pending(shell: Shell, answers: Path) -> None:
    faults = [Fault.http(429, retry_after=0), Fault.cut(0), None, Fault.http(400, message="Too hot.")]
    with serving(grader := Grader([grades(4)]), faults) as server:
        done = shell.run(*judge(server, "--concurrency", 1))
        assert done.code == 1
        assert len(verdicts(shell)) == 1
        shell.run(*judge(server)).worked()
    assert len(verdicts(shell)) == 2 and len(grader.requests) == 3  # including the reply that was cut off


def test_identical_answers_to_the_same_prompt_share_a_key() -> None:
    judge = Judge("j", JudgeTemplate("own", "$INST$ $RESPONSE$"), {"seed": 0})
    key = judge.key(stored_answer("Text."), 1)
    assert key == judge.key(stored_answer("Text.", model="other"), 1)
    assert key != judge.key(stored_answer("Text!"), 1)
    other_prompt = Judge("j", JudgeTemplate("own", "$INST$: $RESPONSE$"), {"seed": 0})
    assert key != other_prompt.key(stored_answer("Text."), 1)


def test_custom_judge_prompts(shell: Shell, answers: Path) -> None:
    own = shell.folder / "judge.md"
    own.write_text("Grade.\n$INST$\n$RESPONSE$\n")
    with serving(grader := Grader([grades(4)])) as server:
        shell.run(*judge(server, "--prompt", own)).worked()
        assert grader.requests[0]["messages"][0]["content"].startswith("Grade.\nWrite 100 words")
        own.write_text("Grade.\n$INST$\n")
        shell.run(*judge(server, "--prompt", own)).failed(2, "$RESPONSE$")
        shell.run(*judge(server, "--prompt", "official")).failed(1, "lwtui bench fetch")
    assert load_judge_template("own", None).text.count("$RESPONSE$") == 1


def test_a_damaged_file_of_verdicts_is_reported(shell: Shell, answers: Path) -> None:
    (shell.folder / "a.judged.jsonl").write_text('{"judge": "x"}\n')
    shell.run("bench", "report", answers).failed(1, "line 1", "judge_hash")
    assert len(read_answers(answers)) == 3
