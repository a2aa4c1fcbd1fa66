"""Shows the prompt of the next call in full: each part with its tokens, and the maximum cost."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import TextArea

from lwtui.agentwrite.preview import PromptPreview, preview
from lwtui.app.format import number
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.errors import LwtuiError
from lwtui.text import clean, money
from lwtui.translation import _, _n, listed, sentences


class InspectorScreen(Dialog[None]):
    """The parts of the prompt in a list, and the text of the one under the cursor."""

    BINDINGS = [("escape", "close", _("Close"))]
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session, section_id: str) -> None:
        super().__init__()
        self._session = session
        self._section_id = section_id
        self._preview: PromptPreview | None = None
        self._list = RowList(
            Column(_("Part")), Column(_("Tokens"), 9, right=True), Column(_("Share"), 6, right=True), header=True,
            hint=_("Opening the model…"),
        )  # fmt: skip
        self._text = TextArea(read_only=True, id="part", soft_wrap=True, show_cursor=False)
        self._status = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            title = self._session.document.section(self._section_id).title or _("the text")
            dialog.border_title = Content(_("Prompt for {title}", title=title))
            yield self._list
            yield self._text
            yield self._status
            yield KeyBar()

    def on_mount(self) -> None:
        self._load()

    @work
    async def _load(self) -> None:
        document = self._session.document
        try:
            agent = await self._session.models.get(self._session.model)
            self._preview = shown = await preview(agent, document.brief, document, self._section_id)
        except LwtuiError as error:
            self._status.set_text(str(error))
            self.lwtui.show_error(error)
            return
        self._list.show(
            [
                Row(str(at), (part.name, number(part.tokens), f"{part.tokens / max(1, shown.tokens):.0%}"))
                for at, part in enumerate(shown.parts)
            ]
        )
        self._show_part()
        self._status.set_text(self._summary(shown))

    def _summary(self, shown: PromptPreview) -> str:
        figures = {
            "tokens": number(shown.tokens),
            "context": number(shown.context_length),
            "answer": number(shown.answer),
        }
        parts = [_("About {tokens} of {context} tokens of context, and up to {answer} for the answer.", **figures)]
        if shown.exact:
            parts = [_("{tokens} of {context} tokens of context, and up to {answer} for the answer.", **figures)]
        model = self._session.model_settings
        if model is not None and model.price_input is not None and model.price_output is not None:
            cost = (shown.tokens * model.price_input + shown.answer * model.price_output) / 1e6
            parts.append(_("It costs {amount} at most.", amount=money(cost)))
        if shown.summaries_to_make:
            parts.append(
                _n(
                    "{count:,} earlier section will be summarized first.",
                    "{count:,} earlier sections will be summarized first.",
                    shown.summaries_to_make,
                )
            )
        if shown.left_out:
            parts.append(_("These notes do not fit: {notes}.", notes=listed(shown.left_out)))
        return clean(sentences(*parts))

    def on_row_list_moved(self) -> None:
        self._show_part()

    def _show_part(self) -> None:
        if self._preview is not None and self._list.key is not None:
            self._text.load_text(clean(self._preview.parts[int(self._list.key)].text))
