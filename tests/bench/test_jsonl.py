import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lwtui.errors import LwtuiError
from lwtui_bench.jsonl import JsonLines, read_rows


def test_rows_are_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.jsonl"
    with JsonLines.open(path) as store:
        store.append({"a": "中\u2028文\n"})
        store.append({"a": 2})
    with JsonLines.open(path) as store:
        assert store.rows == [{"a": "中\u2028文\n"}, {"a": 2}]


@pytest.mark.parametrize("cut", [1, 5, 11])
def test_a_half_written_last_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' + b'{"a": "\xe4\xb8\xad"}\n'[:cut])
    with JsonLines.open(path) as store:
        assert store.rows == [{"a": 1}] and store.cut == cut
        store.append({"a": 3})
    assert path.read_text() == '{"a": 1}\n{"a": 3}\n'


def test_a_last_line_that_only_lacks_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}')
    with JsonLines.open(path) as store:
        store.append({"a": 3})
        assert [row["a"] for row in store.rows] == [1, 2, 3] and store.cut == 0
    assert path.read_text().count("\n") == 3


def test_killed_at_any_moment_it_loses_no_row_that_was_said_to_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    script = (
        "import sys; from pathlib import Path; from lwtui_bench.jsonl import JsonLines\n"
        "store = JsonLines.open(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    store.append({'n': n, 'text': '字' * 5000}); print(n, flush=True)\n"
    )
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        said = [int(line) for line in process.communicate()[0].splitlines()]
        with JsonLines.open(path) as store:
            assert {row["n"] for row in store.rows} >= set(said)
            assert len(store.rows) in (len(said) + 1, len(said) + 2)  # the line read above, and one not yet said
        path.unlink()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with JsonLines.open(tmp_path / "a.jsonl"), pytest.raises(LwtuiError, match="being written"):
        JsonLines.open(tmp_path / "a.jsonl")


def test_rows_can_be_taken_out_in_one_step(tmp_path: Path) -> None:
    with JsonLines.open(tmp_path / "a.jsonl") as store:
        for n in range(4):
            store.append({"n": n})
        store.keep(lambda row: row["n"] % 2 == 0)
        store.append({"n": 9})
    assert [row["n"] for row in read_rows(tmp_path / "a.jsonl", dict)] == [0, 2, 9]


def test_a_full_disk_is_told_and_leaves_no_half_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with JsonLines.open(tmp_path / "a.jsonl") as store:
        store.append({"n": 1})
        real, calls = os.write, []

        def write(descriptor: int, data: bytes) -> int:
            if calls:
                raise OSError(28, "No space left on device")
            calls.append(data)
            return real(descriptor, data[:3])

        monkeypatch.setattr(os, "write", write)
        with pytest.raises(LwtuiError, match="No space left"):
            store.append({"n": 2})
        monkeypatch.undo()
        store.append({"n": 3})
    assert (tmp_path / "a.jsonl").read_text() == '{"n": 1}\n{"n": 3}\n'


def test_every_malformed_row_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n[1]\n{"a": \n{"a": "\xff"}\n' + b"[" * 200_000 + b"\n" + b'{"b": 1}\n')

    def parse(row: dict[str, int]) -> int:
        if "a" not in row:
            raise ValueError("it has no 'a'")
        return row["a"]

    with pytest.raises(LwtuiError) as caught:
        read_rows(path, parse)
    told = " ".join([str(caught.value), *caught.value.__notes__])
    assert "5 rows" in told
    for line, why in ((3, "not a JSON object"), (4, "not JSON"), (5, "UTF-8"), (6, "not JSON"), (7, "no 'a'")):
        assert f"line {line}: " in told
        assert why in told


def test_what_cannot_be_encoded_is_replaced(tmp_path: Path) -> None:
    with JsonLines.open(tmp_path / "a.jsonl") as store:
        store.append({"a": "\ud800"})
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {"a": "?"}
