"""A model together with what the method needs to write with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256

from lwtui.agentwrite.prompt_builder import PromptBuilder, builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.retry import RetryPolicy
from lwtui.config import ModelSettings, Settings, config_folder
from lwtui.documents.model import Brief, Provenance
from lwtui.models.base import Model, ModelError, Prompt, Request, Sampling
from lwtui.models.budget import Prices
from lwtui.models.metering import MeteredTask
from lwtui.models.profiles import Profile
from lwtui.models.sampling import with_sampling

_MARGIN = 128  # tokens
_LEAST_ROOM = 64  # tokens
_DRY = 0.8  # multiplier of DRY once a model has begun to repeat itself


class NoRoom(ModelError):
    """A prompt does not fit the model's context, however little of the text so far it shows."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="context")


@dataclass
class LearnedLimits:
    """What calls have shown about a model. Shared by all agents that are made from one."""

    reasoning_tokens: int = 0  # to allow a call for reasoning, beside those for its answer
    context_share: float = 1.0  # of the context that the model claims to have


@dataclass
class Agent:
    """An open model, its profile, its prompts and how patient to be. Close it with :meth:`aclose`."""

    model: Model
    profile: Profile
    prompts: PromptBuilder
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    settings: ModelSettings = field(default_factory=lambda: ModelSettings(""))
    helper: Agent | None = None  # writes summaries in its place, where another model has that role
    limits: LearnedLimits = field(default_factory=LearnedLimits)

    @property
    def follows_instructions(self) -> bool:
        """Whether it is a chat model; a base model only carries a text on."""
        return self.profile.form == "chat"

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together that can be relied on."""
        return int(self.model.capabilities.context_length * self.limits.context_share)

    @property
    def prices(self) -> Prices:
        """What its calls cost."""
        return Prices.of(self.settings)

    def metered(self, task: MeteredTask) -> Agent:
        """This agent with the calls of its model, and of its helper, counted for ``task``."""
        helper = self.helper and self.helper.metered(task)
        return replace(self, model=task.model(self.model, self.prices), helper=helper)

    def prepared(self, request: Request, brief: Brief, salt: int, *, loops: int = 0) -> Request:
        """``request`` with the sampling of profile and brief, the profile's stop strings, and a seed.

        Args:
            request: The call.
            brief: Names the document's own sampling and seed.
            salt: Makes each call's seed another one; all of them follow from the brief's.
            loops: How often the text was found to repeat itself, which strengthens the penalties.
        """
        seed = None if brief.seed is None else (brief.seed * 1_000_003 + salt) % 2**31
        return replace(
            request,
            stop=request.stop or self.profile.stop,
            sampling=_penalised(with_sampling(self.profile.sampling, brief.sampling), loops),
            seed=seed,
        )

    async def room_beside(self, prompt: Prompt) -> int:
        """Tokens that the context has left for an answer; below 0 where the prompt alone is too long."""
        return self.context_length - self.margin - await self.model.count_tokens(prompt.plain())

    @property
    def margin(self) -> int:
        """Tokens that stay free: a chat template takes some, and a count may be an estimate."""
        return min(_MARGIN, self.context_length // 16)

    async def fitted(self, request: Request) -> Request:
        """``request`` with no more tokens for the answer than the context has left for it.

        Raises:
            NoRoom: It has next to none left.
        """
        room = await self.room_beside(request.prompt)
        if room < min(_LEAST_ROOM, request.max_tokens):
            raise NoRoom(
                f"The prompt leaves no room for an answer in the model's {self.context_length} tokens: use a model "
                "with a longer context, or a shorter brief."
            )
        return replace(request, max_tokens=min(request.max_tokens, room))

    def allowing_for_reasoning(self, request: Request) -> Request:
        """``request`` with tokens for the reasoning that this model was seen to need, beside those for the answer."""
        return replace(request, max_tokens=request.max_tokens + self.limits.reasoning_tokens)

    def saw_reasoning(self, tokens: int) -> None:
        """A call's reasoning took about so many tokens."""
        self.limits.reasoning_tokens = max(self.limits.reasoning_tokens, tokens)

    def provenance(self, request: Request) -> Provenance:
        """What is stored with the text that ``request`` brings."""
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

    Raises:
        LwtuiError: It cannot be opened; one line says why and what to do.
    """
    from lwtui.models.catalog import open_model, resolve
    from lwtui.models.profiles import profile_for

    chosen = model or resolve(name, settings)
    profile_for(chosen)  # reports a wrong profile before a model is loaded
    opened = await open_model(chosen)
    profile = profile_for(chosen, has_chat=opened.capabilities.chat)
    return Agent(
        model=opened,
        profile=profile,
        prompts=builder_for(profile, PromptTemplates(profile.form, config_folder() / "prompts")),
        policy=RetryPolicy(total_seconds=chosen.retry_seconds),
        settings=chosen,
    )


def _penalised(sampling: Sampling, loops: int) -> Sampling:
    if not loops:
        return sampling
    return replace(
        sampling,
        temperature=min(1.2, (sampling.temperature or 0.8) + 0.05 * loops),
        repeat_penalty=min(1.5, (sampling.repeat_penalty or 1.0) + 0.05 * loops),
        frequency_penalty=min(1.0, 0.2 * loops),
        dry_multiplier=max(sampling.dry_multiplier or 0.0, _DRY),
    )
