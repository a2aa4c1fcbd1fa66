"""Downloads a GGUF: one of the known models by name, or any other by its address."""

from __future__ import annotations

from collections.abc import Mapping

from textual import work
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.widgets import Button, Input, Label, OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker

from lwtui.app.format import bar
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.line import Line
from lwtui.config import ModelSettings, add_model
from lwtui.errors import LwtuiError
from lwtui.models.download import DownloadProgress, download_model, partial_size
from lwtui.models.known_ggufs import DownloadSource, KnownGguf, known_ggufs, resolve_source
from lwtui.models.llama_cpp.fit import format_size
from lwtui.models.llama_cpp.machine import available_memory
from lwtui.text import duration
from lwtui.translation import _

_BAR = 16  # cells


class DownloadScreen(Dialog[str]):
    """Answers with the name of the downloaded model. Esc stops a download, then closes the dialog."""

    BINDINGS = [("f5", "download", _("Download")), ("ctrl+s", "download", _("Download"))]
    CSS_PATH = "../styles/download.tcss"
    AUTO_FOCUS = "OptionList"

    def __init__(self, models: Mapping[str, ModelSettings]) -> None:
        """Create the dialog; ``models`` are those in the settings, by name."""
        super().__init__()
        self._models = models
        self._known = known_ggufs()
        self._transfer: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        memory = available_memory()
        with VerticalScroll(classes="dialog form", can_focus=False) as dialog:
            dialog.border_title = _("Download a GGUF")
            dialog.border_subtitle = _("F5 downloads, Esc closes")
            yield OptionList(*(Option(_describe(known, memory)) for known in self._known), markup=False, compact=True)
            yield Line(id="about", classes="hint")
            with Grid(classes="above"):
                yield Label(_("Source"))
                yield Input(placeholder=_("hf:OWNER/REPO/FILE.gguf, or a URL"), id="source", compact=True)
                yield Label("SHA-256")
                yield Input(placeholder=_("required for a URL; empty: as the hub says"), id="sha256", compact=True)
                yield Label(_("Name"))
                yield Input(placeholder=_("name for the model; empty: from the file"), id="name", compact=True)
            yield Line(id="progress")
            yield Line(id="problem", classes="error")
            with Horizontal(classes="buttons"):
                yield Button(_("Download (F5)"), variant="primary", id="download")
                yield Button(_("Cancel (Esc)"), id="cancel")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        known = self._known[event.option_index]
        self.query_one("#about", Line).set_text(_("{about}. {license}.", about=known.about, license=known.license))
        self.query_one("#source", Input).value = known.name

    def on_option_list_option_selected(self) -> None:
        self.action_download()

    def on_input_submitted(self) -> None:
        self.action_download()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "download":
            self.action_download()
        else:
            self.action_close()

    def action_close(self) -> None:
        """Stop the download, or close the dialog."""
        if self._transfer is None:
            self.dismiss(None)
        else:
            self._transfer.cancel()

    def action_download(self) -> None:
        """Start the download."""
        if self._transfer is not None:
            return
        try:
            source, name = self._source_and_name()
        except LwtuiError as error:
            self._set_line("problem", str(error))
            return
        self._set_line("problem", "")
        self._transfer = self._download(source, name)
        self._enable(False)

    def _source_and_name(self) -> tuple[DownloadSource, str]:
        """Read the form. Raises :class:`LwtuiError` if a field is wrong."""
        asked, sha256, name = (
            self.query_one(f"#{field}", Input).value.strip() for field in ("source", "sha256", "name")
        )
        if not asked:
            raise LwtuiError(_("Choose a model, or enter a source."))
        source = resolve_source(asked, sha256)
        name = name or source.name
        taken = self._models.get(name)
        if name == "demo" or (taken is not None and taken.path != str(source.path)):
            raise LwtuiError(_("Another model is named {name}. Enter a different name.", name=name))
        return source, name

    @work(exclusive=True)
    async def _download(self, source: DownloadSource, name: str) -> None:
        try:
            await download_model(source, self._show)
            if name not in self._models:
                add_model(source.settings(name))
        except LwtuiError as error:
            self._set_line("problem", str(error))
        else:
            self.dismiss(name)
        finally:
            self._ended(source)

    def _show(self, progress: DownloadProgress) -> None:
        share = progress.done / max(1, progress.size)
        shown = progress.summary()
        if progress.seconds_left is not None:
            shown = _("{progress}, {time} left", progress=shown, time=duration(progress.seconds_left))
        self._set_line("progress", f"{bar(share, _BAR)} {shown}")

    def _ended(self, source: DownloadSource) -> None:
        """Clean up after the download, however it ended; the screen may be closing."""
        self._transfer = None
        if not self.is_mounted:
            return
        kept = partial_size(source)
        self._set_line("progress", _("{size} are kept. F5 resumes.", size=format_size(kept)) if kept else "")
        self._enable(True)

    def _enable(self, idle: bool) -> None:
        for widget in self.query("Input, OptionList, #download"):
            widget.disabled = not idle
        self.query_one("#cancel", Button).label = _("Cancel (Esc)") if idle else _("Stop (Esc)")
        (self.query_one("#source", Input) if idle else self.query_one("#cancel", Button)).focus()

    def _set_line(self, line: str, text: str) -> None:
        self.query_one(f"#{line}", Line).set_text(text)


def _describe(known: KnownGguf, memory: int) -> str:
    large = "  " + _("more than free memory") if known.size > memory else ""
    return f"{known.name:<32}{format_size(known.size):>8}{large}"
