"""Sample answers from a checkpoint with transformers."""

from __future__ import annotations

from typing import Any

import torch

from lwtui.text import clean
from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.gguf_tokenizer import stop_token
from lwtui_training.recipe import Recipe
from lwtui_training.trainer import limit_threads


class AnswerSampler:
    """A loaded checkpoint."""

    def __init__(self, recipe: Recipe, checkpoint: str) -> None:
        """Load a checkpoint; ``recipe.prefs`` says how to sample from it."""
        limit_threads(recipe)
        self._prefs = recipe.prefs
        self._tokenizer = load_tokenizer(checkpoint, recipe)
        on_cpu = recipe.hardware.device == "cpu" or not torch.cuda.is_available()
        self._model = load_model(checkpoint, recipe).to("cpu" if on_cpu else "cuda").eval()

    def sample(self, prompt: str, seed: int, count: int) -> list[dict[str, Any]]:
        """Return ``count`` answers to a prompt, reproducible by ``seed``: ``{"text", "capped"}`` each."""
        prefs = self._prefs
        chat = [{"role": "user", "content": prompt}]
        inputs = self._tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        ).to(self._model.device)
        start = inputs["input_ids"].shape[1]
        torch.manual_seed(seed)
        ends = [stop_token(self._tokenizer), self._tokenizer.eos_token_id]
        answers: list[dict[str, Any]] = []
        while len(answers) < count:
            tokens = self._model.generate(
                **inputs,
                max_new_tokens=prefs.max_new_tokens,
                num_return_sequences=min(prefs.batch_size, count - len(answers)),
                do_sample=True,
                temperature=prefs.temperature,
                top_p=prefs.top_p,
                top_k=0,
                eos_token_id=ends,
                pad_token_id=self._tokenizer.pad_token_id,
            )
            texts = self._tokenizer.batch_decode(tokens[:, start:], skip_special_tokens=True)
            has_end = torch.isin(tokens[:, start:], torch.tensor(ends, device=tokens.device)).any(-1).tolist()
            answers += [
                {"text": clean(text).strip(), "capped": not ended} for text, ended in zip(texts, has_end, strict=True)
            ]
        return answers
