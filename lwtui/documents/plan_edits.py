"""What a person can do to a plan: pure functions from a plan to a plan."""

from __future__ import annotations

from lwtui.documents.model import Plan, PlannedSection


def insert(plan: Plan, at: int, section: PlannedSection) -> Plan:
    """The plan with ``section`` at position ``at`` (from 0)."""
    raise NotImplementedError


def remove(plan: Plan, section_id: str) -> Plan:
    raise NotImplementedError


def move(plan: Plan, section_id: str, by: int) -> Plan:
    """The section ``by`` places further down (negative: up); at the ends it stays."""
    raise NotImplementedError


def split(plan: Plan, section_id: str) -> tuple[Plan, str]:
    """Cut a section in two of half the target each; the plan and the id of the new second half.

    The main point is divided at a sentence or clause where it has one.
    """
    raise NotImplementedError


def merge(plan: Plan, section_id: str) -> Plan:
    """Join a section with the one after it: main points and targets add up. ``ValueError`` for the last one."""
    raise NotImplementedError


def rescale(plan: Plan, words: int) -> Plan:
    """All targets scaled in proportion so that they sum to ``words``."""
    raise NotImplementedError
