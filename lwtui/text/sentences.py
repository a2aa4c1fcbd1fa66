"""Where sentences end: the places at which a text can be cut without harm."""

import regex

_ABBREVIATIONS = r"(?<!\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|cf|No|Fig|approx|[A-Z]))"
_END = regex.compile(
    # A full stop of any script with the quotes and brackets that close with it ...
    rf"(?:{_ABBREVIATIONS}\.(?!\d)|[!?…。！？｡।؟]+|\.{{3}})['\"”’»」』）\])*_]*(?=\s|$|[\p{{Script=Han}}\p{{Script=Hiragana}}\p{{Script=Katakana}}「『])"
    # ... or the end of a paragraph, whatever stands there.
    r"|(?<=\S)(?=\n\s*\n)"
)


def sentence_ends(text: str) -> list[int]:
    """Offsets just past each sentence in ``text``, rising; the end of a paragraph ends a sentence."""
    # A sentence that ends its paragraph matches twice, at the same offset.
    return list(dict.fromkeys(match.end() for match in _END.finditer(text)))


def last_sentence_end(text: str) -> int:
    """Offset just past the last whole sentence in ``text``, or 0 if it has none."""
    ends = sentence_ends(text)
    return ends[-1] if ends else 0
