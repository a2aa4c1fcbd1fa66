"""Numbers that are written out, such as "two thousand", "zweitausend" and "两千"."""

from __future__ import annotations

import regex

from lwtui.text.lazy_pattern import LazyPattern

_VALUES = {
    # English
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen": range(1, 20),
    "twenty thirty forty fifty sixty seventy eighty ninety": range(20, 100, 10),
    "a couple of": (2,),
    # German and Dutch
    "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf": range(2, 13),
    "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig": range(20, 100, 10),
    "twee drie vier vijf zes zeven acht negen tien": range(2, 11),
    # French
    "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze": range(2, 16),
    "vingt trente quarante cinquante soixante": range(20, 70, 10),
    # Spanish, Portuguese and Italian
    "dos tres cuatro cinco seis siete ocho nueve diez": range(2, 11),
    "dois três quatro cinco seis sete oito nove dez": range(2, 11),
    "duas": (2,),
    "tre quattro cinque sette otto nove dieci": (3, 4, 5, 7, 8, 9, 10),
    "duemila seimila": (2000, 6000),  # "due" and "sei" are words of other languages
    "doscientas trescientas cuatrocientas quinientas seiscientas setecientas ochocientas": range(200, 900, 100),
    "duzentas trezentas quatrocentas quinhentas seiscentas setecentas oitocentas": range(200, 900, 100),
    # Russian and Ukrainian
    "две три четыре пять шесть семь восемь девять десять": range(2, 11),
    "дві три чотири п'ять шість сім вісім дев'ять десять": range(2, 11),
    "двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот": range(200, 1000, 100),
    "двісті триста чотириста п'ятсот шістсот сімсот вісімсот дев'ятсот": range(200, 1000, 100),
    # Polish and Turkish
    "dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć": range(2, 11),
    "dwieście trzysta czterysta pięćset sześćset siedemset osiemset dziewięćset": range(200, 1000, 100),
    "iki üç dört beş altı yedi sekiz dokuz": range(2, 10),
    # Arabic
    "ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة": range(3, 11),
    "مئتي ثلاثمائة أربعمائة خمسمائة ستمائة سبعمائة ثمانمائة تسعمائة": range(200, 1000, 100),
    "مائتي ثلاثمئة أربعمئة خمسمئة ستمئة سبعمئة ثمانمئة تسعمئة": range(200, 1000, 100),
    "ألفي": (2000,),
}
_HUNDREDS = "hundred hundert honderd cent cents cem cien cento cientos сто sto yüz مائة مئة"
_THOUSANDS = (
    "thousand tausend duizend mille mil mila тысяча тысячи тысяч тыс тисяча тисячі тисяч тис tysiąc tysiące tysięcy "
    "tisíc tisíce bin nghìn ngàn ribu हज़ार हजार พัน ألف آلاف الف هزار ہزار אלף אלפים χίλιες χιλιάδες tusen tuhat "
    "tys tuhatta tuhannen ezer mie mii хиляди hiljada hiljade tisuća tisuće tūkstančiai tūkstoši k 千 천 হাজার"
)
_TEN_THOUSANDS = "万 萬 만 หมื่น"

SCALES = dict.fromkeys(_THOUSANDS.split(), 1000) | dict.fromkeys(_TEN_THOUSANDS.split(), 10_000)
"""What a number with this word behind it is multiplied by."""

_NUMBERS = {
    word: value
    for words, values in _VALUES.items()
    for word, value in zip([words] if words.startswith("a ") else words.split(), values, strict=True)
}
_HUNDRED = dict.fromkeys(_HUNDREDS.split(), 100)
# Without those that are a number with digits alone, as in "5k" and "5 千".
_THOUSAND = {word: scale for word, scale in SCALES.items() if word not in {"k", "千", "천", "万", "萬", "만"}}
_MULTIPLIERS = _HUNDRED | _THOUSAND


def _any_of(words: dict[str, int]) -> str:
    return "|".join(regex.escape(word) for word in sorted(words, key=len, reverse=True))


_JOINED = r"(?:[\s\-]|(?:and|und|en|et|y|e|и|та|і|و)\b){0,3}+"
_WORD = rf"(?:{_any_of(_NUMBERS)}|{_any_of(_MULTIPLIERS)})"
_LED = r"(?:(?:one and a half|half a|an?|one|eine?)[\s-])?"
WRITTEN_NUMBER = rf"(?<![\p{{L}}\p{{N}}]){_LED}{_WORD}(?:{_JOINED}{_WORD}){{0,6}}+"
_HAN = "一二两兩三四五六七八九十百千万萬"
HAN_NUMBER = f"(?<![{_HAN}])[{_HAN}]{{1,12}}+"
_WORDS = LazyPattern(_WORD, regex.IGNORECASE)
HAN_DIGITS = {digit: value for value, digits in enumerate(("〇零○", *"一二三四五六七八九")) for digit in digits}
"""The digits of numbers such as ``二〇〇八``, which are written as with Arabic digits."""
_HAN_VALUES = HAN_DIGITS | dict.fromkeys("两兩", 2)
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000}


def parse_written(text: str) -> int:
    """Parse a number that is written out, such as ``two thousand five hundred``."""
    total = part = 0
    for match in _WORDS.finditer(text):
        word = match.group().casefold()
        if word in _THOUSAND:
            total, part = total + (part or 1) * _THOUSAND[word], 0
        elif word in _HUNDRED:
            part = (part or 1) * 100
        else:
            part += _NUMBERS[word]
    if regex.match(r"one and a half", text, regex.IGNORECASE):
        return round((total + part) * 1.5)
    return (total + part) // 2 if regex.match(r"half a", text, regex.IGNORECASE) else total + part


def han_digits(text: str) -> str:
    """Return the decimal digits for Chinese ones (:data:`HAN_DIGITS`)."""
    return "".join(str(HAN_DIGITS[digit]) for digit in text)


def parse_han(text: str) -> int:
    """Parse a Chinese number, such as ``两千五百`` for 2500."""
    total = part = digit = 0
    for character in text:
        if character in "万萬":
            total, part, digit = (total + part + digit or 1) * 10_000, 0, 0
        elif character in _HAN_SCALES:
            part, digit = part + (digit or 1) * _HAN_SCALES[character], 0
        else:
            digit = _HAN_VALUES[character]
    return total + part + digit
