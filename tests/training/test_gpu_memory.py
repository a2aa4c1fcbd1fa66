"""A plan's bytes against bytes that are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lwtui.cli import main
from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.gpu_memory import GIB, activation_bytes, estimate, packed_count, plan_recipe, shape_of
from lwtui_training.recipe import load_recipe
from lwtui_training.sft import make_trainer, tokenized
from tests.training.support import rows


@pytest.mark.parametrize("method", ["full", "lora"])
def test_weights_gradients_and_optimizer_are_what_a_step_leaves(
    recipe: Any, tiny: Path, tmp_path: Path, method: str
) -> None:
    made = recipe(sft={"max_steps": 1, "method": method, "optim": "adamw_torch"}, lora={"r": 4})
    tokenizer = load_tokenizer(str(tiny), made)
    dataset, _ = tokenized(tokenizer, rows(4), 256)
    trainer = make_trainer(made, str(tiny), tokenizer, dataset, tmp_path)
    kept: dict[str, int] = {}
    step = trainer.training_step

    def counted(model: Any, *more: Any, **named: Any) -> Any:
        loss = step(model, *more, **named)
        kept["gradients"] = sum(one.grad.nbytes for one in model.parameters() if one.grad is not None)
        return loss

    trainer.training_step = counted
    trainer.train()
    plan = estimate(made, shape_of(made))
    parameters = list(trainer.model.parameters())
    states = [value for state in trainer.optimizer.optimizer.state.values() for value in state.values() if value.dim()]
    assert plan.trained == sum(one.numel() for one in parameters if one.requires_grad)
    assert plan.weights == sum(one.nbytes for one in parameters)
    assert plan.gradients == kept["gradients"]
    assert plan.optimizer == sum(one.nbytes for one in states)


def test_activations_are_about_what_autograd_keeps(recipe: Any, tiny: Path) -> None:
    made = recipe()
    model = load_model(str(tiny), made).train()
    ids = torch.randint(0, 300, (1, 256))
    kept: dict[int, int] = {}
    weights = {one.untyped_storage().data_ptr() for one in model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        hidden = model.model(ids, use_cache=False).last_hidden_state
    assert hidden.requires_grad
    expected = activation_bytes(made, shape_of(made), 256, 4)
    assert expected == pytest.approx(sum(kept.values()), rel=0.25)


def test_what_cannot_fit_is_refused_with_what_would(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "plan", "longwriter-llama3.1-8b", "--devices", "1"]) == 1
    said = capsys.readouterr()
    assert "It does not fit." in said.out
    assert "This would fit: " in said.err


def test_advice_fits() -> None:
    made = load_recipe("longwriter-llama3.1-8b", ["hardware.processes=1", "hardware.strategy=single"])
    plan = plan_recipe(made)
    assert not plan.fits and "devices with hardware.strategy" in plan.advice
    smaller = replace(made, hardware=replace(made.hardware, memory_gib=24.0))
    assert "lora" in plan_recipe(smaller).advice


def test_more_devices_share_the_weights() -> None:
    made = load_recipe("longwriter-llama3.1-8b")
    eight, sixteen = plan_recipe(made, 8), plan_recipe(made, 16)
    assert eight.weights == pytest.approx(8.03e9 * 4 / 8, rel=0.01)
    assert sixteen.optimizer * 2 == eight.optimizer
    assert sixteen.activations == eight.activations
    assert eight.total < 80 * GIB


def test_packs_are_counted_as_trl_makes_them(recipe: Any, tiny: Path, tmp_path: Path) -> None:
    made = recipe(sft={"max_length": 200})
    tokenizer = load_tokenizer(str(tiny), made)
    dataset, _ = tokenized(tokenizer, rows(40), 200)
    trainer = make_trainer(made, str(tiny), tokenizer, dataset, tmp_path)
    assert packed_count([len(ids) for ids in dataset["input_ids"]], 200) == len(trainer.train_dataset)
