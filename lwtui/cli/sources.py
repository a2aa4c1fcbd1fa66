"""``lwtui sources``: the files, pages and records that a document is written from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lwtui.cli.section_names import find_section
from lwtui.cli.source_adding import add_with_progress, source_line
from lwtui.cli.source_embedding import embed_sources, find_near
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.command_line.values import positive_int
from lwtui.config import load_settings
from lwtui.documents.outline import section_numbers
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.sources.model import FoundPassage, Passage, Source
from lwtui.sources.reading.adding import locations
from lwtui.translation import _, _n

_SHOWN_PASSAGES = 10
_SHOWN_KEYS = 12  # that an error lists


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "sources",
        _(
            "Show and change the sources that a document is written from. The model sees the passages that serve a\n"
            "section, and cites them by the keys of their sources.\n\n"
            "  files: PDF, DOCX, ODT, EPUB, HTML, Markdown, text, CSV, and what else lwtui imports\n"
            "  folders: all such files in them\n"
            "  addresses: fetched once, if the site's robots.txt allows it\n"
            "  bibliographies: BibTeX, CSL-JSON and RIS, with their abstracts, and the files below their folder\n\n"
            'Reading needs the extra: pip install "lwtui[sources]"'
        ),
        """
        lwtui sources add report.lw papers/ refs.bib https://example.org/tea
        lwtui sources list report.lw
        lwtui sources search report.lw "harvest in spring"
        lwtui sources research report.lw --query "tea harvest Assam"
        lwtui sources show report.lw gray2020
        lwtui sources pin report.lw gray2020 "The Harvest"
        lwtui sources remove report.lw gray2020
        """,
    )
    actions = result.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = _action(actions, "add", _("add files, folders, addresses or bibliographies; what is there is read again"))
    add.add_argument("places", nargs="+", metavar="WHERE", help=_("a file, a folder or an address"))
    _action(actions, "list", _("list the sources"))
    show = _action(actions, "show", _("show a source and its passages"))
    _add_key(show)
    search = _action(actions, "search", _("find passages by words, the most relevant first"))
    search.add_argument("query", metavar="WORDS", help=_("what to look for, in any language"))
    search.add_argument(
        "--limit",
        type=positive_int,
        default=_SHOWN_PASSAGES,
        metavar="N",
        help=_("(default: {default})", default=_SHOWN_PASSAGES),
    )
    from lwtui.cli.source_research import add_options  # reading and searching take a while to import

    research = _action(
        actions, "research", _("search for sources with the tool of the settings, and add what you choose")
    )
    add_options(research)
    remove = _action(actions, "remove", _("remove sources and their passages"))
    remove.add_argument("keys", nargs="+", metavar="KEY", help=_("the key of a source"))
    pin = _action(actions, "pin", _("have a source serve a section first"))
    _add_key(pin)
    pin.add_argument("section", metavar="SECTION", help=_("the number or heading of the section"))
    pin.add_argument("--off", action="store_true", help=_("no longer"))
    return result


def _action(actions: Any, name: str, help: str) -> Parser:
    result: Parser = actions.add_parser(name, help=help, description=_("{help}.", help=f"{help[:1].upper()}{help[1:]}"))
    result.add_argument("document", type=Path, metavar="DOC.lw", help=_("the document"))
    result.add_argument("--json", action="store_true", help=_("print JSON"))
    return result


def _add_key(parser: Parser) -> None:
    parser.add_argument("key", metavar="KEY", help=_("the key of the source, or where it came from"))


def run(options: argparse.Namespace) -> int:
    """Run the command, and return the exit code."""
    if options.action == "search":
        return _search(options)
    if options.action in ("list", "show"):
        with Document.open(options.document, read_only=True) as document:
            _SHOW[options.action](document, options)
        return 0
    names = locations(options.places) if options.action == "add" else []
    with Document.open(options.document) as document:
        document.require_writable()
        if options.action == "research":
            from lwtui.cli.source_research import run as run_research

            return run_research(document, options)
        if options.action == "add":
            return _add(document, names, as_json=options.json)
        (_remove if options.action == "remove" else _pin)(document, options)
        if options.json:
            _print_sources(document)
    return 0


def _add(document: Document, names: list[str], *, as_json: bool) -> int:
    counts = add_with_progress(document.source_store, names, say)
    embed_sources(document, load_settings())
    if as_json:
        _print_sources(document)
    number = len(document.sources)
    say(_n("{path} has {count:,} source.", "{path} has {count:,} sources.", number, path=document.path))
    return 1 if counts.unread else 0


def _remove(document: Document, options: argparse.Namespace) -> None:
    for source in [_find(document, key) for key in dict.fromkeys(options.keys)]:
        document.source_store.remove(source.id)
        say(_("Removed {key}. Its citations in the text stand for nothing now.", key=source.key))


def _pin(document: Document, options: argparse.Namespace) -> None:
    source = _find(document, options.key)
    section = find_section(document, options.section)
    document.source_store.pin(source.id, section, pinned=not options.off)
    if options.off:
        say(_("{key} serves {section!r} like any other source.", key=source.key, section=options.section))
    else:
        say(_("{key} serves {section!r} first.", key=source.key, section=options.section))


def _list(document: Document, options: argparse.Namespace) -> None:
    if options.json:
        _print_sources(document)
        return
    for source in document.sources:
        print(f"{source_line(source)}\n    {source.location}")
    if not document.sources:
        say(_no_sources(document))


def _no_sources(document: Document) -> str:
    return _("No sources yet. Add some: lwtui sources add {path} FILE", path=document.path)


def _show(document: Document, options: argparse.Namespace) -> None:
    source = _find(document, options.key)
    passages = document.source_store.passages(source.id)
    if options.json:
        row = {**_row(source, document), "text": [_passage_row(passage) for passage in passages]}
        print(json.dumps(row, ensure_ascii=False, indent=2))
        return
    print(source_line(source))
    print(_("{location}, read on {date}", location=source.location, date=source.retrieved))
    print(json.dumps(dict(source.csl), ensure_ascii=False, indent=2))
    for passage in passages:
        print(f"\n[{passage.number}]{_page(passage)}\n{passage.text}")


def _search(options: argparse.Namespace) -> int:
    settings = load_settings()
    # With embeddings, vectors that are missing are made and stored.
    with Document.open(options.document, read_only=not settings.sources.embeddings) as document:
        near = find_near(document, settings, options.query)
        _show_found(document, document.source_store.search(options.query, options.limit, near), options)
    return 0


def _show_found(document: Document, found: Sequence[FoundPassage], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps([_found_row(each) for each in found], ensure_ascii=False, indent=2))
        return
    for passage, source in found:
        print(f"{source.key} [{passage.number}]{_page(passage)}  {source.title}\n{passage.text}\n")
    if not found:
        say(_("Nothing found.") if document.sources else _no_sources(document))


_SHOW = {"list": _list, "show": _show}


def _find(document: Document, key: str) -> Source:
    source = document.source_store.get(key)
    if source is None:
        keys = [source.key for source in document.sources]
        known = ", ".join(keys[:_SHOWN_KEYS]) + (" …" if len(keys) > _SHOWN_KEYS else "") or _("none")
        raise UsageError(_("There is no source {key!r}. Known: {known}.", key=key, known=known), code="not-found")
    return source


def _print_sources(document: Document) -> None:
    rows = [_row(source, document) for source in document.sources]
    print(json.dumps(rows, ensure_ascii=False, indent=2))


def _row(source: Source, document: Document) -> dict[str, object]:
    sections = [section.id for section in document.plan.sections]
    numbers = dict(zip(sections, section_numbers(document.plan), strict=True))
    return {
        "key": source.key,
        "kind": source.kind,
        "title": source.title,
        "location": source.location,
        "retrieved": source.retrieved,
        "passages": source.passages,
        "pinned": [numbers[id] for id in source.pinned if id in numbers],
        "csl": dict(source.csl),
    }


def _found_row(found: FoundPassage) -> dict[str, object]:
    return {"key": found.source.key, "title": found.source.title, **_passage_row(found.passage)}


def _passage_row(passage: Passage) -> dict[str, object]:
    return {"number": passage.number, "page": passage.page, "text": passage.text}


def _page(passage: Passage) -> str:
    return " " + _("p. {page}", page=passage.page) if passage.page else ""
