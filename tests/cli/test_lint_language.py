"""``lwtui lint``: spelling, a LanguageTool server, and figures of readability."""

from __future__ import annotations

import json

import pytest

from lwtui.documents.facts import Fact
from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from tests.cli.running import Shell
from tests.support.languagetool import Checker, languagetool
from tests.support.studio import plan_of

pytest.importorskip("spylls")


def test_misspelled_words_are_findings_and_names_are_not(shell: Shell) -> None:
    path = shell.folder / "story.lw"
    with Document.create(path, Brief("A story", 30, "en"), plan_of(30)) as document:
        document.edit("s1", "Ossolinska recieved a letter.")
        document.fact_book.put(Fact("person", "Ossolinska", "She lives here.", "", "s1", by_hand=True))
    options = ("lint", path, "--spelling", "--fail-on", "spelling", "--json")
    done = shell.run(*options)
    rows = json.loads(done.out)["findings"]
    assert done.code == 1 and [row["kind"] for row in rows if row["kind"] == "spelling"] == ["spelling"]
    assert rows[-1]["places"][0]["quote"] == "recieved"
    (shell.folder / "config" / "spelling.txt").write_text("recieved\n")
    assert shell.run(*options).code == 0


def test_the_server_of_the_settings_is_asked_and_another_is_named(shell: Shell) -> None:
    (shell.folder / "note.md").write_text("# One\n\nThey is here.\n")
    with languagetool(Checker({"is": "grammar"})) as server:
        shell.run("config", "set", "lint.languagetool", server.address).worked()
        done = shell.run("lint", "note.md")
        assert done.code == 1 and "grammar: About is. other?" in done.out and "note.md:3" in done.out
        shell.run("lint", "note.md", "--no-languagetool").worked()
        assert len(server.asked) == 1
    failed = shell.run("lint", "note.md")
    assert failed.code == 1 and "Cannot reach LanguageTool" in failed.err
    shell.settings('[lint]\nlanguagetol = "http://127.0.0.1"\n')
    assert "Known: languagetool" in shell.run("lint", "note.md").err
    shell.settings('[lint]\nlanguagetool = "http://me:secret-word@127.0.0.1"\n')
    refused = shell.run("lint", "note.md")
    assert refused.code != 0 and "secret-word" not in refused.err + refused.out


def test_readability_by_language(shell: Shell) -> None:
    (shell.folder / "en.txt").write_text("The cat sat on the mat. It was happy there. " * 9)
    (shell.folder / "zh.txt").write_text("猫坐在垫子上。它在那里很高兴，一直睡到晚上。" * 9)
    done = shell.run("lint", "en.txt", "--readability", "--fail-on", "none").worked()
    assert "Flesch-Kincaid" in done.err and "LIX" in done.err
    done = shell.run("lint", "zh.txt", "--readability", "--json", "--fail-on", "none").worked()
    figures = json.loads(done.out)["readability"]
    assert figures["reading_ease"] is None and figures["lix"] == 0 and 6 <= figures["sentence_length"] <= 14
    failed = shell.run("lint", "zh.txt", "--spelling")
    assert failed.code == 1 and "dictionaries" in failed.err and "Chinese" in failed.err
