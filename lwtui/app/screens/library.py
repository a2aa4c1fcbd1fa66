"""The documents there are: to open, begin, find, delete, export."""

from __future__ import annotations

from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.widgets import Footer, Input, Static

from lwtui.app.format import ago, bar, number
from lwtui.app.keymap import LIBRARY, bindings
from lwtui.app.screens.base import Base
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.documents.library import list_documents, move_to_trash, restore_from_trash
from lwtui.documents.model import Summary
from lwtui.errors import LwtuiError

_WELCOME = """\
Welcome. There are no documents here yet.

  n    begin one: say what you want, how long, and edit the plan the model makes
  i    import a Markdown or text file
  F1   what every key does

New documents are written by the model "{model}"; Ctrl+O chooses or adds others."""


class LibraryScreen(Base):
    """The first screen."""

    GROUP = LIBRARY
    BINDINGS = bindings(LIBRARY)
    CSS_PATH = "../styles/library.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self) -> None:
        super().__init__()
        self._documents: list[Summary] = []
        self._trashed: list[Path] = []

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield Input(placeholder="Words of the title; Enter goes to the list, Esc shows all", id="find")
        yield RowList(
            Column("Title"),
            Column("Done", 14),
            Column("Words", 15, right=True),
            Column("Model", 20, needs=100),
            Column("Changed", 11),
            header=True,
            id="documents",
        )
        yield Static("", id="welcome", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#find").display = False
        self.action_refresh()

    def on_screen_resume(self) -> None:
        self.action_refresh()

    def action_refresh(self) -> None:
        """Read the folder again."""
        self._documents = list_documents(self.lwtui.folder)
        self._show()

    def _show(self, select: str | None = None) -> None:
        wanted = self.query_one("#find", Input).value.casefold().split()
        rows = [_row(one) for one in self._documents if all(word in one.title.casefold() for word in wanted)]
        title = f"lwtui · {self.lwtui.folder} · {len(self._documents)} documents"
        self.query_one("#title", Static).update(title)
        self.query_one(RowList).show(rows, select)
        welcome = self.query_one("#welcome", Static)
        welcome.display = not self._documents
        self.query_one(RowList).display = bool(self._documents)
        welcome.update(_WELCOME.format(model=self.lwtui.default_model))

    # -- finding

    def action_find(self) -> None:
        self.query_one("#find").display = True
        self.query_one("#find").focus()

    def on_input_changed(self) -> None:
        self._show()

    def on_input_submitted(self) -> None:
        self.query_one(RowList).focus()

    def key_escape(self) -> None:
        """Leave the search."""
        find = self.query_one("#find", Input)
        if find.display:
            find.value = ""
            find.display = False
            self.query_one(RowList).focus()

    # -- what can be done to a document

    def on_row_list_chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if path := self.query_one(RowList).key:
            self.lwtui.open_document(Path(path))

    def action_new(self) -> None:
        from lwtui.app.screens.new_document import NewDocumentScreen

        self.app.push_screen(NewDocumentScreen())

    def action_delete(self) -> None:
        path = self.query_one(RowList).key
        if path is None:
            return
        try:
            self._trashed.append(move_to_trash(Path(path)))
        except LwtuiError as error:
            self.complain(error)
            return
        self.say("Moved to the trash. Press u to bring it back.")
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
        self.action_refresh()
        self.query_one(RowList).select(str(path))

    @work
    async def action_import(self) -> None:
        from lwtui.app.screens.dialogs import Ask

        answer = await self.app.push_screen_wait(
            Ask("Markdown or text file to import", hint="Its headings become sections. The file itself stays as it is.")
        )
        if answer:
            self.lwtui.open_file(Path(answer))

    def action_export(self) -> None:
        from lwtui.app.screens.export import ExportScreen
        from lwtui.documents.store import Document

        path = self.query_one(RowList).key
        if path is None:
            return
        try:
            document = Document.open(Path(path), read_only=True)
        except LwtuiError as error:
            self.complain(error)
            return
        self.app.push_screen(ExportScreen(document), lambda _: document.close())

    def action_leave(self) -> None:
        self.app.exit()


def _row(one: Summary) -> Row:
    if one.problem:
        return Row(one.path, (Path(one.path).name, one.problem, "", "", ago(one.changed)), "problem")
    share = f"{bar(one.progress, 9)} {one.progress:4.0%}"
    words = f"{number(one.words)} / {number(one.target)}"
    kind = "done" if one.progress >= 1 else "partial" if one.words else "empty"
    return Row(one.path, (one.title, share, words, one.model, ago(one.changed)), kind)
