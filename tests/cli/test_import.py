"""``lwtui import``: what it reads, what it reports, and what it refuses."""

from __future__ import annotations

import pytest

from lwtui.documents.store import Document
from tests.cli.running import Shell
from tests.documents.docx_files import paragraph, table, write_docx


def test_the_report_follows_the_document(shell: Shell) -> None:
    cell = paragraph("a") + paragraph("b")
    write_docx(shell.folder / "a.docx", paragraph("Begin.") + table((cell, paragraph("c")), (cell, cell)))
    done = shell.run("import", "a.docx").worked()
    assert done.out == "" and "a.lw (1 section, " in done.err
    assert "Kept: 1 table." in done.err and "Nothing was left out." in done.err
    (shell.folder / "b.md").write_text("---\ntags: x\n---\n# A\n\nb <!-- c -->\n\n![[d.png]]\n")
    done = shell.run("import", "b.md", "-o", "c.lw").worked()
    assert "Left out: 1 value of the front matter, 1 comment." in done.err and "tags" in done.err
    assert "Pictures that an export will not show (no such file): d.png." in done.err


def test_a_guessed_encoding_is_told_and_can_be_named(shell: Shell) -> None:
    text = "第一章　冬\n\n彼女は山に行った。\n"
    (shell.folder / "a.txt").write_bytes(text.encode("shift_jis"))
    done = shell.run("import", "a.txt").worked()
    assert (
        "Read as Shift_JIS, which is a guess: “第一章 冬 彼女は山に行った。”" in done.err and "--encoding" in done.err
    )
    done = shell.run("import", "a.txt", "--encoding", "SJIS", "-o", "b.lw").worked()
    assert "guess" not in done.err
    with Document.open(shell.folder / "b.lw") as document:
        assert [(section.title, section.text) for section in document.sections()] == [
            ("第一章 冬", "彼女は山に行った。")
        ]
    shell.fails(2, "unknown-encoding", "import", "a.txt", "--encoding", "klingon", "-o", "c.lw")
    shell.fails(1, "wrong-encoding", "import", "a.txt", "--encoding", "utf-8", "-o", "c.lw")
    assert not (shell.folder / "c.lw").exists()


def test_a_folder_becomes_a_document_beside_it(shell: Shell) -> None:
    vault = shell.folder / "My.Walk"
    (vault / "People").mkdir(parents=True)
    (vault / "1.md").write_text("Mia left.")
    (vault / "2.md").write_text("Mia came back.")
    (vault / "People" / "Mia.md").write_text("Tall.")
    done = shell.run("import", "My.Walk").worked()
    assert "My.Walk.lw (2 sections, 5 words)" in done.err and "1 note" in done.err
    assert "Mia" in shell.run("notes", "My.Walk.lw").worked().out
    assert "My.Walk.lw" in shell.fails(2, "already-exists", "import", "My.Walk/").err


def test_a_project_becomes_a_document_beside_its_folder(shell: Shell) -> None:
    project = shell.folder / "Walk.scriv"
    (project / "Files" / "Data" / "1").mkdir(parents=True)
    (project / "Files" / "Data" / "1" / "content.rtf").write_text("{\\rtf1\\ansi She left.\\par}")
    item = '<BinderItem UUID="1" Type="Text"><Title>Hill</Title></BinderItem>'
    binder = f'<BinderItem Type="DraftFolder"><Children>{item}</Children></BinderItem>'
    (project / "Walk.scrivx").write_text(f"<S><Binder>{binder}</Binder></S>")
    assert "Walk.lw (1 section, 2 words)" in shell.run("import", "Walk.scriv/Walk.scrivx").worked().err
    assert (shell.folder / "Walk.lw").exists()


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.fountain", b"INT. HOUSE - DAY", "unknown-type"),
        ("a.pdf", b"%PDF-1.7", "unknown-type"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "old-format"),
        ("a.json", b'{"a": 1}', "unknown-type"),
    ],
)
def test_a_type_that_cannot_be_read_is_one_line(shell: Shell, name: str, data: bytes, code: str) -> None:
    (shell.folder / name).write_bytes(data)
    assert name in shell.fails(1, code, "import", name).err
    assert not (shell.folder / "a.lw").exists()


def test_the_help_names_the_types(shell: Shell) -> None:
    told = shell.run("import", "--help").worked().out
    for name in ("Markdown", "plain text", "DOCX", "ODT", "EPUB", "LaTeX", "Obsidian", "Scrivener", "--encoding"):
        assert name in told
