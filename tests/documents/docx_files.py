"""DOCX files made from paragraphs of WordprocessingML, for what pandoc's writer never writes."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
    ' Target="word/document.xml"/></Relationships>'
)
_STYLES = (
    '<?xml version="1.0"?><w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    '<w:style w:type="paragraph" w:styleId="S1"><w:name w:val="{name}"/></w:style></w:styles>'
)
_PARTS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="s1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"'
    ' Target="styles.xml"/></Relationships>'
)
_DOCUMENT = (
    '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><w:body>{body}</w:body></w:document>'
)


def paragraph(text: str, style: str = "") -> str:
    """Return a paragraph; ``|`` is a line break."""
    mark = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    runs = "<w:r><w:br/></w:r>".join(f'<w:r><w:t xml:space="preserve">{piece}</w:t></w:r>' for piece in text.split("|"))
    return f"<w:p>{mark}{runs}</w:p>"


def table(*rows: tuple[str, ...], width: str = ' w:w="2000"') -> str:
    """Return a table of cells, which are XML; a cell may begin with its properties."""
    columns = f"<w:gridCol{width}/>" * max(len(row) for row in rows)
    lines = "".join("<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in row) + "</w:tr>" for row in rows)
    return f"<w:tbl><w:tblGrid>{columns}</w:tblGrid>{lines}</w:tbl>"


def write_docx(path: Path, body: str, style: str = "Quote", **parts: str) -> Path:
    """Write a DOCX with a body. The style with the id S1 has the name ``style``; ``parts`` are more files of Word."""
    with ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELATIONS)
        archive.writestr("word/_rels/document.xml.rels", _PARTS)
        archive.writestr("word/styles.xml", _STYLES.replace("{name}", style))
        archive.writestr("word/document.xml", _DOCUMENT.replace("{body}", body))
        for name, content in parts.items():
            archive.writestr(f"word/{name}.xml", content)
    return path
