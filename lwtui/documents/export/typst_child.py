"""Run as a program of its own: makes ``book.pdf`` of ``book.typ`` in the folder it is started in.

So it can be stopped at any moment, and whatever happens in it, lwtui lives. It is handed the folders of fonts.
"""

import sys

import typst

if __name__ == "__main__":
    try:
        typst.compile("book.typ", output="book.pdf", root=".", font_paths=sys.argv[1:], package_path="packages")
    except typst.TypstError as error:
        sys.exit(str(error))
