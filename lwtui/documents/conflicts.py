"""Copies of documents that a service makes when a file was changed in two places, known by their names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import regex

from lwtui.translation import _

# What services add to a name, and which services.
_SIGNS = (
    (
        r" \((?:[^()]*[ '’])?(?:conflicted copy|in konflikt stehende kopie|copie en conflit|copia en conflicto|"
        r"copia in conflitto|cópia em conflito|konfliktkopia|kopia powodująca konflikt|конфликтующая копия|"
        r"競合コピー|冲突副本|冲突的副本|충돌된 사본)(?: [^()]*)?\)",
        _("Dropbox or Nextcloud"),
    ),
    (r" \((?:selective sync|case|unicode encoding|whitespace) conflict[^()]*\)", "Dropbox"),
    (r" \(SFConflict [^()]*\)", "Seafile"),
    (r"\.sync-conflict-\d{8}-\d{6}(?:-\w+)?", "Syncthing"),
    (r"_conflict-\d{8}-\d{6}", "Nextcloud"),
    (r"\.conflict(?:\d*)$", "Resilio Sync"),
    (r"-(?:DESKTOP|LAPTOP)-[A-Z0-9]{6,8}(?:-\d+)?$", "OneDrive"),
    (r" \([^()]*\bconflict(?:ed|ing)?\b[^()]*\)", _("a synchronizing service")),
)
_PATTERNS = tuple((regex.compile(sign, regex.IGNORECASE), service) for sign, service in _SIGNS)


@dataclass(frozen=True)
class ConflictingCopy:
    """A copy that a service made.

    Attributes:
        original: The name of the file that it is a copy of.
        service: The name of the service.
    """

    original: str
    service: str


def conflicting_copy(path: Path) -> ConflictingCopy | None:
    """Tell by the name of a file whether it is such a copy."""
    for pattern, service in _PATTERNS:
        if match := pattern.search(path.stem):
            original = path.stem[: match.start()] + path.stem[match.end() :]
            if original:
                return ConflictingCopy(f"{original}{path.suffix}", service)
    return None
