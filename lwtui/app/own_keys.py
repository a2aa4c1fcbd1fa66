"""The user's own keys, from the table ``[keys]`` of settings.toml.

An entry names an action, by its name or by its label in help (F1), in English or in the user's language::

    [keys]
    save = "ctrl+w"            # on every screen that has the action
    writing.find = "ctrl+k,/"  # on one screen; several keys are separated by commas

One invalid entry rejects the whole table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from lwtui.app.keymap import ACTIONS, BRIEF, EVERYWHERE, FIND, NEW, group_label, is_function_key, key_label, may_share
from lwtui.errors import ConfigError
from lwtui.translation import _

_ARROWS = ("up", "down", "left", "right")
_NAMED = frozenset(("enter", "escape", "tab", "space", "backspace", "delete", "insert", *_ARROWS)) | {
    "home",
    "end",
    "pageup",
    "pagedown",
}
_MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_ALIASES = {"esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "control": "ctrl"}
# A terminal sends the same code for these keys as for others.
_SAME_CODE = {"ctrl+i": "Tab", "ctrl+m": "Enter", "ctrl+j": "Enter", "ctrl+h": "Backspace", "ctrl+[": "Esc"}
_RESERVED = {
    "ctrl+q": _("[keys] {name}: '{given}' quits everywhere. Choose another key."),
    "ctrl+p": _("[keys] {name}: '{given}' opens the palette everywhere. Choose another key."),
    "ctrl+c": _("[keys] {name}: '{given}' copies everywhere. Choose another key."),
    "ctrl+v": _("[keys] {name}: '{given}' pastes everywhere. Choose another key."),
    "tab": _("[keys] {name}: '{given}' moves on everywhere. Choose another key."),
}
_LIST_KEYS = frozenset(("up", "down", "k", "j", "pageup", "pagedown", "home", "g", "end", "G"))
# Textual's names of characters where they differ from Unicode's.
_TEXTUAL_NAMES = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
} | {
    "plus_sign": "plus",
    "low_line": "underscore",
}


def own_keys(settings: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Parse the ``[keys]`` table.

    Args:
        settings: The keys by action name, as the user wrote them.

    Returns:
        The keys by group and action name, in Textual's names.

    Raises:
        ConfigError: An entry is invalid, or two actions would have the same key. Its ``code`` says which.
    """
    own: dict[tuple[str, str], str] = {}
    if not settings:
        return own
    # Entries for one screen override those for all screens, whatever their order.
    for name, given in sorted(settings.items(), key=lambda item: "." in item[0]):
        keys = ",".join(_parse_key(key, name) for key in _split(given))
        for group_and_action in _find_actions(name):
            own[group_and_action] = keys
    for group in ACTIONS:
        _check(group, own)
    return own


def slug(group: str) -> str:
    """Return a group's name as the settings write it: ``new-document``."""
    return group.lower().replace(" ", "-")


def _split(given: str) -> list[str]:
    """Split keys at commas; a lone comma is the comma key."""
    return [","] if given.strip() == "," else [key.strip() for key in given.split(",") if key.strip()]


def _find_actions(name: str) -> list[tuple[str, str]]:
    known: dict[str, list[tuple[str, str]]] = {}
    translated: dict[str, list[tuple[str, str]]] = {}  # these count only where no English name is meant
    for group, actions in ACTIONS.items():
        for action in actions:
            for names, where, shown in (
                (known, group, action.name),
                (known, group, slug(action.english_label)),
                (translated, group, slug(action.label)),
                (translated, group_label(group), slug(action.label)),
            ):
                for full in (shown, f"{slug(where)}.{shown}"):
                    meant = names.setdefault(full, [])
                    if (group, action.name) not in meant:
                        meant.append((group, action.name))
    found = known.get(name) or translated.get(name)
    if not found:
        from difflib import get_close_matches

        near = get_close_matches(name, known | translated, 1)
        if near:
            problem = _("[keys] There is no action '{name}'. Did you mean {near}?", name=name, near=near[0])
        else:
            problem = _("[keys] There is no action '{name}'. F1 in the app shows all actions.", name=name)
        raise ConfigError(problem, code="unknown-action")
    return found


def _parse_key(given: str, name: str) -> str:
    """Return Textual's name of a key."""
    *modifiers, base = _split_modifiers(given)
    modifiers = [_ALIASES.get(modifier.lower(), modifier.lower()) for modifier in modifiers]
    base_name = _base_key(base)
    if base_name is None or not set(modifiers) <= set(_MODIFIERS):
        raise ConfigError(
            _(
                "[keys] {name}: '{given}' is not a key. Write it as ctrl+s, f5, shift+up, G or /.",
                name=name,
                given=given,
            ),
            code="invalid-key",
        )
    if "shift" in modifiers and len(base_name) == 1 and "ctrl" not in modifiers:
        modifiers, base_name = [modifier for modifier in modifiers if modifier != "shift"], base_name.upper()
    key = "+".join([*sorted(modifiers, key=_MODIFIERS.index), base_name.lower() if "ctrl" in modifiers else base_name])
    if same := _SAME_CODE.get(key):
        raise ConfigError(
            _(
                "[keys] {name}: in a terminal '{given}' is {same}. Choose another key.",
                name=name,
                given=given,
                same=same,
            ),
            code="ambiguous-key",
        )
    if reserved := _RESERVED.get(key):
        raise ConfigError(reserved.format(name=name, given=given), code="reserved-key")
    return key


def _split_modifiers(given: str) -> list[str]:
    """Split a key at plus signs: ``ctrl++`` is Ctrl and the plus key."""
    if given == "+" or given.endswith("++"):
        return [*[modifier for modifier in given[:-1].split("+") if modifier], "+"]
    return given.split("+")


def _base_key(base: str) -> str | None:
    """Return Textual's name of a key without modifiers, or ``None`` if there is no such key."""
    if len(base) == 1:
        return base if base.isalnum() else _character_name(base)
    name = _ALIASES.get(base.lower(), base.lower())
    if name in _NAMED or re.fullmatch(r"f([1-9]|1\d|2[0-4])", name):
        return name
    return name if name in {_character_name(chr(code)) for code in range(33, 127)} else None


def _character_name(character: str) -> str:
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _TEXTUAL_NAMES.get(name, name)


def _check(group: str, own: Mapping[tuple[str, str], str]) -> None:
    """Raise :class:`ConfigError` if an own key would do two things on a screen.

    Default keys give way to own ones, now and in later versions. Only a function key that works everywhere does not:
    it has priority over those of a screen.
    """
    taken: dict[str, tuple[str, str]] = {}
    lists = group not in (EVERYWHERE, NEW, BRIEF, FIND)
    for where, name, keys in _fixed_keys(group, own):
        is_own = (where, name) in own
        for key in keys.split(","):
            if is_own and lists and key in _LIST_KEYS:
                raise ConfigError(
                    _(
                        "[keys] {name}: {key} moves the cursor in lists ({group}). Choose another key.",
                        name=name,
                        key=key_label(key),
                        group=group_label(group),
                    ),
                    code="list-key",
                )
            other = taken.setdefault(key, (where, name))
            if other != (where, name) and not may_share(other[1], name):
                raise ConfigError(
                    _(
                        "[keys] {key} would be both {other} and {name} in {group}. Choose another key for one of them.",
                        key=key_label(key),
                        other=other[1],
                        name=name,
                        group=group_label(group),
                    ),
                    code="key-conflict",
                )


def _fixed_keys(group: str, own: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, str, str]]:
    """Yield the keys on a screen that do not give way: group, name, keys."""
    for where in dict.fromkeys((group, EVERYWHERE)):
        for action in ACTIONS[where]:
            if keys := own.get((where, action.name)):
                yield where, action.name, keys
            elif where == EVERYWHERE and is_function_key(action.keys):
                yield where, action.name, action.keys
