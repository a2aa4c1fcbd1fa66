"""Compares two documents section by section: what was added, removed, moved and changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from lwtui.documents.model import Section
from lwtui.text.diff import diff
from lwtui.translation import _

_ALIKE = 0.5  # two texts under different headings are the same section if they share this much


class Change(StrEnum):
    """What has become of a section."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


_LINES = {
    Change.CHANGED: _("changed: {title} ({gained:+,} words)"),
    Change.ADDED: _("added: {title} ({gained:+,} words)"),
    Change.REMOVED: _("removed: {title} ({gained:+,} words)"),
}


@dataclass(frozen=True)
class ComparedSection:
    """A section in one or both of two documents.

    Attributes:
        change: What has become of it.
        old: The section in the first document; ``None`` if it was added.
        new: The section in the second document; ``None`` if it was removed.
    """

    change: Change
    old: Section | None
    new: Section | None

    @property
    def title(self) -> str:
        """The heading, with the old one if it was another."""
        titles = dict.fromkeys(section.title for section in (self.old, self.new) if section is not None)
        return " → ".join(titles)

    @property
    def gained(self) -> int:
        """How many words the section has gained."""
        return (self.new.length if self.new else 0) - (self.old.length if self.old else 0)

    def marked(self) -> str:
        """Return the text with its changes as ``[-old-]{+new+}``."""
        before, after = self.old.text if self.old else "", self.new.text if self.new else ""
        parts, end = [], 0
        for hunk in diff(before, after):
            parts.append(before[end : hunk.start])
            parts.append(f"[-{hunk.old}-]" * bool(hunk.old) + f"{{+{hunk.new}+}}" * bool(hunk.new))
            end = hunk.end
        return "".join([*parts, before[end:]])


def compare(old: Sequence[Section], new: Sequence[Section]) -> list[ComparedSection]:
    """Compare two documents.

    Sections belong together by their ids, as in a copy of a document; then by their headings; then by their texts.

    Returns:
        The sections of the second document in order, each removed section where it was.
    """
    partner = _partners(old, new)
    taken = {id(section) for section in partner.values()}
    result: list[ComparedSection] = []
    waiting = [section for section in old if id(section) not in taken]
    positions = {id(section): at for at, section in enumerate(old)}
    for section in new:
        before = partner.get(section.id)
        while before is not None and waiting and positions[id(waiting[0])] < positions[id(before)]:
            result.append(ComparedSection(Change.REMOVED, waiting.pop(0), None))
        if before is None:
            result.append(ComparedSection(Change.ADDED, None, section))
        else:
            same = (before.title, before.text) == (section.title, section.text)
            result.append(ComparedSection(Change.SAME if same else Change.CHANGED, before, section))
    return result + [ComparedSection(Change.REMOVED, section, None) for section in waiting]


def _partners(old: Sequence[Section], new: Sequence[Section]) -> dict[str, Section]:
    """Return the old section for each new one that has one, by the new one's id."""
    left, partner = list(old), dict[str, Section]()

    def pair(find: Callable[[Section], Section | None]) -> None:
        for section in new:
            if section.id not in partner and (found := find(section)) is not None:
                partner[section.id] = found
                left.remove(found)

    by_id = {section.id: section for section in reversed(old)}
    pair(lambda section: by_id.get(section.id))
    pair(lambda section: next((candidate for candidate in left if _same_title(candidate, section)), None))
    words = {id(candidate): candidate.text.split() for candidate in left}
    pair(lambda section: _find_alike(section, left, words))
    return partner


def _same_title(old: Section, new: Section) -> bool:
    return bool(old.title.strip()) and old.title.casefold().split() == new.title.casefold().split()


def _find_alike(section: Section, candidates: Sequence[Section], words: Mapping[int, list[str]]) -> Section | None:
    """Return the first candidate with a similar text; ``words`` are those of the candidates, by identity."""
    own = section.text.split()
    if not own:
        return None
    matcher = SequenceMatcher(None, [], own, autojunk=False)  # which keeps what it has learned of the second text
    ratios = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)  # the first two are upper bounds
    for candidate in candidates:
        matcher.set_seq1(words[id(candidate)])
        if all(ratio() >= _ALIKE for ratio in ratios):
            return candidate
    return None


def comparison_lines(compared: Sequence[ComparedSection], *, texts: bool = True) -> Iterator[str]:
    """Yield a comparison as lines of text: a line for each section, then the changed texts if ``texts`` is set."""
    for item in compared:
        if item.change is Change.SAME:
            continue
        yield _LINES[item.change].format(title=item.title or _("(the text)"), gained=item.gained)
        if texts:
            yield from ("", *item.marked().split("\n"), "")
    counts = {change: sum(item.change is change for item in compared) for change in Change}
    gained = sum(item.gained for item in compared)
    yield _(
        "{changed} changed, {added} added, {removed} removed, {same} the same; {gained:+,} words",
        changed=counts[Change.CHANGED],
        added=counts[Change.ADDED],
        removed=counts[Change.REMOVED],
        same=counts[Change.SAME],
        gained=gained,
    )
