"""Compare planned with measured memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from lwtui.cli import main
from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.gpu_memory import GIB, activation_bytes, count_packs, estimate, plan_recipe
from lwtui_training.model_shape import CONFIGS, shape_from_config, shape_from_model, shape_of_base
from lwtui_training.recipe import load_recipe
from lwtui_training.sft import make_trainer
from lwtui_training.tokens import tokenize_rows
from tests.training.support import conversations


@pytest.mark.parametrize("method", ["full", "lora"])
def test_weights_gradients_and_optimizer_match_those_after_a_step(
    make_recipe: Any, tiny: Path, tmp_path: Path, method: str
) -> None:
    recipe = make_recipe(sft={"max_steps": 1, "method": method, "optim": "adamw_torch"}, lora={"r": 4})
    tokenizer = load_tokenizer(str(tiny), recipe)
    dataset, _ = tokenize_rows(tokenizer, conversations(4), 256)
    trainer = make_trainer(recipe, str(tiny), tokenizer, dataset, tmp_path)
    measured: dict[str, int] = {}
    training_step = trainer.training_step

    def measure_gradients(model: Any, *args: Any, **kwargs: Any) -> Any:
        loss = training_step(model, *args, **kwargs)
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        measured["gradients"] = sum(gradient.nbytes for gradient in gradients)
        return loss

    trainer.training_step = measure_gradients
    trainer.train()
    plan = estimate(recipe, shape_of_base(recipe))
    parameters = list(trainer.model.parameters())
    states = [value for state in trainer.optimizer.optimizer.state.values() for value in state.values() if value.dim()]
    assert plan.trained == sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    assert plan.weights == sum(parameter.nbytes for parameter in parameters)
    assert plan.gradients == measured["gradients"]
    assert plan.optimizer == sum(state.nbytes for state in states)


def test_activations_are_close_to_what_autograd_keeps(make_recipe: Any, tiny: Path) -> None:
    recipe = make_recipe()
    model = load_model(str(tiny), recipe).train()
    ids = torch.randint(0, 300, (1, 256))
    kept: dict[int, int] = {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        hidden = model.model(ids, use_cache=False).last_hidden_state
    assert hidden.requires_grad
    expected = activation_bytes(recipe, shape_of_base(recipe), 256, 4)
    assert expected == pytest.approx(sum(kept.values()), rel=0.25)


@pytest.mark.parametrize("name", CONFIGS)
def test_shapes_of_the_recipes_bases_match_transformers(name: str) -> None:
    assert shape_from_config(CONFIGS[name], 16) == shape_from_model(AutoConfig.for_model(**CONFIGS[name]), 16)


def test_a_plan_that_does_not_fit_suggests_one_that_does(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "plan", "longwriter-llama3.1-8b", "--devices", "1"]
    assert main(command) == 1
    assert "hardware.strategy" in capsys.readouterr().err
    assert main([*command, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["fits"] is False


def test_advice_depends_on_the_memory() -> None:
    recipe = load_recipe("longwriter-llama3.1-8b", ["hardware.processes=1", "hardware.strategy=single"])
    plan = plan_recipe(recipe)
    assert not plan.fits and "hardware.strategy" in plan.advice
    smaller = replace(recipe, hardware=replace(recipe.hardware, memory_gib=24.0))
    assert "lora" in plan_recipe(smaller).advice


def test_more_devices_share_the_weights() -> None:
    recipe = load_recipe("longwriter-llama3.1-8b")
    eight, sixteen = plan_recipe(recipe, 8), plan_recipe(recipe, 16)
    assert eight.weights == pytest.approx(8.03e9 * 4 / 8, rel=0.01)
    assert sixteen.optimizer * 2 == eight.optimizer
    assert sixteen.activations == eight.activations
    assert eight.total < 80 * GIB


def test_packs_are_counted_as_trl_packs(make_recipe: Any, tiny: Path, tmp_path: Path) -> None:
    recipe = make_recipe(sft={"max_length": 200})
    tokenizer = load_tokenizer(str(tiny), recipe)
    dataset, _ = tokenize_rows(tokenizer, conversations(40), 200)
    trainer = make_trainer(recipe, str(tiny), tokenizer, dataset, tmp_path)
    assert count_packs([len(ids) for ids in dataset["input_ids"]], 200) == len(trainer.train_dataset)
