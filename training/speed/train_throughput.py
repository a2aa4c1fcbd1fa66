"""Measure SFT on one GPU: tokens per second, MFU and peak memory, against plain TRL and ``lwtui train plan``.

    python training/speed/train_throughput.py [--minutes 12] [RECIPE ...]

Without a recipe: demo-270m, tuned in full, and a Llama of 8 billion random weights with LoRA, both on packs of 32,768
tokens; then 100 steps of GRPO with vLLM where that is installed. lwtui's trainer and one with TRL's defaults run one
after the other, each in a process of its own, on the same random rows of 300 to 15,000 tokens. Without a GPU, it says
so and ends. ``--cpu`` tries the script itself, on the recipe tiny; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback

from lwtui_training.gpu_memory import estimate
from lwtui_training.model_shape import CONFIGS, shape_of_base
from lwtui_training.recipe import Recipe, load_recipe

RANDOM = "random-8b"
_ON_GPU = {
    "demo-270m": ["base.dtype=bfloat16", "sft.method=full", "sft.max_length=32768", "sft.gradient_checkpointing=true"],
    RANDOM: ["sft.gradient_accumulation_steps=1"],
}
_SHORT, _LONG = (300, 2000), (3000, 15_000)  # tokens of general and of long rows; one in ten is long
_WARM_UP = 2  # steps that compile and allocate
_GRPO_STEPS = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(**json.loads(options.child))))
        return 0
    if not options.cpu and not torch.cuda.is_available():
        print("There is no GPU here, so there is nothing to measure. Run this on a machine with one.", file=sys.stderr)
        return 1
    recipes = options.recipes or (["tiny"] if options.cpu else list(_ON_GPU))
    cases = [{"name": name, "kind": kind} for name in recipes for kind in ("lwtui", "plain TRL")]
    if not options.recipes:
        cases.append({"name": "tiny" if options.cpu else "demo-270m", "kind": "GRPO"})
    end = monotonic() + 60 * options.minutes
    report: dict[str, Any] = {"card": "none" if options.cpu else torch.cuda.get_device_name()}
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases):
            seconds = (end - monotonic()) / (len(cases) - number)
            report.setdefault(case["name"], {})[case["kind"]] = run_child(
                case | {"seconds": seconds, "folder": folder, "cpu": options.cpu}
            )
    for name in recipes:
        compare(report[name])
    print(json.dumps(report, indent=2))
    return 0


def compare(results: dict[str, Any]) -> None:
    """Add the ratios to the results of a recipe."""
    ours, plain = results["lwtui"], results["plain TRL"]
    if "error" not in ours:
        results["peak_against_plan"] = ours["peak_bytes"] / ours["planned_bytes"]
        if "error" not in plain:
            results["ratio"] = ours["tokens_per_second"] / plain["tokens_per_second"]


def run_child(case: dict[str, Any]) -> dict[str, Any]:
    """Measure in a process of its own, whose memory is free afterwards and whose failure ends nothing else."""
    print(f"{case['name']}, {case['kind']}: {case['seconds']:.0f} s", file=sys.stderr, flush=True)
    if case["kind"] == "GRPO" and not case["cpu"] and find_spec("vllm") is None:
        return {"error": "vLLM is not installed"}
    command = [sys.executable, __file__, "--child", json.dumps(case)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:500]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(name: str, kind: str, seconds: float, folder: str, cpu: bool) -> dict[str, Any]:
    """Measure one trainer for some seconds, loading included."""
    from lwtui_training.base_model import load_tokenizer, prepare_base
    from lwtui_training.sft import make_trainer

    end, place = monotonic() + seconds, Path(folder)
    recipe = the_recipe(name, place, cpu)
    base, _hash = prepare_base(recipe)
    if kind == "GRPO":
        return grpo(recipe, base, place, cpu)
    tokenizer = load_tokenizer(base, recipe)
    rows = mixed_rows(min(len(tokenizer), shape_of_base(recipe).vocabulary), recipe.sft.max_length)
    work = place / f"{name}-{kind}"
    if kind == "lwtui":
        trainer = make_trainer(recipe, base, tokenizer, rows, work)
    else:
        trainer = plain_trainer(recipe, base, tokenizer, rows, work)
    clock = Clock(end, trainer, cpu)
    trainer.add_callback(clock)
    if not cpu:
        torch.cuda.reset_peak_memory_stats()
    trainer.train()
    rate = clock.tokens_per_second
    operations = operations_per_token(recipe, rows)
    return {
        "steps": len(clock.marks),
        "tokens_per_second": rate,
        "mfu": rate * operations / (recipe.hardware.tflops * 1e12),
        "peak_bytes": 1.0 if cpu else float(torch.cuda.max_memory_allocated()),
        "planned_bytes": estimate(recipe, shape_of_base(recipe)).total,
    }


def the_recipe(name: str, folder: Path, cpu: bool) -> Recipe:
    """Return a recipe for one device, with more steps than there is time for."""
    source = "longwriter-llama3.1-8b-lora" if name == RANDOM else name
    changes = [f"output={folder}/{name}", "sft.max_steps=100000", "sft.save_steps=100000", "hardware.processes=1"]
    if not cpu:
        changes += ["hardware.device=auto", *_ON_GPU.get(name, [])]
    recipe = load_recipe(source, changes)
    recipe = replace(recipe, hardware=replace(recipe.hardware, strategy="single", machines=1))
    if name != RANDOM:
        return recipe
    return replace(recipe, base=replace(recipe.base, model=str(random_base(folder / "base-8b"))))


def random_base(folder: Path) -> Path:
    """Save a Llama 3.1 8B of random weights, unless it is there; its tokenizer is a small one."""
    from transformers import AutoConfig, AutoModelForCausalLM

    from lwtui_training.tiny import make_tokenizer

    if not (folder / "config.json").exists():
        tokenizer = make_tokenizer(folder, ["A text to train the tokenizer on. " * 50])
        sizes = dict(CONFIGS["meta-llama/Llama-3.1-8B"])
        config = AutoConfig.for_model(sizes.pop("model_type"), **sizes, max_position_embeddings=131_072)
        config.pad_token_id, config.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
        with torch.device("cuda"):
            model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
        model.save_pretrained(folder)
    return folder


def mixed_rows(vocabulary: int, longest: int, count: int = 2000) -> Dataset:
    """Return random rows of mixed lengths, all of whose tokens are targets."""
    draw, generator = random.Random(0), torch.Generator().manual_seed(0)
    ids = []
    for number in range(count):
        least, most = _LONG if number % 10 == 0 else _SHORT
        length = draw.randint(min(least, longest // 2), min(most, longest))
        ids.append(torch.randint(10, vocabulary, (length,), generator=generator, dtype=torch.int32).numpy())
    return Dataset.from_dict({"input_ids": ids, "labels": ids})


def operations_per_token(recipe: Recipe, rows: Dataset) -> float:
    """Return the floating-point operations that training on a token takes, without those that are done twice.

    Forward takes 2 per parameter, and as many for each layer's attention to the half of the row that is before the
    token on average; backward takes twice that, but once for the weights that LoRA leaves alone.
    """
    from lwtui_training.tokens import token_counts

    shape, lengths = shape_of_base(recipe), token_counts(rows)
    context = sum(length**2 for length in lengths) / sum(lengths)
    passes = 2 if recipe.sft.method == "lora" else 3
    return passes * 2.0 * shape.parameters + 3 * 2.0 * shape.layers * shape.attention * context


def plain_trainer(recipe: Recipe, base: str, tokenizer: Any, rows: Dataset, folder: Path) -> Any:
    """Return a trainer with TRL's defaults, except for length, batch and adapter."""
    from trl import SFTConfig, SFTTrainer

    from lwtui_training.base_model import load_model
    from lwtui_training.trainer import peft_config

    sft = recipe.sft
    config = SFTConfig(
        str(folder),
        max_length=sft.max_length,
        max_steps=sft.max_steps,
        per_device_train_batch_size=sft.per_device_train_batch_size,
        save_strategy="no",
        report_to="none",
        use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
        disable_tqdm=True,
    )
    model = load_model(base, recipe)
    adapter = peft_config(recipe) if sft.method == "lora" else None
    return SFTTrainer(model, args=config, train_dataset=rows, processing_class=tokenizer, peft_config=adapter)


class Clock(TrainerCallback):
    """Counts tokens and time of the steps after the first ones, and ends training in time."""

    def __init__(self, end: float, trainer: Any, cpu: bool) -> None:
        self.marks: list[tuple[float, int]] = []
        self._end, self._cpu, self._tokens = end, cpu, 0
        step = trainer.training_step

        def training_step(model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
            mask = inputs.get("attention_mask")
            self._tokens += int(inputs["input_ids"].numel() if mask is None else mask.sum())
            return step(model, inputs, *arguments, **options)

        trainer.training_step = training_step

    def on_step_end(self, _args: Any, _state: Any, control: Any, **_rest: Any) -> None:
        if not self._cpu:
            torch.cuda.synchronize()
        self.marks.append((perf_counter(), self._tokens))
        control.should_training_stop = monotonic() > self._end and len(self.marks) > _WARM_UP + 1

    @property
    def tokens_per_second(self) -> float:
        (start, before), (end, after) = self.marks[_WARM_UP - 1], self.marks[-1]
        return (after - before) / (end - start)


def grpo(recipe: Recipe, base: str, folder: Path, cpu: bool) -> dict[str, Any]:
    """Train with rewards; vLLM samples on a GPU."""
    from lwtui_training.grpo import train_grpo

    steps = 2 if cpu else _GRPO_STEPS
    changed = replace(
        recipe.grpo,
        instructions="tiny/prompts.jsonl",
        max_steps=steps,
        max_completion_length=32 if cpu else 512,
        num_generations=8,
        per_device_train_batch_size=16,
        use_vllm=not cpu,
    )
    recipe = replace(recipe, grpo=changed)
    work = folder / "grpo"
    work.mkdir()
    start = perf_counter()
    metrics = train_grpo(recipe, base, Path(recipe.resolve(changed.instructions)), work)
    kept = {name: value for name, value in metrics.items() if name.startswith(("first_", "last_"))}
    return {"steps": steps, "seconds_per_step": (perf_counter() - start) / steps} | kept


if __name__ == "__main__":
    sys.exit(main())
