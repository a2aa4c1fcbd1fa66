"""What a model, or a document from somebody else, may hold in order to harm: shared by the tests of all places."""

from __future__ import annotations

import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path

from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document

ESCAPES = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;owned\x07",
    "\x1b]8;;http://evil.example/\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[2J\x1b[H\x1b[?1049h",
    "\x9b31m\x9d52;c;ZXZpbA==\x9c",
    "\x1bP+q544e\x1b\\",
    "\x1b[6n\x1b[c",
    "\u202egnitirw\u2066",
    "\x00\x07\x08\x7f",
    "\rover",
)
MARKUP = ("[bold red]loud[/]", "[link=http://evil.example/]here[/link]", "[@click=app.quit]press[/]", "[/]", "$error")
PAGES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[go](javascript:alert(1))",
    "[go](data:text/html;base64,PHNjcmlwdD4=)",
    "![p](http://evil.example/p.png)",
    "<iframe src=//evil.example></iframe>",
    "</main></body><style>*{display:none}</style>",
    "<svg/onload=alert(1)>",
    "&lt;script&gt;",
)
PATHS = ("../../../escaped", "/escaped", "..", "C:\\escaped", "~/escaped", "con", "a/../../escaped", "|touch escaped")
ALL = (*ESCAPES, *MARKUP, *PAGES, *PATHS)


def unsafe(text: str) -> list[str]:
    """Characters of ``text`` that could drive a terminal or turn its reading direction."""
    allowed = "\n\t"
    return [
        one
        for one in text
        if (unicodedata.category(one) == "Cc" and one not in allowed) or one in "\u202a\u202b\u202c\u202d\u202e\u2066"
    ]


def without_own_sequences(screen: str) -> str:
    """What a terminal was sent, without the line ends and the redrawing of a line."""
    return screen.replace("\r\x1b[K", "").replace("\r\n", "\n")


def make_hostile(path: Path, model: str = f"m{ESCAPES[0]}{MARKUP[0]}") -> Path:
    """A document by somebody who means harm: what it holds was put past lwtui, and past its cleaning."""
    sections = tuple(PlannedSection(f"{at}", "", 100, f"s{at}") for at in range(1, len(ALL) + 1))
    with Document.create(path, Brief("Write", 100 * len(ALL)), Plan("A title", sections)) as document:
        for section in sections:
            document.edit(section.id, f"{section.id}.")
    with closing(sqlite3.connect(path)) as db, db:
        title = f"Title {ESCAPES[3]}{MARKUP[2]}{PAGES[0]}"
        db.execute("UPDATE document SET title = ?, instruction = ?, model = ?", (title, "".join(ALL), model))
        for at, one in enumerate(ALL, 1):
            heading = (f"{at} {one}", f"about {one}", f"s{at}")
            db.execute("UPDATE section SET title = ?, main_point = ? WHERE id = ?", heading)
            text = f"Begin {one} end.\n\n{one}\n\n# {one}\n\n- {one}\n\n`{one}`\n\n| {one} | b |\n|---|---|\n"
            db.execute("UPDATE revision SET text = ? WHERE section_id = ?", (text, f"s{at}"))
    return path
