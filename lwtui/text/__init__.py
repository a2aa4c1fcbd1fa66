"""What every part of lwtui agrees on about text: how it is counted, cut into sentences and made safe.

Depends on nothing else in lwtui.
"""

from lwtui.text.cleaning import StreamCleaner, clean, one_line
from lwtui.text.counting import RunningCount, count_words, counts_characters, units
from lwtui.text.language import detect_language
from lwtui.text.sentences import last_sentence_end, sentence_ends

__all__ = [
    "RunningCount",
    "StreamCleaner",
    "clean",
    "count_words",
    "counts_characters",
    "detect_language",
    "last_sentence_end",
    "one_line",
    "sentence_ends",
    "units",
]
