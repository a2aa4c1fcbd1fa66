"""Recipes: one TOML file describes a whole run, with a table for each step.

Options that are passed to TRL, PEFT or transformers keep their names there, so that the libraries' documentation
applies: ``[sft]`` and ``[dpo]`` hold fields of TRL's ``SFTConfig`` and ``DPOConfig``, ``[lora]`` fields of PEFT's
``LoraConfig``.
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
from lwtui.translation import _
from lwtui_training.library_options import check_option


@dataclass(frozen=True)
class BaseConfig:
    """The table ``[base]``: the model to tune.

    Attributes:
        model: A folder, a repository on the Hugging Face hub, a GGUF (which is dequantized), "demo" (the GGUF that
            comes with lwtui), a GGUF of ``lwtui models download`` by its name, or "tiny" (a random model for trying
            things out).
        format: The chat template, one of :data:`lwtui_training.chat.FORMATS`.
    """

    model: str = ""
    revision: str = ""
    format: str = "chat"
    attn_implementation: str = "auto"
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    trust_remote_code: bool = False


@dataclass(frozen=True)
class DataConfig:
    """The table ``[data]``: rows for SFT, written by AgentWrite or loaded, and mixed with general rows.

    Attributes:
        instructions: A file of instructions: JSON lines of ``{"instruction", "words"}``, or one instruction per line.
        words: Length of the texts whose instruction states none.
        model: The model that writes.
        base_url: The endpoints that serve it, one or several; empty for a model of lwtui's settings or a GGUF.
        concurrency: Number of documents written at once, over all endpoints.
        token_budget: Maximum number of input and output tokens; 0 for no limit.
        long: Long rows to load: a file, a folder, or a dataset on the Hugging Face hub (formats: docs/training.md).
        long_split: The split of a dataset, such as "train" or "train[:1000]"; ``long_subset`` and ``long_revision``
            choose its configuration and its commit.
        most_rows: Maximum number of rows of ``long``, the longest first; 0 for all.
        general: General rows to mix in, in the same format as ``long``.
        general_per_long: Number of general rows for each long row; 0 for all.
        least_words: Minimum number of words of a long row.
        least_length: Minimum length of a written text, relative to the words asked for.
        most_length: Maximum length of a written text, relative to the words asked for.
        most_repetition: Maximum share of a text's n-grams that occurred before in it.
        words_cut: Truncate answers to this many words, for experiments; 0 for never.
        most_bad_rows: Share of rows that may be unusable, from 0 to 1. They are dropped and listed; with more, the step
            stops.
    """

    instructions: str = ""
    words: int = 2000
    model: str = "demo"
    base_url: tuple[str, ...] = ()
    mode: Literal["agentwrite", "direct"] = "agentwrite"
    concurrency: int = 4
    token_budget: int = 0
    long: str = ""
    long_split: str = "train"
    long_subset: str = ""
    long_revision: str = ""
    most_rows: int = 0
    general: str = ""
    general_split: str = "train"
    general_subset: str = ""
    general_revision: str = ""
    general_per_long: float = 0.0
    least_words: int = 0
    least_length: float = 0.7
    most_length: float = 1.6
    most_repetition: float = 0.2
    words_cut: int = 0
    most_bad_rows: float = 0.1


@dataclass(frozen=True)
class LoraConfig:
    """The table ``[lora]``: fields of PEFT's ``LoraConfig``.

    Attributes:
        quantize: Whether to load the base in 4 bits (QLoRA).
        options: All other fields of PEFT's ``LoraConfig`` that the table sets, such as ``use_rslora``.
    """

    r: int = 64
    lora_alpha: int = 128
    lora_dropout: float = 0.0
    target_modules: str = "all-linear"
    quantize: bool = False
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainerConfig:
    """What the training steps share: fields of transformers' ``TrainingArguments``, and ``method``.

    Attributes:
        options: All other fields of TRL's configuration that the table sets, such as ``neftune_noise_alpha``.
    """

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
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SftConfig(TrainerConfig):
    """The table ``[sft]``: fields of TRL's ``SFTConfig``, and ``method`` and ``average``.

    Attributes:
        average: What the loss averages over: all target tokens of the global batch ("token", as in arXiv 2408.07055),
            or the means of the samples ("sample"), which gives the tokens of long outputs too little weight.
        train_sampling_strategy: As in transformers; with both, the rows are shuffled once beforehand.
        validation_share: Share of the rows that are held out, to show the loss on them every ``save_steps`` steps.
        sample_tokens: At each checkpoint, the model answers ``bench.instruction`` with up to this many tokens, into
            ``samples.md``; 0 for never. Not with "fsdp2" and "zero3", where no process has the whole model.
    """

    average: Literal["token", "sample"] = "token"
    packing: bool = True
    train_sampling_strategy: Literal["random", "sequential"] = "random"
    validation_share: float = 0.0
    sample_tokens: int = 0
    num_train_epochs: float = 4.0
    warmup_ratio: float = 0.03
    weight_decay: float = 0.1
    adam_beta1: float = 0.9
    adam_beta2: float = 0.95


@dataclass(frozen=True)
class PrefsConfig:
    """The table ``[prefs]``: preference pairs, made from several answers to each instruction and from documents.

    Attributes:
        instructions: A file of instructions, as in ``[data]``.
        most_instructions: Maximum number of instructions; 0 for all.
        words: Length of the texts whose instruction states none.
        samples: Number of answers to each instruction.
        batch_size: Number of answers that the checkpoint itself samples at once.
        model: The model that answers; empty for the checkpoint itself.
        serve: What runs the checkpoint: "vllm" starts a server on it, which is much faster and needs GPUs and the
            package; empty for transformers.
        base_url: The endpoints that serve ``model``, one or several.
        concurrency: Number of calls in flight, over all endpoints.
        judge: A model that grades the answers; empty to score by length alone.
        judge_base_url: The endpoints that serve the judge; empty for a model of lwtui's settings.
        judge_weight: Weight of S_q in the score; S_l has the rest.
        least_margin: Minimum difference between the scores of the chosen and the rejected answer, in points (0 to 100).
        documents: ``.lw`` files, or folders of them, in which a person's edits and choices give pairs too.
        general: A preference dataset to mix in: a file, a folder, or a dataset on the Hugging Face hub.
        general_per_long: Number of general pairs for each other pair; 0 for all.
        most_repetition: Maximum share of a chosen answer's n-grams that occurred before in it.
        most_bad_rows: As in ``[data]``.
    """

    instructions: str = ""
    most_instructions: int = 0
    words: int = 2000
    samples: int = 4
    batch_size: int = 4
    max_new_tokens: int = 32_768
    temperature: float = 0.8
    top_p: float = 0.95
    model: str = ""
    serve: Literal["", "vllm"] = ""
    base_url: tuple[str, ...] = ()
    concurrency: int = 32
    judge: str = ""
    judge_base_url: tuple[str, ...] = ()
    judge_weight: float = 0.5
    least_margin: float = 1.0
    documents: tuple[str, ...] = ()
    general: str = ""
    general_split: str = "train"
    general_subset: str = ""
    general_revision: str = ""
    general_per_long: float = 0.0
    most_repetition: float = 0.2
    most_bad_rows: float = 0.1


@dataclass(frozen=True)
class DpoConfig(TrainerConfig):
    """The table ``[dpo]``: fields of TRL's ``DPOConfig``, and ``method``.

    Attributes:
        ld_alpha: Below 1, the preference depends less on length (LD-DPO).
    """

    beta: float = 0.1
    loss_type: tuple[str, ...] = ("sigmoid",)
    loss_weights: tuple[float, ...] = ()
    ld_alpha: float | None = None
    precompute_ref_log_probs: bool = True
    learning_rate: float = 5e-7


@dataclass(frozen=True)
class GrpoConfig(TrainerConfig):
    """The table ``[grpo]``: fields of TRL's ``GRPOConfig``, ``method``, and what is asked and rewarded.

    Attributes:
        instructions: A file of instructions, as in ``[data]``; a row may have a ``constraint``, as in the suite
            length-constraints of ``lwtui bench``.
        most_instructions: Maximum number of instructions; 0 for all.
        words: Length of the texts whose instruction states none.
        rewards: What is rewarded: "length", "repetition", "format" and "judge".
        judge: The model that grades the answers, for the reward "judge".
        judge_base_url: The endpoints that serve the judge; empty for a model of lwtui's settings.
        concurrency: Number of calls of the judge in flight.
        max_completion_length: Maximum number of tokens of an answer; a longer one is cut off and gets no reward.
        use_vllm: Whether vLLM samples the answers (a GPU is needed); otherwise transformers does.
    """

    instructions: str = ""
    most_instructions: int = 0
    words: int = 2000
    rewards: tuple[str, ...] = ("length", "repetition", "format")
    judge: str = ""
    judge_base_url: tuple[str, ...] = ()
    concurrency: int = 32
    most_bad_rows: float = 0.1
    num_generations: int = 8
    max_completion_length: int = 32_768
    temperature: float = 1.0
    beta: float = 0.0
    multi_objective_aggregation: Literal["normalize_then_sum", "sum_then_normalize"] = "normalize_then_sum"
    use_vllm: bool = False
    vllm_mode: Literal["colocate", "server"] = "colocate"
    per_device_train_batch_size: int = 8
    learning_rate: float = 1e-6


@dataclass(frozen=True)
class GgufConfig:
    """The table ``[gguf]``: the file for the app.

    Attributes:
        outtype: Type of the exported file, which is checked against the checkpoint.
        quantize: Type of the quantized file made from it, in llama.cpp's terms; empty for none.
        name: The model's name in the app; empty for the recipe's name.
        register: Whether to add the model to lwtui's settings.
        converter: What exports the checkpoint: empty for lwtui's exporter where it knows the family and llama.cpp's
            converter elsewhere, "llama.cpp" for the latter always, or the folder of a llama.cpp checkout.
    """

    outtype: Literal["f32", "f16", "bf16"] = "f16"
    quantize: str = "Q4_K_M"
    name: str = ""
    register: bool = True
    converter: str = ""


@dataclass(frozen=True)
class HardwareConfig:
    """The table ``[hardware]``: the devices.

    Attributes:
        processes: Number of devices per machine.
        strategy: How the devices share the model.
        sequence_parallel: Number of devices that share one sequence in SFT (Ulysses, accelerate's ``sp_size``), with
            "zero3"; see docs/training.md.
        context_parallel: The same with "fsdp2" (accelerate's ``cp_size``), for rows that are not packed.
        memory_gib: Memory of one device, in GiB.
        tflops: Peak dense bf16 performance of one device, in TFLOPS.
        mfu: Model FLOPs utilization: the share of the peak that training reaches.
        token_seconds: How long one token of a call takes at the recipe's endpoints, for ``lwtui train plan``.
        threads: Number of CPU threads; 0 for torch's default.
    """

    device: Literal["auto", "cpu"] = "auto"
    processes: int = 1
    machines: int = 1
    strategy: Literal["single", "ddp", "fsdp2", "zero3"] = "single"
    sequence_parallel: int = 1
    context_parallel: int = 1
    memory_gib: float = 80.0
    tflops: float = 989.0
    mfu: float = 0.4
    token_seconds: float = 0.04
    threads: int = 0


@dataclass(frozen=True)
class BenchConfig:
    """The table ``[bench]``: the comparison of base and tuned model.

    Attributes:
        instruction: Instruction for the document that the tuned model writes.
        words: Length of that document.
        task: The suite of ``lwtui bench``.
        data: A file of prompts instead of the suite's own.
        prompts: Maximum number of prompts; 0 for all.
    """

    instruction: str = "Write a long story about a lighthouse keeper."
    words: int = 300
    task: str = "longbench-write"
    data: str = ""
    prompts: int = 0
    max_tokens: int = 32_768


@dataclass(frozen=True)
class Recipe:
    """A whole recipe.

    Attributes:
        output: The folder of the run; empty for ``runs/NAME``.
        steps: The steps of ``lwtui train run``.
        folder: The folder of the recipe's file, to which the paths of inputs are relative.
    """

    name: str = ""
    output: str = ""
    seed: int = 0
    steps: tuple[str, ...] = ("data", "sft", "prefs", "dpo", "merge", "gguf")
    base: BaseConfig = field(default_factory=BaseConfig)
    data: DataConfig = field(default_factory=DataConfig)
    sft: SftConfig = field(default_factory=SftConfig)
    prefs: PrefsConfig = field(default_factory=PrefsConfig)
    dpo: DpoConfig = field(default_factory=DpoConfig)
    grpo: GrpoConfig = field(default_factory=GrpoConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    gguf: GgufConfig = field(default_factory=GgufConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    bench: BenchConfig = field(default_factory=BenchConfig)
    folder: str = ""

    @property
    def run_folder(self) -> Path:
        """The absolute path of the run's folder."""
        return Path(self.output or f"runs/{self.name}").expanduser().absolute()

    @property
    def devices(self) -> int:
        """Total number of devices."""
        return self.hardware.processes * self.hardware.machines

    @property
    def sequence_devices(self) -> int:
        """Number of devices that share one sequence in SFT."""
        return max(self.hardware.context_parallel, self.hardware.sequence_parallel)

    def for_step(self, step: str) -> Recipe:
        """Return the recipe as it holds for a step: only SFT shares sequences."""
        if step == "sft":
            return self
        alone = dataclasses.replace(self.hardware, context_parallel=1, sequence_parallel=1)
        return dataclasses.replace(self, hardware=alone)

    def resolve(self, name: str) -> str:
        """Return the path of a file beside the recipe or in the working folder, or ``name`` if there is none."""
        for path in (Path(self.folder) / name, Path(name).expanduser()):
            if name and path.exists():
                return str(path.absolute())
        return name

    def to_json(self) -> str:
        """Serialize the recipe."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Deserialize a recipe."""
        return _build(cls, json.loads(text), "")


def known_recipes() -> list[str]:
    """Return the names of the recipes that come with lwtui."""
    names = (entry.name for entry in resources.files(f"{__package__}.recipes").iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_recipe(name: str, changes: typing.Sequence[str] = ()) -> Recipe:
    """Load and check a recipe.

    Args:
        name: The path of a TOML file, or one of :func:`known_recipes`.
        changes: Changed options, such as ``sft.max_steps=20``.

    Raises:
        UsageError: The recipe is invalid. The message names the file, the option and the allowed values.
    """
    path = _find(name)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            _("{path} is not valid TOML: {error}. Fix that line.", path=path, error=error), code="not-toml"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(_("Cannot read {path}: {error}.", path=path, error=error)) from None
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
        raise UsageError(
            _(
                "There is no recipe {name!r}. Give a TOML file or one of: {known}.",
                name=name,
                known=", ".join(known_recipes()),
            )
        )
    return path


def _apply(table: dict[str, Any], change: str) -> None:
    """Set an option to a TOML value, or to text if the value is not valid TOML."""
    key, equals, value = change.partition("=")
    *parents, leaf = key.strip().split(".")
    if not equals or not leaf:
        raise UsageError(
            _("--set takes KEY=VALUE, such as sft.max_steps=20, not {change!r}.", change=change), code="no-value"
        )
    for parent in parents:
        table = table.setdefault(parent, {})
    try:
        table[leaf] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[leaf] = value


def _build(kind: Any, table: dict[str, Any], where: str) -> Any:
    """Build the dataclass ``kind`` from a table; check all keys and types."""
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key == "options" and key in hints:
            values[key] = values.get(key, {}) | value
            continue
        if key not in hints and "options" in hints:
            check_option(kind.__name__, key, value, where)
            values["options"] = values.get("options", {}) | {key: value}
            continue
        if key not in hints:
            raise UsageError(
                _("{where}unknown option {key!r}. Known: {known}.", where=where, key=key, known=", ".join(hints)),
                code="unknown-option",
            )
        values[key] = _value(hints[key], value, f"{where}{key}")
    return kind(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise UsageError(_("{where} must be a table.", where=where), code="wrong-type")
        return _build(hint, value, f"{where}.")
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise UsageError(
                _(
                    "{where} must be one of {known}, not {value!r}.",
                    where=where,
                    known=", ".join(map(repr, arguments)),
                    value=value,
                ),
                code="invalid-value",
            )
        return value
    if origin is tuple:
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list):
            raise UsageError(_("{where} must be a list, not {value!r}.", where=where, value=value), code="wrong-type")
        return tuple(_value(arguments[0], item, where) for item in value)
    if origin is types.UnionType:
        return None if value is None else _value(arguments[0], value, where)
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise UsageError(
            _("{where} must be of type {name}, not {value!r}.", where=where, name=hint.__name__, value=value),
            code="wrong-type",
        )
    return value


def _check(recipe: Recipe, path: Path) -> None:
    from lwtui_training.chat import FORMATS
    from lwtui_training.sequences import check_sharing

    if not recipe.base.model:
        raise UsageError(_("{path}: base.model is missing. Set it to the model to tune.", path=path), code="no-model")
    if recipe.base.format not in FORMATS:
        raise UsageError(
            _(
                "{path}: base.format must be one of {formats}, not {format!r}.",
                path=path,
                formats=", ".join(FORMATS),
                format=recipe.base.format,
            ),
            code="invalid-value",
        )
    if recipe.devices > 1 and recipe.hardware.strategy == "single":
        raise UsageError(
            _(
                "{path}: {devices} devices cannot use the strategy 'single'. Set hardware.strategy to 'ddp', "
                "'fsdp2' or 'zero3'.",
                path=path,
                devices=recipe.devices,
            ),
            code="strategy",
        )
    if recipe.sft.sample_tokens and recipe.hardware.strategy in ("fsdp2", "zero3"):
        raise UsageError(
            _(
                "{path}: with {strategy!r}, no process has the whole model. Set sft.sample_tokens = 0.",
                path=path,
                strategy=recipe.hardware.strategy,
            ),
            code="strategy",
        )
    if not 0 <= recipe.sft.validation_share < 1:
        raise UsageError(
            _("{path}: sft.validation_share must be at least 0 and below 1.", path=path), code="invalid-value"
        )
    check_sharing(recipe, path)
    if "dpo" in recipe.steps and "prefs" not in recipe.steps:
        raise UsageError(_("{path}: the step dpo needs the step prefs. Add prefs to steps.", path=path))
    unknown = set(recipe.grpo.rewards) - {"length", "repetition", "format", "judge"}
    if unknown or not recipe.grpo.rewards:
        raise UsageError(
            _(
                "{path}: grpo.rewards must be some of length, repetition, format, judge, not {rewards}.",
                path=path,
                rewards=list(recipe.grpo.rewards),
            ),
            code="invalid-value",
        )
    if "grpo" in recipe.steps:
        answers = recipe.grpo.per_device_train_batch_size * recipe.grpo.gradient_accumulation_steps * recipe.devices
        if answers % recipe.grpo.num_generations or recipe.grpo.num_generations < 2:
            raise UsageError(
                _(
                    "{path}: grpo.num_generations ({count}) must be at least 2 and divide the "
                    "{answers} answers of a step (per_device_train_batch_size × gradient_accumulation_steps × "
                    "devices).",
                    path=path,
                    count=recipe.grpo.num_generations,
                    answers=answers,
                ),
                code="num-generations",
            )
    for table in (recipe.sft, recipe.dpo, recipe.grpo):
        if table.max_length < 8 or table.gradient_accumulation_steps < 1 or table.per_device_train_batch_size < 1:
            raise UsageError(
                _(
                    "{path}: gradient_accumulation_steps and per_device_train_batch_size must be at least 1, and "
                    "max_length at least 8.",
                    path=path,
                )
            )
