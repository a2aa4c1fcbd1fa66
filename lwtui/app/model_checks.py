"""How a model does that is new or was changed: an endpoint is asked, a GGUF is weighed before it is ever loaded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lwtui.app.keymap import SETTINGS, WRITING, key_of
from lwtui.config import ModelSettings, set_value
from lwtui.errors import LwtuiError
from lwtui.models.servers import loaded_context

if TYPE_CHECKING:
    from lwtui.app.host import AppHost


class Trial(NamedTuple):
    """Whether a model is right, and one line on how it did or what is wrong."""

    right: bool
    told: str


async def tried(app: AppHost, name: str) -> Trial:
    """Make a tiny call to the model called ``name``."""
    from lwtui.agentwrite.model_check import check_model

    session = app.session
    at_work = session is not None and session.busy
    if at_work and (closed := app.models.closes(name)):
        # The model at work may be among them, and would be closed in the middle of a sentence.
        return Trial(
            False, f"{closed[0]} is at work on your document. Stop it ({key_of(WRITING, 'stop')}), then test {name}."
        )
    try:
        told = await check_model(await app.models.get(name))
        if not at_work and await _learn_context(app, name):
            told = await check_model(await app.models.get(name))
    except LwtuiError as error:
        return Trial(False, str(error))
    return Trial(True, told)


async def _learn_context(app: AppHost, name: str) -> bool:
    """Take over the context that a server has loaded the model with, where that is told only then."""
    model = app.models.resolve(name)
    if model.context_length or name not in app.settings.models:
        return False
    if length := await loaded_context(model):
        set_value(f"models.{name}.context_length", str(length))
        app.reload_settings()
    return bool(length)


async def weighed(model: ModelSettings) -> Trial:
    """Whether a GGUF fits this machine, and what it takes."""
    return await asyncio.to_thread(_weighed, model)


def _weighed(model: ModelSettings) -> Trial:
    from lwtui.models.llama_cpp.fit import estimate

    try:
        chosen = estimate(Path(model.path).expanduser(), model)
    except LwtuiError as error:
        return Trial(False, str(error))
    return Trial(
        chosen.fits,
        f"It {chosen.summary()}. {key_of(SETTINGS, 'test')} tests it." if chosen.fits else f"It {chosen.advice}",
    )
