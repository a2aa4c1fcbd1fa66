"""The form that an instruction asks for, if it is one of those that small models write about instead of writing in it.

Asked for a section of a letter, they give advice on letters; asked for one of a speech, they describe the speech.
"""

from __future__ import annotations

import regex

from lwtui.text.cleaning import clean

# Each form with its English nouns, and its Chinese ones.
_FORMS = {
    "letter": (r"letters?|e-?mails?", "申请信|感谢信|道歉信|推荐信|求职信|介绍信|慰问信|邀请信|家书|书信|信|信件|邮件"),
    "speech": (r"speech(?:es)?|eulog(?:y|ies)|toast", "演讲稿?|演说|致辞|致词|发言稿?|讲话稿?|讲稿|悼词|祝酒词"),
    "story": (
        r"stor(?:y|ies)|novel(?:la|ette)?|fairy ?tale|fable|tale",
        r"短篇小说|小说(?:的?第[一二三四五\d]+章)?|故事|童话|寓言",
    ),
    "diary": (r"diary(?: entr(?:y|ies))?|journal entr(?:y|ies)", "日记"),
}
_NOUNS = "|".join(rf"(?P<{form}>{english})" for form, (english, _chinese) in _FORMS.items())
_CHINESE_NOUNS = "|".join(rf"(?P<{form}>{chinese})" for form, (_english, chinese) in _FORMS.items())
_VERBS = r"write|draft|compose|prepare|create|produce|need|want|give|tell|generate|continue"
# After these, a noun is not what is asked for: "a report on the letter of credit".
_NOT_WITHIN = (
    "about|on|how|for|of|that|to|in|and|with|telling|guide|essay|article|report|post|review|analysis|summary|list|plan"
)
# "Write me a touching short story", but not "Write a guide to letters": the first noun of these is what is asked for.
_ENGLISH = regex.compile(
    rf"(?:(?<!how to )\b(?:{_VERBS})\s+(?:(?:me|us)\s+)?(?:(?:an?|the|my|our|your|some)\s+)?|\A\s*(?:(?:an?|the)\s+)?)"
    rf"(?:(?!(?:{_NOT_WITHIN})\b)[\w'’-]+\s+){{0,5}}?"
    rf"(?:{_NOUNS})\b(?!\s+(?:template|writing))",
    regex.IGNORECASE,
)
WITHOUT_HEADINGS = frozenset({"letter", "speech"})  # nobody puts headings over the parts of these
_ENDS = r"(?=\s*(?:[，。！？,.;；：:、“”\"（(\n]|$|要求|字数|不少于|约|大约|\d))"
_CHINESE = regex.compile(
    rf"(?:写|拟|创作|准备|生成|给出|起草|编|讲|优化|修改|润色|改写|扩写|续写)[^。！？\n，,]{{0,30}}?(?:{_CHINESE_NOUNS}){_ENDS}"
)


def asked_form(instruction: str) -> str:
    """Return the form that an instruction asks for: letter, speech, story or diary; empty if it names none of these."""
    text = clean(instruction)
    match = min(
        filter(None, (_ENGLISH.search(text), _CHINESE.search(text))), key=lambda found: found.start(), default=None
    )
    return next((form for form, found in match.groupdict().items() if found), "") if match else ""
