"""What screens may ask of the app that shows them, so that they need not know the app itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lwtui.app.model_pool import ModelPool
    from lwtui.app.session import Session
    from lwtui.config import Settings
    from lwtui.documents.model import Brief


class AppHost(Protocol):
    """The app, as its screens see it."""

    settings: Settings
    models: ModelPool
    session: Session | None  # of the open document

    @property
    def folder(self) -> Path:
        """Where new documents go."""
        ...

    @property
    def default_model(self) -> str:
        """The model that writes new documents."""
        ...

    def complain(self, error: object) -> None:
        """Show what went wrong, for longer than other notices. It may hold a model's words."""
        ...

    def choose_default(self, name: str) -> None:
        """Have the model called ``name`` write new documents from now on."""
        ...

    def reload_settings(self) -> None:
        """Take over what was written to settings.toml."""
        ...

    def create_document(self, brief: Brief, *, by_hand: bool) -> None:
        """Make a document for ``brief`` and go on with it: to its plan, or straight to its text."""
        ...

    def open_document(self, path: Path) -> None:
        """Open a document where its writer left it."""
        ...

    def open_file(self, path: Path) -> None:
        """Open a document, or import a file of another kind as a new one."""
        ...

    def open_again(self) -> object:
        """Open the open document once more, where it could only be read."""
        ...

    def show_plan(self) -> None:
        """Go from the text to the plan of the open document."""
        ...

    def show_text(self) -> None:
        """Go from the plan to the text of the open document."""
        ...

    def leave_document(self) -> object:
        """Go back to the library; a run that is going on is stopped, after asking."""
        ...

    def leave(self) -> object:
        """Leave the app; if something could not be stored, only after asking."""
        ...
