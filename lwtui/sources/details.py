"""Finds what of a sentence can be checked against a source: its figures, names and quotations."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import regex

from lwtui.sources.figures import Figure, find_figures, fold_width, names_part
from lwtui.text.abbreviations import MONTHS

_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
_CAPITALIZED = regex.compile(
    r"(?<![\p{L}\p{N}])(?:\p{Lu}[\p{L}\p{M}]*(?:['’]\p{Lu}\p{L}+)?|\p{Ll}+\p{Lu}[\p{L}\p{M}]*)"
)
_LATIN_WORD = regex.compile(r"(?<![\p{L}\p{N}])\p{Latin}[\p{Latin}\p{M}'’]+")
_KATAKANA = regex.compile(r"[\p{Katakana}ー]{4,}")
_QUOTED = regex.compile(
    r"“([^“”\n]{2,400})”|„([^„“”\n]{2,400})[“”]|«\s?([^«»\n]{2,400}?)\s?»|「([^「」\n]{2,200})」|『([^『』\n]{2,200})』"
    r"|《([^《》\n]{2,100})》|(?<![\p{L}\p{N}])\"([^\"\n]{2,400})\"(?![\p{L}\p{N}])"
)
_SEVERAL_WORDS = regex.compile(rf"\S\s+\S|[{_CJK}]{{4}}")
_CLOSED = regex.compile(r"[\s\p{P}]*")
_COMBINING = regex.compile(r"\p{Mn}+")
_LABEL = regex.compile(r"(?<=[^s]s)(?![\p{L}'’])|\s*[:：–—]")  # "Cost: …"; and "Merchants" are no name
_ACRONYM = regex.compile(r"\p{Lu}{2,6}")
# Capitalized words that begin sentences, or stand before a name, and name nothing.
_WORDS_WITHOUT_A_NAME = """
    a about above according across after again against all almost along already also although among an and another any
    are around as at back be because been before behind being below beside besides between beyond both but by can
    certainly clearly compared consequently could despite did do does down during each earlier early either eleven eight
    even eventually every everyone everything except few fewer finally first five for four from further furthermore
    generally given had half has have having he hence her here his how however i if in indeed initially instead into
    is it its itself just last late later least less like likewise little long many may me meanwhile might more moreover
    most mostly much must my near nearly neither never nevertheless next nine no nobody none nor not nothing now
    of off often on once one only onto or originally other others otherwise our out over overall own part
    particularly partly past perhaps previously rather recently roughly second see seven several shall she should
    similarly since six so some someone something sometimes soon still such ten than that the their them then there
    thereafter therefore these they thing third this those though three through throughout thus to today together
    too toward towards twelve two typically under unlike until up upon us usually was we well were what whatever when
    whenever where whereas wherever whether which while who whole whom whose why will with within without would yes yet
    you your
    mr mrs ms dr prof professor sir lord lady king queen president emperor captain saint st
    der die das ein eine einer eines einem einen und oder aber im in am an auf aus bei mit nach seit von vor zu zum zur
    es er sie wir ihr ich dies diese dieser dieses als wenn weil doch nur auch noch schon so wie was wer wo
    le la les un une des du de et ou mais il elle ils elles on nous vous ce cette ces dans en au aux par pour sur avec
    el los las una unos unas y o pero en del al con por para se su sus este esta estos estas
"""
_NO_NAMES = frozenset(_WORDS_WITHOUT_A_NAME.split()) | {name.casefold() for name in MONTHS}
_NOUN_CAPITALS = ("de", "lb")  # languages in which all nouns have a capital
_PEOPLES = """
    cornish cornwall, dutch netherlands, dutch holland, french france, welsh wales, spanish spain, danish denmark, swiss
    switzerland, greek greece, turkish turkey, polish poland, irish ireland, scottish scotland, english england, british
    britain, swedish sweden, finnish finland, flemish flanders, norman normandy, venetian venice, viennese vienna,
    neapolitan naples, genoese genoa, persian persia, thai thailand, czech czechia, burmese burma, peruvian peru
"""
_SAME = frozenset(frozenset(pair.split()) for pair in _PEOPLES.split(","))
_SPAN = regex.compile(
    r"[\s\-]*(?:years?|decades?|centur(?:y|ies)|generations?|Jahre[ns]?|Jahrzehnten?|années|años|世代)\b"
    r"|[\s\-]*年(?:后|後|间|間|来|來)"
)
_ENDINGS = frozenset(
    ["s", "es", "n", "an", "ian", "ean", "ish", "ese", "i", "er", "ers", "ns", "ans", "ians", "a", "e"]
)


@dataclass(frozen=True)
class ClaimDetail:
    """Something in a sentence that its source has to say, too.

    Attributes:
        text: Its words.
        start: Where it starts in the sentence (offset).
        end: Where it ends.
        figure: What it amounts to, if it is a figure.
        is_quote: Whether it is a quotation.
        is_sure: Whether it is a name or a figure of its own for sure, not just a word at the beginning of a sentence,
            or a span of years in words, which may follow from other figures.
    """

    text: str
    start: int
    end: int
    figure: Figure | None = None
    is_quote: bool = False
    is_sure: bool = True


def find_details(sentence: str, language: str = "") -> list[ClaimDetail]:
    """Return the details of a sentence in order.

    Args:
        sentence: The sentence, without its citations.
        language: Its language (BCP 47), if it is known.
    """
    figures = [
        ClaimDetail(
            sentence[figure.start : figure.end],
            figure.start,
            figure.end,
            figure,
            is_sure=not (figure.is_word and _SPAN.match(sentence, figure.end)),
        )
        for figure in find_figures(sentence)
        if not names_part(sentence, figure) and (not figure.is_word or figure.value > 2 or figure.kind != "number")
    ]
    quotes = []
    for match in _QUOTED.finditer(sentence):
        number = match.lastindex or 0
        if match[0][0] == "《" or _SEVERAL_WORDS.search(match[number]):
            quotes.append(ClaimDetail(match[number], match.start(number), match.end(number), is_quote=True))
    taken = [(detail.start, detail.end) for detail in [*figures, *quotes]]
    names = [
        name
        for name in _names(sentence, language)
        if not any(start < name.end and name.start < end for start, end in taken)
    ]
    return sorted([*figures, *quotes, *names], key=lambda detail: detail.start)


def fold(text: str) -> str:
    """Return ``text`` for comparison: without case, accents and width, with plain quotes."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", fold_width(text).replace("’", "'"))
    return _COMBINING.sub("", decomposed).casefold()


def other_names(name: str) -> tuple[str, ...]:
    """Return other folded words that stand for a people or a country, such as "netherlands" for "dutch"."""
    bare = _bare(name)
    return tuple(other for pair in _SAME if bare in pair for other in pair - {bare})


def same_name(name: str, other: str) -> bool:
    """Tell whether two folded words are forms of one name, such as "China" and "Chinese". They begin alike."""
    name, other = _bare(name), _bare(other)
    if name == other:
        return True
    if not (name.isascii() and other.isascii()):
        size = max(4, min(len(name), len(other)) - 1)  # in Russian or Greek, names are declined
        return len(name) > 4 and len(other) > 4 and name[:size] == other[:size] and abs(len(name) - len(other)) <= 3
    short, long = sorted((name, other), key=len)
    for stem in (short, short.rstrip("aeioy"), short.removesuffix("e")):
        if len(stem) >= 4 and long.startswith(stem) and long[len(stem) :] in _ENDINGS:
            return True
    return False


def is_acronym_of(name: str, words: list[str]) -> bool:
    """Tell whether a name is made of the first letters of some of ``words``, which follow each other."""
    if not _ACRONYM.fullmatch(name):
        return False
    initials = "".join(word[0] for word in words).casefold()
    return name.casefold() in initials


def _names(sentence: str, language: str) -> list[ClaimDetail]:
    nouns = language.split("-")[0].lower() in _NOUN_CAPITALS
    spaced = regex.search(rf"[{_CJK}]", sentence) is None
    found = []
    before = -2
    for match in _CAPITALIZED.finditer(sentence):
        word = match[0]
        begins = spaced and _begins(sentence, match.start())
        if fold(word) in _NO_NAMES or len(word) < 2 or (begins and _LABEL.match(sentence, match.end())):
            continue
        follows = before == match.start() - 1  # the word before it is capitalized, too
        is_sure = not begins and (not nouns or follows or _ACRONYM.fullmatch(word) is not None)
        found.append(ClaimDetail(word, match.start(), match.end(), is_sure=is_sure))
        before = match.end()
    if not spaced:
        known = {name.start for name in found}
        found += [
            ClaimDetail(match[0], *match.span())
            for pattern in (_LATIN_WORD, _KATAKANA)
            for match in pattern.finditer(sentence)
            if match.start() not in known
        ]
    return found


def _begins(sentence: str, start: int) -> bool:
    """Tell whether a word begins a sentence, or a part of one that has a capital for another reason."""
    before = sentence[:start].rstrip()
    return _CLOSED.fullmatch(before) is not None or before[-1:] in ':：.!?(“"„«‘—–•|'


def _bare(name: str) -> str:
    return name.removesuffix("'s").rstrip("'")
