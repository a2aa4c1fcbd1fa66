"""A program that compiles ``book.typ`` in the working directory to ``book.pdf``. Its arguments are font folders.

In a process of its own, Typst can be stopped at any time, and cannot crash lwtui. If Typst fails, the program tries each
of the formulas in ``formulas.json``, and lists those that Typst cannot set in ``refused.json``.
"""

import json
import sys
from pathlib import Path

import typst


def refused(formulas: list[str]) -> list[str]:
    """Return the formulas that Typst cannot set."""
    bad = []
    for formula in formulas:
        program = f'#{{math.equation(eval({json.dumps(formula, ensure_ascii=False)}, mode: "math"))}}'
        try:
            typst.compile(program.encode(), format="pdf", package_path="packages")
        except typst.TypstError:
            bad.append(formula)
    return bad


if __name__ == "__main__":
    try:
        typst.compile("book.typ", output="book.pdf", root=".", font_paths=sys.argv[1:], package_path="packages")
    except typst.TypstError as error:
        if (listed := Path("formulas.json")).exists():
            found = refused(json.loads(listed.read_text(encoding="utf-8")))
            Path("refused.json").write_text(json.dumps(found), encoding="utf-8")
        sys.exit(str(error))
