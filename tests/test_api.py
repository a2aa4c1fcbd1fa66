"""The promises of docs/api.md: the public names exist, and the examples work."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from lwtui.config import ModelSettings, add_model
from lwtui.documents.model import Status
from lwtui.documents.store import Document
from lwtui.models.budget import BudgetReached
from tests.support.author import Author
from tests.support.fault_server import FaultServer

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
WRITE, WRITE_WITHIN, KEEP, OWN_MODEL = re.findall(r"(?s)```python\n(.*?)```", PAGE)


def run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/api.md", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))


def test_every_public_name_exists() -> None:
    rows = re.findall(r"(?m)^\| `([\w.]+)` \| (.*) \|$", PAGE)
    assert len(rows) > 8
    for module, names in rows:
        found = importlib.import_module(module)
        for name in re.findall(r"`(\w+)`", names):
            assert hasattr(found, name), f"{module}.{name}"
        if module == "lwtui.agentwrite":
            assert set(found.__all__) == set(re.findall(r"`(\w+)`", names))


async def test_the_examples_plan_write_and_keep_a_document(tmp_path: Path) -> None:
    async with FaultServer(Author()) as server:
        add_model(ModelSettings("writer", model="m-1", base_url=server.base_url, context_length=32_768))
        text = await run(WRITE)["written"]("Tell of tea", 400, "writer")
        assert text.startswith("## ") and 380 <= len(text.split()) <= 430
        within = run(WRITE_WITHIN)["written_within"]
        draft, tracker = await within("Tell of tea", 400, "writer", 1_000_000)
        assert 380 <= sum(len(text.split()) for text in draft.texts.values()) <= 430
        assert draft.done == {section.id for section in draft.plan.sections}
        assert tracker.usage.prompt > 400 and tracker.usage.completion > 400
        with pytest.raises(BudgetReached):
            await within("Tell of tea", 400, "writer", 1500)
        await run(KEEP)["keep"]("Tell of tea", 400, "writer", tmp_path / "tea.lw")
    assert (tmp_path / "tea.md").read_text().startswith("# ")
    with Document.open(tmp_path / "tea.lw") as document:
        assert {section.status for section in document.sections()} == {Status.DONE}
        assert document.usage.prompt > 100 and document.usage.completion > 400


async def test_a_custom_model_works() -> None:
    from lwtui.models.base import Finished, Prompt, Request

    agent = run(OWN_MODEL)["agent"]
    parts = [part async for part in agent.model.stream(Request(Prompt(text="one two three"), max_tokens=2))]
    assert "".join(part.text for part in parts[:-1]) == "two three " and parts[-1] == Finished("stop")
    await agent.aclose()
