"""Language detection, good enough for the default language of a new document."""

import regex

_SCRIPTS = (
    ("ja", r"[\p{Script=Hiragana}\p{Script=Katakana}]", 0.05),
    ("zh", r"\p{Script=Han}", 0.2),
    ("ko", r"\p{Script=Hangul}", 0.2),
    ("ru", r"\p{Script=Cyrillic}", 0.3),
    ("ar", r"\p{Script=Arabic}", 0.3),
    ("he", r"\p{Script=Hebrew}", 0.3),
    ("el", r"\p{Script=Greek}", 0.3),
    ("hi", r"\p{Script=Devanagari}", 0.3),
    ("th", r"\p{Script=Thai}", 0.3),
)
_COMMON_WORDS = {
    "de": "der die das und ist nicht ein eine über schreibe für mit von zu",
    "fr": "le la les des une est et pour dans sur avec écris écrire du un",
    "es": "el los las una es y para con sobre escribe escribir del por en",
    "pt": "o os as uma é e para com sobre escreva escrever do da em não",
    "it": "il lo gli una è e per con su scrivi scrivere della di che un",
    "nl": "de het een en is van voor met over schrijf niet op te",
    "en": "the a an and of to for about write in with on is how",
}


def detect_language(text: str) -> str:
    """Return the BCP 47 tag of the language of ``text``, detected by script, then by common words; ``en`` in doubt."""
    letters = len(regex.findall(r"\p{L}", text)) or 1
    for language, script, share in _SCRIPTS:
        if len(regex.findall(script, text)) / letters >= share:
            return language
    words = regex.findall(r"\p{L}+", text.lower())
    scores = {language: sum(word in common.split() for word in words) for language, common in _COMMON_WORDS.items()}
    best = max(scores, key=lambda language: (scores[language], language == "en"))
    return best if scores[best] else "en"
