"""A document as a file that other programs read."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from lwtui.documents.plain_text import parser, without_marks
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, UsageError
from lwtui.files import write_atomically

FORMATS = ("md", "txt", "html")
_ENDINGS = {"markdown": "md", "text": "txt", "htm": "html"}  # other endings for the same
_SAFE_LINKS = ("http:", "https:", "mailto:", "#")

# Nothing is loaded from anywhere and no script runs, whatever a model wrote.
_PAGE = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 38rem; margin: 3rem auto; padding: 0 1rem; font: 1.1rem/1.6 Georgia, "Noto Serif", serif; }}
h1, h2, h3, h4, h5, h6 {{ line-height: 1.25; margin: 2em 0 0.6em; }}
h1 {{ margin-top: 0; }}
pre {{ overflow-x: auto; padding: 0.8em; border: 1px solid #8884; line-height: 1.35; }}
code {{ font-size: 0.9em; }}
blockquote {{ margin-left: 0; padding-left: 1em; border-left: 3px solid #8888; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 0.3em 0.7em; border: 1px solid #8888; text-align: left; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 11pt; }} }}
</style>
</head>
<body>
<main dir="auto">
{body}
</main>
</body>
</html>
"""


def render(document: Document, to: str) -> str:
    """The document as ``md``, ``txt`` or ``html``. Raises :class:`lwtui.errors.UsageError` for another format.

    A section without text is left out.
    """
    written = [
        (section.title, section.text.strip("\n").rstrip()) for section in document.sections() if section.text.strip()
    ]
    match to:
        case "md":
            return _markdown(document.title, written)
        case "txt":
            return _plain(document.title, written)
        case "html":
            return _html(document.title, document.brief.language, written)
    raise UsageError(f"{to!r} is no format to export to. Choose one of {', '.join(FORMATS)}.")


def export(document: Document, path: Path, to: str | None = None) -> None:
    """Write the document to ``path`` in one step, in the format ``to`` or that of the path's extension.

    Raises :class:`lwtui.errors.UsageError` or :class:`lwtui.errors.DocumentError`; an old file then stays.
    """
    ending = path.suffix.removeprefix(".").lower()
    if ending == "lw":
        raise UsageError(f"{path} is a document's own file. Export to a name that ends in .{to or 'md'}.")
    to = to or _ENDINGS.get(ending, ending)
    if to not in FORMATS:
        raise UsageError(f"{path.name} does not say which format. Let it end in .{' or .'.join(FORMATS)}.")
    content = render(document, to)
    try:
        write_atomically(path, content)
    except OSError as error:
        raise DocumentError(_why_not(error, path)) from error


def _why_not(error: OSError, path: Path) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return f"There is no folder {path.parent}. Make it or choose another place."
        case errno.EISDIR:
            return f"{path} is a folder. Name a file in it."
        case errno.ENOSPC | errno.EDQUOT:
            return f"The disk is full: {path} could not be written. Free some space and export again."
    return f"Cannot write {path}: {error.strerror}. Check the folder's permissions or choose another place."


def _markdown(title: str, sections: Sequence[tuple[str, str]]) -> str:
    parts = [f"# {title}"]
    for heading, text in sections:
        parts += [f"## {heading}", _closed(text)] if heading else [_closed(text)]
    return "\n\n".join(parts) + "\n"


def _closed(text: str) -> str:
    """``text`` with the end of a code block that was broken off, so that it does not swallow the next section."""
    last = next(reversed(parser().parse(text)), None)
    if last is None or last.type != "fence" or last.map is None:
        return text
    content = last.content.rstrip("\n").count("\n") + 1 if last.content else 0
    is_closed = text.count("\n") + 1 - last.map[0] >= content + 2 and text.rstrip().endswith(last.markup)
    return text if is_closed else f"{text}\n{last.markup}"


def _plain(title: str, sections: Sequence[tuple[str, str]]) -> str:
    parts = [title]
    for heading, text in sections:
        parts += [part for part in (heading, without_marks(text)) if part]
    return "\n\n".join(parts) + "\n"


def _html(title: str, language: str, sections: Sequence[tuple[str, str]]) -> str:
    markdown = parser()
    markdown.validateLink = _is_safe  # type: ignore[method-assign, assignment]
    markdown.add_render_rule("image", _image)
    body = [f"<h1>{escape(title)}</h1>"]
    for heading, text in sections:
        if heading:
            body.append(f"<h2>{escape(heading)}</h2>")
        body.append(markdown.render(text).rstrip("\n"))
    return _PAGE.format(language=escape(language), title=escape(title), body="\n".join(body))


def _is_safe(address: str) -> bool:
    return address.strip().lower().startswith(_SAFE_LINKS)


def _image(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """A picture becomes a link to it: the page loads nothing from elsewhere."""
    token = tokens[at]
    shown = renderer.renderInlineAsText(token.children or [], options, env)
    return f'<a href="{escape(str(token.attrGet("src")))}">{escape(shown or "image")}</a>'
