"""Take the pictures of the app in the documentation, with a real model.

    .venv/bin/python docs/screenshots.py [--model starter]
    LWTUI_LANGUAGE=zh .venv/bin/python docs/screenshots.py

Writes ``docs/*.svg``, or ``docs/zh/*.svg`` for the language ``zh``. The model, one of the settings or the path of a
GGUF, really plans and writes, which takes some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
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
from lwtui.config import ModelSettings, Settings, cache_folder, load_settings
from lwtui.models.catalog import resolve
from lwtui.translation import ENGLISH, language

HERE = Path(__file__).parent
SIZE = (120, 32)
Shoot = Callable[[str], None]
INSTRUCTIONS = {
    "en": "Write a guide of 600 words to growing tomatoes on a balcony",
    "zh": "写一篇在阳台上种番茄的指南，900 字",
}
ENOUGH = 0.45  # of the length: then the picture of the text is taken while it is written


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


async def shoot_all(settings: Settings, instruction: str, target: Path) -> None:
    """Take all pictures of an app with these settings, into the folder ``target``."""
    app = LwtuiApp(settings)

    def shoot(name: str) -> None:
        app.save_screenshot(f"{name}.svg", path=str(target))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("n")
        await pilot.pause()
        app.screen.query_one("#instruction", TextArea).load_text(instruction)
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
        await until(pilot, lambda: session.document.words > ENOUGH * session.document.brief.words)
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


def model_settings(name: str) -> ModelSettings:
    """Return the settings of a model by its name, or of a GGUF by its path."""
    path = Path(name)
    if path.suffix == ".gguf":
        return ModelSettings(path.stem, provider="llama_cpp", path=str(path.absolute()))
    return resolve(name, load_settings())


def shown_in(model: ModelSettings, home: Path) -> ModelSettings:
    """Return a model's settings with a path in ``home``, since the pictures show it."""
    if not model.path:
        return model
    file = Path(model.path).expanduser()
    models = home / "models"
    models.mkdir()
    (models / file.name).symlink_to(file)
    return replace(model, path=f"~/models/{file.name}")


def main() -> None:
    """Read the command line, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter", help="what plans and writes (default: starter)")
    options = parser.parse_args()
    target = HERE if language() == ENGLISH else HERE / language()
    target.mkdir(exist_ok=True)
    model = model_settings(options.model)
    os.environ["LWTUI_CACHE_DIR"] = str(cache_folder())  # the models are not downloaded again
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"HOME": home, "LWTUI_CONFIG_DIR": f"{home}/config", "LWTUI_STATE_DIR": f"{home}/state"}
        folder = Path(home) / "Documents" / "lwtui"
        folder.mkdir(parents=True)
        model = shown_in(model, Path(home))
        settings = Settings(
            model=model.name, documents=str(folder), restore=False, welcome=False, models={model.name: model}
        )
        asyncio.run(shoot_all(settings, INSTRUCTIONS[language()], target))


if __name__ == "__main__":
    main()
