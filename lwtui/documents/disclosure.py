"""The disclosure report: which words of a document a model wrote.

A document stores every revision of every section with its origin, so that each word of the current text can be traced
back to the revision that introduced it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path

import regex

from lwtui.documents import section_rows
from lwtui.documents.database import connect_reader, document_error
from lwtui.documents.model import Origin, Provenance, Revision, Section
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.files import write_atomically
from lwtui.sources.citations import find_citations
from lwtui.sources.model import Source as DocumentSource
from lwtui.text import units
from lwtui.translation import _

TITLE = "How this text was written"
_RUN = 8  # so many consecutive words that occur in an earlier text of the document were moved, not written again
_NBSP = "\u00a0"
_NO_TITLE = "(the text)"
_MARKDOWN_MARKS = regex.compile(r"([\\`*_\[\]<>|#~&])")
_METHOD = f"""\
How this was computed: the document stores every version of every section, and whether a model or a person wrote it.
Each version was compared, word by word, with the version before it. A word that did not change keeps its origin; so
does a run of {_RUN} words or more that was moved from elsewhere in the document. Words that a model's version
introduced count as *model*. Words with which a person replaced others count as *edited*, and words that a person added
as *by hand*. Imported text is counted separately, because its origin is unknown. Chinese and Japanese were compared by
characters instead of words.

What this cannot show: pasted text counts as written by hand, whoever wrote it; where a person retyped a passage, the
words that it shares with the model's version count as the model's; and ideas, plans and corrections that left no words
are not counted."""


class Authorship(StrEnum):
    """Who wrote a word."""

    MODEL = "model"
    EDITED = "edited"
    HAND = "by hand"
    IMPORTED = "imported"


# Who wrote a word, and for a model's word, the model and its settings.
Source = tuple[Authorship, str]
_AUTHORSHIP = {Origin.MODEL: Authorship.MODEL, Origin.USER: Authorship.HAND, Origin.IMPORT: Authorship.IMPORTED}
_BY_HAND, _EDITED = (Authorship.HAND, ""), (Authorship.EDITED, "")


@dataclass(frozen=True)
class SectionAuthorship:
    """Who wrote the words of a section.

    Attributes:
        section: The section.
        words: The numbers of words.
        models: The models that wrote some of the words, with their settings.
        written: When a model last wrote it, in seconds since the epoch.
        edited: When the user last edited it, in seconds since the epoch.
    """

    section: Section
    words: Counter[Authorship]
    models: tuple[str, ...]
    written: float | None
    edited: float | None


@dataclass
class _TracedText:
    """A section's text after some of its revisions: its words, their sources, and the sources of every revision."""

    words: Sequence[str] = ()
    sources: Sequence[Source] = ()
    versions: dict[str, Sequence[Source]] = field(default_factory=dict)


def section_authorship(sections: Iterable[Section], path: Path) -> list[SectionAuthorship]:
    """Find out who wrote the words of each section that has text.

    For a long book this takes seconds. It may run in any thread.

    Args:
        sections: The current sections of the document.
        path: The document.

    Raises:
        DocumentError: The document cannot be read.
    """
    revisions = _revisions(path)
    runs: dict[int, Source] = {}
    texts: dict[str, _TracedText] = {}
    for revision in revisions:
        if revision.is_alternative:
            continue  # it never was the section's text
        provenance = revision.provenance
        source = (Authorship.MODEL, _describe(provenance)) if provenance else (_AUTHORSHIP[revision.origin], "")
        text = texts.setdefault(revision.section_id, _TracedText())
        _trace(text, revision.text, source, runs, is_partial=_is_partial(provenance))
    result = []
    for section in sections:
        if not section.text.strip():
            continue
        text = texts.setdefault(section.id, _TracedText())
        if section.text not in text.versions:  # a model is writing it right now
            _trace(text, section.text, (_AUTHORSHIP[section.origin or Origin.USER], ""), runs)
        times = {revision.origin: revision.created for revision in revisions if revision.section_id == section.id}
        result.append(_count(section, text.versions[section.text], times))
    return result


def report(document: Document) -> str:
    """Return the report on a document as Markdown, without a heading.

    Raises:
        DocumentError: The document cannot be read.
    """
    return report_on(document.sections(), document.path, document.sources)


def report_on(sections: Iterable[Section], path: Path, sources: Sequence[DocumentSource] = ()) -> str:
    """Return the report on the document at ``path``, whose current sections are given. It may run in any thread.

    Args:
        sections: The sections.
        path: The document.
        sources: The sources that it is written from.

    Raises:
        DocumentError: The document cannot be read.
    """
    sections = list(sections)
    rows = section_authorship(sections, path)
    total: Counter[Authorship] = sum((row.words for row in rows), Counter())
    kinds = [kind for kind in Authorship if kind is not Authorship.IMPORTED or total[kind]]
    models = list(dict.fromkeys(model for row in rows for model in row.models))
    parts = [_summary(total)]
    if rows:
        parts.append("\n".join(_table(rows, total, kinds, models)))
    if models:
        parts.append("\n".join(f"{number}. {literal(model)}" for number, model in enumerate(models, 1)))
    if sources:
        parts.append("\n".join(_source_lines(sources, sections)))
    return "\n\n".join([*parts, _METHOD])


def save_report(text: str, title: str, path: Path) -> None:
    """Write the report on the document called ``title`` to a Markdown file.

    Raises:
        DocumentError: The file cannot be written.
    """
    try:
        write_atomically(path, f"# {TITLE}: {title}\n\n{text}\n")
    except OSError as error:
        raise DocumentError(
            _("Cannot write {path}: {reason}. Choose another file.", path=path, reason=error.strerror),
            code="unwritable",
        ) from error


def _revisions(path: Path) -> list[Revision]:
    """Return all revisions of all sections, also of those removed from the plan, the oldest first."""
    try:
        with closing(connect_reader(path)) as db:
            ids = [section_id for (section_id,) in db.execute("SELECT DISTINCT section_id FROM revision")]
            revisions = [revision for section_id in ids for revision in section_rows.revisions(db, section_id)]
    except (sqlite3.Error, OSError) as error:
        raise document_error(error, path) from error
    return sorted(revisions, key=lambda revision: revision.id)


# -- tracing words


def _is_partial(provenance: Provenance | None) -> bool:
    """Tell whether a model changed only parts of the text, for a passage or with hunks of a candidate."""
    return provenance is not None and bool(provenance.task) and not provenance.is_candidate


def _trace(text: _TracedText, new: str, source: Source, runs: dict[int, Source], *, is_partial: bool = False) -> None:
    """Advance ``text`` to its next revision.

    Args:
        text: The text before the revision.
        new: The text of the revision.
        source: Who wrote the revision.
        runs: The sources of all runs of :data:`_RUN` words in earlier revisions, by the hash of the words.
        is_partial: Whether ``source`` changed only parts of the text.
    """
    words = units(new)
    sources = text.versions.get(new)
    if sources is None:
        sources = _attribute(text, words, source, is_partial=is_partial)
        if source == _BY_HAND:
            _attribute_moved(words, sources, runs)
        text.versions[new] = sources
        if source != _BY_HAND:
            for at in range(len(words) - _RUN + 1):
                runs.setdefault(hash(tuple(words[at : at + _RUN])), sources[at])
    text.words, text.sources = words, sources


def _attribute(text: _TracedText, words: Sequence[str], source: Source, *, is_partial: bool) -> list[Source]:
    """Return the source of each word of the next revision."""
    old, sources = text.words, text.sources
    before = _common_prefix_length(old, words)
    after = _common_prefix_length(old[before:][::-1], words[before:][::-1])
    inner_old, inner = old[before : len(old) - after], words[before : len(words) - after]
    if source == _BY_HAND and inner_old:
        changed = _attribute_edit(inner_old, sources[before : len(old) - after], inner)
    elif is_partial and inner_old:
        changed = _attribute_hunks(inner_old, sources[before : len(old) - after], inner, source)
    else:
        changed = [source] * len(inner)
    return [*sources[:before], *changed, *sources[len(old) - after :]]


def _attribute_edit(old: Sequence[str], sources: Sequence[Source], new: Sequence[str]) -> list[Source]:
    """Return the source of each word of ``new``, into which the user edited ``old``."""
    result: list[Source] = []
    for tag, start, stop, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            result += sources[start:stop]
            continue
        replaced = min(end - begin, sum(source != _BY_HAND for source in sources[start:stop]))
        result += [_EDITED] * replaced + [_BY_HAND] * (end - begin - replaced)
    return result


def _attribute_hunks(old: Sequence[str], sources: Sequence[Source], new: Sequence[str], source: Source) -> list[Source]:
    """Return the source of each word of ``new``, where ``source`` wrote only the words that differ from ``old``."""
    result: list[Source] = []
    for tag, start, stop, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        result += sources[start:stop] if tag == "equal" else [source] * (end - begin)
    return result


def _attribute_moved(words: Sequence[str], sources: list[Source], runs: dict[int, Source]) -> None:
    """Attribute words that the user moved from elsewhere in the document to whoever wrote them there."""
    by_user = [source in (_BY_HAND, _EDITED) for source in sources]
    for start in range(len(words) - _RUN + 1):
        stop = start + _RUN
        if any(by_user[start:stop]) and (source := runs.get(hash(tuple(words[start:stop])))):
            for at in range(start, stop):
                if by_user[at]:
                    sources[at] = source


def _common_prefix_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the number of words that two texts have in common at their beginnings."""
    for at, (left, right) in enumerate(zip(first, second, strict=False)):
        if left != right:
            return at
    return min(len(first), len(second))


# -- the report


def _count(section: Section, sources: Sequence[Source], times: Mapping[Origin, float]) -> SectionAuthorship:
    words = Counter(authorship for authorship, _model in sources)
    models = tuple(dict.fromkeys(model for authorship, model in sources if authorship is Authorship.MODEL and model))
    return SectionAuthorship(section, words, models, times.get(Origin.MODEL), times.get(Origin.USER))


def _summary(total: Counter[Authorship]) -> str:
    words = total.total()
    if not words:
        return "There is no text yet."
    shares = [
        f"{_share(total[Authorship.MODEL], words)} as a model wrote them",
        f"{_share(total[Authorship.EDITED], words)} edited by hand",
        f"{_share(total[Authorship.HAND], words)} written by hand",
    ]
    if total[Authorship.IMPORTED]:
        shares.append(f"{_share(total[Authorship.IMPORTED], words)} imported")
    return f"Of {words:,} words: {', '.join(shares)}."


def _table(
    rows: Sequence[SectionAuthorship],
    total: Counter[Authorship],
    kinds: Sequence[Authorship],
    models: Sequence[str],
) -> Iterable[str]:
    yield (
        "| " + " | ".join(("Section", "Words", *(k.capitalize() for k in kinds), "Models", "Written", "Edited")) + " |"
    )
    yield "| --- |" + " ---: |" * (len(kinds) + 1) + " --- |" * 3
    for row in rows:
        used = ", ".join(str(models.index(model) + 1) for model in row.models)
        title = literal(row.section.title) or _NO_TITLE
        yield _row([title, *_shares(row.words, kinds), used, _day(row.written), _day(row.edited)])
    yield _row(["**All**", *_shares(total, kinds), "", "", ""])


def _source_lines(sources: Sequence[DocumentSource], sections: Sequence[Section]) -> Iterable[str]:
    """Yield the list of sources, with the number of their citations."""
    keys = [source.key for source in sources]
    times = Counter(citation.key for section in sections for citation in find_citations(section.text, keys))
    cited = sum(times[key] > 0 for key in keys)
    yield f"The document has {_counted(len(sources), 'source')}, of which the text cites {cited}:\n"
    for source in sources:
        day = f", read on {source.retrieved}" if source.retrieved else ""
        count = f"cited {_counted(times[source.key], 'time')}" if times[source.key] else "not cited"
        yield f"- {literal(source.title)} ({literal(source.location)}{day}): {count}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _shares(words: Counter[Authorship], kinds: Sequence[Authorship]) -> list[str]:
    total = words.total()
    return [f"{total:,}", *(_share(words[kind], total) for kind in kinds)]


def _share(part: int, whole: int) -> str:
    """Format a share in whole percent. Only an exact 0 or 100 is shown as such."""
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 1:
        return f"<{_NBSP}1{_NBSP}%"
    return f">{_NBSP}99{_NBSP}%" if 99 < percent < 100 else f"{percent:.0f}{_NBSP}%"


def _describe(provenance: Provenance) -> str:
    """Return a model and its settings as text."""
    options = sorted(provenance.sampling.items())
    settings = [f"{name} {value}" for name, value in options if value not in (None, "", [])]
    if provenance.seed is not None and "seed" not in provenance.sampling:
        settings.append(f"seed {provenance.seed}")
    if provenance.model_hash:
        settings.append(f"SHA-256 of its file {provenance.model_hash}")
    return ": ".join(part for part in (provenance.model, ", ".join(settings)) if part)


def _day(time: float | None) -> str:
    return "" if time is None else f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d}"


def literal(text: str) -> str:
    """Escape ``text`` so that Markdown shows it literally, on one line."""
    return _MARKDOWN_MARKS.sub(r"\\\1", " ".join(text.split()))
