"""The user's own style files for an export: a reference document, a style sheet and a Typst template."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import regex

from lwtui.errors import UsageError
from lwtui.translation import _

_MAX_TEXT = 2_000_000  # bytes of a style sheet or a template
_MAX_REFERENCE = 50_000_000  # bytes of a reference document
_REFERENCES = {"word/styles.xml": "docx", "styles.xml": "odt"}
_KINDS = {"docx": "reference", "odt": "reference", "html": "css", "epub": "css", "pdf": "template"}
_TEMPLATE = regex.compile(r"(?m)^[ \t]*#?let[ \t]+template\b")


@dataclass(frozen=True)
class StyleFiles:
    """The contents of the user's style files.

    Attributes:
        reference: The bytes of the reference document, or nothing.
        reference_kind: ``docx`` or ``odt``, or empty.
        css: The style sheet, or empty.
        template: The Typst template, or empty.
    """

    reference: bytes = field(default=b"", repr=False)
    reference_kind: str = ""
    css: str = field(default="", repr=False)
    template: str = field(default="", repr=False)

    def check(self, to: str) -> None:
        """Check that the files fit an export to the format ``to``.

        Raises:
            UsageError: One of them is for another format.
        """
        uses = (
            ("--reference", self.reference_kind, {self.reference_kind} if self.reference_kind else set()),
            ("--css", self.css, _formats("css")),
            ("--template", self.template, _formats("template")),
        )
        for option, value, formats in uses:
            if value and to not in formats:
                known = _(" and ").join(sorted(formats))
                raise UsageError(
                    _(
                        "{option} is for {formats}, not for {format}. Leave it out, or choose another format.",
                        option=option,
                        formats=known,
                        format=to,
                    ),
                    code="unused-style",
                )


NO_STYLE_FILES = StyleFiles()


def style_option(to: str) -> str:
    """Return which style file an export to the format ``to`` can have: ``reference``, ``css``, ``template`` or none."""
    return _KINDS.get(to, "")


def read_style_files(reference: Path | None, css: Path | None, template: Path | None) -> StyleFiles:
    """Read the user's style files.

    Raises:
        UsageError: One of them cannot be read, or is not what it should be.
    """
    data = _bytes(reference, _MAX_REFERENCE) if reference else b""
    kind = _reference_kind(data, reference) if reference else ""
    found = StyleFiles(data, kind, _text(css) if css else "", _text(template) if template else "")
    if template and not _TEMPLATE.search(found.template):
        raise UsageError(
            _(
                "{template} defines no function template."
                " Begin with: #let template(title: none, body, ..rest) = {{ body }}",
                template=template,
            ),
            code="not-template",
        )
    return found


def _formats(kind: str) -> set[str]:
    return {to for to, option in _KINDS.items() if option == kind}


def _reference_kind(data: bytes, path: Path) -> str:
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (BadZipFile, OSError):
        names = set()
    for name, kind in _REFERENCES.items():
        if name in names:
            return kind
    raise UsageError(
        _("{path} is neither a DOCX nor an ODT. Name a document whose styles to use.", path=path), code="not-reference"
    )


def _text(path: Path) -> str:
    try:
        return _bytes(path, _MAX_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(_("{path} is not text in UTF-8. Save it as that.", path=path), code="not-text") from None


def _bytes(path: Path, limit: int) -> bytes:
    path = path.expanduser()
    try:
        if not path.is_file():
            raise UsageError(_("There is no file {path}. Check the path.", path=path), code="not-found")
        if path.stat().st_size > limit:
            raise UsageError(
                _("{path} is larger than {size} MB. Choose a smaller file.", path=path, size=limit // 1_000_000),
                code="too-large",
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            _("Cannot read {path}: {reason}. Check its permissions.", path=path, reason=error.strerror),
            code="unreadable",
        ) from None
