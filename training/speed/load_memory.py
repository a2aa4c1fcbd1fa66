"""Measure the memory of this machine while the processes of a recipe load the model, against one copy of its weights.

    python training/speed/load_memory.py [--step sft|dpo|grpo] [--method full|lora] [--strategy fsdp2|zero3|ddp]
        [--processes 8] [--parameters 128]

The processes are those of ``lwtui train``, on a CPU with gloo; they stop before the first step. Memory is summed
over them, shared pages counted once (PSS), less what they have just before they load. "anonymous" leaves out the pages
of the checkpoint's files, which the system can drop at any time. "loading" is the peak until every process has its
models, "sharding" the peak until each has its part: on GPUs that is their memory, here it is this machine's. Both are
in copies of all the models that the step has: DPO with full tuning has two, and GRPO (here with beta = 0.1). Only
Linux tells these figures. ZeRO-3 needs DeepSpeed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from datasets import Dataset

from lwtui_training.fitting_pairs import fitting_pairs
from lwtui_training.launch import accelerate_config, launch_command, launch_environment, train_here
from lwtui_training.recipe import BaseConfig, DpoConfig, GrpoConfig, HardwareConfig, Recipe, SftConfig

MIB = 1 << 20
PHASES = ("loading", "sharding")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", default="sft", choices=("sft", "dpo", "grpo"))
    parser.add_argument("--method", default="full", choices=("full", "lora"))
    parser.add_argument("--strategy", default="fsdp2", choices=("fsdp2", "zero3", "ddp"))
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--parameters", type=int, default=128, help="in millions")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker)
        return 0
    if not Path("/proc/self/smaps_rollup").exists():
        print("This script needs Linux, which tells the memory of a process.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored = make_base(folder / "base", options.parameters)
        recipe = Recipe(
            name="load",
            output=str(folder / "run"),
            base=BaseConfig(str(folder / "base"), format="longwriter-llama"),
            steps=(options.step,),
            sft=SftConfig(method=options.method, max_length=64, max_steps=1, packing=False),
            dpo=DpoConfig(method=options.method, max_length=64, max_steps=1),
            grpo=GrpoConfig(method=options.method, max_completion_length=8, max_steps=1, beta=0.1),
            hardware=HardwareConfig("cpu", options.processes, strategy=options.strategy, threads=1),
        )
        make_rows(recipe, folder)
        report = measure(recipe, folder)
    copy = report.pop("copy_bytes") * report["models"]
    for phase in PHASES:
        report[phase] |= {f"{kind}_copies": value * MIB / copy for kind, value in report[phase].items()}
    what = {name: getattr(options, name) for name in ("step", "method", "strategy", "processes")}
    print(json.dumps(what | report, indent=2))
    print(f"one copy of all: {copy / MIB:,.0f} MiB in memory, {stored / MIB:,.0f} MiB on disk", file=sys.stderr)
    return 0


def make_base(folder: Path, millions: int) -> int:
    """Save a random Llama in half precision; return its size on disk."""
    import torch
    from transformers import AutoModelForCausalLM

    from lwtui_training.tiny import make_tiny

    width, layers = 1024, max(1, round(millions / 12.6))
    make_tiny(
        folder,
        ["A text to train the tokenizer on. " * 50],
        hidden_size=width,
        intermediate_size=2 * width + 640,
        num_hidden_layers=layers,
        num_attention_heads=16,
        num_key_value_heads=16,
    )
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def make_rows(recipe: Recipe, folder: Path) -> None:
    """Write rows for DPO and GRPO."""
    prompt = [{"role": "user", "content": "Write."}]
    answers = {
        side: [{"role": "assistant", "content": text}] for side, text in (("chosen", "A text."), ("rejected", "No."))
    }
    rows = {"dpo": {"prompt": prompt} | answers, "grpo": {"instruction": "Write a text.", "words": 5}}
    for step, row in rows.items():
        (folder / f"{step}.jsonl").write_text((json.dumps(row) + "\n") * 64, encoding="utf-8")
    if recipe.steps == ("dpo",):
        fitting_pairs(recipe, recipe.base.model, folder / "dpo.jsonl", folder / "run")


def measure(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Start the processes, and watch them load."""
    marks = folder / "marks"
    marks.mkdir()
    (folder / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    launch = launch_command(recipe, folder)
    command = [*launch[: launch.index("-m", 3)], __file__, "--worker", str(folder)]
    variables = launch_environment(recipe) | strategy_variables(recipe)
    variables["MALLOC_MMAP_THRESHOLD_"] = "65536"  # what is freed goes back to the system at once
    process = subprocess.Popen(command, env=variables)
    count, report = recipe.hardware.processes, dict[str, Any]()
    try:
        wait_for(process, marks, "ready", count)
        pids = [int(path.read_text()) for path in sorted(marks.glob("ready-*"))]
        before = memory(pids)
        for phase in PHASES:
            (marks / f"go-{phase}").touch()
            peak = watch(process, pids, lambda phase=phase: len(list(marks.glob(f"{phase}-*"))) == count)
            report[phase] = {kind: round((peak[kind] - before[kind]) / MIB) for kind in peak}
        report["before"] = {kind: round(size / MIB) for kind, size in before.items()}
        report["copy_bytes"] = int((marks / "copy").read_text())
        report["models"] = int((marks / "models").read_text())
        (marks / "go-end").touch()
        process.wait(60)
    finally:
        process.terminate()
        process.wait()
    return report


def watch(process: subprocess.Popen[bytes], pids: list[int], is_over: Any) -> dict[str, int]:
    """Return the peaks of memory until a phase is over."""
    peak = memory(pids)
    while not is_over():
        if process.poll() is not None:
            raise SystemExit("A process ended too early; its output is above.")
        peak = {kind: max(size, peak[kind]) for kind, size in memory(pids).items()}
        time.sleep(0.005)
    return {kind: max(size, peak[kind]) for kind, size in memory(pids).items()}


def memory(pids: list[int]) -> dict[str, int]:
    """Return the memory of processes, in bytes."""
    sums = {"Pss": 0, "Pss_Anon": 0, "Pss_Shmem": 0}
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            name, _colon, value = line.partition(":")
            if name in sums:
                sums[name] += int(value.split()[0]) * 1024
    return {"all": sums["Pss"], "anonymous": sums["Pss_Anon"] + sums["Pss_Shmem"]}


def wait_for(process: subprocess.Popen[bytes], marks: Path, name: str, count: int) -> None:
    while len(list(marks.glob(f"{name}-*"))) < count:
        if process.poll() is not None:
            raise SystemExit("A process ended too early; its output is above.")
        time.sleep(0.05)


def strategy_variables(recipe: Recipe) -> dict[str, str]:
    """Return what accelerate's launcher would set for the strategy; on a CPU it starts no such processes."""
    import yaml

    config = yaml.safe_load(accelerate_config(recipe).read_text(encoding="utf-8"))
    if recipe.hardware.strategy == "fsdp2":
        fsdp = {name.upper(): str(value) for name, value in config["fsdp_config"].items()}
        return fsdp | {"ACCELERATE_USE_FSDP": "true"}
    if recipe.hardware.strategy == "zero3":
        return {
            "ACCELERATE_USE_DEEPSPEED": "true",
            "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3",
            "ACCELERATE_DEEPSPEED_ZERO3_INIT": str(config["deepspeed_config"]["zero3_init_flag"]).lower(),
            "DS_ACCELERATOR": "cpu",
        }
    return {}


def work(folder: Path) -> None:
    """Be one of the processes."""
    import torch
    from accelerate import PartialState
    from accelerate.utils import DistributedType
    from transformers import TrainerCallback

    from lwtui_training import dpo, grpo, sft
    from lwtui_training.base_model import load_tokenizer
    from lwtui_training.progress import quiet_libraries

    quiet_libraries()
    torch.set_num_threads(1)
    marks, rank = folder / "marks", int(os.environ["RANK"])
    recipe = Recipe.from_json((folder / "recipe.json").read_text(encoding="utf-8"))
    if recipe.hardware.strategy == "fsdp2":
        # accelerate shards only over accelerators; it can over the processes of a CPU, too.
        original = PartialState.__init__

        def init(self: Any, *args: Any, **options: Any) -> None:
            original(self, *args, **options)
            if self._shared_state["distributed_type"] == DistributedType.MULTI_CPU:
                self._shared_state["distributed_type"] = DistributedType.MULTI_GPU

        PartialState.__init__ = init

    def mark(name: str) -> None:
        (marks / f"{name}-{rank}").write_text(str(os.getpid()))

    def wait(name: str) -> None:
        while not (marks / f"go-{name}").exists():
            time.sleep(0.01)

    step = recipe.steps[0]
    module = {"sft": sft, "dpo": dpo, "grpo": grpo}[step]
    models = (
        2 if step != "sft" and getattr(recipe, step).method == "full" and recipe.hardware.strategy == "fsdp2" else 1
    )
    load, loaded = module.load_model, []

    def load_model(*args: Any, **options: Any) -> Any:
        if not loaded:
            mark("ready")
            wait("loading")
        model = load(*args, **options)
        loaded.append(1)
        if rank == 0 and len(loaded) == 1:
            sizes = [getattr(one, "ds_numel", one.numel()) * one.element_size() for one in model.parameters()]
            (marks / "copy").write_text(str(sum(sizes)))
            (marks / "models").write_text(str(models))
        if len(loaded) == models:
            mark("loading")
            wait("sharding")
        return model

    module.load_model = load_model

    class Stop(TrainerCallback):
        def on_train_begin(self, *_args: Any, **_options: Any) -> None:
            mark("sharding")
            wait("end")
            os._exit(0)

    def stop_at_first_step(trainer: Any, *_args: Any) -> None:
        trainer.add_callback(Stop())
        trainer.train()

    run = folder / "run"
    run.mkdir(exist_ok=True)
    if step == "sft":
        tokenizer = load_tokenizer(recipe.base.model, recipe)
        rows = Dataset.from_dict({"input_ids": [[5] * 64] * 64, "labels": [[5] * 64] * 64})
        stop_at_first_step(sft.make_trainer(recipe, recipe.base.model, tokenizer, rows, run))
    module.train = stop_at_first_step
    train_here(step, recipe, recipe.base.model, folder / f"{step}.jsonl", run)


if __name__ == "__main__":
    sys.exit(main())
