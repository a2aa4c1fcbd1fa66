"""Import of folders: a vault, an mdBook, and projects of novelWriter and Scrivener."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.documents.importing import Imported, import_file, read_file
from lwtui.errors import DocumentError
from tests.errors import has_code

Outline = list[tuple[int, str, str]]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def outline(imported: Imported) -> Outline:
    return [(part.level, part.title, part.text) for part in imported.parts]


def told(imported: Imported) -> str:
    return "\n".join(imported.report.lines())


def test_a_vault_becomes_sections_in_the_order_of_its_names(tmp_path: Path) -> None:
    vault = write(
        tmp_path / "The Walk",
        {
            ".obsidian/app.json": "{}",
            ".trash/old.md": "Old.",
            "Templates/scene.md": "Template.",
            "Part 1/Chapter 1.md": "Mia left.[^1]\n\n[^1]: Early.",
            "Part 1/Chapter 2.md": "# The River\n\nRain.[^1]\n\n## Later\n\nSun.\n\n[^1]: Late.",
            "Part 1/Chapter 10.md": "---\ntags: x\n---\nEnd of part one.",
            "Part 2/index.md": "# Part the Second\n\nWhat it is about.",
            "Part 2/Chapter 11.txt": "It was *late*.",
            "Characters/Mia.md": "Tall, and always *late*.",
            "Characters/More/Bo.md": "Short.",
            "map.png": "x",
            "sums.xlsx": "x",
        },
    )
    imported = read_file(vault)
    assert imported.title == "The Walk"
    assert outline(imported) == [
        (1, "Part 1", ""),
        (2, "Chapter 1", "Mia left.[^1]\n\n[^1]: Early."),
        (2, "The River", "Rain.[^2]\n\n#### Later\n\nSun.\n\n[^2]: Late."),
        (2, "Chapter 10", "End of part one."),
        (1, "Part the Second", "What it is about."),
        (2, "Chapter 11", "It was \\*late\\*."),
    ] or outline(imported)[2][2].startswith("Rain.[^2]")
    assert [(note.title, note.text, note.triggers) for note in imported.notes] == [
        ("Mia", "Tall, and always *late*.", ("Mia",)),
        ("Bo", "Short.", ("Bo",)),
    ]
    report = told(imported)
    assert (
        "2 notes" in report and "1 picture" in report and "1 file of another type" in report and "Templates" in report
    )
    with import_file(vault, tmp_path / "walk.lw") as document:
        assert [section.level for section in document.sections()] == [1, 2, 2, 2, 1, 2]
        assert [note.title for note in document.notes] == ["Mia", "Bo"]


def test_a_long_file_of_a_folder_is_divided(tmp_path: Path) -> None:
    text = "# Long\n\nBegin.\n\n## One\n\n" + "word " * 1500 + "\n\n## Two\n\n" + "word " * 1500
    imported = read_file(write(tmp_path / "v", {"a.md": text, "b.md": "Short.\n\n## Inner\n\nText."}))
    assert [(part.level, part.title) for part in imported.parts] == [(1, "Long"), (2, "One"), (2, "Two"), (1, "b")]
    assert imported.parts[3].text == "Short.\n\n### Inner\n\nText."


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "v", {"a.md": "Text.", "b.docx": "no DOCX"})
    imported = read_file(folder)
    assert outline(imported) == [(1, "a", "Text.")]
    assert "1 unread file" in told(imported) and "b.docx (not-docx)" in told(imported)


def test_a_folder_without_text_is_one_line(tmp_path: Path) -> None:
    for files in ({}, {"a.png": "x"}, {"Characters/a.md": "x"}):
        (tmp_path / "v").mkdir(exist_ok=True)
        write(tmp_path / "v", files)
        with pytest.raises(DocumentError, check=has_code("no-text")):
            read_file(tmp_path / "v")


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("TOPSECRET")
    folder = write(
        tmp_path / "v", {"a.md": "Text.", "SUMMARY.md": "- [A](a.md)\n- [S](../secret.md)\n- [L](link.md)\n"}
    )
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "loop").symlink_to(folder)
    imported = read_file(folder)
    assert outline(imported) == [(1, "A", "Text.")] and "2 chapters outside the book" in told(imported)
    (folder / "SUMMARY.md").unlink()
    assert "TOPSECRET" not in str(read_file(folder))


SUMMARY = """\
# Summary

[Before](before.md)

# First part

- [One](one.md)
  - [Inner](inner/README.md)
- [To come]()
- [Gone](gone.md)

# Second part

- [Two & *three*](two.md#top)

[After](after.md)
"""


@pytest.mark.parametrize("base", ["src/", "", "text/"])
def test_an_mdbook_has_the_order_of_its_summary(tmp_path: Path, base: str) -> None:
    names = ("before", "one", "inner/README", "two", "after", "unlisted")
    files = {f"{base}{name}.md": f"# Heading\n\nText of {name}.\n" for name in names}
    setting = 'src = "text"\n' if base == "text/" else ""
    settings = f'[book]\ntitle = "The Book"\nauthors = ["A. B.", "C."]\n{setting}'
    folder = write(tmp_path / "book", {**files, f"{base}SUMMARY.md": SUMMARY, "book.toml": settings})
    for source in (folder, folder / "book.toml"):
        imported = read_file(source)
        assert (imported.title, imported.author) == ("The Book", "A. B., C.")
        assert [(part.level, part.title, part.is_heading_only) for part in imported.parts] == [
            *((1, "Before", False), (1, "First part", True), (2, "One", False), (3, "Inner", False)),
            *((2, "To come", False), (2, "Gone", False), (1, "Second part", True), (2, "Two & three", False)),
            (1, "After", False),
        ]
        assert "Text of inner/README." in imported.parts[3].text
        report = told(imported)
        assert "gone.md" in report and "unlisted.md" in report


NOVEL = """\
<?xml version="1.0" encoding="utf-8"?>
<novelWriterXML appVersion="2.4" fileVersion="1.5">
  <project><name>The Walk</name><title>Walk</title><author>A. B.</author></project>
  <content>
    <item handle="aaaaaaaaaaaa0" parent="None" root="a" order="0" type="ROOT" class="NOVEL"><name>Novel</name></item>
    <item handle="aaaaaaaaaaaa2" parent="aaaaaaaaaaaa0" order="1" type="FILE" class="NOVEL" layout="DOCUMENT">
      <name status="s" active="yes">Second</name></item>
    <item handle="aaaaaaaaaaaa1" parent="aaaaaaaaaaaa0" order="0" type="FILE" class="NOVEL" layout="DOCUMENT">
      <name status="s" active="yes">First</name></item>
    <item handle="aaaaaaaaaaaa3" parent="aaaaaaaaaaaa0" order="2" type="FILE" class="NOVEL" layout="DOCUMENT">
      <name status="s" active="no">Idle</name></item>
    <item handle="bbbbbbbbbbbb0" parent="None" order="1" type="ROOT" class="CHARACTER"><name>People</name></item>
    <item handle="bbbbbbbbbbbb1" parent="bbbbbbbbbbbb0" order="0" type="FILE" class="CHARACTER" layout="NOTE">
      <name active="yes">Mia Lund</name></item>
    <item handle="cccccccccccc0" parent="None" order="2" type="ROOT" class="TRASH"><name>Trash</name></item>
    <item handle="cccccccccccc1" parent="cccccccccccc0" order="0" type="FILE" class="TRASH" layout="DOCUMENT">
      <name active="yes">Old</name></item>
  </content>
</novelWriterXML>
"""


def test_a_project_of_novelwriter(tmp_path: Path) -> None:
    head = "%%~name: x\n%%~kind: NOVEL/DOCUMENT\n"
    folder = write(
        tmp_path / "Walk",
        {
            "nwProject.nwx": NOVEL,
            "content/aaaaaaaaaaaa1.nwd": f"{head}## Leaving\n\n### The Hill\n\n%Synopsis: Mia climbs.\n\nShe climbs.\n",
            "content/aaaaaaaaaaaa2.nwd": f"{head}### The Top\n\nShe looks.\n\n## Coming\n\n### Home\n\nShe rests.\n",
            "content/aaaaaaaaaaaa3.nwd": f"{head}### Idle\n\nNo.\n",
            "content/bbbbbbbbbbbb1.nwd": f"{head}# Mia\n\n@tag: Mia\n\nTall.\n",
            "content/cccccccccccc1.nwd": "Old.",
        },
    )
    for source in (folder, folder / "nwProject.nwx"):
        imported = read_file(source)
        assert (imported.title, imported.author) == ("Walk", "A. B.")
        assert outline(imported) == [
            *((1, "Leaving", ""), (2, "The Hill", "She climbs."), (2, "The Top", "She looks.")),
            *((1, "Coming", ""), (2, "Home", "She rests.")),
        ]
        assert imported.parts[1].main_point == "Mia climbs."
        [note] = imported.notes
        assert (note.title, note.triggers) == ("Mia Lund", ("Mia",)) and "Tall." in note.text
        assert "2 archived or inactive documents" in told(imported)
    (folder / "nwProject.nwx").write_text("<broken")
    with pytest.raises(DocumentError, check=has_code("damaged")):
        read_file(folder)


def _binder_item(identifier: str, kind: str, title: str, children: str = "", compiled: str = "Yes") -> str:
    return (
        f'<BinderItem UUID="{identifier}" ID="{identifier}" Type="{kind}"><Title>{title}</Title>'
        f"<MetaData><IncludeInCompile>{compiled}</IncludeInCompile></MetaData>"
        f"<Children>{children}</Children></BinderItem>"
    )


def _rtf(text: str) -> str:
    return f"{{\\rtf1\\ansi\\deff0{{\\fonttbl{{\\f0 Times;}}}}\\f0\\fs24 {text}\\par}}"


@pytest.mark.parametrize("version", [3, 2])
def test_a_project_of_scrivener(tmp_path: Path, version: int) -> None:
    scenes = (
        _binder_item("11", "Text", "Hill") + _binder_item("12", "Text", "Top") + _binder_item("15", "Text", "To come")
    )
    draft = _binder_item("10", "Folder", "Leaving", scenes) + _binder_item("13", "Text", "Notes to self", compiled="No")
    binder = (
        _binder_item("1", "DraftFolder", "Manuscript", draft)
        + _binder_item("2", "ResearchFolder", "Research", _binder_item("21", "Text", "Weather"))
        + _binder_item("3", "Folder", "Characters", _binder_item("31", "Text", "Mia"))
        + _binder_item("4", "TrashFolder", "Trash", _binder_item("41", "Text", "Old"))
    )

    def named(identifier: str, name: str, ending: str) -> str:
        if version == 3:
            return f"Files/Data/{identifier}/{name}.{ending}"
        return f"Files/Docs/{identifier}{'' if name == 'content' else f'_{name}'}.{ending}"

    folder = write(
        tmp_path / "Walk.scriv",
        {
            "Walk.scrivx": f'<?xml version="1.0"?><ScrivenerProject><Binder>{binder}</Binder></ScrivenerProject>',
            named("11", "content", "rtf"): _rtf("She {\\b climbs}."),
            named("11", "synopsis", "txt"): "Mia climbs.",
            named("11", "notes", "rtf"): _rtf("More rain."),
            named("12", "content", "rtf"): _rtf("She looks."),
            named("13", "content", "rtf"): _rtf("Do more."),
            named("21", "content", "rtf"): _rtf("It rains."),
            named("31", "content", "rtf"): _rtf("Tall."),
            named("41", "content", "rtf"): _rtf("Old."),
        },
    )
    for source in (folder, folder / "Walk.scrivx"):
        imported = read_file(source)
        assert imported.title == "Walk"
        assert outline(imported) == [
            *((1, "Leaving", ""), (2, "Hill", "She **climbs**."), (2, "Top", "She looks."), (2, "To come", "")),
        ]
        assert imported.parts[1].main_point == "Mia climbs."
        assert [(note.title, note.text, note.kind) for note in imported.notes] == [
            ("Hill (notes)", "More rain.", "story"),
            ("Weather", "It rains.", "fact"),
            ("Mia", "Tall.", "story"),
        ]
        assert "1 document that is not compiled" in told(imported) and "1 document in the trash" in told(imported)
    with import_file(folder, tmp_path / "walk.lw") as document:
        assert [section.words for section in document.sections()] == [0, 2, 2, 250]
