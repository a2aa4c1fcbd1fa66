"""The app: which screen is shown, which document is open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import App

from lwtui.app.agents import Agents
from lwtui.app.commands import Actions
from lwtui.app.keymap import EVERYWHERE, bindings
from lwtui.app.screens.base import Base
from lwtui.app.screens.library import LibraryScreen
from lwtui.config import ModelSettings, Settings, load_settings, set_value
from lwtui.documents.library import new_path
from lwtui.documents.model import Brief, Mode
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, LwtuiError

if TYPE_CHECKING:
    from lwtui.app.session import Session


class LwtuiApp(App[int]):
    """One document at a time, over the library."""

    TITLE = "lwtui"
    CSS_PATH = "styles/app.tcss"
    BINDINGS = bindings(EVERYWHERE)
    COMMANDS = App.COMMANDS | {Actions}

    def __init__(self, settings: Settings, path: Path | None = None, model: ModelSettings | None = None) -> None:
        """``path`` is opened at once; ``model`` (from the command line) writes new documents."""
        super().__init__()
        self.settings = settings
        self.agents = Agents(settings, {model.name: model} if model else None)
        self.session: Session | None = None
        self._path = path
        self._given_model = model.name if model else ""

    def on_mount(self) -> None:
        if self.settings.theme in self.available_themes:
            self.theme = self.settings.theme
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        self.push_screen(LibraryScreen())
        if self._path is not None:
            self.open_file(self._path)

    async def on_unmount(self) -> None:
        await self._close_session()
        await self.agents.release()

    def complain(self, error: object) -> None:
        """What went wrong, for longer on the screen than other notices."""
        self.notify(str(error), severity="error", timeout=12, markup=False)

    # -- settings

    @property
    def folder(self) -> Path:
        """Where new documents go."""
        return self.settings.documents_folder

    @property
    def default_model(self) -> str:
        """The model that writes new documents."""
        return self._given_model or self.settings.model

    def reload_settings(self) -> None:
        """Take over what was written to settings.toml."""
        try:
            self.settings = load_settings()
        except LwtuiError as error:
            self.complain(error)
            return
        self.agents.settings = self.settings

    def _keep_theme(self, name: str) -> None:
        if name == self.settings.theme:
            return
        try:
            set_value("theme", name)
        except LwtuiError as error:
            self.complain(error)
            return
        self.reload_settings()

    # -- documents

    def create_document(self, brief: Brief, *, by_hand: bool) -> None:
        """Make a document for ``brief`` and go on with it: to its plan, or straight to its text."""
        from lwtui.agentwrite import direct_plan
        from lwtui.agentwrite.plan_format import title_from

        plan = direct_plan(brief) if brief.mode is Mode.DIRECT else None
        try:
            document = Document.create(self._new_path(title_from(brief.instruction)), brief, plan)
        except LwtuiError as error:
            self.complain(error)
            return
        self.pop_screen()
        self._work_on(document, begin=not by_hand)

    def open_file(self, path: Path) -> None:
        """Open a document, or import a Markdown or text file as a new one."""
        if path.suffix.lower() == ".lw":
            self.open_document(path)
            return
        from lwtui.documents.markdown import import_text

        path = path.expanduser()
        try:
            document = import_text(path, self._new_path(path.stem))
        except LwtuiError as error:
            self.complain(error)
            return
        self._work_on(document)

    def _new_path(self, title: str) -> Path:
        """Where a new document goes. Raises :class:`DocumentError` if its folder cannot be made."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DocumentError(
                f"Cannot make the folder {self.folder}: {error.strerror}. Choose another in Settings (Ctrl+O)."
            ) from None
        return new_path(self.folder, title)

    def open_document(self, path: Path) -> None:
        """Open a document where its writer left it: at the plan while there is no text, else at the text."""
        try:
            document = Document.open(path)
        except LwtuiError as error:
            self.complain(error)
            return
        if document.read_only:
            self.complain(f"Opened to read only: {document.read_only_reason}")
        self._work_on(document)

    @work
    async def _work_on(self, document: Document, *, begin: bool = False) -> None:
        from lwtui.app.session import Session

        await self._close_session()
        self.session = session = Session(document, self.agents)
        planless = not document.plan.sections
        if begin:
            session.start_plan() if planless else session.start_write()
        to_plan = planless or not (document.words or begin)
        await self.push_screen(self._plan_screen() if to_plan else self._text_screen())

    def show_plan(self) -> None:
        """From the text to the plan of the open document."""
        self.switch_screen(self._plan_screen())

    def show_text(self) -> None:
        """From the plan to the text of the open document."""
        self.switch_screen(self._text_screen())

    @work
    async def leave_document(self) -> None:
        """Back to the library; a run that is going on is stopped, after asking."""
        from lwtui.app.screens.dialogs import Confirm

        if self.session is not None and self.session.busy:
            question = "The model is at work. Stop it and close the document? All text is kept; F5 goes on later."
            if not await self.push_screen_wait(Confirm(question, "Stop and close")):
                return
        await self._close_session()
        self.pop_screen()

    def _plan_screen(self) -> Base:
        from lwtui.app.screens.plan import PlanScreen

        assert self.session is not None
        return PlanScreen(self.session)

    def _text_screen(self) -> Base:
        from lwtui.app.screens.writing import WritingScreen

        assert self.session is not None
        return WritingScreen(self.session)

    async def _close_session(self) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        try:
            await session.close()
        except LwtuiError as error:
            self.complain(error)

    # -- everywhere

    def action_help(self) -> None:
        from lwtui.app.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            return
        group = self.screen.GROUP if isinstance(self.screen, Base) else EVERYWHERE
        self.push_screen(HelpScreen(group))

    def action_settings(self) -> None:
        from lwtui.app.screens.settings import SettingsScreen

        if isinstance(self.screen, Base) and not isinstance(self.screen, SettingsScreen):
            self.push_screen(SettingsScreen())


def run_app(path: Path | None, settings: Settings, model: ModelSettings | None) -> int:
    """Open the app; the exit code of the command."""
    return LwtuiApp(settings, path, model).run() or 0
