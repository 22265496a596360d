"""The Home tab: what needs this viewer, what is open, what was done lately, and how sayso's own parts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import answers, cards, health, standing
from bot.views import home as home_view
from bot.views.blocks import View
from bot.views.ids import PlanReference
from storage import incidents, plans
from storage.tables import Plan, PlanStatus

if TYPE_CHECKING:
    from bot.desk import Desk


def view(user_id: str, desk: Desk) -> View:
    """The viewer's Home. Who may not decide sees no plans to decide."""
    with desk.database.reading() as session:
        pending = [
            plan for plan in plans.in_status(session, PlanStatus.PENDING) if standing.may_decide(user_id, plan, desk)
        ]
        unresolved = incidents.listed(session, only_open=True, limit=20)
        ended = [plan for plan in plans.listed(session, limit=30) if plan.status in plans.ENDS][:5]
        home = home_view.Home(
            render=0,
            needs_you=tuple(_needed(plan) for plan in pending),
            open_incidents=tuple(answers.incident_row(incident) for incident in unresolved),
            outcomes=tuple(answers.plan_row(plan) for plan in ended),
            parts=(*health.stop_switch(desk), *health.check(desk)),
            updated_at=desk.now(),
        )
    return home_view.view(home)


def _needed(plan: Plan) -> home_view.Needed:
    reference = PlanReference(plan_id=cards.plan_name(plan.id), version=plan.version, digest=plan.digest[:16])
    return home_view.Needed(plan=answers.plan_row(plan), reference=reference)
