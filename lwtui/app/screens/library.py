"""The documents there are: to open, begin, find, delete, export."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from lwtui.app.format import MARKS, ago, bar, counted, number, short_path
from lwtui.app.keymap import EVERYWHERE, LIBRARY, bindings, key_of
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.config import cache_folder
from lwtui.documents.library import move_to_trash, restore_from_trash
from lwtui.documents.library_index import LibraryIndex
from lwtui.documents.model import Summary
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError

_GLANCE_SECONDS = 0.15  # the cursor rests on a document before its outline is shown


class LibraryScreen(BaseScreen):
    """The first screen."""

    GROUP = LIBRARY
    BINDINGS = bindings(LIBRARY)
    CSS_PATH = "../styles/library.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self) -> None:
        super().__init__()
        self._shelf = LibraryIndex(cache_folder() / "library.json")
        self._documents: list[Summary] = []
        self._whole = False  # whether all of them have been read
        self._trashed: list[Path] = []
        self._timer: Timer | None = None
        self._title = TitleBar("Library")
        self._find = Input(placeholder="Words of the title. Enter goes to the list, Esc shows all.", id="find")
        self._list = RowList(
            Column("Title"),
            Column("Model", 18, needs=100),
            Column("Done", 14, tint=True),
            Column("Words", 15, right=True),
            Column("Changed", 11, right=True),
            header=True,
            id="documents",
        )
        self._welcome = Line(id="welcome", classes="pane")
        self._glance = Line(id="glance-text")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        yield self._title
        yield self._find
        with Horizontal(id="panes"):
            yield self._list
            yield self._welcome
            with VerticalScroll(id="glance", classes="pane", can_focus=False) as glance:
                glance.border_title = "Outline"
                yield self._glance
        yield KeyBar()

    def on_mount(self) -> None:
        self._find.display = False
        self._welcome.display = False
        label(self._list, "Documents", "reading…")

    def on_screen_resume(self) -> None:
        self.action_refresh()

    def action_refresh(self) -> None:
        """Read the folder again."""
        self._list_documents()

    @work(exclusive=True, group="list")
    async def _list_documents(self, select: str | None = None) -> None:
        """Show what the folder has as it is read, in a thread: keys do not wait for it."""
        listings = self._shelf.listings(self.lwtui.folder)
        try:
            while (found := await asyncio.to_thread(next, listings, None)) is not None:
                self._documents = found
                self._show(select)
                select = None
        except LwtuiError as error:
            self._documents = []
            self.complain(error)
            self._show()
        self._whole = True

    def _show(self, select: str | None = None) -> None:
        wanted = self._find.value.casefold().split()
        rows = [_row(one) for one in self._documents if all(word in one.title.casefold() for word in wanted)]
        if rows and not self._whole and self._list.at_top:
            select = rows[0].key  # Enter opens the last changed, whichever that turns out to be
        self._title.say(f"Library · {short_path(self.lwtui.folder)}", self.lwtui.default_model)
        self._list.hint = "No title holds these words."
        self._list.show(rows, select)
        shown = f"{number(len(rows))} of " if wanted else ""
        label(self._list, "Documents", f"{shown}{counted(len(self._documents), 'document')}")
        some = bool(self._documents)
        self._welcome.display = not some
        self._list.display = some
        self.set_class(some, "some")
        if some and self.focused is None:
            self._list.focus()
        self._welcome.say(Content.assemble(*_welcome(), _writer(self.lwtui.default_model)))
        self._glance_soon()

    # -- the outline of the document under the cursor, in wide windows

    def on_row_list_moved(self) -> None:
        self._glance_soon()

    def on_resize(self) -> None:
        self._glance_soon()

    def _glance_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_GLANCE_SECONDS, self._show_glance)

    @work(exclusive=True, group="glance")
    async def _show_glance(self) -> None:
        path = self._list.key
        if self.has_class("-huge") and self.is_current:
            self._glance.say(await asyncio.to_thread(_outline, Path(path)) if path else "")

    # -- finding

    def action_find(self) -> None:
        self._find.display = True
        self._find.focus()

    def on_input_changed(self) -> None:
        self._show()

    def on_input_submitted(self) -> None:
        self._list.focus()

    def key_escape(self) -> None:
        """Leave the search."""
        if self._find.display:
            self._find.value = ""
            self._find.display = False
            self._list.focus()

    # -- what can be done to a document

    def on_row_list_chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if path := self._list.key:
            self.lwtui.open_document(Path(path))

    def action_new(self) -> None:
        from lwtui.app.screens.new_document import NewDocumentScreen

        self.app.push_screen(NewDocumentScreen())

    def action_delete(self) -> None:
        path = self._list.key
        if path is None:
            return
        try:
            self._trashed.append(move_to_trash(Path(path)))
        except LwtuiError as error:
            self.complain(error)
            return
        self.say("Moved to the trash. Press u to bring it back.")
        self._documents = [one for one in self._documents if one.path != path]
        self._show()
        self.action_refresh()

    def action_undo(self) -> None:
        if not self._trashed:
            self.say("Nothing was deleted since lwtui was started.")
            return
        try:
            path = restore_from_trash(self._trashed[-1])
        except LwtuiError as error:
            self.complain(error)
            return
        self._trashed.pop()
        self._list_documents(select=str(path))

    @work
    async def action_import(self) -> None:
        from lwtui.app.screens.dialogs import Ask

        hint = "Headings become sections. The file stays as it is."
        asked = Ask("Markdown, text or DOCX file to import", hint=hint, problem=_why_not_read)
        answer = await self.app.push_screen_wait(asked)
        if answer:
            self.lwtui.open_file(Path(answer))

    def action_export(self, to: str = "") -> None:
        from lwtui.app.screens.export import ExportScreen

        path = self._list.key
        if path is None:
            return
        try:
            document = Document.open(Path(path), read_only=True)
        except LwtuiError as error:
            self.complain(error)
            return
        self.app.push_screen(ExportScreen(document, to), lambda _: document.close())

    def action_leave(self) -> None:
        self.lwtui.leave()


def _why_not_read(given: str) -> str:
    """What keeps the file of that name from being read; empty if nothing does, as far as that can be told at once."""
    from lwtui.documents.markdown import read_text

    try:
        path = Path(given).expanduser()
        if path.suffix.lower() not in (".lw", ".docx"):
            read_text(path)
        elif not path.is_file():
            return f"There is no document {path}. Check the path."
    except LwtuiError as error:
        return str(error)
    except RuntimeError:  # ~ of nobody
        return f"There is no folder {given.split('/')[0]}. Check the path."
    return ""


def _welcome() -> list[str | tuple[str, str]]:
    """What stands in an empty library: how to begin."""
    told = (
        (
            LIBRARY,
            "new",
            "begin a document: say what you want and how long,",
            "then edit the plan that the model makes",
        ),
        (LIBRARY, "import", "import a Markdown, text or DOCX file"),
        (
            EVERYWHERE,
            "settings",
            "choose who writes: a service that you have a key for,",
            "a server on this machine, or a GGUF file",
        ),
        (EVERYWHERE, "help", "what every key does"),
    )
    parts: list[str | tuple[str, str]] = [("Nothing here yet.\n\n", "bold")]
    for group, name, *what in told:
        parts.append((f"{key_of(group, name):<8}", "bold $text-accent"))
        parts.append(f"\n{'':<8}".join(what) + "\n")
    return [*parts, "\n"]


def _writer(model: str) -> str:
    if model == "demo":
        return "New documents are written by the model demo, which is tiny and only shows how lwtui works."
    return f"New documents are written by the model {model}."


def _row(one: Summary) -> Row:
    if one.unread:
        return Row(one.path, (one.title, "", "…", "", ago(one.changed)), "empty")
    if one.problem:
        return Row(one.path, (_by_name(one.problem, one.path), "", "cannot be read", "", ago(one.changed)), "problem")
    share = f"{bar(one.progress, 9)} {one.progress:4.0%}"
    words = f"{number(one.words)} / {number(one.target)}"
    kind = "done" if one.progress >= 1 else "partial" if one.words else "empty"
    return Row(one.path, (one.title, one.model, share, words, ago(one.changed)), kind)


def _by_name(problem: str, path: str) -> str:
    """What is wrong with a file, which need not be told in which folder it is."""
    return problem.replace(path, Path(path).name)


def _outline(path: Path) -> Content:
    """What a document is to be, and its sections with how far each is."""
    try:
        with Document.open(path, read_only=True) as document:
            brief, sections = document.brief, document.sections()
    except LwtuiError as error:
        return Content.styled(_by_name(str(error), str(path)), "$text-error")
    parts: list[str | tuple[str, str]] = [(brief.instruction, "italic $text-muted"), "\n\n"]
    for section in sections:
        parts += [(MARKS[section.status], "$text-success"), f" {section.title or '(the text)'} "]
        parts += [(f"{number(section.length)}/{number(section.words)}\n", "$text-muted")]
    return Content.assemble(*parts)
