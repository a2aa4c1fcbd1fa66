"""Builds the prompts: for chat models, and for base models, which carry a text on.

Whatever differs between them in writing is here. A chat model plans in one call (:mod:`lwtui.agentwrite.plan_chat`), a
base model line by line (:mod:`lwtui.agentwrite.plan_completion`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import regex

from lwtui.agentwrite.notes import as_line, as_list
from lwtui.agentwrite.plan_format import (
    MOST_AT_ONCE,
    PLAN_SCHEMA,
    Bounds,
    format_step,
    plan_grammar,
    step_grammar,
)
from lwtui.agentwrite.plan_view import Detail, around, titles, view_plan
from lwtui.agentwrite.prompt_templates import PromptTemplates, language_name
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.documents.model import Brief, Plan
from lwtui.documents.outline import labels, numbers, parents
from lwtui.models.base import Capabilities, Message, Prompt, Request
from lwtui.models.profiles import Profile
from lwtui.text import clean, counts_characters, last_sentence_end

_MOST_REDONE = 300  # characters of an interrupted text that a chat model may be asked to write again
_SUMMARY_WORDS = 80
_MOST_FINDINGS = 12  # told to a model at once
_LINE_TOKENS = 80  # of a plan that is asked for line by line
_MOST_HEADINGS = 200  # of sections planned before, which a chapter's plan is shown so that it repeats none


@dataclass(frozen=True)
class RejectedPlan:
    """An answer that was not a usable plan, for asking again."""

    raw: str
    findings: tuple[str, ...]


class PromptBuilder(Protocol):
    """How requests are put to a kind of model."""

    @property
    def templates(self) -> PromptTemplates: ...

    def section(self, task: SectionTask, view: SectionView) -> Prompt:
        """The prompt for (the rest of) one section, or of the whole text in direct mode."""
        ...

    def outline(self, plan: Plan, number: int, detail: Detail) -> str:
        """What such a prompt shows of the plan."""
        ...

    def earlier(self, title: str, main_point: str, text: str) -> str:
        """How one earlier section looks in :attr:`SectionView.earlier`."""
        ...

    def digest(self, summaries: Sequence[str]) -> str:
        """How summaries of the sections that no longer fit look there."""
        ...

    def summary(self, text: str, brief: Brief) -> Request | None:
        """The request for a summary of a section; ``None`` if this kind of model cannot write one."""
        ...

    def instruct(self, brief: Brief, text: str) -> Prompt | None:
        """The prompt that asks for what ``text`` says; ``None`` if this kind of model follows no instructions."""
        ...

    def resume_at(self, text: str) -> int:
        """How much of an interrupted text is kept when the model is to continue it (characters)."""
        ...


def builder_for(profile: Profile, templates: PromptTemplates) -> PromptBuilder:
    """The prompt builder for a model of this profile."""
    builder = ChatPromptBuilder if profile.form == "chat" else CompletionPromptBuilder
    return builder(profile, templates)


def unit(brief: Brief) -> str:
    """What the brief's length counts: ``words`` or ``characters``."""
    return "characters" if counts_characters(brief.language) else "words"


@dataclass(frozen=True)
class ChatPromptBuilder:
    """For models that follow instructions: the order instruction, plan, text, step keeps the longest stable prefix."""

    profile: Profile
    templates: PromptTemplates

    def plan(self, brief: Brief, bounds: Bounds, can: Capabilities, rejected: RejectedPlan | None) -> Request:
        """The request for a plan, again with findings if one was ``rejected``."""
        as_json = _as_json(can)
        text = self.templates.render("plan_json" if as_json else "plan", **_values(brief), **vars(bounds))
        return self._planning(brief, text, bounds, can, rejected)

    def chapters(self, brief: Brief, bounds: Bounds, can: Capabilities, rejected: RejectedPlan | None) -> Request:
        """The request for the chapters of a long document."""
        text = self.templates.render("chapters", **_values(brief), **vars(bounds), shape=self._shape(can, "chapter"))
        return self._planning(brief, text, bounds, can, rejected)

    def chapter(
        self,
        brief: Brief,
        plan: Plan,
        section_id: str,
        bounds: Bounds,
        can: Capabilities,
        rejected: RejectedPlan | None,
    ) -> Request:
        """The request for the sections of one chapter, which sees all of them."""
        at = plan.find(section_id)
        chapter = plan.sections[at]
        text = self.templates.render(
            "chapter",
            **_values(brief),
            **vars(bounds),
            chapters=chapter_list(plan, section_id),
            number=labels(plan)[at],
            title=chapter.title,
            main_point=chapter.main_point or chapter.title,
            chapter_words=chapter.words,
            shape=self._shape(can, "section"),
        )
        return self._planning(brief, text, bounds, can, rejected)

    def _shape(self, can: Capabilities, part: str) -> str:
        return self.templates.render("shape_json" if _as_json(can) else "shape", part=part)

    def _planning(
        self, brief: Brief, text: str, bounds: Bounds, can: Capabilities, rejected: RejectedPlan | None
    ) -> Request:
        turns = [text]
        if rejected:
            findings = "\n".join(f"- {finding}" for finding in rejected.findings[:_MOST_FINDINGS])
            # What came may be no plan at all, and of any length.
            shown = clean(rejected.raw)[: can.context_length // 2].strip() or "(nothing)"
            turns += [shown, self.templates.render("repair", findings=findings)]
        numbers = range(bounds.least_steps, bounds.most_steps + 1)
        return Request(
            self._prompt(brief, *turns),
            max_tokens=400 + 150 * bounds.most_steps,
            grammar=plan_grammar(numbers, "Title: ") if can.grammar else "",
            json_schema=PLAN_SCHEMA if _as_json(can) else None,
        )

    def replan(self, brief: Brief, plan: Plan, number: int, can: Capabilities) -> Request:
        """The request for another idea for section ``number`` (from 1)."""
        section, counted = plan.sections[number - 1], numbers(plan)[number - 1]
        detail = Detail.FULL if len(plan.sections) <= MOST_AT_ONCE else Detail.HEADINGS
        shown = (view_plan(plan, number, detail), around(plan, number, detail), format_step(counted, section))
        text = self.templates.render(
            "replan",
            **_values(brief) | {"words": section.words},
            plan=shown[0] if detail is Detail.FULL else "\n".join(part for part in shown if part),
            number=counted,
            title=section.title,
        )
        number = counted
        lead = f"Paragraph {number} - Main Point: "
        return Request(self._prompt(brief, text), max_tokens=400, grammar=step_grammar(lead) if can.grammar else "")

    def section(self, task: SectionTask, view: SectionView) -> Prompt:
        if task.direct:
            return self._direct(task, view)
        section, number, total = task.section, task.ordinal, task.total
        name = "continue" if view.text else "parallel" if task.parallel else "section"
        written = view.earlier
        if view.text:
            written = f"{written}\n\n{self.earlier(section.title, '', view.text)}".strip()
        text = self.templates.render(
            name,
            **_values(replace(task.brief, notes=view.notes)) | {"words": view.words},
            plan=self.outline(task.plan, task.number, view.detail),
            written=written or "(nothing yet)",
            number=number,
            total=total,
            step=self._step(task, view),
            closing=self.templates.render("last_section" if number == total else "more_follows"),
        )
        return self._prompt(task.brief, text)

    def outline(self, plan: Plan, number: int, detail: Detail) -> str:
        return view_plan(plan, number, detail)

    def _step(self, task: SectionTask, view: SectionView) -> str:
        """What the section is to say and, where the plan does not show it, what its neighbours say."""
        parts = [format_step(task.ordinal, task.plan.sections[task.number - 1])]
        if near := around(task.plan, task.number, view.detail):
            parts.append(f"The sections around it, which are not to be written now:\n{near}")
        if view.called:
            parts.append(f"What is to be kept to here:\n{as_list(view.called)}")
        return "\n\n".join(parts)

    def _direct(self, task: SectionTask, view: SectionView) -> Prompt:
        brief = replace(task.brief, notes=(*view.notes, *view.called))
        values = _values(brief) | {"words": view.words, "total_words": task.brief.words}
        if not view.text:
            return self._prompt(task.brief, self.templates.render("direct", **values))
        return self._prompt(task.brief, self.templates.render("direct_continue", **values, written=view.text))

    def earlier(self, title: str, main_point: str, text: str) -> str:
        return f"## {title}\n\n{text}" if title else text

    def digest(self, notes: Sequence[str]) -> str:
        return "[Notes on the earlier sections, whose full text is not shown]\n" + "\n".join(notes) + "\n[End of notes]"

    def summary(self, text: str, brief: Brief) -> Request | None:
        values = _values(brief) | {"words": _SUMMARY_WORDS}
        prompt = self._prompt(brief, self.templates.render("summary", **values, text=text))
        return Request(prompt, max_tokens=_SUMMARY_WORDS * 6)

    def instruct(self, brief: Brief, text: str) -> Prompt | None:
        return self._prompt(brief, text)

    def resume_at(self, text: str) -> int:
        # A chat model begins a new sentence more surely than it completes one.
        end = last_sentence_end(text)
        if end and len(text) - end <= _MOST_REDONE:
            return end + _spaces_after(text, end)
        return _whole_words(text)

    def _prompt(self, brief: Brief, *turns: str) -> Prompt:
        if self.profile.template:
            # The checkpoint was tuned on single turns in this raw shape.
            return Prompt(text=self.profile.template.replace("{prompt}", "\n\n".join(turns)))
        system = Message("system", self.templates.render("system", language=language_name(brief.language)))
        talk = (Message("assistant" if at % 2 else "user", turn) for at, turn in enumerate(turns))
        return Prompt(messages=(system, *talk))


@dataclass(frozen=True)
class CompletionPromptBuilder:
    """For base models: the prompt is the beginning of the very text that is wanted."""

    profile: Profile
    templates: PromptTemplates

    def plan_line(self, brief: Brief, outline: str, stop: tuple[str, ...]) -> Request:
        """The request for what comes after ``outline``, which is the plan so far and the beginning of a line."""
        # Notes would be taken for a part of the example's shape.
        text = self.templates.render("plan", **_values(replace(brief, notes=())), outline=outline)
        return Request(Prompt(text=text), max_tokens=_LINE_TOKENS, stop=stop)

    def section(self, task: SectionTask, view: SectionView) -> Prompt:
        text = view.text.rstrip(" ")  # a trailing space would be half of the next token
        if task.direct:
            return Prompt(text=self._render("direct", task, view, partial=text))
        section = task.plan.sections[task.number - 1]
        return Prompt(
            text=self._render(
                "section",
                task,
                view,
                plan=self.outline(task.plan, task.number, view.detail),
                written=f"{view.earlier}\n\n" if view.earlier else "",
                chapter=self.earlier(section.title, f"{section.main_point} {as_line(view.called)}".strip(), text),
                partial=text,
            )
        )

    def outline(self, plan: Plan, number: int, detail: Detail) -> str:
        return titles(plan, number, detail)

    def chapter_brief(self, brief: Brief, plan: Plan, section_id: str) -> Brief:
        """The brief of one chapter as if it were a document of its own, for planning its sections line by line."""
        chapter = plan.sections[plan.find(section_id)]
        instruction = self.templates.render(
            "chapter_plan",
            instruction=clean(brief.instruction).strip().rstrip("."),
            chapters=titles(plan, plan.find(section_id) + 1, Detail.NEAR),
            chapter=chapter.title,
            main_point=chapter.main_point.rstrip(" .") or chapter.title,
        )
        return replace(brief, instruction=instruction, words=chapter.words)

    def _render(self, name: str, task: SectionTask, view: SectionView, **values: Any) -> str:
        brief = _values(replace(task.brief, notes=()))
        known = as_line(view.notes + (view.called if task.direct else ()))
        instruction = str(brief["instruction"]).rstrip(".")  # the prompt goes on after it
        brief["instruction"] = f"{instruction}. {known.rstrip('.')}" if known else instruction
        text = self.templates.render(name, **brief, title=task.plan.title, **values)
        return text if values["partial"] else text.rstrip() + "\n\n"

    def earlier(self, title: str, main_point: str, text: str) -> str:
        if not title:
            return text
        point = main_point.rstrip(" .?!。？！")
        return self.templates.render("chapter", heading=title, main_point=point, text=text)

    def digest(self, notes: Sequence[str]) -> str:
        return "## In short\n\n" + "\n".join(notes)

    def summary(self, text: str, brief: Brief) -> Request | None:
        return None

    def instruct(self, brief: Brief, text: str) -> Prompt | None:
        return None

    def resume_at(self, text: str) -> int:
        return _whole_words(text)


def chapter_list(plan: Plan, section_id: str) -> str:
    """All chapters, and after them the headings of the sections that those before this one have by now."""
    named, above = labels(plan), parents(plan)
    tops = [at for at, one in enumerate(plan.sections) if above[at] is None or one.id == section_id]
    lines = [f"{named[at]}. {plan.sections[at].title}: {plan.sections[at].main_point}".rstrip(": ") for at in tops]
    done = [one.title for one in plan.sections[: plan.find(section_id)] if one.level > 1 and one.words]
    if done:
        lines.append("Headings in use: " + "; ".join(done[-_MOST_HEADINGS:]))
    return "\n".join(lines)


def _as_json(can: Capabilities) -> bool:
    return can.json_schema and not can.grammar


def instruction_of(brief: Brief) -> str:
    """The instruction, with the writer's notes that every prompt is to show."""
    instruction = clean(brief.instruction).strip()
    if brief.notes:
        instruction += f"\n\nWhat is to be kept to throughout:\n{as_list(brief.notes)}"
    return instruction


def _values(brief: Brief) -> dict[str, object]:
    return {
        "instruction": instruction_of(brief),
        "words": brief.words,
        "unit": unit(brief),
        "language": language_name(brief.language),
    }


def _spaces_after(text: str, end: int) -> int:
    return len(text[end:]) - len(text[end:].lstrip())


def _whole_words(text: str) -> int:
    """Length of ``text`` without a last word that may be cut in two; Chinese and Japanese have none."""
    match = regex.search(r"[\p{L}\p{N}\p{M}'’\-]+$", text)
    if match is None or regex.search(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$", text):
        return len(text)
    return len(text[: match.start()].rstrip(" "))
