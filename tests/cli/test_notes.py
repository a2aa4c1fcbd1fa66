"""``lwtui notes``."""

import json

from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from tests.cli.running import Shell


def test_notes_can_be_added_changed_shown_and_removed(shell: Shell) -> None:
    path = shell.folder / "novel.lw"
    Document.create(path, Brief("Write a novel", 1000)).close()
    shown = shell.run("notes", "novel.lw").worked()
    assert shown.out == "" and len(shown.err.splitlines()) == 1  # says that there are none
    assert json.loads(shell.run("notes", "novel.lw", "--json").worked().out) == []
    shell.run("notes", "novel.lw", "--add", "Tone", "--text", "Dry wit.", "--kind", "style").worked()
    added = ("--add", "Mira", "--text", "-", "--trigger", "Mira", "--trigger", "the botanist")
    done = shell.run("notes", "novel.lw", *added, "--json", stdin="A botanist\nof forty.\n").worked()
    assert json.loads(done.out) == [
        {"title": "Tone", "kind": "style", "triggers": [], "text": "Dry wit."},
        {"title": "Mira", "kind": "story", "triggers": ["Mira", "the botanist"], "text": "A botanist\nof forty."},
    ]
    shell.run("notes", "novel.lw", "--add", "Tone", "--text", "Solemn.").worked()
    text = shell.run("notes", "novel.lw").worked().out
    assert "Tone (style, always)\n    Solemn.\n" in text
    assert "Mira (story, where: Mira, the botanist)\n    A botanist\n    of forty." in text
    shell.run("notes", "novel.lw", "--remove", "Tone").worked()
    with Document.open(path) as document:
        assert [note.title for note in document.notes] == ["Mira"]
        assert document.notebook.undo_notes() == "Delete “Tone”"

        assert "novel.lw" in shell.fails(1, "read-only", "notes", "novel.lw", "--remove", "Mira").err
    unknown = shell.fails(2, "not-found", "notes", "novel.lw", "--remove", "Nobody")
    assert "'Nobody'" in unknown.err and "Tone, Mira" in unknown.err
    assert "--text" in shell.fails(2, "incomplete-options", "notes", "novel.lw", "--add", "X").err
    assert "--text" in shell.fails(2, "no-text", "notes", "novel.lw", "--add", "X", "--text", " ").err
    assert "--add" in shell.fails(2, "incomplete-options", "notes", "novel.lw", "--text", "X").err
    assert "none.lw" in shell.fails(1, "not-found", "notes", "none.lw").err
