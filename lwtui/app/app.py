"""The app: decides which screen is shown and which document is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events, work
from textual.app import App, RenderableType
from textual.binding import Binding
from textual.command import CommandPalette
from textual.driver import Driver
from textual.reactive import reactive

from lwtui.app.commands import Actions, Exports
from lwtui.app.format import why_read_only
from lwtui.app.key_queue import KeyQueue
from lwtui.app.keymap import EVERYWHERE, LIBRARY, WRITING, bindings, key_label, key_of, keymap, use
from lwtui.app.model_pool import ModelPool
from lwtui.app.own_keys import own_keys
from lwtui.app.places import Place, Places
from lwtui.app.screens.base_screen import BaseScreen
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.terminal_input import with_parser
from lwtui.app.terminal_output import with_output
from lwtui.app.themes import THEMES, theme_choices, theme_problem
from lwtui.app.widgets.edit_history import UndoHistories
from lwtui.app.widgets.wrap import install
from lwtui.config import ModelSettings, Settings, add_model, has_default_model, load_settings, set_value
from lwtui.documents.conflicts import conflicting_copy
from lwtui.documents.diary import Diary, WordCount
from lwtui.documents.library import new_path
from lwtui.documents.model import Brief, Mode, Plan, title_from
from lwtui.documents.store import Document
from lwtui.errors import DocumentError, LwtuiError
from lwtui.log import log_file
from lwtui.stop_signals import on_stop_signal
from lwtui.system import terminal_is_gone
from lwtui.text import clean
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.app.model_download import ModelDownload
    from lwtui.app.session import Session, SessionEvent
    from lwtui.documents.importing.encodings import Guess
    from lwtui.documents.mirror_commits import SessionCommit
    from lwtui.models.known_ggufs import KnownGguf

_WARM_UP_SECONDS = 0.3  # after the first frame
_PREVIEW = 46  # characters of a text in a possible encoding
_REPORT_SECONDS = 12.0  # that the report of an import is shown
_DIARY_SECONDS = 60.0  # between two entries in the diary
_TERMINAL_SECONDS = 2.0  # between two looks at whether there still is one
_PLACE_SECONDS = 5.0  # between two saves of the user's place, for an app that is killed


_LOGGER = logging.getLogger(__name__)


class LwtuiApp(App[int]):
    """The app: the library, and at most one open document on top of it."""

    TITLE = "lwtui"
    CSS_PATH = "styles/app.tcss"
    BINDINGS = bindings(EVERYWHERE)
    COMMANDS = {Actions, Exports}

    writer = reactive("")  # the name of the model that writes new documents; empty until it is known
    download_status = reactive("")  # of the download in the background; empty if there is none

    def __init__(
        self,
        settings: Settings,
        path: Path | None = None,
        model: ModelSettings | None = None,
        *,
        library: bool = False,
    ) -> None:
        """Prepare the app.

        Args:
            settings: The user's settings.
            path: A file to open at once. Without one, the app reopens the last document.
            model: A model from the command line, which writes new documents.
            library: Whether to start in the library even if a document was open last.

        Raises:
            ConfigError: The ``[keys]`` in the settings cannot be used.
        """
        use(own_keys(settings.keys))
        install()
        super().__init__()
        self.set_keymap(keymap())
        for theme in THEMES:
            self.register_theme(theme)
        self.stylesheet.set_variables(self.get_css_variables())  # the theme of the start is one of them
        self.settings = settings
        self.models = ModelPool(settings, {model.name: model} if model else None)
        self.session: Session | None = None
        self._path = path
        self._mirror_problem = ""  # the one last shown
        self._commit_problem = ""  # the same, of a commit of the mirror
        self._committing: asyncio.Task[None] | None = None
        self._word_count: WordCount | None = None  # of the open document
        self._histories = UndoHistories()  # of the open document
        self._typed = KeyQueue(self)
        self._places = Places()
        self._restores = settings.restore and not library and path is None
        self._lacks_model = not (path or model or settings.models or has_default_model())
        self._is_first_start = settings.welcome and self._lacks_model

    def on_mount(self) -> None:
        self._leave_on_signals()
        if problem := theme_problem(self.settings.theme):
            self.call_after_refresh(self.show_error, problem, code="unknown-theme")
        else:
            self.theme = self.settings.theme
        self._mark_theme(self.theme)
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        self.push_screen(LibraryScreen())
        self.set_timer(_WARM_UP_SECONDS, self._warm_up)
        self.set_interval(_PLACE_SECONDS, self._keep_place)
        self.set_interval(_DIARY_SECONDS, self._count_words)
        if self._path is not None:
            self.open_file(self._path)
        elif self._restores and (last := self._places.last) is not None:
            self._reopen(last)
        elif self._is_first_start:
            self.show_models()
        elif self._lacks_model:
            self.call_after_refresh(self._mention_unfinished_download)  # not before the first frame
        self._find_writer()

    def _find_writer(self) -> None:
        """Find the model that writes new documents, in a thread if that takes a moment."""
        if self.models.default_is_known:
            self.writer = self.models.default
        else:
            self._find_best()

    def _mention_unfinished_download(self) -> None:
        """Say that a download was stopped; it is resumed only if the user asks for it."""
        from lwtui.app.model_offers import unfinished_downloads

        for known in unfinished_downloads()[:1]:
            line = _(
                "A part of {name} is here. {key} resumes the download.",
                name=known.name,
                key=key_of(LIBRARY, "models"),
            )
            self.notify(line, markup=False)

    @work(exclusive=True, group="writer")
    async def _find_best(self) -> None:
        self.writer = await asyncio.to_thread(lambda: self.models.default)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._typed.take(event, super().on_event)
        else:
            await super().on_event(event)

    @work(thread=True, group="warm-up")
    def _warm_up(self) -> None:
        """Import the modules that a document needs while the user still looks at the library."""
        for name in ("session", "screens.plan", "screens.writing"):
            import_module(f"lwtui.app.{name}")

    async def on_unmount(self) -> None:
        await self._close_session()
        if self._committing is not None:
            await self._committing
        for download in list(self.models.downloads.values()):
            await download.stop()
        await self.models.release()

    def get_driver_class(self) -> type[Driver]:
        """Return the driver of this platform, with our own parser for what the terminal sends, and our own output."""
        return with_output(with_parser(super().get_driver_class()))

    def panic(self, *renderables: RenderableType) -> None:
        """Quit after an error with exit code 1. Only lines are shown: a traceback may hold texts and API keys."""
        self._return_code = 1
        lines = [line for line in renderables if isinstance(line, str)]
        super().panic(*(lines or [_internal_error(_("in a thread"))]))

    def _fatal_error(self) -> None:
        """Quit after an internal error with one line."""
        error = self._exception
        _LOGGER.error("an internal error ended the app", exc_info=error)
        self.panic(_internal_error(type(error).__name__))

    def _leave_on_signals(self) -> None:
        """Save everything and quit, as Ctrl+Q does, when the terminal closes or the machine shuts down."""
        if self.is_headless:
            return
        on_stop_signal(lambda _signal: self.exit())
        self.set_interval(_TERMINAL_SECONDS, self._leave_without_terminal)

    def _leave_without_terminal(self) -> None:
        """Quit if the terminal is gone. Not every process gets a signal then, and Textual reads on without end."""
        if terminal_is_gone():
            _LOGGER.warning("the terminal was closed")
            self.exit()

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Quit after saving the latest edits."""
        self._store()
        super().exit(result, return_code, message)

    async def action_quit(self) -> None:
        """Quit; if something cannot be saved, ask first."""
        self.leave()

    @work(exclusive=True, group="leave")
    async def leave(self) -> None:
        """Quit; if something cannot be saved, ask first."""
        if not self._store():
            from lwtui.app.screens.dialogs import Confirm

            question = _("Not everything could be saved. Quit and discard unsaved changes?")
            if not await self.push_screen_wait(Confirm(question, _("Quit"))):
                return
        self.exit()

    @property
    def _place_in_view(self) -> Place | None:
        """The user's place in the open document; ``None`` without one."""
        screens = [screen for screen in reversed(self.screen_stack) if isinstance(screen, BaseScreen)]
        return next(filter(None, (screen.place for screen in screens)), None)

    def _keep_place(self) -> None:
        """Record the user's place in the open document."""
        if self.session is not None and (place := self._place_in_view) is not None:
            self._places.keep(self.session.document.path, place)

    def _store(self) -> bool:
        """Save everything to the file. Returns whether that worked; if not, shows the error."""
        self._keep_place()
        stored = [screen.store() for screen in self.screen_stack if isinstance(screen, BaseScreen)]
        try:
            if self.session is not None:
                self.session.document.flush()
        except LwtuiError as error:
            self.show_error(error)
            return False
        return all(stored)

    def show_notice(self, text: str, *, code: str = "") -> None:
        """Show a short notice. Its text may come from a model, so it is never markup.

        Args:
            text: The text.
            code: The name of the notice in the log. It stays the same when the text changes.
        """
        _LOGGER.debug("notice: %s", code or "-")
        self.notify(clean(text), markup=False)

    def show_error(self, error: object, *, code: str = "") -> None:
        """Show an error for longer than other notices. Its text may come from a model, so it is never markup.

        Args:
            error: The error, or its text.
            code: The name of an error that is only a text, for the log.
        """
        _LOGGER.debug("error: %s", error.code if isinstance(error, LwtuiError) else code or "-")
        self.notify(clean(str(error)), severity="error", timeout=12, markup=False)

    # -- settings

    @property
    def folder(self) -> Path:
        """The folder for new documents."""
        return self.settings.documents_folder

    @property
    def default_model(self) -> str:
        """The name of the model that writes new documents."""
        return self.models.default

    def choose_default(self, name: str) -> None:
        """Have the model called ``name`` write new documents from now on."""
        self.models.coming = ""
        if name in self.models.given:
            self.models.preferred = name  # it is from the command line, not in the settings
            self._find_writer()
            return
        self.models.preferred = ""
        if name in self.models.downloads:
            self.models.coming = name
            self._find_writer()
            return
        self._set("model", name)

    def reload_settings(self) -> None:
        """Read settings.toml again."""
        try:
            self.settings = load_settings()
        except LwtuiError as error:
            self.show_error(error)
            return
        self.models.settings = self.settings
        self._find_writer()

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
            self.show_error(error)
            return
        self.reload_settings()

    # -- choosing and downloading a model

    def show_models(self) -> None:
        """Show what can write on this machine."""
        from lwtui.app.screens.choose_model import ChooseModelScreen

        self.push_screen(ChooseModelScreen())

    def end_welcome(self) -> None:
        """Record that the user has seen the choice of models, so that it is not shown at the next start."""
        if self.settings.welcome:
            self._set("welcome", "false")

    def start_download(self, known: KnownGguf) -> bool:
        """Download a model in the background, which writes new documents once it is here. Returns whether it began."""
        from lwtui.app.model_download import ModelDownload
        from lwtui.models.known_ggufs import resolve_source

        model = known.settings
        if model.name not in self.models.downloads:
            taken = self.settings.models.get(model.name)
            if taken is not None and taken.path != model.path:
                self.show_error(_("Another model is named {name}. Remove it in the settings first.", name=model.name))
                return False
            download = ModelDownload(resolve_source(known.name), model, self._show_download, self._install)
            self.models.downloads[model.name] = download
            self._show_download(download.status)
            self._finish_download(download)
        self.choose_default(model.name)
        return True

    @work
    async def stop_downloads(self) -> None:
        """Stop the downloads in the background. What has arrived is kept."""
        for download in list(self.models.downloads.values()):
            await download.stop()

    def _show_download(self, status: str) -> None:
        self.download_status = status

    def _install(self, model: ModelSettings) -> None:
        """Add a downloaded model to the settings. Raises :class:`ConfigError` if they cannot be written."""
        add_model(model)
        self.reload_settings()

    @work
    async def _finish_download(self, download: ModelDownload) -> None:
        """Wait for a download, and say how it ended."""
        name, pool = download.settings.name, self.models
        problem: LwtuiError | None = None
        try:
            await download.wait()
        except LwtuiError as error:
            problem = error
        del pool.downloads[name]
        is_default = pool.coming == name
        if is_default:
            pool.coming = ""
        self._show_download(next((other.status for other in pool.downloads.values()), ""))
        if problem is None:
            if is_default:
                self.choose_default(name)
            line = _("{name} is here and writes new documents.") if is_default else _("{name} is here.")
            self.notify(line.format(name=name), markup=False)
            return
        self._find_writer()
        instead = await asyncio.to_thread(lambda: pool.default)
        line = _(
            "{problem} {instead} writes new documents. {key} in the library tries again.",
            problem=problem,
            instead=instead,
            key=key_of(LIBRARY, "models"),
        )
        if problem.code == "download-stopped":
            self.notify(line, markup=False)
        else:
            self.show_error(line)

    # -- documents

    def create_document(self, brief: Brief, *, by_hand: bool, plan: Plan | None = None) -> None:
        """Create a document for ``brief`` and show its plan, or its text if it is written in one call."""
        from lwtui.agentwrite import direct_plan

        plan = direct_plan(brief) if brief.mode is Mode.DIRECT else plan
        try:
            document = Document.create(self._new_path(title_from(brief.instruction)), brief, plan)
        except LwtuiError as error:
            self.show_error(error)
            return
        self.pop_screen()
        self._work_on(document, begin=not by_hand)

    def open_file(self, path: Path) -> None:
        """Open a document, or import a file or folder of another program as a new one."""
        if path.suffix.lower() == ".lw":
            self.open_document(path)
        else:
            self._import(path)

    @work(exclusive=True, group="import")
    async def _import(self, path: Path) -> None:
        """Import a file of another program. A thread reads it, which may take seconds."""
        from lwtui.documents.importing import create_document, read_file

        try:
            imported = await asyncio.to_thread(read_file, path)
            if len(imported.guesses) > 1:
                encoding = await self._ask_encoding(imported.guesses)
                if not encoding:
                    return
                imported = await asyncio.to_thread(read_file, path, encoding)
            if self.session is not None:
                return  # the user has opened another document meanwhile
            document = create_document(imported, self._new_path(path.stem))
        except LwtuiError as error:
            self.show_error(error)
            return
        self._work_on(document)
        self.notify(
            clean("\n".join(imported.report.lines())), title=_("Imported"), timeout=_REPORT_SECONDS, markup=False
        )

    async def _ask_encoding(self, guesses: Sequence[Guess]) -> str | None:
        """Ask in which encoding a text file is. Each is shown with words of the file."""
        from lwtui.app.screens.dialogs import Choose

        options = [
            (guess.encoding, f"{guess.label}{' ' * (15 - cell_len(guess.label))} {guess.preview[:_PREVIEW]}")
            for guess in guesses
        ]
        return await self.push_screen_wait(
            Choose(_("The file does not say its encoding. Which line reads right?"), options)
        )

    def _new_path(self, title: str) -> Path:
        """Return the path for a new document. Raises :class:`DocumentError` if its folder cannot be created."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DocumentError(
                _(
                    "Cannot create the folder {folder}: {why}. Choose another in Settings ({key}).",
                    folder=self.folder,
                    why=error.strerror,
                    key=key_of(EVERYWHERE, "settings"),
                )
            ) from None
        return new_path(self.folder, title)

    def open_document(self, path: Path) -> None:
        """Open a document where the user left it; a new one at its plan while it has no text."""
        if self.session is not None:
            return  # the key was pressed twice, and the first press has opened one
        try:
            document = Document.open(path)
        except LwtuiError as error:
            self.show_error(error)
            return
        if document.read_only:
            self.show_error(
                _(
                    "Opened read-only: {reason} {key} tries again.",
                    reason=document.read_only_reason,
                    key=key_of(WRITING, "write"),
                )
            )
        elif copy := conflicting_copy(path):
            self.show_notice(
                _(
                    "{service} made this copy because {original} was changed in two places. Compare the two "
                    "and delete one.",
                    service=copy.service,
                    original=copy.original,
                ),
                code="conflicting-copy",
            )
        self._work_on(document)

    @work
    async def open_again(self) -> None:
        """Try to open a read-only document for writing, and show whether that worked."""
        if self.session is None:
            return  # the key was pressed twice
        try:
            document = Document.open(self.session.document.path)
        except LwtuiError as error:
            self.show_error(error)
            return
        if document.read_only:
            document.close()
            self.show_error(why_read_only(document))
            return
        await self._close_session()
        while not isinstance(self.screen, LibraryScreen):
            self.pop_screen()
        self._work_on(document)
        self.show_notice(_("You can edit the document now: no other program has it open."), code="editable")

    def _reopen(self, path: Path) -> None:
        """Reopen the last document, unless another window has it open."""
        try:
            document = Document.open(path)
        except LwtuiError as error:
            self.show_error(error)
            return
        if document.read_only:
            document.close()
            self.show_notice(
                _(
                    "{name} was open last. {reason}",
                    name=path.name,
                    reason=document.read_only_reason,
                ),
                code="not-reopened",
            )
        else:
            self._work_on(document)

    def _work_on(self, document: Document, *, begin: bool = False) -> None:
        from lwtui.app.session import Session

        self.session = session = Session(document, self.models)
        session.listen(self._mirror_section)
        self._word_count = WordCount(Diary(), document.words)
        if document.words and not document.read_only:
            self._back_up(document.path)
        self._histories = UndoHistories()
        planless = not document.plan.sections
        place = None if begin else self._places.of(document.path)
        to_plan = planless or (place.screen == "plan" if place else not (document.words or begin))
        self.push_screen(self._plan_screen(place) if to_plan else self._text_screen(place))
        if begin:
            session.start_plan() if planless else session.start_write()

    def show_plan(self) -> None:
        """Switch from the text of the open document to its plan, at the same section."""
        self.switch_screen(self._plan_screen(self._place_in_view))
        self.call_after_refresh(self._keep_place)

    def show_text(self) -> None:
        """Switch from the plan of the open document to its text: at the section that is being written, or the same."""
        busy = self.session is not None and self.session.busy
        self.switch_screen(self._text_screen(None if busy else self._place_in_view))
        self.call_after_refresh(self._keep_place)

    @work
    async def leave_document(self) -> None:
        """Go back to the library; if a model is at work, ask before stopping it."""
        from lwtui.app.screens.dialogs import Confirm

        if self.session is None:
            return
        if self.session.busy:
            question = _(
                "The model is at work. Stop it and close the document? All text is kept; {key} resumes later.",
                key=key_of(WRITING, "write"),
            )
            if not await self.push_screen_wait(Confirm(question, _("Stop and close"))):
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
        commit = None
        try:
            await session.cancel()
            self._count_words(session)
            commit = self._mirror(session.document, is_end=True)
            await session.close()
        except LwtuiError as error:
            self.show_error(error)
        if commit is not None:
            self._committing = asyncio.create_task(self._commit(commit, self._committing))

    def _count_words(self, closing: Session | None = None) -> None:
        """Put the words that the open document has gained into the diary."""
        session = closing or self.session
        if session is not None and self._word_count is not None and not session.document.read_only:
            self._word_count.take(session.document.words, date.today())

    @work(thread=True, group="backup")
    def _back_up(self, document: Path) -> None:
        from lwtui.documents.backups import back_up_today

        try:
            back_up_today(document, self.settings.backups)
        except DocumentError as error:
            self.call_from_thread(self.show_error, error)

    def _mirror_section(self, event: SessionEvent) -> None:
        """Update the Markdown mirror after each section that a model finishes."""
        from lwtui.agentwrite.events import SectionFinished

        if isinstance(event, SectionFinished) and self.session is not None:
            self._mirror(self.session.document)

    def _mirror(self, document: Document, *, is_end: bool = False) -> SessionCommit | None:
        """Update the mirror. At the end of a session, return the commit to make, if there is to be one."""
        from lwtui.documents.mirror import update_mirror

        problem = update_mirror(document, self.settings.mirror)
        if problem and problem != self._mirror_problem:
            self.show_error(problem, code="mirror")
        self._mirror_problem = problem
        if not is_end:
            return None
        from lwtui.documents.mirror_commits import session_commit

        return session_commit(document, self.settings.mirror, self.settings.author)

    async def _commit(self, commit: SessionCommit, before: asyncio.Task[None] | None) -> None:
        """Commit the mirror of a closed document, after the commit ``before``. Nothing but the end of lwtui waits."""
        if before is not None:
            await before
        problem = await asyncio.to_thread(commit.run)
        if problem and problem != self._commit_problem:
            self.show_error(problem, code="mirror")
        self._commit_problem = problem

    # -- everywhere

    def get_key_display(self, binding: Binding) -> str:
        """Label keys as help and the palette do, but shorten Enter, which is in every footer."""
        return key_label(binding.key.split(",")[0]).replace("Enter", "⏎")

    def action_command_palette(self) -> None:
        """Show the palette."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=_("Search for commands…"), id="--command-palette"))

    def action_help_quit(self) -> None:
        """Say how to quit to a user who has pressed Ctrl+C."""
        self.notify(_("Press {key} to quit the app", key="[b]ctrl+q[/b]"), title=_("Do you want to quit?"))

    def action_help(self) -> None:
        """Show help, or close it."""
        from lwtui.app.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
            return
        group = self.screen.GROUP if isinstance(self.screen, BaseScreen) else EVERYWHERE
        self.push_screen(HelpScreen(group))

    def action_diary(self) -> None:
        """Show the words of each day."""
        from lwtui.app.screens.diary import DiaryScreen

        self._store()
        self._count_words()
        opened = self.session is not None and self._word_count is not None
        self.push_screen(DiaryScreen(self._word_count.session if opened and self._word_count else None))

    @work
    async def action_theme(self) -> None:
        """Choose a theme."""
        from lwtui.app.screens.dialogs import Choose

        chosen = await self.push_screen_wait(Choose(_("Theme"), theme_choices(self.available_themes), self.theme))
        if chosen is not None:
            self.theme = chosen

    def action_settings(self) -> None:
        """Show the settings."""
        from lwtui.app.screens.settings import SettingsScreen

        if isinstance(self.screen, BaseScreen) and not isinstance(self.screen, SettingsScreen):
            self.push_screen(SettingsScreen())


def _internal_error(kind: str) -> str:
    return _(
        "lwtui: an internal error ended the app ({kind}). Your text is saved. "
        "Please report it with the details from the log: {log}",
        kind=kind,
        log=log_file(),
    )


def run_app(path: Path | None, settings: Settings, model: ModelSettings | None, *, library: bool = False) -> int:
    """Run the app and return the exit code of the command."""
    app = LwtuiApp(settings, path, model, library=library)
    result = app.run()
    if (over := getattr(app._driver, "exit_event", None)) is not None:
        over.set()  # without a terminal, Textual leaves its thread for keys running, and the process would not end
    return result if result is not None else app.return_code or 0
