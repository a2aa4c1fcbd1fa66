"""The words of lwtui in the user's language: ``_("Saved {name}.", name=path.name)``.

English texts stand in the code. A language is a gettext catalogue, ``LANGUAGE.po`` in the folder ``locale`` here or in
the config folder, where a user's own has precedence. It is chosen once per process, when the first text is needed: by
the variable ``LWTUI_LANGUAGE``, else by the setting ``language``, else by the system's locale. Catalogues are compiled
into the cache folder at their first use.

What a model reads (prompts, notes) and what programs read (JSON, logs) is never translated.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations
from hashlib import sha256
from pathlib import Path
from typing import Any

ENGLISH = "en"
_SHIPPED = Path(__file__).with_name("locale")
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_FULL_WIDTH_ENDS = ("。", "！", "？")
_FORMAT = "1"  # of the compiled files; a new one makes old files stale


def _(message: str, /, **values: object) -> str:
    """Translate ``message`` and put ``values`` in for its ``{names}``, as :meth:`str.format` does.

    Without values, braces stay as they are.
    """
    catalogue = _catalogue()
    text = catalogue.gettext(message) if catalogue else message
    return text.format(**values) if values else text


def _n(singular: str, plural: str, count: int, /, **values: object) -> str:
    """Translate a text that depends on a number, and put in ``{count}`` and ``values``."""
    catalogue = _catalogue()
    text = catalogue.ngettext(singular, plural, count) if catalogue else singular if count == 1 else plural
    return text.format(count=count, **values)


def sentences(*texts: str) -> str:
    """Join whole sentences, without the empty ones. No space follows a full-width mark."""
    joined = ""
    for text in filter(None, texts):
        joined += text if not joined or joined.endswith(_FULL_WIDTH_ENDS) else f" {text}"
    return joined


def without_context(text: str) -> str:
    """Return a translated text without what tells two meanings of the English word apart, as in ``language|Polish``."""
    return text.rpartition("|")[2]


def language() -> str:
    """Return the language of this process: ``en``, or the name of a catalogue such as ``zh``."""
    return _language()


def languages() -> list[str]:
    """Return the languages to choose from, English first."""
    names = {path.stem for folder in _folders() for path in folder.glob("*.po")}
    return [ENGLISH, *sorted(names - {ENGLISH})]


def catalogue_file(name: str) -> Path | None:
    """Return the file of a language; ``None`` for English and for unknown languages."""
    if name == ENGLISH or not name.replace("_", "").isalnum():
        return None
    return next((path for folder in _folders() if (path := folder / f"{name}.po").is_file()), None)


def language_problem(name: str) -> str:
    """Return what is wrong with a value of the setting ``language``; empty if nothing is."""
    if not name or _known(name):
        return ""
    return _(
        "There is no language {name!r}. Known: {known}. One of your own is a file: {file}",
        name=name,
        known=", ".join(languages()),
        file=_folders()[0] / f"{_language_of(name)}.po",
    )


def broken_messages(file: Path) -> list[str]:
    """Return the messages of a catalogue whose translations have other placeholders than the English text.

    These are shown in English.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a catalogue.
    """
    return [entry.msgid for entry in _read(file) if not _fits(entry)]


@cache
def _language() -> str:
    for wanted in _wanted():
        if name := _known(wanted):
            return name
    return ENGLISH


def _known(wanted: str) -> str:
    """Return the language to use for ``wanted``, such as ``zh`` for ``zh_CN.UTF-8``; empty if there is none."""
    name = _language_of(wanted)
    for candidate in (name, name.partition("_")[0]):
        if candidate == ENGLISH or catalogue_file(candidate):
            return candidate
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
    """Return the language of a locale: ``zh_CN`` for ``zh_CN.UTF-8`` and ``zh-CN``, ``en`` for ``C``."""
    bare = name.partition(".")[0].partition("@")[0].replace("-", "_")
    return ENGLISH if bare in ("", "C", "POSIX") or bare.partition("_")[0] == ENGLISH else bare


def _setting() -> str:
    """Return the setting ``language``. A file that cannot be read is reported by the command that needs it."""
    import tomllib

    from lwtui.config import settings_file

    try:
        with settings_file().open("rb") as file:
            value = tomllib.load(file).get("language", "")
    except (OSError, ValueError):
        return ""
    return value if isinstance(value, str) else ""


def _folders() -> tuple[Path, Path]:
    from lwtui.config import config_folder

    return config_folder() / "locale", _SHIPPED


@cache
def _catalogue() -> GNUTranslations | None:
    file = catalogue_file(_language())
    if file is None:
        return None
    from io import BytesIO
    from logging import getLogger

    try:
        return GNUTranslations(BytesIO(_compiled(file)))
    except (OSError, ValueError) as error:
        getLogger(__name__).error("%s is not a catalogue of translations: %s", file, error)
        return None


def _compiled(file: Path) -> bytes:
    """Return a catalogue as ``.mo``, from the cache if ``file`` has not changed.

    Raises:
        OSError: ``file`` cannot be read.
        ValueError: ``file`` is not a catalogue.
    """
    from lwtui.config import cache_folder
    from lwtui.files import write_atomically

    state = file.stat()
    key = sha256(f"{_FORMAT} {file} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:16]
    cached = cache_folder() / "locale" / f"{file.stem}-{key}.mo"
    try:
        return cached.read_bytes()
    except OSError:
        pass  # not compiled yet
    catalogue = _read(file)
    for entry in list(catalogue):
        if not _fits(entry):
            catalogue.remove(entry)
    compiled: bytes = catalogue.to_binary()
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        for old in cached.parent.glob(f"{file.stem}-*.mo"):
            old.unlink(missing_ok=True)
        write_atomically(cached, compiled)
    except OSError as error:
        from logging import getLogger

        getLogger(__name__).warning("The compiled translations are not kept: %s", error)
    return compiled


def _read(file: Path) -> Any:
    import polib

    try:
        return polib.pofile(str(file), encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(str(error)) from None


def _fits(entry: Any) -> bool:
    """Tell whether a translation can be shown: it puts in the values of the English text and no others.

    A text about one thing may leave the number out.
    """
    if not entry.msgid_plural:
        return not entry.msgstr or _placeholders(entry.msgstr) == _placeholders(entry.msgid)
    allowed = _placeholders(entry.msgid_plural) | {"{count}"}
    return all(_placeholders(text) <= allowed for text in entry.msgstr_plural.values())


def _placeholders(text: str) -> set[str]:
    """Return what a text asks to be put in: ``{name}`` without its format, and ``%(name)s``.

    A text that :meth:`str.format` refuses has no valid placeholder.
    """
    try:
        fields = {
            f"{{{name}}}" for _text, name, _format, _conversion in string.Formatter().parse(text) if name is not None
        }
    except ValueError:
        fields = {text}
    return fields | set(re.findall(r"%(?:\(\w+\))?[sdr]", text))
