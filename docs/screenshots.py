"""Take the README's pictures of the app, with the demo model.

    .venv/bin/python docs/screenshots.py

Writes ``docs/*.svg``. Takes about four minutes, because the model really plans and writes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, TextArea

from lwtui.agentwrite.candidates import CandidateState
from lwtui.app.app import LwtuiApp
from lwtui.app.screens.candidates import CandidateColumn, CandidatesScreen
from lwtui.app.screens.dialogs import Ask, Choose
from lwtui.app.screens.diff import DiffScreen
from lwtui.app.screens.writing import WritingScreen
from lwtui.app.session import Activity
from lwtui.config import Settings, cache_folder

HERE = Path(__file__).parent
SIZE = (120, 32)
Shoot = Callable[[str], None]
INSTRUCTION = "Write a guide to growing tomatoes on a balcony"


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = 600) -> None:
    """Wait for ``condition``.

    Raises:
        TimeoutError: It is still false after ``seconds``.
    """
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause(0.1)


async def until_at(pilot: Pilot[int], screen: type[Screen[Any]]) -> None:
    """Wait until the app shows a screen of that class."""
    await until(pilot, lambda: isinstance(pilot.app.screen, screen) and pilot.app.screen.is_current)


async def shoot_tools(app: LwtuiApp, pilot: Pilot[int], shoot: Shoot) -> None:
    """Take the pictures of what can be done with a finished text."""
    await pilot.press("home", "v")
    await until_at(pilot, Ask)
    await pilot.press("enter")
    await until_at(pilot, CandidatesScreen)
    columns = app.screen.query(CandidateColumn)
    await until(pilot, lambda: all(column.candidate.state is CandidateState.DONE for column in columns))
    await pilot.pause(0.5)
    shoot("candidates")
    await pilot.press("enter")
    await until_at(pilot, WritingScreen)
    await pilot.press("enter")
    await pilot.pause(0.3)
    await pilot.press("ctrl+l")
    await until_at(pilot, Choose)
    await pilot.press("enter")
    await until_at(pilot, DiffScreen)
    screen = app.screen
    assert isinstance(screen, DiffScreen)
    await until(pilot, lambda: screen.answered)
    await pilot.pause(1.0)
    shoot("diff")
    await pilot.press("y", "enter")
    await until_at(pilot, WritingScreen)
    await pilot.press("escape", "a")
    await pilot.pause(1.0)
    shoot("review")
    await pilot.press("escape", "down", "down", "i")
    await pilot.pause(1.0)
    await pilot.press("down")
    await pilot.pause(1.0)
    shoot("inspector")
    await pilot.press("escape", "ctrl+o")
    await pilot.pause(2.0)
    shoot("settings")
    await pilot.press("escape")
    await pilot.pause(0.3)


async def shoot_all(folder: Path) -> None:
    """Take all pictures, with an app whose documents are in ``folder``."""
    app = LwtuiApp(Settings(documents=str(folder), restore=False, welcome=False))

    def shoot(name: str) -> None:
        app.save_screenshot(f"{name}.svg", path=str(HERE))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("n")
        await pilot.pause()
        app.screen.query_one("#instruction", TextArea).load_text(INSTRUCTION)
        app.screen.query_one("#seed", Input).value = "4"
        await pilot.pause()
        shoot("new-document")
        await pilot.press("f5")
        await until(pilot, lambda: app.session is not None and bool(app.session.document.plan.sections))
        session = app.session
        assert session is not None
        await until(pilot, lambda: not session.busy)
        await pilot.press("down")
        await pilot.pause(0.3)
        shoot("plan")
        await pilot.press("f5")
        await until(pilot, lambda: session.document.words > 700)
        await pilot.pause(0.3)
        shoot("writing")
        await until(pilot, lambda: session.activity is Activity.IDLE)
        await pilot.pause(0.3)
        await shoot_tools(app, pilot, shoot)
        await pilot.press("f1")
        await pilot.pause(0.3)
        shoot("help")
        await pilot.press("escape", "escape")
        await pilot.pause(0.5)
        shoot("library")


def main() -> None:
    os.environ["LWTUI_CACHE_DIR"] = str(cache_folder())  # reuses the model's file, which takes a while to put together
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        os.environ["LWTUI_CONFIG_DIR"] = f"{home}/config"
        folder = Path(home) / "Documents" / "lwtui"
        folder.mkdir(parents=True)
        asyncio.run(shoot_all(folder))


if __name__ == "__main__":
    main()
