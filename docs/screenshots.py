"""Take the README's pictures from the running app, on the demo model.

    .venv/bin/python docs/screenshots.py

Writes docs/*.svg. Takes about four minutes: the model really plans and writes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from lwtui.app.app import LwtuiApp
from lwtui.app.session import Activity
from lwtui.config import Settings, cache_folder

HERE = Path(__file__).parent
SIZE = (120, 32)
INSTRUCTION = "Write a guide to growing tomatoes on a balcony"


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = 180) -> None:
    """Wait for ``condition``; raises ``TimeoutError``."""
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause(0.1)


async def take_tools(pilot: Pilot[int], shoot: Callable[[str], None]) -> None:
    """What can be done to a text that is written."""

    def sees(text: str) -> bool:
        strips = pilot.app.screen._compositor.render_strips()
        return any(text in strip.text for strip in strips)

    await pilot.press("home", "v")
    await until(pilot, lambda: sees("How many"))
    await pilot.press("enter")
    await until(pilot, lambda: sees("Enter picks a take"))
    shoot("takes")
    await pilot.press("enter")
    await until(pilot, lambda: sees("Outline"))
    await pilot.press("enter")
    await pilot.pause(0.3)
    await pilot.press("ctrl+l")
    await until(pilot, lambda: sees("What is the model to do?"))
    await pilot.press("enter")
    await until(pilot, lambda: sees("Change 1 of"))
    await pilot.pause(1.0)
    shoot("diff")
    await pilot.press("y", "enter")
    await until(pilot, lambda: sees("Outline"))
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


async def take(folder: Path) -> None:
    app = LwtuiApp(Settings(documents=str(folder), restore=False))

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
        await take_tools(pilot, shoot)
        await pilot.press("f1")
        await pilot.pause(0.3)
        shoot("help")
        await pilot.press("escape", "escape")
        await pilot.pause(0.5)
        shoot("library")


def main() -> None:
    os.environ["LWTUI_CACHE_DIR"] = str(cache_folder())  # the model's file need not be put together again
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        os.environ["LWTUI_CONFIG_DIR"] = f"{home}/config"
        folder = Path(home) / "Documents" / "lwtui"
        folder.mkdir(parents=True)
        asyncio.run(take(folder))


if __name__ == "__main__":
    main()
