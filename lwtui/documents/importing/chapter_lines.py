"""Lines of plain text that name a chapter or a part, in several languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

PART, CHAPTER = 1, 2
_MAX_HEADING = 90  # characters
_ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_ENGLISH = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
    r"(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|(?:the )?(?:first|second|third|fourth|fifth|sixth|"
    r"seventh|eighth|ninth|tenth|eleventh|twelfth|last|final)"
)
_WORDS = (
    r"eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|"  # German
    r"un|une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|premiere?|première?|"  # French
    r"uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|primer[oa]?|segund[oa]|tercer[oa]?|"  # Spanish
    r"cuart[oa]|quint[oa]|sext[oa]|séptim[oa]|octav[oa]|noven[oa]|décim[oa]|"
    r"due|tre|quattro|cinque|sei|sette|otto|nove|dieci|prim[oa]|second[oa]|terz[oa]|quart[oa]|"  # Italian
    r"um|uma|dois|duas|três|quatro|sete|oito|dez|primeir[oa]|terceir[oa]|"  # Portuguese
    r"перв\w+|втор\w+|трет\w+|четв[её]рт\w+|пят\w+|шест\w+|седьм\w+|восьм\w+|девят\w+|десят\w+|"  # Russian
    r"одиннадцат\w+|двенадцат\w+|последн\w+|один|два|три|четыре|пять|шесть|семь|восемь|девять|десять|"
    r"перш\w+|друг\w+|п['’]ят\w+|шост\w+|сьом\w+|восьм\w+|дев['’]ят\w+|"  # Ukrainian
    r"een|één|twee|drie|vijf|zes|zeven|negen|tien|"  # Dutch
    r"pierwsz\w+|drug\w+|trzec\w+|czwart\w+|piąt\w+|szóst\w+|siódm\w+|ósm\w+|dziewiąt\w+|dziesiąt\w+|"  # Polish
    r"ett|två|tre|fyra|fem|sex|sju|åtta|nio|tio|bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz|on"  # Swedish, Turkish
)
_NUMBER = rf"(?:\d{{1,4}}[a-z]?|(?-i:{_ROMAN})|(?-i:[ivxlc]{{1,7}})|(?:{_ENGLISH}|{_WORDS})|[A-H])(?!\w)"
_CHAPTER_WORDS = (
    r"chapter|chap\.|ch\.|section|scene|letter|canto|day|episode|kapitel|kap\.|abschnitt|szene|chapitre|chap\.|scène|"
    r"cap[ií]tulo|cap\.|capitolo|capítol|capitolul|escena|scena|hoofdstuk|scène|глава|розділ|глава|раздел|сцена|"
    r"rozdział|kapitola|poglavlje|поглавје|поглавље|kapittel|kapitel|kapitula|luku|fejezet|bölüm|chương|bab|κεφάλαιο|"
    r"skyrius|nodaļa|peatükk|kafli|caibidil|pennod|capitulum|caput"
)
_PART_WORDS = (
    r"part|book|volume|vol\.|act|teil|buch|band|akt|erster teil|partie|livre|tome|acte|parte|libro|volumen|acto|atto|"
    r"livro|ato|deel|boek|часть|книга|том|частина|część|księga|tom|část|kniha|díl|del|bok|osa|kirja|rész|könyv|kısım|"
    r"kitap|phần|quyển|bagian|jilid|μέρος|βιβλίο|pars|liber"
)
# In these languages the number may come first: "Erstes Kapitel", "Первая глава", "Second Part".
_ORDINAL_FIRST = (
    r"(?:the )?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|last|final)|"
    r"(?:erste|zweite|dritte|vierte|fünfte|sechste|siebte|siebente|achte|neunte|zehnte|elfte|zwölfte|letzte)[srn]?|"
    r"premi(?:er|ère)|deuxième|seconde?|troisième|quatrième|cinquième|sixième|septième|huitième|neuvième|dixième|dernière?|"
    r"primer[oa]?|segund[oa]|tercer[oa]?|cuart[oa]|prim[oa]|second[oa]|terz[oa]|primeir[oa]|terceir[oa]|"
    r"перв\w+|втор\w+|трет\w+|четв[её]рт\w+|пят\w+|шест\w+|седьм\w+|восьм\w+|девят\w+|десят\w+|"
    r"eerste|tweede|derde|vierde|vijfde|pierwsz\w+|drug\w+|trzec\w+|birinci|ikinci|üçüncü|dördüncü|beşinci|\d{1,3}\.?"
)
_NAMED = (
    r"prologue|prolog|epilogue|epilog|foreword|preface|introduction|afterword|postscript|interlude|intermezzo|coda|"
    r"acknowledge?ments|dedication|appendix(?: [A-Z\d]+)?|conclusion|author['’]s note|about the author|glossary|"
    r"bibliography|"
    r"vorwort|nachwort|einleitung|einführung|zwischenspiel|danksagung|anhang(?: [A-Z\d]+)?|schluss|nachspiel|vorspiel|"
    r"avant-propos|préface|épilogue|introduction|postface|remerciements|annexe(?: [A-Z\d]+)?|"
    r"prólogo|epílogo|prefacio|introducción|agradecimientos|apéndice|prefácio|introdução|posfácio|agradecimentos|"
    r"prologo|epilogo|prefazione|introduzione|ringraziamenti|appendice|postfazione|"
    r"пролог|эпилог|предисловие|послесловие|введение|заключение|приложение|от автора|благодарности|интерлюдия|"
    r"епілог|передмова|післямова|вступ|wstęp|epilog|przedmowa|posłowie|předmluva|doslov|úvod|závěr|"
    r"proloog|epiloog|voorwoord|nawoord|inleiding|förord|efterord|inledning|forord|etterord|innledning|"
    r"önsöz|sonsöz|giriş|πρόλογος|επίλογος|εισαγωγή|esipuhe|jälkisanat|előszó|utószó|lời nói đầu|mở đầu"
)
_TITLE = r"(?:[ \t]*[:.–—―·|、，-]+[ \t]*|[ \t]+)(?P<title>\S.*)"
_EASTERN = r"[0-9０-９〇零一二三四五六七八九十百千两兩廿卅壱弐参]+"
_PATTERNS = (
    (PART, rf"(?:{_PART_WORDS})[ \t]+(?:the[ \t]+)?(?P<number>{_NUMBER})\.?(?:{_TITLE})?"),
    (CHAPTER, rf"(?:{_CHAPTER_WORDS})[ \t]*(?:no\.|nr\.|№|n°|#)?[ \t]*(?P<number>{_NUMBER})\.?(?:{_TITLE})?"),
    (PART, rf"(?P<number>{_ORDINAL_FIRST})[ \t]+(?:{_PART_WORDS})\.?(?:{_TITLE})?"),
    (CHAPTER, rf"(?P<number>{_ORDINAL_FIRST})[ \t]+(?:{_CHAPTER_WORDS})\.?(?:{_TITLE})?"),
    (
        PART,
        rf"第[ \t]*(?P<number>{_EASTERN})[ \t]*[卷部篇編编巻冊册幕](?:分)?(?:[ \t\u3000：:、.．·—-]+(?P<title>\S.*))?",
    ),
    (
        CHAPTER,
        rf"(?:正文[ \t\u3000]*)?第[ \t]*(?P<number>{_EASTERN})[ \t]*[章回节節话話集夜場场]"
        r"(?:[ \t\u3000：:、.．·—-]*(?P<title>\S.*))?",
    ),
    (PART, rf"(?:卷|部)[ \t]?(?P<number>{_EASTERN})(?:[ \t\u3000：:、.．]+(?P<title>\S.*))?|[上中下]卷"),
    (PART, r"제?[ \t]*(?P<number>\d+|[일이삼사오육칠팔구십]+)[ \t]*(?:부|권|편|막)(?:[ \t.:：]+(?P<title>\S.*))?"),
    (CHAPTER, r"제?[ \t]*(?P<number>\d+)[ \t]*(?:장|화|회|절)(?:[ \t.:：]+(?P<title>\S.*))?"),
    (CHAPTER, r"제[ \t]*(?P<number>[일이삼사오육칠팔구십]+)[ \t]*(?:장|화|회|절)(?:[ \t.:：]+(?P<title>\S.*))?"),
    (CHAPTER, r"(?:الفصل|الباب)[ \t]+(?P<number>\S+(?:[ \t]عشر)?)(?:[ \t]*[:.–—-][ \t]*(?P<title>\S.*))?"),
    (PART, r"(?:الجزء|الكتاب|القسم)[ \t]+(?P<number>\S+)(?:[ \t]*[:.–—-][ \t]*(?P<title>\S.*))?"),
    (CHAPTER, r"(?:פרק)[ \t]+(?P<number>\S{1,12}?)(?:[ \t]*[:.–—-][ \t]*(?P<title>\S.*))?"),
    (PART, r"(?:חלק|ספר)[ \t]+(?P<number>\S{1,12}?)(?:[ \t]*[:.–—-][ \t]*(?P<title>\S.*))?"),
    (CHAPTER, r"(?:فصل|باب)[ \t]+(?P<number>\S+)(?:[ \t]*[:.–—-][ \t]*(?P<title>\S.*))?"),
    (CHAPTER, r"(?:अध्याय|पाठ|অধ্যায়|அத்தியாயம்|บทที่|ตอนที่|ជំពូកទី)[ \t]*(?P<number>\S{1,12})(?:[ \t]+(?P<title>\S.*))?"),
    (CHAPTER, rf"(?P<named>{_NAMED})(?:\.|{_TITLE})?"),
    (
        CHAPTER,
        r"(?P<named>序章?|序言|自序|前言|引子|引言|楔子|尾声|尾聲|"
        r"终章|終章|后记|後記|番外(?:篇)?[ \t]?[0-9一二三四五六七八九十]*|附录|附錄|"
        r"プロローグ|エピローグ|はじめに|おわりに|まえがき|あとがき|幕間|間章|閑話|外伝|終わりに|"
        r"프롤로그|에필로그|머리말|들어가며|나가며|맺음말|서문|서장|종장|후기|외전(?:[ \t]?\d+)?|작가의 말)"
        r"(?:[ \t\u3000：:、.．·—-]+(?P<title>\S.*))?",
    ),
    (CHAPTER, r"(?P<named>مقدمة|خاتمة|تمهيد|مقدمه|הקדמה|פרולוג|אפילוג|מבוא|סוף דבר)"),
)
_COMPILED = tuple((level, regex.compile(pattern, regex.IGNORECASE)) for level, pattern in _PATTERNS)
# How such a line begins, to pass over most lines at once.
_BEGINNING = regex.compile(
    rf"[第제正卷部上中下\d零〇一二三四五六七八九十序自前引楔尾终終后後番附プエはおまあ幕間閑外프에머들나맺서종후외작일이삼사오육칠팔구십]"
    rf"|\p{{Arabic}}|\p{{Hebrew}}|[अপঅঅபบตជ]|(?:{_PART_WORDS}|{_CHAPTER_WORDS}|{_ORDINAL_FIRST}|{_NAMED})(?!\p{{L}})",
    regex.IGNORECASE,
)
# A sentence may begin like a chapter line; a heading has no such end.
_SENTENCE_END = regex.compile(
    r"[,;，、；]$|[。！？]$|[\p{Ll}\p{Lo}][.!?。！？…]+[\"'”’»」』)]*$|[.!?]\s+\p{Lu}\p{Ll}+\s+\p{Ll}"
)
_CASED = regex.compile(r"[\p{Lu}\p{Ll}]")
_SMALL = regex.compile(r"\p{Ll}")
_SEQUENCE = regex.compile(
    rf"(?P<digits>\d{{1,3}})[.)]?|(?P<roman>(?-i:{_ROMAN}))[.)]?|(?P<word>{_ENGLISH})", regex.IGNORECASE
)
_NUMBER_WORDS = {name: number for number, name in enumerate(_ENGLISH.split("|")[:19], 1)}
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


@dataclass(frozen=True)
class ChapterLine:
    """A line that names a chapter or a part.

    Attributes:
        level: :data:`PART` or :data:`CHAPTER`.
        text: The line.
        has_title: Whether there is more than a number.
        is_named: Whether it has a name in place of a number, as a prologue has.
    """

    level: int
    text: str
    has_title: bool
    is_named: bool = False


def chapter_line(line: str) -> ChapterLine | None:
    """Return what a line that stands alone names; ``None`` if it is text."""
    line = " ".join(line.split()).strip("=~*_-–—【】〔〕[]《》 ")
    if not line or len(line) > _MAX_HEADING or not _BEGINNING.match(line):
        return None
    for level, pattern in _COMPILED:
        match = pattern.fullmatch(line)
        if match is None:
            continue
        groups = match.groupdict()
        title, named = groups.get("title") or "", groups.get("named") or ""
        if title and (_is_prose(title, line) or (named and not _can_have_title(named, title, line))):
            return None
        return ChapterLine(level, line, bool(title), bool(named))
    return None


def numbered_lines(lines: list[str]) -> list[int]:
    """Return the positions of lines that number chapters without naming them: 1, 2, 3 or I, II, III.

    Args:
        lines: The lines that stand alone, in order.
    """
    found = [(position, number) for position, line in enumerate(lines) if (number := _number_of(line))]
    for kind in ("roman", "digits", "word"):
        expected, positions = 1, []
        for position, (found_kind, value) in found:
            if found_kind == kind and value == expected:
                positions.append(position)
                expected += 1
        if len(positions) > 1:
            return positions
    return []


def is_number(line: str) -> bool:
    """Tell whether a line is a number, as of a chapter: 3, IV or Five."""
    return _number_of(line) is not None


def _number_of(line: str) -> tuple[str, int] | None:
    match = _SEQUENCE.fullmatch(line.strip().strip("-–—*~ "))
    if match is None:
        return None
    if match["digits"]:
        return "digits", int(match["digits"])
    if match["roman"]:
        return "roman", _roman(match["roman"])
    number = _NUMBER_WORDS.get(match["word"].lower())
    return ("word", number) if number else None


def _roman(text: str) -> int:
    values = [_ROMAN_DIGITS[char] for char in text]
    return sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def _is_prose(title: str, line: str) -> bool:
    """Tell whether what follows a number goes on as a sentence: "Chapter 2 was the best of the book."."""
    if _SENTENCE_END.search(title) and not title.isupper() and (len(title.split()) > 3 or title[-1] in "。！？"):
        return True
    after_number = line[: len(line) - len(title)].rstrip()
    starts_small = bool(_SMALL.match(title))
    is_separated = after_number[-1:] in ":.–—―-·|、，："
    return starts_small and not is_separated


def _can_have_title(named: str, title: str, line: str) -> bool:
    """Tell whether a prologue or the like has a title of its own: "Prologue: Snow", but not "Introduction to him"."""
    if not named.isascii() and not _CASED.search(named):
        return True
    is_separated = line[: len(line) - len(title)].rstrip()[-1:] in tuple(":.–—―-·|、，：")
    return line.isupper() or (is_separated and not _SMALL.match(title))


def headings(lines: list[str]) -> Iterator[tuple[int, ChapterLine]]:
    """Yield the positions of chapter lines among lines that stand alone, and what they name."""
    found = [(position, chapter) for position, line in enumerate(lines) if (chapter := chapter_line(line))]
    if not any(chapter for _, chapter in found if not chapter.is_named):
        numbers = numbered_lines(lines)
        found += [(position, ChapterLine(CHAPTER, lines[position].strip(), False)) for position in numbers]
    yield from sorted(dict(found).items())
