"""What an approval needs besides the press of a button: a reason, and the name of what would be destroyed typed again.

Asked for before the vote, so that nobody destroys anything by an accidental tap; whether the vote counts is
`bot.approval`'s.
"""

from __future__ import annotations

from bot.desk import Desk
from bot.naming import plan_number
from bot.views.ids import PlanReference
from storage.tables import Plan
from tools.values import Value


class Wanted(Value):
    """What has to be typed. `targets` are names, each once."""

    reason: bool = False
    targets: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.reason or bool(self.targets)


def wanted(reference: PlanReference, desk: Desk) -> Wanted:
    """What an approval of this plan needs. Nothing for a plan that is not there: pressing will say so."""
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(reference.plan_id))
        if plan is None or plan.digest[:16] != reference.digest:
            return Wanted()
        judged = zip(plan.rehearsal.steps, plan.decision.facts, strict=False)
        destroyed = (step.observed.target.name for step, facts in judged if facts.destructive)
        return Wanted(reason=plan.decision.reason, targets=tuple(dict.fromkeys(destroyed)))
