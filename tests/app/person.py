"""A user of the app: presses keys, reads the screen, and waits for conditions, never for a fixed time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from textual import events
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Select, TextArea

import lwtui.app
from lwtui.app.app import LwtuiApp
from lwtui.app.session import Session
from lwtui.app.widgets.row_list import RowList
from lwtui.app.widgets.section_editor import SectionEditor
from lwtui.config import ModelSettings, load_settings
from lwtui.documents.model import Section
from lwtui.documents.store import Document
from lwtui.errors import LwtuiError

PATIENCE = 60.0  # seconds
_KEYS = {" ": "space", ":": "colon", ".": "full_stop", "!": "exclamation_mark", "?": "question_mark"}
_W = TypeVar("_W", bound=Widget)


class RecordedApp(LwtuiApp):
    """The app, with the codes of all errors that it has shown, and the notices that the test has not asked for yet."""

    CSS_PATH = Path(lwtui.app.__file__).parent / "styles" / "app.tcss"  # relative paths start from this file

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.error_codes: list[str] = []
        self.noticed: list[tuple[str, str]] = []  # codes and texts

    def show_notice(self, text: str, *, code: str = "") -> None:
        self.noticed.append((code, text))
        super().show_notice(text, code=code)

    def show_error(self, error: object, *, code: str = "") -> None:
        self.error_codes.append(error.code if isinstance(error, LwtuiError) else code)
        super().show_error(error, code=code)


@dataclass
class Person:
    """The user. ``app`` runs without a terminal; everything else is real."""

    app: RecordedApp
    pilot: Pilot[int]

    # -- input

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type ``text`` as fast as a keyboard sends it."""
        assert self.app._driver is not None
        for letter in text:
            key = events.Key(_KEYS.get(letter, letter), letter)
            key.set_sender(self.app)
            self.app._driver.send_message(key)
        await self.pilot.pause()

    async def fill(self, selector: str, text: str) -> None:
        """Replace the value of a field."""
        field = self.app.screen.query_one(selector)
        field.focus()
        if isinstance(field, TextArea):
            field.load_text(text)
        elif isinstance(field, Select):
            field.value = text
        else:
            assert isinstance(field, Input)
            field.value = text
        await self.pilot.pause()

    async def click(self, selector: str | type[Widget], **options: Any) -> None:
        await self.pilot.click(selector, **options)

    # -- output

    @property
    def screen_text(self) -> str:
        """The text on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def notices(self) -> list[str]:
        """The current notices, the newest last."""
        return [notice.message for notice in self.app._notifications]

    async def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for ``condition``; on a timeout, fail with the text on the screen."""
        end = monotonic() + seconds
        while not condition():
            assert monotonic() < end, f"It did not happen. The screen:\n{self.screen_text}"
            await self.pilot.pause(0.02)
        await self.pilot.pause()

    async def sees(self, *texts: str) -> None:
        """Wait until the screen shows all of ``texts``."""
        await self.until(lambda: all(text in self.screen_text for text in texts))

    async def is_told(self, text: str) -> None:
        """Wait for a notice that contains ``text``."""
        await self.until(lambda: any(text in notice for notice in self.notices))

    async def gets_notice(self, code: str) -> str:
        """Wait for a notice with that code, and return its text. Each notice counts once."""
        await self.until(lambda: code in dict(self.app.noticed))
        codes = [seen for seen, _ in self.app.noticed]
        return self.app.noticed.pop(codes.index(code))[1]

    async def gets_error(self, code: str) -> None:
        """Wait until the app has shown an error with that code."""
        await self.until(lambda: code in self.app.error_codes)

    async def at(self, kind: type[Any]) -> None:
        """Wait for a screen of that class."""
        await self.until(lambda: isinstance(self.app.screen, kind) and self.app.screen.is_current)

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """The cells of each row of the list."""
        return [row.cells for row in self.rows._rows]

    def widget(self, kind: type[_W], selector: str = "") -> _W:
        return self.app.screen.query_one(selector or kind.__name__, kind)

    # -- the document

    @property
    def session(self) -> Session:
        assert self.app.session is not None
        return self.app.session

    @property
    def document(self) -> Document:
        return self.session.document

    @property
    def sections(self) -> list[Section]:
        return self.document.sections()

    @property
    def titles(self) -> list[str]:
        return [section.title for section in self.sections]

    @property
    def targets(self) -> list[int]:
        return [section.words for section in self.sections]

    @property
    def rows(self) -> RowList:
        return self.widget(RowList)

    @property
    def editor(self) -> SectionEditor:
        return self.widget(SectionEditor)

    @property
    def at_row(self) -> int:
        """The index of the row under the cursor."""
        return [section.id for section in self.sections].index(self.rows.key or "")

    async def idle(self) -> None:
        """Wait until no run is in progress."""
        await self.until(lambda: not self.session.busy)


@asynccontextmanager
async def someone(
    path: Path | None = None,
    *,
    model: ModelSettings | None = None,
    size: tuple[int, int] = (100, 30),
    library: bool = False,
    notices: bool = False,
) -> AsyncIterator[Person]:
    """Start the app with the settings of the test's folder; ``notices`` draws its notices."""
    app = RecordedApp(load_settings(), path, model, library=library)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=notices) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "list"])
        await pilot.pause()
        yield Person(app, pilot)
