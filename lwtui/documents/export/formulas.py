"""Conversion of formulas from TeX to MathML and to Typst, by pandoc."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import regex

from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.pandoc import API_VERSION, pandoc

# Names of signs, some of which pandoc writes as Typst used to call them.
_TYPST_TOKEN = regex.compile(r"\"(?:[^\"\\]|\\.)*\"|[A-Za-z]+(?:\.[a-z]+)+|(?<![A-Za-z.])sect(?![A-Za-z.])")
# Pandoc writes the bars of both kinds of determinants as two.
_MATRIX_BARS = regex.compile(r"\\(?P<which>begin|end)\{vmatrix\}")


@dataclass(frozen=True)
class Formula:
    """A formula in TeX, as :func:`lwtui.documents.tex.checked_formula` returns it.

    Attributes:
        tex: The formula.
        display: Whether it stands on a line of its own.
    """

    tex: str
    display: bool


def convert_formulas(formulas: Sequence[Formula], to: str, job: ExportJob) -> dict[Formula, str]:
    """Convert formulas.

    Args:
        formulas: The formulas.
        to: ``mathml`` or ``typst``.
        job: Can stop the conversion.

    Returns:
        The elements of MathML, or what stands between the marks of Typst's formulas. A formula is missing if pandoc
        cannot convert it, such as one whose command lacks an argument.

    Raises:
        LwtuiError: Pandoc is not installed or failed, or the export was stopped.
    """
    unique = list(dict.fromkeys(formulas))
    if not unique:
        return {}
    kinds = {True: {"t": "DisplayMath"}, False: {"t": "InlineMath"}}
    blocks = [
        {"t": "Plain", "c": [{"t": "Math", "c": [kinds[formula.display], _source(formula, to)]}]} for formula in unique
    ]
    script = (files("lwtui.documents.export") / "formulas.lua").read_text(encoding="utf-8")
    with TemporaryDirectory(prefix="lwtui-") as temporary:
        folder = Path(temporary)
        tree = {"pandoc-api-version": API_VERSION, "meta": {}, "blocks": blocks}
        (folder / "in.json").write_text(json.dumps(tree), encoding="utf-8")
        (folder / "formulas.lua").write_text(script, encoding="utf-8")
        command = [*pandoc(), "--from=json", "--to=html5", f"--variable=formulas:{to}", "--quiet"]
        job.run([*command, "--lua-filter=formulas.lua", "--output=out.html", "in.json"], folder, "pandoc")
        written: list[str] = json.loads((folder / "formulas.json").read_text(encoding="utf-8"))
    found = {formula: text.strip() for formula, text in zip(unique, written, strict=True) if text}
    if to == "typst":
        found = {formula: _TYPST_TOKEN.sub(_current_name, text.strip("$").strip()) for formula, text in found.items()}
    return found


def _source(formula: Formula, to: str) -> str:
    return _MATRIX_BARS.sub(_with_bars, formula.tex) if to == "typst" else formula.tex


def _with_bars(match: regex.Match[str]) -> str:
    return "\\left|\\begin{matrix}" if match["which"] == "begin" else "\\end{matrix}\\right|"


def _current_name(match: regex.Match[str]) -> str:
    name: str = match[0]
    if name.startswith('"'):
        return '"‖"' if name == '"||"' else name
    first, *modifiers = name.split(".")
    return ".".join(["inter" if first == "sect" else first, *(part.replace("circle", "o") for part in modifiers)])
