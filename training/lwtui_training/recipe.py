"""A recipe: one TOML file that says all there is to say about a run. Each step reads its own table.

Options that are handed to TRL, PEFT or transformers have the names they have there, so that their documentation is
ours: ``[sft]`` and ``[dpo]`` hold fields of ``SFTConfig`` and ``DPOConfig``, ``[lora]`` those of ``LoraConfig``.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
import types
import typing
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from lwtui.errors import UsageError


@dataclass(frozen=True)
class BaseConfig:
    """The model to tune.

    ``model`` is a folder, a repository of the hub, a GGUF (dequantized), ``demo`` (the GGUF that comes with lwtui) or
    ``tiny`` (made on the spot, for trying things out). ``format`` is how a conversation becomes text: a name of
    :mod:`lwtui_training.chat`.
    """

    model: str = ""
    revision: str = ""
    format: str = "chat"
    attn_implementation: str = "auto"
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    trust_remote_code: bool = False


@dataclass(frozen=True)
class Data:
    """SFT rows: written by AgentWrite for ``instructions``, loaded from ``long``, mixed with ``general``.

    ``instructions`` is JSON lines of ``{"instruction", "words"}`` or a line of text each; ``long`` and ``general``
    are JSON lines of ``{"messages"}``, or data sets of the hub. A row's text has to reach ``least_length`` of the
    words asked, and no more than ``most_repetition`` of its sentences may have been said before.
    """

    instructions: str = ""
    words: int = 2000  # where an instruction does not say how long
    model: str = "demo"
    base_url: str = ""
    mode: Literal["agentwrite", "direct"] = "agentwrite"
    concurrency: int = 4
    token_budget: int = 0  # tokens, prompt and answer together; 0: no bound
    long: str = ""
    long_split: str = "train"
    most_rows: int = 0  # of ``long``, the longest first; 0: all
    general: str = ""
    general_split: str = "train"
    general_per_long: float = 0.0  # general rows for each long one; 0: all that there are
    least_words: int = 0  # a long row has at least this many words
    least_length: float = 0.7
    most_length: float = 1.6
    most_repetition: float = 0.2
    words_cut: int = 0  # cut answers after this many words (an experiment's lever; 0: never)


@dataclass(frozen=True)
class Lora:
    """Fields of PEFT's ``LoraConfig``; ``quantize`` loads the base in 4 bits (QLoRA)."""

    r: int = 64
    lora_alpha: int = 128
    lora_dropout: float = 0.0
    target_modules: str = "all-linear"
    quantize: bool = False


@dataclass(frozen=True)
class _Training:
    """What SFT and DPO have in common: fields of transformers' ``TrainingArguments``, and ``method``."""

    method: Literal["full", "lora"] = "full"
    max_length: int = 32_768
    num_train_epochs: float = 1.0
    max_steps: int = -1
    per_device_train_batch_size: int = 1
    gradient_accumulation_steps: int = 1
    learning_rate: float = 1e-5
    lr_scheduler_type: str = "cosine"
    warmup_ratio: float = 0.1
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    optim: str = "adamw_torch_fused"
    gradient_checkpointing: bool = True
    activation_offloading: bool = False
    save_steps: int = 100
    save_total_limit: int = 2
    logging_steps: int = 1


@dataclass(frozen=True)
class Sft(_Training):
    """Fields of TRL's ``SFTConfig``, and two of our own: ``method`` and ``average``.

    ``average`` says what the loss is the mean of: all target tokens of the global batch (``token``, the paper's
    choice) or the samples' own means (``sample``), which starves long outputs.
    """

    average: Literal["token", "sample"] = "token"
    packing: bool = True
    train_sampling_strategy: Literal["random", "sequential"] = "random"  # rows are shuffled once before either
    num_train_epochs: float = 4.0
    warmup_ratio: float = 0.03
    weight_decay: float = 0.1
    adam_beta1: float = 0.9
    adam_beta2: float = 0.95


@dataclass(frozen=True)
class Prefs:
    """Preference pairs: ``samples`` answers for each instruction; the best by length (and judge) against another.

    ``model`` writes the answers through lwtui (an endpoint that serves the checkpoint is the fast way); empty: the
    checkpoint itself, with transformers. ``documents`` are ``.lw`` files or folders of them, whose revisions that a
    person replaced make pairs too; ``general`` is a preference set in JSON lines or of the hub.
    """

    instructions: str = ""
    most_instructions: int = 0
    words: int = 2000
    samples: int = 4
    batch_size: int = 4  # answers written at once
    max_new_tokens: int = 32_768
    temperature: float = 0.8
    top_p: float = 0.95
    model: str = ""
    base_url: str = ""
    judge: str = ""
    judge_weight: float = 0.5
    least_margin: float = 1.0  # of the score (0 to 100), between chosen and rejected
    documents: tuple[str, ...] = ()
    general: str = ""
    general_split: str = "train"
    general_per_long: float = 0.0


@dataclass(frozen=True)
class Dpo(_Training):
    """Fields of TRL's ``DPOConfig``. ``ld_alpha`` below 1 takes the length out of the preference."""

    beta: float = 0.1
    loss_type: tuple[str, ...] = ("sigmoid",)
    loss_weights: tuple[float, ...] = ()
    ld_alpha: float | None = None
    precompute_ref_log_probs: bool = True
    learning_rate: float = 5e-7


@dataclass(frozen=True)
class GgufConfig:
    """The file for the app: ``outtype`` is exported and checked, ``quantize`` (a llama.cpp type) made from it."""

    outtype: Literal["f32", "f16", "bf16"] = "f16"
    quantize: str = "Q4_K_M"
    name: str = ""  # what the app calls it; empty: the recipe's name
    register: bool = True


@dataclass(frozen=True)
class Hardware:
    """What it runs on. ``strategy`` is how the model lies on ``processes`` × ``machines`` devices."""

    device: Literal["auto", "cpu"] = "auto"
    processes: int = 1  # a machine
    machines: int = 1
    strategy: Literal["single", "ddp", "fsdp2", "zero3"] = "single"
    context_parallel: int = 1  # devices that share one sequence; see docs/training.md
    memory_gib: float = 80.0  # of one device
    tflops: float = 989.0  # of one device, dense bf16, at its peak
    mfu: float = 0.4  # the share of it that is reached
    threads: int = 0  # on a CPU; 0: torch's own choice


@dataclass(frozen=True)
class Bench:
    """The last step: what is benched, base against tuned. ``prompts`` bounds how many; 0: the whole set."""

    instruction: str = "Write a long story about a lighthouse keeper."
    words: int = 300
    task: str = "longbench-write"
    data: str = ""  # a file of prompts instead of the task's own
    prompts: int = 0
    max_tokens: int = 32_768


@dataclass(frozen=True)
class Recipe:
    """All of it. ``output`` is the folder of the run; paths of inputs are relative to the recipe's file."""

    name: str = ""
    output: str = ""
    seed: int = 0
    steps: tuple[str, ...] = ("data", "sft", "prefs", "dpo", "merge", "gguf")
    base: BaseConfig = field(default_factory=BaseConfig)
    data: Data = field(default_factory=Data)
    sft: Sft = field(default_factory=Sft)
    prefs: Prefs = field(default_factory=Prefs)
    dpo: Dpo = field(default_factory=Dpo)
    lora: Lora = field(default_factory=Lora)
    gguf: GgufConfig = field(default_factory=GgufConfig)
    hardware: Hardware = field(default_factory=Hardware)
    bench: Bench = field(default_factory=Bench)
    folder: str = ""  # of the recipe's file, where its inputs are looked for

    @property
    def run_folder(self) -> Path:
        return Path(self.output or f"runs/{self.name}").expanduser().absolute()

    @property
    def devices(self) -> int:
        return self.hardware.processes * self.hardware.machines

    def find(self, name: str) -> str:
        """``name`` as the path of a file beside the recipe or in the working folder; as it is if there is none."""
        for place in (Path(self.folder) / name, Path(name).expanduser()):
            if name and place.exists():
                return str(place.absolute())
        return name

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        return _build(cls, json.loads(text), "")


def known_recipes() -> list[str]:
    """The names of the recipes that come with lwtui."""
    names = (entry.name for entry in resources.files(f"{__package__}.recipes").iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_recipe(name: str, changes: typing.Sequence[str] = ()) -> Recipe:
    """The recipe at path ``name``, or one of :func:`known_recipes`, with ``changes`` such as ``sft.max_steps=20``.

    Raises :class:`UsageError` with the file, the key and what is allowed.
    """
    path = _find(name)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}. Mend that line.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {path}: {error}.") from None
    for change in changes:
        _apply(table, change)
    table.setdefault("name", path.stem)
    table["folder"] = str(path.absolute().parent)
    recipe = _build(Recipe, table, f"{path}: ")
    _check(recipe, path)
    return recipe


def _find(name: str) -> Path:
    if name in known_recipes():
        return Path(str(resources.files(f"{__package__}.recipes") / f"{name}.toml"))
    path = Path(name).expanduser()
    if not path.is_file():
        raise UsageError(f"There is no recipe {name!r}. Give a TOML file or one of: {', '.join(known_recipes())}.")
    return path


def _apply(table: dict[str, Any], change: str) -> None:
    """Set one value; it is read as TOML where it can be, else as text."""
    key, equals, value = change.partition("=")
    *parents, leaf = key.strip().split(".")
    if not equals or not leaf:
        raise UsageError(f"--set takes KEY=VALUE, such as sft.max_steps=20, not {change!r}.")
    for parent in parents:
        table = table.setdefault(parent, {})
    try:
        table[leaf] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[leaf] = value


def _build(kind: Any, table: dict[str, Any], where: str) -> Any:
    """``kind`` from a table, every key and type checked."""
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in hints:
            raise UsageError(f"{where}{key!r} is not an option. Known: {', '.join(hints)}.")
        values[key] = _value(hints[key], value, f"{where}{key}")
    return kind(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise UsageError(f"{where} must be a table.")
        return _build(hint, value, f"{where}.")
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise UsageError(f"{where} must be one of {', '.join(map(repr, arguments))}, not {value!r}.")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise UsageError(f"{where} must be a list, not {value!r}.")
        return tuple(_value(arguments[0], one, where) for one in value)
    if origin is types.UnionType:
        return None if value is None else _value(arguments[0], value, where)
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise UsageError(f"{where} must be of type {hint.__name__}, not {value!r}.")
    return value


def _check(recipe: Recipe, path: Path) -> None:
    from lwtui_training.chat import FORMATS

    if not recipe.base.model:
        raise UsageError(f"{path}: base.model is missing: the model to tune.")
    if recipe.base.format not in FORMATS:
        raise UsageError(f"{path}: base.format must be one of {', '.join(FORMATS)}, not {recipe.base.format!r}.")
    if recipe.devices > 1 and recipe.hardware.strategy == "single":
        raise UsageError(f"{path}: hardware.strategy must say how {recipe.devices} devices share the model.")
    if recipe.hardware.context_parallel > 1 and recipe.sft.packing:
        raise UsageError(f"{path}: context parallelism drops the mask between packed samples: set sft.packing = false.")
    if "dpo" in recipe.steps and "prefs" not in recipe.steps:
        raise UsageError(f"{path}: the step dpo needs the step prefs.")
    for table in (recipe.sft, recipe.dpo):
        if table.max_length < 8 or table.gradient_accumulation_steps < 1 or table.per_device_train_batch_size < 1:
            raise UsageError(f"{path}: max_length, gradient_accumulation_steps and batch sizes must be positive.")
