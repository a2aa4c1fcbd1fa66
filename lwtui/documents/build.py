"""Creation of document files, complete or not at all."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from time import time

from lwtui.documents.contents import Contents, load
from lwtui.documents.database import SIDE_FILES, connect_memory, document_error, sync_folder
from lwtui.documents.model import Brief, Origin, Plan, Status
from lwtui.documents.plan_history import checked_plan, put_plan
from lwtui.documents.schema import APPLICATION_ID, TABLES, VERSION, split_statements
from lwtui.documents.section_rows import put_brief, put_text
from lwtui.errors import DocumentError
from lwtui.files import new_file_mode
from lwtui.text import clean
from lwtui.translation import _


def build(
    path: Path, brief: Brief, plan: Plan | None, texts: Mapping[str, str] | None = None, origin: Origin = Origin.IMPORT
) -> Contents:
    """Create a document.

    The file is written under a temporary name and then renamed, so that a crash leaves no partial document.

    Args:
        path: The file to create. It must end in ``.lw`` and must not exist yet.
        brief: What the user asked for.
        plan: The plan, if there is one already.
        texts: The texts of sections, by section id.
        origin: Who wrote the texts.

    Returns:
        The contents of the new document.

    Raises:
        DocumentError: The file exists or cannot be written, or the plan is invalid.
    """
    if path.suffix != ".lw":
        raise DocumentError(
            _("{path} does not end in .lw. Add .lw to the name of the document.", path=path), code="wrong-extension"
        )
    try:
        with closing(connect_memory()) as db:
            _fill(db, brief, plan, texts or {}, origin)
            contents, data = load(db), db.serialize()
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)
    except (sqlite3.Error, OSError) as error:
        raise document_error(error, path) from error
    return contents


def _fill(db: sqlite3.Connection, brief: Brief, plan: Plan | None, texts: Mapping[str, str], origin: Origin) -> None:
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("BEGIN")
    for statement in split_statements(TABLES):
        db.execute(statement)
    now = time()
    db.execute(
        "INSERT INTO document (id, words, language, mode, model, title, created, changed, instruction)"
        " VALUES (1, 0, '', '', '', '', ?, ?, '')",
        (now, now),
    )
    put_brief(db, replace(brief, instruction=clean(brief.instruction)))
    if plan is not None:
        put_plan(db, checked_plan(plan))
    for section_id, text in texts.items():
        if text.strip():
            put_text(db, section_id, text, origin, Status.DONE)
    db.execute("COMMIT")


def _write(path: Path, data: bytes) -> None:
    """Write a temporary file beside ``path``, then rename it."""
    handle, name = tempfile.mkstemp(prefix=".new-", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(new_file_mode())
        _move_into_place(temporary, path)
    except FileExistsError:
        raise DocumentError(
            _("{path} already exists. Choose another name.", path=path), code="already-exists"
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _move_into_place(temporary: Path, path: Path) -> None:
    """Give the complete file its name. Raises ``FileExistsError`` rather than replace a file."""
    if path.exists():
        raise FileExistsError(path)
    for side in SIDE_FILES:  # SQLite would apply the log of a deleted document to this one
        Path(f"{path}{side}").unlink(missing_ok=True)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        temporary.rename(path)
    sync_folder(path.parent)
