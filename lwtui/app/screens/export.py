"""Exports a document to a format for other programs."""

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
from lwtui.config import Mirror
from lwtui.documents.disclosure import report_on, save_report
from lwtui.documents.export import (
    FORMATS,
    ExportJob,
    ExportOptions,
    author_of,
    build_manuscript,
    check_format,
    export_path,
    has_headings,
    save,
    store_author,
    style_option,
    with_disclosure,
)
from lwtui.documents.export.csl_styles import BUILT_IN, DEFAULT_STYLE
from lwtui.documents.mirror import choose_mirror, mirror_path, own_mirror, update_mirror
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from lwtui.terminal_cells import fitted
from lwtui.translation import _

NAMES = {
    **{"md": "Markdown", "txt": _("Plain text"), "html": "HTML", "docx": "Word (DOCX)", "odt": "ODT", "epub": "EPUB"},
    **{"pdf": "PDF", "tex": "LaTeX"},
}
_STYLE_FILES = {
    "reference": _("a document whose styles to use"),
    "css": _("a CSS file to add"),
    "template": _("a Typst file with a function template"),
    "": _("none for this format"),
}
_MIRRORS = {
    Mirror.NONE: _("none"),
    Mirror.FILE: _("one Markdown file"),
    Mirror.FOLDER: _("a folder, a file per section"),
    Mirror.GIT: _("a folder with git commits"),
}
_AS_SET = "settings"  # the mirror that the settings say
_NAME_CELLS = 25  # of the name of a mirror
_DISCLOSURES = (
    (_("no report on what a model wrote"), "none"),
    (_("an appendix on what a model wrote"), "appendix"),
    (_("a separate Markdown file on what a model wrote"), "file"),
)


class ExportScreen(Dialog[Path]):
    """Answers with the path of the exported file."""

    CSS_PATH = "../styles/export.tcss"
    BINDINGS = [("f9", "export", _("Export")), ("f5", "export", _("Export"))]

    def __init__(self, document: Document, to: str = "") -> None:
        """Create the dialog; ``to`` is the format selected at first."""
        super().__init__()
        self._document = document
        self._first = to or FORMATS[0]
        self._author = ""  # the stored one
        self._proposed = self._proposal(document.title, self._first)
        self._title = Input(document.title, id="book-title", compact=True)
        self._path = Input(self._proposed, id="path", compact=True)
        self._problem = Line(id="problem", classes="error")
        self._status = Line(id="doing")
        self._job: ExportJob | None = None  # the export in progress

    def compose(self) -> ComposeResult:
        self._author = author_of(self._document, self.lwtui.settings.author)
        with VerticalScroll(classes="dialog form", can_focus=False) as dialog:
            dialog.border_title = Content(_("Export “{title}”", title=self._document.title))
            with Grid():
                yield Label(_("Format"))
                with RadioSet(id="format", compact=True):
                    for name in FORMATS:
                        yield ToggleOption(NAMES[name], value=name == self._first)
                yield Label(_("Title"))
                yield self._title
                yield Label(_("Author"))
                yield Input(self._author, placeholder=_("none"), id="author", compact=True)
                yield Label(_("With"))
                with Horizontal(id="with"):
                    yield Box(_("title page"), True, id="title-page", compact=True)
                    yield Box(_("contents"), True, id="contents", compact=True)
                    yield Box(_("headings"), has_headings(self._document.brief), id="headings", compact=True)
                yield Label(_("Style file"))
                yield Input(id="style-file", compact=True)
                if self._document.sources:
                    yield Label(_("Citations"))
                    yield Select(
                        [(shown, name) for name, shown in BUILT_IN.items()],
                        value=DEFAULT_STYLE,
                        allow_blank=False,
                        id="csl",
                        compact=True,
                    )
                yield Label(_("Disclosure"))
                yield Select(_DISCLOSURES, value="none", allow_blank=False, id="disclosure", compact=True)
                yield Label(_("File"))
                yield self._path
                yield Label(_("Mirror"))
                yield self._mirror_choice()
            yield self._problem
            yield self._status
            with Horizontal(classes="buttons"):
                yield Button(_("Export (F9)"), variant="primary", id="export")
                yield Button(_("Cancel (Esc)"), id="cancel")

    def _mirror_choice(self) -> Select[str]:
        return Select(
            _mirrors(self._document.path, self.lwtui.settings.mirror),
            value=self._mirror_value,
            allow_blank=False,
            id="mirror",
            compact=True,
            disabled=self._document.read_only and bool(self.lwtui.session),
        )

    @property
    def _mirror_value(self) -> str:
        """The value of the choice that holds."""
        own = own_mirror(self._document.path)
        if own is None and self.lwtui.settings.mirror is not Mirror.NONE:
            return _AS_SET
        return (own or Mirror.NONE).value

    def on_mount(self) -> None:
        self._path.focus()
        self._enable_options()

    def on_unmount(self) -> None:
        if self._job is not None:
            self._job.stop()

    # -- the fields

    @property
    def _to(self) -> str:
        return FORMATS[self.query_one("#format", RadioSet).pressed_index]

    def _proposal(self, title: str, to: str) -> str:
        """Return the default path: beside the document, named after the title."""
        return short_path(export_path(self._document.path.parent, title, to).absolute())

    def _checked(self, name: str) -> bool:
        return self.query_one(f"#{name}", Checkbox).value

    def _enable_options(self) -> None:
        """Disable title page and contents for formats without pages, and say what the style file is."""
        for name in ("title-page", "contents"):
            self.query_one(f"#{name}", Checkbox).disabled = self._to in ("md", "txt")
        kind = style_option(self._to)
        field = self.query_one("#style-file", Input)
        field.placeholder, field.disabled = _STYLE_FILES[kind], not kind

    def on_radio_set_changed(self, event: RadioSet.Changed) -> None:
        path = Path(self._path.value)
        if path.suffix.lstrip(".") in FORMATS:
            was_proposed = self._path.value == self._proposed
            self._path.value = str(path.with_suffix(f".{FORMATS[event.index]}"))
            self._proposed = self._path.value if was_proposed else self._proposed
        self._enable_options()

    @on(Input.Changed, "#path")
    def _format_by_name(self) -> None:
        """Select the format of the typed file extension."""
        to = Path(self._path.value.strip()).suffix.lstrip(".").lower()
        if to in FORMATS and to != self._to:
            self.query(ToggleOption)[FORMATS.index(to)].value = True

    @on(Input.Changed, "#book-title")
    def _name_by_title(self) -> None:
        """Name the file after the title until the user names it."""
        if self._path.value == self._proposed:
            self._proposed = self._proposal(self._title.value.strip() or self._document.title, self._to)
            self._path.value = self._proposed

    @on(Select.Changed, "#mirror")
    def _choose_mirror(self, event: Select.Changed) -> None:
        if event.value == self._mirror_value:
            return
        chosen = None if event.value == _AS_SET else Mirror(str(event.value))
        try:
            choose_mirror(self._document.path, chosen)
        except LwtuiError as error:
            self._problem.set_text(str(error))
            return
        self._problem.set_text(update_mirror(self._document, self.lwtui.settings.mirror))

    def on_input_submitted(self) -> None:
        self.action_export()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "export":
            self.action_export()
        else:
            self.action_close()

    def action_close(self) -> None:
        """Stop the export, or close the dialog."""
        if self._job is not None:
            self._job.stop()
        else:
            super().action_close()

    # -- exporting

    @work
    async def action_export(self) -> None:
        """Export the document and close."""
        if self._job is not None:
            return
        name = self._path.value.strip()
        if not name:
            self._problem.set_text(_("Enter a file name."))
            return
        self._problem.set_text("")
        self._job = self._new_job()
        try:
            path = await self._export(name, self._job)
        except LwtuiError as error:
            self._problem.set_text(str(error))
            return
        finally:
            notes, self._job = self._job.notes, None
            self._status.set_text("")
        if path is None:
            return
        self.notify(_("Exported to {file}", file=_shown(path)), markup=False)
        for note in notes:
            self.notify(note, severity="warning", timeout=12, markup=False)
        self._store_author()
        self.dismiss(path)

    async def _export(self, name: str, job: ExportJob) -> Path | None:
        """Write the file in a thread. Returns its path, or ``None`` if the user does not want to replace a file."""
        to, title = self._to, self._title.value.strip()
        path = _file(name, title or self._document.title, to)
        check_format(path, to)
        disclosure = self.query_one("#disclosure", Select).value
        report = path.with_name(f"{path.stem} - disclosure.md") if disclosure == "file" else None
        for file in filter(None, (path, report)):
            if not await self._may_write(file):
                return None
        book, sections = build_manuscript(self._document, self._options), self._document.sections()
        report_text = ""
        if disclosure != "none":
            job.step(_("Tracing who wrote which words"))
            report_text = await asyncio.to_thread(report_on, sections, self._document.path, self._document.sources)
        if disclosure == "appendix":
            book = with_disclosure(book, report_text)
        await asyncio.to_thread(save, book, path, to, job)
        if report:
            save_report(report_text, book.title, report)
        return path

    @property
    def _options(self) -> ExportOptions:
        name, kind = self.query_one("#style-file", Input).value.strip(), style_option(self._to)
        style = Path(name).expanduser() if name else None
        return ExportOptions(
            title=self._title.value,
            author=self.query_one("#author", Input).value,
            contents=self._checked("contents"),
            title_page=self._checked("title-page"),
            headings=self._checked("headings"),
            reference=style if kind == "reference" else None,
            css=style if kind == "css" else None,
            template=style if kind == "template" else None,
            csl=str(self.query_one("#csl", Select).value) if self._document.sources else "",
        )

    async def _may_write(self, path: Path) -> bool:
        from lwtui.app.screens.dialogs import Confirm

        if not _exists(path):
            return True
        question = _("{file} already exists. Replace it?", file=_shown(path))
        return await self.app.push_screen_wait(Confirm(question, _("Replace"))) is True

    def _new_job(self) -> ExportJob:
        """Create a job that shows its progress in the dialog."""
        loop = asyncio.get_running_loop()

        def show(text: str) -> None:
            loop.call_soon_threadsafe(self._status.set_text, _("{step} … (Esc stops)", step=text))

        return ExportJob(show)

    def _store_author(self) -> None:
        """Store the author for the next export of this document."""
        author = self.query_one("#author", Input).value.strip()
        if author == self._author:
            return
        try:
            if self.lwtui.session is not None:
                store_author(self._document, author)
            else:  # from the library, which opens the document read-only
                with Document.open(self._document.path) as document:
                    store_author(document, author)
        except LwtuiError as error:
            self.lwtui.show_error(error)


def _mirrors(document: Path, by_default: Mirror) -> list[tuple[Content, str]]:
    """Return what can be kept beside a document, as it is shown, and its value."""
    file, folder = mirror_path(document).name, f"{mirror_path(document, Mirror.FOLDER).name}/"
    names = {Mirror.FILE: file, Mirror.FOLDER: folder, Mirror.GIT: folder}
    texts = {kind.value: text for kind, text in _MIRRORS.items()}
    for kind, name in names.items():
        texts[kind.value] = _("{kind}: {name}", kind=_MIRRORS[kind], name=_shortened(name, document.stem))
    if by_default is not Mirror.NONE:
        texts = {_AS_SET: _("as in the settings: {choice}", choice=_MIRRORS[by_default])} | texts
    return [(Content(text), value) for value, text in texts.items()]  # the name of a file is no markup


def _shortened(name: str, stem: str) -> str:
    """Return a name that begins with ``stem``, which is cut if it would need a second line."""
    ending = name.removeprefix(stem)
    return fitted(stem, _NAME_CELLS - len(ending)) + ending


def _file(name: str, title: str, to: str) -> Path:
    """Return the path ``name``, with an extension; if it is a folder, a file in it that is named after the title."""
    path = Path(name).expanduser()
    if path.is_dir():
        return export_path(path, title, to)
    return path if path.suffix else path.with_name(f"{path.name}.{to}")


def _exists(path: Path) -> bool:
    return path.is_file()


def _shown(path: Path) -> str:
    return short_path(path.absolute())
