"""``lwtui voice SAMPLE``: measure the voice of sample texts, and have a document written in it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from lwtui.agentwrite.voice import voice_note, voice_of, with_voice
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.translation import _


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "voice",
        _(
            "Measure the habits of sample texts: length and spread of sentences, paragraphs, person, tense, dialogue,\n"
            "punctuation, frequent turns. The note that is printed, with two passages, tells a model to write like "
            "them."
        ),
        """
        lwtui voice mine.md
        lwtui voice chapter-1.docx chapter-2.docx --to novel.lw
        lwtui lint novel.lw --voice chapter-1.docx
        """,
    )
    result.add_argument("samples", type=Path, nargs="+", metavar="SAMPLE", help=_("a document, Markdown, text or DOCX"))
    result.add_argument(
        "--to", type=Path, metavar="DOC.lw", help=_("store the note in this document, in place of an earlier voice")
    )
    result.add_argument("--json", action="store_true", help=_("print the figures as one object"))
    return result


def run(options: argparse.Namespace) -> int:
    """Print the voice, and return the exit code."""
    for path in options.samples:
        if not path.is_file():
            raise UsageError(_("There is no file {path}. Check the path.", path=path), code="not-found")
    voice, texts = voice_of(options.samples)
    note = voice_note(voice, texts)
    if options.json:
        print(json.dumps(voice.to_dict() | {"note": note.text}, ensure_ascii=False, indent=2))
    elif options.to is None:
        print(note.text)
        if voice.turns:
            say(_("Frequent turns: {turns}", turns=", ".join(voice.turns)))
    if options.to is not None:
        with Document.open(options.to) as document:
            document.require_writable()
            document.notebook.set_notes(with_voice(document.notes, note), _("Note a voice"))
            say(_("{path} has a note of this voice. The model sees it with every section.", path=document.path))
    return 0
