"""Reading of the formats of other programs with pandoc, as Markdown and a report of what Markdown cannot hold."""

from __future__ import annotations

import html
import io
import json
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

import regex

from lwtui.documents.export.export_job import ExportJob, ToolFailed
from lwtui.documents.export.pandoc import pandoc, require_packages, rewrite_zip
from lwtui.documents.export.pictures import picture_kind
from lwtui.documents.importing.imported import ImportedPicture, ImportReport, some
from lwtui.documents.markdown_extensions import escape_brackets
from lwtui.documents.markdown_source import change_pictures, outside_code
from lwtui.documents.plain_text import without_marks
from lwtui.errors import DocumentError
from lwtui.text import one_line
from lwtui.translation import _

# The Markdown that lwtui uses. The filter simplifies what it cannot express.
_TO = (
    "commonmark-raw_html+pipe_tables+strikeout+footnotes+tex_math_dollars+superscript+subscript+definition_lists"
    "+task_lists+attributes"
)
# Extensions of the formats. Styles have the names of headings in other languages; the rest would be raw markup.
_EXTENSIONS = {"docx": "+styles", "latex": "-raw_tex"}
_OPTIONS = {"docx": ("--track-changes=all",)}
_CELL_BREAK, _CAPTION = "\ufdd0", "\ufdd2"  # as in the filter
# A page that shows formulas by a script has them between dollars or in backslashes.
_SHOWS_FORMULAS = regex.compile(rb"(?i)mathjax|katex|class=[\"'][^\"'<>]*\bmath\b")
_FORMULAS_IN_HTML = "+tex_math_dollars+tex_math_single_backslash"
# What pandoc puts between two lists. Before a numbered list or a code block it has to stay, or the two would merge.
_BETWEEN_LISTS = regex.compile(r"(?m)^&nbsp;\n+(?=[-*+] )")
# What the filter counts: what it is called in the report, and whether it is kept.
_KINDS = {
    "subtitle": ("subtitle", True),
    "abstract": ("abstract", True),
    "layout table": ("table of one cell (as text)", True),
    "citation": ("citation (its key)", True),
    "picture": ("picture", False),
    "comment": ("comment", False),
    "deleted": ("tracked deletion", False),
    "inner link": ("target of a link within the text", False),
    "raw": ("piece of raw markup", False),
}
_MAX_ARCHIVE = 300_000_000  # bytes of all unpacked parts of a DOCX that is changed
_MAX_PART = 50_000_000  # bytes of a part of an archive that are searched
_TEXT_IN_XML = regex.compile(rb"<w:t[ >]")
_NO_WIDTH = regex.compile(r"<w:gridCol\s*/>")
# A paragraph of DOCX or ODT ends at the first; the others are white space within one.
_SPACES_IN_XML = regex.compile(
    r"</(?:w:p|p|v|td|th|title|text:p|text:h|w:tc)>|<(?:w:br|w:tab|w:cr|text:tab|text:line-break|text:s)\b[^>]*>"
)
_NO_TEXT_IN_XML = regex.compile(
    r"(?s)<(?P<tag>w:delText|m:oMath|w:instrText|w:pPr|mc:Fallback|office:annotation|text:tracked-changes|wp:posOffset|"
    r"text:table-of-content|text:note-citation|description|binary|stylesheet|wp:align|wp14:\w+)\b[^>]*?(?<!/)>.*?</(?P=tag)>"
)
_ODT_PARAGRAPH = regex.compile(
    r"(?s)<text:(?:p|h)\b[^>]*\btext:style-name=\"([^\"]+)\"[^>]*(?<!/)>(.*?)</text:(?:p|h)>"
)
_ODT_META_TITLE = regex.compile(r"<dc:title>(?P<title>[^<]*)</dc:title>")
_TITLE_STYLE = regex.compile(
    r"<style:style\b(?=[^>]*\bstyle:parent-style-name=\"Title\")[^>]*\bstyle:name=\"([^\"]+)\""
)
_BOUNDED = regex.compile(rb"\\pandocbounded\{(\\includegraphics(?:\[[^\[\]]*\])?\{[^{}]*\})\}")
# Without a language, two code blocks in a row would be indented and become one.
_NO_LANGUAGE = regex.compile(r"(?m)^((?:[ \t]|>)*(?:`{3,}|~{3,})) ?lwtui-none$")
# Links within a DOCX or ODT, the bookmarks that they lead to, and the paragraphs that have these.
_ANCHORS = {
    "docx": (
        regex.compile(r"<w:hyperlink\b[^>]*w:anchor=\"([^\"]+)\""),
        regex.compile(r"<w:bookmarkStart\b[^>]*w:name=\"([^\"]+)\""),
        regex.compile(r"(?s)(?:<w:bookmarkStart\b[^>]*>\s*)*<w:p[ >].*?</w:p>"),
    ),
    "odt": (
        regex.compile(r"<text:a\b[^>]*xlink:href=\"#([^\"]+)\""),
        regex.compile(r"<text:bookmark(?:-start)?\b[^>]*text:name=\"([^\"]+)\""),
        regex.compile(r"(?s)<text:h\b[^>]*>.*?</text:h>"),
    ),
}
_TIGHT_LIST = regex.compile(rb"(?m)^[ \t]*\\tightlist[ \t]*$")
_FORMULA_NAME = regex.compile(r'(<draw:object\b[^>]*xlink:href=")(?:\./)?([^"/]+)/(")')
_FB2_TABLE = regex.compile(rb"(?s)<table\b[^>]*>.*?</table>")
_TYPST_INCLUDE = regex.compile(rb"#include[ \t]*\"([^\"\n]*)\"")
_MAX_PROBLEM = 150  # characters of what pandoc says
_TAG = regex.compile(r"<[^>]*>")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]*\p{L}[\p{L}\p{M}\p{N}]*")
_MARKS = regex.compile(r"[\\*_~^`\u00ad]")
_BODIES = {"docx": "word/document.xml", "odt": "content.xml"}
# What a damaged archive raises. Whether the file can be read, pandoc says.
_DAMAGED = (BadZipFile, KeyError, OSError, EOFError, RuntimeError, NotImplementedError, zlib.error)
_OBJECTS = (
    (regex.compile(r"<c:chart\b"), "chart"),
    (regex.compile(r"<dgm:relIds\b"), "diagram"),
    (regex.compile(r"<o:OLEObject\b"), "embedded object"),
    (regex.compile(r"<draw:object\b"), "embedded object"),  # in ODT, also a formula
    (regex.compile(r"<office:annotation\b"), "comment"),
    (regex.compile(r"<text:deletion\b"), "tracked deletion"),
)
# Messages of pandoc about what it did not read, and commands of LaTeX that only lay out pages.
_INCLUDES = {"CouldNotLoadIncludeFile", "CircularReference"}
_SKIPPED = {"SkippedContent", "IgnoredElement", "UnsupportedCodePage"}
_LAYOUT = regex.compile(
    r"</?\w[^>]*>|\\(?:maketitle|tableofcontents|listof\w+|(?:new|clear|clearempty)?(?:double)?page\w*|(?:no)?indent|centering|"
    r"[vh]space.*|(?:big|med|small)skip|[vh]fill?|label.*|frontmatter|mainmatter|backmatter|appendix|raggedright|"
    r"(?:this)?pagestyle.*|set(?:length|counter).*|(?:begin|end)\{(?:document|center|figure|table)\}.*|index.*|"
    r"bibliographystyle.*|(?:no)?pagebreak.*|par|clearpage|protect|null|phantomsection|addcontentsline.*)"
)
_BEGIN = regex.compile(rb"\\begin\{document\}")


@dataclass(frozen=True)
class PandocText:
    """What pandoc read from a file.

    Attributes:
        title: The title, or empty.
        author: The author or authors, or empty.
        text: The text as Markdown.
        date: The date that the file names, or empty.
        pictures: The pictures of the file; the text names them by their addresses.
    """

    title: str
    author: str
    text: str
    date: str = ""
    pictures: tuple[ImportedPicture, ...] = ()


def read_with_pandoc(source: Path, data: bytes, reader: str, report: ImportReport) -> PandocText:
    """Read a file with pandoc, in its sandbox: it opens no other file and no address.

    Args:
        source: The file, for messages.
        data: Its bytes, which are UTF-8 if the format is one of text.
        reader: Pandoc's name for the format.
        report: Where to count what is kept and what is lost.

    Raises:
        DocumentError: The file cannot be read.
        LwtuiError: A package is missing; the message says what to install.
    """
    require_packages(_("Reading {name}", name=source.name), "pypandoc")
    body = _body(data, reader)
    script = (files("lwtui.documents.importing") / "import_filter.lua").read_text(encoding="utf-8")
    with TemporaryDirectory(prefix="lwtui-") as made:
        folder = Path(made)
        (folder / "in").write_bytes(_prepared(data, body, reader, report))
        (folder / "media").mkdir()
        if reader in _ANCHORS:
            (folder / "anchors.json").write_text(json.dumps(_anchors(body, reader)), encoding="utf-8")
        (folder / "filter.lua").write_text(script, encoding="utf-8")
        command = [*pandoc(), f"--from={reader}{_extensions(reader, data)}", f"--to={_TO}", "--wrap=none"]
        command += [*_OPTIONS.get(reader, ()), f"--metadata=lwtui-reader:{reader}", "--lua-filter=filter.lua"]
        command += ["--log=log.json", "--output=out.md", "in"]
        try:
            ExportJob().run(command, folder, "pandoc")
        except ToolFailed as error:
            raise DocumentError(
                _(
                    "{source} is not a valid {format} file, or has what pandoc cannot read ({problem}). Save it "
                    "again or "
                    "in another format.",
                    source=source,
                    format=_name(reader),
                    problem=error.problem[:_MAX_PROBLEM],
                ),
                code=f"not-{reader}",
            ) from None
        text = (folder / "out.md").read_text(encoding="utf-8")
        found = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
        pictures, text = _pictures(folder / "media", text, report)
        begin = _BEGIN.search(data) if reader == "latex" else None
        first_line = data.count(b"\n", 0, begin.start()) + 1 if begin else 0
        _report_log(json.loads((folder / "log.json").read_text(encoding="utf-8")), first_line, report)
    _report_counts(dict(found["counts"]), report)  # without any, it is an empty list
    if reader in _BODIES:
        _report_parts(data, body, dict(found["counts"]).get("formula", 0), report)
    if body:
        _report_missing(body, " ".join((text, found["title"], found["author"], found["date"])), report)
    if date := one_line(found["date"]):
        report.lose("date")
        report.remark(_("The date “{date}” was left out: an export has its own.", date=date))
    text = _NO_LANGUAGE.sub(r"\1", text)
    if "\\[" in text:  # pandoc writes formulas between dollars, and brackets so
        text = outside_code(text, escape_brackets, formulas=True)
    text = _BETWEEN_LISTS.sub("", text).replace(_CELL_BREAK, "<br>").replace(f"{_CAPTION}", ": ")
    title = one_line(found["title"])
    if reader == "odt" and not title:
        title, text = _odt_title(data, body, text)
    return PandocText(title, one_line(found["author"]), text, date, pictures)


def _extensions(reader: str, data: bytes) -> str:
    if reader == "html" and _SHOWS_FORMULAS.search(data):
        return _FORMULAS_IN_HTML
    return _EXTENSIONS.get(reader, "")


def _pictures(folder: Path, text: str, report: ImportReport) -> tuple[tuple[ImportedPicture, ...], str]:
    """Return the pictures that the filter wrote, and the text without those that are none."""
    pictures = []
    unusable = set()
    for number in range(1, len(list(folder.iterdir())) + 1):
        data, address = (folder / str(number)).read_bytes(), f"lwtui-media/{number}"
        if kind := picture_kind(data):
            pictures.append(ImportedPicture(address, kind, data))
        else:
            unusable.add(address)

    def without_unusable(picture: regex.Match[str]) -> str:
        if picture["address"] not in unusable or not picture["rest"]:
            return picture[0]
        report.lose("picture")
        return str(picture["caption"])

    if unusable:
        text = change_pictures(text, without_unusable)
    if pictures:
        report.keep("picture", len(pictures))
    return tuple(pictures), text


def _name(reader: str) -> str:
    return {"html": "HTML", "latex": "LaTeX", "org": "Org", "asciidoc": "AsciiDoc", "typst": "Typst"}.get(
        reader, reader.upper()
    )


def _report_counts(counts: Mapping[str, int], report: ImportReport) -> None:
    for name, number in counts.items():
        if name not in _KINDS:
            continue
        kind, is_kept = _KINDS[name]
        (report.keep if is_kept else report.lose)(kind, number)
    if "picture" in counts:
        report.remark(_("Captions of pictures that are left out are kept as text."))
    if "merged table" in counts:
        report.remark(_("Merged cells of tables are divided: their text is in the first of them."))
    if "deleted" in counts:
        report.remark(_("Tracked insertions are part of the text."))


def _report_log(messages: list[dict[str, Any]], first_line: int, report: ImportReport) -> None:
    """Report what pandoc says it did not read. In LaTeX, the text begins at ``first_line``."""
    messages = [message for message in messages if int(message.get("line") or first_line) >= first_line]
    includes = [_detail(message) for message in messages if message.get("type") in _INCLUDES]
    skipped = [_detail(message) for message in messages if message.get("type") in _SKIPPED]
    skipped = [detail for detail in skipped if not _LAYOUT.fullmatch(detail)]
    if includes:
        report.lose("included file", len(includes))
        report.remark(
            _("Included files are not read: {names}. Import them too, or put them into the file.", names=some(includes))
        )
    if skipped:
        report.lose("unread element", len(skipped))
        report.remark(_("Pandoc does not read: {names}.", names=some(skipped)))


def _detail(message: Mapping[str, Any]) -> str:
    value = message.get("path") or message.get("contents") or message.get("message") or message.get("type")
    return one_line(str(value))[:40]


def _report_parts(data: bytes, body: str, formulas: int, report: ImportReport) -> None:
    """Count what stands in other parts of a DOCX or ODT, or is no text."""
    for name, part in _parts(data, r"word/(?:header|footer)\d*\.xml"):
        if _has_text(part):
            report.lose("header of the pages" if "header" in name else "footer of the pages")
    for pattern, kind in _OBJECTS:
        number = len(pattern.findall(body))
        if pattern.pattern.startswith("<draw:object"):
            number = max(0, number - formulas)
        if number:
            report.lose(kind, number)


def _report_missing(xml: str, text: str, report: ImportReport) -> None:
    if missing := _missing_words(xml, text):
        report.lose("word", len(missing))
        report.remark(_("Words of the file that are not in the document: {names}.", names=some(missing)))


def _prepared(data: bytes, body: str, reader: str, report: ImportReport) -> bytes:
    """Change what pandoc would drop, such as columns of a DOCX, footnotes of an RTF and tables of an FB2."""
    match reader:
        case "docx":
            # Pandoc drops columns without a width.
            return _with_changed_body(data, body, reader, _NO_WIDTH, '<w:gridCol w:w="1000"/>')
        case "odt":
            # The names of formulas as LibreOffice has them: pandoc does not find those that it wrote itself.
            return _with_changed_body(data, body, reader, _FORMULA_NAME, r"\1./\2\3")
        case "latex":
            # Pandoc writes both, but where it reads them it loses terms of lists and pictures.
            return _BOUNDED.sub(rb"\1", _TIGHT_LIST.sub(b"", data))
        case "rtf":
            return data.replace(rb"{\*\footnote", rb"{\footnote")  # LibreOffice marks them as optional
        case "fb2":
            return _FB2_TABLE.sub(lambda match: _lines_of_table(match[0], report), data)
        case "typst":
            includes = [path.decode("utf-8", "replace") for path in _TYPST_INCLUDE.findall(data)]
            if includes:
                report.lose("included file", len(includes))
                report.remark(_("Included files are not read: {names}. Import them too.", names=some(includes)))
            return _TYPST_INCLUDE.sub(b"", data)
    return data


def _lines_of_table(table: bytes, report: ImportReport) -> bytes:
    report.keep("table (as lines)")
    rows = regex.findall(rb"(?s)<tr\b[^>]*>(.*?)</tr>", table)
    cells = [regex.findall(rb"(?s)<t[hd]\b[^>]*>(.*?)</t[hd]>", row) for row in rows]
    return b"".join(b"<p>" + b" | ".join(row) + b"</p>" for row in cells)


def _anchors(body: str, reader: str) -> dict[str, str]:
    """Return the texts of the paragraphs in a DOCX or ODT that links lead to, by the names of their bookmarks."""
    link, bookmark, paragraph = _ANCHORS[reader]
    linked = set(link.findall(body))
    anchors = {}
    for source in paragraph.findall(body) if linked else ():
        for name in linked.intersection(bookmark.findall(source)):
            anchors[name] = one_line(html.unescape(_TAG.sub("", source)))
    return anchors


def _missing_words(xml: str, text: str) -> list[str]:
    """Return the words of a DOCX or ODT that occur nowhere in what was read."""
    bare = html.unescape(_TAG.sub("", _SPACES_IN_XML.sub(" ", _NO_TEXT_IN_XML.sub(" ", xml))))
    read = set(_words(text))
    return [word for word in dict.fromkeys(_words(bare)) if word not in read]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", _MARKS.sub("", text)).casefold())


def _odt_title(data: bytes, body: str, text: str) -> tuple[str, str]:
    """Return the title of an ODT, which pandoc takes for text, and the text without it."""
    names = {"Title", *_TITLE_STYLE.findall(body)}
    for name, inner in _ODT_PARAGRAPH.findall(body):
        title = one_line(html.unescape(_TAG.sub("", _SPACES_IN_XML.sub(" ", inner))))
        if name in names and title:
            first, _space, rest = text.lstrip().partition("\n\n")
            is_first = one_line(without_marks(first)) == title
            return title, rest if is_first else text
    named = _ODT_META_TITLE.search(_part(data, "meta.xml"))
    return (one_line(html.unescape(named["title"])) if named else ""), text


def _with_changed_body(data: bytes, body: str, reader: str, pattern: regex.Pattern[str], replacement: str) -> bytes:
    """Replace what a pattern finds in the text of a DOCX or ODT, unless its archive is too large."""
    if not pattern.search(body):
        return data
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_ARCHIVE:
                return data
        return rewrite_zip(data, {_BODIES[reader]: lambda xml: pattern.sub(replacement, xml)}, {})
    except (*_DAMAGED, UnicodeDecodeError):
        return data


def _body(data: bytes, reader: str) -> str:
    """Return the text of a DOCX, ODT or FB2 as XML; nothing for other formats, and for a damaged file."""
    if reader == "fb2":
        return data.decode("utf-8", "replace")
    return _part(data, _BODIES[reader]) if reader in _BODIES else ""


def _part(data: bytes, name: str) -> str:
    return next((part.decode("utf-8", "replace") for _name, part in _parts(data, regex.escape(name))), "")


def _parts(data: bytes, names: str) -> Iterator[tuple[str, bytes]]:
    """Generate the parts of an archive whose names match a pattern, as far as they are searched."""
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                if regex.fullmatch(names, name):
                    with archive.open(name) as part:
                        yield name, part.read(_MAX_PART)
    except _DAMAGED:
        return


def _has_text(part: bytes) -> bool:
    # A footer that holds only the number of the page is not missed.
    numbers = regex.compile(rb"(?s)<w:fldChar[^>]*\"begin\".*?\"end\"|<w:fldSimple\b.*?</w:fldSimple>")
    return bool(_TEXT_IN_XML.search(numbers.sub(b"", part)))
