"""A model together with what the method needs to write with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lwtui.agentwrite.calls import RetryPolicy
from lwtui.agentwrite.forms import Form, form_for
from lwtui.agentwrite.prompts import PromptBook
from lwtui.config import ModelSettings, Settings, config_folder
from lwtui.documents.model import Brief, Provenance
from lwtui.models.base import Model, ModelError, Prompt, Request, Sampling
from lwtui.models.profiles import Profile
from lwtui.models.sampling import with_sampling

_MARGIN = 128  # tokens
_LEAST_ROOM = 64  # tokens
_DRY = 0.8  # where a model has begun to repeat itself


class NoRoom(ModelError):
    """A prompt does not fit the model's context, however little of the text so far it shows."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="context")


@dataclass
class Agent:
    """An open model, its profile, the form of its prompts and how patient to be. Close it with :meth:`aclose`."""

    model: Model
    profile: Profile
    form: Form
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    settings: ModelSettings = field(default_factory=lambda: ModelSettings(""))
    helper: Agent | None = None  # makes notes in its place, where another model has that role
    # What was learned about the model by calling it:
    reasoning_tokens: int = 0  # tokens to allow a call for reasoning, beside those for its answer
    context_share: float = 1.0  # how much of the context it says it has can be relied on

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together that can be relied on."""
        return int(self.model.capabilities.context_length * self.context_share)

    def prepared(self, request: Request, brief: Brief, salt: int, *, firmer: int = 0) -> Request:
        """``request`` with the sampling of profile and brief, the profile's stop strings, and a seed.

        ``salt`` makes each call's seed another one, and all of them follow from the brief's. ``firmer`` grows with
        each loop found in the text, and so do the penalties.
        """
        seed = None if brief.seed is None else (brief.seed * 1_000_003 + salt) % 2**31
        return replace(
            request,
            stop=request.stop or self.profile.stop,
            sampling=_firmer(with_sampling(self.profile.sampling, brief.sampling), firmer),
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

        Raises :class:`ModelError` where that is next to none.
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
        return replace(request, max_tokens=request.max_tokens + self.reasoning_tokens)

    def saw_reasoning(self, tokens: int) -> None:
        """A call's reasoning took about so many tokens."""
        self.reasoning_tokens = max(self.reasoning_tokens, tokens)

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
        dry_multiplier=max(sampling.dry_multiplier or 0.0, _DRY),
    )
