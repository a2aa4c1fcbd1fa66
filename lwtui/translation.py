"""The words of lwtui in the user's language: ``_("Saved {name}.", name=path.name)``.

English texts stand in the code. A language is a gettext catalogue, ``LANGUAGE.po`` in the folder ``locale`` here or in
the config folder, where a user's own has precedence. It is chosen once per process, when the first text is needed: by
the variable ``LWTUI_LANGUAGE``, else by the setting ``language``, else by the system's locale. Catalogues are compiled
into the cache folder at their first use.

What a model reads (prompts, notes), and what programs compare (codes, names in JSON), is never translated.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Any, TypeVar

from lwtui.folders import cache_folder, config_folder, settings_file

ENGLISH = "en"
_SHIPPED = Path(__file__).with_name("locale")
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_FULL_WIDTH_ENDS = ("。", "！", "？")
_in_english = ContextVar("in_english", default=False)
_keeps_english = ContextVar("keeps_english", default=False)
_FORMAT = "2"  # of the compiled files; a new one makes old files stale
_PERCENT = re.compile(r"%(?:\(\w+\))?[sdr]")  # a placeholder of the % operator
_T = TypeVar("_T")
_ANY_PERCENT = re.compile(r"%(?:\(\w+\))?.?", re.DOTALL)
_problems: list[str] = []  # catalogues are read before the log is started


def _(message: str, /, **values: object) -> str:
    """Translate ``message`` and put ``values`` in for its ``{names}``, as :meth:`str.format` does.

    Without values, braces stay as they are.
    """
    catalogue = _catalogue_in_use()
    text = catalogue.gettext(message) if catalogue and message else message  # the empty text is a catalogue's header
    return _filled(text, message, values)


def _n(singular: str, plural: str, count: int, /, **values: object) -> str:
    """Translate a text that depends on a number, and put in ``{count}`` and ``values``."""
    original = singular if count == 1 else plural
    return _filled(_plural(singular, plural, count), original, {"count": count, **values})


def _p(context: str, message: str, /, **values: object) -> str:
    """Translate a word that has another translation elsewhere: ``_p("citation", "Key")``.

    In a catalogue, ``context`` is its ``msgctxt``. Without such an entry, the word is translated as elsewhere.
    """
    catalogue = _catalogue_in_use()
    text = catalogue.pgettext(context, message) if catalogue else message
    if text == message:
        return _(message, **values)
    return _filled(text, message, values)


def _filled(text: str, original: str, values: Mapping[str, object]) -> str:
    """Put ``values`` into a translation of ``original``, and into that if the English text is to be kept."""
    filled = text.format(**values) if values else text
    if not _keeps_english.get():
        return filled
    in_english = {name: english_of(value) for name, value in values.items()}
    return _Bilingual(filled, original.format(**in_english) if values else original)


def _plural(singular: str, plural: str, count: int) -> str:
    in_english = singular if count == 1 else plural
    catalogue = _catalogue_in_use()
    if catalogue is None:
        return in_english
    try:
        return catalogue.ngettext(singular, plural, count)
    except ArithmeticError:  # the catalogue's rule for plurals divides by zero
        return in_english


def sentences(*texts: str) -> str:
    """Join whole sentences, without the empty ones. No space follows a full-width mark."""
    joined = ""
    for text in filter(None, texts):
        joined += text if not joined or joined.endswith(_FULL_WIDTH_ENDS) else f" {text}"
    return joined


def listed(items: Iterable[str]) -> str:
    """Join the items of a list within a sentence."""
    return _(", ").join(items)


@contextmanager
def english() -> Iterator[None]:
    """Have all texts in English within the block, where a model reads what users read elsewhere.

    Tasks and threads of asyncio that start within the block are part of it. Modules imported there keep English texts.
    """
    token = _in_english.set(True)
    try:
        yield
    finally:
        _in_english.reset(token)


class _Bilingual(str):
    """A text in the user's language that knows itself in English."""

    english: str

    def __new__(cls, text: str, in_english: str = "") -> _Bilingual:  # a copy gets its English afterwards
        made = super().__new__(cls, text)
        made.english = in_english
        return made


@contextmanager
def english_kept() -> Iterator[None]:
    """Have the texts that are made within the block know themselves in English, for :func:`english_of`.

    What is slow to find need not be found again to be told a model. Only whole texts know it: what Python's operators
    and methods make of them does not.
    """
    token = _keeps_english.set(True)
    try:
        yield
    finally:
        _keeps_english.reset(token)


def english_of(text: _T) -> _T | str:
    """Return a text that was made within :func:`english_kept` in English, and anything else as it is."""
    return text.english if isinstance(text, _Bilingual) else text


def language() -> str:
    """Return the language of this process: ``en``, or the name of a catalogue such as ``zh``."""
    return _language()


def languages() -> list[str]:
    """Return the languages to choose from, English first."""
    names = {path.stem for folder in _folders() for path in folder.glob("*.po")}
    return [ENGLISH, *sorted(names - {ENGLISH})]


def catalogue_files(name: str = "") -> list[Path]:
    """Return the files of a language, the user's own first; none for English and for unknown languages.

    Args:
        name: The language; by default that of this process.
    """
    name = name or _language()
    if name == ENGLISH or not re.fullmatch(r"\w+", name):
        return []
    files = [folder / f"{name}.po" for folder in _folders()]
    return [file for file in files if os.path.isfile(file)]  # noqa: PTH113 - Path.is_file raises in a locked folder


def language_problem(name: str) -> str:
    """Return what is wrong with a value of the setting ``language``; empty if nothing is."""
    if not name or _known(name):
        return ""
    return _(
        "There is no language {name!r}. Known: {known}. One of your own is a file: {file}",
        name=name,
        known=", ".join(languages()),
        file=_folders()[0] / f"{_language_of(name) or 'LANGUAGE'}.po",
    )


def broken_messages(file: Path) -> list[str]:
    """Return the messages of a catalogue whose translations have other placeholders than the English text.

    These are shown in English.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a catalogue.
    """
    return [entry.msgid for entry in _read(file) if not _fits(entry)]


def log_problems() -> None:
    """Write to the log what is wrong with the catalogues of the language."""
    from logging import getLogger

    _catalogue()
    for problem in _problems:
        getLogger(__name__).warning("%s", problem)


@cache
def _language() -> str:
    for wanted in _wanted():
        if name := _known(wanted):
            return name
    return ENGLISH


def _known(wanted: str) -> str:
    """Return the language to use for ``wanted``, such as ``zh`` for ``zh_CN.UTF-8``; empty if there is none."""
    name = _language_of(wanted)
    while name:
        if name == ENGLISH or catalogue_files(name):
            return name
        name = name.rpartition("_")[0]
    return ""


def _wanted() -> Iterator[str]:
    """Yield the languages that the user asks for, the most wanted first."""
    if asked := os.environ.get("LWTUI_LANGUAGE") or _setting():
        yield asked
        return
    from lwtui.system import ui_locale

    variable = next((value for name in _LOCALE_VARIABLES if (value := os.environ.get(name))), "") or ui_locale()
    if _language_of(variable) == ENGLISH:
        yield ENGLISH  # as in gettext, LANGUAGE counts only where a locale is set
        return
    for value in [*os.environ.get("LANGUAGE", "").split(":"), variable]:
        if value:
            yield value


def _language_of(name: str) -> str:
    """Return the language of a locale: ``zh_CN`` for ``zh_CN.UTF-8`` and ``zh-CN``, ``en`` for ``C``.

    It is empty for what names no language.
    """
    bare = name.strip().partition(".")[0].partition("@")[0].replace("-", "_")
    language, underscore, region = bare.partition("_")
    if bare in ("C", "POSIX") or language.lower() == ENGLISH:
        return ENGLISH
    return f"{language.lower()}{underscore}{region}" if re.fullmatch(r"\w+", bare) else ""


def _setting() -> str:
    """Return the setting ``language``. A file that cannot be read is reported by the command that needs it."""
    try:
        content = settings_file().read_text(encoding="utf-8")
        if "language" not in content:
            return ""
        import tomllib  # takes a while to import

        value = tomllib.loads(content).get("language", "")
    except (OSError, ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""


def _folders() -> tuple[Path, Path]:
    return config_folder() / "locale", _SHIPPED


def _catalogue_in_use() -> GNUTranslations | None:
    return None if _in_english.get() else _catalogue()


@cache
def _catalogue() -> GNUTranslations | None:
    """Return the catalogue of the language. What the user's own lacks is looked up in the one here."""
    first: GNUTranslations | None = None
    for file in catalogue_files():
        try:
            catalogue = _compiled(file)
        except (OSError, ValueError) as error:
            _problems.append(f"{file} is not a catalogue of translations: {error}")
            continue
        if first is None:
            first = catalogue
        else:
            first.add_fallback(catalogue)
    return first


def _compiled(file: Path) -> GNUTranslations:
    """Return a catalogue, from the cache if ``file`` has not changed.

    Raises:
        OSError: ``file`` cannot be read.
        ValueError: ``file`` is not a catalogue.
    """
    cached = _cached_file(file)
    if Path(cached).is_file() and (known := _cached(cached)):
        return known
    entries = _read(file)
    # The text is UTF-8 by now, whatever the header says.
    entries.metadata["Content-Type"] = "text/plain; charset=UTF-8"
    for entry in [entry for entry in entries if not _fits(entry)]:
        entries.remove(entry)
    compiled: bytes = entries.to_binary()
    catalogue = _opened(compiled)
    try:
        _keep(cached, compiled)
    except OSError as error:
        _problems.append(f"The compiled translations are not kept: {error}")
    return catalogue


def _cached(file: Path) -> GNUTranslations | None:
    try:
        return _opened(file.read_bytes())
    except (OSError, ValueError):
        return None  # damaged; it is replaced


def _opened(compiled: bytes) -> GNUTranslations:
    from io import BytesIO
    from struct import error as StructError

    try:
        return GNUTranslations(BytesIO(compiled))
    except (StructError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"{error}") from None


def _cached_file(file: Path) -> Path:
    """Return where a catalogue is kept compiled. The name changes whenever ``file`` or lwtui does."""
    from hashlib import sha256

    state = file.stat()
    path, version = str(file.absolute()), f"{_FORMAT} {state.st_size} {state.st_mtime_ns}"
    names = [sha256(text.encode(errors="surrogateescape")).hexdigest()[:12] for text in (path, version)]
    return cache_folder() / "locale" / f"{file.stem}-{'-'.join(names)}.mo"


def _keep(cached: Path, compiled: bytes) -> None:
    """Write a compiled catalogue in one step, in place of the older ones of its file.

    Raises:
        OSError: It cannot be written.
    """
    from lwtui.system import retry_busy

    cached.parent.mkdir(parents=True, exist_ok=True)
    temporary = cached.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(compiled)
    retry_busy(lambda: temporary.replace(cached))
    for old in cached.parent.glob(f"{cached.stem.rpartition('-')[0]}-*.mo"):
        if old != cached:
            old.unlink(missing_ok=True)


def _read(file: Path) -> Any:
    import polib

    try:
        return polib.pofile(str(file), encoding="utf-8")
    except (LookupError, AttributeError, TypeError, ValueError) as error:  # polib checks little of what it reads
        raise ValueError(f"{error}") from None


def _fits(entry: Any) -> bool:
    """Tell whether a translation can be shown: it puts in the values of the English text and no others.

    A text about one thing may leave the number out.
    """
    texts = [*entry.msgstr_plural.values()] if entry.msgid_plural else [entry.msgstr]
    if any(character < " " and character not in "\n\t" for text in texts for character in text):
        return False  # what a terminal would act on
    if not entry.msgid_plural:
        return not entry.msgstr or _placeholders(entry.msgstr, entry.msgid) == _placeholders(entry.msgid)
    allowed = _placeholders(entry.msgid_plural) | {"{count}"}
    return all(_placeholders(text, entry.msgid_plural) <= allowed for text in texts)


def _placeholders(text: str, original: str = "") -> set[str]:
    """Return what a text asks to be put in: ``{name}``, and ``%(name)s``.

    Args:
        text: The text.
        original: The English text, where ``text`` is a translation: its formats such as ``{name:,}`` are allowed.

    Returns:
        The placeholders, and what is no valid placeholder as it stands. Braces of an English text that have no names
        within them stay as they are, and so may those of its translation.
    """
    found = set()
    if _PERCENT.search(original or text):
        found = set(_ANY_PERCENT.findall(text)) - {"%%"}
    fields = _fields(text)
    if (known := _fields(original or text)) is None:
        return found
    if fields is None:
        return found | {text}
    formats = {(name, style) for name, style in known} | {(name, "") for name, _style in known}
    return found | {f"{{{name}}}" if not original or (name, style) in formats else text for name, style in fields}


def _fields(text: str) -> list[tuple[str, str]] | None:
    """Return the names in braces and their formats; ``None`` if :meth:`str.format` does not know all of them."""
    from string import Formatter

    try:
        parsed = list(Formatter().parse(text))
    except ValueError:
        return None
    fields = [
        (name, (f"!{conversion}" if conversion else "") + (style or ""))
        for _text, name, style, conversion in parsed
        if name is not None
    ]
    return fields if all(name.isidentifier() for name, _style in fields) else None
