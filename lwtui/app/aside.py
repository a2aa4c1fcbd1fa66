"""What a model is asked beside a document's run: other versions of a passage, takes of a section, a review."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from lwtui.agentwrite import Agent
from lwtui.agentwrite.critic import LIKELY_ANSWER, CriticEvent, Found, Reviewed, criticise
from lwtui.agentwrite.estimate import tokens_per_unit
from lwtui.agentwrite.events import SectionFinished
from lwtui.agentwrite.ledger import Purse
from lwtui.agentwrite.lint import Finding, lint, parts_of
from lwtui.agentwrite.notes import chosen, recent_text
from lwtui.agentwrite.rates import load_rates
from lwtui.agentwrite.revise import Passage, Proposal, Revising, Wish, passage_at, revise
from lwtui.agentwrite.takes import Take, TakeMoved, TakeState, make_takes
from lwtui.app.keymap import WRITING, key_of
from lwtui.config import Role
from lwtui.documents.model import Origin, Section, Status
from lwtui.errors import LwtuiError

if TYPE_CHECKING:
    from lwtui.app.session import Session

_KEEP_SECONDS = 1.0  # of what a take has grown since, at most this is lost with the machine


class Aside:
    """Belongs to a session. What it brings is stored before it is yielded."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.findings: list[Finding] = []  # of the last look at the text

    async def _agent(self, role: Role) -> Agent:
        """The model with that role, for a call of its own. Raises :class:`LwtuiError` if it has no time for that."""
        session = self._session
        name, writer = session.model_for(role), session.model_for(Role.WRITE)
        agent = await session.agents.get(name, beside=(writer,) if session.busy else ())
        if session.busy and name == writer and agent.model.capabilities.parallel < 2:
            raise LwtuiError(
                f"This model does one thing at a time, and is writing. Pause it first ({key_of(WRITING, 'pause')})."
            )
        return agent

    async def revise(self, section_id: str, start: int, end: int, wish: Wish) -> AsyncGenerator[Revising, None]:
        """Ask for another version of a passage (see :func:`lwtui.agentwrite.revise.revise`).

        The document keeps the answer among the section's versions before it is yielded as the
        :class:`~lwtui.agentwrite.revise.Proposal`; :meth:`take` puts it into the text.
        """
        document = self._session.document
        section = document.section(section_id)
        start, end = passage_at(section.text, start, end, wish.order)
        sections, at = document.sections(), document.plan.find(section_id)
        notes = chosen(document.notes, section, recent_text(sections, at))
        brief = replace(document.brief, notes=notes)
        passage = Passage(brief, document.plan, section, start, end, _text_before(sections, at))
        agent = await self._agent(Role.WRITE)
        likely = round(passage.wanted(wish.order) * tokens_per_unit(brief, load_rates(agent.settings)))
        with self._session.ledger.held(agent, "this passage", likely) as purse:
            self._session.note(f"Asked for a passage of “{section.title or document.title}” again ({wish.task})")
            async with aclosing(revise(purse.agent, passage, wish)) as events:
                async for event in events:
                    if isinstance(event, Proposal):
                        purse.tell(event.usage)
                        event = self._kept(section, event)
                    yield event

    def _kept(self, section: Section, proposal: Proposal) -> Proposal:
        origin = Origin.USER if section.origin is Origin.USER else Origin.MODEL
        version = self._session.document.keep_version(
            section.id, proposal.text, proposal.provenance, proposal.usage, origin=origin
        )
        return replace(proposal, version=version)

    def take(self, section_id: str, before: str, text: str, proposal: Proposal) -> None:
        """Put ``text``, which has some or all of a proposal, in the place of ``before``.

        Raises :class:`LwtuiError` if the section has another text by now: nobody's words are written over.
        """
        if self._session.document.section(section_id).text != before:
            raise LwtuiError("The section has changed meanwhile, so nothing was put in. The answer is in its history.")
        if proposal.version is not None and text == proposal.text:
            self._session.document.adopt_version(section_id, proposal.version)
        else:
            self._session.document.take_answer(section_id, text, proposal.provenance)

    async def takes(self, section_id: str, count: int) -> AsyncGenerator[TakeMoved, None]:
        """Make takes of a section (see :func:`lwtui.agentwrite.takes.make_takes`), which stays as it is.

        The document keeps each among the section's versions, every second while it grows; those that are not through
        when the iterator is closed too.
        """
        agent = await self._agent(Role.WRITE)
        document = self._session.document
        section = document.section(section_id)
        self._session.note(f"Asked for {count} takes of “{section.title or document.title}”")
        likely = round(section.words * tokens_per_unit(document.brief, load_rates(agent.settings)))
        with self._session.ledger.held(agent, "another take", likely) as purse:
            moves = make_takes(purse.agent, document.brief, document, section_id, count)
            async with aclosing(moves), aclosing(self._keeping(section_id, moves, purse)) as kept:
                async for moved in kept:
                    yield moved

    async def _keeping(
        self, section_id: str, moves: AsyncGenerator[TakeMoved, None], purse: Purse
    ) -> AsyncGenerator[TakeMoved, None]:
        takes: dict[int, Take] = {}
        kept: dict[int, float] = {}
        try:
            async for moved in moves:
                take = takes.setdefault(moved.take.number, moved.take)
                over = take.state not in (TakeState.WAITING, TakeState.WRITING)
                if over or monotonic() - kept.setdefault(take.number, monotonic()) >= _KEEP_SECONDS:
                    kept[take.number] = monotonic()
                    self._keep_take(section_id, take)
                if isinstance(moved.event, SectionFinished):
                    purse.tell(take.usage)
                yield moved
        finally:
            for take in takes.values():
                if take.state is TakeState.WRITING:
                    take.state = TakeState.STOPPED
                    self._keep_take(section_id, take)

    def _keep_take(self, section_id: str, take: Take) -> None:
        if take.text.strip() and take.provenance is not None:
            take.version = self._session.document.keep_version(
                section_id, take.text, take.provenance, take.usage, over=take.version
            )

    def pick(self, section_id: str, take: Take) -> None:
        """Make a take the section's text; the one that stood there stays among its versions."""
        if take.version is None:
            raise LwtuiError("There is no text in this take yet.")
        status = Status.DONE if take.state is TakeState.DONE else Status.PARTIAL
        self._session.document.adopt_version(section_id, take.version, status)

    def merge(self, section_id: str, before: str, text: str, take: Take) -> None:
        """Put ``text``, which has some of a take, in the place of ``before``. Raises :class:`LwtuiError`, as
        :meth:`take` does."""
        if take.provenance is not None:
            provenance = replace(take.provenance, task=f"merge of {take.provenance.task}")
            self.take(section_id, before, text, Proposal("", take.text, provenance, take.usage))

    async def look_over(self) -> list[Finding]:
        """What is wrong with the text as far as that can be told without a model; what a critic found stays."""
        parts = parts_of(self._session.document.sections())
        found = await asyncio.to_thread(lint, parts)
        self.findings = [*(one for one in self.findings if one.by_critic), *found]
        return self.findings

    async def review(self) -> AsyncGenerator[CriticEvent, None]:
        """Have the critic read the document (see :func:`lwtui.agentwrite.critic.criticise`)."""
        document = self._session.document
        agent = await self._agent(Role.CRITIC)
        self._session.note(f"Asked {agent.model.name} to review the document")
        self.findings = [one for one in self.findings if not one.by_critic]
        brief = replace(document.brief, notes=tuple(note for note in document.notes if note.text))
        with self._session.ledger.held(agent, "a review", LIKELY_ANSWER) as purse:
            async with aclosing(criticise(purse.agent, brief, parts_of(document.sections()))) as events:
                async for event in events:
                    if isinstance(event, Found):
                        self.findings.insert(sum(one.by_critic for one in self.findings), event.finding)
                    elif isinstance(event, Reviewed):
                        self._session.note(f"The review is over: {event.found} found, {event.dropped} dropped")
                    yield event


def _text_before(sections: Sequence[Section], at: int) -> str:
    """The text of the last section before position ``at`` that has any."""
    return next((one.text for one in reversed(sections[:at]) if one.text.strip()), "")
