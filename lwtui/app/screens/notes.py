"""Shows and edits what prompts contain besides the plan: the user's notes, and the summaries of earlier sections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input, Label, TextArea

from lwtui.agentwrite.voice import VOICE
from lwtui.app.format import why_read_only
from lwtui.app.keymap import NOTES, bindings, key_of
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.app.widgets.toolbar import Toolbar
from lwtui.documents.model import NOTE_KINDS, Note, SectionSummary
from lwtui.documents.outline import section_numbers
from lwtui.documents.stale import fingerprint
from lwtui.errors import LwtuiError
from lwtui.text import clean
from lwtui.translation import _, _n, listed

_QUIET_SECONDS = 0.8  # without a key before a field is stored
_NOTE, _SUMMARY = "note ", "summary "  # prefixes of row keys
_KINDS = {"story": _("story"), "style": _("style"), "fact": _("fact")}  # as the user reads and types them


class NotesScreen(BaseScreen):
    """Notes and summaries in a list, and the fields of the one under the cursor. Edits are stored automatically."""

    GROUP = NOTES
    BINDINGS = bindings(NOTES)
    CSS_PATH = "../styles/notes.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        """Create the screen.

        Args:
            session: The session of the document.
            changed: Is called when the screen closes.
        """
        super().__init__()
        self._document = session.document
        self._model = session.model
        self._changed = changed
        self._shown = ""  # the key of the row in the fields
        self._old_title = ""  # the note's title when the fields were filled in
        self._filled: tuple[str, ...] = ()  # the values at that time
        self._timer: Timer | None = None
        self._title = TitleBar()
        self._list = RowList(
            Column("", 8),
            Column(_("Note")),
            Column(_("Shown"), 38, needs=72),
            draggable=True,
            hint=_("No notes yet. {key} adds one. They are part of every section's prompt.", key=key_of(NOTES, "add")),
            id="notes",
        )
        self._heading = Input(id="note-title", compact=True, placeholder=_("What it is about"))
        self._kind = Input(id="note-kind", compact=True, placeholder=", ".join(_KINDS.values()))
        self._triggers = Input(id="note-triggers", compact=True, placeholder=_("always; or trigger words"))
        self._text = TextArea(id="note-text", soft_wrap=True, tab_behavior="focus", compact=True)
        self._status = Line(id="status")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        yield self._title
        yield Toolbar(NOTES)
        with Container(id="panes"):
            yield self._list
            with Vertical(id="note-fields", classes="pane"):
                with Horizontal(id="note-line"):
                    yield Label(_("Title"))
                    yield self._heading
                    yield Label(_("Kind"))
                    yield self._kind
                with Horizontal(id="note-when"):
                    yield Label(_("Shown"))
                    yield self._triggers
                yield self._text
        yield self._status
        yield KeyBar()

    def on_mount(self) -> None:
        self._title.set_text(self._document.title, self._model)
        self._draw()

    # -- content

    def _draw(self, select: str | None = None, message: str = "") -> None:
        notes = self._document.notes
        self._list.show([*(_note_row(note) for note in notes), *self._summary_rows()], select)
        label(self._list, _("Notes"), _n("{count:,} note", "{count:,} notes", len(notes)))
        self._fill()
        self._status.set_class(self._document.read_only, "error")
        message = why_read_only(self._document) or message
        self._status.set_text(
            message or _("Prompts contain these notes, and summaries of the sections that do not fit.")
        )

    def _summary_rows(self) -> list[Row]:
        numbers, rows = section_numbers(self._document.plan), []
        for at, section in enumerate(self._document.sections()):
            if section.text.strip():
                summary = self._document.summaries.get(section.id)
                name = section.title or _("the text")
                state = _summary_state(summary, section.text)
                rows.append(Row(_SUMMARY + section.id, (_("summary"), f"{numbers[at]}. {name}", state)))
        return rows

    def _fill(self) -> None:
        """Fill in the fields of the row under the cursor, unless edits of another row cannot be stored."""
        key = self._list.key or ""
        if key != self._shown and not self.store():
            self._list.select(self._shown)
            return
        note = self._note(key)
        values = (note.title, _shown_kind(note.kind), ", ".join(note.triggers), note.text) if note else ("", "", "", "")
        if key.startswith(_SUMMARY):
            summary = self._document.summaries.get(key.removeprefix(_SUMMARY))
            values = ("", "", "", summary.text if summary else "")
        if key != self._shown or self._values() == self._filled:
            self._put(values)
            self._old_title = note.title if note else ""
        self._shown = key
        self.query_one("#note-fields").display = bool(key)
        for line in ("#note-line", "#note-when"):
            self.query_one(line).display = note is not None
        label(self.query_one("#note-fields"), _("Note") if note else _("Summary of the section"))
        for field in (self._heading, self._kind, self._triggers):
            field.disabled = self._document.read_only
        self._text.read_only = self._document.read_only

    def _put(self, values: tuple[str, ...]) -> None:
        for field, value in zip((self._heading, self._kind, self._triggers), values[:3], strict=True):
            if field.value != value:
                field.value = value
        if self._text.text != values[3]:
            self._text.load_text(values[3])
        self._filled = self._values()

    def _values(self) -> tuple[str, ...]:
        return (self._heading.value, self._kind.value, self._triggers.value, self._text.text)

    def _note(self, key: str) -> Note | None:
        return next((note for note in self._document.notes if _NOTE + note.id == key), None)

    # -- edits

    def on_row_list_moved(self) -> None:
        self._fill()

    def on_row_list_chosen(self) -> None:
        self.action_edit()

    def on_input_changed(self) -> None:
        self._restart_timer()

    def on_text_area_changed(self) -> None:
        self._restart_timer()

    def on_input_submitted(self) -> None:
        self._text.focus()

    def _restart_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_QUIET_SECONDS, self._store_pause)

    def _store_pause(self) -> None:
        self._timer = None
        if self._values() != self._filled and self.store():
            self._draw()

    def store(self) -> bool:
        """Store the user's edits in the document. Returns whether that worked; if not, shows the error."""
        if self._document.read_only or not self._shown or self._values() == self._filled:
            return True
        try:
            if self._shown.startswith(_SUMMARY):
                self._store_summary(self._shown.removeprefix(_SUMMARY))
            else:
                self._store_note(self._shown)
        except LwtuiError as error:
            self.show_error(error)
            return False
        self._filled = self._values()
        return True

    def _store_note(self, key: str) -> None:
        title, kind, triggers, text = self._values()
        parts = triggers.replace("，", ",").replace("、", ",").split(",")
        words = tuple(word for part in parts if (word := part.strip()))
        notes = [
            replace(note, title=title, kind=_typed_kind(kind), triggers=words, always=not words, text=text)
            if _NOTE + note.id == key
            else note
            for note in self._document.notes
        ]
        self._document.notebook.set_notes(notes, _("Edit “{title}”", title=self._old_title or title))

    def _store_summary(self, section_id: str) -> None:
        digest = fingerprint(self._document.section(section_id).text)
        revision = self._document.revision_id(section_id)
        text = self._text.text
        self._document.notebook.set_summary(SectionSummary(section_id, text, digest, revision, bool(text.strip())))

    # -- actions

    def _may_change(self) -> bool:
        if why := why_read_only(self._document):
            self.show_error(why)
            return False
        return self.store()

    def _set(self, notes: list[Note], label: str, select: str | None = None) -> None:
        """Store the notes as one undo step."""
        try:
            self._document.notebook.set_notes(notes, label)
        except LwtuiError as error:
            self.show_error(error)
            return
        self._draw(select)

    def action_add(self) -> None:
        """Add a note and edit its title."""
        if self._may_change():
            note = Note(_("New note"), "")
            self._set([*self._document.notes, note], _("Add a note"), _NOTE + note.id)
            self._heading.focus()
            self._heading.action_select_all()

    @work(exclusive=True)
    async def action_voice(self) -> None:
        """Make a note of the voice of a sample text."""
        from lwtui.agentwrite.voice import voice_note, voice_of, with_voice
        from lwtui.app.screens.dialogs import Ask

        if not self._may_change():
            return
        hint = _("A document, Markdown, plain text or DOCX: something that is written as you want it.")
        given = await self.app.push_screen_wait(Ask(_("Which file has the voice?"), "", hint))
        if given is None or not self._may_change():
            return
        try:
            voice, texts = await asyncio.to_thread(voice_of, [Path(given)])
        except LwtuiError as error:
            self.show_error(error)
            return
        notes = with_voice(self._document.notes, voice_note(voice, texts))
        (note,) = (note for note in notes if note.title == VOICE)
        self._set(notes, _("Note a voice"), _NOTE + note.id)

    def action_delete(self) -> None:
        """Delete a note, or a summary, which the model then writes again."""
        key = self._list.key or ""
        if not self._may_change():
            return
        if note := self._note(key):
            self._set(
                [other for other in self._document.notes if other is not note], _("Delete “{title}”", title=note.title)
            )
        elif (summary := self._document.summaries.get(key.removeprefix(_SUMMARY))) is not None:
            try:
                self._document.notebook.set_summary(replace(summary, text="", by_hand=False))
            except LwtuiError as error:
                self.show_error(error)
            self._draw(message=_("The model will summarize this section again when needed."))

    def action_up(self) -> None:
        """Move the note up."""
        self._move(-1)

    def action_down(self) -> None:
        """Move the note down."""
        self._move(1)

    def on_row_list_dropped(self, event: RowList.Dropped) -> None:
        self._move(event.by)
        self._draw()

    def _move(self, by: int) -> None:
        note = self._note(self._list.key or "")
        if note is None or not self._may_change():
            return
        notes = list(self._document.notes)
        at = notes.index(note)
        notes.insert(min(max(0, at + by), len(notes) - 1), notes.pop(at))
        self._set(notes, _("Move “{title}”", title=note.title))

    def action_undo(self) -> None:
        """Undo the last change of the notes."""
        self._undo_or_redo(self._document.notebook.undo_notes, _("Undone: {change}"), _("There is nothing to undo."))

    def action_redo(self) -> None:
        """Redo the change of the notes undone last."""
        self._undo_or_redo(self._document.notebook.redo_notes, _("Redone: {change}"), _("There is nothing to redo."))

    def _undo_or_redo(self, step: Callable[[], str | None], done: str, nothing: str) -> None:
        if not self._may_change():
            return
        try:
            label = step()
        except LwtuiError as error:
            self.show_error(error)
            return
        self._draw(message=clean(done.format(change=label)) if label else nothing)

    def action_edit(self) -> None:
        """Edit the text of the note or summary."""
        if self._shown:
            self._text.focus()

    def action_back(self) -> None:
        """Go from the fields to the list, or close the screen."""
        if self.focused is not self._list:
            if self.store():
                self._draw()
                self._list.focus()
        elif self.store():
            self.dismiss()
            self._changed()


def _note_row(note: Note) -> Row:
    if not note.text:
        shown = _("not while empty")
    elif note.always:
        shown = _("always")
    elif note.triggers:
        shown = _("for: {words}", words=listed(note.triggers))
    else:
        shown = _("for: no trigger words")
    return Row(_NOTE + note.id, (_shown_kind(note.kind), note.title or _("(no title)"), shown))


def _shown_kind(kind: str) -> str:
    return _KINDS.get(kind, kind)


def _typed_kind(text: str) -> str:
    """Return the kind that the user has typed; without one, that of a new note."""
    kinds = {shown: kind for kind, shown in _KINDS.items()}
    typed = text.strip()
    return kinds.get(typed, typed) or NOTE_KINDS[0]


def _summary_state(summary: SectionSummary | None, text: str) -> str:
    """Say who wrote the summary of a section, and whether it is up to date with the section's text."""
    if summary is None:
        return _("made when needed")
    if summary.digest == fingerprint(text):
        return _("written by you") if summary.by_hand else _("written by the model")
    return _("written by you, for an older text") if summary.by_hand else _("written by the model, for an older text")
