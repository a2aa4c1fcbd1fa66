"""Plan templates: outlines of kinds of texts, as files. Those of the user's own stand beside those of lwtui.

A template is a plan in JSON, as ``lwtui plan --json`` prints it, with a ``name`` and a ``description`` if one likes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from lwtui.agentwrite.plan_format import PlanError
from lwtui.agentwrite.plan_repair import parse_plan
from lwtui.documents.model import Brief, Plan, title_from
from lwtui.errors import UsageError
from lwtui.text import clean, one_line
from lwtui.translation import _

LANGUAGES = ("en", "zh")  # of the templates that come with lwtui
_MOST_BYTES = 2**20


@dataclass(frozen=True)
class PlanTemplate:
    """A plan template.

    Attributes:
        key: What ``--template`` takes: the name of its file without the ending.
        name: What it is called.
        description: What it is for, in a few words.
        language: The language of its headings; empty for the user's own.
        raw: The file.
    """

    key: str
    name: str
    description: str
    language: str
    raw: str

    def plan(self, instruction: str, words: int) -> Plan:
        """Return the plan for a document.

        Args:
            instruction: What to write, which gives the plan its title.
            words: The length of the document, in the counter's unit; 0 keeps the template's own.

        Raises:
            UsageError: The template is not a usable plan.
        """
        try:
            plan = parse_plan(self.raw, Brief(instruction, words), strict=True)
        except PlanError as error:
            raise UsageError(
                _("The template {key} is not usable: {finding}", key=self.key, finding=error.findings[0]),
                code="bad-plan",
            ) from None
        return Plan(title_from(instruction), plan.sections)


def plan_templates(language: str, own: Path | None = None) -> list[PlanTemplate]:
    """Return the user's own templates, those in a language, and those in English.

    A template hides later ones of the same key.

    Args:
        language: The language of the document.
        own: The folder of the user's own templates.

    Raises:
        UsageError: A template of the user's own cannot be read.
    """
    found = [_own(path) for path in sorted(own.glob("*.json"))] if own is not None else []
    short = language.split("-")[0].lower()
    for tag in dict.fromkeys((short, "en")):
        if tag in LANGUAGES:
            folder = files(__package__) / tag
            names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
            found += [_template(name, (folder / name).read_text(encoding="utf-8"), tag) for name in names]
    return list({template.key: template for template in reversed(found)}.values())[::-1]


def find_template(name: str, language: str, own: Path | None = None) -> PlanTemplate:
    """Return a template by its key, its name or the path of its file.

    Raises:
        UsageError: There is no such template, or it cannot be read.
    """
    known = plan_templates(language, own)
    wanted = name.strip().casefold()
    for template in known:
        if wanted in (template.key.casefold(), template.name.casefold()):
            return template
    if Path(name).is_file():
        return _own(Path(name))
    raise UsageError(
        _("There is no template {name!r}. Known: {known}; or give a file.", name=name, known=_keys(known)),
        code="not-found",
    )


def _keys(templates: Sequence[PlanTemplate]) -> str:
    return ", ".join(template.key for template in templates)


def _own(path: Path) -> PlanTemplate:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(_("{path} is too large to be a template.", path=path), code="too-large")
        return _template(path.name, path.read_text(encoding="utf-8-sig"), "")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            _("Cannot read the template {path}: {error}. Fix the file, or move it away.", path=path, error=error),
            code="unreadable",
        ) from None


def _template(file: str, raw: str, language: str) -> PlanTemplate:
    raw = clean(raw)
    key = file.removesuffix(".json")
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError):
        values = {}  # the plan is read as a model's answer would be, and its faults are named then
    values = values if isinstance(values, dict) else {}
    name, description = (one_line(str(values.get(field, "") or "")) for field in ("name", "description"))
    return PlanTemplate(key, name or key, description, language, raw)
