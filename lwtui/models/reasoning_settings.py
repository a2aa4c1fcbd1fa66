"""How much a model may reason: what the settings say, in the parameters that each service has for it."""

from __future__ import annotations

from typing import Any

from lwtui.addresses import host_of_address, is_local
from lwtui.config import ModelSettings, Role
from lwtui.translation import _

# All parameters that stand for reasoning, the most general last: what a server refuses is left out in this order.
REASONING_PARAMETERS = ("chat_template_kwargs", "thinking_budget", "extra_body", "reasoning", "reasoning_effort")

# Tokens that a model is likely to reason for one answer, where nothing is measured yet.
_LIKELY_TOKENS = {"none": 0, "minimal": 100, "low": 500, "medium": 1500, "high": 4000, "xhigh": 8000, "max": 12_000}
_BUDGET_SHARE = 0.5  # of a budget that is likely to be used
_LEAST_BUDGET = 16  # tokens


def reasoning_parameters(settings: ModelSettings) -> dict[str, Any]:
    """Return the parameters with which an OpenAI-compatible endpoint is told how much to reason.

    Args:
        settings: Those of the call's role. Without ``reasoning_effort`` and ``reasoning_tokens``, there are none.
    """
    effort, tokens = settings.reasoning_effort, settings.reasoning_tokens
    if not effort and tokens is None:
        return {}
    is_off = effort == "none" or tokens == 0
    host = host_of_address(settings.base_url)
    if host == "openrouter.ai":
        # It takes one of the two; a budget is the more exact one.
        if is_off:
            return {"reasoning": {"enabled": False}}
        return {"reasoning": {"max_tokens": tokens} if tokens is not None else {"effort": effort}}
    if host == "generativelanguage.googleapis.com" and tokens is not None:
        return {"extra_body": {"google": {"thinking_config": {"thinking_budget": tokens}}}}
    parameters: dict[str, Any] = {"reasoning_effort": effort or "none"} if effort or is_off else {}
    if tokens is not None and host != "api.openai.com":
        parameters["thinking_budget"] = tokens
    if is_off and is_local(host):  # vLLM, SGLang and llama-server leave it to the chat template
        parameters["chat_template_kwargs"] = {"enable_thinking": False}
    return parameters


def likely_reasoning(settings: ModelSettings, role: Role = Role.WRITE) -> int:
    """Return how many tokens the model is likely to reason for an answer, as far as its settings tell."""
    own = settings.for_role(role)
    if own.reasoning_tokens is not None:
        likely = round(own.reasoning_tokens * _BUDGET_SHARE)
        return min(likely, _LIKELY_TOKENS.get(own.reasoning_effort, likely))
    return _LIKELY_TOKENS.get(own.reasoning_effort, 0)


def reasoning_summary(settings: ModelSettings) -> str:
    """Return in a few words how much a model reasons; empty if the settings do not say."""
    said = {role: _summary(settings.for_role(role)) for role in Role}
    written = said[Role.WRITE]
    if said[Role.JUDGE] == said[Role.CRITIC]:
        del said[Role.JUDGE]  # it has the critic's settings
    others = [f"{role}: {words}" for role, words in said.items() if role is not Role.WRITE and words != written]
    listed = ", ".join(filter(None, (written, *others)))
    return _("reasoning {listed}", listed=listed) if listed else ""


def _summary(settings: ModelSettings) -> str:
    tokens = settings.reasoning_tokens
    budget = ""
    if tokens is not None:
        budget = _("at most {tokens:,} tokens", tokens=tokens) if tokens >= _LEAST_BUDGET else "none"
    if settings.reasoning_effort and budget not in ("", settings.reasoning_effort):
        return _("{effort} and {budget}", effort=settings.reasoning_effort, budget=budget)
    return settings.reasoning_effort or budget


def lower_reasoning(settings: ModelSettings, role: Role = Role.WRITE) -> str:
    """Return the command that makes a model reason less, for an error message; empty for one without such a setting."""
    if not settings.is_endpoint or "@" in settings.name or not settings.name:
        return ""
    own = settings.for_role(role).reasoning_effort
    to = "none" if own in ("none", "minimal", "low") else "low"
    owner = settings.role_with_settings(role)
    has_own = owner is not None and "reasoning_effort" in settings.roles[owner.value]
    table = f"models.{settings.name}.{owner}" if has_own else f"models.{settings.name}"
    return f"lwtui config set {table}.reasoning_effort {to}"
