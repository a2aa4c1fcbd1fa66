"""ODT export: pandoc's ODT with a title page, a table of contents that is filled in, page size and page numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

import regex

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.pandoc import convert, rewrite_zip, with_date
from lwtui.documents.export.pandoc_tree import book_tree
from lwtui.documents.export.prepared import prepare
from lwtui.documents.export.translations import contents_title
from lwtui.translation import _

_CONTENTS_DEPTH = 3
# Width, height and margin in centimeters.
_PAPERS = {"a4": (21.0, 29.7, 2.5), "letter": (21.59, 27.94, 2.54), "a5": (14.8, 21.0, 1.8)}
_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_SHORT_NAMES = ("office", "style", "text", "table", "meta")
_COMPATIBLE = {"fo": "xsl-fo-compatible", "svg": "svg-compatible"}
_NAMESPACES = " ".join(
    [f'xmlns:{name}="{_OASIS}{name}:1.0"' for name in _SHORT_NAMES]
    + [f'xmlns:draw="{_OASIS}drawing:1.0"', f'xmlns:number="{_OASIS}datastyle:1.0"']
    + [f'xmlns:{name}="{_OASIS}{full}:1.0"' for name, full in _COMPATIBLE.items()]
    + ['xmlns:xlink="http://www.w3.org/1999/xlink"', 'xmlns:math="http://www.w3.org/1998/Math/MathML"']
)
_DOCUMENT = f"""\
<?xml version="1.0" encoding="utf-8" ?>
<office:document-content {_NAMESPACES} office:version="1.3">
<office:automatic-styles>
<style:style style:name="LwtuiOnTitlePage" style:family="paragraph" style:parent-style-name="Title">\
<style:paragraph-properties fo:margin-top="8cm"/></style:style>
<style:style style:name="LwtuiNewPage" style:family="paragraph" style:parent-style-name="Standard">\
<style:paragraph-properties fo:break-before="page"/></style:style>
<style:style style:name="LwtuiContentsPage" style:family="paragraph" style:parent-style-name="Contents_20_Heading">\
<style:paragraph-properties fo:break-before="page"/></style:style>
$automatic-styles$
</office:automatic-styles>
<office:body><office:text>
OPENING
$body$
</office:text></office:body>
</office:document-content>
"""
# lwtui's own look, in place of that of pandoc's reference document: what replaces the properties of a style.
_TEXT_FONT, _HEADING_COLOR, _QUIET = "Liberation Serif", "#1f2d3d", "#555555"
_STYLES = {
    "Standard": f'<style:text-properties style:font-name="{_TEXT_FONT}" fo:font-size="11pt"/>',
    "Text_20_body": '<style:paragraph-properties fo:margin-top="0cm" fo:margin-bottom="0.22cm" fo:line-height="125%"/>',
    "Heading": '<style:paragraph-properties fo:keep-with-next="always" fo:margin-top="0.7cm"'
    ' fo:margin-bottom="0.25cm"/>'
    f'<style:text-properties fo:color="{_HEADING_COLOR}" fo:font-weight="bold"/>',
    "Heading_20_1": '<style:text-properties fo:font-size="17pt" fo:font-weight="bold"/>',
    "Heading_20_2": '<style:text-properties fo:font-size="14pt" fo:font-style="normal" fo:font-weight="bold"/>',
    "Heading_20_3": '<style:text-properties fo:font-size="12pt" fo:font-weight="bold"/>',
    "Caption": '<style:paragraph-properties fo:margin-top="0.15cm" fo:margin-bottom="0.3cm" fo:text-align="center"/>'
    f'<style:text-properties fo:font-size="10pt" fo:color="{_QUIET}"/>',
    "Figure": '<style:paragraph-properties fo:text-align="center" fo:margin-top="0.3cm"/>',
    "Preformatted_20_Text": '<style:paragraph-properties fo:margin-top="0cm" fo:margin-bottom="0cm"'
    ' fo:background-color="#f5f5f5" fo:padding="0.1cm"/><style:text-properties style:font-name="Courier New"'
    ' fo:font-size="9.5pt"/>',
    "Table_20_Heading": '<style:text-properties fo:font-weight="bold" fo:font-size="10pt"/>',
    "Table_20_Contents": '<style:text-properties fo:font-size="10pt"/>',
    "Footnote": '<style:text-properties fo:font-size="9pt"/>',
}
_ADDED_STYLES = {
    "Title": '<style:style style:name="Title" style:family="paragraph" style:parent-style-name="Standard">'
    '<style:paragraph-properties fo:text-align="center" fo:margin-bottom="0.8cm"/>'
    f'<style:text-properties fo:font-size="26pt" fo:font-weight="bold" fo:color="{_HEADING_COLOR}"/></style:style>',
    "Contents_20_Heading": '<style:style style:name="Contents_20_Heading" style:display-name="Contents Heading"'
    ' style:family="paragraph" style:parent-style-name="Heading"><style:text-properties fo:font-size="17pt"'
    ' fo:font-weight="bold"/></style:style>',
}
_LEVEL_STYLE = (
    '<style:style style:name="Contents_20_{level}" style:display-name="Contents {level}" style:family="paragraph"'
    ' style:parent-style-name="Standard"><style:paragraph-properties fo:margin-left="{indent}cm"'
    ' fo:margin-bottom="0.1cm">'
    '<style:tab-stops><style:tab-stop style:position="{tab}cm" style:type="right" style:leader-style="dotted"'
    ' style:leader-text="."/></style:tab-stops></style:paragraph-properties></style:style>'
)
_PAGE_LAYOUT = regex.compile(r"<style:page-layout-properties\b[^>]*>")
_CELL = regex.compile(
    r'(?s)(<style:style style:name="(Table(?:Header)?RowCell)" style:family="table-cell">\s*)'
    r'<style:table-cell-properties fo:border="none" />'
)


def odt(book: Manuscript, job: ExportJob) -> bytes:
    """Export a manuscript to ODT, and return the bytes of the file.

    Raises:
        LwtuiError: The export failed or was stopped.
    """
    job.step(_("Reading the text"))
    tree = book_tree(book, prepare(book, 0, "odt", job))
    # Last, because it contains the user's words.
    template = _DOCUMENT.replace("OPENING", "\n".join(_opening(book)).replace("$", "$$"))
    files: dict[str, str | bytes] = {"template": template}
    options = ["--template=template"]
    if book.style.reference:
        files["reference.odt"] = book.style.reference
        options.append("--reference-doc=reference.odt")
    archive = convert(tree, "odt", options, job, files)
    job.check()
    changes: dict[str, Callable[[str], str]] = {
        "meta.xml": lambda xml: with_date(xml, book),
        "styles.xml": lambda xml: _with_contents(xml if book.style.reference else _styled(xml, book), book),
        "content.xml": _with_rules,
    }
    return rewrite_zip(archive, changes, {})


def _opening(book: Manuscript) -> Iterator[str]:
    """Generate the XML before the text."""
    style = "LwtuiOnTitlePage" if book.title_page else "Title"
    yield f'<text:p text:style-name="{style}">{escape(book.title)}</text:p>'
    if book.title_page or book.signed:
        for name, value in (("Author", book.author), ("Date", book.date)):
            if value:
                yield f'<text:p text:style-name="{name}">{escape(value)}</text:p>'
    if book.lists_contents:
        yield from _contents(book)
    if book.title_page:
        yield '<text:p text:style-name="LwtuiNewPage"/>'


def _contents(book: Manuscript) -> Iterator[str]:
    """Generate a table of contents with links. The word processor adds page numbers when it updates the table."""
    title = escape(contents_title(book.language))
    yield '<text:table-of-content text:name="Contents" text:protected="true">'
    yield f'<text:table-of-content-source text:outline-level="{_CONTENTS_DEPTH}">'
    yield f'<text:index-title-template text:style-name="Contents_20_Heading">{title}</text:index-title-template>'
    for level in range(1, _CONTENTS_DEPTH + 1):
        yield (
            f'<text:table-of-content-entry-template text:outline-level="{level}" text:style-name="Contents_20_{level}">'
            "<text:index-entry-link-start/><text:index-entry-text/>"
            '<text:index-entry-tab-stop style:type="right" style:leader-char="."/><text:index-entry-page-number/>'
            "<text:index-entry-link-end/></text:table-of-content-entry-template>"
        )
    heading = "LwtuiContentsPage" if book.title_page else "Contents_20_Heading"
    yield "</text:table-of-content-source><text:index-body>"
    yield (
        '<text:index-title text:name="Contents_Head">'
        f'<text:p text:style-name="{heading}">{title}</text:p></text:index-title>'
    )
    for name, part in book.headings:
        if part.level <= _CONTENTS_DEPTH:
            yield (
                f'<text:p text:style-name="Contents_20_{part.level}">'
                f'<text:a xlink:type="simple" xlink:href={quoteattr("#" + name)}>{escape(part.title)}</text:a></text:p>'
            )
    yield "</text:index-body></text:table-of-content>"


def _styled(styles: str, book: Manuscript) -> str:
    """Give pandoc's styles lwtui's look and the size of the paper."""
    for name, properties in _STYLES.items():
        style = regex.compile(
            rf'(<style:style\b[^>]*style:name="{name}"[^>]*?)(?:/>|>(?:(?!</style:style>)[\s\S])*</style:style>)'
        )
        styles = style.sub(lambda match, inner=properties: f"{match[1]}>{inner}</style:style>", styles, count=1)
    styles = styles.replace(
        "</office:font-face-decls>",
        f'<style:font-face style:name="{_TEXT_FONT}" svg:font-family="\'{_TEXT_FONT}\'"'
        ' style:font-family-generic="roman"/></office:font-face-decls>',
    )
    width, height, margin = _PAPERS[book.paper]
    sides = " ".join(f'fo:margin-{side}="{margin}cm"' for side in ("top", "bottom", "left", "right"))
    layout = (
        f'<style:page-layout-properties style:num-format="1" style:print-orientation="portrait" {sides}'
        f' fo:page-width="{width}cm" fo:page-height="{height}cm">'
    )
    styles = _PAGE_LAYOUT.sub(layout, styles, count=1)
    if book.chapters_on_new_pages:
        styles = regex.sub(
            r'(style:name="Heading_20_1"[^>]*>)',
            r'\1<style:paragraph-properties fo:break-before="page"/>',
            styles,
            count=1,
        )
    return styles


def _with_contents(styles: str, book: Manuscript) -> str:
    """Add the styles of the title and of the table of contents, unless they are there."""
    width, _height, margin = _PAPERS[book.paper]
    added = [style for name, style in _ADDED_STYLES.items() if f'style:name="{name}"' not in styles]
    added += [
        _LEVEL_STYLE.format(level=level, indent=0.6 * (level - 1), tab=width - 2 * margin)
        for level in range(1, _CONTENTS_DEPTH + 1)
        if f'style:name="Contents_20_{level}"' not in styles
    ]
    return styles.replace("</office:styles>", f"{''.join(added)}</office:styles>", 1)


def _with_rules(content: str) -> str:
    """Give the rows of tables thin rules."""

    def ruled(match: regex.Match[str]) -> str:
        line = "0.8pt solid #333333" if match[2] == "TableHeaderRowCell" else "0.3pt solid #aaaaaa"
        return f'{match[1]}<style:table-cell-properties fo:border="none" fo:border-bottom="{line}" fo:padding="0.1cm"/>'

    return str(_CELL.sub(ruled, content))
