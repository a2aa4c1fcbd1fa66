"""Shows passages of a document's sources in prompts, as quoted material, and lists the sources for the plan.

What a source says is data. In a prompt, each passage is one line between two marks, with a number of its own, and
nothing in it can close the marks, look like another passage, or begin a turn of the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import regex

from lwtui.agentwrite.chatter_phrases import TOKENS
from lwtui.documents.model import Brief, Plan
from lwtui.documents.plan_edits import without_sections
from lwtui.models.usage import estimate_tokens
from lwtui.sources.csl import people
from lwtui.sources.model import FoundPassage, Source
from lwtui.sources.reference_lists import is_reference_heading
from lwtui.sources.store import SourceStore
from lwtui.text import clean, one_line

_SHARE = 0.25  # largest share of the context that passages may take
_TOKENS_PER_WORD = 10  # of passages, for each word of a section: more only distracts a model, and takes time to read
_LEAST_TOKENS = 1_000  # of passages, however short the section
_LIST_SHARE = 0.1  # the same of the list of sources in the prompt for a plan
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


def brief_with_sources(brief: Brief, sources: Sequence[Source], context_length: int) -> Brief:
    """Return the brief for a plan, with one line for each source.

    Args:
        brief: The brief.
        sources: The sources of the document.
        context_length: How many tokens the model's context has. Sources that do not fit a share of it are only counted.
    """
    room = context_length * _LIST_SHARE
    lines: list[str] = []
    for source in sources:
        line = _source_line(source)
        room -= estimate_tokens(line) + 1
        if room < 0:
            lines.append(f"and {len(sources) - len(lines)} more")
            break
        lines.append(line)
    return replace(brief, sources=tuple(lines))


def without_reference_sections(plan: Plan) -> Plan:
    """Return a plan without sections that are to list the references, since lwtui makes the list from the sources."""
    return without_sections(plan, lambda section: is_reference_heading(section.title))


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
