"""Every action of the app, once: its keys, its footer label, its line in the palette and in help.

A screen takes its bindings from here by the name of its group; an action called ``write`` is the screen's method
``action_write``. :data:`ACTIONS` has the keys that lwtui comes with; a person's own (:mod:`lwtui.app.own_keys`) are in
what :func:`actions` gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.binding import Binding, BindingType
    from textual.dom import DOMNode


@dataclass(frozen=True)
class Action:
    """One thing a person can do. ``keys`` are Textual's names, separated by commas; the first is shown."""

    name: str
    keys: str
    label: str
    help: str
    footer: bool = True
    toolbar: bool = False


EVERYWHERE = "Everywhere"
LIBRARY = "Library"
NEW = "New document"
BRIEF = "Brief"
PLAN = "Plan"
WRITING = "Writing"
FIND = "Find and replace"
NOTES = "Notes"
SETTINGS = "Settings"

ACTIONS: dict[str, tuple[Action, ...]] = {
    EVERYWHERE: (
        Action("help", "f1", "Help", "Show what every key does, and a short guide"),
        Action("settings", "ctrl+o", "Settings", "Models, keys, the documents' folder, the theme", footer=False),
        Action("theme", "alt+t", "Theme", "Choose how lwtui looks: dark, light, high contrast, …", footer=False),
    ),
    LIBRARY: (
        Action("new", "n", "New", "Begin a new document"),
        Action("open", "enter", "Open", "Open the document under the cursor"),
        Action("find", "slash,ctrl+f", "Find", "Show only documents whose title holds some words"),
        Action("delete", "d,delete", "Delete", "Move the document to the trash; Undo brings it back"),
        Action("undo", "u,ctrl+z", "Undo", "Bring back the document deleted last", footer=False),
        Action("import", "i", "Import", "Make a document from a Markdown, text or DOCX file"),
        Action("export", "f9,x", "Export", "Save the document as Markdown, text, HTML, DOCX, EPUB or PDF"),
        Action("refresh", "ctrl+r", "Refresh", "Read the folder again", footer=False),
        Action("leave", "q", "Quit", "Leave lwtui; everything is saved"),
    ),
    NEW: (
        Action("create", "f5,ctrl+s", "Create", "Make the document, and let the model plan it (or write, in one call)"),
        Action("by_hand", "f2", "Plan by hand", "Make the document with an empty plan that you fill in"),
        Action("cancel", "escape", "Cancel", "Back to the library without a new document"),
    ),
    BRIEF: (
        Action("save", "f5,ctrl+s", "Save", "Keep what the form says; what is written from now on is written by it"),
        Action("cancel", "escape", "Cancel", "Back to the document, which stays as it was asked for"),
    ),
    PLAN: (
        Action("write", "f5", "Write", "Write every section that is not done, and watch"),
        Action("text", "f2", "Text", "To the text of the document"),
        Action("edit", "enter,e", "Edit", "Edit this section's heading, main point and target"),
        Action("add", "a,insert", "Add", "Add a section after this one", footer=False, toolbar=True),
        Action("delete", "d,delete", "Delete", "Delete this section; Undo brings it back", footer=False, toolbar=True),
        Action("split", "s", "Split", "Split this section in two", footer=False, toolbar=True),
        Action("merge", "m", "Merge", "Merge this section with the next one", footer=False, toolbar=True),
        Action("up", "shift+up,K", "↑", "Move this section up (or drag it)", footer=False, toolbar=True),
        Action("down", "shift+down,J", "↓", "Move this section down (or drag it)", footer=False, toolbar=True),
        Action("indent", "shift+right,greater_than_sign,L", "→", "Move this section into the one above", False, True),
        Action(
            "outdent", "shift+left,less_than_sign,H", "←", "Move this section out of the part it is in", False, True
        ),
        Action("fold", "space", "Fold", "Fold or unfold what is within this section (or click its mark)", footer=False),
        Action("fold_all", "z", "Fold all", "Fold all parts, or unfold them", footer=False),
        Action("less", "minus", "−", "A tenth fewer words for this section", footer=False, toolbar=True),
        Action("more", "plus,equals_sign", "+", "A tenth more words for this section", footer=False, toolbar=True),
        Action("title", "T", "Title", "Change the title of the document", footer=False),
        Action(
            "total",
            "t",
            "Total",
            "Set the length of the document and scale all targets to it",
            footer=False,
            toolbar=True,
        ),
        Action("replan", "r", "Replan", "Ask the model for another idea for this section", toolbar=True),
        Action("replan_all", "R", "Anew", "Ask the model for another plan", footer=False, toolbar=True),
        Action("break_down", "b", "Break up", "Have the model break this section into several within it", footer=False),
        Action(
            "notes", "n", "Notes", "What the model always knows: notes of yours, and the summaries of sections", False
        ),
        Action("stale", "y", "Stale", "Sections that rest on what has changed since: why, and write them anew", False),
        Action("inspect", "i", "Inspect", "Exactly what the model will see for this section, in tokens", footer=False),
        Action("undo", "u,ctrl+z", "Undo", "Take back the last change to the plan", toolbar=True),
        Action("redo", "U,ctrl+y", "Redo", "Do again what Undo took back of the plan", footer=False),
        Action("forecast", "o", "Forecast", "What the rest will take (tokens, time, cost), and a budget", footer=False),
        Action("model", "c", "Model", "Choose the model that writes this document", footer=False),
        Action("brief", "B", "Brief", "What was asked for (instruction, length, language, …), to change", False),
        Action("roles", "C", "Roles", "Other models for planning, for notes and reviews", footer=False),
        Action("stop", "f6", "Stop", "Stop the model", footer=False),
        Action("back", "escape", "Back", "From a field to the list; from the list to the library"),
    ),
    WRITING: (
        Action("write", "f5", "Write", "Write what is not done; a section that was interrupted goes on where it is"),
        Action("pause", "f5", "Pause", "Stop at once, within the sentence; Write goes on"),
        Action("stop", "f6", "Stop", "Stop writing and unload the model; all text is kept", footer=False),
        Action("plan", "f2", "Plan", "To the plan"),
        Action("switch", "f3", "Outline/Text", "Between the outline and the text", footer=False),
        Action("edit", "enter,e", "Edit", "Edit this section's text; it is saved as you type"),
        Action("regenerate", "f7,r", "Rewrite", "Have this section written anew; the old text stays in its history"),
        Action(
            "revise",
            "ctrl+l,f12",
            "Revise",
            "Have the model rewrite, expand, shorten or continue what is selected, or the paragraph at the cursor",
            footer=False,
        ),
        Action(
            "candidates",
            "v",
            "Candidates",
            "Several versions of this section to choose from, side by side: pick one, or merge in some of it",
            footer=False,
        ),
        Action(
            "review",
            "a",
            "Review",
            "What is wrong with the text, to jump to: said twice, off its length; a critic finds contradictions",
            footer=False,
        ),
        Action("forecast", "o", "Forecast", "What the rest will take (tokens, time, cost), and a budget", footer=False),
        Action("roles", "C", "Roles", "Other models for planning, for notes and reviews", footer=False),
        Action("done", "f4", "Done", "Take this interrupted section for complete", footer=False),
        Action("history", "f8,h", "History", "Every version of this section, to look at and to bring back"),
        Action("follow", "f", "Follow", "Show the section that is being written, as it grows", footer=False),
        Action("model", "c", "Model", "Choose the model that writes this document", footer=False),
        Action("brief", "B", "Brief", "What was asked for (instruction, length, language, …), to change", False),
        Action(
            "notes", "n", "Notes", "What the model always knows: notes of yours, and the summaries of sections", False
        ),
        Action("stale", "y", "Stale", "Sections that rest on what has changed since: why, and write them anew", False),
        Action("inspect", "i", "Inspect", "Exactly what the model will see for this section, in tokens", footer=False),
        Action("log", "l", "Log", "What happened: retries, cuts, trimmed context", footer=False),
        Action("export", "f9,x", "Export", "Save the document as Markdown, text, HTML, DOCX, EPUB or PDF"),
        Action(
            "save",
            "ctrl+s",
            "Save",
            "Put everything into the file now (which happens by itself twice a second)",
            footer=False,
        ),
        Action("find", "ctrl+f,slash", "Find", "Look for words in the whole document", footer=False),
        Action("replace", "ctrl+r", "Replace", "Look for words, and put others in their place", footer=False),
        Action("find_next", "ctrl+n", "Next", "To the next place of what was looked for", footer=False),
        Action("find_previous", "ctrl+b", "Previous", "To the place before", footer=False),
        Action("undo", "u,ctrl+z", "Undo", "Outline: take back the last replacement, or change of the plan", False),
        Action("go_to", "ctrl+g", "Go to", "To a heading, by some letters of it", footer=False),
        Action("external", "ctrl+t", "Editor", "Edit this section in $VISUAL or $EDITOR", footer=False),
        Action("focus_mode", "f10,z", "Focus", "Nothing but the text; Back brings the rest back", footer=False),
        Action("back", "escape", "Back", "From the text to the outline; from the outline to the library"),
    ),
    FIND: (
        Action("next", "down", "Next", "To the next place, as Enter in the first field does", footer=False),
        Action("previous", "up", "Previous", "To the place before", footer=False),
        Action("one", "ctrl+r", "One", "Replace this one and go to the next, as Enter in the second field does", False),
        Action("section", "ctrl+t", "Section", "Replace all in this section", footer=False),
        Action(
            "all",
            "ctrl+y",
            "All",
            "Replace all in the document, headings too; Undo in the outline takes it back",
            footer=False,
        ),
        Action("case", "alt+c", "Aa", "Tell capitals and small letters apart", footer=False),
        Action("word", "alt+w", "Word", "Find whole words alone", footer=False),
        Action("expression", "alt+x", ".*", "What is looked for is a regular expression", footer=False),
        Action("close", "escape", "Close", "Back to the text", footer=False),
    ),
    NOTES: (
        Action("add", "a,insert", "Add", "Add a note", toolbar=True),
        Action("edit", "enter,e", "Edit", "Edit this note, or put a summary into your own words"),
        Action(
            "delete",
            "d,delete",
            "Delete",
            "Delete this note; Undo brings it back. A summary is made anew",
            toolbar=True,
        ),
        Action(
            "up", "shift+up,K", "↑", "Move this note up: the first ones stay where there is little room", False, True
        ),
        Action("down", "shift+down,J", "↓", "Move this note down (or drag it)", footer=False, toolbar=True),
        Action("undo", "u,ctrl+z", "Undo", "Take back the last change to the notes", toolbar=True),
        Action("redo", "U,ctrl+y", "Redo", "Do again what Undo took back of the notes", footer=False),
        Action("back", "escape", "Back", "From a field to the list; from the list to where you came from"),
    ),
    SETTINGS: (
        Action(
            "add", "a", "Add API", "Add a model behind an OpenAI-compatible address, or the one found that is chosen"
        ),
        Action("add_gguf", "l", "Add GGUF", "Add a GGUF file on this machine"),
        Action("download", "n", "Get GGUF", "Download a GGUF: LongWriter's, or any other", footer=False),
        Action("edit", "enter,e", "Edit", "Change the model under the cursor; add and test one that was found"),
        Action("default", "asterisk,space", "Default", "New documents use the model under the cursor"),
        Action("test", "t", "Test", "Make a tiny call to the model under the cursor"),
        Action("look", "r,ctrl+r", "Look again", "Look for model servers on this machine", footer=False),
        Action("remove", "d,delete", "Remove", "Remove the model under the cursor from the settings"),
        Action("back", "escape", "Back", "Close the settings"),
    ),
}


_own: dict[tuple[str, str], str] = {}  # a person's own keys, by group and name


def use(own: Mapping[tuple[str, str], str]) -> None:
    """From now on these actions (by group and name) have these keys, and the others those they come with."""
    _own.clear()
    _own.update(own)


def actions(group: str) -> tuple[Action, ...]:
    """The actions of a group with the keys they have now."""
    return tuple(replace(one, keys=_own.get((group, one.name), one.keys)) for one in ACTIONS[group])


def key_of(group: str, name: str) -> str:
    """The key that an action has now, the first where it has several, as a person reads it."""
    return next(key_label(one.keys.split(",")[0]) for one in actions(group) if one.name == name)


def bindings(group: str) -> list[BindingType]:
    """The bindings of a screen.

    Function keys come before those of a field that has the focus, and so does a Ctrl or Alt key that a person chose;
    letters are for typing there.
    """
    made: list[BindingType] = []
    for action in actions(group):
        keys = action.keys.split(",")
        chosen = (group, action.name) in _own
        first = [key for key in keys if _FUNCTION_KEY.fullmatch(key) or (chosen and _HELD.match(key))]
        for some, priority in ((first, True), ([key for key in keys if key not in first], False)):
            if some:
                made.append(_binding(group, action, ",".join(some), priority))
    return made


def rebind(node: DOMNode, group: str) -> None:
    """Give ``node``, whose class has the bindings of ``group``, those that a person chose since it was defined."""
    if not _own:
        return
    from textual.binding import BindingsMap

    kept = [binding for _, binding in node._bindings if not (binding.id or "").startswith(_id(group, ""))]
    node._bindings = BindingsMap([*bindings(group), *kept])


def _id(group: str, name: str) -> str:
    return f"{group.lower().replace(' ', '-')}.{name}"


def _binding(group: str, action: Action, keys: str, priority: bool) -> Binding:
    from textual.binding import Binding

    return Binding(
        keys,
        action.name,
        action.label,
        show=action.footer,
        tooltip=action.help,
        priority=priority,
        id=_id(group, action.name),
    )


_FUNCTION_KEY = re.compile(r"f\d+")
_HELD = re.compile(r"(ctrl|alt)\+")
_KEY_NAMES = {
    "slash": "/",
    "escape": "Esc",
    "minus": "−",
    "plus": "+",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "less_than_sign": "<",
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
    """Keys as a person reads them: ``shift+up,K,ctrl+z`` becomes ``Shift+↑ K Ctrl+Z``."""
    return " ".join(_label(key) for key in keys.split(","))


def _label(key: str) -> str:
    *modifiers, last = key.split("+")
    last = _KEY_NAMES.get(last, last.capitalize() if modifiers or len(last) > 1 else last)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last])
