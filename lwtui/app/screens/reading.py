"""Shows a section as it reads: headings, lists, tables and code laid out, formulas and footnotes in signs."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Markdown

from lwtui.app.screens.base_screen import Dialog
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.documents.export.markup import close_code_block
from lwtui.documents.model import Section
from lwtui.documents.readable import readable_parser
from lwtui.text import clean
from lwtui.translation import _

_MAX_TEXT = 200_000  # characters; laying out more takes too long
_EMPTY = _("*This section has no text yet.*")


class ReadingScreen(Dialog[None]):
    """The text of a section, laid out. The arrow keys scroll."""

    BINDINGS = [("escape", "close", _("Close"))]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, section: Section) -> None:
        super().__init__()
        self._section = section

    def compose(self) -> ComposeResult:
        text = clean(self._section.text)
        shown = close_code_block(text[:_MAX_TEXT])
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = Content(clean(self._section.title) or _("Text"))
            with VerticalScroll():
                yield Markdown(shown or _EMPTY, parser_factory=readable_parser, open_links=False)
                if len(text) > _MAX_TEXT:
                    yield Markdown(
                        _("*The rest, {count:,} characters, is not shown here.*", count=len(text) - _MAX_TEXT)
                    )
            yield KeyBar()
