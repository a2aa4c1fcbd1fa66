"""Sentence boundaries, where a text can be cut cleanly."""

import regex

_ABBREVIATIONS = r"(?<!\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|cf|No|Fig|approx|[A-Z]))"
_END = regex.compile(
    # A full stop of any script, with the closing quotes and brackets after it ...
    rf"(?:{_ABBREVIATIONS}\.(?!\d)|[!?…。！？｡।؟]+|\.{{3}})['\"”’»」』）\])*_]*(?=\s|$|[\p{{Script=Han}}\p{{Script=Hiragana}}\p{{Script=Katakana}}「『])"
    # ... or the end of a paragraph.
    r"|(?<=\S)(?=\n\s*\n)"
)


def sentence_ends(text: str) -> list[int]:
    """Return the offset of the end of each sentence, in ascending order. The end of a paragraph ends a sentence."""
    # The last sentence of a paragraph matches twice, at the same offset.
    return list(dict.fromkeys(match.end() for match in _END.finditer(text)))


def last_sentence_end(text: str) -> int:
    """Return the offset of the end of the last complete sentence, or 0 if there is none."""
    ends = sentence_ends(text)
    return ends[-1] if ends else 0
