"""``lwtui notes DOC.lw``: show and change the notes that the model sees while it writes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.documents.model import NOTE_KINDS, Note
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.translation import _, _n

_MAX_TEXT = 2**20  # characters of one note


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "notes",
        _("Show or change the notes of a document. The model sees them with every section, or where a trigger occurs."),
        """
        lwtui notes novel.lw
        lwtui notes novel.lw --add Tone --text "Dry wit, short sentences." --kind style
        lwtui notes novel.lw --add Mira --text - --trigger Mira --trigger "the botanist" < mira.txt
        lwtui notes novel.lw --remove Tone
        """,
    )
    result.add_argument("document", type=Path, metavar="DOC.lw", help=_("the document"))
    change = result.add_mutually_exclusive_group()
    change.add_argument("--add", metavar="TITLE", help=_("add a note, or replace the text of the note of that title"))
    change.add_argument("--remove", metavar="TITLE", help=_("remove a note; undo in the app brings it back"))
    result.add_argument("--text", help=_("the text of the note; - reads standard input"))
    result.add_argument(
        "--kind",
        default="",
        help=_(
            "{kinds}, or any other word (default: {default})",
            kinds=", ".join(NOTE_KINDS),
            default=NOTE_KINDS[0],
        ),
    )
    result.add_argument(
        "--trigger",
        action="append",
        default=[],
        metavar="WORD",
        help=_(
            "show the note only where this word occurs in the section's line of the plan or in the text just before; "
            "may be repeated"
        ),
    )
    result.add_argument("--json", action="store_true", help=_('print [{"title", "kind", "triggers", "text"}]'))
    return result


def run(options: argparse.Namespace) -> int:
    """Show or change the notes, and return the exit code."""
    if options.add is None and (options.text is not None or options.kind or options.trigger):
        raise UsageError(_("--text, --kind and --trigger need --add."), code="incomplete-options")
    if options.add is None and options.remove is None:
        with Document.open(options.document, read_only=True) as document:
            _show(document.notes, as_json=options.json)
        return 0
    with Document.open(options.document) as document:
        document.require_writable()
        if options.add is not None:
            document.notebook.set_notes(_with(document.notes, options), _("Edit “{title}”", title=options.add))
        else:
            document.notebook.set_notes(
                _without(document.notes, options.remove), _("Delete “{title}”", title=options.remove)
            )
        if options.json:
            _show(document.notes, as_json=True)
        else:
            count = len(document.notes)
            say(_n("{path} has {count} note.", "{path} has {count} notes.", count, path=document.path))
    return 0


def _with(notes: Sequence[Note], options: argparse.Namespace) -> list[Note]:
    if options.text is None:
        raise UsageError(_("--add needs --text with the text of the note."), code="incomplete-options")
    text = sys.stdin.read(_MAX_TEXT) if options.text == "-" else options.text
    if not text.strip():
        raise UsageError(_("The note is empty. Give its text with --text."), code="no-text")
    triggers = tuple(options.trigger)
    found = next((note for note in notes if note.title == options.add), None)
    if found is None:
        return [*notes, Note(options.add, text, options.kind or NOTE_KINDS[0], not triggers, triggers)]
    changed = replace(found, text=text, kind=options.kind or found.kind)
    if triggers:
        changed = replace(changed, always=False, triggers=triggers)
    return [changed if note is found else note for note in notes]


def _without(notes: Sequence[Note], title: str) -> list[Note]:
    left = [note for note in notes if note.title != title]
    if len(left) == len(notes):
        titles = ", ".join(note.title for note in notes) or _("none")
        raise UsageError(
            _("There is no note {title!r}. Existing notes: {notes}.", title=title, notes=titles),
            code="not-found",
        )
    return left


def _show(notes: Sequence[Note], *, as_json: bool) -> None:
    if as_json:
        rows = [{"title": n.title, "kind": n.kind, "triggers": list(n.triggers), "text": n.text} for n in notes]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for note in notes:
        shown = _("always") if note.always else _("where: {triggers}", triggers=", ".join(note.triggers))
        print(f"{note.title} ({note.kind}, {shown})\n    " + note.text.replace("\n", "\n    ") + "\n")
    if not notes:
        say(_("No notes yet. Add one with --add TITLE --text TEXT."))
