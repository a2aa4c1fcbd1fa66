"""A program that compiles ``book.typ`` in the working directory to ``book.pdf``. Its arguments are font folders.

In a process of its own, Typst can be stopped at any time, and cannot crash lwtui. If Typst fails, the program tries
each picture and each of the formulas in ``formulas.json``, and lists those that Typst cannot set in ``refused.json``.
"""

import json
import sys
from pathlib import Path

import typst


def refused(formulas: list[str], pictures: list[str]) -> list[str]:
    """Return the formulas and the names of pictures that Typst cannot set."""
    programs = {
        formula: f'math.equation(eval({json.dumps(formula, ensure_ascii=False)}, mode: "math"))' for formula in formulas
    }
    programs |= {name: f"image({json.dumps(name)})" for name in pictures}
    bad = []
    for name, program in programs.items():
        Path("one.typ").write_text(f"#{{{program}}}", encoding="utf-8")
        try:
            typst.compile("one.typ", format="pdf", root=".", package_path="packages")
        except typst.TypstError:
            bad.append(name)
    return bad


if __name__ == "__main__":
    try:
        typst.compile("book.typ", output="book.pdf", root=".", font_paths=sys.argv[1:], package_path="packages")
    except typst.TypstError as error:
        listed = Path("formulas.json")
        formulas = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else []
        found = refused(formulas, sorted(path.name for path in Path().glob("picture-*")))
        Path("refused.json").write_text(json.dumps(found), encoding="utf-8")
        sys.exit(str(error))
