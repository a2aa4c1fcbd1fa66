"""What the filters of a section look up in the plan: the headings and the main points of the other sections.

It is computed once for a plan, since each section of a long document asks for it.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from lwtui.agentwrite.prompt_leak import passages_in
from lwtui.agentwrite.stream_cleaner import heading_key
from lwtui.documents.model import Plan
from lwtui.documents.outline import SamePlan

_MOST_PLANS = 8  # whose indexes are kept


class PlanIndex:
    """The headings and main points of a plan, in the forms in which filters compare them.

    Attributes:
        headings: The keys of all headings (see :func:`lwtui.agentwrite.stream_cleaner.heading_key`).
    """

    def __init__(self, plan: Plan) -> None:
        """Read a plan."""
        titles = {section.title for section in plan.sections}
        self._titles = frozenset(titles)
        self._keys = Counter(map(heading_key, titles))  # with the number of different headings that have each
        self._all_keys = frozenset(self._keys)
        self.headings = self._all_keys - {""}
        self._points = {section.id: passages_in([section.main_point]) for section in plan.sections}
        self._counts = Counter(passage for passages in self._points.values() for passage in passages)
        self._all_points = frozenset(self._counts)

    def other_headings(self, title: str) -> frozenset[str]:
        """Return the keys of all headings but ``title``. Another heading may have the same key."""
        key = heading_key(title)
        return self._all_keys - {key} if title in self._titles and self._keys[key] == 1 else self._all_keys

    def other_points(self, section_id: str) -> frozenset[str]:
        """Return the passages of the main points of all sections but one."""
        own = self._points.get(section_id, frozenset())
        return self._all_points.difference(passage for passage in own if self._counts[passage] == 1)


def plan_index(plan: Plan) -> PlanIndex:
    """Return the index of a plan."""
    return _index(SamePlan(plan))


@lru_cache(maxsize=_MOST_PLANS)
def _index(key: SamePlan) -> PlanIndex:
    return PlanIndex(key.plan)
