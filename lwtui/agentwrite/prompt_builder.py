"""Builds the prompts for chat models, and for base models, which only continue a text.

All differences between the two in writing are here. Planning differs too: a chat model plans in one call
(:mod:`lwtui.agentwrite.plan_chat`), a base model line by line (:mod:`lwtui.agentwrite.plan_completion`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import regex

from lwtui.agentwrite.fact_selection import facts_list
from lwtui.agentwrite.notes import as_line, as_list
from lwtui.agentwrite.plan_format import (
    MOST_AT_ONCE,
    Bounds,
    format_plan,
    format_step,
    plan_grammar,
    plan_schema,
    step_grammar,
)
from lwtui.agentwrite.plan_view import Detail, headings_line, neighbors, view_plan
from lwtui.agentwrite.prompt_templates import PromptTemplates, language_name
from lwtui.agentwrite.section_task import RewriteTask, SectionTask, SectionView, is_prose
from lwtui.agentwrite.source_selection import passages_list
from lwtui.agentwrite.style import asks_for_kinds, style_of
from lwtui.documents.model import Brief, Plan
from lwtui.documents.outline import outline_numbers, parents, section_numbers
from lwtui.documents.section_kind import SectionKind
from lwtui.models.base import Capabilities, Message, Prompt, Request
from lwtui.models.profiles import Profile
from lwtui.text import clean, counts_characters, last_landing
from lwtui.text.asked_form import asked_form

_MOST_REWRITTEN = 300  # characters of an interrupted text that a chat model may have to write again
_SUMMARY_WORDS = 80
_MOST_FINDINGS = 12  # in one request
_LINE_TOKENS = 80  # most output tokens of a line of a plan
_PARAGRAPH_WORDS, _PARAGRAPH_CHARACTERS = 100, 160  # of a typical paragraph
_MOST_PARAGRAPHS = 8  # that a prompt asks for; models do not count further
_EXAMPLES = ("en", "zh")  # languages that have an example of a section
_MOST_HEADINGS = 200  # of earlier chapters' sections, shown when a chapter is planned so that it repeats none


@dataclass(frozen=True)
class RejectedPlan:
    """An answer that is not a usable plan, for the next request."""

    raw: str
    findings: tuple[str, ...]


class PromptBuilder(Protocol):
    """Builds the prompts for one kind of model."""

    @property
    def templates(self) -> PromptTemplates:
        """The prompt templates."""
        ...

    def section(self, task: SectionTask, view: SectionView) -> Prompt:
        """Return the prompt for a section or the rest of one, or for the whole text in direct mode."""
        ...

    def outline(self, plan: Plan, number: int, detail: Detail) -> str:
        """Return the plan as the prompt for section ``number`` (from 1) shows it."""
        ...

    def earlier(self, title: str, main_point: str, text: str) -> str:
        """Return an earlier section as :attr:`SectionView.earlier` shows it."""
        ...

    def digest(self, summaries: Sequence[str]) -> str:
        """Return the summaries of sections that no longer fit, as :attr:`SectionView.earlier` shows them."""
        ...

    def summary(self, text: str, brief: Brief) -> Request | None:
        """Return the request for a summary of a section, or ``None`` if this kind of model cannot write one."""
        ...

    def instruct(self, brief: Brief, text: str) -> Prompt | None:
        """Return the prompt for an instruction, or ``None`` if this kind of model follows no instructions."""
        ...

    def resume_at(self, text: str) -> int:
        """Return how many characters of an interrupted text the model can continue; the rest is written again."""
        ...


def builder_for(profile: Profile, templates: PromptTemplates) -> PromptBuilder:
    """Return the prompt builder for a profile."""
    builder = ChatPromptBuilder if profile.form == "chat" else CompletionPromptBuilder
    return builder(profile, templates)


def unit(brief: Brief) -> str:
    """Return the unit of the brief's length: ``words`` or ``characters``."""
    return "characters" if counts_characters(brief.language) else "words"


@dataclass(frozen=True)
class ChatPromptBuilder:
    """Builds prompts for chat models, in the order instruction, plan, text, step: the longest stable prefix."""

    profile: Profile
    templates: PromptTemplates

    def plan(self, brief: Brief, bounds: Bounds, can: Capabilities, rejected: RejectedPlan | None) -> Request:
        """Return the request for a plan; after a ``rejected`` answer, with that answer and its findings."""
        as_json = _as_json(can)
        values = _planning_values(brief, self.templates) | vars(bounds)
        kinds = asks_for_kinds(brief)
        text = self.templates.render("plan_json" if as_json else "plan", **values)
        text += self._form_of_plan(brief) + self._kinds(can, kinds=kinds)
        return self._planning(brief, text, bounds, can, rejected, kinds=kinds)

    def chapters(self, brief: Brief, bounds: Bounds, can: Capabilities, rejected: RejectedPlan | None) -> Request:
        """Return the request for the chapters of a long document."""
        text = self.templates.render(
            "chapters", **_planning_values(brief, self.templates), **vars(bounds), shape=self._shape(can, "chapter")
        )
        return self._planning(brief, text + self._form_of_plan(brief), bounds, can, rejected)

    def chapter(
        self,
        brief: Brief,
        plan: Plan,
        section_id: str,
        bounds: Bounds,
        can: Capabilities,
        rejected: RejectedPlan | None,
    ) -> Request:
        """Return the request for the sections of one chapter. It shows all chapters."""
        position = plan.find(section_id)
        chapter = plan.sections[position]
        text = self.templates.render(
            "chapter",
            **_planning_values(brief, self.templates),
            **vars(bounds),
            chapters=chapter_list(plan, section_id),
            number=outline_numbers(plan)[position],
            title=chapter.title,
            main_point=chapter.main_point or chapter.title,
            chapter_words=chapter.words,
            shape=self._shape(can, "section"),
        )
        kinds = asks_for_kinds(brief)
        text += self._form_of_plan(brief) + self._kinds(can, kinds=kinds)
        return self._planning(brief, text, bounds, can, rejected, kinds=kinds)

    def revised_plan(
        self,
        brief: Brief,
        plan: Plan,
        points: str,
        around: str,
        bounds: Bounds,
        can: Capabilities,
        rejected: RejectedPlan | None,
    ) -> Request:
        """Return the request for a revised plan, with an editor's ``points`` and the rest of the plan ``around`` it."""
        text = self.templates.render(
            "plan_revise",
            **_values(brief) | vars(bounds),
            plan=format_plan(plan),
            points=points,
            around=around,
            shape=self._shape(can, "section"),
        )
        kinds = asks_for_kinds(brief) or any(step.kind is not SectionKind.PROSE for step in plan.sections)
        return self._planning(brief, text + self._kinds(can, kinds=kinds), bounds, can, rejected, kinds=kinds)

    def _form_of_plan(self, brief: Brief) -> str:
        """Return the rule on the form that the brief asks for, as the last line of a prompt for a plan."""
        form = asked_form(brief.instruction)
        return "\n" + self.templates.render("plan_form", form=form) if form else ""

    def _kinds(self, can: Capabilities, *, kinds: bool) -> str:
        """Return the rule on the kinds of sections, as the last line of a prompt for a plan that may have them."""
        if not kinds:
            return ""
        return "\n" + self.templates.render("plan_kinds_json" if _as_json(can) else "plan_kinds")

    def _shape(self, can: Capabilities, part: str) -> str:
        return self.templates.render("shape_json" if _as_json(can) else "shape", part=part)

    def _planning(
        self,
        brief: Brief,
        text: str,
        bounds: Bounds,
        can: Capabilities,
        rejected: RejectedPlan | None,
        *,
        kinds: bool = False,
    ) -> Request:
        turns = [text]
        if rejected:
            findings = "\n".join(f"- {finding}" for finding in rejected.findings[:_MOST_FINDINGS])
            # The answer may be no plan at all, and of any length.
            shown = clean(rejected.raw)[: can.context_length // 2].strip() or "(nothing)"
            turns += [shown, self.templates.render("repair", findings=findings)]
        numbers, gap = range(bounds.least_steps, bounds.most_steps + 1), _gap(brief)
        return Request(
            self._prompt(brief, *turns),
            max_tokens=400 + 150 * bounds.most_steps,
            grammar=plan_grammar(numbers, f"Title:{gap}", gap=gap, kinds=kinds) if can.grammar else "",
            json_schema=plan_schema(kinds=kinds) if _as_json(can) else None,
        )

    def replan(self, brief: Brief, plan: Plan, number: int, can: Capabilities) -> Request:
        """Return the request for another idea for section ``number`` (its position from 1)."""
        section, counted = plan.sections[number - 1], section_numbers(plan)[number - 1]
        detail = Detail.FULL if len(plan.sections) <= MOST_AT_ONCE else Detail.HEADINGS
        shown = (view_plan(plan, number, detail), neighbors(plan, number, detail), format_step(counted, section))
        text = self.templates.render(
            "replan",
            **_values(brief) | {"words": section.words},
            plan=shown[0] if detail is Detail.FULL else "\n".join(part for part in shown if part),
            number=counted,
            title=section.title,
        )
        gap = _gap(brief)
        grammar = step_grammar(f"Paragraph {counted} - Main Point:{gap}", gap=gap) if can.grammar else ""
        return Request(self._prompt(brief, text), max_tokens=400, grammar=grammar)

    def section(self, task: SectionTask, view: SectionView) -> Prompt:
        """See :meth:`PromptBuilder.section`."""
        if task.direct:
            return self._direct(task, view)
        if task.rewrite is not None and not view.text:
            return self._rewrite(task, view, task.rewrite)
        section, brief = task.section, task.brief
        written = view.earlier
        if view.text:
            written = f"{written}\n\n{self.earlier(section.title, '', view.text)}".strip()
            name = "continue"
        elif task.parallel:
            name = "parallel"
        else:
            name = "section" if written else "first_section"
        text = self.templates.render(
            name,
            **_values(replace(brief, notes=view.notes)) | {"words": view.words},
            outline=self.outline(task.plan, task.number, view.detail),
            written=written,
            number=task.ordinal,
            total=task.total,
            title=section.title,
            main_point=section.main_point or section.title,
            more=self._more(task, view),
            paragraphs="" if view.text else _paragraphs_of(task, view.words),
            style=self._style(task),
            closing=self._closing(task, view),
        )
        return self._prompt(brief, *([] if written else self._example(task)), text)

    def _rewrite(self, task: SectionTask, view: SectionView, rewrite: RewriteTask) -> Prompt:
        section, brief = task.section, task.brief
        text = self.templates.render(
            "polish_rewrite" if rewrite.old else "polish_afresh",
            **_values(replace(brief, notes=view.notes)) | {"words": view.words},
            outline=self.outline(task.plan, task.number, view.detail),
            before=f"\nThis is the text before it:\n\n{view.earlier}\n" if view.earlier else "",
            number=task.ordinal,
            total=task.total,
            title=section.title or task.plan.title,
            main_point=section.main_point or section.title or task.plan.title,
            old=rewrite.old,
            points=rewrite.points,
            more=self._more(task, view),
            paragraphs=_paragraphs_of(task, view.words),
            style=self._style(task),
            closing=self._closing(task, view),
        )
        return self._prompt(brief, text)

    def _closing(self, task: SectionTask, view: SectionView) -> str:
        """Return the last lines of a prompt for a section, which small models keep to best."""
        closing = self.templates.render("last_section" if task.ordinal == task.total else "more_follows")
        return f"{closing} {self.templates.render('cite')}" if view.passages else closing

    def _style(self, task: SectionTask) -> str:
        """Return the line that says what the section's text looks like."""
        kind = task.section.kind
        if kind is SectionKind.PROSE:
            style = self.templates.render(f"style_{style_of(task.brief)}")
            form = asked_form(task.brief.instruction)
            return f"{style} {self.templates.render(f'form_{form}')}" if form else style
        return self.templates.render(f"kind_{kind}", inline="$…$", display="$$…$$")

    def _example(self, task: SectionTask) -> list[str]:
        """Return a request and its answer as an example of prose, for sections that have no text before them."""
        language = task.brief.language.split("-")[0].lower()
        if not is_prose(task) or language not in _EXAMPLES or self.profile.template:
            return []
        return [self.templates.render(f"example_{part}_{language}") for part in ("request", "section")]

    def outline(self, plan: Plan, number: int, detail: Detail) -> str:
        """See :meth:`PromptBuilder.outline`."""
        return view_plan(plan, number, detail)

    def _more(self, task: SectionTask, view: SectionView) -> str:
        """Return what the model should know about the section besides its main point, one paragraph for each."""
        parts = []
        if near := neighbors(task.plan, task.number, view.detail):
            parts.append(f"The sections around it, which are not to be written now:\n{near}")
        if view.called:
            parts.append(f"What is to be kept to here:\n{as_list(view.called)}")
        if view.facts:
            parts.append(f"What the text has said before, which must stay true:\n{facts_list(view.facts)}")
        if view.passages is not None:
            name = "passages" if view.passages else "no_passages"
            parts.append(self.templates.render(name, passages=passages_list(view.passages)))
        if view.lacks:
            parts.append(self.templates.render("lacks", points="; ".join(view.lacks)))
        return "".join(f"\n{part}\n" for part in parts)

    def _direct(self, task: SectionTask, view: SectionView) -> Prompt:
        brief = replace(task.brief, notes=(*view.notes, *view.called))
        values = _values(brief) | {"words": view.words, "total_words": task.brief.words}
        if view.passages:
            passages = self.templates.render("passages", passages=passages_list(view.passages))
            values["instruction"] = f"{values['instruction']}\n\n{passages}\n\n{self.templates.render('cite')}"
        if not view.text:
            return self._prompt(task.brief, self.templates.render("direct", **values))
        return self._prompt(task.brief, self.templates.render("direct_continue", **values, written=view.text))

    def earlier(self, title: str, main_point: str, text: str) -> str:
        """See :meth:`PromptBuilder.earlier`."""
        return f"## {title}\n\n{text}" if title else text

    def digest(self, summaries: Sequence[str]) -> str:
        """See :meth:`PromptBuilder.digest`."""
        lines = "\n".join(summaries)
        return f"[Notes on the earlier sections, whose full text is not shown]\n{lines}\n[End of notes]"

    def summary(self, text: str, brief: Brief) -> Request | None:
        """See :meth:`PromptBuilder.summary`."""
        values = _values(brief) | {"words": _SUMMARY_WORDS}
        prompt = self._prompt(brief, self.templates.render("summary", **values, text=text))
        return Request(prompt, max_tokens=_SUMMARY_WORDS * 6)

    def instruct(self, brief: Brief, text: str) -> Prompt | None:
        """See :meth:`PromptBuilder.instruct`."""
        return self._prompt(brief, text)

    def resume_at(self, text: str) -> int:
        """See :meth:`PromptBuilder.resume_at`."""
        # A chat model starts a sentence more reliably than it completes one.
        end = last_landing(text)
        if end and len(text) - end <= _MOST_REWRITTEN:
            return end + _spaces_after(text, end)
        return _whole_words(text)

    def _prompt(self, brief: Brief, *turns: str) -> Prompt:
        if self.profile.template:
            # The checkpoint was tuned on single turns in this raw format.
            return Prompt(text=self.profile.template.replace("{prompt}", "\n\n".join(turns)))
        system = Message("system", self.templates.render("system", language=language_name(brief.language)))
        messages = (Message("assistant" if index % 2 else "user", turn) for index, turn in enumerate(turns))
        return Prompt(messages=(system, *messages))


@dataclass(frozen=True)
class CompletionPromptBuilder:
    """Builds prompts for base models: the prompt is the beginning of the text itself."""

    profile: Profile
    templates: PromptTemplates

    def plan_line(self, brief: Brief, outline: str, stop: tuple[str, ...]) -> Request:
        """Return the request to continue ``outline``: the plan so far and the beginning of a line."""
        # The model would take notes for a part of the example.
        text = self.templates.render("plan", **_values(replace(brief, notes=())), outline=outline)
        return Request(Prompt(text=text), max_tokens=_LINE_TOKENS, stop=stop)

    def section(self, task: SectionTask, view: SectionView) -> Prompt:
        """See :meth:`PromptBuilder.section`."""
        text = view.text.rstrip(" ")  # the next token begins with the space
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
        """See :meth:`PromptBuilder.outline`."""
        return headings_line(plan, number, detail)

    def chapter_brief(self, brief: Brief, plan: Plan, section_id: str) -> Brief:
        """Return the brief for one chapter as a document of its own, for planning its sections line by line."""
        chapter = plan.sections[plan.find(section_id)]
        instruction = self.templates.render(
            "chapter_plan",
            instruction=clean(brief.instruction).strip().rstrip("."),
            chapters=headings_line(plan, plan.find(section_id) + 1, Detail.NEAR),
            chapter=chapter.title,
            main_point=chapter.main_point.rstrip(" .") or chapter.title,
        )
        return replace(brief, instruction=instruction, words=chapter.words)

    def _render(self, name: str, task: SectionTask, view: SectionView, **values: Any) -> str:
        brief = _values(replace(task.brief, notes=()))
        notes = as_line(view.notes + (view.called if task.direct else ()))
        instruction = str(brief["instruction"]).rstrip(".")  # the template adds a full stop
        brief["instruction"] = f"{instruction}. {notes.rstrip('.')}" if notes else instruction
        text = self.templates.render(name, **brief, title=task.plan.title, **values)
        return text if values["partial"] else text.rstrip() + "\n\n"

    def earlier(self, title: str, main_point: str, text: str) -> str:
        """See :meth:`PromptBuilder.earlier`."""
        if not title:
            return text
        point = main_point.rstrip(" .?!。？！")
        return self.templates.render("chapter", heading=title, main_point=point, text=text)

    def digest(self, summaries: Sequence[str]) -> str:
        """See :meth:`PromptBuilder.digest`."""
        return "## In short\n\n" + "\n".join(summaries)

    def summary(self, text: str, brief: Brief) -> Request | None:
        """Return ``None``: a base model cannot write one."""
        return None

    def instruct(self, brief: Brief, text: str) -> Prompt | None:
        """Return ``None``: a base model follows no instructions."""
        return None

    def resume_at(self, text: str) -> int:
        """See :meth:`PromptBuilder.resume_at`."""
        return _whole_words(text)


def chapter_list(plan: Plan, section_id: str) -> str:
    """Return all chapters as a list, and the headings of the sections before this chapter."""
    numbers, parent_of = outline_numbers(plan), parents(plan)
    lines = [
        f"{number}. {section.title}: {section.main_point}".rstrip(": ")
        for number, parent, section in zip(numbers, parent_of, plan.sections, strict=True)
        if parent is None or section.id == section_id
    ]
    before = plan.sections[: plan.find(section_id)]
    headings = [section.title for section in before if section.level > 1 and section.words]
    if headings:
        lines.append("Headings in use: " + "; ".join(headings[-_MOST_HEADINGS:]))
    return "\n".join(lines)


def _as_json(can: Capabilities) -> bool:
    return can.json_schema and not can.grammar


def _paragraphs_of(task: SectionTask, words: int) -> str:
    """Return how many paragraphs to ask for: models follow that more reliably than a number of words."""
    if not is_prose(task):
        return ""
    each = _PARAGRAPH_CHARACTERS if counts_characters(task.brief.language) else _PARAGRAPH_WORDS
    count = max(1, round(words / each))
    if count > _MOST_PARAGRAPHS:
        return ""
    return ", in one paragraph" if count == 1 else f", in {count} paragraphs"


def instruction_of(brief: Brief) -> str:
    """Return the instruction, with the notes that every prompt shows."""
    instruction = clean(brief.instruction).strip()
    if brief.notes:
        instruction += f"\n\nWhat is to be kept to throughout:\n{as_list(brief.notes)}"
    return instruction


def _planning_values(brief: Brief, templates: PromptTemplates) -> dict[str, object]:
    """Return the values of a prompt for a plan, in which the instruction is followed by the sources."""
    values = _values(brief)
    if brief.sources:
        lines = "\n".join(f"- {line}" for line in brief.sources)
        values["instruction"] = f"{values['instruction']}\n\n{templates.render('plan_sources', sources=lines)}"
    return values


def _values(brief: Brief) -> dict[str, object]:
    return {
        "instruction": instruction_of(brief),
        "words": brief.words,
        "unit": unit(brief),
        "language": language_name(brief.language),
    }


def _gap(brief: Brief) -> str:
    """Return what stands between a plan's label and what follows.

    Tokenizers divide a space and a Chinese character into parts of characters, which small models put together wrongly:
    the first word of a title became another.
    """
    return "" if counts_characters(brief.language) else " "


def _spaces_after(text: str, end: int) -> int:
    return len(text[end:]) - len(text[end:].lstrip())


def _whole_words(text: str) -> int:
    """Return the length of ``text`` without its last word, which may be incomplete; not in Chinese and Japanese."""
    match = regex.search(r"[\p{L}\p{N}\p{M}'’\-]+$", text)
    if match is None or regex.search(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$", text):
        return len(text)
    return len(text[: match.start()].rstrip(" "))
