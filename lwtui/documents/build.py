"""A new file, whole or not at all."""

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
from lwtui.documents.database import SIDE_FILES, connect_memory, explain, sync_folder
from lwtui.documents.model import Brief, Origin, Plan, Status
from lwtui.documents.plan_history import checked_plan, put_plan
from lwtui.documents.schema import APPLICATION_ID, TABLES, VERSION, statements
from lwtui.documents.section_rows import put_brief, put_text
from lwtui.errors import DocumentError
from lwtui.files import new_file_mode
from lwtui.text import clean


def build(
    path: Path, brief: Brief, plan: Plan | None, texts: Mapping[str, str] | None = None, origin: Origin = Origin.IMPORT
) -> Contents:
    """Make a document at ``path``, with the ``texts`` of sections (by id) where there are any.

    It is written under another name and then put in place, so that a crash leaves no half-made document.

    Returns:
        What is in it.

    Raises:
        DocumentError: It cannot be written, or there is a file already.
    """
    if path.suffix != ".lw":
        raise DocumentError(f"{path} does not end in .lw, as the name of a document does. Add the ending.")
    try:
        with closing(connect_memory()) as db:
            _fill(db, brief, plan, texts or {}, origin)
            contents, content = load(db), db.serialize()
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, content)
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    return contents


def _fill(db: sqlite3.Connection, brief: Brief, plan: Plan | None, texts: Mapping[str, str], origin: Origin) -> None:
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("BEGIN")
    for statement in statements(TABLES):
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
    for section_id, text in ((section_id, text) for section_id, text in texts.items() if text.strip()):
        put_text(db, section_id, text, origin, Status.DONE)
    db.execute("COMMIT")


def _write(path: Path, content: bytes) -> None:
    """Write a new file beside ``path``, then put it in place."""
    handle, name = tempfile.mkstemp(prefix=".new-", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(new_file_mode())
        _put_in_place(temporary, path)
    except FileExistsError:
        raise DocumentError(f"There is a file at {path} already. Choose another name.") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _put_in_place(temporary: Path, path: Path) -> None:
    """Give the finished file its name. Raises ``FileExistsError`` rather than replace another."""
    if path.exists():
        raise FileExistsError(path)
    for side in SIDE_FILES:  # SQLite would take those of a document that is gone for this one's
        Path(f"{path}{side}").unlink(missing_ok=True)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        temporary.rename(path)
    sync_folder(path.parent)
