"""Import of Markdown beyond the core: heads of other programs, references, comments, Obsidian and novelWriter."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.documents.export import render
from lwtui.documents.export.manuscript import author_of
from lwtui.documents.importing import Imported, import_file, read_file
from lwtui.documents.importing.dialects import core_markdown
from lwtui.documents.importing.front_matter import split_front_matter
from lwtui.documents.importing.imported import ImportReport
from lwtui.text.language import UNKNOWN


def read(folder: Path, text: str, name: str = "notes.md") -> Imported:
    (folder / name).write_text(text, encoding="utf-8")
    return read_file(folder / name)


def parts(imported: Imported) -> list[tuple[str, str]]:
    return [(part.title, part.text) for part in imported.parts]


def core(text: str) -> tuple[str, list[str]]:
    report = ImportReport()
    return core_markdown(text, report), report.lines()


BODY = "\n# Soil\n\nLoam.\n\n# Water\n\nDaily.\n"


@pytest.mark.parametrize(
    ("head", "title", "author", "others"),
    [
        ('+++\ntitle = "On soil"\ndate = 2024-05-06\n[extra]\ntags = ["a"]\n+++\n', "On soil", "", "date extra"),
        ('+++\r\ntitle = "On soil"\r\nauthors = ["A. B.", "C."]\r\n+++\r\n', "On soil", "A. B., C.", ""),
        ('{\n  "title": "On soil",\n  "tags": ["a"]\n}\n', "On soil", "", "tags"),
        ('{"title": "On {soil}", "author": {"name": "A. B."}}\n', "On {soil}", "A. B.", ""),
        ("% On soil\n% A. B.; C. D.\n% May 2024\n", "On soil", "A. B., C. D.", "date"),
        ("% On soil\n  and more\n%\n% 2024\n", "On soil and more", "", "date"),
        ("% On soil\n", "On soil", "", ""),
        ("Title: On soil\nAuthor: A. B.\nDate: 2024\nBase Header Level: 2\n", "On soil", "A. B.", "Date Base"),
        ("title:    On soil\nkeywords: a,\n          b\n", "On soil", "", "keywords"),
        ("Titel: On soil\nAutor: A. B.\n", "On soil", "A. B.", ""),
        ("---\ntitle: On soil\ntags:\n\t- a\n\t- b\n---\n", "On soil", "", "tags"),
        ("---\nproject: [[My Book]]\ntitle: On soil\n---\n", "On soil", "", "project"),
        ("---\ntitle: On soil: part 1\nauthor: A: B\n---\n", "On soil: part 1", "A: B", ""),
        ("---\ntitle: On soil\nlang: de-AT\nauthor:\n- name: A. B.\n- C. D.\n---\n", "On soil", "A. B., C. D.", ""),
    ],
)
def test_every_head_gives_title_and_author_and_is_no_text(
    tmp_path: Path, head: str, title: str, author: str, others: str
) -> None:
    (tmp_path / "a.md").write_text(head + BODY, newline="")
    with import_file(tmp_path / "a.md", tmp_path / "a.lw") as document:
        assert (document.title, author_of(document)) == (title, author)
        assert [(section.title, section.text) for section in document.sections()] == [
            ("Soil", "Loam."),
            ("Water", "Daily."),
        ]
        assert document.brief.language in (("de-AT",) if "de-AT" in head else ("en", UNKNOWN))
    report = "\n".join(read_file(tmp_path / "a.md").report.lines())
    assert all(name in report for name in others.split())


@pytest.mark.parametrize(
    "text",
    [
        "Note: keep this.\n\nText.",
        "Date: 12 May\nTo: B.\n\nDear B.",
        "Title: all there is",
        "{: .class}\n\nText.",
        "{not: json}\n\nText.",
        "+++ plus three\n\nText.",
        "+++\nno = toml =\n+++\n\nText.",
        "%% not a title\n\nText.",
        '{"a": 1} and more text',
    ],
)
def test_text_that_resembles_a_head_is_kept(text: str) -> None:
    assert split_front_matter(text)[1] == text


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        (
            "See [the site][1] and [docs].\n\n[1]: https://e.org/a\n[docs]: https://e.org/d",
            "See [the site](https://e.org/a) and [docs](https://e.org/d).",
        ),
        (
            "[A][] ![b][P]\n\n[a]: http://a.org 'T \"x\"'\n[p]: <p q.png>",
            '[A](http://a.org "T \\"x\\"") ![b](p%20q.png)',
        ),
        ("[![alt][p]][a]\n\n[a]: http://a.org\n[p]: p.png", "[![alt](p.png)](http://a.org)"),
        ("`[a]` and\n\n    [a]\n\n[a]: http://a.org", "`[a]` and\n\n    [a]"),
        ("\\[a] [b](c) [d] - [ ] x\n\n[a]: http://a.org\n[b]: http://b.org", "\\[a] [b](c) [d] - [ ] x"),
        ("[ä b]\n\n[Ä  B]: http://a.org/ö", "[ä b](http://a.org/ö)"),
        ("[a]\n\n[a]: http://a.org\n[a]: http://other.org", "[a](http://a.org)"),
        ("[a]\n\n[a]:\n  http://a.org\n  'T'", '[a](http://a.org "T")'),
    ],
)
def test_link_definitions_are_resolved(text: str, resolved: str) -> None:
    assert core(text)[0].strip() == resolved


def test_a_definition_in_another_section_reaches_its_uses(tmp_path: Path) -> None:
    text = (
        "# B\n\n## One\n\nSee [it][1].[^n]\n\n## Two\n\nAnd [it][1].[^n]\n\n[1]: https://e.org\n\n[^n]: The *note*.\n"
    )
    (tmp_path / "a.md").write_text(text)
    with import_file(tmp_path / "a.md", tmp_path / "a.lw") as document:
        assert [section.text for section in document.sections()] == [
            "See [it](https://e.org).[^n]\n\n[^n]: The *note*.",
            "And [it](https://e.org).[^n-2]\n\n[^n-2]: The *note*.",
        ]
        page = render(document, "html")
    assert page.count('href="https://e.org"') == 2 and page.count('role="doc-footnote"') == 2


@pytest.mark.parametrize(
    ("text", "shown", "told"),
    [
        ("a <!-- b --> c", "a  c", "1 comment"),
        ("a\n\n<!-- b\n\n# c -->\n\nd", "a\n\n\nd", "1 comment"),
        ("a %%b%% c", "a  c", "1 comment"),
        ("a\n\n%%\nb\n# c\n%%\n\nd", "a\n\n\nd", "1 comment"),
        ("100%% sure, 50%% not", "100%% sure, 50%% not", "Nothing"),
        ("`<!-- a -->`\n\n```\n%%b%%\n```", "`<!-- a -->`\n\n```\n%%b%%\n```", "Nothing"),
        ("<!-- a `b` -->c", "c", "1 comment"),
        ("[//]: # (hidden)\n\na", "a", "1 comment"),
        ("a <!-- open", "a <!-- open", "Nothing"),
        ("[[Jane Doe|Jane]] and [[Town]] and [[Town#Gate]]", "Jane and Town and Town > Gate", "Nothing"),
        ("| a |\n|---|\n| [[Jane Doe\\|Jane]] |", "| a |\n|---|\n| Jane |", "Nothing"),
        (
            "a ![[map.png]] b ![[my map.jpg|The map]] ![[x.png|100x20]]",
            "a ![](map.png) b ![The map](<my map.jpg>) ![](x.png){width=100px}",
            "Nothing",
        ),
        ("a ![[talk.mp3]] b", "a  b", "1 embedded file"),
        ("![[Other note]]", "Other note", "1 embedded note"),
        ("a ==b c== d, x == y == z", "a b c d, x == y == z", "Nothing"),
        ("> [!note] Look\n> here", "> **Look**\n>\n> here", "Nothing"),
        ("> [!WARNING]-\n> here", "> **Warning**\n>\n> here", "Nothing"),
        ("A block. ^abc-1\n\n2^10 and x ^2", "A block.\n\n2^10 and x", "Nothing"),
        ("## A {#sec .x}\n\n[b](#sec) {y}", "## A\n\n[b](#a) {y}", "Nothing"),
        ("## A {-}\n\n{.x}", "## A\n\n{.x}", "Nothing"),
        ("A^[An *inline* [note](x).] b", "A[^1] b\n\n[^1]: An *inline* [note](x).", "Nothing"),
        ("[TOC]\n\na `[TOC]`", "\na `[TOC]`", "1 table of contents"),
        ("<div>x</div>", "<div>x</div>", "HTML is kept as text: <div>"),
    ],
)
def test_marks_of_other_programs(text: str, shown: str, told: str) -> None:
    found, report = core(text)
    assert found == shown and told in "\n".join(report)


NOVELWRITER = """\
%%~name: Rain
%%~path: 1/2
%%~kind: NOVEL/DOCUMENT

##! Rain Comes

### The Hill

@pov: Mia
@location: Hill, Town

%Synopsis: Mia climbs.

% a comment

Mia [b]climbs[/b] the [i]hill[/i].[footnote:f1][br]On.

%Footnote.f1: The hill is old.

>> centred <<

### The Top

She looks.
"""


@pytest.mark.parametrize("name", ["a.nwd", "a.md"])
def test_a_file_of_novelwriter(tmp_path: Path, name: str) -> None:
    imported = read(tmp_path, NOVELWRITER, name)
    assert imported.title == "Rain"
    assert [(part.title, part.main_point) for part in imported.parts] == [
        ("Rain Comes", ""),
        ("The Hill", "Mia climbs."),
        ("The Top", ""),
    ]
    hill = imported.parts[1].text
    assert "Mia **climbs** the *hill*.[^f1]\\\nOn." in hill and "[^f1]: The hill is old." in hill
    assert "centred" in hill and ">>" not in hill and "@pov" not in hill
    report = "\n".join(imported.report.lines())
    assert "2 tags of novelWriter" in report and "1 comment" in report and "1 synopsis" in report


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("Book\n====\n\nOne\n---\n\na\n\nTwo\nlines\n---\n\nb\n", ["One", "Two lines"]),
        ("# B\n\n#NoSpace\n\n####### Seven\n\n## Trail ##\n\na\n\n##\n\nb\n", ["Introduction", "Trail", ""]),
        ("# B\n\n## 🏰 A & `b`\n\na\n\n## A\n\nb\n\n#### Deep\n\nc\n", ["🏰 A & b", "A"]),
    ],
)
def test_headings_of_odd_shapes(tmp_path: Path, text: str, titles: list[str]) -> None:
    imported = read(tmp_path, text)
    assert [part.title for part in imported.parts] == titles
    assert all(word in str(parts(imported)) for word in ("a", "b"))
