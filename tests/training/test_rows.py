"""Rows in the formats and files that people have."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from lwtui.text import count_words
from lwtui_training.data import prompt_for
from lwtui_training.row_files import DatasetPart
from lwtui_training.row_formats import conversation_of, preference_of
from lwtui_training.rows import Instruction, read_instructions, read_messages, read_preferences
from lwtui_training.steps import RowError, TrainError
from tests.errors import has_code
from tests.training.support import write_jsonl

FILES = ("r.jsonl", "r.jsonl.gz", "r.jsonl.zst", "r.jsonl.xz", "r.jsonl.bz2")
FILES += ("r.json", "r.json.gz", "r.parquet", "r.csv")
PAIR = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


def roles(*texts: str) -> list[dict[str, str]]:
    """Return messages from texts such as "user: hello"."""
    return [dict(zip(("role", "content"), text.split(": ", 1), strict=True)) for text in texts]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": PAIR},
        {"messages": PAIR, "score": float("nan")},
        {"conversation": [{"content": "a", "role": "user", "turn": 1}, {"content": "b", "role": "assistant"}]},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
        {
            "conversations": [
                {"from": "GPT", "value": "hi"},
                {"from": "human", "value": "a"},
                {"from": "gpt", "value": "b"},
            ]
        },
        {"messages": [*PAIR, {"role": "user", "content": "never answered"}]},
        {"messages": [{"role": "system", "content": " "}, *PAIR]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}, PAIR[1]]},
        {"instruction": "a", "input": "", "output": "b"},
        {"instruction": "a", "output": "b", "system": ""},
        {"prompt": "a", "completion": "b"},
        {"prompt": [PAIR[0]], "completion": [PAIR[1]]},
        {"instruction": "a", "response": "b"},
        {"question": "a", "answer": "b"},
        {"prompt": "a \ud83d".replace(" \ud83d", ""), "response": "b"},
        {"prompt": "a", "plan": "Paragraph 1 - Main Point: x - Word Count: 3", "write": ["b"]},
        {"messages": None, "conversations": PAIR, "prompt": None},
    ],
)
def test_the_usual_formats_are_one_conversation(row: dict[str, Any]) -> None:
    assert conversation_of(row) == PAIR


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"instruction": "a", "input": "x", "output": "b"}, roles("user: a\n\nx", "assistant: b")),
        ({"prompt": "a", "write": ["b", "c"]}, roles("user: a", "assistant: b\n\nc")),
        ({"messages": roles("user: a", "user: b", "assistant: c")}, roles("user: a\n\nb", "assistant: c")),
        ({"messages": roles("developer: d", "user: a", "assistant: b")}, roles("system: d", "user: a", "assistant: b")),
        ({"system": "s", "conversations": PAIR}, roles("system: s", "user: a", "assistant: b")),
        (
            {"instruction": "c", "history": [["a", "b"]], "output": "d"},
            roles("user: a", "assistant: b", "user: c", "assistant: d"),
        ),
        (
            {
                "messages": [
                    PAIR[0],
                    {"role": "assistant", "content": None, "tool_calls": []},
                    {"role": "tool", "content": "x"},
                    PAIR[1],
                ]
            },
            roles("user: a\n\n[Tool result]\nx", "assistant: b"),
        ),
        (
            {
                "conversations": [
                    {"from": "human", "value": "a"},
                    {"from": "function_call", "value": "{}"},
                    {"from": "observation", "value": "x"},
                    {"from": "gpt", "value": "b"},
                ]
            },
            roles("user: a\n\n[Tool result]\nx", "assistant: b"),
        ),
    ],
)
def test_systems_tools_and_doubled_turns_are_folded(row: dict[str, Any], expected: list[dict[str, str]]) -> None:
    assert conversation_of(row) == expected


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "p", "chosen": "good", "rejected": "bad"},
        {"prompt": roles("user: p"), "chosen": roles("assistant: good"), "rejected": roles("assistant: bad")},
        {"prompt": "p", "chosen": roles("user: p", "assistant: good"), "rejected": roles("user: p", "assistant: bad")},
        {"chosen": roles("user: p", "assistant: good"), "rejected": roles("user: p", "assistant: bad")},
        {"chosen": "\n\nHuman: p\n\nAssistant: good", "rejected": "\n\nHuman: p\n\nAssistant: bad"},
        {
            "conversations": [{"from": "human", "value": "p"}],
            "chosen": {"from": "gpt", "value": "good"},
            "rejected": {"from": "gpt", "value": "bad"},
        },
        {"instruction": "p", "chosen_response": "good", "rejected_response": "bad"},
    ],
)
def test_preferences_with_and_without_a_prompt(row: dict[str, Any]) -> None:
    assert preference_of(row) == {
        "prompt": roles("user: p"),
        "chosen": roles("assistant: good"),
        "rejected": roles("assistant: bad"),
    }


@pytest.mark.parametrize(
    "row",
    [
        {"chosen": "good", "rejected": "bad"},
        {"prompt": "p", "chosen": "same", "rejected": "same"},
        {"prompt": "p", "chosen": "good"},
        {"prompt": "p", "chosen": "good", "rejected": " "},
        {"chosen": roles("user: p", "assistant: good"), "rejected": roles("user: q", "assistant: bad")},
        {"prompt": "p", "chosen": roles("user: p"), "rejected": roles("user: p")},
    ],
)
def test_preferences_that_cannot_be_used_have_a_reason(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        preference_of(row)


def save(rows: list[dict[str, Any]], path: Path) -> Path:
    """Write rows in the format and compression that the file's name says."""
    kind, _, packed = path.name.partition(".")[2].partition(".")
    if kind == "parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return path
    if kind == "csv":
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows({name: json.dumps(value) for name, value in row.items()} for row in rows)
        return path
    text = json.dumps(rows, indent=1) if kind == "json" else "".join(json.dumps(row) + "\n" for row in rows)
    data = text.encode()
    compress: dict[str, Any] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}
    path.write_bytes(compress[packed](data) if packed else data)
    return path


def zstd(data: bytes) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    "name",
    ["r.jsonl", "r.jsonl.gz", "r.jsonl.zst", "r.jsonl.xz", "r.jsonl.bz2", "r.json", "r.json.gz", "r.parquet", "r.csv"],
)
def test_the_usual_files_have_the_same_rows(tmp_path: Path, name: str) -> None:
    rows = [{"messages": roles(f"user: a {number}", 'assistant: b\u2028c, "d"\nе')} for number in range(3)]
    expected = [{"messages": conversation_of(row)} for row in rows]
    path = save(rows, tmp_path / name)
    assert read_messages(str(path)) == expected
    assert len(read_messages(str(path), DatasetPart(limit=2))) == 2
    assert read_messages(str(tmp_path)) == expected  # a folder of such files


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + json.dumps({"messages": PAIR}).encode() + b"\n\n",
        json.dumps({"messages": PAIR}).encode() + b"\r\n\r\n",
        json.dumps({"messages": PAIR}, indent=1).encode(),
        json.dumps([{"messages": PAIR}]).encode(),
        json.dumps({"data": [{"messages": PAIR}]}, indent=1).encode(),
        b"\xff\xfe" + json.dumps({"messages": PAIR}).encode("utf-16-le"),
        b'{"messages":[{"role":"user","content":"a\\ud83d"},{"role":"assistant","content":"b"}]}',
    ],
)
def test_marks_line_ends_and_whole_files_do_not_matter(tmp_path: Path, data: bytes) -> None:
    for name in ("rows.jsonl", "rows.json"):
        (tmp_path / name).write_bytes(data)
        assert read_messages(str(tmp_path / name)) == [{"messages": PAIR}]


def test_bad_rows_are_dropped_and_listed_up_to_a_share(tmp_path: Path) -> None:
    good, bad = {"messages": PAIR}, {"messages": roles("user: a")}
    path = write_jsonl(tmp_path / "rows.jsonl", [*[good] * 18, bad, bad])
    rows = read_messages(str(path))
    assert len(rows) == 18
    assert [row["place"] for row in rows.dropped] == [f"{path}, line 19", f"{path}, line 20"]
    assert "2 of 20 rows dropped" in rows.summary and "no answer" in rows.summary
    with pytest.raises(RowError) as caught:
        read_messages(str(path), most_bad=0.05)
    assert caught.value.place == f"{path}, line 19" and "10%" in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n \n", "[]"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.json").write_text(content)
    with pytest.raises(TrainError, check=has_code("no-rows")):
        read_messages(str(tmp_path / "rows.json"))


@pytest.mark.parametrize("name", ["r.jsonl.gz", "r.jsonl.zst", "r.parquet", "r.jsonl.xz"])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not that at all")
    with pytest.raises(TrainError, check=has_code("unreadable")) as caught:
        read_preferences(str(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"instruction": "x", "words": "500"}, 500),
        ({"instruction": "x", "words": 500.0}, 500),
        ({"instruction": "x", "words": "1,500 words"}, 1500),
        ({"prompt": "x", "length": 700}, 700),
        ({"instruction": "Write 900 words about tea."}, 900),
        ({"instruction": "x"}, 100),
    ],
)
def test_lengths_are_read_as_people_write_them(tmp_path: Path, row: dict[str, Any], words: int) -> None:
    path = write_jsonl(tmp_path / "i.jsonl", [row])
    assert [instruction.words for instruction in read_instructions(str(path), 100)] == [words]


@pytest.mark.parametrize("words", [0, -5, 500.5, True, "many", [], float("nan"), float("inf")])
def test_lengths_that_are_none_are_refused(tmp_path: Path, words: Any) -> None:
    path = write_jsonl(tmp_path / "i.jsonl", [{"instruction": "x", "words": words}])
    with pytest.raises(RowError, match="whole number"):
        read_instructions(str(path), 100)


@pytest.mark.parametrize(
    ("text", "words", "prompt"),
    [
        ("Write about tea.", 200, "Write about tea. Write about 200 words."),
        ("Write a 200-word text.", 200, "Write a 200-word text."),
        ("Write 12000 words.", 200, "Write 12000 words. Write about 200 words."),
        ("Write 2,000 words.", 2000, "Write 2,000 words."),
        (
            "In 2000 the harbor closed. Tell of it.",
            2000,
            "In 2000 the harbor closed. Tell of it. Write about 2000 words.",
        ),
        ("请写一篇关于茶的文章。", 3000, "请写一篇关于茶的文章。请写大约3000字。"),
        ("请写一篇3000字的文章。", 3000, "请写一篇3000字的文章。"),
        ("请写一篇三千字的文章。", 3000, "请写一篇三千字的文章。"),
        (
            "Schreibe einen langen Text über Tee und seine Geschichte.",
            300,
            "Schreibe einen langen Text über Tee und seine Geschichte. Schreibe etwa 300 Wörter.",
        ),
    ],
)
def test_the_length_is_asked_for_once_and_in_the_instructions_language(text: str, words: int, prompt: str) -> None:
    assert prompt_for(Instruction(text, words)) == prompt
    assert count_words(text) > 0
