"""A tiny checkpoint answers prompts in batches."""

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
from tests.errors import has_code  # noqa: E402

WORDS = "the sea is wide and every lamp answers another across dark water until morning comes"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("checkpoint")
    vocabulary = {word: number for number, word in enumerate(["<unk>", "<s>", "</s>", *WORDS.split()])}
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


async def collect(model: HFModel, text: str, **fields: Any) -> tuple[str, Finished]:
    completion, last = "", None
    request = Request(Prompt(text=text), **{"max_tokens": 30, "seed": 5, "sampling": Sampling(temperature=0)} | fields)
    async for part in model.stream(request):
        completion += part.text if isinstance(part, TextPiece) else ""
        last = part
    assert isinstance(last, Finished)
    return completion.strip(), last


async def test_a_batch_answers_like_each_prompt_alone(checkpoint: Path) -> None:
    model = HFModel.load(str(checkpoint), "tiny", 4)
    prompts = ["the sea", "every lamp answers another across dark water", "morning"]
    batched = await asyncio.gather(*(collect(model, text) for text in prompts))
    alone = [await collect(model, text) for text in prompts]
    assert batched == alone
    for (text, finished), prompt in zip(batched, prompts, strict=True):
        assert finished.usage.prompt == len(prompt.split())
        assert finished.usage.completion == len(text.split())
        assert finished.reason == ("length" if finished.usage.completion == 30 else "stop")


async def test_each_request_has_its_own_limit_and_stop_string(checkpoint: Path) -> None:
    model = HFModel.load(str(checkpoint), "tiny", 4)
    whole, _ = await collect(model, "the sea")
    third = whole.split()[2]
    short, stopped = await asyncio.gather(
        collect(model, "the sea", max_tokens=5), collect(model, "the sea", stop=(f" {third}",))
    )
    assert short[0].split() == whole.split()[:5] and short[1].reason == "length"
    assert stopped[0] == whole[: whole.find(f" {third}")].strip() and stopped[1].reason == "stop"


async def test_a_reader_that_leaves_does_not_delay_the_others(checkpoint: Path) -> None:
    model = HFModel.load(str(checkpoint), "tiny", 2)
    leaving = model.stream(Request(Prompt(text="the sea"), max_tokens=200, sampling=Sampling(temperature=1.0), seed=1))
    staying = asyncio.create_task(collect(model, "morning"))
    async for _ in leaving:
        break
    await leaving.aclose()
    assert (await staying)[0]


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    from lwtui.models.base import ModelError

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(ModelError, check=has_code("unknown-model")):
        HFModel.load(str(tmp_path), "broken")
