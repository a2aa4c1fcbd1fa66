"""Which words of a document a model wrote, told from its revisions.

Every version of every section is in the file with its origin, so each word of the present text can be followed back
to the version that brought it.
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
from lwtui.documents.database import connect_reader, explain
from lwtui.documents.model import Origin, Provenance, Revision, Section
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.files import write_atomically
from lwtui.text import units

TITLE = "How this text was written"
_RUN = 8  # words that follow each other and stand in an earlier text of the document were moved, not written anew
_SPACE = "\u00a0"  # one that no line ends at
_NO_TITLE = "(the text)"
_MARKS = regex.compile(r"([\\`*_\[\]<>|#~&])")
_METHOD = f"""\
How this was computed: every version of every section is kept, with whether a model or a person wrote it. Each version
was compared, word by word, with the one before it. A word that stayed keeps its origin; so does a run of {_RUN} words
or more that was moved from elsewhere in the document. The words that a model's version brought are *model*. Words that
a person put in place of words that were there are *edited*; words that a person added are *by hand*. Imported text is
counted by itself, because its origin is not known. In Chinese and Japanese, characters were compared in place of words.

What this cannot see: text that a person pasted counts as written by hand, whoever wrote it; where a person typed a
passage anew, the common words it shares with the model's count as the model's; and ideas, plans and corrections that
left no words are not counted at all."""


class Hand(StrEnum):
    """Who a word is from."""

    MODEL = "model"
    EDITED = "edited"
    HAND = "by hand"
    IMPORTED = "imported"


# Who a word is from, and for a model's the model and its settings.
Source = tuple[Hand, str]
_FIRST = {Origin.MODEL: Hand.MODEL, Origin.USER: Hand.HAND, Origin.IMPORT: Hand.IMPORTED}
_BY_HAND, _EDITED = (Hand.HAND, ""), (Hand.EDITED, "")


@dataclass(frozen=True)
class Made:
    """A section's words by who they are from, the models that words are from, and when (seconds since the epoch)."""

    section: Section
    words: Counter[Hand]
    models: tuple[str, ...]
    written: float | None  # the last time by a model
    edited: float | None  # the last time by hand


@dataclass
class _TracedText:
    """A section's text as far as its versions were followed: its words, and who each is from."""

    words: Sequence[str] = ()
    sources: Sequence[Source] = ()
    versions: dict[str, Sequence[Source]] = field(default_factory=dict)


def made(sections: Iterable[Section], path: Path) -> list[Made]:
    """How each of the ``sections`` of the document at ``path`` that has text came about.

    Takes seconds for a long book, in any thread. Raises :class:`lwtui.errors.DocumentError`.
    """
    revisions = _revisions(path)
    runs: dict[int, Source] = {}
    texts: dict[str, _TracedText] = {}
    for one in revisions:
        if one.aside:
            continue  # it never stood in the text
        made_by_model = one.provenance is not None
        source = (
            Hand.MODEL if made_by_model else _FIRST[one.origin],
            _described(one.provenance) if one.provenance else "",
        )
        _follow(
            texts.setdefault(one.section_id, _TracedText()), one.text, source, runs, in_part=_in_part(one.provenance)
        )
    result = []
    for section in sections:
        if not section.text.strip():
            continue
        text = texts.setdefault(section.id, _TracedText())
        if section.text not in text.versions:  # it is being written at this moment
            _follow(text, section.text, (_FIRST[section.origin or Origin.USER], ""), runs)
        times = {one.origin: one.created for one in revisions if one.section_id == section.id}
        result.append(_made(section, text.versions[section.text], times))
    return result


def report(document: Document) -> str:
    """The report as Markdown without a heading. Raises :class:`lwtui.errors.DocumentError`."""
    return report_on(document.sections(), document.path)


def report_on(present: Iterable[Section], path: Path) -> str:
    """The same from a document's sections and path, in any thread."""
    sections = made(present, path)
    total: Counter[Hand] = sum((one.words for one in sections), Counter())
    kinds = [kind for kind in Hand if kind is not Hand.IMPORTED or total[kind]]
    models = list(dict.fromkeys(model for one in sections for model in one.models))
    parts = [_summary(total)]
    if sections:
        parts.append("\n".join(_table(sections, total, kinds, models)))
    if models:
        parts.append("\n".join(f"{number}. {literal(model)}" for number, model in enumerate(models, 1)))
    return "\n\n".join([*parts, _METHOD])


def save_report(told: str, title: str, path: Path) -> None:
    """Write a report to a Markdown file of its own, in one step. Raises :class:`lwtui.errors.DocumentError`."""
    try:
        write_atomically(path, f"# {TITLE}: {title}\n\n{told}\n")
    except OSError as error:
        raise DocumentError(f"Cannot write {path}: {error.strerror}. Choose another place.") from error


def _revisions(path: Path) -> list[Revision]:
    """Every version of every section, also of those that left the plan, the oldest first."""
    try:
        with closing(connect_reader(path)) as db:
            ids = [section_id for (section_id,) in db.execute("SELECT DISTINCT section_id FROM revision")]
            found = [revision for section_id in ids for revision in section_rows.revisions(db, section_id)]
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    return sorted(found, key=lambda revision: revision.id)


# -- following words


def _in_part(made: Provenance | None) -> bool:
    """Whether a version has changes of a model's within a text that stood: a passage, or some of a candidate."""
    return made is not None and bool(made.task) and not made.is_candidate


def _follow(text: _TracedText, new: str, source: Source, runs: dict[int, Source], *, in_part: bool = False) -> None:
    """Take ``text`` on to its next version. ``runs`` are the words of all earlier versions, :data:`_RUN` at a time."""
    words = units(new)
    sources = text.versions.get(new)
    if sources is None:
        sources = _blended(text, words, source, in_part=in_part)
        if source == _BY_HAND:
            _find_moved(words, sources, runs)
        text.versions[new] = sources
        if source != _BY_HAND:
            for at in range(len(words) - _RUN + 1):
                runs.setdefault(hash(tuple(words[at : at + _RUN])), sources[at])
    text.words, text.sources = words, sources


def _blended(text: _TracedText, words: Sequence[str], source: Source, *, in_part: bool) -> list[Source]:
    """Who the words of the next version are from."""
    old, sources = text.words, text.sources
    before = _in_common(old, words)
    after = _in_common(old[before:][::-1], words[before:][::-1])
    inner_old, inner = old[before : len(old) - after], words[before : len(words) - after]
    if source == _BY_HAND and inner_old:
        changed = _edited(inner_old, sources[before : len(old) - after], inner)
    elif in_part and inner_old:
        changed = _put_in(inner_old, sources[before : len(old) - after], inner, source)
    else:
        changed = [source] * len(inner)
    return [*sources[:before], *changed, *sources[len(old) - after :]]


def _edited(old: Sequence[str], sources: Sequence[Source], new: Sequence[str]) -> list[Source]:
    """Who the words are from where a person made ``new`` out of ``old``."""
    result: list[Source] = []
    for kind, start, stop, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            result += sources[start:stop]
            continue
        replaced = min(end - begin, sum(source != _BY_HAND for source in sources[start:stop]))
        result += [_EDITED] * replaced + [_BY_HAND] * (end - begin - replaced)
    return result


def _put_in(old: Sequence[str], sources: Sequence[Source], new: Sequence[str], source: Source) -> list[Source]:
    """Who the words are from where changes of a model's were put into ``old``."""
    result: list[Source] = []
    for kind, start, stop, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        result += sources[start:stop] if kind == "equal" else [source] * (end - begin)
    return result


def _find_moved(words: Sequence[str], sources: list[Source], runs: dict[int, Source]) -> None:
    """Give words that a person took from elsewhere in the document back to who wrote them there."""
    own = [source in (_BY_HAND, _EDITED) for source in sources]
    for at in range(len(words) - _RUN + 1):
        if any(own[at : at + _RUN]) and (source := runs.get(hash(tuple(words[at : at + _RUN])))):
            for place in range(at, at + _RUN):
                if own[place]:
                    sources[place] = source


def _in_common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two texts begin with in common."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


# -- telling


def _made(section: Section, sources: Sequence[Source], times: Mapping[Origin, float]) -> Made:
    words = Counter(hand for hand, _ in sources)
    models = tuple(dict.fromkeys(model for hand, model in sources if hand is Hand.MODEL and model))
    return Made(section, words, models, times.get(Origin.MODEL), times.get(Origin.USER))


def _summary(total: Counter[Hand]) -> str:
    words = total.total()
    if not words:
        return "There is no text yet."
    shares = [
        f"{_share(total[Hand.MODEL], words)} as a model wrote them",
        f"{_share(total[Hand.EDITED], words)} edited by hand",
        f"{_share(total[Hand.HAND], words)} written by hand",
    ]
    if total[Hand.IMPORTED]:
        shares.append(f"{_share(total[Hand.IMPORTED], words)} imported")
    return f"Of {words:,} words: {', '.join(shares)}."


def _table(
    sections: Sequence[Made], total: Counter[Hand], kinds: Sequence[Hand], models: Sequence[str]
) -> Iterable[str]:
    yield (
        "| " + " | ".join(("Section", "Words", *(k.capitalize() for k in kinds), "Models", "Written", "Edited")) + " |"
    )
    yield "| --- |" + " ---: |" * (len(kinds) + 1) + " --- |" * 3
    for one in sections:
        used = ", ".join(str(models.index(model) + 1) for model in one.models)
        title = literal(one.section.title) or _NO_TITLE
        yield _row([title, *_shares(one.words, kinds), used, _day(one.written), _day(one.edited)])
    yield _row(["**All**", *_shares(total, kinds), "", "", ""])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _shares(words: Counter[Hand], kinds: Sequence[Hand]) -> list[str]:
    total = words.total()
    return [f"{total:,}", *(_share(words[kind], total) for kind in kinds)]


def _share(part: int, whole: int) -> str:
    """A share in whole percent; what is there at all is never called nothing, nor what is not all, all."""
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 1:
        return f"<{_SPACE}1{_SPACE}%"
    return f">{_SPACE}99{_SPACE}%" if 99 < percent < 100 else f"{percent:.0f}{_SPACE}%"


def _described(made: Provenance) -> str:
    """A model and its settings."""
    settings = [f"{name} {value}" for name, value in sorted(made.sampling.items()) if value not in (None, "", [])]
    if made.seed is not None and "seed" not in made.sampling:
        settings.append(f"seed {made.seed}")
    if made.model_hash:
        settings.append(f"SHA-256 of its file {made.model_hash}")
    return ": ".join(part for part in (made.model, ", ".join(settings)) if part)


def _day(moment: float | None) -> str:
    return "" if moment is None else f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d}"


def literal(text: str) -> str:
    """``text`` as Markdown that shows it to the letter."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
