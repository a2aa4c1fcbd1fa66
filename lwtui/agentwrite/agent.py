"""An open model together with all that the method needs to write with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256

from lwtui.agentwrite.cache_table import model_key
from lwtui.agentwrite.length_habits import SMALL_MODEL, LengthHabits
from lwtui.agentwrite.prompt_builder import PromptBuilder, builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.retry import RetryPolicy
from lwtui.config import ModelSettings, Role, Settings, config_folder
from lwtui.documents.model import Brief, Provenance
from lwtui.models.base import Model, ModelError, Prompt, Request, Sampling
from lwtui.models.budget import Prices
from lwtui.models.metering import MeteredTask
from lwtui.models.profiles import Profile
from lwtui.models.reasoning_settings import lower_reasoning
from lwtui.models.sampling import with_sampling
from lwtui.translation import _

_MARGIN = 128  # tokens
_LEAST_ROOM = 64  # tokens of an answer
_DRY = 0.8  # DRY multiplier, of a base model once it has begun to repeat itself and of a small chat model's new text
_COPIED = 8  # tokens in a row that a small chat model may copy of its prompt, before DRY penalizes more


class NoRoom(ModelError):
    """The prompt does not fit the model's context, however little of the earlier text it shows."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="context")


@dataclass
class LearnedLimits:
    """Limits of a model that its calls have revealed. An agent shares them with all of its copies.

    Attributes:
        reasoning_tokens: Tokens to allow for reasoning, in addition to those for the answer.
        context_share: The share of the advertised context that the model really has.
    """

    reasoning_tokens: int = 0
    context_share: float = 1.0


@dataclass
class Agent:
    """An open model, its profile, its prompts and its retry policy. Close it with :meth:`aclose`."""

    model: Model
    profile: Profile
    prompts: PromptBuilder
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    settings: ModelSettings = field(default_factory=lambda: ModelSettings(""))
    helper: Agent | None = None  # writes the summaries, if another model has that role
    limits: LearnedLimits = field(default_factory=LearnedLimits)
    lengths: LengthHabits = field(default_factory=LengthHabits)

    @property
    def follows_instructions(self) -> bool:
        """Whether it is a chat model; a base model only continues a text."""
        return self.profile.form == "chat"

    @property
    def context_length(self) -> int:
        """How many tokens prompt and answer may reliably have together."""
        return int(self.model.capabilities.context_length * self.limits.context_share)

    @property
    def prices(self) -> Prices:
        """The prices of its calls."""
        return Prices.of(self.settings)

    def metered(self, task: MeteredTask) -> Agent:
        """Return a copy whose calls, and those of its helper, count toward ``task``."""
        helper = self.helper and self.helper.metered(task)
        return replace(self, model=task.model(self.model, self.prices), helper=helper)

    @property
    def is_small(self) -> bool:
        """Whether it is a chat model so small that it copies what it is shown."""
        return self.profile.ends_itself and 0 < self.model.capabilities.weights < SMALL_MODEL

    def sampling(self, brief: Brief) -> Sampling:
        """Return the sampling options of the profile, and of the document where it has its own."""
        return with_sampling(self.profile.sampling, brief.sampling)

    def prepared(
        self, request: Request, brief: Brief, salt: int, *, role: Role, loops: int = 0, unlike: str | None = None
    ) -> Request:
        """Return ``request`` with sampling options, stop strings and a seed.

        Args:
            request: The request to complete.
            brief: Has the document's own sampling options and seed, which override the profile's.
            salt: Varies the seed from call to call; every seed follows from the brief's.
            role: The role that makes the call; how much a model reasons depends on it.
            loops: How often the text has repeated itself so far; more loops mean stronger penalties.
            unlike: The text that the model is kept from copying; ``None``: none.
        """
        sampling = self.sampling(brief)
        if unlike is not None and sampling.dry_multiplier is None:
            request = replace(request, penalized=unlike)
            sampling = replace(sampling, dry_multiplier=_DRY, dry_allowed_length=sampling.dry_allowed_length or _COPIED)
        seed = None if brief.seed is None else (brief.seed * 1_000_003 + salt) % 2**31
        return replace(
            request,
            stop=request.stop or self.profile.stop,
            sampling=_penalized(sampling, loops, dry=not self.profile.ends_itself),
            seed=seed,
            role=role,
        )

    async def room_beside(self, prompt: Prompt) -> int:
        """Return how many tokens ``prompt`` leaves for an answer; below 0 if the prompt alone is too long."""
        return self.context_length - self.margin - await self.model.count_tokens(prompt.plain())

    @property
    def margin(self) -> int:
        """Tokens to keep free: a chat template takes some, and a count may be an estimate."""
        return min(_MARGIN, self.context_length // 16)

    async def fitted(self, request: Request) -> Request:
        """Return ``request`` with its answer limited to what the context has left.

        Raises:
            NoRoom: The context has almost nothing left.
        """
        room = await self.room_beside(request.prompt)
        if room < min(_LEAST_ROOM, request.max_tokens):
            raise NoRoom(
                _(
                    "The prompt leaves no room for an answer in the model's {count} tokens: use a model "
                    "with a longer context, or a shorter brief.",
                    count=self.context_length,
                )
            )
        return replace(request, max_tokens=min(request.max_tokens, room))

    def allowing_for_reasoning(self, request: Request) -> Request:
        """Return ``request`` with additional tokens for as much reasoning as this model has needed so far."""
        return replace(request, max_tokens=request.max_tokens + self.limits.reasoning_tokens)

    def saw_reasoning(self, tokens: int) -> None:
        """Remember that the reasoning of a call took about ``tokens`` tokens."""
        self.limits.reasoning_tokens = max(self.limits.reasoning_tokens, tokens)

    def less_reasoning(self, role: Role, otherwise: str) -> str:
        """Return what to do if a call spent all its tokens on reasoning; ``otherwise`` is what else may help."""
        command = lower_reasoning(self.settings, role)
        if not command:
            return otherwise.capitalize()
        return _("Lower its reasoning effort ({command}), or {otherwise}", command=command, otherwise=otherwise)

    def provenance(self, request: Request) -> Provenance:
        """Return the provenance to store with the text that ``request`` produces."""
        return Provenance(
            model=self.model.name,
            model_hash=self.model.model_hash,
            sampling=request.sampling.to_dict(),
            prompt_hash=sha256(request.prompt.plain().encode("utf-8", "replace")).hexdigest(),
            seed=request.seed,
        )

    async def aclose(self) -> None:
        """Close the model, and with a local model its worker process."""
        await self.model.aclose()


async def open_agent(name: str, settings: Settings, *, model: ModelSettings | None = None) -> Agent:
    """Open a model and make an agent of it.

    Args:
        name: The model's name in the settings.
        settings: The user's settings.
        model: The model to open instead of looking up ``name``.

    Raises:
        LwtuiError: The model cannot be opened; the message says why and what to do.
    """
    from lwtui.models.catalog import open_model, resolve
    from lwtui.models.profiles import profile_for

    chosen = model or resolve(name, settings)
    profile_for(chosen)  # reports an unknown profile before the model is loaded
    opened = await open_model(chosen)
    profile = profile_for(chosen, opened.capabilities)
    return Agent(
        model=opened,
        profile=profile,
        prompts=builder_for(profile, PromptTemplates(profile.form, config_folder() / "prompts")),
        policy=RetryPolicy(total_seconds=chosen.retry_seconds),
        settings=chosen,
        limits=LearnedLimits(reasoning_tokens=max(chosen.for_role(role).reasoning_tokens or 0 for role in Role)),
        lengths=LengthHabits.load(model_key(chosen), opened.capabilities.weights if profile.ends_itself else 0),
    )


def _penalized(sampling: Sampling, loops: int, *, dry: bool) -> Sampling:
    """Return ``sampling`` with penalties that grow with ``loops``.

    DRY penalizes continuing a sequence as before. If it does so from the third token, small chat models glue fragments
    of words together, so only base models get it like that.
    """
    if not loops:
        return sampling
    return replace(
        sampling,
        temperature=min(1.2, (sampling.temperature or 0.8) + 0.05 * loops),
        repeat_penalty=min(1.5, (sampling.repeat_penalty or 1.0) + 0.05 * loops),
        frequency_penalty=min(1.0, 0.2 * loops),
        dry_multiplier=max(sampling.dry_multiplier or 0.0, _DRY) if dry else sampling.dry_multiplier,
    )
