"""The brief of a new document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Label, Select

from lwtui.agentwrite.plan_templates import PlanTemplate, plan_templates
from lwtui.app.format import amount
from lwtui.app.keymap import NEW, bindings, key_of
from lwtui.app.screens.brief_form import BriefForm, Options, replace_options
from lwtui.app.widgets.line import Line
from lwtui.config import config_folder
from lwtui.documents.model import Brief, Mode, Plan
from lwtui.documents.outline import count_text_sections, outline_numbers
from lwtui.errors import LwtuiError
from lwtui.translation import _, _n

_NO_TEMPLATE = Text(_("none: the model makes the plan"))


class NewDocumentScreen(BriefForm):
    """The form for a new document. A plan template is shown as it will be before it is used."""

    GROUP = NEW
    BINDINGS = bindings(NEW)

    def __init__(self) -> None:
        super().__init__(_("New document"), Brief("", 0, language=""))
        self._templates: Sequence[PlanTemplate] = ()
        self._offered = ""  # the language of the templates
        self._template_problem = ""  # that is shown
        self._previewed: tuple[str, int, str] = ("", 0, "")  # template, length and language of the preview

    def compose(self) -> ComposeResult:
        models = self.lwtui.models
        model = models.default if models.knows(models.default) else models.names()[0]
        self._given = replace(self._given, model=model)
        yield from super().compose()

    def _buttons(self) -> ComposeResult:
        yield Button(_create_label(), variant="primary", id="create")
        yield Button(_("Plan by hand ({key})", key=key_of(NEW, "by_hand")), id="by-hand")
        yield Button(_("Cancel ({key})", key=key_of(NEW, "cancel")), id="cancel")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "create":
                self.action_create()
            case "by-hand":
                self.action_by_hand()
            case _:
                self.action_cancel()

    # -- plan templates

    def _more_fields(self) -> ComposeResult:
        yield Label(_("Plan template"))
        yield Select([(_NO_TEMPLATE, "")], value="", allow_blank=False, id="template", compact=True)

    def _below_fields(self) -> ComposeResult:
        yield Line(id="preview")

    def _show_unit(self) -> None:
        super()._show_unit()
        self._show_template()

    @on(Select.Changed, "#template")
    def _show_preview(self) -> None:
        self._show_template()
        self.call_after_refresh(self.query_one("#preview", Line).scroll_visible, animate=False)

    @on(Input.Changed, "#words")
    @on(Select.Changed)
    def _show_template(self) -> None:
        """Offer the templates for the language of the document, and show the chosen one in its length."""
        try:
            self._offer_templates()
            about = (self._chosen("template"), self._length(), self._known_language)
            if about != self._previewed or self._template_problem:
                plan = self._template_plan()
                self.query_one("#preview", Line).set_text(self._preview(plan) if plan else "")
                self._previewed = about
        except LwtuiError as error:
            self._template_problem = str(error)
            self.query_one("#problem", Line).set_text(str(error))
            return
        if self._template_problem:
            self._template_problem = ""
            self.query_one("#problem", Line).set_text("")
        self._name_button()

    def _length(self) -> int:
        """The length of the document, as far as it is known."""
        given = self.query_one("#words", Input).value
        return int(given) if given.isdecimal() else self._words()

    @property
    def _known_language(self) -> str:
        """The language of the document, as far as it is known without delaying a key."""
        return self._chosen("language") or self._asked_language or "en"

    def _offer_templates(self) -> None:
        language = self._known_language
        if self._templates and self._offered == language:
            return
        self._offered = language
        self._templates = found = plan_templates(language, config_folder() / "templates")
        field = self.query_one("#template", Select)
        options: Options = [(_NO_TEMPLATE, "")]
        options += [(Text(f"{one.name}: {one.description}".rstrip(": ")), one.key) for one in found]
        with self.prevent(Select.Changed):
            if field.value not in [key for _shown, key in options]:
                field.value = ""
            replace_options(field, options)

    def _template_plan(self) -> Plan | None:
        """Return the plan of the chosen template in the length of the document; ``None`` if none is chosen.

        Raises:
            UsageError: The template is not a usable plan.
        """
        key = self._chosen("template")
        template = next((one for one in self._templates if one.key == key), None)
        return None if template is None else template.plan(self._instruction() or template.name, self._length())

    def _preview(self, plan: Plan) -> Content:
        brief = replace(self._given, language=self._known_language)
        sections = _n("{count:,} section", "{count:,} sections", count_text_sections(plan))
        heading = f"{sections} · {amount(plan.words, brief)}"
        parts: list[tuple[str, str]] = [(heading, "bold")]
        for number, section in zip(outline_numbers(plan), plan.sections, strict=True):
            title = section.title
            if section.words:
                title = _("{title} ({length})", title=title, length=amount(section.words, brief))
            parts.append((f"\n{'  ' * (section.level - 1)}{number}. {title}", ""))
            if section.main_point:
                parts.append((f"\n{'  ' * section.level} {section.main_point}", "$text-muted"))
        return Content.assemble(*parts)

    # -- creating

    def _name_button(self) -> None:
        direct = self._chosen("mode") == Mode.DIRECT.value
        button = self.query_one("#create", Button)
        if button.label != (label := _create_label(direct=direct, template=bool(self._chosen("template")))):
            button.label = label
            button.refresh(layout=True)  # a longer label would be cut off otherwise

    def action_create(self) -> None:
        """Create the document, and have the model plan or write it unless a template is its plan."""
        self._create(by_hand=False)

    def action_by_hand(self) -> None:
        """Create the document with an empty plan, or with that of the template."""
        self._create(by_hand=True)

    def _create(self, *, by_hand: bool) -> None:
        brief = self._brief()
        if brief is None:
            return
        try:
            plan = self._template_plan()
        except LwtuiError as error:
            self.query_one("#problem", Line).set_text(str(error))
            return
        if plan is not None and brief.mode is Mode.DIRECT:
            problem = _("A template is a plan, and one call has none: choose another “How”, or no template.")
            self.query_one("#problem", Line).set_text(problem)
            self.query_one("#mode", Select).focus()
            return
        self.lwtui.create_document(brief, by_hand=by_hand or plan is not None, plan=plan)

    def action_cancel(self) -> None:
        """Close the form."""
        self.app.pop_screen()


def _create_label(*, direct: bool = False, template: bool = False) -> str:
    """Return the label of the button: what follows once the document is created."""
    key = key_of(NEW, "create")
    if direct:
        return _("Create and write ({key})", key=key)
    return _("Create and show the plan ({key})", key=key) if template else _("Create and plan ({key})", key=key)
