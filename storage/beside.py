"""Plans beside a plan: those that want the same targets, that would do the same, or that take it back. Reads only."""

from __future__ import annotations

from collections.abc import Collection

import rfc8785
import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import plans
from storage.tables import Plan, PlanStatus


def with_targets(session: Session, resources: Collection[str], *statuses: PlanStatus) -> list[Plan]:
    """Plans in one of these statuses that would change one of these resources, oldest first."""
    # The canonical form holds the names as they are written in JSON: so the database need not give every plan.
    mentions = [col(Plan.canonical).contains(rfc8785.dumps(name).decode(), autoescape=True) for name in resources]
    found = session.exec(select(Plan).where(col(Plan.status).in_(statuses), sa.or_(*mentions)).order_by(col(Plan.id)))
    return [plan for plan in found if frozenset(resources) & plans.targets(plan)]


def alike(session: Session, plan: Plan) -> Plan | None:
    """The latest plan before this one that would have done the same to the same state of the world."""
    same = (Plan.likeness == plan.likeness, Plan.likeness != "", col(Plan.id) < plan.id)
    return session.exec(select(Plan).where(*same).order_by(col(Plan.id).desc()).limit(1)).first()


def undone_by(session: Session, plan: Plan) -> Plan | None:
    """The plan that takes this one back, or has; one that ended without doing so does not count."""
    alive = (*plans.OPEN, *plans.RUNNING, PlanStatus.SUCCEEDED, PlanStatus.NEEDS_HUMAN)
    return session.exec(select(Plan).where(Plan.undoes == plan.id, col(Plan.status).in_(alive))).first()
