"""Compare planned with measured memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoConfig

from lwtui.cli import main
from lwtui_training.base_model import load_model, load_tokenizer
from lwtui_training.dpo import train_dpo
from lwtui_training.gpu_memory import GIB, activation_bytes, count_packs, estimate, plan_recipe
from lwtui_training.launch_plan import plan_steps
from lwtui_training.model_shape import CONFIGS, shape_from_config, shape_from_model, shape_of_base
from lwtui_training.recipe import known_recipes, load_recipe
from lwtui_training.sft import make_trainer
from lwtui_training.step_memory import TRAINING_STEPS, device_bytes, step_problem
from lwtui_training.tokens import tokenize_rows
from tests.training.support import TEXT, conversations, write_jsonl


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


def test_the_plan_agrees_with_published_figures() -> None:
    """ALST (arXiv 2506.13996) counts 18 bytes per parameter: 144 GB for an 8B on one device, a checkpoint 112 GB."""
    recipe = load_recipe("longwriter-llama3.1-8b", ["hardware.processes=1", "hardware.strategy=single"])
    plan = plan_recipe(recipe)
    assert (plan.weights + plan.casts + plan.gradients + plan.optimizer) == pytest.approx(144e9, rel=0.01)
    eight = plan_recipe(load_recipe("longwriter-llama3.1-8b"))
    assert eight.casts == pytest.approx(2 * 8.03e9 / 8, rel=0.01)


def test_without_flash_attention_the_plan_has_the_mask() -> None:
    flash = plan_recipe(load_recipe("longwriter-llama3.1-8b", ["base.attn_implementation=flash_attention_2"]))
    sdpa = plan_recipe(load_recipe("longwriter-llama3.1-8b", ["base.attn_implementation=sdpa"]))
    assert sdpa.working - flash.working == 32_768**2


def test_the_other_steps_are_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """4,000 × 4 answers of 2,000 words at 40 ms a token and 64 calls in flight."""
    rows = [{"instruction": "Write.", "words": 2000}] * 4000
    (tmp_path / "i.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    changes = [f"prefs.instructions={tmp_path}/i.jsonl", "prefs.model=m", "prefs.concurrency=64"]
    changes += ["steps=['data', 'sft', 'prefs', 'dpo', 'grpo']", "grpo.per_device_train_batch_size=1"]
    recipe = load_recipe("longwriter-llama3.1-8b", changes)
    plans = {plan.step: plan for plan in plan_steps(recipe, shape_of_base(recipe))}
    assert (plans["prefs"].calls, plans["prefs"].bytes) == (16_000, None)
    assert plans["prefs"].seconds == pytest.approx(16_000 / 64 * 2800 * 0.04)
    assert plans["dpo"].bytes is not None and plans["dpo"].bytes > plan_recipe(recipe).total
    assert plans["grpo"].bytes is not None
    command = ["train", "plan", "longwriter-llama3.1-8b", *(part for c in changes for part in ("--set", c))]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "16,000 texts, about 7 h" in shown and "disk" in shown and "machine" in shown
    assert main([*command, "--devices", "4"]) == 1, "the other steps are planned for the same devices"
    shown = capsys.readouterr()
    assert "does not fit" in shown.out and "This would fit: dpo." in shown.err


@pytest.mark.parametrize("name", known_recipes())
def test_every_step_of_the_recipes_that_come_with_lwtui_fits_its_devices(name: str) -> None:
    recipe = load_recipe(name)
    steps = [step for step in TRAINING_STEPS if step in recipe.steps]
    assert steps and not [problem for step in steps if (problem := step_problem(recipe, shape_of_base(recipe), step))]
    if name.endswith("8b-lora") or name.endswith("9b-lora"):
        smaller = load_recipe(name, ["lora.quantize=true", "hardware.memory_gib=48"])
        assert not step_problem(smaller, shape_of_base(smaller), "sft"), "as the recipe's comment says"


def test_dpo_has_no_more_logits_in_memory_than_a_tile(make_recipe: Any, tiny: Path, tmp_path: Path) -> None:
    """The plan of DPO has none: at 2 × 32,768 tokens × 128,256 entries, they would take 47 GiB at 6 bytes each."""
    text = (TEXT * 40)[:12_000]
    answers = {"chosen": text, "rejected": text[500:]}
    pair = {"prompt": [{"role": "user", "content": "Write."}]}
    pair |= {side: [{"role": "assistant", "content": text}] for side, text in answers.items()}
    recipe = make_recipe(dpo={"method": "full", "max_length": 8192, "max_steps": 1})
    vocabulary, rows, tokens = shape_of_base(recipe).vocabulary, [0], [0]

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = function(*args, **(kwargs or {}))
            if isinstance(found, torch.Tensor) and found.dim() > 1:
                kept = {vocabulary: rows, 32: tokens}.get(found.shape[-1])
                if kept is not None:
                    kept.append(found.numel() // found.shape[-1])
            return found

    with Watch():
        metrics = train_dpo(recipe, str(tiny), write_jsonl(tmp_path / "pairs.jsonl", [pair]), tmp_path / "dpo")
    assert metrics["steps"] == 1 and max(tokens) > 4096
    assert 0 < max(rows) <= 4096


def test_a_reference_and_vllm_take_memory() -> None:
    recipe = load_recipe("longwriter-zero-qwen3-8b")
    shape = shape_of_base(recipe)

    def taken(step: str, *changes: str) -> float:
        return device_bytes(load_recipe("longwriter-zero-qwen3-8b", changes), shape, step) / GIB

    copy = 4 * shape.parameters / 8 / GIB
    dpo = 'steps=["data", "sft", "prefs", "dpo"]'
    assert taken("dpo", dpo, "dpo.precompute_ref_log_probs=false") - taken("dpo", dpo) == pytest.approx(copy)
    lora = taken("dpo", dpo, "dpo.method=lora")
    assert taken("dpo", dpo, "dpo.method=lora", "dpo.precompute_ref_log_probs=false") == lora
    assert taken("grpo", "grpo.beta=0.1") - taken("grpo") == pytest.approx(copy)
    elsewhere = taken("grpo", "grpo.vllm_mode=server")
    assert taken("grpo") - elsewhere == pytest.approx(0.3 * 80)
    assert elsewhere <= taken("grpo", "grpo.vllm_enable_sleep_mode=true") < taken("grpo")
    assert taken("grpo", "grpo.vllm_mode=server", "grpo.activation_offloading=true") == elsewhere, "TRL has none there"
    sampled = taken("grpo", "grpo.use_vllm=false", "grpo.gradient_accumulation_steps=64")
    assert sampled > 128 * 14_000 * shape.layers * shape.key_value * 2 / GIB, "a cache for 128 answers"


@pytest.mark.parametrize(
    ("step", "changes", "words"),
    [
        ("dpo", ["dpo.per_device_train_batch_size=4"], "dpo.gradient_accumulation_steps = 4."),
        ("dpo", ["dpo.gradient_checkpointing=false"], "fit: dpo.gradient_checkpointing = true."),
        ("dpo", ["hardware.memory_gib=60"], "fit: dpo.activation_offloading = true."),
        ("dpo", ["hardware.memory_gib=30"], "dpo.activation_offloading = true, dpo.max_length = 8192."),
        ("dpo", ["hardware.memory_gib=4"], "smaller base, a shorter dpo.max_length"),
        ("grpo", ["grpo.use_vllm=true", "grpo.beta=0.1"], "grpo.per_device_train_batch_size = 1"),
        ("grpo", ["grpo.use_vllm=true", "grpo.vllm_gpu_memory_utilization=0.1"], "utilization = 0.27"),
    ],
)
def test_what_would_make_a_step_fit_does(step: str, changes: list[str], words: str) -> None:
    name, steps = "longwriter-llama3.1-8b", 'steps=["data", "sft", "prefs", "dpo", "grpo"]'
    recipe = load_recipe(name, [steps, *changes])
    problem = step_problem(recipe, shape_of_base(recipe), step)
    assert f"step {step}" in problem and words in problem
    _, found, advice = problem.partition("This would fit: ")
    if found:
        followed = load_recipe(name, [steps, *changes, *advice.removesuffix(".").split(", ")])
        assert not step_problem(followed, shape_of_base(recipe), step)


def test_a_gguf_and_a_folder_are_planned_without_the_extra(
    tiny: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lwtui.models.llama_cpp.demo import demo_path
    from lwtui_training import model_shape

    monkeypatch.setattr(model_shape, "require_extra", lambda *_: pytest.fail("the extra is asked for"))
    recipe = make_recipe()
    assert shape_of_base(recipe).parameters > 10_000
    gguf = replace(recipe, base=replace(recipe.base, model=str(demo_path())))
    assert shape_of_base(gguf) == shape_of_base(replace(recipe, base=replace(recipe.base, model="demo")))
