"""``lwtui bench duel``: both orders, ties, several judges, Bradley-Terry scores, and nothing asked for twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite.pairwise import find_verdict
from lwtui_bench.bradley_terry import duel_scores, judge_habits
from lwtui_bench.duel import Outcome, render_duel
from tests.bench.support import load_rows, row, serving, write_rows
from tests.cli.running import Shell
from tests.support.fault_server import Answer, Fault, FaultServer

WORDS = {"good": 3, "fair": 2, "poor": 1}


@dataclass
class Referee:
    """A judge that prefers the text with the better word, or what ``likes`` returns for two texts in order."""

    likes: Callable[[str, str], str] | None = None
    requests: list[Any] = field(default_factory=list)

    def __call__(self, request: Any) -> Answer:
        self.requests.append(request)
        first, second = re.findall(r"<version_\d>\n(.*?)\n</version_\d>", request["messages"][0]["content"], re.DOTALL)
        if self.likes:
            return Answer([self.likes(first, second)])
        a, b = WORDS[first.split()[0]], WORDS[second.split()[0]]
        better = "neither" if a == b else "version 1" if a > b else "version 2"
        return Answer([json.dumps({"why": "Words.", "better": better})])


def answers(shell: Shell, name: str, *words: str) -> Path:
    rows = [row(number, 100, 3, response=f"{word} {name} {number}".strip() if word else "", model=name)
            for number, word in enumerate(words)]  # fmt: skip
    return write_rows(shell.folder / f"{name}.jsonl", rows)


def duel(server: FaultServer, *options: object) -> list[object]:
    return ["bench", "duel", *options, "--judge", "m-1", "--base-url", server.base_url, "--concurrency", 1]


def test_files_are_ranked_by_agreeing_verdicts_in_both_orders(shell: Shell) -> None:
    answers(shell, "ann", "good", "good", "good", "fair")
    answers(shell, "bob", "fair", "fair", "good", "good")
    answers(shell, "cid", "poor", "poor", "poor", "")
    with serving(referee := Referee()) as server:
        files = ("ann.jsonl", "bob.jsonl", "cid.jsonl")
        done = shell.run(*duel(server, *files)).worked()
        assert len(referee.requests) == 2 * (4 + 3 + 3)  # a missing text loses without a judge
        told = json.loads(shell.run(*duel(server, *files, "--json")).worked().out)
        assert len(referee.requests) == 20
        # The verdicts belong to the texts, so that another order of the files asks for nothing.
        options = ("bob.jsonl", "ann.jsonl", "--output", "ann.duels.jsonl", "--json")
        swapped = json.loads(shell.run(*duel(server, *options)).worked().out)
        assert len(referee.requests) == 20
    scores = told["scores"]
    assert scores["ann"]["score"] > scores["bob"]["score"] > scores["cid"]["score"]
    assert (scores["ann"]["wins"], scores["ann"]["ties"], scores["ann"]["losses"]) == (6, 1, 1)
    assert scores["cid"] | {"wins": 0, "losses": 8} == scores["cid"]
    assert all(one["low"] <= one["score"] <= one["high"] for one in scores.values())
    assert sum(one["score"] for one in scores.values()) == pytest.approx(3000)
    assert swapped["scores"]["ann"]["wins"] == 2 and swapped["scores"]["bob"]["wins"] == 1
    assert told["judges"]["m-1"] == {"comparisons": 10, "consistent": 1.0, "prefers_first": 0.5}
    assert done.out.index("ann") < done.out.index("bob") < done.out.index("cid") and "ann : bob" in done.out


def test_a_judge_that_prefers_what_comes_first_decides_nothing(shell: Shell) -> None:
    answers(shell, "ann", "good", "good")
    answers(shell, "bob", "poor", "poor")
    with serving(Referee(lambda first, second: '{"better": "version 1"}')) as server:
        told = json.loads(shell.run(*duel(server, "ann.jsonl", "bob.jsonl", "--json")).worked().out)
    assert told["scores"]["ann"]["ties"] == 2 and told["scores"]["ann"]["score"] == pytest.approx(1000)
    assert told["judges"]["m-1"]["prefers_first"] == 1.0 and told["judges"]["m-1"]["consistent"] == 0.0


def test_several_judges_have_their_own_verdicts_and_the_effort_of_their_role(shell: Shell) -> None:
    answers(shell, "ann", "good")
    answers(shell, "bob", "poor")
    fair = Referee()
    odd = Referee(lambda first, second: f'{{"better": "version {1 + first.startswith("good")}"}}')
    with serving(fair) as one, serving(odd) as two:
        shell.settings(
            f'[models.fair]\nmodel = "m-1"\nbase_url = "{one.base_url}"\n'
            '[models.fair.judge]\nreasoning_effort = "low"\n'
            f'[models.odd]\nmodel = "m-1"\nbase_url = "{two.base_url}"\n'
        )
        told = shell.run("bench", "duel", "ann.jsonl", "bob.jsonl", "--judge", "fair", "odd", "fair", "--json").worked()
    scores = json.loads(told.out)["scores"]
    assert (scores["ann"]["wins"], scores["ann"]["losses"]) == (1, 1)
    assert len(load_rows(shell.folder / "ann.duels.jsonl")) == 4
    assert {request.get("reasoning_effort") for request in fair.requests} == {"low"}


def test_a_reply_without_a_verdict_is_asked_for_again_and_left_out(shell: Shell) -> None:
    answers(shell, "ann", "good", "good")
    answers(shell, "bob", "poor", "fair")
    replies = iter(["Well."] * 3 + ['{"better": "version 1"}', "no", '{"better": "neither"}', '{"better": 2}'])
    with serving(referee := Referee(lambda first, second: next(replies, '{"better": "neither"}'))) as server:
        done = shell.run(*duel(server, "ann.jsonl", "bob.jsonl")).worked()
        assert len(referee.requests) == 3 + 1 + 2 + 1 and "1 comparisons lack a usable verdict" in done.err
        stored = load_rows(shell.folder / "ann.duels.jsonl")
        assert [kept["better"] for kept in stored] == [-1, 1, 0, 2] and stored[0]["raw"] == "Well."
        shell.run(*duel(server, "ann.jsonl", "bob.jsonl", "--again")).worked()
        assert len(referee.requests) == 8
    assert [kept["better"] for kept in load_rows(shell.folder / "ann.duels.jsonl")] == [1, 0, 2, 0]


def test_a_call_that_fails_is_made_the_next_time(shell: Shell) -> None:
    answers(shell, "ann", "good")
    answers(shell, "bob", "poor")
    with serving(referee := Referee(), [Fault.http(400)]) as server:
        failed = shell.run(*duel(server, "ann.jsonl", "bob.jsonl"))
        assert failed.code == 1 and "nothing to rank" in failed.err
        shell.run(*duel(server, "ann.jsonl", "bob.jsonl")).worked()
    assert len(referee.requests) == 2


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (("ann.jsonl",), "two or more"),
        (("ann.jsonl", "ann.jsonl"), "named twice"),
        (("ann.jsonl", "other.jsonl"), "share no prompts"),
        (("ann.jsonl", "missing.jsonl"), "missing.jsonl"),
    ],
)
def test_what_cannot_be_compared_says_so(shell: Shell, files: tuple[str, ...], named: str) -> None:
    answers(shell, "ann", "good")
    write_rows(shell.folder / "other.jsonl", [row(9, 100, 3)])
    failed = shell.run("bench", "duel", *files, "--judge", "demo")
    assert failed.code in (1, 2) and named in failed.err


def outcomes_of(scores: list[tuple[int, int, float]], judge: str = "j") -> list[Outcome]:
    return [Outcome(a, b, f"p{at}", judge, score) for at, (a, b, score) in enumerate(scores)]


def test_bradley_terry_finds_the_strengths_that_made_the_outcomes() -> None:
    # Strengths 4 : 2 : 1, so that the better one wins 2/3, 2/3 and 4/5 of the time.
    found = [(0, 1, 1.0)] * 400 + [(0, 1, 0.0)] * 200 + [(1, 2, 1.0)] * 400 + [(1, 2, 0.0)] * 200
    found += [(0, 2, 1.0)] * 480 + [(0, 2, 0.0)] * 120
    first, second, third = duel_scores(3, outcomes_of(found))
    assert first.score - second.score == pytest.approx(400 * 0.30103, abs=3)
    assert second.score - third.score == pytest.approx(400 * 0.30103, abs=3)
    assert first.low < first.score < first.high and first.high - first.low < 60
    assert first.share == pytest.approx((400 + 480) / 1200)


def test_scores_are_finite_and_equal_where_nothing_differs() -> None:
    always = duel_scores(2, outcomes_of([(0, 1, 1.0)] * 20))
    assert 1000 < always[0].score < 1600 and always[0].wins == 20
    ties = duel_scores(2, outcomes_of([(0, 1, 0.5)] * 5))
    assert [one.score for one in ties] == pytest.approx([1000, 1000]) and ties[0].low == ties[0].high
    apart = duel_scores(3, outcomes_of([(0, 1, 1.0)]))
    assert apart[2].score == pytest.approx(1000, abs=1) and apart[2].share == 0.5
    with pytest.raises(ValueError, match="nothing"):
        duel_scores(2, [])
    assert judge_habits(outcomes_of([(0, 1, 1.0)])) == {}


def test_placeholders_inside_texts_stay() -> None:
    text = render_duel("Say $FIRST$.", "It is $SECOND$.", "It is $INST$.")
    assert (
        "Say $FIRST$." in text and "<version_1>\nIt is $SECOND$.\n" in text and "<version_2>\nIt is $INST$.\n" in text
    )


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ('{"better": "neither"}', 0),
        ('{"better": 0}', 0),
        ('{"better": 2}', 2),
        ("Version 1.", None),
        ('{"better": "x"}', None),
    ],
)
def test_neither_is_a_verdict_and_nothing_is_none(answer: str, verdict: int | None) -> None:
    assert find_verdict(answer) == verdict
