"""What a model was asked for, as the user reads it: in the history and in the log of a document."""

from __future__ import annotations

import re

from lwtui.translation import _

_TASKS = {
    "rewrite": _("rewrite"),
    "expand": _("expand"),
    "shorten": _("shorten"),
    "continue": _("continue"),
    "tone": _("tone"),
    "custom": _("custom"),
    "polish": _("polish"),
}


def task_name(task: str) -> str:
    """Return a stored task in the user's language; a task of the user's own keeps its name."""
    if found := re.fullmatch(r"(merge of )?candidate (\d+)", task):
        merged, at = found.groups()
        return _("merge of candidate {number}", number=at) if merged else _("candidate {number}", number=at)
    kind, _colon, detail = task.partition(": ")
    if kind in _TASKS:
        return _("{task}: {detail}", task=_TASKS[kind], detail=detail) if detail else _TASKS[kind]
    return task
