"""The mirror: a Markdown copy that is kept up to date, and never overwrites another file."""

from __future__ import annotations

import errno
import json
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.config import Mirror, load_settings, set_value
from lwtui.documents import mirror_state
from lwtui.documents.export import render
from lwtui.documents.importing import import_file, read_file
from lwtui.documents.mirror import choose_mirror, mirror_kind, mirror_path, own_mirror, update_mirror
from lwtui.documents.mirror_links import from_folder, link_targets, to_folder
from lwtui.documents.mirror_state import state_file
from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import ConfigError
from tests.documents.support import PLAN, SOIL, WATER, new_document

BOTH = (Mirror.FILE, Mirror.FOLDER)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(folder))
    return folder


def update(document: Document, kind: Mirror = Mirror.FOLDER) -> str:
    return update_mirror(document, kind)


def folder_of(document: Document) -> Path:
    return mirror_path(document.path, Mirror.FOLDER)


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_bytes().decode() for path in sorted(folder.iterdir()) if path.is_file()}


def main_file(document: Document, kind: Mirror) -> Path:
    """The file that has the text of the section Soil."""
    path = mirror_path(document.path, kind)
    return path if kind is Mirror.FILE else path / "soil.md"


def planned(*titles: str, levels: Sequence[int] = ()) -> Plan:
    sections = [PlannedSection(title, "", 100, f"{at:08x}") for at, title in enumerate(titles)]
    levels = levels or [1] * len(titles)
    return Plan(
        "A *plan* & more", tuple(replace(each, level=level) for each, level in zip(sections, levels, strict=True))
    )


def written(folder: Path, plan: Plan, texts: Sequence[str]) -> Document:
    document = new_document(folder, plan=plan)
    for section, text in zip(plan.sections, texts, strict=True):
        if text:
            document.edit(section.id, text)
    return document


# -- the settings


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        ("true", Mirror.FILE),
        ("false", Mirror.NONE),
        ('"none"', Mirror.NONE),
        ('"file"', Mirror.FILE),
        ('"folder"', Mirror.FOLDER),
        ('"git"', Mirror.GIT),
        ('""', Mirror.NONE),
    ],
)
def test_a_settings_file_may_be_that_of_an_earlier_version(tmp_path: Path, stored: str, kind: Mirror) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"mirror = {stored}\n")
    assert load_settings(settings).mirror is kind


@pytest.mark.parametrize(
    ("given", "stored"),
    [("true", "file"), ("False", "none"), ("folder", "folder"), ("GIT", "git"), (" none ", "none")],
)
def test_the_setting_is_stored_as_a_word(tmp_path: Path, given: str, stored: str) -> None:
    settings = tmp_path / "settings.toml"
    set_value("mirror", given, settings)
    assert settings.read_text() == f'mirror = "{stored}"\n'


@pytest.mark.parametrize("stored", ['"both"', "1", "[]", '"True"'])
def test_another_setting_is_refused(tmp_path: Path, stored: str) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"mirror = {stored}\n")
    with pytest.raises(ConfigError, match="mirror"):
        load_settings(settings)


# -- both kinds


@pytest.mark.parametrize("kind", BOTH)
def test_the_mirror_follows_the_document(tmp_path: Path, kind: Mirror) -> None:
    with new_document(tmp_path) as document:
        path = main_file(document, kind)
        assert update(document, Mirror.NONE) == "" and not path.exists()
        for text in ("Loam.", "Loam and sand.", ""):
            document.edit(SOIL.id, text)
            assert update(document, kind) == ""
            assert path.read_text() == (
                render(document, "md") if kind is Mirror.FILE else f"# Soil\n\n{text}\n" if text else "# Soil\n"
            )
        assert [file.name for file in tmp_path.glob("*.md")] == ["tomatoes.md"] * (kind is Mirror.FILE)


@pytest.mark.posix
@pytest.mark.parametrize("kind", BOTH)
def test_a_foreign_file_is_never_overwritten(tmp_path: Path, kind: Mirror) -> None:
    with new_document(tmp_path) as document:
        path = main_file(document, kind)
        path.parent.mkdir(exist_ok=True)
        path.write_text("precious")
        foreign = update(document, kind)
        assert path.name in foreign
        assert "\n" not in foreign and path.read_text() == "precious"
        path.unlink()
        assert update(document, kind) == ""
        own = path.read_text()
        path.write_text(own + "changed elsewhere")
        document.edit(SOIL.id, "Loam.")
        assert update(document, kind) == foreign
        assert path.read_text().endswith("changed elsewhere")
        path.write_text(own)  # the change is undone
        assert update(document, kind) == "" and "Loam." in path.read_text()
        path.unlink()
        (tmp_path / "other").write_text("precious")
        path.symlink_to(tmp_path / "other")
        assert update(document, kind) == foreign
        assert (tmp_path / "other").read_text() == "precious" and path.is_symlink()
        path.unlink()
        path.mkdir()
        assert update(document, kind) == foreign and path.is_dir()
        path.rmdir()
        os.mkfifo(path)  # which nobody writes to
        assert update(document, kind) == foreign and path.is_fifo()


@pytest.mark.posix
@pytest.mark.parametrize("kind", BOTH)
def test_identical_files_are_adopted_and_a_lost_cache_loses_nothing(tmp_path: Path, cache: Path, kind: Mirror) -> None:
    with new_document(tmp_path) as document:
        path = main_file(document, kind)
        document.edit(SOIL.id, "Clay.")
        assert update(document, kind) == ""
        for state in (cache / "mirrors").iterdir():
            state.unlink()
        assert update(document, kind) == ""
        document.edit(SOIL.id, "Loam.")
        assert update(document, kind) == "" and "Loam." in path.read_text()
        for state in (cache / "mirrors").iterdir():
            state.write_text("{broken")
        document.edit(SOIL.id, "Sand.")
        assert path.name in update(document, kind)
        assert "Loam." in path.read_text()


def test_a_document_can_override_the_settings(tmp_path: Path) -> None:
    with new_document(tmp_path) as document, new_document(tmp_path, "other.lw") as other:
        choose_mirror(document.path, Mirror.FILE)
        choose_mirror(other.path, Mirror.NONE)
        assert mirror_kind(document.path, Mirror.NONE) is Mirror.FILE
        assert mirror_kind(other.path, Mirror.GIT) is Mirror.NONE
        assert update(document, Mirror.NONE) == update(other, Mirror.FOLDER) == ""
        choose_mirror(other.path, None)
        assert own_mirror(other.path) is None and mirror_kind(other.path, Mirror.GIT) is Mirror.GIT
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".lw"] == ["tomatoes.md"]


@pytest.mark.parametrize(("on", "kind"), [(True, Mirror.FILE), (False, Mirror.NONE)])
def test_the_choice_of_an_earlier_version_is_kept_and_its_file_is_not_foreign(
    tmp_path: Path, on: bool, kind: Mirror
) -> None:
    with new_document(tmp_path) as document:
        assert update(document, Mirror.FILE) == ""
        state = state_file(document.path)
        hashes = json.loads(state.read_text())["hashes"]
        state.write_text(json.dumps({"document": str(document.path), "on": on, "hashes": hashes}))
        assert own_mirror(document.path) is kind
        document.edit(SOIL.id, "Loam.")
        assert update(document, Mirror.FILE) == ""
        assert ("Loam." in mirror_path(document.path).read_text()) is on


@pytest.mark.parametrize("kind", BOTH)
def test_a_reader_writes_no_mirror_and_a_full_disk_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Mirror
) -> None:
    with new_document(tmp_path) as document:
        path = main_file(document, kind)
        with Document.open(document.path) as second:
            assert second.read_only and update(second, kind) == ""
        assert not path.exists()
        assert update(document, kind) == ""
        before = path.read_text()
        document.edit(SOIL.id, "Loam.")

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        assert ": No space left" in update(document, kind)
        assert path.read_text() == before
        monkeypatch.undo()


@pytest.mark.parametrize("kind", BOTH)
def test_crashes_while_writing_do_not_make_the_mirror_foreign(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, kind: Mirror
) -> None:
    with new_document(tmp_path) as document:
        assert update(document, kind) == ""
        write = mirror_state.write_atomically

        def crash(path: Path, content: str | bytes) -> None:
            if path.suffix == ".md":
                raise OSError(errno.EIO, "gone")
            write(path, content)

        monkeypatch.setattr(mirror_state, "write_atomically", crash)
        for text in ("Loam.", "Clay."):  # the file stays two versions behind
            document.edit(SOIL.id, text)
            assert "gone" in update(document, kind)
        monkeypatch.setattr(mirror_state, "write_atomically", write)
        document.edit(SOIL.id, "Sand.")
        assert update(document, kind) == "" and "Sand." in main_file(document, kind).read_text()


# -- the folder


def test_the_folder_is_a_book_with_a_file_per_section(tmp_path: Path) -> None:
    plan = planned("Growing", "In pots", "Soil: clay?", "Water", levels=(1, 2, 3, 1))
    with written(tmp_path, plan, ["", "Use pots.\n\n", "Clay.", "Daily."]) as document:
        assert update(document) == ""
        assert folder_of(document).name == "tomatoes-markdown"
        found = files(folder_of(document))
    assert found.pop("SUMMARY.md").splitlines() == [
        "# A \\*plan\\* & more",
        "",
        "<!-- Kept up to date by lwtui. What is changed here does not go into the document. -->",
        "",
        "- [Growing](growing.md)",
        "  - [In pots](in-pots.md)",
        "    - [Soil: clay?](soil-clay.md)",
        "- [Water](water.md)",
    ]
    assert found == {
        ".gitattributes": "*.md text eol=lf diff=markdown\n",
        "growing.md": "# Growing\n",
        "in-pots.md": "# In pots\n\nUse pots.\n",
        "soil-clay.md": "# Soil: clay?\n\nClay.\n",
        "water.md": "# Water\n\nDaily.\n",
    }


HEADINGS = (
    *("Soil", "soil", "SOIL", "土壤", "土壤与水", "../../etc/passwd", "a/b", "a\\b", ".git", "SUMMARY", "summary.md"),
    *("CON", "nul.txt", "aux", "🍅", "🍅🍅", "…", "???", "-rf", "- - -", "", "", "--", "x" * 300, "字" * 300),
    *("Straße", "STRASSE", "e\u0301te\u0301", "\u00e9t\u00e9", "[b]aphids[/b]", "*x* _y_ `z`", "a_b", "1. First"),
    *(
        "# hash #",
        "C #",
        "C#",
        "x\\",
        "<b>&amp;</b>",
        "$x$ and $y$",
        "\\(x\\)",
        "\\[x = 1\\]",
        "[link](#soil)",
        "![p](p)",
    ),
    *("x^2^ H~2~O", "~~gone~~", "a | b", "{#id}", "Heading {#id .x}", "100% & 5 > 3", 'say "hi" don\'t', "a: b?*"),
    *("%2e%2e%2f", "soil-2", "<!-- x -->", "http://a.b/c_d_e", "==x==", "[x]: y", "[^1]", "Introduction", "__0__"),
)


def test_every_heading_makes_one_safe_name_and_comes_back(tmp_path: Path) -> None:
    plan = planned(*HEADINGS, levels=[1, *(1 + at % 3 for at in range(1, len(HEADINGS)))])
    texts = [f"Text {at}." for at in range(len(HEADINGS))]
    with written(tmp_path, plan, texts) as document:
        assert update(document) == ""
        found, sections = files(folder_of(document)), document.sections()
        assert [path for path in tmp_path.rglob("*") if path.is_dir()] == [folder_of(document)]
    assert len(found) == len(HEADINGS) + 2
    assert len({unicodedata.normalize("NFC", name.casefold()) for name in found}) == len(found)
    assert all(len(name.encode()) < 120 for name in found)
    assert [name for name in found if name != name.lower()] == ["SUMMARY.md"]
    assert not {"con.md", "nul.md", "aux.md", "summary.md", "git", ".git"} & set(found)
    for name in (
        "soil.md",
        "soil-2.md",
        "soil-3.md",
        "土壤.md",
        "土壤与水.md",
        "summary-2.md",
        "🍅.md",
        "rf.md",
        "section-17.md",
    ):
        assert name in found, sorted(found)
    imported = read_file(mirror_path(document.path, Mirror.FOLDER))
    assert imported.title == plan.title
    assert [(part.level, part.title, part.text) for part in imported.parts] == [
        (section.level, section.title, section.text) for section in sections
    ]


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30), min_size=1, max_size=4))
def test_any_heading_comes_back(tmp_path_factory: pytest.TempPathFactory, headings: list[str]) -> None:
    folder = tmp_path_factory.mktemp("made")
    with new_document(folder, plan=planned(*headings)) as document:
        document.edit("00000000", "Text.")
        assert update(document) == ""
        imported = read_file(folder_of(document))
        assert [part.title for part in imported.parts] == [section.title for section in document.sections()]
        assert imported.parts[0].text == "Text."


TEXTS = (
    "A note.[^1] Another.[^n]\n\n[^1]: The first.\n[^n]: The second,\n    in two lines.",
    "The same label.[^1]\n\n[^1]: Elsewhere.",
    "One of another section.[^n]",
    "See [soil](#soil), [the second](#soil-1), [below](#drainage), [gone](#nowhere) and [it](#土壤).",
    "# Drainage\n\nA heading first.\n\n### Below\n\n```\n# no heading [a](b) ](#soil)\n```\n\n`](#soil)`"
    " and [top](#drainage).",
    '![A pot](pots/a%20pot.png) ![x](<pots/b c.png>) [data](data.csv "Data") [up](../up.md) [own](soil.md#x)',
    "[web](https://a.b/c) <https://x.y> [mail](mailto:a@b) ![d](data:image/png;base64,AA) [r](/root) [w](C:\\x)",
    '[label][ref] and ![pic][ref2]\n\n[ref]: #soil\n[ref2]: pots/pot.png "Title"\n\n[Anna]: she said\n',
    "He wrote f[i](x) and \\](y), and $](z)$ too.\n\n    [code](code.md)\n\nEnd with two spaces  \nand more.",
    "==marks== %%comment%% <!-- comment --> [[wiki]] ^[inline] {#id} @tag: x\n\n---\ntitle: no\n---",
    "    indented at the start",
    "| a | b |\n| - | - |\n| 1 | [x](#soil) |\n\n> [quoted](#soil)\n\n- [ ] task [y](z.md)",
)


def test_texts_and_links_come_back_as_they_were(tmp_path: Path) -> None:
    titles = ["Soil", "Soil", "土壤", *(f"Section {at}" for at in range(3, len(TEXTS)))]
    long = "\n\n".join(f"## Part {at}\n\n{'word ' * 700}".rstrip() for at in range(4))
    with written(
        tmp_path, planned(*titles, "", "Empty", "Long"), [*TEXTS, "# Mine\n\nNo heading.", "", long]
    ) as document:
        assert update(document) == ""
        found, sections = files(folder_of(document)), document.sections()
    links = found["section-3.md"]
    assert "[soil](soil.md#soil), [the second](soil-2.md#soil-1), [below](section-4.md#drainage)" in links
    assert "[gone](#nowhere) and [it](土壤.md#土壤)" in links
    assert "](#soil)` and [top](#drainage)." in found["section-4.md"]  # in code, and in the same file
    pictures = found["section-5.md"]
    assert '![A pot](../pots/a%20pot.png) ![x](<../pots/b c.png>) [data](../data.csv "Data")' in pictures
    assert "[up](../../up.md) [own](../soil.md#x)" in pictures
    assert found["section-6.md"] == f"# Section 6\n\n{TEXTS[6]}\n"
    assert '[ref]: soil.md#soil\n[ref2]: ../pots/pot.png "Title"\n\n[Anna]: she said' in found["section-7.md"]
    assert "f[i](../x) and \\](y), and $](z)$" in found["section-8.md"]
    assert all(text.endswith("\n") and not text.endswith("\n\n") and "\r" not in text for text in found.values())
    (tmp_path / "elsewhere").mkdir()
    with import_file(mirror_path(tmp_path / "tomatoes.lw", Mirror.FOLDER), tmp_path / "elsewhere" / "new.lw") as again:
        assert again.title == "A *plan* & more"
        assert [(section.level, section.title, section.text) for section in again.sections()] == [
            (section.level, section.title, section.text.rstrip()) for section in sections
        ]


@given(st.text(st.sampled_from("ab #]([)<>\\`$!:^\n./~\"'-"), max_size=60))
def test_any_text_comes_back_from_the_folder(text: str) -> None:
    targets = link_targets(["A", "B"], [text, ""], ["a.md", "b.md"])
    assert from_folder(to_folder(text, "a.md", targets), {"a.md", "b.md"}, lambda address: f"?{address}") == text


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def test_pictures_stay_beside_the_document_and_an_import_finds_them(tmp_path: Path) -> None:
    (tmp_path / "pots").mkdir()
    (tmp_path / "pots" / "pot.png").write_bytes(PNG)
    with written(tmp_path, planned("A", "B"), ["![pot](pots/pot.png)", "Text."]) as document:
        assert update(document) == ""
        folder = folder_of(document)
    text = (folder / "a.md").read_text()
    assert "![pot](../pots/pot.png)" in text and (folder / "../pots/pot.png").read_bytes() == PNG
    (folder / "own.png").write_bytes(PNG)
    (folder / "b.md").write_text("# B\n\n![own](own.png) ![gone](gone.png) ![long](" + "x" * 300 + ".png)\n")
    with import_file(folder, tmp_path / "beside.lw") as beside:
        assert [section.text for section in beside.sections()] == [
            "![pot](pots/pot.png)",
            "![own](tomatoes-markdown/own.png) ![gone](gone.png) ![long](" + "x" * 300 + ".png)",
        ]
    (tmp_path / "far").mkdir()
    with import_file(folder, tmp_path / "far" / "new.lw") as far:
        pictures = [section.text for section in far.sections()]
    assert "![pot](new-pictures/picture-1.png)" in pictures[0] and "new-pictures/picture-2.png" in pictures[1]
    assert (tmp_path / "far/new-pictures/picture-1.png").read_bytes() == PNG


def test_parts_and_planned_sections_stay_what_they_are(tmp_path: Path) -> None:
    with written(tmp_path, planned("Part", "Inner", "To come", levels=(1, 2, 1)), ["", "Text.", ""]) as document:
        assert update(document) == ""
        imported = read_file(folder_of(document))
    assert [(part.title, part.is_heading_only) for part in imported.parts] == [
        ("Part", True),
        ("Inner", False),
        ("To come", False),
    ]


def test_a_new_section_adds_a_file_and_renames_none(tmp_path: Path) -> None:
    titles = ("Soil", "", "Soil", "?", "Light")
    plan = planned(*titles)
    with written(tmp_path, plan, [f"Text {at}." for at in range(5)]) as document:
        assert update(document) == ""
        before = files(folder_of(document))
        times = {path.name: path.stat().st_mtime_ns for path in folder_of(document).iterdir()}
        new = PlannedSection("Soil", "", 100, "ffffffff")
        document.set_plan(replace(plan, sections=(new, *plan.sections)), "Insert")
        assert update(document) == ""
        after = files(folder_of(document))
        assert set(after) - set(before) == {"soil-3.md"}
        assert {name for name in before if after[name] != before[name]} == {"SUMMARY.md"}
        touched = {
            path.name for path in folder_of(document).iterdir() if times.get(path.name) != path.stat().st_mtime_ns
        }
        assert touched == {"SUMMARY.md", "soil-3.md"}
        assert update(document) == "" and files(folder_of(document)) == after
        assert [part.text for part in read_file(folder_of(document)).parts] == ["", *(f"Text {at}." for at in range(5))]


def test_two_runs_write_the_same_files(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with written(tmp_path / name, planned("Soil", "", "Soil"), ["a", "b", "c"]) as document:
            assert update(document) == ""
            found.append(files(folder_of(document)))
    assert found[0] == found[1]


def test_files_of_removed_and_renamed_sections_go_unless_others_changed_them(tmp_path: Path) -> None:
    plan = planned("Soil", "Water", "Light", "Pots", "Wind")
    with written(tmp_path, plan, ["a", "b", "c", "d", "e"]) as document:
        assert update(document) == ""
        folder = folder_of(document)
        (folder / "README.md").write_text("precious")
        (folder / "water.md").write_text("changed elsewhere")
        (folder / "wind.md").unlink()
        sections = (replace(plan.sections[0], title="Earth"), plan.sections[3])
        document.set_plan(replace(plan, sections=sections), "Cut")
        assert "water.md" in update(document)
        assert set(files(folder)) == {".gitattributes", "SUMMARY.md", "README.md", "water.md", "earth.md", "pots.md"}
        assert update(document) == ""  # it is told once
        document.set_plan(replace(plan, sections=(replace(sections[0], title="Pots"), sections[1])), "Same name")
        assert update(document) == ""
        assert (folder / "pots-2.md").read_text() == "# Pots\n\na\n" and (folder / "pots.md").exists()
        document.set_plan(replace(plan, sections=(replace(sections[0], title="Pots"),)), "Cut")
        document.set_plan(replace(plan, sections=(replace(sections[1], title="Water", id="eeeeeeee"),)), "Foreign")
        assert "water.md" in update(document)
        assert (folder / "water.md").read_text() == "changed elsewhere"
        assert (folder / "README.md").read_text() == "precious"


def test_foreign_files_do_not_keep_the_others_from_being_updated(tmp_path: Path) -> None:
    with written(tmp_path, planned(*"abcdefg"), ["Text."] * 7) as document:
        folder = folder_of(document)
        folder.mkdir()
        for name in ("a.md", "b.md", "c.md", ".gitattributes", "g.md"):
            (folder / name).write_text("precious")
        line = update(document)
        assert "a.md" in line and "and 2 more" in line and "\n" not in line
        assert (folder / "d.md").read_text() == "# d\n\nText.\n" and "- [g](g.md)" in (
            folder / "SUMMARY.md"
        ).read_text()
        assert [name for name, text in files(folder).items() if text == "precious"] == [
            *(".gitattributes", "a.md", "b.md", "c.md", "g.md"),
        ]


@pytest.mark.posix
@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_foreign_thing_in_the_place_of_the_folder_stays(tmp_path: Path, kind: str) -> None:
    (tmp_path / "other").mkdir()
    with new_document(tmp_path) as document:
        folder = folder_of(document)
        folder.write_text("precious") if kind == "file" else folder.symlink_to(tmp_path / "other")
        assert folder.name in update(document)
        assert folder.read_text() == "precious" if kind == "file" else not list((tmp_path / "other").iterdir())


def test_a_change_of_the_kind_and_of_the_name_leaves_the_old_mirror(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Loam.")
        assert update(document, Mirror.FILE) == update(document, Mirror.FOLDER) == ""
        document.edit(SOIL.id, "Sand.")
        assert update(document, Mirror.FOLDER) == ""
        assert "Loam." in mirror_path(document.path).read_text()
        assert "Sand." in main_file(document, Mirror.FOLDER).read_text()
    moved = tmp_path / "renamed.lw"
    (tmp_path / "tomatoes.lw").rename(moved)
    with Document.open(moved) as document:
        assert update(document) == ""
    assert files(tmp_path / "tomatoes-markdown") == files(tmp_path / "renamed-markdown")


@pytest.mark.parametrize("name", ["../../evil.md", "a/b.md", "", "..", 5])
def test_a_manipulated_cache_names_no_file_elsewhere(tmp_path: Path, name: object) -> None:
    (tmp_path / "evil.md").write_text("precious")
    with new_document(tmp_path) as document:
        assert update(document) == ""
        state = json.loads(state_file(document.path).read_text())
        state["names"][WATER.id]["name"] = name
        state["files"][str(name)] = state["files"]["water.md"]
        state_file(document.path).write_text(json.dumps(state))
        assert update(document) == ""
        assert len(files(folder_of(document))) == len(PLAN.sections) + 2
    assert (tmp_path / "evil.md").read_text() == "precious"
