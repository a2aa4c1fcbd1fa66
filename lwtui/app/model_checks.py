"""Checks a new or changed model: calls an endpoint, or estimates whether a GGUF fits into memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lwtui.app.keymap import SETTINGS, WRITING, key_of
from lwtui.config import ModelSettings
from lwtui.errors import LwtuiError
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.app.host import AppHost


class CheckResult(NamedTuple):
    """The result of a check.

    Attributes:
        passed: Whether the model can be used.
        message: One line on the result, or on what is wrong.
    """

    passed: bool
    message: str


async def check_by_call(app: AppHost, name: str) -> CheckResult:
    """Make a tiny call to the model called ``name``."""
    from lwtui.agentwrite.model_check import check_model

    session = app.session
    busy = session is not None and session.busy
    if busy and (closed := app.models.closes(name)):
        # The busy model may be among those that would be closed, in the middle of a sentence.
        stop = key_of(WRITING, "stop")
        return CheckResult(
            False,
            _(
                "{model} is writing your document. Stop it ({stop}), then test {name}.",
                model=closed[0],
                stop=stop,
                name=name,
            ),
        )
    try:
        message = await check_model(await app.models.get(name))
    except LwtuiError as error:
        return CheckResult(False, str(error))
    return CheckResult(True, message)


async def check_memory(model: ModelSettings) -> CheckResult:
    """Estimate whether a GGUF fits into this machine's memory."""
    return await asyncio.to_thread(_check_memory, model)


def _check_memory(model: ModelSettings) -> CheckResult:
    from lwtui.models.llama_cpp.fit import estimate

    try:
        result = estimate(Path(model.path).expanduser(), model)
    except LwtuiError as error:
        return CheckResult(False, str(error))
    if not result.fits:
        return CheckResult(False, _("It {advice}", advice=result.advice))
    return CheckResult(True, _("It {summary}. {key} tests it.", summary=result.summary(), key=key_of(SETTINGS, "test")))
