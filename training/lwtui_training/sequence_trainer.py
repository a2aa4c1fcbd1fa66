"""A trainer for sequences that several devices share by attention heads (Ulysses, with DeepSpeed)."""

from __future__ import annotations

from typing import Any

import torch
import transformers.trainer
from trl import SFTTrainer

# What TRL's collator adds to a pack for FlashAttention. It describes the whole pack and cannot be divided; the
# positions, which are gathered again in attention, say the same.
_BOUNDARIES = ("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k", "seq_idx")


class SequenceParallelTrainer(SFTTrainer):
    """Averages the loss over all target tokens of the global batch, and sees each row once in an epoch.

    transformers by itself takes the mean of each sequence and then the mean of these, so that the tokens of a sequence
    with many targets would count for less.
    """

    loss_is_scaled_for_ga = True

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take the arguments of TRL's trainer."""
        super().__init__(*args, **options)
        self.data_collator: Any = _without_boundaries(self.data_collator)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        """Return the number of target tokens in a global batch, of which each process has a part."""
        return self.accelerator.gather(sum(_targets(batch) for batch in batch_samples).to(device)).sum()

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the sequence's part of the mean over the global batch."""
        if not self.model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        from deepspeed.utils import groups

        count = _targets(inputs).to(self.args.device)
        torch.distributed.all_reduce(count, group=groups._get_sequence_parallel_group())
        found = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        loss, outputs = found if return_outputs else (found, None)
        # DeepSpeed averages the gradients over the groups of devices that have one sequence each.
        loss = loss * count / num_items_in_batch * self.accelerator.parallelism_config.data_parallel_size
        return (loss, outputs) if return_outputs else loss

    def _run_epoch(self, *, train_dataloader: Any, epoch: int, **options: Any) -> Any:
        """Run an epoch from its first row, or from where it was interrupted.

        DeepSpeed's adapter of a DataLoader begins anew only when it is asked for a row more than there are, so that a
        second epoch would have a step without rows. And it lacks what transformers uses to order and to skip rows.
        """
        train_dataloader.dl.set_epoch(epoch)
        train_dataloader.iter = iter(train_dataloader.dl)
        train_dataloader.micro_batches.clear()
        original = transformers.trainer.skip_first_batches
        transformers.trainer.skip_first_batches = _skip
        try:
            return super()._run_epoch(train_dataloader=train_dataloader, epoch=epoch, **options)
        finally:
            transformers.trainer.skip_first_batches = original


def _without_boundaries(collate: Any) -> Any:
    return lambda rows: {name: value for name, value in collate(rows).items() if name not in _BOUNDARIES}


def _skip(dataloader: Any, count: int) -> Any:
    for _number in range(count):
        next(dataloader)
    return dataloader


def _targets(batch: Any) -> torch.Tensor:
    """Return the number of target tokens in this process's part of a sequence."""
    return (batch["shift_labels"] != -100).sum()
