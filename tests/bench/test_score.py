import json
import re
from typing import Any

import pytest

from tests.bench.support import row, write_rows
from tests.cli.running import Shell


def score(shell: Shell, rows: list[dict[str, Any]], *options: object) -> dict[str, Any]:
    path = write_rows(shell.folder / "answers.jsonl", rows)
    table: dict[str, Any] = json.loads(shell.run("bench", "score", path, "--json", *options).worked().out)
    return table


def test_a_prediction_file_written_by_the_upstream_scripts(shell: Shell) -> None:
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


def test_a_text_in_another_script_is_an_answer_of_length_0(shell: Shell) -> None:
    table = score(shell, [row(1, 100, 0, response="Это текст.")])
    assert (table["S_l"], table["unanswered"]) == (0.0, 0)


def test_a_file_without_texts_is_scored_by_its_stated_lengths(shell: Shell) -> None:
    table = score(shell, [{"prompt": "Write.", "type": "t", "length": 100, "response_length": 50}])
    assert (table["S_l"], table["unanswered"]) == (50.0, 0)


def test_the_text_overrides_a_wrong_stated_length(shell: Shell) -> None:
    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 100, response_length=7)])
    done = shell.run("bench", "score", path, "--json").worked()
    assert json.loads(done.out)["S_l"] == 100
    assert "response_length" in done.err


def test_malformed_rows_are_reported_with_their_lines(shell: Shell) -> None:
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
    assert "Traceback" not in done.err
    assert [int(line) for line in re.findall(r"line (\d+): ", done.err)] == list(range(2, 11))
    assert re.search("line 4: .*'prompt'", done.err) and re.search("line 6: .*'length'.*'many'", done.err)


def test_missing_and_empty_files_are_reported(shell: Shell) -> None:
    shell.run("bench", "score", "nothing.jsonl").failed(1, "nothing.jsonl")
    (shell.folder / "empty.jsonl").write_text("\n")
    shell.run("bench", "score", "empty.jsonl").failed(1, "empty.jsonl")


def test_fail_under_sets_the_exit_code(shell: Shell) -> None:
    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 50)])
    assert shell.run("bench", "score", path, "--fail-under", 50).code == 0
    done = shell.run("bench", "score", path, "--fail-under", 50.1)
    assert done.code == 1
    assert "S_l" in done.err and "50.00" in done.err and "50.1" in done.err
    shell.run("bench", "score", path, "--fail-under", "much").failed(2, "--fail-under")


def test_the_tables_show_scores_and_metrics(shell: Shell) -> None:
    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 50), row(2, 5000, 5000)])
    out = shell.run("bench", "score", path).worked().out
    for word in ("75.0", "[4000,20000]", "longest repeated span", "News Report"):
        assert word in out


def test_control_characters_in_a_file_do_not_reach_the_terminal(shell: Shell) -> None:
    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 50, type="\x1b[31mred", model="\x1b]0;x\x07m")])
    assert "\x1b" not in shell.run("bench", "score", path).worked().out
