"""How far the review of a plan has come, stored in the document so that an interrupted review is resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, replace
from typing import TYPE_CHECKING, Any

from lwtui.agentwrite.events import (
    PLAN_POINT_KINDS,
    Event,
    PlanPoint,
    PlanRedrafted,
    PlanReviewed,
    PlanReviewFinished,
    PlanReviewStarted,
    PlanRevised,
    PolishOutcome,
)
from lwtui.agentwrite.plan_format import format_plan
from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.section_kind import SectionKind
from lwtui.documents.stale import fingerprint

if TYPE_CHECKING:
    from lwtui.documents.store import Document

PLAN_REVIEW = "plan-review"  # the document setting that holds the progress while the review is incomplete
PLAN_REVIEW_LABEL = "Review the plan"  # in the undo history


@dataclass(frozen=True)
class PlanReviewProgress:
    """The progress of the review of a plan.

    Attributes:
        left: Ids of the parts that are left; ``None`` before the review has begun.
        digest: The fingerprint of the plan that ``points`` and ``revised`` belong to.
        points: What the review of the first part that is left has found; ``None`` before it is reviewed.
        revised: The whole plan with that part revised, if it was.
        improved: Whether an earlier part was replaced by a revised one.
    """

    left: tuple[str, ...] | None = None
    digest: str = ""
    points: tuple[PlanPoint, ...] | None = None
    revised: Plan | None = None
    improved: bool = False

    def to_json(self) -> str:
        """Serialize the progress."""
        points = None if self.points is None else [asdict(point) for point in self.points]
        revised = self.revised and [self.revised.title, *map(astuple, self.revised.sections)]
        return json.dumps(
            {
                "left": self.left,
                "digest": self.digest,
                "points": points,
                "revised": revised,
                "improved": self.improved,
            }
        )

    @classmethod
    def from_json(cls, stored: str) -> PlanReviewProgress | None:
        """Deserialize the progress; ``None`` if there is none, or if it is not what :meth:`to_json` returns."""
        try:
            values = json.loads(stored)
            if not isinstance(values, Mapping):
                return None
            left, points, revised = (values[name] for name in ("left", "points", "revised"))
            return cls(
                None if left is None else tuple(_text(one) for one in left),
                _text(values["digest"]),
                None if points is None else tuple(map(_point, points)),
                None if revised is None else Plan(_text(revised[0]), tuple(map(_section, revised[1:]))),
                values["improved"] is True,
            )
        except (ValueError, RecursionError, KeyError, TypeError, IndexError):
            return None


_STORED = (PlanReviewStarted, PlanReviewed, PlanRedrafted, PlanRevised, PlanReviewFinished)


def plan_digest(plan: Plan) -> str:
    """Return the fingerprint of a plan."""
    return fingerprint(f"{plan.title}\n{format_plan(plan)}")


def stored_plan_review(document: Document) -> PlanReviewProgress | None:
    """Return where an interrupted review has stopped; ``None`` if there is nothing to resume."""
    return PlanReviewProgress.from_json(document.setting(PLAN_REVIEW))


def store_plan_review(document: Document, event: Event) -> None:
    """Store an event of the review. Undo takes back the revisions of all parts together.

    Raises:
        DocumentError: It cannot be stored.
    """
    if not isinstance(event, _STORED):
        return
    now = stored_plan_review(document)
    match event:
        case PlanReviewStarted(part_ids):
            now = replace(now or PlanReviewProgress(), left=part_ids)
        case PlanReviewed(points=points, digest=digest) if now:
            now = replace(now, digest=digest, points=points, revised=None)
        case PlanRedrafted(plan=plan) if now:
            now = replace(now, revised=plan)
        case PlanRevised(part_id, outcome, plan, replaces):
            # The writer may have changed the plan meanwhile.
            improved = bool(now and now.improved)
            if outcome is PolishOutcome.BETTER and plan_digest(document.plan) == replaces:
                document.set_plan(plan, PLAN_REVIEW_LABEL, joined=improved)
                improved = True
            if now and now.left is not None:
                now = PlanReviewProgress(tuple(one for one in now.left if one != part_id), improved=improved)
        case PlanReviewFinished():
            now = None
    document.set_setting(PLAN_REVIEW, now.to_json() if now else "")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _point(value: Any) -> PlanPoint:
    point = PlanPoint(**value)
    steps, ids = tuple(point.steps), tuple(map(_text, point.section_ids))
    if point.kind not in PLAN_POINT_KINDS or not steps or any(type(step) is not int for step in steps):
        raise ValueError(point)
    return PlanPoint(point.kind, steps, ids, _text(point.problem), _text(point.advice))


def _section(value: Any) -> PlannedSection:
    title, main_point, words, section_id, level, *kind = value
    if type(words) is not int or type(level) is not int or words < 0 or level < 1:
        raise ValueError(value)
    return PlannedSection(
        _text(title), _text(main_point), words, _text(section_id), level, SectionKind(*kind or [SectionKind.PROSE])
    )
