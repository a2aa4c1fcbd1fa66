"""LaTeX export. Pictures go into a folder beside the file."""

from __future__ import annotations

import json
from collections.abc import Sequence

import regex

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.fonts import cjk_suffix
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.pandoc import convert
from lwtui.documents.export.pandoc_tree import book_tree
from lwtui.documents.export.pictures import Picture
from lwtui.documents.export.prepared import prepare
from lwtui.documents.export.translations import contents_title
from lwtui.translation import _

# Fonts with Chinese, Japanese and Korean characters, the best first: by name where the system has them, then by the
# file that TeX Live brings.
_CJK_FONTS = {
    "SC": ("Noto Serif CJK SC", "Source Han Serif SC", "FandolSong-Regular.otf"),
    "TC": ("Noto Serif CJK TC", "Source Han Serif TC", "FandolSong-Regular.otf"),
    "HK": ("Noto Serif CJK HK", "Source Han Serif HK", "FandolSong-Regular.otf"),
    "JP": ("Noto Serif CJK JP", "Source Han Serif JP", "HaranoAjiMincho-Regular.otf"),
    "KR": ("Noto Serif CJK KR", "Source Han Serif KR", "UnBatang.ttf"),
}
_CJK = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]")
# Latin Modern, the font of LaTeX, has no other letters than Latin ones.
_BROAD_FONTS = ("Libertinus Serif", "FreeSerif", "DejaVu Serif")
_NOT_LATIN = regex.compile(rf"[\p{{L}}--[\p{{Script=Latin}}\p{{Script=Common}}{_CJK.pattern[1:-1]}]]", regex.VERSION1)
_PLAIN = r"BoldFont=\cjkfont,ItalicFont=\cjkfont,BoldItalicFont=\cjkfont"
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
    files = {}
    text = json.dumps(tree, ensure_ascii=False)
    if _NOT_LATIN.search(text):
        files["fonts.tex"] = f"% Greek, Cyrillic and other letters\n{_first_font(_BROAD_FONTS, 'setmainfont')}\n"
    if _CJK.search(text):
        files["cjk.tex"] = _cjk_fonts(book.language)
        job.notes.append(
            _(
                "Compile the file with lualatex or xelatex. Its Chinese, Japanese and Korean characters need the "
                "package luatexja or xeCJK; the file names their font."
            )
        )
    options += [f"--include-in-header={name}" for name in files]
    return convert(tree, "latex", options, job, files), prepared.pictures


def _first_font(fonts: Sequence[str], command: str) -> str:
    r"""Return code that calls ``\\command{font}`` with the first font that there is, or warns that there is none."""
    choice = r"\PackageWarningNoLine{lwtui}{None of these fonts was found}"
    for font in reversed(fonts):
        choice = f"\\IfFontExistsTF{{{font}}}{{\\{command}{{{font}}}}}\n  {{{choice}}}"
    return choice


def _cjk_fonts(language: str) -> str:
    """Return the lines of the preamble that choose the first font that there is. Without them, LaTeX leaves gaps."""
    choice = _first_font(_CJK_FONTS[cjk_suffix(language)], "newcommand\\cjkfont")
    # The features say that the one font stands in for bold and italic, of which these fonts have none in their file.
    return rf"""% Chinese, Japanese and Korean characters, in the first of these fonts that is there
{choice}
\ifdefined\cjkfont
\ifLuaTeX
  \usepackage{{luatexja-fontspec}}
  \setmainjfont{{\cjkfont}}[{_PLAIN}]
  \setsansjfont{{\cjkfont}}[{_PLAIN}]
  \setmonojfont{{\cjkfont}}[{_PLAIN}]
\fi
\ifXeTeX
  \usepackage{{xeCJK}}
  \setCJKmainfont{{\cjkfont}}[{_PLAIN}]
  \setCJKsansfont{{\cjkfont}}[{_PLAIN}]
  \setCJKmonofont{{\cjkfont}}[{_PLAIN}]
\fi
\fi
"""
