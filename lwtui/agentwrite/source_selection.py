"""Shows passages of a document's sources in prompts, as quoted material, and lists the sources for the plan.

What a source says is data. In a prompt, each passage is one line between two marks, with a number of its own, and
nothing in it can close the marks, look like another passage, or begin a turn of the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import regex

from lwtui.agentwrite.chatter_phrases import TOKENS
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.plan_edits import without_sections
from lwtui.models.usage import estimate_tokens
from lwtui.sources.csl import people
from lwtui.sources.model import FoundPassage, Source
from lwtui.sources.reference_lists import is_reference_heading
from lwtui.sources.store import SourceStore
from lwtui.text import clean, last_sentence_end, one_line

_SHARE = 0.25  # largest share of the context that passages may take
_TOKENS_PER_WORD = 6  # of passages, for each word of a section: more only distracts a model, and takes time to read
_LEAST_TOKENS = 1_000  # of passages, however short the section
_LIST_SHARE = 0.1  # the same of the list of sources in the prompt for a plan,
_EXTRACTS_SHARE = 0.15  # and of what each of them begins with
_EXTRACT_TOKENS = (20, 120)  # of one source, at least and at most
_LONGEST_TITLE = 120  # characters
_TOKEN = regex.compile(TOKENS, regex.IGNORECASE)
# Angle brackets make tags and tokens, square ones numbers and tokens. Neither is left in what a prompt quotes.
_BRACKETS = str.maketrans("<>＜＞﹤﹥[]［］【】〔〕", "‹›‹›‹›()()()()")
_NAMED_KEYS = regex.compile(
    r"\s*[\[(（【]\s*(?P<keys>@?[a-z0-9][a-z0-9\-]*(?:\s*[,;，；、]\s*@?[a-z0-9][a-z0-9\-]*)*)\s*[\])）】]"
)
_KEY = regex.compile(r"[a-z0-9][a-z0-9\-]*")


def sources_of(document: object) -> SourceStore | None:
    """Return the sources of a document; ``None`` if it has none."""
    store: SourceStore | None = getattr(document, "source_store", None)
    return store if store is not None and store.list() else None


def quoted(text: str) -> str:
    """Return what a source says as one line that stays data within a prompt."""
    return one_line(_TOKEN.sub(" ", clean(text))).translate(_BRACKETS)


def shown_title(source: Source) -> str:
    """Return the title of a source as prompts show it."""
    return quoted(source.title)[:_LONGEST_TITLE]


def passages_room(words: int, context_length: int) -> int:
    """Return how many tokens the passages for a section of ``words`` may take."""
    return min(int(context_length * _SHARE), max(_LEAST_TOKENS, words * _TOKENS_PER_WORD))


def passages_list(found: Sequence[FoundPassage]) -> str:
    """Return passages for a prompt, one numbered line each, with the title and the page."""
    return "\n".join(_passage_line(number, one) for number, one in enumerate(found, 1))


def brief_with_sources(brief: Brief, store: SourceStore, context_length: int) -> Brief:
    """Return the brief for a plan, with one line for each source: its key, its title, and how it begins.

    A small model plans what it imagines behind a title, so it sees what the source says.

    Args:
        brief: The brief.
        store: The sources of the document.
        context_length: How many tokens the model's context has. Sources that do not fit a share of it are only counted.
    """
    room = context_length * _LIST_SHARE
    lines: list[str] = []
    sources = store.list()
    for source in sources:
        line = _source_line(source)
        room -= estimate_tokens(line) + 1
        if room < 0:
            return replace(brief, sources=(*lines, f"and {len(sources) - len(lines)} more"))
        lines.append(line)
    if not sources:
        return brief
    least, most = _EXTRACT_TOKENS
    each = min(most, int(context_length * _EXTRACTS_SHARE / len(sources)))
    if each >= least:
        lines = [line + _extract(store, source, each) for line, source in zip(lines, sources, strict=True)]
    return replace(brief, sources=tuple(lines))


def _extract(store: SourceStore, source: Source, tokens: int) -> str:
    """Return how a source begins, for its line in the prompt for a plan, in at most ``tokens``."""
    text = " ".join(quoted(passage.text) for passage in store.passages(source.id, 2))
    text = text.removeprefix(shown_title(source)).strip()
    share = tokens / max(1.0, estimate_tokens(text))
    if share < 1:
        cut = text[: int(len(text) * share)]
        text = cut[: last_sentence_end(cut)] or f"{cut.rpartition(' ')[0]} …"
    return f": {text}" if text else ""


def without_reference_sections(plan: Plan) -> Plan:
    """Return a plan without sections that are to list the references, since lwtui makes the list from the sources.

    "Sources" may stand over prose, too, but not at the end, or where the section is to say nothing but their keys.
    """

    def lists_references(section: PlannedSection) -> bool:
        point = _NAMED_KEYS.sub("", section.main_point)
        says_nothing = regex.search(r"\p{L}", point.replace(section.title, "")) is None
        return is_reference_heading(section.title, likely=says_nothing or section is plan.sections[-1])

    return without_sections(plan, lists_references)


def named_sources(plan: Plan, sources: Sequence[Source]) -> tuple[Plan, Mapping[str, tuple[str, ...]]]:
    """Take the keys of sources, such as "[gray2020]", out of the main points of a plan.

    Returns:
        The plan without them, and the ids of the sources that a section names, by the id of the section.
    """
    ids = {source.key: source.id for source in sources}
    named: dict[str, tuple[str, ...]] = {}
    sections = []
    for section in plan.sections:
        found: list[str] = []

        def take(match: regex.Match[str], found: list[str] = found) -> str:
            keys = _KEY.findall(match["keys"])
            if not all(key in ids for key in keys):
                return match[0]
            found.extend(ids[key] for key in keys if ids[key] not in found)
            return ""

        point = _NAMED_KEYS.sub(take, section.main_point).strip()
        title = _NAMED_KEYS.sub(take, section.title).strip()
        if found:
            named[section.id] = tuple(found)
            section = replace(section, main_point=point, title=title)
        sections.append(section)
    return replace(plan, sections=tuple(sections)), named


def _passage_line(number: int, found: FoundPassage) -> str:
    page = "" if found.passage.page is None else f", p. {found.passage.page}"
    return f"[{number}] ({shown_title(found.source)}{page}) {quoted(found.passage.text)}"


def _source_line(source: Source) -> str:
    authors = [str(person.get("family") or person.get("literal") or "") for person in people(source.csl, ("author",))]
    names = ", ".join(name for name in authors[:3] if name)
    more = f" ({quoted(names)[:_LONGEST_TITLE]})" if names else ""
    return f"[{source.key}] {shown_title(source)}{more}"
