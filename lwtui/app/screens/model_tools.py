"""What a writer has a model do with text that is there: rewrite a passage, write candidates for a section, review."""

from __future__ import annotations

from textual import work

from lwtui.agentwrite.candidates import MOST_CANDIDATES, Candidate
from lwtui.agentwrite.revise import EditKind, PassageEdit
from lwtui.app.format import unit
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.screens.document import DocumentScreen
from lwtui.app.widgets.section_editor import SectionEditor
from lwtui.documents.model import Origin, Section, Status
from lwtui.errors import LwtuiError

_EDITS = {
    EditKind.REWRITE: "Rewrite: the same in better words",
    EditKind.EXPAND: "Expand: with more detail",
    EditKind.SHORTEN: "Shorten: what matters most",
    EditKind.CONTINUE: "Continue: go on from here",
    EditKind.TONE: "Change the tone…",
    EditKind.CUSTOM: "Tell the model what to change…",
}
_QUESTIONS = {
    EditKind.TONE: ("Which tone?", "Such as: drier, warmer, more formal, for children."),
    EditKind.CUSTOM: ("What is to be changed?", "Such as: put it into the past tense."),
}


class ModelTools(DocumentScreen):
    """The part of the writing screen that asks a model. The screen itself has what this part names here."""

    _editor: SectionEditor
    _edit = PassageEdit(EditKind.REWRITE)  # what was asked for last
    _count = 3  # how many were

    def _section_at_rest(self) -> Section | None:
        """The section that is shown, stored and not being written; else the person is told why not."""
        if self._refuses():
            return None
        if not self._editor.section_id or not self.store():
            return None
        section = self._document.section(self._editor.section_id)
        if section.status is Status.WRITING:
            self.say(f"This section is being written. {key_of(WRITING, 'pause')} pauses; then it can be changed.")
            return None
        if section.heads:
            self.say("This is a heading alone, for which nothing is written.")
            return None
        return section

    # -- a passage

    @work(exclusive=True, group="model-tools")
    async def action_revise(self) -> None:
        """Have the selection written in another way; without one, the paragraph at the cursor."""
        from lwtui.app.screens.diff import DiffScreen, told

        section = self._section_at_rest()
        if section is None or not await self._has_model():
            return
        # Whoever is in the outline means the section.
        start, end = self._editor.selected if self.focused is self._editor else (0, len(section.text))
        edit = await self._asked_edit()
        if edit is None:
            return
        ModelTools._edit = edit
        name = section.title or self._document.title
        screen = DiffScreen(
            f"{edit.task.capitalize()}, in {name}",
            section.text,
            answer=lambda emit: self._session.assistant.revise(section.id, start, end, edit, emit),
        )
        decided = await self.app.push_screen_wait(screen)
        try:
            if decided is not None and decided.taken and decided.proposal is not None:
                self._session.assistant.take(section.id, section.text, decided.text, decided.proposal)
        except LwtuiError as error:
            self.complain(error)
        else:
            if screen.answered:
                self.say(told(decided, name))
        self._draw(section.id)

    async def _asked_edit(self) -> PassageEdit | None:
        from lwtui.app.screens.dialogs import Ask, Choose

        options = [(kind.value, shown) for kind, shown in _EDITS.items()]
        chosen = await self.app.push_screen_wait(Choose("What is the model to do?", options, self._edit.kind.value))
        if chosen is None:
            return None
        kind = EditKind(chosen)
        if kind not in _QUESTIONS:
            return PassageEdit(kind)
        before = self._edit.detail if self._edit.kind is kind else ""
        detail = await self.app.push_screen_wait(Ask(_QUESTIONS[kind][0], before, _QUESTIONS[kind][1]))
        return PassageEdit(kind, detail) if detail else None

    # -- candidates

    @work(exclusive=True, group="model-tools")
    async def action_candidates(self) -> None:
        """Have several candidates for the section written, to pick one or to merge it into the text."""
        from lwtui.app.screens.candidates import CandidatesScreen
        from lwtui.app.screens.dialogs import Ask

        section = self._section_at_rest()
        if section is None or not await self._has_model():
            return
        hint = f"2 to {MOST_CANDIDATES}, side by side where the model can. The text stays until you pick one."
        asked = Ask("How many candidates for this section?", str(self._count), hint, problem=_wrong_number)
        answer = await self.app.push_screen_wait(asked)
        if answer is None:
            return
        ModelTools._count = int(answer)
        name = section.title or self._document.title
        screen = CandidatesScreen(
            f"Candidates for {name}",
            int(answer),
            lambda emit: self._session.assistant.candidates(section.id, int(answer), emit),
            unit=unit(self._document.brief.language),
        )
        picked = await self.app.push_screen_wait(screen)
        try:
            if picked is not None:
                put_in = self._merge if picked.merges else self._pick
                await put_in(section, picked.candidate)
        except LwtuiError as error:
            self.complain(error)
        self._draw(section.id)

    async def _pick(self, section: Section, candidate: Candidate) -> None:
        from lwtui.app.screens.dialogs import Confirm

        if section.origin is Origin.USER:
            question = (
                "You edited this section by hand. Put this candidate in its place? "
                f"Your text stays in its history ({key_of(WRITING, 'history')})."
            )
            if not await self.app.push_screen_wait(Confirm(question, "Replace")):
                return
        self._session.assistant.pick(section.id, candidate)
        self.say(
            f"Candidate {candidate.number} is the text. "
            f"The others, and the text before, are in its history ({key_of(WRITING, 'history')})."
        )

    async def _merge(self, section: Section, candidate: Candidate) -> None:
        from lwtui.app.screens.diff import DiffScreen, told

        name = section.title or self._document.title
        screen = DiffScreen(f"Candidate {candidate.number} for {name}", section.text, candidate.text)
        decided = await self.app.push_screen_wait(screen)
        if decided is not None and decided.taken:
            self._session.assistant.merge(section.id, section.text, decided.text, candidate)
        self.say(told(decided, name))

    # -- a review

    @work(exclusive=True, group="model-tools")
    async def action_review(self) -> None:
        """Show what is wrong with the text, and go to what is chosen."""
        from lwtui.agentwrite.quotes import where_now
        from lwtui.app.screens.findings import FindingsScreen

        if not self.store():
            return
        place = await self.app.push_screen_wait(FindingsScreen(self._session))
        if place is None:
            return
        if place.section_id not in {section.id for section in self._document.sections()}:
            self.say("This section is no longer in the document.")
            return
        self._draw(place.section_id)
        self._editor.focus()
        self._editor.go_to(*where_now(self._document.section(place.section_id).text, place))


def _wrong_number(answer: str) -> str:
    right = answer.isdecimal() and 2 <= int(answer) <= MOST_CANDIDATES
    return "" if right else f"The number of candidates is from 2 to {MOST_CANDIDATES}."
