"""A person's own keys, from the table ``[keys]`` of settings.toml::

    [keys]
    save = "ctrl+w"            # in every screen that has an action of that name; what F1 shows is one too
    writing.find = "ctrl+k,/"  # in one screen; several keys are separated by commas

A mistake is one clear line, and nothing is half applied.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from lwtui.app.keymap import ACTIONS, BRIEF, EVERYWHERE, FIND, NEW, key_label
from lwtui.errors import ConfigError

_ARROWS = ("up", "down", "left", "right")
_NAMED = frozenset(("enter", "escape", "tab", "space", "backspace", "delete", "insert", *_ARROWS)) | {
    "home",
    "end",
    "pageup",
    "pagedown",
}
_HELD = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_PLAIN_WORDS = {"esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "control": "ctrl"}
# What a terminal sends for some keys is what it sends for others.
_SAME = {"ctrl+i": "Tab", "ctrl+m": "Enter", "ctrl+j": "Enter", "ctrl+h": "Backspace", "ctrl+[": "Esc"}
_TAKEN = {"ctrl+q": "quits", "ctrl+p": "opens the palette", "ctrl+c": "copies", "ctrl+v": "pastes", "tab": "goes on"}
_IN_LISTS = frozenset(("up", "down", "k", "j", "pageup", "pagedown", "home", "g", "end", "G"))
# Textual's names of characters, where they are not those of Unicode.
_SHORTER = {"solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at", "hyphen_minus": "minus"} | {
    "plus_sign": "plus",
    "low_line": "underscore",
}


def own_keys(settings: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The keys by group and action, in Textual's names. Raises :class:`lwtui.errors.ConfigError`."""
    own: dict[tuple[str, str], str] = {}
    if not settings:
        return own
    # Those for one screen have the last word, wherever they stand.
    for name, given in sorted(settings.items(), key=lambda item: "." in item[0]):
        keys = ",".join(_key(one, name) for one in _split(given))
        for place in _places(name):
            own[place] = keys
    for group in ACTIONS:
        _check(group, own)
    return own


def slug(group: str) -> str:
    """A group as it is written in the settings: ``new-document``."""
    return group.lower().replace(" ", "-")


def _split(given: str) -> list[str]:
    """Keys separated by commas; a comma alone is that key."""
    return [","] if given.strip() == "," else [one.strip() for one in given.split(",") if one.strip()]


def _places(name: str) -> list[tuple[str, str]]:
    known: dict[str, list[tuple[str, str]]] = {}
    for group, actions in ACTIONS.items():
        for action in actions:
            for shown in dict.fromkeys((action.name, slug(action.label))):
                for full in (shown, f"{slug(group)}.{shown}"):
                    known.setdefault(full, []).append((group, action.name))
    places = known.get(name, [])
    if not places:
        from difflib import get_close_matches

        near = get_close_matches(name, known, 1)
        hint = f"Did you mean {near[0]}?" if near else "F1 in the app shows all actions."
        raise ConfigError(f"[keys] '{name}' is no action. {hint}")
    return places


def _key(given: str, name: str) -> str:
    """A key in Textual's name for it."""
    *held, last = _parts(given)
    held = [_PLAIN_WORDS.get(one.lower(), one.lower()) for one in held]
    wrong = [one for one in held if one not in _HELD]
    known = _last(last)
    if wrong or known is None:
        raise ConfigError(f"[keys] {name}: '{given}' is no key. Write it as ctrl+s, f5, shift+up, G or /.")
    if "shift" in held and len(known) == 1 and "ctrl" not in held:
        held, known = [one for one in held if one != "shift"], known.upper()
    key = "+".join([*sorted(held, key=_HELD.index), known.lower() if "ctrl" in held else known])
    if same := _SAME.get(key):
        raise ConfigError(f"[keys] {name}: in a terminal '{given}' is {same}. Choose another key.")
    if taken := _TAKEN.get(key):
        raise ConfigError(f"[keys] {name}: '{given}' {taken} everywhere. Choose another key.")
    return key


def _parts(given: str) -> list[str]:
    """``ctrl++`` holds Ctrl and +."""
    if given == "+" or given.endswith("++"):
        return [*[one for one in given[:-1].split("+") if one], "+"]
    return given.split("+")


def _last(last: str) -> str | None:
    if len(last) == 1:
        return last if last.isalnum() else _character(last)
    name = _PLAIN_WORDS.get(last.lower(), last.lower())
    if name in _NAMED or re.fullmatch(r"f([1-9]|1\d|2[0-4])", name):
        return name
    return name if name in {_character(chr(code)) for code in range(33, 127)} else None


def _character(character: str) -> str:
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _SHORTER.get(name, name)


def _check(group: str, own: Mapping[tuple[str, str], str]) -> None:
    """Raise where a key of a person's own does two things in a screen."""
    taken: dict[str, tuple[str, str]] = {}
    lists = group not in (EVERYWHERE, NEW, BRIEF, FIND)
    for where, name, keys in _effective(group, own):
        chosen = (where, name) in own
        for key in keys.split(","):
            if chosen and lists and key in _IN_LISTS:
                raise ConfigError(
                    f"[keys] {name}: {key_label(key)} moves about in the lists of {group}. Choose another key."
                )
            other = taken.setdefault(key, (where, name))
            if other != (where, name) and (chosen or other in own) and {other[1], name} != {"write", "pause"}:
                raise ConfigError(
                    f"[keys] {key_label(key)} would be both {other[1]} and {name} in {group}. "
                    f"Choose another key for one of them."
                )


def _effective(group: str, own: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, str, str]]:
    for where in dict.fromkeys((group, EVERYWHERE)):
        for action in ACTIONS[where]:
            yield where, action.name, own.get((where, action.name), action.keys)
