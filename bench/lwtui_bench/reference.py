"""Published results on LongBench-Write, to compare with. S_q compares only between results of the same judge."""

from __future__ import annotations

from dataclasses import dataclass

from lwtui.translation import _


@dataclass(frozen=True)
class PublishedResult:
    """A row of a paper's table. Scores run from 0 to 100; ``None`` means that the paper does not give one."""

    model: str
    mean: float | None
    s_l: float | None
    s_q: float | None
    judge: str
    source: str


_GPT_4O = "GPT-4o"
_TABLES, _REER_PAPER = "arXiv 2410.10210", "arXiv 2509.06160"


def published_results() -> tuple[PublishedResult, ...]:
    """Return the results in the user's language."""
    reer = _("as in REER")
    globo = _("{name}, length control in the sampler", name="GLoBo")
    qwen = _("{name}, 666 long samples", name="Qwen2.5-7B-Instruct")
    return (
        PublishedResult("Claude 3.7", 97.8, None, None, reer, _REER_PAPER),
        PublishedResult("DeepWriter-8B", 91.3, None, None, reer, _REER_PAPER),
        PublishedResult("Qwen3-8B", 85.2, None, None, reer, _REER_PAPER),
        PublishedResult("LongWriter-8B", 76.5, None, None, reer, _REER_PAPER),
        PublishedResult("LongWriter-9B-DPO", 84.0, 82.6, 85.4, _GPT_4O, "arXiv 2408.07055"),
        PublishedResult(globo, 85.3, None, None, _GPT_4O, "arXiv 2605.01357"),
        PublishedResult(qwen, 82.8, 81.2, 84.4, _GPT_4O, _TABLES),
        PublishedResult("LongWriter-9B", 80.5, 78.6, 82.3, _GPT_4O, _TABLES),
        PublishedResult("Qwen2.5-7B-Instruct", 75.8, 66.4, 85.2, _GPT_4O, _TABLES),
        PublishedResult("GLM-4-9B-chat", 67.8, 52.8, 82.8, _GPT_4O, _TABLES),
    )
