"""A tiny checkpoint, made here, answers a suite in batches."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from lwtui.models.base import Finished, Prompt, Request, Sampling, TextPiece  # noqa: E402
from lwtui_bench.hf import HFModel  # noqa: E402

WORDS = "the sea is wide and every lamp answers another across dark water until morning comes"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("checkpoint")
    vocabulary = {word: at for at, word in enumerate(["<unk>", "<s>", "</s>", *WORDS.split()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        bos_token_id=1,
        eos_token_id=2,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


async def take(model: HFModel, text: str, **fields: Any) -> tuple[str, Finished]:
    said, last = "", None
    request = Request(Prompt(text=text), **{"max_tokens": 30, "seed": 5, "sampling": Sampling(temperature=0)} | fields)
    async for part in model.stream(request):
        said += part.text if isinstance(part, TextPiece) else ""
        last = part
    assert isinstance(last, Finished)
    return said.strip(), last


async def test_a_batch_answers_as_each_prompt_alone_does(checkpoint: Path) -> None:
    model = HFModel.load(str(checkpoint), "tiny", 4)
    prompts = ["the sea", "every lamp answers another across dark water", "morning"]
    together = await asyncio.gather(*(take(model, text) for text in prompts))
    alone = [await take(model, text) for text in prompts]
    assert together == alone
    for (text, finished), prompt in zip(together, prompts, strict=True):
        assert finished.usage.prompt == len(prompt.split())
        assert finished.usage.completion == len(text.split())
        assert finished.reason == ("length" if finished.usage.completion == 30 else "stop")


async def test_each_has_its_own_limit_and_its_own_stop(checkpoint: Path) -> None:
    model = HFModel.load(str(checkpoint), "tiny", 4)
    whole, _ = await take(model, "the sea")
    third = whole.split()[2]
    short, stopped = await asyncio.gather(
        take(model, "the sea", max_tokens=5), take(model, "the sea", stop=(f" {third}",))
    )
    assert short[0].split() == whole.split()[:5] and short[1].reason == "length"
    assert stopped[0] == whole[: whole.find(f" {third}")].strip() and stopped[1].reason == "stop"


async def test_a_reader_that_goes_away_does_not_hold_up_the_others(checkpoint: Path) -> None:
    model = HFModel.load(str(checkpoint), "tiny", 2)
    leaving = model.stream(Request(Prompt(text="the sea"), max_tokens=200, sampling=Sampling(temperature=1.0), seed=1))
    staying = asyncio.create_task(take(model, "morning"))
    async for _ in leaving:
        break
    await leaving.aclose()
    assert (await staying)[0]


def test_a_folder_that_is_no_checkpoint(tmp_path: Path) -> None:
    from lwtui.models.base import ModelError

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        HFModel.load(str(tmp_path), "broken")
