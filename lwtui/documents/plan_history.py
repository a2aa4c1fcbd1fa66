"""The plan in its rows, and the steps by which it was changed, which can be taken back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass
from time import time

from lwtui.documents import section_rows
from lwtui.documents.contents import Contents, Kept
from lwtui.documents.database import as_lwtui_writes
from lwtui.documents.model import Plan, PlannedSection, Status
from lwtui.documents.outline import levelled
from lwtui.errors import DocumentError
from lwtui.text import clean, one_line

_STEPS = 500  # how many changes of the plan can be taken back

State = tuple[str, int | None, Status]  # a section, the revision that holds its text, how far it is


@dataclass(frozen=True)
class Step:
    """A change of the plan: what it was called, and the plan and the texts that it replaced."""

    id: int
    label: str
    plan: Plan
    texts: tuple[State, ...]


def put_plan(db: sqlite3.Connection, plan: Plan) -> None:
    """Store ``plan`` as the present one; sections that are not in it keep their section_rows."""
    db.execute("UPDATE document SET title = ?", (plan.title,))
    db.execute("UPDATE section SET position = NULL")
    db.executemany(
        "INSERT INTO section (id, position, title, main_point, words, level, status) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET position = excluded.position, title = excluded.title,"
        " main_point = excluded.main_point, words = excluded.words, level = excluded.level",
        (
            (one.id, position, one.title, one.main_point, one.words, one.level, Status.EMPTY)
            for position, one in enumerate(plan.sections)
        ),
    )


def checked_plan(plan: Plan) -> Plan:
    """The plan with safe, one-line titles and levels without gaps.

    Raises :class:`DocumentError` if it names a section twice.
    """
    ids = [section.id for section in plan.sections]
    if len(set(ids)) < len(ids):
        raise DocumentError("The plan names a section twice. Undo the last change to it.")
    sections = (
        PlannedSection(one_line(one.title), clean(one.main_point), max(0, one.words), one.id, one.level)
        for one in plan.sections
    )
    return levelled(Plan(one_line(plan.title), tuple(sections)))


def _to_row(plan: Plan) -> str:
    """A plan with its ids, for the history of plans."""
    sections = [[s.id, s.title, s.main_point, s.words, s.level] for s in plan.sections]
    return json.dumps([plan.title, sections], ensure_ascii=False)


def _from_row(stored: str) -> Plan:
    """The plan of a step. One from before plans had levels has none, and so is flat."""
    title, sections = json.loads(stored)
    return Plan(
        title,
        tuple(PlannedSection(heading, point, words, id, *level) for id, heading, point, words, *level in sections),
    )


def put_step(db: sqlite3.Connection, label: str, plan: Plan, texts: Sequence[State]) -> None:
    """Remember what a change called ``label`` replaces: the ``plan`` and what it sets the texts of."""
    before = json.dumps([_to_row(plan), texts], ensure_ascii=False)
    db.execute("INSERT INTO plan_step (created, label, before) VALUES (?, ?, ?)", (time(), label, before))
    db.execute("DELETE FROM plan_step WHERE id <= (SELECT max(id) FROM plan_step) - ?", (_STEPS,))


def last_label(db: sqlite3.Connection) -> str | None:
    """The label of the last change of the plan."""
    row = db.execute("SELECT label FROM plan_step ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])


def last_step(db: sqlite3.Connection, known: Container[str]) -> Step | None:
    """The last change of the plan; ``known`` are the sections that there are.

    Raises ``sqlite3.Error``, also for what no version of lwtui would have written.
    """
    row = db.execute("SELECT id, label, before FROM plan_step ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    id, label, before = row
    with as_lwtui_writes():
        stored, texts = json.loads(before)
        plan = checked_plan(_from_row(stored))
        kept = tuple((section_id, revision, Status(status)) for section_id, revision, status in texts)
    if not all(isinstance(one.id, str) for one in plan.sections) or not all(one in known for one, _, _ in kept):
        raise sqlite3.DatabaseError("unexpected contents in the history of its plan")
    return Step(id, str(label), plan, kept)


def put_back(db: sqlite3.Connection, step: Step, now: Contents) -> dict[str, Kept]:
    """Make the plan and the texts of ``step`` the present ones; the sections of ``now`` as they are then."""
    put_plan(db, step.plan)
    planned = now.planned(step.plan)
    for section_id, revision, status in step.texts:
        if revision != planned[section_id].revision:
            planned[section_id] = section_rows.write_old(db, planned[section_id], revision, status)
    return planned


def forget_step(db: sqlite3.Connection, step: Step) -> None:
    db.execute("DELETE FROM plan_step WHERE id = ?", (step.id,))
