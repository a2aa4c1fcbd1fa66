"""Language detection for instructions: named only when sure.

The script decides where only one language is commonly written in it. Elsewhere, py3langid's model says how likely each
language is, and the letters of the text rule languages out. Loading the model takes a second or so: see :func:`load`.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

import regex

from lwtui.text.lazy_pattern import LazyPattern

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN = "und"  # BCP 47 for a language that was not determined

_SURE = 0.7  # the least probability of a language that is named
_RULED_OUT = 1e-4  # what the probability of a language without a letter of the text is multiplied by
_LESS_LIKELY = 0.2  # the same for a language that a word points away from
_SAMPLE = 5000  # characters
# Scripts, their languages, and the share of the letters from which they count.
_SCRIPTS = (
    ("ja", r"[\p{Hiragana}\p{Katakana}]", 0.05),
    ("zh", r"\p{Han}", 0.2),
    ("ko", r"\p{Hangul}", 0.2),
    ("el", r"\p{Greek}", 0.3),
    ("he", r"\p{Hebrew}", 0.3),
    ("th", r"\p{Thai}", 0.3),
    ("lo", r"\p{Lao}", 0.3),
    ("km", r"\p{Khmer}", 0.3),
    ("my", r"\p{Myanmar}", 0.3),
    ("ka", r"\p{Georgian}", 0.3),
    ("hy", r"\p{Armenian}", 0.3),
    ("am", r"\p{Ethiopic}", 0.3),
    ("bo", r"\p{Tibetan}", 0.3),
    ("si", r"\p{Sinhala}", 0.3),
    ("ta", r"\p{Tamil}", 0.3),
    ("te", r"\p{Telugu}", 0.3),
    ("kn", r"\p{Kannada}", 0.3),
    ("ml", r"\p{Malayalam}", 0.3),
    ("gu", r"\p{Gujarati}", 0.3),
    ("pa", r"\p{Gurmukhi}", 0.3),
)
# Scripts of several languages: of these, and no others.
_SHARED = {
    r"\p{Cyrillic}": "ru uk be bg sr mk kk ky tg tt mn ba cv",
    r"\p{Arabic}": "ar fa ur ps ku ckb sd ug arz azb",
    r"\p{Devanagari}": "hi mr ne",
    r"\p{Bengali}": "bn as",
}
# What the model chooses from: languages that are named, and near ones that are easily taken for them.
_CANDIDATE_TAGS = (
    "af ar arz as az ba be bg bn bs ca ckb cs cv cy da de en eo es et eu fa fi fil fo fr ga gl gu hi hr hu id is it kk "
    "ku ky lb lt lv mk mn mr ms mt nb ne nl no pl ps pt ro ru sa sd sk sl sq sr sv sw tg tl tr tt ug uk ur uz vi"
)
_CANDIDATES = frozenset(_CANDIDATE_TAGS.split())
_SAME = {"no": "nb", "nn": "nb", "arz": "ar", "tl": "fil"}
_UNNAMED = frozenset(["ms", "bs", "sr"])  # in Latin letters, too near to Indonesian and Croatian
# Words of one of several near languages.
_MARKERS = {
    "hi": "है हैं की का के में और पर से को",
    "ne": "छ छन् हो मा को र लाई",
    "mr": "आहे आहेत आणि मला सांगा लिहा",
    "da": "af mig hvorfor efter",
    "nb": "av meg ei hvorfor etter",
    "sv": "och av mig att",
    "es": "una y los las del",
    "pt": "uma os em do da",
    "cs": "co že se",
    "sk": "čo že sa",
    "ru": "что это или как про",
    "bg": "за са това как",
}
_MARKER_WORDS: dict[str, frozenset[str]] = {
    word: frozenset(language for language, words in _MARKERS.items() if word in words.split())
    for words in _MARKERS.values()
    for word in words.split()
}
# Letters, and the languages that use them in words of their own.
_LETTERS = {
    "їєґ": "uk",
    "ў": "be",
    "йьюя": "ru uk be bg kk ky tt mn ba cv tg",
    "ыэ": "ru be kk ky tt mn ba cv",
    "ё": "ru be ky tt mn tg ba cv",
    "іI": "uk be kk",
    "ъ": "ru bg tt ba tg ky",
    "щ": "ru uk bg",
    "љњћђ": "sr mk",
    "ј": "sr mk",
    "ѓќѕ": "mk",
    "әғқңөұүһ": "kk ky tt mn ba tg",
    "ٹڈڑںھہۂے": "ur sd",
    "پچگژ": "fa ur ps ku ckb sd ug azb",
    "کی": "fa ur ps ku ckb azb",
    "ةكي": "ar arz ps sd ug",
    "ښځټډړ": "ps",
    "ڕڵێۆ": "ku ckb ug",
    "ळ": "mr",
    "ৰৱ": "as",
    "łżźśćńąę": "pl",
    "șț": "ro",
    "şţ": "ro tr az ku",
    "ă": "ro vi",
    "âî": "ro fr pt tr vi cy",
    "řěů": "cs",
    "ľĺŕ": "sk",
    "őű": "hu",
    "ğı": "tr az",
    "ə": "az",
    "ơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ": "vi",
    "ãõ": "pt vi et gn",
    "ñ¿¡": "es gl ast eu tl fil br",
    "ß": "de",
    "å": "sv da nb nn no fi",
    "æø": "da nb nn no fo is",
    "þð": "is fo",
    "āēīķļņģ": "lv",
    "ėųį": "lt",
    "œ": "fr",
    "ħġċ": "mt",
    "ŵŷ": "cy",
    "ĉĝĥĵŝŭ": "eo",
    "čšž": "cs sk sl hr sr bs lt lv et",
    "đ": "hr sr bs vi",
    "ç": "fr pt ca tr az sq oc ku eu",
    "ö": "de sv fi hu tr et az is nl",
    "ü": "de hu tr et az es ca pt fr lb",
    "ä": "de sv fi sk et lb",
}
_ENGLISH_WORDS = (
    "the a an of to for about write in with on is how and that this my your tell explain what why story essay guide "
    "history short long article report me into from between by as at are should will would their its"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_WORDS = LazyPattern(r"[\p{L}\p{M}]+")
_LEAST_ENGLISH = 0.4  # share of the words


def detect_language(text: str) -> str:
    """Return the BCP 47 tag of the language of ``text`` if it is sure, otherwise :data:`UNKNOWN`."""
    text = " ".join(dict.fromkeys(text[:_SAMPLE].split()))  # a word that is repeated says nothing more
    letters = len(regex.findall(r"\p{L}", text))
    if not letters:
        return UNKNOWN
    for language, script, share in _SCRIPTS:
        if len(regex.findall(script, text)) / letters >= share:
            return language
    within = next((tags for script, tags in _SHARED.items() if len(regex.findall(script, text)) / letters >= 0.5), "")
    likely = _likely(text, frozenset(within.split()))
    best, probability = max(likely.items(), key=lambda item: item[1], default=(UNKNOWN, 0.0))
    if probability >= _SURE:
        return best if within or best not in _UNNAMED else UNKNOWN
    return "en" if not within and _is_english(text, likely) else UNKNOWN


def load() -> None:
    """Load the model, so that :func:`detect_language` answers at once. Takes a second or so; safe in a thread."""
    _identifier()


def is_loaded() -> bool:
    """Tell whether the model is loaded."""
    return _identifier.cache_info().currsize > 0


def _likely(text: str, within: frozenset[str]) -> dict[str, float]:
    """Return the probability of each language, given the letters of the text and the languages of its script."""
    # A name may have letters of another language.
    words = _WORDS.findall(text)
    own = [word for at, word in enumerate(words) if at == 0 or not word[0].isupper()] or words
    used = set("".join(own).lower())
    allowed = [frozenset(tags.split()) for letters, tags in _LETTERS.items() if used & set(letters)]
    rivals = {word.lower(): _MARKER_WORDS[word.lower()] for word in words if word.lower() in _MARKER_WORDS}
    chances: dict[str, float] = {}
    identifier = _identifier()
    for language, probability in identifier.rank(text) if identifier else ():
        if language not in _CANDIDATES or (within and language not in within):
            continue
        chance = float(probability) * _RULED_OUT ** sum(language not in languages for languages in allowed)
        name = _SAME.get(language, language)
        if name in _MARKERS:
            chance *= _LESS_LIKELY ** sum(name not in languages for languages in rivals.values())
        chances[name] = chances.get(name, 0.0) + chance
    total = sum(chances.values()) or 1.0
    return {language: chance / total for language, chance in chances.items()}


def _is_english(text: str, likely: dict[str, float]) -> bool:
    """Tell whether many words of a short text are English, which the model is seldom sure of."""
    words = [word.lower() for word in _WORDS.findall(text)]
    known = sum(word in _ENGLISH for word in words)
    is_possible = not likely or likely.get("en", 0.0) > 0.05
    return text.isascii() and known >= 2 and known / len(words) >= _LEAST_ENGLISH and is_possible


@cache
def _identifier() -> LanguageIdentifier | None:
    """Load the model. It is unpacked to a temporary file: without room for that, letters and words have to do."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    try:
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    except OSError as error:
        logging.getLogger(__name__).warning("languages are told by letters and words alone: %s", error.strerror)
        return None
