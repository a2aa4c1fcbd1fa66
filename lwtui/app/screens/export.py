"""Saving a document in a form that other programs read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Checkbox, Input, Label, RadioSet, Select

from lwtui.app.format import short_path
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.toggles import Box, ToggleOption
from lwtui.documents.disclosure import report_on, save_report
from lwtui.documents.export import (
    FORMATS,
    ExportJob,
    Options,
    author_of,
    check_format,
    collect,
    file_in,
    keep_author,
    save,
    with_disclosure,
)
from lwtui.documents.mirror import choose_mirror, is_mirrored, mirror_path, update_mirror
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError

NAMES = {"md": "Markdown", "txt": "Plain text", "html": "HTML", "docx": "Word (DOCX)", "epub": "EPUB", "pdf": "PDF"}
_DISCLOSURES = (
    ("no report of what a model wrote", "none"),
    ("an appendix: what a model wrote", "appendix"),
    ("a Markdown file of its own: what a model wrote", "file"),
)


class ExportScreen(Dialog[Path]):
    """Answers with the file that was written."""

    CSS_PATH = "../styles/export.tcss"
    BINDINGS = [("f9", "export", "Export"), ("f5", "export", "Export")]

    def __init__(self, document: Document, to: str = "") -> None:
        """``to`` is the format that is chosen at first."""
        super().__init__()
        self._document = document
        self._first = to or FORMATS[0]
        self._author = ""  # as it is kept
        self._proposed = self._proposal(document.title, self._first)
        self._title = Input(document.title, id="book-title", compact=True)
        self._path = Input(self._proposed, id="path", compact=True)
        self._problem = Line(id="problem", classes="error")
        self._status = Line(id="doing")
        self._work: ExportJob | None = None  # the export that is going on

    def compose(self) -> ComposeResult:
        self._author = author_of(self._document, self.lwtui.settings.author)
        with VerticalScroll(classes="dialog form", can_focus=False) as dialog:
            dialog.border_title = Content(f"Export “{self._document.title}”")
            with Grid():
                yield Label("Format")
                with RadioSet(id="format", compact=True):
                    for name in FORMATS:
                        yield ToggleOption(NAMES[name], value=name == self._first)
                yield Label("Title")
                yield self._title
                yield Label("Author")
                yield Input(self._author, placeholder="none", id="author", compact=True)
                yield Label("With")
                with Horizontal(id="with"):
                    yield Box("title page", True, id="title-page", compact=True)
                    yield Box("contents", True, id="contents", compact=True)
                yield Label("Disclosure")
                yield Select(_DISCLOSURES, value="none", allow_blank=False, id="disclosure", compact=True)
                yield Label("File")
                yield self._path
                yield Label("Mirror")
                yield self._mirror_box()
            yield self._problem
            yield self._status
            with Horizontal(classes="buttons"):
                yield Button("Export (F9)", variant="primary", id="export")
                yield Button("Cancel (Esc)", id="cancel")

    def _mirror_box(self) -> Box:
        path = self._document.path
        return Box(
            Content(f"keep {mirror_path(path).name} up to date beside the document"),
            is_mirrored(path, self.lwtui.settings.mirror),
            id="mirror",
            compact=True,
            disabled=self._document.read_only and bool(self.lwtui.session),
        )

    def on_mount(self) -> None:
        self._path.focus()
        self._show_what_applies()

    def on_unmount(self) -> None:
        if self._work is not None:
            self._work.stop()

    # -- the fields

    @property
    def _to(self) -> str:
        return FORMATS[self.query_one("#format", RadioSet).pressed_index]

    def _proposal(self, title: str, to: str) -> str:
        """Where the file goes if nothing else is said: beside the document, named by the title."""
        return short_path(file_in(self._document.path.parent, title, to).absolute())

    def _checked(self, name: str) -> bool:
        return self.query_one(f"#{name}", Checkbox).value

    def _show_what_applies(self) -> None:
        """Only what is set in pages has a title page and contents."""
        for name in ("title-page", "contents"):
            self.query_one(f"#{name}", Checkbox).disabled = self._to in ("md", "txt")

    def on_radio_set_changed(self, event: RadioSet.Changed) -> None:
        path = Path(self._path.value)
        if path.suffix.lstrip(".") in FORMATS:
            was_proposed = self._path.value == self._proposed
            self._path.value = str(path.with_suffix(f".{FORMATS[event.index]}"))
            self._proposed = self._path.value if was_proposed else self._proposed
        self._show_what_applies()

    @on(Input.Changed, "#path")
    def _format_by_name(self) -> None:
        """A name that is typed with another format's ending asks for that format."""
        to = Path(self._path.value.strip()).suffix.lstrip(".").lower()
        if to in FORMATS and to != self._to:
            self.query(ToggleOption)[FORMATS.index(to)].value = True

    @on(Input.Changed, "#book-title")
    def _name_by_title(self) -> None:
        """The file is named by the title until it is given a name by hand."""
        if self._path.value == self._proposed:
            self._proposed = self._proposal(self._title.value.strip() or self._document.title, self._to)
            self._path.value = self._proposed

    @on(Checkbox.Changed, "#mirror")
    def _choose_mirror(self, event: Checkbox.Changed) -> None:
        try:
            choose_mirror(self._document.path, event.value)
        except LwtuiError as error:
            self._problem.say(str(error))
            return
        self._problem.say(update_mirror(self._document, self.lwtui.settings.mirror))

    def on_input_submitted(self) -> None:
        self.action_export()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "export":
            self.action_export()
        else:
            self.action_close()

    def action_close(self) -> None:
        """Stop the export if one is going on; else close."""
        if self._work is not None:
            self._work.stop()
        else:
            super().action_close()

    # -- exporting

    @work
    async def action_export(self) -> None:
        if self._work is not None:
            return
        name = self._path.value.strip()
        if not name:
            self._problem.say("Name the file.")
            return
        self._problem.say("")
        self._work = self._new_work()
        try:
            path = await self._export(name, self._work)
        except LwtuiError as error:
            self._problem.say(str(error))
            return
        finally:
            notes, self._work = self._work.notes, None
            self._status.say("")
        if path is None:
            return
        self.notify(f"Exported to {_shown(path)}", markup=False)
        for note in notes:
            self.notify(note, severity="warning", timeout=12, markup=False)
        self._keep_author()
        self.dismiss(path)

    async def _export(self, name: str, work: ExportJob) -> Path | None:
        """Write the file, in a thread; the file, or ``None`` if it was not wanted after all."""
        to, title = self._to, self._title.value.strip()
        path = _file(name, title or self._document.title, to)
        check_format(path, to)
        disclosure = self.query_one("#disclosure", Select).value
        report = path.with_name(f"{path.stem} - disclosure.md") if disclosure == "file" else None
        for file in filter(None, (path, report)):
            if not await self._may_write(file):
                return None
        book, sections = collect(self._document, self._options), self._document.sections()
        told = ""
        if disclosure != "none":
            work.step("Following the words to who wrote them")
            told = await asyncio.to_thread(report_on, sections, self._document.path)
        if disclosure == "appendix":
            book = with_disclosure(book, told)
        await asyncio.to_thread(save, book, path, to, work)
        if report:
            save_report(told, book.title, report)
        return path

    @property
    def _options(self) -> Options:
        return Options(
            title=self._title.value,
            author=self.query_one("#author", Input).value,
            contents=self._checked("contents"),
            title_page=self._checked("title-page"),
        )

    async def _may_write(self, path: Path) -> bool:
        from lwtui.app.screens.dialogs import Confirm

        if not _is_there(path):
            return True
        question = f"{_shown(path)} is there already."
        return await self.app.push_screen_wait(Confirm(question, "Replace it")) is True

    def _new_work(self) -> ExportJob:
        """ExportJob that says in the dialog what it is at."""
        loop = asyncio.get_running_loop()

        def tell(text: str) -> None:
            loop.call_soon_threadsafe(self._status.say, f"{text} … (Esc stops)")

        return ExportJob(tell)

    def _keep_author(self) -> None:
        """The name is that of this document's next export too."""
        author = self.query_one("#author", Input).value.strip()
        if author == self._author:
            return
        try:
            if self.lwtui.session is not None:
                keep_author(self._document, author)
            else:  # from the library, which opens it to read only
                with Document.open(self._document.path) as document:
                    keep_author(document, author)
        except LwtuiError as error:
            self.lwtui.complain(error)


def _file(name: str, title: str, to: str) -> Path:
    """The file of that name, or one in the folder of that name."""
    path = Path(name).expanduser()
    return file_in(path, title, to) if path.is_dir() else path


def _is_there(path: Path) -> bool:
    return path.is_file()


def _shown(path: Path) -> str:
    return short_path(path.absolute())
