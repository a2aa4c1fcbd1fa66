"""``--upstream-compat`` takes a judge's replies exactly as LongBench-Write's own script does.

The cases follow from the script's behavior: it takes JSON, or the first block marked as JSON, without line breaks; asks
again while five tries last, of which a missing grade takes two unless it is the last one; and then drops the answer.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lwtui_bench.answers import read_answers
from lwtui_bench.grades import DIMENSIONS
from lwtui_bench.summary import load_runs
from lwtui_bench.upstream import MAX_TRIES, take_reply
from tests.bench.support import Grader, grades, load_rows, row, serving, write_rows
from tests.cli.running import Shell


def reply(*values: object) -> str:
    """Return a reply with these grades, one for all or six; ``None`` leaves one out."""
    each = values * 6 if len(values) == 1 else values
    return json.dumps({name: value for name, value in zip(DIMENSIONS, each, strict=True) if value is not None})


FOUR = [4.0] * 6
NO_FIRST, NO_LAST = reply(None, 4, 4, 4, 4, 4), reply(4, 4, 4, 4, 4, None)
# What the judge replies, how often it is asked, and the grades that count, if any.
CASES: list[tuple[list[str], int, list[float] | None]] = [
    ([reply(4)], 1, FOUR),
    ([reply(4.5)], 1, [4.5] * 6),
    ([reply("4")], 1, FOUR),
    ([reply(" 4.0 ")], 1, FOUR),
    ([reply(9)], 1, [9.0] * 6),
    ([reply(0)], 1, [0.0] * 6),
    ([reply(1, 2, 3, 4, 5, 3)], 1, [1.0, 2.0, 3.0, 4.0, 5.0, 3.0]),
    ([reply("4/5")], 1, None),
    ([reply(True)], 1, [1.0] * 6),
    ([reply({"score": 4})], 1, None),
    ([grades(4)], 1, FOUR),
    ([f"```json\n{reply(4)}\n```"], 1, FOUR),
    ([f"My view:\n```json\n{reply(4)}\n```\nThat is all."], 1, FOUR),
    ([f"```json\n{reply(4)}\n```\n```json\n{reply(1)}\n```"], 1, FOUR),
    ([json.dumps(json.loads(reply(4)), indent=2)], 1, FOUR),
    ([f"My view: {reply(4)}"], 5, None),
    ([f"{reply(4)} That is all."], 5, None),
    ([f"```json {reply(4)} ```"], 5, None),
    ([f"```\n{reply(4)}\n```"], 5, None),
    (["I would rather not."], 5, None),
    ([""], 5, None),
    (["null"], 5, None),
    (["4"], 1, None),
    (["[4, 4, 4, 4, 4, 4]"], 3, None),
    ([NO_FIRST], 3, None),
    ([NO_LAST], 5, None),
    ([NO_FIRST, NO_FIRST, reply(4)], 3, FOUR),
    (["Hm.", "Hm.", "Hm.", "Hm.", reply(4)], 5, FOUR),
    ([NO_FIRST, "Hm.", NO_FIRST, reply(4)], 3, None),
    ([NO_LAST, NO_LAST, NO_LAST, NO_FIRST, reply(4)], 4, None),
    (['{"Relevance": 4, "Relevance": 5}', reply(4)], 2, FOUR),
]


@pytest.mark.parametrize(("replies", "asked", "expected"), CASES)
def test_replies_are_taken_as_upstream_takes_them(replies: list[str], asked: int, expected: list[float] | None) -> None:
    tries, count = 0, 0
    while tries < MAX_TRIES:
        taken = take_reply(replies[min(count, len(replies) - 1)])
        count, tries = count + 1, tries + taken.tries
        if taken.accepted:
            break
    found = [taken.grades[name] for name in DIMENSIONS] if taken.accepted and taken.grades else None
    assert (count, found) == (asked, expected)


def test_the_command_judges_and_averages_as_upstream(tmp_path: Path) -> None:
    """Three answers, one of them empty: it is judged like the others, and the one without grades is dropped."""
    shell = Shell(tmp_path)
    answers = write_rows(tmp_path / "a.jsonl", [row(1, 100, 90), row(2, 100, 0), row(3, 100, 80)])
    with serving(grader := Grader([reply(4.5), reply(2), NO_FIRST])) as server:
        command = ["bench", "judge", "a.jsonl", "--judge", "m-1", "--base-url", server.base_url, "--concurrency", 1]
        shell.run(*command, "--upstream-compat").worked()
        assert len(grader.requests) == 2 + 3
        assert {request.get("max_tokens", request.get("max_completion_tokens")) for request in grader.requests} == {
            1024
        }
        shell.run(*command, "--upstream-compat").worked()
        assert len(grader.requests) == 5
    (run,) = load_runs([answers], compat=True)
    assert [scored.s_q for scored in run.answers] == [pytest.approx(87.5), pytest.approx(25.0), None]
    interval = run.figure("S_q")
    assert interval is not None and interval.mean == pytest.approx((87.5 + 25.0) / 2)


def test_upstreams_own_file_is_read_with_its_grades_and_its_last_line(tmp_path: Path) -> None:
    rows = [row(1, 100, 90), row(2, 100, 100)]
    for at, value in enumerate((4, 3.5)):
        rows[at]["scores"] = json.loads(reply(value)) | {"Analysis": "Sound."}
    total = dict.fromkeys(DIMENSIONS, 68.75) | {"total": 68.75}
    path = write_rows(tmp_path / "judge.jsonl", [*rows, total])
    assert len(read_answers(path)) == 2
    for compat in (False, True):
        (run,) = load_runs([path], compat=compat)
        interval = run.figure("S_q")
        assert interval is not None and interval.mean == pytest.approx(total["total"])
    assert len(load_rows(path)) == 3
