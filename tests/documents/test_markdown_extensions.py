"""What lwtui's Markdown has beyond the core, and what looks like it but is text."""

from __future__ import annotations

import pytest
from markdown_it.token import Token

from lwtui.documents.importing.text_file import escaped
from lwtui.documents.markdown_source import outside_code
from lwtui.documents.plain_text import parser, without_marks
from lwtui.documents.readable import readable_parser


def tokens(text: str) -> list[Token]:
    return [inner for token in parser().parse(text) for inner in (token, *(token.children or ()))]


def found(text: str, *kinds: str) -> list[str]:
    return [token.content for token in tokens(text) if token.type in kinds]


def formulas(text: str) -> list[str]:
    return found(text, "math_inline", "math_display", "math_block")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Energy is $E=mc^2$.", ["E=mc^2"]),
        ("$x$", ["x"]),
        ("($x$, $y$)", ["x", "y"]),
        ("**$x$**", ["x"]),
        ("| $a$ | b |\n|-|-|\n| 1 | $c$ |", ["a", "c"]),
        ("番茄$x_1$番茄", ["x_1"]),
        ("a $$x$$ b", ["x"]),
        ("$$x$$", ["x"]),
        ("$$\nx\n$$", ["x"]),
        ("text\n$$\na\n- b\n$$\nmore", ["a\n- b"]),
        ("> $$\n> a\n> $$", ["a"]),
        ("- item\n\n  $$\n  a\n  $$", ["a"]),
        (r"\(a+b\)", ["a+b"]),
        (r"\[ \frac{a}{b} \]", [r"\frac{a}{b}"]),
        ("\\[\nx\n\\]", ["x"]),
        ("\\begin{align}\na &= b\n\\end{align}", ["\\begin{align}\na &= b\n\\end{align}"]),
        (r"$\text{if } x > 0$", [r"\text{if } x > 0"]),
        (r"$\$5$", [r"\$5"]),
        ("$10$", ["10"]),
        ("cost $c$ is 5$", ["c"]),
    ],
)
def test_formulas(text: str, expected: list[str]) -> None:
    assert formulas(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "lunch is $5 and $6",
        "costs $5, or 6$ more",
        "between $5-$10 and $20",
        "US$5 to US$6",
        "from $1,000 to $2,000, or $3",
        "$HOME and $PATH",
        "$5.00/month, $6/year",
        "a \\$x\\$ b",
        "`$x$`",
        "```\n$x$\n```",
        "    $x$",
        "$$",
        "$ x $",
        "$$\n\n$$",
        "$$\nopen",
        "$a\n\nb$",
        r"\[1\] and \[see note\] and \[a\]\[b\]",
        r"\[TODO\]",
        r"\(see below for more\)",
        "f\\(x",
        "5€ and 6$",
    ],
)
def test_what_is_no_formula(text: str) -> None:
    assert formulas(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("H~2~O and x^2^ and 1^st^", ["sub", "sup", "sup"]),
        ("10^-3^ m", ["sup"]),
        ("C~6~H~12~O~6~", ["sub", "sub", "sub"]),
        ("5~10, 20~30", []),
        ("5~10分钟，3~4次", []),
        ("about ~5 and ~6", []),
        ("2^10 and 2^5", []),
        ("2^10,3^5", []),
        ("^_^ and ^_^", []),
        ("~~gone~~", []),
        ("^[a note]", []),
        ("a\\^2\\^", []),
    ],
)
def test_superscripts_and_subscripts(text: str, expected: list[str]) -> None:
    assert [token.type[:3] for token in tokens(text) if token.type in ("sup_open", "sub_open")] == expected


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("- [ ] open\n- [x] done\n- [X] too\n- plain\n- [a] b", "☐ open\n☑ done\n☑ too\n• plain\n• [a] b"),
        ("Term\n: One\n: Two\n\nOther\n: Three", "Term\n    One\n    Two\n\nOther\n    Three"),
        ("| a |\n|-|\n| 1 |\n\n: The *caption*", "The caption\na\n1"),
        ("Table: Above\n\n| a |\n|-|\n| 1 |", "Above\na\n1"),
        ("| a |\n|-|\n| 1 |\n\nTable is a word.", "a\n1\n\nTable is a word."),
        (": no caption\n\nText", ": no caption\n\nText"),
        ("![A *square*](a.png){width=50% .x #y}", "A square"),
        ("`code`{.python} and [a](https://e.org){#b}", "code and a (https://e.org)"),
        ("[a](https://e.org){not attributes}", "a (https://e.org){not attributes}"),
        ("## A *heading* {#name .x}\n\nText {#no}", "A heading\n\nText {#no}"),
        ("## {#name}\n\n## A {not attributes}", "{#name}\n\nA {not attributes}"),
        ("$E=mc^2$ and $\\input{x}$", "E = mc² and $\\input{x}$"),
        ("$$\n\\def\\x{y}\n$$", "$$\n\\def\\x{y}\n$$"),
        ("H~2~O x^n^ x^q^ A~hot~", "H₂O xⁿ x^q Aₕₒₜ"),
    ],
)
def test_plain_text(text: str, plain: str) -> None:
    assert without_marks(text) == plain


def test_a_terminal_and_a_plain_text_raise_and_lower_in_the_same_way() -> None:
    text = "x^2^ x^Q^ x^Qr^ y~i~ y~B~ y~Br~"
    [_, inline, _] = readable_parser().parse(text)
    shown = "".join(token.content for token in inline.children or ())
    assert shown == without_marks(text) == "x² x^Q x^(Qr) yᵢ y_B y_(Br)"


@pytest.mark.parametrize(
    "text",
    [
        "costs $x$ or $$y$$",
        "$$",
        "[x=y] and [1]",
        r"\[x=1\] and \(y\)",
        "x^2^ and H~2~O ^a^",
        "$x^2^$",
        ": no definition",
        "~ no definition",
        "5~10, 20~30 for $5",
    ],
)
def test_plain_text_is_escaped_so_that_it_stays_text(text: str) -> None:
    assert without_marks(escaped(text)) == text
    assert without_marks(f"Word\n{escaped(text)}") == f"Word\n{text}"


def test_money_is_not_escaped() -> None:
    assert escaped("It costs $5 and $6.") == "It costs $5 and $6."


def test_changes_of_the_source_leave_formulas_alone() -> None:
    text = "a $a == b$ a `a`\n\n$$\na\n$$\n\n\\(a\\) a costs $5, a or 6$"
    assert outside_code(text, lambda part: part.replace("a", "Z")) == (
        "Z $a == b$ Z `a`\n\n$$\na\n$$\n\n\\(a\\) Z costs $5, Z or 6$"
    )
