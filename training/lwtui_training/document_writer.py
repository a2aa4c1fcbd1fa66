"""Documents for training, written by AgentWrite: many at once, each a ``.lw`` file that goes on where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lwtui.agentwrite import Agent, direct_plan, open_agent, plan_document, recording, write_document
from lwtui.config import ModelSettings, load_settings, public_address
from lwtui.documents.model import Brief, Mode, Plan, Status
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.catalog import resolve
from lwtui.models.metering import UsageTracker
from lwtui.text import detect_language
from lwtui_training.progress import Meter, note
from lwtui_training.recipe import Data
from lwtui_training.rows import Instruction


@dataclass
class Tally:
    """What the writing took and brought."""

    done: int = 0
    failed: int = 0
    left: int = 0  # not begun, because the budget was used up
    tokens: int = 0


def model_settings(name: str, base_url: str) -> ModelSettings:
    """The model that a recipe names: of lwtui's settings, a GGUF, or of an endpoint."""
    if base_url:
        return ModelSettings(f"{name}@{public_address(base_url)}", model=name, base_url=base_url)
    return resolve(name, load_settings())


def document_path(folder: Path, number: int) -> Path:
    """Where the document for instruction ``number`` is."""
    return folder / f"{number:06}.lw"


async def write_documents(
    data: Data, instructions: Sequence[Instruction], folder: Path, seed: int, profile: str = ""
) -> Tally:
    """Write a document for each instruction; finished ones are left as they are.

    ``profile`` says how the model is prompted, where its name does not. A model that fails for one document fails
    that one; an error that would be every document's ends the step.
    """
    tally, todo = _left_to_write(folder, len(instructions))
    if not todo:
        return tally
    chosen = model_settings(data.model, data.base_url)
    agent = await open_agent(data.model, load_settings(), model=replace(chosen, profile=profile or chosen.profile))
    meter = Meter("Writing", len(instructions), "documents", tally.done)
    try:
        at_once = min(data.concurrency, agent.model.capabilities.parallel)
        queue = iter(todo)

        async def worker() -> None:
            for number in queue:
                if data.token_budget and tally.tokens >= data.token_budget:
                    tally.left += 1
                    continue
                brief = _brief(data, instructions[number], seed + number)
                await _write_one(agent, brief, document_path(folder, number), tally)
                meter.advance(1, f"{tally.tokens:,} tokens")

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())
    except* LwtuiError as errors:
        raise errors.exceptions[0] from None
    finally:
        await agent.aclose()
    return tally


def _left_to_write(folder: Path, count: int) -> tuple[Tally, list[int]]:
    """What is written already, and the numbers of the documents that are not finished."""
    folder.mkdir(parents=True, exist_ok=True)
    tally, todo = Tally(), []
    for number in range(count):
        tokens = _finished_tokens(document_path(folder, number))
        if tokens is None:
            todo.append(number)
        else:
            tally.done, tally.tokens = tally.done + 1, tally.tokens + tokens
    return tally, todo


async def _write_one(agent: Agent, brief: Brief, path: Path, tally: Tally) -> None:
    try:
        begun = await asyncio.to_thread(path.exists)
        document = Document.open(path) if begun else Document.create(path, brief, await _plan(agent, brief))
        with document:
            tracker = UsageTracker(record=document.add_usage)
            async with recording(document, tracker) as recorder:
                await write_document(agent, brief, document, recorder.keep, tracker=tracker)
            tally.tokens += document.usage.total
        tally.done += 1
    except ModelError as error:
        if error.kind in ("auth", "unknown-model", "unreachable", "worker"):
            raise
        _failed(brief, error, tally)
    except LwtuiError as error:
        _failed(brief, error, tally)


def _failed(brief: Brief, error: LwtuiError, tally: Tally) -> None:
    tally.failed += 1
    note(f"No document for {brief.instruction[:60]!r}: {error}")


async def _plan(agent: Agent, brief: Brief) -> Plan:
    return direct_plan(brief) if brief.mode is Mode.DIRECT else await plan_document(agent, brief)


def _brief(data: Data, one: Instruction, seed: int) -> Brief:
    brief = Brief(one.instruction, one.words, detect_language(one.instruction), model=data.model, seed=seed)
    return replace(brief, mode=Mode(data.mode))


def _finished_tokens(path: Path) -> int | None:
    """Tokens that a document took, if it is finished."""
    if not path.exists():
        return None
    with Document.open(path, read_only=True) as document:
        sections = document.sections()
        if not sections or any(section.status is not Status.DONE for section in sections):
            return None
        return document.usage.total
