"""The library: finding, opening, deleting, importing and exporting documents."""

from __future__ import annotations

import threading
from pathlib import Path

import pymupdf
import pytest
from textual.widgets import Checkbox, Input, RadioButton, RadioSet

from lwtui.app.app import LwtuiApp
from lwtui.app.screens.dialogs import Ask, Confirm
from lwtui.app.screens.export import ExportScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.line import Line
from lwtui.config import load_settings, set_value
from lwtui.documents import library, library_index
from lwtui.documents.model import Origin, Plan, Status, Summary
from lwtui.documents.store import Document
from tests.app.person import PATIENCE, Person, someone
from tests.app.place import Place, write
from tests.support.author import title_of
from tests.support.disk import connection


def make(place: Place, title: str, minutes_ago: int = 0) -> Path:
    path = place.make(100, 100, name=title.lower(), texts={1: "Some words of text."})
    with Document.open(path) as document:
        document.set_plan(Plan(title, document.plan.sections), "Title")
        connection(document).execute("UPDATE document SET changed = changed - ?", (60 * minutes_ago,))
    return path


def rows(person: Person) -> list[str]:
    return [row.cells[0] for row in person.rows._rows]


async def test_documents_are_listed_the_last_changed_first(place: Place) -> None:
    make(place, "Older", 120)
    make(place, "Newer", 5)
    async with someone(size=(120, 30)) as person:
        await person.sees("Newer", "Older", "2 documents", "5 min ago", "2 h ago", "4 / 200", "50%", "writer")
        assert rows(person) == ["Newer", "Older"]


async def test_an_empty_library_says_how_to_begin(place: Place) -> None:
    async with someone(size=(80, 24)) as person:
        await person.sees("begin a document", "import a Markdown", "choose who writes", "model demo")
        await person.press("enter", "d", "x")  # on nothing
        assert isinstance(person.app.screen, LibraryScreen)
        await person.press("u")
        await person.is_told("Nothing was deleted")


async def test_words_find_titles_and_escape_shows_all_again(place: Place) -> None:
    for title in ("Tea for two", "Two for tea", "Coffee"):
        make(place, title)
    async with someone() as person:
        await person.press("slash")
        await person.type("tEA two")
        await person.until(lambda: sorted(rows(person)) == ["Tea for two", "Two for tea"])
        await person.sees("2 of 3 documents")
        await person.type(" x")
        await person.sees("No title holds these words.")
        await person.press("escape")
        assert len(rows(person)) == 3
        assert not person.widget(Input, "#find").display
        await person.press("ctrl+f")
        await person.type("coffee")
        await person.press("enter", "enter")
        await person.at(WritingScreen)
        assert person.document.title == "Coffee"


async def test_deleting_can_be_undone_more_than_once(place: Place) -> None:
    first, second = make(place, "Older", 5), make(place, "Newer")
    async with someone() as person:
        await person.press("d")
        await person.until(lambda: rows(person) == ["Older"])
        await person.is_told("Press u to bring it back.")
        await person.press("delete")
        await person.sees("Nothing here yet")
        assert not first.exists() and not second.exists()
        await person.press("u", "ctrl+z")
        await person.until(lambda: rows(person) == ["Newer", "Older"])
        assert first.exists() and second.exists()


async def test_markdown_is_imported_and_the_file_stays(place: Place) -> None:
    source = place.home / "notes.md"
    source.write_text("# My notes\n\n## First\n\nSome text.\n\n## Second\n\nMore text.\n")
    async with someone() as person:
        await person.press("i")
        await person.at(Ask)
        await person.fill("Input", "~/notes.md")
        await person.press("enter")
        await person.at(WritingScreen)
        assert person.titles == ["First", "Second"]
        assert person.document.path.parent == place.documents
        assert {section.origin for section in person.sections} == {Origin.IMPORT}
    assert source.exists()


async def test_what_cannot_be_imported_is_told_and_can_be_put_right(place: Place) -> None:
    (place.home / "notes.md").write_text("## First\n\nSome text.\n")
    (place.home / "latin.txt").write_bytes("Bäume".encode("latin-1"))
    async with someone(size=(120, 30)) as person:
        await person.press("i")
        await person.at(Ask)
        for name, told in (
            ("~/nothing.md", "There is no file"),
            (str(place.home), "is a folder"),
            ("~/none.lw", "There is no document"),
            ("~/none.docx", "There is no document"),
            ("~/latin.txt", "is not UTF-8 text"),
            ("~nobody-of-that-name/a.md", "There is no folder ~nobody-of-that-name"),
        ):
            await person.fill("Input", name)
            problem = person.widget(Line)
            assert not problem.display  # what was told before is gone
            await person.press("enter")
            assert problem.display and told in str(problem.content)
            assert person.widget(Input).value == name
        await person.fill("Input", "~/note.md")
        await person.press("left", "left", "left", "s", "enter")  # a letter was missing
        await person.at(WritingScreen)
        assert person.titles == ["First"]


async def test_a_damaged_file_is_a_row_that_says_what_is_wrong(place: Place) -> None:
    make(place, "Sound")
    (place.documents / "broken.lw").write_bytes(b"no database at all" * 100)
    (place.documents / "notes.txt").write_text("not a document")
    async with someone(size=(120, 30)) as person:
        await person.sees("broken.lw is not a lwtui document", "Sound")
        assert len(rows(person)) == 2
        person.rows.select(str(place.documents / "broken.lw"))
        await person.press("enter")
        await person.is_told("is not a lwtui document")
        await person.press("x")
        assert isinstance(person.app.screen, LibraryScreen)
        await person.press("d")
        await person.until(lambda: rows(person) == ["Sound"])


async def test_a_file_of_a_newer_version_is_left_alone(place: Place) -> None:
    path = make(place, "Future")
    with path.open("r+b") as file:
        file.seek(60)
        file.write((999).to_bytes(4, "big"))
    async with someone(path) as person:
        await person.is_told("newer version of lwtui")
        assert person.app.session is None


async def test_a_folder_that_cannot_be_read_is_told_in_one_line(place: Place) -> None:
    (place.home / "file").write_text("no folder")
    set_value("documents", str(place.home / "file"))
    async with someone(size=(80, 24)) as person:
        await person.is_told("Cannot read")
        await person.press("n")
        await person.press("escape")


async def test_enter_pressed_twice_opens_once_and_escape_twice_closes_once(place: Place) -> None:
    make(place, "Once")
    async with someone() as person:
        person.app.simulate_key("enter")
        person.app.simulate_key("enter")
        await person.at(WritingScreen)
        await person.pilot.pause()
        assert not person.document.read_only
        assert len(person.app.screen_stack) == 3
        await person.press("escape")  # out of the text, where the second Enter led
        person.app.simulate_key("escape")
        person.app.simulate_key("escape")
        await person.at(LibraryScreen)
        await person.pilot.pause()
        assert len(person.app.screen_stack) == 2
        await person.press("enter")
        await person.at(WritingScreen)
        assert not person.document.read_only


async def test_a_document_opens_where_it_was_left(place: Place) -> None:
    planned = place.make(100, 100, name="planned")
    async with someone(planned) as person:
        await person.at(PlanScreen)
    begun = place.make(100, 100, 100, name="begun", texts={1: "Done."})
    with Document.open(begun) as document:
        write(document, "s2", "Half of", Status.PARTIAL)
    async with someone(begun) as person:
        await person.at(WritingScreen)
        assert person.editor.section_id == "s2"


async def test_progress_is_up_to_date_after_a_document_is_closed(place: Place) -> None:
    make(place, "Mine")
    async with someone() as person:
        await person.sees("4 / 200")
        await person.press("enter")
        await person.at(WritingScreen)
        await person.press("end", "enter")
        await person.type("two words")
        await person.press("escape", "escape")
        await person.at(LibraryScreen)
        await person.sees("6 / 200")


# -- export


async def export(person: Person, format: int, name: str) -> None:
    """Choose a format by number in the export dialog, give the file a name, and export."""
    await person.at(ExportScreen)
    buttons = list(person.widget(RadioSet).query(RadioButton))
    await person.pilot.click(buttons[format])
    await person.fill("#path", name)
    await person.press("f9")


async def test_a_document_is_exported_in_each_format(place: Place) -> None:
    make(place, "Tea")
    async with someone(size=(80, 24)) as person:
        await person.press("x")
        await person.at(ExportScreen)
        assert person.widget(Input, "#path").value == "~/documents/Tea.md"
        for number, ending in enumerate(("md", "txt", "html")):
            await export(person, number, f"~/out.{ending}")
            await person.is_told(f"Exported to ~/out.{ending}")
            await person.at(LibraryScreen)
            await person.press("f9")
        await person.at(ExportScreen)
    assert (place.home / "out.md").read_text() == f"# Tea\n\n## {title_of(1)}\n\nSome words of text.\n"
    assert "#" not in (place.home / "out.txt").read_text()
    assert "<h1>Tea</h1>" in (place.home / "out.html").read_text()


async def test_a_book_is_exported_with_what_was_chosen_for_it(place: Place) -> None:
    path = place.make(100, 100, name="tea", texts={1: "Some words of text.", 2: "And some more."})
    (place.home / "books").mkdir()
    async with someone(size=(80, 24)) as person:
        await person.press("ctrl+p")
        await person.type("export as pdf")
        await person.sees("Export as PDF (.pdf)")
        await person.press("enter")
        await person.at(ExportScreen)
        await person.fill("#book-title", "../Tea / 茶")
        assert (
            person.widget(Input, "#path").value == "~/documents/Tea 茶.pdf"
        )  # whatever the title, a name in its folder
        await person.fill("#author", "A. Author")
        await person.fill("#disclosure", "file")
        await person.fill("#path", "~/books")  # a folder: the file is named by the title
        await person.press("f9")
        await person.is_told("Exported to ~/books/Tea 茶.pdf")
        await person.at(LibraryScreen)
        made = sorted(file.name for file in (place.home / "books").iterdir())
        assert made == ["Tea 茶 - disclosure.md", "Tea 茶.pdf"]
        with pymupdf.open(place.home / "books" / "Tea 茶.pdf") as pdf:
            assert (pdf.metadata["title"], pdf.metadata["author"]) == ("../Tea / 茶", "A. Author")
            assert title_of(2) in pdf[1].get_text()  # the contents

        await person.press("x")
        await person.at(ExportScreen)
        assert person.widget(Input, "#author").value == "A. Author"  # as the last time
        await person.press("escape")
        assert load_settings().author == ""  # and no other document's
        await person.press("enter")
        await person.press("f9")
        await person.at(ExportScreen)
        assert not path.with_suffix(".md").exists()
        person.widget(Checkbox, "#mirror").toggle()
        await person.until(lambda: path.with_suffix(".md").exists())
        await person.press("escape")
        person.document.edit("s1", "Changed by hand.")
        await person.press("escape", "escape")
        await person.at(LibraryScreen)
    assert "Changed by hand." in path.with_suffix(".md").read_text()


async def test_an_export_that_is_going_on_is_stopped_by_escape(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    make(place, "Tea")
    hangs = place.home / "hangs.py"
    hangs.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr("lwtui.documents.export.typst_child.__file__", str(hangs))
    async with someone(size=(80, 24)) as person:
        await person.press("x")
        await export(person, 5, "~/out.pdf")
        await person.sees("Setting the pages …")
        await person.press("escape")
        await person.sees("The export was stopped.")
        assert isinstance(person.app.screen, ExportScreen)
        await person.press("escape")
        await person.at(LibraryScreen)
    assert not (place.home / "out.pdf").exists()


async def test_the_format_changes_the_ending_and_the_ending_the_format(place: Place) -> None:
    make(place, "Tea")
    async with someone() as person:
        await person.press("x")
        await person.at(ExportScreen)
        buttons = list(person.widget(RadioSet).query(RadioButton))
        await person.pilot.click(buttons[2])
        await person.until(lambda: person.widget(Input, "#path").value == "~/documents/Tea.html")
        await person.sees("(•) HTML", "( ) EPUB", "[x] title page")
        await person.fill("#path", "~/documents/Tea.epub")
        await person.sees("( ) HTML", "(•) EPUB")
        assert person.widget(Input, "#path").value == "~/documents/Tea.epub"


async def test_an_existing_file_is_replaced_only_after_asking(place: Place) -> None:
    make(place, "Tea")
    (place.home / "out.md").write_text("Mine.")
    async with someone() as person:
        await person.press("x")
        await export(person, 0, "~/out.md")
        await person.at(Confirm)
        await person.sees("~/out.md is there already.")
        await person.press("n")
        await person.at(ExportScreen)
        assert (place.home / "out.md").read_text() == "Mine."
        await person.press("f9")
        await person.at(Confirm)
        await person.press("y")
        await person.is_told("Exported to ~/out.md")
        await person.at(LibraryScreen)
    assert (place.home / "out.md").read_text().startswith("# Tea")


async def test_an_export_that_fails_says_why_and_stays_open(place: Place) -> None:
    path = make(place, "Tea")
    async with someone(size=(80, 24)) as person:
        await person.press("x")
        for name, told in (
            ("", "Name the file."),
            ("~/nowhere/out.md", "There is no folder"),
            (str(path), "is a document's own file"),
        ):
            await export(person, 0, name)
            await person.sees(told)
            await person.at(ExportScreen)
        await person.press("escape")
        await person.at(LibraryScreen)
        with Document.open(path) as document:
            assert not document.read_only
    assert [file.name for file in place.documents.iterdir()] == ["tea.lw"]


async def test_the_outline_of_the_document_under_the_cursor_is_seen_in_a_huge_window(place: Place) -> None:
    make(place, "Tea", 5)
    (place.documents / "broken.lw").write_bytes(b"no database at all" * 100)
    async with someone(size=(200, 50)) as person:
        await person.sees("broken.lw is not a lwtui document. Markdown")
        await person.press("end")
        await person.sees("Write a guide to growing tomatoes", title_of(2), "4/100")


async def test_a_large_folder_fills_in_while_one_works(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, title in enumerate(("Coffee", "Tea for two", "Two for tea", "Milk")):
        make(place, title, at)
    go_on = threading.Semaphore(0)

    def summary_of(path: Path) -> Summary:
        assert go_on.acquire(timeout=PATIENCE)
        return library.summary_of(path)

    monkeypatch.setattr(library_index, "summary_of", summary_of)
    for seconds in ("_FIRST_SECONDS", "_STEP_SECONDS"):
        monkeypatch.setattr(library_index, seconds, -1.0)
    app = LwtuiApp(load_settings())
    async with app.run_test(size=(120, 30)) as pilot:
        person = Person(app, pilot)
        await person.sees("reading…")
        assert "begin a document" not in person.screen_text
        go_on.release()  # one is read: the others stand under their files' names
        await person.until(lambda: sorted(rows(person)) == ["Milk", "coffee", "tea for two", "two for tea"])
        await person.press("slash")
        await person.type("tea")
        await person.until(lambda: sorted(rows(person)) == ["tea for two", "two for tea"])
        go_on.release()
        await person.until(lambda: "Two for tea" in rows(person))
        await person.press("escape", "down")
        chosen = person.rows.key
        assert chosen is not None
        go_on.release(2)
        await person.until(lambda: rows(person) == ["Coffee", "Tea for two", "Two for tea", "Milk"])
        assert person.rows.key == chosen


async def test_the_cursor_waits_at_the_top_for_the_document_that_was_changed_last(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, minutes in (("Newest", 1), ("Older", 60), ("Oldest", 90)):  # their files were changed in the other order
        make(place, name, minutes)
    for seconds in ("_FIRST_SECONDS", "_STEP_SECONDS"):
        monkeypatch.setattr(library_index, seconds, -1.0)
    async with someone() as person:
        assert rows(person) == ["Newest", "Older", "Oldest"]
        assert person.rows.key == str(place.documents / "newest.lw")
        await person.press("end")
        make(place, "Just now")
        await person.press("ctrl+r")
        await person.until(lambda: len(rows(person)) == 4)
        assert person.rows.key == str(place.documents / "oldest.lw")
