"""The form that an instruction asks for, if it is one of those that small models write about instead of writing in it.

Asked for a section of a letter, they give advice on letters; asked for one of a speech, they describe the speech.
"""

from __future__ import annotations

import regex

from lwtui.text.cleaning import clean

WITHOUT_HEADINGS = frozenset({"letter", "speech"})  # nobody puts headings over the parts of these
# Each form with its English nouns, and its Chinese ones.
_FORMS = {
    "letter": (
        r"letters?|e-?mails?",
        "申请信|感谢信|道歉信|推荐信|求职信|介绍信|慰问信|邀请信|情书|家书|书信|(?<=[封的])信|邮件",
    ),
    "speech": (r"speech|eulogy|toast", "演讲稿?|演说|致辞|致词|发言稿?|讲话稿?|讲稿|悼词|祝酒词"),
    "story": (
        r"(?<!user )(?:story|stories)|novel(?:la|ette)?|fairy ?tale|fable|tale",
        r"短篇小说|小说(?:的?第[一二三四五\d]+章)?|故事|童话|寓言",
    ),
    "diary": (r"diary(?: entr(?:y|ies))?|journal entr(?:y|ies)", "日记"),
}
_NOUNS = "|".join(rf"(?P<{form}>{english})" for form, (english, _chinese) in _FORMS.items())
_CHINESE_NOUNS = "|".join(rf"(?P<{form}>{chinese})" for form, (_english, chinese) in _FORMS.items())
# The first of these verbs says what is asked for: "Write a handbook. Tell stories." asks for a handbook.
_ASKS = regex.compile(
    r"(?<!how to )\b(?:write|draft|compose|prepare|create|produce|generate|tell|continue)\s+(?:(?:me|us)\s+)?"
    r"(?=(?:an?|the|my|our|your|some|one|two|three|\d)\b)",
    regex.IGNORECASE,
)
# After these, a noun is not what is asked for: "a report on the letter of credit".
_NOT_WITHIN = (
    "about|on|how|for|of|that|to|in|and|with|telling|proposing|guide|essay|article|report|post|review|analysis|summary"
    "|list|plan|paper|handbook|tutorial|manual"
)
# What may follow it: "a novel about rain", but not "a novel approach".
_AFTER = (
    r"(?=\s*(?:\Z|[.,;:!?()“”\"\n])|\s+(?:to|for|about|from|of|in|on|that|which|who|where|with|against|by|at|set|between"
    r"|based|titled|called|and|using|describing|telling|featuring|inspired|under|\d|please|according)\b)"
)
_ENGLISH = regex.compile(rf"(?:(?!(?:{_NOT_WITHIN})\b)[\w'’-]+\s+){{0,6}}?(?:{_NOUNS})\b{_AFTER}", regex.IGNORECASE)
_CHINESE_VERBS = "写|拟|创作|准备|生成|给出|起草|编|优化|修改|润色"
_ENDS = r"(?=\s*(?:[，。！？,.;；：:、“”\"（(\n]|$|要求|字数|不少于|约|大约|给|以|\d))"
_CHINESE = regex.compile(rf"(?:{_CHINESE_VERBS})[^。！？\n，,]{{0,30}}?(?:{_CHINESE_NOUNS}){_ENDS}")


def asked_form(instruction: str) -> str:
    """Return the form that an instruction asks for: letter, speech, story or diary; empty if it names none of these."""
    text = clean(instruction)
    asks = _ASKS.search(text)
    match = _ENGLISH.match(text.lstrip()) or (_ENGLISH.match(text, asks.end()) if asks else None)
    match = match or _CHINESE.search(text)
    return next((form for form, found in match.groupdict().items() if found), "") if match else ""
