import json
from pathlib import Path

import pytest

from lwtui_bench.answers import read_answers
from lwtui_bench.comparison import agreement
from lwtui_bench.judge import Judge, Template, load_template
from lwtui_bench.summary import load_runs
from tests.bench.support import Grader, answered, grades, row, rows_of, serving, write_rows
from tests.cli.running import Shell
from tests.support.fault_server import Fault, FaultServer


@pytest.fixture
def answers(shell: Shell) -> Path:
    return write_rows(shell.folder / "a.jsonl", [row(1, 100, 100), row(2, 100, 50), row(3, 100, 0, response="")])


def judge(server: FaultServer, *options: object, name: str = "m-1") -> list[object]:
    return ["bench", "judge", "a.jsonl", "--judge", name, "--base-url", server.base_url, *options]


def verdicts(shell: Shell) -> list[dict[str, object]]:
    return rows_of(shell.folder / "a.judged.jsonl")


def test_each_answer_is_graded_once(shell: Shell, answers: Path) -> None:
    grader = Grader([grades(5), grades(3)])
    with serving(grader) as server:
        shell.run(*judge(server, "--concurrency", 1)).worked()
        assert len(grader.requests) == 2  # where there is no answer there is nothing to ask
        done = shell.run(*judge(server)).worked()
        assert len(grader.requests) == 2
    assert "2 of 2 so far" in done.err
    (run,) = load_runs([answers])
    assert [entry.s_q for entry in run.entries] == [100.0, 50.0, 0.0]  # no answer is as bad as can be
    found = run.figure("mean")
    assert found is not None and found.mean == pytest.approx((50 + 50) / 2)
    assert "50.0" in done.out


def test_the_judge_sees_the_request_and_the_answer_and_nothing_is_put_in_twice(shell: Shell) -> None:
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


def test_an_endpoint_that_can_is_held_to_the_schema(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader([grades(4)])) as server:
        shell.settings(
            f'[models.strict]\nprovider = "openai"\nmodel = "m-1"\nbase_url = "{server.base_url}"\n'
            'constrain = "json_schema"\n'
        )
        shell.run("bench", "judge", "a.jsonl", "--judge", "strict").worked()
    assert grader.requests[0]["response_format"]["json_schema"]["schema"]["properties"]["Accuracy"]["enum"]


def test_an_answer_that_cannot_be_graded_is_shown_and_never_made_a_3(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader(["I would rather not."])) as server:
        done = shell.run(*judge(server, "--concurrency", 1)).worked()
        assert len(grader.requests) == 10  # five tries each
        assert "Not graded" in done.err
        assert [one["grades"] for one in verdicts(shell)] == [{}, {}]
        assert verdicts(shell)[0]["raw"] == "I would rather not."
        (run,) = load_runs([answers])
        assert [entry.s_q for entry in run.entries[:2]] == [None, None] and len(run.unscored) == 2
        shell.run(*judge(server)).worked()
        assert len(grader.requests) == 10
        grader.says = [grades(5)]
        shell.run(*judge(server, "--again")).worked()
        assert len(grader.requests) == 12
    assert len(verdicts(shell)) == 2
    assert [entry.s_q for entry in load_runs([answers])[0].entries[:2]] == [100.0, 100.0]


def test_a_grade_that_is_left_out_counts_3_only_where_that_is_asked_for(shell: Shell, answers: Path) -> None:
    partial = json.dumps({"Analysis": "x", "Relevance": 5})
    with serving(Grader([partial])) as server:
        shell.run(*judge(server)).worked()
    (run,) = load_runs([answers])
    assert run.entries[0].s_q is None and run.entries[0].is_unscored
    (as_upstream,) = load_runs([answers], compat=True)
    assert as_upstream.entries[0].s_q == pytest.approx((100 + 5 * 50) / 6)


def test_a_malformed_verdict_is_asked_for_again_at_once(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader(["Hm.", '{"Relevance": 3', grades(4)])) as server:
        shell.run(*judge(server, "--concurrency", 1)).worked()
    assert len(grader.requests) == 4
    assert len({request["seed"] for request in grader.requests[:3]}) == 3
    assert [one["tries"] for one in verdicts(shell)] == [3, 1]


def test_several_judges_and_repeats_and_how_far_they_agree(shell: Shell, answers: Path) -> None:
    with serving(grader := Grader([grades(5), grades(2), grades(5), grades(2), grades(4), grades(1)])) as server:
        shell.run(*judge(server, "--repeats", 2, "--concurrency", 1)).worked()
        done = shell.run(*judge(server, "--concurrency", 1, name="m-2")).worked()
        assert len(grader.requests) == 6
    (run,) = load_runs([answers])
    assert run.judges == ("m-1 (own prompt)", "m-2 (own prompt)")
    assert run.entries[0].s_q == pytest.approx((100 + 75) / 2)
    found = agreement(run)
    assert found is not None and found.judges == 2
    assert found.retest_alpha == pytest.approx(1.0) and found.retest_spread == pytest.approx(0)
    assert found.alpha is not None and 0.5 < found.alpha < 1
    assert "Agreement" in done.out


def test_faults_are_waited_out_and_what_fails_is_left_open(shell: Shell, answers: Path) -> None:
    faults = [Fault.http(429, retry_after=0), Fault.cut(0), None, Fault.http(400, message="Too hot.")]
    with serving(grader := Grader([grades(4)]), faults) as server:
        done = shell.run(*judge(server, "--concurrency", 1))
        assert done.code == 1 and "1 answers could not be asked about" in done.err
        assert len(verdicts(shell)) == 1
        shell.run(*judge(server)).worked()
    assert len(verdicts(shell)) == 2 and len(grader.requests) == 3  # the one that was cut off too


def test_the_same_answer_in_another_file_of_the_same_prompt_has_the_same_key() -> None:
    one = Judge("j", Template("own", "$INST$ $RESPONSE$"), {"seed": 0})
    assert one.key(answered("Text."), 1) == one.key(answered("Text.", model="other"), 1)
    assert one.key(answered("Text."), 1) != one.key(answered("Text!"), 1)
    assert one.key(answered("Text."), 1) != Judge("j", Template("own", "$INST$: $RESPONSE$"), {"seed": 0}).key(
        answered("Text."), 1
    )


def test_prompts_of_ones_own(shell: Shell, answers: Path) -> None:
    own = shell.folder / "judge.md"
    own.write_text("Grade.\n$INST$\n$RESPONSE$\n")
    with serving(grader := Grader([grades(4)])) as server:
        shell.run(*judge(server, "--prompt", own)).worked()
        assert grader.requests[0]["messages"][0]["content"].startswith("Grade.\nWrite 100 words")
        own.write_text("Grade.\n$INST$\n")
        shell.run(*judge(server, "--prompt", own)).failed(2, "$RESPONSE$")
        shell.run(*judge(server, "--prompt", "official")).failed(1, "lwtui bench fetch")
    assert load_template("own", None).text.count("$RESPONSE$") == 1


def test_a_damaged_file_of_verdicts_is_told(shell: Shell, answers: Path) -> None:
    (shell.folder / "a.judged.jsonl").write_text('{"judge": "x"}\n')
    shell.run("bench", "report", answers).failed(1, "line 1", "judge_hash")
    assert len(read_answers(answers)) == 3
