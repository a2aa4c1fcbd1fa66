"""Find and replace, headings, the external editor, focus mode and undo."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import Input, OptionList

from lwtui.app.external_editor import edit_externally
from lwtui.app.find_replace import FindReplace, is_replacement
from lwtui.app.screens.dialogs import Confirm
from lwtui.app.screens.go_to import GoTo, headings
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.find_bar import FindBar
from lwtui.app.widgets.line import Line
from lwtui.documents.model import Origin
from lwtui.documents.search import Query
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.errors import has_code

TEXTS = {1: "The cat sat.\n\nA cat ran.", 2: "No such animal.", 3: "Cats and a cat. 番茄 🐈 cat"}


async def opened(person: Person) -> None:
    await person.at(WritingScreen)
    await person.press("home")
    await person.until(lambda: person.editor.section_id == "s1")


async def test_words_are_replaced_in_the_whole_document_and_undo_reverts_it(place: Place) -> None:
    path = place.make(100, 100, 100, texts=TEXTS)
    async with someone(path, size=(80, 24)) as person:
        await opened(person)
        await person.press("ctrl+f")
        await person.type("cat")
        await person.sees("5 found")
        for section_id, told in (("s1", "1 of 5"), ("s1", "2 of 5"), ("s3", "3 of 5")):
            await person.press("enter")
            await person.sees(told)
            assert person.editor.section_id == section_id
            assert person.editor.selected_text.lower() == "cat"
        await person.press("up")
        await person.sees("2 of 5")
        assert "✓" not in person.screen_text.rpartition("Find")[2]
        await person.press("alt+w")
        await person.sees("4 found", "✓Word")
        await person.press("alt+c", "tab")
        assert person.widget(Input, "#replace").has_focus
        await person.type("dog")
        await person.press("home", "ctrl+r")  # replaces the selected match and goes to the next
        await person.until(lambda: place.read(path)["s1"] == "The cat sat.\n\nA dog ran.")
        await person.sees("2 of 3")
        await person.press("ctrl+y")
        replaced = await person.gets_notice("replaced")
        assert "3 matches" in replaced and "2 sections" in replaced
        assert [section.text for section in person.sections] == [
            "The dog sat.\n\nA dog ran.",
            "No such animal.",
            "Cats and a dog. 番茄 🐈 dog",
        ]
        await person.sees("Not found")
        await person.press("escape")
        assert person.rows.has_focus  # so that u undoes
        # Undo would lose later edits, so it asks first; the history keeps them.
        person.document.edit("s3", "Typed since.")
        await person.press("u")
        await person.at(Confirm)
        await person.sees("edits in 1")
        await person.press("n")
        await person.at(WritingScreen)
        assert person.sections[2].text == "Typed since."
        await person.press("u")
        await person.at(Confirm)
        await person.press("y")
        await person.is_told("Undone: Replace “cat” with “dog” in 2 sections")
        assert "Typed since." in {one.text for one in person.document.revisions("s3")}
        assert person.sections[2].text == TEXTS[3]
        assert person.sections[0].text == "The cat sat.\n\nA dog ran."
        await person.press("u")
        await person.gets_notice("nothing-to-undo")


async def test_the_key_to_replace_does_not_delete_a_match_while_nothing_is_to_replace_it(place: Place) -> None:
    async with someone(place.make(100, 100, 100, texts=TEXTS), size=(80, 24)) as person:
        await opened(person)
        await person.press("ctrl+f")
        await person.type("cat")
        await person.press("enter")
        await person.sees("1 of 5", "Esc Close")
        await person.press("ctrl+r")
        assert person.widget(Input, "#replace").has_focus
        assert person.sections[0].text == TEXTS[1]
        await person.press("ctrl+r")  # there, an empty replacement is meant
        await person.until(lambda: person.sections[0].text == "The  sat.\n\nA cat ran.")


async def test_replacing_includes_headings_and_main_points_and_undo_reverts_it(place: Place) -> None:
    path = place.make(100, 100, texts={1: "The cat sat."})
    async with someone(path, size=(80, 24)) as person:
        await opened(person)
        before = person.document.plan
        first, second = before.sections
        named = replace(before, sections=(replace(first, main_point="how the cat sat"), replace(second, title="Cats")))
        person.document.set_plan(named, "Name the cat")
        await person.press("ctrl+r")
        await person.fill("#find", "cat")
        await person.sees("1 found")
        await person.fill("#replace", "dog")
        await person.press("ctrl+y")
        replaced = await person.gets_notice("replaced")
        assert "1 match" in replaced and "1 section" in replaced and "2 in the plan" in replaced
        assert [(one.title, one.main_point, one.text) for one in person.sections] == [
            (first.title, "how the dog sat", "The dog sat."),
            ("dogs", second.main_point, ""),
        ]
        person.document.edit("s1", "Nothing here.")
        await person.fill("#find", "dogs")
        await person.sees("1 in the plan")
        undone = person.document.undo_label
        await person.press("escape", "u")
        await person.at(Confirm)
        await person.press("y")
        assert await person.gets_notice("undone") == f"Undone: {undone}"
        assert person.document.plan == named


@pytest.mark.parametrize(
    ("query", "report", "label"),
    [
        ("animal", "1 match replaced in 1 section.", "Replace “animal” with “x” in 1 section"),
        ("cat", "5 matches replaced in 2 sections.", "Replace “cat” with “x” in 2 sections"),
        ("Harbor", "0 matches replaced in 0 sections, and 2 in the plan.", "Replace “Harbor” with “x” in the plan"),
        (
            "such",
            "1 match replaced in 1 section, and 1 in the plan.",
            "Replace “such” with “x” in 1 section and the plan",
        ),
        ("zebra", "0 matches replaced in 0 sections.", None),
    ],
)
def test_a_replacement_is_reported_and_labeled(place: Place, query: str, report: str, label: str | None) -> None:
    with Document.open(place.make(100, 100, 100, texts=TEXTS)) as document:
        plan = document.plan
        headings = ("Harbor one", "Harbor two", "As such")
        lines = [replace(line, title=title) for line, title in zip(plan.sections, headings, strict=True)]
        document.set_plan(replace(plan, sections=tuple(lines)), "Headings")
        found = FindReplace(document, by="x")
        found.search(Query(query))
        assert found.replace_everywhere() == report
        assert document.undo_label == (label or "Headings")
        assert is_replacement(document.undo_label or "") == (label is not None)


def test_a_replacement_is_known_by_its_label_in_other_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lwtui.app.find_replace._", lambda _text: "替换“{text}”为“{by}”：{where}")
    assert is_replacement("替换“猫”为“狗”：大纲")
    assert is_replacement("Replace “cat” with “dog” in the plan")
    assert not is_replacement("Replan a section")
    monkeypatch.setattr("lwtui.app.find_replace._", lambda _text: "{text} …")
    assert not is_replacement("Replan a section")


async def test_undoing_a_plan_change_from_the_text_asks_first(place: Place) -> None:
    async with someone(place.make(100, 100, texts={1: "First.", 2: "Second."})) as person:
        await opened(person)
        document = person.document
        document.set_plan(replace(document.plan, sections=document.plan.sections[:1]), "Delete section “Part dice”")
        await person.press("u")
        await person.at(Confirm)
        await person.sees("Delete section “Part dice”?")
        await person.press("n", "u")
        await person.at(Confirm)
        assert len(person.titles) == 1
        await person.press("y")
        await person.until(lambda: len(person.titles) == 2)


async def test_a_replacement_in_a_section_can_be_undone_after_visiting_another(place: Place) -> None:
    path = place.make(100, 100, 100, texts=TEXTS)
    async with someone(path) as person:
        await opened(person)
        await person.press("ctrl+r")
        await person.type(r"(\w+) (sat|ran)")
        await person.press("alt+x", "tab")
        await person.type(r"\2 \1")
        await person.press("ctrl+t")
        assert "2 matches" in await person.gets_notice("replaced")
        assert person.sections[0].text == "The sat cat.\n\nA ran cat."
        await person.fill("#replace", r"\7")
        await person.fill("#find", "(cat")
        await person.until(lambda: person.widget(Line, "#found").has_class("error"))
        assert person.widget(Line, "#message").has_class("error")
        await person.fill("#find", "(cat)")
        await person.press("ctrl+y")
        await person.gets_error("invalid-replacement")
        await person.press("escape", "ctrl+end")
        await person.type(" Mine.")
        # The undo history survives a visit to another section and to the plan.
        await person.press("escape", "down")
        await person.until(lambda: person.editor.section_id == "s2")
        await person.press("enter", "ctrl+end")
        await person.type("!")
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("f2")
        await person.at(WritingScreen)
        await opened(person)
        assert person.editor.cursor_location == person.editor.document.end
        await person.press("enter", "ctrl+z")
        await person.until(lambda: person.editor.text == "The sat cat.\n\nA ran cat.")
        await person.press("ctrl+z")
        await person.until(lambda: place.read(path)["s1"] == TEXTS[1])
        await person.press("ctrl+y", "ctrl+y")
        await person.until(lambda: place.read(path)["s1"] == "The sat cat.\n\nA ran cat. Mine.")
        await person.press("escape", "down", "enter", "ctrl+z")
        await person.until(lambda: place.read(path)["s2"] == TEXTS[2])


async def test_a_change_from_elsewhere_is_one_undo_step_in_the_text(place: Place) -> None:
    path = place.make(100, 100, texts={1: "One cat.", 2: "Two cats."})
    async with someone(path) as person:
        await opened(person)
        await person.press("enter", "end")
        await person.type("?")
        await person.press("ctrl+r")
        await person.fill("#find", "cat")
        await person.fill("#replace", "dog")
        await person.press("ctrl+y", "escape")
        await person.until(lambda: person.editor.text == "One dog.?")
        await person.press("enter", "ctrl+z")  # in the text, not in the outline
        await person.until(lambda: place.read(path)["s1"] == "One cat.?")
        await person.press("ctrl+z")
        await person.until(lambda: place.read(path) == {"s1": "One cat.", "s2": "Two dogs."})


async def test_some_letters_of_a_heading_lead_to_it(place: Place) -> None:
    texts = {2: "Begins.\n\n## [b]Deep[/b] water\n\nMore.\n"}
    async with someone(place.make(100, 100, 100, texts=texts), size=(80, 24)) as person:
        await person.at(WritingScreen)
        assert [one.title for one in headings(person.sections)][2] == "[b]Deep[/b] water"
        await person.press("ctrl+g")
        await person.at(GoTo)
        await person.type("deewa")
        await person.until(lambda: person.widget(OptionList).option_count == 1)
        await person.sees("[b]Deep[/b] water")
        await person.press("enter")
        await person.at(WritingScreen)
        assert (person.editor.section_id, person.editor.cursor_location) == ("s2", (2, 0))
        assert person.editor.has_focus
        await person.press("ctrl+g")
        await person.at(GoTo)
        await person.press("down", "down", "enter")
        await person.until(lambda: person.editor.section_id == "s3")


async def test_the_status_line_has_the_selections_length_and_focus_mode_only_the_text(place: Place) -> None:
    async with someone(place.make(100, texts={1: "One two three.\n\n番茄很好 🐈."}), size=(80, 24)) as person:
        await opened(person)
        await person.press("enter", "ctrl+home", *["shift+right"] * 7)
        await person.sees("2 words selected")
        await person.press("shift+down", "shift+down", "shift+end")
        await person.sees("7 words selected")
        await person.press("left")
        await person.until(lambda: "selected" not in person.screen_text)
        await person.press("f10")
        await person.until(lambda: "Outline" not in person.screen_text)
        lines = [line for line in person.screen_text.split("\n") if line.strip()]
        assert [line.strip() for line in lines] == ["One two three.", "番茄很好 🐈."]
        assert len(lines[0]) - len(lines[0].lstrip()) == 6  # 70 of 80 cells, centered, with a margin
        await person.type("!")
        assert person.editor.text.count("!") == 1
        await person.press("escape")
        await person.sees("Outline", "F5 Write")
        assert person.editor.has_focus


def editor(folder: Path, script: str) -> str:
    """A program for ``$EDITOR`` that runs ``script`` in a shell, with the file as ``$1``."""
    path = folder / "my editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"'{path}'"


async def test_a_section_is_edited_in_the_external_editor(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place.make(100, texts={1: "First."})
    async with someone(path) as person:
        await opened(person)
        await person.press("ctrl+t")
        await person.gets_error("no-terminal")
        monkeypatch.setattr(HeadlessDriver, "can_suspend", property(lambda self: True))
        monkeypatch.setenv("VISUAL", editor(tmp_path, 'printf "\\nSecond 番茄.\\n" >> "$1"'))
        await person.press("ctrl+t")
        await person.until(lambda: place.read(path)["s1"] == "First.\nSecond 番茄.")
        assert person.sections[0].origin is Origin.USER
        await person.until(lambda: person.editor.text == "First.\nSecond 番茄.")
        monkeypatch.setenv("VISUAL", editor(tmp_path, 'echo lost > "$1"; exit 3'))
        await person.press("ctrl+t")
        await person.gets_error("editor-failed")
        kept = Path(person.notices[-1].rpartition(" is in ")[2].rstrip("."))
        assert await asyncio.to_thread(kept.read_text) == "lost\n"
        assert place.read(path)["s1"] == "First.\nSecond 番茄."
        await person.press("enter", "ctrl+z")
        await person.until(lambda: place.read(path)["s1"] == "First.")


async def test_an_interrupt_in_the_editor_does_not_quit_the_app(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = place.make(100, texts={1: "First."})
    monkeypatch.setattr(HeadlessDriver, "can_suspend", property(lambda self: True))
    monkeypatch.setenv("VISUAL", editor(tmp_path, 'kill -INT $PPID; echo kept > "$1"'))
    before = signal.getsignal(signal.SIGINT)
    async with someone(path) as person:
        await opened(person)
        await person.press("ctrl+t")
        await person.until(lambda: place.read(path)["s1"] == "kept")
        assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"VISUAL": "/nowhere/editor"}, "unreadable"),
        ({"EDITOR": "'unclosed"}, "invalid-command"),
        ({"EDITOR": "sh -c 'rm \"$0\"'"}, "unreadable"),
        ({"EDITOR": 'sh -c \'printf "\\377" > "$0"\''}, "unreadable"),
        ({"EDITOR": "false", "VISUAL": ""}, "editor-failed"),
    ],
)
def test_a_failing_editor_is_reported_in_one_line(environment: dict[str, str], code: str) -> None:
    with pytest.raises(LwtuiError, check=has_code(code)) as error:
        edit_externally("Text.", "A/Title", environment)
    assert "\n" not in str(error.value)


def test_an_editor_may_have_arguments_and_unchanged_text_stays_exactly() -> None:
    for text in ("Text.", "Text.\n", "Text.\n\n", "", "a\u2028b"):
        assert edit_externally(text, "", {"VISUAL": "true --wait"}) == text
    assert edit_externally("Text.", "", {"EDITOR": "sed -i s/T/N/"}) == "Next."


async def test_nothing_is_replaced_in_a_document_that_is_read_only(place: Place) -> None:
    path = place.make(100, texts={1: "First."})
    with Document.open(path):
        async with someone(path) as person:
            await opened(person)
            await person.press("ctrl+r")
            await person.fill("#find", "First")
            await person.press("tab")
            for key in ("ctrl+r", "ctrl+t", "ctrl+y"):
                person.app.clear_notifications()
                await person.press(key)
                await person.is_told("Read-only: ")
            await person.press("escape")
            assert not person.widget(FindBar).display
            assert person.editor.text == "First."


async def test_partial_repaints_show_the_whole_text_correctly(place: Place) -> None:
    """The editor repaints only the edited paragraph; a full repaint must give the same result."""
    text = "\n\n".join(f"Paragraph {at}. (It is 番茄 and 🐈 {'quite long ' * 9})" for at in range(12))
    async with someone(place.make(100, texts={1: text}), size=(80, 24)) as person:
        await opened(person)
        await person.press("enter")

        def painted() -> list[list[tuple[str, object]]]:
            return [
                [(segment.text, segment.style) for segment in strip.simplify()]
                for strip in person.app.screen._compositor.render_strips()
            ]

        def pressed(keys: str) -> list[str]:
            return keys.split()

        person.editor.cursor_blink = False
        for keys in (
            "x down end y left left backspace",
            "up home a b c d e f",  # words move to the next row of the paragraph
            "backspace backspace backspace backspace",  # and move back
            "down down home z 茄 delete up w",
            "enter a backspace backspace ctrl+k ctrl+z ctrl+y",
            "shift+right shift+right q ctrl+z shift+down b",
            "pagedown e pageup end ctrl+w ctrl+u",
            "ctrl+end enter enter n up o ( ) left p",
        ):
            for key in pressed(keys):
                await person.press(key)
            before = painted()
            person.editor._line_cache.clear()
            person.editor.refresh()
            await person.pilot.pause()
            assert painted() == before, keys
