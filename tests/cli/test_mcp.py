"""``lwtui mcp``: the real process, spoken to with the client of the official SDK."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lwtui.documents.model import BUDGET, Brief, Note, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.sources.model import ReadSource, Stretch
from tests.cli.running import Shell, endpoint, model_options

mcp = pytest.importorskip("mcp")

READING = {"list_documents", "read_document", "read_facts", "read_notes", "read_section", "read_text"}
WRITING = {
    *("create_document", "edit_section", "plan_document", "remove_note", "set_note", "set_plan", "write_sections"),
}
PLAN = Plan(
    "Harbors",
    (
        PlannedSection("Dawn", "Boats come in.", 60),
        PlannedSection("Noon", "The market is loud.", 0),
        PlannedSection("Stalls", "What is sold.", 60, level=2),
    ),
)


@asynccontextmanager
async def client(shell: Shell, *arguments: object) -> AsyncIterator[Any]:
    """Start ``lwtui mcp``, and connect to it."""
    command = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "lwtui", "mcp", *map(str, arguments)],
        env=shell.environment(),
        cwd=str(shell.folder),
    )
    async with mcp.Client(command) as opened:
        yield opened


async def call(opened: Any, tool: str, **arguments: object) -> Any:
    """Call a tool, and return its answer as data."""
    result = await opened.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    content = result.structured_content
    return content["result"] if set(content) == {"result"} else content


async def refusal(opened: Any, tool: str, **arguments: object) -> str:
    result = await opened.call_tool(tool, arguments)
    assert result.is_error
    line = str(result.content[0].text)
    assert "\n" not in line and "Traceback" not in line
    return line


@pytest.fixture
def document(shell: Shell) -> Path:
    shell.documents.mkdir(exist_ok=True)
    path = shell.documents / "harbors.lw"
    with Document.create(path, Brief("Write about harbors", 120), PLAN) as opened:
        opened.edit(PLAN.sections[0].id, "The tide came in.\x1b[31m")
        opened.notebook.set_notes([Note("Ana", "A baker.")], "Add")
    return path


async def test_documents_plans_sections_notes_and_facts_can_be_read(shell: Shell, document: Path) -> None:
    before = document.read_bytes()  # noqa: ASYNC240 - a small file
    async with client(shell) as opened:
        assert {tool.name for tool in (await opened.list_tools()).tools} == READING
        assert all(tool.annotations.read_only_hint for tool in (await opened.list_tools()).tools)
        (entry,) = await call(opened, "list_documents")
        assert (entry["title"], entry["target"]) == ("Harbors", 120)
        for name in ("harbors", "harbors.lw", str(document)):
            outline = await call(opened, "read_document", document=name)
            assert [section["number"] for section in outline["sections"]] == ["1", "2", "2.1"]
        by_number = await call(opened, "read_section", document="harbors", section="1")
        assert by_number["text"] == "The tide came in."  # no escape sequence reaches a client
        assert await call(opened, "read_section", document="harbors", section="Dawn") == by_number
        assert await call(opened, "read_section", document="harbors", section=by_number["id"]) == by_number
        text = await call(opened, "read_text", document="harbors")
        assert text["text"].startswith("# Harbors") and text["next"] is None
        (note,) = await call(opened, "read_notes", document="harbors")
        assert note["title"] == "Ana"
        assert await call(opened, "read_facts", document="harbors") == []
        assert "unknown" in (await refusal(opened, "edit_section", document="harbors", section="1", text="x")).lower()
    assert document.read_bytes() == before  # noqa: ASYNC240


OUTSIDE = ("../secret.lw", "/etc/passwd", "/etc/passwd.lw", "link", "loop", ".trash/old", "~/x.lw")
NOWHERE = ("a\0b", "", "nothing")


async def test_no_other_file_can_be_reached(shell: Shell, document: Path) -> None:
    prepare_outside(shell, document)
    async with client(shell, "--allow-write") as opened:
        for given in (*OUTSIDE, *NOWHERE):
            for tool, more in (("read_document", {}), ("edit_section", {"section": "1", "text": "x"})):
                line = await refusal(opened, tool, document=given, **more)
                assert given in NOWHERE or "list_documents" in line or given == "~/x.lw"
    assert secret_text(shell) == "The tide came in."


def prepare_outside(shell: Shell, document: Path) -> None:
    (shell.folder / "secret.lw").write_bytes(document.read_bytes())
    (shell.documents / ".trash").mkdir()
    (shell.documents / ".trash" / "old.lw").write_bytes(document.read_bytes())
    (shell.documents / "link.lw").symlink_to(shell.folder / "secret.lw")
    (shell.documents / "loop.lw").symlink_to(shell.documents / "loop.lw")


def secret_text(shell: Shell) -> str:
    with Document.open(shell.folder / "secret.lw", read_only=True) as opened:
        return opened.sections()[0].text


async def test_another_folder_can_be_given(shell: Shell, document: Path) -> None:
    other = shell.folder / "other"
    await asyncio.to_thread(other.mkdir)
    await asyncio.to_thread(os.rename, document, other / "moved.lw")
    async with client(shell, other) as opened:
        (entry,) = await call(opened, "list_documents")
        assert entry["path"] == str(other / "moved.lw")
        assert (await call(opened, "read_document", document=entry["path"]))["title"] == "Harbors"


async def test_a_document_is_created_planned_written_and_changed(shell: Shell) -> None:
    with endpoint() as server:
        async with client(shell, "--allow-write", *model_options(server)) as opened:
            assert {tool.name for tool in (await opened.list_tools()).tools} == READING | WRITING
            made = await call(opened, "create_document", instruction="Write a guide to tomatoes", words=600)
            path = made["path"]
            assert made["sections"] == []
            planned = await call(opened, "plan_document", document=path)
            assert len(planned["sections"]) > 1
            told: list[str] = []

            async def progress(done: float, total: float | None, message: str | None) -> None:
                told.append(message or "")

            result = await opened.call_tool("write_sections", {"document": path}, progress_callback=progress)
            assert not result.is_error, result.content
            assert {section["status"] for section in result.structured_content["sections"]} == {"done"}
            assert any("of" in line for line in told)
            await call(opened, "set_note", document=path, title="Soil", text="Loam.", triggers=["soil"])
            assert await call(opened, "read_notes", document=path) == [
                {"title": "Soil", "kind": "story", "always": False, "triggers": ["soil"], "text": "Loam."}
            ]
            assert await call(opened, "remove_note", document=path, title="Soil") == []
            first = planned["sections"][0]["title"]
            steps = [
                {"title": first, "main_point": "As before.", "words": 200},
                {"title": "Fog over the beds", "main_point": "When to pick.", "words": 100},
            ]
            changed = await call(opened, "set_plan", document=path, plan=steps)
            assert [section["status"] for section in changed["sections"]] == ["done", "empty"]
            await call(opened, "edit_section", document=path, section="Fog over the beds", text="Pick *them* red.")
            again = await call(opened, "write_sections", document=path, sections=["1"])
            assert [section["status"] for section in again["sections"]] == ["done", "done"]
            assert "Pick *them* red." in (await call(opened, "read_text", document=path))["text"]


async def test_a_plan_knows_the_notes_and_the_sources_and_needs_little_of_a_budget(shell: Shell) -> None:
    read = ReadSource("text", "On Loam", "loam.txt", "2026-11-30", (Stretch("Loam holds water."),))
    with endpoint() as server:
        async with client(shell, "--allow-write", *model_options(server)) as opened:
            made = await call(opened, "create_document", instruction="Write a guide to tomatoes", words=600)
            await call(opened, "set_note", document=made["path"], title="Ana", text="A baker with a limp.")
            with Document.open(Path(made["path"])) as document:
                document.source_store.add(read)
                document.set_setting(BUDGET, "800 tokens")
            planned = await call(opened, "plan_document", document=made["path"])
        (request,) = server.calls
        prompt = json.dumps(request.json["messages"])
    assert len(planned["sections"]) > 1
    assert "A baker with a limp." in prompt and "On Loam" in prompt


async def test_a_budget_in_money_needs_prices_and_one_in_tokens_is_kept(shell: Shell, document: Path) -> None:
    with endpoint() as server:
        async with client(shell, "--allow-write", *model_options(server)) as opened:
            for budget, said in (("2.50", "needs the prices of"), ("200 tokens", "has no room for")):
                with Document.open(document) as own:
                    own.set_setting(BUDGET, budget)
                for tool in ("plan_document", "write_sections"):
                    assert said in await refusal(opened, tool, document="harbors")
        assert server.calls == []


async def test_the_mirror_follows_what_an_agent_changes(shell: Shell, document: Path) -> None:
    shell.settings("mirror = true\n" + shell.config.read_text())
    mirror = document.with_suffix(".md")
    with endpoint() as server:
        async with client(shell, "--allow-write", *model_options(server)) as opened:
            await call(opened, "edit_section", document="harbors", section="1", text="Fog came in.")
            assert "Fog came in." in mirror.read_text()
            await call(opened, "write_sections", document="harbors")
            assert mirror.read_text() == (await call(opened, "read_text", document="harbors"))["text"]
            steps = [{"title": "Dawn", "main_point": "Boats.", "words": 60, "kind": "table"}]
            await call(opened, "set_plan", document="harbors", plan=steps, title="Piers")
            assert mirror.read_text() == "# Piers\n\n## Dawn\n\nFog came in.\n"
            (section,) = (await call(opened, "read_document", document="harbors"))["sections"]
            assert section["kind"] == "table"
            assert (await call(opened, "read_section", document="harbors", section="1"))["kind"] == "table"
            made = await call(opened, "create_document", instruction="Write", words=60, plan=steps, title="Bays")
            assert Path(made["path"]).with_suffix(".md").read_text().startswith("# Bays")
            mirror.write_text("precious")
            await call(opened, "edit_section", document="harbors", section="1", text="Rain came in.")
    assert mirror.read_text() == "precious"
    assert "harbors.md was not written by lwtui" in (shell.folder / "state" / "lwtui.log").read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
async def test_each_writing_of_an_agent_is_a_commit(shell: Shell, document: Path) -> None:
    shell.settings('mirror = "git"\nauthor = "Ada"\n' + shell.config.read_text())
    folder = document.with_name("harbors-markdown")

    def subjects() -> list[str]:
        command = ["git", "log", "--format=%s"]
        return subprocess.run(command, cwd=folder, capture_output=True, check=True, text=True).stdout.splitlines()

    with endpoint() as server:
        async with client(shell, "--allow-write", *model_options(server)) as opened:
            await call(opened, "edit_section", document="harbors", section="1", text="Fog came in.")
            assert subjects() == ["Harbors: +3 words"]
            await call(opened, "read_text", document="harbors")
            await call(opened, "write_sections", document="harbors")
            assert len(subjects()) == 2


MISTAKES = (
    ("create_document", {"instruction": " "}, "empty"),
    ("create_document", {"instruction": "x", "words": 3}, "words"),
    ("create_document", {"instruction": "x", "folder": "../.."}, "library"),
    ("set_plan", {"document": "harbors", "plan": []}, "plan"),
    ("edit_section", {"document": "harbors", "section": "9", "text": "x"}, "no section"),
    ("set_note", {"document": "harbors", "title": "", "text": "x"}, "title"),
    ("remove_note", {"document": "harbors", "title": "Bob"}, "no note"),
    ("write_sections", {"document": "harbors", "model": "nobody"}, "nobody"),
)


async def test_a_mistake_is_answered_in_one_line(shell: Shell, document: Path) -> None:
    async with client(shell, "--allow-write") as opened:
        for tool, arguments, named in MISTAKES:
            assert named in await refusal(opened, tool, **arguments)


async def test_a_document_that_is_open_elsewhere_is_not_changed(shell: Shell, document: Path) -> None:
    with Document.open(document):
        async with client(shell, "--allow-write") as opened:
            line = await refusal(opened, "edit_section", document="harbors", section="1", text="x")
            assert "open in another lwtui" in line
            assert (await call(opened, "read_document", document="harbors"))["title"] == "Harbors"


def test_nothing_but_the_protocol_is_on_standard_output(shell: Shell) -> None:
    shell.run("mcp", shell.folder / "none").failed(2, "none")
    result = shell.run("mcp", stdin="not json\n")
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in result.out.splitlines())
