"""Parses a model's plan, in whatever shape it comes.

The prompt asks for the paper's shape (see :mod:`lwtui.agentwrite.plan_format`) or for JSON. Models vary both: talk
around the plan, code fences, bold marks, bullets, numbers, headings, tables, labels in Chinese, wrapped lines,
``~300 words``. The parser accepts all of these. :mod:`lwtui.agentwrite.plan_repair` turns the steps into a plan.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import regex

from lwtui.documents.model import MAX_LEVEL
from lwtui.documents.section_kind import SectionKind, section_kind
from lwtui.models.reasoning import without_reasoning
from lwtui.text import clean, count_words, one_line
from lwtui.text.list_marks import BULLET

MOST_STEPS = 400  # read from one answer
_MOST_LINES, _LONGEST_LINE = 4_000, 4_000  # lines of an answer, and characters of a line, that are read
_MOST_WORDS = 10_000_000
_LONGEST_HEADING = 14  # words; a longer first line is taken for a main point
_SHORT_HEADING = 40  # characters that a heading may have, however many words they are: Chinese and Japanese


@dataclass(frozen=True)
class Step:
    """One step as the model wrote it. Missing texts are empty; a missing word count or kind is ``None``."""

    heading: str
    point: str
    words: int | None
    level: int = 1
    kind: SectionKind | None = None
    unknown_kind: str = ""


@dataclass(frozen=True)
class ParsedPlan:
    """An answer's title, its steps, and the lines that belong to no plan."""

    title: str = ""
    steps: tuple[Step, ...] = ()
    ignored: tuple[str, ...] = ()


def parse_steps(raw: str) -> ParsedPlan:
    """Parse a plan in any shape. Never fails: an answer that is no plan has no steps."""
    text = without_reasoning(clean(raw)).strip()
    found = _from_json(text)
    if not found.steps:
        found = _from_lines([_Line.of(line[:_LONGEST_LINE]) for line in text.split("\n")[:_MOST_LINES]])
    steps = [
        step
        for step in map(_without_placeholders, found.steps)
        if _says_something(step.heading + step.point) and not _PLACEHOLDER.match(step.point or step.heading)
    ]
    return ParsedPlan(found.title, tuple(steps[:MOST_STEPS]), found.ignored)


def _without_placeholders(step: Step) -> Step:
    """Return a step without placeholders behind what it says: "Calibration: <what this section says>"."""
    if not _CLOSED_PLACEHOLDER.search(f"{step.heading} {step.point}"):
        return step
    heading, point = (_CLOSED_PLACEHOLDER.sub("", text).strip(" :：-–—;,") for text in (step.heading, step.point))
    return replace(step, heading=heading, point=point)


# ---- lines ------------------------------------------------------------------------------------------------------

_DIGITS = r"(?:\d{1,3}|[一二三四五六七八九十百]{1,4}|[IVX]{1,5}|one|two|three|four|five|six|seven|eight|nine|ten)"
_UNIT = r"(?:words?|characters?|chars?|个?字符?|个?词|个?汉字)"
# What stands before and after a length that is not exact: "at least 400 words", "400字以上".
_ABOUT = (
    r"(?:about|approximately|approx\.?|around|roughly|up\s+to|at\s+(?:least|most)|over|under"
    r"|(?:no|not)\s+(?:less|fewer|more)\s+than|约|大约|大概|不少于|不低于|不超过|至少|至多|最多|超过|~|≈|～)"
)
_OR_SO = r"(?:左右|上下|以上|以内|以下|or\s+(?:more|less|so))"
_AMOUNT = (
    rf"{_ABOUT}?\s*"
    r"(?P<low>\d[\d,]{0,9})(?:\.\d+)?\s*" + _UNIT + r"?\s*(?:(?:[-–—~～至到]|to)\s*(?P<high>\d[\d,]{0,9}))?"
)
# "Paragraph 3", "Section 3:", "第三段"; the rest of the line is the step.
_LABELED = regex.compile(
    rf"(?:(?:paragraph|para\.?|section|step|part|chapter|scene|段落|章节|部分|步骤|小节)\s*#?\s*{_DIGITS}\b"
    rf"|第\s*{_DIGITS}\s*(?:个?段落?|部分|章节?|节|步骤?|小节|幕))\s*[-–—:：.、)）]*\s*",
    regex.IGNORECASE,
)
_NUMBERED = regex.compile(rf"[(（]?{_DIGITS}(?:[.)）:：](?!\d)|、)\s*(?=\S)")
_LABEL = regex.compile(rf"(?:{_NUMBERED.pattern})?{_LABELED.pattern}", regex.IGNORECASE)
_POINT_LABEL = regex.compile(
    r"(?:main\s+points?|main\s+ideas?|key\s+points?|main\s+content|content|focus|summary|description|details"
    r"|主要(?:观点|内容|论点|要点|点)|(?:内容|核心)?要点|主点|论点|要旨|主旨|中心(?:思想|内容)|核心(?:内容|观点)|内容)\s*[:：]\s*",
    regex.IGNORECASE,
)
_HEADING_LABEL = regex.compile(
    r"(?:title|(?:short\s+)?heading|section\s+title|标题|小标题)\s*[:：]\s*", regex.IGNORECASE
)
# The prompt's own placeholders, which some models copy.
_PLACEHOLDER_WORDS = r"\s*(?:what this (?:section|chapter) says|describe the main point|short heading)"
_PLACEHOLDER = regex.compile(rf"[\[<(]*{_PLACEHOLDER_WORDS}", regex.IGNORECASE)
_CLOSED_PLACEHOLDER = regex.compile(rf"[\[<(]{_PLACEHOLDER_WORDS}[^\[\]<>()\n]*[\]>)]", regex.IGNORECASE)
_WORD_COUNT = r"(?:word|词|字)\s*counts?|字数|词数"
_COUNT_LABEL = rf"(?:{_WORD_COUNT}|(?:target\s+)?length|words|字数要求|篇幅)\s*[:：]\s*"
_COUNT = regex.compile(
    rf"[-–—,，;；|(（\[]{{0,3}}\s*{_COUNT_LABEL}{_AMOUNT}\s*{_UNIT}?\s*(?:{_OR_SO}|each)?\s*[.。)）\]]{{0,3}}",
    regex.IGNORECASE,
)
# A second word count, as of an answer that was held to the shape: "Word Count: 90 words - Word Count: 200 words".
_OTHER_COUNT = regex.compile(
    rf"[-–—,，;；|(（\[]{{0,3}}\s*(?:{_WORD_COUNT})\s*[:：]\s*{_AMOUNT}\s*{_UNIT}?\s*{_OR_SO}?[.。)）\]]{{0,3}}"
    rf"(?:\s*(?:paragraph|section|第)\s*{_DIGITS}\s*[段节]?\s*$)?",
    regex.IGNORECASE,
)
_COUNT_IN_BRACKETS = regex.compile(rf"[-–—]?\s*[(（\[]\s*{_AMOUNT}\s*{_UNIT}\s*{_OR_SO}?\s*[)）\]]", regex.IGNORECASE)
_COUNT_AT_END = regex.compile(rf"(?:^|\s*[-–—:：,，;；])\s*{_AMOUNT}\s*{_UNIT}\s*{_OR_SO}?[.。]?\s*$", regex.IGNORECASE)
# "- Kind: table", a part of the line or a line of its own; "[table]" and "(code)" at the end of a line.
_KIND = regex.compile(
    r"(?:^|[-–—|;；,，(（\[]\s*|\s)(?:section\s+)?(?:kind|type|form|format|art|genre|类型|形式|体裁|種類)\s*[:：=]\s*"
    r"(?P<name>[\p{L}][\p{L}_-]*(?:[ _-]heavy)?)\s*[)）\]]?\s*(?=$|[-–—|;；,，.。(（\[])",
    regex.IGNORECASE,
)
_KIND_IN_BRACKETS = regex.compile(r"\s*(?:\[(?P<name>[\p{L}-]+)\]|[(（【](?P<round>[\p{L}-]+)[)）】])\s*[.。]?\s*$")
_NO_COUNT = regex.compile(
    rf"\s*[-–—]\s*{_COUNT_LABEL}\S*(?:\s*{_UNIT})?\.?\s*$", regex.IGNORECASE
)  # "Word Count: many"
_TITLE = regex.compile(
    r"(?:document\s+)?(?:title|标题|题目|题名)\s*[:：]\s*(?P<title>\S.*)|《(?P<book>[^》]+)》", regex.IGNORECASE
)
_GENERIC_TITLE = regex.compile(
    r"(?:the\s+)?(?:(?:writing|document|article|essay|detailed|overall)\s+)?(?:plan|outline|structure|sections|steps)"
    r"|(?:写作|文章)?(?:计划|大纲|提纲|规划|步骤)",
    regex.IGNORECASE,
)
_TOTAL = regex.compile(r"(?:total|合计|总计|总字数|overall)\b?.*", regex.IGNORECASE)
_RULE = regex.compile(r"[-*_=~`\s|:]*")
_FENCE = regex.compile(r"(?:```|~~~)\s*\w*")


@dataclass(frozen=True)
class _Line:
    """One line of an answer: its kind, its indentation, its text without Markdown, and its source."""

    kind: str  # "plain", "heading", "bold", "bullet", "row" (of a table) or "blank"
    depth: int  # 1 to 6 for a heading, otherwise the indentation in columns
    text: str
    source: str

    @classmethod
    def of(cls, source: str) -> _Line:
        body = source.expandtabs(4)
        depth = len(body) - len(body.lstrip())
        body = body.strip().lstrip("> ").strip()
        if not body or _FENCE.fullmatch(body) or _RULE.fullmatch(body):
            return cls("blank", 0, "", source)
        if body.startswith("|") and body.endswith("|") and body.count("|") > 2:
            return cls("row", depth, body.strip("|"), source)
        if match := regex.match(r"(#{1,6})\s*(?=\S)", body):
            return cls("heading", len(match[1]), _unmarked(body[match.end() :]), source)
        bold = regex.fullmatch(r"(\*\*|__)(?!\s)(?P<inner>.+?)\1\s*[:：]?", body)
        if bold and "**" not in bold["inner"]:
            return cls("bold", depth, _unmarked(bold["inner"]), source)
        if match := regex.match(rf"(?:{BULLET}|–)\s+(?=\S)", body):
            return cls("bullet", depth, _unmarked(body[match.end() :]), source)
        return cls("plain", depth, _unmarked(body), source)


def _unmarked(text: str) -> str:
    """Return text without Markdown's marks for bold, italics and code."""
    return one_line(regex.sub(r"\*\*|__|`|(?<!\w)[*_]+(?=\S)|(?<=\S)[*_]+(?!\w)", "", text))


@dataclass
class _Block:
    """A line that begins a step, and the lines that belong to it."""

    first: str
    level: int = 1
    rest: list[_Line] = field(default_factory=list)

    @cached_property
    def counted(self) -> tuple[str, int | None]:
        """The first line without the length, and the length."""
        return _take_count(self.first)

    @cached_property
    def is_complete(self) -> bool:
        """Whether the first line has both the main point and the length."""
        first, words = self.counted
        return words is not None and bool(_POINT_LABEL.search(first) or _split_point(first)[0])


def _from_lines(lines: list[_Line]) -> ParsedPlan:
    rows = [line for line in lines if line.kind == "row"]
    if len(rows) > 1 and (steps := _from_rows(rows)):
        return ParsedPlan(_title_of([line for line in lines if line.kind != "row"]), steps)
    for starts in _possible_starts(lines):
        parsed = _from_blocks(lines, starts)
        if parsed.steps:
            return parsed
    return ParsedPlan(_title_of(lines), (), tuple(line.source.strip() for line in lines if line.text))


def _possible_starts(lines: list[_Line]) -> Iterator[dict[int, str]]:
    """Yield sets of lines that may begin the steps, the likeliest first: indexes, with the text after each label."""
    labeled = {
        index: line.text[match.end() :] for index, line in enumerate(lines) if (match := _LABEL.match(line.text))
    }
    if labeled:
        yield labeled
        return
    counted = [index for index, line in enumerate(lines) if line.kind != "blank" and _has_count(line.text)]
    for kind in ("numbered", "heading", "bold", "bullet", "counted"):
        found = _of_kind(lines, kind, counted)
        if len(found) > 1 or (found and counted):
            yield found


def _of_kind(lines: list[_Line], kind: str, counted: list[int]) -> dict[int, str]:
    """Return the lines that begin the steps if all steps begin with lines of this kind."""
    if kind == "numbered":
        found = {index: line for index, line in enumerate(lines) if _NUMBERED.match(line.text)}
        least = min((line.depth for line in found.values() if line.kind != "heading"), default=0)
        return {
            index: line.text[match.end() :]
            for index, line in found.items()
            if (line.kind == "heading" or line.depth <= least) and (match := _NUMBERED.match(line.text))
        }
    if kind == "counted":
        return {index: lines[index].text for index in counted}
    found = {index: line for index, line in enumerate(lines) if line.kind == kind}
    if not found:
        return {}
    depths = Counter(line.depth for line in found.values())
    # A single heading above all others is the title.
    chosen = min((depth for depth, times in depths.items() if times > 1), default=min(depths))
    return {index: line.text for index, line in found.items() if line.depth == chosen and not _is_title(line)}


def _is_title(line: _Line) -> bool:
    return bool(_TITLE.fullmatch(line.text) or _GENERIC_TITLE.fullmatch(line.text.strip(" :：")))


def _has_count(text: str) -> bool:
    return bool(_COUNT.search(text) or _COUNT_IN_BRACKETS.search(text) or _COUNT_AT_END.search(text))


def _from_blocks(lines: list[_Line], starts: dict[int, str]) -> ParsedPlan:
    first = min(starts)
    blocks: list[_Block] = []
    ignored = [line.source.strip() for line in lines[:first] if line.text and not _is_title(line)]
    title, open_block, after_blank = _title_of(lines[:first]), True, False
    if title:
        ignored = [line for line in ignored if title not in line]
    for index in range(first, len(lines)):
        line = lines[index]
        if index in starts:
            blocks.append(_Block(starts[index]))
            open_block, after_blank = True, False
        elif line.kind == "blank":
            after_blank = True
        elif _belongs(blocks[-1], line, open_block=open_block, after_blank=after_blank):
            blocks[-1].rest.append(line)
            after_blank = False
        else:
            open_block = False
            if not _TOTAL.match(line.text):
                ignored.append(line.source.strip())
    steps = tuple(step for block in blocks if _says_something((step := _step(block)).heading + step.point))
    return ParsedPlan(title, steps, tuple(ignored))


def _belongs(block: _Block, line: _Line, *, open_block: bool, after_blank: bool) -> bool:
    """Tell whether a line belongs to the last step, rather than to the talk after the plan."""
    if not open_block or line.kind in ("heading", "row") or _TOTAL.match(line.text):
        return False
    if _COUNT.match(line.text) or _POINT_LABEL.match(line.text) or _HEADING_LABEL.match(line.text):
        return True
    if line.kind == "bullet" or line.depth > 0:
        return True
    return not block.is_complete and (not after_blank or not block.rest)


def _title_of(lines: list[_Line]) -> str:
    """Return the title in the lines before the steps: a labeled one, else a heading or a bold line."""
    for line in lines:
        if match := _TITLE.fullmatch(line.text):
            return _bare(match["title"] or match["book"])
    for line in lines:
        if line.kind in ("heading", "bold") and not _GENERIC_TITLE.fullmatch(line.text.strip(" :：")):
            return _bare(line.text)
    return ""


# The length belongs to the task: "(700 words)", or "in 300 words" or "of 800 words" at the end.
_LENGTH_SAID = rf"\d[\d,]{{0,9}}\+?\s*{_UNIT}\s*{_OR_SO}?"
_LENGTH_IN_TITLE = regex.compile(
    rf"\s*[(（]\s*(?:in\s+)?(?:{_ABOUT}\s*)?{_LENGTH_SAID}\s*[)）]"
    rf"|\s*[-–—,，、:]?\s*(?:\b(?:in|of|with)\s+)?(?:{_ABOUT}\s*)?\b{_LENGTH_SAID}\s*$"
    rf"|\s+(?:in|of|with)\s+(?:{_ABOUT}\s*)?\b{_LENGTH_SAID}(?=\s*[:：]|\s+(?:to|about|on|for|from)\b)",
    regex.IGNORECASE,
)


_OPEN_BRACKET = regex.compile(r"\s*[(（\[【][^)）\]】]*$")  # in which a title was cut off


def _bare(title: str) -> str:
    title = _OPEN_BRACKET.sub("", title) or title
    return without_marks(_LENGTH_IN_TITLE.sub("", title)) or without_marks(title)


_MARKS = ' "“”「」《》*:：'
_PAIRS = (("“", "”"), ("「", "」"), ("《", "》"))


def without_marks(heading: str) -> str:
    """Strip quotation marks, colons and the marks of Markdown from a heading's ends, but not the last one of "C#"."""
    whole, heading = heading, heading.strip(_MARKS).lstrip(_MARKS + "#")
    for opening, closing in _PAIRS:  # 《Soil》 as a whole is Soil, but "《Soil》 and rain" keeps its marks
        if whole.count(opening) == whole.count(closing) and heading.count(opening) != heading.count(closing):
            heading = whole.strip(" *:：").lstrip(" *#")
    while (body := heading.rstrip("#")) != body.rstrip():
        heading = body.rstrip().rstrip(_MARKS)
    return heading


def _step(block: _Block) -> Step:
    """Make a step of a block of lines."""
    first, words = block.counted
    first, kind = _take_kind(first)
    heading, point, details = "", "", []
    has_label = False  # whether the heading has one
    for line in block.rest:
        text, count = _take_count(line.text)
        words = count if count is not None else words
        text, named = _take_kind(text)
        kind = named or kind
        if match := _HEADING_LABEL.match(text):
            heading, has_label = _bare(text[match.end() :]), True
        elif text:
            match = _POINT_LABEL.match(text)
            details.append((line.kind, text[match.end() :] if match else text))
    if match := _POINT_LABEL.search(first):
        before = _bare(first[: match.end() - len(match[0])].strip(" -–—:：("))
        # "1 - Main Point: …"
        heading = heading or ("" if regex.fullmatch(_DIGITS, before, regex.IGNORECASE) else before)
        point = first[match.end() :]
        # "Main Point: Soil", and below it what the section says
        if details and not heading and _is_heading(point) and not _split_point(point)[0]:
            heading, point = _bare(point), ""
    elif details and not heading and _is_heading(first):
        heading, point = _bare(first.rstrip(" :：-–—")), ""
    else:
        point = first
    for line_kind, text in details:
        point = f"{point.rstrip('.;；')}; {text}" if point and line_kind == "bullet" else f"{point} {text}".strip()
    point = _unbracketed(point)
    if has_label and _is_heading(point) and not _is_heading(heading):
        heading, point = point, heading  # "1. Soil", and below it "Short heading: What soil is made of."
    if not heading:
        heading, point = _split_point(point)
    return Step(heading, point, words, kind=kind)


def _take_kind(text: str) -> tuple[str, SectionKind | None]:
    """Return a line without the kind of its section, and the kind. A word that names no kind stays."""
    for match in _KIND.finditer(text):
        if kind := section_kind(match["name"]):
            rest = f"{text[: match.start()].rstrip(' -–—,，;；|(（[')} {text[match.end() :].lstrip(' -–—')}"
            return rest.strip(), kind
    if (match := _KIND_IN_BRACKETS.search(text)) and (kind := section_kind(match["name"] or match["round"])):
        return text[: match.start()].rstrip(" -–—,，;；"), kind
    return text, None


def _is_heading(line: str) -> bool:
    """Return whether a line with others below it is their heading: short, and no sentence."""
    return 0 < count_words(line) <= _LONGEST_HEADING and not regex.search(r"[.。;；]$", line.rstrip())


def _says_something(text: str) -> bool:
    return regex.search(r"[\p{L}\p{N}]", text) is not None


def _take_count(text: str) -> tuple[str, int | None]:
    """Return a line without its word count, and the count; of a range, the middle."""
    for pattern in (_COUNT, _COUNT_IN_BRACKETS, _COUNT_AT_END):
        if match := next(reversed(list(pattern.finditer(text))), None):
            low = _number(match["low"])
            high = _number(match["high"]) if match["high"] else low
            words = (low + high) // 2 if high >= low else low
            rest = text[: match.start()].rstrip(" -–—,，;；(（") + " " + text[match.end() :].lstrip(" -–—")
            return _OTHER_COUNT.sub("", rest).strip(), min(words, _MOST_WORDS)
    return _NO_COUNT.sub("", text).strip(), None


def _number(text: str) -> int:
    digits = regex.sub(r"\D", "", text)
    return int(digits) if digits else 0


def _from_rows(rows: list[_Line]) -> tuple[Step, ...]:
    """Return the steps in a table: the first column of text is the heading, a number alone is the word count."""
    steps = []
    for row in rows:
        cells = [_unmarked(cell) for cell in row.text.split("|")]
        if cells and regex.fullmatch(rf"{_DIGITS}|{_LABELED.pattern}", cells[0], regex.IGNORECASE):
            cells = cells[1:]
        counts = [
            column for column, cell in enumerate(cells) if regex.fullmatch(rf"{_AMOUNT}\s*{_UNIT}?", cell, regex.I)
        ]
        if not counts:
            continue  # the header row
        words = _take_count(f"x - {cells[counts[-1]]} words")[1]
        texts = [cell for column, cell in enumerate(cells) if column not in counts and cell]
        # The first column of text is the heading, which may well be "Code".
        kind = next((kind for cell in texts[1:] if (kind := section_kind(cell))), None)
        texts = [cell for number, cell in enumerate(texts) if not number or section_kind(cell) is None]
        if texts:
            heading, point = (texts[0], "; ".join(texts[1:])) if len(texts) > 1 else _split_point(texts[0])
            steps.append(Step(heading, point, words, kind=kind))
    return tuple(steps)


def _unbracketed(point: str) -> str:
    """Return a main point without the brackets of the placeholder, which some models keep."""
    point = one_line(point).strip()
    return point[1:-1].strip() if point[:1] in "[<" and point[-1:] in "]>" else point


# "Soil matters. 2. Types: …" does not begin with a heading.
_LIST_WITHIN = regex.compile(r"[.!?。！？]\s*\d{1,3}[.)、]\s*\p{L}")


def _split_point(point: str) -> tuple[str, str]:
    """Split a line into heading and main point. The heading is empty if the line has none."""
    for mark, longest in ((r"\s*[:：]", _LONGEST_HEADING), (r"\s+[-–—]\s", _LONGEST_HEADING // 2)):
        head, *rest = regex.split(mark, point, maxsplit=1)
        head = _bare(head)
        short = len(head) <= _SHORT_HEADING or count_words(head) <= longest
        if rest and rest[0].strip() and _says_something(head) and short and not _LIST_WITHIN.search(head):
            return head, rest[0].strip()
    return "", point


# ---- JSON -------------------------------------------------------------------------------------------------------

_LIST_KEYS = ("sections", "paragraphs", "steps", "chapters", "parts", "plan", "outline", "subsections", "children")
_HEADING_KEYS = ("title", "heading", "name", "section", "标题", "小标题")
_POINT_KEYS = (
    *("main_point", "mainpoint", "main point", "main_points", "main points", "point", "points", "main_idea"),
    *("description", "content", "summary", "details", "要点", "主要内容", "内容", "主旨"),
)
_COUNT_KEYS = ("words", "word_count", "wordcount", "word count", "length", "characters", "字数", "词数")
_KIND_KEYS = ("kind", "type", "section_kind", "section_type", "form", "format", "类型", "形式")
_MOST_TRIES = 400  # brackets at which JSON may begin


def _from_json(text: str) -> ParsedPlan:
    """Return the plan in the first JSON value that has one, wherever it is; else the steps of single objects."""
    decoder = json.JSONDecoder()
    loose: list[Step] = []
    offset = 0
    for _ in range(_MOST_TRIES):
        match = regex.search(r"[\[{]", text, pos=offset)
        if match is None:
            break
        try:
            value, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            offset = match.end()
            continue
        if steps := tuple(_json_steps(value)):
            if len(steps) > 1 or isinstance(value, list) or _rows_of(value):
                return ParsedPlan(_json_title(value), steps)
            loose += [step for step in steps if step.point]  # an object with only a heading may be anything
        offset = end
    # A broken object may still contain complete ones.
    title = regex.search(r'"title"\s*:\s*"(?P<title>[^"\n]+)"', text)
    return ParsedPlan(one_line(title["title"]) if title and loose else "", tuple(loose))


def _json_title(value: Any) -> str:
    title = _value(value, ("title", "标题", "题目")) if isinstance(value, dict) else None
    return one_line(title) if isinstance(title, str) else ""


def _json_steps(value: Any, level: int = 1) -> Iterator[Step]:
    """Yield the steps in a JSON value, each followed by the steps nested in it."""
    rows = value if isinstance(value, list) else _rows_of(value)
    if rows is None:
        rows = [value]
    for row in rows:
        if not isinstance(row, dict):
            continue
        own = _value(row, ("level",))
        depth = own if isinstance(own, int) and not isinstance(own, bool) and 1 <= own <= MAX_LEVEL else level
        step = Step(
            _joined(_value(row, _HEADING_KEYS)),
            _joined(_value(row, _POINT_KEYS)),
            _json_count(row),
            depth,
            kind := section_kind(_joined(_value(row, _KIND_KEYS))),
            "" if kind else _joined(_value(row, _KIND_KEYS[:1])),
        )
        if step.heading or step.point:
            yield step
        if nested := _rows_of(row):
            yield from _json_steps(nested, min(MAX_LEVEL, depth + 1))


def _rows_of(value: Any) -> list[Any] | None:
    """Return the list of steps in an object, or in an object within it."""
    if not isinstance(value, dict):
        return None
    for key in _LIST_KEYS:
        rows = _value(value, (key,))
        if isinstance(rows, list) and any(isinstance(row, dict) for row in rows):
            return rows
        if isinstance(rows, dict):
            return _rows_of(rows) or [row for row in rows.values() if isinstance(row, dict)] or None
    return None


def _value(row: dict[str, Any], keys: tuple[str, ...]) -> Any:
    """Return the value of the first of ``keys`` that the row has, whatever its capitals."""
    folded = {str(key).casefold(): value for key, value in row.items()}
    return next((folded[key] for key in keys if key in folded), None)


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(one_line(text) for text in value if isinstance(text, str))
    return one_line(value) if isinstance(value, str) else ""


def _json_count(row: dict[str, Any]) -> int | None:
    """Return a row's length: a number, or the number in a text such as ``about 300 words``."""
    value = _value(row, _COUNT_KEYS)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value < _MOST_WORDS else None
    match = regex.search(_AMOUNT, value) if isinstance(value, str) else None
    if match is None:
        return None
    low = _number(match["low"])
    return min(_MOST_WORDS, (low + _number(match["high"])) // 2 if match["high"] else low)
