"""The library: finding, opening, deleting, importing and exporting documents."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, RadioButton, RadioSet

from lwtui.app.app import LwtuiApp
from lwtui.app.keymap import LIBRARY, key_of
from lwtui.app.screens.dialogs import Ask, Choose, Confirm
from lwtui.app.screens.export import ExportScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.line import Line
from lwtui.config import load_settings, set_value
from lwtui.documents import library, library_index
from lwtui.documents.model import LibraryEntry, Origin, Plan, Status
from lwtui.documents.store import Document
from tests.app.person import PATIENCE, Person, someone
from tests.app.place import INSTRUCTION, Place, write
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


async def test_documents_are_listed_latest_first(place: Place) -> None:
    make(place, "Older", 120)
    make(place, "Newer", 5)
    async with someone(size=(120, 30)) as person:
        await person.sees("Newer", "Older", "2 documents", "5 min ago", "2 h ago", "4 / 200", "50%", "writer")
        assert rows(person) == ["Newer", "Older"]


async def test_an_empty_library_shows_how_to_begin(place: Place) -> None:
    async with someone(size=(80, 24)) as person:
        await person.sees("model demo")
        keys = {line.split()[0] for line in str(person.widget(Line, "#welcome").content).splitlines() if line.strip()}
        assert {key_of(LIBRARY, action) for action in ("new", "import", "models")} <= keys
        await person.sees("New", "Import")
        assert not any(label in person.screen_text for label in ("Open", "Find", "Delete", "Export"))
        await person.press("enter", "d", "x")  # there is no document
        assert isinstance(person.app.screen, LibraryScreen)
        await person.press("u")
        await person.gets_notice("nothing-to-undo")


async def test_words_filter_titles_and_escape_shows_all(place: Place) -> None:
    for title in ("Tea for two", "Two for tea", "Coffee"):
        make(place, title)
    async with someone() as person:
        await person.press("slash")
        await person.type("tEA two")
        await person.until(lambda: sorted(rows(person)) == ["Tea for two", "Two for tea"])
        await person.sees("2 of 3 documents")
        await person.type(" x")
        await person.until(lambda: rows(person) == [])
        await person.sees(person.rows.hint)
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
        await person.press("d", "n")
        await person.until(lambda: rows(person) == ["Newer", "Older"])
        await person.press("d")
        await person.sees("Move “Newer” to the trash?")
        await person.press("y")
        await person.until(lambda: rows(person) == ["Older"])
        await person.is_told("u restores it.")
        await person.press("delete", "y")
        await person.until(lambda: person.widget(Line, "#welcome").display)
        assert not first.exists() and not second.exists()
        await person.press("u", "ctrl+z")
        await person.until(lambda: rows(person) == ["Newer", "Older"])
        assert first.exists() and second.exists()


async def test_markdown_is_imported_and_the_file_is_not_changed(place: Place) -> None:
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


async def test_a_wrong_import_path_is_reported_and_can_be_corrected(place: Place) -> None:
    (place.home / "notes.md").write_text("## First\n\nSome text.\n")
    (place.home / "nul.txt").write_bytes(b"a\0b")
    (place.home / "paper.pdf").write_bytes(b"%PDF-1.7")
    async with someone(size=(120, 30)) as person:
        await person.press("i")
        await person.at(Ask)
        for name, told in (
            ("~/nothing.md", "There is no file"),
            ("~/none.lw", "There is no document"),
            ("~/none.docx", "There is no file"),
            ("~/nul.txt", "is not a text file"),
            ("~/paper.pdf", "a PDF"),
            ("~nobody-of-that-name/a.md", "There is no folder ~nobody-of-that-name"),
        ):
            await person.fill("Input", name)
            problem = person.widget(Line)
            assert not problem.display  # the last message is gone
            await person.press("enter")
            assert problem.display and told in str(problem.content)
            assert person.widget(Input).value == name
        await person.fill("Input", "~/note.md")
        await person.press("left", "left", "left", "s", "enter")  # add the missing letter
        await person.at(WritingScreen)
        assert person.titles == ["First"]


async def test_an_import_reports_what_was_left_out(place: Place) -> None:
    (place.home / "notes.md").write_text("## First\n\nSome text. <!-- a comment --> ![[map.png]]\n")
    async with someone() as person:
        await person.press("i")
        await person.at(Ask)
        await person.fill("Input", "~/notes.md")
        await person.press("enter")
        await person.at(WritingScreen)
        [report] = [note.message for note in person.app._notifications if note.title == "Imported"]
        assert "Left out: 1 comment." in report and "will not show (no such file): map.png." in report


async def test_an_encoding_that_is_not_certain_is_chosen_by_what_it_shows(place: Place) -> None:
    (place.home / "old.txt").write_bytes("Глава первая\n\nОна уехала рано утром.\n".encode("koi8-r"))
    async with someone(size=(80, 24)) as person:
        await person.press("i")
        await person.at(Ask)
        await person.fill("Input", "~/old.txt")
        await person.press("enter")
        await person.at(Choose)
        options = person.widget(OptionList)
        shown = [str(options.get_option_at_index(at).prompt) for at in range(options.option_count)]
        assert "Она уехала рано" in shown[0] and len(shown) > 1
        await person.press("escape")
        await person.at(LibraryScreen)
        await person.press("i")
        await person.at(Ask)
        await person.fill("Input", "~/old.txt")
        await person.press("enter")
        await person.at(Choose)
        await person.press("enter")
        await person.at(WritingScreen)
        assert person.titles == ["Глава первая"]


async def test_a_folder_is_imported_with_its_notes(place: Place) -> None:
    (place.home / "vault" / "People").mkdir(parents=True)
    (place.home / "vault" / "1.md").write_text("Mia left.")
    (place.home / "vault" / "2.md").write_text("Mia came back.")
    (place.home / "vault" / "People" / "Mia.md").write_text("Tall.")
    async with someone() as person:
        await person.press("i")
        await person.at(Ask)
        await person.fill("Input", "~/vault")
        await person.press("enter")
        await person.at(WritingScreen)
        assert person.titles == ["1", "2"] and [note.title for note in person.document.notes] == ["Mia"]


async def test_a_damaged_file_has_a_row_that_says_what_is_wrong(place: Place) -> None:
    make(place, "Sound")
    (place.documents / "broken.lw").write_bytes(b"no database at all" * 100)
    (place.documents / "notes.txt").write_text("not a document")
    async with someone(size=(120, 30)) as person:
        await person.sees("broken.lw", "Sound")
        (broken,) = [row for row in person.rows._rows if row.kind == "problem"]
        assert broken.cells[0].startswith("broken.lw is ")
        assert len(rows(person)) == 2
        person.rows.select(str(place.documents / "broken.lw"))
        await person.press("enter")
        await person.gets_error("not-a-document")
        await person.press("x")
        assert isinstance(person.app.screen, LibraryScreen)
        await person.press("d", "y")
        await person.until(lambda: rows(person) == ["Sound"])


async def test_a_document_of_a_newer_version_is_not_opened(place: Place) -> None:
    path = make(place, "Future")
    with path.open("r+b") as file:
        file.seek(60)
        file.write((999).to_bytes(4, "big"))
    async with someone(path) as person:
        await person.gets_error("newer-format")
        assert person.app.session is None


async def test_an_unreadable_folder_is_reported(place: Place) -> None:
    (place.home / "file").write_text("no folder")
    set_value("documents", str(place.home / "file"))
    async with someone(size=(80, 24)) as person:
        await person.gets_error("unreadable")
        await person.press("n")
        await person.press("escape")


async def test_pressing_enter_or_escape_twice_acts_once(place: Place) -> None:
    make(place, "Once")
    async with someone() as person:
        person.app.simulate_key("enter")
        person.app.simulate_key("enter")
        await person.at(WritingScreen)
        await person.pilot.pause()
        assert not person.document.read_only
        assert len(person.app.screen_stack) == 3
        await person.press("escape")  # out of the text, where the second Enter had led
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
    """Choose a format by its number in the export dialog, name the file, and export."""
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


async def test_a_name_without_an_extension_gets_that_of_the_format(place: Place) -> None:
    make(place, "Tea")
    async with someone(size=(80, 24)) as person:
        await person.press("x")
        await export(person, 2, "~/my tea")
        await person.is_told("Exported to ~/my tea.html")
    assert not (place.home / "my tea").exists()


async def test_the_export_options_take_effect(place: Place) -> None:
    path = place.make(100, 100, name="tea", texts={1: "Some words of text.", 2: "And some more."})
    (place.home / "books").mkdir()
    async with someone(size=(80, 24)) as person:
        await person.press("ctrl+p")
        await person.type("export as pdf")
        await person.sees("PDF (.pdf)")
        await person.press("enter")
        await person.at(ExportScreen)
        await person.fill("#book-title", "../Tea / 茶")
        assert person.widget(Input, "#path").value == "~/documents/Tea 茶.pdf"  # the name is valid whatever the title
        await person.fill("#author", "A. Author")
        await person.fill("#disclosure", "file")
        await person.fill("#path", "~/books")  # a folder: the file is named after the title
        await person.press("f9")
        await person.is_told("Exported to ~/books/Tea 茶.pdf")
        await person.at(LibraryScreen)
        made = sorted(file.name for file in (place.home / "books").iterdir())
        assert made == ["Tea 茶 - disclosure.md", "Tea 茶.pdf"]
        pymupdf = pytest.importorskip("pymupdf")
        with pymupdf.open(place.home / "books" / "Tea 茶.pdf") as pdf:
            assert (pdf.metadata["title"], pdf.metadata["author"]) == ("../Tea / 茶", "A. Author")
            assert title_of(2) in pdf[1].get_text()  # the contents

        await person.press("x")
        await person.at(ExportScreen)
        assert person.widget(Input, "#author").value == "A. Author"  # as in the last export
        await person.press("escape")
        assert load_settings().author == ""  # but not for other documents
        await person.press("enter")
        await person.press("f9")
        await person.at(ExportScreen)
        assert not path.with_suffix(".md").exists()
        await person.fill("#mirror", "folder")
        await person.until(lambda: (path.with_name(f"{path.stem}-markdown") / "SUMMARY.md").exists())
        await person.fill("#mirror", "file")
        await person.until(lambda: path.with_suffix(".md").exists())
        await person.press("escape")
        person.document.edit("s1", "Changed by hand.")
        await person.press("escape", "escape")
        await person.at(LibraryScreen)
    assert "Changed by hand." in path.with_suffix(".md").read_text()


async def test_escape_stops_an_export(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    make(place, "Tea")
    hangs = place.home / "hangs.py"
    hangs.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr("lwtui.documents.export.typst_child.__file__", str(hangs))
    async with someone(size=(80, 24)) as person:
        await person.press("x")
        await export(person, 5, "~/out.pdf")
        await person.sees("Esc stops")
        await person.press("escape")
        await person.until(lambda: "stopped" in str(person.widget(Line, "#problem").content))
        assert isinstance(person.app.screen, ExportScreen)
        await person.press("escape")
        await person.at(LibraryScreen)
    assert not (place.home / "out.pdf").exists()


async def test_the_format_and_the_file_extension_follow_each_other(place: Place) -> None:
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
        await person.sees("~/out.md already")
        await person.press("n")
        await person.at(ExportScreen)
        assert (place.home / "out.md").read_text() == "Mine."
        await person.press("f9")
        await person.at(Confirm)
        await person.press("y")
        await person.is_told("Exported to ~/out.md")
        await person.at(LibraryScreen)
    assert (place.home / "out.md").read_text().startswith("# Tea")


async def test_a_failed_export_is_reported_and_the_dialog_stays_open(place: Place) -> None:
    path = make(place, "Tea")
    async with someone(size=(80, 24)) as person:
        await person.press("x")
        for name, told in (
            ("", "Enter a file name."),
            ("~/nowhere/out.md", "There is no folder"),
            (str(path), "ends in .lw like a document"),
        ):
            await export(person, 0, name)
            await person.sees(told)
            await person.at(ExportScreen)
        await person.press("escape")
        await person.at(LibraryScreen)
        with Document.open(path) as document:
            assert not document.read_only
    assert [file.name for file in place.documents.iterdir()] == ["tea.lw"]


async def test_a_huge_window_shows_the_outline_of_the_document_under_the_cursor(place: Place) -> None:
    make(place, "Tea", 5)
    (place.documents / "broken.lw").write_bytes(b"no database at all" * 100)
    async with someone(size=(200, 50)) as person:
        await person.until(lambda: "broken.lw" in str(person.widget(Line, "#glance-text").content))
        await person.press("end")
        await person.until(lambda: INSTRUCTION in str(person.widget(Line, "#glance-text").content))
        await person.sees(title_of(2), "4/100")


async def test_a_large_folder_loads_in_the_background(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, title in enumerate(("Coffee", "Tea for two", "Two for tea", "Milk")):
        make(place, title, at)
    go_on = threading.Semaphore(0)

    def read_entry(path: Path) -> LibraryEntry:
        assert go_on.acquire(timeout=PATIENCE)
        return library.read_entry(path)

    monkeypatch.setattr(library_index, "read_entry", read_entry)
    for seconds in ("_FIRST_SECONDS", "_STEP_SECONDS"):
        monkeypatch.setattr(library_index, seconds, -1.0)
    app = LwtuiApp(load_settings())
    async with app.run_test(size=(120, 30)) as pilot:
        person = Person(app, pilot)
        await person.sees("reading…")
        assert not person.widget(Line, "#welcome").display
        go_on.release()  # one is read; the others are shown by file name
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


async def test_while_the_folder_loads_the_cursor_stays_on_the_latest_document(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, minutes in (("Newest", 1), ("Older", 60), ("Oldest", 90)):  # the files' times have the opposite order
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


async def test_a_copy_that_a_service_made_is_told_as_such(place: Place) -> None:
    make(place, "Walk").rename(place.documents / "Walk (Mia's conflicted copy 2024-05-06).lw")
    async with someone(size=(120, 30)) as person:
        await person.sees("Walk (conflicting copy, Dropbox or Nextcloud)")
        await person.press("enter")
        await person.at(WritingScreen)
        [told] = [text for code, text in person.app.noticed if code == "conflicting-copy"]
        assert "Walk.lw was changed in two places" in told
