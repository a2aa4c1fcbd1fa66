"""Files of other programs as documents: Markdown, plain text, and through pandoc, DOCX."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import regex

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.pandoc import need, pandoc
from lwtui.documents.markdown import import_markdown, read_text
from lwtui.documents.plain_text import without_marks
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, LwtuiError

__all__ = ["import_file", "import_markdown", "read_file"]

# Plain CommonMark, as texts are written here. What it cannot say (a table in a table) is simplified.
_TO = "commonmark-raw_html+pipe_tables+strikeout"
# A DOCX holds its title beside its text, where `$title$` finds it.
_TEMPLATE = "$title$\n$body$\n"
# A table of contents is left out: an export makes it anew. What has a style of the file's own is text like any other,
# and paragraphs of a quote belong together, which pandoc does not see where it tells styles.
_FILTER = """\
local headings = {["toc heading"] = true, ["toa heading"] = true, ["contents heading"] = true}
local function listed(style)
  style = string.lower(style or "")
  return headings[style] or style:match("^toc %d") or style:match("^contents %d")
end
function Header(it)
  if it.classes:includes("TOC-Heading") or listed(it.attributes["custom-style"]) then return {} end
end
function Div(it)
  return listed(it.attributes["custom-style"]) and {} or it.content
end
function Span(it)
  if it.attributes["custom-style"] then return it.content end
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
# How pandoc keeps two lists apart. Before a numbered list or a block of code it has to stay: they would be one.
_BETWEEN_LISTS = regex.compile(r"(?m)^&nbsp;\n+(?=[-*+] )")
_PICTURE = regex.compile(r"!\[(?P<shown>(?:[^\]\\]|\\.)*)\]\(media/[^)\s]*(?:\s+\"[^\"]*\")?\)")


def import_file(source: Path, target: Path) -> Document:
    """Make a document at ``target`` from ``source``, which is left as it is; its headings become sections.

    Raises :class:`lwtui.errors.DocumentError` if the source cannot be read, or :class:`lwtui.errors.LwtuiError` that
    says what to install for it.
    """
    title, text = read_file(source)
    return import_markdown(text, title, target)


def read_file(source: Path) -> tuple[str, str]:
    """The title of a file, at worst its name, and its text as Markdown. May take seconds, in any thread.

    Raises as :func:`import_file` does.
    """
    source = source.expanduser()
    if source.suffix.lower() == ".docx":
        return _from_docx(source)
    return source.stem, read_text(source)


def _from_docx(source: Path) -> tuple[str, str]:
    """The title of a DOCX, and its text as Markdown without pictures."""
    need("Reading a .docx file", "pypandoc")
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise DocumentError(f"There is no file {source}. Check the path.") from None
    except OSError as error:
        raise DocumentError(f"Cannot read {source}: {error.strerror}. Check its permissions.") from None
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
            raise DocumentError(f"{source} is no DOCX that can be read. Save it anew and import it again.") from None
        title, _, text = (folder / "out.md").read_text(encoding="utf-8").partition("\n")
    text = _BETWEEN_LISTS.sub("", _PICTURE.sub(r"\g<shown>", text))
    return " ".join(without_marks(title).split()) or source.stem, text
