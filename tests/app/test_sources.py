"""The screen of sources, the passage behind a citation, and claims without support among the findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Select

from lwtui.app.screens.dialogs import Ask, Confirm
from lwtui.app.screens.export import ExportScreen
from lwtui.app.screens.findings import FindingsScreen
from lwtui.app.screens.passages import PassagesDialog
from lwtui.app.screens.research import QueriesDialog, ResultsDialog
from lwtui.app.screens.sources import SourcesScreen
from lwtui.app.screens.text_tools import nearest_citation
from lwtui.app.screens.writing import WritingScreen
from lwtui.config import set_value
from lwtui.sources.citations import find_citations
from lwtui.sources.model import ReadSource, Stretch
from tests.app.person import Person, someone
from tests.app.place import Place
from tests.sources.support import Reply, article, page
from tests.support.fault_server import Answer, FaultServer
from tests.support.searxng import SearxngServer, row

HARBOR = "The harbor was dug in 1841 by Thomas Wickham, who spent 86,000 pounds on it."
TEXT = (
    "Nothing is cited here.\n\nWickham dug the harbor in 1841 [@harbor]. It cost 68,000 pounds [@harbor, p. 1]. "
    "Bees live there [@nobody]."
)


def add_source(person: Person) -> None:
    csl = {"title": "The harbor", "author": [{"family": "Lind", "given": "A."}]}
    stretches = tuple(Stretch(text, page) for page, text in enumerate((HARBOR, "Trade [b]grew[/b] in the town."), 1))
    person.document.source_store.add(
        ReadSource("pdf", "The harbor", "harbor.pdf", "2026-11-30", stretches, csl, "harbor")
    )


async def test_sources_are_added_searched_pinned_and_removed(place: Place) -> None:
    (place.documents / "bees.txt").parent.mkdir(parents=True, exist_ok=True)
    (place.documents / "bees.txt").write_text("Bees of the high meadows\n\n" + "Bees fly over the meadows. " * 40)
    async with someone(place.make(20, 20, texts={1: TEXT}), size=(110, 32)) as person:
        await person.at(WritingScreen)
        await person.press("home", "S")
        await person.at(SourcesScreen)
        await person.sees("No sources yet")
        await person.press("a")
        await person.at(Ask)
        await person.fill("Input", str(place.documents / "missing.txt"))
        await person.press("enter")
        await person.at(Ask)  # and what was typed can be corrected
        await person.sees("There is no file or folder")
        await person.fill("Input", str(place.documents / "bees.txt"))
        await person.press("enter")
        await person.sees("1 source added.", "bees", "Bees fly over")
        add_source(person)
        await person.press("slash")
        await person.at(Ask)
        await person.fill("Input", "Wickham")
        await person.press("enter")
        await person.at(PassagesDialog)
        await person.sees("Passages with Wickham", "86,000 pounds", "page 1")
        await person.press("escape")
        await person.at(SourcesScreen)
        await person.press("p")
        await person.sees("▲", "Its passages come first in")
        store = person.document.source_store
        assert next(source.pinned for source in store.list()) == ("s1",)
        await person.press("d")
        await person.at(Confirm)
        await person.press("y")
        await person.at(SourcesScreen)
        await person.until(lambda: [source.key for source in store.list()] == ["harbor"])
        await person.press("enter")
        await person.at(PassagesDialog)
        await person.press("down")
        await person.sees("Trade [b]grew[/b] in the town.", "page 2")
        await person.press("escape", "escape")
        await person.at(WritingScreen)


async def test_a_file_that_came_with_its_record_is_not_read_again(place: Place) -> None:
    folder = place.documents / "papers"
    folder.mkdir(parents=True)
    (folder / "bees.txt").write_text("Own heading\n\n" + "Bees fly over the meadows. " * 40)
    record = "@article{gray2020, title={The right title}, author={Gray, A.}, year={2020}, file={bees.txt}}"
    (folder / "a.bib").write_text(record)
    async with someone(place.make(20, 20, texts={1: "Bees fly. @gray2020 says so."}), size=(110, 32)) as person:
        await person.at(WritingScreen)
        await person.press("home", "S")
        await person.at(SourcesScreen)
        await person.press("a")
        await person.at(Ask)
        await person.fill("Input", str(folder))
        await person.press("enter")
        await person.sees("1 source added.", "The right title")
        (source,) = person.document.source_store.list()
        assert (source.title, source.csl["author"]) == ("The right title", [{"family": "Gray", "given": "A."}])
        await person.press("d")
        await person.at(Confirm)
        await person.sees("The text cites it 1")


async def test_the_passage_behind_a_citation_is_shown_and_unsupported_claims_are_findings(place: Place) -> None:
    async with someone(place.make(20, 20, texts={1: TEXT}), size=(110, 32)) as person:
        await person.at(WritingScreen)
        add_source(person)
        await person.press("home", "enter", "ctrl+right_square_bracket")
        await person.gets_notice("no-citation")
        for word, told in (("1841", "The names and figures"), ("68,000", "Not found in The harbor, p. 1: 68,000")):
            person.editor.go_to(TEXT.index(word))
            await person.press("ctrl+right_square_bracket")
            await person.at(PassagesDialog)
            await person.sees("Cited: The harbor", "Thomas Wickham", told)
            await person.press("escape")
            await person.at(WritingScreen)
        person.editor.go_to(TEXT.index("@nobody") + 3)
        await person.press("ctrl+right_square_bracket")
        await person.gets_notice("unknown-source")
        await person.press("escape", "a")
        await person.at(FindingsScreen)
        await person.sees("unsupported-claim", "68,000", "unknown-source", "nobody")


@pytest.mark.parametrize(
    ("place", "key"),
    [("Nothing", None), ("dug", "harbor"), ("[@harbor, p", "harbor"), ("nobody", "nobody"), ("there", "nobody")],
)
def test_the_nearest_citation_is_the_one_at_the_cursor_or_next_in_its_paragraph(place: str, key: str | None) -> None:
    citation = nearest_citation(find_citations(TEXT), TEXT, TEXT.index(place))
    assert (citation and citation.key) == key


async def test_an_export_takes_the_citation_style_that_was_chosen(place: Place) -> None:
    async with someone(place.make(20, 20, texts={1: TEXT}), size=(80, 24)) as person:
        await person.at(WritingScreen)
        add_source(person)
        await person.press("f9")
        await person.at(ExportScreen)
        person.widget(Select, "#csl").value = "numeric"
        path = person.document.path.with_suffix(".txt")
        await person.fill("#path", str(path))
        await person.press("f9")
        await person.until(lambda: path.is_file())
        assert "[1, p. 1]" in path.read_text()


def served(place: Place, server: FaultServer) -> Path:
    """Return a new document that the server's model writes."""
    place.serve(server)
    return place.make(20, 20)


async def test_research_shows_queries_and_results_before_it_adds_any(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        row("The [b]harbor[/b]\x1b[31m", "http://harbor.example/history", "It was dug in 1841."),
        row("Router", "http://10.0.0.1/"),
        row("Ships", "http://harbor.example/ships"),
    ]
    web = {"http://harbor.example/history": Reply(page(article("The harbor was dug in 1841."), title="History"))}
    queries = '{"queries": ["harbor history", "harbor"]}'
    with SearxngServer({"harbor": rows, "harbor works": rows[:1]}, web) as server:
        async with FaultServer(lambda _: Answer([queries])) as model, someone(served(place, model)) as person:
            await person.press("S")
            await person.at(SourcesScreen)
            await person.press("r")
            await person.gets_error("no-search-tool")
            set_value("research.searxng", server.address)
            monkeypatch.setenv("http_proxy", server.address)
            monkeypatch.setenv("no_proxy", "")
            await person.press("r")
            await person.at(QueriesDialog)
            await person.sees("harbor history", "SearXNG at 127.0.0.1")
            await person.fill("TextArea", "harbor\n  harbor works ")
            await person.press("f5")
            await person.at(ResultsDialog)
            await person.sees("2 pages found", "The [b]harbor[/b]", "It was dug in 1841.", "Space chooses")
            assert [asked["q"] for asked in server.asked] == ["harbor", "harbor works"] and server.fetched == []
            await person.press("enter")  # nothing is chosen
            await person.at(ResultsDialog)
            await person.press("space")
            await person.sees("1 page will become a source.")
            await person.press("enter")
            await person.at(SourcesScreen)
            await person.sees("1 source added.", "History")
            assert [source.location for source in person.document.sources] == ["http://harbor.example/history"]
            await person.press("r")
            await person.at(QueriesDialog)
            await person.press("escape")
            await person.at(SourcesScreen)
