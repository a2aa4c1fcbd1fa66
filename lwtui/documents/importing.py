"""Import of Markdown, plain text and, through pandoc, DOCX."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import regex

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.pandoc import pandoc, require_packages
from lwtui.documents.markdown import import_markdown, read_text
from lwtui.documents.plain_text import without_marks
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, LwtuiError

__all__ = ["import_file", "import_markdown", "read_file"]

# The Markdown that lwtui uses. What it cannot express, such as nested tables, is simplified.
_TO = "commonmark-raw_html+pipe_tables+strikeout"
# The title of a DOCX is metadata, which the template puts on the first line.
_TEMPLATE = "$title$\n$body$\n"
# Drops a table of contents, because an export generates it again; treats text with a custom style as ordinary text;
# and joins the paragraphs of a quote, which pandoc separates when it reads styles.
_FILTER = """\
local headings = {["toc heading"] = true, ["toa heading"] = true, ["contents heading"] = true}
local function in_contents(style)
  style = string.lower(style or "")
  return headings[style] or style:match("^toc %d") or style:match("^contents %d")
end
function Header(header)
  if header.classes:includes("TOC-Heading") or in_contents(header.attributes["custom-style"]) then return {} end
end
function Div(div)
  return in_contents(div.attributes["custom-style"]) and {} or div.content
end
function Span(span)
  if span.attributes["custom-style"] then return span.content end
end
function Blocks(blocks)
  local joined = pandoc.Blocks({})
  for _, block in ipairs(blocks) do
    local last = joined[#joined]
    if last and last.t == "BlockQuote" and block.t == "BlockQuote" then
      last.content:extend(block.content)
    else
      joined:insert(block)
    end
  end
  return joined
end
"""
# What pandoc puts between two lists. Before a numbered list or a code block it has to stay, or the two would merge.
_BETWEEN_LISTS = regex.compile(r"(?m)^&nbsp;\n+(?=[-*+] )")
_PICTURE = regex.compile(r"!\[(?P<shown>(?:[^\]\\]|\\.)*)\]\(media/[^)\s]*(?:\s+\"[^\"]*\")?\)")


def import_file(source: Path, target: Path) -> Document:
    """Create a document from a file. The headings of the file become sections; the file itself is not changed.

    Args:
        source: A Markdown, plain text or DOCX file.
        target: The document to create.

    Returns:
        The document, open for writing.

    Raises:
        DocumentError: The source cannot be read, or the target cannot be created.
        LwtuiError: A package is missing; the message says what to install.
    """
    title, text = read_file(source)
    return import_markdown(text, title, target)


def read_file(source: Path) -> tuple[str, str]:
    """Read a file. It may take seconds, and may run in any thread.

    Returns:
        The title of the file, or its name if it has no title, and its text as Markdown.

    Raises:
        DocumentError: The file cannot be read.
        LwtuiError: A package is missing; the message says what to install.
    """
    source = source.expanduser()
    if source.suffix.lower() == ".docx":
        return _from_docx(source)
    return source.stem, read_text(source)


def _from_docx(source: Path) -> tuple[str, str]:
    """Read the title of a DOCX, and its text as Markdown, with captions in place of pictures."""
    require_packages("Reading a .docx file", "pypandoc")
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise DocumentError(f"There is no file {source}. Check the path.", code="not-found") from None
    except OSError as error:
        raise DocumentError(
            f"Cannot read {source}: {error.strerror}. Check its permissions.", code="unreadable"
        ) from None
    with TemporaryDirectory(prefix="lwtui-") as made:
        folder = Path(made)
        (folder / "in.docx").write_bytes(data)
        (folder / "template").write_text(_TEMPLATE, encoding="utf-8")
        (folder / "filter.lua").write_text(_FILTER, encoding="utf-8")
        command = [*pandoc(), "--from=docx+styles", f"--to={_TO}", "--wrap=none", "--template=template"]
        command.append("--lua-filter=filter.lua")
        try:
            ExportJob().run([*command, "--output=out.md", "in.docx"], folder, "pandoc")
        except LwtuiError:
            raise DocumentError(
                f"{source} is not a valid DOCX file. Save it again and import it again.", code="not-docx"
            ) from None
        title, _, text = (folder / "out.md").read_text(encoding="utf-8").partition("\n")
    text = _BETWEEN_LISTS.sub("", _PICTURE.sub(r"\g<shown>", text))
    return " ".join(without_marks(title).split()) or source.stem, text
