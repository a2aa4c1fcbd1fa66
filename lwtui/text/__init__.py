"""Text tools that all of lwtui shares: counting, cutting and cleaning text, and formatting figures.

This package depends on nothing else in lwtui.
"""

from lwtui.text.cleaning import ControlStripper, clean, one_line
from lwtui.text.counting import RunningCount, count_words, counts_characters, units
from lwtui.text.figures import duration, money
from lwtui.text.landing import landing_places, last_landing, last_space
from lwtui.text.language import detect_language
from lwtui.text.sentences import ends_sentence, last_sentence_end, sentence_ends, sentences_of

__all__ = [
    "ControlStripper",
    "RunningCount",
    "clean",
    "count_words",
    "counts_characters",
    "detect_language",
    "duration",
    "ends_sentence",
    "landing_places",
    "last_landing",
    "last_sentence_end",
    "last_space",
    "money",
    "one_line",
    "sentence_ends",
    "sentences_of",
    "units",
]
