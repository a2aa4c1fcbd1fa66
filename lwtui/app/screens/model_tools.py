"""What a writer has a model do with text that stands: another version of a passage, takes of a section, a review."""

from __future__ import annotations

from textual import work

from lwtui.agentwrite.revise import Order, Wish
from lwtui.agentwrite.takes import MOST_TAKES, Take
from lwtui.app.format import unit
from lwtui.app.keymap import WRITING, key_of
from lwtui.app.screens.document import DocumentScreen
from lwtui.app.widgets.section_editor import SectionEditor
from lwtui.documents.model import Origin, Section, Status
from lwtui.errors import LwtuiError

_ORDERS = {
    Order.REWRITE: "Rewrite: the same in better words",
    Order.EXPAND: "Expand: with more detail",
    Order.SHORTEN: "Shorten: what matters most",
    Order.CONTINUE: "Continue: go on from here",
    Order.TONE: "Change the tone…",
    Order.CUSTOM: "Tell the model what to change…",
}
_QUESTIONS = {
    Order.TONE: ("Which tone?", "Such as: drier, warmer, more formal, for children."),
    Order.CUSTOM: ("What is to be changed?", "Such as: put it into the past tense."),
}


class ModelTools(DocumentScreen):
    """The part of the writing screen that asks a model. The screen itself has what this part names here."""

    _editor: SectionEditor
    _wish = Wish(Order.REWRITE)  # what was asked for last
    _takes = 3  # how many were

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
        wish = await self._asked_wish()
        if wish is None:
            return
        ModelTools._wish = wish
        name = section.title or self._document.title
        screen = DiffScreen(
            f"{wish.task.capitalize()}, in {name}",
            section.text,
            answer=lambda: self._session.aside.revise(section.id, start, end, wish),
        )
        decided = await self.app.push_screen_wait(screen)
        try:
            if decided is not None and decided.taken and decided.proposal is not None:
                self._session.aside.take(section.id, section.text, decided.text, decided.proposal)
        except LwtuiError as error:
            self.complain(error)
        else:
            if screen.answered:
                self.say(told(decided, name))
        self._draw(section.id)

    async def _asked_wish(self) -> Wish | None:
        from lwtui.app.screens.dialogs import Ask, Choose

        options = [(order.value, shown) for order, shown in _ORDERS.items()]
        chosen = await self.app.push_screen_wait(Choose("What is the model to do?", options, self._wish.order.value))
        if chosen is None:
            return None
        order = Order(chosen)
        if order not in _QUESTIONS:
            return Wish(order)
        before = self._wish.detail if self._wish.order is order else ""
        detail = await self.app.push_screen_wait(Ask(_QUESTIONS[order][0], before, _QUESTIONS[order][1]))
        return Wish(order, detail) if detail else None

    # -- takes

    @work(exclusive=True, group="model-tools")
    async def action_takes(self) -> None:
        """Have several takes of the section written, to pick one or to merge it into the text."""
        from lwtui.app.screens.dialogs import Ask
        from lwtui.app.screens.takes import TakesScreen

        section = self._section_at_rest()
        if section is None or not await self._has_model():
            return
        hint = f"2 to {MOST_TAKES}, side by side where the model can. The text stays until you pick one."
        asked = Ask("How many takes of this section?", str(self._takes), hint, problem=_wrong_number)
        answer = await self.app.push_screen_wait(asked)
        if answer is None:
            return
        ModelTools._takes = int(answer)
        name = section.title or self._document.title
        screen = TakesScreen(
            f"Takes of {name}",
            int(answer),
            lambda: self._session.aside.takes(section.id, int(answer)),
            unit=unit(self._document.brief.language),
        )
        picked = await self.app.push_screen_wait(screen)
        try:
            if picked is not None:
                await (self._merge(section, picked.take) if picked.merges else self._pick(section, picked.take))
        except LwtuiError as error:
            self.complain(error)
        self._draw(section.id)

    async def _pick(self, section: Section, take: Take) -> None:
        from lwtui.app.screens.dialogs import Confirm

        if section.origin is Origin.USER:
            question = (
                "You edited this section by hand. Put this take in its place? "
                f"Your text stays in its history ({key_of(WRITING, 'history')})."
            )
            if not await self.app.push_screen_wait(Confirm(question, "Replace")):
                return
        self._session.aside.pick(section.id, take)
        self.say(
            f"Take {take.number} is the text. "
            f"The others, and the text before, are in its history ({key_of(WRITING, 'history')})."
        )

    async def _merge(self, section: Section, take: Take) -> None:
        from lwtui.app.screens.diff import DiffScreen, told

        name = section.title or self._document.title
        decided = await self.app.push_screen_wait(DiffScreen(f"Take {take.number} of {name}", section.text, take.text))
        if decided is not None and decided.taken:
            self._session.aside.merge(section.id, section.text, decided.text, take)
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
    right = answer.isdecimal() and 2 <= int(answer) <= MOST_TAKES
    return "" if right else f"The number of takes is from 2 to {MOST_TAKES}."
