"""LaTeX export. Pictures go into a folder beside the file."""

from __future__ import annotations

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.pandoc import convert
from lwtui.documents.export.pandoc_tree import book_tree
from lwtui.documents.export.pictures import Picture
from lwtui.documents.export.prepared import prepare
from lwtui.documents.export.translations import contents_title
from lwtui.text import counts_characters
from lwtui.translation import _

_SIZES = (10, 11, 12)  # points; what the classes of LaTeX know


def latex(book: Manuscript, job: ExportJob, folder: str) -> tuple[bytes, list[Picture]]:
    """Export a manuscript to LaTeX.

    Args:
        book: The manuscript.
        job: Reports progress, and can stop the export.
        folder: The name of the folder in which the pictures will be.

    Returns:
        The bytes of the file, and the pictures that belong into the folder.

    Raises:
        LwtuiError: The export failed or was stopped.
    """
    job.step(_("Reading the text"))
    prepared = prepare(book, 0, "tex", job)
    tree = book_tree(book, prepared, folder)
    has_chapters = book.chapters_on_new_pages
    size = min(_SIZES, key=lambda points: abs(points - book.font_size))
    variables = {
        "documentclass": "report" if has_chapters else "article",
        "papersize": book.paper,
        "fontsize": f"{size}pt",
        "geometry": "margin=2.5cm" if book.paper != "a5" else "margin=1.8cm",
        "colorlinks": "true",
        "toc-title": contents_title(book.language),
    }
    if book.title_page:
        variables["classoption"] = "titlepage"
    options = [f"--variable={name}:{value}" for name, value in variables.items()]
    options.append(f"--top-level-division={'chapter' if has_chapters else 'section'}")
    if book.lists_contents:
        options += ["--toc", "--toc-depth=3"]
    content = convert(tree, "latex", options, job)
    if counts_characters(book.language):
        job.notes.append(_("Compile the file with lualatex or xelatex, and set CJKmainfont to a font of its language."))
    return content, prepared.pictures
