"""Formulas: what is one, what a terminal shows, and that each command that is let through can be set everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents.export import typst_child
from lwtui.documents.export.export_job import ExportJob
from lwtui.documents.export.formulas import Formula, convert_formulas
from lwtui.documents.tex import checked_formula, formula_text, symbols


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        ("E=mc^2", "E = mc²"),
        (r"\frac{a+b}{2} \le \sqrt{x_1^2}", "(a + b)/2 ≤ √x₁²"),
        (r"\sum_{i=1}^{n} i", "∑ᵢ₌₁ⁿ i"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "(1 2; 3 4)"),
        (r"f(x)=\begin{cases}x&\text{if }x>0\\-x&\text{otherwise}\end{cases}", "f(x) = { x, if x > 0; −x, otherwise"),
        (r"\begin{align*}a&=b\\&=c\end{align*}", "a = b\n= c"),
        (r"x\in\mathbb{R}^n", "x ∈ ℝⁿ"),
        (r"\sin\theta+\log x", "sin θ + log x"),
        (r"10^{-3}\,\text{m/s}", "10⁻³ m/s"),
        (r"\hat y, \vec{v}", "ŷ, v⃗"),
        (r"-x-1", "−x − 1"),
        ("1,000", "1,000"),
        (r"\left(\frac12\right)^k", "(1/2)ᵏ"),
        (r"\sqrt[3]{x}", "∛x"),
        (r"\binom{n}{k}", "(n choose k)"),
        (r"x \tag{1}", "x  (1)"),
        (r"\text{a_b}", "a_b"),
        (r"x \not= y", "x ≠ y"),
    ],
)
def test_a_terminal_shows_a_formula_in_signs(tex: str, shown: str) -> None:
    assert formula_text(tex) == shown


@pytest.mark.parametrize(
    "tex",
    [
        r"\input{/etc/passwd}",
        r"\include{x}",
        r"\def\x{y}",
        r"\newcommand{\x}{y}",
        r"\write18{id}",
        r"\immediate\write18{id}",
        r"\openin5=/etc/passwd",
        r"\csname input\endcsname",
        r"\catcode`\@=11",
        r"\href{javascript:alert(1)}{x}",
        r"\url{file:///etc/passwd}",
        r"\includegraphics{x}",
        r"\usepackage{shellesc}",
        r"\directlua{os.execute('id')}",
        r"\expandafter\input x",
        r"\let\a\input",
        r"\special{x}",
        r"\verbatiminput{x}",
        "^^5cinput{x}",
        "^^5c^^69nput x",
        "a % b",
        r"a \\% b",
        "a#1",
        r"a \\# b",
        "a $ b",
        r"\begin{filecontents}x\end{filecontents}",
        r"\begin{verbatim}x\end{verbatim}",
        r"\begin{document}",
        "} x {",
        "{x",
        "x}",
        r"\left( x",
        r"x \right)",
        r"\begin{matrix} x",
        r"\begin{matrix} x \end{pmatrix}",
        r"{\begin{matrix} } x \end{matrix}",
        r"\) \input{x} \(",
        r"\] \input{x} \[",
        r"\INPUT{x}",
        "x" * 5_000,
        "{" * 100 + "x" + "}" * 100,
        " \n ",
        "",
    ],
)
def test_what_is_not_only_mathematics_is_no_formula(tex: str) -> None:
    assert checked_formula(tex) is None
    assert formula_text(tex) == ""


def test_environments_of_their_own_become_inner_ones_and_lose_their_numbers() -> None:
    assert checked_formula(r"\begin{equation} x \label{eq:a} \nonumber \end{equation}") == "x"
    assert checked_formula("\\begin{align}\na &= b\n\\end{align}") == r"\begin{aligned} a &= b \end{aligned}"
    assert checked_formula(r"\begin{alignat}{2} x &= 1\end{alignat}") == r"\begin{aligned} x &= 1\end{aligned}"
    assert checked_formula(r"\begin{alignat*} { 10 }{x} &= 1\end{alignat*}") == r"\begin{aligned}{x} &= 1\end{aligned}"
    assert checked_formula(r"\begin{aligned}[t] x &= 1\end{aligned}") == r"\begin{aligned} x &= 1\end{aligned}"
    assert checked_formula(r"\begin{array}[b]{c}[t]\end{array}") == r"\begin{array}{c}[t]\end{array}"
    assert checked_formula(r"\begin{align}{2}x\end{align}") == r"\begin{aligned}{2}x\end{aligned}"
    assert checked_formula(r"a &= b \\ &= c") == r"\begin{aligned}a &= b \\ &= c\end{aligned}"
    assert checked_formula("a\n\n\nb") == "a b"
    assert checked_formula(r"x \tag{1a}") == r"x \qquad\text{(1a)}"
    assert checked_formula(r"\text{a_b \_}_i") == r"\text{a\_b \_}_i"
    assert checked_formula(r"\bm{x} \coloneqq \mathscr{L}") == r"\boldsymbol{x} := \mathcal{L}"


SAMPLES = [
    *(f"x \\{name} y" for name in symbols()),
    *(f"\\{name} x" for name in ("sin", "log", "max", "Pr", "det", "bmod", "quad", "qquad", "displaystyle")),
    *(
        f"\\{name}{{ab}}"
        for name in ("hat", "widehat", "vec", "bar", "overline", "underline", "dot", "ddot", "mathring")
    ),
    *(f"\\{name}{{ab}}" for name in ("text", "mathrm", "mathbf", "mathbb", "mathcal", "boldsymbol", "operatorname")),
    *(
        f"\\{name}{{a}}{{b}}"
        for name in ("frac", "dfrac", "cfrac", "binom", "dbinom", "overset", "underset", "stackrel")
    ),
    *(
        rf"\begin{{{name}}}a & b \\ c & d\end{{{name}}}"
        for name in ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "cases", "align*")
    ),
    r"\begin{array}{cc}a & b \\ c & d\end{array}",
    r"\left\{ a \middle| b \right\}",
    r"\sqrt[3]{x} \not= \underbrace{a}_{n} \xrightarrow{f} \substack{a \\ b} \tag{1}",
    r"\sum\limits_{i=1}^n \mathop{a} \pmod{7} \mspace{6mu} \%",
]


def test_every_command_can_be_set_as_mathml_and_by_typst(tmp_path: Path) -> None:
    formulas = [Formula(checked_formula(sample) or "", True) for sample in SAMPLES]
    assert [sample for sample, formula in zip(SAMPLES, formulas, strict=True) if not formula.tex] == []
    for to in ("mathml", "typst"):
        converted = convert_formulas(formulas, to, ExportJob())
        assert [formula.tex for formula in formulas if formula not in converted] == [], to
    # One page with all of them; only if it fails, Typst tries each.
    pieces = [f'eval({json.dumps(text, ensure_ascii=False)}, mode: "math")' for text in converted.values()]
    (tmp_path / "book.typ").write_text("#{\n" + "\n".join(f"math.equation({piece})" for piece in pieces) + "\n}")
    (tmp_path / "formulas.json").write_text(json.dumps(list(converted.values())))
    run = subprocess.run([sys.executable, typst_child.__file__], cwd=tmp_path, capture_output=True, text=True)
    refused = tmp_path / "refused.json"
    assert run.returncode == 0, refused.read_text() if refused.exists() else run.stderr


def test_a_formula_that_lacks_an_argument_is_left_out_of_what_is_converted() -> None:
    good, bad = Formula("x^2", False), Formula(r"\frac{a}", False)
    assert list(convert_formulas([good, bad, good], "mathml", ExportJob())) == [good]
    assert formula_text(r"\frac{a}") == ""


@given(st.text(st.sampled_from("ab1{}^_\\ &$%#()[]|\n'"), max_size=30) | st.text(max_size=30))
def test_any_text_is_checked_and_shown(tex: str) -> None:
    checked = checked_formula(tex)
    shown = formula_text(tex)
    assert (checked is not None) or shown == ""
    if checked is not None:
        assert checked_formula(checked) is not None and "\\input" not in checked
