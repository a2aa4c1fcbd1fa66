"""Places that a model left to be filled in, as in "Dear [Name]" and “我是XX（您的姓名）”."""

from __future__ import annotations

import regex

_ENGLISH = (
    r"(?:your|my|insert|add|enter|describe|partner|recipient|sender|company|client|customer|name|date|address|city|phone"
    r"|e-?mail|title|position|organi[sz]ation|school|university)\b"
)
_CHINESE = r"(?:您的?|你的?|请?填写|填入|插入|收件人|寄件人|公司|学校|机构|单位|姓名|日期|地址|电话|职位|城市)"
_PLACEHOLDER = regex.compile(
    rf"\[{_ENGLISH}[^\]\[\n]{{0,60}}\](?![(\[:])"  # but no link
    r"|\[(?-i:\p{Lu})[^\]\[\n]{0,30}\b(?:name|address|number|signature|title|date)\](?![(\[:])"
    rf"|[\[【]{_CHINESE}[^\]】\n]{{0,30}}[\]】]"
    r"|[（(](?:您的|你的|请填写|填入)[^）)\n]{1,20}[）)]"
    r"|<(?:your|insert|enter)\s[^<>\n]{1,40}>"
    r"|(?:20)?[X×]{2,}(?=年)(?:年(?:[X×]{1,2}月)?(?:[X×]{1,2}日)?)?|[X×]{2,}(?=先生|女士|同学|老师|公司|大学|学校|单位)"
    r"|lorem ipsum dolor",
    regex.IGNORECASE,
)


def find_placeholders(text: str) -> list[tuple[int, int]]:
    """Return where the placeholders in a text begin and end."""
    return [match.span() for match in _PLACEHOLDER.finditer(text)]
