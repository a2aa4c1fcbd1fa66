"""The length that an instruction asks for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import regex

from lwtui.text.lazy_pattern import LazyPattern
from lwtui.text.number_words import HAN_NUMBER, SCALES, WRITTEN_NUMBER, parse_han, parse_written
from lwtui.translation import _

DEFAULT_WORDS = 1500  # where the instruction asks for no length
MIN_WORDS, MAX_WORDS = 20, 1_000_000
PAGE_WORDS, PAGE_CHARACTERS = 250, 500  # of a page, as publishers count it
_SHEET_CHARACTERS = 400  # of a sheet of Japanese manuscript paper

_APART = 4  # characters between two things that are quoted together
_HUGE = 1e12  # stands for any larger number


@dataclass(frozen=True)
class AskedLength:
    """A length that an instruction asks for.

    Attributes:
        words: The length, in the counter's unit.
        source: The words of the instruction that say so.
        rule: How it follows from them, where that is not plain.
    """

    words: int
    source: str
    rule: str = ""

    def explain(self, unit: str) -> str:
        """Say the length and where it comes from, as in: 5,000 words, from “500 words per chapter, 10 chapters”."""
        return _("{words:,} {unit}, from “{source}”", words=self.words, unit=unit, source=self.source)

    def explain_fully(self, unit: str) -> str:
        """Say the same with the rule: … (10 × 500)."""
        if not self.rule:
            return self.explain(unit)
        return _(
            "{words:,} {unit}, from “{source}” ({rule})",
            words=self.words,
            unit=unit,
            source=self.source,
            rule=self.rule,
        )


# -- patterns

_SPACE = r"[ \u00a0\u202f]"
_GROUPED = rf"\d{{1,3}}(?:[,.'’{_SPACE[1:-1]}]\d{{3}})+(?!\d)|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?!\d)"
_GROUPS = LazyPattern(_GROUPED)
_DIGITS = rf"(?<![\p{{Latin}}\p{{Cyrillic}}\d]|\d[.,])(?:{_GROUPED}|\d{{1,15}}(?:[.,]\d{{1,2}}(?!\d))?)"
_SCALE = (
    rf"(?:{_SPACE}?(?P<scale>"
    + "|".join(sorted(map(regex.escape, SCALES), key=len, reverse=True))
    + r")(?:\.|\b|(?=[千천万萬만字자語文\d]))"
)
_SCALE = _SCALE + ")"
_UNIT_WORDS = (
    # with a space before them, and inflected
    r"words?|characters?|Wörter\w*|Worte?n?|Zeichen|mots?|caractères?|palabras?|caracteres|palavras?|parole|caratteri"
    r"|paraules|woorden|tekens|ord|sanaa|sanan|sanoja|слова?м?и?|слів|знак(?:ов|ів)|слоў|думи|речи|reči|riječi|besed"
    r"|słow(?:a|ach|ami)?|słów|slova?|slov|szó|szavas|szót|szavak|cuvinte|kelime\w*|sözcük\w*|λέξε\w+|hitz|sõna|vārd\w+|žodži\w+"
    r"|maneno|salita|woorde|orð|fjalë|kata|perkataan|từ|chữ|tiếng"
    r"|كلمة|كلمات|کلمه|کلمات|واژه|الفاظ|لفظ|מילים|מלים|מילה|शब्द\w*|शब्दों|শব্দ\w*|வார்த்தை\w*|சொற்கள்|పదాలు|სიტყვ\w+|բառ\w*"
)
_UNIT_SIGNS = (
    r"단어|낱말|글자|자(?![가-힣]{2})|文字|单词|單詞|単語|ワード|語(?![\p{Han}])|字|词|詞"
    r"|คำ|ຄຳ|ពាក្យ|စကားလုံး|ቃላት|ቃል"
)
_UNIT = rf"(?P<unit>(?:{_UNIT_WORDS})(?![\p{{L}}\p{{M}}])|{_UNIT_SIGNS})"
_FILLER = (
    rf"(?:{_SPACE}?[+\-‐‑]{_SPACE}?|{_SPACE}?(?:多|余|餘|来|來|여)?{_SPACE}?(?:个|個|개의|개)?"
    rf"|{_SPACE}(?:or{_SPACE}so|or{_SPACE}more|plus|de|di|English|total|полных){_SPACE}|{_SPACE}?)"
)
_TO = (
    rf"{_SPACE}?(?:[-–—~～〜]|至|到|から|에서|부터){_SPACE}?"
    rf"|{_SPACE}(?:to|and|or|bis|und|oder|à|et|ou|a|y|o|e|do|до|і|и|або|или|tot|en|till|til|og|och|až|ile|đến|hingga"
    rf"|sampai|إلى|تا|עד|से|ถึง){_SPACE}"
)
_NUMBER = rf"(?P<number>{_DIGITS})(?:{_SCALE}(?:(?P<digit>\d)(?P<hundreds>[百千천]))?)?"
_LOW = rf"(?P<low>{_DIGITS})(?:{_SPACE}?(?P<low_scale>k|千|万|萬|천|만))?"
_PLAIN = LazyPattern(
    rf"(?:{_LOW}{_FILLER}(?:{_UNIT_WORDS}|{_UNIT_SIGNS})?(?:{_TO}))?{_NUMBER}{_FILLER}{_UNIT}", regex.IGNORECASE
)
_WRITTEN = LazyPattern(rf"(?P<number>{WRITTEN_NUMBER})(?:[ \-]|{_SPACE}de{_SPACE})?{_UNIT}", regex.IGNORECASE)
_HAN = LazyPattern(rf"(?<![\d.])(?P<number>{HAN_NUMBER})(?:多|余|餘|来)?(?:个|個)?(?P<unit>字|词|詞|文字)")
# A title with capitals, as in "A Thousand Words", tells no length.
_TITLE_CASE = LazyPattern(r"\p{Lu}[\p{L}\- ]*\b(?:Words|Mots|Palabras|Palavras|Parole|Слов)\Z")

_PART = (
    r"(?:chapters?|sections?|parts?|scenes?|episodes?|stor(?:y|ies)|articles?|letters?|essays?|days?|acts?|pages?|posts?"
    r"|paragraphs?|lessons?|modules?|entries|entry|tales?|poems?|units?"
    r"|kapitel\w*|abschnitte?n?|teile?n?|szenen?|seiten?|absätze?n?|chapitres?|parties?|scènes?|capítulos?|secciones|sección"
    r"|partes?|seções|seção|capitol[io]|sezion[ie]|part[ei]|hoofdstuk(?:ken)?|del(?:ar|er)?|avsnitt"
    r"|глав[аыу]?|раздел(?:ов|а|ы)?|част(?:ь|и|ей)|розділ(?:и|ів|у)?|rozdział(?:y|ów|u)?|kapitol[ay]?"
    r"|bölüm\w*|فصول|فصل|chương|bab)"
)
_SINGULAR = r"(?:chapter|section|part|scene|episode|story|article|letter|essay|day|act|page|post|paragraph)"
_PARTS = rf"(?!{_SINGULAR}[, ]){_PART}"
_PART_SIGN = r"(?:章節|章节|章|部分|節|节|篇|장(?![가-힣]{2})|챕터|บท)"
_SMALL_PART = (
    r"(?:abstract|summary|introduction|intro|conclusion|preface|foreword|synopsis|caption|bio|blurb|tagline|footnote|heading"
    r"|title|sentence|line|bullet|paragraph|quote|description|teaser|epilogue|prologue|Zusammenfassung|Einleitung|Fazit|Absatz"
    r"|Satz|résumé|introduction|phrase|paragraphe|resumen|introducción|frase|párrafo|resumo|introdução|sommario"
    r"|аннотаци\w+|введени\w+|абзац\w*|предложени\w+)s?(?!\p{L})|摘要|简介|引言|句子?|段落?|要約"
)
_SMALL = LazyPattern(_SMALL_PART, regex.IGNORECASE)
_COUNT = rf"(?P<count>\d{{1,3}}|{WRITTEN_NUMBER}|[一二两兩三四五六七八九十]{{1,3}})"
_COUNTED_PARTS = LazyPattern(
    rf"(?<![\d.,]){_COUNT}(?:[ \-]?(?:个|個|개의)?[ ]?)(?:\p{{L}}+[ ])?(?:{_PART}(?!\p{{L}})|{_PART_SIGN})"
    rf"|(?<![\d.,])(?P<times>\d{{1,3}})(?=[ ]?[×x][ ]?\d)",
    regex.IGNORECASE,
)
_AFTER_PER = LazyPattern(
    rf"[ \-]?(?:long[ ])?(?:,[ ])?(?:(?:per|an?|each|every|in each|for each|in every|for every|pro|je|par|por"
    rf"|per ogni|in jedem|na|za|в|на|у|на кажд\w+|в кажд\w+|par chaque|en cada|em cada|na każdy)"
    rf"[ \-](?P<part>{_PART})(?!\p{{L}})"
    rf"|/[ ]?(?:{_PART}|{_PART_SIGN})|(?:for|in)[ ]each[ ]of|[×x][ ]?(?=\d)"
    rf"|each(?!\p{{L}})|apiece|jeweils|chacun|cada un|кажд|ciascun|elk(?!\p{{L}}))",
    regex.IGNORECASE,
)
_BEFORE_PER = LazyPattern(
    rf"(?:{_PARTS}[,:]?[ ](?:of|with|à|a|de|di|zu|mit|je|van|met|av|på|по|z|po|s|each)[ ](?:je[ ]|jeweils[ ]|each[ ])?"
    r"|(?:each|jede[srn]?|chacune?|cada un[oa]|кажд\w+)(?![ ]\d)[^.;\d]{0,30}[ ]"
    rf"|each[ ]of[ ](?:the|its)[ ]\d{{1,3}}[ ]{_PART}[^.;\d]{{0,30}}|\d{{1,3}}[ ]?[×x][ ]?"
    r"|(?:mỗi|setiap|tiap|každá|každý|fiecare|minden|jokainen|hver|كل|هر|ہر|हर|प्रत्येक|every|each|jedes|jeder|jeden|chaque|cada|ogni|elk|elke|varje|кажд\w+|każd\w+|her|per|pro)"
    rf"[ ]{_PART}[^.;\d]{{0,24}}"
    rf"|(?:每|各)(?:个|個)?{_PART_SIGN}[^。；\d一-十]{{0,6}}|{_PART_SIGN}(?:당|마다)[ ]?"
    rf"|각[ ]?{_PART_SIGN}[^\d]{{0,4}})"
    rf"(?:about|around|approximately|some|roughly|ca\.|etwa|environ|unos|circa|около|ok\.|约|約|약)?[ ]?\Z",
    regex.IGNORECASE,
)
_WIDE_COMMA = LazyPattern(r"(?<=\d)，(?=\d{3})")  # elsewhere it divides a sentence: "…的文章，800字"
_IN_TOTAL = LazyPattern(r"[^.;,]{0,8}(?:in total|altogether|overall|insgesamt|au total|en total)", regex.IGNORECASE)
_OF_OTHERS = LazyPattern(r"\b(?:the|this|that|my|his|her|their|our|your|its|these)[ ]\Z", regex.IGNORECASE)
_SIDE = LazyPattern(
    r"\b(?:with|including|plus|has|have|and|mit|avec|con|com|с)[ ](?:an?[ ]|eine[rm]?[ ]|une?[ ])?\Z", regex.IGNORECASE
)
_NO_LENGTH_BEFORE = LazyPattern(
    r"(?:vocabulary of|worth|Wortschatz von|vocabulaire de|vocabulario de|says? more than|more than a)[ ]"
    r"(?:about[ ])?(?:an?[ ])?\Z",
    regex.IGNORECASE,
)
_NO_LENGTH_AFTER = LazyPattern(
    rf"[ ](?:per|a|each|pro|par|por)[ ](?:{_SMALL_PART})"
    r"|[ ]?(?:per|a|an|/)[ ]?(?:minute|min\b|hour|second)|[ ]pro[ ](?:Minute|Stunde)|[ ]of vocabulary",
    regex.IGNORECASE,
)
_YEAR_BEFORE = LazyPattern(
    r"\b(?:in|since|from|by|during|until|of|year|năm|im Jahr|en|em|nel|в)[ ]\Z", regex.IGNORECASE
)
_SHORTENS = LazyPattern(
    r"\b(?:summar|condens|shorten|abridg|boil down|cut down|zusammenfass|fasse|kürz|résum|resum|riassum|сократи)"
    r"|总结|概括|缩写|要約して|요약",
    regex.IGNORECASE,
)
_QUOTED = LazyPattern(
    r"“[^“”\n]{0,200}+”|„[^“”\n]{0,200}+[“”]|«[^«»\n]{0,200}+»|»[^«»\n]{0,200}+«|\"[^\"\n]{0,200}+\"|「[^「」\n]{0,200}+」|『[^『』\n]{0,200}+』|《[^《》\n]{0,200}+》|‘[^‘’\n]{0,200}+’(?!\p{L})"
    r"|(?<![\p{L}\p{N}])'[^'\n]{1,200}+'(?![\p{L}\p{N}])|(?<![\w*])[*_][^*_\n]{1,200}+[*_](?![\w*])"
)
_PAGES = LazyPattern(
    rf"(?:{_LOW}(?:{_TO}))?(?P<number>{_DIGITS}|{WRITTEN_NUMBER}|[一二两三四五六七八九十]{{1,3}})[ \-]?"
    r"(?P<page>pages?(?!\p{L})|Seiten?(?!\p{L})|páginas?(?!\p{L})|pagine(?!\p{L})|pagina's|страниц\w*|сторінок|сторінки|stron(?:y|ę)?(?!\p{L})"
    r"|sayfa\w*|trang(?!\p{L})|صفح\w+|页|頁|ページ|枚|페이지|장(?:짜리|분량)|หน้า)",
    regex.IGNORECASE,
)


# -- reading an instruction


@dataclass(frozen=True)
class _Found:
    """A length in the text, from ``start`` to ``end``."""

    words: int
    start: int
    end: int
    unit: str


def asked_length(instruction: str) -> AskedLength | None:
    """Return the length that an instruction asks for: of the whole, and the largest of several.

    "a 2,000-word essay", "800 to 1,000 words", "三千字", "500 words per chapter, 10 chapters". Of a text that has to
    be shortened, the length afterwards counts. Pages count where no words are told.
    """
    text = _prepare(instruction)
    parts: list[_Found] = []
    wholes: list[_Found] = []
    sides: list[_Found] = []
    for found in _lengths(text):
        before, after = text[max(0, found.start - 60) : found.start], text[found.end : found.end + 40]
        if _tells_nothing(found, before, after):
            continue
        if per := _per_part(found, before, after):
            parts.append(_Found(found.words, found.start - per[0], found.end + per[1], found.unit))
        elif _SMALL.match(after.lstrip(" -")):
            sides += [] if _SIDE.search(before) else [found]
        else:
            (sides if _OF_OTHERS.search(before) else wholes).append(found)
    counts = _counts_of_parts(text) if parts else []
    multiplied = [length for part in parts if (length := _times_parts(instruction, counts, part)) is not None]
    plain = [AskedLength(found.words, _source(instruction, found.start, found.end)) for found in wholes]
    fitting = [length for length in (*multiplied, *plain) if MIN_WORDS <= length.words <= MAX_WORDS]
    choose = min if _SHORTENS.search(text) else max
    if fitting:
        return choose(fitting, key=lambda length: length.words)
    if (pages := _pages(instruction, text)) is not None:
        return pages
    weak = [AskedLength(found.words, _source(instruction, found.start, found.end)) for found in (*parts, *sides)]
    weak = [length for length in weak if MIN_WORDS <= length.words <= MAX_WORDS]
    return choose(weak, key=lambda length: length.words, default=None)


def words_in(instruction: str) -> int | None:
    """Return the length that an instruction asks for, or ``None``."""
    asked = asked_length(instruction)
    return asked.words if asked else None


def scaled(number: str, scale: str | None) -> int:
    """Parse a number such as ``2,000`` with its scale, such as ``k`` or ``тысячи``."""
    factor = SCALES.get((scale or "").lower(), 1)
    negative, number = number.startswith("-"), number.removeprefix("-")
    if _GROUPS.fullmatch(number):
        number = regex.sub(r"\D", "", number)
    value = min(_HUGE, float(number.replace(",", ".")) * factor)
    return round(-value if negative else value)


def _prepare(instruction: str) -> str:
    """Return the instruction with digits of all scripts as ASCII, and without what is quoted, at the same offsets."""
    text = instruction if instruction.isascii() else "".join(map(_ascii_digit, instruction))
    text = _WIDE_COMMA.sub(",", text)
    return _QUOTED.sub(lambda match: "\n" * len(match.group()), text)


def _ascii_digit(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return {"٬": ",", "٫": ".", "－": "-"}.get(character, character)


def _lengths(text: str) -> Iterator[_Found]:
    """Yield all numbers of words in ``text``."""
    for match in _PLAIN.finditer(text):
        words = scaled(match["number"], match["scale"])
        if match["digit"]:
            words += int(match["digit"]) * (100 if match["hundreds"] == "百" else 1000)
        start = match.start("number")
        if match["low"]:
            low = scaled(match["low"], match["low_scale"] or (match["scale"] if "." in match["low"] else None))
            factor = scaled("1", match["scale"])
            if low * factor < words and words / 10 <= low * factor and not match["low_scale"]:
                low *= factor
            if words / 4 <= low < words:
                words, start = round((low + words) / 2), match.start()
        yield _Found(words, start, match.end(), match["unit"])
    for match in _HAN.finditer(text):
        yield _Found(parse_han(match["number"]), match.start(), match.end(), match["unit"])
    for match in _WRITTEN.finditer(text):
        if not _TITLE_CASE.match(match.group()):
            yield _Found(parse_written(match["number"]), match.start(), match.end(), match["unit"])


def _tells_nothing(found: _Found, before: str, after: str) -> bool:
    is_year = 1900 <= found.words < 2100 and found.words % 50 != 0 and _YEAR_BEFORE.search(before) is not None
    return is_year or bool(_NO_LENGTH_BEFORE.search(before) or _NO_LENGTH_AFTER.match(after))


def _per_part(found: _Found, before: str, after: str) -> tuple[int, int] | None:
    """Return how far the words that make it the length of each part reach to both sides, or ``None``."""
    ahead, behind = _BEFORE_PER.search(before), _AFTER_PER.match(after)
    if ahead is None and behind is None:
        return None
    if ahead is not None and _IN_TOTAL.match(after):
        return None
    return len(before) - ahead.start() if ahead else 0, behind.end() if behind else 0


def _counts_of_parts(text: str) -> list[_Found]:
    """Return all numbers of parts in ``text``, such as "10 chapters"."""
    found = []
    for match in _COUNTED_PARTS.finditer(text):
        given = match["count"] or match["times"]
        if given.isdecimal():
            number = int(given)
        else:
            number = parse_han(given) if regex.match(r"\p{Han}", given) else parse_written(given)
        if number > 1:
            found.append(_Found(number, match.start(), match.end(), ""))
    return found


def _times_parts(instruction: str, counts: list[_Found], part: _Found) -> AskedLength | None:
    """Return the length of a text with parts of equal length, if the instruction tells their number."""
    others = (count for count in counts if not (count.start <= part.start and count.end >= part.end))
    count = min(others, key=lambda count: abs(count.start - part.start), default=None)
    if count is None:
        return None
    start, end = min(count.start, part.start), max(count.end, part.end)
    if end - start <= (count.end - count.start) + (part.end - part.start) + _APART:
        source = _source(instruction, start, end)
    else:
        told = sorted([(part.start, part.end), (count.start, count.end)])
        source = ", ".join(_source(instruction, *span) for span in told)
    return AskedLength(part.words * count.words, source, f"{count.words} × {part.words:,}")


def _pages(instruction: str, text: str) -> AskedLength | None:
    """Return the length of a text of so many pages."""
    lengths = []
    for match in _PAGES.finditer(text):
        if _OF_OTHERS.search(text[: match.start()]) or (match["page"] == "枚" and "稿" not in text):
            continue
        given = match["number"]
        if regex.match(r"\d", given):
            grouped = _GROUPS.fullmatch(given)
            number = float(scaled(given, None)) if grouped else float(given.replace(",", "."))
        else:
            number = parse_han(given) if regex.match(r"\p{Han}", given) else parse_written(given)
        start = match.start("number")
        if match["low"] and (low := scaled(match["low"], None)) < number:
            number, start = (number + low) / 2, match.start()
        each, rule = PAGE_WORDS, _("{count} words a page")
        if match["page"] in {"页", "頁", "ページ", "枚"}:
            each = _SHEET_CHARACTERS if match["page"] == "枚" else PAGE_CHARACTERS
            rule = _("{count} characters a page")
        words = round(number * each)
        if MIN_WORDS <= words <= MAX_WORDS:
            lengths.append(AskedLength(words, _source(instruction, start, match.end()), rule.format(count=each)))
    return max(lengths, key=lambda length: length.words, default=None)


def _source(instruction: str, start: int, end: int) -> str:
    return " ".join(instruction[start:end].split()).strip(" ,.;:—-，。；")
