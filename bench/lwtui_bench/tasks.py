"""Suites: where prompts come from, and how an answer is scored without a judge.

Another package adds a :class:`Suite` with an entry point in the group ``lwtui_bench.suites``::

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
from lwtui.translation import _
from lwtui_bench.fields import get_length, get_prompt, get_type, prompt_id
from lwtui_bench.jsonl import read_rows

if TYPE_CHECKING:
    from lwtui_bench.answers import StoredAnswer


@dataclass(frozen=True)
class Sample:
    """One prompt of a suite.

    Attributes:
        length: The required length, in words (characters for Chinese).
        extra: A suite's own fields. They are copied into the answer's row, where the suite's scorer finds them.
    """

    prompt: str
    type: str
    length: int
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """Identifier of the prompt, the same in every suite and file."""
        return prompt_id(self.prompt)

    @cached_property
    def language(self) -> str:
        """BCP 47 tag of the prompt's language."""
        return detect_language(self.prompt)


Scorer = Callable[["StoredAnswer"], Mapping[str, float]]


@dataclass(frozen=True)
class Suite:
    """A benchmark.

    Attributes:
        load: Returns the samples. Its argument is the folder or file given with ``--data``, or ``None``.
        score: Returns named scores from 0 to 100 for one answer, the headline first. A missing answer scores 0.
        published: Whether the published results on LongBench-Write are shown next to this suite's.
    """

    name: str
    description: str
    load: Callable[[Path | None], Sequence[Sample]]
    score: Scorer
    published: bool = False


def read_samples(path: Path, extra: Sequence[str] = ()) -> list[Sample]:
    """Read a file with one ``{"prompt", "type", "length"}`` object per line.

    Args:
        path: The file.
        extra: Names of further fields to keep.

    Raises:
        LwtuiError: The file is missing, empty or malformed; the message names the lines.
    """
    seen: set[str] = set()

    def parse(row: dict[str, Any]) -> Sample:
        prompt = get_prompt(row)
        if prompt in seen:
            raise ValueError(_("an earlier line has the same prompt"))
        seen.add(prompt)
        kept = {name: row[name] for name in extra if name in row}
        return Sample(prompt, get_type(row), math.ceil(get_length(row)), kept)

    samples = read_rows(path, parse)
    if not samples:
        raise LwtuiError(_("{path} holds no prompts.", path=path))
    return samples
