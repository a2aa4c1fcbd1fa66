"""A writer's evening in a real terminal: writes, edits, picks a candidate, takes a change, exports a book."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lwtui.agentwrite.candidates import CandidateState
from lwtui.config import ModelSettings, add_model, set_value
from lwtui.documents.model import Brief, Origin, Plan, PlannedSection, Revision, Section, Status
from lwtui.documents.store import Document
from tests.e2e.terminal import terminal
from tests.support.author import Author, sentence
from tests.support.fault_server import Answer, FaultServer

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.timeout(1200),
]

TITLE = "A Book of Pots"
TITLES = ("The pot", "The soil", "The sun")
MINE = "Mine is a blue pot, and it leaks."
BETTER = "Mine is a green pot, and it holds."


def author(body: Any) -> Answer:
    """Writes as planned; knows one sentence better; has a text of its own for the first section with each seed."""
    prompt = body["messages"][-1]["content"]
    if "<passage>" in prompt:
        return Answer([f"{word} " for word in BETTER.split()])
    if "write section 1 of" in prompt:
        drawn = body["seed"] % 97 + 3
        return Answer([f"Text {drawn} begins.", *(sentence(drawn, at) for at in range(8))])
    return Author()(body)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of three sections, planned and not begun."""
    lines = (PlannedSection(title, f"all about {title.lower()}", 90, f"s{at}") for at, title in enumerate(TITLES, 1))
    path = tmp_path / "pots.lw"
    brief = Brief("Tell of pots", 270, model="writer", seed=5)
    Document.create(path, brief, Plan(TITLE, tuple(lines))).close()
    return path


def sections(path: Path) -> list[Section]:
    """As another program finds them in the file now."""
    with Document.open(path, read_only=True) as document:
        return document.sections()


def versions(path: Path) -> list[Revision]:
    with Document.open(path, read_only=True) as document:
        return document.revisions("s1")


def test_a_book_is_written_edited_varied_revised_and_exported(tmp_path: Path, book: Path) -> None:
    pymupdf = pytest.importorskip("pymupdf")
    config = tmp_path / "config" / "settings.toml"
    set_value("documents", str(tmp_path / "documents"), config)
    set_value("welcome", "false", config)
    with FaultServer(author) as server, terminal(tmp_path, 100, 30) as shell:
        add_model(ModelSettings("writer", model="m-1", base_url=server.base_url, context_length=32_768), config)
        shell.run("lwtui pots.lw")
        shell.sees("0 of 3 sections written")
        shell.press("F5")  # writes
        shell.until(lambda: all(one.status is Status.DONE for one in sections(book)))
        shell.sees("3 of 3 done", "Idle")
        shell.press("Home")
        shell.sees(" ".join(sections(book)[0].text.split()[:3]))
        # Another text for the first section, of two to choose from.
        first = sections(book)[0].text
        shell.press("v")
        shell.sees("How many")
        shell.press("BSpace", "2", "Enter")
        shell.until(lambda: shell.screen.count(f"· {CandidateState.DONE.value}") == 2)
        shell.press("Right", "Enter")
        shell.until(lambda: sections(book)[0].text != first)
        picked = sections(book)[0].text
        assert {one.text for one in versions(book)} >= {first, picked}
        # A sentence of one's own, which the model then puts better.
        shell.move("Enter")
        shell.move("C-End")
        shell.press("Enter", "Enter")
        shell.type(MINE)
        shell.press("C-s")
        shell.until(lambda: sections(book)[0].text.endswith(MINE))
        shell.press("C-l")
        shell.sees("Rewrite:", "Expand:")
        shell.press("Enter")
        shell.sees("Change 1 of 2")
        shell.press("y", "n", "Enter")
        half = MINE.replace("blue", "green")
        shell.until(lambda: sections(book)[0].text == f"{picked}\n\n{half}")
        kept = {one.text: one for one in versions(book)}
        assert kept[f"{picked}\n\n{MINE}"].origin is Origin.USER
        assert f"{picked}\n\n{BETTER}" in kept
        # And out of it, as a book.
        shell.press("Escape", "F9")
        shell.sees(f"Export “{TITLE}”")
        for key in (*["BTab"] * 5, "Left", "Left", "Space"):  # to the formats, and to PDF
            shell.move(key)
        shell.sees(f"{TITLE}.pdf")
        shell.press("F9")
        shell.sees("Exported to")
        shell.press("C-q")
        shell.until(lambda: shell.is_at_prompt)
        assert shell.is_sane
    with pymupdf.open(tmp_path / f"{TITLE}.pdf") as pdf:
        pages = [" ".join(page.get_text().split()) for page in pdf]
        headings = [title for _, title, _ in pdf.get_toc()]
    assert TITLE in pages[0]
    assert [title for title in headings if title in TITLES] == list(TITLES)
    assert all(title in " ".join(pages[1:]) for title in TITLES)
    assert half in " ".join(pages)
    if folder := os.environ.get("LWTUI_PICTURES"):  # to be looked at
        with pymupdf.open(tmp_path / f"{TITLE}.pdf") as pdf:
            for number, page in enumerate(pdf, 1):
                page.get_pixmap(dpi=60).save(Path(folder, f"page-{number}.png"))
