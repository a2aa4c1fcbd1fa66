"""What the loss averages over, with and without packing, compared with sums computed by hand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from lwtui_training.base_model import load_tokenizer
from lwtui_training.sft import make_trainer
from lwtui_training.tokens import tokenize_rows
from tests.training.support import conversations, write_jsonl


def losses_by_hand(base: Path, dataset: Any) -> list[tuple[float, int]]:
    """Return the summed loss and the number of target tokens of each sample, computed one at a time."""
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
    """Return the loss that the trainer logs for its first optimizer step, before the model changes."""
    tokenizer = load_tokenizer(str(base), recipe)
    trainer = make_trainer(recipe, str(base), tokenizer, dataset, folder)
    trainer.train()
    return float(next(entry["loss"] for entry in trainer.state.log_history if "loss" in entry))


@pytest.fixture
def dataset(tiny: Path, make_recipe: Any) -> Any:
    return tokenize_rows(load_tokenizer(str(tiny), make_recipe()), conversations(12), 256)[0]


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("accumulation", [1, 4])
def test_the_loss_is_the_mean_over_all_target_tokens_of_the_global_batch(
    make_recipe: Any, tiny: Path, tmp_path: Path, packing: bool, accumulation: int
) -> None:
    recipe = make_recipe(
        sft={
            "max_steps": 1,
            "packing": packing,
            "per_device_train_batch_size": 12 // accumulation if not packing else 1,
            "gradient_accumulation_steps": accumulation,
            "max_length": 256 if not packing else (4096 if accumulation == 1 else 384),
        }
    )
    # Samples of very different lengths, so that their means differ and a wrong average shows.
    dataset, _ = tokenize_rows(load_tokenizer(str(tiny), recipe), conversations(12, 2, 60), recipe.sft.max_length)
    tokenizer = load_tokenizer(str(tiny), recipe)
    trainer = make_trainer(recipe, str(tiny), tokenizer, dataset, tmp_path)
    in_first_step = recipe.sft.per_device_train_batch_size * accumulation
    batches = list(trainer.get_train_dataloader())
    assert len(batches) >= 1
    first_batches = batches[:accumulation]
    assert packing or len(first_batches) * recipe.sft.per_device_train_batch_size == in_first_step
    by_hand = losses_by_hand(tiny, _samples(first_batches))
    expected = sum(loss for loss, _ in by_hand) / sum(tokens for _, tokens in by_hand)
    mean_of_means = sum(loss / tokens for loss, tokens in by_hand) / len(by_hand)
    assert first_step(recipe, tiny, dataset, tmp_path / "again") == pytest.approx(expected, abs=1e-4)
    assert abs(mean_of_means - expected) > 1e-3, "the samples are too similar to distinguish the two means"


def test_with_sample_averaging_every_sample_weighs_the_same(
    make_recipe: Any, tiny: Path, tmp_path: Path, dataset: Any
) -> None:
    recipe = make_recipe(sft={"max_steps": 1, "average": "sample", "max_length": 4096})
    by_hand = losses_by_hand(tiny, dataset)
    expected = sum(loss / tokens for loss, tokens in by_hand) / len(by_hand)
    assert first_step(recipe, tiny, dataset, tmp_path) == pytest.approx(expected, abs=1e-4)


def test_packed_samples_do_not_attend_to_each_other(make_recipe: Any, tiny: Path, tmp_path: Path, dataset: Any) -> None:
    """This holds only without a KV cache: with one, transformers treats a packed sequence as one sample."""
    recipe = make_recipe(sft={"max_steps": 1, "max_length": 4096})
    trainer = make_trainer(recipe, str(tiny), load_tokenizer(str(tiny), recipe), dataset, tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32, attn_implementation="sdpa").eval()
    inputs = {name: batch[name] for name in ("input_ids", "position_ids")}
    starts = [*(batch["position_ids"][0] == 0).nonzero().flatten().tolist(), batch["input_ids"].shape[1]]
    with torch.no_grad():
        packed = model(**inputs, use_cache=False).logits[0]
        separate = torch.cat(
            [model(batch["input_ids"][:, a:b], use_cache=False).logits[0] for a, b in itertools.pairwise(starts)]
        )
        cached = model(**inputs, use_cache=True).logits[0]
    assert len(starts) == 13
    assert float((packed - separate).abs().max()) < 1e-4
    assert float((cached - separate).abs().max()) > 1e-2


def test_the_targets_are_the_assistants_tokens_and_the_end_token(make_recipe: Any, tiny: Path) -> None:
    tokenizer = load_tokenizer(str(tiny), make_recipe())
    (sample,) = tokenize_rows(tokenizer, conversations(1), 256)[0]
    targets = [label for label in sample["labels"] if label != -100]
    assert targets[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(targets[:-1]) == conversations(1)[0]["messages"][1]["content"]


def test_a_row_over_the_limit_is_dropped_and_counted_but_never_truncated(make_recipe: Any, tiny: Path) -> None:
    tokenizer = load_tokenizer(str(tiny), make_recipe())
    mixed = [*conversations(3, 2, 5), *conversations(1, 400, 400), *conversations(2, 2, 5, seed=1)]
    dataset, counts = tokenize_rows(tokenizer, mixed, 128)
    assert (counts["rows"], counts["too_long"], len(dataset)) == (5, 1, 5)
    assert all(sample["input_ids"][-1] == tokenizer.eos_token_id for sample in dataset)


def test_a_row_with_a_special_token_is_dropped(make_recipe: Any, tiny: Path) -> None:
    tokenizer = load_tokenizer(str(tiny), make_recipe())
    poisoned = conversations(1)
    poisoned[0]["messages"][0]["content"] = "Ignore </s> this"
    _, counts = tokenize_rows(tokenizer, conversations(2) + poisoned, 256)
    assert (counts["rows"], counts["marks"]) == (2, 1)


def _samples(batches: list[Any]) -> list[dict[str, list[int]]]:
    """Split batches, packed or padded, into samples."""
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


def test_held_out_rows_and_samples_are_shown_during_training(
    tiny: Path, tmp_path: Path, make_recipe: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from lwtui_training.sft import train_sft

    data = write_jsonl(tmp_path / "rows.jsonl", conversations(20))
    sft = {"max_steps": 2, "save_steps": 1, "validation_share": 0.2, "sample_tokens": 8}
    metrics = train_sft(make_recipe(sft=sft), str(tiny), data, tmp_path)
    shown = capsys.readouterr().err
    assert shown.count("loss on held-out rows") == 2
    assert shown.count("writes: ") == 2
    assert (tmp_path / "samples.md").read_text().count("## Step") == 2
    assert metrics["steps"] == 2
    assert not (tmp_path / "tokens").exists()
