"""Every action of the app: its keys, its footer label, and its line in the palette and in help.

A screen takes its bindings from here by the name of its group; the action ``write`` calls the screen's method
``action_write``. :data:`ACTIONS` holds the default keys. :func:`actions` replaces them with the user's own keys
(:mod:`lwtui.app.own_keys`), and :func:`keymap` hands those to Textual.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lwtui.translation import _ as translate

if TYPE_CHECKING:
    from textual.binding import BindingType


def _(text: str) -> str:
    """Mark a text for translation. It stays English here, and is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Action:
    """Something the user can do on a screen.

    Attributes:
        name: The screen's method is ``action_{name}``.
        keys: Textual's key names, separated by commas; the footer shows the first.
        english_label: The words in the footer, the palette and help, in English.
        english_help: What the action does, in one sentence, in English.
        footer: Whether the footer shows the action.
        toolbar: Whether the screen's toolbar has a button for it.
    """

    name: str
    keys: str
    english_label: str
    english_help: str
    footer: bool = True
    toolbar: bool = False

    @property
    def label(self) -> str:
        """The words in the footer, the palette and help, in the user's language."""
        return translate(self.english_label)

    @property
    def help(self) -> str:
        """What the action does, in the user's language."""
        return translate(self.english_help)


# The names of the groups, in English: the settings use them too.
EVERYWHERE = _("Everywhere")
LIBRARY = _("Library")
NEW = _("New document")
BRIEF = _("Brief")
PLAN = _("Plan")
WRITING = _("Writing")
FIND = _("Find and replace")
NOTES = _("Notes")
FACTS_SCREEN = _("Facts")
SOURCES_SCREEN = _("Sources")
SETTINGS = _("Settings")
MODELS = _("Choose a model")

# Actions of the plan's screen and of the text's.
_SHOW_NOTES = Action(
    "notes",
    "n",
    _("Notes"),
    _("Your notes and the summaries of sections, which are part of the prompts"),
    False,
)
_SHOW_FACTS = Action(
    "facts", "F", _("Facts"), _("What the text says of people, places and things, for later sections"), False
)
_SHOW_SOURCES = Action(
    "sources", "S", _("Sources"), _("What the document is written from, and cites: files and addresses"), False
)
_SHOW_STALE = Action(
    "stale",
    "y",
    _("Stale"),
    _("Show sections based on something that has changed since, and rewrite them"),
    False,
)
_INSPECT = Action("inspect", "i", _("Inspect"), _("Show the prompt for this section and its tokens"), footer=False)
_FORECAST = Action(
    "forecast",
    "o",
    _("Forecast"),
    _("Forecast tokens, time and cost of the rest, and set a budget"),
    footer=False,
)
_CHOOSE_MODEL = Action("model", "c", _("Model"), _("Choose the model that writes this document"), footer=False)
_CHANGE_BRIEF = Action(
    "brief", "B", _("Brief"), _("View and change the brief: instruction, length, language, …"), False
)
_CHOOSE_ROLES = Action(
    "roles", "C", _("Roles"), _("Choose other models for planning, for notes and reviews"), footer=False
)

ACTIONS: dict[str, tuple[Action, ...]] = {
    EVERYWHERE: (
        Action("help", "f1", _("Help"), _("Show what every key does, and a short guide")),
        Action(
            "settings", "ctrl+o", _("Settings"), _("Models, keys, the folder for documents, the theme"), footer=False
        ),
        Action("theme", "alt+t", _("Theme"), _("Choose the theme: dark, light, high contrast, …"), footer=False),
        Action(
            "diary", "alt+d", _("Words"), _("Show the words of each day as a chart, and set a daily goal"), footer=False
        ),
    ),
    LIBRARY: (
        Action("new", "n", _("New"), _("Create a document")),
        Action("open", "enter", _("Open"), _("Open the document under the cursor")),
        Action("find", "slash,ctrl+f", _("Find"), _("Show only documents whose title contains some words")),
        Action("delete", "d,delete", _("Delete"), _("Move the document to the trash; Undo restores it")),
        Action("undo", "u,ctrl+z", _("Undo"), _("Restore the document deleted last"), footer=False),
        Action("import", "i", _("Import"), _("Create a document from a file or folder of another program")),
        Action(
            "export", "f9,x", _("Export"), _("Save the document as Markdown, text, HTML, DOCX, ODT, EPUB, PDF or LaTeX")
        ),
        Action("compare", "C", _("Compare"), _("Show what differs between this document and another"), footer=False),
        Action("backups", "b", _("Backups"), _("Restore this document as it was on a day, as a new one"), footer=False),
        Action("refresh", "ctrl+r", _("Refresh"), _("Read the folder again"), footer=False),
        Action(
            "models",
            "m",
            _("Model"),
            _("Choose what writes: a model here, a service, or one to download"),
            footer=False,
        ),
        Action("leave", "q", _("Quit"), _("Quit lwtui; everything is saved")),
    ),
    NEW: (
        Action(
            "create",
            "f5,ctrl+s",
            _("Create"),
            _("Create the document and have the model plan it (or write it in one call)"),
        ),
        Action("by_hand", "f2", _("Plan by hand"), _("Create the document with an empty plan that you fill in")),
        Action("cancel", "escape", _("Cancel"), _("Go back to the library without a new document")),
    ),
    BRIEF: (
        Action("save", "f5,ctrl+s", _("Save"), _("Save the brief; the model follows it from now on")),
        Action("cancel", "escape", _("Cancel"), _("Go back to the document without changing the brief")),
    ),
    PLAN: (
        Action("write", "f5", _("Write"), _("Write every section that is not done, and watch")),
        Action("text", "f2", _("Text"), _("Go to the text of the document")),
        Action("edit", "enter,e", _("Edit"), _("Edit this section's heading, main point, target and kind")),
        Action("add", "a,insert", _("Add"), _("Add a section after this one"), footer=False, toolbar=True),
        Action(
            "delete", "d,delete", _("Delete"), _("Delete this section; Undo restores it"), footer=False, toolbar=True
        ),
        Action("split", "s", _("Split"), _("Split this section in two"), footer=False, toolbar=True),
        Action("merge", "m", _("Merge"), _("Merge this section with the next one"), footer=False, toolbar=True),
        Action("up", "shift+up,K", "↑", _("Move this section up (or drag it)"), footer=False, toolbar=True),
        Action("down", "shift+down,J", "↓", _("Move this section down (or drag it)"), footer=False, toolbar=True),
        Action(
            "indent", "shift+right,greater_than_sign,L", "→", _("Move this section into the one above"), False, True
        ),
        Action("outdent", "shift+left,less_than_sign,H", "←", _("Move this section out of its part"), False, True),
        Action(
            "fold",
            "space",
            _("Fold"),
            _("Fold or unfold the sections inside this one (or click its mark)"),
            footer=False,
        ),
        Action("fold_all", "z", _("Fold all"), _("Fold or unfold all parts"), footer=False),
        Action("less", "minus", "−", _("Make this section's target a tenth shorter"), footer=False, toolbar=True),
        Action(
            "more", "plus,equals_sign", "+", _("Make this section's target a tenth longer"), footer=False, toolbar=True
        ),
        Action("title", "T", _("Title"), _("Change the title of the document"), footer=False),
        Action(
            "kind",
            "x",
            _("Kind"),
            _("Change this section's kind: prose, list, table, code, formulas"),
            footer=False,
        ),
        Action(
            "total",
            "t",
            _("Total"),
            _("Set the length of the document, and scale all targets to it"),
            footer=False,
            toolbar=True,
        ),
        Action(
            "template",
            "p",
            _("Template"),
            _("Start from a plan template: a report, a thesis, a story, …"),
            footer=False,
        ),
        Action("replan", "r", _("Replan"), _("Have the model plan this section anew"), toolbar=True),
        Action("replan_all", "R", _("New plan"), _("Have the model make another plan"), footer=False, toolbar=True),
        Action(
            "break_down",
            "b",
            _("Break up"),
            _("Have the model break this section up into several within it"),
            footer=False,
        ),
        Action(
            "review_plan",
            "v",
            _("Review plan"),
            _("Have the plan reviewed and revised before anything is written, and keep the better plan"),
            footer=False,
        ),
        Action(
            "log",
            "l",
            _("Log"),
            _("Show what happened: retries, and what a review of the plan has found"),
            footer=False,
        ),
        _SHOW_NOTES,
        _SHOW_FACTS,
        _SHOW_SOURCES,
        _SHOW_STALE,
        _INSPECT,
        Action("undo", "u,ctrl+z", _("Undo"), _("Undo the last change to the plan"), toolbar=True),
        Action("redo", "U,ctrl+y", _("Redo"), _("Redo the change to the plan undone last"), footer=False),
        _FORECAST,
        _CHOOSE_MODEL,
        _CHANGE_BRIEF,
        _CHOOSE_ROLES,
        Action("stop", "f6", _("Stop"), _("Stop the model"), footer=False),
        Action("back", "escape", _("Back"), _("Go from a field to the list; from the list to the library")),
    ),
    WRITING: (
        Action(
            "write",
            "f5",
            _("Write"),
            _("Write the sections that are not done; an interrupted one is continued, a short one written again"),
        ),
        Action("pause", "f5", _("Pause"), _("Stop at once, even within a sentence; Write resumes")),
        Action("stop", "f6", _("Stop"), _("Stop writing and unload the model; all text is kept"), footer=False),
        Action("plan", "f2", _("Plan"), _("Go to the plan")),
        Action("switch", "f3", _("Outline/Text"), _("Switch between the outline and the text"), footer=False),
        Action("edit", "enter,e", _("Edit"), _("Edit this section's text; it is saved as you type")),
        Action(
            "regenerate",
            "f7,r",
            _("Rewrite"),
            _("Have the model rewrite this section; the old text stays in its history"),
        ),
        Action(
            "revise",
            "ctrl+l,f12",
            _("Revise"),
            _("Have the model rewrite, expand, shorten or continue the selection or the paragraph at the cursor"),
            footer=False,
        ),
        Action(
            "candidates",
            "v",
            _("Candidates"),
            _("Have the model write several versions of this section; pick one, or merge some of its changes"),
            footer=False,
        ),
        Action(
            "polish",
            "p",
            _("Polish"),
            _("Have this section reviewed and rewritten, and keep the better text"),
            footer=False,
        ),
        Action(
            "polish_all",
            "P",
            _("Polish all"),
            _("Polish the document: its criteria, the number of passes, and what it takes"),
            footer=False,
        ),
        Action(
            "review",
            "a",
            _("Review"),
            _("List problems to jump to: repetitions, wrong lengths; a critic model finds contradictions"),
            footer=False,
        ),
        _FORECAST,
        _CHOOSE_ROLES,
        Action("done", "f4", _("Done"), _("Mark this interrupted or short section as done"), footer=False),
        Action("history", "f8,h", _("History"), _("Show every version of this section, compare and restore them")),
        Action("follow", "f", _("Follow"), _("Follow the section that is being written"), footer=False),
        _CHOOSE_MODEL,
        _CHANGE_BRIEF,
        _SHOW_NOTES,
        _SHOW_FACTS,
        _SHOW_SOURCES,
        Action(
            "passage",
            "ctrl+right_square_bracket",
            _("Passage"),
            _("Show the passage of the source behind the citation at the cursor"),
            footer=False,
        ),
        _SHOW_STALE,
        _INSPECT,
        Action(
            "read",
            "m,alt+v",
            _("Read"),
            _("Lay this section out: tables, code, formulas, footnotes"),
            footer=False,
        ),
        Action("log", "l", _("Log"), _("Show what happened: retries, removed text, trimmed context"), footer=False),
        Action(
            "export", "f9,x", _("Export"), _("Save the document as Markdown, text, HTML, DOCX, ODT, EPUB, PDF or LaTeX")
        ),
        Action(
            "save",
            "ctrl+s",
            _("Save"),
            _("Save everything to the file now (it also happens automatically, twice a second)"),
            footer=False,
        ),
        Action("find", "ctrl+f,slash", _("Find"), _("Find text in the whole document"), footer=False),
        Action("replace", "ctrl+r", _("Replace"), _("Find and replace text"), footer=False),
        Action("find_next", "ctrl+n", _("Next"), _("Go to the next match"), footer=False),
        Action("find_previous", "ctrl+b", _("Previous"), _("Go to the previous match"), footer=False),
        Action(
            "undo", "u,ctrl+z", _("Undo"), _("In the outline: undo the last replacement or change to the plan"), False
        ),
        Action("go_to", "ctrl+g", _("Go to"), _("Go to a heading by some of its letters"), footer=False),
        Action("external", "ctrl+t", _("Editor"), _("Edit this section in $VISUAL or $EDITOR"), footer=False),
        Action("focus_mode", "f10,z", _("Focus"), _("Show only the text; Back shows everything again"), footer=False),
        Action("back", "escape", _("Back"), _("Go from the text to the outline; from the outline to the library")),
    ),
    FIND: (
        Action("next", "down", _("Next"), _("Go to the next match, as Enter in the first field does"), footer=False),
        Action("previous", "up", _("Previous"), _("Go to the previous match"), footer=False),
        Action(
            "one",
            "ctrl+r",
            _("One"),
            _("Replace this match and go to the next, as Enter in the second field does"),
            False,
        ),
        Action("section", "ctrl+t", _("Section"), _("Replace all matches in this section"), footer=False),
        Action(
            "all",
            "ctrl+y",
            _("All"),
            _("Replace all matches in the document, also in headings; Undo in the outline undoes it"),
            footer=False,
        ),
        Action("case", "alt+c", "Aa", _("Match upper and lower case"), footer=False),
        Action("word", "alt+w", _("Word"), _("Match whole words only"), footer=False),
        Action("expression", "alt+x", ".*", _("Use a regular expression"), footer=False),
        Action("close", "escape", _("Close"), _("Go back to the text")),
    ),
    NOTES: (
        Action("add", "a,insert", _("Add"), _("Add a note"), toolbar=True),
        Action("edit", "enter,e", _("Edit"), _("Edit this note, or rewrite a summary in your own words")),
        Action(
            "delete",
            "d,delete",
            _("Delete"),
            _("Delete this note; Undo restores it. A deleted summary is written again when needed"),
            toolbar=True,
        ),
        Action("up", "shift+up,K", "↑", _("Move this note up; the model sees the notes in this order"), False, True),
        Action("down", "shift+down,J", "↓", _("Move this note down (or drag it)"), footer=False, toolbar=True),
        Action("voice", "v", _("Voice"), _("Make a note of the voice of a sample text, which you name"), footer=False),
        Action("undo", "u,ctrl+z", _("Undo"), _("Undo the last change to the notes"), toolbar=True),
        Action("redo", "U,ctrl+y", _("Redo"), _("Redo the change to the notes undone last"), footer=False),
        Action("back", "escape", _("Back"), _("Go from a field to the list; from the list to the previous screen")),
    ),
    FACTS_SCREEN: (
        Action("note", "n", _("Note facts"), _("Have the model note the facts of finished sections"), toolbar=True),
        Action("edit", "enter,e", _("Edit"), _("Edit this fact; no model changes it then")),
        Action("add", "a,insert", _("Add"), _("Add a fact"), footer=False, toolbar=True),
        Action(
            "pin", "p,space", _("Pin"), _("Show this fact to every later section, or where it matters"), toolbar=True
        ),
        Action("kind", "c", _("Kind"), _("Choose the kind of this fact"), footer=False, toolbar=True),
        Action("merge", "m", _("Merge"), _("Merge the next fact into this one"), footer=False, toolbar=True),
        Action("delete", "d,delete", _("Remove"), _("Remove this fact; it is not noted again"), toolbar=True),
        Action("undo", "u,ctrl+z", _("Undo"), _("Bring back the fact removed last"), footer=False, toolbar=True),
        Action("sort", "s", _("Sort"), _("List the facts by kind, by section, or by date as a timeline")),
        Action(
            "switch", "t", _("While writing"), _("Note facts while the text is written, or when asked"), footer=False
        ),
        Action("stop", "f6", _("Stop"), _("Stop the model"), footer=False),
        Action("back", "escape", _("Back"), _("Go back to the document")),
    ),
    SOURCES_SCREEN: (
        Action("add", "a,insert", _("Add"), _("Add a file, a folder, an address or a bibliography"), toolbar=True),
        Action("research", "r", _("Research"), _("Search for pages with your search tool, and add some"), toolbar=True),
        Action("look", "enter,l", _("Passages"), _("Show the passages of this source")),
        Action("search", "slash,ctrl+f", _("Search"), _("Search the passages of all sources"), toolbar=True),
        Action(
            "pin",
            "p,space",
            _("Pin"),
            _("Have this source serve the section in view first, or no longer"),
            toolbar=True,
        ),
        Action("remove", "d,delete", _("Remove"), _("Remove this source from the document"), toolbar=True),
        Action("stop", "f6", _("Stop"), _("Stop reading; what was added stays"), footer=False),
        Action("back", "escape", _("Back"), _("Go back to the document")),
    ),
    SETTINGS: (
        Action(
            "add",
            "a",
            _("Add API"),
            _("Add a model behind an OpenAI-compatible endpoint, or the found one under the cursor"),
        ),
        Action("add_gguf", "l", _("Add GGUF"), _("Add a GGUF file on this machine")),
        Action("download", "n", _("Get GGUF"), _("Download a GGUF: LongWriter's or any other"), footer=False),
        Action("edit", "enter,e", _("Edit"), _("Edit the model under the cursor, or add and test a found one")),
        Action("default", "asterisk,space", _("Default"), _("Have the model under the cursor write new documents")),
        Action("test", "t", _("Test"), _("Make a tiny call to the model under the cursor")),
        Action("look", "r,ctrl+r", _("Search again"), _("Search for model servers on this machine"), footer=False),
        Action("remove", "d,delete", _("Remove"), _("Remove the model under the cursor from the settings")),
        Action("back", "escape", _("Back"), _("Close the settings")),
    ),
    MODELS: (
        Action(
            "take",
            "enter",
            _("Take"),
            _("Have the model under the cursor write; download or set it up first if needed"),
        ),
        Action("look", "r,ctrl+r", _("Search again"), _("Search for model servers on this machine")),
        Action("stop", "s", _("Stop download"), _("Stop the download; what has arrived is kept for the next time")),
        Action("later", "escape", _("Later"), _("Go to the library without choosing")),
        Action("leave", "q", _("Quit"), _("Quit lwtui; nothing is chosen")),
    ),
}


NO_KEY = "no_key"  # no terminal sends this key
_FUNCTION_KEY = re.compile(r"f\d+")
_CHORD = re.compile(r"(ctrl|alt)\+")

_own: dict[tuple[str, str], str] = {}  # the user's own keys, by group and action


def use(own: Mapping[tuple[str, str], str]) -> None:
    """Replace the default keys of some actions, and restore those of all others.

    Args:
        own: The keys by group and action name, in Textual's names.
    """
    _own.clear()
    _own.update(own)


def group_label(group: str) -> str:
    """Return the name of a group in the user's language."""
    return translate(group)


def actions(group: str) -> tuple[Action, ...]:
    """Return the actions of a group with their current keys.

    A key that the user gave to an action is no longer a default key of another. An action that loses its last key so
    has :data:`NO_KEY`: the palette runs it.
    """
    own = [(name, set(keys.split(","))) for (where, name), keys in _own.items() if where in (group, EVERYWHERE)]

    def left(action: Action) -> str:
        taken = set().union(*(keys for name, keys in own if not may_share(action.name, name)))
        return ",".join(key for key in action.keys.split(",") if key not in taken) or NO_KEY

    return tuple(replace(action, keys=_own.get((group, action.name)) or left(action)) for action in ACTIONS[group])


def may_share(one: str, other: str) -> bool:
    """Return whether two actions of a screen may have the same key, because only one of them can be used at a time."""
    return {one, other} == {"write", "pause"}


def key_of(group: str, name: str) -> str:
    """Return the label of an action's current key, the first if it has several."""
    return next(key_label(action.keys.split(",")[0]) for action in actions(group) if action.name == name)


def bindings(group: str) -> list[BindingType]:
    """Return the default bindings of a screen: two for each action, with priority over the focused field or without.

    Each binding also has :data:`NO_KEY`. Textual drops the letters that a focused field takes as text before it
    applies the keymap; a binding that had only letters would be gone, and could not get another key.
    """
    from textual.binding import Binding

    result: list[BindingType] = []
    for action in ACTIONS[group]:
        for binding_id, keys, priority in _split_by_priority(group, action, own=False):
            result.append(
                Binding(
                    ",".join([*keys, NO_KEY]),
                    action.name,
                    action.label,
                    show=action.footer,
                    tooltip=action.help,
                    priority=priority,
                    id=binding_id,
                )
            )
    return result


def keymap() -> dict[str, str]:
    """Return the user's own keys as a keymap for :meth:`textual.app.App.set_keymap`.

    Groups are listed in full, so that their actions keep their order in the footer and two actions may share or
    exchange a key.
    """
    result: dict[str, str] = {}
    for group in ACTIONS if _own else ():
        for action in actions(group):
            for binding_id, keys, _priority in _split_by_priority(group, action, own=(group, action.name) in _own):
                result[binding_id] = ",".join(keys) or NO_KEY
    return result


def _split_by_priority(group: str, action: Action, *, own: bool) -> list[tuple[str, list[str], bool]]:
    """Split an action's keys between its two bindings: id, keys, whether the binding has priority.

    Function keys have priority over the focused field, and so do the Ctrl and Alt keys that the user chose. A field
    keeps the default Ctrl and Alt keys that it knows, and all letters.
    """
    keys = action.keys.split(",")
    first = [key for key in keys if is_function_key(key) or (own and _CHORD.match(key))]
    rest = [key for key in keys if key not in first]
    binding_id = f"{group.lower().replace(' ', '-')}.{action.name}"
    return [(f"{binding_id}.priority", first, True), (binding_id, rest, False)]


def is_function_key(key: str) -> bool:
    """Return whether a key is a function key, such as F5."""
    return bool(_FUNCTION_KEY.fullmatch(key))


_KEY_NAMES = {
    NO_KEY: "Ctrl+P",
    "slash": "/",
    "escape": "Esc",
    "minus": "−",
    "plus": "+",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "right_square_bracket": "]",
    "asterisk": "*",
    "enter": "Enter",
    "delete": "Del",
    "insert": "Ins",
    "space": "Space",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def key_label(keys: str) -> str:
    """Return keys as help shows them: ``shift+up,K,ctrl+z`` becomes ``Shift+↑ K Ctrl+Z``.

    For an action without a key, this is the palette's key.
    """
    return " ".join(_label(key) for key in keys.split(","))


def _label(key: str) -> str:
    *modifiers, last = key.split("+")
    last = _KEY_NAMES.get(last, last.capitalize() if modifiers or len(last) > 1 else last)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last])
