"""The texts of a manuscript, parsed for an export: formulas checked and converted, pictures read from the folder.

What is left out, or shown as it is written, is told in the notes of the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from markdown_it.token import Token

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.formulas import Formula, convert_formulas
from lwtui.documents.export.manuscript import Manuscript
from lwtui.documents.export.markup import book_tokens, safe_parser
from lwtui.documents.export.pictures import Picture, PictureFolder, left_out, shown_name
from lwtui.documents.markdown_extensions import FORMULAS, formula_source, size_of
from lwtui.documents.tex import checked_formula
from lwtui.text import one_line
from lwtui.translation import _, _n

_SHOWN = 40  # characters of a formula in a note


@dataclass(frozen=True)
class PreparedBook:
    """The parsed texts of a manuscript.

    Attributes:
        tokens: The tokens of each part. In its ``meta``, the token of a formula has the ``formula`` in TeX and what it
            was ``converted`` to, and that of a picture the ``picture``, or ``None`` if it was left out.
        pictures: The pictures.
    """

    tokens: list[list[Token]]
    pictures: list[Picture]

    @property
    def converted(self) -> list[str]:
        """What the formulas were converted to, each once."""
        converted = (token.meta["converted"] for token in _tokens(self.tokens) if "converted" in token.meta)
        return list(dict.fromkeys(str(found) for found in converted))

    def refuse(self, names: Sequence[str], job: ExportJob) -> None:
        """Leave out damaged pictures, by their names, and show formulas as written, by what they were converted to."""
        bad = set(names)
        damaged: dict[str, str] = {}
        for token in _tokens(self.tokens):
            picture = token.meta.get("picture")
            if picture is not None and picture.name in bad:
                damaged[picture.name] = shown_name(str(token.attrGet("src") or ""))
                token.meta["picture"] = None
        if damaged:
            job.notes.append(left_out(_("damaged"), list(damaged.values())))
        _refuse_formulas([token for token in _tokens(self.tokens) if token.meta.get("converted") in bad], job)


def prepare(book: Manuscript, top: int, to: str, job: ExportJob) -> PreparedBook:
    """Parse a manuscript for an export.

    Args:
        book: The manuscript.
        top: As for :func:`lwtui.documents.export.markup.part_tokens`.
        to: The format of the export.
        job: Gets the notes, and can stop the export.

    Raises:
        LwtuiError: Pandoc failed, or the export was stopped.
    """
    parts = book_tokens(safe_parser(), book, top)
    tokens = list(_tokens(parts))
    folder = PictureFolder(book.folder, to)
    for token in tokens:
        if token.type == "image":
            token.meta |= {"picture": folder.read(str(token.attrGet("src") or "")), "sizes": size_of(token)}
    folder.report(job)
    _prepare_formulas([token for token in tokens if token.type in FORMULAS], to, job)
    return PreparedBook(parts, folder.pictures)


def _tokens(parts: Iterable[Sequence[Token]]) -> Iterator[Token]:
    """Generate the tokens of all parts, each followed by those within it."""
    for tokens in parts:
        for token in tokens:
            yield token
            yield from _tokens([token.children or ()])


def _prepare_formulas(tokens: Sequence[Token], to: str, job: ExportJob) -> None:
    if not tokens:
        return
    if to == "html" and find_spec("pypandoc") is None:
        job.notes.append(_('Formulas are shown in TeX: pip install "lwtui[export]" sets them.'))
        for token in tokens:
            _show_source(token)
        return
    found = []
    refused = []
    for token in tokens:
        tex = checked_formula(token.content)
        if tex is None:
            refused.append(token)
        else:
            found.append((token, Formula(tex, token.type != "math_inline")))
    converted = convert_formulas([formula for _token, formula in found], "typst" if to == "pdf" else "mathml", job)
    for token, formula in found:
        if formula in converted:
            token.meta |= {"formula": formula.tex, "converted": converted[formula]}
        else:
            refused.append(token)
    _refuse_formulas(refused, job)


def _refuse_formulas(tokens: Sequence[Token], job: ExportJob) -> None:
    """Show formulas as they are written, and add a note about them."""
    if not tokens:
        return
    for token in tokens:
        _show_source(token)
    first = one_line(tokens[0].content)
    shown = first if len(first) <= _SHOWN else f"{first[:_SHOWN]}…"
    job.notes.append(
        _n(
            "A formula is shown as it is written, because lwtui cannot set it: {formula}",
            "{count} formulas are shown as they are written, because lwtui cannot set them. The first: {formula}",
            len(tokens),
            formula=shown,
        )
    )


def _show_source(token: Token) -> None:
    """Make the token of a formula one of code, which shows its source."""
    token.meta.pop("converted", None)
    token.content = formula_source(token.type, token.markup, token.content)
    token.type, token.tag = ("code_block" if token.type == "math_block" else "code_inline"), "code"
