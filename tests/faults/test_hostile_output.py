"""What a model says, and what a document from elsewhere holds, is shown and exported as harmless text."""

from __future__ import annotations

import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from lwtui.documents.export import FORMATS
from lwtui.documents.library import new_path
from lwtui.documents.model import title_from
from lwtui.documents.store import Document
from tests.cli.running import PLAN, Shell, endpoint, model_options, prose
from tests.cli.test_terminal import PtyTerminal
from tests.faults.conftest import Tried
from tests.faults.hostile import ALL, ESCAPES, MARKUP, make_hostile, unsafe, without_own_sequences
from tests.support.fault_server import Answer

# Only these are safe in a step of a plan, where a colon parts a heading from the rest.
_TITLES = [one for one in ALL if not set(one) & set(":|\n\r")]


def hostile_author(request: Any) -> Answer:
    """Plans hostile headings, and puts something hostile into every sentence, cut anywhere."""
    if "Plan it: break it into" in json.dumps(request["messages"]):
        steps = (
            f"Paragraph {number} - Main Point: Part {number} {one}: about {number} {one} - Word Count: 300 words"
            for number, one in enumerate(_TITLES[:12], 1)
        )
        return Answer([f"Title: {''.join(_TITLES[:8])}\n\n" + "\n".join(steps)])
    sentences = prose(json.dumps(request)[-300:], 320)
    text = "".join(f"{one} {ALL[place % len(ALL)]} " for place, one in enumerate(sentences))
    return Answer(re.findall(r"(?s).{1,7}", text))


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_the_terminal_commands_show_what_a_model_says_as_text(shell: Shell, tried: Tried) -> None:
    work = Shell(shell.folder / "a" / "b" / "c")
    work.folder.mkdir(parents=True)
    work.settings("")
    with endpoint(hostile_author) as server:  # type: ignore[arg-type]
        planned = work.run("plan", "Tomatoes", "--words", 3600, *model_options(server)).worked()
        with PtyTerminal(
            work, "write", "Tomatoes", "--words", 3600, "--output", "out.md", *model_options(server)
        ) as terminal:
            assert terminal.end() == 0
        events = work.run(
            "write", "Tomatoes", "--words", 3600, "--output", "two.html", "--events", *model_options(server)
        ).worked()
    for shown in (planned.out, planned.err, without_own_sequences(terminal.screen), events.out, events.err):
        assert unsafe(shown) == []
    assert "Part 1 red" in planned.out and MARKUP[0] in terminal.screen + planned.out
    for name in ("out.md", "two.html"):
        assert unsafe((work.folder / name).read_text()) == []
    with Document.open(work.folder / "out.lw", read_only=True) as document:
        assert [one for section in document.sections() for one in unsafe(section.title + section.text)] == []
        assert unsafe(document.title) == []
    assert {path.name for path in files(shell.folder) if path.name.startswith(("out", "two"))} == {
        "out.md",
        "out.lw",
        "two.html",
        "two.lw",
    }
    assert not [path for path in files(shell.folder) if "escaped" in path.name]
    tried("terminal escapes, bidi, markup in a model's words: commands", "shown as text", len(ALL))


class Page(HTMLParser):
    """What a browser would do with a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def test_exports_hold_no_script_no_control_and_stay_in_their_folder(shell: Shell, tried: Tried) -> None:
    work = Shell(shell.folder / "a" / "b" / "c")
    work.folder.mkdir(parents=True)
    work.settings("")
    make_hostile(work.folder / "doc.lw")
    before = files(shell.folder)
    made: set[Path] = set()
    for name in FORMATS:
        done = work.run("export", "doc.lw", "--to", name)
        assert unsafe(done.out + done.err) == [] and "Traceback" not in done.err
        made |= files(shell.folder) - before
    assert {path.parent for path in made} <= {Path("a/b/c"), Path("a/b/c/cache")}
    for name in ("md", "txt", "html"):
        assert unsafe((work.folder / f"doc.{name}").read_text(encoding="utf-8")) == []
    pages = [(work.folder / "doc.html").read_text()]
    if (book := work.folder / "doc.epub").exists():
        with zipfile.ZipFile(book) as archive:
            assert not [one for one in archive.namelist() if one.startswith(("/", "..")) or "/../" in one]
            pages += [archive.read(one).decode() for one in archive.namelist() if one.endswith((".xhtml", ".html"))]
    for page in map(Page, pages):
        assert not page.tags & {"script", "iframe", "img", "object", "embed", "svg", "form", "base"}
        for attribute, value in page.attributes:
            assert not attribute.startswith("on")
            assert not (value or "").strip().lower().startswith(("javascript:", "data:"))
    tried("HTML, scripts, escapes, path-like titles: exports", "escaped, inside the folder", len(ALL) * len(FORMATS))


def test_an_instruction_like_a_path_names_a_file_in_the_documents_folder(shell: Shell) -> None:
    for one in ALL:
        path = new_path(shell.documents, title_from(one))
        assert path.parent == shell.documents and path.name not in (".lw", "..lw") and unsafe(path.name) == []
        assert path.resolve().parent == shell.documents.resolve()
    (shell.folder / "plan.txt").write_text(PLAN)
    with endpoint() as server:
        shell.run("write", "--plan", "plan.txt", "--quiet", *model_options(server), "--", "../../../escaped").worked()
    assert [path.name for path in shell.documents.iterdir()] == ["escaped.lw"]


def test_a_hostile_document_drives_no_terminal(shell: Shell, tried: Tried) -> None:
    """Nothing of it reaches the terminal as a command: not by the app, and not by the commands."""
    make_hostile(shell.folder / "doc.lw", model="writer")
    with PtyTerminal(shell, "doc.lw", columns=160) as terminal:
        terminal.until("Begin")
        terminal.type("\x1b[B\x1b[B\x1b[B")
        terminal.until("click")
        terminal.type("\x11")
        terminal.end()
    for sequence in ("\x1b]8", "\x1b]52", "\x1b]0", "\x1bP", "\x9b", "\x9d", "\u202e", "\x1b[6n"):
        assert sequence not in terminal.screen
    with endpoint() as server:
        resume = ("write", "--resume", "doc.lw", "--output", "out.md", *model_options(server))
        with PtyTerminal(shell, *resume) as terminal:
            assert terminal.end() == 0
        assert unsafe(without_own_sequences(terminal.screen)) == []
    tried("a document from elsewhere with terminal escapes", "shown as text", len(ESCAPES))
