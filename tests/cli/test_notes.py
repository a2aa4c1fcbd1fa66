"""``lwtui notes``."""

import json

from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from tests.cli.running import Shell


def test_notes_can_be_added_changed_shown_and_removed(shell: Shell) -> None:
    path = shell.folder / "novel.lw"
    Document.create(path, Brief("Write a novel", 1000)).close()
    assert "No notes yet" in shell.run("notes", "novel.lw").worked().err
    shell.run("notes", "novel.lw", "--add", "Tone", "--text", "Dry wit.", "--kind", "style").worked()
    added = ("--add", "Mira", "--text", "-", "--trigger", "Mira", "--trigger", "the botanist")
    done = shell.run("notes", "novel.lw", *added, "--json", stdin="A botanist\nof forty.\n").worked()
    assert json.loads(done.out) == [
        {"title": "Tone", "kind": "style", "triggers": [], "text": "Dry wit."},
        {"title": "Mira", "kind": "story", "triggers": ["Mira", "the botanist"], "text": "A botanist\nof forty."},
    ]
    shell.run("notes", "novel.lw", "--add", "Tone", "--text", "Solemn.").worked()
    shown = shell.run("notes", "novel.lw").worked().out
    assert "Tone (style, always)\n    Solemn.\n" in shown
    assert "Mira (story, where: Mira, the botanist)\n    A botanist\n    of forty." in shown
    shell.run("notes", "novel.lw", "--remove", "Tone").worked()
    with Document.open(path) as document:
        assert [note.title for note in document.notes] == ["Mira"]
        assert document.notebook.undo_notes() == "Delete “Tone”"

        shell.run("notes", "novel.lw", "--remove", "Mira").failed(1, "Cannot write to novel.lw")
    shell.run("notes", "novel.lw", "--remove", "Nobody").failed(2, "There is no note 'Nobody'", "Tone, Mira")
    shell.run("notes", "novel.lw", "--add", "X").failed(2, "--add needs --text")
    shell.run("notes", "novel.lw", "--add", "X", "--text", " ").failed(2, "note is empty")
    shell.run("notes", "novel.lw", "--text", "X").failed(2, "need --add")
    shell.run("notes", "none.lw").failed(1, "There is no document at none.lw")
