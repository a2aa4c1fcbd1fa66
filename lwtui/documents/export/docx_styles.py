"""lwtui's own look of a DOCX, in place of that of pandoc's reference document."""

from __future__ import annotations

import regex

_COLOR, _QUIET = "1F2D3D", "555555"


def _size(points: float) -> str:
    return f'<w:sz w:val="{points * 2:.0f}"/><w:szCs w:val="{points * 2:.0f}"/>'


def _spacing(before: int, after: int, line: int = 0) -> str:
    height = f' w:line="{line}" w:lineRule="auto"' if line else ""
    return f'<w:spacing w:before="{before}" w:after="{after}"{height}/>'


def _heading(level: int, points: float, before: int) -> tuple[str, str]:
    return (
        f'<w:keepNext/><w:keepLines/>{_spacing(before, 120)}<w:outlineLvl w:val="{level - 1}"/>',
        f'<w:rFonts w:asciiTheme="majorHAnsi" w:eastAsiaTheme="majorEastAsia" w:hAnsiTheme="majorHAnsi"'
        f' w:cstheme="majorBidi"/><w:b/><w:bCs/><w:color w:val="{_COLOR}"/>{_size(points)}',
    )


# The properties of paragraphs and of their characters, by the identifier of the style; empty: as they are.
_PARAGRAPHS: dict[str, tuple[str, str]] = {
    "Normal": ("", _size(11)),
    "BodyText": (_spacing(0, 140, 288), ""),
    "Compact": (_spacing(20, 20, 264), ""),
    "Title": (
        f'{_spacing(0, 240)}<w:contextualSpacing/><w:jc w:val="center"/>',
        '<w:rFonts w:asciiTheme="majorHAnsi" w:eastAsiaTheme="majorEastAsia" w:hAnsiTheme="majorHAnsi"'
        f' w:cstheme="majorBidi"/><w:b/><w:bCs/><w:color w:val="{_COLOR}"/>{_size(28)}',
    ),
    "Author": ("<w:keepNext/><w:keepLines/>", f'<w:b w:val="0"/><w:bCs w:val="0"/>{_size(13)}'),
    "Date": (
        "<w:keepNext/><w:keepLines/>",
        f'<w:b w:val="0"/><w:bCs w:val="0"/><w:color w:val="{_QUIET}"/>{_size(12)}',
    ),
    "Heading1": _heading(1, 18, 480),
    "Heading2": _heading(2, 14, 360),
    "Heading3": _heading(3, 12, 280),
    "Heading4": _heading(4, 11, 240),
    "BlockText": (f'{_spacing(120, 160, 276)}<w:ind w:left="560" w:right="560"/>', f'<w:color w:val="{_QUIET}"/>'),
    "FootnoteText": (_spacing(0, 40), _size(9)),
    "Caption": (f'{_spacing(80, 200)}<w:jc w:val="center"/>', f'<w:color w:val="{_QUIET}"/>{_size(9.5)}'),
    "TableCaption": (f'<w:keepNext/>{_spacing(200, 80)}<w:jc w:val="center"/>', ""),
    "Figure": (f'{_spacing(200, 0)}<w:jc w:val="center"/>', ""),
    "CaptionedFigure": (f'<w:keepNext/>{_spacing(200, 0)}<w:jc w:val="center"/>', ""),
    "SourceCode": (
        '<w:shd w:val="clear" w:color="auto" w:fill="F5F5F5"/><w:wordWrap w:val="0"/>'
        f'{_spacing(120, 160)}<w:ind w:left="113" w:right="113"/>',
        "",
    ),
    "DefinitionTerm": (f"<w:keepNext/><w:keepLines/>{_spacing(120, 0)}", "<w:b/><w:bCs/>"),
    "Definition": (f'{_spacing(0, 80)}<w:ind w:left="480"/>', ""),
}
_TABLE = """\
<w:tblPr><w:jc w:val="center"/><w:tblInd w:w="0" w:type="dxa"/>\
<w:tblBorders><w:top w:val="single" w:sz="8" w:space="0" w:color="333333"/>\
<w:bottom w:val="single" w:sz="8" w:space="0" w:color="333333"/>\
<w:insideH w:val="single" w:sz="4" w:space="0" w:color="CCCCCC"/></w:tblBorders>\
<w:tblCellMar><w:top w:w="40" w:type="dxa"/><w:left w:w="108" w:type="dxa"/>\
<w:bottom w:w="40" w:type="dxa"/><w:right w:w="108" w:type="dxa"/></w:tblCellMar></w:tblPr>\
<w:tblStylePr w:type="firstRow"><w:rPr><w:b/><w:bCs/></w:rPr><w:tcPr>\
<w:tcBorders><w:bottom w:val="single" w:sz="6" w:space="0" w:color="333333"/></w:tcBorders>\
<w:vAlign w:val="bottom"/></w:tcPr></w:tblStylePr>"""
_PARTS = regex.compile(r"(?s)<w:(pPr|rPr)>.*?</w:\1>|<w:(?:pPr|rPr)\s*/>|</w:style>")


def with_look(styles: str) -> str:
    """Return the styles of a DOCX with lwtui's look."""
    for name, (paragraph, characters) in _PARAGRAPHS.items():
        styles = _style(name).sub(lambda match, p=paragraph, c=characters: _changed(match[0], p, c), styles, count=1)
    table = regex.compile(r'(?s)(<w:style [^>]*w:styleId="Table"[^>]*>(?:(?!</w:style>).)*?)<w:tblPr>.*?(</w:style>)')
    return table.sub(lambda match: f"{match[1]}{_TABLE}{match[2]}", styles, count=1)


def _style(name: str) -> regex.Pattern[str]:
    return regex.compile(rf'(?s)<w:style [^>]*w:styleId="{name}"[^>]*>.*?</w:style>')


def _changed(style: str, paragraph: str, characters: str) -> str:
    """Replace the properties of a style. Those of the paragraph come first."""
    found = {match[1]: match[0] for match in _PARTS.finditer(style) if match[1]}
    body = regex.sub(r"(?s)<w:(pPr|rPr)>.*?</w:\1>|<w:(?:pPr|rPr)\s*/>", "", style).removesuffix("</w:style>")
    parts = [
        f"<w:pPr>{paragraph}</w:pPr>" if paragraph else found.get("pPr", ""),
        f"<w:rPr>{characters}</w:rPr>" if characters else found.get("rPr", ""),
    ]
    return f"{body}{''.join(parts)}</w:style>"
