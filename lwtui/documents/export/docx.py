"""DOCX export: pandoc's DOCX with a title page, a table of contents that is filled in, and page numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

import regex

from lwtui.documents.export.docx_styles import with_look
from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.pandoc import convert, rewrite_zip, with_date
from lwtui.documents.export.pandoc_tree import book_tree
from lwtui.documents.export.prepared import prepare
from lwtui.documents.export.translations import contents_title
from lwtui.translation import _

_PAGE_BREAK = '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
_SPACE_ABOVE_TITLE = 4_800  # on the title page, in twentieths of a point
_CONTENTS_DEPTH = 3
# Width, height and margin in twentieths of a point.
_PAPERS = {"a4": (11_906, 16_838, 1_440), "letter": (12_240, 15_840, 1_440), "a5": (8_391, 11_906, 1_020)}
_FOOTER_ID = "lwtuiFooter"
_PREFIX = "http://schemas.openxmlformats.org/"
_DOCUMENT = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<w:document xmlns:w="{_PREFIX}wordprocessingml/2006/main" \
xmlns:m="{_PREFIX}officeDocument/2006/math" \
xmlns:r="{_PREFIX}officeDocument/2006/relationships" \
xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:v="urn:schemas-microsoft-com:vml" \
xmlns:w10="urn:schemas-microsoft-com:office:word" \
xmlns:a="{_PREFIX}drawingml/2006/main" \
xmlns:pic="{_PREFIX}drawingml/2006/picture" \
xmlns:wp="{_PREFIX}drawingml/2006/wordprocessingDrawing">
<w:body>
OPENING
$body$
SECTION
</w:body>
</w:document>
"""
_SECTION = f"""\
<w:sectPr>
<w:footerReference w:type="default" r:id="{_FOOTER_ID}"/>
<w:pgSz PAPER/>
<w:pgMar w:top="MARGIN" w:right="MARGIN" w:bottom="MARGIN" w:left="MARGIN" w:header="720" w:footer="720" w:gutter="0"/>
FIRST_PAGE
</w:sectPr>
"""
_FOOTER = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<w:ftr xmlns:w="{_PREFIX}wordprocessingml/2006/main"><w:p><w:pPr><w:jc w:val="center"/></w:pPr>\
<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> PAGE </w:instrText></w:r>\
<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>1</w:t></w:r>\
<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p></w:ftr>
"""
_FOOTER_RELATIONSHIP = (
    f'<Relationship Id="{_FOOTER_ID}" Type="{_PREFIX}officeDocument/2006/relationships/footer" Target="footer1.xml"/>'
)
_FOOTER_CONTENT_TYPE = (
    '<Override PartName="/word/footer1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml"/>'
)
_HEADING_STYLE = regex.compile(r'(?s)(<w:style [^>]*w:styleId="Heading1".*?<w:keepLines ?/>)')


def docx(book: Manuscript, job: ExportJob) -> bytes:
    """Export a manuscript to DOCX, and return the bytes of the file.

    Raises:
        LwtuiError: The export failed or was stopped.
    """
    opening = "\n".join(_opening(book)).replace("$", "$$")
    for name in ("title", "author", "date"):
        opening = opening.replace(f"@{name}@", f"${name}$")
    width, height, margin = _PAPERS[book.paper]
    section = _SECTION.replace("FIRST_PAGE", "<w:titlePg/>" if book.title_page else "")
    section = section.replace("PAPER", f'w:w="{width}" w:h="{height}"').replace("MARGIN", str(margin))
    reference = book.style.reference
    template = _DOCUMENT.replace("SECTION", "$sectpr$" if reference else section)  # its pages have its own footers
    template = template.replace("OPENING", opening)  # last, because it contains the user's words
    job.step(_("Reading the text"))
    tree = book_tree(book, prepare(book, 0, "docx", job))
    files: dict[str, str | bytes] = {"template": template}
    options = ["--template=template"]
    if reference:
        files["reference.docx"] = reference
        options.append("--reference-doc=reference.docx")
    archive = convert(tree, "docx", options, job, files)
    job.check()
    if reference:
        return rewrite_zip(
            archive,
            {"docProps/core.xml": lambda xml: with_date(xml, book), "word/styles.xml": lambda xml: _listed(xml, book)},
            {},
        )
    changes: dict[str, Callable[[str], str]] = {
        "[Content_Types].xml": lambda xml: xml.replace("</Types>", f"{_FOOTER_CONTENT_TYPE}</Types>"),
        "word/_rels/document.xml.rels": lambda xml: xml.replace(
            "</Relationships>", f"{_FOOTER_RELATIONSHIP}</Relationships>"
        ),
        "word/styles.xml": lambda xml: _styled(xml, book),
        "docProps/core.xml": lambda xml: with_date(xml, book),
    }
    return rewrite_zip(archive, changes, {"word/footer1.xml": _FOOTER})


def _opening(book: Manuscript) -> Iterator[str]:
    """Generate the XML before the text. Pandoc fills in the title, author and date."""
    before = f'<w:spacing w:before="{_SPACE_ABOVE_TITLE}"/>' if book.title_page else ""
    yield f'<w:p><w:pPr><w:pStyle w:val="Title"/>{before}</w:pPr>@title@</w:p>'
    if book.title_page or book.signed:
        for name, value in (("author", book.author), ("date", book.date)):
            if value:
                yield f'<w:p><w:pPr><w:pStyle w:val="{name.capitalize()}"/></w:pPr>@{name}@</w:p>'
    if book.lists_contents:
        yield from _contents(book)
    starts_page = book.chapters_on_new_pages and book.parts[0].title and book.parts[0].level == 1
    if book.title_page and not starts_page:
        yield _PAGE_BREAK


def _contents(book: Manuscript) -> Iterator[str]:
    """Generate a table of contents with links. Word adds the page numbers when it updates the table."""
    entries = [(name, part) for name, part in book.headings if part.level <= _CONTENTS_DEPTH]
    begin = (
        '<w:r><w:fldChar w:fldCharType="begin" w:dirty="true"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> TOC \\o "1-{_CONTENTS_DEPTH}" \\h \\z \\u </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    yield '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/><w:docPartUnique/></w:docPartObj>'
    new_page = "1" if book.title_page else "0"
    yield (
        f'</w:sdtPr><w:sdtContent><w:p><w:pPr><w:pStyle w:val="TOCHeading"/><w:pageBreakBefore w:val="{new_page}"/>'
        f'</w:pPr><w:r><w:t xml:space="preserve">{escape(contents_title(book.language))}</w:t></w:r></w:p>'
    )
    for at, (name, part) in enumerate(entries):
        link = (
            f"<w:hyperlink w:anchor={quoteattr(name)}><w:r>"
            f'<w:t xml:space="preserve">{_escaped_title(part.title)}</w:t></w:r></w:hyperlink>'
        )
        first, last = begin if at == 0 else "", end if at == len(entries) - 1 else ""
        yield f'<w:p><w:pPr><w:pStyle w:val="TOC{part.level}"/></w:pPr>{first}{link}{last}</w:p>'
    yield "</w:sdtContent></w:sdt>"


def _escaped_title(title: str) -> str:
    """Escape a title for XML, and so that it contains none of the placeholders that pandoc fills in."""
    return escape(title).replace("@", "&#64;")


def _styled(styles: str, book: Manuscript) -> str:
    """Give pandoc's styles lwtui's look, and if chapters start on new pages, their headings a page break."""
    styles = with_look(styles)
    if book.chapters_on_new_pages:
        styles = _HEADING_STYLE.sub(r"\1<w:pageBreakBefore/>", styles, count=1)
    return _listed(styles, book)


def _listed(styles: str, book: Manuscript) -> str:
    """Add the styles of the table of contents, unless they are there."""
    width, _height, margin = _PAPERS[book.paper]
    tab = width - 2 * margin
    levels = "".join(
        f'<w:style w:type="paragraph" w:styleId="TOC{level}"><w:name w:val="toc {level}"/><w:basedOn w:val="Normal"/>'
        '<w:next w:val="Normal"/><w:uiPriority w:val="39"/><w:unhideWhenUsed/>'
        f'<w:pPr><w:tabs><w:tab w:val="right" w:leader="dot" w:pos="{tab}"/></w:tabs>'
        f'<w:spacing w:after="100"/><w:ind w:left="{240 * (level - 1)}"/></w:pPr></w:style>'
        for level in range(1, _CONTENTS_DEPTH + 1)
        if f'w:styleId="TOC{level}"' not in styles
    )
    return styles.replace("</w:styles>", f"{levels}</w:styles>")
