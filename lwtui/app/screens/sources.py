"""Shows the sources of a document: adds, searches and removes them, shows their passages, pins them to a section."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from lwtui.app.format import why_read_only
from lwtui.app.keymap import SOURCES_SCREEN, bindings, key_of
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.passages import PassagesDialog
from lwtui.app.session import Session
from lwtui.app.widgets.key_bar import KeyBar
from lwtui.app.widgets.line import Line
from lwtui.app.widgets.pane import label
from lwtui.app.widgets.row_list import Column, Row, RowList
from lwtui.app.widgets.title_bar import TitleBar
from lwtui.app.widgets.toolbar import Toolbar
from lwtui.config import load_settings
from lwtui.errors import LwtuiError
from lwtui.sources.citations import find_citations
from lwtui.sources.model import FoundPassage, Source
from lwtui.translation import _, _n, _p, listed, sentences

if TYPE_CHECKING:
    from lwtui.sources.reading.adding import LocationReader
    from lwtui.sources.reading.job import ReadJob
    from lwtui.sources.research.session import SearchSession

_KINDS = {"text": _("text"), "web": _("web"), "record": _("record"), "other": _("other")}  # the others are formats
_FOUND = 50  # passages that a search lists


class SourcesScreen(BaseScreen):
    """The sources in a list, and what is known of the one under the cursor."""

    GROUP = SOURCES_SCREEN
    BINDINGS = bindings(SOURCES_SCREEN)
    CSS_PATH = "../styles/sources.tcss"
    AUTO_FOCUS = "RowList"

    def __init__(self, session: Session, changed: Callable[[], None], section_id: str | None = None) -> None:
        """Create the screen.

        Args:
            session: The session of the document.
            changed: Is called when the screen closes.
            section_id: The section to which a source is pinned.
        """
        super().__init__()
        self._session = session
        self._document = session.document
        self._store = session.document.source_store
        self._changed = changed
        self._section_id = section_id
        self._stop: Callable[[], None] | None = None  # ends the reading of sources
        self._title = TitleBar()
        self._list = RowList(
            Column("", 1, tint=True),
            Column(_p("citation", "Key"), 16),
            Column(_("Kind"), 8, needs=60),
            Column(_("Cited"), 5, right=True),
            Column(_("Passages"), 8, right=True, needs=70),
            Column(_("Title")),
            header=True,
            hint=_(
                "No sources yet. {key} adds a file, a folder or an address; the text then cites them.",
                key=key_of(SOURCES_SCREEN, "add"),
            ),
            id="sources",
        )
        self._about = Line(id="about")
        self._status = Line(id="status")

    def compose(self) -> ComposeResult:
        self._list.add_class("pane")
        yield self._title
        yield Toolbar(SOURCES_SCREEN)
        yield self._list
        with VerticalScroll(id="passage-pane", classes="pane", can_focus=False):
            yield self._about
        yield self._status
        yield KeyBar()

    def on_mount(self) -> None:
        self._title.set_text(self._document.title, self._session.model)
        self._draw()

    def on_unmount(self) -> None:
        if self._stop is not None:
            self._stop()

    # -- content

    def _draw(self, select: str | None = None, message: str = "") -> None:
        if not self.is_attached:
            return
        sources = self._store.list()
        cited = self._citations()
        rows = [
            Row(
                source.id,
                (
                    "▲" if self._section_id in source.pinned else "",
                    source.key,
                    _KINDS.get(source.kind, source.kind),
                    str(cited[source.key] or ""),
                    f"{source.passages:,}",
                    source.title,
                ),
                "done" if self._section_id in source.pinned else "",
            )
            for source in sources
        ]
        self._list.show(rows, select)
        label(self._list, _("Sources"), _n("{count:,} source", "{count:,} sources", len(sources)))
        self._show_about()
        self._tell(message or self._summary())

    def _tell(self, message: str) -> None:
        if self.is_attached:
            self._status.set_class(self._document.read_only, "error")
            self._status.set_text(why_read_only(self._document) or message)

    def _citations(self) -> Counter[str]:
        """Count how often the text cites each source, by its key."""
        keys = [source.key for source in self._store.list()]
        texts = (section.text for section in self._document.sections())
        return Counter(citation.key for text in texts for citation in find_citations(text, keys))

    def _summary(self) -> str:
        pin = _("{key} pins one to a section (▲).", key=key_of(SOURCES_SCREEN, "pin")) if self._store.list() else ""
        return sentences(_("Prompts show the passages that serve a section."), pin)

    def _title_of(self, section_id: str | None) -> str:
        return next((one.title for one in self._document.plan.sections if one.id == section_id), "")

    def on_row_list_moved(self) -> None:
        self._show_about()

    def _show_about(self) -> None:
        source = self._at_cursor
        if source is None:
            self._about.set_text("")
            return
        place = source.location
        if source.retrieved:
            place = _("{location}, read on {date}", location=place, date=source.retrieved)
        pinned = [title for section_id in source.pinned if (title := self._title_of(section_id))]
        lines: list[tuple[str, str] | str] = [(f"{source.title}\n", "bold"), f"{place}\n"]
        if pinned:
            lines.append(_("Pinned to {titles}", titles=listed(f"“{title}”" for title in pinned)) + "\n")
        lines += [first.text for first in self._store.passages(source.id, 1)]
        self._about.set_text(Content.assemble(*lines))

    @property
    def _at_cursor(self) -> Source | None:
        return self._store.get(self._list.key) if self._list.key is not None else None

    # -- passages

    def on_row_list_chosen(self) -> None:
        self.action_look()

    @work(exclusive=True, group="sources")
    async def action_look(self) -> None:
        """Show the passages of the source."""
        if (source := self._at_cursor) is not None:
            found = [FoundPassage(passage, source) for passage in self._store.passages(source.id)]
            await self.app.push_screen_wait(PassagesDialog(source.title, found))

    @work(exclusive=True, group="sources")
    async def action_search(self) -> None:
        """Search the passages of all sources."""
        from lwtui.app.screens.dialogs import Ask

        words = await self.app.push_screen_wait(Ask(_("Search the sources for which words?")))
        if words is None:
            return
        if self._store.embedder is not None:  # a model on this machine may have to be loaded first
            self._tell(_("Searching…"))
        found = self._store.search(words, _FOUND, await self._store.near(words))
        self._tell(self._summary())
        if found:
            await self.app.push_screen_wait(PassagesDialog(_("Passages with {words}", words=words), found))
        else:
            self._draw(self._list.key, _("No passage has these words: {words}", words=words))

    # -- changes

    @work(exclusive=True, group="sources")
    async def action_add(self) -> None:
        """Add a file, a folder, an address or a bibliography."""
        from lwtui.app.screens.dialogs import Ask

        def problem(given: str) -> str:
            from lwtui.sources.reading.adding import check_location  # takes a while to import

            try:
                check_location(given)
            except LwtuiError as error:
                return str(error)
            return ""

        if why := why_read_only(self._document):
            self.show_error(why, code="read-only")
            return
        hint = _("A file, a folder, an address (https://…) or a bibliography (.bib).")
        given = await self.app.push_screen_wait(Ask(_("Add which source?"), "", hint, problem=problem))
        if given is None:
            return
        try:
            await self._add(given)
        except LwtuiError as error:
            self._draw(self._list.key)
            self.show_error(error)

    @work(exclusive=True, group="sources")
    async def action_research(self) -> None:
        """Search the web for sources with the tool of the settings: queries, then results, then what was chosen."""
        if why := why_read_only(self._document):
            self.show_error(why, code="read-only")
            return
        try:
            await self._research()
        except LwtuiError as error:
            self._draw(self._list.key)
            self.show_error(error)

    async def _research(self) -> None:
        # These take a while to import.
        from lwtui.agentwrite.research_queries import queries_of
        from lwtui.app.screens.research import QueriesDialog
        from lwtui.sources.research.session import SearchSession, check_search_tool, search_tool_name

        settings = load_settings().research
        check_search_tool(settings)
        self._tell(_("The model makes queries of the plan…"))
        try:
            made = await self._session.assistant.make_queries(settings.queries or 1)
        except LwtuiError as error:
            self.show_error(error)  # the headings do, too
            made = queries_of(self._document.brief, self._document.plan, settings.queries or 1)
        self._tell(self._summary())
        queries = await self.app.push_screen_wait(QueriesDialog(made, search_tool_name(settings)))
        if queries is None:
            return
        async with SearchSession(settings) as session:
            await self._search(session, queries)

    async def _search(self, session: SearchSession, queries: Sequence[str]) -> None:
        """Ask the search tool, and read the pages that the user chooses."""
        # These take a while to import.
        from lwtui.app.screens.research import ResultsDialog
        from lwtui.sources.reading.job import ReadJob, ReadStopped
        from lwtui.sources.research.searching import ResearchReader, find_results, known_addresses

        job = ReadJob()
        self._stop = job.stop
        stop = key_of(SOURCES_SCREEN, "stop")

        def on_query(query: str) -> None:
            self.app.call_from_thread(self._tell, _("Searching: {query} {key} stops.", query=query, key=stop))

        known = known_addresses(self._store.list())
        try:
            found = await asyncio.to_thread(find_results, session, queries, job, known=known, on_query=on_query)
        except ReadStopped:
            self._tell(_("The search was stopped."))
            return
        finally:
            self._stop = None
        if not found.results:
            self._tell(sentences(*found.problems, _("The search has found nothing new.")))
            return
        self._tell(self._summary())
        chosen = await self.app.push_screen_wait(ResultsDialog(found.results, found.problems))
        if chosen is not None:
            job = ReadJob()
            await self._read([result.address for result in chosen], job, ResearchReader(session, chosen, job))

    async def _add(self, given: str) -> None:
        """Read the sources at a place, and store them."""
        # These take a while to import.
        from lwtui.sources.reading.adding import locations
        from lwtui.sources.reading.job import ReadJob

        await self._read(await asyncio.to_thread(locations, [given]), ReadJob())

    async def _read(self, names: Sequence[str], job: ReadJob, reader: LocationReader | None = None) -> None:
        """Read sources in a thread, and store them one by one. What was added stays if that is stopped."""
        from lwtui.sources.reading.adding import UnreadSource, read_sources
        from lwtui.sources.reading.job import ReadStopped

        self._stop = job.stop
        added: list[Source] = []
        problems: list[str] = []
        stop, reading = key_of(SOURCES_SCREEN, "stop"), ""

        def on_start(name: str) -> None:
            nonlocal reading
            reading = _(
                "Reading {number} of {count}: {name}… {stop} stops.",
                number=numbers[name],
                count=len(names),
                name=name,
                stop=stop,
            )
            self.app.call_from_thread(self._tell, reading)

        try:
            numbers = {name: number for number, name in enumerate(names, 1)}
            results = read_sources(names, job, on_start, reader)
            while (result := await asyncio.to_thread(next, results, None)) is not None:
                if isinstance(result, UnreadSource):
                    problems.append(result.problem)
                else:
                    added.append(self._store.add(result.source))
                    problems += result.notes
                    self._draw(None, reading)
        except ReadStopped:
            problems.insert(0, _("Stopped."))
        finally:
            self._stop = None
        told = _n("{count:,} source added.", "{count:,} sources added.", len(added)) if added or not problems else ""
        problem = problems[0] if problems else ""
        if len(problems) > 1:
            problem = _("{problem} ({count} more)", problem=problem, count=len(problems) - 1)
        self._draw(added[0].id if added else None, sentences(told, problem))

    def action_stop(self) -> None:
        """Stop reading; what was added stays."""
        if self._stop is not None:
            self._stop()

    def action_pin(self) -> None:
        """Pin the source to the section in view, or no longer."""
        source, section_id = self._at_cursor, self._section_id
        if source is None:
            return
        if section_id is None:
            self._draw(source.id, _("There is no section to pin it to."))
            return
        pinned = section_id not in source.pinned
        title = self._title_of(section_id)
        message = (
            _("Its passages come first in “{title}”.", title=title)
            if pinned
            else _("No longer pinned to “{title}”.", title=title)
        )
        self._change(lambda: self._store.pin(source.id, section_id, pinned=pinned), source.id, message)

    @work(exclusive=True, group="sources")
    async def action_remove(self) -> None:
        """Remove the source, after a question."""
        from lwtui.app.screens.dialogs import Confirm

        source = self._at_cursor
        if source is None or why_read_only(self._document):
            return
        cited = self._citations()[source.key]
        question = _("Remove “{title}” from the document?", title=source.title)
        lost = _n(
            "The text cites it {count:,} time; these citations will stand for nothing.",
            "The text cites it {count:,} times; these citations will stand for nothing.",
            cited,
        )
        if await self.app.push_screen_wait(Confirm(sentences(question, lost if cited else ""), _("Remove"))):
            self._change(lambda: self._store.remove(source.id), None, _("Removed. Add it again to have it back."))

    def _change(self, change: Callable[[], object], select: str | None, message: str) -> None:
        if why := why_read_only(self._document):
            self.show_error(why, code="read-only")
            return
        try:
            change()
        except LwtuiError as error:
            self.show_error(error)
            return
        self._draw(select, message)

    def action_back(self) -> None:
        """Close the screen."""
        self.dismiss()
        self._changed()
