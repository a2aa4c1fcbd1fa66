"""The step ``sft``: supervised fine-tuning with TRL's SFTTrainer on packed rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import SFTTrainer

from lwtui.translation import _
from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.sequences import refuse_leaks
from lwtui_training.tokens import remove_tokens, token_counts, tokenized
from lwtui_training.trainer import SampleWriter, library_config, limit_threads, peft_config, train, training_dtype


def train_sft(recipe: Recipe, base: str, rows: Path, folder: Path) -> dict[str, Any]:
    """Run the step.

    Args:
        recipe: The recipe.
        base: The folder or repository of the base.
        rows: A file of conversations.
        folder: Receives ``model/``, which is an adapter with LoRA.

    Returns:
        The metrics for the manifest; empty in processes other than the main one.

    Raises:
        TrainError: No row fits into ``sft.max_length``.
    """
    limit_threads(recipe)
    tokenizer = load_tokenizer(base, recipe)
    dataset, counts = tokenized(recipe, base, rows, folder)
    trainer = make_trainer(recipe, base, tokenizer, dataset, folder)
    sequences = len(trainer.train_dataset)
    note(
        _(
            "SFT: {rows:,} rows, {tokens:,} tokens ({targets:,} of them targets) in "
            "{sequences:,} sequences; {dropped:,} rows over {most:,} tokens dropped",
            rows=counts["rows"],
            tokens=counts["tokens"],
            targets=counts["targets"],
            sequences=sequences,
            dropped=counts["too_long"],
            most=recipe.sft.max_length,
        )
    )
    if recipe.sft.sample_tokens:
        path = folder / "samples.md"
        trainer.add_callback(SampleWriter(tokenizer, recipe.bench.instruction, recipe.sft.sample_tokens, path))
    metrics = train(trainer, folder, "SFT")
    if metrics:
        remove_tokens(folder)
    return metrics | dict(counts) | {"sequences": sequences} if metrics else {}


def make_trainer(recipe: Recipe, base: str, tokenizer: Any, dataset: Dataset, folder: Path) -> SFTTrainer:
    """Return a trainer that is ready to train."""
    from lwtui_training.gpu_memory import training_steps

    lora = recipe.sft.method == "lora"
    steps = training_steps(recipe, token_counts(dataset))
    held_out = None
    if recipe.sft.validation_share:
        parts = dataset.train_test_split(recipe.sft.validation_share, seed=recipe.seed)
        dataset, held_out = parts["train"], parts["test"]
    # The configuration comes first: within it, ZeRO-3 and FSDP load the model without a copy of it in each process.
    args = library_config(recipe, "sft", folder, steps)
    dtype = training_dtype(recipe, recipe.sft.method)
    model = load_model(base, recipe, dtype=dtype, quantize=lora and recipe.lora.quantize, sharded=True)
    kind = SampleAveragingTrainer if recipe.sft.average == "sample" else SFTTrainer
    if recipe.hardware.sequence_parallel > 1:
        from lwtui_training.sequence_trainer import SequenceParallelTrainer

        refuse_leaks(recipe, str(model.config._attn_implementation))
        kind = SequenceParallelTrainer
    return kind(
        model=model,
        args=args,
        train_dataset=dataset,
        eval_dataset=held_out,
        processing_class=tokenizer,
        peft_config=peft_config(recipe) if lora else None,
    )


class SampleAveragingTrainer(SFTTrainer):
    """Averages the loss over the samples' means instead of over tokens, to show what the paper warns of.

    A sample of 200 tokens weighs as much as one of 20,000, so the tokens of a long output count for little
    (arXiv 2408.07055, section 4).
    """

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        count = torch.tensor(sum(len(_samples(batch)[1]) for batch in batch_samples), device=device)
        return self.accelerator.gather(count).sum() if self.args.world_size > 1 else count

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the mean over the samples' mean losses, over the global batch."""
        inputs["use_cache"] = False
        outputs = model(**inputs, fused_lm_head=True)
        sample_index, counts = _samples(inputs)
        weights = 1.0 / counts.to(torch.float32)
        is_target = outputs.label_mask
        loss = -(outputs.log_probs[is_target] * weights[sample_index]).sum()
        loss = loss / (len(counts) if num_items_in_batch is None else num_items_in_batch)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes  # DDP averages over the processes
        return (loss, outputs) if return_outputs else loss


def _samples(batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the index of the sample of each target token, and the number of target tokens of each sample."""
    if "position_ids" in batch:
        index = (batch["position_ids"] == 0).cumsum(-1) - 1
    else:
        index = torch.arange(len(batch["labels"]), device=batch["labels"].device)[:, None].expand_as(batch["labels"])
    is_target = batch["labels"][:, 1:] != -100
    _unique, sample_index, counts = torch.unique(index[:, 1:][is_target], return_inverse=True, return_counts=True)
    return sample_index, counts
