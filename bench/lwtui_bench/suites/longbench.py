"""LongBench-Write and LongWrite-Ruler, whose prompts are fetched, and a small set of lwtui's own in their format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lwtui.errors import LwtuiError
from lwtui.translation import _
from lwtui_bench import fetch
from lwtui_bench.answers import StoredAnswer
from lwtui_bench.length_score import length_score
from lwtui_bench.tasks import Sample, Suite, read_samples

_TRIAL_FILE = Path(__file__).with_name("trial.jsonl")


def score(answer: StoredAnswer) -> Mapping[str, float]:
    """Return S_l as published."""
    return {"S_l": length_score(answer.length, answer.actual)}


def _official(file: fetch.OfficialFile) -> Callable[[Path | None], Sequence[Sample]]:
    def load(data: Path | None) -> Sequence[Sample]:
        if data is not None and data.is_file():
            return read_samples(data)
        path = (data or fetch.folder()) / file.name
        if data is None and not path.is_file():
            raise LwtuiError(
                _(
                    "The prompts of LongBench-Write are not on this machine. Get them with lwtui bench fetch, or give "
                    "a folder that has them with --data; or use lwtui's own prompts: --task trial."
                )
            )
        return read_samples(path)

    return load


def _trial(data: Path | None) -> Sequence[Sample]:
    return read_samples(data if data is not None and data.is_file() else _TRIAL_FILE)


WRITE = Suite(
    "longbench-write",
    _("120 prompts, English and Chinese, 100 to 20,000 words (needs lwtui bench fetch)"),
    _official(fetch.PROMPTS),
    score,
    published=True,
)
ENGLISH = Suite("longbench-write-en", _("the English half of longbench-write"), _official(fetch.ENGLISH), score)
RULER = Suite(
    "longwrite-ruler",
    _("48 prompts, 1,000 to 30,000 words: how long can a model write? (needs fetch; short: ruler)"),
    _official(fetch.RULER),
    score,
)
TRIAL = Suite("trial", _("12 prompts of lwtui's own, 120 to 4,200 words, for a quick try"), _trial, score)
