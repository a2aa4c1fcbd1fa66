"""Read and check the rows of data files. Bad rows are dropped and listed with their place and their reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import regex

from lwtui.text import clean, count_words
from lwtui.text.asked_length import words_in
from lwtui.translation import _
from lwtui_training.row_files import BadRow, DatasetPart, read_rows, read_text
from lwtui_training.row_formats import Row, conversation_of, preference_of
from lwtui_training.steps import RowError, TrainError

MOST_BAD_ROWS = 0.1  # share of the rows, unless a recipe says otherwise
_T = TypeVar("_T")
_NUMBER = regex.compile(r"(\d+|\d{1,3}(?:[, _]\d{3})+)(?:\.0+)?(?:\s*(?:words?|字))?")


@dataclass(frozen=True)
class Instruction:
    """A text to write, and its length in words.

    Attributes:
        constraint: The allowed lengths, if the instruction states them in another way than by one number: an object
            ``{"kind", "least", "most"}`` of :class:`lwtui_bench.suites.constraints.Constraint`.
    """

    text: str
    words: int
    constraint: dict[str, Any] | None = None


class Rows(list[_T]):
    """The rows that can be used.

    Attributes:
        dropped: The others: ``{"place", "reason"}`` each.
    """

    def __init__(self, rows: list[_T], dropped: list[dict[str, str]]) -> None:
        super().__init__(rows)
        self.dropped = dropped

    @property
    def summary(self) -> str:
        """How many rows were dropped, and for which reasons; empty if none."""
        if not self.dropped:
            return ""
        reasons = Counter(regex.sub(r"\d+|\(it has: .*\)", "…", row["reason"]) for row in self.dropped)
        shown = ", ".join(f"{count:,} × {reason}" for reason, count in reasons.most_common(3))
        return _(
            "{count:,} of {total:,} rows dropped: {shown}",
            count=len(self.dropped),
            total=len(self) + len(self.dropped),
            shown=shown,
        )


def read_messages(source: str, part: DatasetPart | None = None, most_bad: float = MOST_BAD_ROWS) -> Rows[Row]:
    """Read conversations, each as ``{"messages": [{"role", "content"}, …]}``.

    Args:
        source: A file, a folder, or the name of a dataset on the Hugging Face hub.
        part: Which part of a dataset to read.
        most_bad: Share of unusable rows above which an error is raised.

    Raises:
        RowError: Too many rows are unusable; it names the first one.
        TrainError: The source cannot be read or is empty.
    """
    return _read(source, part, most_bad, lambda row: {"messages": conversation_of(row)})


def read_preferences(source: str, part: DatasetPart | None = None, most_bad: float = MOST_BAD_ROWS) -> Rows[Row]:
    """Read preference pairs: ``{"prompt", "chosen", "rejected"}``, each a list of messages.

    Arguments and errors are those of :func:`read_messages`.
    """
    return _read(source, part, most_bad, preference_of)


def read_instructions(
    source: str, words: int, most_bad: float = MOST_BAD_ROWS, part: DatasetPart | None = None
) -> Rows[Instruction]:
    """Read instructions.

    Args:
        source: Rows of ``{"instruction", "words"}`` or, as in LongBench-Write, ``{"prompt", "length"}``; conversations,
            of which the first message counts and the length of the answer; or a text file (.txt or .md) with one
            instruction per line.
        words: The length for instructions that state none.
        most_bad: Share of unusable rows above which an error is raised.
        part: Which part of a dataset to read.

    Raises:
        RowError: Too many rows are unusable; it names the first one.
        TrainError: The source cannot be read or is empty.
    """
    path = Path(source)
    if path.suffix.lower() in (".txt", ".md"):
        lines = (clean(line).strip() for line in read_text(path).splitlines())
        found = [Instruction(line, words_in(line) or words) for line in lines if line]
        if not found:
            raise TrainError(_("{source} has no rows.", source=source), code="no-rows")
        return Rows(found, [])
    return _read(source, part, most_bad, lambda row: _instruction(row, words))


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write a JSON Lines file atomically."""
    from lwtui.files import write_atomically

    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _read(source: str, part: DatasetPart | None, most_bad: float, check: Callable[[Row], _T]) -> Rows[_T]:
    rows: list[_T] = []
    dropped: list[dict[str, str]] = []
    for place, row in read_rows(source, part or DatasetPart()):
        if isinstance(row, BadRow):
            dropped.append({"place": place, "reason": row.reason})
            continue
        try:
            rows.append(check(row))
        except ValueError as error:
            dropped.append({"place": place, "reason": str(error)})
    if not rows and not dropped:
        raise TrainError(_("{source} has no rows.", source=source), code="no-rows")
    if len(dropped) > most_bad * (len(rows) + len(dropped)) or not rows:
        share = len(dropped) / (len(rows) + len(dropped))
        raise RowError(
            dropped[0]["place"],
            _(
                "{reason}. {count:,} of {total:,} rows ({share:.0%}) cannot be "
                "used; most_bad_rows allows {most_bad:.0%}. Fix or remove them, or raise most_bad_rows.",
                reason=dropped[0]["reason"],
                count=len(dropped),
                total=len(rows) + len(dropped),
                share=share,
                most_bad=most_bad,
            ),
        )
    return Rows(rows, dropped)


def _instruction(row: Row, words: int) -> Instruction:
    text = next((row[name] for name in ("instruction", "prompt", "query", "text") if row.get(name)), None)
    answer = ""
    if text is None and any(row.get(name) for name in ("messages", "conversations", "conversation")):
        messages = conversation_of(row)
        text, answer = next(m["content"] for m in messages if m["role"] == "user"), messages[-1]["content"]
    if not isinstance(text, str) or not clean(text).strip():
        raise ValueError("it has no text in 'instruction'")
    text = clean(text).strip()
    given = next((row[name] for name in ("words", "length") if row.get(name) is not None), None)
    constraint = row.get("constraint")
    if constraint is not None:
        from lwtui_bench.suites.constraints import Constraint

        Constraint.parse(constraint)
    if given is not None:
        return Instruction(text, _whole(given), constraint)
    return Instruction(text, words_in(text) or count_words(answer) or words, constraint)


def _whole(value: Any) -> int:
    """Return a number of words, which may be written as 500, 500.0, "500" or "1,500 words"."""
    number = None
    if isinstance(value, str) and (match := _NUMBER.fullmatch(value.strip())):
        number = int(regex.sub(r"\D", "", match[1]))
    elif isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < 1e9:
        number = int(value) if value == int(value) else None
    if number is None or number < 1:
        raise ValueError(f"'words' must be a whole number above 0, not {value!r}")
    return number
