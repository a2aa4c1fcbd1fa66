"""The library: lists the documents, to open, create, find, delete and export them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from lwtui.app.format import MARKS, ago, bar, number, short_path
from lwtui.app.keymap import EVERYWHERE, LIBRARY, bindings, key_of
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.dialogs import Confirm
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.config import cache_folder
from lwtui.documents.conflicts import conflicting_copy
from lwtui.documents.library import move_to_trash, restore_from_trash
from lwtui.documents.library_index import LibraryIndex
from lwtui.documents.model import LibraryEntry, Section
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.translation import _, _n

_KEY = 8  # cells
_OUTLINE_SECONDS = 0.15  # that the cursor rests on a document before its outline is shown


class LibraryScreen(BaseScreen):
    """The first screen."""

    GROUP = LIBRARY
    BINDINGS = bindings(LIBRARY)
    CSS_PATH = "../styles/library.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self) -> None:
        super().__init__()
        self._index = LibraryIndex(cache_folder() / "library.json")
        self._documents: list[LibraryEntry] = []
        self._is_complete = False  # whether all documents have been read
        self._trashed: list[Path] = []
        self._timer: Timer | None = None
        self._title = TitleBar(_("Library"))
        self._find = Input(placeholder=_("Words in the title. Enter goes to the list, Esc shows all."), id="find")
        self._list = RowList(
            Column(_("Title")),
            Column(_("Model"), 18, needs=100),
            Column(_("Done"), 14, tint=True),
            Column(_("Words"), 15, right=True),
            Column(_("Changed"), 11, right=True),
            header=True,
            id="documents",
        )
        self._welcome = Line(id="welcome", classes="pane")
        self._outline = Line(id="glance-text")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        yield self._title
        yield self._find
        with Horizontal(id="panes"):
            yield self._list
            yield self._welcome
            with VerticalScroll(id="glance", classes="pane", can_focus=False) as glance:
                glance.border_title = _("Outline")
                yield self._outline
        yield KeyBar()

    def on_mount(self) -> None:
        self._find.display = False
        self._welcome.display = False
        label(self._list, _("Documents"), _("reading…"))
        self.watch(self.app, "writer", self._show_writer, init=False)

    def on_screen_resume(self) -> None:
        self.action_refresh()

    def action_refresh(self) -> None:
        """Read the folder again."""
        self._list_documents()

    @work(exclusive=True, group="list")
    async def _list_documents(self, select: str | None = None) -> None:
        """Show the folder's documents while a thread reads them; keys do not wait."""
        listings = self._index.listings(self.lwtui.folder)
        try:
            while (found := await asyncio.to_thread(next, listings, None)) is not None:
                self._documents = found
                self._show(select)
                select = None
        except LwtuiError as error:
            self._documents = []
            self.show_error(error)
            self._show()
        self._is_complete = True
        self.refresh_bindings()

    def _show(self, select: str | None = None) -> None:
        wanted = self._find.value.casefold().split()
        rows = [_row(entry) for entry in self._documents if all(word in entry.title.casefold() for word in wanted)]
        if rows and not self._is_complete and self._list.at_top:
            select = rows[0].key  # Enter opens the latest document, even one that is read later
        self._show_writer()
        self._list.hint = _("No title contains these words.")
        self._list.show(rows, select)
        total = len(self._documents)
        count = _n("{count:,} document", "{count:,} documents", total)
        if wanted:
            count = _n("{shown:,} of {count:,} document", "{shown:,} of {count:,} documents", total, shown=len(rows))
        label(self._list, _("Documents"), count)
        has_documents = bool(self._documents)
        self._welcome.display = not has_documents
        self._list.display = has_documents
        self.set_class(has_documents, "some")
        if has_documents and self.focused is None:
            self._list.focus()
        self._show_outline_soon()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer an empty library no action that needs a document."""
        is_empty = self._is_complete and not self._documents
        return not (is_empty and action in ("open", "find", "delete", "export", "compare", "backups"))

    def _show_writer(self) -> None:
        model = self.lwtui.writer
        self._title.set_text(_("Library · {folder}", folder=short_path(self.lwtui.folder)), model)
        self._welcome.set_text(Content.assemble(*_welcome(), _writer(model) if model else ""))

    # -- the outline of the document under the cursor, in wide windows

    def on_row_list_moved(self) -> None:
        self._show_outline_soon()

    def on_resize(self) -> None:
        self._show_outline_soon()

    def _show_outline_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_OUTLINE_SECONDS, self._show_outline)

    @work(exclusive=True, group="outline")
    async def _show_outline(self) -> None:
        path = self._list.key
        if self.has_class("-huge") and self.is_current:
            self._outline.set_text(await asyncio.to_thread(_read_outline, Path(path)) if path else "")

    # -- finding

    def action_find(self) -> None:
        """Show the search field."""
        self._find.display = True
        self._find.focus()

    def on_input_changed(self) -> None:
        self._show()

    def on_input_submitted(self) -> None:
        self._list.focus()

    def key_escape(self) -> None:
        """Close the search field and show all documents."""
        if self._find.display:
            self._find.value = ""
            self._find.display = False
            self._list.focus()

    # -- actions on documents

    def on_row_list_chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Open the document under the cursor."""
        if path := self._list.key:
            self.lwtui.open_document(Path(path))

    def action_new(self) -> None:
        """Create a document."""
        from lwtui.app.screens.new_document import NewDocumentScreen

        self.app.push_screen(NewDocumentScreen())

    @work
    async def action_delete(self) -> None:
        """Move the document under the cursor to the trash, if the user confirms it."""
        path = self._list.key
        if path is None:
            return
        title = next((entry.title for entry in self._documents if entry.path == path), "") or Path(path).name
        if not await self.app.push_screen_wait(Confirm(_("Move “{title}” to the trash?", title=title), _("Move"))):
            return
        try:
            self._trashed.append(move_to_trash(Path(path)))
        except LwtuiError as error:
            self.show_error(error)
            return
        self.show_notice(_("Moved to the trash. {key} restores it.", key=key_of(LIBRARY, "undo")), code="deleted")
        self._documents = [entry for entry in self._documents if entry.path != path]
        self._show()
        self.action_refresh()

    def action_undo(self) -> None:
        """Restore the document deleted last."""
        if not self._trashed:
            self.show_notice(
                _("There is nothing to undo: no document was deleted since lwtui started."), code="nothing-to-undo"
            )
            return
        try:
            path = restore_from_trash(self._trashed[-1])
        except LwtuiError as error:
            self.show_error(error)
            return
        self._trashed.pop()
        self._list_documents(select=str(path))

    def action_models(self) -> None:
        """Choose the model that writes new documents."""
        self.lwtui.show_models()

    @work
    async def action_import(self) -> None:
        """Ask for a file and import it."""
        from lwtui.app.screens.dialogs import Ask

        dialog = Ask(
            _("File or folder to import"),
            hint=_("Markdown, text, DOCX, ODT, RTF, HTML, EPUB and more. Headings become sections."),
            problem=_import_problem,
        )
        answer = await self.app.push_screen_wait(dialog)
        if answer:
            self.lwtui.open_file(Path(answer))

    def action_export(self, to: str = "") -> None:
        """Export the document under the cursor; ``to`` is the format selected at first."""
        from lwtui.app.screens.export import ExportScreen

        path = self._list.key
        if path is None:
            return
        try:
            document = Document.open(Path(path), read_only=True)
        except LwtuiError as error:
            self.show_error(error)
            return
        self.app.push_screen(ExportScreen(document, to), lambda _path: document.close())

    @work
    async def action_compare(self) -> None:
        """Choose another document, and show what differs."""
        from lwtui.app.screens.comparison import ComparisonScreen
        from lwtui.app.screens.dialogs import Choose
        from lwtui.documents.comparison import compare

        path = self._list.key
        titles = {entry.path: entry.title for entry in self._documents if not entry.problem}
        others = [(other, f"{title}  ({Path(other).name})") for other, title in titles.items() if other != path]
        if path is None or not others:
            self.show_notice(_("There is no other document to compare with."), code="nothing-to-compare")
            return
        other = await self.app.push_screen_wait(Choose(_("Compare with which document, as the older one?"), others))
        if other is None:
            return
        try:
            old, new = await asyncio.gather(*(asyncio.to_thread(_sections, Path(each)) for each in (other, path)))
        except LwtuiError as error:
            self.show_error(error)
            return
        compared = await asyncio.to_thread(compare, old, new)
        self.app.push_screen(ComparisonScreen(f"{titles[other]} → {titles.get(path, '')}", compared))

    @work
    async def action_backups(self) -> None:
        """Choose a backup of the document under the cursor, and make a new document of it."""
        from lwtui.app.screens.dialogs import Choose
        from lwtui.documents.backups import list_backups, restore_backup

        path = self._list.key
        if path is None:
            return
        found = {each.day.isoformat(): each for each in await asyncio.to_thread(list_backups, Path(path))}
        if not found:
            self.show_notice(_("This document has no backups yet."), code="no-backups")
            return
        rows = [(day, _("{day}  {count:>9,} words", day=day, count=each.words)) for day, each in found.items()]
        day = await self.app.push_screen_wait(Choose(_("Make a new document of which backup?"), rows))
        if day is None:
            return
        try:
            restored = await asyncio.to_thread(restore_backup, Path(path), found[day])
        except LwtuiError as error:
            self.show_error(error)
            return
        self.show_notice(_("The backup of {day} is now {file}.", day=day, file=restored.name), code="restored")
        self._list_documents(select=str(restored))

    def action_leave(self) -> None:
        """Quit lwtui."""
        self.lwtui.leave()


def _sections(path: Path) -> list[Section]:
    with Document.open(path, read_only=True) as document:
        return document.sections()


def _import_problem(given: str) -> str:
    """Return what is obviously wrong with the path of a file to import; empty if nothing is."""
    from lwtui.documents.importing import check_source

    try:
        path = Path(given).expanduser()
        if path.suffix.lower() != ".lw":
            check_source(path)
        elif not path.is_file():
            return _("There is no document {path}. Check the path.", path=path)
    except LwtuiError as error:
        return str(error)
    except RuntimeError:  # the home folder of an unknown user
        return _("There is no folder {folder}. Check the path.", folder=given.split("/")[0])
    return ""


def _welcome() -> list[str | tuple[str, str]]:
    """Return the text of an empty library: how to begin."""
    lines = (
        (
            LIBRARY,
            "new",
            _("create a document: say what you want and how long,\nthen edit the plan that the model makes"),
        ),
        (LIBRARY, "import", _("import a file or folder of another program")),
        (
            LIBRARY,
            "models",
            _("choose a model: a server on this machine, a service\nthat you have a key for, or one to download"),
        ),
        (EVERYWHERE, "settings", _("more models, keys, the theme, the folder for documents")),
        (EVERYWHERE, "help", _("what every key does")),
    )
    parts: list[str | tuple[str, str]] = [(_("No documents yet.") + "\n\n", "bold")]
    for group, name, description in lines:
        key = key_of(group, name)
        parts.append((set_cell_size(key, max(_KEY, cell_len(key))), "bold $text-accent"))
        parts.append(description.replace("\n", "\n" + " " * _KEY) + "\n")
    return [*parts, "\n"]


def _writer(model: str) -> str:
    if model == "demo":
        return _("The model demo writes new documents. It is tiny and only shows how lwtui works.")
    return _("The model {model} writes new documents.", model=model)


def _row(entry: LibraryEntry) -> Row:
    changed = ago(entry.changed)
    if entry.unread:
        return Row(entry.path, (entry.title, "", "…", "", changed), "empty")
    if entry.problem:
        return Row(entry.path, (_shorten(entry.problem, entry.path), "", _("cannot be read"), "", changed), "problem")
    share = f"{bar(entry.progress, 9)} {entry.progress:4.0%}"
    words = f"{number(entry.words)} / {number(entry.target)}"
    kind = "done" if entry.progress >= 1 else "partial" if entry.words else "empty"
    copy = conflicting_copy(Path(entry.path))
    title = _("{title} (conflicting copy, {service})", title=entry.title, service=copy.service) if copy else entry.title
    return Row(entry.path, (title, entry.model, share, words, changed), kind)


def _shorten(problem: str, path: str) -> str:
    """Replace the path in an error message by the file's name."""
    return problem.replace(path, Path(path).name)


def _read_outline(path: Path) -> Content:
    """Return the instruction of a document, and its sections with their progress."""
    try:
        with Document.open(path, read_only=True) as document:
            brief, sections = document.brief, document.sections()
    except LwtuiError as error:
        return Content.styled(_shorten(str(error), str(path)), "$text-error")
    parts: list[str | tuple[str, str]] = [(brief.instruction, "italic $text-muted"), "\n\n"]
    for section in sections:
        title = section.title or _("(the text)")
        parts += [(MARKS[section.status], "$text-success"), f" {title} "]
        parts += [(f"{number(section.length)}/{number(section.words)}\n", "$text-muted")]
    return Content.assemble(*parts)
