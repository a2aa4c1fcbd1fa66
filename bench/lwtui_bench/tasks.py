"""What is asked, and how an answer is scored without a judge: a :class:`Suite`. Other packages can add their own.

A package adds one by an entry point of the group ``lwtui_bench.suites`` that names a :class:`Suite`::

    [project.entry-points."lwtui_bench.suites"]
    my-suite = "my_package:SUITE"
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.errors import LwtuiError
from lwtui.text import detect_language
from lwtui_bench.fields import length_in, prompt_id, prompt_in, type_in
from lwtui_bench.jsonl import read_rows

if TYPE_CHECKING:
    from lwtui_bench.answers import Answer


@dataclass(frozen=True)
class Sample:
    """One thing to write. ``length`` is required, in words, or characters for Chinese.

    ``extra`` holds a suite's own fields: they go into the answer's row, where the suite's score finds them.
    """

    prompt: str
    type: str
    length: int
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The same for the same prompt, wherever it comes from."""
        return prompt_id(self.prompt)

    @cached_property
    def language(self) -> str:
        """BCP 47 tag of the prompt's language."""
        return detect_language(self.prompt)


Score = Callable[["Answer"], Mapping[str, float]]


@dataclass(frozen=True)
class Suite:
    """A benchmark. ``load`` takes the folder or file that ``--data`` names, or ``None``.

    ``score`` gives named figures from 0 to 100 for one answer; the first is the headline. An answer that is not there
    scores 0.
    """

    name: str
    description: str
    load: Callable[[Path | None], Sequence[Sample]]
    score: Score
    published: bool = False  # whether the figures of published models on LongBench-Write stand beside its own


def read_samples(path: Path, extra: Sequence[str] = ()) -> list[Sample]:
    """The samples of a file with a row ``{"prompt", "type", "length"}`` a line; ``extra`` fields are kept.

    Raises :class:`LwtuiError` that names the lines which are wrong.
    """
    seen: set[str] = set()

    def parse(row: dict[str, Any]) -> Sample:
        prompt = prompt_in(row)
        if prompt in seen:
            raise ValueError("its prompt stands in an earlier line already")
        seen.add(prompt)
        kept = {name: row[name] for name in extra if name in row}
        return Sample(prompt, type_in(row), math.ceil(length_in(row)), kept)

    samples = read_rows(path, parse)
    if not samples:
        raise LwtuiError(f"{path} holds no prompts.")
    return samples
