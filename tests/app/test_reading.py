"""A section as it reads in a terminal, and style files in the export dialog."""

from __future__ import annotations

from zipfile import ZipFile

import pytest
from markdown_it.token import Token
from textual.widgets import Input, RadioButton, RadioSet

from lwtui.app.screens.export import ExportScreen
from lwtui.app.screens.reading import ReadingScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.documents.readable import readable_parser
from tests.app.person import someone
from tests.app.place import Place

TEXT = r"""
Energy is $E=mc^2$[^1], H~2~O and \(\input{x}\).

$$
\frac{a}{b}
$$

- [x] done

| a |
|---|
| 1 |

: A caption.

Term
: Its definition.

![A *square*](a.png)

[^1]: Said by someone.
"""


def shown(tokens: list[Token]) -> str:
    return "\n".join(
        "".join(child.content for child in token.children) if token.children else token.content
        for token in tokens
        if token.type in ("inline", "fence")
    )


def test_the_tokens_for_a_terminal_are_those_of_the_core() -> None:
    tokens = readable_parser().parse(TEXT)
    kinds = {inner.type for token in tokens for inner in (token, *(token.children or ()))}
    assert not {
        kind for kind in kinds if kind.startswith(("math", "footnote", "dl", "dt", "dd", "caption", "su", "image"))
    }
    assert shown(tokens).split("\n") == [
        r"Energy is E = mc²¹, H₂O and \(\input{x}\).",
        "a/b",
        "",
        "☑ done",
        "A caption.",
        "a",
        "1",
        "Term",
        "Its definition.",
        "▣ A square",
        "¹ Said by someone.",
    ]
    depth = 0
    for token in tokens:
        depth += token.nesting
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize(
    "text", ["", "Text", "$$", "[^1]", "[^a]: x\n\n[^a]", "| a |\n|-|\n\n: c", ": x", "T\n: a\n\n  - b"]
)
def test_any_text_is_balanced(text: str) -> None:
    assert sum(token.nesting for token in readable_parser().parse(text)) == 0


async def test_m_shows_the_section_and_escape_goes_back(place: Place) -> None:
    path = place.make(100, 100, texts={1: TEXT})
    async with someone(path, size=(80, 24)) as person:
        await person.at(WritingScreen)
        await person.press("home", "m")
        await person.at(ReadingScreen)
        await person.sees("E = mc²¹")
        await person.sees("a/b")
        await person.press("escape")
        await person.at(WritingScreen)


async def test_a_style_file_is_used_and_a_wrong_one_is_told(place: Place) -> None:
    place.make(100, 100, name="tea", texts={1: "Some words of text."})
    (place.home / "own.css").write_text("p { color: rebeccapurple }")
    async with someone(size=(80, 24)) as person:
        await person.press("x")
        await person.at(ExportScreen)
        assert person.widget(Input, "#style-file").disabled  # Markdown has no style
        formats = list(person.widget(RadioSet).query(RadioButton))
        await person.pilot.click(formats[5])  # EPUB
        await person.fill("#style-file", "~/none.css")
        await person.fill("#path", "~/tea.epub")
        await person.press("f9")
        await person.sees("There is no file")
        await person.fill("#style-file", "~/own.css")
        await person.press("f9")
        await person.is_told("Exported to ~/tea.epub")
    with ZipFile(place.home / "tea.epub") as archive:
        assert b"rebeccapurple" in archive.read("EPUB/styles/stylesheet1.css")
