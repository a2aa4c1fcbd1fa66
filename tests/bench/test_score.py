import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.support import row, write_rows
from tests.cli.running import Shell


def score(shell: Shell, rows: list[dict[str, Any]], *options: object) -> dict[str, Any]:
    path = write_rows(shell.folder / "answers.jsonl", rows)
    table: dict[str, Any] = json.loads(shell.run("bench", "score", path, "--json", *options).worked().out)
    return table


def test_a_prediction_file_of_upstreams_own_scripts(shell: Shell) -> None:
    rows = [
        row(1, 100, 100),
        row(2, 1000, 500, type="Popular Science"),
        row(3, 3000, 12_000),
        {"prompt": "写一篇文章。", "type": "News Report", "length": 4, "response_length": 4, "response": "四个汉字。"},
    ]
    table = score(shell, rows)
    assert table["S_l"] == pytest.approx((100 + 50 + 0 + 100) / 4)
    assert (table["n"], table["unanswered"]) == (4, 0)
    assert table["by_length"]["[0,500)"] == {"S_l": 100.0, "n": 2, "unanswered": 0}
    assert table["by_length"]["[500,2000)"]["S_l"] == pytest.approx(50)
    assert table["by_type"]["Popular Science"]["n"] == 1
    assert table["by_language"]["zh"] == {"S_l": 100.0, "n": 1, "unanswered": 0}
    low, high = table["interval"]
    assert low < table["S_l"] < high


@pytest.mark.parametrize("response", ["", "  \n", None, ...])
def test_a_row_without_an_answer_scores_0_and_is_counted(shell: Shell, response: Any) -> None:
    empty = {"prompt": "Write.", "type": "News Report", "length": 100} | (
        {} if response is ... else {"response": response}
    )
    table = score(shell, [row(1, 100, 100), empty])
    assert (table["S_l"], table["n"], table["unanswered"]) == (50.0, 2, 1)


def test_a_text_in_another_script_is_an_answer_of_no_length(shell: Shell) -> None:
    table = score(shell, [row(1, 100, 0, response="Это текст.")])
    assert (table["S_l"], table["unanswered"]) == (0.0, 0)


def test_a_file_without_its_texts_is_scored_by_its_lengths(shell: Shell) -> None:
    table = score(shell, [{"prompt": "Write.", "type": "t", "length": 100, "response_length": 50}])
    assert (table["S_l"], table["unanswered"]) == (50.0, 0)


def test_the_text_decides_where_the_row_states_another_length(shell: Shell) -> None:
    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 100, response_length=7)])
    done = shell.run("bench", "score", path, "--json").worked()
    assert json.loads(done.out)["S_l"] == 100
    assert "1 rows state another response_length" in done.err


def test_malformed_rows_are_named_with_their_lines(shell: Shell) -> None:
    path = shell.folder / "a.jsonl"
    good = json.dumps(row(1, 100, 100))
    wrong = [
        '{"prompt": "x", "length": 100, "response": "cut o',
        "[]",
        '{"type": "t", "length": 100, "response": "x"}',
        '{"prompt": "x", "response": "x"}',
        '{"prompt": "x", "length": "many", "response": "x"}',
        '{"prompt": "x", "length": 0, "response": "x"}',
        '{"prompt": "x", "length": NaN, "response": "x"}',
        '{"prompt": "x", "length": 100, "response": 7}',
        '{"prompt": "x", "length": 100, "response_length": -1}',
    ]
    path.write_text("\n".join([good, *wrong, good]) + "\n")
    done = shell.run("bench", "score", path, "--json")
    assert done.code == 1 and done.out == ""
    assert "9 rows" in done.err and "Traceback" not in done.err
    for line in range(2, 11):
        assert f"line {line}: " in done.err
    assert "it has no 'prompt'" in done.err and "'length' must be a number above 0, not 'many'" in done.err


def test_no_file_and_an_empty_one(shell: Shell) -> None:
    shell.run("bench", "score", "nothing.jsonl").failed(1, "There is no file nothing.jsonl")
    (shell.folder / "empty.jsonl").write_text("\n")
    shell.run("bench", "score", "empty.jsonl").failed(1, "holds no answers")


def test_fail_under_is_for_continuous_integration(shell: Shell) -> None:
    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 50)])
    assert shell.run("bench", "score", path, "--fail-under", 50).code == 0
    done = shell.run("bench", "score", path, "--fail-under", 50.1)
    assert done.code == 1
    assert "S_l is 50.00, under 50.1" in done.err
    shell.run("bench", "score", path, "--fail-under", "much").failed(2, "--fail-under")


def test_the_table_shows_the_same(shell: Shell) -> None:
    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 50), row(2, 5000, 5000)])
    out = shell.run("bench", "score", path).worked().out
    for word in ("75.0", "[4000,20000]", "longest repeated span", "News Report"):
        assert word in out


def test_control_characters_of_a_file_do_not_reach_the_terminal(shell: Shell) -> None:
    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 50, type="\x1b[31mred", model="\x1b]0;x\x07m")])
    assert "\x1b" not in shell.run("bench", "score", path).worked().out


def test_without_the_extra_it_says_what_to_install(shell: Shell, tmp_path: Path) -> None:
    blocker = tmp_path / "block"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(
        "import sys, importlib.abc\n"
        "class Gone(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'matplotlib':\n"
        "            raise ModuleNotFoundError(name)\n"
        "import importlib.util as util\n"
        "real = util.find_spec\n"
        "util.find_spec = lambda name, package=None: None if name == 'matplotlib' else real(name, package)\n"
    )
    root = shell.environment()["PYTHONPATH"]
    for arguments in (("bench",), ("bench", "--help"), ("bench", "score", "x.jsonl")):
        shell.run(*arguments, PYTHONPATH=f"{blocker}:{root}").failed(1, 'pip install "lwtui[bench]"', "matplotlib")
