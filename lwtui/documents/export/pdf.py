"""PDF export with Typst."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import regex

from lwtui.documents.export import fonts, typst_child
from lwtui.documents.export.export_job import ExportJob, ToolFailed
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.prepared import PreparedBook, prepare
from lwtui.documents.export.translations import contents_title
from lwtui.documents.export.typst_markup import heading, part_body, typst_string
from lwtui.errors import UsageError
from lwtui.text import counts_characters
from lwtui.translation import _

_TAG = regex.compile(r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}))?\b.*", regex.I)
_CJK_LANGUAGES = {"zh", "ja", "ko", "yue"}  # their fonts have their own quotes and dashes
_PAPERS = {
    "a4": ("a4", "x: 2.7cm, top: 2.6cm, bottom: 2.8cm"),
    "letter": ("us-letter", "x: 2.7cm, top: 2.5cm, bottom: 2.7cm"),
    "a5": ("a5", "x: 1.8cm, top: 1.8cm, bottom: 2.1cm"),
}  # Typst's names, and the margins
_LONG_TITLE = 60  # characters; a longer title is set smaller
_NUMBERED = 'numbering: "1", number-align: center'
_STYLE = """\
set par(justify: true, leading: 0.7em, spacing: 1.15em, linebreaks: "optimized")
set heading(numbering: none)
show heading: set par(justify: false)
show heading: set block(above: 1.8em, below: 0.9em)
show heading.where(level: 1): set text(size: 1.35em)
show heading.where(level: 2): set text(size: 1.1em)
show link: set text(fill: rgb("#1a4f8a"))
show raw: set text(font: mono, size: 0.95em)
show raw.where(block: true): it => block(
  width: 100%, inset: 0.8em, fill: luma(245), radius: 2pt, { set par(justify: false); it },
)
show quote.where(block: true): set block(inset: (x: 1.2em), above: 1.2em, below: 1.2em)
show table: set par(justify: false)
show table: set text(size: 0.9em)
set table(stroke: (_, y) => (bottom: if y == 0 { 0.8pt } else { 0.3pt + luma(160) }), inset: (x: 0.5em, y: 0.45em))
set math.equation(numbering: none)
show math.equation: set text(fallback: true)
show figure: set block(breakable: true, above: 1.6em, below: 1.6em)
show figure.where(kind: table): set figure.caption(position: top)
show figure.caption: it => block(width: 90%, text(size: 0.9em, { set par(justify: false); it.body }))
set footnote.entry(separator: line(length: 20%, stroke: 0.4pt))
show terms: set par(hanging-indent: 0pt)
"""
_RULE = "let rule = block(above: 1.4em, below: 1.4em, width: 100%, align(center, line(length: 25%, stroke: 0.5pt)))"
# A picture is as wide as it is, but no wider than the text and no higher than most of a page.
_PICTURE = """\
let picture(name, ..sizes) = {
  if "width" in sizes.named() or "height" in sizes.named() { image(name, ..sizes) } else {
    layout(space => context {
      let made = image(name, ..sizes)
      let natural = measure(made)
      let scale = calc.min(1, space.width / natural.width, 18cm / natural.height)
      image(name, width: natural.width * scale, ..sizes)
    })
  }
}
"""
_TEMPLATE = "template.typ"


def pdf(book: Manuscript, job: ExportJob) -> bytes:
    """Export a manuscript to PDF, and return the bytes of the file.

    Characters without a font are reported in ``job.notes``.

    Raises:
        LwtuiError: The export failed or was stopped.
    """
    import typst

    job.step(_("Choosing fonts"))
    folders = [str(folder) for folder in fonts.font_folders()]
    choice = fonts.choose_fonts(_all_text(book), book.language, typst.Fonts(font_paths=folders).fonts())
    job.step(_("Reading the text"))
    prepared = prepare(book, 0, "pdf", job)
    with TemporaryDirectory(prefix="lwtui-") as temporary:
        folder = Path(temporary)
        for picture in prepared.pictures:
            (folder / picture.name).write_bytes(picture.data)
        if formulas := prepared.converted:
            (folder / "formulas.json").write_text(json.dumps(formulas), encoding="utf-8")
        if book.style.template:
            (folder / _TEMPLATE).write_text(book.style.template, encoding="utf-8")
        job.step(_("Setting the pages"))
        command = [sys.executable, "-P", str(typst_child.__file__), *folders]
        try:
            _compile(book, prepared, choice.families, command, folder, job)
        except ToolFailed as error:
            if not book.style.template:
                raise
            problem = error.problem.replace(str(folder), "")
            raise UsageError(
                _("The template does not work: {problem}. Correct it.", problem=problem), code="bad-template"
            ) from None
        job.notes += fonts.missing_font_notes(choice.missing)
        return (folder / "book.pdf").read_bytes()


def _compile(
    book: Manuscript,
    prepared: PreparedBook,
    families: Sequence[str],
    command: Sequence[str],
    folder: Path,
    job: ExportJob,
) -> None:
    """Compile a book; again without the formulas and the pictures that Typst cannot set, if there are such."""
    source, refused = folder / "book.typ", folder / "refused.json"
    source.write_text("\n".join(_program(book, prepared, families)), encoding="utf-8")
    try:
        job.run(command, folder, "Typst")
    except ToolFailed:
        bad = json.loads(refused.read_text(encoding="utf-8")) if refused.exists() else []
        if not bad:
            raise
        prepared.refuse(bad, job)
        source.write_text("\n".join(_program(book, prepared, families)), encoding="utf-8")
        job.run(command, folder, "Typst")


def _all_text(book: Manuscript) -> str:
    parts = (f"{part.title}\n{part.text}" for part in book.parts)
    return "\n".join([book.title, book.author, contents_title(book.language), *parts])


def _program(book: Manuscript, prepared: PreparedBook, families: Sequence[str]) -> Iterator[str]:
    names = {id(part): name for name, part in book.headings}
    yield "#{"
    yield _PICTURE
    if book.style.template:
        yield from _with_template(book, families)
    else:
        yield from _own_pages(book, families)
    for part, tokens in zip(book.parts, prepared.tokens, strict=True):
        if part.title:
            if part.level == 1 and book.chapters_on_new_pages:
                yield "pagebreak(weak: true)"
            yield heading(part.level, typst_string(part.title), names[id(part)])
        yield from part_body(tokens)
    yield "}"


def _own_pages(book: Manuscript, families: Sequence[str]) -> Iterator[str]:
    """Generate lwtui's own style, the title and the table of contents."""
    yield from _setup(book, families)
    yield _STYLE
    if counts_characters(book.language):
        yield "set par(leading: 0.9em, spacing: 1.3em)"
    yield from _front(book)
    if book.title_page:  # the text starts on page 1, and the pages before it have no number
        yield f"set page({_NUMBERED})\ncounter(page).update(1)"


def _with_template(book: Manuscript, families: Sequence[str]) -> Iterator[str]:
    """Generate the call of the user's template with everything that it may want to know."""
    paper, _margin = _PAPERS[book.paper]
    values = {
        "title": typst_string(book.title),
        "author": typst_string(book.author),
        "date": typst_string(book.date),
        "language": typst_string(book.language),
        "contents": typst_string(contents_title(book.language)) if book.lists_contents else "none",
        "title-page": str(book.title_page).lower(),
        "paper": typst_string(paper),
        "font-size": f"{book.font_size:g}pt",
        "fonts": f"({', '.join(typst_string(family) for family in families)},)",
    }
    yield from _names(families)
    yield f"import {typst_string(_TEMPLATE)}: template"
    yield f"show: template.with({', '.join(f'{name}: {value}' for name, value in values.items())})"


def _names(families: Sequence[str]) -> Iterator[str]:
    """Define what the expressions of the text use."""
    yield f"let mono = ({', '.join(typst_string(family) for family in (fonts.MONO, *families))},)"
    yield _RULE


def _setup(book: Manuscript, families: Sequence[str]) -> Iterator[str]:
    tag = _TAG.fullmatch(book.language)
    language = tag["language"].lower() if tag else "en"
    region = _region(tag["script"], tag["region"]) if tag else ""
    first, *others = (typst_string(family) for family in families)
    if language in _CJK_LANGUAGES:
        first = f'(name: {first}, covers: "latin-in-cjk")'
    names = ", ".join([first, *others])
    year, month, day = (int(number) for number in book.date.split("-"))
    author = f"author: {typst_string(book.author)}, " if book.author else ""
    date = f"datetime(year: {year}, month: {month}, day: {day})"
    yield f"set document(title: {typst_string(book.title)}, {author}date: {date})"
    numbered = "" if book.title_page else f", {_NUMBERED}"
    name, margin = _PAPERS[book.paper]
    yield f'set page(paper: "{name}", margin: ({margin}){numbered})'
    yield f"set text(font: ({names},), size: {book.font_size:g}pt, lang: {typst_string(language)}{region})"
    yield from _names(families)


def _region(script: str | None, region: str | None) -> str:
    region = region or ("TW" if (script or "").lower() == "hant" else "")
    return f", region: {typst_string(region.upper())}" if region else ""


def _front(book: Manuscript) -> Iterator[str]:
    """Generate the title page and the table of contents, or the title above the text."""
    signed = [line for line in (book.author, book.date) if line] if book.title_page or book.signed else []
    above = "v(28%)" if book.title_page else "v(0pt)"
    size = "1.6em" if len(book.title) > _LONG_TITLE else "2.3em" if book.title_page else "1.9em"
    lines = [
        f"text(size: {size}, weight: 700, {typst_string(book.title)})",
        *(f"text(size: 1.15em, {typst_string(line)})" for line in signed),
    ]
    yield above
    yield "align(center, {set par(justify: false, leading: 0.5em)"
    yield from (f"block(below: {'2.2em' if at == 0 else '0.9em'}, {line})" for at, line in enumerate(lines))
    yield "})"
    yield "pagebreak()" if book.title_page else "v(2em)"
    if book.lists_contents:
        # Its own heading is not listed in it.
        title = f"heading(level: 1, outlined: false, bookmarked: false, {typst_string(contents_title(book.language))})"
        yield f"{title}\noutline(title: none, depth: 3, indent: 1.2em)"
        yield "pagebreak()" if book.title_page else "v(2em)"
