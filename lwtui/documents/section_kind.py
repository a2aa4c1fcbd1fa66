"""The kinds of sections: what a section of the plan consists of in the main."""

from __future__ import annotations

from enum import StrEnum

import regex


class SectionKind(StrEnum):
    """What a section consists of in the main. Some prose may stand around a list, a table, code or formulas.

    Attributes:
        has_free_length: Whether the section is as long as its subject takes: words tell little about a table, code or
            formulas.
    """

    has_free_length: bool

    PROSE = "prose"  # running text in the style of the brief
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    FORMULAS = "formulas"

    def __init__(self, value: str) -> None:
        # An attribute and no property, since targets ask it of all sections.
        self.has_free_length = value in ("table", "code", "formulas")


_NAMES = {
    SectionKind.PROSE: """
        prose text running-text essay paragraphs 正文 散文 文本 段落 文章 prosa fließtext texte texto testo текст
    """,
    SectionKind.LIST: """
        list lists bullets bullet-list bulleted-list numbered-list checklist 列表 清单 条目 リスト 箇条書き liste
        aufzählung lista elenco список
    """,
    SectionKind.TABLE: """
        table tables tabular comparison-table 表格 表 对比表 テーブル tabelle tableau tabla tabela tabella таблица
    """,
    SectionKind.CODE: """
        code code-block source-code listing program script snippet 代码 程序 源代码 コード quellcode programmcode código
        codice код
    """,
    SectionKind.FORMULAS: """
        formulas formula formulae math maths mathematics equations equation formula-heavy 公式 数学 方程 数式 formel
        formeln gleichungen formules équations fórmulas ecuaciones formule формулы
    """,
}
_BY_NAME = {name.casefold(): kind for kind, names in _NAMES.items() for name in names.split()}
_SEPARATOR = regex.compile(r"[\s_-]+")


def section_kind(name: str) -> SectionKind | None:
    """Return the kind that a word names, in the languages in which models answer; ``None`` for other words."""
    return _BY_NAME.get(_SEPARATOR.sub("-", name.strip(" \t.:;,*_`\"'“”[]()（）【】").casefold()))


def known_kinds() -> str:
    """Return the names of all kinds, for a message."""
    return ", ".join(SectionKind)
