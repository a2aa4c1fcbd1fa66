"""Reading of a project of novelWriter: ``nwProject.nwx`` lists its documents and notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import regex

from lwtui.documents.importing.dialects import SYNOPSIS, core_markdown
from lwtui.documents.importing.imported import Imported, ImportReport
from lwtui.documents.importing.reading import with_synopses
from lwtui.documents.importing.sections import divide
from lwtui.documents.model import Note
from lwtui.errors import DocumentError
from lwtui.text import clean, one_line
from lwtui.translation import _

_PROJECT = "nwProject.nwx"
_HANDLE = regex.compile(r"[0-9a-f]{8,32}")
_LEFT_OUT = ("ARCHIVE", "TRASH", "TEMPLATE")
_TAG = regex.compile(r"(?m)^@tag[ \t]*:[ \t]*(?P<names>[^\n]*)$")


@dataclass(frozen=True)
class _Item:
    """An item of the project's tree."""

    handle: str
    parent: str
    order: int
    kind: str
    branch: str
    layout: str
    name: str
    is_active: bool


def read_project(folder: Path, encoding: str = "") -> Imported | None:
    """Read a project; ``None`` if the folder is none.

    Raises:
        DocumentError: Its main file is damaged, or it has no text.
    """
    main = folder / _PROJECT
    if not main.is_file():
        return None
    root = parse_xml(main)
    items = [_item(element) for element in root.iter("item")]
    children: dict[str, list[_Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.order):
        children[item.parent].append(item)
    report = ImportReport()
    texts: list[str] = []
    notes: list[Note] = []
    for item in _in_order(children, "", set()):
        if item.kind != "FILE":
            continue
        if item.branch in _LEFT_OUT or not item.is_active:
            report.lose("archived or inactive document")
            continue
        text = _text(folder, item, report)
        if item.branch == "NOVEL" and item.layout != "NOTE":
            texts.append(core_markdown(text, report))
        elif note := _note(item, text):
            notes.append(note)
    title, parts = divide("\n\n".join(texts), _value(root, "title") or _value(root, "name") or folder.resolve().name)
    if not any(part.text or part.title for part in parts):
        raise DocumentError(_("The project {folder} has no text to import.", folder=folder), code="no-text")
    return Imported(title, with_synopses(parts), report, author=_value(root, "author"), notes=tuple(notes))


def parse_xml(path: Path) -> ElementTree.Element:
    """Parse the main file of a project.

    Raises:
        DocumentError: It cannot be read, or is damaged.
    """
    try:
        return ElementTree.fromstring(path.read_bytes())
    except OSError as error:
        raise DocumentError(
            _("Cannot read {path}: {reason}. Check its permissions.", path=path, reason=error.strerror),
            code="unreadable",
        ) from None
    except ElementTree.ParseError:
        raise DocumentError(
            _("{path} is damaged. Open the project in its own program, save it, and import it again.", path=path),
            code="damaged",
        ) from None


def _value(root: ElementTree.Element, name: str) -> str:
    found = root.find(f"project/{name}")
    return one_line("".join(found.itertext())) if found is not None else ""


def _item(element: ElementTree.Element) -> _Item:
    """Read an item. Older versions have elements where newer ones have attributes."""

    def value(name: str) -> str:
        found = element.find(name)
        return element.get(name) or ("".join(found.itertext()) if found is not None else "")

    name = element.find("name")
    order = value("order")
    return _Item(
        handle=value("handle"),
        parent="" if value("parent") in ("None", "") else value("parent"),
        order=int(order) if order.isdecimal() else 0,
        kind=value("type").upper(),
        branch=value("class").upper(),
        layout=value("layout").upper(),
        name=one_line(value("name")),
        is_active=(name.get("active", "yes") if name is not None else value("exported") or "yes")
        not in ("no", "False"),
    )


def _in_order(children: dict[str, list[_Item]], parent: str, above: set[str]) -> Iterator[_Item]:
    for item in children.get(parent, ()):
        if item.handle not in above:
            yield item
            yield from _in_order(children, item.handle, above | {item.handle})


def _text(folder: Path, item: _Item, report: ImportReport) -> str:
    path = folder / "content" / f"{item.handle}.nwd"
    if not _HANDLE.fullmatch(item.handle) or not path.is_file():
        report.lose("missing file")
        return ""
    return clean(path.read_text(encoding="utf-8", errors="replace"))


def _note(item: _Item, text: str) -> Note | None:
    tags = [one_line(name) for match in _TAG.finditer(text) for name in match["names"].split("|")]
    body = core_markdown(text, ImportReport()).replace(SYNOPSIS, "")
    body = regex.sub(r"\n{3,}", "\n\n", body).strip()
    return Note(item.name, body, kind="story", always=False, triggers=tuple(tags or [item.name])) if body else None
