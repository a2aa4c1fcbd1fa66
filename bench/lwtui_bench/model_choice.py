"""Resolve a name to the model to measure: an endpoint, a GGUF, or a Hugging Face checkpoint."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates, builtin_prompts
from lwtui.agentwrite.retry import RetryPolicy
from lwtui.config import ModelSettings, Settings, config_folder
from lwtui.errors import LwtuiError
from lwtui.models.profiles import profile_for
from lwtui.translation import _
from lwtui_bench.endpoints import open_endpoints

PREFIX = "hf:"
_CALLS_PER_ENDPOINT = 4
_DEFAULT_TEMPERATURE = 0.5  # as published, for answers and for judges


@dataclass(frozen=True)
class ModelChoice:
    """A model chosen by name.

    Attributes:
        label: The model's name in the rows.
        checkpoint: The folder of a checkpoint or its name on the Hugging Face hub; empty for other models.
        others: The same model at further endpoints.
    """

    label: str
    settings: ModelSettings
    checkpoint: str = ""
    others: tuple[ModelSettings, ...] = ()


def is_checkpoint(name: str) -> bool:
    """Return whether ``name`` is a Hugging Face checkpoint: ``hf:NAME``, or a folder with a ``config.json``."""
    return name.startswith(PREFIX) or (Path(name).expanduser() / "config.json").is_file()


def checkpoint_choice(name: str, *, profile: str = "") -> ModelChoice:
    """Return the choice of a checkpoint (see :func:`is_checkpoint`)."""
    source = name.removeprefix(PREFIX)
    folder = Path(source).expanduser()
    label = folder.resolve().name if folder.is_dir() else source
    return ModelChoice(
        label, ModelSettings(label, provider="hf", profile=profile), str(folder) if folder.is_dir() else source
    )


async def open_choice(choice: ModelChoice, settings: Settings, temperature: float | None, batch: int = 0) -> Agent:
    """Open a model as an agent.

    Args:
        choice: The model.
        settings: lwtui's settings.
        temperature: Of the sampling; ``None`` for the model's own, or 0.5 if it has none.
        batch: How many prompts a checkpoint, or several endpoints together, answer at once; 0 for the default.

    Raises:
        LwtuiError: The model cannot be opened.
    """
    if choice.checkpoint:
        agent = await _checkpoint_agent(choice, batch)
    elif choice.others:
        calls = batch or _CALLS_PER_ENDPOINT * (1 + len(choice.others))
        agent = await open_endpoints((choice.settings, *choice.others), settings, calls)
    else:
        agent = await open_agent(choice.settings.name, settings, model=choice.settings)
    sampling = agent.profile.sampling
    default = sampling.temperature if sampling.temperature is not None else _DEFAULT_TEMPERATURE
    sampling = replace(sampling, temperature=default if temperature is None else temperature)
    agent.profile = replace(agent.profile, sampling=sampling)
    return agent


def prompts_hash(form: str) -> str:
    """Hash the method's prompts for a form of model ("chat" or "completion"), including the user's overrides."""
    digest = sha256()
    for folder in (builtin_prompts() / form, config_folder() / "prompts" / form):
        if folder.is_dir():
            for file in sorted(folder.iterdir(), key=lambda path: path.name):
                digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


async def _checkpoint_agent(choice: ModelChoice, batch: int) -> Agent:
    try:
        from lwtui_bench.hf import HFModel
    except ImportError:
        raise LwtuiError(
            _(
                "{label} is a Hugging Face checkpoint, which needs transformers and torch. "
                'Install the extra: pip install "lwtui[train]"',
                label=choice.label,
            )
        ) from None
    model = await asyncio.to_thread(HFModel.load, choice.checkpoint, choice.label, batch)
    profile = profile_for(choice.settings, model.capabilities)
    prompts = builder_for(profile, PromptTemplates(profile.form, config_folder() / "prompts"))
    return Agent(model, profile, prompts, RetryPolicy(), choice.settings)
