"""Read and check the rows of data files. Errors name the file, the line and the problem."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lwtui.text import clean
from lwtui_training.steps import RowError, TrainError

ROLES = ("system", "user", "assistant")
Row = dict[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Instruction:
    """A text to write, and its length in words."""

    text: str
    words: int


def read_messages(source: str, split: str = "train") -> list[Row]:
    """Read conversations: ``{"messages": [{"role", "content"}, …]}``.

    Args:
        source: A JSON Lines file, a saved dataset, or the name of a dataset on the Hugging Face hub.
        split: The split of a dataset.

    Raises:
        RowError: A row is malformed.
        TrainError: The source cannot be read or is empty.
    """
    return _read(source, split, _conversation)


def read_preferences(source: str, split: str = "train") -> list[Row]:
    """Read preference pairs: ``{"prompt", "chosen", "rejected"}``, each a text or a list of messages.

    Args:
        source: A JSON Lines file, a saved dataset, or the name of a dataset on the Hugging Face hub.
        split: The split of a dataset.

    Raises:
        RowError: A row is malformed.
        TrainError: The source cannot be read or is empty.
    """
    return _read(source, split, _preference)


def read_instructions(source: str, words: int) -> list[Instruction]:
    """Read instructions.

    Args:
        source: JSON Lines of ``{"instruction", "words"}`` or, as in LongBench-Write, ``{"prompt", "length"}``; or a
            text file (.txt or .md) with one instruction per line.
        words: The length for instructions that state none.

    Raises:
        RowError: A row is malformed.
        TrainError: The source cannot be read or is empty.
    """
    path = Path(source)
    if path.suffix in (".txt", ".md"):
        lines = (line.strip() for line in _text(path).splitlines())
        return [Instruction(clean(line), words) for line in lines if line]
    return _read(source, "train", lambda row: _instruction(row, words))


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write a JSON Lines file atomically."""
    from lwtui.files import write_atomically

    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _read(source: str, split: str, check: Callable[[Row], _T]) -> list[_T]:
    checked = []
    for where, row in _rows(source, split):
        try:
            checked.append(check(row))
        except ValueError as error:
            raise RowError(where, f"{error}. Fix or remove that row.") from None
    if not checked:
        raise TrainError(f"{source} has no rows.", code="no-rows")
    return checked


def _rows(source: str, split: str) -> Iterator[tuple[str, Row]]:
    path = Path(source)
    if path.is_file():
        yield from _lines(path)
        return
    for number, row in enumerate(_load_dataset(source, split)):
        yield f"{source}[{split}], row {number}", row


def _lines(path: Path) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise RowError(
                f"{path}, line {number}", f"not JSON ({error.msg} at column {error.colno}).", code="not-json"
            ) from None
        if not isinstance(row, dict):
            raise RowError(f"{path}, line {number}", f"a row must be an object, not {type(row).__name__}.")
        yield f"{path}, line {number}", row


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise RowError(f"{path}, line {line}", f"not UTF-8 text (byte {error.start}).", code="not-utf8") from None
    except OSError as error:
        raise TrainError(f"Cannot read {path}: {error.strerror}.", code="unreadable") from None


def _load_dataset(source: str, split: str) -> Any:
    """Load a dataset from a folder or from the hub."""
    import datasets

    try:
        if (Path(source) / "state.json").exists() or (Path(source) / "dataset_dict.json").exists():
            loaded = datasets.load_from_disk(source)
            return loaded[split] if isinstance(loaded, datasets.DatasetDict) else loaded
        return datasets.load_dataset(source, split=split)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainError(
            f"There is no file or dataset {source!r} ({reason}). Check the path or the name.", code="not-found"
        ) from None


def _conversation(row: Row) -> Row:
    return {"messages": _messages(row.get("messages"), "messages", answered=True)}


def _messages(value: Any, name: str, *, answered: bool) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name!r} must be a list of messages")
    cleaned = []
    for at, message in enumerate(value):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise ValueError(f"message {at} must have a role, one of {', '.join(ROLES)}")
        content = message.get("content")
        if not isinstance(content, str) or not content.strip():
            raise ValueError(f"message {at} ({message['role']}) has no text in 'content'")
        cleaned.append({"role": message["role"], "content": clean(content)})
    if answered and cleaned[-1]["role"] != "assistant":
        raise ValueError("the last message must be the assistant's")
    if answered and all(message["role"] != "user" for message in cleaned):
        raise ValueError("there is no user message")
    return cleaned


def _preference(row: Row) -> Row:
    prompt, chosen, rejected = (row.get(name) for name in ("prompt", "chosen", "rejected"))
    if isinstance(prompt, str) and isinstance(chosen, str) and isinstance(rejected, str):
        prompt = [{"role": "user", "content": prompt}]
        chosen, rejected = ([{"role": "assistant", "content": text}] for text in (chosen, rejected))
    pair = {
        "prompt": _messages(prompt, "prompt", answered=False),
        "chosen": _messages(chosen, "chosen", answered=False),
        "rejected": _messages(rejected, "rejected", answered=False),
    }
    if pair["chosen"] == pair["rejected"]:
        raise ValueError("'chosen' and 'rejected' are the same")
    return pair


def _instruction(row: Row, words: int) -> Instruction:
    text = row.get("instruction", row.get("prompt"))
    length = row.get("words", row.get("length", words))
    if not isinstance(text, str) or not text.strip():
        raise ValueError("it has no text in 'instruction'")
    if type(length) is not int or length < 1:
        raise ValueError(f"'words' must be a whole number above 0, not {length!r}")
    return Instruction(clean(text).strip(), length)
