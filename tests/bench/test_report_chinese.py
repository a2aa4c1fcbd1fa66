"""Reports in Chinese: nothing on them is left in English, and what programs read is the same in every language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lwtui import translation
from lwtui.terminal_cells import width_of
from lwtui.translation import english, language
from lwtui_bench import charts
from lwtui_bench.answers import read_answers
from lwtui_bench.duel import DuelJudge
from lwtui_bench.grades import DIMENSIONS
from lwtui_bench.summary import load_runs
from tests.bench.support import row, serving, write_rows
from tests.bench.test_duel import Referee, answers, duel
from tests.bench.test_report import ReportPage
from tests.cli.running import Shell, prose

SECTION = {"title": "灯塔", "main_point": "amber basil lanterns", "words": 150, "length": 120, "start": 0, "end": 900}
# What a report has in Latin letters in every language: symbols, and names of products, papers and people.
SYMBOLS = {"S_l", "S_q", "n", "p", "A", "B", "Bradley", "Terry", "Elo", "Krippendorff", "Holm", "ASCII", "token"}
NAMES = {"LongBench", "Write", "arXiv", "REER", "lwtui", "bench", "errors", "distinct", "GPT", "again"}
SYSTEMS = {"Claude", "DeepWriter", "Qwen", "Instruct", "LongWriter", "DPO", "GLoBo", "GLM", "chat"}


def verdict(answer: Any, judge: str, repeat: int, *given: int, template: str = "own") -> dict[str, Any]:
    table = dict(zip(DIMENSIONS, given, strict=False))
    head = {"judge": judge, "judge_hash": "h", "template": template, "prompt_hash": "p", "answer_hash": answer.hash}
    return head | {"repeat": repeat, "id": answer.id, "grades": table} | ({} if given else {"raw": "没有评分。"})


def write_runs(folder: Path) -> list[Path]:
    """Write two runs with all that a report can show: two judges, one of them twice, a critic, answers that lack something."""
    made = []
    for model, share in (("ash-1", 1.0), ("elm-2", 0.6)):
        rows = []
        for at, length in enumerate((300, 450, 1200, 2500, 6000, 25_000, 800)):
            text = "".join(prose(f"{model}{at}", round(min(length, 900) * share)))
            fields = {"type": ("新闻", "议论文")[at % 2], "prompt": f"写一篇关于第 {at} 座灯塔的文章，{length} 字。"}
            ends = {"finish_reason": "length" if at == 3 else "stop", "cost": 0.01, "sections": [SECTION]}
            rows.append(row(at, length, 0, response=text, model=model) | fields | ends)
        rows[1] |= {"response": "", "finish_reason": "error"}
        path = write_rows(folder / f"{model}.jsonl", rows)
        graded = [answer for answer in read_answers(path) if answer.is_answered]
        verdicts = [verdict(graded[0], "oak-3", 1), verdict(graded[1], "oak-3", 2, 4, 4, 5, 4, 3, 4)]
        verdicts += [verdict(answer, "oak-3", 1, 4, 5, 4, 3, 4, 2 + at % 3) for at, answer in enumerate(graded[1:])]
        verdicts += [
            verdict(answer, "yew-4", 1, 3, 5, 4, 3, 4, 2 + at % 4, template="official")
            for at, answer in enumerate(graded[1:])
        ]
        write_rows(path.with_suffix(".judged.jsonl"), verdicts)
        read = {"critic": "fir-5", "critic_hash": "c", "contradictions": 1, "dropped": 2}
        write_rows(path.with_suffix(".errors.jsonl"), [read | {"answer_hash": graded[0].hash}])
        made.append(path)
    return made
