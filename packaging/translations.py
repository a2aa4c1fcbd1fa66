"""Bring the catalogues of translations up to date with the code: make translations.

    .venv/bin/python packaging/translations.py [--check]

Adds the texts that the code has marked since, removes those that are gone, and lists what is not translated. With
``--check`` nothing is changed, and the exit code is 1 if a catalogue has other texts than the code or lacks a
translation. To begin a new language: ``--begin fr``.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stderr
from io import BytesIO, StringIO
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "lwtui" / "locale"
PACKAGES = ("lwtui", "bench/lwtui_bench", "training/lwtui_training")
KEYWORDS = {"_": None, "_n": (1, 2), "_p": ((1, "c"), 2)}
WIDTH = 120


def marked_texts() -> Catalog:
    """Collect the texts that the code marks, with the files that they are in."""
    catalog = Catalog(project="lwtui", charset="utf-8")
    for package in PACKAGES:
        # Babel tells on standard error of f-strings among the values, which need no translation.
        with redirect_stderr(StringIO()):
            found = list(extract_from_dir(ROOT / package, [("**.py", "python")], keywords=KEYWORDS))
        for file, _line, message, comments, context in found:
            # Without line numbers, a catalogue changes only with its texts.
            place = f"{package}/{Path(file).as_posix()}"
            catalog.add(message, locations=[(place, None)], auto_comments=comments, context=context)
    return catalog


def updated(file: Path, marked: Catalog) -> Catalog:
    """Return a catalogue with the texts of the code, and the translations of ``file`` for them."""
    old = read_po(BytesIO(file.read_bytes()), locale=file.stem) if file.exists() else Catalog(locale=file.stem)
    new = Catalog(locale=file.stem, project="lwtui", charset="utf-8", header_comment=f"# lwtui in {file.stem}")
    for message in sorted((each for each in marked if each.id), key=_sort_key):
        known = old.get(message.id, message.context)
        text = known.string if known is not None and type(known.id) is type(message.id) else None
        new.add(message.id, text, locations=message.locations, context=message.context)
    return new


def untranslated(catalog: Catalog) -> list[str]:
    """Return the texts without a translation."""
    missing = []
    for message in catalog:
        if message.id and not (all(message.string) if isinstance(message.string, tuple) else message.string):
            missing.append(message.id[0] if isinstance(message.id, tuple) else message.id)
    return missing


def as_po(catalog: Catalog) -> bytes:
    """Return a catalogue as the contents of a file, the same at any time."""
    target = BytesIO()
    write_po(target, catalog, width=WIDTH, omit_header=True)
    forms = catalog.plural_forms
    head = f'# lwtui in {catalog.locale_identifier}\nmsgid ""\nmsgstr ""\n"Language: {catalog.locale_identifier}\\n"\n'
    head += f'"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {forms}\\n"\n\n'
    return head.encode() + target.getvalue().lstrip()


def _sort_key(message: Message) -> tuple[str, str]:
    return (message.id[0] if isinstance(message.id, tuple) else message.id, message.context or "")


def main() -> int:
    """Run the script. Returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if something is to do")
    parser.add_argument("--begin", metavar="LANGUAGE", help="begin a catalogue for a language, such as fr")
    options = parser.parse_args()
    marked = marked_texts()
    files = sorted(LOCALE.glob("*.po")) + ([LOCALE / f"{options.begin}.po"] if options.begin else [])
    problems = 0
    for file in files:
        catalog = updated(file, marked)
        content = as_po(catalog)
        if not file.exists() or file.read_bytes() != content:
            if options.check:
                problems += 1
                print(f"{file.name} has other texts than the code. Run: make translations")
            else:
                file.write_bytes(content)
        missing = untranslated(catalog)
        problems += bool(missing)
        print(f"{file.name}: {len(catalog)} texts, {len(missing)} not translated")
        for text in missing:
            print(f"  {text!r}")
    return int(bool(problems)) if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
