"""Whether a GGUF says what its checkpoint says: the same tokens, the same logits, the same greedy text."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lwtui_training.steps import TrainError

_WRITTEN_TOKENS = 24  # of each text that is written to compare
TEXTS = (
    "Write a story of about 2,000 words.\n\nIt's a   test, isn't it? 1234567890",
    "第一章：灯塔的守望者。\n他每天早上都会爬上楼梯。",
    "Ünïcode — “quotes”, naïve café, 🙂🌊, Ελληνικά, русский, עברית\ttab\r\n",
    "    indented = code(1, 22, 333)  # don't\n\n\n- a list\n1. one",
)
# Half precision and another order of sums: what is allowed between two logits of the same model.
LOGIT_TOLERANCE = {"f32": 2e-2, "f16": 8e-2, "bf16": 5e-1}


@dataclass(frozen=True)
class ParityReport:
    """``logits`` is the largest difference; ``greedy`` how many greedy tokens were compared and the same."""

    tokens: int
    logits: float
    greedy: int
    divergence: float  # mean Kullback-Leibler divergence, nats


def check_gguf(folder: Path, path: Path, outtype: str, prompts: list[str]) -> ParityReport:
    """Compare ``path`` with the checkpoint in ``folder``; how well they agree.

    Raises :class:`TrainError` where they do not: other tokens for a text, a logit that is off by more than rounding,
    or another greedy token where the checkpoint was not in two minds.
    """
    from llama_cpp import Llama
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    texts = [_chat(tokenizer, prompt) for prompt in prompts]
    with closing(Llama(str(path), n_ctx=1024, logits_all=True, verbose=False, n_threads=2)) as llama:
        tokens = sum(_same_tokens(tokenizer, llama, text) for text in (*TEXTS, *texts))
        found = [_compare(model, llama, tokenizer, text, outtype) for text in texts]
    return ParityReport(tokens, max(f.logits for f in found), sum(f.greedy for f in found), found[0].divergence)


def quantized_agreement(exported: Path, quantized: Path, prompt_tokens: list[int]) -> float:
    """The share of places where the quantized model's best token is the exported one's."""
    from llama_cpp import Llama

    best = []
    for path in (exported, quantized):
        with closing(Llama(str(path), n_ctx=1024, logits_all=True, verbose=False, n_threads=2)) as llama:
            llama.eval(prompt_tokens)
            best.append(llama.scores[: len(prompt_tokens)].argmax(-1))
    return float((best[0] == best[1]).mean())


def _chat(tokenizer: Any, prompt: str) -> str:
    messages = [{"role": "user", "content": prompt}]
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text


def _same_tokens(tokenizer: Any, llama: Any, text: str) -> int:
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
            f"The GGUF reads text otherwise than the checkpoint: token {at} of {text[:40]!r} begins {pieces[0]} there "
            f"and {pieces[1]} here. It is not kept."
        )
    return len(expected)


def _compare(model: Any, llama: Any, tokenizer: Any, text: str, outtype: str) -> ParityReport:
    """Write greedily with the checkpoint, and see at each place what the GGUF would have said."""
    prompt = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"][:, -512:]
    with torch.no_grad():
        written = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=_WRITTEN_TOKENS, do_sample=False
        )
        expected = model(written, use_cache=False).logits[0].float().numpy()
    llama.reset()
    llama.eval(written[0].tolist())
    found = np.array(llama.scores[: written.shape[1]])
    tolerance = LOGIT_TOLERANCE[outtype] * max(1.0, float(expected.std()))
    difference = float(np.abs(expected - found).max())
    if difference > tolerance:
        raise TrainError(
            f"The GGUF's logits are off by up to {difference:.3f} (allowed: {tolerance:.3f}). It is not kept."
        )
    start = prompt.shape[1] - 1
    top = np.sort(expected[start:-1], axis=-1)
    sure = top[:, -1] - top[:, -2] > 2 * tolerance
    same = expected[start:-1].argmax(-1) == found[start:-1].argmax(-1)
    if not same[sure].all():
        raise TrainError(f"The GGUF writes another text than the checkpoint after {text[-40:]!r}. It is not kept.")
    return ParityReport(written.shape[1], difference, int(same.sum()), _divergence(expected, found))


def _divergence(expected: np.ndarray, found: np.ndarray) -> float:
    p = torch.log_softmax(torch.from_numpy(expected), -1)
    q = torch.log_softmax(torch.from_numpy(found), -1)
    return float((p.exp() * (p - q)).sum(-1).mean())
