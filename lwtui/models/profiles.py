"""Profiles of model families: what the method has to know about a model, as data instead of special cases."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import regex

from lwtui.config import ModelSettings
from lwtui.errors import UsageError
from lwtui.models.base import Capabilities, Sampling
from lwtui.models.sampling import with_sampling
from lwtui.translation import _


@dataclass(frozen=True)
class Profile:
    """How to prompt a family of models.

    Attributes:
        name: The profile's name in the settings.
        form: ``chat`` for models that follow instructions, ``completion`` for base models, which continue a text (see
            :mod:`lwtui.agentwrite.prompt_builder`).
        template: The raw prompt format that a checkpoint was tuned with, around ``{prompt}``. Empty means the backend's
            own chat template.
        stop: Strings that end every completion.
        sampling: The default sampling options. For a model on this machine, they replace those that its authors
            recommend.
        ends_itself: Whether the model stops by itself near the length it was asked for.
        max_steps: Upper bound of the steps in a plan.
    """

    name: str
    form: Literal["chat", "completion"] = "chat"
    template: str = ""
    stop: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    ends_itself: bool = True
    max_steps: int = 120


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("chat"),
        Profile(
            "base",
            form="completion",
            stop=("\n#", "\n---", "\n***", "\n___", "\n(What this"),
            sampling=Sampling(temperature=0.8, top_p=0.95, top_k=64, min_p=0.05, repeat_penalty=1.1),
            ends_itself=False,
            max_steps=12,
        ),
        Profile("longwriter-llama3.1", template="[INST]{prompt}[/INST]", sampling=Sampling(temperature=0.5)),
        Profile("longwriter-glm4", sampling=Sampling(temperature=0.5)),
    )
}

# The first pattern that matches a model's name decides, unless the settings name a profile.
_PATTERNS = (
    (r"longwriter.*llama", "longwriter-llama3.1"),
    (r"longwriter.*glm|longwriter-9b", "longwriter-glm4"),
    (r"(^|/)demo$|gemma-?3-270m(?!.*-it)|[-_](base|pt)\b", "base"),
)


def profile_for(settings: ModelSettings, capabilities: Capabilities | None = None) -> Profile:
    """Choose the profile that the settings name, or the one that the model's name suggests.

    Args:
        settings: The model's settings. Their sampling options override the profile's.
        capabilities: What the opened model can do: one that takes no chat prompts can only be a base model.

    Raises:
        UsageError: There is no such profile.
    """
    name = settings.profile or _guess_profile(settings, has_chat=capabilities is None or capabilities.chat)
    if name not in PROFILES:
        raise UsageError(
            _("There is no profile named {name!r}. Known: {known}.", name=name, known=", ".join(PROFILES)),
            code="unknown-profile",
        )
    profile = PROFILES[name]
    recommended = capabilities.sampling if capabilities else Sampling()
    sampling = replace(recommended, **profile.sampling.to_dict())
    if settings.temperature is not None:
        sampling = replace(sampling, temperature=settings.temperature)
    return replace(profile, sampling=with_sampling(sampling, settings.sampling))


def _guess_profile(settings: ModelSettings, *, has_chat: bool) -> str:
    names = (settings.model, settings.path.rsplit("/", 1)[-1], settings.name)
    for pattern, profile in _PATTERNS:
        if any(regex.search(pattern, name, regex.IGNORECASE) for name in names if name):
            return profile
    return "chat" if has_chat else "base"
