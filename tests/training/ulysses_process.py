"""One of the processes that share sequences, on a CPU: ``python ulysses_process.py JOB [flash] [stop=STEP]``.

DeepSpeed, accelerate, transformers and TRL are real, over gloo. Three things stand in for what a CPU lacks: accelerate
is told that DeepSpeed may use gloo; a gradient is gathered as NCCL does it, since PyTorch does so over gloo only in the
group of all processes; and with ``flash``, a FlashAttention that computes each of the stretches which transformers
finds in the positions.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import Any

import torch
import transformers.modeling_flash_attention_utils as flash
from accelerate import PartialState
from accelerate.utils import DistributedType
from torch import distributed
from torch.distributed.nn import functional
from torch.nn.functional import scaled_dot_product_attention

from lwtui_training import launch, sft, trainer


def backend(self: PartialState, cpu: bool = False, *_args: Any) -> tuple[str, DistributedType]:
    return "gloo", DistributedType.MULTI_CPU


def attend(query: Any, key: Any, value: Any, causal: bool = True, softmax_scale: Any = None, **_options: Any) -> Any:
    """Compute full attention of [batch, tokens, heads, size]."""
    swapped = (one.transpose(1, 2) for one in (query, key, value))
    found = scaled_dot_product_attention(*swapped, is_causal=causal, scale=softmax_scale, enable_gqa=True)
    return found.transpose(1, 2)


def attend_apart(query: Any, key: Any, value: Any, cu_seqlens_q: Any, cu_seqlens_k: Any, **options: Any) -> Any:
    """Compute attention within each stretch of [tokens, heads, size]."""
    assert torch.equal(cu_seqlens_q, cu_seqlens_k) and cu_seqlens_q[-1] == len(query)
    ends = cu_seqlens_q.tolist()
    parts = itertools.pairwise(ends)
    return torch.cat(
        [attend(*(one[None, first:last] for one in (query, key, value)), **options)[0] for first, last in parts]
    )


class Gather(torch.autograd.Function):
    """Gathers tensors from a group; the gradient of each is the sum over the group."""

    @staticmethod
    def forward(context: Any, tensor: Any, group: Any) -> Any:
        context.group = group
        found = [torch.empty_like(tensor) for _ in range(distributed.get_world_size(group))]
        distributed.all_gather(found, tensor.contiguous(), group=group)
        return tuple(found)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        total = torch.stack(gradients)
        distributed.all_reduce(total, group=context.group)
        return total[distributed.get_rank(context.group)], None


def options_for_devices(*args: Any) -> dict[str, Any]:
    return make_options(*args) | {"use_cpu": False}


def load_with_flash(*args: Any, **options: Any) -> Any:
    model = load(*args, **options)
    model.config._attn_implementation = "flash_attention_2"
    return model


PartialState._prepare_backend = backend
functional.all_gather = lambda tensor, group: Gather.apply(tensor, group)
make_options, trainer.trainer_options = trainer.trainer_options, options_for_devices
load = sft.load_model
if "flash" in sys.argv:
    sft.load_model = load_with_flash
    flash._lazy_imports = lambda *_args, **_options: (attend, attend_apart, None, None, None)
stop = next((int(word.removeprefix("stop=")) for word in sys.argv if word.startswith("stop=")), 0)
advance = trainer.LossProgress.on_step_end


def on_step_end(self: Any, args: Any, state: Any, control: Any, **options: Any) -> None:
    advance(self, args, state, control, **options)
    if stop and state.global_step == stop:
        raise InterruptedError(f"stopped after step {stop}")


trainer.LossProgress.on_step_end = on_step_end
torch.set_num_threads(1)
os.environ["TQDM_DISABLE"] = "1"
launch.run_job(Path(sys.argv[1]))
