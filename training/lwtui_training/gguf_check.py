"""Check that a GGUF matches its checkpoint: the same tokens, logits and greedy text."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lwtui.translation import _
from lwtui_training.steps import TrainError

_GENERATED_TOKENS = 24  # per prompt
TEXTS = (
    "Write a story of about 2,000 words.\n\nIt's a   test, isn't it? 1234567890",
    "第一章：灯塔的守望者。\n他每天早上都会爬上楼梯。",
    "Ünïcode — “quotes”, naïve café, 🙂🌊, Ελληνικά, русский, עברית\ttab\r\n",
    "    indented = code(1, 22, 333)  # don't\n\n\n- a list\n1. one",
)
# Maximum difference between logits, for half precision and a different order of summation.
LOGIT_TOLERANCE = {"f32": 2e-2, "f16": 8e-2, "bf16": 5e-1}


@dataclass(frozen=True)
class ParityReport:
    """How well a GGUF matches its checkpoint.

    Attributes:
        tokens: Number of tokens compared.
        logits: Largest difference between logits.
        greedy: Number of greedy tokens that match.
        divergence: Mean Kullback-Leibler divergence of the next-token distributions, in nats.
    """

    tokens: int
    logits: float
    greedy: int
    divergence: float


def check_gguf(folder: Path, path: Path, outtype: str, prompts: list[str]) -> ParityReport:
    """Compare a GGUF with its checkpoint.

    Args:
        folder: The folder of the checkpoint.
        path: The GGUF.
        outtype: Its type, which sets the tolerance.
        prompts: Instructions to answer with both.

    Raises:
        TrainError: They tokenize a text differently, a logit differs by more than rounding, or a greedy token differs
            although the checkpoint clearly preferred it.
    """
    from llama_cpp import Llama
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    texts = [_chat_prompt(tokenizer, prompt) for prompt in prompts]
    with closing(Llama(str(path), n_ctx=1024, logits_all=True, verbose=False, n_threads=2)) as llama:
        tokens = sum(_compare_tokens(tokenizer, llama, text) for text in (*TEXTS, *texts))
        reports = [_compare_logits(model, llama, tokenizer, text, outtype) for text in texts]
    logits, greedy = max(report.logits for report in reports), sum(report.greedy for report in reports)
    return ParityReport(tokens, logits, greedy, reports[0].divergence)


def quantized_agreement(exported: Path, quantized: Path, prompt_tokens: list[int]) -> float:
    """Return the share of positions at which quantized and exported model predict the same token."""
    from llama_cpp import Llama

    best = []
    for path in (exported, quantized):
        with closing(Llama(str(path), n_ctx=1024, logits_all=True, verbose=False, n_threads=2)) as llama:
            llama.eval(prompt_tokens)
            best.append(llama.scores[: len(prompt_tokens)].argmax(-1))
    return float((best[0] == best[1]).mean())


def _chat_prompt(tokenizer: Any, prompt: str) -> str:
    messages = [{"role": "user", "content": prompt}]
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text


def _compare_tokens(tokenizer: Any, llama: Any, text: str) -> int:
    """Check that both tokenize ``text`` alike; return the number of tokens."""
    expected = tokenizer(text, add_special_tokens=False)["input_ids"]
    found = llama.tokenize(text.encode(), add_bos=False, special=True)
    if expected != found:
        at = next(
            (i for i, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b), min(len(expected), len(found))
        )
        pieces = (
            tokenizer.convert_ids_to_tokens(expected[at : at + 3]),
            tokenizer.convert_ids_to_tokens(found[at : at + 3]),
        )
        raise TrainError(
            _(
                "The GGUF tokenizes text differently: from token {at} of {text!r}, the checkpoint has {tokens} "
                "and the GGUF {found}. The file was not kept.",
                at=at,
                text=text[:40],
                tokens=pieces[0],
                found=pieces[1],
            ),
            code="tokens-differ",
        )
    return len(expected)


def _compare_logits(model: Any, llama: Any, tokenizer: Any, text: str, outtype: str) -> ParityReport:
    """Generate greedily with the checkpoint, and compare the logits of both at each position."""
    prompt = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"][:, -512:]
    with torch.no_grad():
        generated = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=_GENERATED_TOKENS, do_sample=False
        )
        expected = model(generated, use_cache=False).logits[0].float().numpy()
    llama.reset()
    llama.eval(generated[0].tolist())
    found = np.array(llama.scores[: generated.shape[1]])
    tolerance = LOGIT_TOLERANCE[outtype] * max(1.0, float(expected.std()))
    difference = float(np.abs(expected - found).max())
    if difference > tolerance:
        raise TrainError(
            _(
                "The GGUF's logits differ by up to {difference:.3f} (allowed: {tolerance:.3f}). The file was not kept.",
                difference=difference,
                tolerance=tolerance,
            ),
            code="logits-differ",
        )
    start = prompt.shape[1] - 1
    top = np.sort(expected[start:-1], axis=-1)
    is_clear = top[:, -1] - top[:, -2] > 2 * tolerance
    same = expected[start:-1].argmax(-1) == found[start:-1].argmax(-1)
    if not same[is_clear].all():
        raise TrainError(
            _(
                "The GGUF generates a different text than the checkpoint after {text!r}. The file was not kept.",
                text=text[-40:],
            ),
            code="text-differs",
        )
    return ParityReport(generated.shape[1], difference, int(same.sum()), _divergence(expected, found))


def _divergence(expected: np.ndarray, found: np.ndarray) -> float:
    p = torch.log_softmax(torch.from_numpy(expected), -1)
    q = torch.log_softmax(torch.from_numpy(found), -1)
    return float((p.exp() * (p - q)).sum(-1).mean())
