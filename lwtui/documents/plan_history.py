"""Storage of the plan and of its undo history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass
from time import time

from lwtui.documents import section_rows
from lwtui.documents.contents import Contents, StoredSection
from lwtui.documents.database import checked_contents
from lwtui.documents.model import Plan, PlannedSection, Status
from lwtui.documents.outline import normalize_levels
from lwtui.documents.section_kind import SectionKind
from lwtui.errors import DocumentError
from lwtui.text import clean, one_line
from lwtui.translation import _

_MAX_STEPS = 500  # undo steps of the plan

TextState = tuple[str, int | None, Status]  # a section id, the revision that holds its text, and its status


@dataclass(frozen=True)
class PlanStep:
    """A step of the undo history.

    Attributes:
        id: The row.
        label: Describes the change, as in "Delete “Soil”".
        plan: The plan before the change.
        texts: The texts that the change replaced.
    """

    id: int
    label: str
    plan: Plan
    texts: tuple[TextState, ...]


def put_plan(db: sqlite3.Connection, plan: Plan) -> None:
    """Store ``plan`` as the current plan. Sections that are not in it keep their rows."""
    db.execute("UPDATE document SET title = ?", (plan.title,))
    db.execute("UPDATE section SET position = NULL")
    db.executemany(
        "INSERT INTO section (id, position, title, main_point, words, level, kind, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET position = excluded.position, title = excluded.title,"
        " main_point = excluded.main_point, words = excluded.words, level = excluded.level,"
        " kind = excluded.kind",
        (
            (s.id, position, s.title, s.main_point, s.words, s.level, s.kind, Status.EMPTY)
            for position, s in enumerate(plan.sections)
        ),
    )


def checked_plan(plan: Plan) -> Plan:
    """Return the plan with clean text, one-line titles and valid levels.

    Raises:
        DocumentError: The plan contains a section twice.
    """
    ids = [section.id for section in plan.sections]
    if len(set(ids)) < len(ids):
        raise DocumentError(
            _("The plan contains a section twice. Undo the last change to it."), code="duplicate-section"
        )
    sections = (
        PlannedSection(one_line(s.title), clean(s.main_point), max(0, s.words), s.id, s.level, s.kind)
        for s in plan.sections
    )
    return normalize_levels(Plan(one_line(plan.title), tuple(sections)))


def _to_json(plan: Plan) -> str:
    """Serialize a plan with its section ids."""
    sections = [[s.id, s.title, s.main_point, s.words, s.level, s.kind] for s in plan.sections]
    return json.dumps([plan.title, sections], ensure_ascii=False)


def _from_json(stored: str) -> Plan:
    """Deserialize a plan. Older documents store no levels or kinds: their plans are flat, and of prose."""
    title, sections = json.loads(stored)
    return Plan(title, tuple(_section_of(*row) for row in sections))


def _section_of(
    section_id: str, title: str, point: str, words: int, level: int = 1, kind: str = SectionKind.PROSE
) -> PlannedSection:
    return PlannedSection(title, point, words, section_id, level, SectionKind(kind))


def push_step(db: sqlite3.Connection, label: str, plan: Plan, texts: Sequence[TextState]) -> None:
    """Push an undo step: the plan and the texts that the change called ``label`` replaces."""
    before = json.dumps([_to_json(plan), texts], ensure_ascii=False)
    db.execute("INSERT INTO plan_step (created, label, before) VALUES (?, ?, ?)", (time(), label, before))
    db.execute("DELETE FROM plan_step WHERE id <= (SELECT max(id) FROM plan_step) - ?", (_MAX_STEPS,))


def last_label(db: sqlite3.Connection) -> str | None:
    """Return the label of the last step, or ``None`` if there is none."""
    row = db.execute("SELECT label FROM plan_step ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])


def last_step(db: sqlite3.Connection, known: Container[str]) -> PlanStep | None:
    """Return the last step, or ``None`` if there is none. ``known`` has the ids of the document's sections.

    Raises:
        sqlite3.Error: It cannot be read, or holds contents that no version of lwtui would have written.
    """
    row = db.execute("SELECT id, label, before FROM plan_step ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    step_id, label, before = row
    with checked_contents():
        stored, texts = json.loads(before)
        plan = checked_plan(_from_json(stored))
        states = tuple((section_id, revision, Status(status)) for section_id, revision, status in texts)
    if not all(isinstance(section.id, str) for section in plan.sections) or not all(
        id in known for id, _text, _origin in states
    ):
        raise sqlite3.DatabaseError(_("unexpected contents in the history of its plan"))
    return PlanStep(step_id, str(label), plan, states)


def apply_step(db: sqlite3.Connection, step: PlanStep, now: Contents) -> dict[str, StoredSection]:
    """Store the plan and the texts of ``step`` as the current ones, and return all sections as they are then."""
    put_plan(db, step.plan)
    sections = now.sections_under(step.plan)
    for section_id, revision, status in step.texts:
        if revision != sections[section_id].revision:
            sections[section_id] = section_rows.restore_revision(db, sections[section_id], revision, status)
    return sections


def delete_step(db: sqlite3.Connection, step: PlanStep) -> None:
    """Delete a step from the history."""
    db.execute("DELETE FROM plan_step WHERE id = ?", (step.id,))
