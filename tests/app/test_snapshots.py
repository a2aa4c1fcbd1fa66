"""What every screen and dialog looks like, in small, large and huge windows, dark and light.

After a change that is meant to be seen: ``pytest tests/app/test_snapshots.py --snapshot-update``, and look at each
picture in ``tests/app/__snapshots__`` that changed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.command import CommandPalette
from textual.widgets import Collapsible, Input, OptionList, TextArea

from lwtui.agentwrite.run_state import Throughput
from lwtui.app.screens.brief import BriefScreen
from lwtui.app.screens.candidates import CandidatesScreen
from lwtui.app.screens.choose_model import ChooseModelScreen
from lwtui.app.screens.dialogs import Ask, Choose, Confirm
from lwtui.app.screens.diff import DiffScreen
from lwtui.app.screens.download import DownloadScreen
from lwtui.app.screens.endpoint_form import EndpointForm
from lwtui.app.screens.export import ExportScreen
from lwtui.app.screens.findings import FindingsScreen
from lwtui.app.screens.forecast import ForecastScreen
from lwtui.app.screens.go_to import GoTo
from lwtui.app.screens.help import HelpScreen
from lwtui.app.screens.history import HistoryScreen
from lwtui.app.screens.inspector import InspectorScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.screens.log import LogScreen
from lwtui.app.screens.model_form import ModelForm
from lwtui.app.screens.new_document import NewDocumentScreen
from lwtui.app.screens.notes import NotesScreen
from lwtui.app.screens.passages import PassagesDialog
from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.reading import ReadingScreen
from lwtui.app.screens.settings import SettingsScreen
from lwtui.app.screens.sources import SourcesScreen
from lwtui.app.screens.stale import StaleScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.config import ModelSettings, add_model
from lwtui.documents.model import Brief, Note, Plan, PlannedSection, Provenance, SectionSummary, Status
from lwtui.documents.stale import current_basis
from lwtui.documents.store import Document
from lwtui.models.download import DownloadProgress
from lwtui.models.servers import LocalServer
from lwtui.models.usage import Usage
from lwtui.sources.model import ReadSource, Stretch
from lwtui.text import language
from lwtui.translation import _
from tests.app.person import Person, someone
from tests.app.place import Place, write
from tests.app.translated import is_english, untranslated_words, words_in
from tests.support.author import Author, sentence
from tests.support.fault_server import FaultServer
from tests.support.tempo import Tempo

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
HUGE = {"200x50": (200, 50)}
THEMES = ("textual-dark", "textual-light")

INSTRUCTION = "Write a guide to growing tomatoes on a balcony, for beginners."
OUTLINE = (
    ("Choosing a pot", "Which sizes and materials suit a balcony, and why drainage decides", 300),
    ("Soil and feeding", "What to fill the pot with, and when to feed it; what too much does", 250),
    ("番茄的光照与温度", "番茄需要多少光照，温度太低或太高会怎样。", 200),
    ("Watering 💧 without drowning", "How much, how often, and how to tell before the leaves do", 300),
    ("Pests: [b]aphids[/b] & whitefly", "Early signs, and what helps without poison", 150),
    ("A heading that is far too long for any column, because some writers like it this way", "Everything.", 12000),
)


# The words that the scenes bring to the screen.
CONTENT = words_in(__file__)


def guide(place: Place) -> Path:
    """A document with sections in every state."""
    path = place.documents / "guide.lw"
    path.parent.mkdir(exist_ok=True)
    sections = tuple(PlannedSection(*row, f"s{at}") for at, row in enumerate(OUTLINE, 1))
    brief = Brief(INSTRUCTION, 13200, model="writer")
    with Document.create(path, brief, Plan("Tomatoes on a Balcony", sections)) as document:
        made = Provenance("writer", sampling={"temperature": 0.8, "top_p": 0.95}, seed=7)
        document.begin("s1", made, 0)
        document.append("s1", prose(1, 24))
        document.finish("s1", Status.DONE, Usage(1200, 400))
        document.add_usage(Usage(1200, 400))
        document.edit("s1", "My own first words. " + prose(1, 22))
        write(document, "s2", prose(2, 5).rsplit(" ", 3)[0], Status.PARTIAL)
    return path


def prose(number: int, count: int) -> str:
    return "".join(sentence(number, at) for at in range(count)).lstrip()


@pytest.fixture(autouse=True)
def fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix the time and the free memory, and load the languages, so that pictures do not depend on them."""
    language.load()
    monkeypatch.setattr("lwtui.app.screens.library.ago", lambda moment: "5 min ago")
    monkeypatch.setattr("lwtui.app.screens.history._when", lambda moment: "02-03 14:05:09")
    monkeypatch.setattr("lwtui.app.screens.history._in_full", lambda moment: "2026-02-03 14:05:09")
    for screen in ("log", "writing"):
        monkeypatch.setattr(f"lwtui.app.screens.{screen}.clock", lambda moment: "14:05:09")
    for module in ("app.screens.download", "models.llama_cpp.fit"):
        monkeypatch.setattr(f"lwtui.{module}.available_memory", lambda: 8 * 10**9)
    monkeypatch.setattr(Throughput, "tokens_per_second", property(lambda self: 42.0))
    monkeypatch.setattr(Session, "seconds_left", lambda self: 754.0)


Scene = Callable[[Person, Place], Awaitable[None]]


async def sees(person: Person, *texts: str) -> None:
    """Wait until the screen shows all of these English texts; in another language, until the screen rests."""
    if is_english():
        await person.sees(*texts)
    else:
        await still(person, lambda: person.screen_text)


async def library_empty(person: Person, place: Place) -> None:
    await person.until(lambda: person.widget(Line, "#welcome").display)


async def library(person: Person, place: Place) -> None:
    guide(place)
    place.make(1000, 500, name="tea", texts={1: prose(1, 90), 2: prose(2, 40)})
    place.make(name="unplanned")
    (place.documents / "broken.lw").write_bytes(b"no database at all" * 100)
    await person.press("ctrl+r", "end")
    await sees(person, "4 documents")


async def library_find(person: Person, place: Place) -> None:
    await library(person, place)
    await person.press("slash")
    await person.type("tom")
    await sees(person, "2 of 4")


async def choose_model_first(person: Person, place: Place) -> None:
    await person.press("m")
    await person.at(ChooseModelScreen)
    screen = person.app.screen
    assert isinstance(screen, ChooseModelScreen)
    await person.until(lambda: not screen._searching)
    models = ("qwen3:8b", "gemma3:27b-it-qat", "[b]x[/b]:7b", "llama3.3:70b", "qwen3:32b")
    jan = LocalServer("Jan", "http://127.0.0.1:1337/v1", needs_key=True)
    screen._servers = [LocalServer("Ollama", "http://127.0.0.1:11434/v1", models), jan]
    screen._show()
    await person.press("down", "down", "down", "down")


async def new_document_downloading(person: Person, place: Place) -> None:
    await new_document(person, place)
    person.app.screen.query_one("#instruction", TextArea).cursor_blink = False
    await person.fill("#instruction", "Write a guide of 2,000 words to growing tomatoes on a balcony.")
    person.app.download_status = "↓ starter 34 %, 2 min 05 s left"
    await sees(person, "34 %", "2,000 words, from")


async def new_document(person: Person, place: Place) -> None:
    await person.press("n")
    await person.at(NewDocumentScreen)


async def new_document_problem(person: Person, place: Place) -> None:
    await new_document(person, place)
    await person.fill("#instruction", "Write a guide to growing tomatoes on a balcony, for beginners.\n\nBe brief.")
    await person.fill("#words", "0")
    await person.press("f5")
    await person.until(lambda: str(person.widget(Line, "#problem").content))


async def opened(person: Person, place: Place) -> None:
    person.app.open_document(guide(place))
    await person.at(WritingScreen)


async def plan(person: Person, place: Place) -> None:
    await opened(person, place)
    await person.press("f2")
    await person.at(PlanScreen)


async def brief(person: Person, place: Place) -> None:
    await plan(person, place)
    await person.press("B")
    await person.at(BriefScreen)


def book(place: Place) -> Path:
    """A document with parts, notes, summaries and stale sections."""
    rows = (
        ("Roots and soil", "What grows below, and why it decides", 0, 1),
        ("Choosing a pot", "Which sizes and materials suit a balcony, and why drainage decides", 300, 2),
        ("Soil and feeding", "What to fill the pot with, and when to feed it; what too much does", 250, 2),
        ("番茄的光照与温度", "番茄需要多少光照，温度太低或太高会怎样。", 0, 1),
        ("Watering 💧 without drowning", "How much, how often, and how to tell before the leaves do", 300, 2),
        ("Early", "In spring", 150, 3),
        ("Harvest", "When they are ripe, and what Mira does with them", 200, 1),
    )
    path = place.documents / "book.lw"
    path.parent.mkdir(exist_ok=True)
    sections = tuple(
        PlannedSection(title, point, words, f"s{at}", level) for at, (title, point, words, level) in enumerate(rows)
    )
    brief = Brief("Write a guide to growing tomatoes on a balcony.", 1200, model="writer")
    with Document.create(path, brief, Plan("Tomatoes on a Balcony", sections)) as document:
        for section_id, number in (("s1", 1), ("s2", 2), ("s4", 4)):
            write(document, section_id, prose(number, 9))
        book = document.notebook
        book.set_notes(
            [
                Note("Tone", "Dry wit, short sentences, no exclamation marks.", "style"),
                Note("Mira", "A botanist of forty who talks to her plants.", "story", False, ("Mira", "botanist")),
                Note("Tomatoes are berries", "In the botanist's sense.", "fact", False, ("番茄", "fruit")),
            ],
            "Add notes",
        )
        book.set_summary(SectionSummary("s1", "Pots: twelve litres at least, with holes.", "d", by_hand=True))
        now = current_basis(document, "s1", lambda sections, at: document.notes[:1])
        document.mark_up_to_date("s1", replace(now, instruction="another"))
        document.mark_up_to_date("s4", replace(now, shown={"s1": "another", "s2": "another"}))
        document.edit("s4", "My own words. " * 12)
    return path


async def plan_nested(person: Person, place: Place) -> None:
    person.app.open_document(book(place))
    await person.at(WritingScreen)
    await person.press("f2")
    await person.at(PlanScreen)
    await person.press("home", "down", "down", "down", "space")
    await person.sees("▸")


async def notes(person: Person, place: Place) -> None:
    await plan_nested(person, place)
    await person.press("n")
    await person.at(NotesScreen)
    await person.press("down")


async def sources(person: Person, place: Place) -> None:
    await writing(person, place)
    for key, title, kind in (("gray2020", "Tomatoes in [b]pots[/b]", "pdf"), ("li2019", "番茄的光照与温度", "web")):
        stretches = tuple(Stretch(f"{prose(at, 5)} {title}.", at if kind == "pdf" else None) for at in range(1, 30))
        read = ReadSource(kind, title, f"~/papers/{key}.pdf", "2026-02-03", stretches, {"title": title}, key)
        person.document.source_store.add(read)
    person.document.edit("s3", f"{prose(3, 4)[:-1]} [@gray2020, p. 3; @li2019].")
    await person.press("S")
    await person.at(SourcesScreen)
    await person.press("p")
    await person.sees("▲")


async def passages(person: Person, place: Place) -> None:
    await sources(person, place)
    await person.press("enter")
    await person.at(PassagesDialog)
    await person.press("down", "down")


async def stale(person: Person, place: Place) -> None:
    await plan_nested(person, place)
    await person.press("y")
    await person.at(StaleScreen)


async def inspector(person: Person, place: Place) -> None:
    await settled_models(person)
    await plan_nested(person, place)
    await person.press("end", "i")
    await person.at(InspectorScreen)
    await person.until(lambda: person.cells and str(person.widget(Line, "#decided").content))


async def plan_empty(person: Person, place: Place) -> None:
    person.app.open_document(place.make())
    await person.at(PlanScreen)


async def plan_failed(person: Person, place: Place) -> None:
    add_model(ModelSettings("writer", base_url="http://127.0.0.1:9/v1", retry_seconds=0.1))
    person.app.reload_settings()
    await plan(person, place)
    await person.press("r")
    await person.until(lambda: person.session.error)


async def plan_total(person: Person, place: Place) -> None:
    await plan(person, place)
    await person.press("t")
    await person.at(Ask)


async def writing(person: Person, place: Place) -> None:
    await opened(person, place)
    await person.press("home")
    await person.until(lambda: person.editor.section_id == "s1")


async def writing_edit(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("enter")
    await person.until(lambda: person.editor.has_focus)


async def writing_find(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("ctrl+r")
    await person.type("my ")
    await person.press("enter", "alt+c")
    await sees(person, "found")


async def writing_focus(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("f10")
    await person.until(lambda: person.editor.has_focus)


async def go_to(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("ctrl+g")
    await person.at(GoTo)
    await person.type("wa")
    await person.until(lambda: person.app.screen.query_one(OptionList).option_count < 6)


async def writing_read_only(person: Person, place: Place) -> None:
    path = guide(place)
    place.home.joinpath("holder").write_text("")
    document = Document.open(path)
    person.app.open_document(path)
    await person.at(WritingScreen)
    document.close()


async def history(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("f8")
    await person.at(HistoryScreen)


async def diff(person: Person, place: Place) -> None:
    await history(person, place)
    await person.press("down", "d")
    await person.at(DiffScreen)
    await person.press("y")


async def forecast(person: Person, place: Place) -> None:
    await settled_models(person)
    await plan(person, place)
    await person.press("o")
    await person.at(ForecastScreen)


async def findings(person: Person, place: Place) -> None:
    await writing(person, place)
    said = prose(1, 4)
    person.document.edit("s3", f"{prose(3, 4)}\n\n{said}")
    person.document.edit("s4", f"{prose(4, 9)}\n\n{said}\n\nIn conclusion, {prose(5, 2)}")
    await person.press("a")
    await person.at(FindingsScreen)
    await sees(person, "findings.")


async def reading(person: Person, place: Place) -> None:
    await writing(person, place)
    person.document.edit("s1", "# Inner\n\nEnergy is $E=mc^2$[^1].\n\n| a | b |\n|-|-|\n| 1 | 2 |\n\n[^1]: A note.")
    await person.press("home", "m")
    await person.at(ReadingScreen)


async def export(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("f9")
    await person.at(ExportScreen)


async def confirm(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("f7")
    await person.at(Confirm)


async def choose_model(person: Person, place: Place) -> None:
    await settled_models(person)
    await writing(person, place)
    await person.press("c")
    await person.at(Choose)


async def settled_models(person: Person) -> None:
    add_model(ModelSettings("writer", model="gpt-4o", base_url="https://api.example.org/v1", price_input=2.5))
    add_model(ModelSettings("longwriter", provider="llama_cpp", path="~/models/LongWriter-llama3.1-8b-Q4_K_M.gguf"))
    person.app.reload_settings()


async def settings(person: Person, place: Place) -> None:
    await settled_models(person)
    await person.press("ctrl+o")
    await person.at(SettingsScreen)
    screen = person.app.screen
    assert isinstance(screen, SettingsScreen)
    await person.app.workers.wait_for_complete([one for one in person.app.workers if one.group == "look"])
    ollama = LocalServer("Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b", "gemma3:27b-it-qat"))
    screen._servers = [ollama, LocalServer("Jan", "http://127.0.0.1:1337/v1", needs_key=True)]
    screen._show()
    screen._answer(
        "Found on this machine: Ollama (2 models), Jan (needs a key). Enter adds the model under the cursor."
    )


async def model_form(person: Person, place: Place) -> None:
    await settings(person, place)
    await person.press("a")
    await person.at(ModelForm)
    form = person.app.screen
    assert isinstance(form, EndpointForm)
    form._offer(["deepseek-r1:70b", "gemma3:27b-it-qat", "llama3.3:70b", "qwen3:8b", "qwen3:32b", "[b]x[/b]:7b"])
    await person.fill("#sampling", "custom")
    await person.fill("#values", "temperature=9")
    await person.press("f5")
    await person.until(lambda: str(person.widget(Line, "#told").content))


async def model_form_gguf(person: Person, place: Place) -> None:
    await settings(person, place)
    await person.press("down", "down", "enter")
    await person.at(ModelForm)
    await person.fill("#sampling", "balanced")
    person.widget(Collapsible, "#more").collapsed = False


async def download(person: Person, place: Place) -> None:
    screen = DownloadScreen({})
    person.app.push_screen(screen)
    await person.sees("starter-small")
    screen._show(DownloadProgress("downloading", 1_700_000_000, 4_920_000_000, 12_000_000))


async def help(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("f1")
    await person.at(HelpScreen)


async def palette(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("ctrl+p")
    await person.at(CommandPalette)
    await person.type(_("History").lower())
    await sees(person, "History (F8 h)")
    await person.until(lambda: person.app.screen.query_one(OptionList).option_count == 2)


async def planning(person: Person, place: Place) -> None:
    path = place.make()
    with Document.open(path) as document:
        document.set_brief(replace(document.brief, words=2400))
    person.app.open_document(path)
    await person.at(PlanScreen)
    await person.press("R")
    await person.sees("Paragraph 1")
    await still(person, lambda: person.session.state.plan_text)


async def streaming(person: Person, place: Place) -> None:
    await opened(person, place)
    await person.press("f5")
    await person.until(lambda: person.document.section("s3").length > 40)
    await still(person, lambda: person.document.section("s3").text)
    log = person.session.log
    log.extend(
        [(moment, re.sub(r"in \d+ s$", "in 9 s", line)) for moment, line in (log.popleft() for _ in range(len(log)))]
    )


async def candidates(person: Person, place: Place) -> None:
    await writing(person, place)
    await person.press("down", "v")
    await person.at(Ask)
    await person.press("enter")
    await person.at(CandidatesScreen)
    await sees(person, "Enter picks")


async def log(person: Person, place: Place) -> None:
    await streaming(person, place)
    await person.press("l")
    await person.at(LogScreen)


async def still(person: Person, growing: Callable[[], str]) -> None:
    """Wait until the scripted model has stopped."""
    before = ""
    while before != (before := growing()):
        await person.pilot.pause(0.2)


ALONE: list[Scene] = [
    library_empty,
    library,
    library_find,
    choose_model_first,
    new_document,
    new_document_downloading,
    new_document_problem,
    plan,
    brief,
    plan_nested,
    plan_empty,
    plan_failed,
    plan_total,
    notes,
    sources,
    passages,
    stale,
    inspector,
    writing,
    writing_edit,
    writing_find,
    writing_focus,
    writing_read_only,
    go_to,
    history,
    diff,
    forecast,
    findings,
    reading,
    export,
    confirm,
    choose_model,
    settings,
    model_form,
    model_form_gguf,
    download,
    help,
    palette,
]
WITH_AUTHOR: list[Scene] = [planning, streaming, log, candidates]
STOPS = {"planning": 44, "streaming": 260, "log": 260}  # the scripted model stops after this many pieces
IN_HUGE_WINDOWS: list[Scene] = [library, plan, writing, streaming, settings]


@asynccontextmanager
async def pictures(scene: Scene, place: Place, snapshot: SnapshotAssertion) -> AsyncIterator[Person]:
    """Run a scene; on exit, compare a picture in each size and theme with the stored one.

    In another language than English, look for words that are not translated instead.
    """
    if not is_english():
        async with someone(size=(80, 24)) as person:
            await scene(person, place)
            yield person
            for cells in SIZES.values():
                await person.pilot.resize_terminal(*cells)
                await at_rest(person)
                assert footers_fit(person)
                assert untranslated_words(person.screen_text, CONTENT) == set(), person.screen_text
        return
    snapshot = snapshot.use_extension(SVGImageExtension)
    sizes = SIZES | (HUGE if scene in IN_HUGE_WINDOWS else {})
    async with someone(size=(80, 24)) as person:
        await scene(person, place)
        yield person
        other = []
        for size, cells in sizes.items():
            await person.pilot.resize_terminal(*cells)
            for theme in _themes(scene):
                person.app.theme = theme
                await at_rest(person)
                assert footers_fit(person)
                name = f"{scene.__name__}-{size}-{theme.removeprefix('textual-')}"
                if snapshot(name=name) != person.app.export_screenshot():
                    other.append(name)
        assert not other, "These pictures have changed; see the module's docstring."


def _themes(scene: Scene) -> Sequence[str]:
    if scene is palette:
        return THEMES[:1]  # the palette does not follow a change of theme
    return THEMES


async def at_rest(person: Person) -> None:
    person.app.clear_notifications()
    for field in [*person.app.screen.query(TextArea), *person.app.screen.query(Input)]:
        field.cursor_blink = False
    if isinstance(person.app.screen, LibraryScreen):
        await person.pilot.pause(0.25)  # the outline is shown after a delay
    await person.pilot.pause(0.05)
    editor = person.app.focused
    if isinstance(editor, TextArea):  # a blink that was due when the timer stopped may have hidden the cursor since
        editor.cursor_blink = True
        editor.cursor_blink = False
        await person.pilot.pause()


def footers_fit(person: Person) -> bool:
    """Tell whether the window is wide enough for all keys of the footer; the last has a space after it."""
    return all(bar.max_scroll_x <= 1 for bar in person.app.screen.query(KeyBar))


@pytest.mark.parametrize("scene", ALONE, ids=lambda scene: scene.__name__)
async def test_a_screen_looks_as_it_should(scene: Scene, place: Place, snapshot: SnapshotAssertion) -> None:
    async with pictures(scene, place, snapshot):
        pass


@pytest.mark.parametrize("scene", WITH_AUTHOR, ids=lambda scene: scene.__name__)
async def test_a_screen_looks_as_it_should_while_the_model_works(
    scene: Scene, author: Author, place: Place, snapshot: SnapshotAssertion
) -> None:
    author.delay = tempo = Tempo(STOPS.get(scene.__name__, 100_000))
    async with FaultServer(author) as server:
        place.serve(server, price_input=0.5, price_output=1.5)
        async with pictures(scene, place, snapshot):
            pass
        tempo.go()
