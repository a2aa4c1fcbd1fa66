"""Export to text formats."""

from __future__ import annotations

import errno
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lwtui.documents.export import TEXT_FORMATS, export, render
from lwtui.documents.model import Brief, Mode, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, UsageError
from tests.documents.support import LIGHT, PROVENANCE, SOIL, WATER, new_document
from tests.errors import has_code


def document_with_text(folder: Path, text: str, title: str = "Tomatoes", heading: str = "Soil") -> Document:
    plan = Plan(title, (PlannedSection(heading, "", 100, "a"),))
    document = Document.create(folder / "one.lw", Brief("Write", 100), plan)
    document.edit("a", text)
    return document


class HtmlPage(HTMLParser):
    """The tags of an HTML page, and the text of its body."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "body" in self.open:
            self.text += data

    def has(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_markdown_has_a_heading_for_each_section(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "\nLoam, *not* clay.\n\n- one\n- two\n\n\n")
        document.edit(LIGHT.id, "    indented\n\nSun.")
        assert render(document, "md") == (
            "# Tomatoes\n\n## Soil\n\nLoam, *not* clay.\n\n- one\n- two\n\n## Light\n\n    indented\n\nSun.\n"
        )


def test_a_document_without_text_exports_its_title(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        assert [render(document, to) for to in ("md", "txt")] == ["# Tomatoes\n", "Tomatoes\n"]
        assert "<h1>Tomatoes</h1>" in render(document, "html")


def test_streaming_text_is_exported_so_far(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.begin(WATER.id, PROVENANCE, 0)
        document.append(WATER.id, "Half a")
        assert render(document, "md") == "# Tomatoes\n\n## Water\n\nHalf a\n"


def test_the_section_of_direct_mode_has_no_heading(tmp_path: Path) -> None:
    plan = Plan("Tomatoes", (PlannedSection("", "Write", 100, "a"),))
    with Document.create(tmp_path / "direct.lw", Brief("Write", 100, mode=Mode.DIRECT), plan) as document:
        document.edit("a", "First.\n\n### Inner\n\nSecond.")
        assert render(document, "md") == "# Tomatoes\n\nFirst.\n\n### Inner\n\nSecond.\n"
        assert render(document, "txt") == "Tomatoes\n\nFirst.\n\nInner\n\nSecond.\n"
        page = HtmlPage(render(document, "html"))
        assert (len(page.has("h1")), len(page.has("h2")), len(page.has("h3"))) == (1, 0, 1)


def test_an_open_code_block_does_not_swallow_the_next_section(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Code:\n\n```python\nmix()")
        document.edit(WATER.id, "```\nclosed\n```")
        document.edit(LIGHT.id, "Sun.")
        exported = render(document, "md")
        assert "mix()\n```\n\n## Water\n\n```\nclosed\n```\n\n## Light" in exported
        page = HtmlPage(render(document, "html"))
        assert len(page.has("h2")) == 3


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**Loam**, _not_ `clay`.", "Loam, not clay."),
        ("### Inner\n\nText", "Inner\n\nText"),
        ("- a\n- b\n  1. c\n  2. d\n- e", "• a\n• b\n  1. c\n  2. d\n• e"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("- a\n\n- b", "• a\n\n• b"),
        ("> quoted\n> twice", "quoted\ntwice"),
        ("```\n# code\n\n* x\n```", "# code\n\n* x"),
        ("| a | b |\n|---|---|\n| 1 | *2* |", "a\tb\n1\t2"),
        (
            "[site](https://example.org/x) and <https://example.org>",
            "site (https://example.org/x) and https://example.org",
        ),
        ("[me](mailto:me@example.org), <me@example.org>", "me (mailto:me@example.org), me@example.org"),
        ("![a picture](x.png)", "a picture"),
        ("one\\\ntwo\nthree", "one\ntwo\nthree"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        ("5 \\* 3 &amp; <b>4</b> ~~no~~", "5 * 3 & <b>4</b> no"),
        ("番茄**喜欢**阳光。", "番茄喜欢阳光。"),
    ],
)
def test_plain_text_has_no_markup(tmp_path: Path, markdown: str, plain: str) -> None:
    with document_with_text(tmp_path, markdown) as document:
        assert render(document, "txt") == f"Tomatoes\n\nSoil\n\n{plain}\n"


def test_a_page_is_well_formed_and_has_its_language(tmp_path: Path) -> None:
    plan = Plan("阳台番茄", (PlannedSection("土壤", "", 100, "a"),))
    with Document.create(tmp_path / "zh.lw", Brief("写", 100, "zh-TW"), plan) as document:
        document.edit("a", "番茄喜欢**阳光**。")
        source = render(document, "html")
    page = HtmlPage(source)
    assert page.open == []
    assert source.startswith("<!DOCTYPE html>")
    assert page.has("html") == [{"lang": "zh-TW"}]
    assert "<title>阳台番茄</title>" in source
    assert "<strong>阳光</strong>" in source
    assert source.endswith("</html>\n")


HOSTILE = """
<script>alert(1)</script> <img src=x onerror=alert(1)>

[link](javascript:alert(1)) [data](data:text/html,x) [file](file:///etc/passwd) [vb](VBSCRIPT:x) [rel](evil.html)

<javascript:alert(1)> ![pixel](https://tracker.example/p.png) ![js](javascript:alert(1)) &lt;script&gt;

[good](https://example.org/?a=1&b="2") [mail](mailto:a@example.org) [part](#x) [ref]

[ref]: javascript:alert(1)

<!-- comment --> <style>body { display: none }</style> `</code><script>`

``` "><script>
</pre><script>
```
"""


def test_hostile_text_is_escaped_in_a_page(tmp_path: Path) -> None:
    with document_with_text(tmp_path, HOSTILE, title='</title><script>"', heading="<script>'") as document:
        page = HtmlPage(render(document, "html"))
    names = {tag for tag, _ in page.tags}
    assert names.isdisjoint({"script", "img", "iframe", "link", "object", "form"})
    assert len(page.has("style")) == 1
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes), tag
    assert [attributes["href"] for attributes in page.has("a")] == [
        "https://tracker.example/p.png",
        "https://example.org/?a=1&b=%222%22",
        "mailto:a@example.org",
    ]
    assert "<script>alert(1)</script>" in page.text  # shown as text
    assert any("default-src 'none'" in (tag.get("content") or "") for tag in page.has("meta"))


def test_a_language_cannot_break_out_of_its_attribute(tmp_path: Path) -> None:
    with Document.create(tmp_path / "x.lw", Brief("Write", 1, 'en"><script>'), Plan("T", ())) as document:
        assert HtmlPage(render(document, "html")).has("script") == []


# -- files


@pytest.mark.parametrize(
    ("name", "to", "begins"),
    [
        ("out.md", None, "# Tomatoes"),
        ("out.MD", None, "# Tomatoes"),
        ("out.markdown", None, "# Tomatoes"),
        ("out.txt", None, "Tomatoes"),
        ("out.html", None, "<!DOCTYPE"),
        ("out.htm", None, "<!DOCTYPE"),
        ("out", "txt", "Tomatoes"),
        ("out.md", "html", "<!DOCTYPE"),
    ],
)
def test_the_format_follows_the_extension_or_the_argument(
    tmp_path: Path, name: str, to: str | None, begins: str
) -> None:
    with document_with_text(tmp_path, "Loam.") as document:
        export(document, tmp_path / name, to)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


def test_every_text_format_is_utf8_and_ends_in_one_newline(tmp_path: Path) -> None:
    with document_with_text(tmp_path, "番茄 🍅\n\n") as document:
        for to in TEXT_FORMATS:
            export(document, tmp_path / f"out.{to}")
            written = (tmp_path / f"out.{to}").read_bytes().decode("utf-8")
            assert "番茄 🍅" in written
            assert written.endswith("\n")
            assert not written.endswith("\n\n")


@pytest.mark.parametrize(("name", "to"), [("out.rtf", None), ("out", None), ("out.md", "rtf"), ("out.lw", "md")])
def test_an_unknown_format_is_a_usage_error(tmp_path: Path, name: str, to: str | None) -> None:
    with document_with_text(tmp_path, "Loam.") as document:
        with pytest.raises(UsageError):
            export(document, tmp_path / name, to)
        with pytest.raises(UsageError):
            render(document, "docx")
    assert not (tmp_path / name).exists()


def test_an_export_never_replaces_a_document(tmp_path: Path) -> None:
    with document_with_text(tmp_path, "Loam.") as document, pytest.raises(UsageError, check=has_code("is-document")):
        export(document, document.path, "md")
    with Document.open(document.path) as again:
        assert again.section("a").text == "Loam."


def test_unwritable_files_are_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "old.md").write_text("old")
    with document_with_text(tmp_path, "Loam.") as document:
        with pytest.raises(DocumentError, check=has_code("no-folder")):
            export(document, tmp_path / "none" / "out.md")
        with pytest.raises(DocumentError, check=has_code("no-folder")):
            export(document, tmp_path / "old.md" / "out.md")
        with pytest.raises(DocumentError, check=has_code("is-folder")):
            export(document, tmp_path / "folder.md")

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(DocumentError, check=has_code("disk-full")):
            export(document, tmp_path / "old.md")
        monkeypatch.undo()
    assert (tmp_path / "old.md").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.md", "old.md", "one.lw"]
