"""The text screen: writing, pausing, editing, rewriting."""

from __future__ import annotations

import re

import pytest
from textual.widgets import OptionList, TextArea

from lwtui.app.screens.dialogs import Choose, Confirm
from lwtui.app.screens.history import HistoryScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.log import LogScreen
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.documents.model import Mode, Origin, Status
from lwtui.documents.store import Document
from tests.app.person import Person, someone
from tests.app.place import Place, write
from tests.support.author import Author, sentence, title_of
from tests.support.disk import fill, free
from tests.support.fault_server import Fault, FaultServer
from tests.support.studio import sentences
from tests.support.tempo import Tempo


@pytest.fixture
def tempo(author: Author) -> Tempo:
    """The scripted model stops in the first section until the test continues it."""
    author.delay, author.piece = (tempo := Tempo(10)), 4
    return tempo


async def streaming(person: Person, section_id: str, characters: int = 60) -> None:
    """Wait until a section has some text that is still growing."""
    await person.until(
        lambda: section_id in person.session.current and len(person.document.section(section_id).text) > characters
    )


async def done(person: Person) -> None:
    await person.until(lambda: all(section.status is Status.DONE for section in person.sections))
    await person.idle()


def doubled(text: str) -> list[str]:
    said = sentences(text)
    return [one for one in set(said) if said.count(one) > 1]


async def test_text_streams_in_and_figures_follow(server: FaultServer, tempo: Tempo, place: Place) -> None:
    place.serve(server, price_input=1.0, price_output=2.0)
    async with someone(place.make(100, 100)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await person.at(WritingScreen)
        await streaming(person, "s1")
        await person.until(lambda: person.editor.text)
        shown = person.editor.text
        assert sentence(1, 0).strip().startswith(shown[:30])
        tempo.give(3)
        await person.until(lambda: len(person.editor.text) > len(shown))
        await person.sees("▶ Writing", "tokens/s", "left", "of 200 words", "being written", "F5 Pause")
        tempo.go()
        await done(person)
        await person.until(lambda: person.editor.section_id == "s2")  # the view followed the model
        assert person.editor.text == person.sections[1].text
        await person.is_told("Finished: ")
        await person.sees("■ Idle", "2 of 2 done", "cost 0.00", "F5 Write")
        assert re.search(r"✓ +1 Part cece", person.screen_text)


async def test_pausing_is_immediate_and_resuming_repeats_nothing(
    server: FaultServer, tempo: Tempo, place: Place
) -> None:
    async with someone(place.make(120, 120)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await streaming(person, "s1")
        await person.press("f5")
        assert not person.session.busy
        assert server.calls[-1].hung_up
        section = person.sections[0]
        assert section.status is Status.PARTIAL
        assert person.editor.text == section.text
        assert person.editor.read_only is False
        await person.sees("Paused. F5 resumes.", "◐", "interrupted")
        tempo.go()
        await person.press("f5")
        await done(person)
        text = "\n\n".join(section.text for section in person.sections)
        assert text.startswith(section.text[:40])
        assert not doubled(text)


async def test_the_last_sentence_can_be_edited_during_a_pause(server: FaultServer, tempo: Tempo, place: Place) -> None:
    async with someone(place.make(120)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await streaming(person, "s1")
        await person.press("f5", "enter", "ctrl+end")
        await person.type(" and then I say this")
        tempo.go()
        await person.press("f5")  # before the typing pause
        await done(person)
        (section,) = person.sections
        assert " and then I say this" in section.text
        assert section.length > 100


async def test_another_section_can_be_edited_during_a_run(server: FaultServer, tempo: Tempo, place: Place) -> None:
    path = place.make(120, 120, texts={2: "Mine to change."})
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("f5")
        await streaming(person, "s1")
        await person.press("down")
        await person.until(lambda: person.editor.section_id == "s2")
        await person.press("enter", "ctrl+end")
        await person.type(" So I do.")
        await person.until(lambda: place.read(path)["s2"] == "Mine to change. So I do.", seconds=1.0)
        assert person.document.section("s2").origin is Origin.USER
        length = len(person.document.section("s1").text)
        tempo.give(3)
        await person.until(lambda: len(person.document.section("s1").text) > length)
        assert person.editor.section_id == "s2"  # the user stays in the section they edit
        tempo.go()
        await done(person)
        assert person.editor.section_id == "s2"
        assert person.document.section("s2").text == "Mine to change. So I do."


async def test_text_typed_into_the_next_section_is_kept_when_the_model_reaches_it(
    server: FaultServer, tempo: Tempo, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwtui.app.widgets.section_editor._QUIET_SECONDS", 3600.0)  # edits are never stored by a timer
    path = place.make(60, 60)
    with Document.open(path) as document:
        write(document, "s2", "Begun", Status.PARTIAL)
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("f5")
        await streaming(person, "s1")
        await person.press("down", "enter", "ctrl+end")
        await person.type(" too")
        tempo.go()
        await done(person)
        assert person.document.section("s2").text.startswith("Begun too")
        assert person.document.section("s2").length > 40
        await person.until(lambda: person.editor.text == person.document.section("s2").text)


async def test_a_section_completed_by_hand_is_not_written(
    server: FaultServer, tempo: Tempo, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwtui.app.widgets.section_editor._QUIET_SECONDS", 3600.0)
    async with someone(place.make(60, 60, 60)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await streaming(person, "s1")
        await person.press("down", "enter")
        await person.type("Mine alone")
        tempo.go()
        await done(person)
        assert person.document.section("s2").text == "Mine alone"
        assert person.document.section("s3").origin is Origin.MODEL


async def test_sections_are_written_in_parallel(server: FaultServer, tempo: Tempo, place: Place) -> None:
    async with someone(place.make(60, 60, 60, mode=Mode.PARALLEL)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await person.until(lambda: len(person.session.current) == 3)
        await person.until(lambda: person.screen_text.count("▶") == 4)  # including the status line
        await person.press("f5")
        assert not person.session.current
        tempo.go()
        await person.press("f5")
        await done(person)
        assert not doubled("\n\n".join(section.text for section in person.sections))


async def test_the_old_text_of_a_rewritten_section_can_be_restored(server: FaultServer, place: Place) -> None:
    path = place.make(80, 80, texts={1: "The first text.", 2: "The second text."})
    async with someone(path, size=(80, 24)) as person:
        await person.at(WritingScreen)
        await person.press("f7")
        await person.until(lambda: person.sections[0].text != "The first text.")
        await person.idle()
        new = person.sections[0].text
        assert person.sections[0].status is Status.DONE
        assert person.sections[1].text == "The second text."
        await person.press("f8")
        await person.at(HistoryScreen)
        assert person.widget(TextArea, "#version").text == new
        await person.press("down")
        await person.until(lambda: person.widget(TextArea, "#version").text == "The first text.")
        await person.sees("writer: temperature 0.8, seed 1", "Restore")
        await person.press("enter")
        await person.at(WritingScreen)
        assert person.sections[0].text == "The first text."
        await person.until(lambda: person.editor.text == "The first text.")


async def test_rewriting_a_hand_edited_section_asks_first(server: FaultServer, place: Place) -> None:
    async with someone(place.make(80, texts={1: "The first text."})) as person:
        await person.at(WritingScreen)
        await person.press("enter", "ctrl+end")
        await person.type(" Mine.")
        await person.press("f7")
        await person.at(Confirm)
        await person.press("escape")
        await person.at(WritingScreen)
        assert person.sections[0].text == "The first text. Mine."
        assert not server.calls
        await person.press("f7")
        await person.at(Confirm)
        await person.press("y")
        await person.until(lambda: server.calls)
        await person.idle()
        assert "Mine." not in person.sections[0].text
        assert "The first text. Mine." in [one.text for one in person.document.revisions("s1")]


async def test_a_failed_rewrite_keeps_the_old_text(place: Place) -> None:
    async with FaultServer(faults=[Fault.http(401, message="No such key")]) as server:
        place.serve(server)
        async with someone(place.make(80, texts={1: "The first text."}), size=(80, 24)) as person:
            await person.at(WritingScreen)
            await person.press("f7")
            await person.until(lambda: person.session.error)
            assert person.sections[0].text == "The first text."
            await person.until(lambda: person.editor.text == "The first text.")
            await person.sees("key")


async def test_a_rewrite_during_a_run_resumes_the_run(server: FaultServer, tempo: Tempo, place: Place) -> None:
    path = place.make(60, 60, 60, texts={1: "The first text."})
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("f5")
        await streaming(person, "s2")
        await person.press("up")
        await person.until(lambda: person.editor.section_id == "s1")
        tempo.go()
        await person.press("f7")
        await done(person)
        assert person.sections[0].text != "The first text."
        assert not doubled("\n\n".join(section.text for section in person.sections))


async def test_a_run_resumes_with_another_model(server: FaultServer, tempo: Tempo, place: Place) -> None:
    async with FaultServer(Author()) as quick:
        place.serve(quick, "quick")
        async with someone(place.make(60, 60)) as person:
            await person.at(PlanScreen)
            await person.press("f5")
            await streaming(person, "s1")
            await person.press("c")
            await person.at(Choose)
            options = person.widget(OptionList)
            assert [str(options.get_option_at_index(at).prompt) for at in range(3)] == ["demo", "writer", "quick"]
            assert options.highlighted == 1
            await person.press("down", "enter")
            await done(person)
            assert person.document.brief.model == "quick"
            assert quick.calls
            await person.sees("quick")


async def test_faults_are_retried_and_logged(author: Author, place: Place) -> None:
    faults = [Fault.http(429, retry_after=0.1), Fault.http(500), Fault.cut(after=12), Fault.malformed(after=5)]
    async with FaultServer(author, faults) as server:
        place.serve(server)
        async with someone(place.make(100, 80)) as person:
            await person.at(PlanScreen)
            await person.press("f5")
            await done(person)
            assert len(server.calls) >= 6
            assert not doubled("\n\n".join(section.text for section in person.sections))
            await person.press("l")
            await person.at(LogScreen)
            log = person.widget(TextArea).text
            for line in ("Retrying in 0.1 s: ", "429", "status 500", "broke off", "Section done", "Finished"):
                assert line in log
            await person.press("escape")
            await person.at(WritingScreen)


async def test_an_unreachable_endpoint_is_reported(place: Place) -> None:
    async with FaultServer() as server:
        place.serve(server, retry_seconds=0.1)
    async with someone(place.make(100, texts={}), size=(80, 24)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await person.until(lambda: person.session.error)
        await person.at(WritingScreen)
        await person.sees("Cannot reach")
        assert person.sections[0].status is Status.EMPTY
        assert not person.session.busy


async def test_an_interrupted_section_can_be_marked_as_done(place: Place) -> None:
    path = place.make(100)
    with Document.open(path) as document:
        write(document, "s1", "Enough said.", Status.PARTIAL)
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("f4")
        assert person.sections[0].status is Status.DONE
        await person.press("f5")
        await person.gets_notice("all-done")


async def test_stop_unloads_the_model(server: FaultServer, tempo: Tempo, place: Place) -> None:
    async with someone(place.make(100)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await streaming(person, "s1")
        await person.press("f6")
        assert not person.session.busy
        assert not person.app.models._open
        await person.sees("Stopped", "◐")


async def test_moving_away_ends_following_and_f_resumes_it(server: FaultServer, tempo: Tempo, place: Place) -> None:
    async with someone(place.make(60, 60, texts={1: "First."})) as person:
        await person.at(WritingScreen)
        await person.press("f5")
        await streaming(person, "s2")
        assert person.editor.section_id == "s2"
        await person.press("up")
        await person.until(lambda: person.editor.section_id == "s1")
        length = len(person.document.section("s2").text)
        tempo.give(3)
        await person.until(lambda: len(person.document.section("s2").text) > length)
        assert person.editor.section_id == "s1"
        await person.press("f")
        await person.until(lambda: person.editor.section_id == "s2")
        await person.press("f5", "f")
        await person.gets_notice("not-writing")


async def test_scrolling_up_stops_the_view_from_following(server: FaultServer, tempo: Tempo, place: Place) -> None:
    async with someone(place.make(400), size=(60, 16)) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await person.at(WritingScreen)
        tempo.give(40)
        await person.until(lambda: person.editor.max_scroll_y > 6)
        assert person.editor.scroll_offset.y >= person.editor.max_scroll_y - 1
        person.editor.scroll_to(y=1, animate=False)
        await person.pilot.pause()
        end = person.editor.max_scroll_y
        tempo.give(20)
        await person.until(lambda: person.editor.max_scroll_y > end + 1)
        assert person.editor.scroll_offset.y == 1


async def test_unusual_line_ends_do_not_count_as_edits(author: Author, place: Place) -> None:
    author.dirt = "\u2028\u2029"
    async with FaultServer(author) as server:
        place.serve(server)
        async with someone(place.make(100, 60)) as person:
            await person.at(PlanScreen)
            await person.press("f5")
            await done(person)
            await person.press("up", "down", "up")
            assert {section.origin for section in person.sections} == {Origin.MODEL}
            assert "\u2028" in person.sections[0].text


async def test_keys_switch_between_outline_text_plan_and_library(place: Place) -> None:
    async with someone(place.make(100, 80, texts={1: "First."})) as person:
        await person.at(WritingScreen)
        assert person.rows.has_focus
        await person.press("f3")
        assert person.editor.has_focus
        await person.press("f3")
        assert person.rows.has_focus
        await person.press("enter")
        assert person.editor.has_focus
        await person.press("escape")
        assert person.rows.has_focus
        await person.press("f2")
        await person.at(PlanScreen)
        await person.press("f2")
        await person.at(WritingScreen)
        await person.press("escape")
        await person.at(LibraryScreen)
        assert person.app.session is None


async def test_closing_during_a_run_asks_and_keeps_all_text(server: FaultServer, tempo: Tempo, place: Place) -> None:
    path = place.make(200)
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await streaming(person, "s1")
        await person.press("escape")
        await person.at(Confirm)
        await person.press("n")
        await person.at(WritingScreen)
        assert person.session.busy
        await person.press("escape")
        await person.at(Confirm)
        seen = person.document.section("s1").text
        await person.press("y")
        await person.at(LibraryScreen)
        assert place.read(path)["s1"].startswith(seen)
        await person.press("enter")
        await person.at(WritingScreen)
        assert person.sections[0].status is Status.PARTIAL
        assert not person.document.read_only


async def test_quitting_during_a_run_leaves_an_interrupted_section(
    server: FaultServer, tempo: Tempo, place: Place
) -> None:
    path = place.make(200)
    async with someone(path) as person:
        await person.at(PlanScreen)
        await person.press("f5")
        await streaming(person, "s1")
        seen = person.document.section("s1").text
        await person.press("ctrl+q")
    with Document.open(path) as document:
        section = document.section("s1")
        assert section.status is Status.PARTIAL
        assert section.text.startswith(seen)


@pytest.mark.parametrize("keys", [["ctrl+q"], ["f2"], ["escape", "escape"], ["ctrl+s"], ["ctrl+o"], ["f9"]])
async def test_edits_are_stored_however_the_screen_is_left(place: Place, keys: list[str]) -> None:
    path = place.make(100, 100, texts={1: "First."})
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("home", "enter", "ctrl+end")
        await person.type("!?")
        await person.press(*keys)
        if keys != ["ctrl+o"]:  # behind the settings, the timer stores edits
            assert place.read(path)["s1"] == "First.!?"
    assert place.read(path)["s1"] == "First.!?"


async def test_a_crash_of_the_app_stores_the_last_edits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: WritingScreen) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(WritingScreen, "action_follow", broken)
    path = place.make(100, texts={1: "First."})
    with pytest.raises(ZeroDivisionError):
        async with someone(path) as person:
            await person.at(WritingScreen)
            await person.press("enter", "ctrl+end")
            await person.type(" Mine.")
            await person.app.run_action("screen.follow")
    assert place.read(path)["s1"] == "First. Mine."


async def test_a_full_disk_loses_no_edits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.make(100, 100, texts={1: "First."})
    async with someone(path) as person:
        await person.at(WritingScreen)
        await person.press("home")
        fill(person.document)
        await person.press("enter", "ctrl+end")
        typed = " more than fits into what is left of a page" * 200
        person.editor.insert(typed)
        await person.gets_error("disk-full")
        await person.press("escape", "down")  # the cursor stays at the unsaved text
        await person.until(lambda: person.rows.key == "s1")
        assert person.editor.text == f"First.{typed}"
        await person.press("ctrl+q")
        await person.at(Confirm)
        await person.press("n")
        free(person.document)
        await person.press("ctrl+s")
        await person.gets_notice("saved")
    assert place.read(path)["s1"] == f"First.{typed}"


async def test_a_second_instance_is_read_only_and_says_why(place: Place) -> None:
    path = place.make(100, 80, texts={1: "First."})
    with Document.open(path) as holder:
        async with someone(path, size=(80, 24)) as person:
            await person.at(WritingScreen)
            await person.press("home")
            reason = person.document.read_only_reason
            assert "window" in reason
            await person.sees(f"Read-only: {reason[:30]}", "First.")
            await person.press("enter")
            await person.type("xyz")
            assert person.editor.text == "First."
            await person.press("escape")
            for key in ("f5", "f7", "f4", "c"):
                person.app.clear_notifications()
                await person.press(key)
                await person.is_told(reason)
            await person.press("f2")
            await person.at(PlanScreen)
            await person.sees(f"Read-only: {reason[:30]}")
            for key in ("a", "d", "s", "m", "J", "plus", "t", "r", "R", "u", "T"):
                person.app.clear_notifications()
                await person.press(key)
                await person.is_told(reason)
                assert person.titles == [title_of(1), title_of(2)]
            await person.press("f2")
            await person.press("f9")
            await person.sees("Export “A Plan”")
        assert [section.text for section in holder.sections()] == ["First.", ""]


async def test_a_line_that_is_too_long_is_shown_and_opens_in_the_external_editor(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwtui.app.widgets.section_editor.MAX_LINE_LENGTH", 500)
    long = "word " * 200
    path = place.make(200, 200, texts={1: long, 2: "Short lines.\n\n" * 100})
    async with someone(path) as person:
        await person.press("home", "enter")
        assert "Ctrl+T" in await person.gets_notice("locked")
        await person.sees("word word")
        await person.type("x")
        assert person.editor.text == place.read(path)["s1"]
        person.app.clear_notifications()
        await person.press("escape", "down", "enter")
        await person.type("x")
        assert person.editor.text.startswith("xShort")
        await person.pilot.pause()
        person.editor.insert(long)  # a pasted long line can be undone
        await person.until(lambda: long in place.read(path)["s2"])
        await person.press("ctrl+z")
        await person.until(lambda: long not in person.editor.text)
        assert person.notices == []
        person.document.edit("s1", "Broken\nup.")
        await person.press("escape", "up", "enter")
        await person.type("y")
        assert person.editor.text == "yBroken\nup."
