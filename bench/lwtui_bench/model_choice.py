"""From a name to a model to measure: an endpoint, a GGUF, or a Hugging Face checkpoint."""

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

PREFIX = "hf:"
_TEMPERATURE = 0.5  # of the published figures, for answers and for judges


@dataclass(frozen=True)
class ModelChoice:
    """A model that was named. ``label`` is what the rows call it; ``checkpoint`` a folder or a name on the hub."""

    label: str
    settings: ModelSettings
    checkpoint: str = ""


def is_checkpoint(name: str) -> bool:
    """Whether ``name`` is a Hugging Face checkpoint: ``hf:NAME``, or a folder with a ``config.json``."""
    return name.startswith(PREFIX) or (Path(name).expanduser() / "config.json").is_file()


def checkpoint(name: str, *, profile: str = "") -> ModelChoice:
    """The choice of a checkpoint, for which :func:`is_checkpoint` holds."""
    place = name.removeprefix(PREFIX)
    folder = Path(place).expanduser()
    label = folder.resolve().name if folder.is_dir() else place
    return ModelChoice(
        label, ModelSettings(label, provider="hf", profile=profile), str(folder) if folder.is_dir() else place
    )


async def open_choice(choice: ModelChoice, settings: Settings, temperature: float | None, batch: int = 0) -> Agent:
    """Open a model and make an agent of it that draws at ``temperature``, else at its own, else at 0.5.

    A checkpoint answers ``batch`` prompts at once (0: as it thinks best). Raises :class:`LwtuiError`.
    """
    if choice.checkpoint:
        agent = await _checkpoint_agent(choice, batch)
    else:
        agent = await open_agent(choice.settings.name, settings, model=choice.settings)
    sampling = agent.profile.sampling
    own = sampling.temperature if sampling.temperature is not None else _TEMPERATURE
    drawn = replace(sampling, temperature=own if temperature is None else temperature)
    agent.profile = replace(agent.profile, sampling=drawn)
    return agent


def prompts_hash(form: str) -> str:
    """Stands for the prompts of the method that a kind of model is given, a person's own included."""
    found = sha256()
    for folder in (builtin_prompts() / form, config_folder() / "prompts" / form):
        if folder.is_dir():
            for file in sorted(folder.iterdir(), key=lambda one: one.name):
                found.update(f"{file.name}\n".encode() + file.read_bytes())
    return found.hexdigest()[:16]


async def _checkpoint_agent(choice: ModelChoice, batch: int) -> Agent:
    try:
        from lwtui_bench.hf import HFModel
    except ImportError:
        raise LwtuiError(
            f"{choice.label} is a Hugging Face checkpoint, for which transformers and torch are needed: "
            'pip install "lwtui[train]"'
        ) from None
    model = await asyncio.to_thread(HFModel.load, choice.checkpoint, choice.label, batch)
    profile = profile_for(choice.settings, has_chat=model.capabilities.chat)
    form = builder_for(profile, PromptTemplates(profile.form, config_folder() / "prompts"))
    return Agent(model, profile, form, RetryPolicy(), choice.settings)
