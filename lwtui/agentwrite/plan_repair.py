"""Repairs a model's plan, so that the model need not be asked again.

Duplicate steps are dropped, duplicate headings are replaced by words of the main points, missing lengths are filled in,
lengths are scaled to the document's, small steps are merged and large ones split. If an answer has no steps, or too
few, the findings go into the next request.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from math import ceil
from operator import gt, lt

import regex

from lwtui.agentwrite.plan_format import Bounds, PlanError
from lwtui.agentwrite.plan_parser import ParsedPlan, Step, parse_steps, without_marks
from lwtui.documents.model import Brief, Plan, PlannedSection, title_from
from lwtui.documents.outline import count_text_sections, has_children, normalize_levels
from lwtui.documents.plan_edits import has_parts, merge, rescale, split
from lwtui.documents.section_kind import SectionKind, known_kinds
from lwtui.text import one_line
from lwtui.translation import _

_HEADING_WORDS = 8  # of a heading made from the beginning of a main point
_WHOLE_HEADING = 12  # words that a main point may have to be the heading as it is
_HEADING_CHARACTERS = 24  # the same for Chinese and Japanese
_LEAST_CLAUSE = 3  # words (characters in Chinese and Japanese); shorter ones only introduce another
_LONGEST_HEADING = 120  # characters
_LONGEST_POINT = 1_200  # characters
_LONG_TITLE = 90  # characters; a longer title loses what follows its colon, which a grammar may have cut off
_LONG_CJK_TITLE = 30  # the same for Chinese and Japanese
_LIKELY_WORDS = 300  # of a step, if neither plan nor brief says it
_SAME_POINT = 0.8  # share of words in common from which two main points count as the same
_SAME_LONG_POINT = 0.7  # the same for main points of at least this many different words:
_LONG_POINT = 15
_MOST_DROPPED = 1 / 3  # share of a plan's steps that may be duplicates where few others are left
_LEAST_KEPT = 2  # steps that are enough, unless the document is long
_NEARLY = 0.7  # share of the least number of steps that is near enough: each is somewhat longer then
_LOOP = 3  # steps in a row that say what earlier ones say, from which a model has nothing left to plan
_LEAST_COUNTED = 6  # steps whose lengths only go up or down by no accident
_SMALLEST_STEP = 100  # words; smaller steps are merged
_WORD = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+")
_LETTER = regex.compile(r"\p{L}")
_FUNCTION_WORDS = """
    a an and are as at be but by for from how in into is it its of on or so that the their they this to was what
    when where which who why will with der die das und oder von zu mit für im le la les et de du des un une el los
    y i you he she we my your his her our their its can could will would should may must has have had been being
    toward towards onto upon within between among through during
"""
_NO_ENDS = frozenset(_FUNCTION_WORDS.split())  # a heading made from a main point does not end with one
# Verbs before which a main point names its subject: "The School on the Hill" of "The School on the Hill provides …".
_VERB_WORDS = """
    is are was were has have had can could will would may might must should does did offers provides plays shows gives
    describes explains covers discusses explores examines includes involves requires helps makes serves stands brings
    begins starts became becomes remains depends consists
"""
_VERBS = frozenset(_VERB_WORDS.split())
# What begins another clause: "Cities should plant trees" of "Cities should plant trees because they …".
_CONJUNCTION_WORDS = "because since although though while whereas which who whose where when if unless so"
_CONJUNCTIONS = frozenset(_CONJUNCTION_WORDS.split())
_NO_SUBJECT_WORDS = "this these that those it there here we you i they he she what which who how"
_NO_SUBJECTS = frozenset(_NO_SUBJECT_WORDS.split())
# Verbs before which a Chinese main point names its subject.
_CJK_VERB = regex.compile("在于|就是|不仅|能够|可以|通过|包括|表明|取得|旨在")
_LEAST_CJK_SUBJECT = 4  # characters
_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]")
_TITLE_END = regex.compile(r":\s|[：。！？]|(?<=\p{L}{3})[.!?]\s+(?=\p{Lu})")
# What joins a clause to the one before it
_JOINS = regex.compile(r"^\s*(?:and|or|but|und|oder|et|ou|y|e|o)\s+(?=\p{L})", regex.IGNORECASE)
# "The brief mentions that the town is old" plans to say that the town is old.
_OF_BRIEF = regex.compile(
    r"^\s*(?:the|this|your)\s+brief\s+(?:also\s+)?(?:mentions|says|states|notes|describes|asks\s+for|includes|covers)\s+"
    r"(?:that\s+)?(?=\p{L})",
    regex.IGNORECASE,
)
# A clause that only leads to the one after it
_INTRODUCES = regex.compile(
    r"\s*(?:(?:as|to|in|on|at|by|with|after|before|when|while|if|despite|although|though|because|since|for|from|during"
    r"|once|until|dans|pour|après|avant|quand|in|bei|nach|vor|wenn|um)\b(?!-)"
    r"|(?:接下来|然后|现在)|(?:在|从|通过|随着|当|为了|作为|对于|面对|根据).*(?:时|后|中|里|下|上|前|期间|来说|而言|以来)$)",
    regex.IGNORECASE,
)
_CONTINUES = regex.compile(
    r"\s*(?:(?:and|or|but|which|who|such|including)\b|以及|并|和|与|及|而|包括|例如)", regex.IGNORECASE
)
_CLAUSE = regex.compile(r"[,;:.，。；：、]\s*|\s+(?=[-–—(])")


def parse_plan(raw: str, brief: Brief, bounds: Bounds | None = None, *, strict: bool = False) -> Plan:
    """Parse a plan and repair it.

    Args:
        raw: The model's answer, or the text of a file.
        brief: What the writer asked for. Lengths are scaled to its length, unless that is 0.
        bounds: How many steps there may be and how long they may be; ``None`` for a plan that a person wrote.
        strict: Whether lines that would be ignored, and values that would be made up, are errors, as in a plan that a
            person wrote.

    Raises:
        PlanError: The text is no usable plan; the error has all findings.
    """
    parsed = parse_steps(raw)
    findings = _strict_findings(raw, parsed) if strict else []
    if not parsed.steps and not findings:
        findings = [_no_steps(parsed)]
    if findings:
        raise PlanError(_("The plan cannot be used: {finding}", finding=findings[0]), tuple(findings), raw)
    title = _whole_title(parsed.title) or title_from(brief.instruction)
    written = _uncounted(parsed.steps) if bounds else parsed.steps
    plan = normalize_levels(Plan(title, _sections(written, brief)))
    if not count_text_sections(plan):
        raise PlanError(_("The plan cannot be used: It has no steps."), (_("It has no steps."),), raw)
    steps = count_text_sections(plan)
    if not strict:
        plan = distinct(plan)
    kept = count_text_sections(plan)
    dropped = steps - kept
    if bounds:
        plan = resized(plan, brief, bounds)
        finding = ""
        enough = ceil(bounds.least_steps * _NEARLY)
        if (count := count_text_sections(plan)) < enough:
            finding = _("It has {count} steps; use at least {least}.", count=count, least=bounds.least_steps)
        elif dropped > steps * _MOST_DROPPED and kept < max(_LEAST_KEPT, enough):
            finding = _(
                "{dropped} of its {steps} steps say what an earlier one says; give each its own subject.",
                dropped=dropped,
                steps=steps,
            )
        if finding:
            raise PlanError(_("The plan cannot be used: {finding}", finding=finding), (finding,), raw, plan)
    return rescale(plan, brief.words) if brief.words and plan.words != brief.words else plan


def parse_step(raw: str, old: PlannedSection) -> PlannedSection:
    """Parse one step that replaces ``old``. The new section keeps all of it but its heading and main point.

    Raises:
        PlanError: The text is not a step.
    """
    steps = parse_steps(raw).steps
    if not steps or not (steps[0].point or steps[0].heading):
        finding = _("The answer is not a step in the shape asked for: {answer!r}.", answer=one_line(raw)[:80])
        raise PlanError(finding, (finding,), raw)
    step = _completed(steps[0])
    return replace(old, title=step.heading, main_point=step.point, kind=step.kind or old.kind)


def has_looped(raw: str) -> bool:
    """Tell whether the last steps of an unfinished answer only say what earlier ones say.

    The very last one does not count, since it is being written.
    """
    points = [_words(step.point or step.heading) for step in parse_steps(raw).steps[:-1]]
    last = range(max(0, len(points) - _LOOP), len(points))
    return len(points) > _LOOP and all(
        any(_say_the_same(points[at], earlier) for earlier in points[:at]) for at in last
    )


def distinct(plan: Plan, others: Collection[PlannedSection] = ()) -> Plan:
    """Return the plan without duplicate steps or headings. It may become empty.

    Two steps are duplicates if their main points have most of their words in common. Duplicate headings are replaced by
    words of the main points.

    Args:
        plan: The plan to repair.
        others: Sections elsewhere in the document, which the plan must not repeat either.
    """
    points = [_words(other.main_point) for other in others if other.main_point]
    headings = {other.title.casefold() for other in others if other.title}
    times = Counter(section.title.casefold() for section in plan.sections)
    kept: list[PlannedSection] = []
    for section in plan.sections:
        point = _words(section.main_point)
        if section.words and point and any(_say_the_same(point, earlier) for earlier in points):
            continue
        points.append(point)
        if section.title.casefold() in headings or times[section.title.casefold()] > 1:
            section = replace(section, title=_new_heading(section, headings))
        headings.add(section.title.casefold())
        kept.append(section)
    return normalize_levels(replace(plan, sections=tuple(kept)))


def heading_from(point: str, words: int = _HEADING_WORDS) -> str:
    """Make a heading of the first words of a main point."""
    clauses = [clause for clause in _CLAUSE.split(point) if _LETTER.search(clause)]
    # "Finally", "However" and "首先" begin a sentence, and are no heading; "As you travel, …" says nothing yet.
    long = [clause for clause in clauses if len(_WORD.findall(clause)) >= _LEAST_CLAUSE]
    if long and _INTRODUCES.match(long[0]):
        long = [clause for clause in long if not _INTRODUCES.match(clause) and not _CONTINUES.match(clause)] or long
    clause = (long or clauses or [point])[0]
    clause = _JOINS.sub("", clause)
    if _CJK.search(clause):
        longest = words * _HEADING_CHARACTERS // _HEADING_WORDS
        if len(clause) > longest and (verb := _CJK_VERB.search(clause, _LEAST_CJK_SUBJECT, longest)):
            clause = clause[: verb.start()]
        return without_marks(clause[:longest])
    if len(clause.split()) > words:
        clause = _subject_of(clause)
    if len(clause.split()) > words:
        clause = _first_clause(clause)
    words = len(clause.split()) if len(clause.split()) <= _WHOLE_HEADING else words
    heading = without_marks(" ".join(clause.split()[:words]))
    while len(heading.split()) > 2 and len(clause.split()) > words and heading.split()[-1].casefold() in _NO_ENDS:
        heading = heading.rsplit(" ", 1)[0]
    return heading[:1].upper() + heading[1:] if heading else one_line(point)[:40]


def _subject_of(clause: str) -> str:
    """Return what an English sentence is about, if its first words name it; else the whole sentence."""
    words = clause.split()
    at = _first_of(_VERBS, words)
    return " ".join(words[:at]) if at > 1 and words[0].casefold() not in _NO_SUBJECTS else clause


def _first_clause(clause: str) -> str:
    """Return an English sentence without its subordinate clauses, if it begins with the main clause."""
    words = clause.split()
    at = _first_of(_CONJUNCTIONS, words)
    while at and words[at - 1].casefold() in _NO_ENDS:  # "and where", "the people who"
        at -= 1
    return " ".join(words[:at]) if at >= _LEAST_CLAUSE else clause


def _first_of(wanted: Collection[str], words: Sequence[str]) -> int:
    """Return the index of the first of some words in a clause, or 0."""
    return next((index for index, word in enumerate(words) if word.casefold() in wanted), 0)


def _new_heading(section: PlannedSection, taken: set[str]) -> str:
    tries = [heading_from(section.main_point, words) for words in (_HEADING_WORDS, _WHOLE_HEADING)]
    if section.title.casefold() != tries[0].casefold():
        tries += [f"{section.title}: {tries[0]}"]
    tries += [f"{section.title} ({number})" for number in range(2, 1000)]
    return next(heading for heading in tries if heading and heading.casefold() not in taken)


def _whole_title(title: str) -> str:
    """Return a title without its subtitle, or the sentences that follow, if it is so long that it may be cut off."""
    longest = _LONG_CJK_TITLE if _CJK.search(title) else _LONG_TITLE
    head = _TITLE_END.split(title, maxsplit=1)[0].strip()
    return head if head and len(title) > longest else title


def _strict_findings(raw: str, parsed: ParsedPlan) -> list[str]:
    if raw.lstrip().startswith(("{", "[")):
        try:
            json.loads(raw)
        except (ValueError, RecursionError) as error:
            return [_("It is not valid JSON: {error}.", error=error)]
    findings = [
        _("This line is not a step in the shape asked for: {line!r}.", line=line[:80]) for line in parsed.ignored
    ]
    steps = parsed.steps
    for number, step in enumerate(steps, 1):
        if number < len(steps) and steps[number].level > step.level:
            continue  # a heading only
        if not step.words:
            findings.append(_("Step {number} has no word count.", number=number))
        if not step.point:
            findings.append(_("Step {number} has no main point.", number=number))
        if step.unknown_kind:
            unknown = step.unknown_kind[:40]
            findings.append(
                _(
                    "Step {number} has the unknown kind {kind!r}. Known: {known}.",
                    number=number,
                    kind=unknown,
                    known=known_kinds(),
                )
            )
    return findings


def _no_steps(parsed: ParsedPlan) -> str:
    if not parsed.ignored:
        return _("It has no steps.")
    return _("It has no steps; the answer begins with {answer!r}.", answer=one_line(parsed.ignored[0])[:80])


def _sections(steps: tuple[Step, ...], brief: Brief) -> tuple[PlannedSection, ...]:
    """Make sections of the steps, and fill in what is missing."""
    known = [step.words for step in steps if step.words]
    likely = sum(known) // len(known) if known else (brief.words // len(steps) or _LIKELY_WORDS)
    sections = []
    for index, step in enumerate(steps):
        is_part = index + 1 < len(steps) and steps[index + 1].level > step.level
        words = step.words or (0 if is_part else max(1, likely))
        completed = step if is_part and step.heading else _completed(step)
        kind = step.kind or SectionKind.PROSE
        sections.append(PlannedSection(completed.heading, completed.point, words, level=step.level, kind=kind))
    return tuple(sections)


def _uncounted(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return steps without their lengths if those only go up or down: 70, 90, 110 … A small model has counted then."""
    words = [step.words for step in steps if step.words is not None]
    if len(words) < max(len(steps), _LEAST_COUNTED):
        return steps
    if not (all(map(lt, words, words[1:])) or all(map(gt, words, words[1:]))):
        return steps
    return tuple(replace(step, words=None) for step in steps)


def _completed(step: Step) -> Step:
    """Return a step with both a heading and a main point, neither of them too long."""
    point = step.point or step.heading
    heading = step.heading or heading_from(point)
    point = _OF_BRIEF.sub("", point).rstrip(":： ") or point
    return replace(step, heading=heading[:_LONGEST_HEADING], point=point[:_LONGEST_POINT])


def resized(plan: Plan, brief: Brief, bounds: Bounds) -> Plan:
    """Return the plan with the number and lengths of its steps brought as near to ``bounds`` as possible."""
    most = max(bounds.most_steps, min(bounds.limit, brief.words // min(_SMALLEST_STEP, bounds.least_words)))
    plan = rescale(plan, brief.words)
    while count_text_sections(plan) > most:
        if (merged := _merged(plan)) is None:
            break
        plan = merged
    while count_text_sections(plan) < bounds.least_steps:
        if (divided := _divided(plan)) is None:
            break
        plan = divided
    low, high = max(1, bounds.least_words // 4), bounds.most_words * 2
    clamped = tuple(
        replace(section, words=min(high, max(low, section.words))) if section.words else section
        for section in plan.sections
    )
    return rescale(replace(plan, sections=clamped), brief.words)


def _merged(plan: Plan) -> Plan | None:
    """Merge the two smallest neighbors on the same level. Returns ``None`` if there are none."""
    pairs = [
        (first.words + second.words, index)
        for index, (first, second) in enumerate(zip(plan.sections, plan.sections[1:], strict=False))
        if first.words and second.words and first.level == second.level and not has_children(plan, second.id)
    ]
    if not pairs:
        return None
    return merge(plan, plan.sections[min(pairs)[1]].id)


def _divided(plan: Plan) -> Plan | None:
    """Split the largest section whose main point has several items. Returns ``None`` if there is none.

    The last one of several concludes, and a text has one conclusion.
    """
    largest_first = sorted(range(max(1, len(plan.sections) - 1)), key=lambda index: -plan.sections[index].words)
    for index in largest_first:
        section = plan.sections[index]
        if not section.words or has_children(plan, section.id) or not has_parts(section.main_point):
            continue
        divided, second_id = split(plan, section.id)
        first, second = divided.sections[index], divided.sections[divided.find(second_id)]
        if not first.main_point or not second.main_point or first.main_point == second.main_point:
            continue
        taken = {other.title.casefold() for other in plan.sections}
        return divided.with_section(replace(second, title=_new_heading(second, taken)))
    return None


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(text))


def _say_the_same(first: frozenset[str], second: frozenset[str]) -> bool:
    is_long = min(len(first), len(second)) >= _LONG_POINT
    return _similarity(first, second) >= (_SAME_LONG_POINT if is_long else _SAME_POINT)


def _similarity(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / max(1, len(first | second))
