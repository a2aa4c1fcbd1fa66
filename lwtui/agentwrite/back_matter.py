"""Removes sections from a plan that surround a text and that only the writer can fill: contents, thanks, appendices.

Small models add them, and say of some that the brief asks for no such thing.
"""

from __future__ import annotations

import regex

from lwtui.documents.model import Plan
from lwtui.documents.plan_edits import without_sections

_NUMBER = r"(?:[\dIVX]{1,4}[.)、:：]?\s+|第?[一二三四五六七八九十]{1,3}[章节部分、.]*\s*)?"
_HEADING = regex.compile(
    rf"{_NUMBER}(?:(?:table\s+of\s+)?contents|title\s+page|cover(?:\s+page)?|acknowledge?ments?(?:\s+of\s+\w+)?|thanks"
    r"|dedication|contact(?:\s+(?:information|details|us))?|(?:legal\s+)?disclaimers?|copyright(?:\s+\w+)?|legal\s+notices?"
    r"|author['’]?s?\s+notes?|notes?\s+(?:from|by|of)\s+the\s+author|about\s+the\s+authors?|index"
    r"|appendi(?:x|ces)(?:\s+\w)?|联系方式(?:或地址)?|(?:免责)?声明|版权(?:声明|信息)?|目录|目次|封面|扉页|致谢|致謝|鸣谢"
    r"|(?:感谢|谢谢)[^，。]{0,10}(?:阅读|观看|聆听|参与|反馈|支持)[^，。]{0,6}|无参考文献|正文的结尾|作者简介|关于作者|作者的话|索引|附录(?:\s?\w|或补充材料)?|附錄\s?\w?)",
    regex.IGNORECASE,
)
_NOT_IN_BRIEF = regex.compile(
    r"\bbrief\s+(?:does\s+not|doesn['’]t)\s+(?:mention|specify|include|contain|provide|ask)"
    r"|\bnot\s+(?:mentioned|specified|included)\s+in\s+the\s+brief|(?:简介|说明|要求)中?(?:没有|未)(?:提到|提及|要求)",
    regex.IGNORECASE,
)


def without_back_matter(plan: Plan, instruction: str) -> Plan:
    """Return a plan of the same length without such sections, unless the writer's ``instruction`` names them."""
    asked = instruction.casefold()

    def is_unasked(title: str) -> bool:
        title = title.strip(" :：").casefold()
        return _HEADING.fullmatch(title) is not None and not any(
            word in asked for word in regex.findall(r"\p{L}{4,}|\p{Han}{2,}", title)
        )

    return without_sections(plan, lambda one: is_unasked(one.title) or _NOT_IN_BRIEF.search(one.main_point) is not None)
