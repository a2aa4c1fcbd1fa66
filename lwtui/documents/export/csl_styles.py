"""Citation styles (CSL) by name or file.

Pandoc brings Chicago's author-date style, and lwtui two simple ones. Others are files that the user has, such as those
of Zotero or of https://www.zotero.org/styles.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from xml.parsers.expat import ExpatError, ParserCreate

from lwtui.config import config_folder
from lwtui.errors import UsageError
from lwtui.translation import _, sentences

DEFAULT_STYLE = "author-date"
BUILT_IN = {
    DEFAULT_STYLE: _("author and year in the text (Chicago)"),
    "numeric": _("numbers in brackets"),
    "notes": _("footnotes"),
}
_OF_PANDOC = {"", DEFAULT_STYLE, "default", "chicago", "chicago-author-date"}
_OF_LWTUI = {"numeric": "numeric", "numbers": "numeric", "notes": "notes", "note": "notes", "footnotes": "notes"}
# Short names of common styles, and the names of their files.
_FILES = {
    "acm": "association-for-computing-machinery",
    "acs": "american-chemical-society",
    "ama": "american-medical-association",
    "apsa": "american-political-science-association",
    "asa": "american-sociological-association",
    "chicago-fullnote": "chicago-fullnote-bibliography",
    "chicago-notes": "chicago-note-bibliography",
    "gb7714": "china-national-standard-gb-t-7714-2015-numeric",
    "gb-t-7714": "china-national-standard-gb-t-7714-2015-numeric",
    "harvard": "harvard-cite-them-right",
    "iso690": "iso690-author-date-en",
    "lncs": "springer-lecture-notes-in-computer-science",
    "mhra": "modern-humanities-research-association",
    "mla": "modern-language-association",
    "turabian": "turabian-fullnote-bibliography",
}
_LARGEST = 2_000_000  # bytes of a style


def find_style(name: str) -> Path | None:
    """Return the file of a style; ``None`` for pandoc's own.

    Args:
        name: A name, or the path of a ``.csl`` file.

    Raises:
        UsageError: There is no such style.
    """
    given = name.strip()
    key = given.casefold().removesuffix(".csl").replace(" ", "-").replace("_", "-").replace("/", "-")
    if key in _OF_PANDOC:
        return None
    if key in _OF_LWTUI:
        return Path(str(files("lwtui.documents.export") / "styles" / f"{_OF_LWTUI[key]}.csl"))
    path = Path(given).expanduser()
    is_path = path.suffix.lower() == ".csl" or len(path.parts) > 1
    candidates = [path] if is_path else []
    names = dict.fromkeys((_FILES.get(key, key), key))
    candidates += [folder / f"{file}.csl" for folder in style_folders() for file in names]
    found = next((file for file in candidates if file.is_file()), None)
    if found is None:
        known = ", ".join(BUILT_IN)
        if is_path:
            what = _("There is no file {path}.", path=path)
        else:
            what = _("There is no citation style {name!r}.", name=given)
        advice = _(
            "Known: {known}. For others, download a .csl file from https://www.zotero.org/styles into {folder}, or "
            "name the file.",
            known=known,
            folder=style_folders()[0],
        )
        raise UsageError(sentences(what, advice), code="unknown-style")
    return _checked(found)


def style_folders() -> list[Path]:
    """Return the folders in which styles are looked for."""
    home = Path.home()
    return [
        config_folder() / "csl",
        home / ".csl",
        home / ".local/share/pandoc/csl",
        home / ".pandoc/csl",
        home / "Zotero/styles",
    ]


def _checked(path: Path) -> Path:
    """Return a style's path. Raises :class:`UsageError` for a file that is no style."""
    try:
        size = path.stat().st_size
        style = path.read_bytes() if size <= _LARGEST else b""
    except OSError as error:
        raise UsageError(
            _("Cannot read {path}: {reason}. Check its permissions.", path=path, reason=error.strerror),
            code="unreadable-style",
        ) from None
    if b"<style" not in style[:4_000]:
        raise UsageError(
            _("{path} is no citation style: it has no <style> element. Choose a .csl file.", path=path),
            code="invalid-style",
        )
    try:
        ParserCreate().Parse(style, True)
    except ExpatError as error:
        raise UsageError(
            _(
                "{path} is damaged: its XML breaks off or is wrong at line {line}. Download the style again.",
                path=path,
                line=error.lineno,
            ),
            code="invalid-style",
        ) from None
    return path
