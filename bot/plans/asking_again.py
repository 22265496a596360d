"""Asking once more about a plan that nobody answered, or that went out of date: rehearsed anew, as a plan of its own.

Votes on the old plan say nothing about the new one. Who asks again does not become its requester: what it does and to
what is unchanged, and code made it.
"""

from __future__ import annotations

from bot import cards, standing
from bot.desk import Desk
from bot.naming import plan_number
from bot.people import NotAllowed
from bot.plans import proposing
from bot.plans.proposing import Draft
from bot.rehearsal import NotPossible, rehearse
from bot.starting import start_if_free
from bot.views import ephemeral
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from storage import audit, incidents, plans
from storage.tables import Incident, IncidentStatus, Plan, PlanStatus
from tools.values import JsonValue

AGAIN = (PlanStatus.EXPIRED, PlanStatus.STALE)
"""Ends after which the same may be asked again."""


def ask(reference: PlanReference, user_id: str, team_id: str, desk: Desk) -> Message:
    """Ask again about an expired or outdated plan. Returns what to tell who clicked."""
    person = desk.people.identify(user_id, team_id)
    if isinstance(person, NotAllowed):
        return _refuse(reference, user_id, person.reason, ephemeral.unauthorised(person.reason), desk)
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(reference.plan_id))
        incident = incidents.get(session, plan.incident_id) if plan is not None else None
        others = plans.of_incident(session, plan.incident_id) if plan is not None else []
    if plan is None or incident is None or plan.digest[:16] != reference.digest:
        return _refuse(reference, user_id, "no such plan", ephemeral.unknown_plan(), desk)
    why_not = _why_not(plan, incident, others)
    if why_not is not None:
        return _refuse(reference, user_id, why_not, ephemeral.note(why_not), desk)
    rehearsal = rehearse(plan.proposal, desk.writers)
    if isinstance(rehearsal, NotPossible):
        return ephemeral.note(f"It cannot be asked again as it is: {rehearsal.reason}. Press Look again instead.")
    decision = proposing.judge(incident, plan.proposal, rehearsal, desk)
    nobody = standing.nobody_to_ask(decision, plan.requester, desk)
    if nobody is not None:
        return ephemeral.note(f"Nobody could approve it: {nobody}")
    draft = Draft(
        incident_id=plan.incident_id,
        look=plan.look,
        proposal=plan.proposal,
        rehearsal=rehearsal,
        decision=decision,
        requester=plan.requester,
        steerers=plan.steerers,
    )
    return _write_down(plan, draft, user_id, desk)


def _write_down(old: Plan, draft: Draft, user_id: str, desk: Desk) -> Message:
    """The new plan, unless somebody else was first."""
    with desk.database.writing() as session:
        incident = incidents.get(session, old.incident_id)
        why_not = _why_not(old, incident, plans.of_incident(session, old.incident_id))
        if why_not is not None:
            return ephemeral.note(why_not)
        made = proposing.write_down(session, draft, desk)
        subject, payload = f"plan:{old.id}", {"new": made.id}
        audit.append(
            session, actor=user_id, event="plan.asked_for_again", subject=subject, payload={**payload}, at=desk.now()
        )
    if made.status == PlanStatus.APPROVED:
        start_if_free(made.id or 0, desk)
    if made.status == PlanStatus.REJECTED:
        return ephemeral.note(f"Policy does not allow it any more: {made.outcome}")
    return ephemeral.note(f"Asked again as plan {cards.plan_name(made.id)}, in the same thread.")


def _why_not(plan: Plan, incident: Incident, others: list[Plan]) -> str | None:
    """Why this plan cannot be asked again, in words for who clicked."""
    if plan.status not in AGAIN:
        return f"Plan {cards.plan_name(plan.id)} did not expire, so there is nothing to ask again."
    if plan.undoes is not None:
        return f"Press Undo… on {cards.plan_name(plan.undoes)} instead."
    if incident.status == IncidentStatus.RESOLVED:
        return "The incident is resolved: there is nothing left to fix."
    busy = [one for one in others if one.status in (*plans.OPEN, *plans.RUNNING)]
    if busy:
        return f"Plan {cards.plan_name(busy[-1].id)} of the same incident is already there; look further down."
    return None


def _refuse(reference: PlanReference, user_id: str, reason: str, told: Message, desk: Desk) -> Message:
    payload: dict[str, JsonValue] = {"reason": reason, "button": "ask again", "digest": reference.digest}
    with desk.database.writing() as session:
        subject = f"plan:{plan_number(reference.plan_id)}"
        audit.append(session, actor=user_id, event="click.refused", subject=subject, payload=payload, at=desk.now())
    return told
