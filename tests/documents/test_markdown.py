"""Import of Markdown and plain text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents.export import render
from lwtui.documents.importing import import_file
from lwtui.documents.importing.front_matter import split_front_matter
from lwtui.documents.importing.imported import ImportedPart
from lwtui.documents.importing.sections import divide
from lwtui.documents.model import Mode, Origin, Status
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.text import count_words
from tests.errors import has_code


def import_text(folder: Path, source: str, name: str = "notes.md") -> Document:
    path = folder / name
    path.write_text(source, encoding="utf-8")
    document = import_file(path, folder / "notes.lw")
    assert path.read_text(encoding="utf-8") == source
    return document


def _divide(text: str) -> tuple[str, list[ImportedPart]]:
    front, rest = split_front_matter(text)
    return divide(rest, front.title)


def parts(document: Document) -> list[tuple[str, str]]:
    return [(section.title, section.text) for section in document.sections()]


def test_headings_become_sections_and_the_only_first_level_heading_the_title(tmp_path: Path) -> None:
    with import_text(
        tmp_path, "# Tomatoes\n\n## Soil\n\nLoam it is.\n\n### Mixing\n\nStir.\n\n## Water\nDaily.\n"
    ) as document:
        assert document.title == "Tomatoes"
        assert parts(document) == [("Soil", "Loam it is.\n\n### Mixing\n\nStir."), ("Water", "Daily.")]
        soil = document.sections()[0]
        assert (soil.status, soil.origin, soil.words, soil.length) == (Status.DONE, Origin.IMPORT, 5, 5)
        assert (document.brief.words, document.brief.mode) == (6, Mode.AGENTWRITE)
        assert [revision.origin for revision in document.revisions(soil.id)] == [Origin.IMPORT]
        assert document.undo_plan() is None
        assert not document.read_only


def test_text_before_the_first_heading_becomes_an_introduction(tmp_path: Path) -> None:
    with import_text(tmp_path, "# Tomatoes\n\nWhy grow them?\n\n## Soil\n\nLoam.") as document:
        assert parts(document) == [("Introduction", "Why grow them?"), ("Soil", "Loam.")]


@pytest.mark.parametrize("source", ["Just text.\n\nAnd more.\n", "# Notes\n\nJust text.\n\nAnd more."])
def test_text_without_headings_becomes_one_section_in_direct_mode(tmp_path: Path, source: str) -> None:
    with import_text(tmp_path, source, "Notes.txt") as document:
        assert document.title == "Notes"
        assert parts(document) == [("", "Just text.\n\nAnd more.")]
        assert document.brief.mode is Mode.DIRECT


def test_several_first_level_headings_become_sections(tmp_path: Path) -> None:
    source = "# Soil\n\nLoam.\n\n## Mixing\n\nStir.\n\nWell\n----\nDone.\n\n# Water\n\nDaily."
    with import_text(tmp_path, source) as document:
        assert document.title == "notes"
        assert parts(document) == [
            ("Soil", "Loam.\n\n### Mixing\n\nStir.\n\n### Well\n\nDone."),  # below section headings in an export
            ("Water", "Daily."),
        ]
        exported = render(document, "md")
    title, again = _divide(exported)
    assert (title, [(part.title, part.text) for part in again]) == ("notes", parts(document))


def test_the_text_is_split_at_the_highest_level_that_occurs_twice(tmp_path: Path) -> None:
    source = "# T\n\n## Only one\n\nA.\n\n### First\n\nB.\n\n### Second\n\nC.\n\n#### Deeper\n\nD."
    with import_text(tmp_path, source) as document:
        assert parts(document) == [("Only one", "A."), ("First", "B."), ("Second", "C.\n\n#### Deeper\n\nD.")]


def test_with_one_heading_per_level_the_text_is_split_at_the_second(tmp_path: Path) -> None:
    with import_text(tmp_path, "text\n\n# One\n\nA.\n\n## Two\n\nB.\n\n### Three\n\nC.") as document:
        assert parts(document) == [("Introduction", "text"), ("One", "A."), ("Two", "B.\n\n#### Three\n\nC.")]
        assert [section.level for section in document.sections()] == [1, 1, 2]


def test_a_single_deep_heading_becomes_a_section(tmp_path: Path) -> None:
    with import_text(tmp_path, "#### Deep\n\nText.") as document:
        assert parts(document) == [("Deep", "Text.")]


def test_headings_in_code_quotes_and_lists_do_not_count(tmp_path: Path) -> None:
    text = "```sh\n# a comment\n## another\n```\n\n    # indented\n\n> # quoted\n\n- # listed\n\n\\# escaped\n\n#tag"
    with import_text(tmp_path, f"## Soil\n\n{text}\n\n## Water\n\nDaily.") as document:
        assert parts(document) == [("Soil", text), ("Water", "Daily.")]


def test_headings_lose_their_markup_and_may_be_underlined(tmp_path: Path) -> None:
    source = "The *Big*\nBook\n========\n\nSoil `x`\n---\nLoam.\n\n## Water & [more](https://e.org) ##\nDaily."
    with import_text(tmp_path, source) as document:
        assert document.title == "The Big Book"
        assert [title for title, _ in parts(document)] == ["Soil x", "Water & more (https://e.org)"]


def test_front_matter_is_not_a_heading_and_may_have_the_title(tmp_path: Path) -> None:
    source = '---\ntitle: "On tomatoes"\ntags:\n  - garden\n---\n\n## Soil\n\nLoam.\n'
    with import_text(tmp_path, source) as document:
        assert document.title == "On tomatoes"
        assert parts(document) == [("Soil", "Loam.")]


@pytest.mark.parametrize(
    "block",
    [
        "title: On tomatoes\nauthor: A. Author",
        "author:\n- A. Author\n- B. Author\n\ntitle: 'On tomatoes' # for now\nabstract: |\n  One.\n\n  Two.",
        '# made by hand\n"title": >\n  On\n  tomatoes',
    ],
)
def test_front_matter_has_the_title_and_is_not_text(tmp_path: Path, block: str) -> None:
    with import_text(tmp_path, f"\n---\n{block}\n...\n# Part one\n\n## Soil\n\nLoam.\n") as document:
        assert document.title == "On tomatoes"
        assert parts(document) == [("Part one", ""), ("Soil", "Loam.")]


def test_headings_without_text_keep_their_nesting_and_get_targets(tmp_path: Path) -> None:
    source = "# Part one\n\n## Chapter 1\n\n### Soil\n\n### Water\n\n## Chapter 2\n\n# Part two\n\n## Chapter 3\n"
    with import_text(tmp_path, source) as document:
        assert [(section.level, section.title, section.words) for section in document.sections()] == [
            *((1, "Part one", 0), (2, "Chapter 1", 0), (3, "Soil", 250), (3, "Water", 250), (2, "Chapter 2", 250)),
            *((1, "Part two", 0), (2, "Chapter 3", 250)),
        ]
        assert document.brief.words == 1000


@pytest.mark.parametrize("source", ["---\n\nText here\n\n---\n\nMore.", "---\n- item\n\n---\n\nMore."])
def test_a_thematic_break_at_the_top_is_not_front_matter(tmp_path: Path, source: str) -> None:
    with import_text(tmp_path, source) as document:
        assert parts(document) == [("", source)]


def test_the_language_is_detected(tmp_path: Path) -> None:
    with import_text(tmp_path, "# 番茄\n\n## 土壤\n\n番茄喜欢疏松的土壤。") as document:
        assert document.brief.language == "zh"
        assert document.words == 9


def test_an_empty_file_becomes_an_empty_document(tmp_path: Path) -> None:
    with import_text(tmp_path, "\n\n") as document:
        assert parts(document) == [("", "")]
        assert document.sections()[0].status is Status.EMPTY


def test_control_characters_and_the_byte_order_mark_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_bytes(b"\xef\xbb\xbf# Title\r\n\r\nRed \x1b[31mtext\x1b[0m.\r\n")
    with import_file(path, tmp_path / "notes.lw") as document:
        assert (document.title, parts(document)) == ("Title", [("", "Red text.")])


def test_files_that_are_not_text_are_reported_in_one_line(tmp_path: Path) -> None:
    target = tmp_path / "new.lw"
    (tmp_path / "nul.txt").write_bytes(b"a\0b")
    with pytest.raises(DocumentError, check=has_code("not-text")):
        import_file(tmp_path / "nul.txt", target)
    with pytest.raises(DocumentError, check=has_code("not-found")):
        import_file(tmp_path / "none.md", target)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DocumentError, check=has_code("no-text")):
        import_file(tmp_path / "empty", target)
    assert not target.exists()
    target.write_text("taken")
    (tmp_path / "good.md").write_text("Good.")
    with pytest.raises(DocumentError, check=has_code("already-exists")):
        import_file(tmp_path / "good.md", target)
    assert target.read_text() == "taken"


_LINES = st.lists(
    st.sampled_from(
        ["# One", "## Two", "### Three", "Text here.", "", "---", "===", "```", "- item", "    code", "> # q"]
    ),
    max_size=25,
)


@given(_LINES)
def test_no_word_is_lost(lines: list[str]) -> None:
    title, sections = _divide("\n".join(lines))
    found = title + " " + "\n".join(f"{part.title}\n{part.text}" for part in sections)
    added = sum(part.title == "Introduction" for part in sections)
    assert count_words(found) - added == count_words("\n".join(lines))


@pytest.mark.parametrize(
    ("block", "title"),
    [
        ("date: !!timestamp abc\ntitle: Soil", "Soil"),
        ("x: !!int ''\ny: !!bool foo\ntitle: 007", "007"),
        ("title: No", "No"),
        ("title: 2024-01-05", "2024-01-05"),
        ("title: 0x" + "f" * 6000, "0x" + "f" * 6000),
        ("title: Rust: The Book", "Rust: The Book"),
        ("tags: [@a]", ""),
        ('x: "\\UFFFFFFFF"', ""),
    ],
)
def test_any_front_matter_is_removed_and_its_title_kept_as_written(block: str, title: str) -> None:
    own, parts = _divide(f"---\n{block}\n---\n\nLoam.")
    assert (own, [part.text for part in parts]) == (title, ["Loam."])


def test_text_between_thematic_breaks_at_the_top_is_kept() -> None:
    text = "---\n\nNote: keep this paragraph.\n\n---\n\nText"
    assert [part.text for part in _divide(text)[1]] == [text]
