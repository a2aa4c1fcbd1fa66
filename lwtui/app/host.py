"""The interface of the app for its screens, which do not import the app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lwtui.app.model_pool import ModelPool
    from lwtui.app.session import Session
    from lwtui.config import Settings
    from lwtui.documents.model import Brief, Plan
    from lwtui.models.known_ggufs import KnownGguf


class AppHost(Protocol):
    """The app as its screens see it."""

    settings: Settings
    models: ModelPool
    session: Session | None  # of the open document
    writer: str  # the name of the model that writes new documents; empty until it is known

    @property
    def folder(self) -> Path:
        """The folder for new documents."""
        ...

    @property
    def default_model(self) -> str:
        """The name of the model that writes new documents."""
        ...

    def show_notice(self, text: str, *, code: str = "") -> None:
        """Show a short notice. ``code`` is its name in the log."""
        ...

    def show_error(self, error: object, *, code: str = "") -> None:
        """Show an error for longer than other notices. ``code`` is the name of an error that is only a text."""
        ...

    def choose_default(self, name: str) -> None:
        """Have the model called ``name`` write new documents from now on."""
        ...

    def show_models(self) -> None:
        """Show what can write on this machine."""
        ...

    def end_welcome(self) -> None:
        """Record that the user has seen the choice of models, so that it is not shown at the next start."""
        ...

    def start_download(self, known: KnownGguf) -> bool:
        """Download a model in the background, which writes new documents once it is here. Returns whether it began."""
        ...

    def stop_downloads(self) -> object:
        """Stop the downloads in the background. What has arrived is kept."""
        ...

    def reload_settings(self) -> None:
        """Read settings.toml again."""
        ...

    def create_document(self, brief: Brief, *, by_hand: bool, plan: Plan | None = None) -> None:
        """Create a document for ``brief`` and show its plan, or its text if it is written in one call."""
        ...

    def open_document(self, path: Path) -> None:
        """Open a document where the user left it."""
        ...

    def open_file(self, path: Path) -> None:
        """Open a document, or import a file of another kind as a new one."""
        ...

    def open_again(self) -> object:
        """Try to open a read-only document for writing."""
        ...

    def show_plan(self) -> None:
        """Switch from the text of the open document to its plan."""
        ...

    def show_text(self) -> None:
        """Switch from the plan of the open document to its text."""
        ...

    def leave_document(self) -> object:
        """Go back to the library; if a model is at work, ask before stopping it."""
        ...

    def leave(self) -> object:
        """Quit; if something cannot be saved, ask first."""
        ...
