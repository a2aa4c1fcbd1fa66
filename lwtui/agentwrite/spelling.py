"""Finds misspelled words with a dictionary of Hunspell's, such as those of LibreOffice, Firefox and the system.

Names are not reported: words with a capital letter within sentences, what the document's facts and notes are about, and
the words of the user's own list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from lwtui.agentwrite.lint import Finding, TextPart, place_of
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.errors import ConfigError, LwtuiError
from lwtui.text import sentence_ends
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.documents.store import Document

SPELLING = "spelling"  # the kind of these findings
WORDS_FILE = "spelling.txt"  # the user's own words, a word on each line, beside the settings
DICTIONARIES = "dictionaries"  # the folder of the user's own dictionaries, beside the settings
_SYSTEM = ("/usr/share/hunspell", "/usr/share/myspell/dicts", "/usr/share/myspell", "/opt/homebrew/share/hunspell")
_USUAL = {"en": "en_US", "pt": "pt_PT", "es": "es_ES", "de": "de_DE", "fr": "fr_FR", "sv": "sv_SE", "nb": "nb_NO"}
_CAPITALIZES_NOUNS = ("de", "lb")  # so that a capital letter marks no name
_MOST_PLACES = 12  # of one finding
_MOST_SUGGESTED = 20  # words for which other words are suggested, which takes long
_SUGGESTIONS = 3
_LONGEST = 60  # characters of a word
_WORD = regex.compile(r"[\p{L}\p{M}][\p{L}\p{M}\p{N}]*(?:['’‘\-][\p{L}\p{M}\p{N}]+)*")
_NO_PROSE = regex.compile(  # code, addresses, tags, formulas, citations
    r"(?ms)^ {0,3}(```|~~~).*?(?:^ {0,3}\1[^\n]*$|\Z)|`[^`\n]*`|<[^<>\n]{1,200}>|\$[^$\n]{1,200}\$"
    r"|(?:https?://|www\.)\S+|\S+@\S+\.\S+|\[[@^][^\]\n]*\]|\\\w+|[@#]\w+"
)
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'"})
_POSSESSIVE = regex.compile(r"'s?$")
_OTHER_SCRIPT = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]")


@dataclass
class Speller:
    """A dictionary.

    Attributes:
        name: Its name, such as ``en_US``.
        dictionary: It, as spylls reads it.
        known: Words that count as spelled correctly, in lower case.
    """

    name: str
    dictionary: Any
    known: frozenset[str] = frozenset()
    _seen: dict[str, bool] = field(default_factory=dict)

    def knows(self, word: str) -> bool:
        """Tell whether a word is spelled correctly."""
        if (found := self._seen.get(word)) is None:
            self._seen[word] = found = self._looked_up(word)
        return found

    def _looked_up(self, word: str) -> bool:
        bare = _POSSESSIVE.sub("", word)
        forms = [one for one in dict.fromkeys((word, bare)) if one]
        if any(one.casefold() in self.known or self.dictionary.lookup(one) for one in forms):
            return True
        pieces = [piece for piece in bare.split("-") if piece]
        return len(pieces) > 1 and all(self.knows(piece) for piece in pieces)

    def suggestions(self, word: str) -> list[str]:
        """Return words that may have been meant."""
        found = []
        for suggestion in self.dictionary.suggest(word):
            found.append(str(suggestion))
            if len(found) == _SUGGESTIONS:
                break
        return found


def open_speller(language: str, folder: Path, known: Iterable[str] = ()) -> Speller:
    """Open the dictionary of a language.

    Args:
        language: The language of the text, as a BCP 47 tag.
        folder: The folder of the settings, which may have dictionaries (``dictionaries/*.dic``) and a list of words.
        known: Names and words of the document that count as spelled correctly.

    Raises:
        LwtuiError: The extra is not installed, or there is no dictionary for the language.
        ConfigError: A file of the user's own cannot be read.
    """
    if find_spec("spylls") is None:
        raise LwtuiError(
            _('Spelling needs spylls, which is not installed. Install the extra: pip install "lwtui[spelling]"'),
            code="missing-extra",
        )
    path = find_dictionary(language, (folder / DICTIONARIES, *map(Path, _SYSTEM), *_shipped()))
    if path is None:
        raise LwtuiError(
            _(
                "There is no dictionary for {language}. Put one (its .dic and .aff file) into {folder}.",
                language=language_name(language),
                folder=folder / DICTIONARIES,
            ),
            code="no-dictionary",
        )
    return Speller(path.stem, _load(path.with_suffix("")), known_words(folder, known))


def known_words(folder: Path, known: Iterable[str] = ()) -> frozenset[str]:
    """Return the words that count as spelled correctly: those of ``known``, and of the user's own list in ``folder``.

    Raises:
        ConfigError: The list cannot be read.
    """
    words = {word.casefold() for text in known for word in _words_of(text)}
    return frozenset(words | _own_words(folder / WORDS_FILE))


def names_of(document: Document) -> list[str]:
    """Return the names that a document's facts and notes are about."""
    notes = [name for note in document.notes for name in (note.title, *note.triggers)]
    return [*(fact.subject for fact in document.facts), *notes]


def find_dictionary(language: str, folders: Iterable[Path]) -> Path | None:
    """Return the ``.dic`` file of a language: of its region, else the usual one, else any of that language."""
    tag = language.replace("-", "_").casefold()
    short = tag.split("_")[0]
    if not short:
        return None
    wanted = [tag, _USUAL.get(short, "").casefold(), f"{short}_{short}", short]
    paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.dic"))]
    paths = [path for path in paths if path.with_suffix(".aff").is_file()]
    stems = [(path.stem.replace("-", "_").casefold(), path) for path in paths]
    exact = [path for want in dict.fromkeys(filter(None, wanted)) for stem, path in stems if stem == want]
    return next(iter([*exact, *(path for stem, path in stems if stem.split("_")[0] == short)]), None)


def _message(word: str, dictionary: str, times: int, others: Sequence[str]) -> str:
    if times == 1:
        message = _("“{word}” is not in the dictionary {dictionary}", word=word, dictionary=dictionary)
    else:
        message = _(
            "“{word}” is not in the dictionary {dictionary}, {count} times",
            word=word,
            dictionary=dictionary,
            count=times,
        )
    return _("{message}: {words}?", message=message, words=", ".join(others)) if others else message


def find_misspellings(parts: Sequence[TextPart], speller: Speller, language: str) -> list[Finding]:
    """Return a finding for each word that is not in the dictionary and is no name, the most frequent first."""
    places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    names: set[str] = set()
    for number, part in enumerate(parts):
        starts = _sentence_starts(part.text)
        for start, end, word in _words(part.text):
            if speller.knows(word):
                continue
            places[word].append((number, start, end))
            if start not in starts and word[:1].isupper():
                names.add(_POSSESSIVE.sub("", word))
    nouns = language.split("-")[0].lower() in _CAPITALIZES_NOUNS
    reported = {word: found for word, found in places.items() if nouns or _POSSESSIVE.sub("", word) not in names}
    findings = []
    for at, (word, found) in enumerate(sorted(reported.items(), key=lambda item: -len(item[1]))):
        others = speller.suggestions(word) if at < _MOST_SUGGESTED else []
        shown = tuple(place_of(parts, *place) for place in found[:_MOST_PLACES])
        findings.append(Finding(SPELLING, _message(word, speller.name, len(found), others), shown))
    return findings


def without_code(text: str) -> str:
    """Return the text with blanks in place of code, addresses and formulas, so that all offsets stay."""
    return _NO_PROSE.sub(lambda match: regex.sub(r"[^\n]", " ", match.group()), text)


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the words to check: no numbers, acronyms, or words of scripts without such dictionaries."""
    for match in _WORD.finditer(without_code(text)):
        word = match.group().translate(_APOSTROPHES)
        bare = _POSSESSIVE.sub("", word)
        has_digit = any(character.isdigit() for character in word)
        mixed = bare[1:] != bare[1:].lower()  # an acronym, or a name such as McDonald or iPhone
        if len(bare) > 1 and len(word) <= _LONGEST and not has_digit and not mixed and not _OTHER_SCRIPT.search(word):
            yield match.start(), match.end(), word


def _sentence_starts(text: str) -> frozenset[int]:
    """Return the offsets of words with which a sentence or a line begins."""
    cuts = [0, *sentence_ends(text), *(match.end() for match in regex.finditer(r"\n|[:“\"«„「]\s*", text))]
    starts = (_WORD.search(text, cut) for cut in cuts)
    return frozenset(match.start() for match in starts if match)


def _words_of(text: str) -> Collection[str]:
    return [match.group().translate(_APOSTROPHES) for match in _WORD.finditer(text)]


def _own_words(path: Path) -> set[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            _("Cannot read your words {path}: {error}. Fix the file, or move it away.", path=path, error=error)
        ) from None
    return {line.strip().translate(_APOSTROPHES).casefold() for line in lines if line.strip() and line[0] != "#"}


def _shipped() -> list[Path]:
    """Return the folders of the dictionaries that come with spylls."""
    found = find_spec("spylls.hunspell")
    if found is None or not found.submodule_search_locations:
        return []
    data = Path(next(iter(found.submodule_search_locations))) / "data"
    return sorted(path for path in data.iterdir() if path.is_dir())


@lru_cache(maxsize=4)
def _load(stem: Path) -> Any:
    from spylls.hunspell import Dictionary

    try:
        return Dictionary.from_files(str(stem))
    except (OSError, ValueError, LookupError, AttributeError) as error:
        problem = _("Cannot read the dictionary {stem}.dic: {error}. Get it again.", stem=stem, error=error)
        raise ConfigError(problem, code="bad-dictionary") from None
