"""Whether a text is to be connected prose, or may have lists and headings within its sections."""

from __future__ import annotations

import regex

from lwtui.documents.model import Brief, Style
from lwtui.documents.section_kind import SectionKind
from lwtui.text import clean

# What an instruction says that asks for lists, or for a kind of text that is read by looking things up.
_ASKS_FOR_LISTS = regex.compile(
    r"\b(?:bullet(?:ed|s|\b)|check-?lists?|(?:numbered |bulleted |to-?do |reading |packing )?lists?\b"
    r"(?! of characters)|"
    r"step[- ]by[- ]step|tables?|outlines?|cheat ?sheet|FAQ|Q&A|agenda|itinerary|time-?table|schedule|recipes?|"
    r"(?:lesson|business|marketing|project|training|study|work(?:out)?) plan|proposal|specification|documentation|"
    r"manual|tutorial|how[- ]to|template|syllabus|curriculum)\b"
    r"|清单|列表|列出|罗列|步骤|提纲|大纲|表格|方案|计划书|策划|教案|简历|说明书|手册|攻略|日程|时间表|条目|要点",
    regex.IGNORECASE,
)
_ASKS_FOR_PROSE = regex.compile(
    r"\b(?:story|stories|novel|fiction|fairy tale|fable|tale|essay|letter|speech|memoir|biography|narrative|poem|diary|"
    r"monologue|screenplay|no (?:bullet|lists?|headings)|without (?:bullet|lists?|headings)|prose)\b"
    r"|小说|故事|散文|随笔|演讲|书信|一封信|作文|日记|童话|自传|传记|不要(?:列表|标题|分点)",
    regex.IGNORECASE,
)
# What may be a section of its own kind: a table, a list, code or formulas.
_ASKS_FOR_KINDS = regex.compile(
    r"\b(?:tables?|tabular|(?<!of )(?:source )?codes?|code (?:samples?|examples?|blocks?)|snippets?|scripts?|"
    r"(?:bullet(?:ed)?|numbered|check|to-?do)[- ]?(?:lists?|points?)|checklists?|lists?|formulas?|formulae|equations?|"
    r"derivations?|"
    r"tabellen?|listen?|quell(?:code|text)|formeln?|gleichung(?:en)?|tableaux?|listes?|formules?|équations?|tablas?|"
    r"listas?|código|fórmulas?|ecuaciones)\b"
    r"|表格|对比表|列表|清单|代码|公式|方程|表形式|一覧表|箇条書き|コード|数式",
    regex.IGNORECASE,
)


def text_kind(brief: Brief, kind: SectionKind = SectionKind.PROSE) -> str:
    """Return what texts have in common whose lengths a model misjudges alike: language, style and kind of section."""
    return f"{brief.language} {style_of(brief) if kind is SectionKind.PROSE else kind}"


def asks_for_kinds(brief: Brief) -> bool:
    """Tell whether an instruction asks for what the planner should give to sections of their own kind."""
    return _ASKS_FOR_KINDS.search(clean(brief.instruction)) is not None


def style_of(brief: Brief) -> Style:
    """The style of a brief: the one that it names, else the one that its instruction asks for; prose in doubt."""
    if brief.style is not None:
        return brief.style
    instruction = clean(brief.instruction)
    lists = _ASKS_FOR_LISTS.search(instruction) and not _ASKS_FOR_PROSE.search(instruction)
    return Style.LISTS if lists else Style.PROSE
