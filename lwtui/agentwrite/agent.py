"""A model together with what the method needs to write with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lwtui.agentwrite.calls import RetryPolicy
from lwtui.agentwrite.forms import Form, form_for
from lwtui.agentwrite.prompts import PromptBook
from lwtui.config import ModelSettings, Settings, config_folder
from lwtui.documents.model import Brief, Provenance
from lwtui.models.base import Model, Request, Sampling
from lwtui.models.profiles import Profile


@dataclass
class Agent:
    """An open model, its profile, the form of its prompts and how patient to be. Close it with :meth:`aclose`."""

    model: Model
    profile: Profile
    form: Form
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    settings: ModelSettings = field(default_factory=lambda: ModelSettings(""))

    def prepared(self, request: Request, brief: Brief, salt: int, *, firmer: int = 0) -> Request:
        """``request`` with the profile's sampling and stop strings, and a seed.

        ``salt`` makes each call's seed another one, and all of them follow from the brief's. ``firmer`` grows with
        each loop found in the text, and so do the penalties.
        """
        seed = None if brief.seed is None else (brief.seed * 1_000_003 + salt) % 2**31
        return replace(
            request,
            stop=request.stop or self.profile.stop,
            sampling=_firmer(self.profile.sampling, firmer),
            seed=seed,
            max_tokens=min(request.max_tokens, max(64, self.model.capabilities.context_length // 2)),
        )

    def provenance(self, request: Request) -> Provenance:
        """What is kept about the text that ``request`` brings."""
        from hashlib import sha256

        return Provenance(
            model=self.model.name,
            model_hash=self.model.model_hash,
            sampling=request.sampling.to_dict(),
            prompt_hash=sha256(request.prompt.plain().encode("utf-8", "replace")).hexdigest(),
            seed=request.seed,
        )

    async def aclose(self) -> None:
        """Close the model; a local one's worker process ends."""
        await self.model.aclose()


async def open_agent(name: str, settings: Settings, *, model: ModelSettings | None = None) -> Agent:
    """Open the model called ``name`` in the settings (or the given ``model``) and make an agent of it.

    Raises :class:`lwtui.errors.LwtuiError` with one line where it cannot be opened.
    """
    from lwtui.models.catalog import open_model, resolve
    from lwtui.models.profiles import profile_for

    chosen = model or resolve(name, settings)
    profile_for(chosen)  # a wrong profile is told before a model is loaded
    opened = await open_model(chosen)
    profile = profile_for(chosen, has_chat=opened.capabilities.chat)
    return Agent(
        model=opened,
        profile=profile,
        form=form_for(profile, PromptBook(profile.form, config_folder() / "prompts")),
        policy=RetryPolicy(total_seconds=chosen.retry_seconds),
        settings=chosen,
    )


def _firmer(sampling: Sampling, times: int) -> Sampling:
    if not times:
        return sampling
    return replace(
        sampling,
        temperature=min(1.2, (sampling.temperature or 0.8) + 0.05 * times),
        repeat_penalty=min(1.5, (sampling.repeat_penalty or 1.0) + 0.05 * times),
        frequency_penalty=min(1.0, 0.2 * times),
    )
