"""Formulas in TeX: which of them are nothing but a formula, and how a terminal shows them.

TeX is a programming language that reads and writes files. A formula passes here only if every command in it is known
to set mathematics; otherwise it is text, which an export shows as it is written.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from unicodedata import normalize

import regex

from lwtui.text.lazy_pattern import LazyPattern


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MAX_LENGTH = 4_000  # characters of a formula
_MAX_DEPTH = 40  # groups within each other
_FUNCTIONS = _names(
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log "
    "max min Pr sec sin sinh sup tan tanh bmod"
)
# Commands that have arguments, change the look of what follows, or give space.
_FRACTIONS = frozenset(("frac", "dfrac", "tfrac"))
_ACCENTS = {
    **{"hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304"},
    **{"vec": "\u20d7", "overrightarrow": "\u20d7", "dot": "\u0307", "ddot": "\u0308", "dddot": "\u20db"},
    **{"check": "\u030c", "breve": "\u0306", "acute": "\u0301", "grave": "\u0300", "mathring": "\u030a"},
    **{"overline": "\u0305", "underline": "\u0332"},
}
_TEXTS = frozenset(("text", "textrm", "textit", "textbf", "textsf", "texttt", "mbox", "operatorname", "operatorname*"))
_STYLES = _names(
    "mathrm mathbf mathit mathsf mathtt mathcal mathfrak mathbb boldsymbol overbrace underbrace "
    "boxed phantom mathop mathbin mathrel mathord mathopen mathclose"
)
_OVER = frozenset(("overset", "underset", "stackrel", "xrightarrow", "xleftarrow"))
_SPACES = {"quad": "  ", "qquad": "    ", ",": " ", ":": " ", ";": " ", ">": " ", " ": " ", "!": ""}
_SIZES = _names(
    "displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits big Big bigg Bigg bigl Bigl biggl "
    "Biggl bigr Bigr biggr Biggr left right middle"
)
_OTHERS = frozenset(("sqrt", "binom", "not", "pmod", "mod", "substack", "mspace", "hspace", "begin", "end", "\\", "cr"))
_SIGNS = {"{": "{", "}": "}", "|": "‖", "%": "%", "$": "$", "&": "&", "#": "#", "_": "_"}
# Also the number of columns that alignat has, and where other environments stand beside their line.
_DROPPED = LazyPattern(
    r"\\(?:label\s*\{[^{}\\]*\}|nonumber(?![A-Za-z])|notag(?![A-Za-z])|hfill(?![A-Za-z]))"
    r"|(?<=\\begin\s*\{\s*alignat\*?\s*\})\s*\{\s*\d+\s*\}"
    r"|(?<=\\begin\s*\{\s*(?:aligned|gathered|array)\s*\})\s*\[[tbc]\]"
)
# Commands that pandoc or LaTeX without further packages does not know, and what says the same.
_SYNONYMS = {
    **{"dbinom": "\\binom", "tbinom": "\\binom", "cfrac": "\\frac", "thinspace": "\\,", "bigm": "", "Bigm": ""},
    **{"bm": "\\boldsymbol", "mathscr": "\\mathcal", "coloneqq": ":=", "omicron": "o"},
}
_SYNONYM = LazyPattern(rf"\\({'|'.join(_SYNONYMS)})(?![A-Za-z])")
_NUMBER = LazyPattern(r"\\tag\*?\s*\{([^{}]*)\}")
_TEXT_GROUP = LazyPattern(r"\\(?:text(?:rm|it|bf|sf|tt)?|mbox)\s*\{[^{}]*\}")
_ENVIRONMENTS = _names("matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix cases aligned gathered array")
# Environments that make a formula of their own become those that stand within one.
_INNER_ENVIRONMENTS = {
    **{"align": "aligned", "alignat": "aligned", "eqnarray": "aligned", "flalign": "aligned", "split": "aligned"},
    **{"gather": "gathered", "multline": "gathered", "equation": "", "displaymath": "", "math": ""},
}
_OUTER = LazyPattern(r"\\(?P<which>begin|end)\s*\{\s*(?P<name>[A-Za-z]+)\*?\s*\}")
_TOKEN = LazyPattern(r"\\operatorname\*|\\[A-Za-z]+|\\[\s\S]|\s+|[\s\S]")
_NAME = LazyPattern(r"\s*\{(?P<name>[A-Za-z]+)\}")
_NOT_IN_FORMULA = LazyPattern(r"(?<!\\)(?:\\\\)*[%#$]|\^\^|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|`")
_BLANK_LINES = LazyPattern(r"\s*\n\s*")

SUPERSCRIPTS = dict(zip("0123456789+-−=()niaxyTktjmbdrshcpl", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱᵃˣʸᵀᵏᵗʲᵐᵇᵈʳˢʰᶜᵖˡ", strict=True))
SUPERSCRIPTS |= {"∘": "°", "′": "′", "∗": "*", "*": "*", "†": "†"}
SUBSCRIPTS = dict(zip("0123456789+-−=()aeoxhklmnpstijruv", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", strict=True))
_DOUBLE_STRUCK = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))
_SPACED = frozenset("=<>≤≥≪≫≠≡∼≃≈≅∝⊂⊃⊆⊇∈∉→←↔⇒⇐⇔⟶⟹⟺↦≔∣⊢⊨±∓×÷∪∩∧∨⊕⊗∖∘⪯⪰≺≻⟸⩽⩾≢≁≄≉≮≯≰≱⊄⊅⊈⊉∌")
_ENDS_IN_FUNCTION = LazyPattern(rf"(?<!\p{{L}})(?:{'|'.join(sorted(_FUNCTIONS))})(?:[_^][\p{{L}}]+|[²³⁻¹₀-₉]+)?$")
_ENDS_IN_SCRIPTED_SUM = LazyPattern(
    r"[∑∏∫∬∭∮⋃⋂⨁][^\s∑∏∫∬∭∮⋃⋂⨁]*[^\s\p{Latin}\p{Greek}][ⁿᵏᵐ]?$|[∑∏∫][₀-₉ᵢ-ᵪ₌ₐ-ₜ]+[ⁿᵏᵐ]$"
)
_SIGNED = {"+": "+", "-": "−", "−": "−"}  # spaced only between two values


@cache
def symbols() -> dict[str, str]:
    """Return the commands that stand for one sign, with the signs."""
    lines = (files("lwtui.documents") / "tex_symbols.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


@cache
def _known() -> frozenset[str]:
    named = (*symbols(), *_ACCENTS, *_SPACES, *_SIGNS)
    return frozenset(named) | _FUNCTIONS | _FRACTIONS | _TEXTS | _STYLES | _OVER | _SIZES | _OTHERS


def checked_formula(source: str) -> str | None:
    """Return a formula as every format can hold it, or ``None`` if it is not one.

    Args:
        source: What stands between the marks, such as ``E=mc^2``.

    Returns:
        The formula on one line, with environments that may stand within a formula, and without numbers of equations;
        ``None`` if it has a command that lwtui does not know, such as one that reads a file or defines another, if its
        braces, delimiters or environments do not match, or if it is too long.
    """
    if len(source) > _MAX_LENGTH or _NOT_IN_FORMULA.search(source):
        return None
    source = _OUTER.sub(_inner_environment, _DROPPED.sub("", source))
    source = _SYNONYM.sub(lambda match: _SYNONYMS[match[1]], source)
    # LaTeX numbers equations only at their end, and knows no underscore in a text.
    source = _NUMBER.sub(r"\\qquad\\text{(\1)}", source)
    source = _TEXT_GROUP.sub(lambda match: regex.sub(r"(?<!\\)_", r"\\_", match[0]), source)
    source = _BLANK_LINES.sub(" ", source).strip()
    if not source:
        return None
    open_groups: list[str] = []
    has_rows = False
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        token = match[0] if match else source[at]
        at += len(token)
        if token in ("\\begin", "\\end"):
            named = _NAME.match(source, at)
            if named is None or named["name"] not in _ENVIRONMENTS:
                return None
            at = named.end()
            token += named["name"]
        elif token.startswith("\\") and token[1:] not in _known():
            return None
        elif token in ("&", "\\\\", "\\cr") and not any(group.startswith("\\begin") for group in open_groups):
            has_rows = True
        if not _nest(token, open_groups):
            return None
    if open_groups:
        return None
    return f"\\begin{{aligned}}{source}\\end{{aligned}}" if has_rows else source


def _inner_environment(match: regex.Match[str]) -> str:
    name = _INNER_ENVIRONMENTS.get(match["name"], match["name"])
    return f"\\{match['which']}{{{name}}}" if name else ""


def _nest(token: str, open_groups: list[str]) -> bool:
    """Open or close a group. Returns whether the groups still match."""
    if token in ("{", "\\left") or token.startswith("\\begin"):
        open_groups.append(token)
        return len(open_groups) <= _MAX_DEPTH
    opening = {"}": "{", "\\right": "\\left"}.get(token) or (
        token.replace("\\end", "\\begin") if token.startswith("\\end") else ""
    )
    return not opening or (bool(open_groups) and open_groups.pop() == opening)


def formula_text(source: str) -> str:
    """Return a formula as a terminal or a plain text shows it, such as ``E = mc²``; if it is none, nothing."""
    formula = checked_formula(source)
    if formula is None:
        return ""
    reader = _FormulaReader(formula)
    shown = normalize("NFC", reader.until())
    if reader.lacks_argument:
        return ""
    return regex.sub(r"[ \t]{2,}", lambda match: "  " if len(match[0]) > 3 else " ", shown).strip()


class _FormulaReader:
    """Reads a checked formula, and returns its parts as text."""

    def __init__(self, source: str) -> None:
        self._tokens = _TOKEN.findall(source)
        self._at = 0
        self.lacks_argument = False

    def _next(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ""
        self._at += 1
        return token

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _skip_spaces(self) -> None:
        while self._peek().isspace():
            self._at += 1

    def until(self, end: str = "") -> str:
        """Return what stands before the token ``end``, and skip that."""
        shown = ""
        while self._at < len(self._tokens):
            token = self._next()
            if token == end:
                if end in ("\\end", "\\right"):
                    self._argument_source() if end == "\\end" else self._delimiter()
                break
            shown = self._with(shown, token)
        return shown

    def _with(self, shown: str, token: str) -> str:
        """Return what is shown so far with the next part."""
        if token.isspace():
            return shown
        if token in "^_":
            return shown + self._script(token)
        if token == "'":
            return shown + "′"
        if token in _SIGNED:
            is_between = bool(shown.strip()) and shown.rstrip()[-1:] not in "([{,=<>+−⟨/" and not shown.endswith("  ")
            is_between = is_between and not (shown[-1:] == " " and shown.rstrip()[-1:] in _SPACED)
            return f"{shown.rstrip()} {_SIGNED[token]} " if is_between else shown + _SIGNED[token]
        part = self._part(token)
        if part in _SPACED:
            return f"{shown.rstrip()} {part} "
        if token[1:] in _FUNCTIONS and shown[-1:].isalnum():
            return f"{shown} {part}"
        if part[:1].isalpha() and (_ENDS_IN_FUNCTION.search(shown) or _ENDS_IN_SCRIPTED_SUM.search(shown)):
            return f"{shown} {part}"
        if token == ",":
            return (
                f"{shown}, "
                if not regex.match(r"\d{3}", "".join(self._tokens[self._at : self._at + 3]))
                else f"{shown},"
            )
        return shown + part

    def _part(self, token: str) -> str:
        if token == "{":
            return self.until("}")
        if token == "~":
            return " "
        if token == "&":
            return " "
        if not token.startswith("\\"):
            return token
        name = token[1:]
        if name in symbols():
            return symbols()[name]
        if name in _SPACES or name.isspace():
            return _SPACES.get(name, " ")
        if name in _SIGNS:
            return _SIGNS[name]
        if name in _FUNCTIONS:
            return {"bmod": " mod "}.get(name, name)
        return self._command(name)

    def _command(self, name: str) -> str:
        if name in _FRACTIONS:
            return f"{_grouped(self._argument())}/{_grouped(self._argument())}"
        if name == "binom":
            return f"({self._argument()} choose {self._argument()})"
        if name == "sqrt":
            return self._root()
        if name in _TEXTS or name in ("substack", "pmod", "mod"):
            return self._text(name)
        if name in ("mspace", "hspace"):
            self._argument_source()
            return " "
        if name in _ACCENTS:
            return self._argument() + _ACCENTS[name]
        if name == "mathbb":
            return "".join(_DOUBLE_STRUCK.get(char, char) for char in self._argument())
        if name in _STYLES:
            return self._argument() if name != "phantom" else (self._argument() and " ")
        if name in _OVER:
            over, inner = self._argument(), self._argument() if not name.startswith("x") else ""
            arrow = {"xrightarrow": "→", "xleftarrow": "←"}.get(name, inner)
            return f" {arrow}[{over}] " if over else f" {arrow} "
        if name == "not":
            return normalize("NFC", self._argument().strip() + "\u0338")
        if name == "left":
            return self._delimiter() + self.until("\\right").strip() + self._closing
        if name in ("middle", "right"):
            return self._delimiter()
        if name == "begin":
            return self._environment()
        if name in ("\\", "cr"):
            return "; "
        return ""  # a size or a style

    _closing = ""

    def _delimiter(self) -> str:
        self._skip_spaces()
        token = self._next()
        shown = "" if token == "." else self._part(token)
        self._closing = shown
        return shown

    def _argument(self) -> str:
        self._skip_spaces()
        if self._peek() in ("", "}", "&", "\\\\", "\\right", "\\end"):
            self.lacks_argument = True
            return ""
        return self._part(self._next()).strip()

    def _argument_source(self) -> str:
        """Return the source of an argument in braces."""
        self._skip_spaces()
        if self._peek() != "{":
            return self._next()
        self._next()
        depth, source = 1, ""
        while self._at < len(self._tokens):
            token = self._next()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
            source += token
        return source

    def _text(self, name: str) -> str:
        source = self._argument_source()
        words = regex.sub(r"\\([{}%$&#_ ])", r"\1", source)
        if "\\" in words and "\\\\" not in words:
            words = formula_text(source) or words
        match name:
            case "pmod":
                return f" (mod {words})"
            case "mod":
                return f" mod {words}"
            case "substack":
                return words.replace("\\\\", ", ")
        return words

    def _root(self) -> str:
        self._skip_spaces()
        index = ""
        if self._peek() == "[":
            self._next()
            index = self.until("]").strip()
        inner = _grouped(self._argument())
        sign = {"": "√", "2": "√", "3": "∛", "4": "∜"}.get(index)
        return f"{sign}{inner}" if sign else f"{_raised(index)}√{inner}"

    def _script(self, mark: str) -> str:
        inner = self._argument()
        tight = inner.replace(" ", "")
        signs = SUPERSCRIPTS if mark == "^" else SUBSCRIPTS
        if tight and all(char in signs for char in tight):
            return "".join(signs[char] for char in tight)
        return f"{mark}{tight}" if len(tight) <= 1 or tight.isalpha() else f"{mark}({inner})"

    def _environment(self) -> str:
        name = self._argument_source()
        if name == "array":
            self._argument_source()
        rows, cells, shown = [], [], ""
        while self._at < len(self._tokens):
            token = self._next()
            if token == "\\end":
                self._argument_source()
                break
            if token in ("&", "\\\\", "\\cr"):
                cells.append(shown.strip())
                shown = ""
                if token != "&":
                    rows.append(cells)
                    cells = []
                continue
            shown = self._with(shown, token)
        if shown.strip() or cells:
            rows.append([*cells, shown.strip()])
        if name in ("aligned", "gathered"):
            lines = [" ".join(cell for cell in row if cell) for row in rows]
            return "\n".join(regex.sub(r" ([=<>≤≥≈]) +", r" \1 ", line) for line in lines)
        if name == "cases":
            return "{ " + "; ".join(", ".join(cell.rstrip(" ,") for cell in row if cell) for row in rows)
        bars = {"pmatrix": "()", "vmatrix": "||", "Vmatrix": "‖‖", "Bmatrix": "{}"}.get(name, "[]")
        return bars[0] + "; ".join(" ".join(row) for row in rows) + bars[1]


def _grouped(shown: str) -> str:
    """Put a part in parentheses if it is more than one value."""
    return shown if regex.fullmatch(r"[\p{L}\p{N}\p{M}.′]*(?:\([^()]*\))?", shown) else f"({shown})"


def _raised(shown: str) -> str:
    return "".join(SUPERSCRIPTS.get(char, char) for char in shown)
