"""The app: which screen is shown, which document is open."""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, work
from textual.app import App, RenderableType
from textual.binding import Binding

from lwtui.app.commands import Actions, Exports
from lwtui.app.format import why_read_only
from lwtui.app.key_queue import KeyQueue
from lwtui.app.keymap import EVERYWHERE, WRITING, bindings, key_label, key_of, rebind, use
from lwtui.app.model_pool import ModelPool
from lwtui.app.own_keys import own_keys
from lwtui.app.places import Place, Places
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.themes import THEMES, theme_choices, theme_problem
from lwtui.app.widgets.edit_history import UndoHistories
from lwtui.config import ModelSettings, Settings, load_settings, set_value
from lwtui.documents.library import new_path
from lwtui.documents.model import Brief, Mode, title_from
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, LwtuiError
from lwtui.log import log_file
from lwtui.stop_signals import on_stop_signal
from lwtui.text import clean

if TYPE_CHECKING:
    from lwtui.app.session import Heard, Session

_WARM_UP_SECONDS = 0.3  # after the first frame
_PLACE_SECONDS = 5.0  # the place where a killed app begins again is at most this old


_LOGGER = logging.getLogger(__name__)


class LwtuiApp(App[int]):
    """One document at a time, over the library."""

    TITLE = "lwtui"
    CSS_PATH = "styles/app.tcss"
    BINDINGS = bindings(EVERYWHERE)
    COMMANDS = {Actions, Exports}

    def __init__(
        self,
        settings: Settings,
        path: Path | None = None,
        model: ModelSettings | None = None,
        *,
        library: bool = False,
    ) -> None:
        """``path`` is opened at once, else what was open last, unless the ``library`` is asked for; ``model`` (from
        the command line) writes new documents.

        Raises :class:`lwtui.errors.ConfigError` if the settings have keys that cannot be used.
        """
        use(own_keys(settings.keys))
        super().__init__()
        rebind(self, EVERYWHERE)
        for theme in THEMES:
            self.register_theme(theme)
        self.settings = settings
        self.models = ModelPool(settings, {model.name: model} if model else None)
        self.session: Session | None = None
        self._path = path
        self._mirror_problem = ""  # what was told last
        self._histories = UndoHistories()  # of the open document
        self._typed = KeyQueue(self)
        self._places = Places()
        self._restores = settings.restore and not library and path is None

    def on_mount(self) -> None:
        self._leave_on_signals()
        if problem := theme_problem(self.settings.theme):
            self.call_after_refresh(self.complain, problem)
        else:
            self.theme = self.settings.theme
        self._mark_theme(self.theme)
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        self.push_screen(LibraryScreen())
        self.set_timer(_WARM_UP_SECONDS, self._warm_up)
        self.set_interval(_PLACE_SECONDS, self._keep_place)
        if self._path is not None:
            self.open_file(self._path)
        elif self._restores and (last := self._places.last) is not None:
            self._reopen(last)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._typed.take(event, super().on_event)
        else:
            await super().on_event(event)

    @work(thread=True, group="warm-up")
    def _warm_up(self) -> None:
        """What a document needs is imported while its writer still looks at the library."""
        for name in ("session", "screens.plan", "screens.writing"):
            import_module(f"lwtui.app.{name}")

    async def on_unmount(self) -> None:
        await self._close_session()
        await self.models.release()

    def _fatal_error(self) -> None:
        """Leave after an internal error, with one line in place of Textual's traceback, which shows what the screen's
        variables hold: texts, and keys."""
        error = self._exception
        _LOGGER.error("an internal error ended the app", exc_info=error)
        self.panic(
            f"lwtui: an internal error ended the app ({type(error).__name__}). Your text is stored. The log has the "
            f"details: {log_file()}. Please report it."
        )

    def _leave_on_signals(self) -> None:
        """A closed terminal or a shutdown ends the app as Ctrl+Q does, with everything stored."""
        if self.is_headless:
            return
        on_stop_signal(lambda _: self.exit())

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Leave, after storing what was typed a moment ago."""
        self._store()
        super().exit(result, return_code, message)

    async def action_quit(self) -> None:
        self.leave()

    @work(exclusive=True, group="leave")
    async def leave(self) -> None:
        """Leave; if something could not be stored, only after asking."""
        if not self._store():
            from lwtui.app.screens.dialogs import Confirm

            question = "Not everything could be saved. Leave all the same, and lose what is not?"
            if not await self.push_screen_wait(Confirm(question, "Leave")):
                return
        self.exit()

    def _keep_place(self) -> None:
        """Remember where in the document its writer is."""
        for screen in reversed(self.screen_stack):
            if self.session is not None and isinstance(screen, BaseScreen) and (place := screen.place) is not None:
                self._places.keep(self.session.document.path, place)
                return

    def _store(self) -> bool:
        """Put everything into the file; whether that worked. If not, the person is told."""
        self._keep_place()
        stored = [screen.store() for screen in self.screen_stack if isinstance(screen, BaseScreen)]
        try:
            if self.session is not None:
                self.session.document.flush()
        except LwtuiError as error:
            self.complain(error)
            return False
        return all(stored)

    def complain(self, error: object) -> None:
        """What went wrong, for longer on the screen than other notices. It may hold a model's words."""
        self.notify(clean(str(error)), severity="error", timeout=12, markup=False)

    # -- settings

    @property
    def folder(self) -> Path:
        """Where new documents go."""
        return self.settings.documents_folder

    @property
    def default_model(self) -> str:
        """The model that writes new documents."""
        return self.models.default

    def choose_default(self, name: str) -> None:
        """From now on new documents are written by the model called ``name``."""
        if name in self.models.given:
            self.models.preferred = name  # it is not in the settings
            return
        self.models.preferred = ""
        self._set("model", name)

    def reload_settings(self) -> None:
        """Take over what was written to settings.toml."""
        try:
            self.settings = load_settings()
        except LwtuiError as error:
            self.complain(error)
            return
        self.models.settings = self.settings

    def _mark_theme(self, name: str) -> None:
        self.set_class(name.startswith("high-contrast"), "-high-contrast")

    def _keep_theme(self, name: str) -> None:
        self._mark_theme(name)
        if name != self.settings.theme:
            self._set("theme", name)

    def _set(self, key: str, value: str) -> None:
        try:
            set_value(key, value)
        except LwtuiError as error:
            self.complain(error)
            return
        self.reload_settings()

    # -- documents

    def create_document(self, brief: Brief, *, by_hand: bool) -> None:
        """Make a document for ``brief`` and go on with it: to its plan, or straight to its text."""
        from lwtui.agentwrite import direct_plan

        plan = direct_plan(brief) if brief.mode is Mode.DIRECT else None
        try:
            document = Document.create(self._new_path(title_from(brief.instruction)), brief, plan)
        except LwtuiError as error:
            self.complain(error)
            return
        self.pop_screen()
        self._work_on(document, begin=not by_hand)

    def open_file(self, path: Path) -> None:
        """Open a document, or import a Markdown, text or DOCX file as a new one."""
        if path.suffix.lower() == ".lw":
            self.open_document(path)
        else:
            self._import(path)

    @work(exclusive=True, group="import")
    async def _import(self, path: Path) -> None:
        """Make a document of another program's file, which is read in a thread because that may take seconds."""
        from lwtui.documents.importing import import_markdown, read_file

        try:
            title, text = await asyncio.to_thread(read_file, path)
            if self.session is not None:
                return  # meanwhile another was opened
            document = import_markdown(text, title, self._new_path(path.stem))
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
                f"Cannot make the folder {self.folder}: {error.strerror}. "
                f"Choose another in Settings ({key_of(EVERYWHERE, 'settings')})."
            ) from None
        return new_path(self.folder, title)

    def open_document(self, path: Path) -> None:
        """Open a document where its writer left it: at the plan while there is no text, else at the text."""
        if self.session is not None:
            return  # the key was pressed twice: the first time has opened one
        try:
            document = Document.open(path)
        except LwtuiError as error:
            self.complain(error)
            return
        if document.read_only:
            self.complain(f"Opened to read only: {document.read_only_reason} {key_of(WRITING, 'write')} tries again.")
        self._work_on(document)

    @work
    async def open_again(self) -> None:
        """Open the document that is open once more, where it could only be read; the person is told what came of it."""
        if self.session is None:
            return  # the key was pressed twice
        try:
            document = Document.open(self.session.document.path)
        except LwtuiError as error:
            self.complain(error)
            return
        if document.read_only:
            document.close()
            self.complain(why_read_only(document))
            return
        await self._close_session()
        while not isinstance(self.screen, LibraryScreen):
            self.pop_screen()
        self._work_on(document)
        self.notify("It can be changed now: nothing else has it open.", markup=False)

    def _reopen(self, path: Path) -> None:
        """Go on with the document that was open last, unless another window has it."""
        try:
            document = Document.open(path)
        except LwtuiError as error:
            self.complain(error)
            return
        if document.read_only:
            document.close()
            self.notify(f"{path.name} was open last. {document.read_only_reason}", markup=False)
        else:
            self._work_on(document)

    def _work_on(self, document: Document, *, begin: bool = False) -> None:
        from lwtui.app.session import Session

        self.session = session = Session(document, self.models)
        session.listen(self._mirror_section)
        self._histories = UndoHistories()
        planless = not document.plan.sections
        place = None if begin else self._places.of(document.path)
        to_plan = planless or (place.screen == "plan" if place else not (document.words or begin))
        self.push_screen(self._plan_screen(place) if to_plan else self._text_screen(place))
        if begin:
            session.start_plan() if planless else session.start_write()

    def show_plan(self) -> None:
        """From the text to the plan of the open document."""
        self.switch_screen(self._plan_screen())
        self.call_after_refresh(self._keep_place)

    def show_text(self) -> None:
        """From the plan to the text of the open document."""
        self.switch_screen(self._text_screen())
        self.call_after_refresh(self._keep_place)

    @work
    async def leave_document(self) -> None:
        """Back to the library; a run that is going on is stopped, after asking."""
        from lwtui.app.screens.dialogs import Confirm

        if self.session is None:
            return
        if self.session.busy:
            question = (
                "The model is at work. Stop it and close the document? All text is kept; "
                f"{key_of(WRITING, 'write')} goes on later."
            )
            if not await self.push_screen_wait(Confirm(question, "Stop and close")):
                return
        if self._store():
            self._places.close()
            await self._close_session()
            while not isinstance(self.screen, LibraryScreen):
                self.pop_screen()

    def _plan_screen(self, place: Place | None = None) -> BaseScreen:
        from lwtui.app.screens.plan import PlanScreen

        assert self.session is not None
        screen = PlanScreen(self.session)
        screen.begin_at = place
        return screen

    def _text_screen(self, place: Place | None = None) -> BaseScreen:
        from lwtui.app.screens.writing import WritingScreen

        assert self.session is not None
        screen = WritingScreen(self.session, self._histories)
        screen.begin_at = place
        return screen

    async def _close_session(self) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        try:
            await session.cancel()
            self._mirror(session.document)
            await session.close()
        except LwtuiError as error:
            self.complain(error)

    def _mirror_section(self, event: Heard) -> None:
        """After each section that a model finished, the Markdown file beside the document has it too."""
        from lwtui.agentwrite.events import SectionFinished

        if isinstance(event, SectionFinished) and self.session is not None:
            self._mirror(self.session.document)

    def _mirror(self, document: Document) -> None:
        from lwtui.documents.mirror import update_mirror

        problem = update_mirror(document, self.settings.mirror)
        if problem and problem != self._mirror_problem:
            self.complain(problem)
        self._mirror_problem = problem

    # -- everywhere

    def get_key_display(self, binding: Binding) -> str:
        """Keys in the footer as help and the palette write them; a mark for Enter, which is in every footer."""
        return key_label(binding.key.split(",")[0]).replace("Enter", "⏎")

    def action_help(self) -> None:
        from lwtui.app.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
            return
        group = self.screen.GROUP if isinstance(self.screen, BaseScreen) else EVERYWHERE
        self.push_screen(HelpScreen(group))

    @work
    async def action_theme(self) -> None:
        from lwtui.app.screens.dialogs import Choose

        chosen = await self.push_screen_wait(Choose("Theme", theme_choices(self.available_themes), self.theme))
        if chosen is not None:
            self.theme = chosen

    def action_settings(self) -> None:
        from lwtui.app.screens.settings import SettingsScreen

        if isinstance(self.screen, BaseScreen) and not isinstance(self.screen, SettingsScreen):
            self.push_screen(SettingsScreen())


def run_app(path: Path | None, settings: Settings, model: ModelSettings | None, *, library: bool = False) -> int:
    """Open the app; the exit code of the command."""
    app = LwtuiApp(settings, path, model, library=library)
    result = app.run()
    return result if result is not None else app.return_code or 0
