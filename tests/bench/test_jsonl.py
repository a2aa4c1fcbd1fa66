import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lwtui.errors import LwtuiError
from lwtui_bench.jsonl import JsonLinesFile, read_rows
from tests.errors import has_code


def test_rows_are_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.jsonl"
    with JsonLinesFile.open(path) as store:
        store.append({"a": "中\u2028文\n"})
        store.append({"a": 2})
    with JsonLinesFile.open(path) as store:
        assert store.rows == [{"a": "中\u2028文\n"}, {"a": 2}]


@pytest.mark.parametrize("cut", [1, 5, 11])
def test_a_half_written_last_line_is_removed(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' + b'{"a": "\xe4\xb8\xad"}\n'[:cut])
    with JsonLinesFile.open(path) as store:
        assert store.rows == [{"a": 1}] and store.truncated == cut
        store.append({"a": 3})
    assert path.read_text() == '{"a": 1}\n{"a": 3}\n'


def test_a_last_line_that_only_lacks_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}')
    with JsonLinesFile.open(path) as store:
        store.append({"a": 3})
        assert [row["a"] for row in store.rows] == [1, 2, 3] and store.truncated == 0
    assert path.read_text().count("\n") == 3


def test_a_killed_process_loses_no_row_that_it_reported_as_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    script = (
        "import sys; from pathlib import Path; from lwtui_bench.jsonl import JsonLinesFile\n"
        "store = JsonLinesFile.open(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    store.append({'n': n, 'text': '字' * 5000}); print(n, flush=True)\n"
    )
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        reported = [int(line) for line in process.communicate()[0].splitlines()]
        with JsonLinesFile.open(path) as store:
            assert {row["n"] for row in store.rows} >= set(reported)
            # One more was read above, and another may have been stored but not reported.
            assert len(store.rows) in (len(reported) + 1, len(reported) + 2)
        path.unlink()


def test_a_file_has_one_writer_at_a_time(tmp_path: Path) -> None:
    with JsonLinesFile.open(tmp_path / "a.jsonl"), pytest.raises(LwtuiError, check=has_code("open-elsewhere")):
        JsonLinesFile.open(tmp_path / "a.jsonl")


def test_rows_are_removed_atomically(tmp_path: Path) -> None:
    with JsonLinesFile.open(tmp_path / "a.jsonl") as store:
        for n in range(4):
            store.append({"n": n})
        store.retain(lambda row: row["n"] % 2 == 0)
        store.append({"n": 9})
    assert [row["n"] for row in read_rows(tmp_path / "a.jsonl", dict)] == [0, 2, 9]


def test_a_full_disk_is_reported_and_leaves_no_partial_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with JsonLinesFile.open(tmp_path / "a.jsonl") as store:
        store.append({"n": 1})
        real, calls = os.write, []

        def write(descriptor: int, data: bytes) -> int:
            if calls:
                raise OSError(28, "No space left on device")
            calls.append(data)
            return real(descriptor, data[:3])

        monkeypatch.setattr(os, "write", write)
        with pytest.raises(LwtuiError, check=has_code("unwritable")):
            store.append({"n": 2})
        monkeypatch.undo()
        store.append({"n": 3})
    assert (tmp_path / "a.jsonl").read_text() == '{"n": 1}\n{"n": 3}\n'


def test_every_malformed_row_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n[1]\n{"a": \n{"a": "\xff"}\n' + b"[" * 200_000 + b"\n" + b'{"b": 1}\n')

    def parse(row: dict[str, int]) -> int:
        if "a" not in row:
            raise ValueError("it has no 'a'")
        return row["a"]

    with pytest.raises(LwtuiError, check=has_code("malformed-rows")) as caught:
        read_rows(path, parse)
    message = "\n".join([str(caught.value), *caught.value.__notes__])
    for line, reason in ((3, "not a JSON object"), (4, "not JSON"), (5, "UTF-8"), (6, "nested"), (7, "no 'a'")):
        assert re.search(rf"line {line}: [^\n]*{reason}", message)
    assert len(re.findall(r"line \d+: ", message)) == 5


def test_an_unencodable_character_is_replaced(tmp_path: Path) -> None:
    with JsonLinesFile.open(tmp_path / "a.jsonl") as store:
        store.append({"a": "\ud800"})
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {"a": "?"}
