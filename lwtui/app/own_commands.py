"""The user's own commands for Ctrl+L: files in the folder ``commands`` beside the settings.

A file ``Past tense.md`` is the command "Past tense"; what it says is what the model is asked to do with the passage. A
first line such as ``key: p`` gives it a key in the list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lwtui.text import clean, one_line
from lwtui.translation import _

_KEY_LINE = re.compile(r"\A\s*key[ \t]*:[ \t]*(?P<key>\S)[ \t]*(?:\n|\Z)", re.IGNORECASE)
_MAX_COMMANDS = 40
_MAX_BYTES = 20_000
_MAX_NAME = 60  # characters


@dataclass(frozen=True)
class OwnCommand:
    """A command of the user.

    Attributes:
        name: Its name in the list.
        instruction: What the model is asked to do with the passage.
        key: The key that chooses it in the list; empty for none.
    """

    name: str
    instruction: str
    key: str = ""


def own_commands(folder: Path) -> tuple[list[OwnCommand], list[str]]:
    """Read the commands in a folder.

    Returns:
        The commands by name, and a line for each file that is none. Of two commands with one key, the first has it.
    """
    found: list[OwnCommand] = []
    problems: list[str] = []
    taken: set[str] = set()
    for path in sorted(folder.glob("*.md"))[:_MAX_COMMANDS] if folder.is_dir() else ():
        try:
            command = _read(path)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            problems.append(
                _(
                    "{file} in {folder} is no command: {why}.",
                    file=one_line(clean(path.name)),
                    folder=folder,
                    why=why,
                )
            )
            continue
        key = command.key if command.key not in taken else ""
        taken.add(key)
        found.append(OwnCommand(command.name, command.instruction, key))
    return found, problems


def _read(path: Path) -> OwnCommand:
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(_("it has more than {limit:,} bytes", limit=_MAX_BYTES))
    try:
        text = clean(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(_("it is not UTF-8 text")) from None
    match = _KEY_LINE.match(text)
    instruction = (text[match.end() :] if match else text).strip()
    if not instruction:
        raise ValueError(_("it says nothing"))
    return OwnCommand(one_line(clean(path.stem))[:_MAX_NAME], instruction, match["key"] if match else "")
