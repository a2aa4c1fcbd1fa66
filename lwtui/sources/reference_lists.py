"""Cuts the lists of references that a model adds to a section by itself, from a text that streams in.

lwtui makes the bibliography from the sources. What a model lists is made up, or says the same twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from lwtui.text.code_blocks import CodeBlocks
from lwtui.text.list_marks import RULE

_LONGEST = 400  # characters of a heading or of the beginning of an entry
_MARKS = (
    r"[ \t>*_#]{0,12}(?:\p{Nd}{1,2}(?:\.\p{Nd}{1,2})*[.)、]?[ \t]+|[一二三四五六七八九十]{1,2}[、.][ \t]*)?[*_]{0,3}"
)
# Headings that stand over nothing but a list of references.
_CERTAIN = (
    r"references?(?: cited| list)?|list of references|reference list|bibliography|works cited|cited works"
    r"|literature cited|sources? cited|list of sources|sources and references|references and sources|source list"
    r"|endnotes|footnotes|cited sources|sources used|acknowledge?ments? of (?:the )?sources|source acknowledge?ments?"
    r"|literaturverzeichnis|quellenverzeichnis|quellenangaben?|literaturangaben|literaturliste|bibliogra(?:f|ph)ie"
    r"|références(?: bibliographiques)?|ouvrages cités|sources citées"
    r"|referencias(?: bibliográficas)?|bibliograf[ií]a|obras citadas|fuentes citadas"
    r"|referências(?: bibliográficas)?|riferimenti(?: bibliografici)?|opere citate"
    r"|referenties|literatuurlijst|bronvermelding|bronnenlijst|referenser|källförteckning|referanser|litteraturliste"
    r"|kildeliste|lähdeluettelo|lähteet|bibliografia|źródła|kaynakça|kaynaklar|viitteet"
    r"|список литературы|список источников|библиография|ссылки|використані джерела|список літератури|література"
    r"|参考文献|參考文獻|参考资料|參考資料|参考书目|參考書目|引用文献|引用文獻|引用来源|引用資料|文献目录|文献列表|资料来源"
    r"|資料來源|数据来源|出典|参考文献リスト|参考資料|참고\s?문헌|참고\s?자료|출처|المراجع|المصادر|ביבליוגרפיה|מקורות"
    r"|tài liệu tham khảo|daftar pustaka|संदर्भ(?: सूची)?|เอกสารอ้างอิง|บรรณานุกรม"
)
# Headings that may stand over prose, too.
_PERHAPS = (
    r"sources?|notes?|literature|citations?|further reading|quellen|literatur|anmerkungen|sources|notes|fuentes|fontes"
    r"|fonti|bronnen|källor|kilder|литература|источники|джерела|来源|來源|文献|文獻|注释|註釋|注|引用|資料"
)
_HEADING = regex.compile(
    rf"{_MARKS}(?:(?P<certain>{_CERTAIN})|(?P<perhaps>{_PERHAPS}))[*_ \t]*(?P<colon>[:：]?)[*_ \t]*[#=\-_]*[ \t]*"
    r"(?P<rest>(?<=[:：][*_ \t]*)[^\n]*)?",
    regex.IGNORECASE,
)
_BRACKETED = r"[\[［【]\s*\^?(?:\p{Nd}{1,3}|@[^\]\n]{1,80})\s*[\]］】]"
_NUMBERED = regex.compile(rf"[ \t>*_\-•]{{0,6}}{_BRACKETED}[:：.]?[*_ \t]*(?P<text>\S[^\n]*)")
_ITEM = regex.compile(
    r"[ \t>]{0,6}(?:[-*+•–—][ \t]+|\(?\p{Nd}{1,3}[.)、．]\s*|[（(]\p{Nd}{1,3}[)）]\s*)(?P<text>\S[^\n]*)"
)
_DEFINITION = regex.compile(r"[ \t]{0,3}\[\^?\p{Nd}{1,3}\][:：]")
# What tells of a reference: a year apart, an address, an ISBN, a page, a quoted title, "et al.", "Passage 3".
_REFERENCE = regex.compile(
    r"(?:(?<!\p{N})(?:1[5-9]|20)\p{Nd}{2}[a-z]?(?!\p{N}))|https?://|\bdoi\b|\bISBN\b|\bISSN\b|\bet al\b|\bn\.d\."
    r"|\bpp?\. ?\p{Nd}|\bvol\. ?\p{Nd}|\b(?:passage|source|quelle|fuente|document)s?\s+\p{Nd}|《[^》]+》"
    r"|\[[JMCDNRSZ](?:/OL)?\]"
    r"|\b(?:Press|Verlag|Publish(?:er|ers|ing)|Journal|University|Éditions)\b|出版社|大学出版|学报"
    r"|(?:[^\W\d_]+, (?:[A-Z]\.[ \-]?)+)",
    regex.IGNORECASE,
)
_SAYS = regex.compile(
    r"(?:(?:also|further|clearly|then|and [^\s]+)\s+)?(?:says?|states?|notes?|reports?|shows?|describes?|explains?"
    r"|argues?|tells?|finds?|found|gives?|puts?|is|are|was|were|has|have|had|adds?|records?|mentions?|suggests?)\b"
    r"|(?:指出|认为|说|表示|记载|提到|称|写道|报告|显示|表明)",
    regex.IGNORECASE,
)
_RULE = regex.compile(rf"[ \t]{{0,3}}(?:{RULE}|={{3,}})")
_ONLY_NUMBERS = regex.compile(rf"(?:{_BRACKETED}[\s,;，；、.]*)+")


def is_reference_heading(title: str, *, likely: bool = False) -> bool:
    """Tell whether a heading stands over a list of references.

    Args:
        title: The heading.
        likely: Whether to count headings that may stand over prose, too, such as "Sources".
    """
    match = _HEADING.fullmatch(title.strip())
    return match is not None and (likely or bool(match["certain"])) and not (match["rest"] or "").strip()


class ReferenceListCutter:
    """Removes lists of references from a text that streams in. The result does not depend on its pieces.

    Attributes:
        entries: The entries that were cut.
    """

    def __init__(self, existing: str = "", titles: Sequence[str] = ()) -> None:
        """Start after ``existing``.

        Args:
            existing: The text that the answer continues.
            titles: The titles of the passages as the prompt shows them, before their texts.
        """
        self._copied = _copied_passage(titles)
        self.entries: list[str] = []
        self._held = ""
        self._at_start = not existing or existing.endswith("\n")
        self._blocks = CodeBlocks(existing)
        self._list: list[str] = []  # the lines of what may be a list
        self._found: list[str] = []  # its entries
        self._headed = ""  # "certain" or "perhaps" if a heading begins it
        self._complete = False  # whether a blank line follows the last entry

    def add(self, piece: str) -> str:
        """Add a piece. Returns the text that is ready."""
        return self._take(piece, final=False)

    def close(self) -> str:
        """Return the rest, at the end of the answer."""
        return self._take("", final=True) + self._resolve(final=True)

    def _take(self, piece: str, *, final: bool) -> str:
        self._held += piece
        ready: list[str] = []
        while self._held:
            line, newline, rest = self._held.partition("\n")
            whole = bool(newline) or final
            if self._at_start and not whole and (self._list or self._is_undecided(line)):
                break
            ready.append(self._line(line, newline) if self._at_start else line + newline)
            self._at_start = bool(newline)
            self._held = rest
        return "".join(ready)

    def _is_undecided(self, line: str) -> bool:
        if len(line) > _LONGEST:
            return False
        if self._blocks.inside or line.lstrip(" ")[:1] in ("`", "~"):
            return True  # may be a fence
        patterns = (_HEADING, _NUMBERED, *([self._copied] if self._copied else []))
        return any(pattern.fullmatch(line, partial=True) is not None for pattern in patterns)

    def _line(self, line: str, newline: str) -> str:
        """Take a whole line, or the beginning of one that begins no list. Returns the text that is ready."""
        if self._blocks.add(line):
            return self._resolve() + line + newline
        # A small model may repeat a passage as the prompt shows it. What it says is text, and no reference.
        if self._copied and (copied := self._copied.match(line)):
            return self._resolve() + line[copied.end() :] + newline
        heading = _HEADING.fullmatch(line) if len(line) <= _LONGEST else None
        if heading and self._begins_list(heading):
            ready = self._resolve() if self._found or self._headed else ""  # a rule above it goes with it
            self._headed = "certain" if heading["certain"] else "perhaps"
            self._list.append(line + newline)
            if rest := (heading["rest"] or "").strip():
                self._found.append(rest)
            return ready
        if _RULE.fullmatch(line) and not self._found:
            self._list.append(line + newline)
            return ""
        if self._list and not line.strip():
            self._list.append(line + newline)
            self._complete = True
            return ""
        if self._is_entry(line):
            self._list.append(line + newline)
            self._found.append(line.strip())
            self._complete = False
            return ""
        if self._found and not self._complete and not line.lstrip().startswith("#"):
            self._list.append(line + newline)  # the entry goes on
            return ""
        return self._resolve() + line + newline

    def _begins_list(self, heading: regex.Match[str]) -> bool:
        rest = (heading["rest"] or "").strip()
        marked = heading.string.lstrip()[:1] in ("#", "*", "_") or bool(heading["colon"]) or not heading["perhaps"]
        if not rest:
            return marked
        return _ONLY_NUMBERS.fullmatch(rest) is not None or (bool(heading["certain"]) and _refers(rest))

    def _is_entry(self, line: str) -> bool:
        if numbered := _NUMBERED.fullmatch(line):
            # A paragraph may begin with a citation: then a list has a heading, or more entries, or tells of itself.
            return (
                bool(self._found or self._headed)
                or _DEFINITION.match(line) is not None
                or _looks_like_reference(numbered["text"])
            ) and not _says(numbered["text"])
        if not self._headed:
            return False
        item = _ITEM.fullmatch(line)
        if self._headed == "certain" and item:
            return True
        return _looks_like_reference(item["text"] if item else line)

    def _resolve(self, *, final: bool = False) -> str:
        """End what may be a list. Returns its text if it was none."""
        lines, found, headed = self._list, self._found, self._headed
        self._list, self._found, self._headed, self._complete = [], [], "", False
        if not lines:
            return ""
        if found:
            self.entries += found
            return ""
        return "" if final and headed == "certain" else "".join(lines)


def _copied_passage(titles: Sequence[str]) -> regex.Pattern[str] | None:
    """Return a pattern of what stands before a passage in a prompt: its number, and its title with the page.

    Some models leave the number out: "The Tea of Li, p. 3: It was sold."
    """
    if not titles:
        return None
    names = "|".join(regex.escape(title, special_only=True) for title in dict.fromkeys(titles))
    title = rf"(?:{names})(?:,[ \t]*pp?\.[ \t]*[\p{{Nd}}\-–]+)?"
    pattern = (
        rf"[ \t>*_\-•]{{0,6}}(?:{_BRACKETED}[ \t]*[(（]{title}[)）]|(?:{_BRACKETED}[ \t]*)?{title}[*_ \t]*[:：][*_]*)"
        r"[ \t]*(?=\S)"
    )
    return regex.compile(pattern, regex.IGNORECASE)


def _looks_like_reference(text: str) -> bool:
    """Tell whether a line refers to a work, and says nothing in a sentence."""
    return _refers(text) and not _says(text)


def _refers(text: str) -> bool:
    return _REFERENCE.search(text) is not None


def _says(text: str) -> bool:
    """Tell whether a line is a sentence with a verb that introduces or tells something."""
    return _SAYS.match(text) is not None
