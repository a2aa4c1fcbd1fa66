"""Exactly what the next call will see: each part of the prompt with its tokens, and what the call may cost."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import TextArea

from lwtui.agentwrite.preview import PromptPreview, preview
from lwtui.app.format import counted, number
from lwtui.app.screens.base_screen import Dialog
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.errors import LwtuiError
from lwtui.text import clean, money


class InspectorScreen(Dialog[None]):
    """The parts in a list, the one under the cursor in full."""

    BINDINGS = [("escape", "close", "Close")]
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session, section_id: str) -> None:
        super().__init__()
        self._session = session
        self._section_id = section_id
        self._seen: PromptPreview | None = None
        self._list = RowList(
            Column("Part"), Column("Tokens", 9, right=True), Column("Share", 6, right=True), header=True,
            hint="Opening the model…",
        )  # fmt: skip
        self._text = TextArea(read_only=True, id="part", soft_wrap=True, show_cursor=False)
        self._told = Line(id="decided")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as dialog:
            title = self._session.document.section(self._section_id).title or "the text"
            dialog.border_title = Content(f"What the model will see for {title}")
            yield self._list
            yield self._text
            yield self._told
            yield KeyBar()

    def on_mount(self) -> None:
        self._look()

    @work
    async def _look(self) -> None:
        document = self._session.document
        try:
            agent = await self._session.models.get(self._session.model)
            self._seen = seen = await preview(agent, document.brief, document, self._section_id)
        except LwtuiError as error:
            self._told.say(str(error))
            self.lwtui.complain(error)
            return
        self._list.show(
            [
                Row(str(at), (part.name, number(part.tokens), f"{part.tokens / max(1, seen.tokens):.0%}"))
                for at, part in enumerate(seen.parts)
            ]
        )
        self._show_part()
        self._told.say(self._summary(seen))

    def _summary(self, seen: PromptPreview) -> str:
        about = "" if seen.exact else "about "
        told = f"{about}{number(seen.tokens)} of {number(seen.context_length)} tokens of context, "
        told += f"and up to {number(seen.answer)} for the answer."
        told = told[0].upper() + told[1:]
        model = self._session.model_settings
        if model is not None and model.price_input is not None and model.price_output is not None:
            cost = (seen.tokens * model.price_input + seen.answer * model.price_output) / 1e6
            told += f" At most {money(cost)}."
        if seen.summaries_to_make:
            told += f" {counted(seen.summaries_to_make, 'earlier section')} will be summed up first."
        if seen.left_out:
            told += f" No room for the notes {', '.join(seen.left_out)}."
        return clean(told)

    def on_row_list_moved(self) -> None:
        self._show_part()

    def _show_part(self) -> None:
        if self._seen is not None and self._list.key is not None:
            self._text.load_text(clean(self._seen.parts[int(self._list.key)].text))
