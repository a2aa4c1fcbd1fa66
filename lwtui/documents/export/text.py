"""Export to Markdown, plain text, and HTML that loads no resources and runs no scripts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.markup import (
    close_code_block,
    code_language,
    is_safe_link,
    line_end,
    referenced_notes,
    safe_parser,
)
from lwtui.documents.export.prepared import PreparedBook, prepare
from lwtui.documents.export.translations import contents_title, is_right_to_left
from lwtui.documents.markdown_extensions import FORMULAS
from lwtui.documents.plain_text import TASK_MARKS, without_marks

# The content security policy makes sure of that, whatever a model wrote.
_PAGE = """\
<!DOCTYPE html>
<html lang="{language}"{direction}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="generator" content="lwtui">
{metadata}<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 38rem; margin: 3rem auto; padding: 0 1rem; font: 1.1rem/1.6 Georgia, "Noto Serif", serif; }}
h1, h2, h3, h4, h5, h6 {{ line-height: 1.25; margin: 2em 0 0.6em; }}
h1 {{ margin-top: 0; }}
header {{ margin-bottom: 3rem; }}
header.title-page {{ text-align: center; padding: 4rem 0 3rem; }}
header p {{ margin: 0.3em 0; opacity: 0.8; }}
nav {{ margin-bottom: 3rem; }}
nav ul {{ list-style: none; padding: 0; }}
pre {{ overflow-x: auto; padding: 0.8em; border: 1px solid #8884; line-height: 1.35; }}
code {{ font-size: 0.9em; }}
blockquote {{ margin: 0; padding-inline-start: 1em; border-inline-start: 3px solid #8888; }}
table {{ display: block; overflow-x: auto; border-collapse: collapse; }}
aside {{ font-size: 0.9em; margin: 0.6em 0; }}
aside p:first-of-type {{ display: inline; }}
th, td {{ padding: 0.3em 0.7em; border: 1px solid #8888; text-align: start; }}
caption, figcaption {{ font-size: 0.9em; padding: 0.4em 0; opacity: 0.85; }}
figure {{ margin: 1.5em 0; text-align: center; }}
img {{ max-width: 100%; height: auto; vertical-align: middle; }}
math[display="block"] {{ margin: 1em 0; overflow-x: auto; }}
dt {{ font-weight: bold; }}
dd {{ margin: 0 0 0.5em 1.5em; }}
li.task {{ list-style: none; }}
li.task > p:first-of-type {{ display: inline; }}
li.task > .box {{ display: inline-block; width: 1.4em; margin-inline-start: -1.4em; }}
{code_style}@media print {{
  body {{ margin: 0; max-width: none; font-size: 11pt; }}
  header.title-page, nav {{ break-after: page; }}
  h2, h3, h4 {{ break-after: avoid; }}
}}
{own_style}</style>
</head>
<body>
<main dir="auto">
{body}
</main>
</body>
</html>
"""


def markdown(book: Manuscript) -> str:
    """Export a manuscript to Markdown, with the exact texts of its sections. If it is signed, it has front matter."""
    parts = [_front_matter(book)] if book.signed else []
    parts.append(f"# {book.title}")
    for part in book.parts:
        parts += [f"{'#' * (part.level + 1)} {part.title}"] if part.title else []
        parts += [close_code_block(part.text)] if part.text else []
    return "\n\n".join(parts) + "\n"


def plain(book: Manuscript) -> str:
    """Export a manuscript to plain text."""
    parts = ["\n".join(line for line in (book.title, book.author, book.date) if line) if book.signed else book.title]
    for part in book.parts:
        parts += [text for text in (part.title, without_marks(part.text)) if text]
    return "\n\n".join(parts) + "\n"


def html(book: Manuscript, job: ExportJob) -> str:
    """Export a manuscript to a self-contained HTML page, which shows raw HTML in a text as text.

    Pictures are part of the page. What is left out is told in the notes of the job.

    Raises:
        LwtuiError: Pandoc, which converts formulas, failed; or the export was stopped.
    """
    text = "".join(part.text for part in book.parts)
    metadata = [("author", book.author), ("date", book.date)]
    return _PAGE.format(
        language=escape(book.language),
        direction=' dir="rtl"' if is_right_to_left(book.language) else "",
        metadata="".join(f'<meta name="{name}" content="{escape(value)}">\n' for name, value in metadata if value),
        title=escape(book.title),
        code_style=_code_style() if "```" in text or "~~~" in text else "",
        own_style=book.style.css.replace("</", "<\\/"),  # no style sheet ends the element that it stands in
        body="\n".join([*_opening(book), *_html_body(book, prepare(book, 1, "html", job))]),
    )


def _code_style() -> str:
    from lwtui.documents.export.highlighting import code_style  # imports Pygments, which few texts need

    return code_style()


def _html_body(book: Manuscript, prepared: PreparedBook) -> Iterator[str]:
    """Convert the parts to HTML. A chapter's heading has level 2."""
    parser = safe_parser()
    parser.add_render_rule("footnote_ref", _note_reference)
    parser.add_render_rule("footnote_reference_open", _note_open)
    parser.add_render_rule("footnote_reference_close", _note_close)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("softbreak", _softbreak)
    for name in FORMULAS:
        parser.add_render_rule(name, _formula)
    parser.add_render_rule("paragraph_open", _paragraph_open)
    parser.add_render_rule("paragraph_close", _paragraph_close)
    parser.add_render_rule("list_item_open", _item_open)
    parser.add_render_rule("fence", _code_block)
    names = {id(part): name for name, part in book.headings}
    notes = _NoteNumbers()
    for part, tokens in zip(book.parts, prepared.tokens, strict=True):
        if part.title:
            tag = f"h{min(6, part.level + 1)}"
            yield f'<{tag} id="{names[id(part)]}">{escape(part.title)}</{tag}>'
        notes.referenced = referenced_notes(tokens)
        if text := parser.renderer.render(tokens, parser.options, {"notes": notes}).rstrip("\n"):
            yield text


@dataclass
class _NoteNumbers:
    """The numbers of the footnotes of a manuscript.

    Attributes:
        referenced: The labels to which the current part refers.
        numbers: The numbers by label, in the order in which the labels occur.
        times: How often a label has occurred.
        inside: Whether the current text is that of a footnote.
    """

    referenced: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    inside: bool = False

    def number(self, label: str) -> int:
        return self.numbers.setdefault(label, len(self.numbers) + 1)


def _note_reference(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    notes, label = env["notes"], tokens[at].meta["label"]
    if notes.inside:  # a footnote of a footnote
        return f"[{notes.number(label) if label in notes.referenced else escape(label)}]"
    number = notes.number(label)
    notes.times[label] += 1
    times = f"-{notes.times[label]}" if notes.times[label] > 1 else ""
    return f'<a href="#note-{number}" id="note-{number}-mark{times}" role="doc-noteref"><sup>{number}</sup></a>'


def _note_open(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    notes, label = env["notes"], tokens[at].meta["label"]
    if label not in notes.referenced:
        return f"<p>[{escape(label)}]</p>\n"
    notes.inside = True
    number = notes.number(label)
    return f'<aside id="note-{number}" role="doc-footnote"><a href="#note-{number}-mark">{number}</a>\n'


def _note_close(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    notes = env["notes"]
    was_inside, notes.inside = notes.inside, False
    return "</aside>\n" if was_inside else ""


def _front_matter(book: Manuscript) -> str:
    """Return YAML front matter, as pandoc and other programs read it. JSON strings are valid YAML."""
    values = {"title": book.title, "author": book.author, "lang": book.language, "date": book.date}
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items() if value)
    return "\n".join(["---", *lines, "---"])


def _opening(book: Manuscript) -> Iterator[str]:
    title = f"<h1>{escape(book.title)}</h1>"
    if book.title_page or book.signed:
        yield '<header class="title-page">' if book.title_page else "<header>"
        yield title
        yield from (f"<p>{escape(line)}</p>" for line in (book.author, book.date) if line)
        yield "</header>"
    else:
        yield title
    if book.lists_contents:
        heading = escape(contents_title(book.language))
        yield f'<nav aria-label="{heading}">\n<ul>'
        for name, part in book.headings:
            indent = f' style="padding-inline-start: {1.5 * (part.level - 1):g}em"' if part.level > 1 else ""
            yield f'<li{indent}><a href="#{name}">{escape(part.title)}</a></li>'
        yield "</ul>\n</nav>"


def _image(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """Render a picture with its bytes; if it was left out, as a link, because the page must not load anything."""
    token = tokens[at]
    shown = renderer.renderInlineAsText(token.children or [], options, env)
    if picture := token.meta.get("picture"):
        sizes = "".join(f"{name}: {size}; " for name, size in token.meta["sizes"].items())
        style = f' style="{sizes.strip()}"' if sizes else ""
        return f'<img src="{picture.address}" alt="{escape(shown)}"{style}>'
    if not is_safe_link(str(token.attrGet("src"))):
        return escape(shown or "image")
    return f'<a href="{escape(str(token.attrGet("src")))}">{escape(shown or "image")}</a>'


def _paragraph_open(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    if _is_figure(tokens, at):
        return "<figure>"
    return str(renderer.renderToken(tokens, at, options, env))


def _paragraph_close(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    if not _is_figure(tokens, at - 2):
        return str(renderer.renderToken(tokens, at, options, env))
    picture = (tokens[at - 1].children or [])[0]
    caption = renderer.renderInline(picture.children or [], options, env)
    return f"<figcaption>{caption}</figcaption></figure>\n" if caption else "</figure>\n"


def _is_figure(tokens: Sequence[Token], at: int) -> bool:
    if at < 0 or not tokens[at].meta.get("figure"):
        return False
    return bool((tokens[at + 1].children or [])[0].meta.get("picture"))


def _item_open(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    done = tokens[at].meta.get("done")
    if done is None:
        return str(renderer.renderToken(tokens, at, options, env))
    return f'<li class="task"><span class="box">{TASK_MARKS[done]}</span>'


def _formula(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    converted = str(tokens[at].meta["converted"])  # by pandoc, from a formula that was checked
    return f"<p>{converted}</p>\n" if tokens[at].type == "math_block" else converted


def _code_block(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    from lwtui.documents.export.highlighting import highlighted

    language = code_language(tokens[at].info)
    content = highlighted(tokens[at].content, language) or escape(tokens[at].content)
    attribute = f' class="language-{escape(language)}"' if language else ""
    return f"<pre><code{attribute}>{content}</code></pre>\n"


def _softbreak(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    before, after = (tokens[near].content if 0 <= near < len(tokens) else "" for near in (at - 1, at + 1))
    return line_end(before, after)
