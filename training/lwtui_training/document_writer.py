"""Write documents for training with AgentWrite, concurrently, each into a ``.lw`` file that can be resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lwtui.agentwrite import Agent, direct_plan, plan_document, recording, write_document
from lwtui.config import ModelSettings, load_settings, public_address
from lwtui.documents.model import Brief, Mode, Plan, Status
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.catalog import resolve
from lwtui.models.metering import UsageTracker
from lwtui.text import detect_language
from lwtui.translation import _
from lwtui_bench.endpoints import open_endpoints
from lwtui_training.progress import ProgressMeter, note
from lwtui_training.recipe import DataConfig
from lwtui_training.rows import Instruction


@dataclass
class Tally:
    """Counts of documents, and the tokens they took.

    Attributes:
        left: Documents that were not begun because the budget was used up.
    """

    done: int = 0
    failed: int = 0
    left: int = 0
    tokens: int = 0


def model_settings(name: str, base_url: str) -> ModelSettings:
    """Return the model that a recipe names: one of lwtui's settings, a GGUF, or, with ``base_url``, an endpoint's."""
    if base_url:
        return ModelSettings(f"{name}@{public_address(base_url)}", model=name, base_url=base_url)
    return resolve(name, load_settings())


def model_choices(name: str, base_urls: Sequence[str]) -> list[ModelSettings]:
    """Return the model that a recipe names, once per endpoint."""
    return [model_settings(name, url) for url in base_urls] or [model_settings(name, "")]


def document_path(folder: Path, number: int) -> Path:
    """Return the path of the document for instruction ``number``."""
    return folder / f"{number:06}.lw"


async def write_documents(
    data: DataConfig, instructions: Sequence[Instruction], folder: Path, seed: int, profile: str = ""
) -> Tally:
    """Write a document for each instruction, unless there is a finished one.

    Args:
        data: Model, mode and limits.
        instructions: What to write.
        folder: Receives the documents.
        seed: The seed of the first document; the others count up from it.
        profile: How to prompt the model; empty to go by its name.

    Raises:
        LwtuiError: An error that every document would hit. Other errors only count the document as failed.
    """
    tally, unfinished = _find_unfinished(folder, len(instructions))
    if not unfinished:
        return tally
    choices = [
        replace(chosen, profile=profile or chosen.profile) for chosen in model_choices(data.model, data.base_url)
    ]
    agent = await open_endpoints(choices, load_settings(), data.concurrency)
    meter = ProgressMeter(_("Writing"), len(instructions), _("documents"), tally.done)
    try:
        concurrency = agent.model.capabilities.parallel
        queue = iter(unfinished)

        async def worker() -> None:
            for number in queue:
                if data.token_budget and tally.tokens >= data.token_budget:
                    tally.left += 1
                    continue
                brief = _brief(data, instructions[number], seed + number)
                await _write(agent, brief, document_path(folder, number), tally)
                meter.advance(1, _("{count:,} tokens", count=tally.tokens))

        async with asyncio.TaskGroup() as group:
            for _worker in range(concurrency):
                group.create_task(worker())
    except* LwtuiError as errors:
        raise errors.exceptions[0] from None
    finally:
        await agent.aclose()
    return tally


def _find_unfinished(folder: Path, count: int) -> tuple[Tally, list[int]]:
    """Count the finished documents, and list the numbers of the others."""
    folder.mkdir(parents=True, exist_ok=True)
    tally, unfinished = Tally(), []
    for number in range(count):
        tokens = _finished_tokens(document_path(folder, number))
        if tokens is None:
            unfinished.append(number)
        else:
            tally.done, tally.tokens = tally.done + 1, tally.tokens + tokens
    return tally, unfinished


async def _write(agent: Agent, brief: Brief, path: Path, tally: Tally) -> None:
    try:
        exists = await asyncio.to_thread(path.exists)
        document = Document.open(path) if exists else Document.create(path, brief, await _plan(agent, brief))
        with document:
            tracker = UsageTracker(record=document.add_usage)
            async with recording(document, tracker) as recorder:
                await write_document(agent, brief, document, recorder.keep, tracker=tracker)
            tally.tokens += document.usage.total
        tally.done += 1
    except ModelError as error:
        if error.kind in ("auth", "unknown-model", "unreachable", "worker"):
            raise
        _count_failure(brief, error, tally)
    except LwtuiError as error:
        _count_failure(brief, error, tally)


def _count_failure(brief: Brief, error: LwtuiError, tally: Tally) -> None:
    tally.failed += 1
    note(_("Could not write {instruction!r}: {error}", instruction=brief.instruction[:60], error=error))


async def _plan(agent: Agent, brief: Brief) -> Plan:
    return direct_plan(brief) if brief.mode is Mode.DIRECT else await plan_document(agent, brief)


def _brief(data: DataConfig, instruction: Instruction, seed: int) -> Brief:
    language = detect_language(instruction.text)
    brief = Brief(instruction.text, instruction.words, language, model=data.model, seed=seed)
    return replace(brief, mode=Mode(data.mode))


def _finished_tokens(path: Path) -> int | None:
    """Return the tokens that a finished document took, or ``None`` if it is not finished."""
    if not path.exists():
        return None
    with Document.open(path, read_only=True) as document:
        sections = document.sections()
        if not sections or any(section.status is not Status.DONE for section in sections):
            return None
        return document.usage.total
