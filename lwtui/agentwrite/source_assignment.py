"""Gives the short sources that a new plan names for no section to the section that they fit best.

Models are asked to end a main point with the keys of its sources, and small ones do not. Their main points are so
general that the search would show every section the same few passages, and most sources would stay unused.
"""

from __future__ import annotations

from collections.abc import Mapping

from lwtui.documents.model import Plan
from lwtui.sources.store import SourceStore

_SHORT = 6  # passages of a source, about 1,000 words; the parts of a longer one serve several sections
_MOST = 3  # sources for each section; of more, the search alone chooses


def assigned_sources(
    plan: Plan, store: SourceStore, named: Mapping[str, tuple[str, ...]]
) -> Mapping[str, tuple[str, ...]]:
    """Return the ids of the sources of each section, by the id of the section.

    Args:
        plan: The plan.
        store: The sources of the document.
        named: The sources that the plan itself names. They stay as they are.
    """
    sections = [section for section in plan.sections if section.words]
    sources = store.list()
    known = {id for ids in named.values() for id in ids}
    waiting = [source.id for source in sources if source.id not in known and source.passages <= _SHORT]
    if not waiting or len(sources) > _MOST * len(sections):
        return named
    given = {section.id: list(named.get(section.id, ())) for section in sections}
    body = sections[:-1] if len(sections) > _MOST else sections  # the last one concludes
    fit = {section.id: store.relevance(f"{section.title}\n{section.main_point}") for section in body}

    def best(source_id: str) -> float:
        return max(scores.get(source_id, 0.0) for scores in fit.values())

    for source_id in sorted(waiting, key=best, reverse=True):
        # A section that has sources already needs another one less.
        chosen = max(fit, key=lambda id: ((1 + fit[id].get(source_id, 0.0)) / (1 + len(given[id])), -len(given[id])))
        given[chosen].append(source_id)
    return {id: tuple(ids) for id, ids in given.items() if ids}
