"""Decoding of text files. A guess is told, with a preview: no file is read as garbage in silence."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import regex

from lwtui.errors import DocumentError, UsageError
from lwtui.text import one_line
from lwtui.translation import _

_BYTE_ORDER_MARKS = (  # that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 8_000  # bytes that are looked at to guess an encoding
_BEFORE = 200  # bytes before the first one beyond ASCII
_PREVIEW = 60  # characters
_MAX_CHOICES = 8
_MIN_GOOD = 4  # characters beyond ASCII that are not damaged
_MAX_BAD_SHARE = 0.02  # of the characters beyond ASCII; a text with more of them is not UTF-8
_CODEC_OF_PAGES = regex.compile(rb"(?:charset=|encoding=|coding[:=])\s*[\"']?(?P<name>[\w.-]{2,30})", regex.IGNORECASE)
_INPUTENC = regex.compile(rb"\\usepackage\[(?P<name>\w+)\]\{inputenc\}")
_LATEX_NAMES = {b"ansinew": "cp1252", b"applemac": "mac_roman", b"latin9": "iso8859_15", b"cp1252": "cp1252"}
_DECLARED_WITHIN = 4_096  # bytes

# What is frequent in texts of each encoding that is tried, beyond ASCII. The letters decide between encodings in which
# the same bytes are letters of different scripts.
_ARABIC = "ايلمنوتربعدهةسفكحقأشج"
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйі"
_GREEK = "αοιετσνηυρπκμλςόίέάή"
_HEBREW = "יוהלאתרשמבנדםקחעצפ"
_SIMPLIFIED = "的一是不了在人有我他这个们来到上大为和国地以说时要就出会也你对生能而子那得于着下自之年过发后作里章第天"
_TRADITIONAL = "的一是不了在人有我他這個們來到上大為和國地以說時要就出會也你對生能而子那得於著下自之年過發後作裡章第天"
_HANGUL = "이다는에의가을로고하지한도나은들기사그를리자어아인있서라시대과해일여정수제부장"
_KANA = (
    "のにはをたがでてとしれさあいなるもかっうんまりこすくそきよらけみちつせえおねひわ"
    "アイウクコシスタトドナフムラリルレロンー"
)
_WESTERN = "éèàùçâêîôûëïüäößÄÖÜáíóúñ¿¡åæøãõÉÀ’‘“”–—…«»„"
_CENTRAL = "ąćęłńóśźżáéíěščřžýůúňťďőűöüäșțăâîşţđŁŚŽŠČŘ„”“–—’"
_TURKISH = "ıİşŞğĞçöüâÇÖÜ’“”"
_COMMON = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "cp1254": _TURKISH,
    "cp1251": _CYRILLIC,
    "koi8_r": _CYRILLIC,
    "koi8_u": _CYRILLIC + "їєґ",
    "cp866": _CYRILLIC,
    "mac_cyrillic": _CYRILLIC,
    "cp1253": _GREEK,
    "cp1255": _HEBREW,
    "cp1256": _ARABIC,
    "gb18030": _SIMPLIFIED,
    "big5hkscs": _TRADITIONAL,
    "cp932": _KANA,
    "euc_jp": _KANA,
    "cp949": _HANGUL,
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
    "cp1258": "ăâđêôơưÀạảấầậắằặẹẻếềệịỉọỏốồộớờợụủứừựỳỵýàáãèéìíòóõùú",
    "cp874": "าัิีุู่้็์เแไใโะนรอกมงย",
}
_NAMES = {
    "cp932": "Shift_JIS",
    "gb18030": "GB18030 (GBK)",
    "big5hkscs": "Big5",
    "cp949": "EUC-KR (cp949)",
    "euc_jp": "EUC-JP",
    "koi8_r": "KOI8-R",
    "koi8_u": "KOI8-U",
}
# The first bytes of the characters that an encoding of two bytes lists first, which are the frequent ones.
_FIRST_BYTES = {
    "gb18030": (0xB0, 0xD7),
    "big5hkscs": (0xA4, 0xC6),
    "cp949": (0xB0, 0xC8),
    "cp932": (0x88, 0x97),
    "euc_jp": (0xB0, 0xCF),
}
_BEYOND_ASCII = regex.compile(rb"[\x80-\xff]")
_EASTERN_FREQUENT = frozenset(_SIMPLIFIED + _TRADITIONAL + _KANA + _HANGUL)
_EASTERN = regex.compile(r"[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uff60]")
_CONTROL = regex.compile(r"[^\P{C}\s]")
_PUNCTUATION = regex.compile(r"[\p{P}\p{Zs}\u3000-\u303f\uff00-\uff60]")
_DISTURBING = regex.compile(r"[\p{C}\p{So}\p{Sk}\p{Sm}\uff61-\uff9f\u2500-\u257f\ufe50-\ufe6f¤¦¨¬¯¶¸ฃฅ๚๛]")
# A capital after a small letter, or letters of two scripts, or a sign of the section within a word.
_IMPOSSIBLE = regex.compile(
    r"\p{Ll}\p{Lu}|\p{Hangul}\p{Han}|\p{Han}\p{Hangul}|\p{L}[§†‡¢£¥°]\p{L}|[^\P{L}\p{Latin}][A-Za-z]|[A-Za-z][^\P{L}\p{Latin}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
)


@dataclass(frozen=True)
class Guess:
    """A possible encoding of a text.

    Attributes:
        encoding: The name of the codec.
        label: The name that people know it by.
        preview: How the text begins in it, from its first letter beyond ASCII.
    """

    encoding: str
    label: str
    preview: str

    def remark(self) -> str:
        """Return a sentence for the user of a text that was read in this encoding."""
        return _(
            "Read as {encoding}, which is a guess: “{preview}”. If that is wrong, import it again with --encoding "
            "NAME.",
            encoding=self.label,
            preview=self.preview,
        )


@dataclass(frozen=True)
class Decoded:
    """A decoded text.

    Attributes:
        text: The text.
        guess: How it was read, if that is not certain.
        bad: How many characters could not be decoded, and are U+FFFD in the text.
    """

    text: str
    guess: Guess | None = None
    bad: int = 0


def decode(data: bytes, source: Path, encoding: str = "") -> Decoded:
    """Decode a text file.

    Args:
        data: The bytes of the file.
        source: The file, for messages.
        encoding: The encoding that the user named; empty: find it out.

    Raises:
        DocumentError: The file is not text, or not text of this encoding.
        UsageError: There is no such encoding.
    """
    if encoding:
        return _in_named_encoding(data, source, encoding)
    for mark, codec in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _in_utf(data, codec)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:
        return Decoded(text)
    if wide := _without_mark(data) or _wide_writing(data):
        return Decoded(data.decode(wide, "replace"), _guess(data, wide))
    if b"\0" in data:
        raise _not_text(source)
    if mended := _mostly_utf8(data):
        return mended
    found = guesses(data)
    for guess in found:
        try:
            return Decoded(data.decode(guess.encoding), guess)
        except UnicodeDecodeError:
            continue  # it is right for the beginning only
    if found:
        text = data.decode(found[0].encoding, "replace")
        return Decoded(text, found[0], text.count("\ufffd"))
    raise DocumentError(
        _(
            "{source} is text in an encoding that lwtui cannot tell. Name it with --encoding, or save the file as "
            "UTF-8.",
            source=source,
        ),
        code="unknown-encoding",
    )


def guesses(data: bytes) -> list[Guess]:
    """Return the encodings that a text may be in, the most probable first."""
    from charset_normalizer import from_bytes

    sample = _telling(data)
    found = {match.encoding: match.chaos for match in from_bytes(sample)}
    scored = []
    for encoding in dict.fromkeys([*_COMMON, *found]):
        text = _text_in(data, sample, encoding)
        if text is not None:
            scored.append((_plausibility(text, encoding) - found.get(encoding, 0.3), encoding))
    scored.sort(key=lambda pair: -pair[0])
    unique: dict[str, Guess] = {}  # encodings in which the text is the same are one choice
    for _score, encoding in scored:
        unique.setdefault(sample.decode(encoding, "replace"), _guess(data, encoding))
    return list(unique.values())[:_MAX_CHOICES]


def _telling(data: bytes) -> bytes:
    """Return a part of a text with bytes beyond ASCII, by which encodings differ."""
    first = _BEYOND_ASCII.search(data)
    start = max(0, first.start() - _BEFORE) if first else 0
    return data[start : start + _SAMPLE]


def check_encoding(name: str) -> str:
    """Return the name of the codec for an encoding that the user named.

    Raises:
        UsageError: Python has no such encoding of text.
    """
    try:
        info = codecs.lookup(name.strip())
    except (LookupError, ValueError):
        info = None
    if info is None or not getattr(info, "_is_text_encoding", True):
        raise UsageError(
            _(
                "Unknown encoding {name!r}. Try utf-8, cp1252, shift_jis, gb18030, big5, euc-kr or koi8-r.",
                name=one_line(name),
            ),
            code="unknown-encoding",
        )
    return info.name


def _in_named_encoding(data: bytes, source: Path, encoding: str) -> Decoded:
    codec = check_encoding(encoding)
    for mark, marked in _BYTE_ORDER_MARKS:
        if data.startswith(mark) and codec.replace("_", "-").startswith(marked[:6]):
            codec = marked
            break
    try:
        text = data.decode(codec, "replace")
    except UnicodeError:  # an encoding of host names or the like, which replaces nothing
        text = "\ufffd"
    bad = text.count("\ufffd")
    if bad and not _is_damaged(text, bad):
        raise DocumentError(
            _(
                "{source} is not text in {encoding}. Leave out --encoding, or name another one.",
                source=source,
                encoding=encoding,
            ),
            code="wrong-encoding",
        )
    if "\0" in text:
        raise _not_text(source)
    return Decoded(text, bad=bad)


def _in_utf(data: bytes, codec: str) -> Decoded:
    text = data.decode(codec, "replace")
    return Decoded(text.replace("\0", ""), bad=text.count("\ufffd"))


def _without_mark(data: bytes) -> str:
    """Return the kind of UTF-16 in which every other byte is 0, as in European languages; empty if it is none."""
    sample = data[: _SAMPLE // 2 * 2]
    half = len(sample) // 2
    if half < 2 or len(data) % 2:
        return ""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    for codec, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 0.4 * half and others < 0.02 * half:
            try:
                return codec if "\0" not in data.decode(codec) else ""
            except UnicodeDecodeError:
                return ""
    return ""


def _wide_writing(data: bytes) -> str:
    """Return the kind of UTF-16 in which data without a byte order mark are Chinese, Japanese or Korean writing."""
    if b"\0" not in data or len(data) % 2:
        return ""
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        writing = len(_EASTERN.findall(text))
        frequent = sum(char in _EASTERN_FREQUENT for char in text)  # other bytes are such writing too, but rare signs
        is_writing = writing > 0.6 * len(text) and frequent > 0.1 * len(text)
        if "\0" not in text and is_writing and not _CONTROL.search(text):
            return codec
    return ""


def _mostly_utf8(data: bytes) -> Decoded | None:
    """Decode UTF-8 with a few damaged characters, as where a file was cut."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if bad and _is_damaged(text, bad):
        return Decoded(text, Guess("utf-8", "UTF-8", _preview(text)), bad)
    return None


def _is_damaged(text: str, bad: int) -> bool:
    """Tell whether a few characters of a text are damaged; if there are many, it is in another encoding."""
    beyond = sum(char > "\x7f" for char in text)
    return beyond - bad >= _MIN_GOOD and bad <= max(1, _MAX_BAD_SHARE * beyond)


def _text_in(data: bytes, sample: bytes, encoding: str) -> str | None:
    """Decode a sample; ``None`` if it is not text in this encoding."""
    for length in range(len(sample), max(0, len(sample) - 4) - 1, -1):  # a character may be cut at the end
        try:
            return sample[:length].decode(encoding)
        except (UnicodeDecodeError, LookupError):
            if len(sample) == len(data):
                return None
    return None


def _plausibility(text: str, encoding: str) -> float:
    """Return how much a text looks like writing, from about -1 to 1, by its characters beyond ASCII."""
    beyond = [char for char in text if char > "\x7f"]
    if not beyond:
        return 0.0
    frequent = set(_COMMON.get(encoding, ""))
    first, last = _FIRST_BYTES.get(encoding, (0, -1))
    score = 0.0
    for char in beyond:
        if char in frequent or char.lower() in frequent:
            score += 1.0
        elif _DISTURBING.match(char):
            score -= 1.5
        elif _PUNCTUATION.match(char):
            score += 0.5
        else:
            is_listed_first = last > 0 and first <= char.encode(encoding, "replace")[0] <= last
            score += 0.6 if is_listed_first else 0.1
    return (score - len(_IMPOSSIBLE.findall(text))) / len(beyond)


def _guess(data: bytes, encoding: str) -> Guess:
    label = _NAMES.get(encoding, encoding.replace("_", "-"))
    sample = data[:_SAMPLE] if encoding.startswith("utf-16") else _telling(data)
    return Guess(encoding, label, _preview(sample.decode(encoding, "replace")))


def _preview(text: str) -> str:
    """Return the first words with a letter beyond ASCII, by which one sees whether the encoding is right."""
    line = one_line(text)
    at = next((position for position, char in enumerate(line) if char > "\x7f"), 0)
    start = max(0, line.rfind(" ", 0, max(0, at - 15)) + 1)
    shown = line[start : start + _PREVIEW]
    return f"{'…' if start else ''}{shown}{'…' if start + _PREVIEW < len(line) else ''}"


def declared_encoding(data: bytes) -> str:
    """Return the encoding that an HTML, XML or LaTeX file names at its beginning; empty if it names none."""
    return next(_declared(data[:_DECLARED_WITHIN]), "")


def _declared(head: bytes) -> Iterator[str]:
    for match in (*_INPUTENC.finditer(head), *_CODEC_OF_PAGES.finditer(head)):
        try:
            yield codecs.lookup(_LATEX_NAMES.get(match["name"], match["name"].decode("ascii"))).name
        except (LookupError, UnicodeDecodeError):
            continue


def _not_text(source: Path) -> DocumentError:
    return DocumentError(
        _("{source} is not a text file. Import Markdown, plain text, or a file of a word processor.", source=source),
        code="not-text",
    )
