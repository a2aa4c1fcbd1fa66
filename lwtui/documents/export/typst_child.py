"""A program that compiles ``book.typ`` in the working directory to ``book.pdf``. Its arguments are font folders.

In a process of its own, Typst can be stopped at any time, and cannot crash lwtui.
"""

import sys

import typst

if __name__ == "__main__":
    try:
        typst.compile("book.typ", output="book.pdf", root=".", font_paths=sys.argv[1:], package_path="packages")
    except typst.TypstError as error:
        sys.exit(str(error))
