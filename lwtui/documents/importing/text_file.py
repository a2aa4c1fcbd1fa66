"""Reading of plain text as Markdown: chapter lines become headings, paragraphs are joined, and no sign is a mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from lwtui.documents.importing.chapter_lines import CHAPTER, PART, ChapterLine, chapter_line, headings, is_numbered
from lwtui.documents.importing.imported import ImportReport
from lwtui.documents.markdown_extensions import escape_marks
from lwtui.documents.plain_text import parse_blocks, without_marks
from lwtui.text import clean
from lwtui.translation import _

_MAX_TITLE = 80  # characters of a first line that is the title
_MIN_WRAPPED, _MAX_WRAPPED = 35, 100  # columns of a text whose lines were wrapped
_SAMPLE_LINES = 500  # by which it is decided what a line is
_FULL_SHARE = 0.7  # of the columns that a wrapped line fills at least, mostly
_PAGE_ENDS = regex.compile("[\x0c\u2029]")
_LINE_ENDS = regex.compile("[\x0b\x85\u2028]")
_BREAK = regex.compile(
    r"[ \t\u3000]*(?:(?P<sign>[*#~_=.·•○◇◆☆★※＊–—-])(?:[ \t\u3000]*(?P=sign)){2,}|[⁂❦☙#*]|\*[ \t]*\*)[ \t\u3000]*"
)
_UNDERLINE = regex.compile(r"([=\-~^])\1{2,}")
_RULE = regex.compile(r"[ \t]*[=\-_*~]{4,}[ \t]*")
_SENTENCE_END = regex.compile(r"[.!?。！？…:：;；,，][\"'”’»」』)）]*$")
_AUTHOR = regex.compile(
    r"(?i)(?:(?P<word>(?:(?:written|a novel|a story|a tale) )?by|von|par|por|di|door)[ \t]+|"
    r"(?:author|autor(?:in)?|auteur|autore|作者|著者|지은이|автор)[ \t]*[:：][ \t]*)(?P<name>\S.{0,60})"
)
_NAME = regex.compile(
    r"(?:(?:\p{Lu}[\p{L}\p{M}.'’-]*|de|la|le|du|da|di|von|van|der|den|ten|ibn|bin|al|and|und|et|y|e|&)[,]?[ \t]*){1,8}"
)
_TITLE = regex.compile(
    r"(?i)(?:title|book title|titel|titre|título|titolo|書名|书名|タイトル|題名|제목|название)[ \t]*[:：][ \t]*"
    r"(?P<title>\S.*)"
)
_CONTENTS = regex.compile(
    r"(?i)(?:table of )?contents\.?|inhalt(?:sverzeichnis)?|table des matières|sommaire|índice|indice|目录|目錄|"
    r"目次|차례|목차|оглавление|содержание|зміст|spis treści|inhoud|obsah|innehåll|içindekiler|περιεχόμενα"
)
_CJK = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u3000-\u303f\uff00-\uffef]")
_LEADER = regex.compile(r"[.·…_]{2}|\.[ \t]\.|[ \t]{3}|…")  # what stands before the page in a table of contents
_PAGE = regex.compile(r"(?:[.·…_][ \t]*)+[\divxlc]+$|[ \t]{3,}\d+$")
_BULLET = regex.compile(r"[ \t]*(?P<mark>[-*+•–—‣◦·]|\d{1,3}[.)])[ \t]+(?P<text>\S.*)")
_MARKDOWN_HEADING = regex.compile(r"#{1,6}[ \t]+\S.*")
# What Markdown would read as marks at the beginning of a line.
_LINE_START = regex.compile(
    r"^(?P<mark>#{1,6}(?=[ \t]|$)|>|[-+=:~](?=[ \t]|$)|-{2,}|={2,}|~{3,}|\+{1,3}(?=$)|\|)"
    r"|^(?P<number>\d{1,9})(?P<dot>[.)])(?=[ \t]|$)"
)


@dataclass(frozen=True)
class TextFile:
    """A plain text as Markdown.

    Attributes:
        title: The title that its first lines give, or empty.
        author: The author that they give, or empty.
        text: The Markdown.
    """

    title: str
    author: str
    text: str


@dataclass(frozen=True)
class _TextBlock:
    """Lines of a text between two blank lines, or one line of a text without blank lines."""

    lines: tuple[str, ...]

    @property
    def only(self) -> str:
        """The line, if it is the only one, without white space."""
        return self.lines[0].strip(" \t\u3000") if len(self.lines) == 1 else ""


def normalized(text: str) -> str:
    """Clean a text. Separators of lines, paragraphs and pages other than a newline become newlines."""
    return clean(_LINE_ENDS.sub("\n", _PAGE_ENDS.sub("\n\n", text)))


def is_markdown(text: str) -> bool:
    """Tell whether a plain text has Markdown headings: lines of their own that begin with ``#`` and a space."""
    lines = ["", *text.split("\n"), ""]
    found = [at for at, line in enumerate(lines) if _MARKDOWN_HEADING.fullmatch(line.rstrip())]
    alone = [at for at in found if not lines[at - 1].strip() and not lines[at + 1].strip()]
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    return bool(found) and alone == found and (len(found) > 1 or found[0] == first)


def read_plain_text(text: str, report: ImportReport) -> TextFile:
    """Read a plain text.

    Args:
        text: The text, as :func:`normalized` returns it.
        report: Where to count what is lost.
    """
    blocks = _blocks(text)
    title, author, blocks = _opening(blocks)
    found = _without_contents(dict(headings([block.only for block in blocks])), blocks, report)
    blocks, chapters = _separate_first_lines(blocks, found)
    width = _wrapped_width(blocks)
    has_parts = any(chapter.level == PART for chapter in chapters.values())
    pieces: list[str] = []
    position = 0
    while position < len(blocks):
        block, chapter = blocks[position], chapters.get(position)
        if chapter is None:
            pieces += [piece for piece in (_paragraphs(block, width),) if piece]
        else:
            outer = (
                chapter.level == PART
                or not has_parts
                or (chapter.is_named and not _is_within_part(position, chapters, blocks))
            )
            heading = chapter.text
            if subtitle := _subtitle(blocks, chapters, position):
                heading = f"{heading.rstrip('.:')}: {subtitle}"
                position += 1
            pieces.append(f"{'##' if outer else '###'} {escaped(heading)}")
        position += 1
    return TextFile(title, author, "\n\n".join(pieces) + "\n")


def with_chapter_headings(markdown: str, report: ImportReport) -> str:
    """Make headings of paragraphs such as "Chapter 1" in a Markdown text that has no headings.

    A manuscript of a word processor often has only bold or centered lines for its chapters.
    """
    tokens = parse_blocks(markdown)
    if any(token.type == "heading_open" for token in tokens):
        return markdown
    lines = markdown.split("\n")
    found: list[tuple[int, ChapterLine]] = []
    for opening, content in pairwise(tokens):
        is_line = opening.type == "paragraph_open" and opening.level == 0 and opening.map
        if is_line and opening.map and opening.map[1] - opening.map[0] == 1:
            chapter = chapter_line(without_marks(content.content))
            if chapter is not None:
                found.append((opening.map[0], chapter))
    if len(found) < 2 or all(chapter.is_named for _line, chapter in found):
        return markdown
    has_parts = any(chapter.level == PART for _line, chapter in found)
    for position, chapter in found:
        is_inner = has_parts and chapter.level != PART and not chapter.is_named
        lines[position] = f"{'###' if is_inner else '##'} {escaped(chapter.text)}"
    report.remark(_("Lines such as “{line}” became headings: the file has no others.", line=found[0][1].text))
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Escape what Markdown would read as marks."""
    return _LINE_START.sub(
        lambda match: f"\\{match['mark']}" if match["mark"] else f"{match['number']}\\{match['dot']}",
        escape_marks(text),
    )


def _blocks(text: str) -> list[_TextBlock]:
    """Divide a text at blank lines, and at every line if its lines are its paragraphs."""
    lines = [line.rstrip(" \t\u3000") for line in text.split("\n")]
    if _lines_are_paragraphs(lines):
        return [_TextBlock((line,)) for line in lines if line]
    blocks: list[_TextBlock] = []
    current: list[str] = []
    for line in [*lines, ""]:
        if line:
            current.append(line)
        elif current:
            blocks += _at_indents(current)
            current = []
    return blocks


def _lines_are_paragraphs(lines: Sequence[str]) -> bool:
    """Tell whether each line is a paragraph: there are few blank lines, and long lines of different lengths."""
    filled = [line for line in lines if line]
    if len(filled) < 4:
        return False
    runs = sum(1 for line, after in pairwise(lines) if line and after)
    if runs < 0.5 * len(filled):
        return False
    if max(_width(line) for line in filled) > 1.5 * _MAX_WRAPPED:
        return True
    body = [line for line in filled[:_SAMPLE_LINES] if chapter_line(line) is None] or filled
    ended = sum(bool(_SENTENCE_END.search(line)) for line in body) / len(body)
    indented = sum(line[0] in " \t\u3000" for line in body) / len(body)
    return indented > 0.8 or ended > 0.9


def _at_indents(lines: list[str]) -> list[_TextBlock]:
    """Divide a block where a line is indented and the one before it is not: such paragraphs have no blank lines."""
    starts = [0]
    is_indented = [line[0] in " \t\u3000" for line in lines]
    if not all(is_indented):
        starts += [at for at in range(1, len(lines)) if is_indented[at] and not _BULLET.match(lines[at])]
        starts = [at for at in starts if at == 0 or not is_indented[at - 1] or lines[at][0] == "\u3000"]
    elif all(line[0] == "\u3000" for line in lines):
        starts = list(range(len(lines)))
    return [_TextBlock(tuple(lines[start:stop])) for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _opening(blocks: list[_TextBlock]) -> tuple[str, str, list[_TextBlock]]:
    """Return the title, the author, and the blocks after them."""
    title = author = ""
    rest = list(blocks)
    for lines in [list(block.lines) for block in blocks[:3]]:
        bare = [line.strip(" \t\u3000") for line in lines]
        named = [match for line in bare if (match := _TITLE.fullmatch(line))]
        authors = [match for line in bare if (match := _author(line))]
        if (named or authors) and len(named) + len(authors) == len(bare) and (title or named):
            title = named[0]["title"].strip() if named else title
            author = authors[0]["name"].strip() if authors else author
        elif len(bare) == 2 and not title and authors and authors[0].string == bare[1] and _is_title(bare[0]):
            title, author = bare[0], authors[0]["name"].strip()
        elif len(bare) == 1 and not title and len(rest) > 1 and _is_title(bare[0]):
            title = bare[0]
        else:
            break
        rest.pop(0)
    return title.strip('《》「」『』"“”= '), author, rest


def _author(line: str) -> regex.Match[str] | None:
    """Match a line that names the author; "By the river he sat" does not."""
    match = _AUTHOR.fullmatch(line)
    return match if match and (not match["word"] or _NAME.fullmatch(match["name"])) else None


def _is_title(line: str) -> bool:
    return (
        len(line) <= _MAX_TITLE
        and not is_numbered(line)
        and chapter_line(line) is None
        and not _SENTENCE_END.search(line)
        and not _BREAK.fullmatch(line)
        and not _BULLET.match(line)
        and any(char.isalpha() for char in line)
    )


def _without_contents(
    found: dict[int, ChapterLine], blocks: list[_TextBlock], report: ImportReport
) -> dict[int, ChapterLine]:
    """Leave out a table of contents: chapter lines without text between them that come again below."""
    named = [[_key(line) for line in _chapters_of(block)] for block in blocks]
    last = {key: position for position, keys in enumerate(named) for key in keys}
    listed = []
    for position, (block, keys) in enumerate(zip(blocks, named, strict=True)):
        comes_again = bool(keys) and all(
            any(below > position and key.startswith(other) for other, below in last.items()) for key in keys
        )
        is_list = len(block.lines) > 1 and len(keys) >= max(2, len(block.lines) - 1)
        is_among_others = position + 1 in found or position - 1 in listed
        if comes_again and (is_list or (position in found and is_among_others)):
            listed.append(position)
    if sum(len(blocks[position].lines) for position in listed) < 2:
        return found
    report.lose("table of contents")
    before = listed[0] - 1
    if before >= 0 and _CONTENTS.fullmatch(blocks[before].only):
        listed.append(before)
    for position in listed:
        blocks[position] = _TextBlock(())
    return {position: chapter for position, chapter in found.items() if position not in listed}


def _chapters_of(block: _TextBlock) -> list[str]:
    """Return the lines of a block that name chapters: all of them, but for the heading of a table of contents."""
    return [line for line in map(_without_page, block.lines) if chapter_line(line) is not None]


def _without_page(line: str) -> str:
    """Remove the page number from a line of a table of contents."""
    return _PAGE.sub("", line) if line[-1:].isalnum() and _LEADER.search(line) else line


def _key(line: str) -> str:
    return regex.sub(r"[\W_]+", "", line.casefold())


def _separate_first_lines(
    blocks: list[_TextBlock], found: dict[int, ChapterLine]
) -> tuple[list[_TextBlock], dict[int, ChapterLine]]:
    """Make the first line of a block a block of its own if it is a chapter line, as where no blank line follows it."""
    divided: list[_TextBlock] = []
    chapters: dict[int, ChapterLine] = {}
    for position, block in enumerate(blocks):
        if position in found:
            chapters[len(divided)] = found[position]
            divided.append(block)
            continue
        start = 0
        for at, line in enumerate(block.lines if len(block.lines) > 1 else ()):
            chapter = _chapter_within(block.lines, at)
            if chapter is None:
                continue
            if at > start:
                divided.append(_TextBlock(block.lines[start:at]))
            chapters[len(divided)] = chapter
            divided.append(_TextBlock((line,)))
            start = at + 1
            if start < len(block.lines) and _RULE.fullmatch(block.lines[start]):
                start += 1
        if start < len(block.lines):
            divided.append(_TextBlock(block.lines[start:]))
    return divided, chapters


def _chapter_within(lines: Sequence[str], at: int) -> ChapterLine | None:
    """Return what a line of a block names: a chapter, or any title that a line of signs underlines."""
    is_first = at == 0 or bool(_SENTENCE_END.search(lines[at - 1]))
    found = chapter_line(lines[at]) if is_first else None
    if found is not None and (at == 0 or not found.is_named):
        return found
    rule = lines[at + 1].strip() if at + 1 < len(lines) else ""
    title = lines[at].strip()
    is_underlined = bool(_UNDERLINE.fullmatch(rule)) and abs(len(rule) - len(title)) <= 3
    if is_first and is_underlined and any(char.isalpha() for char in title):
        return ChapterLine(CHAPTER, title, True)
    return None


def _subtitle(blocks: list[_TextBlock], chapters: dict[int, ChapterLine], position: int) -> str:
    """Return the title of a chapter whose line has only its number, if it is the next line."""
    if chapters[position].has_title or chapters[position].is_named or position + 2 >= len(blocks):
        return ""
    following = blocks[position + 1].only
    if not following or position + 1 in chapters or not _is_title(following):
        return ""
    words = following.split()
    titled = sum(word[:1].isupper() or len(word) < 4 for word in words) == len(words) and words[0][:1].isupper()
    return following if following.isupper() or (titled and 1 < len(words) <= 10) else ""


def _is_within_part(position: int, chapters: dict[int, ChapterLine], blocks: list[_TextBlock]) -> bool:
    """Tell whether a prologue or the like belongs to a part: it stands between the part's chapters."""
    before = [chapter for at, chapter in chapters.items() if at < position]
    after = [chapter for at, chapter in chapters.items() if at > position and not chapter.is_named]
    return any(chapter.level == PART for chapter in before) and bool(after) and after[0].level != PART


def _wrapped_width(blocks: Sequence[_TextBlock]) -> int:
    """Return the columns at which the lines of a text were wrapped; 0 if they were not."""
    full = sorted(_width(line) for block in blocks for line in block.lines[:-1])
    if not full:
        return 0
    widest = full[max(0, int(0.95 * len(full)) - 1)]
    middle = full[len(full) // 2]
    return widest if _MIN_WRAPPED <= widest <= _MAX_WRAPPED and middle >= _FULL_SHARE * widest else 0


def _width(line: str) -> int:
    line = line.strip(" \t\u3000")
    return len(line) if line.isascii() else len(line) + len(_CJK.findall(line))


def _paragraphs(block: _TextBlock, width: int) -> str:
    """Return the Markdown of a block: a break, a list, a paragraph, or lines that stay lines."""
    lines = [line.strip(" \t\u3000") for line in block.lines]
    lines = [line for line in lines if line]
    if len(lines) == 1 and _BREAK.fullmatch(lines[0]):
        return "* * *"
    lines = [line for line in lines if not _RULE.fullmatch(line)]
    if not lines:
        return "* * *" if block.lines else ""
    items = [_BULLET.fullmatch(line) for line in lines]
    if len(items) > 1 and all(items) and len({(item["mark"][-1] if item else "") for item in items}) == 1:
        return "\n".join(_item(item) for item in items if item)
    if len(lines) > 1 and not _is_wrapped(lines, width):
        return "\\\n".join(escaped(line) for line in lines)
    return escaped(_joined(lines))


def _item(item: regex.Match[str]) -> str:
    mark = item["mark"] if item["mark"][0].isdigit() else "-"
    return f"{mark} {escaped(item['text'])}"


def _is_wrapped(lines: Sequence[str], width: int) -> bool:
    """Tell whether lines are one paragraph: all but the last are about full."""
    if not width:
        return False
    full = sum(_width(line) >= _FULL_SHARE * width for line in lines[:-1])
    return full >= 0.75 * (len(lines) - 1)


def _joined(lines: Sequence[str]) -> str:
    text = lines[0]
    for line in lines[1:]:
        is_together = (_CJK.match(text[-1:]) and _CJK.match(line[:1])) or regex.search(r"\p{L}[-\u00ad]$", text)
        text = text.rstrip("\u00ad") + ("" if is_together else " ") + line
    return text
