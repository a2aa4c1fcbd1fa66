"""A form for one section of the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label, Select, TextArea

from lwtui.documents.model import PlannedSection
from lwtui.documents.section_kind import SectionKind
from lwtui.text import clean, one_line
from lwtui.translation import _, _p

_Field = Input | Select[SectionKind] | TextArea

MAX_WORDS = 1_000_000
_QUIET_SECONDS = 0.8  # without a key before the form is stored


class SectionForm(Vertical):
    """The fields for heading, target, kind and main point.

    The form knows which fields the user has changed since they were filled in. Changes from elsewhere are shown, but do
    not overwrite what the user is typing.
    """

    class Changed(Message):
        """The user has changed a field and then paused, or has pressed Enter (``left``)."""

        def __init__(self, *, left: bool = False) -> None:
            super().__init__()
            self.left = left

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._heading = Input(id="heading", compact=True, placeholder=_("Heading"))
        self._unit = Label(_("Words"))
        self._words = Input(id="words", type="integer", compact=True)
        self._kind = Select(
            kind_names(),
            id="kind",
            compact=True,
            allow_blank=False,
            value=SectionKind.PROSE,
            tooltip=_("The section's kind"),
        )
        self._point = TextArea(id="point", soft_wrap=True, tab_behavior="focus", compact=True)
        self._point.placeholder = _("What the section says")
        self._section: PlannedSection | None = None
        self._filled = self._values()  # the values when the fields were last filled in or stored
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(_("Heading"))
            yield self._heading
            yield self._unit
            yield self._words
            yield self._kind
        yield self._point

    @property
    def section_id(self) -> str:
        """The id of the section in the form."""
        return self._section.id if self._section else ""

    def show(self, section: PlannedSection, *, unit: str, locked: bool) -> None:
        """Fill in the fields, except those that the user is editing for the same section.

        Args:
            section: The section.
            unit: The unit of its target, ``words`` or ``characters``.
            locked: Whether the fields must not be edited.
        """
        other = section.id != self.section_id
        self._section = section
        values = {
            "title": section.title,
            "words": str(section.words),
            "kind": section.kind.value,
            "main_point": section.main_point,
        }
        now = self._values()
        for name, field in self._fields.items():
            if other or (now[name] == self._filled[name] and not field.has_focus):
                if now[name] != values[name]:
                    _fill(field, values[name])
                self._filled[name] = _value(field)
        self._heading.disabled = self._words.disabled = self._kind.disabled = locked
        self._point.read_only = locked
        self._unit.update(_p("field", "{unit}", unit=unit.capitalize()))

    def edited(self, now: PlannedSection) -> PlannedSection:
        """Return ``now``, the section as it is in the plan, with the user's changes."""
        changes: dict[str, Any] = {name: text for name, text in self._values().items() if text != self._filled[name]}
        if "title" in changes:
            changes["title"] = one_line(changes["title"])
        if "main_point" in changes:
            changes["main_point"] = clean(changes["main_point"]).strip()
        if "kind" in changes:
            changes["kind"] = SectionKind(changes["kind"])
        words = changes.pop("words", "")
        if words.isdecimal() and int(words) <= MAX_WORDS:  # 0: only a heading
            changes["words"] = int(words)
        return replace(now, **changes)

    def stored(self) -> None:
        """Note that the user's changes are in the plan."""
        self._filled = self._values()

    @property
    def _fields(self) -> dict[str, _Field]:
        return {"title": self._heading, "words": self._words, "kind": self._kind, "main_point": self._point}

    def _values(self) -> dict[str, str]:
        return {name: _value(field) for name, field in self._fields.items()}

    def edit_heading(self) -> None:
        """Focus the heading and select all of it."""
        self._heading.focus()
        self._heading.action_select_all()

    def edit_point(self) -> None:
        """Focus the main point."""
        self._point.focus()

    def on_input_changed(self) -> None:
        self._restart_timer()

    def on_select_changed(self) -> None:
        self._restart_timer()

    def on_text_area_changed(self) -> None:
        self._restart_timer()

    def _restart_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_QUIET_SECONDS, self._report_change)

    def _report_change(self) -> None:
        self._timer = None
        if self._values() != self._filled:
            self.post_message(self.Changed())

    def on_input_submitted(self) -> None:
        self.post_message(self.Changed(left=True))


def kind_names() -> list[tuple[str, SectionKind]]:
    """Return the names of the kinds of sections with the kinds, in the user's language."""
    return [
        (_p("section kind", "prose"), SectionKind.PROSE),
        (_p("section kind", "list"), SectionKind.LIST),
        (_p("section kind", "table"), SectionKind.TABLE),
        (_p("section kind", "code"), SectionKind.CODE),
        (_p("section kind", "formulas"), SectionKind.FORMULAS),
    ]


def _value(field: _Field) -> str:
    return field.text if isinstance(field, TextArea) else str(field.value)


def _fill(field: _Field, value: str) -> None:
    if isinstance(field, Input):
        field.value = value
    elif isinstance(field, Select):
        field.value = SectionKind(value)
    else:
        field.load_text(value)
