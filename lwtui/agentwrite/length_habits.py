"""How long a model's sections become for the length it is asked for, learned while it writes and kept in the cache.

Every model has its own idea of 300 words, and another one in Chinese than in English. What it wrote, against what it
was asked for, corrects the next request.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lwtui.agentwrite.cache_table import CacheTable

_NEW = 0.3  # weight of a section against all before it
_MOST = 1.8  # that a request is corrected by, up or down
_LEAST_SECTIONS = 2  # before which nothing is corrected
_TELLING_SECTIONS = 4  # before which nothing is said of how much a model can fill
_FILLS = 0.75  # share of a request from which a model fills it
_STRETCH = 1.3  # of the usual length, which is as much as may be planned for one section
# The longest section that is planned for a small model before it has shown what it can fill, by the size of its weights
# in bytes. Chat models of 0.5 and 1.5 billion parameters (4 bits each) wrote 80 to 270 and 160 to 450 words.
SMALL_MODEL = 16 * 10**8
_SMALL = ((8 * 10**8, 300), (SMALL_MODEL, 400))
HABITS = CacheTable("lengths.json")


@dataclass
class LengthHabit:
    """What is known of one kind of text.

    Attributes:
        ratio: The mean of the logarithm of length written over length asked for.
        length: The mean of the logarithm of the length written.
        sections: How many sections this rests on.
    """

    ratio: float = 0.0
    length: float = 0.0
    sections: int = 0

    def learn(self, asked: int, written: int) -> None:
        """Take in a section of ``written`` words for which ``asked`` were asked."""
        weight = max(_NEW, 1 / (self.sections + 1))
        self.ratio += weight * (math.log(written / asked) - self.ratio)
        self.length += weight * (math.log(written) - self.length)
        self.sections += 1


@dataclass
class LengthHabits:
    """The habits of one model, by kind of text: its language, and whether it is prose.

    Attributes:
        key: What tells models apart; empty: nothing is kept.
        kinds: What is known.
        usual: The longest section that models of this size fill; 0 for no limit.
    """

    key: str = ""
    kinds: dict[str, LengthHabit] = field(default_factory=dict)
    usual: int = 0

    @classmethod
    def load(cls, key: str, weights: int = 0) -> LengthHabits:
        """What is known of a model; nothing if it never wrote here.

        Args:
            key: What tells models apart.
            weights: The size of the model's weights in bytes, if it is on this machine and ends its own sections.
        """
        entry = HABITS.get(key)
        try:
            kinds = {
                str(kind): LengthHabit(float(ratio), float(length), int(sections))
                for kind, (ratio, length, sections) in (entry.items() if isinstance(entry, dict) else ())
            }
        except (TypeError, ValueError):
            kinds = {}
        return cls(key, kinds, next((words for size, words in _SMALL if 0 < weights < size), 0))

    def ask_for(self, kind: str, words: int) -> int:
        """The length to ask for so that about ``words`` come."""
        habit = self.kinds.get(kind)
        if habit is None or habit.sections < _LEAST_SECTIONS:
            return words
        correction = min(_MOST, max(1 / _MOST, math.exp(-habit.ratio)))
        return max(1, round(words * correction))

    def longest(self, kind: str) -> int:
        """Return the length up to which a section may be planned.

        It is somewhat more than the model's sections usually have, if they remain well below what is asked for. If they
        do not, or if too little is known, it is what models of this size fill, or 0, for no limit.
        """
        habit = self.kinds.get(kind)
        if habit is None or habit.sections < _TELLING_SECTIONS:
            return self.usual
        reach = round(_STRETCH * math.exp(habit.length))
        if math.exp(habit.ratio) <= _FILLS:
            return reach
        return max(self.usual, reach) if self.usual else 0

    def learn(self, kind: str, asked: int, written: int) -> None:
        """Take in a section that the model ended, or that ran past its length."""
        if asked < 1 or written < 1:
            return
        self.kinds.setdefault(kind, LengthHabit()).learn(asked, written)
        if self.key:
            kept = {kind: [round(one.ratio, 4), round(one.length, 4), one.sections] for kind, one in self.kinds.items()}
            HABITS.put(self.key, kept)
