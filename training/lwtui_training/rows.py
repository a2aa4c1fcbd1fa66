"""Reading rows: each is checked, and a bad one is refused with its file, its line and the reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lwtui.text import clean
from lwtui_training.steps import BadRow, TrainError

ROLES = ("system", "user", "assistant")
Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Instruction:
    """What is to be written, and how long (words)."""

    instruction: str
    words: int


def read_messages(source: str, split: str = "train") -> list[Row]:
    """Rows of ``{"messages": [{"role", "content"}, …]}`` from JSON lines, or from a data set of the hub or the disk.

    Raises :class:`BadRow`.
    """
    return _read(source, split, _conversation)


def read_preferences(source: str, split: str = "train") -> list[Row]:
    """Rows of ``{"prompt", "chosen", "rejected"}``, texts or lists of messages. Raises :class:`BadRow`."""
    return _read(source, split, _preference)


def read_instructions(source: str, words: int) -> list[Instruction]:
    """Instructions from JSON lines, or from a text with one a line; ``words`` is for those that do not say.

    The rows of LongBench-Write (``{"prompt", "length"}``) are read too. Raises :class:`BadRow`.
    """
    path = Path(source)
    if path.suffix in (".txt", ".md"):
        lines = (line.strip() for line in _text(path).splitlines())
        return [Instruction(clean(line), words) for line in lines if line]
    return _read(source, "train", lambda row: _instruction(row, words))


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write JSON lines, whole or not at all."""
    from lwtui.files import write_atomically

    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _read(source: str, split: str, check: Callable[[Row], T]) -> list[T]:
    checked = []
    for where, row in _rows(source, split):
        try:
            checked.append(check(row))
        except ValueError as error:
            raise BadRow(f"{where}: {error}. Mend or remove that row.") from None
    if not checked:
        raise TrainError(f"{source} has no rows.")
    return checked


def _rows(source: str, split: str) -> Iterator[tuple[str, Row]]:
    path = Path(source)
    if path.is_file():
        yield from _lines(path)
        return
    for number, row in enumerate(_data_set(source, split)):
        yield f"{source}[{split}], row {number}", row


def _lines(path: Path) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadRow(f"{path}, line {number}: not JSON ({error.msg} at column {error.colno}).") from None
        if not isinstance(row, dict):
            raise BadRow(f"{path}, line {number}: a row must be an object, not {type(row).__name__}.")
        yield f"{path}, line {number}", row


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise BadRow(f"{path}, line {line}: not UTF-8 text (byte {error.start}).") from None
    except OSError as error:
        raise TrainError(f"Cannot read {path}: {error.strerror}.") from None


def _data_set(source: str, split: str) -> Any:
    """A data set that was saved to a folder, or one of the hub."""
    import datasets

    try:
        if (Path(source) / "state.json").exists() or (Path(source) / "dataset_dict.json").exists():
            loaded = datasets.load_from_disk(source)
            return loaded[split] if isinstance(loaded, datasets.DatasetDict) else loaded
        return datasets.load_dataset(source, split=split)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainError(
            f"There is no file and no data set {source!r} ({reason}). Check the name or its path."
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
        raise ValueError("there is no user's message")
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
        raise ValueError("there is no text in 'instruction'")
    if type(length) is not int or length < 1:
        raise ValueError(f"'words' must be a whole number above 0, not {length!r}")
    return Instruction(clean(text).strip(), length)
