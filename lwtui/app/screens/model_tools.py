"""The actions of the text screen that ask a model: revise a passage, write candidates for a section, review."""

from __future__ import annotations

import asyncio

from textual import work

from lwtui.agentwrite.candidates import MOST_CANDIDATES, Candidate
from lwtui.agentwrite.revise import EditKind, PassageEdit
from lwtui.app.format import unit
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.own_commands import own_commands
from lwtui.app.screens.document import DocumentScreen
from lwtui.app.widgets.section_editor import SectionEditor
from lwtui.config import config_folder
from lwtui.documents.model import Origin, Section, Status
from lwtui.errors import LwtuiError
from lwtui.translation import _

_EDITS = {
    EditKind.REWRITE: _("Rewrite: the same in better words"),
    EditKind.EXPAND: _("Expand: with more detail"),
    EditKind.SHORTEN: _("Shorten: keep what matters most"),
    EditKind.CONTINUE: _("Continue: write on from here"),
    EditKind.TONE: _("Change the tone…"),
    EditKind.CUSTOM: _("Tell the model what to change…"),
}
_TITLES = {
    EditKind.REWRITE: _("Rewrite, in {section}"),
    EditKind.EXPAND: _("Expand, in {section}"),
    EditKind.SHORTEN: _("Shorten, in {section}"),
    EditKind.CONTINUE: _("Continue, in {section}"),
    EditKind.TONE: _("Tone: {detail}, in {section}"),
    EditKind.CUSTOM: _("Custom: {detail}, in {section}"),
}
_OWN = "own "  # before the name of the user's own command, in an answer
_QUESTIONS = {
    EditKind.TONE: (_("Which tone?"), _("For example: drier, warmer, more formal, for children.")),
    EditKind.CUSTOM: (_("What should the model change?"), _("For example: use the past tense.")),
}


class ModelTools(DocumentScreen):
    """The part of the text screen that asks a model. The screen provides the attributes declared here."""

    _editor: SectionEditor
    _edit = PassageEdit(EditKind.REWRITE)  # the last one
    _count = 3  # the last number of candidates

    def _editable_section(self) -> Section | None:
        """Return the section in view, stored and not being written; otherwise show why not."""
        if self._refuses():
            return None
        if not self._editor.section_id or not self.store():
            return None
        section = self._document.section(self._editor.section_id)
        if section.status is Status.WRITING:
            self.show_notice(
                _("The model is writing this section. Pause it first ({key}).", key=key_of(WRITING, "pause")),
                code="being-written",
            )
            return None
        if section.is_heading_only:
            self.show_notice(_("This is only a heading. The model writes nothing for it."), code="heading-only")
            return None
        return section

    # -- a passage

    @work(exclusive=True, group="model-tools")
    async def action_revise(self) -> None:
        """Revise the selection, or the paragraph at the cursor."""
        from lwtui.app.screens.diff import DiffScreen, summarize

        section = self._editable_section()
        if section is None or not await self._has_model():
            return
        # From the outline, the whole section is revised.
        start, end = self._editor.selected if self.focused is self._editor else (0, len(section.text))
        edit = await self._choose_edit()
        if edit is None:
            return
        ModelTools._edit = edit
        name = section.title or self._document.title
        screen = DiffScreen(
            _title(edit, name),
            section.text,
            answer=lambda emit: self._session.assistant.revise(section.id, start, end, edit, emit),
        )
        result = await self.app.push_screen_wait(screen)
        try:
            if result is not None and result.accepted and result.proposal is not None:
                self._session.assistant.take(section.id, section.text, result.text, result.proposal)
        except LwtuiError as error:
            self.show_error(error)
        else:
            if screen.answered:
                self.show_notice(summarize(result, name), code="revised")
        self._draw(section.id)

    async def _choose_edit(self) -> PassageEdit | None:
        from lwtui.app.screens.dialogs import Ask, Choose

        own, problems = await asyncio.to_thread(own_commands, config_folder() / "commands")
        for problem in problems:
            self.show_error(problem, code="own-command")
        by_name = {_OWN + command.name: command for command in own}
        options = [(kind.value, shown) for kind, shown in _EDITS.items()]
        options += [(name, f"{each.key or ' '}  {each.name}") for name, each in by_name.items()]
        keys = {command.key: name for name, command in by_name.items() if command.key}
        before = _OWN + self._edit.name if self._edit.name else self._edit.kind.value
        chosen = await self.app.push_screen_wait(Choose(_("What should the model do?"), options, before, keys))
        if chosen is None:
            return None
        if chosen in by_name:
            return PassageEdit(EditKind.CUSTOM, by_name[chosen].instruction, by_name[chosen].name)
        kind = EditKind(chosen)
        if kind not in _QUESTIONS:
            return PassageEdit(kind)
        before = self._edit.detail if self._edit.kind is kind and not self._edit.name else ""
        detail = await self.app.push_screen_wait(Ask(_QUESTIONS[kind][0], before, _QUESTIONS[kind][1]))
        return PassageEdit(kind, detail) if detail else None

    # -- candidates

    @work(exclusive=True, group="model-tools")
    async def action_candidates(self) -> None:
        """Write several candidates for the section, to pick or merge one."""
        from lwtui.app.screens.candidates import CandidatesScreen
        from lwtui.app.screens.dialogs import Ask

        section = self._editable_section()
        if section is None or not await self._has_model():
            return
        hint = _(
            "2 to {most}, in parallel if the model can. The text stays until you pick one.",
            most=MOST_CANDIDATES,
        )
        dialog = Ask(_("How many candidates for this section?"), str(self._count), hint, problem=_count_problem)
        answer = await self.app.push_screen_wait(dialog)
        if answer is None:
            return
        ModelTools._count = int(answer)
        name = section.title or self._document.title
        screen = CandidatesScreen(
            _("Candidates for {section}", section=name),
            int(answer),
            lambda emit: self._session.assistant.candidates(section.id, int(answer), emit),
            unit=unit(self._document.brief.language),
        )
        picked = await self.app.push_screen_wait(screen)
        try:
            if picked is not None:
                apply = self._merge if picked.merges else self._pick
                await apply(section, picked.candidate)
        except LwtuiError as error:
            self.show_error(error)
        self._draw(section.id)

    async def _pick(self, section: Section, candidate: Candidate) -> None:
        from lwtui.app.screens.dialogs import Confirm

        if section.origin is Origin.USER:
            question = _(
                "You edited this section by hand. Replace it with this candidate? "
                "Your text stays in its history ({key}).",
                key=key_of(WRITING, "history"),
            )
            if not await self.app.push_screen_wait(Confirm(question, _("Replace"))):
                return
        self._session.assistant.pick(section.id, candidate)
        self.show_notice(
            _(
                "Candidate {number} is now the text. The others and the old text are in the history ({key}).",
                number=candidate.number,
                key=key_of(WRITING, "history"),
            ),
            code="picked",
        )

    async def _merge(self, section: Section, candidate: Candidate) -> None:
        from lwtui.app.screens.diff import DiffScreen, summarize

        name = section.title or self._document.title
        screen = DiffScreen(
            _("Candidate {number} for {section}", number=candidate.number, section=name), section.text, candidate.text
        )
        result = await self.app.push_screen_wait(screen)
        if result is not None and result.accepted:
            self._session.assistant.merge(section.id, section.text, result.text, candidate)
        self.show_notice(summarize(result, name), code="revised")

    # -- polishing

    @work(exclusive=True, group="model-tools")
    async def action_polish(self) -> None:
        """Review and rewrite the section, and keep the new text if it is better."""
        from lwtui.app.polish_run import PolishRequest
        from lwtui.app.screens.dialogs import Confirm

        section = self._editable_section()
        if section is None:
            return
        if not section.is_finished:
            self.show_notice(_("Only a finished section can be polished."), code="not-done")
            return
        if section.origin is Origin.USER:
            question = _(
                "You edited this section by hand. Polish it? If the new text is better, "
                "yours stays in the history ({key}).",
                key=key_of(WRITING, "history"),
            )
            if not await self.app.push_screen_wait(Confirm(question, _("Polish"))):
                return
        if await self._has_model():
            self._start(lambda: self._session.start_polish(PolishRequest(frozenset({section.id}))))

    @work(exclusive=True, group="model-tools")
    async def action_polish_all(self) -> None:
        """Show the criteria and what polishing the document takes, then polish it."""
        from lwtui.app.screens.polish import PolishScreen

        if self._refuses() or not self.store():
            return
        request = await self.app.push_screen_wait(PolishScreen(self._session))
        if request is not None and await self._has_model():
            self._start(lambda: self._session.start_polish(request))

    # -- a review

    @work(exclusive=True, group="model-tools")
    async def action_review(self) -> None:
        """Show the findings about the text, and go to the chosen one."""
        from lwtui.agentwrite.quotes import relocate
        from lwtui.app.screens.findings import FindingsScreen

        if not self.store():
            return
        place = await self.app.push_screen_wait(FindingsScreen(self._session))
        if place is None:
            return
        if place.section_id not in {section.id for section in self._document.sections()}:
            self.show_notice(_("This section is no longer in the document."), code="no-section")
            return
        self._draw(place.section_id)
        self._editor.focus()
        self._editor.go_to(*relocate(self._document.section(place.section_id).text, place))


def _title(edit: PassageEdit, section: str) -> str:
    """Return the title of the window that shows an edit of a passage."""
    if edit.name:
        return _("{command}, in {section}", command=edit.name.capitalize(), section=section)
    return _TITLES[edit.kind].format(detail=edit.detail.lower(), section=section)


def _count_problem(answer: str) -> str:
    valid = answer.isdecimal() and 2 <= int(answer) <= MOST_CANDIDATES
    return "" if valid else _("Enter a number from 2 to {most}.", most=MOST_CANDIDATES)
