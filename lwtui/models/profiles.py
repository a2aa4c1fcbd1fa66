"""What a family of models needs to be written with: data about the model, so that the method has no special cases."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import regex

from lwtui.config import ModelSettings
from lwtui.errors import UsageError
from lwtui.models.base import Sampling
from lwtui.models.sampling import with_sampling


@dataclass(frozen=True)
class Profile:
    """How to talk to a kind of model.

    ``form`` is ``chat`` for models that follow instructions, ``completion`` for base models, which carry a text on
    (see :mod:`lwtui.agentwrite.forms`). ``template`` wraps a prompt in the raw shape that a checkpoint was tuned
    with; empty means the backend's own chat template. ``ends_itself`` is false for models that never stop near the
    length asked. ``most_steps`` bounds how many steps a plan may have.
    """

    name: str
    form: Literal["chat", "completion"] = "chat"
    template: str = ""
    stop: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    ends_itself: bool = True
    most_steps: int = 120


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
            most_steps=12,
        ),
        Profile("longwriter-llama3.1", template="[INST]{prompt}[/INST]", sampling=Sampling(temperature=0.5)),
        Profile("longwriter-glm4", sampling=Sampling(temperature=0.5)),
    )
}

# The first pattern found in a model's name decides, unless the settings name a profile.
_BY_NAME = (
    (r"longwriter.*llama", "longwriter-llama3.1"),
    (r"longwriter.*glm|longwriter-9b", "longwriter-glm4"),
    (r"(^|/)demo$|gemma-?3-270m(?!.*-it)|[-_](base|pt)\b", "base"),
)


def profile_for(settings: ModelSettings, *, has_chat: bool = True) -> Profile:
    """The profile that the settings name, or the one that the model's name suggests.

    ``has_chat`` is false for a GGUF without a chat template, which can only be a base model.
    Raises :class:`UsageError` for a profile that does not exist.
    """
    name = settings.profile or _guess(settings, has_chat)
    if name not in PROFILES:
        raise UsageError(f"There is no profile named {name!r}. Known: {', '.join(PROFILES)}.")
    profile = PROFILES[name]
    sampling = profile.sampling
    if settings.temperature is not None:
        sampling = replace(sampling, temperature=settings.temperature)
    return replace(profile, sampling=with_sampling(sampling, settings.sampling))


def _guess(settings: ModelSettings, has_chat: bool) -> str:
    names = (settings.model, settings.path.rsplit("/", 1)[-1], settings.name)
    for pattern, profile in _BY_NAME:
        if any(regex.search(pattern, name, regex.IGNORECASE) for name in names if name):
            return profile
    return "chat" if has_chat else "base"
