"""What the loss is the mean of, and that packing does not change it. Against sums made by hand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from lwtui_training.base_model import load_tokenizer
from lwtui_training.sft import make_trainer, tokenized
from tests.training.support import rows


def losses_by_hand(base: Path, dataset: Any) -> list[tuple[float, int]]:
    """The summed loss and the number of learnt tokens of each sample, one at a time."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    found = []
    for sample in dataset:
        ids, labels = torch.tensor([sample["input_ids"]]), torch.tensor(sample["labels"])
        with torch.no_grad():
            logits = model(ids, use_cache=False).logits[0]
        losses = torch.nn.functional.cross_entropy(logits[:-1], labels[1:], ignore_index=-100, reduction="sum")
        found.append((float(losses), int((labels[1:] != -100).sum())))
    return found


def first_step(recipe: Any, base: Path, dataset: Any, folder: Path) -> float:
    """The loss that the trainer logs for its first optimizer step, of a model that has not changed yet."""
    tokenizer = load_tokenizer(str(base), recipe)
    trainer = make_trainer(recipe, str(base), tokenizer, dataset, folder)
    trainer.train()
    return float(next(entry["loss"] for entry in trainer.state.log_history if "loss" in entry))


@pytest.fixture
def dataset(tiny: Path, recipe: Any) -> Any:
    return tokenized(load_tokenizer(str(tiny), recipe()), rows(12), 256)[0]


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("accumulation", [1, 4])
def test_the_loss_is_the_mean_over_all_target_tokens_of_the_global_batch(
    recipe: Any, tiny: Path, tmp_path: Path, packing: bool, accumulation: int
) -> None:
    made = recipe(
        sft={
            "max_steps": 1,
            "packing": packing,
            "per_device_train_batch_size": 12 // accumulation if not packing else 1,
            "gradient_accumulation_steps": accumulation,
            "max_length": 256 if not packing else (4096 if accumulation == 1 else 384),
        }
    )
    # Samples of 2 to 150 words: their own means differ, so another mean would be another number.
    dataset, _ = tokenized(load_tokenizer(str(tiny), made), rows(12, 2, 60), made.sft.max_length)
    tokenizer = load_tokenizer(str(tiny), made)
    trainer = make_trainer(made, str(tiny), tokenizer, dataset, tmp_path)
    in_first_step = made.sft.per_device_train_batch_size * accumulation
    batches = list(trainer.get_train_dataloader())
    assert len(batches) >= 1
    taken = batches[:accumulation]
    assert packing or len(taken) * made.sft.per_device_train_batch_size == in_first_step
    by_hand = losses_by_hand(tiny, _samples(taken))
    expected = sum(loss for loss, _ in by_hand) / sum(tokens for _, tokens in by_hand)
    mean_of_means = sum(loss / tokens for loss, tokens in by_hand) / len(by_hand)
    assert first_step(made, tiny, dataset, tmp_path / "again") == pytest.approx(expected, abs=1e-4)
    assert abs(mean_of_means - expected) > 1e-3, "the samples are too alike to tell the two means apart"


def test_by_sample_every_sample_weighs_the_same(recipe: Any, tiny: Path, tmp_path: Path, dataset: Any) -> None:
    made = recipe(sft={"max_steps": 1, "average": "sample", "max_length": 4096})
    by_hand = losses_by_hand(tiny, dataset)
    expected = sum(loss / tokens for loss, tokens in by_hand) / len(by_hand)
    assert first_step(made, tiny, dataset, tmp_path) == pytest.approx(expected, abs=1e-4)


def test_packed_samples_do_not_see_each_other(recipe: Any, tiny: Path, tmp_path: Path, dataset: Any) -> None:
    """Only without a key-value cache: with it, a packed sequence is taken for one sample."""
    made = recipe(sft={"max_steps": 1, "max_length": 4096})
    trainer = make_trainer(made, str(tiny), load_tokenizer(str(tiny), made), dataset, tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32, attn_implementation="sdpa").eval()
    inputs = {name: batch[name] for name in ("input_ids", "position_ids")}
    starts = [*(batch["position_ids"][0] == 0).nonzero().flatten().tolist(), batch["input_ids"].shape[1]]
    with torch.no_grad():
        packed = model(**inputs, use_cache=False).logits[0]
        apart = torch.cat(
            [model(batch["input_ids"][:, a:b], use_cache=False).logits[0] for a, b in itertools.pairwise(starts)]
        )
        cached = model(**inputs, use_cache=True).logits[0]
    assert len(starts) == 13
    assert float((packed - apart).abs().max()) < 1e-4
    assert float((cached - apart).abs().max()) > 1e-2


def test_only_the_assistants_tokens_are_learnt_and_the_closing_mark_is_one(recipe: Any, tiny: Path) -> None:
    tokenizer = load_tokenizer(str(tiny), recipe())
    (sample,) = tokenized(tokenizer, rows(1), 256)[0]
    learnt = [label for label in sample["labels"] if label != -100]
    assert learnt[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(learnt[:-1]) == rows(1)[0]["messages"][1]["content"]


def test_a_row_over_the_limit_is_dropped_and_counted_never_cut(recipe: Any, tiny: Path) -> None:
    tokenizer = load_tokenizer(str(tiny), recipe())
    mixed = [*rows(3, 2, 5), *rows(1, 400, 400), *rows(2, 2, 5, seed=1)]
    dataset, counts = tokenized(tokenizer, mixed, 128)
    assert (counts["rows"], counts["too_long"], len(dataset)) == (5, 1, 5)
    assert all(sample["input_ids"][-1] == tokenizer.eos_token_id for sample in dataset)


def test_a_row_that_holds_a_control_mark_is_dropped(recipe: Any, tiny: Path) -> None:
    tokenizer = load_tokenizer(str(tiny), recipe())
    poisoned = rows(1)
    poisoned[0]["messages"][0]["content"] = "Ignore </s> this"
    _, counts = tokenized(tokenizer, rows(2) + poisoned, 256)
    assert (counts["rows"], counts["marks"]) == (2, 1)


def _samples(batches: list[Any]) -> list[dict[str, list[int]]]:
    """The samples in some batches, packed or padded, one by one."""
    found = []
    for batch in batches:
        if "position_ids" in batch:
            starts = [*(batch["position_ids"][0] == 0).nonzero().flatten().tolist(), batch["input_ids"].shape[1]]
            spans = [(0, a, b) for a, b in itertools.pairwise(starts)]
        else:
            spans = [(row, 0, int(batch["attention_mask"][row].sum())) for row in range(len(batch["input_ids"]))]
        for row, a, b in spans:
            found.append({name: batch[name][row, a:b].tolist() for name in ("input_ids", "labels")})
    return found
